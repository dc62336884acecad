"""The softmax family: block functions of rows of logits, for the driver rows.pyx.

With m the row's largest logit, at class `top`, and e_c = exp(z_c - m) scaled by a power of two (lanes.pxd):

    others = sum of e_c over c != top,    L = log1p(others / e_top),    logsumexp = m + L,    p_c = e_c / (others + e_top),

all terms of a loss are positive, and a difference from 1 is made of what the others add up to: that is why a
confident, correct row keeps its tail.
"""

from libc.math cimport INFINITY, NAN, fabs, ilogb, ldexp
from libc.string cimport memset
from fastloss.kernels.lanes cimport (
    LABELS, LABELS_OR_SHARES, NO_TARGET, TILE, Lanes, Softmax, add, add_squares, against, clear, diagonal, finite,
    lanes_at, largest, log_total, pick, place, put, row_kernel, rows_in, scale_tile, settle_sum, share, softmax_of,
    tempered_against, tempered_softmax_of,
)
from fastloss.kernels.vecmath cimport log1p_wide, real, two_product, two_quotient, two_sum

cdef extern from "softmax.h" nogil:
    void sm_cap_f32(
        const float* z, double softcap, double factor, Py_ssize_t n, double* high, double* slope) noexcept
    void sm_cap_f64(
        const double* z, double softcap, double factor, double factor_low, Py_ssize_t n, double* high, double* low,
        double* slope) noexcept
    void sm_fall_f32(
        const double* high, const double* m, double rate, Py_ssize_t n, float* fall, float* e, double* sum) noexcept
    void sm_fall_f64(
        const double* high, const double* m, const double* m_low, double rate, double rate_low, Py_ssize_t n,
        double* fall, double* e, double* e_low, double* sum, double* lost) noexcept
    void sm_shares(double* e, const double* e_low, const double* total, const double* total_low, Py_ssize_t n) noexcept
    void sm_uncap_f32(const double* slope, Py_ssize_t n, float* grad) noexcept
    void sm_uncap_f64(const double* slope, const double* low, Py_ssize_t n, double* grad) noexcept
    void sm_bend_f32(
        const double* slope, const double* high, double bent, Py_ssize_t n, const float* grad, float* hess) noexcept
    void sm_bend_f64(
        const double* slope, const double* high, double bent, double bent_low, Py_ssize_t n, const double* grad,
        const double* grad_low, double* hess) noexcept
    const double UP "0x1p100"
    const double DOWN "0x1p-100"


cdef void cross_entropy_of_label(
    const double* cost, const double* rest, double* loss, double* slope, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = cost[i]
        slope[i] = 1


# The coefficients a_c of shares of every class, or of labels, smoothed and weighed.
cdef void coefficients(const Lanes* lanes, const real* shares, double smoothing, real* a) noexcept nogil:
    cdef Py_ssize_t i, j, k, w, n = lanes.width
    cdef double everywhere = smoothing / lanes.classes, own = 1 - smoothing, v, low, lost, rest
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            a[k + i] = <real>(own * shares[k + i] + everywhere if lanes.soft else everywhere)
    if not lanes.soft:
        for i in range(rows_in(lanes)):
            a[place(lanes, i, lanes.label[i])] = <real>(own + everywhere)
    if lanes.class_weight != NULL:
        for j in range(lanes.steps):
            k = j * n
            w = j * lanes.weight_width
            for i in range(lanes_at(lanes, j)):
                if real is double and lanes.soft:  # rounded once: a class of much weight is most of the sum
                    v = two_product(own, shares[k + i], &low)
                    v = two_sum(v, everywhere, &lost)
                    a[k + i] = two_product(lanes.class_weight[w + i], v, &rest)
                    a[k + i] += rest + lanes.class_weight[w + i] * (low + lost)
                else:
                    a[k + i] = <real>(lanes.class_weight[w + i] * a[k + i])


cdef enum:
    LIFT = 28  # by which exponentials of float are larger, so that small ones are no denormal numbers: 2^28


# Of shares, and of labels smoothed: against coefficients a_c (lanes.pxd).
cdef void cross_entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef Softmax s
    if params[3] != 0:
        adjusted_cross_entropy[real](inputs, grads, hess, loss, lanes, params)
        return
    softmax_of[real](lanes, inputs[0], grads[0], &s)
    coefficients[real](lanes, inputs[1], params[0], grads[1])
    against[real, real](lanes, &s, inputs[0], grads[0], grads[1], hess, loss)


# With a z-loss, a softcap c and a temperature t, of u_c = c tanh(z_c / c) and l = logsumexp(u / t):
#
#     loss     = sum of a_c (m - u_c) / t + A L + zeta l^2,
#     gradient = (A p - a + 2 zeta l p) sech^2(z / c) / t.
#
# The square doubles what is wrong with l, and an exponential what is wrong with u: so exponentials are in more digits
# than they are rounded to (softmax.h), and l in two parts.
cdef void adjusted_cross_entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef double zeta = params[1], softcap = params[2], temperature = params[3], p, rest, bent, bent_low
    cdef double rate, rate_low, divisor
    cdef Py_ssize_t i, k, count = lanes.classes if lanes.along else lanes.classes * lanes.width
    cdef double* high = lanes.spare          # u_c
    cdef double* slope = high + 2 * count    # 2^100 sech^2(z / c), over the temperature as far as the divisor is not
    # what the gradient rounds off before the slope multiplies it
    cdef double* grad_low = slope + count if real is double and softcap != 0 else NULL
    cdef real* z = <real*>(high + count)     # instead of their low parts: u_c - m
    cdef real* e = grads[0]
    cdef double lse[TILE]
    cdef double lse_low[TILE]
    cdef double push[TILE]
    cdef double bend[TILE]
    cdef double at_label[TILE]
    cdef double of_label[TILE]
    cdef real factor[TILE]
    cdef Softmax s
    # with a softcap the slope of tanh is divided, by what is not a power of 2, which rounds less
    divisor = ldexp(1, ilogb(temperature)) if softcap != 0 else temperature
    if softcap == 0 and zeta == 0:
        z = inputs[0]
        rate = quotient(1, temperature, &rate_low)
        tempered_softmax_of[real](lanes, z, rate, rate_low, LIFT, e, &s)
    else:
        capped_softmax[real](lanes, inputs[0], softcap, temperature, divisor, e, lse, lse_low, &s)
    for i in range(rows_in(lanes)):
        push[i] = 2 * zeta * lse[i] + 2 * zeta * lse_low[i] if zeta != 0 else 0
        bend[i] = 2 * zeta * lanes.scale[i] / divisor / divisor
    if lanes.soft or params[0] != 0 or lanes.class_weight != NULL:
        coefficients[real](lanes, inputs[1], params[0], grads[1])
        tempered_against[real, real](lanes, &s, z, e, grads[1], hess, loss, temperature, divisor, push, bend, grad_low)
    else:
        pick[real](lanes, z, lanes.label, loss)
        pick[real](lanes, e, lanes.label, of_label)
        for i in range(rows_in(lanes)):
            loss[i] = log_total(&s, i) + ((s.m[i] - loss[i]) / temperature if loss[i] != s.m[i] else 0)
            p = of_label[i] / s.total[i]
            rest = (s.others[i] if lanes.label[i] == s.top[i] else s.total[i] - of_label[i]) / s.total[i]
            at_label[i] = ((push[i] * p if p != 0 else 0) - rest) * lanes.scale[i] / divisor
            of_label[i] = (1 + push[i]) * lanes.scale[i] / divisor
            factor[i] = finite[real](<real>(of_label[i] / s.total[i]))
            of_label[i] = finite[double](of_label[i] / divisor)
        if lanes.with_hess:
            diagonal[real](lanes, &s, e, of_label, hess)
            add_squares[real](lanes, &s, e, bend, hess)
        if lanes.with_grad:
            scale_tile[real](lanes, e, factor)
            put[real](lanes, e, lanes.label, at_label)
            if grad_low != NULL:
                memset(grad_low, 0, count * sizeof(double))
    for i in range(rows_in(lanes)):
        loss[i] += zeta * lse[i] * (lse[i] + 2 * lse_low[i]) if zeta != 0 else 0
    if softcap == 0 or not lanes.with_grad:
        return
    if lanes.with_hess:
        bent = quotient(2, softcap, &rest)
        bent = quotient(bent, softcap, &bent_low)
        bent_low += rest / softcap
        if real is float:
            sm_bend_f32(slope, high, bent, count, e, hess)
        else:
            sm_bend_f64(slope, high, bent, bent_low, count, e, grad_low, hess)
    if real is float:
        sm_uncap_f32(slope, count, e)
    else:
        sm_uncap_f64(slope, grad_low, count, e)


# a / b in two parts, finite; the second is 0 where b is so large or small that it has none.
cdef inline double quotient(double a, double b, double* low) noexcept nogil:
    cdef double high = finite[double](two_quotient(a, b, low))
    low[0] = low[0] if 1e-250 < b < 1e250 else 0
    return high


# What softmax_of makes, of capped logits over the temperature, with shares of double; s.m is 0, and the logits `fall` below
# it. The spare room gets the capped logits, these distances and the slopes; lse gets the logsumexp, in two parts.
cdef void capped_softmax(
    const Lanes* lanes, const real* logits, double softcap, double temperature, double divisor, real* e, double* lse,
    double* lse_low, Softmax* s
) noexcept nogil:
    cdef Py_ssize_t i, j, k, n = lanes.width, count = lanes.classes if lanes.along else lanes.classes * n
    cdef double* high = lanes.spare
    cdef double* low = high + count
    cdef double* slope = low + count
    cdef double* e_low = slope + count
    cdef real* fall = <real*>low
    cdef double m[TILE]
    cdef double m_low[TILE]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double numbers[TILE]
    cdef double log, log_low, most, rest, lift = UP if real is double else 2 ** LIFT
    cdef double rate_low, rate = quotient(1, temperature, &rate_low)
    cdef double factor_low, factor = quotient(divisor, temperature, &factor_low)
    if softcap == 0:
        for k in range(count):
            high[k] = logits[k]
        if real is double:
            for k in range(count):
                low[k] = 0
    elif real is float:
        sm_cap_f32(logits, softcap, factor, count, high, slope)
    else:
        sm_cap_f64(logits, softcap, factor, factor_low, count, high, low, slope)
    largest[double](lanes, high, m, s.top)
    if real is double:
        pick[double](lanes, low, s.top, m_low)
    for i in range(rows_in(lanes)):
        m_low[i] = 0 if real is float else m_low[i]
        numbers[i] = -INFINITY  # it is no other
    put[double](lanes, high, s.top, numbers)
    share[double](lanes, m)
    share[double](lanes, m_low)
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * n
        if real is float:
            sm_fall_f32(high + k, m, rate, lanes_at(lanes, j), fall + k, e + k, total)
        else:
            sm_fall_f64(high + k, m, m_low, rate, rate_low, lanes_at(lanes, j), fall + k, e + k, e_low + k, total, lost)
    put[double](lanes, high, s.top, m)
    settle_parts(lanes, total, lost)
    for i in range(rows_in(lanes)):
        log = log1p_wide(total[i] / lift, &log_low)
        log_low += lost[i] / (lift + total[i])
        most = two_product(m[i], rate, &rest)
        rest = rest + (m[i] * rate_low + m_low[i] * rate) if fabs(most) < 1e250 else 0
        lse[i] = two_sum(most, log, &lse_low[i])
        lse_low[i] = (lse_low[i] if fabs(lse[i]) < 1e250 else 0) + (rest + log_low)
        log = lse[i] + lse_low[i]
        lse_low[i] = lse_low[i] - (log - lse[i]) if fabs(log) < 1e250 else 0
        lse[i] = log
        s.m[i] = numbers[i] = 0
        s.others[i] = total[i]
        s.e_top[i] = lift
        total[i] = two_sum(lift, total[i], &rest)
        lost[i] += rest
        if real is double:
            total[i] *= DOWN
            lost[i] *= DOWN
            s.others[i] = (s.others[i] - s.others[i] * (lost[i] / total[i])) / total[i]
            s.e_top[i] = (lift - lift * (lost[i] / total[i])) / total[i]
        s.total[i] = lift if real is double else total[i]
    share[double](lanes, total)
    share[double](lanes, lost)
    if real is double:
        for j in range(lanes.steps):
            k = j * n
            sm_shares(e + k, e_low + k, total, lost, lanes_at(lanes, j))
    put[real](lanes, fall, s.top, numbers)
    put[real](lanes, e, s.top, s.e_top)


# Sums of lanes and what their additions rounded off become sums of rows in two parts.
cdef void settle_parts(const Lanes* lanes, double* total, double* lost) noexcept nogil:
    cdef double row = 0, rest = 0
    cdef Py_ssize_t i
    if lanes.along:
        for i in range(lanes.width):
            add(&row, &rest, total[i])
            rest += lost[i]
        total[0], lost[0] = row, rest
    for i in range(rows_in(lanes)):
        total[i] = two_sum(total[i], lost[i], &lost[i])


cdef void softmax(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* e = grads[0]
    cdef real f[TILE]
    cdef Softmax s
    cdef Py_ssize_t i
    softmax_of[real](lanes, inputs[0], e, &s)
    for i in range(rows_in(lanes)):
        f[i] = <real>(1 / s.total[i])
        loss[i] = 0
    scale_tile[real](lanes, e, f)


cdef void log_softmax(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* e = grads[0]
    cdef real f[TILE]
    cdef real m[TILE]
    cdef Softmax s
    cdef Py_ssize_t i, j, k, n = lanes.width
    softmax_of[real](lanes, z, e, &s)
    for i in range(rows_in(lanes)):
        f[i] = <real>log_total(&s, i)
        m[i] = <real>s.m[i]
        loss[i] = 0
    share[real](lanes, f)
    share[real](lanes, m)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            e[k + i] = (z[k + i] - m[i] if z[k + i] != m[i] else 0) - f[i]


cdef void logsumexp(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef Softmax s
    cdef Py_ssize_t i
    cdef int c
    softmax_of[real](lanes, inputs[0], grads[0], &s)
    for i in range(rows_in(lanes)):
        loss[i] = s.m[i] + log_total(&s, i)
        if fabs(s.m[i]) == INFINITY:  # several logits of inf have no softmax, but a sum, unless one is NaN
            loss[i] = s.m[i]
            for c in range(<int>lanes.classes):
                if inputs[0][place(lanes, i, c)] != inputs[0][place(lanes, i, c)]:
                    loss[i] = NAN


# p (v - p.v) of a second input v, which comes as a difference from the v of the largest logit: in a sure row the two terms
# are close.
cdef void cross_entropy_hvp(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* v = inputs[1]
    cdef real* e = grads[0]
    cdef double at_top[TILE]
    cdef double mean[TILE]
    cdef double lost[TILE]
    cdef double factor[TILE]
    cdef Softmax s
    cdef Py_ssize_t i, j, k
    softmax_of[real](lanes, inputs[0], e, &s)
    pick[real](lanes, v, s.top, at_top)
    share[double](lanes, at_top)
    clear(lanes, mean)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            add(&mean[i], &lost[i], <double>e[k + i] * (<double>v[k + i] - at_top[i]))
    settle_sum(lanes, mean, lost)
    for i in range(rows_in(lanes)):
        loss[i] = 0
        mean[i] /= s.total[i]
        factor[i] = lanes.scale[i] / s.total[i]
    share[double](lanes, mean)
    share[double](lanes, factor)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            e[k + i] = <real>(<double>e[k + i] * factor[i] * ((<double>v[k + i] - at_top[i]) - mean[i]))


KERNELS = {
    # function, inputs, which of them have a gradient, target, Hessian, smoothing (lanes.pxd)
    "cross_entropy": row_kernel(
        cross_entropy[float], cross_entropy[double], 1, 0b1, LABELS_OR_SHARES, True, True, cross_entropy_of_label, 4
    ),
    "categorical_nll": row_kernel(
        cross_entropy[float], cross_entropy[double], 1, 0b1, LABELS, True, False, cross_entropy_of_label
    ),
    "class_balanced_cross_entropy": row_kernel(
        cross_entropy[float], cross_entropy[double], 1, 0b1, LABELS, True, False, cross_entropy_of_label
    ),
    "softmax": row_kernel(softmax[float], softmax[double], 1, 0b1, NO_TARGET),
    "log_softmax": row_kernel(log_softmax[float], log_softmax[double], 1, 0b1, NO_TARGET),
    "logsumexp": row_kernel(logsumexp[float], logsumexp[double], 1, 0b0, NO_TARGET),
    "cross_entropy_hvp": row_kernel(cross_entropy_hvp[float], cross_entropy_hvp[double], 2, 0b1, NO_TARGET),
}
