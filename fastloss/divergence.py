"""The divergences: losses of two distributions over the classes of a row."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import Interval
from fastloss.loss import Out, Reduction, rows
from fastloss.reference import divergence as reference

__all__ = [
    "cross_entropy_probs",
    "hellinger",
    "js_divergence",
    "kl_div",
    "total_variation",
]

PROBABILITIES = {"input": Interval(0, 1), "target": Interval(0, 1)}


@rows("input", "target", reference=reference.cross_entropy_probs, domain=PROBABILITIES)
def cross_entropy_probs(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Cross-entropy of two distributions given as probabilities: -sum(p log q).

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q::

        loss     = sum_c -p_c log(q_c)
        gradient = -p / q

    In NumPy: ``-np.mean(np.sum(target * np.log(input), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`. Neither they nor the target's need to sum to 1.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth inside its domain. A class with p = 0 costs nothing even if q = 0, with gradient 0; p > 0 = q costs inf,
    with gradient -inf. There is no hidden clip. Of logits take `cross_entropy`, which knows the probabilities' tails.

    References
    ----------
    C. Shannon, A Mathematical Theory of Communication (1948), https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.cross_entropy_probs([[0.7, 0.2, 0.1]], [[1.0, 0.0, 0.0]]), 10)
    0.3566749439
    >>> fl.cross_entropy_probs([[0.0, 1.0]], [[0.0, 1.0]])
    0.0
    >>> fl.cross_entropy_probs.value_and_grad([[0.25, 0.75]], [[0.25, 0.75]])
    (0.5623351446188083, array([[-1., -1.]]))
    """
    return cross_entropy_probs.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows(
    "input",
    "target",
    reference=reference.kl_div,
    domain={"input": Interval(high=0), "target": Interval(0)},
    peers={"optax": "kl_divergence"},
    signed=True,
)
def kl_div(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Kullback-Leibler divergence KL(p || q) of log-probabilities log q from probabilities p.

    The loss of a row of the model's log-probabilities x and target probabilities p, and its gradient by x::

        loss     = sum_c p_c (log(p_c) - x_c)
        gradient = -p

    In NumPy: ``np.mean(np.sum(target * (np.log(target) - input), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The logarithms x of the model's probabilities, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The mean is over rows, which torch calls "batchmean". A class with p = 0 adds 0 even if x is minus infinity; p > 0
    there costs inf. Numbers that do not quite sum to 1, as rounded ones, may give a little less than 0: the loss is
    that of the numbers given, in which log(p) - x is formed from a logarithm in two parts. `kl_divergence` takes
    logits, and is never negative.

    References
    ----------
    S. Kullback and R. Leibler, On Information and Sufficiency (1951), https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.kl_div(np.log([[0.5, 0.5]]), [[0.25, 0.75]]), 10)
    0.1308120359
    >>> fl.kl_div([[-np.inf, 0.0]], [[0.0, 1.0]])
    0.0
    >>> fl.kl_div.value_and_grad(np.log([[0.25, 0.75]]), [[0.5, 0.5]])
    (0.14384103622589045, array([[-0.5, -0.5]]))
    """
    return kl_div.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows("input", "target", reference=reference.total_variation, domain=PROBABILITIES)
def total_variation(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Total variation of two distributions given as probabilities: half their absolute difference.

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q::

        loss     = sum_c |q_c - p_c| / 2
        gradient = sign(q - p) / 2

    In NumPy: ``np.mean(np.sum(abs(input - target), axis=-1)) / 2``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The gradient at the kink q = p is 0. Between 0 and 1 for probabilities that sum to 1: the most that the two
    distributions can differ in the probability of any set of classes.

    References
    ----------
    D. Levin and Y. Peres, Markov Chains and Mixing Times (2017), chapter 4, https://doi.org/10.1090/mbk/107

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.total_variation([[0.5, 0.5, 0.0]], [[0.25, 0.5, 0.25]])
    0.25
    >>> fl.total_variation.value_and_grad([[0.5, 0.5, 0.0]], [[0.25, 0.5, 0.25]])
    (0.25, array([[ 0.5,  0. , -0.5]]))
    """
    return total_variation.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows("input", "target", reference=reference.hellinger, domain=PROBABILITIES, signed=True)
def hellinger(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Squared Hellinger distance of two distributions given as probabilities.

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q::

        loss     = 1 - sum_c sqrt(p_c q_c)
        gradient = -sqrt(p / q) / 2

    In NumPy: ``np.mean(1 - np.sum(np.sqrt(input * target), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Between 0 and 1 for probabilities that sum to 1; a little less than 0 is possible where they do not quite, as
    rounded ones. The gradient is 0 where p = 0, and -inf where p > 0 = q. The roots are computed in two parts,
    because their sum is close to 1 for close distributions.

    References
    ----------
    E. Hellinger, Neue Begründung der Theorie quadratischer Formen (1909), https://doi.org/10.1515/crll.1909.136.210

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hellinger([[0.5, 0.5, 0.0]], [[0.5, 0.125, 0.375]])
    0.25
    >>> fl.hellinger.value_and_grad([[0.25, 0.75]], [[1.0, 0.0]])
    (0.5, array([[-1., -0.]]))
    """
    return hellinger.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows(
    "input",
    "target",
    reference=reference.js_divergence,
    domain={**PROBABILITIES, "beta": Interval(0, 1, True, True)},
    examples=({}, {"beta": 0.25}),
)
def js_divergence(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 0.5,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Jensen-Shannon divergence of two distributions given as probabilities.

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q, with their mixture
    m = beta p + (1 - beta) q::

        loss     = sum_c beta p_c log(p_c / m_c) + (1 - beta) q_c log(q_c / m_c)
        gradient = (1 - beta) log(q / m)

    In NumPy: ``np.mean(np.sum(beta * p * np.log(p / m) + (1 - beta) * q * np.log(q / m), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    beta : float in {beta}
        The target's part in the mixture.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Never negative, and for beta = 1/2 symmetric and at most log(2). Finite where q or p is 0; the gradient is -inf
    where p > 0 = q, and 0 where both are 0. With u = (m - p) / p and v = (m - q) / q, the kernel adds beta p (u -
    log1p(u)) + (1 - beta) q (v - log1p(v)), both positive, and u - log1p(u) by a series near 0. `jsd` takes logits.

    References
    ----------
    J. Lin, Divergence Measures Based on the Shannon Entropy (1991), https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.js_divergence([[0.5, 0.5]], [[0.25, 0.75]]), 10)
    0.0338220756
    >>> fl.js_divergence.value_and_grad([[0.5, 0.5]], [[0.25, 0.75]])
    (0.033822075568605225, array([[ 0.14384104, -0.11157178]]))
    """
    params = (js_divergence.parameter("beta", beta),)
    return js_divergence.run(ask, (input, target), params, weight, reduction, denominator, axis, out)
