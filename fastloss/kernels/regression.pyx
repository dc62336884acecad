"""Regression losses: block functions of (pred, target)."""

from libc.float cimport DBL_MAX
from libc.math cimport INFINITY, fabs, frexp, ldexp
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.vecmath cimport (
    exp_quick, exp_wide, expm1_wide, log1p_quick, log1p_wide, real, two_product, two_sum,
)

cdef extern from "vecmath.h" nogil:
    double fused_add "VM_FMA_F64"(double a, double b, double c) noexcept


cdef inline double half_distance(double x, double y) noexcept nogil:
    """|x - y| / 2, of which the difference itself may overflow. For large x and y only: a denormal loses a bit."""
    return fabs(0.5 * x - 0.5 * y)


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


# r^2 / 2, halved before it is squared: r^2 may overflow where its half does not.
cdef void half_squared_error(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double r, half = 0.5 * params[SCALE]
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        loss[i] = (r * half) * r
        if grad:
            grad[i] = pred[i] - target[i]
        if hess:
            hess[i] = 1


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


# t (q/2 + excess), with q and excess as above and t = q / beta, the slope: at most 1, where r^2 / beta may overflow on
# the way. beta = 0 has q = 0 everywhere: its slope is 1 where |r| > 0, and 0 / 1 elsewhere. beta = inf has slope 0,
# also where r is inf: q ends at the largest number.
cdef void smooth_l1(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double beta = params[0], top = beta if beta < DBL_MAX else DBL_MAX, divisor = beta if beta > 0 else 1
    cdef double curvature = 1 / beta if beta > 0 else 0, r, a, q, excess, t
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        a = fabs(r)
        q = top if a > top else a  # a NaN stays
        excess = a - beta if a > beta else 0
        t = 1 if a > beta else q / divisor
        loss[i] = t * (0.5 * q + excess)
        if grad:
            grad[i] = <real>(-t if r < 0 else t)
        if hess:
            hess[i] = <real>(0 if a > beta else (curvature if a <= beta else a))


# tau |r| below the target, (1 - tau) |r| above; where r overflows, twice that of r/2. One tau is a parameter, in double
# whatever the inputs are; where each element may have its own, params[1] is not 0.
cdef void quantile(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* taus = inputs[2]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef bint many = params[1] != 0
    cdef double tau = params[0], rest = 1 - tau, middle = 0.5 - tau, r, a, w
    cdef Py_ssize_t i
    for i in range(n):
        if many:
            tau = taus[i]
            rest = 1 - tau
            middle = 0.5 - tau
        r = <double>pred[i] - <double>target[i]
        a = fabs(r)
        w = tau if r <= 0 else rest
        if real is double:
            loss[i] = (2 * w) * half_distance(pred[i], target[i]) if a == INFINITY else w * a
        else:
            loss[i] = w * a
        if grad:
            grad[i] = <real>(-tau if r < 0 else (rest if r > 0 else (middle if r == 0 else r)))
        if hess:
            hess[i] = 0


# smooth_l1 times the weight of quantile.
cdef void quantile_huber(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double tau = params[0], kappa = params[1], rest = 1 - tau
    cdef double top = kappa if kappa < DBL_MAX else DBL_MAX, divisor = kappa if kappa > 0 else 1
    cdef double left = tau / kappa if kappa > 0 else 0, right = rest / kappa if kappa > 0 else 0
    cdef double r, a, q, excess, t, w, height
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        a = fabs(r)
        w = tau if r <= 0 else rest
        q = top if a > top else a  # a NaN stays
        excess = a - kappa if a > kappa else 0
        t = 1 if a > kappa else q / divisor
        height = 0.5 * q + excess
        if real is double:
            loss[i] = (
                (2 * w) * (half_distance(pred[i], target[i]) - 0.25 * kappa) if height == INFINITY else w * (t * height)
            )
        else:
            loss[i] = w * (t * height)
        if grad:
            t = w * t
            grad[i] = <real>(-t if r < 0 else t)
        if hess:
            hess[i] = <real>(0 if a > kappa else (left if r <= 0 else (right if r > 0 else r)))


# tau r^2 below the target, (1 - tau) r^2 above: multiplied by tau before it is squared. The slope of an r that
# overflows is twice that of r/2.
cdef void expectile(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double tau = params[0], rest = 1 - tau, scale = params[SCALE], r, w, g
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        w = tau if r <= 0 else rest
        loss[i] = (w * scale * r) * r
        if grad:
            g = (2 * w) * r
            if real is double:
                g = (4 * w) * (0.5 * pred[i] - 0.5 * target[i]) if fabs(r) == INFINITY else g
            grad[i] = <real>g
        if hess:
            hess[i] = <real>(2 * tau if r <= 0 else (2 * rest if r > 0 else r))


cdef inline double beyond(double pred, double target, double epsilon) noexcept nogil:
    """max(0, |pred - target| - epsilon), where the leading digits cancel with what the residual rounded off added: its
    sign decides whether the element counts."""
    cdef double lost, more, r = two_sum(pred, -target, &lost), excess = two_sum(fabs(r), -epsilon, &more)
    more = more + (-lost if r < 0 else lost)
    excess = excess + (more if more == more else 0)  # r may be inf
    return 0 if excess <= 0 else excess


# max(0, |r| - epsilon).
cdef void epsilon_insensitive(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double epsilon = params[0], excess
    cdef Py_ssize_t i
    for i in range(n):
        excess = beyond(pred[i], target[i], epsilon)
        loss[i] = excess
        if grad:
            grad[i] = <real>((1 if pred[i] > target[i] else -1) if excess > 0 else excess)
        if hess:
            hess[i] = 0


# max(0, |r| - epsilon)^2.
cdef void squared_epsilon_insensitive(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double epsilon = params[0], scale = params[SCALE], excess
    cdef Py_ssize_t i
    for i in range(n):
        excess = beyond(pred[i], target[i], epsilon)
        loss[i] = (excess * scale) * excess
        if grad:
            grad[i] = <real>(-2 * excess if pred[i] < target[i] else 2 * excess)
        if hess:
            hess[i] = <real>(2 if excess > 0 else excess)


# scale |r| / m with m = max(|t|, eps). |r| and m are brought 2^300 nearer to 1, and the quotient back: no step then
# leaves the range where the loss is within it. For a large r by way of r/2, as r may overflow.
cdef void mape(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double eps = params[0], scale = params[1], up = 2.037035976334486e90, far = up * up, r, a, m, back, slope
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        a = fabs(r)
        m = fabs(<double>target[i])
        m = m if m > eps else eps
        back = (1 if a < 1 else far) * (1 if m < 1 else 1 / far)
        a = a * up if a < 1 else half_distance(pred[i], target[i]) * (2 / up)
        loss[i] = ((scale * a) / (m * (up if m < 1 else 1 / up))) * back
        if grad:
            slope = scale / m
            grad[i] = <real>(slope if r > 0 else (-slope if r < 0 else (0 if r == 0 else r)))
        if hess:
            hess[i] = 0


# 2 |p - t| / (|p| + |t|), with slope 4 |t| / (p + t)^2 and curvature 8 |t| / (p + t)^3 in absolute value, if the signs
# are the same. p and t are multiplied by c, a power of two, so that their sum neither overflows nor, squared, has
# denormal parts: 4 |t| / s^2 = ((4 |t c| c) / (s c)) / (s c). At p = 0 the slope is half as steep. A share is 2 if one
# of the two is infinite.
cdef void smape(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double p, t, c, x, y, r, distance, size, lost, share, sign, part, slope, bend
    cdef Py_ssize_t i
    for i in range(n):
        p = <double>pred[i]
        t = <double>target[i]
        c = 3.273390607896142e150 if fabs(p) + fabs(t) < 1024 else 0.25  # 2^500
        x = p * c
        y = t * c
        r = x - y
        distance = fabs(r)
        size = two_sum(fabs(x), fabs(y), &lost)
        share = 2 * (distance / size)
        share = 2 if distance == INFINITY else share
        loss[i] = 0 if size == 0 else share
        sign = p if t > 0 else -p  # of p t
        part = (fabs(y) * c) / size
        part = 0 if distance == INFINITY else part
        if grad:
            slope = (part * (4 if sign > 0 else (2 if sign == 0 else 0))) / size
            grad[i] = <real>(slope if r > 0 else (-slope if r < 0 else (0 if r == 0 else r)))
        if hess:
            lost = lost / size
            lost = 0 if distance == INFINITY else lost
            part = part - 3 * lost * part  # what the size rounded off, three times
            bend = ((part * c * (8 if sign > 0 else 0)) / size) / size
            bend = -bend if t < 0 else bend
            hess[i] = <real>(-bend if r > 0 else (bend if r < 0 else (0 if r == 0 else r)))


# 1 - log(A / B) = -log(A / (e B)) with A = 1 + p and B = 1 + t, beside A = e B, as -log1p(x), x = (A - e B) / (e B).
# All in parts, and 2^64 times smaller: beside A = e B two doubles differ by as little as 2^-53 A.
cdef inline double one_minus_log_ratio(double p, double t) noexcept nogil:
    cdef double one = 1, small = 5.421010862427522e-20  # 2^-64
    cdef double a, a_low, b, b_low, e, e_low, second, third, low, lost, rest, sum, x, x_low
    a = two_sum(one, p, &a_low) * small
    b = two_sum(one, t, &b_low) * small
    a_low = a_low * small
    b_low = b_low * small
    e = two_product(b, 2.718281828459045, &e_low)
    sum = two_sum(a_low, -e_low, &rest)
    second = two_product(b, 1.4456468917292502e-16, &low)
    sum = two_sum(sum, -second, &lost)
    rest = rest + (lost - low)
    third = two_product(b_low, 2.718281828459045, &low)
    sum = two_sum(sum, -third, &lost)
    rest = rest + (lost - low) - (b_low * 1.4456468917292502e-16 - b * 2.1277171080381768e-33)
    sum = two_sum(a - e, sum, &lost)
    rest = rest + lost
    x = sum / e
    e_low = e_low + (second + third)
    third = two_product(x, e, &low)
    x_low = (((sum - third) - low) + (rest - x * e_low)) / e
    sum = log1p_wide(x, &low)
    return -(sum + (low + x_low / (1 + x)))


# q^2 with |q| = log1p(x), x = |p - t| / (1 + the smaller): nothing cancels, and as x > 0 no error of x is amplified. x
# in two parts, because q^2 doubles what is left of it. For their sake numerator and denominator are taken 2^128 times
# smaller where they are large; where x itself is, the numerator alone, and 128 ln 2 is added. A float32 needs no second
# part.
cdef void msle(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double p, t, small, low, r, lost, a, shrink, shift, d, d_low, x, x_low, product, rest, high, q, w, near
    cdef double one = 1
    cdef Py_ssize_t i
    for i in range(n):
        p = <double>pred[i]
        t = <double>target[i]
        small = p if p < t else t
        r = two_sum(p, -t, &lost)
        if real is double:
            lost = -lost if r < 0 else lost
            a = fabs(r)
            d = two_sum(one, small, &d_low)
            shift = 88.722839111672999 if a * 1.183052186166774e-271 > d else 0  # 128 ln 2, 2^-900
            shrink = 2.938735877055719e-39 if d > 1e30 else 1  # 2^-128
            d = d * shrink
            d_low = d_low * shrink
            shrink = shrink * (2.938735877055719e-39 if shift > 0 else 1)
            a = a * shrink
            lost = lost * shrink
            x = a / d
            product = two_product(x, d, &rest)
            x_low = (((a - product) - rest) + (lost - x * d_low)) / d
            high = log1p_wide(x, &low)
            low = low + x_low / (1 + x)
            low = low + (shift * 3.3456773379254074e-17)
            high = two_sum(high, shift, &lost)
            low = low + lost if high < INFINITY else 0
        else:
            high = log1p_quick(fabs(r) / (one + small))
            low = 0
        q = high + low
        loss[i] = q * q
        high = -high if r < 0 else high
        low = -low if r < 0 else low
        q = -q if r < 0 else q
        if grad:
            grad[i] = <real>(0 if q == INFINITY else 2 * q / (1 + p))
        if hess:
            w = (1 - high) - low
            near = one_minus_log_ratio(p, t)
            w = near if fabs(w) < 0.5 else w
            hess[i] = <real>(0 if q == INFINITY else 2 * ((w / (1 + p)) / (1 + p)))


# e^x - x - 1 = (x/2) times what this returns, for x = high + low between -1.5 and 2. With y = x/2,
#
#     e^y = 1 + y + y^2 p(y),  e^y - 1 = y f,  f = 1 + y p,  e^x - x - 1 = (e^y - 1)^2 + 2 y^2 p = y^2 (f^2 + 2 p),
#
# a sum of positive terms. low is put in by the slope, e^x - 1 = y f (y f + 2). p - 1/2 = y times a minimax polynomial.
cdef inline double exp_rest(double high, double low) noexcept nogil:
    cdef double y = 0.5 * high, y2 = y * y, y4 = y2 * y2, p, f, first, second, third, lost
    first = fused_add(y, 0.04166666666666668, 0.16666666666666666)
    first = fused_add(y2, fused_add(y, 0.0013888888888885468, 0.008333333333333087), first)
    second = fused_add(y, 2.4801587304278993e-05, 0.00019841269841727388)
    second = fused_add(y2, fused_add(y, 2.755731876473632e-07, 2.7557318907001447e-06), second)
    third = fused_add(y, 2.0876594848526567e-09, 2.5052209738645703e-08)
    third = fused_add(y2, fused_add(y, 1.1529132152445428e-11, 1.6043767563820107e-10), third)
    third = fused_add(y4, 8.543220563000715e-13, third)
    p = fused_add(y, fused_add(y4, fused_add(y4, third, second), first), 0.5)
    f = fused_add(y, p, 1)
    first = two_product(y, fused_add(f, f, 2 * p), &lost)
    return first + (lost + low * (f * fused_add(y, f, 2)))


# b (e^x - x - 1) with x = a r in two parts, as x may be 700, which amplifies what it rounded off: a = m 2^k, and r 2^k
# leaves the range only where x does. Near 0 by the polynomial above (for float32 by a short series), else from e^x - 1;
# from 600 on as a square, that of e^(x/2), which a small b may bring back from beyond the largest number. Where x is
# -inf the loss is |a b r|.
cdef void linex(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double a = params[0], b = params[1], ab = a * b, least = ab * a, r, lost, half, x, low, e, f, near, v, g
    cdef int k
    cdef double m = 2 * frexp(a, &k), power = ldexp(1, k - 1)
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double bottom = -1.5 if wide else -0.0625, top = 2 if wide else 0.0625
    cdef Py_ssize_t i
    least = least if least < DBL_MAX else DBL_MAX
    for i in range(n):
        r = two_sum(pred[i], -<double>target[i], &lost)
        lost = lost if lost == lost else 0  # r is inf
        half = 0.5 * pred[i] - 0.5 * target[i]
        x = two_product(m, 2 * (half * power) if fabs(r) == INFINITY else r * power, &low)
        low = low + m * (lost * power) if fabs(x) < 10000 else 0
        if real is double:
            e = expm1_wide(x if x <= 600 else 0.5 * x, low if x <= 600 else 0.5 * low)
            near = exp_rest(x, low)
            g = two_product(0.5 * b, x, &lost)
            near = fused_add(g, near, lost * near if lost == lost else 0)  # b is above 2^996
        else:
            low = 0
            exp_quick(x if x <= 600 else 0.5 * x, &e)
            near = x * (1 + x * (1 / 3.0 + x * (1 / 12.0 + x * (1 / 60.0 + x * (1 / 360.0)))))
            near = (0.5 * b * x) * near
        f = 1 if x <= 600 else e
        v = (b * ((e - (x if x <= 600 else 0)) - low)) * f
        v = (near if x <= top else v) if x >= bottom else v
        v = (2 * ab * half if fabs(r) == INFINITY else ab * r) if x == -INFINITY else v
        loss[i] = fabs(v)  # both factors of a square may be -0.0
        if grad:
            g = least * r if fabs(x) < 1e-289 else (ab * e) * f  # without the rounding of a denormal x
            grad[i] = <real>g
        if hess:
            if real is double:
                e = exp_wide(x if fabs(x) <= 600 else 0.5 * x, low if fabs(x) <= 600 else 0.5 * low)
            else:
                e = exp_quick(x if fabs(x) <= 600 else 0.5 * x, &lost)
            f = 1 if fabs(x) <= 600 else e
            hess[i] = <real>((ab * e) * (a * f))


# What each end costs by itself, two terms that are never negative: its distance from the target, on the wrong side
# times 2 / alpha - 1. Width and fines added up as they are written would cancel where the ends cross. The slopes have
# a loop of their own: GCC gives up on one of more than ten pairs of arrays that might overlap.
cdef void interval_score(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* lower = inputs[0]
    cdef real* upper = inputs[1]
    cdef real* target = inputs[2]
    cdef real* by_lower = grads[0]
    cdef real* by_upper = grads[1]
    cdef real* lower_hess = hesses[0]
    cdef real* upper_hess = hesses[1]
    cdef double wrong = (2 - params[0]) / params[0], below, above, score
    cdef Py_ssize_t i
    for i in range(n):
        below = <double>target[i] - <double>lower[i]
        above = <double>upper[i] - <double>target[i]
        loss[i] = (below if below >= 0 else -wrong * below) + (above if above >= 0 else -wrong * above)
    if by_lower:
        for i in range(n):
            score = loss[i]
            below = wrong if target[i] < lower[i] else -1
            above = -wrong if target[i] > upper[i] else 1
            by_lower[i] = <real>(below if score == score else score)
            by_upper[i] = <real>(above if score == score else score)
    if lower_hess:
        for i in range(n):
            lower_hess[i] = 0
            upper_hess[i] = 0


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "mse": kernel(mse[float], mse[double], 2, 0b1, True),
    "half_squared_error": kernel(half_squared_error[float], half_squared_error[double], 2, 0b1, True),
    "mae": kernel(mae[float], mae[double], 2, 0b1, False),
    "huber": kernel(huber[float], huber[double], 2, 0b1, True),
    "smooth_l1": kernel(smooth_l1[float], smooth_l1[double], 2, 0b1, False),
    "quantile": kernel(quantile[float], quantile[double], 3, 0b1, False),
    "quantile_huber": kernel(quantile_huber[float], quantile_huber[double], 2, 0b1, False),
    "expectile": kernel(expectile[float], expectile[double], 2, 0b1, True),
    "epsilon_insensitive": kernel(epsilon_insensitive[float], epsilon_insensitive[double], 2, 0b1, False),
    "squared_epsilon_insensitive": kernel(
        squared_epsilon_insensitive[float], squared_epsilon_insensitive[double], 2, 0b1, True
    ),
    "mape": kernel(mape[float], mape[double], 2, 0b1, False),
    "smape": kernel(smape[float], smape[double], 2, 0b1, False),
    "msle": kernel(msle[float], msle[double], 2, 0b1, False),
    "linex": kernel(linex[float], linex[double], 2, 0b1, False),
    "interval_score": kernel(interval_score[float], interval_score[double], 3, 0b11, False),
}
