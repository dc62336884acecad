"""Losses of generative models: block functions of (real, fake), (fake), of an autoencoder's codes and their prior."""

from libc.math cimport INFINITY, fabs
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.scaled cimport (
    Scaled, choose, difference, exponential, multiple, number, plus, rounded, sum_of_two, times,
)
from fastloss.kernels.vecmath cimport (
    absolute, exp_quick, exp_scaled, exp_tail, exp_tail_quick, exp_times, expm1, expm1_wide, log1p_unit, real, two_sum,
)


# x, or y if that is NaN: a slope by one input is NaN where another is.
cdef inline real unless_nan(real x, real y) noexcept nogil:
    return x if y == y else y


# fake - real, in double as all sums.
cdef void gan_wasserstein(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* authentic = inputs[0]
    cdef real* fake = inputs[1]
    cdef real* by_real = grads[0]
    cdef real* by_fake = grads[1]
    cdef real* hess_real = hesses[0]
    cdef real* hess_fake = hesses[1]
    cdef real one = 1
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = <double>fake[i] - <double>authentic[i]
        if by_real:
            by_real[i] = unless_nan[real](unless_nan[real](-one, authentic[i]), fake[i])
            by_fake[i] = unless_nan[real](unless_nan[real](one, authentic[i]), fake[i])
        if hess_real:
            hess_real[i] = 0
            hess_fake[i] = 0


# -fake
cdef void critic_generator(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* fake = inputs[0]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real one = 1
    cdef Py_ssize_t i
    for i in range(n):
        loss[i] = -<double>fake[i]
        if grad:
            grad[i] = unless_nan[real](-one, fake[i])
        if hess:
            hess[i] = 0


# max(0, 1 - real) + max(0, 1 + fake). Near its kink each difference is exact; a NaN is not less than 0, and stays.
cdef void gan_hinge(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* authentic = inputs[0]
    cdef real* fake = inputs[1]
    cdef real* by_real = grads[0]
    cdef real* by_fake = grads[1]
    cdef real* hess_real = hesses[0]
    cdef real* hess_fake = hesses[1]
    cdef real one = 1, g
    cdef double missing, excess
    cdef Py_ssize_t i
    for i in range(n):
        missing = 1 - <double>authentic[i]
        excess = 1 + <double>fake[i]
        loss[i] = (0 if missing < 0 else missing) + (0 if excess < 0 else excess)
        if by_real:
            g = -one if authentic[i] < one else 0
            by_real[i] = unless_nan[real](unless_nan[real](g, authentic[i]), fake[i])
            g = one if fake[i] > -one else 0
            by_fake[i] = unless_nan[real](unless_nan[real](g, authentic[i]), fake[i])
        if hess_real:
            hess_real[i] = 0
            hess_fake[i] = 0


# (real - b)^2 / 2 + (fake - a)^2 / 2, squared in double.
cdef void gan_least_squares(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* authentic = inputs[0]
    cdef real* fake = inputs[1]
    cdef real* by_real = grads[0]
    cdef real* by_fake = grads[1]
    cdef real* hess_real = hesses[0]
    cdef real* hess_fake = hesses[1]
    cdef double a = params[0], b = params[1], scale = params[SCALE], r, f
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>authentic[i] - b
        f = <double>fake[i] - a
        loss[i] = (0.5 * r * scale) * r + (0.5 * f * scale) * f
        if by_real:
            by_real[i] = unless_nan[real](<real>r, fake[i])
            by_fake[i] = unless_nan[real](<real>f, authentic[i])
        if hess_real:
            hess_real[i] = 1
            hess_fake[i] = 1


# (fake - c)^2 / 2, squared in double.
cdef void gan_least_squares_generator(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* fake = inputs[0]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double c = params[0], scale = params[SCALE], r
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>fake[i] - c
        loss[i] = (0.5 * r * scale) * r
        if grad:
            grad[i] = <real>r
        if hess:
            hess[i] = 1


# Binary cross-entropy of a yes at `real` and a no at `fake`, as in classification.pyx: of e = e^-|x|, u the weight of
# the side that x speaks against and v that of the other, u + v = 1,
#
#     loss = u |x| + log1p(e),   |gradient| = (u - v e) / (1 + e),   Hessian = e / (1 + e)^2.
#
# The fake has u = 1 where x > 0, else 0.
cdef void gan_minimax(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* authentic = inputs[0]
    cdef real* fake = inputs[1]
    cdef real* by_real = grads[0]
    cdef real* by_fake = grads[1]
    cdef real* hess_real = hesses[0]
    cdef real* hess_fake = hesses[1]
    cdef real no = <real>params[0], yes = <real>(1 - params[0]), one = 1, half = <real>0.5
    cdef real x, y, a, e, f, u, v, expm1_real, expm1_fake, on_real, on_fake, g
    cdef Py_ssize_t i
    for i in range(n):
        x = authentic[i]
        y = fake[i]
        a = absolute(x)
        e = exp_scaled[real](-a, 0, &expm1_real)
        f = exp_scaled[real](-absolute(y), 0, &expm1_fake)
        u = yes if x < 0 else no
        v = no if x < 0 else yes
        on_real = (u * a if u != 0 else 0) + log1p_unit[real](e)
        on_fake = (y if y > 0 else 0) + log1p_unit[real](f)
        loss[i] = <double>on_real + <double>on_fake
        if by_real:
            g = ((u - v) - v * expm1_real if a < half else u - v * e) / (one + e)
            by_real[i] = unless_nan[real](-g if x < 0 else g, y)
            by_fake[i] = unless_nan[real]((f if y < 0 else one) / (one + f), x)
        if hess_real:
            hess_real[i] = e / ((one + e) * (one + e))
            hess_fake[i] = f / ((one + f) * (one + f))


# -log(1 + e^fake), made of e^-|fake|.
cdef void gan_minimax_generator(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* fake = inputs[0]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real one = 1, x, e, unused
    cdef Py_ssize_t i
    for i in range(n):
        x = fake[i]
        e = exp_scaled[real](-absolute(x), 0, &unused)
        loss[i] = -<double>((x if x > 0 else 0) + log1p_unit[real](e))
        if grad:
            grad[i] = -(e if x < 0 else one) / (one + e)
        if hess:
            hess[i] = -e / ((one + e) * (one + e))


# log(1 + e^-fake), made of e^-|fake|.
cdef void gan_nonsaturating_generator(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* fake = inputs[0]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef real one = 1, x, e, unused
    cdef Py_ssize_t i
    for i in range(n):
        x = fake[i]
        e = exp_scaled[real](-absolute(x), 0, &unused)
        loss[i] = <double>((-x if x < 0 else 0) + log1p_unit[real](e))
        if grad:
            grad[i] = -(one if x < 0 else e) / (one + e)
        if hess:
            hess[i] = e / ((one + e) * (one + e))


# mu^2 / 2 + (e^v - 1 - v) / 2, two terms that are never negative; exp_tail is the second without its cancellation.
# Where e^v overflows, half of it may not: from 100 on it is all that counts.
cdef void gaussian_kl(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* mu = inputs[0]
    cdef real* log_var = inputs[1]
    cdef real* by_mu = grads[0]
    cdef real* by_log_var = grads[1]
    cdef real* hess_mu = hesses[0]
    cdef real* hess_log_var = hesses[1]
    cdef double m, v, half, tail, slope, scale = params[SCALE]
    cdef Py_ssize_t i
    for i in range(n):
        m = mu[i]
        v = log_var[i]
        if real is double:
            half = exp_times(0.5, v, 0)
            tail = half if v > 100 else 0.5 * exp_tail(v, 0)
            slope = half if v > 100 else 0.5 * expm1[double](v)
        else:
            half = 0.5 * exp_quick(v, &slope)
            tail = 0.5 * exp_tail_quick(v, slope)
            slope = 0.5 * slope
        loss[i] = (0.5 * m * scale) * m + tail * scale
        if by_mu:
            by_mu[i] = unless_nan[real](mu[i], log_var[i])
            by_log_var[i] = unless_nan[real](<real>slope, mu[i])
        if hess_mu:
            hess_mu[i] = 1
            hess_log_var[i] = <real>half


# (e^d - 1 - d + u) / 2 with d = log_var - prior_log_var in two parts, which is formed as it stands only for |d| > 1, and
# u = r^2 e^-w of the means' difference r and w = prior_log_var. From d = 100 on e^d is all of the first that counts. Of
# float32 inputs too the exponentials may be anything.
cdef void gaussian_kl_prior(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* mu = inputs[0]
    cdef real* log_var = inputs[1]
    cdef real* prior_mu = inputs[2]
    cdef real* prior_log_var = inputs[3]
    cdef real* by_mu = grads[0]
    cdef real* by_log_var = grads[1]
    cdef real* by_prior_mu = grads[2]
    cdef real* by_prior_log_var = grads[3]
    cdef real* hess_mu = hesses[0]
    cdef real* hess_log_var = hesses[1]
    cdef real* hess_prior_mu = hesses[2]
    cdef real* hess_prior_log_var = hesses[3]
    cdef double scale = params[SCALE], d, low, slope
    cdef bint near, far
    cdef Scaled r, ratio, precision, t, u, tail, g
    cdef Py_ssize_t i
    for i in range(n):
        d = two_sum(log_var[i], -<double>prior_log_var[i], &low)
        low = low if fabs(d) < INFINITY else 0
        near = fabs(d) < 1
        far = d > 100
        ratio = exponential(d, low, True)
        precision = exponential(-<double>prior_log_var[i], 0, True)
        r = difference(mu[i], prior_mu[i], True)
        t = times(precision, r, True)
        u = times(t, r, True)
        g = plus(number(1, True), sum_of_two(0 if far else d, 0 if far else low, True), True)
        tail = plus(ratio, multiple(-1, g), True)
        tail = choose(near, number(exp_tail(d if near else 0, low if near else 0), True), tail)
        loss[i] = rounded(multiple(0.5 * scale, plus(tail, u, True)), True)
        if by_mu:
            slope = unless_nan[double](rounded(t, True), d)
            by_mu[i] = <real>slope
            by_prior_mu[i] = <real>(-slope)
            g = choose(near, number(expm1_wide(d, low), True), plus(ratio, number(-1, True), True))
            by_log_var[i] = <real>unless_nan[double](rounded(multiple(0.5, g), True), r.high)
            by_prior_log_var[i] = <real>rounded(multiple(-0.5, plus(g, u, True)), True)
        if hess_mu:
            slope = rounded(precision, True)
            hess_mu[i] = <real>slope
            hess_prior_mu[i] = <real>slope
            hess_log_var[i] = <real>rounded(multiple(0.5, ratio), True)
            hess_prior_log_var[i] = <real>rounded(multiple(0.5, plus(ratio, u, True)), True)


# (1 + beta) r^2 with r = encoded - codes; the slopes are those of one term each. Where r overflows, 2 beta r may not.
cdef void vq_commitment(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* encoded = inputs[0]
    cdef real* codes = inputs[1]
    cdef real* by_encoded = grads[0]
    cdef real* by_codes = grads[1]
    cdef real* hess_encoded = hesses[0]
    cdef real* hess_codes = hesses[1]
    cdef double both = 1 + params[0], twice = 2 * params[0], scale = params[SCALE], r, quarter
    cdef Py_ssize_t i
    for i in range(n):
        r = <double>encoded[i] - <double>codes[i]
        loss[i] = (both * r * scale) * r
        if by_encoded:
            quarter = 0.25 * <double>encoded[i] - 0.25 * <double>codes[i]
            by_encoded[i] = <real>(4 * twice * quarter if fabs(r) == INFINITY else twice * r)
            by_codes[i] = <real>(0 - 2 * r)
        if hess_encoded:
            hess_encoded[i] = <real>twice
            hess_codes[i] = 2


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "gan_wasserstein": kernel(gan_wasserstein[float], gan_wasserstein[double], 2, 0b11, False),
    "gan_wasserstein_generator": kernel(critic_generator[float], critic_generator[double], 1, 0b1, False),
    "gan_hinge": kernel(gan_hinge[float], gan_hinge[double], 2, 0b11, False),
    "gan_hinge_generator": kernel(critic_generator[float], critic_generator[double], 1, 0b1, False),
    "gan_least_squares": kernel(gan_least_squares[float], gan_least_squares[double], 2, 0b11, True),
    "gan_least_squares_generator": kernel(
        gan_least_squares_generator[float], gan_least_squares_generator[double], 1, 0b1, True
    ),
    "gan_minimax": kernel(gan_minimax[float], gan_minimax[double], 2, 0b11, False),
    "gan_minimax_generator": kernel(gan_minimax_generator[float], gan_minimax_generator[double], 1, 0b1, False),
    "gan_nonsaturating": kernel(gan_minimax[float], gan_minimax[double], 2, 0b11, False),
    "gan_nonsaturating_generator": kernel(
        gan_nonsaturating_generator[float], gan_nonsaturating_generator[double], 1, 0b1, False
    ),
    "gaussian_kl": kernel(gaussian_kl[float], gaussian_kl[double], 2, 0b11, True),
    "gaussian_kl_prior": kernel(gaussian_kl_prior[float], gaussian_kl_prior[double], 4, 0b1111, True),
    "vq_commitment": kernel(vq_commitment[float], vq_commitment[double], 2, 0b11, True),
}
