"""Losses of preferences and policies: block functions of scores and log-probabilities."""

from libc.math cimport INFINITY, fabs
from fastloss.kernels.kernel cimport SCALE, kernel
from fastloss.kernels.scores cimport DOWN, cost, curvature, decay, difference, multiple, normalised, push
from fastloss.kernels.vecmath cimport (
    exp_quick, exp_tail, exp_tail_quick, exp_times, exp_wide, expm1_wide, log1p_wide, real, two_quotient,
)

cdef enum:
    K1 = 1
    K2 = 2
    K3 = 3


# log(1 + e^-x) with x = chosen - rejected - margin in two parts, formed 4 times too small so that it cannot overflow,
# and a square that is 0 for a coefficient of 0, whatever the scores.
cdef void bradley_terry(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* chosen = inputs[0]
    cdef real* rejected = inputs[1]
    cdef real* by_chosen = grads[0]
    cdef real* by_rejected = grads[1]
    cdef real* hess_chosen = hesses[0]
    cdef real* hess_rejected = hesses[1]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double margin = 0.25 * params[0], center = params[1], center8 = 8 * params[1], scale = params[SCALE]
    cdef double c, r, x, low, lost, e, large, total, pull, g
    cdef Py_ssize_t i
    for i in range(n):
        c = 0.25 * <double>chosen[i]
        r = 0.25 * <double>rejected[i]
        x = difference(c, r, &low)
        x = difference(x, margin, &lost)
        x = 4 * normalised(x, low + lost, &low)
        low = 4 * low
        e = decay(x, low, &large, wide)
        total = c + r
        loss[i] = cost(x, e, wide) * scale + (center * 16 * scale * total * total if center != 0 else 0)
        if by_chosen:
            pull = center8 * total if center != 0 else 0
            g = push(x, e, large, DOWN)
            by_chosen[i] = <real>(pull - g)
            by_rejected[i] = <real>(pull + g)
        if hess_chosen:
            g = curvature(e, large, 1, DOWN) + 2 * center
            hess_chosen[i] = <real>g
            hess_rejected[i] = <real>g


# The four log-probabilities' sum in two parts, 8 times too small so that it cannot overflow.
cdef inline double lead(
    double policy_chosen, double policy_rejected, double ref_chosen, double ref_rejected, double* low
) noexcept nogil:
    cdef double chosen_low, rejected_low, lost, left, other
    cdef double chosen = difference(0.125 * policy_chosen, 0.125 * ref_chosen, &chosen_low)
    cdef double rejected = difference(0.125 * policy_rejected, 0.125 * ref_rejected, &rejected_low)
    cdef double both = difference(chosen, rejected, &lost), lows = difference(chosen_low, rejected_low, &left)
    both = difference(both, -lows, &other)
    return normalised(both, (lost + other) + left, low)


# Of x = beta d in two parts and e = e^-|x|, u the weight of the side that x speaks against and v that of the other:
#
#     loss = u |x| + log1p(e),   |slope| = beta (u - v e) / (1 + e),   curvature = beta^2 e / (1 + e)^2.
#
# Where e is near 1, u - v e is formed as (u - v) + v (1 - e), with 1 - e from expm1.
cdef void dpo(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* policy_chosen = inputs[0]
    cdef real* policy_rejected = inputs[1]
    cdef real* ref_chosen = inputs[2]
    cdef real* ref_rejected = inputs[3]
    cdef real* by_chosen = grads[0]
    cdef real* by_rejected = grads[1]
    cdef real* hess_chosen = hesses[0]
    cdef real* hess_rejected = hesses[1]
    cdef bint wide = sizeof(real) == sizeof(double)
    cdef double beta = params[0], beta8 = 8 * params[0], down = params[0] * DOWN
    cdef double wrong = params[1], right = 1 - params[1]
    cdef double x, low, e, large, u, v, g
    cdef Py_ssize_t i
    for i in range(n):
        x = lead(policy_chosen[i], policy_rejected[i], ref_chosen[i], ref_rejected[i], &low)
        x = multiple(beta8, x, low, &low)
        e = decay(x, low, &large, wide)
        u = right if x < 0 else wrong
        v = wrong if x < 0 else right
        loss[i] = (u * fabs(x) if u != 0 else 0) + cost(fabs(x), e, wide)
        if by_chosen:
            if wrong == 0:
                g = -push(x, e, large, down)
            else:
                g = expm1_wide(-fabs(x), low if x < 0 else -low)
                g = ((u - v) - v * g if fabs(x) < 0.5 else u - v * e) / (1 + e) * beta
                g = -g if x < 0 else g
            by_chosen[i] = <real>g
            by_rejected[i] = -<real>g
        if hess_chosen:
            g = curvature(e, large, beta, down)
            hess_chosen[i] = <real>g
            hess_rejected[i] = <real>g


# (d - 1 / (2 beta))^2, both in two parts and 8 times too small.
cdef void ipo(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* policy_chosen = inputs[0]
    cdef real* policy_rejected = inputs[1]
    cdef real* ref_chosen = inputs[2]
    cdef real* ref_rejected = inputs[3]
    cdef real* by_chosen = grads[0]
    cdef real* by_rejected = grads[1]
    cdef real* hess_chosen = hesses[0]
    cdef real* hess_rejected = hesses[1]
    cdef double scale = params[SCALE], wanted_low, wanted = two_quotient(0.0625, params[0], &wanted_low)
    cdef double d, low, lost
    cdef Py_ssize_t i
    for i in range(n):
        d = lead(policy_chosen[i], policy_rejected[i], ref_chosen[i], ref_rejected[i], &low)
        d = difference(d, wanted, &lost)
        d = normalised(d, (low - wanted_low) + lost, &low)
        loss[i] = (64 * scale * d) * d
        if by_chosen:
            by_chosen[i] = <real>(16 * d)
            by_rejected[i] = -<real>(16 * d)
        if hess_chosen:
            hess_chosen[i] = 2
            hess_rejected[i] = 2


# k1, -d: the difference of the log-probabilities. k2, d^2 / 2. k3, e^d - 1 - d: exp_tail has no cancellation, and takes
# both parts of d, as e^d and e^d - 1 do.
cdef void kl_penalty(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logp = inputs[0]
    cdef real* logp_ref = inputs[1]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef int estimator = <int>params[0]
    cdef double scale = params[SCALE], d, low, power, less
    cdef Py_ssize_t i
    if estimator == K1:
        for i in range(n):
            d = <double>logp[i] - <double>logp_ref[i]
            loss[i] = d * scale
            if grad:
                grad[i] = 1 if d == d else <real>d
            if hess:
                hess[i] = 0
    elif estimator == K2:
        for i in range(n):
            d = <double>logp[i] - <double>logp_ref[i]
            loss[i] = (0.5 * d * scale) * d
            if grad:
                grad[i] = <real>d
            if hess:
                hess[i] = 1
    else:
        for i in range(n):
            d = difference(logp_ref[i], logp[i], &low)
            if real is double:
                loss[i] = exp_tail(d, low) * scale
                if grad:
                    grad[i] = -<real>expm1_wide(d, low)
                if hess:
                    hess[i] = <real>exp_wide(d, low)
            else:
                power = exp_quick(d, &less)
                loss[i] = exp_tail_quick(d, less) * scale
                if grad:
                    grad[i] = -<real>less
                if hess:
                    hess[i] = <real>power


# -A rho, or -(1 +- clip) A where the ratio rho = e^d has gone further in the direction of the advantage. On which side of
# the clip it lies is decided by d and log(1 +- clip), both in two parts.
cdef void ppo_clip(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* logp = inputs[0]
    cdef real* old_logp = inputs[1]
    cdef real* advantages = inputs[2]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double more = 1 + params[0], less = 1 - params[0]
    cdef double upper_low, upper = log1p_wide(params[0], &upper_low)
    cdef double lower_low, lower = log1p_wide(-params[0], &lower_low)
    cdef double a, d, low, limit, limit_low, beyond, free, held
    cdef Py_ssize_t i
    for i in range(n):
        a = advantages[i]
        d = difference(logp[i], old_logp[i], &low)
        limit = lower if a < 0 else upper
        limit_low = lower_low if a < 0 else upper_low
        beyond = (d - limit) + (low - limit_low)  # exact where it is small
        beyond = -beyond if a < 0 else (beyond if a > 0 else a)
        if real is double:
            free = -exp_times(a, d, low)
        else:
            low = exp_quick(d, &free)
            free = -(a * (1 if a == 0 and low > 1 else low))
        held = -(less if a < 0 else more) * a
        loss[i] = held if beyond > 0 else free
        if grad:
            grad[i] = 0 if beyond > 0 else <real>free
        if hess:
            hess[i] = 0 if beyond > 0 else <real>free


# Half the square of v - R, or of v_clip - R where that is the larger: where v is beyond the clip, and the sum of the two
# has the other sign than v - v_clip. Both are decided by sums in two parts, 8 times too small where they might overflow.
cdef void ppo_value(
    real** inputs, double* loss, real** grads, real** hesses, Py_ssize_t n, const double* params
) noexcept nogil:
    cdef real* values = inputs[0]
    cdef real* old_values = inputs[1]
    cdef real* returns = inputs[2]
    cdef real* grad = grads[0]
    cdef real* hess = hesses[0]
    cdef double clip = params[0], scale = params[SCALE]
    cdef double v, old, R, down, c, step, step_low, error, error_low, clipped, clipped_low, low, total, beyond, plain
    cdef Py_ssize_t i
    for i in range(n):
        v = values[i]
        old = old_values[i]
        R = returns[i]
        plain = v - R
        down = 0.125 if fabs(v) + fabs(old) + fabs(R) > 1e300 else 1
        v = v * down
        old = old * down
        R = R * down
        c = clip * down
        step = difference(v, old, &step_low)
        beyond = (fabs(step) - c) + (-step_low if step < 0 else step_low)
        c = -c if step < 0 else c
        error = difference(v, R, &error_low)
        clipped = difference(old, R, &low)
        clipped = difference(clipped, -c, &clipped_low)
        clipped = normalised(clipped, clipped_low + low, &clipped_low)
        total = difference(error, -clipped, &low)
        total = total + (low + (error_low + clipped_low))
        total = -total if step < 0 else total
        total = total if fabs(error) < INFINITY else 0
        beyond = beyond if total < 0 else 0
        error = clipped if beyond > 0 else error
        error = error if old == old else old
        loss[i] = (error * scale * (32 if down < 1 else 0.5)) * error
        plain = plain if old == old else old
        if grad:
            grad[i] = 0 if beyond > 0 else <real>plain
        if hess:
            hess[i] = 0 if beyond > 0 else 1


KERNELS = {
    # function, inputs, which of them have a gradient, whether it scales its loss (kernel.pxd)
    "bradley_terry": kernel(bradley_terry[float], bradley_terry[double], 2, 0b11, True),
    "dpo": kernel(dpo[float], dpo[double], 4, 0b11, False),
    "ipo": kernel(ipo[float], ipo[double], 4, 0b11, True),
    "kl_penalty": kernel(kl_penalty[float], kl_penalty[double], 2, 0b1, True),
    "ppo_clip": kernel(ppo_clip[float], ppo_clip[double], 3, 0b1, False),
    "ppo_value": kernel(ppo_value[float], ppo_value[double], 3, 0b1, True),
}
