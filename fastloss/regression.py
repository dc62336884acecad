"""Regression losses: how far a prediction lies from its target."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import Interval
from fastloss.loss import Out, Peer, Reduction, pointwise
from fastloss.reference import regression as reference

__all__ = ["huber", "mae", "mse"]


@pointwise(
    "pred",
    "target",
    reference=reference.mse,
    peers={"torch": "mse_loss", "optax": "squared_error", "sklearn": Peer("HalfSquaredError", factor=2)},
)
def mse(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Squared error, the mean of (pred - target)^2.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss = r^2        gradient = 2 r        Hessian = 2

    In NumPy: ``np.mean((pred - target) ** 2)``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The square is taken in double: in float32 it overflows from abs(r) = 1.8e19 on, where the mean
    may well be a number.

    References
    ----------
    C. F. Gauss, Theoria motus corporum coelestium (1809): the likelihood of Gaussian errors of one variance.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mse([4, 2, 3], [3, 5, 2])
    3.6666666666666665
    >>> loss, grad = fl.mse.value_and_grad([4.0, 2.0, 3.0], [3.0, 5.0, 2.0], reduction="sum")
    >>> loss, grad
    (11.0, array([ 2., -6.,  2.]))
    """
    return mse.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.mae,
    kinks=lambda: (0.0,),
    peers={"torch": "l1_loss", "sklearn": "AbsoluteError"},
)
def mae(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Absolute error, the mean of abs(pred - target).

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss = abs(r)        gradient = sign(r)        Hessian = 0

    In NumPy: ``np.mean(abs(pred - target))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient is 0. Losses are summed in double: in float32 a long sum stops growing.

    References
    ----------
    P. S. Laplace, Mémoire sur la probabilité des causes par les évènemens (1774): the likelihood of errors whose
    density falls off exponentially; its minimum is the median.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mae([7.0, 1.0], [5.0, 5.0])
    3.0
    >>> loss, grad = fl.mae.value_and_grad([4.0, 2.0, 3.0], [3.0, 5.0, 3.0], reduction="sum")
    >>> loss, grad
    (4.0, array([ 1., -1.,  0.]))
    """
    return mae.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.huber,
    domain={"delta": Interval(0, math.inf, low_open=True)},
    examples=({}, {"delta": 0.25}, {"delta": math.inf}),
    kinks=lambda delta=1.0: (-delta, delta),
    peers={"torch": "huber_loss", "optax": "huber_loss", "sklearn": "HuberLoss"},
)
def huber(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Huber's loss: squared error for small residuals, absolute error for large ones.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = r^2 / 2                       if abs(r) <= delta, else  delta (abs(r) - delta / 2)
        gradient = r clipped to [-delta, delta]
        Hessian  = 1                             if abs(r) <= delta, else  0

    In NumPy: ``q = np.minimum(abs(r), delta); np.mean(q * (abs(r) - q / 2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    delta : float in {delta}
        The residual, in units of `pred`, from which on the loss grows linearly. At inf it is half the squared error.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At abs(r) = delta both pieces agree in value and slope; the Hessian takes the quadratic side, 1. The kernel forms
    both as q (q / 2 + excess), q = min(abs(r), delta) and excess = abs(r) - q, which squares no large r.

    References
    ----------
    P. J. Huber, Robust Estimation of a Location Parameter, Ann. Math. Statist. 35 (1964),
    https://doi.org/10.1214/aoms/1177703732

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.huber([0.25, 0.5, 1.0, 4.0], 0.0, delta=0.5, reduction="none")
    array([0.03125, 0.125  , 0.375  , 1.875  ])
    >>> loss, grad = fl.huber.value_and_grad([0.25, -4.0], [0.0, 0.0], reduction="sum")
    >>> loss, grad
    (3.53125, array([ 0.25, -1.  ]))
    """
    delta = huber.parameter("delta", delta)
    return huber.run(ask, (pred, target), (delta,), weight, reduction, denominator, out)
