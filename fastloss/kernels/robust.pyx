"""Robust regression losses: block functions of (pred, target), in double throughout.

The residual in units of its scale, u = |pred - target| / c, is carried in two parts: where it is an exponent its
rounding would be amplified, and where a curvature changes its sign nothing but that rounding would be left. For float32,
double has bits enough: not `wide`, the functions below leave the low parts 0, and 36 bits do for exp and log.
"""

from libc.math cimport INFINITY, fabs, frexp, ldexp, sqrt
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.vecmath cimport (
    exp_quick, exp_wide, expm1_wide, log1p_quick, log1p_unit, log1p_unit_quick, log1p_wide, log_quick, log_wide, real,
    two_product, two_sum,
)

cdef double LN2 = 0.6931471805599453, LN2_LOW = 2.3190468138462996e-17

# ---- numbers in two parts ----

ctypedef struct Pair:  # high + low
    double high
    double low


cdef inline Pair pair(double high, double low) noexcept nogil:
    cdef Pair x
    x.high = high
    x.low = low
    return x


cdef inline double whole(Pair x) noexcept nogil:
    return x.high + x.low


cdef inline Pair half(Pair x) noexcept nogil:
    return pair(0.5 * x.high, 0.5 * x.low)


cdef inline Pair choose(bint condition, Pair x, Pair y) noexcept nogil:
    return pair(x.high if condition else y.high, x.low if condition else y.low)


cdef inline Pair plus(double a, Pair x, bint wide) noexcept nogil:
    cdef double low, high = two_sum(a, x.high, &low)
    if not wide:
        return pair(high, 0)
    high = two_sum(high, low + x.low, &low)
    return pair(high, low)


cdef inline Pair minus(Pair x, Pair y) noexcept nogil:
    cdef double low, high = two_sum(x.high, -y.high, &low)
    return pair(high, (low if fabs(high) < INFINITY else 0) + (x.low - y.low))


cdef inline Pair times(Pair x, Pair y, bint wide) noexcept nogil:
    cdef double low, high = two_product(x.high, y.high, &low)
    return pair(high, low + (x.high * y.low + x.low * y.high) if wide else 0)


cdef inline Pair over(Pair x, Pair y, bint wide) noexcept nogil:
    cdef double rest, high = x.high / y.high, product = two_product(high, y.high, &rest)
    cdef double low = (((x.high - product) - rest) + (x.low - high * y.low)) / y.high
    return pair(high, (low if fabs(low) < INFINITY else 0) if wide else 0)


cdef inline Pair root(Pair x, bint wide) noexcept nogil:
    cdef double rest, high = sqrt(x.high), square = two_product(high, high, &rest)
    return pair(high, 0.5 * (((x.high - square) - rest) + x.low) / high if wide else 0)


cdef inline Pair one_minus(double k, Pair x) noexcept nogil:
    """1 - k x."""
    cdef double lost, low, product = two_product(k, x.high, &lost), high = two_sum(1, -product, &low)
    high = two_sum(high, low - (lost + k * x.low), &low)
    return pair(high, low)


cdef inline double unit_of(double c) noexcept nogil:
    """The power of two that brings c into [1, 2), if c is no denormal number."""
    cdef int exponent
    frexp(c, &exponent)
    return ldexp(1, min(1 - exponent, 1023))


cdef inline Pair add_product(Pair sum, double x, double y) noexcept nogil:
    """sum + x y, where nothing is lost but what low rounds off."""
    cdef double rest, first, second, low, product = two_product(x, y, &rest)
    cdef double high = two_sum(sum.high, product, &first)
    high = two_sum(high, rest, &second)
    high = two_sum(high, sum.low + (first + second), &low)
    return pair(high, low)


cdef inline double difference(Pair b, double c, Pair k, Pair a) noexcept nogil:
    """b c^2 - k a^2 of numbers of about 1, with all its digits when little is left of them."""
    cdef double c0, a0, c1 = two_product(c, c, &c0), a1 = two_product(a.high, a.high, &a0)
    cdef double rest, twice = two_product(2 * a.high, a.low, &rest)
    cdef Pair sum = add_product(add_product(pair(0, 0), b.high, c1), -k.high, a1)
    sum = add_product(add_product(sum, b.high, c0), -k.high, a0)
    sum = add_product(add_product(sum, b.low, c1), -k.low, a1)
    sum = add_product(sum, -k.high, twice)
    sum.low += b.low * c0 - k.low * (a0 + twice) - k.high * (rest + a.low * a.low)
    return whole(sum)


# ---- the residual in units of c ----

ctypedef struct Relative:
    double r      # pred - target, for its sign
    Pair a        # |r| / back, which does not overflow
    double back
    Pair m        # min(|r|, c)
    Pair u        # |r| / c, which is kept 2^1000 times smaller if it is big, so that its square and inverse are numbers
    double size   # u to compare with, 2^500 if it is big
    double v      # 2^60 / u, for a big u; 0 if not wide
    bint far      # |r| > c
    bint big      # u > 2^480


cdef inline Relative relative(double pred, double target, double c, bint wide) noexcept nogil:
    cdef Relative x
    cdef double other = fabs(target), top = fabs(pred), scale, a, low, size
    if not wide:  # no float32 comes near the ends of double
        x.r = two_sum(pred, -target, &low)
        a = fabs(x.r)
        low = -low if x.r < 0 else low
        x.a = pair(a, low if a < INFINITY else 0)
        x.back = 1
        x.far = a > c
        x.m = pair(c if x.far else a, 0)
        x.big = a * 2.0**-480 > c
        scale = 2.0**100 if c < 2.0**-900 else 1
        size = 1 / (c * scale)  # the same for every element: no division in the loop
        x.u = pair((a * (2.0**-520 if x.big else scale)) * (size * (2.0**-480 * scale if x.big else 1)), 0)
        x.size = 2.0**500 if x.big else x.u.high
        x.v = 0
        return x
    top = other if other > top else top
    scale = 0.5 if top > 2.0**1000 else 1
    x.back = 2 if top > 2.0**1000 else 1
    x.r = two_sum(pred * scale, -target * scale, &low)
    a = fabs(x.r)
    low = -low if x.r < 0 else low
    low = low if a < INFINITY else 0
    size = c * scale
    x.a = pair(a, low)
    x.far = (a - size) + low > 0
    x.m = pair(c if x.far else a * x.back, 0 if x.far else low * x.back)
    x.big = a * 2.0**-480 > size
    x.v = size * 2.0**60 / a
    # what is divided is kept within reach of products in two parts
    top = a if x.far else size
    scale = 2.0**-100 if top > 2.0**900 else (2.0**100 if top < 2.0**-900 else 1)
    top = 2.0**-520 if x.big else scale
    low = low * top
    a = a * top
    x.u = over(pair(a, low), pair(size * (2.0**480 if x.big else scale), 0), wide)
    x.u.low = x.u.low if a > 2.0**-960 else 0
    x.size = 2.0**500 if x.big else x.u.high
    return x


cdef inline Pair inverse(Pair x, bint wide) noexcept nogil:
    return over(pair(1, 0), x, wide)


cdef inline Pair log1p_of(Relative x, Pair y, bint wide) noexcept nogil:
    """log(1 + y) of y >= 0, keeping the digits of a small y; 2 log(u) if u is big."""
    cdef double lost, low, high, w = two_sum(1, y.high, &lost), e
    if not wide:
        high = log1p_quick(x.u.high * 2.0**600 if x.big else y.high)
        return pair(2 * (high + 277.2588722239781) if x.big else high, 0)  # 400 log 2
    w = x.u.high if x.big else w
    lost = 0 if x.big else lost
    high = log_wide(w, &low)
    e = lost / w  # 1 + y = w (1 + e)
    low += (x.u.low if x.big else y.low) / w + (e if w > 2 else -e * (w - 1) - 0.5 * e * e)
    low = low if fabs(low) < 1 else 0
    high = two_sum(high, 0 if w > 2 else lost, &e)
    low += e
    high = two_sum(2 * high if x.big else high, 1386.2943611198907 if x.big else 0, &e)  # 2000 log 2
    low = (2 * low - 9.039854035689329e-14 if x.big else low) + e
    high = two_sum(high, low if high < INFINITY else 0, &low)
    return pair(high, low if high < INFINITY else 0)


cdef inline double exp_of(Pair x, double* back, bint wide) noexcept nogil:
    """e^x / back, a power of two that keeps it from becoming a denormal number, or inf, too early."""
    cdef double shift = 693.1471805599454 if x.high < -600 else (-277.25887222397813 if x.high > 400 else 0)
    cdef double rest = -4.5199270178446646e-14 if x.high < -600 else (6.7110242992170555e-15 if x.high > 400 else 0)
    cdef double low, high = two_sum(x.high, shift, &low)
    back[0] = 2.0**-1000 if x.high < -600 else (2.0**400 if x.high > 400 else 1)
    if not wide:
        return exp_quick(high, &low)
    return exp_wide(high, low + (x.low + rest))


cdef inline Pair exactly(Pair d, Pair b, double c, Pair k, Relative x, double unit) noexcept nogil:
    """d = 1 - k u^2 / b again, from b c^2 - k r^2 if little of it is left."""
    cdef Pair r = pair(x.a.high * x.back * unit, x.a.low * x.back * unit)
    c = c * unit
    r = over(pair(difference(b, c, k, r), 0), times(b, times(pair(c, 0), pair(c, 0), True), True), True)
    return choose(fabs(d.high) < 2.0**-8, r, d)


cdef inline double rest(double c, Relative x) noexcept nogil:
    """1 - u^2 with its digits near u = 1, from c - |r|: not wide."""
    return ((c - x.a.high) - x.a.low) / c * (1 + x.u.high)


cdef inline double by(double f, Pair m, bint wide) noexcept nogil:
    """f m, for |f m| that is a number."""
    return f * m.high + f * m.low if wide else f * m.high


cdef inline double square(double f, Pair m, bint wide) noexcept nogil:
    """f m^2."""
    cdef double product = f * m.high, whole = product * m.high
    if not wide:
        return whole
    return whole + 2 * product * m.low if whole < INFINITY else whole


# ---- losses ----

# c sqrt(1 + u^2), slope u / sqrt(1 + u^2), Hessian (1 + u^2)^(-3/2) / c: r^2 would over- and underflow.
cdef void charbonnier(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], f, g
    cdef Relative x
    cdef Pair w, s, inverted
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        w = plus(1, times(x.u, x.u, wide), wide)
        s = root(w, wide)
        loss[i] = x.a.high * x.back if x.big else by(c, s, wide)
        if grad:
            g = 1 if x.big else by(whole(times(s, inverse(w, wide), wide)), x.u, wide)
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                inverted = inverse(w, wide)
                f = x.v * 2.0**-60
                g = whole(times(s, inverted, wide)) / c * whole(inverted)
                hess[i] = <real>((f / (x.a.high * x.back)) * f if x.big else g)


# m^2 / (1 + sqrt(1 + u^2)) with m = |r|, or c u beyond u = 1: nothing cancels for a small r, and no large one is
# squared.
cdef void pseudo_huber(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], scale = params[SCALE], f, g = 0
    cdef Relative x
    cdef Pair y, w, s, inverted
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        x.u = choose(x.big and not wide, pair(1, 0), x.u)  # not to be squared: a denormal number would be slow
        y = times(x.u, x.u, wide)
        w = plus(1, y, wide)
        s = root(w, wide)
        if wide:
            f = whole(over(choose(x.far, y, pair(1, 0)), plus(1, s, wide), wide))
        else:
            g = 1 / (s.high * (1 + s.high))  # one division for two
            f = (s.high * g) * (y.high if x.far else 1)
        loss[i] = (c * scale) * x.a.high * x.back if x.big else square(f * scale, x.m, wide)
        if grad:
            inverted = inverse(w, wide)
            s = times(s, inverted, wide) if wide else pair(g * (1 + s.high), 0)  # 1 / sqrt(w)
            g = 1 if x.big else whole(choose(x.far, times(x.u, s, wide), s))
            g = by(g, x.m, wide)
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                hess[i] = <real>(0 if x.big else whole(s) * whole(inverted))


# |r| - log 2 + log1p(e^-2|r|), with log 2 in two parts, loses nothing from |r| = 3/4 on. Below, r^2 P(r^2), where P is
# the weighted minimax polynomial of log(cosh(r)) / r^2 (2^-63); not wide, four terms of it below 1/8. Slope -E / (E +
# 2) with E = e^-2|r| - 1, Hessian 4 e / (1 + e)^2 with e = e^-2|r|: there is no 1 - tanh^2.
cdef void log_cosh(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double near = 0.75 if wide else 0.125, r, a, low, t, t2, t4, p, e, e_low, less, far, g
    cdef Pair w
    cdef Py_ssize_t i
    for i in range(n):
        r = two_sum(pred[i], -<double>target[i], &low)
        a = fabs(r)
        low = -low if r < 0 else low
        low = low if a < 1e3 else 0
        if wide:
            e = exp_wide(-2 * a, -2 * low)
            less = expm1_wide(-2 * a, -2 * low)
            far = (a - LN2) + (log1p_wide(e, &e_low) + (low - LN2_LOW))
        else:
            e = exp_quick(-2 * a, &less)
            far = (a - LN2) + log1p_unit_quick(e)
        t = a * a if a < near else near * near
        t2 = t * t
        p = (0.5 - 0.0833333333333333 * t) + t2 * (0.02222222222221821 - 0.006746031745847055 * t)
        if wide:
            t4 = t2 * t2
            p = p + (
                t4 * ((0.0021869488491738235 - 0.0007386028966872956 * t)
                      + t2 * (0.0002565799721012041 - 9.098579713968152e-05 * t))
                + t4 * t4 * ((3.276200795338796e-05 - 1.1901189987553369e-05 * t)
                             + t2 * (4.279202238692618e-06 - 1.4331787421844398e-06 * t)
                             + t4 * (3.8448114474043457e-07 - 5.8199269350541025e-08 * t))
            )
        p = p * a
        loss[i] = p * a + 2 * p * low if a < near else far
        if grad:
            g = -less / (less + 2)
            grad[i] = <real>(-g if r < 0 else g)
            if hess:
                w = inverse(plus(1, pair(e, 0), wide), wide)
                hess[i] = <real>(4 * e * whole(times(w, w, wide)))


# c^2 (u - log1p(u)): the difference loses at most 8 bits from u = 1/256 on (not wide, 6 bits from 1/64 on), and the
# logarithm has them to spare. Below, r^2 (1/2 - u/3 + u^2/4 - ...). Beyond u = 2^60, c |r|.
cdef void fair(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], scale = params[SCALE], near = 0.00390625 if wide else 0.015625, u, series, high, low, g
    cdef Relative x
    cdef Pair inverted
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        u = x.size if x.size < near else 0
        series = 0.5 - u * (1 / 3.0 - u * (0.25 - u * (0.2 - u * (1 / 6.0 - u * (1 / 7.0 - u * 0.125)))))
        u = 2.0**60 if x.size > 2.0**60 else x.size
        if wide:
            high = log1p_wide(u, &low)
            low = (u - high) + (x.u.low - (low + x.u.low / (1 + u)))
        else:
            low = u - log1p_quick(u)
        loss[i] = (
            (c * scale) * x.a.high * x.back
            if x.size > 2.0**60
            else (square(series * scale, x.m, wide) if u < near else (c * low * scale) * c)
        )
        if grad:
            inverted = inverse(plus(1, x.u, wide), wide)
            g = 1 if x.size > 2.0**60 else whole(choose(x.far, times(x.u, inverted, wide), inverted))
            g = by(g, x.m, wide)
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                g = x.v * 2.0**-60 if x.big else whole(inverted)
                hess[i] = <real>(g * g)


# c^2/2 log(1 + u^2), r^2/2 for a tiny u; slope r / (1 + u^2), c u / (1 + u^2) beyond u = 1; Hessian (1 - u^2) / (1 +
# u^2)^2.
cdef void cauchy(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], scale = params[SCALE], g
    cdef Relative x
    cdef Pair y, w, inverted
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        y = choose(x.big and not wide, pair(1, 0), x.u)  # not to be squared: a denormal number would be slow
        y = times(y, y, wide)
        w = plus(1, y, wide)
        loss[i] = (
            square(0.5 * scale, x.m, wide)
            if x.size < 2.0**-30
            else (0.5 * c * whole(log1p_of(x, y, wide)) * scale) * c
        )
        if grad:
            inverted = inverse(w, wide)
            g = by(whole(choose(x.far, times(x.u, inverted, wide), inverted)), x.m, wide)
            g = c * x.v * 2.0**-60 if x.big else g
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                y = one_minus(1, y) if wide else pair(rest(c, x), 0)
                g = whole(times(y, inverted, wide)) * whole(inverted)
                hess[i] = <real>(-x.v * x.v * 2.0**-120 if x.big else g)


# m^2/2 / (1 + u^2) with m = |r|, or c u beyond u = 1; slope r / (1 + u^2)^2, Hessian (1 - 3 u^2) / (1 + u^2)^3, whose
# numerator is c^2 - 3 r^2 near its zero.
cdef void geman_mcclure(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], scale = params[SCALE], unit = unit_of(c), f, v, square_v, low, g
    cdef bint far = wide and c > 2.0**360  # else c u^-3 is 0 where u is big
    cdef Relative x
    cdef Pair y, inverted, d
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        y = times(x.u, x.u, wide)
        inverted = inverse(choose(x.big and far, x.u, plus(1, y, wide)), wide)
        f = 1 if x.big else whole(choose(x.far, times(y, inverted, wide), inverted))
        loss[i] = square(0.5 * scale * f, x.m, wide)
        if grad:
            g = whole(choose(x.far, times(x.u, inverted, wide), inverted))
            g = by(g, x.m, wide) * whole(inverted)
            f = 0
            if far:  # c u^-3, where x.u is 2^-1000 u; elsewhere numbers that are not denormal, which would be slow
                v = (inverted.high if inverted.high > 2.0**400 else 2.0**400) * 2.0**-500
                square_v = two_product(v, v, &low)
                low = v * low + 3 * square_v * (inverted.low * 2.0**-500)
                f = (c * 2.0**-750) * (v * square_v + low) * 2.0**-750
            g = f if x.big else g
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                d = exactly(one_minus(3, y), pair(1, 0), c, pair(3, 0), x, unit)
                d = times(times(d, inverted, wide), inverted, wide)
                hess[i] = <real>(0 if x.big else whole(d) * whole(inverted))


# -c^2/2 expm1(-u^2), r^2/2 for a tiny u; slope r e^(-u^2), u e^(log(c) - u^2) beyond u = 1; Hessian (1 - 2 u^2) e^(-u^2),
# whose first factor is c^2 - 2 r^2 near its zero. Beyond u = 64 the power is 0.
cdef void welsch(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], scale = params[SCALE], unit = unit_of(c), e = 0, less, back, g
    cdef Relative x
    cdef Pair y, d, log_c
    cdef Py_ssize_t i
    log_c.high = log_wide(c, &log_c.low)
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        x.u = choose(x.size > 64, pair(64, 0), x.u)
        y = times(x.u, x.u, wide)
        if wide:
            less = expm1_wide(-y.high, -y.low)
        else:
            e = exp_quick(-y.high, &less)
        loss[i] = square(0.5 * scale, x.m, wide) if x.u.high < 2.0**-30 else (-0.5 * c * less * scale) * c
        if grad:
            if wide:
                e = exp_of(minus(choose(x.u.high <= 1, pair(0, 0), log_c), y), &back, wide)
                g = by(e, choose(x.u.high <= 1, x.m, x.u), wide) * back
            else:
                g = e * x.m.high if x.u.high <= 1 else (e * c) * x.u.high
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                e = exp_of(pair(-y.high, -y.low), &back, wide)
                d = exactly(one_minus(2, y), pair(1, 0), c, pair(2, 0), x, unit)
                hess[i] = <real>(whole(d) * e * back)


# r^2/6 (1 + d + d^2) with d = 1 - u^2; slope r d^2, Hessian d (1 - 5 u^2), whose second factor is c^2 - 5 r^2 near its
# zero.
cdef void tukey_biweight(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double c = params[0], scale = params[SCALE], unit = unit_of(c), f, g
    cdef Relative x
    cdef Pair y, d, k
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        d = pair(0 if x.far else rest(c, x), 0)
        x.u = choose(x.far, pair(1, 0), x.u)
        y = times(x.u, x.u, wide)
        if wide:
            d = one_minus(1, y)
        f = whole(times(d, plus(1, d, wide), wide))
        loss[i] = square((1 + f) / 6 * scale, x.m, wide)
        if grad:
            g = by(whole(times(d, d, wide)), x.m, wide)
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                k = exactly(one_minus(5, y), pair(1, 0), c, pair(5, 0), x, unit)
                hess[i] = <real>whole(times(d, k, wide))


# (b / alpha) expm1(alpha/2 log1p(y)) with b = |alpha - 2|, y = x^2 / b, x = r / c; slope (r / c^2) (1 + y)^(alpha/2 -
# 1), Hessian (1 + y)^(alpha/2 - 2) (1 + (alpha - 1) y) / c^2.
#
# Every limit in alpha but 2 is a matter of large or small numbers: an alpha of 2^90 is infinite, one of 2^-100 is 0, to
# more digits than there are. Where alpha < 2 and y > 1, x (1 + y)^-1/2 and a power one half higher stand in for x and
# the power, since x may be huge and the power 0.
cdef void general_robust(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double alpha = params[0], c = params[1], scale = params[SCALE], unit = unit_of(c)
    cdef double tiny = INFINITY if alpha == 2 else 2.0**-28, limit = INFINITY if alpha >= 2 else 2
    cdef double u, e, less, back, g, per_b, per_c, big_factor
    cdef Pair a1, a2, b, k, factor, log_b, log_c, root_b, big_power, y, w, log_w, power, s, inverted
    cdef bint high
    cdef Relative x
    cdef Py_ssize_t i
    if fabs(alpha) > 2.0**90:
        alpha = 2.0**90 if alpha > 0 else -2.0**90
        a1 = a2 = pair(alpha, 0)
    else:
        a1 = plus(-1, pair(alpha, 0), True)
        a2 = plus(-2, pair(alpha, 0), True)
        alpha = 2.0**-100 if fabs(alpha) < 2.0**-100 else alpha
    b = a2 if alpha > 2 else pair(-a2.high, -a2.low)
    b = pair(1, 0) if alpha == 2 else b
    k = pair(-a1.high, -a1.low)
    factor = over(b, pair(alpha, 0), True)
    root_b = root(b, True)
    log_b.high = log_wide(b.high, &log_b.low)
    log_b.low += b.low / b.high
    per_b = 1 / b.high
    big_power = pair(-3, 0) if alpha == 1 else a2
    big_factor = 1 if alpha == 1 else a1.high
    log_c.high = log_wide(c, &log_c.low)
    for i in range(n):
        x = relative(pred[i], target[i], c, wide)
        u = x.u.high * 2.0**1000 if x.big else x.u.high
        y = over(times(x.u, x.u, wide), b, wide) if wide else pair((x.u.high * x.u.high) * per_b, 0)
        w = plus(1, y, wide)
        log_w = log1p_of(x, y, wide)
        log_w.high = two_sum(1e200 if log_w.high > 1e200 else log_w.high, -log_b.high if x.big else 0, &e)
        log_w.low += e - (log_b.low if x.big else 0)
        power = times(half(pair(alpha, 0)), log_w, wide)
        e = 1 if power.high > 400 else 0
        power.high = two_sum(power.high, -277.25887222397813 * e, &g)
        power.low += g + 6.7110242992170555e-15 * e
        g = 0.5 * scale * u
        if wide:
            less = expm1_wide(power.high, power.low)
        else:
            exp_quick(power.high, &less)
        loss[i] = (
            g * u + (0 if x.big else 2 * g * x.u.low)
            if x.size < tiny
            else less * scale * factor.high * (2.0**400 if e > 0 else 1)
        )
        if grad:
            high = (2.0**500 if x.big else w.high) > limit
            inverted = inverse(w, wide)
            s = root(inverted, wide)
            power = choose(high, a1, a2)
            per_c = 2 if x.size < 2.0**-900 else 1
            e = exp_of(minus(times(half(power), log_w, wide), pair(per_c * log_c.high, per_c * log_c.low)), &back, wide)
            g = x.m.high if x.size < 2.0**-900 else whole(choose(high, times(x.u, s, wide), x.u))
            g = (root_b.high if high else u) if x.big else g
            g = e * g * back
            grad[i] = <real>(-g if x.r < 0 else g)
            if hess:
                power = times(half(choose(x.size > 2.0**300, big_power, power)), log_w, wide)
                e = exp_of(minus(power, pair(2 * log_c.high, 2 * log_c.low)), &back, wide)
                y = times(exactly(plus(1, times(y, a1, wide), wide), b, c, k, x, unit), inverted, wide)
                g = big_factor if x.size > 2.0**300 else whole(choose(high, times(y, s, wide), y))
                hess[i] = <real>(e * g * back)


# width log1p(u) with u = |r| / curvature, and beyond the width (|r| - width) + width log1p(width / curvature), a sum of
# two numbers of one sign. Inside, slope k / (1 + u) and Hessian -k / (1 + u)^2 / curvature with k = width / curvature.
cdef void wing(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double width = params[0], curvature = params[1], a, d, f, g, edge
    cdef Relative x = relative(width, 0, curvature, True)
    cdef Pair w, inverted, k = over(pair(width, 0), pair(curvature, 0), True)
    cdef Py_ssize_t i
    edge = width * whole(log1p_of(x, x.u, True)) * (0.5 if x.big else 1)
    for i in range(n):
        x = relative(pred[i], target[i], curvature, wide)
        a = x.a.high * x.back
        d = (a - width) + x.a.low * x.back
        w = plus(1, x.u, wide)
        f = by(width, log1p_of(x, x.u, wide), wide) * (0.5 if x.big else 1)
        f = k.high * a if x.size < 2.0**-60 else f
        loss[i] = d + edge if d >= 0 else f
        if grad:
            w = times(k, inverse(w, wide), wide)
            g = width / a if x.big else whole(w)
            f = 1 if d >= 0 else g
            grad[i] = <real>(-f if x.r < 0 else (f if x.r > 0 else x.r))
            if hess:
                g = g / a if x.big else whole(times(w, inverse(plus(1, x.u, wide), wide), wide)) / curvature
                hess[i] = <real>(0 if d >= 0 else -g)


cdef inline Pair log_of(Pair x, bint big, bint wide) noexcept nogil:
    """log(x), or log(2^1000 x) if x is kept that much smaller."""
    cdef double low, lost, high
    if not wide:
        return pair(log_quick(x.high * (2.0**600 if big else 1)) + (277.2588722239781 if big else 0), 0)
    high = log_wide(x.high, &low)
    low += x.low / x.high - (4.5199270178446646e-14 if big else 0)
    high = two_sum(high, 693.1471805599454 if big else 0, &lost)  # 1000 log 2
    return pair(high, low + lost)


# With q = alpha - target, m = min(|r|, theta), L = q log(m / epsilon) in two parts, P = e^L, t = e^-|L| and k = q - 1:
#
#     loss = omega log(1 + P) + A max(0, |r| - theta),   A = omega q P / (m (1 + P)),
#     Hessian = A / m (k - P) / (1 + P) = -A / m k (e^(L - log k) - 1) / (1 + P),
#
# where log(1 + P) is max(L, 0) + log1p(t). Below L = -600 the exponential is that of L + 1400 log 2, and below 2^-500 m
# is taken 2^500 times: a P that is no number any more may count when it is divided by m.
cdef void adaptive_wing(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double omega = params[0], theta = params[1], epsilon = params[2], alpha = params[3]
    cdef double m, gap, up, down, e, t, base, slope, low, bend, rest
    cdef Relative x = relative(theta, 0, epsilon, True)
    cdef Pair q, k, d, power, first, one, log_theta = log_of(x.u, x.big, True)
    cdef bint out, far
    cdef Py_ssize_t i
    for i in range(n):
        x = relative(pred[i], target[i], epsilon, wide)
        q.high = two_sum(alpha, -<double>target[i], &q.low)
        m = x.a.high * x.back
        low = x.a.low * x.back
        gap = (m - theta) + low
        out = gap > 0
        m = theta if out else m
        low = 0 if out else low
        x.u = choose(m == 0, pair(1, 0), x.u)  # no log(0): nobody looks at what comes of it
        power = times(q, choose(out, log_theta, log_of(x.u, x.big, wide)), wide)
        d = choose(power.high > 0, pair(-power.high, -power.low), power)
        down = 2.0**-700 if d.high < -600 else 1
        t = two_sum(d.high, 970.4060527839234 if d.high < -600 else 0, &e)  # 1400 log 2
        d.low += e + (4.933124383144313e-15 if d.high < -600 else 0)
        e = exp_wide(t, d.low) if wide else exp_quick(t, &bend)
        t = e * down * down
        base = (log1p_unit[double](t) if wide else log1p_unit_quick(t)) + (power.high if power.high > 0 else 0)
        base = omega * e * down * down if power.high < -40 else omega * base
        up = 2.0**500 if m < 2.0**-500 else 1
        first = over(times(pair(omega, 0), q, wide), pair(m * up, low * up), wide)
        one = plus(1, pair(t, 0), wide)
        first = over(first, one, wide)
        rest = e if power.high < 0 else 1
        down = down if power.high < 0 else 1
        slope = whole(first) * rest * down  # 2^200 times A, if up and down are not 1
        base = 0 if m == 0 else base
        loss[i] = base + (slope * up * down * gap if out else 0)
        if grad:
            e = 0 if m == 0 else slope * up * down
            grad[i] = <real>(-e if x.r < 0 else e)
        if hess:
            k = plus(-1, q, True)
            d = log_of(k, False, True)
            d.high = two_sum(power.high, -d.high, &e)
            far = d.high > 40
            bend = -expm1_wide(40 if d.high > 40 else d.high, (power.low - d.low) + e)
            d = choose(far, plus(-1, times(k, pair(t, 0), wide), wide), times(k, pair(bend, 0), wide))
            rest *= 1 if far else (t if power.high > 0 else 1)
            first = over(times(first, over(d, one, wide), wide), pair(1, low / m), wide)
            bend = whole(first) * rest * down / (m * up) * (up * down) * up
            k = plus(-2, q, True)
            e = 0 if k.high > 0 else (INFINITY if k.high < 0 else omega * q.high / epsilon / epsilon)
            hess[i] = <real>((e if m == 0 else bend) if gap < 0 else 0)


KERNELS = {
    "charbonnier": kernel(charbonnier[float], charbonnier[double], 2, 1, False),
    "pseudo_huber": kernel(pseudo_huber[float], pseudo_huber[double], 2, 1, True),
    "log_cosh": kernel(log_cosh[float], log_cosh[double], 2, 1, False),
    "fair": kernel(fair[float], fair[double], 2, 1, True),
    "cauchy": kernel(cauchy[float], cauchy[double], 2, 1, True),
    "geman_mcclure": kernel(geman_mcclure[float], geman_mcclure[double], 2, 1, True),
    "welsch": kernel(welsch[float], welsch[double], 2, 1, True),
    "tukey_biweight": kernel(tukey_biweight[float], tukey_biweight[double], 2, 1, True),
    "general_robust": kernel(general_robust[float], general_robust[double], 2, 1, True),
    "wing": kernel(wing[float], wing[double], 2, 1, False),
    "adaptive_wing": kernel(adaptive_wing[float], adaptive_wing[double], 2, 1, False),
}
