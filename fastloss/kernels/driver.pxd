"""What the drivers share: what can be asked for, bounds, chunks in threads, and the arrays that are written."""

cimport numpy as cnp
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cython.parallel cimport prange
from libc.math cimport INFINITY, nextafter, nextafterf
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc
from fastloss.kernels.system cimport bfloat16_type, raise_unfit, thread_count
from fastloss.kernels.vecmath cimport real
from fastloss.kernels.views cimport BF16, F16, F32, Kind, View, describe, meet, overlap, pieces, same_shape

cdef enum:
    VALUE = 0                    # also the numbers of fastloss/loss.py
    VALUE_AND_GRAD = 1
    GRAD_HESS = 2
    TRANSFORM = 3                # of rows, not losses: what a kernel writes as its gradient, and nothing else
    ROW_NUMBERS = 4              # ... or as its losses, in the dtype of the input

    MAX_CHUNKS = 1024            # their sums take 8 KB, whatever the size
    STREAM = 16 << 20            # bytes of output that no cache keeps

cdef extern from *:
    """
    #define FL_PRESCALE 0x1p-64
    #define FL_SMALLEST 0x1p-1022
    """
    const double PRESCALE "FL_PRESCALE"
    const double SMALLEST "FL_SMALLEST"

ctypedef struct Chunks:
    # The pieces of a call. They depend on its size alone, and their sums are added in order: so the result has the
    # same bits for any number of threads.
    Py_ssize_t size, count       # items in a chunk (the last may have fewer), chunks
    double* sums                 # one per chunk
    double* small                # the same, times PRESCALE: what is left if a sum overflows
    Py_ssize_t* unfit            # one per chunk: 1 + the place of a value that has none in the loss, or 0

# One chunk, or only the weights in it. Returns -1 if memory ran out.
ctypedef int (*Work)(const void* job, Py_ssize_t chunk, bint weigh) noexcept nogil


cdef inline int make_chunks(Chunks* chunks, Py_ssize_t items, Py_ssize_t size) except -1:
    """Cut so many items into chunks of that size."""
    chunks.size = size
    chunks.count = pieces(items, size)
    chunks.sums = <double*>calloc(chunks.count + 1, 2 * sizeof(double) + sizeof(Py_ssize_t))
    if chunks.sums == NULL:
        raise MemoryError("no memory for the sums of the chunks")
    chunks.small = chunks.sums + chunks.count
    chunks.unfit = <Py_ssize_t*>(chunks.small + chunks.count)
    return 0


cdef inline double run_chunks(const Chunks* chunks, Work work, const void* job, bint weigh) except? -1:
    """Do every chunk, in threads if that is worth it, and add up their sums in order."""
    cdef Py_ssize_t chunk
    cdef int failures = 0, threads
    cdef double total = 0
    with nogil:
        threads = thread_count(chunks.count)
        if threads == 1:
            for chunk in range(chunks.count):
                failures += work(job, chunk, weigh)
        else:
            for chunk in prange(chunks.count, schedule="dynamic", num_threads=threads):
                failures += work(job, chunk, weigh)
        for chunk in range(chunks.count):
            total += chunks.sums[chunk]
    if failures:
        raise MemoryError("no memory for the buffers of a chunk")
    for chunk in range(chunks.count):
        if chunks.unfit[chunk]:
            raise_unfit(chunks.unfit[chunk] - 1)
    return total


cdef inline double sum_of_weights(const Chunks* chunks, Work work, const void* job) except? -1:
    """The divisor of a weighted mean. One of inf would turn any finite sum into a healthy-looking 0."""
    cdef double total = run_chunks(chunks, work, job, True)
    if total == INFINITY or total == -INFINITY:
        raise OverflowError("the weights add up to more than a float64 holds: scale them down")
    if total != 0 and -SMALLEST < total < SMALLEST:
        raise OverflowError("the weights add up to so little that the mean's 1 / sum(w) overflows: scale them up")
    return total


cdef inline double mean_of(const Chunks* chunks, double total, double divisor) noexcept:
    """The mean, which may be a number where the sum overflowed."""
    cdef double small = 0
    cdef Py_ssize_t chunk
    if total != INFINITY and total != -INFINITY:
        return total / divisor
    for chunk in range(chunks.count):
        small += chunks.small[chunk]
    return small / (divisor * PRESCALE)


cdef inline bint as_integer(object number, int64_t* value) noexcept:
    """Take a Python int that fits; False for anything else."""
    cdef int overflow = 0
    if not PyLong_CheckExact(number):
        return False
    value[0] = PyLong_AsLongLongAndOverflow(number, &overflow)
    return overflow == 0


cdef inline int number_like(Kind kind) noexcept:
    """The type number of a derivative by an input: the input's own, double for integers."""
    if kind == F16:
        return cnp.NPY_FLOAT16
    if kind == BF16:
        return bfloat16_type()
    return cnp.NPY_FLOAT if kind == F32 else cnp.NPY_DOUBLE


cdef inline object output(object given, const View* like, int number, View* view, const View** read_too, int readers):
    """The array to write into: the given one, a new one, or None if the given one will not do."""
    cdef int k
    if given is None:
        given = cnp.PyArray_EMPTY(like.ndim, <cnp.npy_intp*>like.shape, number, 0)
        describe(given, view)
        return given
    if (
        not describe(given, view)
        or cnp.PyArray_TYPE(<cnp.ndarray>given) != number
        or not view.contiguous
        or not cnp.PyArray_ISWRITEABLE(<cnp.ndarray>given)
        or not same_shape(view, like)
    ):
        return None
    for k in range(readers):
        if overlap(view, read_too[k]):
            return None
    return given


cdef inline bint overwrites(list arrays, const View** read_too, int readers):
    """Whether an output lies upon an input: its lines are in cache then, and are read until they are written."""
    cdef int k
    for array in arrays:
        for k in range(readers):
            if cnp.PyArray_DATA(<cnp.ndarray>array) == read_too[k].data:
                return True
    return False


cdef inline bint streams(list arrays):
    """Whether an output is too large for the cache, so that it had better be bypassed."""
    for array in arrays:
        if cnp.PyArray_NBYTES(<cnp.ndarray>array) > STREAM:
            return True
    return False


# ---- bounds ----

ctypedef struct Bounds:
    bint bounded
    bint ends                    # whether only the two bounds will do
    double low, high


cdef inline int set_bounds(Bounds* bounds, object interval, bint single) except -1:
    """Take over a fastloss.arrays.Interval, or None; an open end becomes the next number computed with."""
    bounds.bounded = interval is not None
    if bounds.bounded:
        bounds.low, bounds.high, low_open, high_open, bounds.ends = interval
        if low_open:
            bounds.low = nextafterf(bounds.low, INFINITY) if single else nextafter(bounds.low, INFINITY)
        if high_open:
            bounds.high = nextafterf(bounds.high, -INFINITY) if single else nextafter(bounds.high, -INFINITY)
    return 0


cdef inline bint small_integers(object bounds) except -1:
    """Whether all integers within the bounds are exact in float."""
    return bounds is not None and -(2.0**24) <= bounds[0] and bounds[1] <= 2.0**24


cdef inline Py_ssize_t outside(const real* x, const double* w, Py_ssize_t n, const Bounds* bounds) noexcept nogil:
    """The first visible element outside [low, high], or that is none of its two ends if only these will do; else -1.
    NaN is not outside: it is seen in the result."""
    cdef real low = <real>bounds.low, high = <real>bounds.high
    cdef Py_ssize_t i
    cdef int found = 0
    if bounds.ends:
        for i in range(n):
            found |= (x[i] != low) & (x[i] != high) & (x[i] == x[i])
    else:
        for i in range(n):
            found |= (x[i] < low) | (x[i] > high)
    if found:
        for i in range(n):
            if (x[i] < low or x[i] > high or (bounds.ends and low < x[i] < high)) and (w == NULL or w[i] != 0):
                return i
    return -1


# ---- answers ----

cdef inline object answer(object value, list arrays, int ask):
    """A value, a value and its gradients, or gradients and second derivatives; one of a kind stands alone."""
    cdef Py_ssize_t half = len(arrays) // 2
    if ask == VALUE:
        return value
    if ask == VALUE_AND_GRAD:
        return value, arrays[0] if len(arrays) == 1 else tuple(arrays)
    if half == 1:
        return arrays[0], arrays[1]
    return tuple(arrays[:half]), tuple(arrays[half:])
