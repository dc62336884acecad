"""Losses of counts and positive amounts: how improbable is what was seen, if this was the rate."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from fastloss.arrays import FINITE, NON_NEGATIVE, POSITIVE, Interval, flag
from fastloss.loss import EVERY_NUMBER, Out, Peer, Reduction, pointwise
from fastloss.reference import counts as reference

__all__ = [
    "bernoulli_nll",
    "generalized_kl",
    "half_gamma_deviance",
    "half_poisson_deviance",
    "negative_binomial_nll",
    "poisson_nll",
    "tweedie",
    "zero_inflated_poisson_nll",
]

LINKS = {"log": 0.0, "identity": 1.0}


def _link(link: Any) -> float:
    """A link as the kernels take it."""
    if not isinstance(link, str) or link not in LINKS:
        raise ValueError(f'link must be "log" or "identity", not {link!r}')
    return LINKS[link]


def _rate(log_input: bool = True) -> Interval:
    return EVERY_NUMBER if log_input else NON_NEGATIVE


def _mean(link: str = "identity") -> Interval:
    return EVERY_NUMBER if link == "log" else POSITIVE


def _tweedie_mean(power: float = 1.5, link: str = "log") -> Interval:
    return EVERY_NUMBER if link == "log" or power == 0 else POSITIVE


def _tweedie_target(power: float = 1.5) -> Interval:
    return FINITE if power <= 0 else NON_NEGATIVE if power < 2 else POSITIVE


@pointwise(
    "pred",
    "target",
    reference=reference.poisson_nll,
    domain={"pred": _rate, "target": NON_NEGATIVE, "eps": NON_NEGATIVE},
    examples=({}, {"log_input": False}, {"full": True}, {"log_input": False, "full": True, "eps": 0.25}),
    peers={
        # its full adds Stirling's approximation instead, and its eps is not 0
        "torch": Peer("poisson_nll_loss", words={"full": "exact"}, given={"eps": 0.0}),
        "sklearn": "HalfPoissonLoss",
    },
    signed=True,
)
def poisson_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Poisson negative log-likelihood of a count.

    The loss of one element, its gradient and its second derivative, with x = pred and t = target::

        log_input    loss                 gradient           Hessian
        True         exp(x) - t x         exp(x) - t         exp(x)
        False        x - t log(x + eps)   1 - t / (x + eps)  t / (x + eps)^2

    plus log(t!) = lgamma(t + 1) if full; a term with factor t = 0 is 0. In NumPy: ``np.mean(np.exp(x) - t * x)``.

    Parameters
    ----------
    pred : array_like
        Logarithms of the rates; without `log_input` the rates, in [0, inf).
    target : array_like in {target}
        The counts, which need not be whole; the shape of `pred`, or a scalar.
    log_input : bool
        Whether `pred` is the logarithm of the rate.
    full : bool
        Adds what does not depend on the rate: log(t!), exact for every t, with no approximation of Stirling's.
    eps : float in {eps}
        What is added to a rate under the logarithm, if a rate of 0 shall not make a count infinitely improbable.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Terms that overflow one by one are computed smaller by a common factor, and log(t!) is a
    difference of lgamma that keeps the digits of a small t. With a rate of 0 and a count of 0 the loss is 0 and the
    gradient 1; a count with a rate of 0 costs inf.

    References
    ----------
    J. A. Nelder and R. W. M. Wedderburn, Generalized Linear Models, J. R. Statist. Soc. A 135 (1972).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.poisson_nll([1.0, 1.0, 0.0], [2.0, 0.5, 0.0], log_input=False, full=True, reduction="none")
    array([1.69314718, 0.87921776, 0.        ])
    >>> loss, grad = fl.poisson_nll.value_and_grad([0.0, 0.0], [2, 0], reduction="none")
    >>> loss, grad
    (array([1., 1.]), array([-1.,  1.]))
    """
    log_input, full = flag("log_input", log_input), flag("full", full)
    params = (float(log_input), float(full), poisson_nll.parameter("eps", eps))
    words = None if log_input else {"log_input": False}
    return poisson_nll.run(ask, (pred, target), params, weight, reduction, denominator, out, words=words)


@pointwise(
    "pred",
    "target",
    reference=reference.half_poisson_deviance,
    domain={"pred": _mean, "target": NON_NEGATIVE},
    examples=({}, {"link": "log"}),
    peers={"sklearn": Peer("HalfTweedieLossIdentity", given={"power": 1.0})},
)
def half_poisson_deviance(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    link: Literal["identity", "log"] = "identity",
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Half the Poisson deviance: what a count costs more than if the rate had been right.

    The loss of one element, its gradient and its second derivative, with x = pred, t = target and the rate mu::

        loss = t log(t / mu) + mu - t

        link         mu        gradient      Hessian
        identity     x         1 - t / x     t / x^2
        log          exp(x)    exp(x) - t    exp(x)

    where t log(t / mu) is 0 for t = 0. In NumPy: ``np.mean(t * np.log(t / mu) + mu - t)``.

    Parameters
    ----------
    pred : array_like
        The rates, in (0, inf); with the log link their logarithms.
    target : array_like in {target}
        The counts, which need not be whole; the shape of `pred`, or a scalar.
    link : {{"identity", "log"}}
        What `pred` is of the rate.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Next to mu = t the three terms cancel: they are t (v - log(1 + v)) with v = (mu - t) / t, and
    there a series; or t (exp(y) - 1 - y) with y = x - log(t), which no rounding makes negative.

    References
    ----------
    J. A. Nelder and R. W. M. Wedderburn, Generalized Linear Models, J. R. Statist. Soc. A 135 (1972).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.half_poisson_deviance([1.0, 2.0, 1.00000001], [2, 2, 1], reduction="none")
    array([3.86294361e-01, 0.00000000e+00, 4.99999991e-17])
    >>> loss, grad = fl.half_poisson_deviance.value_and_grad([0.0, 0.0], [2, 0], link="log", reduction="none")
    >>> loss, grad
    (array([0.38629436, 1.        ]), array([-1.,  1.]))
    """
    loss, params = half_poisson_deviance, (_link(link),)
    words = None if link == "identity" else {"link": link}
    return loss.run(ask, (pred, target), params, weight, reduction, denominator, out, words=words)


@pointwise(
    "pred",
    "target",
    reference=reference.half_gamma_deviance,
    domain={"target": POSITIVE},
    examples=({}, {"full": True}),
    peers={"sklearn": "HalfGammaLoss"},
    signed=True,
)
def half_gamma_deviance(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    full: bool = False,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Half the gamma deviance of a positive amount: what counts is by which factor a mean is wrong.

    The loss of one element, its gradient and its second derivative, with x = pred and t = target::

        loss = x + t exp(-x)                  gradient = 1 - t exp(-x)    Hessian = t exp(-x)
        loss = x + t exp(-x) - log(t) - 1     if full

    In NumPy: ``np.mean(x + t * np.exp(-x))``.

    Parameters
    ----------
    pred : array_like
        Logarithms of the means.
    target : array_like in {target}
        The amounts; the shape of `pred`, or a scalar.
    full : bool
        Subtracts log(t) + 1, the loss of a mean that is right: the rest is the deviance, and never negative.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. t is multiplied within the exponential, so t exp(-x) overflows only if it is as large itself. The
    deviance is exp(w) - 1 - w with w = log(t) - x, in which nothing cancels next to w = 0.

    References
    ----------
    J. A. Nelder and R. W. M. Wedderburn, Generalized Linear Models, J. R. Statist. Soc. A 135 (1972).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.half_gamma_deviance([0.0, 0.0], [1.0, 2.0], full=True, reduction="none")
    array([0.        , 0.30685282])
    >>> loss, grad = fl.half_gamma_deviance.value_and_grad([0.0, 0.0], [1.0, 2.0], reduction="none")
    >>> loss, grad
    (array([1., 2.]), array([ 0., -1.]))
    """
    params = (float(flag("full", full)),)
    return half_gamma_deviance.run(ask, (pred, target), params, weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.tweedie,
    domain={"pred": _tweedie_mean, "target": _tweedie_target, "power": FINITE},
    examples=(
        {},
        {"power": 0.0},
        {"power": 1.0},
        {"power": 2.0},
        {"power": 3.0},
        {"power": -1.0},
        {"link": "identity"},
        {"power": 0.0, "link": "identity"},
        {"power": 1.0, "link": "identity"},
        {"power": 2.0, "link": "identity"},
        {"power": 3.0, "link": "identity"},
        {"power": -1.0, "link": "identity"},
        {"power": 0.5, "link": "identity"},
    ),
    peers={"sklearn": "HalfTweedieLoss"},
    signed=True,
)
def tweedie(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    power: float = 1.5,
    link: Literal["log", "identity"] = "log",
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Half the Tweedie deviance: the variance grows with a power p of the mean. 0 is normal, 1 Poisson, 2 gamma.

    The loss of one element, its gradient and its second derivative, with x = pred, t = target and p = power. With the
    log link what does not depend on x is left out::

        loss     = exp((2 - p) x) / (2 - p) - t exp((1 - p) x) / (1 - p)
                   (exp(x) - t)^2 / 2 for p = 0, exp(x) - t x for p = 1, x + t exp(-x) for p = 2
        gradient = exp((2 - p) x) - t exp((1 - p) x)
        Hessian  = (2 - p) exp((2 - p) x) - (1 - p) t exp((1 - p) x)

    With the identity link it is the deviance, 0 where x = t::

        loss     = max(t, 0)^(2 - p) / ((1 - p) (2 - p)) - t x^(1 - p) / (1 - p) + x^(2 - p) / (2 - p)
                   (x - t)^2 / 2 for p = 0, t log(t / x) + x - t for p = 1, log(x / t) + t / x - 1 for p = 2
        gradient = x^-p (x - t)
        Hessian  = x^-p ((1 - p) + p t / x)

    In NumPy: ``np.mean(np.exp((2 - p) * x) / (2 - p) - t * np.exp((1 - p) * x) / (1 - p))``.

    Parameters
    ----------
    pred : array_like
        Logarithms of the means; with the identity link the means, in (0, inf) unless the power is 0.
    target : array_like
        The amounts, of the shape of `pred`, or a scalar: in (-inf, inf) for a power up to 0, in [0, inf) below 2, in
        (0, inf) from 2 on.
    power : float in {power}
        The exponent of the variance. Between 0 and 1 there is no such distribution, but the loss is lowest on average
        for the true mean nevertheless.
    link : {{"log", "identity"}}
        What `pred` is of the mean.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Leaving out constants makes the log link's loss jump at the powers 1 and 2, not its derivatives.
    Powers are exponentials of exponents that are kept to 64 bits, and where they overflow are computed smaller by a
    common factor. With the identity link, next to x = t, where the terms cancel, a series is taken.

    References
    ----------
    B. Jørgensen, Exponential Dispersion Models, J. R. Statist. Soc. B 49 (1987).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tweedie(0.0, [0.0, 1.0, 2.0], reduction="none")
    array([2., 4., 6.])
    >>> [round(fl.tweedie(4.0, 1.0, power=p, link="identity"), 9) for p in (0, 1, 2, 3)]
    [4.5, 1.613705639, 0.636294361, 0.28125]
    >>> loss, grad = fl.tweedie.value_and_grad([4.0, 1.0], [1.0, 1.0], link="identity", reduction="none")
    >>> grad
    array([0.375, 0.   ])
    """
    power = tweedie.parameter("power", power)
    params = (power, _link(link))
    words = None if power == 1.5 and link == "log" else {"power": power, "link": link}
    return tweedie.run(ask, (pred, target), params, weight, reduction, denominator, out, words=words)


@pointwise(
    "log_mean",
    "log_dispersion",
    "target",
    reference=reference.negative_binomial_nll,
    grads=("log_mean", "log_dispersion"),
    domain={"log_dispersion": Interval(-80, 80), "target": NON_NEGATIVE},
)
def negative_binomial_nll(
    ask: int,
    log_mean: ArrayLike,
    log_dispersion: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Negative binomial likelihood of a count that varies more than a Poisson count: by mu + mu^2 / k.

    The loss of one element, its gradients and its second derivatives, with t = target, k = exp(log_dispersion),
    d = log_mean - log_dispersion, sigma(d) = 1 / (1 + exp(-d)), softplus(d) = log(1 + exp(d)) and psi the derivative of
    lgamma::

        loss      = lgamma(k) + lgamma(t + 1) - lgamma(t + k) + k softplus(d) + t softplus(-d)
        gradients = k sigma(d) - t sigma(-d),
                    k (psi(k) - psi(t + k)) + k softplus(d) - k sigma(d) + t sigma(-d)
        Hessians  = (t + k) sigma(d) sigma(-d),
                    k (psi(k) - psi(t + k)) + k^2 (psi'(k) - psi'(t + k)) + k softplus(d) - 2 k sigma(d)
                    + (t + k) sigma(d) sigma(-d)

    In SciPy: ``-np.mean(scipy.stats.nbinom.logpmf(t, k, k / (k + np.exp(log_mean))))``.

    Parameters
    ----------
    log_mean : array_like
        Logarithms of the means mu.
    log_dispersion : array_like in {log_dispersion}
        Logarithms of k, of the shape of `log_mean`. The smaller k, the more a count varies; exp(80) is Poisson's to all
        digits. A scalar will do where no gradient is asked for.
    target : array_like in {target}
        The counts, which need not be whole; the shape of `log_mean`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Neither lgamma nor psi of a large number is taken off another: their differences are functions of
    their own, by the smaller of t and k - 1. Everything else is made of exp(-abs(d)), with what d rounds off.

    References
    ----------
    J. M. Hilbe, Negative Binomial Regression, Cambridge University Press (2007).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.negative_binomial_nll(0.0, 0.0, [0, 1, 2], reduction="none")
    array([0.69314718, 1.38629436, 2.07944154])
    >>> loss, grad = fl.negative_binomial_nll.value_and_grad([0.0, 0.0], [0.0, 80.0], [2, 2], reduction="none")
    >>> loss, grad.log_mean
    (array([2.07944154, 1.69314718]), array([-0.5, -1. ]))
    """
    inputs = (log_mean, log_dispersion, target)
    return negative_binomial_nll.run(ask, inputs, (), weight, reduction, denominator, out)


@pointwise(
    "log_rate",
    "gate_logits",
    "target",
    reference=reference.zero_inflated_poisson_nll,
    grads=("log_rate", "gate_logits"),
    domain={"target": NON_NEGATIVE},
)
def zero_inflated_poisson_nll(
    ask: int,
    log_rate: ArrayLike,
    gate_logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Zero-inflated Poisson likelihood: a count is 0 because a gate is shut, or else is a Poisson count.

    The loss of one element, its gradients and its second derivatives, with rate = exp(log_rate), a = gate_logits,
    t = target, s = a + rate and sigma(a) = 1 / (1 + exp(-a)), the probability that the gate is shut::

        t      loss                                                gradients
        0      -log(sigma(a) + sigma(-a) exp(-rate))               rate sigma(-s), sigma(a) - sigma(s)
        > 0    log(1 + exp(a)) + rate - t log_rate + lgamma(t+1)   rate - t, sigma(a)

        t      Hessians
        0      rate sigma(-s) (1 - rate sigma(s)), sigma(a) sigma(-a) - sigma(s) sigma(-s)
        > 0    rate, sigma(a) sigma(-a)

    In NumPy, of a 0: ``p = 1 / (1 + np.exp(-a)); -np.mean(np.log(p + (1 - p) * np.exp(-np.exp(log_rate))))``.

    Parameters
    ----------
    log_rate : array_like
        Logarithms of the rates.
    gate_logits : array_like
        Log-odds of a shut gate, of the shape of `log_rate`.
    target : array_like in {target}
        The counts, which need not be whole; the shape of `log_rate`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, but for the step from a count of 0 to any other. Of a 0 the loss is log(1 + r) with r =
    (1 - exp(-rate)) / (exp(a) + exp(-rate)), which keeps the tail of a 0 that was sure, and every slope a product
    without a difference; s is kept in two parts, because a rate of 300 would multiply what it rounds off.

    References
    ----------
    D. Lambert, Zero-Inflated Poisson Regression, with an Application to Defects in Manufacturing, Technometrics 34
    (1992).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.zero_inflated_poisson_nll([0.0, 0.0, 0.0], [-50.0, 0.0, 50.0], 0, reduction="none")
    array([1.00000000e+00, 3.79885493e-01, 1.21920243e-22])
    >>> loss, grad = fl.zero_inflated_poisson_nll.value_and_grad([0.0, 0.0], [0.0, 0.0], [0, 2], reduction="none")
    >>> grad.log_rate, grad.gate_logits
    (array([ 0.26894142, -1.        ]), array([-0.23105858,  0.5       ]))
    """
    inputs = (log_rate, gate_logits, target)
    return zero_inflated_poisson_nll.run(ask, inputs, (), weight, reduction, denominator, out)


def _rows_of_one(log_predictions: Any, targets: Any) -> tuple[Any, Any]:
    """optax adds a row up."""
    return log_predictions[..., None], targets[..., None]


@pointwise(
    "input",
    "target",
    reference=reference.generalized_kl,
    domain={"target": NON_NEGATIVE},
    peers={"optax": Peer("generalized_kl_divergence", order=_rows_of_one)},
)
def generalized_kl(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Generalised Kullback-Leibler divergence, of amounts that need not add up to 1.

    The loss of one element, its gradient and its second derivative, with x = input and t = target::

        loss = t log(t) - t x + exp(x) - t        gradient = exp(x) - t        Hessian = exp(x)

    where t log(t) and t x are 0 for t = 0. In NumPy: ``np.mean(t * np.log(t) - t * x + np.exp(x) - t)``.

    Parameters
    ----------
    input : array_like
        Logarithms of what is predicted, such as log-probabilities; -inf predicts 0.
    target : array_like in {target}
        The amounts, such as probabilities; the shape of `input`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Next to x = log(t) the terms cancel: they are t (exp(y) - 1 - y) with y = x - log(t), which no
    rounding makes negative. It is `half_poisson_deviance` with the log link; the sum over two distributions is their
    divergence.

    References
    ----------
    S. Kullback and R. A. Leibler, On Information and Sufficiency, Ann. Math. Statist. 22 (1951).

    L. M. Bregman, The Relaxation Method of Finding the Common Point of Convex Sets, USSR Comput. Math. Math. Phys. 7
    (1967).

    Examples
    --------
    >>> import fastloss as fl
    >>> import numpy as np
    >>> fl.generalized_kl([0.0, 0.0, -np.inf], [1.0, 2.0, 0.0], reduction="none")
    array([0.        , 0.38629436, 0.        ])
    >>> loss, grad = fl.generalized_kl.value_and_grad(np.log([0.25, 0.75]), [0.5, 0.5], reduction="sum")
    >>> round(loss, 9), grad
    (0.143841036, array([-0.25,  0.25]))
    """
    return generalized_kl.run(ask, (input, target), (), weight, reduction, denominator, out)


@pointwise(
    "logits",
    "target",
    reference=reference.bernoulli_nll,
    domain={"target": Interval(0, 1)},
    peers={
        "torch": "binary_cross_entropy_with_logits",
        "optax": "sigmoid_binary_cross_entropy",
        "sklearn": "HalfBinomialLoss",
    },
)
def bernoulli_nll(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Bernoulli likelihood of a yes or a no: `binary_cross_entropy_with_logits` by its name among likelihoods.

    The loss of one element, its gradient and its second derivative, with x = logits, t = target and sigma(x) =
    1 / (1 + exp(-x))::

        loss     = -(t log sigma(x) + (1 - t) log sigma(-x))
        gradient = sigma(x) - t
        Hessian  = sigma(x) sigma(-x)

    In NumPy: ``p = 1 / (1 + np.exp(-x)); -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))``.

    Parameters
    ----------
    logits : array_like
        Log-odds of a yes; infinite ones take their limit.
    target : array_like in {target}
        1 for yes, 0 for no, or the probability of yes; the shape of `logits`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Every part is made of exp(-abs(x)), which cannot overflow, and nothing is subtracted from 1: see
    `binary_cross_entropy_with_logits`, whose results these are, bit by bit.

    References
    ----------
    D. R. Cox, The Regression Analysis of Binary Sequences, J. R. Statist. Soc. B 20 (1958).

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.bernoulli_nll(0.0, 1), 9)
    0.693147181
    >>> loss, grad = fl.bernoulli_nll.value_and_grad([40.0, -40.0], [1, 1], reduction="none")
    >>> loss, grad
    (array([4.24835426e-18, 4.00000000e+01]), array([-4.24835426e-18, -1.00000000e+00]))
    """
    return bernoulli_nll.run(ask, (logits, target), (), weight, reduction, denominator, out)
