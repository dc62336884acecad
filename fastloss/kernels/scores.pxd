"""What the losses of score differences share: differences in two parts, and the pieces of log(1 + e^-x).

The kernels that use it compute in double, whatever comes in: a difference of float32 numbers then is exact enough, also
for an exponent. So `wide`, with both parts of x and all digits of the powers, is for float64 only.
"""

from libc.math cimport INFINITY, fabs
from fastloss.kernels.vecmath cimport exp_quick, exp_times, log1p_unit, log1p_unit_quick, two_product, two_sum

cdef extern from *:
    """
    #define FASTLOSS_UP 0x1p100
    #define FASTLOSS_DOWN 0x1p-100
    """
    const double UP "FASTLOSS_UP"
    const double DOWN "FASTLOSS_DOWN"


# a - b in two parts, the second 0 where the first is not finite.
cdef inline double difference(double a, double b, double* low) noexcept nogil:
    cdef double high = two_sum(a, -b, low)
    low[0] = low[0] if fabs(high) < INFINITY else 0
    return high


# high + low, whatever their sizes, as a number and what it rounds off; 0 where the first is not finite.
cdef inline double normalised(double high, double low, double* rest) noexcept nogil:
    cdef double tail = low if fabs(high) < INFINITY else 0
    return difference(high, -tail, rest)


# factor (high + low) in two parts. The second is 0 where the product of the parts has none (two_product).
cdef inline double multiple(double factor, double high, double low, double* rest) noexcept nogil:
    cdef double product = two_product(factor, high, rest), tail = rest[0] + factor * low
    rest[0] = tail if fabs(tail) < 1 else 0
    return product


# e = e^-|x| for x in two parts; *large gets 2^100 e, which is never denormal where e counts.
cdef inline double decay(double x, double low, double* large, bint wide) noexcept nogil:
    cdef double unused, e
    if not wide:
        e = exp_quick(-fabs(x), &unused)
        large[0] = e * UP
        return e
    large[0] = exp_times(UP, -fabs(x), low if x < 0 else -low)
    return large[0] * DOWN


# log(1 + e^-x), made of e: nothing overflows, and no tail is added to 1.
cdef inline double cost(double x, double e, bint wide) noexcept nogil:
    return (-x if x < 0 else 0) + (log1p_unit[double](e) if wide else log1p_unit_quick(e))


# factor sigma(-x), the factor given 2^100 too small: a denormal e would have too few digits to be multiplied.
cdef inline double push(double x, double e, double large, double factor_down) noexcept nogil:
    return (UP if x < 0 else large) / (1 + e) * factor_down


# factor^2 sigma(x) sigma(-x)
cdef inline double curvature(double e, double large, double factor, double factor_down) noexcept nogil:
    return large / ((1 + e) * (1 + e)) * factor * factor_down
