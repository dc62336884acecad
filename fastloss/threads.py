"""How many threads a call may use, and how to keep those of the BLAS out of the way."""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from fastloss.kernels import system


def get_num_threads() -> int:
    """The number of threads a large call made from here would use.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    return int(system.get_num_threads())


def set_num_threads(number: int) -> None:
    """Let calls use at most this many threads, in the whole process.

    Without it, OMP_NUM_THREADS or the number of processors decides; a limit set by threadpoolctl is obeyed either way.
    The number changes how fast a result comes, never its bits.

    Raises
    ------
    TypeError
        If the number is not an integer.
    ValueError
        If it is not from 1 to 4096.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    if not hasattr(number, "__index__"):
        raise TypeError(f"number must be an integer, not {type(number).__name__}")
    if not 1 <= number <= 4096:
        raise ValueError(f"number must be from 1 to 4096, not {number}")
    system.set_num_threads(number)


# What the BLAS behind NumPy may call its number of threads: OpenBLAS, in NumPy's own wheels or a system's; MKL; BLIS.
_BLAS_NAMES = [
    *((f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
      for prefix in ("scipy_", "") for suffix in ("64_", "", "_64")),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
]  # fmt: skip


def _find_blas() -> tuple[Callable[[], int], Callable[[int], object]] | None:
    """How to ask and to tell NumPy's BLAS its number of threads; None if it is one that cannot be told."""
    try:
        # a symbol is looked for in what this library needs, too: in the very BLAS that NumPy calls
        library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for ask, tell in _BLAS_NAMES:
        if hasattr(library, ask) and hasattr(library, tell):
            return getattr(library, ask), getattr(library, tell)
    return None


_blas = _find_blas()
_lock = threading.Lock()
_callers, _before = 0, 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's matrix products run in the thread that asks for them, and in no other.

    A BLAS that shares a product out cuts it in as many pieces as it has threads, and at the edges of a piece its sums
    run in another order: their last bits depend on the number. Who wants the same bits everywhere cuts the product
    himself, and shares the pieces out.
    """
    global _callers, _before
    if _blas is None:
        yield
        return
    ask, tell = _blas
    with _lock:  # the number is the process's: the first that comes lowers it, the last that leaves puts it back
        if _callers == 0:
            _before = ask()
            tell(1)
        _callers += 1
    try:
        yield
    finally:
        with _lock:
            _callers -= 1
            if _callers == 0:
                tell(_before)


def _after_fork() -> None:
    """A child has none of the threads that were in the middle of something."""
    global _lock, _callers
    _lock = threading.Lock()
    if _callers and _blas is not None:
        _blas[1](_before)
    _callers = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
