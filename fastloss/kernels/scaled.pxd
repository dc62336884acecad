"""Numbers in two parts with an exponent of their own, (high + low) 2^power: products that cannot leave their range.

Of float64 inputs, r^2 / v^3 may be anything between 1e-1570 and 1e1586, though what it is a factor of is an ordinary
number; and each of its five roundings costs up to half an ULP of the 4 there are. Of float32 inputs a double holds such
products with digits to spare: where `wide` is false, a constant to the compiler, only the high part is looked at.

A module that uses it makes Cython's inline functions always_inline, as robust.pyx does.
"""

from libc.math cimport INFINITY, fabs
from fastloss.kernels.vecmath cimport exp_wide, log1p_wide, log_wide, two_product, two_sum

cdef extern from *:
    """
    #include "vecmath.h"

    /* x = m 2^power with 1 <= |m| < 2. Of 0 the power is far below all others; infinities and NaN are their own m. */
    static inline double fl_split(double x, double *power) {
        double y = fabs(x) < 0x1p-1022 ? x * 0x1p54 : x, bias = fabs(x) < 0x1p-1022 ? 1077.0 : 1023.0;
        uint64_t bits = vm_bits_f64(y), exponent = (bits >> 52) & 0x7ff;
        double p = vm_double(0x4330000000000000u | exponent) - 4503599627370496.0 - bias; /* v3 cannot cast it */
        double m = vm_double((bits & 0x800fffffffffffffu) | 0x3ff0000000000000u);
        int finite = fabs(x) < INFINITY;
        p = finite ? p : 0.0;
        m = finite ? m : x;
        *power = x == 0.0 ? -30000.0 : p;
        return x == 0.0 ? x : m;
    }

    /* 2^n for an integer n from -1022 to 1023; what lies beyond is moved to these ends. */
    static inline double fl_exp2(double n) {
        n = n < -1022.0 ? -1022.0 : n;
        n = n > 1023.0 ? 1023.0 : n;
        return vm_exp2_f64(n + 6755399441055744.0);
    }

    /* m 2^power, rounded once if 2^-20 < |m| < 2^20. */
    static inline double fl_join(double m, double power) {
        double first = power < -1000.0 ? -1000.0 : power;
        first = first > 1000.0 ? 1000.0 : first;
        return m * fl_exp2(first) * fl_exp2(power - first);
    }

    /* As vm_exp_parts_f64, to 2^-63 of the power: of 1 + r + r^2/2 + r^3/6 + r^4 Q the first four terms are in two
     * parts. For |high| up to 20000. */
    static inline double fl_exp_parts(double high, double low, double *sum, double *rest) {
        const double magic = 6755399441055744.0;
        double t = VM_FMA_F64(high, 1.4426950408889634, magic), n = t - magic, lost;
        double product = vm_two_product_f64(n, 0x1.a39ef35793c76p-33, &lost), r_low;
        double r = vm_two_sum_f64(VM_FMA_F64(n, -0x1.62e42fee00000p-1, high), -product, &r_low);
        r = vm_two_sum_f64(r, r_low + (low - lost), &r_low); /* low may be many ulps of r */
        double r2_low, r2 = vm_two_product_f64(r, r, &r2_low), r3_low, r3 = vm_two_product_f64(r2, r, &r3_low);
        r2_low = VM_FMA_F64(2.0 * r, r_low, r2_low);
        r3_low = VM_FMA_F64(r2, r_low, VM_FMA_F64(r2_low, r, r3_low));
        double sixth_low, sixth = vm_two_product_f64(r3, 0x1.5555555555555p-3, &sixth_low);
        sixth_low += VM_FMA_F64(r3, 0x1.5555555555555p-57, r3_low * 0x1.5555555555555p-3);
        double q = 1.0 / 1307674368000.0;
        q = VM_FMA_F64(q, r, 1.0 / 87178291200.0);
        q = VM_FMA_F64(q, r, 1.0 / 6227020800.0);
        q = VM_FMA_F64(q, r, 1.0 / 479001600.0);
        q = VM_FMA_F64(q, r, 1.0 / 39916800.0);
        q = VM_FMA_F64(q, r, 1.0 / 3628800.0);
        q = VM_FMA_F64(q, r, 1.0 / 362880.0);
        q = VM_FMA_F64(q, r, 1.0 / 40320.0);
        q = VM_FMA_F64(q, r, 1.0 / 5040.0);
        q = VM_FMA_F64(q, r, 1.0 / 720.0);
        q = VM_FMA_F64(q, r, 1.0 / 120.0);
        q = VM_FMA_F64(q, r, 1.0 / 24.0);
        double first, second, third, whole = vm_two_sum_f64(1.0, r, &first);
        whole = vm_two_sum_f64(whole, 0.5 * r2, &second);
        whole = vm_two_sum_f64(whole, sixth, &third);
        third = VM_FMA_F64(r2 * r2, q, (first + second) + third) + (r_low + 0.5 * r2_low + sixth_low);
        *sum = vm_two_sum_f64(whole, third, rest);
        return t;
    }
    """
    double exp_parts "fl_exp_parts"(double high, double low, double* sum, double* rest) noexcept nogil
    double split "fl_split"(double x, double* power) noexcept nogil
    double join "fl_join"(double m, double power) noexcept nogil
    double exp2 "fl_exp2"(double n) noexcept nogil
    const double LN2 "0.6931471805599453"
    const double LN2_LOW "2.3190468138462996e-17"

ctypedef struct Scaled:
    double high
    double low
    double power


cdef inline Scaled scaled(double high, double low, double power) noexcept nogil:
    cdef Scaled x
    x.high = high
    x.low = low
    x.power = power
    return x


cdef inline Scaled number(double x, bint wide) noexcept nogil:
    cdef double power, m
    if not wide:
        return scaled(x, 0, 0)
    m = split(x, &power)
    return scaled(m, 0, power)


# high + low, the second 0 where it is not finite.
cdef inline Scaled sum_of_two(double high, double low, bint wide) noexcept nogil:
    cdef double power, m
    if not wide:
        return scaled(high + (low if fabs(low) < INFINITY else 0), 0, 0)
    high = two_sum(high, low if fabs(low) < INFINITY else 0, &low)
    m = split(high, &power)
    low = low if fabs(low) < INFINITY else 0
    return scaled(m, low * exp2(-power) if power > -1022 else 0, power)


# a - b, which may overflow.
cdef inline Scaled difference(double a, double b, bint wide) noexcept nogil:
    cdef double top, other, scale, high, low
    cdef Scaled x
    if not wide:
        return scaled(a - b, 0, 0)
    top = fabs(a)
    other = fabs(b)
    top = other if other > top else top
    scale = 0.25 if top > 2.0**1000 else 1
    high = two_sum(a * scale, -b * scale, &low)
    x = sum_of_two(high, low, wide)
    x.power += 2 if top > 2.0**1000 else 0
    return x


# What it is as a double.
cdef inline double rounded(Scaled x, bint wide) noexcept nogil:
    cdef double power, m
    if not wide:
        return x.high
    m = split(x.high + x.low, &power)
    return join(m, power + x.power)


# The same in two parts.
cdef inline double parts(Scaled x, double* low, bint wide) noexcept nogil:
    if not wide:
        low[0] = 0
        return x.high
    low[0] = x.low * exp2(x.power) if x.power > -900 else 0
    return join(x.high, x.power)


cdef inline Scaled choose(bint condition, Scaled x, Scaled y) noexcept nogil:
    return scaled(
        x.high if condition else y.high, x.low if condition else y.low, x.power if condition else y.power
    )


# c x for a c near 1.
cdef inline Scaled multiple(double c, Scaled x) noexcept nogil:
    return scaled(c * x.high, c * x.low, x.power)


cdef inline Scaled magnitude(Scaled x) noexcept nogil:
    return scaled(fabs(x.high), -x.low if x.high < 0 else x.low, x.power)


cdef inline Scaled times(Scaled x, Scaled y, bint wide) noexcept nogil:
    cdef double low, high
    if not wide:
        return scaled(x.high * y.high, 0, 0)
    high = two_product(x.high, y.high, &low)
    low = low + (x.high * y.low + x.low * y.high)
    return scaled(high, low if fabs(low) < INFINITY else 0, x.power + y.power)


cdef inline Scaled over(Scaled x, Scaled y, bint wide) noexcept nogil:
    cdef double rest, low, product, high = x.high / y.high
    if not wide:
        return scaled(high, 0, 0)
    product = two_product(high, y.high, &rest)
    low = (((x.high - product) - rest) + (x.low - high * y.low)) / y.high
    return scaled(high, low if fabs(low) < INFINITY else 0, x.power - y.power)


cdef inline Scaled plus(Scaled x, Scaled y, bint wide) noexcept nogil:
    cdef double power, a, b, low, high
    if not wide:
        return scaled(x.high + y.high, 0, 0)
    power = y.power if y.power > x.power else x.power
    a = exp2(x.power - power)
    b = exp2(y.power - power)
    high = two_sum(x.high * a, y.high * b, &low)
    low = low + (x.low * a + y.low * b)
    high = two_sum(high, low if fabs(low) < INFINITY else 0, &low)
    return scaled(high, low if fabs(low) < INFINITY else 0, power)


# log(x), a number in two parts with the power 0.
cdef inline Scaled logarithm(Scaled x, bint wide) noexcept nogil:
    cdef double low, first, rest, lost, high = log_wide(x.high, &low)
    if not wide:
        return scaled(high, low, 0)
    first = two_product(x.power, LN2, &rest)
    low = low + x.low / x.high + (rest + x.power * LN2_LOW)
    high = two_sum(first, high, &lost)
    high = two_sum(high, low + lost if fabs(low + lost) < INFINITY else 0, &low)
    return scaled(high, low if fabs(low) < INFINITY else 0, 0)


# log(1 + x) for x >= 0: x itself if it is tiny, log(x) if it is huge.
cdef inline Scaled log1p_of(Scaled x, bint wide) noexcept nogil:
    cdef double low, high, power, shift, rest, lost, first
    cdef Scaled result
    if not wide:
        high = log1p_wide(x.high, &low)
        return scaled(high, low, 0)
    power = -900 if x.power < -900 else x.power
    power = 400 if power > 400 else power
    shift = exp2(power)
    high = log1p_wide(x.high * shift, &low)
    low = low + x.low * shift / (1 + x.high * shift)
    power = x.power - power
    power = 0 if power < 0 else power
    first = two_product(power, LN2, &rest)
    high = two_sum(high, first, &lost)
    low = low + (lost + (rest + power * LN2_LOW))
    result = sum_of_two(high, low, wide)
    return x if x.power < -900 else result


# e^(high + low), the second at most 1/1000.
cdef inline Scaled exponential(double high, double low, bint wide) noexcept nogil:
    cdef double t, total, rest
    if not wide:
        return scaled(exp_wide(high, low), 0, 0)
    low = low if fabs(high) < 20000 else 0
    high = -20000 if high < -20000 else high
    high = 20000 if high > 20000 else high
    t = exp_parts(high, low, &total, &rest)
    return scaled(total, rest, t - 6755399441055744.0)
