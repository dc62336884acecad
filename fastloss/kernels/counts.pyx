"""Likelihoods and deviances of counts and positive amounts: block functions, all but one in double.

Of float32 inputs a double has 29 bits to spare. What needs no more than these, `real is float` chooses: logarithms and
exponents in one part, the _quick functions of vecmath.h, products that cannot leave the range of a double.
"""

from libc.math cimport INFINITY, fabs
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.scores cimport difference
from fastloss.kernels.special cimport digamma_difference, lgamma_difference, trigamma_difference
from fastloss.kernels.vecmath cimport (
    absolute, exp, exp_quick, exp_scaled, exp_tail, exp_times, exp_wide, expm1, expm1_wide, log1p, log1p_unit,
    log_quick, log_wide, real, two_product, two_quotient, two_sum,
)

cdef enum:
    LOG = 0  # a link

cdef extern from *:
    """
    #define FASTLOSS_COUNTS_DOWN 0x1p-64
    #define FASTLOSS_COUNTS_UP 0x1p64
    #define FASTLOSS_COUNTS_LOG_UP 0x1.62e42fefa39efp+5
    #define FASTLOSS_COUNTS_LOG_UP_LOW 0x1.abc9e3b39803fp-50
    """
    # what may overflow is computed smaller by DOWN
    const double DOWN "FASTLOSS_COUNTS_DOWN"
    const double UP "FASTLOSS_COUNTS_UP"
    const double LOG_UP "FASTLOSS_COUNTS_LOG_UP"
    const double LOG_UP_LOW "FASTLOSS_COUNTS_LOG_UP_LOW"


# x, or y if that is NaN: a slope by one input is NaN where another is.
cdef inline double unless_nan(double x, double y) noexcept nogil:
    return x if y == y else y


# log(t!), or DOWN times that for a t above 1e300, of which `scaled` is DOWN t: lgamma(t) is about t (log(t) - 1).
cdef inline double log_factorial(double scaled, bint large) noexcept nogil:
    return lgamma_difference(1, scaled) + (scaled * LOG_UP if large else 0)


# log(x) of a float, in fewer bits.
cdef inline double log_of(double x, double* low, bint single) noexcept nogil:
    low[0] = 0
    return log_quick(x) if single else log_wide(x, low)


# a e^x. A float a that is not 0 is 2^-149 at least: a e^x is no number where 2^-150 e^x is none.
cdef inline double times_exp(double a, double x, bint single) noexcept nogil:
    cdef bint far = x > 600
    cdef double e
    if not single:
        return exp_times(a, x, 0)
    e = exp[double](x - (103.97207708399179 if far else 0))  # 150 log(2)
    e = 1e308 if e > 1e308 else e  # a may be 0
    return a * e * (2.0**150 if far else 1)


# DOWN e^x where e^x may overflow, else e^x.
cdef inline double rate_within(double x) noexcept nogil:
    cdef bint beyond = x > 700
    cdef double low, high = two_sum(x, -LOG_UP if beyond else 0, &low)
    return exp_wide(high, low - (LOG_UP_LOW if beyond else 0))


# e^x - t x, plus log(t!) if full, and the rate e^x. Where e^x or another term may overflow, all are DOWN times as large:
# what is lost of a t that is small then, is small beside e^700. From x = 1000 on t x is less than e^x, and need not be
# infinite, too.
cdef inline double poisson_cost(double x, double t, bint full, double scale, double* rate) noexcept nogil:
    cdef bint beyond = x > 700, large = beyond | (t > 1e300)
    cdef double down = DOWN if large else 1, scaled = t * down, cost = rate_within(x)
    rate[0] = cost * (UP if beyond else 1)
    cost *= 1 if beyond else down
    cost -= scaled * (1000 if x > 1000 else x) if t != 0 else 0
    if full:
        cost += log_factorial(scaled, large)
    return cost * (scale * UP if large else scale)


cdef void poisson_by_log(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params, bint full
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], x, t, rate
    cdef Py_ssize_t i
    for i in range(n):
        x = pred[i]
        t = target[i]
        loss[i] = poisson_cost(x, t, full, scale, &rate)
        if grad:
            grad[i] = <real>(rate - t)
        if hess:
            hess[i] = <real>rate


# x - t log(x + eps), with x + eps in two parts because its logarithm may be near 0. The slope is (x - t + eps) /
# (x + eps), but 1 for t = 0, also at 0 / 0.
cdef void poisson_by_rate(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params, bint full, double eps
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], x, t, rate, low, log, log_low, down, d, d_low, lost
    cdef bint large
    cdef Py_ssize_t i
    for i in range(n):
        x = fabs(<double>pred[i])  # a -0 must not turn the sign of an infinite slope
        t = target[i]
        large = (x > 1e300) | (t > 1e300)
        down = DOWN if large else 1
        rate = two_sum(x, eps, &low)
        log = log_wide(rate, &log_low)
        log += log_low + low / (rate if rate != 0 else 1)
        d = x * down - (t * down * log if t != 0 else 0)
        if full:
            d += log_factorial(t * down, large)
        loss[i] = d * (scale * UP if large else scale)
        if grad:
            d = two_sum(x, -t, &d_low)
            d = two_sum(d, eps, &lost)
            d += d_low + lost
            rate = rate if t != 0 else 1 + (x - x)
            grad[i] = <real>((d if t != 0 else 1) / rate)
        if hess:
            hess[i] = <real>(t / rate / rate)


cdef void poisson_nll(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef bint log_input = params[0] != 0, full = params[1] != 0
    if log_input and full:
        poisson_by_log[real](inputs, loss, grads, hesses, n, params, True)
    elif log_input:
        poisson_by_log[real](inputs, loss, grads, hesses, n, params, False)
    elif full:
        poisson_by_rate[real](inputs, loss, grads, hesses, n, params, True, params[2])
    else:
        poisson_by_rate[real](inputs, loss, grads, hesses, n, params, False, params[2])


# m - 1 - log(m) for m = a / b, which is v - log(1 + v) with v = (a - b) / b: a series where v is small, else the
# quotient and its logarithm in two parts. a and b are scaled for the quotient to have a low part, which only counts if
# they are alike; a quotient that underflows is 2^1100 times as large under its logarithm.
cdef inline double excess(double a, double b) noexcept nogil:
    cdef double u = a - b, v = u / b, m = a / b, up = 1, low, lost, log_low, log, far, near
    cdef bint tiny = m < 2.0**-930
    up = 2.0**500 if b < 2.0**-500 else up
    up = 2.0**-500 if b > 2.0**500 else up
    two_quotient(a * up, b * up, &low)
    low = low if (m > 0.25) & (m < 4) else 0
    log = log_wide((a * 2.0**900) / (b * 2.0**-200) if tiny else m, &log_low)
    log -= 762.4618986159398 if tiny else 0  # 1100 log(2)
    log_low += low / (m if m > 0.25 else 1)
    log = log if m < 2.0**60 else 0  # beyond it does not count, and both may be infinite
    far = two_sum(m, -1, &lost)
    lost = lost if m < 2.0**60 else 0
    far = (far - log) + ((lost + low) - log_low)
    near = 0.2 - v * (1.0 / 6 - v * (1.0 / 7 - v * (1.0 / 8)))
    near = v * v * (0.5 - v * (1.0 / 3 - v * (0.25 - v * near)))
    return near if fabs(u) < 2.0**-8 * b else far


# 1 - s + s log(s) and s - 1 - log(s) of s = 1 - d, a quotient of floats: both are d^2/2 and more, of which a series is
# left where d is small.
cdef inline double excess_by_mean(double s, double d) noexcept nogil:
    cdef double far = d + s * log_quick(s if s != 0 else 1)
    cdef double near = d * d * (0.5 + d * (1.0 / 6 + d * (1.0 / 12 + d * (0.05 + d * (1.0 / 30)))))
    return near if fabs(d) < 2.0**-6 else far


cdef inline double excess_by_target(double s, double d) noexcept nogil:
    cdef double far = -d - log_quick(s)
    cdef double near = d * d * (0.5 + d * (1.0 / 3 + d * (0.25 + d * (0.2 + d * (1.0 / 6)))))
    return near if fabs(d) < 2.0**-6 else far


# t excess(mu, t), and mu for t = 0. Where mu / t is beyond 2^60, and may be infinite, t log(t / mu) does not count. Of
# floats mu excess_by_mean(t / mu), with one division for all.
cdef void poisson_deviance(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], mu, t, value, inverse, d
    cdef Py_ssize_t i
    for i in range(n):
        mu = pred[i]
        t = target[i]
        if real is float:
            inverse = 1 / mu
            d = (mu - t) * inverse
            loss[i] = (mu * scale) * excess_by_mean(t * inverse, d)
            if grad:
                grad[i] = <real>d
            if hess:
                hess[i] = <real>(t * inverse * inverse)
        else:
            value = (t * scale) * excess(mu, t)
            value = (mu - t) * scale if mu > 2.0**60 * t else value
            loss[i] = value
            if grad:
                grad[i] = <real>((mu - t) / mu)
            if hess:
                hess[i] = <real>(t / mu / mu)


# e^y - 1 - y to 31 bits, for |y| up to 1/16.
cdef inline double tail_near_0(double y) noexcept nogil:
    return y * y * (0.5 + y * (1.0 / 6 + y * (1.0 / 24 + y * (1.0 / 120 + y * (1.0 / 720)))))


# t log t - t x + e^x - t = t (e^y - 1 - y) with y = x - log t in two parts: never negative. From y = 30 on t (1 + y) is
# small beside e^x, and taken off that, also where t = 0 and y infinite. Of floats from |y| = 1/16 on, and below it there
# is the series.
cdef void generalized_kl(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], x, t, rate, y, low, log_low, log, near, far
    cdef bint large
    cdef Py_ssize_t i
    for i in range(n):
        x = pred[i]
        t = target[i]
        log = log_of(t, &log_low, sizeof(real) == 4)
        y = difference(x, log, &low)
        y = INFINITY if t == 0 else y
        large = x > 700
        far = rate_within(x)
        rate = far * (UP if large else 1)
        far -= t * (DOWN if large else 1) * (1 + (0 if y > 1000 else y))
        far *= scale * UP if large else scale
        if real is float:
            loss[i] = (t * scale) * tail_near_0(y) if fabs(y) < 0.0625 else far
        else:
            near = (t * scale) * exp_tail(y, low - log_low)
            loss[i] = far if y > 30 else near
        if grad:
            grad[i] = <real>(rate - t)
        if hess:
            hess[i] = <real>rate


cdef void half_poisson_deviance(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    if params[0] == LOG:
        generalized_kl[real](inputs, loss, grads, hesses, n, params)
    else:
        poisson_deviance[real](inputs, loss, grads, hesses, n, params)


# x + t e^-x; or if full e^w - 1 - w with w = log t - x in two parts, of which e^w alone counts from w = 100 on. Of floats
# e^w is t e^-x from |w| = 1/16 on, and below it there is the series.
cdef void gamma_by_log(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params, bint full
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], x, t, share, near, w, low, log, log_low
    cdef Py_ssize_t i
    for i in range(n):
        x = pred[i]
        t = target[i]
        share = times_exp(t * scale, -x, sizeof(real) == 4)
        if full:
            log = log_of(t, &log_low, sizeof(real) == 4)
            w = difference(log, x, &low)
            if real is float:
                near = share - (1 + w) * scale
                near = tail_near_0(w) * scale if fabs(w) < 0.0625 else near
            else:
                near = exp_tail(w, low + log_low) * scale
            loss[i] = share if w > 100 else near
        else:
            loss[i] = share + (0 if share == INFINITY else x * scale)  # also for x = -inf
        if grad:
            grad[i] = <real>(1 - share)
        if hess:
            hess[i] = <real>share


cdef void half_gamma_deviance(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    if params[0] != 0:
        gamma_by_log[real](inputs, loss, grads, hesses, n, params, True)
    else:
        gamma_by_log[real](inputs, loss, grads, hesses, n, params, False)


# The deviances by the mean itself that have no power in them: (x - t)^2 / 2 and excess(t, x).
cdef void normal_deviance(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], r
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>pred[i] - <double>target[i]
        loss[i] = (0.5 * r * scale) * r
        if grad:
            grad[i] = <real>r
        if hess:
            hess[i] = 1


cdef void gamma_deviance(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], mu, t, inverse, d
    cdef Py_ssize_t i
    for i in range(n):
        mu = pred[i]
        t = target[i]
        if real is float:
            inverse = 1 / mu
            d = (mu - t) * inverse
            loss[i] = excess_by_target(t * inverse, d) * scale
            if grad:
                grad[i] = <real>(d * inverse)
            if hess:
                hess[i] = <real>((2 * (t * inverse) - 1) * inverse * inverse)
        else:
            loss[i] = excess(t, mu) * scale
            if grad:
                grad[i] = <real>((mu - t) / mu / mu)
            if hess:
                hess[i] = <real>((2 * (t / mu) - 1) / mu / mu)


# With a = 2 - power and b = 1 - power, P = e^(ax) and Q = t e^(bx), for which the exponents come in two parts:
#
#     loss = P/a - Q/b,   gradient = P - Q,   Hessian = a P - b Q,   and for power 0 the loss is (e^x - t)^2 / 2.
#
# Where one may overflow both are 2^-100 times as large. If both do nevertheless, e^x and t say what is left of them:
# P = Q e^x / t; times 2^100 where t may be denormal.
cdef void tweedie_by_log(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double a_low, a = two_sum(2, -params[0], &a_low), b_low, b = two_sum(1, -params[0], &b_low)
    cdef double scale = params[SCALE]
    cdef bint normal = params[0] == 0, large, beyond
    cdef double x, t, rate, p, p_low, q, q_low, lost, lift, up, d
    cdef Py_ssize_t i
    for i in range(n):
        x = pred[i]
        t = target[i]
        p = two_product(a, x, &p_low)
        q = two_product(b, x, &q_low)
        large = (p > 600) | (q > 600)
        if real is float:
            p = exp[double](p - (69.31471805599453 if large else 0))
            q = times_exp(t, q - (69.31471805599453 if large else 0), True)
            rate = exp[double](x) if normal else exp_quick(x, &lost)
        else:
            q = two_sum(q, -69.31471805599453 if large else 0, &lost)  # 100 log(2), and below what that rounds off
            q_low += b_low * x + (lost + (1.6777560748042639e-15 if large else 0))
            p = exp_times(2.0**-100 if large else 1, p, p_low + a_low * x)
            q = exp_times(t, q, q_low)
            rate = exp[double](x)
        up = 2.0**100 if large else 1
        beyond = (p == INFINITY) & (fabs(q) == INFINITY)
        lift = 2.0**100 if t < 1 else 1
        p = rate * lift if beyond else p
        q = t * lift if beyond else q
        up = INFINITY if beyond else up
        if normal:
            d = rate - t
            loss[i] = (0.5 * d * scale) * d
        else:
            loss[i] = (p / a - q / b) * (up * scale)
        if grad:
            grad[i] = <real>((p - q) * up)
        if hess:
            hess[i] = <real>((a * p - b * q) * up)


# A step of tweedie's series.
cdef inline double step(double rest, double v, double power, double k) noexcept nogil:
    return 1 - v * ((power + k - 1) / (k + 2)) * rest


# With m the mean, t^a/(ab) - t m^b/b + m^a/a: each power the exponential of a logarithm times an exponent, in two
# parts, and all of them DOWN times as large where one may overflow. Near m = t, with v = (t - m)/m, it is m^a times the
# series
#
#     v^2/2 (1 - power v/3 (1 - (power + 1) v/4 (1 - (power + 2) v/5 (...)))).
#
# The slope is m^-power (m - t), the curvature m^-power (b + power t/m); where t/m overflows b does not count.
cdef void tweedie_by_mean(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], power = params[0]
    cdef double a_low, a = two_sum(2, -power, &a_low), b_low, b = two_sum(1, -power, &b_low)
    cdef double within = 0.03125 / (1 + fabs(power)), m, t, v, near, log_m, m_low, log_t, t_low, one, two, three
    cdef double one_low, two_low, three_low, lost, down, up, q
    cdef bint large
    cdef Py_ssize_t i
    for i in range(n):
        m = pred[i]
        t = target[i]
        log_m = log_wide(m, &m_low)
        log_t = log_wide(fabs(t), &t_low)
        one = two_product(a, log_t, &one_low)
        one_low += a * t_low + a_low * log_t
        two = two_product(b, log_m, &two_low)
        two = two_sum(two, log_t, &lost)
        two_low += lost + (t_low + (b * m_low + b_low * log_m))
        three = two_product(a, log_m, &three_low)
        three_low += a * m_low + a_low * log_m
        large = ((one > 600) & (t > 0)) | (two > 600) | (three > 600)
        down = DOWN if large else 1
        up = UP if large else 1
        one = exp_times(down, -2000 if t <= 0 else one, one_low)  # no power: e^-2000 is 0
        two = exp_times(down, two, two_low)
        three = exp_times(down, three, three_low)
        v = (t - m) / m
        near = step(step(step(step(1, v, power, 12), v, power, 11), v, power, 10), v, power, 9)
        near = step(step(step(step(near, v, power, 8), v, power, 7), v, power, 6), v, power, 5)
        near = step(step(step(step(near, v, power, 4), v, power, 3), v, power, 2), v, power, 1)
        near = 0.5 * v * v * near
        near = near * three if near != 0 else 0
        two = -two if t < 0 else two
        q = (one / (a * b) - two / b) + three / a
        q = INFINITY if (one == INFINITY) | (fabs(two) == INFINITY) | (three == INFINITY) else q
        q = 0 if q < 0 else q  # of a power next to 1 or 2 the terms are huge
        q = m + t if (m != m) | (t != t) else q  # a NaN stays beside a term that overflows
        loss[i] = (near if fabs(v) < within else q) * (up * scale)
        if grad:
            one = two_product(-power, log_m, &one_low)
            one_low -= power * m_low
            q = t / m
            grad[i] = <real>exp_times(m - t, one, one_low)
            if hess:
                large = fabs(q) == INFINITY
                two = two_sum(one, -log_m if large else 0, &lost)
                two_low = one_low + (lost - (m_low if large else 0))
                q = power * t if large else b + power * q
                hess[i] = <real>exp_times(q, two, two_low)


cdef void tweedie(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef double power = params[0]
    if params[1] == LOG:
        if power == 1:
            poisson_by_log[real](inputs, loss, grads, hesses, n, params, False)
        elif power == 2:
            gamma_by_log[real](inputs, loss, grads, hesses, n, params, False)
        else:
            tweedie_by_log[real](inputs, loss, grads, hesses, n, params)
    elif power == 0:
        normal_deviance[real](inputs, loss, grads, hesses, n, params)
    elif power == 1:
        poisson_deviance[real](inputs, loss, grads, hesses, n, params)
    elif power == 2:
        gamma_deviance[real](inputs, loss, grads, hesses, n, params)
    else:
        tweedie_by_mean[real](inputs, loss, grads, hesses, n, params)


# With k = e^log_dispersion, d = log_mean - log_dispersion in two parts and e = e^-|d|,
#
#     loss = log(t! Gamma(k) / Gamma(t + k)) + k softplus(d) + t softplus(-d),
#
# the first made of two differences of lgamma by the smaller of t and k - 1:
#
#     lgamma(1 + t) - (lgamma(k + t) - lgamma(k))   or   lgamma(k) - (lgamma(1 + t + k - 1) - lgamma(1 + t)).
#
# k e and t e may be numbers where e underflows, and are the products with log(1 + e) then. Where psi(k + t) - psi(k)
# may underflow it is as good as linear in t, and taken of 2^500 t.
cdef void negative_binomial_nll(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* log_mean = inputs[0]
    cdef real* log_dispersion = inputs[1]
    cdef real* target = inputs[2]
    cdef real* by_mean = grads[0]
    cdef real* by_dispersion = grads[1]
    cdef real* hess_mean = hesses[0]
    cdef real* hess_dispersion = hesses[1]
    cdef double x, c, t, d, low, e, one, k, less, ke, te, l, ways, k_cost, t_cost, expected, seen, lead, both
    cdef double more, down
    cdef bint swap, tiny
    cdef Py_ssize_t i
    for i in range(n):
        x = log_mean[i]
        c = log_dispersion[i]
        t = target[i]
        d = difference(x, c, &low)
        low = low if d < 0 else -low
        k = exp[double](c)
        less = expm1[double](c)
        e = exp_wide(-fabs(d), low)
        ke = exp_times(k, -fabs(d), low)
        te = exp_times(t, -fabs(d), low)
        l = log1p_unit[double](e)
        k_cost = (ke if e < 1e-17 else k * l) + (k * d if d > 0 else 0)
        t_cost = (te if e < 1e-17 else t * l) - ((t * d if t != 0 else 0) if d < 0 else 0)
        swap = t > (less if c > 0 else 1)
        ways = lgamma_difference(1, (less if c > 0 else k) if swap else t)
        ways -= c if (swap and c < 0) else 0
        ways -= lgamma_difference(1 + t if swap else k, less if swap else t)
        ways = (ways + k_cost) + t_cost
        loss[i] = 0 if ways < 0 else ways
        if by_mean:
            one = 1 + e
            expected = (ke if d < 0 else k) / one
            seen = (te if d > 0 else t) / one
            tiny = t < 2.0**-700
            down = 2.0**-500 if tiny else 1
            more = t * 2.0**500 if tiny else t
            lead = k * digamma_difference(k, more) * down
            by_mean[i] = <real>(expected - seen)
            by_dispersion[i] = <real>((k_cost - expected) + (seen - lead))
            if hess_mean:
                both = (ke + te) / (one * one)
                lead += k * (k * trigamma_difference(k, more)) * down
                hess_mean[i] = <real>both
                hess_dispersion[i] = <real>(((k_cost - expected) + (both - expected)) - lead)


# Of a 0, with a = gate, rate = e^x in two parts, s = a + rate, e = e^-|s|, g = e^-|a|, q = 1 - e^-rate and
# M = max(a, -rate),
#
#     loss = log(1 + r),  r = q e^-M / (1 + e),  or  -M - log(1 + e) where r is large,
#     slopes = rate sigma(-s)  and  -q sigma(s) sigma(-a),
#     curvatures = rate sigma(-s) (1 - rate sigma(s))  and  -q sigma(s) sigma(-a) (sigma(-s) - sigma(a)),
#
# in which nothing cancels but what is given in brackets. At most one of sigma(s) and sigma(-a) is small.
cdef void zero_inflated_poisson_nll(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* log_rate = inputs[0]
    cdef real* gate = inputs[1]
    cdef real* target = inputs[2]
    cdef real* by_rate = grads[0]
    cdef real* by_gate = grads[1]
    cdef real* hess_rate = hesses[0]
    cdef real* hess_gate = hesses[1]
    cdef double x, a, t, rate, counted, rate_low, held, log, log_low, s, low, e, g, one, other, q, m, m_low, r, cost
    cdef double slope, opposite
    cdef bint none
    cdef Py_ssize_t i
    for i in range(n):
        x = log_rate[i]
        a = gate[i]
        t = target[i]
        none = t == 0
        counted = poisson_cost(x, t, True, 1, &rate)
        if real is double:
            log = log_wide(rate, &log_low)
            rate_low = rate * ((x - log) - log_low) if fabs(x) < 690 else 0
        else:
            rate_low = 0
        held = 1e308 if rate > 1e308 else rate  # no infinity
        s = difference(a, -held, &low)
        low += rate_low
        low = low if s < 0 else -low
        e = exp_wide(-fabs(s), low)
        g = exp[double](-fabs(a))
        one = 1 + e
        other = 1 + g
        q = 0 - expm1_wide(-rate, -rate_low)
        m = -rate if s < 0 else a
        m_low = -rate_low if s < 0 else 0
        r = exp_times(q, -m, -m_low) / one
        cost = log1p[double](r)
        cost = cost if r < 1e200 else -m - log1p_unit[double](e)
        r = (a if a > 0 else 0) + log1p_unit[double](g)
        r += counted
        cost = cost if none else r
        loss[i] = 0 if cost < 0 else cost
        if by_rate:
            m = exp_times(held, -fabs(s), low)
            slope = (rate if s < 0 else m) / one
            opposite = (m if s < 0 else rate) / one
            r = -exp_times(q, -fabs(s) if s < 0 else (-a if a > 0 else 0), low if s < 0 else 0) / (one * other)
            by_rate[i] = <real>unless_nan(unless_nan(slope if none else rate - t, a), t)
            m = (1 if a > 0 else g) / other
            by_gate[i] = <real>unless_nan(unless_nan(r if none else m, x), t)
            if hess_rate:
                slope = slope * (1 - opposite) if slope != 0 else 0
                hess_rate[i] = <real>(slope if none else rate)
                r *= (1 if s < 0 else e) / one - m
                hess_gate[i] = <real>(r if none else g / (other * other))


# Binary cross-entropy, as in classification.pyx without weights: of e = e^-|x|, u the weight of the side that x speaks
# against and v that of the other,
#
#     loss = u |x| + (u + v) log1p(e),   |gradient| = (u - v e) / (1 + e),   Hessian = e / (1 + e)^2.
cdef void bernoulli_nll(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real one = 1, half = <real>0.5
    cdef real x, a, e, expm1, t, u, v, linear, g
    cdef Py_ssize_t i
    for i in range(n):
        x = logits[i]
        a = absolute(x)
        e = exp_scaled[real](-a, 0, &expm1)
        t = target[i]
        u = t if x < 0 else one - t
        v = one - t if x < 0 else t
        linear = u * a if u != 0 else 0
        loss[i] = <double>(linear + (u + v) * log1p_unit[real](e))
        if grad:
            g = ((u - v) - v * expm1 if a < half else u - v * e) / (one + e)
            grad[i] = -g if x < 0 else g
        if hess:
            hess[i] = (u + v) * e / ((one + e) * (one + e))


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "poisson_nll": kernel(poisson_nll[float], poisson_nll[double], 2, 0b1, True),
    "half_poisson_deviance": kernel(half_poisson_deviance[float], half_poisson_deviance[double], 2, 0b1, True),
    "half_gamma_deviance": kernel(half_gamma_deviance[float], half_gamma_deviance[double], 2, 0b1, True),
    "tweedie": kernel(tweedie[float], tweedie[double], 2, 0b1, True),
    "negative_binomial_nll": kernel(negative_binomial_nll[float], negative_binomial_nll[double], 3, 0b11, False),
    "zero_inflated_poisson_nll": kernel(
        zero_inflated_poisson_nll[float], zero_inflated_poisson_nll[double], 3, 0b11, False
    ),
    "generalized_kl": kernel(generalized_kl[float], generalized_kl[double], 2, 0b1, True),
    "bernoulli_nll": kernel(bernoulli_nll[float], bernoulli_nll[double], 2, 0b1, False),
}
