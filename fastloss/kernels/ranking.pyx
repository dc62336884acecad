"""Ranking losses: block functions of a pair's scores."""

from libc.math cimport fabs
from fastloss.kernels.kernel cimport kernel
from fastloss.kernels.scores cimport DOWN, UP, cost, curvature, decay, difference, multiple, push
from fastloss.kernels.vecmath cimport expm1_wide, real


# What is missing of the margin, margin - (a - b): where the first difference cancels it is exact, and what a - b
# rounded off decides. A NaN stays.
cdef inline double missing(double margin, double a, double b) noexcept nogil:
    cdef double low, high = difference(a, b, &low)
    return (margin - high) - low


# max(0, missing), by the scores in the order that the sign says. At the kink it pushes.
cdef void margin_ranking(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* input1 = inputs[0]
    cdef real* input2 = inputs[1]
    cdef real* target = inputs[2]
    cdef real* by_input1 = grads[0]
    cdef real* by_input2 = grads[1]
    cdef real* hess1 = hesses[0]
    cdef real* hess2 = hesses[1]
    cdef double margin = params[0], sign, m
    cdef real g, zero = 0
    cdef Py_ssize_t i
    for i in range(n):
        sign = <double>target[i]
        m = missing(margin, sign * <double>input1[i], sign * <double>input2[i])
        loss[i] = 0 if m < 0 else m
        if by_input1:
            g = 0 if m < 0 else (target[i] if m >= 0 else <real>m)
            by_input1[i] = zero - g
            by_input2[i] = g
        if hess1:
            hess1[i] = 0
            hess2[i] = 0


# max(0, missing). At the kink the slopes are 0.
cdef void pairwise_hinge(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* positive = inputs[0]
    cdef real* negative = inputs[1]
    cdef real* by_positive = grads[0]
    cdef real* by_negative = grads[1]
    cdef real* hess_positive = hesses[0]
    cdef real* hess_negative = hesses[1]
    cdef double margin = params[0], m
    cdef real g, zero = 0
    cdef Py_ssize_t i
    for i in range(n):
        m = missing(margin, positive[i], negative[i])
        loss[i] = m if m > 0 else (0 if m <= 0 else m)
        if by_positive:
            g = 1 if m > 0 else (0 if m <= 0 else <real>m)
            by_positive[i] = zero - g
            by_negative[i] = g
        if hess_positive:
            hess_positive[i] = 0
            hess_negative[i] = 0


# sigma(-d), of e = e^-|d| and both parts of d. The curvature's sigma(d) - sigma(-d) is (1 - e) / (1 + e), with 1 - e
# from expm1. d is formed 4 times too small, so that it cannot overflow.
cdef void pairwise_soft_zero_one(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* positive = inputs[0]
    cdef real* negative = inputs[1]
    cdef real* by_positive = grads[0]
    cdef real* by_negative = grads[1]
    cdef real* hess_positive = hesses[0]
    cdef real* hess_negative = hesses[1]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double d, low, e, large, slope, odd
    cdef Py_ssize_t i
    for i in range(n):
        d = difference(0.25 * <double>positive[i], 0.25 * <double>negative[i], &low)
        d = 4 * d
        low = 4 * low
        e = decay(d, low, &large, wide)
        loss[i] = (1 if d < 0 else e) / (1 + e)
        slope = e / ((1 + e) * (1 + e))
        if by_positive:
            by_positive[i] = -<real>slope
            by_negative[i] = <real>slope
        if hess_positive:
            odd = -slope * expm1_wide(-fabs(d), low if d < 0 else -low) / (1 + e)
            odd = -odd if d < 0 else odd
            hess_positive[i] = <real>odd
            hess_negative[i] = <real>odd


# log(1 + e^-x), x = sigma d in two parts; d is formed 4 times too small, so that it cannot overflow.
cdef void pairwise_logistic(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* positive = inputs[0]
    cdef real* negative = inputs[1]
    cdef real* by_positive = grads[0]
    cdef real* by_negative = grads[1]
    cdef real* hess_positive = hesses[0]
    cdef real* hess_negative = hesses[1]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double sigma = params[0], sigma4 = 4 * params[0], down = params[0] * DOWN
    cdef double x, low, e, large
    cdef real g
    cdef Py_ssize_t i
    for i in range(n):
        x = difference(0.25 * <double>positive[i], 0.25 * <double>negative[i], &low)
        x = multiple(sigma4, x, low, &low)
        e = decay(x, low, &large, wide)
        loss[i] = cost(x, e, wide)
        if by_positive:
            g = <real>push(x, e, large, down)
            by_positive[i] = -g
            by_negative[i] = g
        if hess_positive:
            g = <real>curvature(e, large, sigma, down)
            hess_positive[i] = g
            hess_negative[i] = g


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "margin_ranking": kernel(margin_ranking[float], margin_ranking[double], 3, 0b11, False),
    "pairwise_hinge": kernel(pairwise_hinge[float], pairwise_hinge[double], 2, 0b11, False),
    "pairwise_soft_zero_one": kernel(pairwise_soft_zero_one[float], pairwise_soft_zero_one[double], 2, 0b11, False),
    "pairwise_logistic": kernel(pairwise_logistic[float], pairwise_logistic[double], 2, 0b11, False),
    "bpr": kernel(pairwise_logistic[float], pairwise_logistic[double], 2, 0b11, False),
}
