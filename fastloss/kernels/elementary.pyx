"""The functions of vecmath.h over arrays, so that the tests measure what the kernels are made of."""

from fastloss.kernels cimport vecmath
from fastloss.kernels.vecmath cimport real


def exp_scaled(const real[::1] x, real k, real[::1] result, real[::1] expm1):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.exp_scaled[real](x[i], k, &expm1[i])


def log1p(const real[::1] x, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.log1p[real](x[i])


def log1p_unit(const real[::1] x, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.log1p_unit[real](x[i])


def exp(const real[::1] x, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.exp[real](x[i])


def expm1(const real[::1] x, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.expm1[real](x[i])


def tanh(const real[::1] x, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.tanh[real](x[i])


def log(const real[::1] x, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.log[real](x[i])


def power(const real[::1] x, const real[::1] y, real[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.power[real](x[i], y[i])


def exp_wide(const double[::1] high, const double[::1] low, double[::1] result):
    cdef Py_ssize_t i
    for i in range(high.shape[0]):
        result[i] = vecmath.exp_wide(high[i], low[i])


def exp_times(const double[::1] a, const double[::1] high, const double[::1] low, double[::1] result):
    cdef Py_ssize_t i
    for i in range(high.shape[0]):
        result[i] = vecmath.exp_times(a[i], high[i], low[i])


def exp_tail(const double[::1] high, const double[::1] low, double[::1] result):
    cdef Py_ssize_t i
    for i in range(high.shape[0]):
        result[i] = vecmath.exp_tail(high[i], low[i])


def expm1_wide(const double[::1] high, const double[::1] low, double[::1] result):
    cdef Py_ssize_t i
    for i in range(high.shape[0]):
        result[i] = vecmath.expm1_wide(high[i], low[i])


def log_wide(const double[::1] x, double[::1] high, double[::1] low):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        high[i] = vecmath.log_wide(x[i], &low[i])


def log1p_wide(const double[::1] x, double[::1] high, double[::1] low):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        high[i] = vecmath.log1p_wide(x[i], &low[i])


def exp_quick(const double[::1] x, double[::1] result, double[::1] expm1):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.exp_quick(x[i], &expm1[i])


def exp_tail_quick(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    cdef double expm1
    for i in range(x.shape[0]):
        vecmath.exp_quick(x[i], &expm1)
        result[i] = vecmath.exp_tail_quick(x[i], expm1)


def log_quick(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.log_quick(x[i])


def log1p_quick(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.log1p_quick(x[i])


def log1p_unit_quick(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = vecmath.log1p_unit_quick(x[i])


def two_sum(const double[::1] a, const double[::1] b, double[::1] high, double[::1] low):
    cdef Py_ssize_t i
    for i in range(a.shape[0]):
        high[i] = vecmath.two_sum(a[i], b[i], &low[i])


def two_product(const double[::1] a, const double[::1] b, double[::1] high, double[::1] low):
    cdef Py_ssize_t i
    for i in range(a.shape[0]):
        high[i] = vecmath.two_product(a[i], b[i], &low[i])


def two_quotient(const double[::1] a, const double[::1] b, double[::1] high, double[::1] low):
    cdef Py_ssize_t i
    for i in range(a.shape[0]):
        high[i] = vecmath.two_quotient(a[i], b[i], &low[i])
