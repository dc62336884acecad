"""Binary classification losses: block functions of (pred, target) and of (logits, target, ...)."""

from libc.math cimport fabs
from fastloss.kernels.kernel cimport kernel
from fastloss.kernels.parts cimport (
    Parts, choose, exp_parts, expm1_of, log1p_parts, log_parts, minus, over, parts, plus, power_parts, settled, times,
)
from fastloss.kernels.vecmath cimport (
    absolute, exp_scaled, exp_wide, log, log1p, log1p_quick, log1p_unit, log1p_wide, log_wide, real, two_product, two_sum,
)


# (p - t)^2, in double so that sums do not drift.
cdef void brier(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double r
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        loss[i] = r * r
        if grad:
            grad[i] = <real>(2 * r)
        if hess:
            hess[i] = 2


# -(yes log p + no log1p(-p)), with no factor 0 where the other is infinite. The gradient is (p - yes) / (p (1 - p)):
# p - yes in two doubles where label smoothing puts yes between two floats; of a term whose numerator is 0 the factor
# p or 1 - p has cancelled. Divided twice in the Hessian, because p^2 underflows.
cdef void binary_cross_entropy(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double smoothing = params[0], wide, shift, d, m, s, d_low, m_low, s_low, r_low
    cdef real one = 1, p, q, t, yes, no, log_p, log_q, r
    cdef Py_ssize_t i
    for i in range(n):
        p = absolute(pred[i])  # a -0 must not turn the sign of an infinite slope
        t = target[i]
        q = one - p
        yes = t
        no = one - t
        r = p - t
        if smoothing != 0:
            wide = t
            shift = smoothing * (wide - 0.5)
            yes = <real>(wide - shift)
            no = <real>((1 - wide) + shift)
            d = two_sum(wide, -0.5, &d_low)
            m = two_product(smoothing, d, &m_low)
            s = two_sum(p, -wide, &s_low)
            s = two_sum(s, m, &r_low)
            r = <real>(s + (r_low + (s_low + (m_low + smoothing * d_low))))
        log_p = log[real](p)
        log_q = log1p[real](-p)
        loss[i] = (0 - <double>(yes * log_p if yes != 0 else 0)) - <double>(no * log_q if no != 0 else 0)
        if grad:
            r = r if yes != 0 else one
            r = r if no != 0 else -one
            grad[i] = r / ((p if yes != 0 else one) * (q if no != 0 else one))
        if hess:
            hess[i] = (yes / p / p if yes != 0 else 0) + (no / q / q if no != 0 else 0)


# With e = exp(-|x|), u the weight of the side that x speaks against and v that of the other side
# (x >= 0: u = 1 - t, v = w t; x < 0: the reverse, w = pos_weight):
#
#     loss = u |x| + (u + v) log1p(e),   |gradient| = (u - v e) / (1 + e),   Hessian = (u + v) e / (1 + e)^2.
#
# Nothing is subtracted from 1, so a confident score keeps its tail, and x -> -x, t -> 1 - t changes only signs.
# Where e is near 1 the soft target's difference is formed as (u - v) + v (1 - e), with 1 - e from expm1.
# u |x| is 0 for u = 0, also at x = inf.
cdef void binary_cross_entropy_with_logits(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* pos_weight = inputs[2]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real smoothing = <real>params[0], one = 1, half = <real>0.5
    cdef real x, a, e, expm1, t, w, shift, share, linear, positive, negative, u, v, g
    cdef bint plain = (smoothing == 0) & (params[1] != 0)  # no pos_weight: a fifth of the time
    cdef Py_ssize_t i
    for i in range(n):
        x = logits[i]
        a = absolute(x)
        e = exp_scaled[real](-a, 0, &expm1)
        t = target[i]
        if plain:
            u = t if x < 0 else one - t
            v = one - t if x < 0 else t
            linear = u * a if u != 0 else 0
        else:
            w = pos_weight[i]
            shift = smoothing * (t - half)
            positive = w * (t - shift)
            negative = (one - t) + shift  # not 1 - (t - shift), which would round what is left of a small 1 - t
            u = positive if x < 0 else negative
            v = negative if x < 0 else positive
            share = t - shift if x < 0 else negative
            w = w if x < 0 else one
            linear = share * a if share != 0 else 0
            linear = linear * w if w != 0 else 0  # u a, without rounding a tiny u
        loss[i] = <double>(linear + (u + v) * log1p_unit[real](e))
        if grad:
            g = ((u - v) - v * expm1 if a < half else u - v * e) / (one + e)
            grad[i] = -g if x < 0 else g
        if hess:
            hess[i] = (u + v) * e / ((one + e) * (one + e))


# What an element of a focal loss is made of: with a = |x|, e = exp(-a), l = log(1 + e), and u and v the shares of the
# side that x speaks against and of the other (x >= 0: u = 1 - t, v = t; x < 0: the reverse),
#
#     c = u a + l,   w = u + v e,   d = u - v e,   s = u - v,   one = 1 + e,
#
# so that binary_cross_entropy_with_logits is c, its slope d / one and its curvature e / one^2. (Slopes here point away
# from the side of x: for x < 0 the gradient is minus the slope.) A hard label on the right side has u = 0 and v = 1.
ctypedef struct Element:
    Parts l, c, w, d, s, one
    bint right


cdef inline Element element(double x, double t, Parts e, Parts l, real kind) noexcept nogil:
    cdef Element it
    cdef double a = fabs(x)
    cdef Parts yes = parts(t), no = plus[double](parts(1), parts(-t), 0)
    cdef Parts u = choose(x < 0, yes, no), v = choose(x < 0, no, yes), ve = times[double](v, e, 0)
    it.l, it.right = l, u.high == 0
    it.one = plus[real](parts(1), e, kind)
    it.w = plus[double](u, ve, 0)
    it.d = settled(plus[double](u, minus(ve), 0))
    it.s = plus[real](u, minus(v), kind)
    # where a is large no low part counts; that of a product may overflow
    it.c = choose(it.right, parts(0), choose(a < 1e300, times[real](u, parts(a), kind), parts(u.high * a)))
    it.c = plus[real](it.c, l, kind)
    it.c = choose(a < 1e300, settled(it.c), it.c)
    return it


# log(y / (1 + e)), where y is e for a hard label on the right side and underflows before its logarithm does
cdef inline Parts log_share(Element it, Parts y, double a, real kind) noexcept nogil:
    cdef Parts result = log_parts[real](choose(it.right, parts(1), y), kind)
    result.high -= (a if a < 1e300 else 1e300) if it.right else 0
    return plus[real](result, minus(it.l), kind)


# 2^400 e beyond |x| = 600, to be taken back by fall(x): an e that may be denormal is a factor of the curvature of a wrong
# answer, and what it is multiplied by may be a thousand.
cdef inline Parts lifted(Parts e, double x, real kind) noexcept nogil:
    cdef double low, high = two_sum(-fabs(x), 277.25887222397813, &low)  # 400 log(2)
    if real is double:
        return choose(fabs(x) > 600, parts(exp_wide(high, low - 6.7110242992170555e-15)), e)
    else:
        return e


cdef inline double fall(double x, real kind) noexcept nogil:
    return 2.0**-400 if sizeof(real) == 8 and fabs(x) > 600 else 1


# With m = w / one the probability that the answer is missed, and rho = e / w:
#
#     loss = m^gamma c,   slope = m^gamma (d + gamma s rho c) / one,
#     curvature = m^gamma (e + gamma s (2 rho d - rho c (1 - e - (gamma - 1) s rho))) / one^2.
#
# rho is 1 for a hard label on the right side, and rho c is 0 for rho = 0, also at x = inf. No alpha is a negative one.
cdef void focal(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double gamma = params[0], alpha = params[1]
    cdef double x, t, power, back, share, down, g
    cdef real kind = 0
    cdef Parts e, far, gs, rho, cost, h, balance, other = plus[double](parts(1), parts(-alpha), 0)
    cdef Element it
    cdef Py_ssize_t i
    for i in range(n):
        x = <double>logits[i]
        t = <double>target[i]
        e = exp_parts[real](fabs(x), kind)
        it = element[real](x, t, e, log1p_parts[real](e, kind), kind)
        power = power_parts[real](gamma, log_share[real](it, it.w, fabs(x), kind), &back, kind)
        balance = times[real](other, plus[real](parts(1), parts(-t), kind), kind)
        balance = plus[real](times[real](parts(alpha), parts(t), kind), balance, kind)
        share = balance.high + balance.low if alpha >= 0 else 1  # times the power it might be no number
        loss[i] = power * (share * it.c.high) * back if (power != 0) & (share != 0) else power * share

        gs = times[real](parts(gamma), it.s, kind)
        rho = choose(it.right, parts(1), over[real](e, it.w, kind))
        cost = choose(rho.high == 0, parts(0), times[real](rho, it.c, kind))
        if grad:
            h = over[real](plus[real](it.d, times[real](gs, cost, kind), kind), it.one, kind)
            g = power * (share * (h.high + h.low)) * back
            grad[i] = <real>(-g if x < 0 else g)
        if hess:
            far = choose(it.right, e, lifted[real](e, x, kind))
            down = 1 if it.right else fall[real](x, kind)
            h = times[real](plus[real](gs, minus(it.s), kind), rho, kind)
            rho = choose(it.right, rho, over[real](far, it.w, kind))
            cost = choose(rho.high == 0, parts(0), times[real](rho, it.c, kind))
            h = times[real](cost, plus[real](plus[real](parts(1), minus(e), kind), minus(h), kind), kind)
            h = plus[real](times[real](rho, plus[real](it.d, it.d, kind), kind), minus(h), kind)
            h = plus[real](far, times[real](gs, h, kind), kind)
            h = over[real](over[real](h, it.one, kind), it.one, kind)
            hess[i] = <real>(power * (share * (h.high + h.low)) * back * down)


# The factor t, or alpha p^gamma for t = 0, where p is what focal calls m.
cdef void varifocal(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double alpha = params[0], gamma = params[1]
    cdef double x, t, factor, back, g
    cdef real kind = 0
    cdef Parts e, h
    cdef Element it
    cdef Py_ssize_t i
    for i in range(n):
        x = <double>logits[i]
        t = <double>target[i]
        e = exp_parts[real](fabs(x), kind)
        it = element[real](x, t, e, log1p_parts[real](e, kind), kind)
        factor = alpha * power_parts[real](gamma, log_share[real](it, it.w, fabs(x), kind), &back, kind)
        factor = t if t > 0 else factor
        back = 1 if t > 0 else back
        loss[i] = factor * it.c.high * back if factor != 0 else 0 * fabs(t)  # a NaN stays
        if grad:
            h = over[real](it.d, it.one, kind)
            g = factor * (h.high + h.low) * back
            grad[i] = <real>(-g if x < 0 else g)
        if hess:
            h = over[real](over[real](e, it.one, kind), it.one, kind)
            hess[i] = <real>(factor * (h.high + h.low) * back)


# As focal, with the distance |d| / one in place of m, and beta in place of gamma:
#
#     slope     = distance^beta (d + beta rho c) / one                                  with rho = e / d,
#     curvature = distance^beta ((2 beta + 1) e + beta rho c ((beta - 1) rho - (1 - e))) / one^2.
#
# rho is -1 for a hard label on the right side. Where d comes close to 0 at x = 0, rho would overflow: there one or two
# factors d / one leave the power for the brackets, in which f = d / one and rho = e / one then stand for 1 and e / d.
# At x = 0 and t = 1/2 the prediction is right and d = 0.
cdef void quality_focal(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double beta = params[0]
    cdef double x, t, power, back, down, g
    cdef real kind = 0
    cdef Parts e, far, distance, f, rho, cost, h, r
    cdef Element it
    cdef bint below, near
    cdef Py_ssize_t i
    for i in range(n):
        x = <double>logits[i]
        t = <double>target[i]
        e = exp_parts[real](fabs(x), kind)
        it = element[real](x, t, e, log1p_parts[real](e, kind), kind)
        below = it.d.high < 0
        distance = log_share[real](it, choose(below, minus(it.d), it.d), fabs(x), kind)
        power = power_parts[real](beta, distance, &back, kind)
        loss[i] = power * it.c.high * back if power != 0 else 0

        near = fabs(x) < (1 if fabs(it.d.high) < 0.0625 else 0)
        f = choose(near, over[real](it.d, it.one, kind), parts(1))
        rho = choose(it.right, parts(-1), over[real](e, choose(near, it.one, it.d), kind))
        cost = choose(rho.high == 0, parts(0), times[real](rho, it.c, kind))
        cost = times[real](parts(beta), cost, kind)
        if grad:
            power = power_parts[real](beta - 1 if near else beta, distance, &back, kind)
            h = over[real](plus[real](times[real](it.d, f, kind), cost, kind), it.one, kind)
            g = power * (h.high + h.low) * back
            g = -g if (below if near else False) else g
            g = -g if x < 0 else g
            grad[i] = <real>(0 if it.d.high == 0 else g)
        if hess:
            power = power_parts[real](beta - 2 if near else beta, distance, &back, kind)
            far = choose(it.right, e, lifted[real](e, x, kind))
            down = 1 if it.right else fall[real](x, kind)
            h = times[real](plus[real](parts(1), minus(e), kind), f, kind)
            r = times[real](plus[real](parts(beta), parts(-1), kind), rho, kind)
            rho = choose(it.right, rho, over[real](far, choose(near, it.one, it.d), kind))
            cost = choose(rho.high == 0, parts(0), times[real](rho, it.c, kind))
            cost = times[real](parts(beta), cost, kind)
            r = times[real](cost, plus[real](r, minus(h), kind), kind)
            h = times[real](far, times[real](f, f, kind), kind)
            h = times[real](plus[real](parts(2 * beta), parts(1), kind), h, kind)
            h = over[real](over[real](plus[real](h, r, kind), it.one, kind), it.one, kind)
            g = h.high + h.low
            hess[i] = <real>(power * g * back * down if g != 0 else 0)


# The loss of a yes, focal's for t = 1: on the wrong side, x < 0, (rho, other) = (e, 1), on the right one (1, e), and
#
#     slope = -m^gamma (other + gamma rho c) / one,
#     curvature = m^gamma (e (1 + 2 gamma) + gamma rho c (gamma rho - other)) / one^2.
cdef inline void yes_element(
    double x, Parts e, Parts l, Parts far, double gamma, double* loss, double* slope, double* curvature, real kind
) noexcept nogil:
    cdef double a = fabs(x), back, power
    cdef Parts one = plus[real](parts(1), e, kind), m, c, rho = choose(x < 0, e, parts(1)), cost, h
    cdef Parts other = choose(x < 0, parts(1), e)
    m = plus[real](parts(0 if x < 0 else -(a if a < 1e300 else 1e300)), minus(l), kind)
    power = power_parts[real](gamma, m, &back, kind)
    c = plus[real](parts(a if x < 0 else 0), l, kind)
    loss[0] = power * c.high * back if power != 0 else 0

    cost = times[real](parts(gamma), times[real](rho, c, kind), kind)
    cost = choose(rho.high == 0, parts(0), cost)
    h = over[real](plus[real](other, cost, kind), one, kind)
    slope[0] = -(power * (h.high + h.low) * back)

    h = plus[real](times[real](parts(gamma), rho, kind), minus(other), kind)
    far = choose(x < 0, far, e)
    cost = times[real](parts(gamma), times[real](choose(x < 0, far, rho), c, kind), kind)
    cost = choose(far.high == 0, parts(0), cost)
    h = plus[real](times[real](plus[real](parts(1), parts(2 * gamma), kind), far, kind), times[real](cost, h, kind), kind)
    h = over[real](over[real](h, one, kind), one, kind)
    curvature[0] = power * (h.high + h.low) * back * (fall[real](x, kind) if x < 0 else 1)


# The loss of a no. With (yes, no) = (1, e) for x >= 0 and (e, 1) for x < 0, p = yes / one and 1 - p = no / one, and for
# k > 0, where p > clip,
#
#     k = (1 - clip) yes - clip no,   n = k / one,   r = no + clip one,   1 - n = r / one,
#     cost = -log(1 - n) = log1p(k / r),   y = e / r,   z = e / k,
#     loss = n^gamma cost,   slope = n^gamma (y + gamma z cost) / one,
#     curvature = n^gamma (y (no - yes clip one / r + 2 gamma z) + gamma z cost (no - yes + (gamma - 1) z)) / one^2.
#
# Next to the kink k is clip no (e^d - 1), d = x - log(clip / (1 - clip)): the logarithm comes in three parts, and
# e^d - 1 = d e^h with h = d/2 + d^2/24 - d^4/2880 + ..., so that log k = log(clip no d) + h has all its digits.
# Without a clip y = yes, z = no, and log n and cost are what they are in focal: -|x| is in them where e underflows.
cdef inline void no_element(
    double x, Parts e, Parts l, Parts far, double gamma, double clip, const double* kink, double* loss, double* slope,
    double* curvature, real kind,
) noexcept nogil:
    cdef Parts one = plus[real](parts(1), e, kind), yes = choose(x < 0, e, parts(1)), no = choose(x < 0, parts(1), e)
    cdef Parts left = plus[double](parts(1), parts(-clip), 0), lost = times[double](parts(clip), no, 0)
    cdef Parts k = plus[double](times[double](left, yes, 0), minus(lost), 0)
    cdef Parts d = plus[double](parts(x), parts(-kink[0]), 0)
    cdef Parts m, h, r, y, z, cost, floor
    cdef double a = fabs(x), power, back, square, series, down = 1 if x < 0 else fall[real](x, kind)
    cdef bint near, clipped = clip > 0
    d.low -= kink[1]
    d = settled(d)
    d.low -= kink[2]
    near = fabs(d.high) < 0.0625
    square = d.high * d.high
    series = square * (1.0 / 24 - square * (1.0 / 2880 - square * (1.0 / 181440 - square * (1.0 / 9676800))))
    h = choose(near, plus[double](parts(0.5 * d.high), parts(series), 0), parts(0))
    d = times[double](lost, d, 0)
    m = plus[real](log_parts[real](choose(near, d, k), kind), h, kind)
    m = choose(clipped, m, parts(-(a if a < 1e300 else 1e300) if x < 0 else 0))
    power = power_parts[real](gamma, plus[real](m, minus(l), kind), &back, kind)
    k = choose(near, plus[double](d, times[double](d, parts(expm1_of[real](h.high, kind)), 0), 0), k)
    floor = times[real](parts(clip), one, kind)
    r = plus[real](no, floor, kind)
    z = over[real](k, r, kind)
    if real is double:
        cost.high = log1p_wide(z.high, &cost.low)
        cost.low += z.low / (1 + z.high)
        cost = settled(cost)
    else:
        cost = parts(log1p_quick(z.high))
    cost = choose(clipped, cost, plus[real](parts(0 if x < 0 else a), l, kind))
    k.high = k.high if clipped else 1
    loss[0] = 0 if k.high <= 0 else (power * cost.high * back if power != 0 else 0)

    far = choose(x < 0, e, far)
    y = choose(clipped, over[real](far, r, kind), yes)
    z = choose(clipped, over[real](far, k, kind), choose(x < 0, no, far))
    cost = times[real](parts(gamma), times[real](z, cost, kind), kind)
    cost = choose(z.high == 0, parts(0), cost)
    h = over[real](plus[real](y, cost, kind), one, kind)
    slope[0] = 0 if k.high <= 0 else power * (h.high + h.low) * back * (down if clipped else 1)

    # of what a lifted one is added to it is nothing, but y where there is no clip: that is 1
    no = choose(clipped, no, choose(x < 0, no, far))
    z = choose(clipped, Parts(z.high * down, z.low * down), z)
    m = times[real](plus[real](parts(gamma), parts(-1), kind), z, kind)
    m = plus[real](plus[real](no, minus(yes), kind), m, kind)
    m = times[real](cost, m, kind)
    h = times[real](yes, choose(clipped, over[real](floor, r, kind), parts(0)), kind)
    h = plus[real](plus[real](no, minus(h), kind), times[real](parts(2 * gamma), z, kind), kind)
    h = plus[real](times[real](y, h, kind), m, kind)
    h = over[real](over[real](h, one, kind), one, kind)
    curvature[0] = 0 if k.high <= 0 else power * (h.high + h.low) * back * down


cdef void asymmetric(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double gamma_pos = params[0], gamma_neg = params[1], clip = params[2]
    cdef double x, t, value, slope, curvature, no_value, no_slope, no_curvature
    cdef real kind = 0
    cdef Parts e, l, far
    cdef Py_ssize_t i
    for i in range(n):
        x = <double>logits[i]
        t = <double>target[i]
        e = exp_parts[real](fabs(x), kind)
        l = log1p_parts[real](e, kind)
        far = lifted[real](e, x, kind)
        yes_element[real](x, e, l, far, gamma_pos, &value, &slope, &curvature, kind)
        no_element[real](x, e, l, far, gamma_neg, clip, params + 3, &no_value, &no_slope, &no_curvature, kind)
        loss[i] = (t * value if t != 0 else 0) + ((1 - t) * no_value if t != 1 else 0)
        if grad:
            grad[i] = <real>(t * slope + (1 - t) * no_slope)
        if hess:
            hess[i] = <real>(t * curvature + (1 - t) * no_curvature)


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "brier": kernel(brier[float], brier[double], 2, 0b1, False),
    "binary_cross_entropy": kernel(binary_cross_entropy[float], binary_cross_entropy[double], 2, 0b1, False),
    "binary_cross_entropy_with_logits": kernel(
        binary_cross_entropy_with_logits[float], binary_cross_entropy_with_logits[double], 3, 0b1, False
    ),
    "soft_binary_cross_entropy": kernel(
        binary_cross_entropy_with_logits[float], binary_cross_entropy_with_logits[double], 3, 0b1, False
    ),
    "focal": kernel(focal[float], focal[double], 2, 0b1, False),
    "varifocal": kernel(varifocal[float], varifocal[double], 2, 0b1, False),
    "quality_focal": kernel(quality_focal[float], quality_focal[double], 2, 0b1, False),
    "asymmetric": kernel(asymmetric[float], asymmetric[double], 2, 0b1, False),
}
