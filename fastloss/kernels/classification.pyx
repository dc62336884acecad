"""Binary classification losses: block functions of (logits, target, ...)."""

from fastloss.kernels.kernel cimport kernel
from fastloss.kernels.vecmath cimport absolute, exp_scaled, log1p_unit, real


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
    cdef Py_ssize_t i
    for i in range(n):
        x = logits[i]
        a = absolute(x)
        e = exp_scaled[real](-a, 0, &expm1)
        t = target[i]
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


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "binary_cross_entropy_with_logits": kernel(
        binary_cross_entropy_with_logits[float], binary_cross_entropy_with_logits[double], 3, 0b1, False
    ),
}
