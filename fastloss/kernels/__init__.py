"""The compiled kernels: one build for each instruction set, of which the best that runs here is taken.

`FASTLOSS_ISA=baseline`, `v3` (x86-64-v3: AVX2, FMA) or `v4` (x86-64-v4: AVX-512) forces one.
"""

import importlib
import importlib.util
import os
from types import ModuleType

from fastloss.kernels import system

__all__ = ["ISA", "family", "system"]


def _choose_isa() -> str:
    supported = system.supported_isas()
    built = tuple(isa for isa in supported if importlib.util.find_spec(f"{__name__}.{isa}.pointwise") is not None)
    if not built:
        raise ImportError(f"fastloss was built for none of {', '.join(supported)}, which this processor runs")
    wanted = os.environ.get("FASTLOSS_ISA")
    if not wanted:
        return built[0]
    if wanted not in built:
        known = "does not support it" if wanted in ("baseline", "v3", "v4") else "is not one that fastloss knows"
        raise ImportError(
            f"FASTLOSS_ISA={wanted}: this processor or this build {known}; it can be {', '.join(reversed(built))}"
        )
    return wanted


ISA = _choose_isa()


def family(name: str) -> ModuleType:
    """The kernels of one family, such as "regression", in the chosen build."""
    return importlib.import_module(f"{__name__}.{ISA}.{name}")
