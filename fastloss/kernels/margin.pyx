"""Losses of a margin: block functions of (pred, target), where target is -1 or 1 and m = target * pred."""

from libc.math cimport fabs
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.special cimport atan
from fastloss.kernels.vecmath cimport (
    absolute, exp, exp_quick, exp_scaled, expm1_wide, log1p_unit, real, two_product, two_sum,
)


# 1 where the sign is wrong or 0. Comparisons with a NaN are false, so each choice leaves it to the last branch.
cdef void zero_one(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double m
    cdef Py_ssize_t i
    for i in range(n):
        m = <double>target[i] * <double>pred[i]
        loss[i] = 0 if m > 0 else (1 if m <= 0 else m)
        if grad:
            grad[i] = <real>(0 if m == m else m)
        if hess:
            hess[i] = 0


# -m below 0.
cdef void perceptron(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double t, m
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        loss[i] = 0 if m >= 0 else -m
        if grad:
            grad[i] = <real>(-t if m < 0 else (0 if m >= 0 else m))
        if hess:
            hess[i] = 0


# margin - m, in double: rounded once.
cdef void hinge(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double margin = params[0], t, m
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        loss[i] = 0 if m >= margin else margin - m
        if grad:
            grad[i] = <real>(-t if m < margin else (0 if m >= margin else m))
        if hess:
            hess[i] = 0


# (margin - m)^2, squared in double as in mse. Here and below the gradient is subtracted from 0, so that no 0 has a
# sign.
cdef void squared_hinge(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double margin = params[0], scale = params[SCALE], t, m, q
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        q = 0 if m >= margin else margin - m
        loss[i] = (q * scale) * q
        if grad:
            grad[i] = <real>(0 - 2 * t * q)
        if hess:
            hess[i] = <real>(2 if m < margin else (0 if m >= margin else m))


# (q / gamma) (q / 2 + excess) with q = min(1 - m, gamma) and excess = 1 - m - q: one expression for both pieces, as in
# huber. To which of them an element beside the joint belongs, what 1 - m rounded off decides.
cdef void smoothed_hinge(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double gamma = params[0], curvature = 1 / gamma, t, m, r, low, q, excess, slope
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        r = two_sum(1, -m, &low)
        excess = r - gamma if r > gamma else 0
        q = gamma if r > gamma else r
        q = 0 if m >= 1 else q
        slope = q / gamma
        loss[i] = slope * (0.5 * q + excess)
        if grad:
            grad[i] = <real>(0 - t * slope)
        if hess:
            low = curvature if (r - gamma) + low < 0 else 0
            hess[i] = <real>(low if m < 1 else (0 if m >= 1 else m))


# (1 - m)^2, and -4 m below -1.
cdef void modified_huber(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double scale = params[SCALE], t, m, q
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        q = 0 if m >= 1 else (2 if m < -1 else 1 - m)
        loss[i] = (-4 * scale) * m if m < -1 else (q * scale) * q
        if grad:
            grad[i] = <real>(0 - 2 * t * q)
        if hess:
            hess[i] = <real>(0 if m >= 1 else (0 if m < -1 else (2 if m == m else m)))


# 1 - m between s and 1, in double: rounded once.
cdef void ramp(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double s = params[0], highest = 1 - s, t, m, g
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        loss[i] = 0 if m >= 1 else (highest if m <= s else 1 - m)
        if grad:
            g = -t if m > s else 0
            g = g if m < 1 else 0
            grad[i] = <real>(g if m == m else m)
        if hess:
            hess[i] = 0


# 1 - m, in double: rounded once.
cdef void unhinged(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double t, m
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        loss[i] = 1 - m
        if grad:
            grad[i] = <real>(-t if m == m else m)
        if hess:
            hess[i] = 0


# e^-m, in double: the mean of what float32 cannot hold may still be a number.
cdef void exponential(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double t, e, unused
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        if real is double:
            e = exp[double](-t * <double>pred[i])
        else:
            e = exp_quick(-t * <double>pred[i], &unused)
        loss[i] = e
        if grad:
            grad[i] = <real>(-t * e)
        if hess:
            hess[i] = <real>e


# Binary cross-entropy of a hard target, in the form that binary_cross_entropy_with_logits has: with e = exp(-|m|), loss
# max(0, -m) + log1p(e), |gradient| e / (1 + e) or 1 / (1 + e), Hessian e / (1 + e)^2.
cdef void soft_margin(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real one = 1, t, m, a, e, expm1
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * pred[i]
        a = absolute(m)
        e = exp_scaled[real](-a, 0, &expm1)
        loss[i] = <double>((a if m < 0 else 0) + log1p_unit[real](e))
        if grad:
            grad[i] = -t * ((one if m < 0 else e) / (one + e))
        if hess:
            hess[i] = e / ((one + e) * (one + e))


# With d = 1 + e^-|m|, sigma(-m) is e^-|m| / d or 1 / d, and the loss, |gradient| and Hessian are powers of e^-|m| over
# d^2, d^3 and d^4. Rounded, these powers would cost 6 ULP: each is kept in two parts, and what the second contributes
# is taken off the quotient. 2 sigma(m) - sigma(-m) is (2 - e) / d or, below 0, (2 e - 1) / d, whose numerator has its
# zero from expm1(log(2) - |m|).
cdef void savage(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double log2 = 0.6931471805599453, log2_low = 2.3190468138462996e-17  # in two parts
    cdef double t, m, a, e, power, factor, low, x, d, d_low, d2, d2_low, d3, d3_low, d4, d4_low
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        a = fabs(m)
        if real is double:
            e = exp[double](-a)
            power = exp[double](-2 * a if m >= 0 else -a)
        else:
            e = exp_quick(-a, &low)
            power = e * e if m >= 0 else e
        d = 1 + e
        d2 = d * d
        x = (power if m >= 0 else 1) / d2
        if real is double:
            d = two_sum(1, e, &d_low)
            d2 = two_product(d, d, &d2_low)
            d2_low += 2 * d * d_low
            x -= x * (d2_low / d2)
        loss[i] = x
        if grad:
            d3 = d2 * d
            x = 2 * power / d3
            if real is double:
                d3 = two_product(d2, d, &d3_low)
                d3_low += d2 * d_low + d2_low * d
                x -= x * (d3_low / d3)
            grad[i] = <real>(-t * x)
        if hess:
            factor = two_sum(log2, -a, &low)
            factor = expm1_wide(factor, low + log2_low)
            factor = 2 - e if m >= 0 else factor
            x = 2 * power * factor
            d4 = d2 * d2
            x /= d4
            if real is double:
                d4 = two_product(d2, d2, &d4_low)
                d4_low += 2 * d2 * d2_low
                x -= x * (d4_low / d4)
            hess[i] = <real>x


# tan(atan(x) - atan(p)) = (x - p) / (1 + x p) in two parts, for p in two parts; also x - p in two parts.
cdef inline double turned(
    double x, double p, double p_low, double* low, double* difference, double* difference_low
) noexcept nogil:
    cdef double a, a_low, b, b_low, product_low, quotient
    a = two_sum(x, -p, &a_low)
    a = two_sum(a, a_low - p_low, &a_low)
    b = two_product(x, p, &product_low)
    b = two_sum(1, b, &b_low)
    b_low += product_low + x * p_low
    quotient = a / b
    low[0] = a - two_product(quotient, b, &product_low)
    low[0] = ((low[0] - product_low) + (a_low - quotient * b_low)) / b
    difference[0] = a
    difference_low[0] = a_low
    return quotient


# All of it is made of b = atan(m) - 1/2: loss 4 b^2, gradient 8 b / (1 + m^2). Above 0, where b has its zero, it is
# atan((m - tan(1/2)) / (1 + m tan(1/2))); below, nothing cancels. The Hessian is 8 (1 - 2 m b) / (1 + m^2)^2. With z
# the zero of the bracket on m's side of 0, where 2 atan(z) - 1 = 1 / z, the bracket is
# -((m - z) / z + 2 m atan((m - z) / (1 + m z))), two terms of one sign. What b and 1 + m^2 have rounded off is given
# back to first order, or their squares would cost 6 ULP. Scaled by c, m^2 does not overflow where the gradient is not
# yet 0; beyond 1e163, where it is, everything is as at 1e163.
cdef void tangent(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* pred = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double t, m, a, b, b_low, c, d, d_low, w, w_low, z, z_low, y, y_low, x, low
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        m = t * <double>pred[i]
        a = fabs(m)
        a = 1e163 if a > 1e163 else a
        m = -a if m < 0 else a
        w = turned(m, 0.5463024898437905, 2.9096576216837176e-17, &w_low, &x, &low)
        w = a if m < 0 else w
        b = atan(w)
        x = two_sum(0.5, b, &low)
        b = -x if m < 0 else b
        x = 4 * (b * b)
        if real is double:
            w_low = w_low / (1 + w * w)
            b_low = -low if m < 0 else w_low
            x += 8 * b * b_low
        loss[i] = x
        c = 4.909093465297727e-91 if a > 1e90 else 1  # 2^-300
        x = two_product(a * c, a * c, &low)
        d = two_sum(c * c, x, &d_low)  # 1 + m^2
        d_low = (d_low + low) / d
        if grad:
            x = 8 * b * c / d
            if real is double:
                x += x * (b_low / b - d_low)
            grad[i] = <real>(t * (x * c))
        if hess:
            z = -0.5132473179249821 if m < 0 else 1.2555733424472708
            z_low = -1.8821719328184225e-17 if m < 0 else -7.376452073186801e-17
            y = -1.9483784231799204 if m < 0 else 0.7964488940573348  # 1 / z
            y_low = -9.952319323169497e-19 if m < 0 else -2.9919371325754914e-17
            w = turned(m, z, z_low, &w_low, &z, &z_low)
            y_low = z * y_low + z_low * y
            y = two_product(z, y, &low)
            y_low += low
            z = two_product(2 * m, atan(w), &z_low)
            z_low += 2 * m * (w_low / (1 + w * w))
            w = two_sum(y, z, &w_low)
            x = -8 * w * (c * c) / d * (c * c) / d
            if real is double:
                x += x * ((w_low + y_low + z_low) / w - 2 * d_low)
            hess[i] = <real>x


# A distance x: x for a like pair, the hinge for an unlike one.
cdef void hinge_embedding(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* input = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double margin = params[0], t, x, apart
    cdef Py_ssize_t i
    for i in range(n):
        t = target[i]
        x = input[i]
        apart = 0 if x > margin else margin - x
        loss[i] = apart if t < 0 else t * x
        if grad:
            apart = 0 if x > margin else t
            apart = apart if t < 0 else t
            grad[i] = <real>(apart if x == x else x)
        if hess:
            hess[i] = 0


# With s the logit that speaks against the target: (1 + s)^2 / 4, and s above 1.
cdef void sparsemax_binary(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logits = inputs[0]
    cdef real* target = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double t, s, q
    cdef Py_ssize_t i
    for i in range(n):
        t = 1 - 2 * <double>target[i]
        s = t * <double>logits[i]
        q = 0 if s <= -1 else (2 if s >= 1 else 1 + s)
        loss[i] = s if s >= 1 else 0.25 * q * q
        if grad:
            grad[i] = <real>(0 + 0.5 * t * q)
        if hess:
            hess[i] = <real>(0 if s >= 1 else (0 if s <= -1 else (0.5 if s == s else s)))


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "zero_one": kernel(zero_one[float], zero_one[double], 2, 0b1, False),
    "perceptron": kernel(perceptron[float], perceptron[double], 2, 0b1, False),
    "hinge": kernel(hinge[float], hinge[double], 2, 0b1, False),
    "squared_hinge": kernel(squared_hinge[float], squared_hinge[double], 2, 0b1, True),
    "smoothed_hinge": kernel(smoothed_hinge[float], smoothed_hinge[double], 2, 0b1, False),
    "modified_huber": kernel(modified_huber[float], modified_huber[double], 2, 0b1, True),
    "ramp": kernel(ramp[float], ramp[double], 2, 0b1, False),
    "unhinged": kernel(unhinged[float], unhinged[double], 2, 0b1, False),
    "exponential": kernel(exponential[float], exponential[double], 2, 0b1, False),
    "soft_margin": kernel(soft_margin[float], soft_margin[double], 2, 0b1, False),
    "savage": kernel(savage[float], savage[double], 2, 0b1, False),
    "tangent": kernel(tangent[float], tangent[double], 2, 0b1, False),
    "hinge_embedding": kernel(hinge_embedding[float], hinge_embedding[double], 2, 0b1, False),
    "sparsemax_binary": kernel(sparsemax_binary[float], sparsemax_binary[double], 2, 0b1, False),
}
