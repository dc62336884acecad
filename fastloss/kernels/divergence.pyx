"""The divergences: losses of two distributions over the classes of a row. Block functions for the driver rows.pyx.

Each sums, class by class, numbers that are 0 where the distributions agree, in double and in two parts: log-ratios of
close distributions are small differences, and their sum is far smaller still.
"""

from libc.math cimport INFINITY, NAN, fabs, sqrt
from fastloss.kernels.lanes cimport (
    ACROSS, LABELS, NO_TARGET, TILE, Lanes, RowF32, Softmax, add, at_labels, clear, lanes_at, log_total, pick, place,
    row_kernel, rows_in, settle_sum, share, softmax_of, spread_sum, tempered_softmax_of,
)
from fastloss.kernels.vecmath cimport log, log1p, log_wide, real, sum_of, two_product, two_quotient, two_sum

cdef extern from "divergence.h" nogil:
    double log1p_of "dv_log1p"(double w, double w_low, double* low) noexcept
    double bend "dv_bend"(double p, double w, double w_low, double gap) noexcept
    double share_of "dv_share"(double p, double q, double c, double c_low, double* gap, double* low) noexcept
    double mean_of "dv_mean"(double p, double q, double* low) noexcept
    double log_ratio "dv_log_ratio"(
        double z, double m, double k, double n, double rate, double rate_low, double shift, double shift_low,
        double* low) noexcept
    double gap_of "dv_gap"(double p, double q, double d, double low, double* bent, double* tail) noexcept
    double difference "dv_difference"(double p, double q, double d, double low) noexcept
    double slope_of "dv_slope"(
        double v, double v_low, double far, double gap, double m, double by_log, double by_share, double* low) noexcept
    double mixture "dv_mixture"(double b, double c, double c_low, double d, double d_low, double* low) noexcept
    ctypedef struct Rows "dv_rows":
        double rate
        double top_z[TILE]
        double top_k[TILE]
        double inverse_q[TILE]
        double inverse_p[TILE]
        double shift[TILE]
        double beside[TILE]

    void dv_compare_quick(
        const float* z, const float* k, const float* eq, const float* ep, const Rows* t, Py_ssize_t n, bint along,
        double* bent, double* missing, double* moved) noexcept
    void dv_gaps_quick(
        const float* z, const float* k, float* eq, const float* ep, const Rows* t, const double* scale, Py_ssize_t n,
        bint along) noexcept
    void dv_centre_quick(
        float* eq, const float* s, const Rows* t, const double* mean, const double* scale, Py_ssize_t n, bint along,
        double* others) noexcept
    ctypedef void (*Pass "dv_pass")(
        const float* z, const float* k, const float* eq, float* ep, const Rows* t, double b, double c, Py_ssize_t n,
        bint along, double* total, double* mean) noexcept nogil
    Pass dv_reverse_quick, dv_jsd_quick, dv_skew_quick, dv_skew_back_quick
    void dv_sides_quick(
        const float* z, const float* k, const float* eq, float* ep, const Rows* t, Py_ssize_t n, bint along,
        double* total, double* above, double* below, double* beside) noexcept
    void dv_sided_quick(
        float* eq, const float* side, const Rows* t, const double* up, const double* down, const double* level,
        Py_ssize_t n, bint along) noexcept
    void dv_js_probs_quick(
        const float* p, const float* q, double b, double c, Py_ssize_t n, double* total, float* slope) noexcept
    void dv_kl_div_quick(const float* x, const float* p, Py_ssize_t n, double* total) noexcept


cdef inline void settle(const Lanes* lanes, double* total, double* lost) noexcept nogil:
    """settle_sum of numbers that may be infinite: what their addition rounds off is NaN then."""
    cdef Py_ssize_t i
    cdef double plain = 0
    for i in range(lanes.width):
        lost[i] = lost[i] if lost[i] == lost[i] else 0
    if lanes.along:
        plain = sum_of[double](total, lanes.width)
    settle_sum(lanes, total, lost)
    if lanes.along and total[0] != total[0]:
        total[0] = plain
        share[double](lanes, total)


cdef inline void scales_of(const Lanes* lanes, const double* loss, double factor, double* scale) noexcept nogil:
    """What the gradients of each lane are multiplied with. A row with a NaN has no other slopes."""
    cdef Py_ssize_t i
    for i in range(rows_in(lanes)):
        scale[i] = factor * lanes.scale[i] if loss[i] == loss[i] else NAN
    share[double](lanes, scale)


# ---- of probabilities ----

# loss = sum of -p log q, gradient_c = -p / q; a class with p = 0 adds 0, whatever q is, unless that is NaN.
cdef void cross_entropy_probs(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* q = inputs[0]
    cdef real* p = inputs[1]
    cdef real* g = grads[0]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, k, n = lanes.width
    cdef double share_, x
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            x = -<double>log[real](q[k + i]) * <double>p[k + i]
            add(&total[i], &lost[i], x if (p[k + i] != 0) | (q[k + i] != q[k + i]) else 0)
    settle(lanes, total, lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i]
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, -1, scale)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            share_ = <double>p[k + i] / fabs(q[k + i])  # -0 is 0
            g[k + i] = <real>(scale[i] * (share_ if p[k + i] != 0 else 0))


# loss = sum of p (log p - x) for a given x = log q, gradient_c = -p. log p has two parts: x is close to it.
cdef void kl_div(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* x = inputs[0]
    cdef real* p = inputs[1]
    cdef real* g = grads[0]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, k, n = lanes.width
    cdef double high, low, v
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * n
        if real is float:
            dv_kl_div_quick(x + k, p + k, lanes_at(lanes, j), total)
        else:
            for i in range(lanes_at(lanes, j)):
                high = log_wide(p[k + i], &low)
                v = <double>p[k + i] * ((high - <double>x[k + i]) + low)
                add(&total[i], &lost[i], v if (p[k + i] != 0) | (x[k + i] != x[k + i]) else 0)
    settle(lanes, total, lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i]
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, -1, scale)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            g[k + i] = <real>(scale[i] * <double>p[k + i])


# loss = sum of |q - p| / 2, gradient_c = sign(q - p) / 2.
cdef void total_variation(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* q = inputs[0]
    cdef real* p = inputs[1]
    cdef real* g = grads[0]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, k, n = lanes.width
    cdef double d
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            add(&total[i], &lost[i], fabs(<double>q[k + i] - <double>p[k + i]))
    settle(lanes, total, lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i] / 2
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, 0.5, scale)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            d = <double>(q[k + i] > p[k + i]) - <double>(q[k + i] < p[k + i])
            g[k + i] = <real>(scale[i] * d)


# loss = 1 - sum of sqrt(p q), gradient_c = -sqrt(p / q) / 2. The sum is close to 1 where the distributions are close to each
# other, so that the roots need two parts.
cdef void hellinger(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* q = inputs[0]
    cdef real* p = inputs[1]
    cdef real* g = grads[0]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, k, n = lanes.width
    cdef double root, low
    clear(lanes, total)
    clear(lanes, lost)
    for i in range(rows_in(lanes)):
        total[i] = 1
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            root = mean_of(p[k + i], q[k + i], &low)
            add(&total[i], &lost[i], -root)
            lost[i] -= low
    settle(lanes, total, lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i]
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, -0.5, scale)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            root = sqrt(<double>p[k + i]) / sqrt(fabs(q[k + i]))  # -0 is 0
            g[k + i] = <real>(scale[i] * (root if p[k + i] != 0 else 0))


# loss = sum of b p log(p/m) + c q log(q/m), m = b p + c q, c = 1 - b; gradient_c = c log(q/m). With u = (m - p)/p and
# v = (m - q)/q the two terms of a class together are b p (u - log1p(u)) + c q (v - log1p(v)), both positive.
cdef void js_divergence(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* q = inputs[0]
    cdef real* p = inputs[1]
    cdef real* g = grads[0]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, k, n = lanes.width
    cdef double b = params[0], c = 1 - b, c_low = (1 - c) - b, pi, qi, u, v, u_low, v_low, gap_u, gap_v, value, far, low
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * n
        if real is float:
            dv_js_probs_quick(p + k, q + k, b, c, lanes_at(lanes, j), total, g + k)
        else:
            for i in range(lanes_at(lanes, j)):
                pi = fabs(p[k + i])  # -0 is 0
                qi = fabs(q[k + i])
                u = share_of(pi, qi, c, c_low, &gap_u, &u_low)
                v = share_of(qi, pi, b, 0, &gap_v, &v_low)
                value = b * bend(pi, u, u_low, gap_u)
                value += c * bend(qi, v, v_low, gap_v)
                add(&total[i], &lost[i], value)
    settle(lanes, total, lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i]
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, -c, scale)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            if real is float:
                g[k + i] = <real>(scale[i] * <double>g[k + i])
            else:
                pi = fabs(p[k + i])  # -0 is 0
                qi = fabs(q[k + i])
                far = 2.0**300 if pi + qi < 2.0**-700 else 1  # denormal numbers have few digits
                pi *= far
                qi *= far
                v = share_of(qi, pi, b, 0, &gap_v, &v_low)
                far = log[double](b * pi * 2.0**-500 / qi) + 346.57359027997264  # b p / q may be beyond all doubles
                value = log1p_of(v, v_low, &low)
                value = far if v > 1e100 else value + low
                value = value if pi != qi else 0
                g[k + i] = <real>(scale[i] * value)


# ---- of logits ----

cdef enum:
    LIFT = 28  # a tiny probability times a large log-ratio or rate may be no denormal number
    ROUNDS = 4 # at most, until a row knows its shift

cdef double LIFTED = 2.0**64, LOWERED = 2.0**-64  # of probabilities whose terms add up to a loss: many denormals would not

ctypedef struct Pair:
    # two softmaxes of each row, q of logits z and p of logits k, both divided by the temperature, as each lane needs them
    double rate, rate_low        # 1 / temperature
    double top_z[TILE]           # the largest logits
    double top_k[TILE]
    double of_q[TILE]            # the sums of exponentials
    double of_p[TILE]
    double of_q_low[TILE]        # what they rounded off, divided by them
    double of_p_low[TILE]
    double shift[TILE]           # log q_c - log p_c = ((z_c - top_z) - (k_c - top_k)) rate - shift, in two parts
    double shift_low[TILE]
    double divergence[TILE]      # KL(p || q)
    double top[TILE]             # the class that q has most of, which has so much
    double most[TILE]


cdef inline double side_of(double gap, double d) noexcept nogil:
    """Something with the sign of q - p, also where that is too small for a double, which d = log q - log p is not."""
    return d if (gap == 0) & (fabs(d) < INFINITY) else gap


cdef inline double ratio_of(const Pair* t, real z, real k, Py_ssize_t i, double* low) noexcept nogil:
    """log q_c - log p_c in lane i, in two parts."""
    return log_ratio(z, t.top_z[i], k, t.top_k[i], t.rate, t.rate_low, t.shift[i], t.shift_low[i], low)


cdef inline double shift_of(double log_q, double log_p, real any) noexcept nogil:
    """A difference of two logarithms of sums of reals, or 0 if it may be nothing but their ulps."""
    cdef double shift = log_q - log_p, ulps = 2.0**-22 if real is float else 2.0**-50
    return 0 if fabs(shift) < ulps * (log_q + log_p) else shift


cdef inline bint is_off(double missing, double moved) noexcept nogil:
    """Whether what is missing is much of the absolute sum of what it is the sum of."""
    return fabs(missing) > moved / 4


cdef void compare(
    const Lanes* lanes, const real* z, const real* k, double temperature, real* eq, real* ep, Pair* t
) noexcept nogil:
    """The exponentials of both, and the shift of their log-ratios d.

    The sums of exponentials tell it to an ulp of their own precision, which close rows differ by less than. But d is right when
    q_c = p_c e^(d_c) add up to 1: if r is missing, log1p(r) is what to take off the shift. It is a small sum of the p (e^d - 1),
    and knows the shift to an ulp of their absolute sum; and sum of p (e^d - 1 - d) is stationary there: what it is off by r is
    r^2 / 2. Where r is much of that absolute sum, for rows that are even closer, the shift comes first, and everything again. A
    shift that may be nothing but what the sums rounded off starts from 0: then all classes that q and p share have d = 0."""
    cdef Softmax s
    cdef double bent[TILE]
    cdef double bent_lost[TILE]
    cdef double missing[TILE]
    cdef double missing_lost[TILE]
    cdef double moved[TILE]
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double d, low, x, tail, r, q, p, q_low, p_low
    cdef int again, round
    t.rate = two_quotient(1, temperature, &t.rate_low)
    tempered_softmax_of[real](lanes, k, t.rate, t.rate_low, LIFT, ep, &s)
    for i in range(rows_in(lanes)):
        t.top_k[i] = s.m[i]
        t.of_p[i] = s.total[i]
        t.of_p_low[i] = (s.others[i] - (s.total[i] - s.e_top[i])) / s.total[i]
        t.shift[i] = log_total(&s, i)
    tempered_softmax_of[real](lanes, z, t.rate, t.rate_low, LIFT, eq, &s)
    for i in range(rows_in(lanes)):
        t.top_z[i] = s.m[i]
        t.of_q[i] = s.total[i]
        t.of_q_low[i] = (s.others[i] - (s.total[i] - s.e_top[i])) / s.total[i]
        t.top[i] = s.top[i]
        t.most[i] = s.e_top[i] / s.total[i]
        t.shift[i] = shift_of[real](log_total(&s, i), t.shift[i], 0)
        t.shift_low[i] = 0
    share[double](lanes, t.top_k)
    share[double](lanes, t.of_p)
    share[double](lanes, t.of_p_low)
    share[double](lanes, t.top_z)
    share[double](lanes, t.top)
    share[double](lanes, t.of_q)
    share[double](lanes, t.of_q_low)
    share[double](lanes, t.shift)
    share[double](lanes, t.shift_low)
    for round in range(ROUNDS):
        clear(lanes, bent)
        clear(lanes, bent_lost)
        clear(lanes, missing)
        clear(lanes, missing_lost)
        clear(lanes, moved)
        for j in range(lanes.steps):
            at = j * n
            for i in range(lanes_at(lanes, j)):
                d = ratio_of[real](t, z[at + i], k[at + i], i, &low)
                q = two_quotient(eq[at + i], t.of_q[i], &q_low)
                p = two_quotient(ep[at + i], t.of_p[i], &p_low)
                x = gap_of(LIFTED * p, LIFTED * q, d, low, &r, &tail)
                if real is double:  # q and p that each add up to 1 but for an ulp would leave as much missing
                    low = (q_low - q * t.of_q_low[i]) - (p_low - p * t.of_p_low[i])
                    x += LIFTED * low if fabs(d) > 1.5 else 0
                add(&bent[i], &bent_lost[i], r)
                add(&missing[i], &missing_lost[i], x)
                moved[i] += fabs(x)
        settle(lanes, bent, bent_lost)
        settle(lanes, missing, missing_lost)
        spread_sum(lanes, moved)
        again = 0
        for i in range(rows_in(lanes)):
            if is_off(missing[i], moved[i]) and round + 1 < ROUNDS:
                r = missing[i] * LOWERED
                t.shift[i] = two_sum(t.shift[i], log1p[double](r) + t.shift_low[i], &t.shift_low[i])
                again = 1
        share[double](lanes, t.shift)
        share[double](lanes, t.shift_low)
        if not again:
            break
    for i in range(rows_in(lanes)):
        r = missing[i] * LOWERED
        t.shift[i] = two_sum(t.shift[i], log1p[double](r) + t.shift_low[i], &t.shift_low[i])
        t.divergence[i] = (bent[i] - missing[i] * r / 2) * LOWERED
    share[double](lanes, t.shift)
    share[double](lanes, t.shift_low)
    share[double](lanes, t.divergence)


cdef inline double unless_top(const Lanes* lanes, const Pair* t, Py_ssize_t i, Py_ssize_t j, double slope) noexcept nogil:
    """The slope of step j of lane i, or 0 if it belongs to the class that q has most of."""
    return 0 if t.top[i] == <double>(lanes.stride * j + lanes.at[i]) else slope


cdef void balance(
    const Lanes* lanes, const Pair* t, double* others, double* lost, const double* loss, const double* scale, real* tile
) noexcept nogil:
    """Slopes add up to 0: that of a class that q has almost all of is a small difference, and minus the sum of the others."""
    cdef Py_ssize_t i
    settle(lanes, others, lost)
    for i in range(rows_in(lanes)):
        if t.most[i] > 0.5 and fabs(loss[i]) < INFINITY:
            tile[place(lanes, i, <int>t.top[i])] = <real>(-others[i] * scale[i])


cdef double far_apart(
    const Lanes* lanes, const real* z, double top_z, const real* k, double top_k, const real* ep, double sum_p, Py_ssize_t i,
    double factor
) noexcept nogil:
    """factor KL(p || q) of row i with log-ratios that may be beyond all doubles: there p (log p - log q) is all."""
    cdef double total = 0, p, d
    cdef Py_ssize_t at
    cdef int c
    for c in range(<int>lanes.classes):
        at = place(lanes, i, c)
        if z[at] == -INFINITY and k[at] > -INFINITY:
            return INFINITY
        p = ep[at] / sum_p
        d = (k[at] / <real>4 - top_k / 4) - (z[at] / <real>4 - top_z / 4)
        total += 4 * (p * d * factor) if p != 0 else 0
    return total


cdef inline double times_q(const Pair* t, double e, Py_ssize_t i, double x, double x_low, double more) noexcept nogil:
    """q x (1 + more) for the probability q with exponential e, rounded once."""
    cdef double low, lost, q = two_quotient(e, t.of_q[i], &low), product = two_product(q, x, &lost)
    low = (low - q * t.of_q_low[i]) * x + q * x_low + (lost if fabs(x) < 1e200 else 0) + product * more
    return product + (low if low == low else 0) if q != 0 else 0


cdef inline double two_factors(double a, double a_low, double b, double b_low, double* more) noexcept nogil:
    """a b, and what it rounded off as a part of it."""
    cdef double lost, product = two_product(a, b, &lost)
    more[0] = (lost + a * b_low + a_low * b) / product if fabs(product) > 2.0**-900 else 0
    return product


# loss = factor sum of p (e^d - 1 - d) with d = log q - log p, gradient_c = factor rate (q - p).
cdef void forward_kl_exact(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* k = inputs[1]
    cdef real* eq = grads[0]
    cdef real* ep = grads[1]
    cdef double scale[TILE]
    cdef Pair t
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double d, low, factor = params[1]
    compare[real](lanes, z, k, params[0], eq, ep, &t)
    for i in range(rows_in(lanes)):
        loss[i] = factor * t.divergence[i]
        if t.divergence[i] > 1e300 and fabs(t.top_z[i]) < INFINITY and fabs(t.top_k[i]) < INFINITY:
            loss[i] = far_apart[real](lanes, z, t.top_z[i], k, t.top_k[i], ep, t.of_p[i], i, factor * t.rate)
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, factor * t.rate, scale)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            eq[at + i] = <real>(scale[i] * difference(ep[at + i] / t.of_p[i], eq[at + i] / t.of_q[i], d, low))


# loss = factor sum of q (e^-d - 1 + d), gradient_c = factor rate q (d - sum of q d).
cdef void backward_kl_exact(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* k = inputs[1]
    cdef real* eq = grads[0]
    cdef real* ep = grads[1]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double mean[TILE]
    cdef double mean_lost[TILE]
    cdef double scale[TILE]
    cdef Pair t
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double d, low, bent, tail, q, slope, exact, far, more, factor = params[1]
    cdef bint nothing
    compare[real](lanes, z, k, params[0], eq, ep, &t)
    clear(lanes, total)
    clear(lanes, lost)
    clear(lanes, mean)
    clear(lanes, mean_lost)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            q = eq[at + i] / t.of_q[i]
            gap_of(LIFTED * q, LIFTED * (ep[at + i] / t.of_p[i]), -d, -low, &bent, &tail)
            add(&total[i], &lost[i], bent)
            nothing = (d == -INFINITY) | ((q == 0) & (d != d))
            slope = q * d if d != INFINITY else d
            add(&mean[i], &mean_lost[i], 0 if nothing else slope)
    settle(lanes, total, lost)
    settle(lanes, mean, mean_lost)
    for i in range(rows_in(lanes)):
        loss[i] = factor * (total[i] * LOWERED)
        if total[i] > 1e300 and fabs(t.top_z[i]) < INFINITY and fabs(t.top_k[i]) < INFINITY:
            loss[i] = far_apart[real](lanes, k, t.top_k[i], z, t.top_z[i], eq, t.of_q[i], i, factor * t.rate)
    if not lanes.with_grad:
        return
    share[double](lanes, mean)
    scales_of(lanes, loss, two_factors(factor, 0, t.rate, t.rate_low, &more), scale)
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            q = eq[at + i] / t.of_q[i]
            slope = d - mean[i]
            exact = times_q(&t, eq[at + i], i, slope, low, more)
            far = q * slope if slope != -INFINITY else slope  # the loss is infinite, however small q is
            far = q * d - q * mean[i] if fabs(mean[i]) < INFINITY else far
            nothing = (d == -INFINITY) | ((q == 0) & (d != d))
            slope = exact if fabs(slope) < INFINITY else far
            slope = 0 if nothing else slope
            add(&total[i], &lost[i], unless_top(lanes, &t, i, j, slope))
            eq[at + i] = <real>(scale[i] * slope)
    balance[real](lanes, &t, total, lost, mean, scale, eq)


# ---- of logits in float ----

ctypedef struct Quick:
    Rows rows
    double divergence[TILE]      # KL(p || q)
    double most[TILE]            # how much q has of its largest class
    int top[TILE]
    bint odd[TILE]               # whether the row is left to the exact kernel: infinite or masked logits, enormous ratios
    bint any_odd


cdef void compare_quick(
    const Lanes* lanes, const float* z, const float* k, double temperature, float* eq, float* ep, Quick* t
) noexcept nogil:
    """`compare` for rows of float."""
    cdef Softmax s
    cdef double bent[TILE]
    cdef double missing[TILE]
    cdef double moved[TILE]
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double rate_low, rate = two_quotient(1, temperature, &rate_low)
    cdef int again, round
    t.rows.rate = rate
    tempered_softmax_of[float](lanes, k, rate, rate_low, LIFT, ep, &s)
    for i in range(rows_in(lanes)):
        t.rows.top_k[i] = s.m[i]
        t.rows.inverse_p[i] = 1 / s.total[i]
        t.rows.shift[i] = log_total(&s, i)
    tempered_softmax_of[float](lanes, z, rate, rate_low, LIFT, eq, &s)
    for i in range(rows_in(lanes)):
        t.rows.top_z[i] = s.m[i]
        t.rows.inverse_q[i] = 1 / s.total[i]
        t.rows.shift[i] = shift_of[float](log_total(&s, i), t.rows.shift[i], 0)
        t.rows.beside[i] = fabs(t.rows.top_z[i] - t.rows.top_k[i]) <= 1
        t.top[i] = s.top[i]
        t.most[i] = s.e_top[i] / s.total[i]
        t.odd[i] = 0
    t.any_odd = 0
    for round in range(ROUNDS):
        clear(lanes, bent)
        clear(lanes, missing)
        clear(lanes, moved)
        for j in range(lanes.steps):
            at = j * n
            dv_compare_quick(
                z + at, k + at, eq + at, ep + at, &t.rows, lanes_at(lanes, j), lanes.along, bent, missing, moved
            )
        spread_sum(lanes, bent)
        spread_sum(lanes, missing)
        spread_sum(lanes, moved)
        again = 0
        for i in range(rows_in(lanes)):
            if is_off(missing[i], moved[i]) and round + 1 < ROUNDS:
                t.rows.shift[i] += log1p[double](missing[i])
                again = 1
        if not again:
            break
    mark_odd(lanes, bent, missing, t)
    for i in range(rows_in(lanes)):
        t.rows.shift[i] += log1p[double](missing[i])
        t.divergence[i] = bent[i] - missing[i] * missing[i] / 2


cdef void mark_odd(const Lanes* lanes, const double* loss, const double* mean, Quick* t) noexcept nogil:
    """Leave what is infinite, enormous or NaN to the exact kernel."""
    cdef Py_ssize_t i
    for i in range(rows_in(lanes)):
        if not fabs(loss[i]) + fabs(mean[i]) < 1e30:
            t.odd[i] = 1
            t.any_odd = 1


cdef void redo(
    RowF32 exact, float** inputs, float** grads, double* loss, const Lanes* lanes, const double* params, const Quick* t
) noexcept nogil:
    """Compute the odd rows again, one by one: what a row's neighbours are must not be seen in its bits."""
    cdef float z[ACROSS]
    cdef float k[ACROSS]
    cdef float eq[ACROSS]
    cdef float ep[ACROSS]
    cdef float* row_inputs[2]
    cdef float* row_grads[2]
    cdef Lanes one
    cdef Py_ssize_t i, c, n = lanes.width
    if not t.any_odd:
        return
    if lanes.along:
        exact(inputs, grads, NULL, loss, lanes, params)
        return
    row_inputs[0], row_inputs[1] = z, k
    row_grads[0], row_grads[1] = eq, ep
    one = lanes[0]
    one.along = 1
    one.width = one.last = lanes.classes
    one.steps = 1
    one.stride = 0
    one.following = NULL
    for i in range(lanes.classes):
        one.at[i] = <int>i
    for i in range(n):
        if not t.odd[i]:
            continue
        one.scale[0] = lanes.scale[i]
        for c in range(lanes.classes):
            z[c] = inputs[0][c * n + i]
            k[c] = inputs[1][c * n + i]
        exact(row_inputs, row_grads, NULL, &loss[i], &one, params)
        if lanes.with_grad:
            for c in range(lanes.classes):
                grads[0][c * n + i] = eq[c]


cdef void centre_quick(
    const Lanes* lanes, const Quick* t, float* eq, const float* slopes, double* mean, const double* loss, double factor
) noexcept nogil:
    """The gradient factor q (s - mean) of slopes s, balanced as above."""
    cdef double others[TILE]
    cdef double scale[TILE]
    cdef double top[TILE]
    cdef Py_ssize_t i, j, at, n = lanes.width
    share[double](lanes, mean)
    scales_of(lanes, loss, factor, scale)
    clear(lanes, others)
    for i in range(rows_in(lanes)):
        at = place(lanes, i, t.top[i])
        top[i] = eq[at] * t.rows.inverse_q[i] * (slopes[at] - mean[i])
        eq[at] = 0
    for j in range(lanes.steps):
        at = j * n
        dv_centre_quick(eq + at, slopes + at, &t.rows, mean, scale, lanes_at(lanes, j), lanes.along, others)
    spread_sum(lanes, others)
    for i in range(rows_in(lanes)):
        top[i] = -others[i] if t.most[i] > 0.5 else top[i]
        eq[place(lanes, i, t.top[i])] = <float>(top[i] * scale[i])


cdef void forward_kl_quick(
    float** inputs, float** grads, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef Quick t
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, at, n = lanes.width
    compare_quick(lanes, inputs[0], inputs[1], params[0], grads[0], grads[1], &t)
    for i in range(rows_in(lanes)):
        loss[i] = params[1] * t.divergence[i]
    if lanes.with_grad:
        scales_of(lanes, loss, params[1] * t.rows.rate, scale)
        for j in range(lanes.steps):
            at = j * n
            dv_gaps_quick(
                inputs[0] + at, inputs[1] + at, grads[0] + at, grads[1] + at, &t.rows, scale, lanes_at(lanes, j),
                lanes.along
            )
    redo(<RowF32>forward_kl_exact[float], inputs, grads, loss, lanes, params, &t)


cdef void centred_quick(
    Pass of, RowF32 exact, float** inputs, float** grads, double* loss, const Lanes* lanes, const double* params,
    double temperature, double b, double c, double factor, double slope_factor
) noexcept nogil:
    """A loss whose terms and slopes by q the pass gives, of which a part b or c belongs to one of the distributions: factor times
    the terms' sum, slope_factor times the slopes of softmax."""
    cdef Quick t
    cdef double mean[TILE]
    cdef double total[TILE]
    cdef Py_ssize_t i, j, at, n = lanes.width
    compare_quick(lanes, inputs[0], inputs[1], temperature, grads[0], grads[1], &t)
    clear(lanes, total)
    clear(lanes, mean)
    for j in range(lanes.steps):
        at = j * n
        of(
            inputs[0] + at, inputs[1] + at, grads[0] + at, grads[1] + at, &t.rows, b, c, lanes_at(lanes, j), lanes.along,
            total, mean
        )
    spread_sum(lanes, total)
    spread_sum(lanes, mean)
    for i in range(rows_in(lanes)):
        loss[i] = factor * total[i]
    mark_odd(lanes, total, mean, &t)
    if lanes.with_grad:
        centre_quick(lanes, &t, grads[0], grads[1], mean, loss, slope_factor * t.rows.rate)
    redo(exact, inputs, grads, loss, lanes, params, &t)


cdef void tvd_quick(
    float** inputs, float** grads, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef Quick t
    cdef double total[TILE]
    cdef double above[TILE]
    cdef double below[TILE]
    cdef double beside[TILE]
    cdef double scale[TILE]
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double up, down
    compare_quick(lanes, inputs[0], inputs[1], 1, grads[0], grads[1], &t)
    clear(lanes, total)
    clear(lanes, above)
    clear(lanes, below)
    clear(lanes, beside)
    for j in range(lanes.steps):
        at = j * n
        dv_sides_quick(
            inputs[0] + at, inputs[1] + at, grads[0] + at, grads[1] + at, &t.rows, lanes_at(lanes, j), lanes.along, total,
            above, below, beside
        )
    spread_sum(lanes, total)
    spread_sum(lanes, above)
    spread_sum(lanes, below)
    spread_sum(lanes, beside)
    for i in range(rows_in(lanes)):
        loss[i] = total[i] / 2
    if lanes.with_grad:
        scales_of(lanes, loss, 0.5, scale)
        for i in range(n):
            up = scale[i] * (2 * below[i] + beside[i])
            down = scale[i] * (-2 * above[i] - beside[i])
            beside[i] = scale[i] * (below[i] - above[i])
            above[i] = up
            below[i] = down
        for j in range(lanes.steps):
            at = j * n
            dv_sided_quick(grads[0] + at, grads[1] + at, &t.rows, above, below, beside, lanes_at(lanes, j), lanes.along)
    redo(<RowF32>tvd_distillation_exact[float], inputs, grads, loss, lanes, params, &t)


cdef void forward_kl(
    real** inputs, real** grads, double* loss, const Lanes* lanes, double temperature, double factor
) noexcept nogil:
    cdef double params[2]
    params[0], params[1] = temperature, factor
    if real is float:
        forward_kl_quick(inputs, grads, loss, lanes, params)
    else:
        forward_kl_exact[real](inputs, grads, NULL, loss, lanes, params)


cdef void backward_kl(
    real** inputs, real** grads, double* loss, const Lanes* lanes, double temperature, double factor
) noexcept nogil:
    cdef double params[2]
    params[0], params[1] = temperature, factor
    if real is float:
        centred_quick(
            dv_reverse_quick, <RowF32>backward_kl_exact[float], inputs, grads, loss, lanes, params, temperature, 0, 0, factor,
            factor
        )
    else:
        backward_kl_exact[real](inputs, grads, NULL, loss, lanes, params)


cdef void kl_divergence(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    forward_kl[real](inputs, grads, loss, lanes, params[0], 1)


cdef void reverse_kl_divergence(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    backward_kl[real](inputs, grads, loss, lanes, params[0], 1)


cdef enum:
    BOTH                         # jsd
    STUDENT                      # skewed_kl: of the student, of which the teacher is a part
    TEACHER                      # skewed_kl, reverse: of the teacher, of which the student is a part

# Divergences from m = b p + c q, b + c = 1. With u = (m - p)/p, v = (m - q)/q, s = (m - q)/m and r = log(m/q) = log1p(v):
#
#     KL(p || m) = sum of p (u - log1p(u)),    slope by q: -c p/m, which is -(c^2/b) s and a constant
#     KL(q || m) = sum of q (v - log1p(v)),    slope by q: log(q/m) - c q/m, which is c s - r and a constant
#
# jsd is b times the first and c times the second, with slopes -c r. gradient_c = q (slope - sum of q slopes).
cdef void mixed_exact(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* k = inputs[1]
    cdef real* eq = grads[0]
    cdef real* ep = grads[1]
    cdef double of_p[TILE]
    cdef double of_p_lost[TILE]
    cdef double of_q[TILE]
    cdef double of_q_lost[TILE]
    cdef double mean[TILE]
    cdef double mean_lost[TILE]
    cdef double scale[TILE]
    cdef Pair t
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef int mixture_of = <int>params[3]
    cdef double part = params[0], other = 1 - part, other_low = (1 - other) - part, factor = params[2]
    cdef bint flipped = mixture_of == TEACHER
    cdef double b = other if flipped else part, b_low = other_low if flipped else 0
    cdef double c = part if flipped else other, c_low = 0 if flipped else other_low
    cdef double from_p = 1 if mixture_of == STUDENT else (0 if flipped else b)  # weights of the sums
    cdef double from_q = 0 if mixture_of == STUDENT else (1 if flipped else c)
    cdef double by_log = 0 if mixture_of == STUDENT else 1                      # slope = by_log r + by_share s
    cdef double by_share = c / b if mixture_of == STUDENT else (-c if flipped else 0)
    cdef double d, low, u, u_low, v, v_low, q, p, gap, r, s, s_low, slope_factor, more, lost, log_b = log[double](b)
    compare[real](lanes, z, k, params[1], eq, ep, &t)
    clear(lanes, of_p)
    clear(lanes, of_p_lost)
    clear(lanes, of_q)
    clear(lanes, of_q_lost)
    clear(lanes, mean)
    clear(lanes, mean_lost)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            q = LIFTED * (eq[at + i] / t.of_q[i])
            p = LIFTED * (ep[at + i] / t.of_p[i])
            gap = difference(p, q, d, low)
            u = mixture(b, c, c_low, d, low, &u_low)
            v = mixture(c, b, b_low, -d, -low, &v_low)
            add(&of_p[i], &of_p_lost[i], bend(p, u, u_low, c * gap))
            add(&of_q[i], &of_q_lost[i], bend(q, v, v_low, -b * gap))
            r = slope_of(v, v_low, log_b - d, -b * gap, b * p + c * q, by_log, by_share, &low)
            add(&mean[i], &mean_lost[i], times_q(&t, eq[at + i], i, r, low, 0))
    settle(lanes, of_p, of_p_lost)
    settle(lanes, of_q, of_q_lost)
    for i in range(rows_in(lanes)):
        loss[i] = factor * ((from_p * of_p[i] if from_p else 0) + (from_q * of_q[i] if from_q else 0)) * LOWERED
    if not lanes.with_grad:
        return
    settle(lanes, mean, mean_lost)
    share[double](lanes, mean)
    if mixture_of == STUDENT:
        two_quotient(c, b, &lost)
        slope_factor = -c
        more = 2 * c_low / c + lost / by_share
    else:
        slope_factor = -two_factors(1 if flipped else c, c_low, t.rate, t.rate_low, &more)
    scales_of(lanes, loss, factor * slope_factor, scale)
    clear(lanes, of_q)
    clear(lanes, of_q_lost)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            q = eq[at + i] / t.of_q[i]
            p = ep[at + i] / t.of_p[i]
            gap = difference(p, q, d, low)
            v = mixture(c, b, b_low, -d, -low, &v_low)
            r = slope_of(v, v_low, log_b - d, -b * gap, b * p + c * q, by_log, by_share, &low)
            r = times_q(&t, eq[at + i], i, r - mean[i], low, more)
            add(&of_q[i], &of_q_lost[i], unless_top(lanes, &t, i, j, r))
            eq[at + i] = <real>(scale[i] * r)
    balance[real](lanes, &t, of_q, of_q_lost, loss, scale, eq)


cdef void mixed(
    real** inputs, real** grads, double* loss, const Lanes* lanes, double part, double temperature, double factor,
    int mixture_of
) noexcept nogil:
    cdef double params[4]
    cdef Pass of = dv_jsd_quick if mixture_of == BOTH else (dv_skew_quick if mixture_of == STUDENT else dv_skew_back_quick)
    params[0], params[1], params[2], params[3] = part, temperature, factor, mixture_of
    if real is float:
        centred_quick(
            of, <RowF32>mixed_exact[float], inputs, grads, loss, lanes, params, temperature, part, 1 - part, factor,
            factor if mixture_of == TEACHER else factor * (1 - part)
        )
    else:
        mixed_exact[real](inputs, grads, NULL, loss, lanes, params)


cdef void jsd(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    if params[0] == 0:
        forward_kl[real](inputs, grads, loss, lanes, params[1], 1)
    elif params[0] == 1:
        backward_kl[real](inputs, grads, loss, lanes, params[1], 1)
    else:
        mixed[real](inputs, grads, loss, lanes, params[0], params[1], 1, BOTH)


cdef void skewed_kl(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    if params[0] == 0 and params[1]:
        backward_kl[real](inputs, grads, loss, lanes, 1, 1)
    elif params[0] == 0:
        forward_kl[real](inputs, grads, loss, lanes, 1, 1)
    else:
        mixed[real](inputs, grads, loss, lanes, params[0], 1, 1, TEACHER if params[1] else STUDENT)


# loss = sum of |q - p| / 2, gradient_c = q (s - sum of q s) / 2 with s = sign(q - p), where q > p of what lies below and
# beside p, and so on: 1 - sum of q s would cancel.
cdef void tvd_distillation_exact(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* k = inputs[1]
    cdef real* eq = grads[0]
    cdef real* ep = grads[1]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double above[TILE]
    cdef double above_lost[TILE]
    cdef double below[TILE]
    cdef double below_lost[TILE]
    cdef double beside[TILE]
    cdef double beside_lost[TILE]
    cdef double scale[TILE]
    cdef Pair t
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double d, low, q, gap
    compare[real](lanes, z, k, 1, eq, ep, &t)
    clear(lanes, total)
    clear(lanes, lost)
    clear(lanes, above)
    clear(lanes, above_lost)
    clear(lanes, below)
    clear(lanes, below_lost)
    clear(lanes, beside)
    clear(lanes, beside_lost)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            q = eq[at + i] / t.of_q[i]
            gap = difference(LIFTED * (ep[at + i] / t.of_p[i]), LIFTED * q, d, low)
            add(&total[i], &lost[i], fabs(gap))
            gap = side_of(gap, d)
            add(&above[i], &above_lost[i], q if gap > 0 else 0)
            add(&below[i], &below_lost[i], q if gap < 0 else 0)
            add(&beside[i], &beside_lost[i], q if gap == 0 else 0)
    settle(lanes, total, lost)
    settle_sum(lanes, above, above_lost)
    settle_sum(lanes, below, below_lost)
    settle_sum(lanes, beside, beside_lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i] / 2 * LOWERED
    if not lanes.with_grad:
        return
    scales_of(lanes, loss, 0.5, scale)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            d = ratio_of[real](&t, z[at + i], k[at + i], i, &low)
            q = eq[at + i] / t.of_q[i]
            gap = side_of(difference(ep[at + i] / t.of_p[i], q, d, low), d)
            low = below[i] - above[i]
            low = 2 * below[i] + beside[i] if gap > 0 else low
            low = -2 * above[i] - beside[i] if gap < 0 else low
            eq[at + i] = <real>(scale[i] * times_q(&t, eq[at + i], i, low, 0, 0))


cdef void tvd_distillation(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    if real is float:
        tvd_quick(inputs, grads, loss, lanes, params)
    else:
        tvd_distillation_exact[real](inputs, grads, NULL, loss, lanes, params)


# loss = sum of p (-log p), gradient_c = p ((-log p) - loss), with -log p = (m - z) + L.
cdef void entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* e = grads[0]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double m[TILE]
    cdef double inverse[TILE]
    cdef double rest[TILE]
    cdef double scale[TILE]
    cdef Softmax s
    cdef Py_ssize_t i, j, at, n = lanes.width
    cdef double gap, p, x
    tempered_softmax_of[real](lanes, z, 1, 0, LIFT, e, &s)
    for i in range(rows_in(lanes)):
        m[i] = s.m[i]
        inverse[i] = 1 / s.total[i]
        rest[i] = log_total(&s, i)
    share[double](lanes, m)
    share[double](lanes, inverse)
    share[double](lanes, rest)
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            p = e[at + i] * inverse[i]
            gap = m[i] - <double>z[at + i]
            x = p * ((gap if m[i] != z[at + i] else 0) + rest[i])
            add(&total[i], &lost[i], x if p != 0 else 0)
    settle(lanes, total, lost)
    for i in range(rows_in(lanes)):
        loss[i] = total[i]
    if not lanes.with_grad:
        return
    share[double](lanes, total)
    scales_of(lanes, loss, 1, scale)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            p = e[at + i] * inverse[i]
            gap = m[i] - <double>z[at + i]
            x = p * (((gap if m[i] != z[at + i] else 0) + rest[i]) - total[i])
            e[at + i] = <real>(scale[i] * (x if p != 0 else 0))


# loss = alpha f KL(p || q) at the temperature + (1 - alpha) (-log of the label's probability at temperature 1), f = 1 or the
# temperature's square. Direction 1 is KL(q || p), 2 the Jensen-Shannon divergence instead.
cdef void knowledge_distillation(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* g = grads[0]
    cdef real* e = grads[1]
    cdef double soft = params[0] * (params[1] * params[1] if params[2] else 1), hard = 1 - params[0]
    cdef double cost[TILE]
    cdef double rest[TILE]
    cdef double scale[TILE]
    cdef double label_slope[TILE]
    cdef Softmax s
    cdef Py_ssize_t i, j, at, n = lanes.width
    if params[0] != 0 and params[3] == 0:
        forward_kl[real](inputs, grads, loss, lanes, params[1], soft)
    elif params[0] != 0 and params[3] == 1:
        backward_kl[real](inputs, grads, loss, lanes, params[1], soft)
    elif params[0] != 0:
        mixed[real](inputs, grads, loss, lanes, 0.5, params[1], soft, BOTH)
    else:
        for i in range(rows_in(lanes)):
            loss[i] = 0
        if lanes.with_grad:
            for j in range(lanes.steps):
                at = j * n
                for i in range(lanes_at(lanes, j)):
                    g[at + i] = 0
    if hard == 0:
        return
    softmax_of[real](lanes, z, e, &s)
    at_labels[real](lanes, &s, z, e, cost, rest)
    if lanes.with_grad:
        pick[real](lanes, g, lanes.label, label_slope)
    for i in range(rows_in(lanes)):
        loss[i] += hard * cost[i]
        scale[i] = hard * lanes.scale[i] / s.total[i] if loss[i] == loss[i] else NAN
        label_slope[i] -= hard * rest[i] * lanes.scale[i]
    if not lanes.with_grad:
        return
    share[double](lanes, scale)
    for j in range(lanes.steps):
        at = j * n
        for i in range(lanes_at(lanes, j)):
            g[at + i] = <real>(g[at + i] + e[at + i] * scale[i])
    for i in range(rows_in(lanes)):
        if loss[i] == loss[i]:
            g[place(lanes, i, lanes.label[i])] = <real>label_slope[i]


KERNELS = {
    # function, inputs, which of them have a gradient, target (lanes.pxd)
    "cross_entropy_probs": row_kernel(cross_entropy_probs[float], cross_entropy_probs[double], 2, 0b1, NO_TARGET),
    "kl_div": row_kernel(kl_div[float], kl_div[double], 2, 0b1, NO_TARGET),
    "total_variation": row_kernel(total_variation[float], total_variation[double], 2, 0b1, NO_TARGET),
    "hellinger": row_kernel(hellinger[float], hellinger[double], 2, 0b1, NO_TARGET),
    "js_divergence": row_kernel(js_divergence[float], js_divergence[double], 2, 0b1, NO_TARGET),
    "entropy": row_kernel(entropy[float], entropy[double], 1, 0b1, NO_TARGET),
    "kl_divergence": row_kernel(kl_divergence[float], kl_divergence[double], 2, 0b1, NO_TARGET),
    "reverse_kl_divergence": row_kernel(
        reverse_kl_divergence[float], reverse_kl_divergence[double], 2, 0b1, NO_TARGET
    ),
    "jsd": row_kernel(jsd[float], jsd[double], 2, 0b1, NO_TARGET),
    "skewed_kl": row_kernel(skewed_kl[float], skewed_kl[double], 2, 0b1, NO_TARGET),
    "tvd_distillation": row_kernel(tvd_distillation[float], tvd_distillation[double], 2, 0b1, NO_TARGET),
    "knowledge_distillation": row_kernel(
        knowledge_distillation[float], knowledge_distillation[double], 2, 0b1, LABELS
    ),
}
