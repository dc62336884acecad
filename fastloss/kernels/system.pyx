"""What all instruction-set builds share: the processor's features, the thread count, and what a driver reports."""

import os

cdef extern from "system.h" nogil:
    const char* FL_COMPILER
    int FL_OPENMP
    int fl_omp_threads() noexcept
    bint fl_runs_v3() noexcept
    bint fl_runs_v4() noexcept

COMPILER = FL_COMPILER.decode()
OPENMP = bool(FL_OPENMP)

cdef int _omp_default = fl_omp_threads()
cdef int _wanted = 0
cdef bint _forked = False
cdef int _bfloat16 = -1


class UnfitError(Exception):
    """A value that has no place in the loss: its position in the input, counted flat, and which input it stands in."""

    def __init__(self, Py_ssize_t position, int which):
        super().__init__(position, which)
        self.position = position
        self.which = which


cdef int raise_unfit(Py_ssize_t place) except -1:
    """Raise for a place that a driver wrote down as position * 8 + which."""
    raise UnfitError(place // 8, place % 8)


def supported_isas():
    """The instruction sets this processor runs, best first."""
    return tuple(isa for isa, runs in (("v4", fl_runs_v4()), ("v3", fl_runs_v3()), ("baseline", True)) if runs)


cdef int thread_count(Py_ssize_t pieces) noexcept nogil:
    """How many threads may share `pieces` pieces of work, for the thread that asks."""
    cdef int omp, threads
    if _forked or pieces <= 1:
        return 1
    omp = fl_omp_threads()
    threads = _wanted if _wanted else omp
    if omp < _omp_default and omp < threads:  # threadpoolctl has set a limit
        threads = omp
    return threads if threads < pieces else <int>pieces


def get_num_threads():
    """The number of threads a large call made here would use."""
    return thread_count(2147483647)


def set_num_threads(int n):
    global _wanted
    _wanted = n


cdef int bfloat16_type() noexcept nogil:
    return _bfloat16


def set_bfloat16(int number):
    """Tell the drivers which NumPy type number ml_dtypes.bfloat16 got in this process."""
    global _bfloat16
    _bfloat16 = number


def _after_fork():
    global _forked
    _forked = True


# A forked child has no threads but its own, and GNU OpenMP would wait for the parent's for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
