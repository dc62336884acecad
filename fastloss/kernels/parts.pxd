"""Numbers in two parts, high + low, for losses that amplify what is wrong with them.

A power m^gamma multiplies the error of log m by gamma log m, up to 745, so for float64 all that leads to it is kept in
two parts, to 64 bits; so is what the power is multiplied by, where it may change its sign. For float32, double has bits
enough, even the 36 of the _quick functions: `kind`, whose value nobody reads, chooses the version that leaves the low
parts 0.
"""

from fastloss.kernels.vecmath cimport (
    exp_quick, exp_scaled, exp_wide, expm1, log1p_unit_quick, log1p_wide, log_quick, log_wide, real, two_product,
    two_quotient, two_sum,
)


ctypedef struct Parts:
    double high
    double low


cdef inline Parts plus(Parts a, Parts b, real kind) noexcept nogil:
    cdef Parts total
    if real is double:
        total.high = two_sum(a.high, b.high, &total.low)
        total.low += a.low + b.low
    else:
        total.high, total.low = a.high + b.high, 0
    return total


cdef inline Parts times(Parts a, Parts b, real kind) noexcept nogil:
    cdef Parts product
    if real is double:
        product.high = two_product(a.high, b.high, &product.low)
        product.low += a.high * b.low + a.low * b.high
    else:
        product.high, product.low = a.high * b.high, 0
    return product


cdef inline Parts over(Parts a, Parts b, real kind) noexcept nogil:
    cdef Parts quotient
    if real is double:
        quotient.high = two_quotient(a.high, b.high, &quotient.low)
        quotient.low += (a.low - quotient.high * b.low) / b.high
    else:
        quotient.high, quotient.low = a.high / b.high, 0
    return quotient


cdef inline Parts parts(double x) noexcept nogil:
    return Parts(x, 0)


cdef inline Parts minus(Parts a) noexcept nogil:
    return Parts(-a.high, -a.low)


# The same number with a low part that is what the high one rounds off.
cdef inline Parts settled(Parts a) noexcept nogil:
    cdef Parts result
    result.high = two_sum(a.high, a.low, &result.low)
    return result


cdef inline Parts choose(bint first, Parts a, Parts b) noexcept nogil:
    return Parts(a.high if first else b.high, a.low if first else b.low)


# e^-a for a >= 0. The logarithm of e as it was rounded tells what it rounded off; next to a = 0 this leaves 1 - e, too,
# with all of its digits.
cdef inline Parts exp_parts(double a, real kind) noexcept nogil:
    cdef double difference, high, low, e
    cdef Parts result
    if real is double:
        e = exp_scaled[double](-a, 0, &difference)
        high = log_wide(e, &low)
        result.high = two_sum(e, e * ((-a - high) - low) if e > 1e-300 else 0, &result.low)
    else:
        e = exp_quick(-a, &difference)
        result.high, result.low = e, difference - (e - 1) if a < 0.5 else 0
    return result


# log(1 + e) for 0 <= e <= 1
cdef inline Parts log1p_parts(Parts e, real kind) noexcept nogil:
    cdef Parts result
    if real is double:
        result.high = log1p_wide(e.high, &result.low)
        result.low += e.low / (1 + e.high)
    else:
        result.high, result.low = log1p_unit_quick(e.high), 0
    return result


# e^x - 1 for |x| up to 1/32
cdef inline double expm1_of(double x, real kind) noexcept nogil:
    cdef double result
    if real is double:
        return expm1[double](x)
    else:
        exp_quick(x, &result)
        return result


# log(x) for x > 0; for 0 a number so low that e to it is 0
cdef inline Parts log_parts(Parts x, real kind) noexcept nogil:
    cdef Parts result
    if real is double:
        result.high = log_wide(x.high, &result.low)
        result.low += x.low / x.high
    else:
        result.high, result.low = log_quick(x.high), 0
    return choose(x.high == 0, parts(-1e300), result)


# e^(y x) for x <= 0, but 2^800 times as much where it is smaller than e^-600: it may be meant for a factor that is
# huge. *back gets what takes it there again.
cdef inline double power_parts(double y, Parts x, double* back, real kind) noexcept nogil:
    cdef double high, low, unused
    cdef bint lifted
    if real is double:
        high = two_product(y, x.high, &low)
        low += y * x.low
        lifted = high < -600
        high = two_sum(high, 554.5177444479563 if lifted else 0, &x.low)
        low += x.low - (1.3422048598434111e-14 if lifted else 0)
        back[0] = 2.0**-800 if lifted else 1
        return exp_wide(high, low)
    else:
        back[0] = 1
        return exp_quick(y * x.high, &unused)
