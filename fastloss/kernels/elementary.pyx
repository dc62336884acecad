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
