"""What a pointwise loss is to the driver: one function over a block, for float and for double.

A block function reads n elements of each input and writes their losses (in double, so that sums and means neither
drift nor overflow) and, where the pointer is not NULL, gradient and second derivative. It knows nothing of weights,
reductions, dtypes, layouts or threads.

Literals in it are written <real>2, or kept in a variable: to C a bare 2 beside a float is the double 2.0, which widens
the whole expression and halves the speed.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdlib cimport free, malloc

cdef extern from *:
    """
    #ifdef __GNUC__ /* the loop of a block that calls an inline function, instead of taking it in, does not vectorise */
    #undef CYTHON_INLINE
    #define CYTHON_INLINE inline __attribute__((always_inline))
    #endif
    """

ctypedef void (*BlockF32)(
    float** inputs, double* loss, float** grad, float** hess, Py_ssize_t n, const double* params
) noexcept nogil
ctypedef void (*BlockF64)(
    double** inputs, double* loss, double** grad, double** hess, Py_ssize_t n, const double* params
) noexcept nogil

cdef enum:
    MAX_PARAMS = 8
    SCALE = 7    # the place in params of a power of two, 1 unless a sum has overflowed (see Kernel.scales)

ctypedef struct Kernel:
    BlockF32 f32
    BlockF64 f64
    int inputs   # how many arrays it reads
    int grads    # bit k is set if input k has a gradient: grad[k] and hess[k] belong to it, the others are NULL
    bint scales  # whether it multiplies its losses by params[SCALE], before they overflow; if not, the driver does


cdef inline void release(object capsule) noexcept:
    free(PyCapsule_GetPointer(capsule, "fastloss.kernel"))


cdef inline object kernel(BlockF32 f32, BlockF64 f64, int inputs, int grads, bint scales):
    """What a family's KERNELS hold for each loss."""
    cdef Kernel* made = <Kernel*>malloc(sizeof(Kernel))
    if made == NULL:
        raise MemoryError
    made[0] = Kernel(f32, f64, inputs, grads, scales)
    return PyCapsule_New(made, "fastloss.kernel", release)
