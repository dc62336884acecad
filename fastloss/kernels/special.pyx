"""The functions of special.h over arrays, so that the tests measure what the kernels are made of."""

from fastloss.kernels cimport special


def erf(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.erf(x[i])


def atan(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.atan(x[i])


def sin(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.sin(x[i])


def cos(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.cos(x[i])


def lgamma(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.lgamma(x[i])


def digamma(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.digamma(x[i])


def trigamma(const double[::1] x, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.trigamma(x[i])


def lgamma_difference(const double[::1] x, const double[::1] d, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.lgamma_difference(x[i], d[i])


def digamma_difference(const double[::1] x, const double[::1] d, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.digamma_difference(x[i], d[i])


def trigamma_difference(const double[::1] x, const double[::1] d, double[::1] result):
    cdef Py_ssize_t i
    for i in range(x.shape[0]):
        result[i] = special.trigamma_difference(x[i], d[i])


def log_i0(const double[::1] k, double[::1] result):
    cdef Py_ssize_t i
    for i in range(k.shape[0]):
        result[i] = special.log_i0(k[i])


def bessel_ratio(const double[::1] k, double[::1] result):
    cdef Py_ssize_t i
    for i in range(k.shape[0]):
        result[i] = special.bessel_ratio(k[i])


def bessel_ratio_slope(const double[::1] k, double[::1] result):
    cdef Py_ssize_t i
    for i in range(k.shape[0]):
        result[i] = special.bessel_ratio_slope(k[i])
