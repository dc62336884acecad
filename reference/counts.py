"""Counts and positive amounts: how improbable is what was seen, if this was the rate?

Each function takes one prediction, mostly the logarithm of a mean, and its target, a count (any number from 0 on will
do) or an amount. `_grad` is the first derivative, `_hess` the second; of two inputs, a pair.
"""

from . import classification
from .generative import sigmoid, softplus
from .numbers import digamma, divide, exp, lgamma, log, trigamma
from .numbers import power as raised


def xlogy(x, y):
    """x log y, and 0 for x = 0 whatever y is.

    >>> xlogy(2.0, 1.0), xlogy(0.0, 0.0), xlogy(1.0, 0.0)
    (0.0, 0, -inf)
    """
    return x * log(y) if x != 0 else 0


def poisson_nll(pred, target, *, log_input=True, full=False, eps=0.0):
    """Poisson negative log-likelihood: how improbable is a count of events that come one by one?

        e^x - t x              log_input: x is the logarithm of the rate
        x - t log(x + eps)     else: x is the rate

    plus log(t!) = lnGamma(t + 1) if full. t x and t log(x + eps) are 0 for t = 0.

    Where floats break: e^x overflows beyond 709 (88 in float32), even where t x is as large. Where t is below 1e-16,
    t + 1 is 1 and lnGamma(t + 1) 0. The kernel scales what is large, and has a difference lnGamma(1 + t) - lnGamma(1).

    Poisson, Recherches sur la probabilité des jugements (1837); as a regression: Nelder and Wedderburn, Generalized
    Linear Models, Journal of the Royal Statistical Society A 135 (1972).

    Two calls where one was expected; no call; half a call:

    >>> poisson_nll(0.0, 2.0), poisson_nll(0.0, 0.0)
    (1.0, 1.0)
    >>> [round(poisson_nll(1.0, t, log_input=False, full=True), 10) for t in (2.0, 0.0, 0.5)]
    [1.6931471806, 1.0, 0.8792177624]

    What was never expected and does not happen costs nothing, and what happens nevertheless everything:

    >>> poisson_nll(0.0, 0.0, log_input=False), poisson_nll(0.0, 1.0, log_input=False)
    (0.0, inf)
    """
    return sum(poisson_nll_terms(pred, target, log_input=log_input, full=full, eps=eps))


def poisson_nll_terms(pred, target, *, log_input=True, full=False, eps=0.0):
    """The rate, the log-likelihood of the events and log(t!) are given, and their sum may have either sign.

    >>> poisson_nll_terms(0.5, 2.0)
    [1.6487212707001282, -1.0, 0]
    """
    constant = lgamma(target + 1) if full else 0
    if log_input:
        return [exp(pred), -(target * pred if target != 0 else 0), constant]
    return [pred, -xlogy(target, pred + eps), constant]


def poisson_nll_grad(pred, target, *, log_input=True, full=False, eps=0.0):
    """Slope of the Poisson likelihood: by the logarithm of the rate, rate minus count.

        e^x - t              log_input
        1 - t / (x + eps)    else

    >>> poisson_nll_grad(0.0, 2.0), poisson_nll_grad(1.0, 2.0, log_input=False)
    (-1.0, -1.0)
    >>> poisson_nll_grad(0.0, 0.0, log_input=False), poisson_nll_grad(0.0, 1.0, log_input=False)
    (1, -inf)
    """
    if log_input:
        return exp(pred) - target
    return 1 - (divide(target, pred + eps) if target != 0 else 0)


def poisson_nll_grad_terms(pred, target, *, log_input=True, full=False, eps=0.0):
    """No float x has an e^x that meets t to more digits than x has: rate and count cancel.

    >>> poisson_nll_grad_terms(0.0, 2.0), poisson_nll_grad_terms(1.0, 2.0, log_input=False)
    ([1.0, -2.0], [])
    """
    return [exp(pred), -target] if log_input else []


def poisson_nll_hess(pred, target, *, log_input=True, full=False, eps=0.0):
    """Curvature of the Poisson likelihood.

        e^x               log_input
        t / (x + eps)^2   else

    >>> poisson_nll_hess(0.0, 2.0), poisson_nll_hess(2.0, 2.0, log_input=False)
    (1.0, 0.5)
    """
    if log_input:
        return exp(pred)
    return divide(divide(target, pred + eps), pred + eps) if target != 0 else 0


def half_poisson_deviance(pred, target, *, link="identity"):
    """Half the Poisson deviance: what a count costs more than if the rate had been right.

        t log(t / mu) + mu - t      mu = x with link "identity", e^x with "log"

    It is `poisson_nll` less what that is for mu = t: never negative, and 0 where the rate is the count.

    Where floats break: near mu = t the terms cancel. The kernel takes t (v - log(1 + v)) with v = (mu - t) / t, a
    series where v is small, or with the log link t (e^y - 1 - y) with y = x - log t.

    Nelder and Wedderburn, Generalized Linear Models, Journal of the Royal Statistical Society A 135 (1972).

    >>> round(half_poisson_deviance(1.0, 2.0), 10), half_poisson_deviance(2.0, 2.0), half_poisson_deviance(2.0, 0.0)
    (0.3862943611, 0.0, 2.0)
    >>> round(half_poisson_deviance(0.0, 2.0, link="log"), 10)
    0.3862943611

    The cancellation; the true number is 5.000000413701855e-17:

    >>> half_poisson_deviance(1.00000001, 1.0)
    0.0
    """
    if link == "identity":
        return (target * log(divide(target, pred)) if target != 0 else 0) + pred - target
    return xlogy(target, target) - (target * pred if target != 0 else 0) + exp(pred) - target


def half_poisson_deviance_terms(pred, target, *, link="identity"):
    """No float x has an e^x that meets t to more digits than x has.

    >>> half_poisson_deviance_terms(0.0, 1.0, link="log"), half_poisson_deviance_terms(1.0, 1.0)
    ([0.0, -0.0, 1.0, -1.0], [])
    """
    if link == "identity":
        return []
    return [xlogy(target, target), -(target * pred if target != 0 else 0), exp(pred), -target]


def half_poisson_deviance_grad(pred, target, *, link="identity"):
    """Slope of half the Poisson deviance, as of the likelihood.

        1 - t / x    link "identity"
        e^x - t      link "log"

    >>> half_poisson_deviance_grad(1.0, 2.0), half_poisson_deviance_grad(0.0, 2.0, link="log")
    (-1.0, -1.0)
    """
    return 1 - divide(target, pred) if link == "identity" else exp(pred) - target


def half_poisson_deviance_grad_terms(pred, target, *, link="identity"):
    """No float x has an e^x that meets t to more digits than x has.

    >>> half_poisson_deviance_grad_terms(0.0, 2.0, link="log"), half_poisson_deviance_grad_terms(1.0, 2.0)
    ([1.0, -2.0], [])
    """
    return [] if link == "identity" else [exp(pred), -target]


def half_poisson_deviance_hess(pred, target, *, link="identity"):
    """Curvature of half the Poisson deviance.

        t / x^2    link "identity"
        e^x        link "log"

    >>> half_poisson_deviance_hess(2.0, 2.0), half_poisson_deviance_hess(0.0, 2.0, link="log")
    (0.5, 1.0)
    """
    return divide(divide(target, pred), pred) if link == "identity" else exp(pred)


def half_gamma_deviance(pred, target, *, full=False):
    """Half the gamma deviance by the logarithm of the mean: a positive amount is wrong by the factor it is off.

        x + t e^-x                   x is the logarithm of the mean
        x - log t + t e^-x - 1       full: the deviance itself, never negative, and 0 where e^x = t

    Where floats break: e^-x overflows below -709 where t e^-x need not, and near x = log t the terms cancel. The kernel
    multiplies by t within the exponential, and takes e^w - 1 - w with w = log t - x.

    Nelder and Wedderburn, Generalized Linear Models, Journal of the Royal Statistical Society A 135 (1972).

    >>> half_gamma_deviance(0.0, 2.0), round(half_gamma_deviance(0.0, 2.0, full=True), 10)
    (2.0, 0.3068528194)

    Twice as much as expected costs the same for a cent as for a million:

    >>> [round(half_gamma_deviance(log(mean), 2 * mean, full=True), 10) for mean in (0.01, 1e6)]
    [0.3068528194, 0.3068528194]
    """
    cost = pred + target * exp(-pred)
    return cost - log(target) - 1 if full else cost


def half_gamma_deviance_terms(pred, target, *, full=False):
    """No float x has an e^x that meets t to more digits than x has; without constants the sum may have either sign.

    >>> half_gamma_deviance_terms(-1.0, 0.5), half_gamma_deviance_terms(0.0, 1.0, full=True)
    ([-1.0, 1.3591409142295225], [0.0, 1.0, -0.0, -1])
    """
    terms = [pred, target * exp(-pred)]
    return [*terms, -log(target), -1] if full else terms


def half_gamma_deviance_grad(pred, target, *, full=False):
    """Slope of half the gamma deviance.

        1 - t e^-x

    >>> half_gamma_deviance_grad(0.0, 2.0)
    -1.0
    """
    return 1 - target * exp(-pred)


def half_gamma_deviance_grad_terms(pred, target, *, full=False):
    """No float x has an e^x that meets t to more digits than x has.

    >>> half_gamma_deviance_grad_terms(0.0, 2.0)
    [1, -2.0]
    """
    return [1, -target * exp(-pred)]


def half_gamma_deviance_hess(pred, target, *, full=False):
    """Curvature of half the gamma deviance.

        t e^-x

    >>> half_gamma_deviance_hess(0.0, 2.0)
    2.0
    """
    return target * exp(-pred)


def tweedie(pred, target, *, power=1.5, link="log"):
    """Half the Tweedie deviance, for a variance that grows with a power p of the mean: 0 normal, 1 Poisson, 2 gamma.

    With link "log", x the logarithm of the mean, and without what does not depend on x:

        (e^x - t)^2 / 2                                     p = 0, with what does not depend on x
        e^x - t x                                           p = 1
        x + t e^-x                                          p = 2
        e^((2-p) x) / (2-p) - t e^((1-p) x) / (1-p)         else

    With link "identity", x the mean, the deviance itself, never negative, and 0 where x = t:

        (x - t)^2 / 2                                                            p = 0
        t log(t / x) + x - t                                                     p = 1
        log(x / t) + t / x - 1                                                   p = 2
        max(t, 0)^(2-p) / ((1-p)(2-p)) - t x^(1-p) / (1-p) + x^(2-p) / (2-p)     else

    Between 1 and 2 it is that of a sum of gamma amounts, as many as a Poisson count says: rain in a month, claims in a
    year, often exactly 0.

    Where floats break: the powers overflow one by one, and near x = t their sum cancels. The kernel takes them as
    exponentials of exponents with 64 bits, smaller by a common factor where they are large, and near x = t a series.

    Jørgensen, Exponential Dispersion Models, Journal of the Royal Statistical Society B 49 (1987); Tweedie, An Index
    which Distinguishes between Some Important Exponential Families (1984).

    >>> tweedie(0.0, 0.0), tweedie(0.0, 1.0), round(tweedie(0.5, 1.0), 10)
    (2.0, 4.0, 4.1256523995)
    >>> tweedie(1.0, 0.0, link="identity"), tweedie(4.0, 4.0, link="identity"), tweedie(4.0, 1.0, link="identity")
    (2.0, 0, 1.0)
    >>> [round(tweedie(4.0, 1.0, power=p, link="identity"), 10) for p in (0.0, 1.0, 2.0, 3.0)]
    [4.5, 1.6137056389, 0.6362943611, 0.28125]
    """
    if link == "log":
        if power == 0:
            return (exp(pred) - target) * (exp(pred) - target) / 2
        if power == 1:
            return poisson_nll(pred, target)
        if power == 2:
            return half_gamma_deviance(pred, target)
        return exp((2 - power) * pred) / (2 - power) - target * exp((1 - power) * pred) / (1 - power)
    if power == 0:
        return (pred - target) * (pred - target) / 2
    if power == 1:
        return half_poisson_deviance(pred, target)
    if power == 2:
        return log(pred / target) + target / pred - 1
    if pred == target:
        return 0  # of which huge powers would leave what they round off
    return sum(tweedie_terms(pred, target, power=power, link=link))


def tweedie_terms(pred, target, *, power=1.5, link="log"):
    """With the log link no float x has an e^x that meets t to more digits than x has. With the identity link the powers
    are given, multiplied by what may be near 1/0.

    >>> tweedie_terms(0.0, 1.0, power=3.0), tweedie_terms(1.0, 1.0, power=2.0, link="identity")
    ([-1.0, 0.5], [])
    >>> tweedie_terms(1.0, 4.0, power=1.5, link="identity")
    [-8.0, 8.0, 2.0]
    """
    if link == "log":
        if power == 0:
            return [exp(2 * pred) / 2, -target * exp(pred), target * target / 2]
        if power == 1:
            return poisson_nll_terms(pred, target)
        if power == 2:
            return half_gamma_deviance_terms(pred, target)
        return [exp((2 - power) * pred) / (2 - power), -target * exp((1 - power) * pred) / (1 - power)]
    if power in (0, 1, 2) or pred == target:
        return []
    alone = raised(target, 2 - power) / ((1 - power) * (2 - power)) if target > 0 else 0
    return [alone, -target * raised(pred, 1 - power) / (1 - power), raised(pred, 2 - power) / (2 - power)]


def tweedie_grad(pred, target, *, power=1.5, link="log"):
    """Slope of half the Tweedie deviance.

        e^((2-p) x) - t e^((1-p) x)      link "log"
        x^-p (x - t)                     link "identity"

    >>> tweedie_grad(0.0, 2.0), tweedie_grad(4.0, 1.0, link="identity")
    (-1.0, 0.375)
    """
    if link == "log":
        if power == 0:
            return exp(pred) * (exp(pred) - target)
        if power == 1:
            return poisson_nll_grad(pred, target)
        if power == 2:
            return half_gamma_deviance_grad(pred, target)
        return exp((2 - power) * pred) - target * exp((1 - power) * pred)
    return raised(pred, -power) * (pred - target)


def tweedie_grad_terms(pred, target, *, power=1.5, link="log"):
    """No float x has an e^x that meets t to more digits than x has.

    >>> tweedie_grad_terms(0.0, 2.0), tweedie_grad_terms(4.0, 1.0, link="identity")
    ([1.0, -2.0], [])
    """
    return [exp((2 - power) * pred), -target * exp((1 - power) * pred)] if link == "log" else []


def tweedie_hess(pred, target, *, power=1.5, link="log"):
    """Curvature of half the Tweedie deviance. Never negative for powers between 1 and 2 (log) and 0 and 1 (identity).

        (2-p) e^((2-p) x) - (1-p) t e^((1-p) x)      link "log"
        (1-p) x^-p + p t x^(-p-1)                    link "identity"

    >>> tweedie_hess(0.0, 2.0), tweedie_hess(1.0, 2.0, link="identity")
    (1.5, 2.5)
    """
    if link == "log" and power == 0:
        return exp(pred) * (2 * exp(pred) - target)
    return sum(tweedie_hess_terms(pred, target, power=power, link=link))


def tweedie_hess_terms(pred, target, *, power=1.5, link="log"):
    """Outside these powers the terms have both signs, and each is given.

    >>> tweedie_hess_terms(0.0, 2.0), tweedie_hess_terms(1.0, 2.0, link="identity")
    ([0.5, 1.0], [-0.5, 3.0])
    """
    if link == "log":
        if power == 1:
            return [exp(pred)]
        if power == 2:
            return [target * exp(-pred)]
        return [(2 - power) * exp((2 - power) * pred), -(1 - power) * target * exp((1 - power) * pred)]
    if power == 0:
        return [1]
    return [(1 - power) * raised(pred, -power), power * target * raised(pred, -power - 1)]


def negative_binomial_nll(log_mean, log_dispersion, target):
    """Negative binomial likelihood: a count that varies more than a Poisson count of the same mean.

        lnGamma(k) + lnGamma(t + 1) - lnGamma(t + k) + k log(1 + e^d) + t log(1 + e^-d)
        k = e^log_dispersion, d = log_mean - log_dispersion

    It is a Poisson count whose rate is a gamma number of shape k; the variance is mu + mu^2 / k. For a large k it is
    Poisson's.

    Where floats break: e^d overflows, and the lnGammas of a large k or t are large and differ little. The kernel takes
    softplus of abs(d), and two differences of lnGamma as such, by the smaller of t and k - 1.

    Greenwood and Yule, An Inquiry into the Nature of Frequency Distributions, Journal of the Royal Statistical Society
    83 (1920); as a regression: Hilbe, Negative Binomial Regression (2007).

    With k = 1 and mean 1 it is heads or tails: how many heads before the first tail?

    >>> [round(negative_binomial_nll(0.0, 0.0, t) / log(2.0), 10) for t in (0.0, 1.0, 2.0)]
    [1.0, 2.0, 3.0]
    >>> round(negative_binomial_nll(0.0, 20.0, 2.0), 6), round(poisson_nll(0.0, 2.0, full=True), 6)
    (1.693147, 1.693147)
    """
    return sum(negative_binomial_nll_terms(log_mean, log_dispersion, target))


def negative_binomial_nll_terms(log_mean, log_dispersion, target):
    """The logarithms of t!, of k (k + 1) ... (k + t - 1) and of the two probabilities are given.

    >>> [round(term, 10) for term in negative_binomial_nll_terms(0.0, 0.0, 2.0)]
    [0.6931471806, -0.6931471806, 0.6931471806, 1.3862943611]
    """
    k, d = exp(log_dispersion), log_mean - log_dispersion
    ways = lgamma(k) - lgamma(target + k)
    return [lgamma(target + 1), ways, k * softplus(d), target * softplus(-d) if target != 0 else 0]


def negative_binomial_nll_grad(log_mean, log_dispersion, target):
    """Slopes of the negative binomial likelihood.

        k sigma(d) - t sigma(-d)
        k (psi(k) - psi(t + k)) + k log(1 + e^d) - k sigma(d) + t sigma(-d)

    >>> [round(slope, 10) for slope in negative_binomial_nll_grad(0.0, 0.0, 2.0)]
    [-0.5, -0.3068528194]
    """
    by_mean, by_dispersion = negative_binomial_nll_grad_terms(log_mean, log_dispersion, target)
    return sum(by_mean), sum(by_dispersion)


def negative_binomial_nll_grad_terms(log_mean, log_dispersion, target):
    """No float has an e^log_mean that meets t to more digits than it has itself; and for a large k the terms by the
    dispersion, which hardly matters then, cancel.

    >>> negative_binomial_nll_grad_terms(0.0, 0.0, 2.0)[0]
    [0.5, -1.0]
    """
    k, d = exp(log_dispersion), log_mean - log_dispersion
    seen, expected = target * sigmoid(-d), k * sigmoid(d)
    lead = k * (digamma(k) - digamma(target + k))
    return [expected, -seen], [lead, k * softplus(d), -expected, seen]


def negative_binomial_nll_hess(log_mean, log_dispersion, target):
    """Curvatures of the negative binomial likelihood.

        (t + k) sigma(d) sigma(-d)
        k (psi(k) - psi(t + k)) + k^2 (psi'(k) - psi'(t + k)) + k log(1 + e^d) - 2 k sigma(d)
        + (t + k) sigma(d) sigma(-d)

    >>> [round(curvature, 10) for curvature in negative_binomial_nll_hess(0.0, 0.0, 2.0)]
    [0.75, 0.1931471806]
    """
    by_mean, by_dispersion = negative_binomial_nll_hess_terms(log_mean, log_dispersion, target)
    return sum(by_mean), sum(by_dispersion)


def negative_binomial_nll_hess_terms(log_mean, log_dispersion, target):
    """Again the terms by the dispersion cancel for a large k.

    >>> negative_binomial_nll_hess_terms(0.0, 0.0, 2.0)[0]
    [0.75]
    """
    k, d = exp(log_dispersion), log_mean - log_dispersion
    both = (target + k) * sigmoid(d) * sigmoid(-d)
    lead = k * (digamma(k) - digamma(target + k))
    bend = k * k * (trigamma(k) - trigamma(target + k))
    return [both], [lead, bend, k * softplus(d), -2 * k * sigmoid(d), both]


def zero_inflated_poisson_nll(log_rate, gate_logits, target):
    """Zero-inflated Poisson likelihood: a gate lets no event through with probability sigma(a), else Poisson's rate.

        -log(sigma(a) + sigma(-a) e^-rate)                        t = 0
        log(1 + e^a) + rate - t log_rate + lnGamma(t + 1)         t > 0

    with a = gate_logits and rate = e^log_rate.

    Where floats break: the probability of 0 is near 1 where the rate is small, and 0 where it is large and a too. The
    kernel takes log(1 + r) with r = (1 - e^-rate) / (e^a + e^-rate), and keeps what e^log_rate rounds off.

    Lambert, Zero-Inflated Poisson Regression, with an Application to Defects in Manufacturing, Technometrics 34 (1992).

    With rate log(2), half of what passes the gate is 0 too:

    >>> x = log(log(2.0))
    >>> [round(exp(-zero_inflated_poisson_nll(x, a, 0.0)), 10) for a in (-1000.0, 0.0, 100.0)]
    [0.5, 0.75, 1.0]
    >>> round(zero_inflated_poisson_nll(0.0, 0.0, 2.0) - poisson_nll(0.0, 2.0, full=True), 10)
    0.6931471806
    """
    if target == 0:
        shut = sigmoid(gate_logits)
        return -log(shut + (1 - shut) * exp(-_rate(log_rate)))
    return softplus(gate_logits) + poisson_nll(log_rate, target, full=True)


def zero_inflated_poisson_nll_terms(log_rate, gate_logits, target):
    """The terms of Poisson's likelihood are given.

    >>> zero_inflated_poisson_nll_terms(0.0, 0.0, 0.0)
    []
    """
    if target == 0:
        return []
    return [softplus(gate_logits), *poisson_nll_terms(log_rate, target, full=True)]


def zero_inflated_poisson_nll_grad(log_rate, gate_logits, target):
    """Slopes of the zero-inflated Poisson likelihood.

        rate sigma(-s),   sigma(a) - sigma(s)     t = 0,  s = a + rate
        rate - t,         sigma(a)                t > 0

    >>> [round(slope, 10) for slope in zero_inflated_poisson_nll_grad(0.0, 0.0, 0.0)]
    [0.2689414214, -0.2310585786]
    >>> zero_inflated_poisson_nll_grad(0.0, 0.0, 2.0)
    (-1.0, 0.5)
    """
    if target == 0:
        rate = _rate(log_rate)
        return rate * sigmoid(-(gate_logits + rate)), sigmoid(gate_logits) - sigmoid(gate_logits + rate)
    return exp(log_rate) - target, sigmoid(gate_logits)


def zero_inflated_poisson_nll_grad_terms(log_rate, gate_logits, target):
    """No float has an e^log_rate that meets t to more digits than it has itself.

    >>> zero_inflated_poisson_nll_grad_terms(0.0, 0.0, 0.0), zero_inflated_poisson_nll_grad_terms(0.0, 0.0, 2.0)
    (([], []), ([1.0, -2.0], []))
    """
    return ([] if target == 0 else [exp(log_rate), -target]), []


def zero_inflated_poisson_nll_hess(log_rate, gate_logits, target):
    """Curvatures of the zero-inflated Poisson likelihood.

        rate sigma(-s) (1 - rate sigma(s)),   sigma(a) sigma(-a) - sigma(s) sigma(-s)     t = 0,  s = a + rate
        rate,                                 sigma(a) sigma(-a)                          t > 0

    >>> [round(curvature, 10) for curvature in zero_inflated_poisson_nll_hess(0.0, 0.0, 0.0)]
    [0.0723294881, 0.0533880668]
    >>> zero_inflated_poisson_nll_hess(0.0, 0.0, 2.0)
    (1.0, 0.25)
    """
    by_rate, by_gate = zero_inflated_poisson_nll_hess_terms(log_rate, gate_logits, target)
    return sum(by_rate), sum(by_gate)


def zero_inflated_poisson_nll_hess_terms(log_rate, gate_logits, target):
    """Of a 0 that may have two causes the curvature has either sign.

    >>> zero_inflated_poisson_nll_hess_terms(0.0, 0.0, 2.0)
    ([1.0], [0.25])
    """
    gate = sigmoid(gate_logits) * sigmoid(-gate_logits)
    if target != 0:
        return [exp(log_rate)], [gate]
    rate = _rate(log_rate)
    s = gate_logits + rate
    slope = rate * sigmoid(-s)
    return [slope, -slope * rate * sigmoid(s)], [gate, -sigmoid(s) * sigmoid(-s)]


def _rate(log_rate):
    """e^log_rate, but from e^710 on, more than any float, no larger: of much more not even mpmath writes e^-rate.

    >>> _rate(0.0), _rate(1e308)
    (1.0, inf)
    """
    return exp(log_rate if log_rate < 710 else 710 + 1 / log_rate)


def generalized_kl(input, target):
    """Generalised Kullback-Leibler divergence: how far amounts that need not add up to 1 are from others.

        t log t - t x + e^x - t

    with x the logarithm of what is predicted; t log t and t x are 0 for t = 0. Never negative, and 0 where e^x = t.
    Where both sides add up to 1, the sum over them is the divergence of two distributions.

    Where floats break: near x = log t the terms cancel. The kernel takes t (e^y - 1 - y) with y = x - log t.

    Kullback and Leibler, On Information and Sufficiency, Annals of Mathematical Statistics 22 (1951); as the Bregman
    divergence of t log t - t: Bregman, The Relaxation Method of Finding the Common Point of Convex Sets (1967).

    >>> generalized_kl(0.0, 1.0), generalized_kl(0.0, 0.0), round(generalized_kl(0.0, 2.0), 10)
    (0.0, 1.0, 0.3862943611)

    Of distributions, what e^x - t adds up to is 0:

    >>> pairs = [(log(0.25), 0.5), (log(0.75), 0.5)]
    >>> round(sum(generalized_kl(x, t) for x, t in pairs), 10), round(sum(t * (log(t) - x) for x, t in pairs), 10)
    (0.1438410362, 0.1438410362)
    """
    return half_poisson_deviance(input, target, link="log")


def generalized_kl_terms(input, target):
    """No float x has an e^x that meets t to more digits than x has.

    >>> generalized_kl_terms(0.0, 1.0)
    [0.0, -0.0, 1.0, -1.0]
    """
    return half_poisson_deviance_terms(input, target, link="log")


def generalized_kl_grad(input, target):
    """Slope of the generalised divergence: what is predicted minus what is.

        e^x - t

    >>> generalized_kl_grad(0.0, 2.0)
    -1.0
    """
    return exp(input) - target


def generalized_kl_grad_terms(input, target):
    """No float x has an e^x that meets t to more digits than x has.

    >>> generalized_kl_grad_terms(0.0, 2.0)
    [1.0, -2.0]
    """
    return [exp(input), -target]


def generalized_kl_hess(input, target):
    """Curvature of the generalised divergence.

        e^x

    >>> generalized_kl_hess(0.0, 2.0)
    1.0
    """
    return exp(input)


def bernoulli_nll(logits, target):
    """Bernoulli likelihood: how improbable is a yes, or a no, of these log-odds?

        -(t log sigma(x) + (1 - t) log sigma(-x))

    `binary_cross_entropy_with_logits` by the name that it has among likelihoods; what is said there holds here.

    Bernoulli, Ars Conjectandi (1713); as a regression: Cox, The Regression Analysis of Binary Sequences, Journal of the
    Royal Statistical Society B 20 (1958).

    >>> round(bernoulli_nll(0.0, 1.0), 10), round(bernoulli_nll(-2.0, 1.0), 10)
    (0.6931471806, 2.126928011)
    """
    return classification.binary_cross_entropy_with_logits(logits, target)


def bernoulli_nll_grad(logits, target):
    """Slope of the Bernoulli likelihood: probability minus answer.

        sigma(x) - t

    >>> bernoulli_nll_grad(0.0, 1.0)
    -0.5
    """
    return classification.binary_cross_entropy_with_logits_grad(logits, target)


def bernoulli_nll_grad_terms(logits, target):
    """A target that is neither 0 nor 1 has two terms of opposite sign.

    >>> bernoulli_nll_grad_terms(0.0, 0.25), bernoulli_nll_grad_terms(0.0, 1.0)
    ([0.375, -0.125], [])
    """
    return classification.binary_cross_entropy_with_logits_grad_terms(logits, target)


def bernoulli_nll_hess(logits, target):
    """Curvature of the Bernoulli likelihood.

        sigma(x) sigma(-x)

    >>> bernoulli_nll_hess(0.0, 1.0)
    0.25
    """
    return classification.binary_cross_entropy_with_logits_hess(logits, target)
