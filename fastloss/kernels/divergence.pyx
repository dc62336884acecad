"""The divergences: losses of two distributions over the classes of a row. Block functions for the driver rows.pyx.

Each sums, class by class, numbers that are 0 where the distributions agree, in double and in two parts: log-ratios of
close distributions are small differences, and their sum is far smaller still.
"""

from libc.math cimport INFINITY, NAN, fabs, sqrt
from fastloss.kernels.lanes cimport (
    NO_TARGET, TILE, Lanes, add, clear, lanes_at, row_kernel, rows_in, settle_sum, share,
)
from fastloss.kernels.vecmath cimport log, log_wide, real, sum_of

cdef extern from "divergence.h" nogil:
    double log1p_of "dv_log1p"(double w, double w_low, double* low) noexcept
    double bend "dv_bend"(double p, double w, double w_low, double gap) noexcept
    double share_of "dv_share"(double p, double q, double c, double c_low, double* gap, double* low) noexcept
    double mean_of "dv_mean"(double p, double q, double* low) noexcept


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
            share_ = <double>p[k + i] / <double>q[k + i]
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
            root = sqrt(<double>p[k + i]) / sqrt(<double>q[k + i])
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
        for i in range(lanes_at(lanes, j)):
            pi = p[k + i]
            qi = q[k + i]
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
            pi = p[k + i]
            qi = q[k + i]
            v = share_of(qi, pi, b, 0, &gap_v, &v_low)
            far = log[double](b * pi * 2.0**-500 / qi) + 346.57359027997264  # b p / q may be beyond all doubles
            value = log1p_of(v, v_low, &low)
            value = far if v > 1e100 else value + low
            value = value if pi != qi else 0
            g[k + i] = <real>(scale[i] * value)


KERNELS = {
    # function, inputs, which of them have a gradient, target (lanes.pxd)
    "cross_entropy_probs": row_kernel(cross_entropy_probs[float], cross_entropy_probs[double], 2, 0b1, NO_TARGET),
    "kl_div": row_kernel(kl_div[float], kl_div[double], 2, 0b1, NO_TARGET),
    "total_variation": row_kernel(total_variation[float], total_variation[double], 2, 0b1, NO_TARGET),
    "hellinger": row_kernel(hellinger[float], hellinger[double], 2, 0b1, NO_TARGET),
    "js_divergence": row_kernel(js_divergence[float], js_divergence[double], 2, 0b1, NO_TARGET),
}
