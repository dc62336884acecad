"""Regression losses: how far a prediction lies from its target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastloss.arrays import NON_NEGATIVE, POSITIVE, Interval, as_array, parameter, unfit
from fastloss.loss import EVERY_NUMBER, Out, Peer, Reduction, pointwise, root
from fastloss.reference import regression as reference

__all__ = [
    "epsilon_insensitive",
    "expectile",
    "half_squared_error",
    "huber",
    "interval_score",
    "linex",
    "mae",
    "mape",
    "mse",
    "msle",
    "quantile",
    "quantile_huber",
    "rmse",
    "rmsle",
    "smape",
    "smooth_l1",
    "squared_epsilon_insensitive",
]


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
    reference=reference.half_squared_error,
    peers={"optax": "l2_loss", "sklearn": "HalfSquaredError"},
)
def half_squared_error(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Half the squared error, the mean of (pred - target)^2 / 2.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss = r^2 / 2        gradient = r        Hessian = 1

    In NumPy: ``np.mean((pred - target) ** 2) / 2``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The factor makes the gradient the residual itself. It is multiplied before the square is taken,
    in double: r^2 may overflow where its half does not.

    References
    ----------
    C. F. Gauss, Theoria motus corporum coelestium (1809): minus the log of a normal density of variance 1, but for a
    constant.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.half_squared_error([4.0, 2.0, 3.0], [3.0, 5.0, 2.0], reduction="none")
    array([0.5, 4.5, 0.5])
    >>> loss, grad = fl.half_squared_error.value_and_grad([4.0, 2.0, 3.0], [3.0, 5.0, 2.0], reduction="sum")
    >>> loss, grad
    (5.5, array([ 1., -3.,  1.]))
    """
    return half_squared_error.run(ask, (pred, target), (), weight, reduction, denominator, out)


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


@pointwise(
    "pred",
    "target",
    reference=reference.smooth_l1,
    domain={"beta": Interval(0, math.inf)},
    examples=({}, {"beta": 0.25}),
    kinks=lambda beta=1.0: (-beta, beta),
    peers={"torch": "smooth_l1_loss"},
)
def smooth_l1(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Smooth L1, Huber's loss divided by its delta: its lines have slope 1, however wide the parabola between them.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = r^2 / (2 beta)                   if abs(r) <= beta, else  abs(r) - beta / 2
        gradient = r / beta, clipped to [-1, 1]
        Hessian  = 1 / beta                         if abs(r) <= beta, else  0

    In NumPy: ``q = np.minimum(abs(r), beta); np.mean(q / beta * (abs(r) - q / 2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    beta : float in {beta}
        The residual, in units of `pred`, from which on the loss grows linearly. At 0 it is the absolute error, at inf
        0.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At abs(r) = beta both pieces agree in value and slope; the Hessian takes the quadratic side, 1 / beta. For beta = 0
    the gradient at the kink r = 0 is 0, and the Hessian 0 everywhere. The kernel forms both pieces as (q / beta) (q / 2
    + excess), q = min(abs(r), beta) and excess = abs(r) - q: no square overflows, or underflows, before it is divided.

    References
    ----------
    R. Girshick, Fast R-CNN, ICCV (2015), https://doi.org/10.1109/ICCV.2015.169

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.smooth_l1([0.5, 1.0, 2.0, -4.0], 0.0, reduction="none")
    array([0.125, 0.5  , 1.5  , 3.5  ])
    >>> loss, grad = fl.smooth_l1.value_and_grad([0.25, -4.0], [0.0, 0.0], beta=0.5, reduction="sum")
    >>> loss, grad
    (3.8125, array([ 0.5, -1. ]))
    """
    beta = smooth_l1.parameter("beta", beta)
    return smooth_l1.run(ask, (pred, target), (beta,), weight, reduction, denominator, out)


LEVELS = Interval(0, 1, low_open=True, high_open=True)


def _level(one: bool = False) -> Interval:
    """One level is a parameter, and what stands in its place among the inputs may be any number."""
    return EVERY_NUMBER if one else LEVELS


def _levels(pred: ArrayLike, target: ArrayLike, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions of several quantiles of each target, without a copy of target or levels."""
    pred, target = as_array("pred", pred), as_array("target", target)
    if target.ndim and target.shape == pred.shape[:-1]:
        target = np.broadcast_to(target[..., np.newaxis], pred.shape)
    if levels.shape == pred.shape:
        return pred, target, levels
    if levels.ndim != 1 or pred.shape[-1:] != levels.shape:
        raise ValueError(
            f"tau has shape {levels.shape} and pred {pred.shape}: tau must be a number, or one for each place of the "
            f"last axis of pred, or one for each number"
        )
    inside = (levels > LEVELS.low) & (levels < LEVELS.high) | (levels != levels)
    if not inside.all():
        raise unfit("tau", levels, int(np.argmin(inside)), LEVELS.wanted(), ValueError)
    return pred, target, np.broadcast_to(levels, pred.shape)


@pointwise(
    "pred",
    "target",
    "tau",
    reference=reference.quantile,
    domain={"tau": _level},
    examples=({}, {"tau": 0.9}),
    kinks=lambda: (0.0,),
    peers={"sklearn": Peer("PinballLoss", words={"tau": "quantile"})},
)
def quantile(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    tau: float | ArrayLike = 0.5,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Quantile loss, also called pinball loss: too low costs tau per unit, too high 1 - tau.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = tau (-r)    if r <= 0, else  (1 - tau) r
        gradient = -tau        if r < 0,        1 - tau  if r > 0
        Hessian  = 0

    In NumPy: ``np.mean(np.maximum(tau * (target - pred), (tau - 1) * (target - pred)))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar. With several tau, `target` may lack the last axis of `pred`.
    tau : float in {tau}, or array_like of these
        The share of targets that shall lie below the prediction. At 1/2 the loss is half the absolute error. Several
        belong to the last axis of `pred`, one to each place, and the mean is over these, too; or there is one for each
        number of `pred`. Their dtype is an input's: float64 numbers make float64 losses.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient is 1/2 - tau, halfway between its sides. Losses are summed in double: in float32 a
    long sum stops growing.

    References
    ----------
    R. Koenker and G. Bassett, Regression Quantiles, Econometrica 46 (1978), https://doi.org/10.2307/1913643

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.quantile([0.0, 0.0], [1.0, -1.0], tau=0.75, reduction="none")
    array([0.75, 0.25])
    >>> loss, grad = fl.quantile.value_and_grad([0.0, 0.0, 0.0], [2.0, 0.0, -2.0], tau=0.75, reduction="sum")
    >>> loss, grad
    (2.0, array([-0.75, -0.25,  0.25]))
    >>> low_and_high = [[0.0, 4.0], [1.0, 2.0]]
    >>> fl.quantile(low_and_high, [2.0, 3.0], tau=[0.25, 0.75], reduction="none")
    array([[0.5 , 0.5 ],
           [0.5 , 0.75]])
    """
    if type(tau) is not float and (levels := as_array("tau", tau)).ndim:
        several = _levels(pred, target, levels)
        return quantile.run(ask, several, (0.5, 1.0), weight, reduction, denominator, out, data=3)
    params = (parameter("tau", tau, LEVELS), 0.0)
    inputs = (pred, target, pred)  # the last of which is not read
    return quantile.run(ask, inputs, params, weight, reduction, denominator, out, words={"one": True})


@pointwise(
    "pred",
    "target",
    reference=reference.quantile_huber,
    domain={"tau": Interval(0, 1, low_open=True, high_open=True), "kappa": Interval(0, math.inf)},
    examples=({}, {"tau": 0.9}, {"tau": 0.25, "kappa": 0.5}),
    kinks=lambda kappa=1.0: (-kappa, 0.0, kappa),
)
def quantile_huber(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    tau: float = 0.5,
    kappa: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Quantile Huber loss: the quantile loss, a parabola on either side of its corner.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = tau h           if r <= 0, else  (1 - tau) h,        h = smooth_l1 with beta = kappa
        gradient = tau s           if r <= 0, else  (1 - tau) s,        s = r / kappa, clipped to [-1, 1]
        Hessian  = tau / kappa     if -kappa <= r <= 0,                 (1 - tau) / kappa  if 0 < r <= kappa,  else  0

    In NumPy: ``np.mean(abs(tau - (r > 0)) * h)``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    tau : float in {tau}
        The share of targets that shall lie below the prediction.
    kappa : float in {kappa}
        The residual, in units of `pred`, from which on the loss grows linearly. At 0 it is the quantile loss, at inf 0.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink for kappa > 0: the Hessian jumps at r = 0, where it takes the side of negative r, and at abs(r) = kappa,
    where it takes the quadratic side. For kappa = 0 the gradient at the kink r = 0 is 0. As smooth_l1, it squares
    nothing that overflows.

    References
    ----------
    W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, Distributional Reinforcement Learning with Quantile Regression,
    AAAI (2018), https://arxiv.org/abs/1710.10044

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.quantile_huber([-2.0, -1.0, 1.0, 2.0], 0.0, tau=0.25, reduction="none")
    array([0.375, 0.125, 0.375, 1.125])
    >>> loss, grad = fl.quantile_huber.value_and_grad([-2.0, 0.5], [0.0, 0.0], tau=0.25, reduction="sum")
    >>> loss, grad
    (0.46875, array([-0.25 ,  0.375]))
    """
    tau = quantile_huber.parameter("tau", tau)
    kappa = quantile_huber.parameter("kappa", kappa)
    return quantile_huber.run(ask, (pred, target), (tau, kappa), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.expectile,
    domain={"tau": Interval(0, 1, low_open=True, high_open=True)},
    examples=({}, {"tau": 0.9}),
    kinks=lambda: (0.0,),
)
def expectile(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    tau: float = 0.5,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Expectile loss: the squared error, tau times where pred is too low and 1 - tau times where it is too high.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = tau r^2      if r <= 0, else  (1 - tau) r^2
        gradient = 2 tau r      if r <= 0, else  2 (1 - tau) r
        Hessian  = 2 tau        if r <= 0, else  2 (1 - tau)

    In NumPy: ``np.mean(abs(tau - (r > 0)) * r**2)``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    tau : float in {tau}
        How much it costs to be too low. At 1/2 the loss is half the squared error.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: at r = 0 both sides have slope 0; the Hessian there is 2 tau. The square is taken in double, and multiplied
    by tau before it may overflow.

    References
    ----------
    W. K. Newey and J. L. Powell, Asymmetric Least Squares Estimation and Testing, Econometrica 55 (1987),
    https://doi.org/10.2307/1911031

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.expectile([0.0, 0.0], [2.0, -2.0], tau=0.75, reduction="none")
    array([3., 1.])
    >>> loss, grad = fl.expectile.value_and_grad([0.0, 0.0], [2.0, -2.0], tau=0.75, reduction="sum")
    >>> loss, grad
    (4.0, array([-3.,  1.]))
    """
    tau = expectile.parameter("tau", tau)
    return expectile.run(ask, (pred, target), (tau,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.epsilon_insensitive,
    domain={"epsilon": NON_NEGATIVE},
    examples=({}, {"epsilon": 0.5}),
    kinks=lambda epsilon=0.1: (-epsilon, epsilon),
)
def epsilon_insensitive(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    epsilon: float = 0.1,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Epsilon-insensitive loss: the absolute error, of which the first epsilon is free.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = max(0, abs(r) - epsilon)
        gradient = sign(r)                     if abs(r) > epsilon, else  0
        Hessian  = 0

    In NumPy: ``np.mean(np.maximum(abs(r) - epsilon, 0))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    epsilon : float in {epsilon}
        The residual, in units of `pred`, up to which nothing is charged.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kinks abs(r) = epsilon the gradient is 0. Beside them the leading digits of abs(r) - epsilon cancel: the
    kernel adds what pred - target has rounded off, so that loss and gradient are those of the exact residual.

    References
    ----------
    V. N. Vapnik, The Nature of Statistical Learning Theory, Springer (1995): support vector regression.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.epsilon_insensitive([0.25, 0.75, -3.0], 0.0, epsilon=0.5, reduction="none")
    array([0.  , 0.25, 2.5 ])
    >>> loss, grad = fl.epsilon_insensitive.value_and_grad([0.25, -3.0], [0.0, 0.0], epsilon=0.5, reduction="sum")
    >>> loss, grad
    (2.5, array([ 0., -1.]))
    """
    epsilon = epsilon_insensitive.parameter("epsilon", epsilon)
    return epsilon_insensitive.run(ask, (pred, target), (epsilon,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.squared_epsilon_insensitive,
    domain={"epsilon": NON_NEGATIVE},
    examples=({}, {"epsilon": 0.5}),
    kinks=lambda epsilon=0.1: (-epsilon, epsilon),
)
def squared_epsilon_insensitive(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    epsilon: float = 0.1,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Squared epsilon-insensitive loss: the square of what the residual has beyond epsilon.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = max(0, abs(r) - epsilon)^2
        gradient = 2 sign(r) max(0, abs(r) - epsilon)
        Hessian  = 2                                     if abs(r) > epsilon, else  0

    In NumPy: ``np.mean(np.maximum(abs(r) - epsilon, 0) ** 2)``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    epsilon : float in {epsilon}
        The residual, in units of `pred`, up to which nothing is charged.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: at abs(r) = epsilon both sides have slope 0; the Hessian there is 0. Beside them the leading digits of
    abs(r) - epsilon cancel: the kernel adds what pred - target has rounded off. The square is taken in double.

    References
    ----------
    H. Drucker, C. J. C. Burges, L. Kaufman, A. Smola and V. Vapnik, Support Vector Regression Machines, NIPS 9 (1996).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.squared_epsilon_insensitive([0.25, 0.75, -3.0], 0.0, epsilon=0.5, reduction="none")
    array([0.    , 0.0625, 6.25  ])
    >>> loss, grad = fl.squared_epsilon_insensitive.value_and_grad(
    ...     [0.25, -3.0], [0.0, 0.0], epsilon=0.5, reduction="sum"
    ... )
    >>> loss, grad
    (6.25, array([ 0., -5.]))
    """
    epsilon = squared_epsilon_insensitive.parameter("epsilon", epsilon)
    return squared_epsilon_insensitive.run(ask, (pred, target), (epsilon,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.mape,
    domain={
        "eps": POSITIVE,
        "scale": POSITIVE,
    },
    examples=({}, {"eps": 1.0, "scale": 1.0}),
    kinks=lambda: (0.0,),
)
def mape(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    eps: float = 1e-7,
    scale: float = 100.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Absolute percentage error, the mean of the error in per cent of the target.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = scale abs(r) / max(abs(target), eps)
        gradient = scale sign(r) / max(abs(target), eps)
        Hessian  = 0

    In NumPy: ``np.mean(scale * abs(r) / np.maximum(abs(target), eps))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    eps : float in {eps}
        The least that a target counts for, in its units.
    scale : float in {scale}
        100 for per cent, 1 for a fraction.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient is 0. scale abs(r) may overflow, and abs(r) / abs(target) underflow, where the loss
    does neither: the kernel brings both numbers nearer to 1 by a power of two, and the quotient back.

    References
    ----------
    S. Makridakis, Accuracy Measures: Theoretical and Practical Concerns, Int. J. Forecasting 9 (1993),
    https://doi.org/10.1016/0169-2070(93)90079-3

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mape([110.0, 100.0], [100.0, 125.0], reduction="none")
    array([10., 20.])
    >>> loss, grad = fl.mape.value_and_grad([60.0, 10.0], [50.0, 50.0])
    >>> loss, grad
    (50.0, array([ 1., -1.]))
    """
    eps, scale = mape.parameter("eps", eps), mape.parameter("scale", scale)
    return mape.run(ask, (pred, target), (eps, scale), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.smape,
    kinks=lambda: (0.0,),
)
def smape(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Symmetric absolute percentage error: the error as a share of the mean of both numbers, from 0 to 2.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = 2 abs(r) / (abs(pred) + abs(target))
        gradient = sign(r) 4 abs(target) / (pred + target)^2     if the signs are the same, else  0
        Hessian  = -sign(r) 8 abs(target) / (pred + target)^3    if the signs are the same, else  0

    In NumPy: ``np.mean(2 * abs(r) / (abs(pred) + abs(target)))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient is 0, at the kink pred = 0 it is -2 / target, halfway between its sides; where both
    are 0, the loss is 0 too. Beside an infinite number it is 2. The kernel scales both numbers by a power of two: their
    sum does not overflow, nor does its square, by which it divides twice.

    References
    ----------
    S. Makridakis, Accuracy Measures: Theoretical and Practical Concerns, Int. J. Forecasting 9 (1993),
    https://doi.org/10.1016/0169-2070(93)90079-3

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.smape([3.0, 5.0, 1.0, 0.0], [5.0, 3.0, 0.0, 0.0], reduction="none")
    array([0.5, 0.5, 2. , 0. ])
    >>> loss, grad = fl.smape.value_and_grad([3.0, 3.0], [1.0, -1.0], reduction="sum")
    >>> loss, grad
    (3.0, array([0.25, 0.  ]))
    """
    return smape.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.msle,
    domain={
        "pred": Interval(-1, math.inf, low_open=True),
        "target": Interval(-1, math.inf, low_open=True),
    },
)
def msle(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Squared logarithmic error, the mean of (log(1 + pred) - log(1 + target))^2.

    The loss of one element, its gradient and its second derivative, with q = log(1 + pred) - log(1 + target)::

        loss = q^2        gradient = 2 q / (1 + pred)        Hessian = 2 (1 - q) / (1 + pred)^2

    In NumPy: ``np.mean((np.log1p(pred) - np.log1p(target)) ** 2)``.

    Parameters
    ----------
    pred, target : array_like
        Numbers in {pred} of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, but not convex: the Hessian is negative where 1 + pred > e (1 + target). The logarithms cancel
    where both numbers are close: the kernel computes abs(q) = log1p(abs(pred - target) / (1 + the smaller)).

    References
    ----------
    R. J. Hyndman and A. B. Koehler, Another look at measures of forecast accuracy, Int. J. Forecasting 22 (2006),
    https://doi.org/10.1016/j.ijforecast.2006.03.001: errors relative to the size of what is forecast.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.msle([19.0, 9.0], [9.0, 19.0], reduction="none")  # twice too much, and half
    array([0.48045301, 0.48045301])
    >>> loss, grad = fl.msle.value_and_grad([19.0, 9.0], [9.0, 19.0], reduction="sum")
    >>> round(loss, 10), grad
    (0.9609060278, array([ 0.06931472, -0.13862944]))
    """
    return msle.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.linex,
    domain={
        "a": Interval(-math.inf, math.inf, low_open=True, high_open=True),
        "b": POSITIVE,
    },
    examples=({}, {"a": -2.0}, {"b": 3.0}),
)
def linex(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    a: float = 1.0,
    b: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Linear-exponential loss: exponential on one side of the target, about linear on the other.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss = b (e^(a r) - a r - 1)        gradient = a b (e^(a r) - 1)        Hessian = a^2 b e^(a r)

    In NumPy: ``np.mean(b * (np.expm1(a * r) - a * r))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    a : float in {a}, not 0
        How fast it grows, in units of 1 / `pred`: too high is the costly side if it is positive, else too low.
    b : float in {b}
        A factor of the loss.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Small errors cost b (a r)^2 / 2, which e^x - x - 1 loses to cancellation: the kernel takes a
    polynomial for small x = a r. For large x it keeps the product in two parts, of which e^x amplifies the second.

    References
    ----------
    H. R. Varian, A Bayesian Approach to Real Estate Assessment, in Studies in Bayesian Econometrics and Statistics in
    Honor of L. J. Savage (1975).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.linex([1.0, -1.0], 0.0, reduction="none")  # e - 2 and 1/e
    array([0.71828183, 0.36787944])
    >>> loss, grad = fl.linex.value_and_grad([1.0, -1.0], [0.0, 0.0], reduction="sum")
    >>> round(loss, 10), grad
    (1.0861612696, array([ 1.71828183, -0.63212056]))
    """
    a, b = linex.parameter("a", a), linex.parameter("b", b)
    if a == 0:
        raise ValueError("a must not be 0: the loss would be 0 whatever the prediction")
    return linex.run(ask, (pred, target), (a, b), weight, reduction, denominator, out)


@pointwise(
    "lower",
    "upper",
    "target",
    reference=reference.interval_score,
    grads=("lower", "upper"),
    domain={"alpha": Interval(0, 1, low_open=True, high_open=True)},
    examples=({}, {"alpha": 0.5}),
    kinks=lambda: (0.0,),
)
def interval_score(
    ask: int,
    lower: ArrayLike,
    upper: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.05,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Interval score, also called Winkler score: the width of a prediction interval, and a fine for what it misses.

    The loss of one element and its gradients; the second derivatives are 0::

        loss     = (upper - lower) + (2 / alpha) max(0, lower - target) + (2 / alpha) max(0, target - upper)
        by lower = -1                if target >= lower, else  -1 + 2 / alpha
        by upper =  1                if target <= upper, else   1 - 2 / alpha

    In NumPy: ``np.mean(upper - lower + 2 / alpha * (np.maximum(lower - target, 0) + np.maximum(target - upper, 0)))``.

    Parameters
    ----------
    lower, upper, target : array_like
        Real numbers of one shape, or some of them scalars.
    alpha : float in {alpha}
        The share of targets that the interval shall miss: 0.05 for a 95 % interval.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kinks, a target upon an end, the target counts as inside. The loss is 2 / alpha times the quantile losses of
    both ends, for tau = alpha / 2 and 1 - alpha / 2, so it is never negative, even if upper < lower; the kernel adds
    these two, where the width and the fines of such an interval would cancel.

    References
    ----------
    R. L. Winkler, A Decision-Theoretic Approach to Interval Estimation, J. Amer. Statist. Assoc. 67 (1972),
    https://doi.org/10.1080/01621459.1972.10481224

    T. Gneiting and A. E. Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, J. Amer. Statist. Assoc.
    102 (2007), https://doi.org/10.1198/016214506000001437

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.interval_score(80.0, 120.0, [100.0, 121.0, 78.0], reduction="none")
    array([ 40.,  80., 120.])
    >>> loss, grads = fl.interval_score.value_and_grad([80.0, 80.0], [120.0, 120.0], [100.0, 121.0], reduction="sum")
    >>> loss
    120.0
    >>> grads.lower, grads.upper
    (array([-1., -1.]), array([  1., -39.]))
    """
    alpha = interval_score.parameter("alpha", alpha)
    return interval_score.run(ask, (lower, upper, target), (alpha,), weight, reduction, denominator, out)


@root(mse, reference=reference.rmse, scalable=True)
def rmse(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Root mean squared error, in the unit of the target.

    One number for all elements, and its gradient by each, with r = pred - target and n elements::

        loss     = sqrt(sum(w r^2) / sum(w))
        gradient = w r / (sum(w) loss)

    In NumPy: ``np.sqrt(np.mean((pred - target) ** 2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or the target a scalar.
    weight : array_like, optional
        Weight of each element, at least 0, broadcast to that shape. Where it is 0 the element is invisible.
    reduction : {"mean"}
        There is no other: it is one number for all elements.
    denominator : float > 0, optional
        Divides the sum of squares instead of sum(w).
    out : ndarray, optional
        Where `value_and_grad` puts the gradient (it may be `pred` itself).

    Returns
    -------
    float
        The root. `value_and_grad` gives it and its gradient, in the dtype of `pred`. There is no `grad_hess`.

    {raises}

    Notes
    -----
    At the kink, where every r is 0, the gradient is 0. Squares that leave the range of a float64 are scaled.

    References
    ----------
    C. F. Gauss, Theoria combinationis observationum (1821): the mean error.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.rmse([7.0, 1.0], [5.0, 5.0]), 10)
    3.1622776602
    >>> loss, grad = fl.rmse.value_and_grad([7.0, 1.0], [5.0, 5.0])
    >>> grad.round(6)
    array([ 0.316228, -0.632456])
    """
    return rmse.run(ask, (pred, target), weight, reduction, denominator, out)


@root(msle, reference=reference.rmsle, domain=msle.domain)
def rmsle(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Root mean squared logarithmic error: the typical error of log(1 + x).

    One number for all elements, and its gradient by each, with q = log1p(pred) - log1p(target)::

        loss     = sqrt(sum(w q^2) / sum(w))
        gradient = w q / ((1 + pred) sum(w) loss)

    In NumPy: ``np.sqrt(np.mean((np.log1p(pred) - np.log1p(target)) ** 2))``.

    Parameters
    ----------
    pred : array_like in {pred}
        Real numbers.
    target : array_like in {target}
        Of the same shape, or a scalar.
    weight : array_like, optional
        Weight of each element, at least 0, broadcast to that shape. Where it is 0 the element is invisible.
    reduction : {"mean"}
        There is no other: it is one number for all elements.
    denominator : float > 0, optional
        Divides the sum of squares instead of sum(w).
    out : ndarray, optional
        Where `value_and_grad` puts the gradient (it may be `pred` itself).

    Returns
    -------
    float
        The root. `value_and_grad` gives it and its gradient, in the dtype of `pred`. There is no `grad_hess`.

    {raises}

    Notes
    -----
    At the kink, where every q is 0, the gradient is 0. The difference of the logarithms does not cancel (see `msle`).

    References
    ----------
    The measure of Kaggle's competitions on amounts, such as https://www.kaggle.com/c/bike-sharing-demand

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.rmsle([1.0], [0.0]), 9)
    0.693147181
    >>> loss, grad = fl.rmsle.value_and_grad([1.0], [0.0])
    >>> grad
    array([0.5])
    """
    return rmsle.run(ask, (pred, target), weight, reduction, denominator, out)
