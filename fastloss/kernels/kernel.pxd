"""What a pointwise loss is to the driver: one function over a block, for float and for double.

A block function reads n elements of each input and writes their losses (in double, so that sums and means neither
drift nor overflow) and, where the pointer is not NULL, gradient and second derivative. It knows nothing of weights,
reductions, dtypes, layouts or threads.

Literals in it are written <real>2, or kept in a variable: to C a bare 2 beside a float is the double 2.0, which widens
the whole expression and halves the speed.
"""

from cpython.pycapsule cimport PyCapsule_New

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
    int grads    # how many of them, the first ones, have a gradient
    bint scales  # whether it multiplies its losses by params[SCALE], before they overflow; if not, the driver does

cdef inline object capsule(Kernel* kernel):
    return PyCapsule_New(kernel, "fastloss.kernel", NULL)
