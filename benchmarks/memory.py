"""How far a call raises the memory of its process: what it allocates beyond what is there, whoever allocates it.

Linux keeps the peak of the resident memory of every process and resets it on request. Python's own tracemalloc would
not see what the compiled code of others allocates.
"""

import ctypes
import gc
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, CLEAR, MEMINFO = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/meminfo")


def extra_bytes(run: Callable[[], Any]) -> int | None:
    """The peak during a call above what was there before it, its result included; None where nobody keeps it. A call
    must have gone before, which leaves what stays: threads, compiled code. Some free what they had a moment after
    their call, which makes the next one look small: the larger of two counts."""
    if not sys.platform.startswith("linux"):
        return None
    found = [_extra_bytes(run) for _ in range(2)]
    return None if None in found else max(found)


def _extra_bytes(run: Callable[[], Any]) -> int | None:
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)  # what the allocator kept of earlier calls would be reused unseen
    try:
        CLEAR.write_text("5")
    except OSError:
        return None
    before = _kilobytes("VmRSS")
    result = run()
    after = _kilobytes("VmHWM")
    del result
    return 1024 * max(0, after - before)


def available() -> float:
    """Bytes that a process may still take; infinity where nobody says."""
    return 1024 * _kilobytes("MemAvailable", MEMINFO) if MEMINFO.exists() else math.inf


def _kilobytes(word: str, path: Path = STATUS) -> int:
    return int(path.read_text().split(word + ":")[1].split()[0])
