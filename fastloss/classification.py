"""Binary classification losses: how badly a score or a probability fits a yes or a no."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastloss.arrays import Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import classification as reference

__all__ = ["binary_cross_entropy_with_logits"]

ONE = np.ones((), np.float32)


@pointwise(
    "logits",
    "target",
    "pos_weight",
    reference=reference.binary_cross_entropy_with_logits,
    domain={
        "target": Interval(0, 1),
        "pos_weight": Interval(0, np.inf, high_open=True),
        "label_smoothing": Interval(0, 1),
    },
    examples=({}, {"pos_weight": 3.0}, {"label_smoothing": 0.125}),
    peers={
        "torch": "binary_cross_entropy_with_logits",
        "optax": "sigmoid_binary_cross_entropy",
        "sklearn": "HalfBinomialLoss",
    },
)
def binary_cross_entropy_with_logits(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: float | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Binary cross-entropy of a logit: how badly a score fits a yes or a no.

    The loss of one element, its gradient and its second derivative, with x = logits, t = target, w = pos_weight and
    sigma(x) = 1 / (1 + exp(-x))::

        loss     = -(w t log sigma(x) + (1 - t) log sigma(-x))
        gradient = (1 - t) sigma(x) - w t sigma(-x)
        Hessian  = (1 - t + w t) sigma(x) sigma(-x)

    In NumPy: ``p = 1 / (1 + np.exp(-x)); -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))``.

    Parameters
    ----------
    logits : array_like
        Scores, log-odds of a yes; infinite ones take their limit.
    target : array_like in {target}
        1 for yes, 0 for no, or the probability of yes; the shape of `logits`, or a scalar.
    pos_weight : array_like in {pos_weight}, optional
        Weight of the yes part, broadcast to the shape of `logits`.
    label_smoothing : float in {label_smoothing}
        Moves the targets towards 1/2: t becomes t (1 - label_smoothing) + label_smoothing / 2.
    ignore_index : float, optional
        Elements whose target is this number, in the domain or not, are invisible.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Every part is made of e = exp(-abs(x)), which cannot overflow, and nothing is subtracted from 1:
    a confident, right score keeps its tail, where 1 - sigma(x) and log(sigma(x)) would round to 0. Changing x to -x
    and t to 1 - t changes no bit but the gradient's sign.

    References
    ----------
    I. J. Good, Rational Decisions, J. R. Statist. Soc. B 14 (1952): the logarithmic score of a Bernoulli probability.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.binary_cross_entropy_with_logits(0.0, 1), 9)
    0.693147181
    >>> loss, grad = fl.binary_cross_entropy_with_logits.value_and_grad([40.0, -40.0], [1, 1], reduction="none")
    >>> loss, grad
    (array([4.24835426e-18, 4.00000000e+01]), array([-4.24835426e-18, -1.00000000e+00]))
    >>> grad, hess = fl.binary_cross_entropy_with_logits.grad_hess([0.0, 2.0], [1, 0])
    >>> grad, hess
    (array([-0.5       ,  0.88079708]), array([0.25      , 0.10499359]))
    """
    loss = binary_cross_entropy_with_logits
    smoothing = loss.parameter("label_smoothing", label_smoothing)
    if ignore_index is not None:
        ignore_index = loss.parameter("ignore_index", ignore_index)
    inputs = (logits, target, ONE if pos_weight is None else pos_weight)
    return loss.run(ask, inputs, (smoothing,), weight, reduction, denominator, out, ignore_index)
