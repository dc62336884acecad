"""Regression losses: block functions of (pred, target)."""

from libc.math cimport fabs
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.vecmath cimport real


# r^2. Squared in double: a float square overflows from |r| = 1.8e19 on, where the mean may still be a number.
cdef void mse(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double r, scale = params[SCALE]
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        loss[i] = (r * scale) * r
        if grad:
            grad[i] = <real>2 * (pred[i] - target[i])
        if hess:
            hess[i] = 2


# |r|, in double so that sums do not drift.
cdef void mae(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real r
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = fabs(<double>pred[i] - <double>target[i])
        r = pred[i] - target[i]
        if grad:
            grad[i] = 1 if r > 0 else (-1 if r < 0 else (0 if r == 0 else r))
        if hess:
            hess[i] = 0


# q (q/2 + excess) with q = min(|r|, delta) and excess = |r| - q: one expression for both pieces, and no square of a
# large r. (q (|r| - q/2) would be NaN at r = inf for delta = inf.) In double, as above.
cdef void huber(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double delta = params[0], scale = params[SCALE], r, a, q, excess
    cdef real g
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        a = fabs(r)
        q = delta if a > delta else a  # a NaN stays
        excess = a - delta if a > delta else 0
        loss[i] = (q * scale) * (0.5 * q + excess)
        if grad:
            g = <real>q
            grad[i] = -g if r < 0 else g
        if hess:
            hess[i] = 0 if a > delta else (1 if a <= delta else <real>a)


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "mse": kernel(mse[float], mse[double], 2, 0b1, True),
    "mae": kernel(mae[float], mae[double], 2, 0b1, False),
    "huber": kernel(huber[float], huber[double], 2, 0b1, True),
}
