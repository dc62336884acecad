"""The multiclass family: losses of one row of scores and a label.

The first are losses of the label's probability p alone. They raise 1 - p or p to a power, or subtract what -log p and
1 - p have in common, and so amplify what is wrong with these. `label_loss` therefore gives both in two parts, from
exponentials in two parts (of float32 rows from exponentials in double); a loss is then a few lines for each row, and
its gradient slope (p_c - [c is the label]).
"""

from libc.math cimport INFINITY, NAN, fabs
from libc.string cimport memcpy
from fastloss.kernels.lanes cimport (
    LABEL_LISTS, LABELS, NO_TARGET, TILE, Lanes, Softmax, add, at_labels, clear, infinite_rows, is_moderate, lanes_at,
    largest, log_total, pick, place, power_of, put, row_kernel, rows_in, scale_tile, settle_sum, share, softmax_of,
    spread_sum,
)
from fastloss.kernels.parts cimport Parts, choose, log_parts, minus, over, parts, plus, power_parts, times
from fastloss.kernels.scores cimport DOWN, difference, multiple
from fastloss.kernels.vecmath cimport (
    absolute, exp_scaled, exp_tail, exp_wide, expm1_wide, log, log1p, log1p_unit, log1p_wide, real, sum_of, two_sum,
)

cdef extern from "vecmath.h" nogil:
    double vm_exp_parts_f64(double high, double low, double* sum, double* rest) noexcept
    double vm_exp2_f64(double t) noexcept


# ---- the label's probability ----

# Of n rows: cost = -log p and rest = 1 - p, and the loss and its slope by cost.
ctypedef void (*OfLabel)(
    const Parts* cost, const Parts* rest, const Parts* p, double* loss, Parts* slope, Py_ssize_t n,
    const double* params
) noexcept nogil


# e^x / 2^power for x up to about power log 2, in two parts: of doubles 2^100 times as much, so that no low part is
# denormal. What is below 2^-1100 of that is 0.
cdef inline Parts exponential(double x, double power, real kind) noexcept nogil:
    cdef Parts e
    cdef double lowest = (power - 1100) * 0.6931471805599453, unused, scale
    if real is float:
        return parts(exp_scaled[double](x, power, &unused))
    else:
        scale = (vm_exp_parts_f64(lowest if x < lowest else x, 0, &e.high, &e.low) - power) + 100
        scale = 0 if x < lowest else vm_exp2_f64(scale)
        e.high = two_sum(e.high, e.low, &e.low)
        return Parts(e.high * scale, e.low * scale)


cdef inline double number(Parts a) noexcept nogil:
    return a.high + a.low


cdef inline real rounded(Parts e, real kind) noexcept nogil:
    return <real>e.high if real is float else <real>((e.high + e.low) * DOWN)


# The scores of one step become their exponentials, which are added to each lane's sum.
cdef void add_exponentials(
    real* e, const double* base, const double* power, Py_ssize_t n, double* sum, double* low
) noexcept nogil:
    cdef Parts one
    cdef Py_ssize_t i
    for i in range(n):
        one = exponential[real](e[i] - base[i], power[i], 0)
        e[i] = rounded[real](one, 0)
        if real is float:
            sum[i] += one.high
        else:
            add(&sum[i], &low[i], one.high)
            low[i] += one.low


cdef inline void copy_tile(const Lanes* lanes, const real* tile, real* copy) noexcept nogil:
    memcpy(copy, tile, (lanes.classes if lanes.along else lanes.classes * lanes.width) * sizeof(real))


# The scores e become exponentials by their row's largest one, m; and their sums, in two parts, row by row.
cdef void careful_exponentials(
    const Lanes* lanes, const double* m, real* e, double* base, double* power, Parts* sum
) noexcept nogil:
    cdef double high[TILE]
    cdef double low[TILE]
    cdef Py_ssize_t i, j, n = lanes.width
    for i in range(rows_in(lanes)):
        base[i] = 0 if is_moderate[double](m[i]) else m[i]
        power[i] = power_of[double](m[i])
    share[double](lanes, base)
    share[double](lanes, power)
    clear(lanes, high)
    clear(lanes, low)
    for j in range(lanes.steps):
        add_exponentials[real](e + j * n, base, power, lanes_at(lanes, j), high, low)
    sum_parts(lanes, high, low)
    for i in range(rows_in(lanes)):
        sum[i] = plus[double](parts(high[i]), parts(low[i]), 0)


# What the labels' losses are made of, from the exponentials e of the scores:
#
#     cost = (m - z_y) + log1p(those of all but the largest / e_top),    rest = those of all but the label / total.
#
# All but the largest and the label are summed first. The totals are in the unit of e.
cdef void careful_softmax(
    const Lanes* lanes, const real* z, real* e, Softmax* s, Parts* cost, Parts* rest, Parts* p, Parts* total,
    Parts* logs
) noexcept nogil:
    cdef real m[TILE]
    cdef double base[TILE]
    cdef double power[TILE]
    cdef double z_label[TILE]
    cdef double e_label[TILE]
    cdef double nothing[TILE]
    cdef Parts sum[TILE]
    cdef Parts top, label, others, all_of_them, logarithm, ratio
    cdef double gap, low, scale
    cdef Py_ssize_t i
    cdef int infinite = 0
    cdef bint is_top
    largest[real](lanes, z, m, s.top)
    pick[real](lanes, z, lanes.label, z_label)
    for i in range(rows_in(lanes)):
        s.m[i] = m[i]
        nothing[i] = -INFINITY
        infinite |= fabs(s.m[i]) == INFINITY
    copy_tile[real](lanes, z, e)
    put[real](lanes, e, s.top, nothing)
    put[real](lanes, e, lanes.label, nothing)
    careful_exponentials[real](lanes, s.m, e, base, power, sum)
    if infinite:
        infinite_rows[real](lanes, z, e, s)
        for i in range(rows_in(lanes)):  # 0 if the largest takes all, or NaN
            sum[i] = choose(fabs(s.m[i]) == INFINITY, parts(s.others[i]), sum[i])
    for i in range(rows_in(lanes)):
        is_top = lanes.label[i] == s.top[i]
        top = exponential[real](s.m[i] - base[i] if fabs(s.m[i]) < INFINITY else 0, power[i], 0)
        label = choose(z_label[i] == s.m[i], top, exponential[real](z_label[i] - base[i], power[i], 0))
        ratio = over[double](plus[double](sum[i], choose(is_top, parts(0), label), 0), top, 0)
        others = plus[double](sum[i], choose(is_top, parts(0), top), 0)
        all_of_them = plus[double](others, label, 0)
        rest[i] = over[double](others, all_of_them, 0)
        p[i] = over[double](label, all_of_them, 0)
        scale = 1 if real is float else DOWN
        total[i] = Parts(all_of_them.high * scale, all_of_them.low * scale)
        s.e_top[i] = rounded[real](top, 0)
        e_label[i] = rounded[real](label, 0)
        logarithm.high = log1p_wide(ratio.high, &logarithm.low)
        logarithm.low += ratio.low / (1 + ratio.high)
        gap = difference(s.m[i], z_label[i], &low)
        logs[i] = logarithm
        cost[i] = choose(z_label[i] == s.m[i], logarithm, plus[double](Parts(gap, low), logarithm, 0))
        cost[i].low = cost[i].low if cost[i].high < INFINITY else 0
    put[real](lanes, e, s.top, s.e_top)
    put[real](lanes, e, lanes.label, e_label)


# A loss of the label's probability, and its gradient.
cdef void label_loss(
    real** inputs, real** grads, double* loss, const Lanes* lanes, const double* params, OfLabel of_label
) noexcept nogil:
    cdef real* e = grads[0]
    cdef real factor[TILE]
    cdef double at_label[TILE]
    cdef Parts slope[TILE]
    cdef Parts cost[TILE]
    cdef Parts rest[TILE]
    cdef Parts p[TILE]
    cdef Parts total[TILE]
    cdef Parts unused[TILE]
    cdef Parts one
    cdef Softmax s
    cdef Py_ssize_t i
    careful_softmax[real](lanes, inputs[0], e, &s, cost, rest, p, total, unused)
    of_label(cost, rest, p, loss, slope, rows_in(lanes), params)
    if lanes.with_grad:
        for i in range(rows_in(lanes)):
            one = times[double](slope[i], parts(lanes.scale[i]), 0)
            at_label[i] = -number(times[double](one, rest[i], 0))
            factor[i] = <real>number(over[double](one, total[i], 0))
        scale_tile[real](lanes, e, factor)
        put[real](lanes, e, lanes.label, at_label)


# Of a loss whose hyperparameter is 0 the cross-entropy is left: as it is there, to the bit.
cdef void label_cross_entropy(real** inputs, real** grads, double* loss, const Lanes* lanes) noexcept nogil:
    cdef real factor[TILE]
    cdef double rest[TILE]
    cdef Softmax s
    cdef Py_ssize_t i
    softmax_of[real](lanes, inputs[0], grads[0], &s)
    at_labels[real](lanes, &s, inputs[0], grads[0], loss, rest)
    if lanes.with_grad:
        for i in range(rows_in(lanes)):
            factor[i] = <real>(lanes.scale[i] / s.total[i])
            rest[i] *= -lanes.scale[i]
        scale_tile[real](lanes, grads[0], factor)
        put[real](lanes, grads[0], lanes.label, rest)


# rest^gamma cost, slope rest^gamma (1 + gamma p cost / rest), where p cost / rest is 1 for rest = 0
cdef void focal_of_label(
    const Parts* cost, const Parts* rest, const Parts* p, double* loss, Parts* slope, Py_ssize_t n,
    const double* params
) noexcept nogil:
    cdef double gamma = params[0], power, back
    cdef Parts ratio
    cdef Py_ssize_t i
    for i in range(n):
        power = power_parts[double](gamma, log_parts[double](rest[i], 0), &back, 0)
        loss[i] = power * number(cost[i]) * back if power != 0 else 0
        ratio = over[double](times[double](p[i], cost[i], 0), rest[i], 0)
        ratio = choose(rest[i].high == 0, parts(1), choose(p[i].high == 0, parts(0), ratio))
        ratio = plus[double](parts(1), times[double](parts(gamma), ratio, 0), 0)
        slope[i] = Parts(power * ratio.high * back, power * ratio.low * back)


cdef void softmax_focal(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    if params[0] == 0:
        label_cross_entropy[real](inputs, grads, loss, lanes)
    else:
        label_loss[real](inputs, grads, loss, lanes, params, focal_of_label)


# cost + epsilon rest, slope 1 + epsilon p. Below 0 epsilon takes away: then (1 + epsilon) cost - epsilon (cost - rest),
# slope (1 + epsilon) - epsilon rest, with cost - rest = e^-cost - 1 + cost.
cdef void poly1_of_label(
    const Parts* cost, const Parts* rest, const Parts* p, double* loss, Parts* slope, Py_ssize_t n,
    const double* params
) noexcept nogil:
    cdef double epsilon = params[0], kept = 1 + epsilon if epsilon < 0 else 1, beside
    cdef Py_ssize_t i
    for i in range(n):
        beside = exp_tail(-cost[i].high, -cost[i].low) if epsilon < 0 else number(rest[i])
        loss[i] = (kept * number(cost[i]) if kept != 0 else 0) + fabs(epsilon) * beside
        slope[i] = plus[double](parts(kept), times[double](parts(fabs(epsilon)), rest[i] if epsilon < 0 else p[i], 0), 0)


cdef void poly1_cross_entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    if params[0] == 0:
        label_cross_entropy[real](inputs, grads, loss, lanes)
    else:
        label_loss[real](inputs, grads, loss, lanes, params, poly1_of_label)


# (1 - p^q) / q, slope p^q, with p^q = e^(-q cost)
cdef void generalized_of_label(
    const Parts* cost, const Parts* rest, const Parts* p, double* loss, Parts* slope, Py_ssize_t n,
    const double* params
) noexcept nogil:
    cdef double q = params[0], high, low
    cdef Py_ssize_t i
    for i in range(n):
        high = multiple(q, -cost[i].high, -cost[i].low, &low)
        loss[i] = (0 - expm1_wide(high, low)) / q
        slope[i] = parts(exp_wide(high, low))


cdef void generalized_cross_entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    label_loss[real](inputs, grads, loss, lanes, params, generalized_of_label)


# alpha cost - beta log_zero rest, slope alpha - beta log_zero p
cdef void symmetric_of_label(
    const Parts* cost, const Parts* rest, const Parts* p, double* loss, Parts* slope, Py_ssize_t n,
    const double* params
) noexcept nogil:
    cdef double alpha = params[0], reverse = params[1] * -params[2]
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = (alpha * number(cost[i]) if alpha != 0 else 0) + reverse * number(rest[i])
        slope[i] = plus[double](parts(alpha), times[double](parts(reverse), p[i], 0), 0)


cdef void symmetric_cross_entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    label_loss[real](inputs, grads, loss, lanes, params, symmetric_of_label)


# p cost, with p as a constant factor: slope p
cdef void dft_of_label(
    const Parts* cost, const Parts* rest, const Parts* p, double* loss, Parts* slope, Py_ssize_t n,
    const double* params
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = number(p[i]) * number(cost[i]) if p[i].high != 0 else 0
        slope[i] = p[i]


cdef void dft(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    label_loss[real](inputs, grads, loss, lanes, params, dft_of_label)


# ---- the other classes ----

# 0, or NaN for a row that holds NaN: maxima and choices pass over it.
cdef inline void spoilt(const Lanes* lanes, const real* z, double* nan) noexcept nogil:
    cdef Py_ssize_t i, j
    cdef int found = 0
    clear(lanes, nan)
    if lanes.along:
        for i in range(lanes.classes):
            found |= z[i] != z[i]
        for i in range(lanes.width):
            nan[i] = NAN if found else 0
        return
    for j in range(lanes.steps):
        for i in range(lanes.width):
            nan[i] = nan[i] if z[j * lanes.width + i] == z[j * lanes.width + i] else NAN


cdef inline void fill(const Lanes* lanes, real* tile, const double* numbers) noexcept nogil:
    cdef Py_ssize_t i, j, k
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            tile[k + i] = <real>numbers[i]


# The scores with the label's taken out, in e, and the largest of the others: -inf if there are none.
cdef inline void largest_other(const Lanes* lanes, const real* z, real* e, real* m, int* top) noexcept nogil:
    cdef double nothing[TILE]
    cdef Py_ssize_t i
    for i in range(rows_in(lanes)):
        nothing[i] = -INFINITY
    copy_tile[real](lanes, z, e)
    put[real](lanes, e, lanes.label, nothing)
    largest[real](lanes, e, m, top)


# -log(1 - p) = log1p(odds), odds = p / (1 - p) = e^x / S, where x is how far the label leads the largest other and S is
# the sum of the others' exponentials. Their shares of S, times p, are the gradient: a sure label leaves nothing that
# would underflow.
cdef void unlikelihood(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* e = grads[0]
    cdef real m[TILE]
    cdef real factor[TILE]
    cdef double base[TILE]
    cdef double power[TILE]
    cdef double x[TILE]
    cdef double nan[TILE]
    cdef Parts sum[TILE]
    cdef double odds, p, low
    cdef Softmax s
    cdef Py_ssize_t i
    cdef int infinite = 0
    largest_other[real](lanes, z, e, m, s.top)
    pick[real](lanes, z, lanes.label, x)
    for i in range(rows_in(lanes)):
        s.m[i] = m[i]
        infinite |= fabs(s.m[i]) == INFINITY
    careful_exponentials[real](lanes, s.m, e, base, power, sum)
    for i in range(rows_in(lanes)):
        s.total[i] = sum[i].high * (1 if real is float else DOWN)
        s.others[i] = over[double](sum[i], exponential[real](s.m[i] - base[i], power[i], 0), 0).high
    if infinite:
        infinite_rows[real](lanes, z, e, &s)
        spoilt[real](lanes, z, nan)
        for i in range(rows_in(lanes)):
            if s.m[i] == INFINITY:
                s.others[i] += 1
            elif s.m[i] == -INFINITY:  # there is no other, unless it is NaN
                s.others[i] = 1 + nan[i]
            s.total[i] = s.others[i] if fabs(s.m[i]) == INFINITY else s.total[i]
    for i in range(rows_in(lanes)):
        x[i] = difference(x[i], s.m[i], &low)
        odds = exp_wide(x[i], low) / s.others[i]
        loss[i] = log1p[double](odds) if x[i] < 600 else x[i] - log[double](s.others[i])
        p = 1 if odds > 1e300 else odds / (1 + odds)
        p = p if s.m[i] != -INFINITY else 0 * p  # a label with no other beside it cannot move
        factor[i] = <real>(-p / s.total[i] * lanes.scale[i])
        x[i] = p * lanes.scale[i]
    if lanes.with_grad:
        scale_tile[real](lanes, e, factor)
        put[real](lanes, e, lanes.label, x)


cdef void nll(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef double nan[TILE]
    cdef double slope[TILE]
    cdef Py_ssize_t i
    spoilt[real](lanes, inputs[0], nan)
    pick[real](lanes, inputs[0], lanes.label, slope)
    for i in range(rows_in(lanes)):
        loss[i] = (nan[i] - slope[i]) + 0
        slope[i] = nan[i] - lanes.scale[i]
    if lanes.with_grad:
        fill[real](lanes, grads[0], nan)
        put[real](lanes, grads[0], lanes.label, slope)


# ---- the whole row ----

# c - beta H, with H = sum of p_k (-log p_k) = L + S, S the mean distance of p_k's score from the largest, and the gradient
# p_k (1 + beta (S - distance_k)), at the label -rest + beta p_y (S - distance_y).
cdef void confidence_penalty(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* e = grads[0]
    cdef double m[TILE]
    cdef double mean[TILE]
    cdef double lost[TILE]
    cdef double rest[TILE]
    cdef double e_label[TILE]
    cdef double z_label[TILE]
    cdef real factor[TILE]
    cdef real middle[TILE]
    cdef double beta = params[0], distance
    cdef real slope = <real>beta, one = 1, apart
    cdef Softmax s
    cdef Py_ssize_t i, j, k
    softmax_of[real](lanes, z, e, &s)
    at_labels[real](lanes, &s, z, e, loss, rest)
    pick[real](lanes, e, lanes.label, e_label)
    pick[real](lanes, z, lanes.label, z_label)
    for i in range(rows_in(lanes)):
        m[i] = s.m[i]
    share[double](lanes, m)
    clear(lanes, mean)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            distance = m[i] - <double>z[k + i]
            add(&mean[i], &lost[i], <double>e[k + i] * distance if (e[k + i] != 0) & (m[i] != z[k + i]) else 0)
    settle_sum(lanes, mean, lost)
    for i in range(rows_in(lanes)):
        mean[i] /= s.total[i]
        loss[i] -= beta * (log_total(&s, i) + mean[i])
        factor[i] = <real>(lanes.scale[i] / s.total[i])
        middle[i] = <real>mean[i]
        distance = m[i] - z_label[i] if (e_label[i] != 0) & (m[i] != z_label[i]) else 0
        rest[i] = (beta * (e_label[i] / s.total[i]) * (mean[i] - distance) - rest[i]) * lanes.scale[i]
    if not lanes.with_grad:
        return
    share[real](lanes, factor)
    share[real](lanes, middle)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            apart = <real>(m[i] - <double>z[k + i]) if (e[k + i] != 0) & (m[i] != z[k + i]) else 0
            e[k + i] = e[k + i] * factor[i] * (one + slope * (middle[i] - apart))
    put[real](lanes, e, lanes.label, rest)


cdef void z_loss(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* e = grads[0]
    cdef double factor[TILE]
    cdef Parts unused[TILE]
    cdef Parts total[TILE]
    cdef Parts logs[TILE]
    cdef double coefficient = params[0], high, low
    cdef Softmax s
    cdef Py_ssize_t i, j, k
    careful_softmax[real](lanes, inputs[0], e, &s, unused, unused, unused, total, logs)
    for i in range(rows_in(lanes)):
        high = difference(s.m[i], -logs[i].high, &low)
        high += low + logs[i].low
        high = s.m[i] if fabs(s.m[i]) == INFINITY else high
        loss[i] = coefficient * high * high + 0 * number(logs[i])
        factor[i] = 2 * coefficient * high * lanes.scale[i] / number(total[i])
    if not lanes.with_grad:
        return
    share[double](lanes, factor)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            e[k + i] = <real>(factor[i] * <double>e[k + i]) if e[k + i] != 0 else 0


# With Q the sum of p_k^2 over all but the label and r = 1 - p_y,
#
#     loss = r^2 + Q,    gradient_y = -2 p_y loss,    gradient_k = 2 p_k (p_k + p_y r - Q).
#
# At a wrong class that is largest p_k - Q cancels: it is p_k (1 - p_k) - Q', without k's square in Q'.
cdef void softmax_brier(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* e = grads[0]
    cdef double squares[TILE]
    cdef double lost[TILE]
    cdef double nothing[TILE]
    cdef double at_top[TILE]
    cdef double at_label[TILE]
    cdef real factor[TILE]
    cdef real shift[TILE]
    cdef real twice[TILE]
    cdef Parts unused[TILE]
    cdef Parts rest[TILE]
    cdef Parts p[TILE]
    cdef Parts total[TILE]
    cdef Parts logs[TILE]
    cdef double one, missed, right, all_of_them
    cdef real share_of
    cdef Softmax s
    cdef Py_ssize_t i, j, k
    careful_softmax[real](lanes, inputs[0], e, &s, unused, rest, p, total, logs)
    for i in range(rows_in(lanes)):
        nothing[i] = 0
    clear(lanes, squares)
    clear(lanes, lost)
    put[real](lanes, e, s.top, nothing)
    put[real](lanes, e, lanes.label, nothing)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            add(&squares[i], &lost[i], <double>e[k + i] * <double>e[k + i])
    settle_sum(lanes, squares, lost)
    for i in range(rows_in(lanes)):
        all_of_them = number(total[i])
        missed = number(rest[i])
        right = number(p[i])
        squares[i] = squares[i] / all_of_them / all_of_them
        one = exp_wide(-logs[i].high, -logs[i].low)  # the largest probability
        at_top[i] = 2 * one * ((right * missed - squares[i]) - one * expm1_wide(-logs[i].high, -logs[i].low))
        at_top[i] *= lanes.scale[i]
        squares[i] += one * one if lanes.label[i] != s.top[i] else 0
        loss[i] = missed * missed + squares[i]
        at_label[i] = -2 * right * loss[i] * lanes.scale[i]
        factor[i] = <real>(1 / all_of_them)
        shift[i] = <real>(right * missed - squares[i])
        twice[i] = <real>(2 * lanes.scale[i])
    if not lanes.with_grad:
        return
    share[real](lanes, factor)
    share[real](lanes, shift)
    share[real](lanes, twice)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            share_of = e[k + i] * factor[i]
            e[k + i] = twice[i] * share_of * (share_of + shift[i])
    put[real](lanes, e, s.top, at_top)
    put[real](lanes, e, lanes.label, at_label)


# With F_k the sum of e_j over j <= k and R_k that over j > k, each of which is added up from its own end, T that of all,
#
#     T^2 loss = sum of F_k^2 over k < y, and of R_k^2 over k >= y,    T^3 gradient_j = 2 e_j (A_j - B_j),
#
# A_j = sum of D_k R_k over k >= j, B_j = sum of D_k F_k over k < j, D_k = F_k for k < y, else -R_k. Float rows are
# computed in double, whose exponentials, and F and R, of double rows have two parts.
cdef void ordinal_emd(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef Py_ssize_t w = 1 if lanes.along else lanes.width, n = lanes.classes, size = w * n, i, k, at
    cdef real* g = grads[0]
    cdef double* z = lanes.spare
    cdef double* e = z + size
    cdef Parts* below = <Parts*>(e + size)   # F, then what B adds up
    cdef Parts* above = below + size         # R, then A
    cdef double factor[TILE]
    cdef double sums[TILE]
    cdef double lost[TILE]
    cdef Parts unused[TILE]
    cdef Parts total[TILE]
    cdef Parts square, d
    cdef Softmax s
    for at in range(size):
        z[at] = inputs[0][at]
    if real is float:
        softmax_of[double](lanes, z, e, &s)
        for i in range(w):
            total[i] = parts(s.total[i])
    else:
        careful_softmax[double](lanes, z, e, &s, unused, unused, unused, total, unused)
    for i in range(w):
        sums[i] = lost[i] = 0
    for k in range(n):
        for i in range(w):
            add(&sums[i], &lost[i], e[k * w + i])
            below[k * w + i] = Parts(sums[i], lost[i])
    for i in range(w):
        sums[i] = lost[i] = 0
    for k in range(n - 1, -1, -1):
        for i in range(w):
            above[k * w + i] = Parts(sums[i], lost[i])
            add(&sums[i], &lost[i], e[k * w + i])
    for i in range(w):
        sums[i] = lost[i] = 0
    for k in range(n):
        for i in range(w):
            at = k * w + i
            d = choose(k < lanes.label[i], below[at], above[at])
            add(&sums[i], &lost[i], number(times[double](d, d, 0)))
    for i in range(w):
        square = times[double](total[i], total[i], 0)
        loss[i] = number(over[double](Parts(sums[i], lost[i]), square, 0))
        factor[i] = number(over[double](parts(2 * lanes.scale[i]), times[double](square, total[i], 0), 0))
        sums[i] = lost[i] = 0
    if not lanes.with_grad:
        return
    for k in range(n - 1, -1, -1):
        for i in range(w):
            at = k * w + i
            d = choose(k < lanes.label[i], below[at], minus(above[at]))
            add(&sums[i], &lost[i], number(times[double](d, above[at], 0)))
            above[at].high = sums[i] + lost[i]
            below[at].high = number(times[double](d, below[at], 0))
    for i in range(w):
        sums[i] = lost[i] = 0
    for k in range(n):
        for i in range(w):
            at = k * w + i
            g[at] = <real>(e[at] * (above[at].high - (sums[i] + lost[i])) * factor[i])
            add(&sums[i], &lost[i], below[at].high)


# ---- margins ----

# margin + (a - b), with what it rounds off
cdef inline double excess(double margin, double a, double b) noexcept nogil:
    cdef double low, rest, high = difference(a, b, &low)
    high = difference(high, -margin, &rest)
    return high + (rest + low)


cdef void multiclass_hinge(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* e = grads[0]
    cdef real m[TILE]
    cdef int top[TILE]
    cdef double nan[TILE]
    cdef double up[TILE]
    cdef double down[TILE]
    cdef Py_ssize_t i
    spoilt[real](lanes, inputs[0], nan)
    pick[real](lanes, inputs[0], lanes.label, down)
    largest_other[real](lanes, inputs[0], e, m, top)
    for i in range(rows_in(lanes)):
        loss[i] = excess(params[0], m[i], down[i])
        up[i] = (lanes.scale[i] if loss[i] > 0 else 0) + nan[i]
        loss[i] = (0 if loss[i] <= 0 else loss[i]) + nan[i]
        down[i] = 0 - up[i]
    if lanes.with_grad:
        fill[real](lanes, e, nan)
        put[real](lanes, e, top, up)
        put[real](lanes, e, lanes.label, down)


cdef void multiclass_perceptron(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* e = grads[0]
    cdef real m[TILE]
    cdef int top[TILE]
    cdef double nan[TILE]
    cdef double up[TILE]
    cdef double down[TILE]
    cdef Py_ssize_t i
    spoilt[real](lanes, inputs[0], nan)
    pick[real](lanes, inputs[0], lanes.label, down)
    largest[real](lanes, inputs[0], m, top)
    for i in range(rows_in(lanes)):
        loss[i] = (<double>m[i] - down[i] if m[i] != down[i] else 0) + nan[i]
        up[i] = (lanes.scale[i] if top[i] != lanes.label[i] else 0) + nan[i]
        down[i] = 0 - up[i]
    if lanes.with_grad:
        fill[real](lanes, e, nan)
        put[real](lanes, e, top, up)
        put[real](lanes, e, lanes.label, down)


# As settle_sum, of amounts that may be inf: what is rounded off inf is NaN.
cdef inline void settle_amounts(const Lanes* lanes, double* total, double* lost) noexcept nogil:
    cdef double row = 0
    cdef Py_ssize_t i
    for i in range(lanes.width):
        row += total[i]
        lost[i] = lost[i] if total[i] < INFINITY else 0
    settle_sum(lanes, total, lost)
    if lanes.along and row == INFINITY:
        total[0] = row


# v = max(0, margin + z_k - z_y) of every other class: v / C and slope 1 / C, or v^2 / C and slope 2 v / C. The label's
# slope is minus the sum of theirs.
cdef void multi_margin(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* e = grads[0]
    cdef double label[TILE]
    cdef double nothing[TILE]
    cdef double nan[TILE]
    cdef double sums[TILE]
    cdef double lost[TILE]
    cdef double slopes[TILE]
    cdef double slopes_lost[TILE]
    cdef double factor[TILE]
    cdef double margin = params[1], classes = <double>lanes.classes, v, slope
    cdef bint squared = params[0] == 2
    cdef Py_ssize_t i, j, k
    spoilt[real](lanes, inputs[0], nan)
    pick[real](lanes, inputs[0], lanes.label, label)
    copy_tile[real](lanes, inputs[0], e)
    for i in range(rows_in(lanes)):
        nothing[i] = -INFINITY
        factor[i] = lanes.scale[i] / classes
    put[real](lanes, e, lanes.label, nothing)
    share[double](lanes, label)
    share[double](lanes, factor)
    clear(lanes, sums)
    clear(lanes, lost)
    clear(lanes, slopes)
    clear(lanes, slopes_lost)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            if real is float:
                v = margin + (<double>e[k + i] - label[i])
            else:
                v = excess(margin, e[k + i], label[i])
            v = 0 if (v <= 0) | (e[k + i] == -INFINITY) else v
            slope = 2 * v if squared else (0 if v == 0 else 1)
            add(&sums[i], &lost[i], v / classes * (v if squared else 1))
            add(&slopes[i], &slopes_lost[i], slope)
            e[k + i] = <real>(slope * factor[i] + nan[i])
    settle_amounts(lanes, sums, lost)
    settle_amounts(lanes, slopes, slopes_lost)
    for i in range(rows_in(lanes)):
        loss[i] = sums[i] + nan[i]
        slopes[i] = (0 - slopes[i] * factor[i]) + nan[i]
    if lanes.with_grad:
        put[real](lanes, e, lanes.label, slopes)


# v = max(0, 1 + z_k - z_y), for every label y of the list in turn and all classes k that are not in it: v / C, a push
# 1 / C up at k, down at y. The pushes are whole numbers until the end.
cdef void multilabel_margin(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* listed = inputs[1]
    cdef real* g = grads[0]
    cdef real* others = grads[1]
    cdef double nan[TILE]
    cdef double sums[TILE]
    cdef double lost[TILE]
    cdef double label[TILE]
    cdef double reached[TILE]
    cdef double pushed[TILE]
    cdef double factor[TILE]
    cdef Py_ssize_t length[TILE]
    cdef Py_ssize_t i, j, k, at, longest = 0
    cdef double classes = <double>lanes.classes, v
    spoilt[real](lanes, z, nan)
    copy_tile[real](lanes, z, others)
    for i in range(rows_in(lanes)):
        length[i] = lanes.classes
        for j in range(lanes.classes):
            at = place(lanes, i, <int>j)
            if not 0 <= listed[at] < lanes.classes:
                length[i] = j
                break
            others[place(lanes, i, <int>listed[at])] = <real>-INFINITY
        longest = max(longest, length[i])
    clear(lanes, sums)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            g[k + i] = 0
    for at in range(longest):
        for i in range(rows_in(lanes)):
            reached[i] = at < length[i]
            label[i] = z[place(lanes, i, <int>listed[place(lanes, i, <int>at)])] if at < length[i] else 0
        share[double](lanes, reached)
        share[double](lanes, label)
        clear(lanes, pushed)
        for j in range(lanes.steps):
            k = j * lanes.width
            for i in range(lanes_at(lanes, j)):
                v = excess(1, others[k + i], label[i])
                v = 0 if (v <= 0) | (others[k + i] == -INFINITY) | (reached[i] == 0) else v
                pushed[i] += 0 if v == 0 else 1
                g[k + i] += 0 if v == 0 else 1
                if real is float:
                    sums[i] += v
                else:  # what is inf need not be, once it is divided
                    v = v / classes if v < INFINITY else (0.5 * others[k + i] - 0.5 * label[i]) * (2 / classes)
                    add(&sums[i], &lost[i], v)
        spread_sum(lanes, pushed)
        for i in range(rows_in(lanes)):
            if at < length[i]:
                g[place(lanes, i, <int>listed[place(lanes, i, <int>at)])] -= <real>pushed[i]
    settle_amounts(lanes, sums, lost)
    for i in range(rows_in(lanes)):
        loss[i] = sums[i] / (classes if real is float else 1) + nan[i]
        nan[i] = 0 if loss[i] == loss[i] else NAN
        factor[i] = lanes.scale[i] / classes
    if not lanes.with_grad:
        return
    share[double](lanes, nan)
    share[double](lanes, factor)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            g[k + i] = <real>(g[k + i] * factor[i] + nan[i])


# The elements of multilabel_soft_margin, times their class's weight, by the number of classes: in double, and e^-|x| 2^28
# too high, so that it is no denormal number when it meets a large one.
cdef void weighed_soft_margin(
    const Lanes* lanes, const real* z, const real* target, real* e, double* sums, double* lost
) noexcept nogil:
    cdef double lift = 268435456, x, a, power, lifted, expm1, t, u, v, g, w, cost
    cdef Py_ssize_t i, j, k
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            x = z[k + i]
            t = target[k + i]
            w = lanes.class_weight[j * lanes.weight_width + i] / lanes.classes
            a = fabs(x)
            lifted = exp_scaled[double](-a, -28, &expm1)
            power = lifted * (1 / lift)
            u = t if x < 0 else 1 - t
            v = 1 - t if x < 0 else t
            cost = w * log1p_unit[double](power) if power > 1e-20 else (1 / lift) * (w * lifted)
            cost += w * (u * a) if u != 0 else 0
            add(&sums[i], &lost[i], cost if w != 0 else 0)
            g = lift * ((u - v) - v * expm1) if a < 0.34 else lift * u - v * lifted
            g = w * g / (1 + power) * (1 / lift)
            e[k + i] = <real>(0 if w == 0 else -g if x < 0 else g)


# As binary_cross_entropy_with_logits, without weights but the classes'; the row's mean.
cdef void multilabel_soft_margin(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* target = inputs[1]
    cdef real* e = grads[0]
    cdef double sums[TILE]
    cdef double lost[TILE]
    cdef real factor[TILE]
    cdef real one = 1, half = <real>0.5, x, a, power, expm1, t, u, v, g
    cdef double divisor = lanes.classes if lanes.class_weight == NULL else 1
    cdef Py_ssize_t i, j, k
    clear(lanes, sums)
    clear(lanes, lost)
    if lanes.class_weight != NULL:
        weighed_soft_margin[real](lanes, z, target, e, sums, lost)
    for j in range(lanes.steps if lanes.class_weight == NULL else 0):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            x = z[k + i]
            t = target[k + i]
            a = absolute(x)
            power = exp_scaled[real](-a, 0, &expm1)
            u = t if x < 0 else one - t
            v = one - t if x < 0 else t
            add(&sums[i], &lost[i], <double>((u * a if u != 0 else 0) + log1p_unit[real](power)))
            g = ((u - v) - v * expm1 if a < half else u - v * power) / (one + power)
            e[k + i] = -g if x < 0 else g
    settle_amounts(lanes, sums, lost)
    for i in range(rows_in(lanes)):
        loss[i] = sums[i] / divisor
        factor[i] = <real>(lanes.scale[i] / divisor if loss[i] == loss[i] else NAN)
    if lanes.with_grad:
        scale_tile[real](lanes, e, factor)


# ---- sparsemax ----

# With d_k = m - z_k, the distance from the largest score, P_k = max(0, T - d_k) adds up to 1 for
#
#     T = (1 + sum of d over the support) / size of the support,
#
# which is found from above (Michelot): T = 1, and what is left inside the last T makes the next. All in two parts for
# double, since near the edge of the support T - d cancels.
#
#     loss = ((sum of P_k over all but the label)^2 + that of P_k^2) / 2 + max(0, d_y - T)
cdef void sparsemax(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* e = grads[0]
    cdef real top[TILE]
    cdef int place_of_top[TILE]
    cdef double m[TILE]
    cdef double nan[TILE]
    cdef double count[TILE]
    cdef double before[TILE]
    cdef double sums[TILE]
    cdef double lost[TILE]
    cdef double high[TILE]
    cdef double low[TILE]
    cdef double label[TILE]
    cdef double nothing[TILE]
    cdef Parts limit
    cdef double d, d_low, inside
    cdef bint settled = False
    cdef Py_ssize_t i, j, k
    spoilt[real](lanes, z, nan)
    pick[real](lanes, z, lanes.label, label)
    largest[real](lanes, z, top, place_of_top)
    for i in range(rows_in(lanes)):
        m[i] = top[i]
        nothing[i] = 0
    share[double](lanes, m)
    for i in range(lanes.width):
        high[i] = 1
        low[i] = before[i] = 0
    while not settled:
        clear(lanes, sums)
        clear(lanes, lost)
        clear(lanes, count)
        for j in range(lanes.steps):
            k = j * lanes.width
            for i in range(lanes_at(lanes, j)):
                d = distance_from[real](m[i], z[k + i], &d_low)
                inside = 1 if (high[i] - d) + (low[i] - d_low) > 0 else 0
                count[i] += inside
                if real is float:
                    sums[i] += d if inside != 0 else 0
                else:
                    add(&sums[i], &lost[i], d if inside != 0 else 0)
                    lost[i] += d_low if inside != 0 else 0
        spread_sum(lanes, count)
        sum_parts(lanes, sums, lost)
        settled = True
        for i in range(rows_in(lanes)):
            limit = plus[double](plus[double](parts(sums[i]), parts(lost[i]), 0), parts(1), 0)
            limit = over[double](limit, parts(count[i]), 0)
            high[i] = limit.high
            low[i] = limit.low
            settled &= count[i] == before[i]
            before[i] = count[i]
        share[double](lanes, high)
        share[double](lanes, low)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            d = distance_from[real](m[i], z[k + i], &d_low)
            d = (high[i] - d) + (low[i] - d_low)
            e[k + i] = <real>(d if d > 0 else 0)
    put[real](lanes, e, lanes.label, nothing)
    clear(lanes, sums)
    clear(lanes, lost)
    clear(lanes, count)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            add(&sums[i], &lost[i], e[k + i])
            count[i] += <double>e[k + i] * <double>e[k + i]
    settle_sum(lanes, sums, lost)
    spread_sum(lanes, count)
    for i in range(rows_in(lanes)):
        if m[i] == -INFINITY or (m[i] == INFINITY and before[i] > 1):
            nan[i] = NAN
        d = distance_from[real](m[i], label[i], &d_low)
        d = (d - high[i]) + (d_low - low[i])
        loss[i] = 0.5 * (sums[i] * sums[i] + count[i]) + (d if d > 0 else 0) + nan[i]
        top[i] = <real>(lanes.scale[i] + nan[i])
        sums[i] = 0 - sums[i] * (lanes.scale[i] + nan[i])
    if lanes.with_grad:
        scale_tile[real](lanes, e, top)
        put[real](lanes, e, lanes.label, sums)


# m - z >= 0, with what it rounds off; of float32 numbers that is nothing that counts.
cdef inline double distance_from(double m, real z, double* low) noexcept nogil:
    cdef double high
    if real is float:
        low[0] = 0
        return m - <double>z if m != z else 0
    else:
        high = difference(m, z, low)
        low[0] = low[0] if m != z else 0
        return high if m != z else 0


# Sums of lanes, in two parts, become those of rows.
cdef inline void sum_parts(const Lanes* lanes, double* high, double* low) noexcept nogil:
    cdef double row = 0, lost = 0
    cdef Py_ssize_t i
    if lanes.along:
        for i in range(lanes.width):
            add(&row, &lost, high[i])
        high[0] = row
        low[0] = lost + sum_of[double](low, lanes.width)


KERNELS = {
    # function, inputs, which of them have a gradient, target (lanes.pxd)
    "softmax_focal": row_kernel(softmax_focal[float], softmax_focal[double], 1, 0b1, LABELS),
    "poly1_cross_entropy": row_kernel(poly1_cross_entropy[float], poly1_cross_entropy[double], 1, 0b1, LABELS),
    "generalized_cross_entropy": row_kernel(
        generalized_cross_entropy[float], generalized_cross_entropy[double], 1, 0b1, LABELS
    ),
    "symmetric_cross_entropy": row_kernel(symmetric_cross_entropy[float], symmetric_cross_entropy[double], 1, 0b1, LABELS),
    "dft": row_kernel(dft[float], dft[double], 1, 0b1, LABELS),
    "unlikelihood": row_kernel(unlikelihood[float], unlikelihood[double], 1, 0b1, LABELS),
    "nll": row_kernel(nll[float], nll[double], 1, 0b1, LABELS),
    "confidence_penalty": row_kernel(confidence_penalty[float], confidence_penalty[double], 1, 0b1, LABELS),
    "z_loss": row_kernel(z_loss[float], z_loss[double], 1, 0b1, NO_TARGET),
    "softmax_brier": row_kernel(softmax_brier[float], softmax_brier[double], 1, 0b1, LABELS),
    "ordinal_emd": row_kernel(
        ordinal_emd[float], ordinal_emd[double], 1, 0b1, LABELS, False, False, NULL, 6
    ),
    "multiclass_hinge": row_kernel(multiclass_hinge[float], multiclass_hinge[double], 1, 0b1, LABELS),
    "multiclass_perceptron": row_kernel(multiclass_perceptron[float], multiclass_perceptron[double], 1, 0b1, LABELS),
    "multi_margin": row_kernel(multi_margin[float], multi_margin[double], 1, 0b1, LABELS),
    "sparsemax": row_kernel(sparsemax[float], sparsemax[double], 1, 0b1, LABELS),
    "multilabel_margin": row_kernel(multilabel_margin[float], multilabel_margin[double], 1, 0b1, LABEL_LISTS),
    "multilabel_soft_margin": row_kernel(
        multilabel_soft_margin[float], multilabel_soft_margin[double], 2, 0b1, NO_TARGET
    ),
}
