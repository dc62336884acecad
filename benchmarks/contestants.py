"""Who takes part: every provider, in the order of the tables."""

import importlib.metadata

from benchmarks.peers import Jax, Sklearn, Torch, TorchChunked, TorchCompile
from benchmarks.providers import Copy, Fastloss, FastlossOut, Naive, Products, Provider, Reference

PROVIDERS: tuple[Provider, ...] = (
    FastlossOut(), Fastloss(), Reference(), Naive(), Torch(), TorchCompile(), TorchChunked(), Jax(), Sklearn(), Copy(),
    Products(),
)  # fmt: skip


def installed() -> tuple[list[Provider], list[str]]:
    """The providers that can run here, and a line for each that cannot."""
    here = [provider for provider in PROVIDERS if not provider.missing()]
    absent = [f"{p.name} (needs {' and '.join(p.missing())})" for p in PROVIDERS if p.missing()]
    return here, absent


def versions() -> dict[str, str]:
    """The version of every package that a provider here comes from."""
    names = {"sklearn": "scikit-learn"}
    packages = dict.fromkeys(package for provider in installed()[0] for package in provider.packages)
    return {names.get(p, p): importlib.metadata.version(names.get(p, p)) for p in packages}
