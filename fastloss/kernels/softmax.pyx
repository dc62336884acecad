"""The softmax family: block functions of rows of logits, for the driver rows.pyx.

With m the row's largest logit, at class `top`, and e_c = exp(z_c - m) scaled by a power of two (lanes.pxd):

    others = sum of e_c over c != top,    L = log1p(others / e_top),    logsumexp = m + L,    p_c = e_c / (others + e_top),

all terms of a loss are positive, and a difference from 1 is made of what the others add up to: that is why a
confident, correct row keeps its tail.
"""

from libc.math cimport INFINITY, NAN, fabs
from fastloss.kernels.lanes cimport (
    LABELS, LABELS_OR_SHARES, NO_TARGET, TILE, Lanes, Softmax, add, against, clear, lanes_at, log_total, pick, place, row_kernel,
    rows_in, scale_tile, settle_sum, share, softmax_of,
)
from fastloss.kernels.vecmath cimport real


cdef void cross_entropy_of_label(
    const double* cost, const double* rest, double* loss, double* slope, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = cost[i]
        slope[i] = 1


# Of shares of every class, smoothed and weighed: against coefficients a_c (lanes.pxd).
cdef void cross_entropy(
    real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil:
    cdef real* z = inputs[0]
    cdef real* shares = inputs[1]
    cdef real* a = grads[1]
    cdef real* e = grads[0]
    cdef Softmax s
    cdef Py_ssize_t i, j, k, w, n = lanes.width
    cdef double everywhere = params[0] / lanes.classes, own = 1 - params[0]
    softmax_of[real](lanes, z, e, &s)
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
                a[k + i] = <real>(lanes.class_weight[w + i] * a[k + i])
    against[real, real](lanes, &s, z, e, a, hess, loss)


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
        cross_entropy[float], cross_entropy[double], 1, 0b1, LABELS_OR_SHARES, True, True, cross_entropy_of_label
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
