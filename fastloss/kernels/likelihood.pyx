"""Likelihoods of numbers: block functions of (pred, target) and the parameters of a distribution.

Where inputs are float64, products are formed as scaled.pxd does: no factor of one leaves its range before it is
complete. What may cancel is a sum of given terms, which the references name.
"""

from libc.math cimport INFINITY, fabs
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.scaled cimport (
    Scaled, choose, difference, exponential, log1p_of, logarithm, magnitude, multiple, number, over, parts, plus, rounded,
    sum_of_two, times,
)
from fastloss.kernels.vecmath cimport (
    exp_tail, expm1_wide, log, log1p, log1p_wide, log_wide, real, two_product, two_sum,
)
from fastloss.kernels.special cimport (
    bessel_ratio_lack, bessel_ratio_slope, cos, digamma, digamma_rest, erf, lgamma, lgamma_rest, log_i0_scaled, sin, trigamma,
    trigamma_rest,
)

cdef extern from "special.h" nogil:
    double sp_polynomial_16(
        double v, double c0, double c1, double c2, double c3, double c4, double c5, double c6, double c7, double c8,
        double c9, double c10, double c11, double c12, double c13, double c14, double c15
    ) noexcept

cdef extern from *:
    """
    #ifdef __GNUC__ /* a loop that calls one of the functions below does not vectorise */
    #undef CYTHON_INLINE
    #define CYTHON_INLINE inline __attribute__((always_inline))
    #endif
    """
    const double HALF_LOG_2PI "0.9189385332046727"       # log(2 pi) / 2
    const double LN2 "0.6931471805599453"


# x, or y if that is NaN: a slope by one input is NaN where another is.
cdef inline double unless_nan(double x, double y) noexcept nogil:
    return x if y == y else y


# (log v + u) / 2 with u = r^2 / v and v = max(var, eps): r / v, (1 - u) / 2v, and below the floor no slope by var.
# Times v^beta, of which nothing is differentiated.
cdef void gaussian(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* var = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_var = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_var = hesses[2]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double constant = params[0], eps = params[1], scale = params[SCALE], given, logs
    cdef bint floored
    cdef Scaled r, v, t, u, g
    cdef Py_ssize_t i
    for i in range(n):
        given = var[i]
        floored = given < eps
        given = eps if floored else given
        v = number(given, wide)
        r = difference(pred[i], target[i], wide)
        t = over(r, v, wide)
        u = times(t, r, wide)
        logs = 0.5 * log[double](given) + constant
        loss[i] = logs * scale + rounded(multiple(0.5 * scale, u), wide)
        if by_pred:
            by_pred[i] = <real>rounded(t, wide)
            g = over(multiple(0.5, plus(number(1, wide), multiple(-1, u), wide)), v, wide)
            by_var[i] = <real>(0 if floored else rounded(g, wide))
        if hess_pred:
            hess_pred[i] = <real>rounded(over(number(1, wide), v, wide), wide)
            g = over(plus(number(-0.5, wide), u, wide), times(v, v, wide), wide)
            hess_var[i] = <real>(0 if floored else rounded(g, wide))


cdef void beta_gaussian(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* var = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_var = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_var = hesses[2]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double beta = params[0], scale = params[SCALE], high, low
    cdef Scaled r, v, t, u, w, l, g
    cdef Py_ssize_t i
    for i in range(n):
        v = number(var[i], wide)
        r = difference(pred[i], target[i], wide)
        t = over(r, v, wide)
        u = times(t, r, wide)
        l = logarithm(v, wide)
        high = two_product(beta, l.high, &low)
        w = exponential(high, low + beta * l.low, wide)
        g = times(w, plus(sum_of_two(l.high, l.low, wide), u, wide), wide)
        loss[i] = rounded(multiple(0.5 * scale, g), wide)
        if by_pred:
            w = over(w, v, wide)
            by_pred[i] = <real>rounded(times(w, r, wide), wide)
            g = multiple(0.5, plus(number(1, wide), multiple(-1, u), wide))
            by_var[i] = <real>rounded(times(w, g, wide), wide)
            if hess_pred:
                hess_pred[i] = <real>unless_nan(rounded(w, wide), r.high)
                g = over(plus(number(-0.5, wide), u, wide), v, wide)
                hess_var[i] = <real>rounded(times(w, g, wide), wide)


# (s + u) / 2 with u = r^2 e^-s: r e^-s, (1 - u) / 2.
cdef void gaussian_logvar(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* log_var = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_log_var = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_log_var = hesses[2]
    cdef double constant = params[0], scale = params[SCALE], s
    cdef Scaled r, precision, t, u
    cdef Py_ssize_t i
    for i in range(n):
        s = log_var[i]
        r = difference(pred[i], target[i], True)
        precision = exponential(-s, 0, True)  # of float32 inputs too it may be anything
        t = times(precision, r, True)
        u = times(t, r, True)
        loss[i] = (0.5 * s + constant) * scale + rounded(multiple(0.5 * scale, u), True)
        if by_pred:
            by_pred[i] = <real>rounded(t, True)
            by_log_var[i] = <real>rounded(plus(number(0.5, True), multiple(-0.5, u), True), True)
        if hess_pred:
            hess_pred[i] = <real>rounded(precision, True)
            hess_log_var[i] = <real>rounded(multiple(0.5, u), True)


# The sign of x, or x if that is 0 or NaN.
cdef inline double sign(double x) noexcept nogil:
    return 1 if x > 0 else (-1 if x < 0 else x)


# log 2b, even if 2b overflows.
cdef inline double log_twice(double b) noexcept nogil:
    return log[double](b if b > 2.0**1000 else 2 * b) + (LN2 if b > 2.0**1000 else 0)


# u + log 2b with u = |r| / b: sign(r) / b, (1 - u) / b.
cdef void laplace(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* width = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_width = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_width = hesses[2]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double scale = params[SCALE]
    cdef Scaled r, b, u, g
    cdef Py_ssize_t i
    for i in range(n):
        b = number(width[i], wide)
        r = difference(pred[i], target[i], wide)
        u = over(magnitude(r), b, wide)
        loss[i] = log_twice(width[i]) * scale + rounded(multiple(scale, u), wide)
        if by_pred:
            by_pred[i] = <real>rounded(over(number(sign(r.high), wide), b, wide), wide)
            by_width[i] = <real>rounded(over(plus(number(1, wide), multiple(-1, u), wide), b, wide), wide)
        if hess_pred:
            hess_pred[i] = 0
            g = over(plus(number(-1, wide), multiple(2, u), wide), times(b, b, wide), wide)
            hess_width[i] = <real>rounded(g, wide)


# u + s + log 2 with u = |r| e^-s: sign(r) e^-s, 1 - u.
cdef void laplace_logscale(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* log_width = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_log_width = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_log_width = hesses[2]
    cdef double scale = params[SCALE], s
    cdef Scaled r, inverse, u
    cdef Py_ssize_t i
    for i in range(n):
        s = log_width[i]
        r = difference(pred[i], target[i], True)
        inverse = exponential(-s, 0, True)  # of float32 inputs too it may be anything
        u = times(magnitude(r), inverse, True)
        loss[i] = (s + LN2) * scale + rounded(multiple(scale, u), True)
        if by_pred:
            by_pred[i] = <real>rounded(times(number(sign(r.high), True), inverse, True), True)
            by_log_width[i] = <real>rounded(plus(number(1, True), multiple(-1, u), True), True)
        if hess_pred:
            hess_pred[i] = 0
            hess_log_width[i] = <real>rounded(u, True)


# What log((x/2)^(1/2) Gamma(x/2) / Gamma((x + 1)/2)), which is about 1/(4x), and its derivatives by x gain from
# x to x + 2: log(1 + 1/(x (x + 2))) / 2 and its derivatives. `up` is 1, or makes up for an x that is so many times as
# large.
cdef inline void step_of_two(double x, double up, double* gain, double* slope, double* curvature) noexcept nogil:
    cdef double b = x + 1, t = 1 / (x * (x + 2)), inverse = 1 / b, q = t * inverse * up
    gain[0] = gain[0] + t + gain[0] * t
    slope[0] = slope[0] - q
    curvature[0] = curvature[0] + q * (2 * b * (t * up) + inverse)


# That logarithm and its two derivatives: eight steps, which are sums and products of numbers of one sign, and from 16
# on Stirling's series.
cdef inline double of_freedom(double x, double* slope, double* curvature) noexcept nogil:
    cdef double gain = 0, up = 2.0**200 if x < 2.0**-900 else 1, offset = 138.62943611198907 if x < 2.0**-900 else 0
    cdef double i, z, series
    slope[0] = curvature[0] = 0
    step_of_two(x * up, up, &gain, slope, curvature)
    step_of_two(x + 2, 1, &gain, slope, curvature)
    step_of_two(x + 4, 1, &gain, slope, curvature)
    step_of_two(x + 6, 1, &gain, slope, curvature)
    step_of_two(x + 8, 1, &gain, slope, curvature)
    step_of_two(x + 10, 1, &gain, slope, curvature)
    step_of_two(x + 12, 1, &gain, slope, curvature)
    step_of_two(x + 14, 1, &gain, slope, curvature)
    i = 1 / (x + 16)
    z = i * i
    # (2^(k+1) - 1) B(k+1) / (k (k+1)), k = 1, 3, ..., 17, with the Bernoulli numbers B
    series = (
        1 / 4.0 + z * (-1 / 24.0 + z * (1 / 20.0 + z * (-17 / 112.0 + z * (31 / 36.0 + z * (-691 / 88.0 + z * (
            5461 / 52.0 + z * (-929569 / 480.0 + z * (3202291 / 68.0)))))))
    ))
    slope[0] = slope[0] - z * (
        1 / 4.0 + z * (-3 / 24.0 + z * (5 / 20.0 + z * (-7 * 17 / 112.0 + z * (9 * 31 / 36.0 + z * (-11 * 691 / 88.0
            + z * (13 * 5461 / 52.0 + z * (-15 * 929569 / 480.0 + z * (17 * 3202291 / 68.0)))))))
    ))
    curvature[0] = curvature[0] + i * z * (
        2 / 4.0 + z * (-12 / 24.0 + z * (30 / 20.0 + z * (-56 * 17 / 112.0 + z * (90 * 31 / 36.0 + z * (
            -132 * 691 / 88.0 + z * (182 * 5461 / 52.0 + z * (-240 * 929569 / 480.0 + z * (306 * 3202291 / 68.0)))))))
    ))
    return 0.5 * (log1p[double](gain) + offset) + i * series


# log(1 + w) - y with y = w / (1 + w): -log(1 - y) - y, of which y^2/2 + y^3/3 + ... is left.
cdef inline double excess(Scaled l, Scaled y, bint wide) noexcept nogil:
    cdef double l_low, y_low, high = parts(l, &l_low, wide), part = parts(y, &y_low, wide), t
    cdef double far = (high - part) + (l_low - y_low)
    t = part if part < 0.1 else 0
    t = t * t * sp_polynomial_16(
        t, 1 / 2.0, 1 / 3.0, 1 / 4.0, 1 / 5.0, 1 / 6.0, 1 / 7.0, 1 / 8.0, 1 / 9.0, 1 / 10.0, 1 / 11.0, 1 / 12.0,
        1 / 13.0, 1 / 14.0, 1 / 15.0, 1 / 16.0, 1 / 17.0
    )
    return t if part < 0.1 else far


# (df + 1)/2 log(1 + w) + log s + log(2 pi)/2 + of_freedom(df) with w = r^2 / (df s^2). The slopes and curvatures are
# made of y = w / (1 + w) and p = 1 / (1 + w).
cdef void student_t(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* width = inputs[2]
    cdef real* df = inputs[3]
    cdef real* by_pred = grads[0]
    cdef real* by_width = grads[2]
    cdef real* by_df = grads[3]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_width = hesses[2]
    cdef real* hess_df = hesses[3]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double scale = params[SCALE], slope, curvature, norm
    cdef Scaled one = number(1, wide), s, v, v1, t, w, l, y, p, g
    cdef Py_ssize_t i
    for i in range(n):
        s = number(width[i], wide)
        v = number(df[i], wide)
        v1 = number(<double>df[i] + 1, wide)
        t = over(difference(pred[i], target[i], wide), s, wide)
        w = over(times(t, t, wide), v, wide)
        l = log1p_of(w, wide)
        norm = of_freedom(df[i], &slope, &curvature) + (log[double](width[i]) + HALF_LOG_2PI)
        loss[i] = norm * scale + rounded(multiple(0.5 * scale, times(v1, l, wide)), wide)
        if by_pred:
            p = over(one, plus(one, w, wide), wide)
            y = times(w, p, wide)
            by_pred[i] = <real>rounded(over(times(times(v1, t, wide), p, wide), times(v, s, wide), wide), wide)
            g = over(plus(p, multiple(-1, times(v, y, wide)), wide), s, wide)
            by_width[i] = <real>rounded(g, wide)
            by_df[i] = <real>(0.5 * excess(l, y, wide) + (slope - 0.5 * rounded(over(y, v, wide), wide)))
            if hess_pred:
                g = times(times(v1, p, wide), plus(p, multiple(-1, y), wide), wide)
                g = over(g, times(v, times(s, s, wide), wide), wide)
                hess_pred[i] = <real>rounded(g, wide)
                g = plus(times(plus(multiple(3, v), one, wide), p, wide), times(v, y, wide), wide)
                g = plus(times(g, y, wide), multiple(-1, times(p, p, wide)), wide)
                g = over(g, times(s, s, wide), wide)
                hess_width[i] = <real>rounded(g, wide)
                g = over(plus(number(2, wide), multiple(-1, y), wide), v, wide)
                g = over(times(y, plus(g, multiple(-1, y), wide), wide), v, wide)
                hess_df[i] = <real>(curvature + rounded(multiple(0.5, g), wide))


# log t + log s + log(2 pi)/2 + z^2/2 with z = (pred - log t) / s and log t in two parts: z / s, (1 - z^2) / s.
cdef void lognormal(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* width = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_width = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_width = hesses[2]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double scale = params[SCALE], high, low, rest, logs
    cdef Scaled s, z, u, g
    cdef Py_ssize_t i
    for i in range(n):
        s = number(width[i], wide)
        logs = log_wide(target[i], &low)
        high = two_sum(pred[i], -logs, &rest)
        z = over(sum_of_two(high, rest - low, wide), s, wide)
        u = times(z, z, wide)
        logs = logs + log[double](width[i]) + HALF_LOG_2PI
        loss[i] = logs * scale + rounded(multiple(0.5 * scale, u), wide)
        if by_pred:
            by_pred[i] = <real>rounded(over(z, s, wide), wide)
            g = over(plus(number(1, wide), multiple(-1, u), wide), s, wide)
            by_width[i] = <real>rounded(g, wide)
        if hess_pred:
            g = over(number(1, wide), times(s, s, wide), wide)
            hess_pred[i] = <real>unless_nan(rounded(g, wide), u.high)
            g = over(plus(number(-1, wide), multiple(3, u), wide), times(s, s, wide), wide)
            hess_width[i] = <real>rounded(g, wide)


# |r| erf(z / sqrt(2)) + s (2 phi(z) - 1 / sqrt(pi)) with z = |r| / s: erf(z / sqrt(2)) with the sign of r,
# 2 phi(z) - 1 / sqrt(pi). From z = 200 on phi is 0, whatever it is multiplied by.
cdef void crps_gaussian(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* width = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_width = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_width = hesses[2]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double scale = params[SCALE], above, near, low, high, rest
    cdef Scaled r, s, z, phi, g
    cdef Py_ssize_t i
    for i in range(n):
        s = number(width[i], wide)
        r = difference(pred[i], target[i], wide)
        z = over(magnitude(r), s, wide)
        near = parts(z, &low, wide)
        above = erf(near * 0.7071067811865476)
        low = low if near < 200 else 0
        near = 200 if near > 200 else near
        high = two_product(near, near, &rest)
        phi = multiple(0.7978845608028654, exponential(-0.5 * high, -0.5 * (rest + 2 * near * low), wide))
        g = times(s, plus(phi, number(-0.5641895835477563, wide), wide), wide)
        g = plus(times(magnitude(r), number(above, wide), wide), g, wide)
        loss[i] = rounded(multiple(scale, g), wide)
        if by_pred:
            by_pred[i] = <real>(-above if r.high < 0 else above)
            by_width[i] = <real>(rounded(phi, wide) - 0.5641895835477563)
        if hess_pred:
            phi = over(phi, s, wide)
            hess_pred[i] = <real>rounded(phi, wide)
            hess_width[i] = <real>rounded(times(phi, times(number(near, wide), number(near, wide), wide), wide), wide)


# |r| + b (e^-u - 3/4) with u = |r| / b, for u < 1 b (1/4 + (e^-u - 1 + u)): 1 - e^-u with the sign of r,
# e^-u (1 + u) - 3/4.
cdef void crps_laplace(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* width = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_width = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_width = hesses[2]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double scale = params[SCALE], near, low, e, f
    cdef Scaled r, b, u, decay, g
    cdef Py_ssize_t i
    for i in range(n):
        b = number(width[i], wide)
        r = difference(pred[i], target[i], wide)
        u = over(magnitude(r), b, wide)
        near = parts(u, &low, wide)
        low = low if near < 20000 else 0
        near = 20000 if near > 20000 else near
        decay = exponential(-near, -low, wide)
        e = rounded(decay, wide)
        f = e - 0.75 if near > 1 else 0.25 + exp_tail(-near, -low)
        g = choose(near > 1, magnitude(r), number(0, wide))
        g = plus(g, times(b, number(f, wide), wide), wide)
        loss[i] = rounded(multiple(scale, g), wide)
        if by_pred:
            f = 0 - expm1_wide(-near, -low)
            by_pred[i] = <real>(-f if r.high < 0 else f)
            by_width[i] = <real>(e * (1 + near) - 0.75)
        if hess_pred:
            decay = over(decay, b, wide)
            hess_pred[i] = <real>rounded(decay, wide)
            hess_width[i] = <real>rounded(times(decay, times(number(near, wide), number(near, wide), wide), wide), wide)


# log Gamma(a) - a (q - 1) + log t + a (e^d - 1 - d) with a = e^q and d = log t - pred in two parts, which is formed as
# it stands only for |d| > 1. What log Gamma and its derivatives leave of terms in a log(a) is computed as such, from 2
# on by Stirling's series, below it at a + 1 or a + 2. Of float32 inputs too the exponentials may be anything.
cdef void gamma(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* log_shape = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_log_shape = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_log_shape = hesses[2]
    cdef double scale = params[SCALE], q, high, low, d, rest, a, x, b, b_low, norm, first, second
    cdef bint near, small
    cdef Scaled shape, w, tail, g
    cdef Py_ssize_t i
    for i in range(n):
        q = log_shape[i]
        high = log_wide(target[i], &low)
        d = two_sum(high, -<double>pred[i], &rest)
        rest = rest + low if fabs(d) < INFINITY else 0
        d = two_sum(d, rest, &rest)
        rest = rest if fabs(d) < INFINITY else 0
        near = fabs(d) < 1
        shape = exponential(q, 0, True)
        a = rounded(shape, True)
        x = two_sum(q, d, &b_low)
        w = exponential(x, b_low + rest if fabs(x) < INFINITY else 0, True)
        g = times(shape, plus(number(1, True), sum_of_two(d, rest, True), True), True)
        tail = times(shape, number(exp_tail(d if near else 0, rest if near else 0), True), True)
        tail = choose(near, tail, plus(w, multiple(-1, g), True))

        small = a < 2
        b = 1 + (a if small else 1)
        x = b * q
        norm = HALF_LOG_2PI - 0.5 * q + lgamma_rest(2 if small else a) / a
        norm = lgamma(b) - (x - a) if small else norm
        loss[i] = (norm + high) * scale + rounded(multiple(scale, tail), True)
        if by_pred:
            g = times(shape, number(-expm1_wide(d, rest), True), True)
            by_pred[i] = <real>rounded(choose(near, g, plus(shape, multiple(-1, w), True)), True)
            x = a + 2 if small else a
            second = digamma_rest(x) / x
            first = log[double](x) - (0.5 + second) / x
            norm = a * (first - q - 1 / b) - 1 if small else -0.5 - second
            by_log_shape[i] = <real>(norm + rounded(tail, True))
            if hess_pred:
                hess_pred[i] = <real>rounded(w, True)
                rest = trigamma_rest(x) / x
                norm = (first - q) + a * (1 + (0.5 + rest) / x) / x - (1 + 1 / (b * b))
                norm = a * norm if small else rest - second
                hess_log_shape[i] = <real>(norm + rounded(tail, True))


# x, but no infinity, of which a Scaled that is as good as 0 would make one.
cdef inline double bounded(double x) noexcept nogil:
    x = 1e308 if x > 1e308 else x
    return -1e308 if x < -1e308 else x


# Of a with the logarithm q: log Gamma(a) - a q + a, as the sum of the result and rest.
cdef inline double lgamma_beyond(double a, double q, double* rest) noexcept nogil:
    cdef bint small = a < 2
    cdef double norm = lgamma(1 + a) - a * (bounded(q) - 1)
    norm = norm if small else HALF_LOG_2PI + lgamma_rest(2 if small else a) / a
    return two_sum(-q if small else -0.5 * q, norm, rest)


# a (psi(a) - q), and its derivative by q.
cdef inline double digamma_beyond(Scaled shape, double a, double q, Scaled* slope) noexcept nogil:
    cdef bint small = a < 2
    cdef double first = digamma(1 + a) - bounded(q), x = 2 if small else a, second, third
    cdef Scaled lack = times(shape, number(first, True), True)
    cdef Scaled bend = times(shape, number(first + (a * trigamma(1 + a) - 1), True), True)
    second = digamma_rest(x) / x
    third = trigamma_rest(x) / x
    slope[0] = choose(small, bend, number(third - second, True))
    return rounded(lack, True) - 1 if small else -0.5 - second


# a (e^d - 1 - d) with d in two parts, and a e^d.
cdef inline Scaled tail_of(Scaled a, double d, double rest, Scaled w) noexcept nogil:
    cdef bint near = fabs(d) < 1
    cdef Scaled g = times(a, plus(number(1, True), sum_of_two(bounded(d), rest, True), True), True)
    cdef Scaled tail = times(a, number(exp_tail(d if near else 0, rest if near else 0), True), True)
    return choose(near, tail, plus(w, multiple(-1, g), True))


# S(a) + S(b) - S(f) + log t + log(1 - t) + a (e^d - 1 - d) + b (e^c - 1 - c), S what log Gamma(x) leaves of
# x log(x) - x, d = log(t / m), c = log((1 - t) / (1 - m)): (1 - m) D(a) - m D(b) + c (pred - logit t) and
# D(a) + D(b) - D(f) + those tails, D(x) = x (psi(x) - log x). Of a float32 too a and b may be anything.
cdef void beta(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* log_precision = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_log_precision = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_log_precision = hesses[2]
    cdef double scale = params[SCALE], x, q, t, log_t, t_low, log_u, u_low, l, l_low, m, m_low, o, o_low, rest, low
    cdef double qa, qa_low, qb, qb_low, a, b, f, d, total, part, da, db, df
    cdef Scaled e, A, B, F, M, O, tail, g, h, C, ea, eb, ef
    cdef Py_ssize_t i
    for i in range(n):
        x = pred[i]
        q = log_precision[i]
        t = target[i]
        log_t = log_wide(t, &t_low)
        log_u = log1p_wide(-t, &u_low)
        e = exponential(-fabs(x), 0, True)
        l = parts(e, &low, True)
        part = l
        l = log1p_wide(l, &l_low)
        l_low = l_low + low / (1 + part)
        m = two_sum(x if x < 0 else 0, -l, &m_low)  # log m
        m_low = m_low - l_low if fabs(m) < INFINITY else 0
        o = two_sum(-x if x > 0 else 0, -l, &o_low)  # log(1 - m)
        o_low = o_low - l_low if fabs(o) < INFINITY else 0
        M = exponential(m, m_low, True)
        O = exponential(o, o_low, True)
        F = exponential(q, 0, True)
        A = times(F, M, True)
        B = times(F, O, True)
        f = rounded(F, True)
        a = rounded(A, True)
        b = rounded(B, True)
        qa = q + m
        qb = q + o

        d = two_sum(log_t, -m, &rest)
        rest = rest + (t_low - m_low)
        tail = tail_of(A, d, rest if fabs(d) < INFINITY else 0, times(F, number(t, True), True))
        d = two_sum(log_u, -o, &rest)
        rest = rest + (u_low - o_low)
        part = two_sum(1, -t, &low)
        g = times(F, sum_of_two(part, low, True), True)
        tail = plus(tail, tail_of(B, d, rest if fabs(d) < INFINITY else 0, g), True)

        total = two_sum(log_t, log_u, &rest)
        total = two_sum(total, lgamma_beyond(a, qa, &low), &part)
        rest = rest + (low + part)
        total = two_sum(total, lgamma_beyond(b, qb, &low), &part)
        rest = rest + (low + part)
        total = two_sum(total, -lgamma_beyond(f, q, &low), &part)
        rest = rest + (part - low)
        loss[i] = rounded(multiple(scale, plus(tail, sum_of_two(total, rest, True), True)), True)
        if by_pred:
            da = digamma_beyond(A, a, qa, &ea)
            db = digamma_beyond(B, b, qb, &eb)
            df = digamma_beyond(F, f, q, &ef)
            part = two_sum(x, -log_t, &rest)
            part = two_sum(part, log_u, &low)
            rest = rest + low + (u_low - t_low)
            C = times(A, O, True)
            g = plus(times(O, number(da, True), True), times(M, number(-db, True), True), True)
            h = times(C, sum_of_two(bounded(part), rest, True), True)
            by_pred[i] = <real>rounded(plus(g, h, True), True)
            g = plus(number(da, True), plus(number(db, True), number(-df, True), True), True)
            by_log_precision[i] = <real>rounded(plus(g, tail, True), True)
            if hess_pred:
                g = times(times(M, O, True), plus(number(-da, True), number(-db, True), True), True)
                g = plus(plus(g, C, True), times(h, plus(O, multiple(-1, M), True), True), True)
                g = plus(g, times(times(O, O, True), ea, True), True)
                g = plus(g, times(times(M, M, True), eb, True), True)
                hess_pred[i] = <real>rounded(g, True)
                g = plus(plus(ea, eb, True), multiple(-1, ef), True)
                hess_log_precision[i] = <real>rounded(plus(g, tail, True), True)


# e^z + event (s + log t - z) with z = (log t - pred) e^-s: -e^-s f, event - z f with f = e^z - event, which is expm1(z)
# or e^z. From z = -20000 on e^z is 0, whatever it is multiplied by.
cdef void weibull(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* log_scale = inputs[2]
    cdef real* event = inputs[3]
    cdef real* by_pred = grads[0]
    cdef real* by_log_scale = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_log_scale = hesses[2]
    cdef double scale = params[SCALE], s, seen, logs, low, rest, high
    cdef bint near
    cdef Scaled rate, z, power, f, g
    cdef Py_ssize_t i
    for i in range(n):
        s = log_scale[i]
        seen = event[i]
        logs = log_wide(target[i], &low)
        high = two_sum(logs, -<double>pred[i], &rest)
        rate = exponential(-s, 0, True)
        z = times(sum_of_two(high, rest + low, True), rate, True)
        high = parts(z, &low, True)
        near = fabs(high) < 1
        power = choose(high < -20000, number(0, True), exponential(high, low, True))
        rest = 10000 if high > 10000 else high  # where e^z is infinite z need not be
        rest = (s + logs) - rest
        loss[i] = rounded(multiple(scale, power), True) + (0 if seen == 0 else seen * rest * scale)
        if by_pred:
            f = choose(near, number(expm1_wide(high, low), True), plus(power, number(-1, True), True))
            f = choose(seen == 0, power, f)
            by_pred[i] = <real>unless_nan(0 - rounded(times(rate, f, True), True), seen)
            g = plus(number(seen, True), multiple(-1, times(z, f, True)), True)
            by_log_scale[i] = <real>rounded(g, True)
            if hess_pred:
                hess_pred[i] = <real>rounded(times(times(rate, rate, True), power, True), True)
                g = times(z, plus(f, times(z, power, True), True), True)
                hess_log_scale[i] = <real>rounded(g, True)


# (log I0(k) - k) + log(2 pi) + k (1 - cos r), the last as 2 k sin(r/2)^2: k sin r, (1 - cos r) - (1 - I1(k)/I0(k)).
cdef void von_mises(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* concentration = inputs[2]
    cdef real* by_pred = grads[0]
    cdef real* by_concentration = grads[2]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_concentration = hesses[2]
    cdef double scale = params[SCALE], k, r, low, s, c
    cdef Py_ssize_t i
    for i in range(n):
        k = concentration[i]
        r = two_sum(pred[i], -<double>target[i], &low)
        s = sin(0.5 * r) + 0.5 * low * cos(0.5 * r)
        loss[i] = (log_i0_scaled(k) + 2 * HALF_LOG_2PI) * scale + (2 * scale * s * s) * k
        if by_pred:
            c = cos(r)
            by_pred[i] = <real>(k * (sin(r) + low * c))
            by_concentration[i] = <real>(2 * s * s - bessel_ratio_lack(k))
        if hess_pred:
            hess_pred[i] = <real>(k * (cos(r) - low * sin(r)))
            hess_concentration[i] = <real>bessel_ratio_slope(k)


# Student's t of 2 alpha degrees of freedom, with w = r^2 nu / omega, omega = 2 beta (1 + nu), y = w / (1 + w) and
# p = 1 / (1 + w).
cdef void evidential_nig(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* nu = inputs[2]
    cdef real* alpha = inputs[3]
    cdef real* beta = inputs[4]
    cdef real* by_pred = grads[0]
    cdef real* by_nu = grads[2]
    cdef real* by_alpha = grads[3]
    cdef real* by_beta = grads[4]
    cdef real* hess_pred = hesses[0]
    cdef real* hess_nu = hesses[2]
    cdef real* hess_alpha = hesses[3]
    cdef real* hess_beta = hesses[4]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double coeff = params[0], scale = params[SCALE], slope, curvature, norm
    cdef Scaled one = number(1, wide), factor = number(coeff, wide), r, v, v1, a, b, t, w, l, y, p, g, h, evidence, penalty
    cdef Py_ssize_t i
    for i in range(n):
        r = difference(pred[i], target[i], wide)
        v = number(nu[i], wide)
        v1 = plus(one, v, wide)
        a = number(alpha[i], wide)
        b = number(beta[i], wide)
        t = over(v, times(multiple(2, b), v1, wide), wide)
        w = times(times(r, r, wide), t, wide)
        l = log1p_of(w, wide)
        norm = of_freedom(2 * <double>alpha[i], &slope, &curvature) + HALF_LOG_2PI
        g = logarithm(over(times(b, v1, wide), times(v, a, wide), wide), wide)
        norm = norm + 0.5 * (g.high + g.low)
        evidence = times(factor, plus(multiple(2, v), a, wide), wide)
        penalty = times(magnitude(r), evidence, wide)
        penalty = choose(coeff == 0, number(0, wide), penalty)
        g = times(plus(a, number(0.5, wide), wide), l, wide)
        loss[i] = norm * scale + rounded(multiple(scale, plus(g, penalty, wide)), wide)
        if by_pred:
            p = over(one, plus(one, w, wide), wide)
            y = times(w, p, wide)
            g = times(times(plus(multiple(2, a), one, wide), times(t, p, wide), wide), r, wide)
            h = choose(coeff == 0, number(0, wide), times(number(sign(r.high), wide), evidence, wide))
            by_pred[i] = <real>rounded(plus(g, h, wide), wide)
            penalty = choose(coeff == 0, number(0, wide), times(factor, magnitude(r), wide))
            g = plus(times(a, y, wide), multiple(-0.5, p), wide)
            h = over(g, times(v, v1, wide), wide)
            by_nu[i] = <real>rounded(plus(h, multiple(2, penalty), wide), wide)
            by_beta[i] = <real>rounded(over(multiple(-1, g), b, wide), wide)
            h = plus(l, penalty, wide)
            by_alpha[i] = <real>(rounded(h, wide) - (0.5 / <double>alpha[i] - 2 * slope))
            if hess_pred:
                g = times(plus(multiple(2, a), one, wide), times(t, p, wide), wide)
                g = times(g, plus(p, multiple(-1, y), wide), wide)
                hess_pred[i] = <real>rounded(g, wide)
                h = times(v, v1, wide)
                g = multiple(0.5, times(p, plus(plus(one, multiple(2, v), wide), y, wide), wide))
                h = times(h, h, wide)
                w = times(times(a, y, wide), plus(multiple(2, v), y, wide), wide)
                hess_nu[i] = <real>rounded(over(plus(g, multiple(-1, w), wide), h, wide), wide)
                hess_alpha[i] = <real>(0.5 / <double>alpha[i] / <double>alpha[i] + 4 * curvature)
                g = times(times(a, y, wide), plus(one, p, wide), wide)
                g = plus(g, multiple(-0.5, times(p, p, wide)), wide)
                hess_beta[i] = <real>rounded(over(g, times(b, b, wide), wide), wide)


KERNELS = {
    "gaussian_nll": kernel(gaussian[float], gaussian[double], 3, 0b101, True),
    "gaussian_nll_logvar": kernel(gaussian_logvar[float], gaussian_logvar[double], 3, 0b101, True),
    "beta_gaussian_nll": kernel(beta_gaussian[float], beta_gaussian[double], 3, 0b101, True),
    "laplace_nll": kernel(laplace[float], laplace[double], 3, 0b101, True),
    "laplace_nll_logscale": kernel(laplace_logscale[float], laplace_logscale[double], 3, 0b101, True),
    "student_t_nll": kernel(student_t[float], student_t[double], 4, 0b1101, True),
    "lognormal_nll": kernel(lognormal[float], lognormal[double], 3, 0b101, True),
    "gamma_nll": kernel(gamma[float], gamma[double], 3, 0b101, True),
    "beta_nll": kernel(beta[float], beta[double], 3, 0b101, True),
    "weibull_nll": kernel(weibull[float], weibull[double], 4, 0b101, True),
    "von_mises_nll": kernel(von_mises[float], von_mises[double], 3, 0b101, True),
    "evidential_nig_nll": kernel(evidential_nig[float], evidential_nig[double], 5, 0b11101, True),
    "crps_gaussian": kernel(crps_gaussian[float], crps_gaussian[double], 3, 0b101, True),
    "crps_laplace": kernel(crps_laplace[float], crps_laplace[double], 3, 0b101, True),
}
