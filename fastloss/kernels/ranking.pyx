"""Ranking losses: block functions of a pair's scores, and of rows of scores, a query's items each.

In a row an item with a score of -inf is masked: it is none.
"""

from libc.math cimport INFINITY, NAN, fabs
from libc.stdint cimport uint64_t
from libc.string cimport memcpy, memset
from fastloss.kernels.kernel cimport kernel
from fastloss.kernels.lanes cimport (
    NO_TARGET, TILE, Lanes, Softmax, add, against, clear, lanes_at, largest, place, row_kernel, rows_in, scale_tile,
    settle_sum, share, softmax_of,
)
from fastloss.kernels.scores cimport DOWN, UP, cost, curvature, decay, difference, multiple, push
from fastloss.kernels.vecmath cimport exp_times, exp_wide, expm1_wide, log1p, real, two_quotient


# What is missing of the margin, margin - (a - b): where the first difference cancels it is exact, and what a - b
# rounded off decides. A NaN stays.
cdef inline double missing(double margin, double a, double b) noexcept nogil:
    cdef double low, high = difference(a, b, &low)
    return (margin - high) - low


# max(0, missing), by the scores in the order that the sign says. At the kink it pushes.
cdef void margin_ranking(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* input1 = inputs[0]
    cdef real* input2 = inputs[1]
    cdef real* target = inputs[2]
    cdef real* by_input1 = grads[0]
    cdef real* by_input2 = grads[1]
    cdef real* hess1 = hesses[0]
    cdef real* hess2 = hesses[1]
    cdef double margin = params[0], sign, m
    cdef real g, zero = 0
    cdef Py_ssize_t i
    for i in range(n):
        sign = <double>target[i]
        m = missing(margin, sign * <double>input1[i], sign * <double>input2[i])
        loss[i] = 0 if m < 0 else m
        if by_input1:
            g = 0 if m < 0 else (target[i] if m >= 0 else <real>m)
            by_input1[i] = zero - g
            by_input2[i] = g
        if hess1:
            hess1[i] = 0
            hess2[i] = 0


# max(0, missing). At the kink the slopes are 0.
cdef void pairwise_hinge(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* positive = inputs[0]
    cdef real* negative = inputs[1]
    cdef real* by_positive = grads[0]
    cdef real* by_negative = grads[1]
    cdef real* hess_positive = hesses[0]
    cdef real* hess_negative = hesses[1]
    cdef double margin = params[0], m
    cdef real g, zero = 0
    cdef Py_ssize_t i
    for i in range(n):
        m = missing(margin, positive[i], negative[i])
        loss[i] = m if m > 0 else (0 if m <= 0 else m)
        if by_positive:
            g = 1 if m > 0 else (0 if m <= 0 else <real>m)
            by_positive[i] = zero - g
            by_negative[i] = g
        if hess_positive:
            hess_positive[i] = 0
            hess_negative[i] = 0


# sigma(-d), of e = e^-|d| and both parts of d. The curvature's sigma(d) - sigma(-d) is (1 - e) / (1 + e), with 1 - e
# from expm1. d is formed 4 times too small, so that it cannot overflow.
cdef void pairwise_soft_zero_one(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* positive = inputs[0]
    cdef real* negative = inputs[1]
    cdef real* by_positive = grads[0]
    cdef real* by_negative = grads[1]
    cdef real* hess_positive = hesses[0]
    cdef real* hess_negative = hesses[1]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double d, low, e, large, slope, odd
    cdef Py_ssize_t i
    for i in range(n):
        d = difference(0.25 * <double>positive[i], 0.25 * <double>negative[i], &low)
        d = 4 * d
        low = 4 * low
        e = decay(d, low, &large, wide)
        loss[i] = (1 if d < 0 else e) / (1 + e)
        slope = e / ((1 + e) * (1 + e))
        if by_positive:
            by_positive[i] = -<real>slope
            by_negative[i] = <real>slope
        if hess_positive:
            odd = -slope * expm1_wide(-fabs(d), low if d < 0 else -low) / (1 + e)
            odd = -odd if d < 0 else odd
            hess_positive[i] = <real>odd
            hess_negative[i] = <real>odd


# log(1 + e^-x), x = sigma d in two parts; d is formed 4 times too small, so that it cannot overflow.
cdef void pairwise_logistic(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* positive = inputs[0]
    cdef real* negative = inputs[1]
    cdef real* by_positive = grads[0]
    cdef real* by_negative = grads[1]
    cdef real* hess_positive = hesses[0]
    cdef real* hess_negative = hesses[1]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double sigma = params[0], sigma4 = 4 * params[0], down = params[0] * DOWN
    cdef double x, low, e, large
    cdef real g
    cdef Py_ssize_t i
    for i in range(n):
        x = difference(0.25 * <double>positive[i], 0.25 * <double>negative[i], &low)
        x = multiple(sigma4, x, low, &low)
        e = decay(x, low, &large, wide)
        loss[i] = cost(x, e, wide)
        if by_positive:
            g = <real>push(x, e, large, down)
            by_positive[i] = -g
            by_negative[i] = g
        if hess_positive:
            g = <real>curvature(e, large, sigma, down)
            hess_positive[i] = g
            hess_negative[i] = g


# ---- rows ----

# Of rows that came out NaN: masked items have no part in that, and a row without an item costs nothing.
cdef inline void settle_masked(const Lanes* lanes, const real* z, real* e, double* loss) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef int c, items
    for i in range(rows_in(lanes)):
        if loss[i] == loss[i]:
            continue
        items = 0
        for c in range(<int>lanes.classes):
            k = place(lanes, i, c)
            if z[k] == <real>-INFINITY:
                e[k] = 0
            else:
                items += 1
        if items == 0:
            loss[i] = 0


# The items' shares softmax(r / temperature), in double: a share too small for a float may meet a score of 1e38. The
# quotient's exponential is formed of both its parts.
cdef inline void cool(
    const Lanes* lanes, const real* z, const real* r, double temperature, double* t
) noexcept nogil:
    cdef double m[TILE]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef int top[TILE]
    cdef Py_ssize_t i, j, k
    cdef double d, low, q_low
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            t[k + i] = -INFINITY if z[k + i] == <real>-INFINITY else r[k + i]
    largest[double](lanes, t, m, top)
    share[double](lanes, m)
    clear(lanes, total)
    clear(lanes, lost)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            d = difference(t[k + i], m[i], &low)
            if temperature != 1:
                d = two_quotient(d, temperature, &q_low)
                low = q_low + low / temperature
            t[k + i] = exp_wide(d, low)
            add(&total[i], &lost[i], t[k + i])
    settle_sum(lanes, total, lost)
    for i in range(lanes.width):
        total[i] = 1 / total[i]
    scale_tile[double](lanes, t, total)


# Cross-entropy of the scores against the relevances' shares.
cdef void list_net(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef Softmax s
    cool[real](lanes, inputs[0], inputs[1], params[0], lanes.spare)
    softmax_of[real](lanes, inputs[0], grads[0], &s)
    against[real, double](lanes, &s, inputs[0], grads[0], lanes.spare, hess, loss)
    settle_masked[real](lanes, inputs[0], grads[0], loss)


# ... against the relevances themselves.
cdef void ranking_softmax(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* y = inputs[1]
    cdef real* a = grads[1]
    cdef Softmax s
    cdef Py_ssize_t i, j, k
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            a[k + i] = 0 if z[k + i] == <real>-INFINITY else y[k + i]
    softmax_of[real](lanes, z, grads[0], &s)
    against[real, real](lanes, &s, z, grads[0], a, hess, loss)
    settle_masked[real](lanes, z, grads[0], loss)


# ---- the order of a row ----

# The number as an integer of the same order, descending.
cdef inline uint64_t descending(double x) noexcept nogil:
    cdef uint64_t bits
    x = x + 0.0  # -0 is 0
    memcpy(&bits, &x, sizeof(bits))
    return bits if bits >> 63 else (~bits << 1) >> 1


# Of one long row: the classes of its n items by descending key, equals in the order given. A radix sort, byte by byte,
# which passes over the bytes that all keys have in common.
cdef void sort_row(uint64_t* keys, uint64_t* other_keys, int* order, int* other_order, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t count[256]
    cdef Py_ssize_t i, at, next_at
    cdef int shift, b
    cdef uint64_t* from_keys = keys
    cdef uint64_t* to_keys = other_keys
    cdef int* from_order = order
    cdef int* to_order = other_order
    cdef uint64_t differing = 0
    for i in range(n):
        differing |= keys[i] ^ keys[0]
    for shift in range(0, 64, 8):
        if not differing >> shift & 255:
            continue
        memset(count, 0, sizeof(count))
        for i in range(n):
            count[from_keys[i] >> shift & 255] += 1
        at = 0
        for b in range(256):
            next_at = at + count[b]
            count[b] = at
            at = next_at
        for i in range(n):
            b = from_keys[i] >> shift & 255
            to_keys[count[b]] = from_keys[i]
            to_order[count[b]] = from_order[i]
            count[b] += 1
        from_keys, to_keys = to_keys, from_keys
        from_order, to_order = to_order, from_order
    if from_order != order:
        memcpy(order, from_order, n * sizeof(int))


# Of rows of few classes: each item's rank is the number of those before it, counted for all lanes at once.
cdef void sort_lanes(
    const Lanes* lanes, const double* key, int* order, int* items
) noexcept nogil:
    cdef int rank[TILE]
    cdef Py_ssize_t i, c, b, n = lanes.width
    for i in range(n):
        items[i] = 0
    for c in range(lanes.steps):
        for i in range(n):
            rank[i] = 0
        for b in range(c):
            for i in range(n):
                rank[i] += key[b * n + i] >= key[c * n + i]
        for b in range(c + 1, lanes.steps):
            for i in range(n):
                rank[i] += key[b * n + i] > key[c * n + i]
        for i in range(n):
            if key[c * n + i] == key[c * n + i]:
                order[rank[i] * n + i] = <int>c
                items[i] += 1


# The items of each row by descending relevance, and how many there are.
cdef inline void sort_items(
    const Lanes* lanes, const real* z, const real* r, double* key, double* other, int* order, int* items
) noexcept nogil:
    cdef Py_ssize_t k, n = 0
    cdef uint64_t* keys = <uint64_t*>key
    if lanes.along:
        for k in range(lanes.classes):
            if z[k] != <real>-INFINITY:
                keys[n] = descending(r[k])
                order[n] = <int>k
                n += 1
        items[0] = <int>n
        sort_row(keys, <uint64_t*>other, order, order + lanes.classes, n)
        return
    for k in range(lanes.steps * lanes.width):
        key[k] = NAN if z[k] == <real>-INFINITY else r[k]
    sort_lanes(lanes, key, order, items)


cdef extern from *:
    """
    #define FASTLOSS_LIFT 0x1p550
    #define FASTLOSS_DROP 0x1p-325  /* twice: a number below 2^-650 would be none */
    """
    const double LIFT "FASTLOSS_LIFT"
    const double DROP "FASTLOSS_DROP"


# With the items in the order of their relevance, best first, S_k = sum over j >= k of e^s_j, R_k = S_(k+1):
#
#     loss = sum of log(S_k / e^s_k),    gradient_k = e^s_k C_k - R_k / S_k,    C_k = sum over i < k of 1 / S_i.
#
# All sums are of positive terms. An exponential is taken of the distance from an anchor: a score further down, which
# is left for one that is 200 higher, so that nothing overflows, and what underflows does not count (e is kept 2^100
# too high, C 2^550). From anchor to anchor sums are multiplied by `step`, which hardly rounds off what counts. A pass is
# over ranks and lanes, or over both at once where no rank waits for another.
cdef void list_mle(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* r = inputs[1]
    cdef real* g = grads[0]
    cdef Py_ssize_t w = 1 if lanes.along else lanes.width, n = lanes.classes, size = w * n, i, k, at
    cdef double* x = lanes.spare             # scores; then R / S
    cdef double* anchor = x + size           # then what each costs, then C
    cdef double* e = anchor + size
    cdef double* step = e + size
    cdef double* s = step + size             # then 1 / S; of one item more, which there is not
    cdef int* order = <int*>(s + size + w)
    cdef int items[TILE]
    cdef int moved = 0
    cdef double now[TILE]
    cdef double total[TILE]
    cdef double lost[TILE]
    cdef double spoilt[TILE]
    cdef double d, low, rest, own
    sort_items[real](lanes, z, r, step, s, order, items)
    for i in range(w):
        now[i] = -INFINITY
        spoilt[i] = 0
        loss[i] = 0
    for k in range(n):
        for i in range(w):
            d = z[k * w + i]  # NaN, and inf, spoil the row; so does NaN for a relevance
            low = r[k * w + i] if d != -INFINITY else 0
            spoilt[i] += 1 if (d != d) | (d == INFINITY) | (low != low) else 0
    for k in range(n):
        for i in range(w):
            x[k * w + i] = z[order[k * w + i] * w + i] if k < items[i] else -INFINITY
    for k in range(n - 1, -1, -1):
        for i in range(w):
            d = x[k * w + i]
            moved |= (d > now[i] + 200) & (now[i] > -INFINITY)
            now[i] = d if d > now[i] + 200 else now[i]
            anchor[k * w + i] = now[i]
    for at in range(size):
        d = difference(x[at], anchor[at], &low)
        d = exp_times(UP, d, low)
        e[at] = d if x[at] > -INFINITY else 0
    for at in range(size - w):
        step[at] = 1 if anchor[at + w] > -INFINITY else 0
    if moved:
        for at in range(size - w):
            d = difference(anchor[at + w], anchor[at], &low)
            d = exp_wide(d, low)
            step[at] = d if anchor[at + w] > -INFINITY else 0
    for i in range(w):
        total[i] = lost[i] = step[(n - 1) * w + i] = 0
    for k in range(n - 1, -1, -1):
        for i in range(w):
            at = k * w + i
            total[i] *= step[at]
            lost[i] *= step[at]
            add(&total[i], &lost[i], e[at] * DOWN)
            s[at] = total[i] + lost[i]
    for i in range(w):
        s[size + i] = lost[i] = 0
    for at in range(size):
        rest = s[at + w] * step[at]
        d = x[at] - anchor[at]
        # below the anchor S is at least 1, above it R / e^s keeps the tail
        own = log1p[double](rest / (e[at] * DOWN) if d >= 0 else s[at] - 1) - (d if d < 0 else 0)
        anchor[at] = own if x[at] > -INFINITY else 0
        x[at] = rest / s[at] if x[at] > -INFINITY else 0
    for k in range(n):
        for i in range(w):
            add(&loss[i], &lost[i], anchor[k * w + i])
    for i in range(w):
        loss[i] = NAN if spoilt[i] > 0 else loss[i] + lost[i]
    if not lanes.with_grad:
        return
    for at in range(size):
        s[at] = LIFT / s[at] if s[at] > 0 else 0
    for i in range(w):
        total[i] = lost[i] = 0
    for k in range(n):
        for i in range(w):
            at = k * w + i
            anchor[at] = total[i] + lost[i]
            add(&total[i], &lost[i], s[at])
            total[i] *= step[at]
            lost[i] *= step[at]
    for at in range(size):
        x[at] = (e[at] * anchor[at]) * DROP * DROP - x[at]
        g[at] = 0
    for k in range(n):
        for i in range(w):
            if k < items[i]:
                g[order[k * w + i] * w + i] = <real>(x[k * w + i] * lanes.scale[i])
    for i in range(w):
        if spoilt[i] > 0:
            for k in range(n):
                g[k * w + i] = <real>NAN
    settle_masked[real](lanes, z, g, loss)


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "margin_ranking": kernel(margin_ranking[float], margin_ranking[double], 3, 0b11, False),
    "pairwise_hinge": kernel(pairwise_hinge[float], pairwise_hinge[double], 2, 0b11, False),
    "pairwise_soft_zero_one": kernel(pairwise_soft_zero_one[float], pairwise_soft_zero_one[double], 2, 0b11, False),
    "pairwise_logistic": kernel(pairwise_logistic[float], pairwise_logistic[double], 2, 0b11, False),
    "bpr": kernel(pairwise_logistic[float], pairwise_logistic[double], 2, 0b11, False),
    # of rows: function, inputs, which of them have a gradient, target ... doubles to work in (lanes.pxd)
    "list_net": row_kernel(list_net[float], list_net[double], 2, 0b1, NO_TARGET, False, False, NULL, 1),
    "ranking_softmax": row_kernel(ranking_softmax[float], ranking_softmax[double], 2, 0b1, NO_TARGET),
    "list_mle": row_kernel(list_mle[float], list_mle[double], 2, 0b1, NO_TARGET, False, False, NULL, 7),
}
