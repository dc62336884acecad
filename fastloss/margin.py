"""Margin losses: a signed score against a sign; how far is it on the right side of 0?"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import LABELS, NON_NEGATIVE, POSITIVE, SIGNS, Interval
from fastloss.loss import Out, Peer, Reduction, pointwise
from fastloss.reference import margin as reference

__all__ = [
    "exponential",
    "hinge",
    "hinge_embedding",
    "modified_huber",
    "perceptron",
    "ramp",
    "savage",
    "smoothed_hinge",
    "soft_margin",
    "sparsemax_binary",
    "squared_hinge",
    "tangent",
    "unhinged",
    "zero_one",
]


def with_labels(pred: Any, target: Any) -> tuple[Any, Any]:
    """What a peer takes that wants labels, 0 and 1, for signs."""
    return pred, (target + 1) / 2


@pointwise(
    "pred",
    "target",
    reference=reference.zero_one,
    domain={"target": SIGNS},
    kinks=lambda: (0.0,),
)
def zero_one(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Zero-one loss: the share of wrong signs.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = 1    if m <= 0
                   0    if m > 0
        gradient = 0        Hessian = 0

    In NumPy: ``np.mean(target * pred <= 0)``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    A score of 0 decides nothing and counts as an error. At the step m = 0 the gradient is 0, as everywhere: this is
    counted, not trained with. `hinge`, `squared_hinge`, `modified_huber`, `exponential` and `soft_margin` / log(2) are
    never below it.

    References
    ----------
    P. L. Bartlett, M. I. Jordan and J. D. McAuliffe, Convexity, Classification, and Risk Bounds, J. Am. Statist. Assoc.
    101 (2006): the losses whose minimum is also one of this loss.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.zero_one([2.0, 0.0, -0.5, -3.0], [1, 1, 1, -1])
    0.5
    >>> loss, grad = fl.zero_one.value_and_grad([2.0, 0.0, -0.5, -3.0], [1, 1, 1, -1], reduction="none")
    >>> loss, grad
    (array([0., 1., 1., 0.]), array([0., 0., 0., 0.]))
    """
    return zero_one.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.perceptron,
    domain={"target": SIGNS},
    kinks=lambda: (0.0,),
    peers={"optax": "perceptron_loss"},
)
def perceptron(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Perceptron loss: a wrong sign costs as much as the score that bears it.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = max(0, -m)
        gradient = -target    if m < 0, else  0
        Hessian  = 0

    In NumPy: ``np.mean(np.maximum(0, -target * pred))``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink m = 0 the gradient is 0. It is `hinge` with a margin of 0. A model that always answers 0 is a minimum.

    References
    ----------
    F. Rosenblatt, The Perceptron: A Probabilistic Model for Information Storage and Organization in the Brain, Psychol.
    Rev. 65 (1958), https://doi.org/10.1037/h0042519

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.perceptron([-2.0, 0.0, 0.5, 3.0], [1, 1, -1, 1], reduction="none")
    array([2. , 0. , 0.5, 0. ])
    >>> loss, grad = fl.perceptron.value_and_grad([-2.0, 0.0, 0.5, 3.0], [1, 1, -1, 1], reduction="sum")
    >>> loss, grad
    (2.5, array([-1.,  0.,  1.,  0.]))
    """
    return perceptron.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.hinge,
    domain={"target": SIGNS, "margin": NON_NEGATIVE},
    examples=({}, {"margin": 0.25}),
    kinks=lambda margin=1.0: (margin,),
    peers={"optax": "hinge_loss"},
)
def hinge(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Hinge loss: a score must be right by a margin.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = max(0, margin - m)
        gradient = -target    if m < margin, else  0
        Hessian  = 0

    In NumPy: ``np.mean(np.maximum(0, margin - target * pred))``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    margin : float in {margin}
        The score, on the right side, from which on nothing is lost.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink m = margin the gradient is 0. The one subtraction is rounded once, in double.

    References
    ----------
    C. Cortes and V. Vapnik, Support-Vector Networks, Mach. Learn. 20 (1995), https://doi.org/10.1007/BF00994018

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge([-1.0, 0.0, 0.5, 1.0, 2.0], 1, reduction="none")
    array([2. , 1. , 0.5, 0. , 0. ])
    >>> loss, grad = fl.hinge.value_and_grad([0.25, 0.25, 3.0], [1, -1, 1], reduction="sum")
    >>> loss, grad
    (2.0, array([-1.,  1.,  0.]))
    """
    margin = hinge.parameter("margin", margin)
    return hinge.run(ask, (pred, target), (margin,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.squared_hinge,
    domain={"target": SIGNS, "margin": NON_NEGATIVE},
    examples=({}, {"margin": 0.25}),
    kinks=lambda margin=1.0: (margin,),
)
def squared_hinge(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Squared hinge loss: the square of what is missing to the margin.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = max(0, margin - m)^2
        gradient = -2 target max(0, margin - m)
        Hessian  = 2    if m < margin, else  0

    In NumPy: ``np.mean(np.maximum(0, margin - target * pred) ** 2)``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    margin : float in {margin}
        The score, on the right side, from which on nothing is lost.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: at m = margin both pieces have slope 0; the Hessian takes that of the flat one, 0. The square is taken in
    double: in float32 it overflows from m = -1.8e19 on, where the mean may well be a number.

    References
    ----------
    K.-W. Chang, C.-J. Hsieh and C.-J. Lin, Coordinate Descent Method for Large-scale L2-loss Linear Support Vector
    Machines, J. Mach. Learn. Res. 9 (2008), https://www.jmlr.org/papers/v9/chang08a.html

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.squared_hinge([-1.0, 0.0, 0.5, 1.0, 2.0], 1, reduction="none")
    array([4.  , 1.  , 0.25, 0.  , 0.  ])
    >>> loss, grad = fl.squared_hinge.value_and_grad([0.5, 0.5, 3.0], [1, -1, 1], reduction="sum")
    >>> loss, grad
    (2.5, array([-1.,  3.,  0.]))
    """
    margin = squared_hinge.parameter("margin", margin)
    return squared_hinge.run(ask, (pred, target), (margin,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.smoothed_hinge,
    domain={"target": SIGNS, "gamma": POSITIVE},
    examples=({}, {"gamma": 0.25}),
    kinks=lambda gamma=1.0: (1 - gamma, 1.0),
)
def smoothed_hinge(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    gamma: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Smoothed hinge loss: the hinge with a parabola for its corner.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = 0                        if m >= 1
                   (1 - m)^2 / (2 gamma)    between
                   1 - m - gamma / 2        if m <= 1 - gamma
        gradient = -target (1 - m) / gamma, the fraction clipped to [0, 1]
        Hessian  = 1 / gamma                if 1 - gamma < m < 1, else  0

    In NumPy: ``q = np.clip(1 - m, 0, gamma); np.mean(q * (np.maximum(0, 1 - m) - q / 2) / gamma)``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    gamma : float in {gamma}
        Width of the parabola. As it goes to 0, the loss becomes the hinge.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: where the pieces meet, their slopes are equal; the Hessian takes the straight side, 0. The kernel forms all
    pieces as q / gamma (q / 2 + excess), q = 1 - m clipped to [0, gamma] and excess = 1 - m - q if positive.

    References
    ----------
    J. D. M. Rennie and N. Srebro, Loss Functions for Preference Levels: Regression with Discrete Ordered Labels, IJCAI
    Workshop on Advances in Preference Handling (2005): gamma = 1. S. Shalev-Shwartz and T. Zhang, Stochastic Dual
    Coordinate Ascent Methods for Regularized Loss Minimization, J. Mach. Learn. Res. 14 (2013).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.smoothed_hinge([-1.0, 0.0, 0.5, 1.0, 2.0], 1, reduction="none")
    array([1.5  , 0.5  , 0.125, 0.   , 0.   ])
    >>> loss, grad = fl.smoothed_hinge.value_and_grad([0.5, 0.5, 3.0], [1, -1, 1], gamma=0.5, reduction="sum")
    >>> loss, grad
    (1.5, array([-1.,  1.,  0.]))
    """
    gamma = smoothed_hinge.parameter("gamma", gamma)
    return smoothed_hinge.run(ask, (pred, target), (gamma,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.modified_huber,
    domain={"target": SIGNS},
    kinks=lambda: (-1.0, 1.0),
)
def modified_huber(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Modified Huber loss: a squared hinge that goes on as a straight line.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = 0            if m >= 1
                   (1 - m)^2    between
                   -4 m         if m < -1
        gradient = -2 target (1 - m), with 1 - m clipped to [0, 2]
        Hessian  = 2            if -1 <= m < 1, else  0

    In NumPy: ``np.mean(np.where(m < -1, -4 * m, np.maximum(0, 1 - m) ** 2))``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: where the pieces meet, their slopes are equal; the Hessian takes 2 at m = -1 and 0 at m = 1. The score,
    clipped to [-1, 1], estimates 2 p - 1, with p the probability of target 1.

    References
    ----------
    T. Zhang, Solving Large Scale Linear Prediction Problems Using Stochastic Gradient Descent Algorithms, ICML (2004),
    https://doi.org/10.1145/1015330.1015332

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.modified_huber([-3.0, -1.0, 0.0, 0.5, 2.0], 1, reduction="none")
    array([12.  ,  4.  ,  1.  ,  0.25,  0.  ])
    >>> loss, grad = fl.modified_huber.value_and_grad([0.5, 0.5, 5.0], [1, -1, -1], reduction="sum")
    >>> loss, grad
    (22.5, array([-1.,  3.,  4.]))
    """
    return modified_huber.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.ramp,
    domain={"target": SIGNS, "s": Interval(-math.inf, 1, low_open=True, high_open=True)},
    examples=({}, {"s": 0.25}),
    kinks=lambda s=-1.0: (s, 1.0),
)
def ramp(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    s: float = -1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Ramp loss: the hinge, cut off where an element is hopeless.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = 0          if m >= 1
                   1 - m      between
                   1 - s      if m <= s
        gradient = -target    if s < m < 1, else  0
        Hessian  = 0

    In NumPy: ``np.mean(np.clip(1 - target * pred, 0, 1 - s))``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    s : float in {s}
        The score from which on, downwards, an element is given up.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kinks m = s and m = 1 the gradient is 0. It is bounded, so that no mislabelled element counts for more than
    1 - s; and it is not convex.

    References
    ----------
    R. Collobert, F. Sinz, J. Weston and L. Bottou, Trading Convexity for Scalability, ICML (2006),
    https://doi.org/10.1145/1143844.1143870

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ramp([-100.0, -1.0, 0.0, 0.5, 2.0], 1, reduction="none")
    array([2. , 2. , 1. , 0.5, 0. ])
    >>> loss, grad = fl.ramp.value_and_grad([0.5, 0.5, 5.0], [1, -1, -1], reduction="sum")
    >>> loss, grad
    (4.0, array([-1.,  1.,  0.]))
    """
    s = ramp.parameter("s", s)
    return ramp.run(ask, (pred, target), (s,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.unhinged,
    domain={"target": SIGNS},
    signed=True,
)
def unhinged(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Unhinged loss: the hinge without its flat part, which may be negative.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss = 1 - m        gradient = -target        Hessian = 0

    In NumPy: ``np.mean(1 - target * pred)``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Without bound below: it takes bounded scores, or a regulariser. Labels flipped at random, with a
    probability below 1/2, change its mean but not its minimum.

    References
    ----------
    B. van Rooyen, A. K. Menon and R. C. Williamson, Learning with Symmetric Label Noise: The Importance of Being
    Unhinged, NeurIPS 28 (2015), https://arxiv.org/abs/1505.07634

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.unhinged([-1.0, 0.0, 3.0], 1, reduction="none")
    array([ 2.,  1., -2.])
    >>> loss, grad = fl.unhinged.value_and_grad([0.5, 0.5], [1, -1], reduction="sum")
    >>> loss, grad
    (2.0, array([-1.,  1.]))
    """
    return unhinged.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.exponential,
    domain={"target": SIGNS},
    peers={"sklearn": Peer("ExponentialLoss", order=with_labels)},
)
def exponential(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Exponential loss, AdaBoost's: every unit of wrong costs e times as much.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = exp(-m)
        gradient = -target exp(-m)
        Hessian  = exp(-m)

    In NumPy: ``np.mean(np.exp(-target * pred))``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Computed in double, where it overflows below m = -709.78: loss and Hessian are then inf and the
    gradient -inf or inf, never nan. In float32 it would overflow below m = -88.7, where the mean may well be a number.

    References
    ----------
    Y. Freund and R. E. Schapire, A Decision-Theoretic Generalization of On-Line Learning and an Application to
    Boosting, J. Comput. Syst. Sci. 55 (1997), https://doi.org/10.1006/jcss.1997.1504

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.exponential([-3.0, 0.0, 3.0], 1, reduction="none")
    array([20.08553692,  1.        ,  0.04978707])
    >>> loss, grad = fl.exponential.value_and_grad([0.0, 0.0], [1, -1])
    >>> loss, grad
    (1.0, array([-0.5,  0.5]))
    """
    return exponential.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.soft_margin,
    domain={"target": SIGNS},
    peers={"torch": "soft_margin_loss", "sklearn": Peer("HalfBinomialLoss", order=with_labels)},
)
def soft_margin(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Logistic loss of a margin: minus the log of the right sign's probability.

    The loss of one element, its gradient and its second derivative, with m = target pred and
    sigma(x) = 1 / (1 + exp(-x))::

        loss     = log(1 + exp(-m))
        gradient = -target sigma(-m)
        Hessian  = sigma(m) sigma(-m)

    In NumPy: ``np.mean(np.log(1 + np.exp(-target * pred)))``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Made of e = exp(-abs(m)), which cannot overflow, as max(0, -m) + log1p(e): a confident, right
    score keeps its tail. With (target + 1) / 2 for target it is `binary_cross_entropy_with_logits`.

    References
    ----------
    D. R. Cox, The Regression Analysis of Binary Sequences, J. R. Statist. Soc. B 20 (1958),
    https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.soft_margin([-800.0, 0.0, 40.0], 1, reduction="none")
    array([8.00000000e+02, 6.93147181e-01, 4.24835426e-18])
    >>> loss, grad = fl.soft_margin.value_and_grad([-800.0, 0.0, 40.0], 1, reduction="sum")
    >>> loss, grad
    (800.6931471805599, array([-1.00000000e+00, -5.00000000e-01, -4.24835426e-18]))
    """
    return soft_margin.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.savage,
    domain={"target": SIGNS},
)
def savage(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Savage loss: the squared error of the right sign's probability.

    The loss of one element, its gradient and its second derivative, with m = target pred and
    sigma(x) = 1 / (1 + exp(-x))::

        loss     = sigma(-m)^2
        gradient = -2 target sigma(-m)^2 sigma(m)
        Hessian  = 2 sigma(-m)^2 sigma(m) (2 sigma(m) - sigma(-m))

    In NumPy: ``np.mean((1 / (1 + np.exp(target * pred))) ** 2)``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Bounded by 1, so that no mislabelled element counts for more; not convex: the Hessian is negative
    below m = -log(2). Around that zero it is formed from expm1(m + log(2)), with log(2) in two parts.

    References
    ----------
    H. Masnadi-Shirazi and N. Vasconcelos, On the Design of Loss Functions for Classification: Theory, Robustness to
    Outliers, and SavageBoost, NeurIPS 21 (2008).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.savage([-1000.0, 0.0, 20.0], 1, reduction="none")
    array([1.00000000e+00, 2.50000000e-01, 4.24835424e-18])
    >>> loss, grad = fl.savage.value_and_grad([0.0, 0.0], [1, -1])
    >>> loss, grad
    (0.25, array([-0.125,  0.125]))
    """
    return savage.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.tangent,
    domain={"target": SIGNS},
)
def tangent(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Tangent loss: bounded on both sides, with a price for being too right.

    The loss of one element, its gradient and its second derivative, with m = target pred::

        loss     = (2 atan(m) - 1)^2
        gradient = 4 target (2 atan(m) - 1) / (1 + m^2)
        Hessian  = 8 (1 - m (2 atan(m) - 1)) / (1 + m^2)^2

    In NumPy: ``np.mean((2 * np.arctan(target * pred) - 1) ** 2)``.

    Parameters
    ----------
    pred : array_like
        Scores; the sign is the answer.
    target : array_like in {target}
        The right signs; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; convex only between m = -0.513 and 1.256, the minimum at tan(1/2) = 0.546. Around these three
    points, where a difference would lose its digits, the kernel takes the arctangent of a small quotient.

    References
    ----------
    H. Masnadi-Shirazi, V. Mahadevan and N. Vasconcelos, On the Design of Robust Classifiers for Computer Vision, CVPR
    (2010), https://doi.org/10.1109/CVPR.2010.5540136

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tangent([-1e300, -1.0, 0.0, 1.0, 1e300], 1, reduction="none")
    array([17.15278971,  6.60899375,  1.        ,  0.32580845,  4.58641909])
    >>> loss, grad = fl.tangent.value_and_grad([0.0, 0.0, 1.0], [1, -1, 1], reduction="sum")
    >>> round(loss, 9), grad
    (2.325808447, array([-4.        ,  4.        ,  1.14159265]))
    """
    return tangent.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "input",
    "target",
    reference=reference.hinge_embedding,
    domain={"target": SIGNS, "margin": NON_NEGATIVE},
    examples=({}, {"margin": 0.25}),
    kinks=lambda margin=1.0: (-margin, margin),
    peers={"torch": "hinge_embedding_loss"},
    signed=True,
)
def hinge_embedding(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Hinge embedding loss, of a distance: like pairs close, unlike ones a margin apart.

    The loss of one element, its gradient and its second derivative, with x = input::

        loss     = x                     if target = 1
                   max(0, margin - x)    if target = -1
        gradient = 1                     if target = 1
                   -1                    if target = -1 and x <= margin
                   0                     if target = -1 and x > margin
        Hessian  = 0

    In NumPy: ``np.mean(np.where(target > 0, x, np.maximum(0, margin - x)))``.

    Parameters
    ----------
    input : array_like
        Distances, or whatever else is to be small for like pairs.
    target : array_like in {target}
        1 for a like pair, -1 for an unlike one; the shape of `input`, or a scalar.
    margin : float in {margin}
        The distance from which on an unlike pair is far enough apart.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink x = margin the gradient is -1, that of the closer pairs. The formulas hold below 0 as well, where no
    distance lies.

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR (2006),
    https://doi.org/10.1109/CVPR.2006.100: with squares.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hinge_embedding([0.25, 3.0, 0.25, 3.0], [1, 1, -1, -1], reduction="none")
    array([0.25, 3.  , 0.75, 0.  ])
    >>> loss, grad = fl.hinge_embedding.value_and_grad([0.25, 3.0, 0.25, 3.0], [1, 1, -1, -1], reduction="sum")
    >>> loss, grad
    (4.0, array([ 1.,  1., -1.,  0.]))
    """
    margin = hinge_embedding.parameter("margin", margin)
    return hinge_embedding.run(ask, (input, target), (margin,), weight, reduction, denominator, out)


@pointwise(
    "logits",
    "target",
    reference=reference.sparsemax_binary,
    domain={"target": LABELS},
    kinks=lambda: (-1.0, 1.0),
    peers={"optax": "sparsemax_loss"},
)
def sparsemax_binary(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Sparsemax loss of two classes: logistic loss for probabilities that reach 0 and 1.

    The loss of one element, its gradient and its second derivative, with s = (1 - 2 target) logits::

        loss     = 0                if s <= -1
                   (1 + s)^2 / 4    between
                   s                if s >= 1
        gradient = (1 - 2 target) (1 + s) / 2, the fraction clipped to [0, 1]
        Hessian  = 1/2              if abs(s) < 1, else  0

    In NumPy: ``np.mean(np.where(s < 1, np.maximum(0, 1 + s) ** 2 / 4, s))``.

    Parameters
    ----------
    logits : array_like
        Scores: the probability of a yes is (1 + logits) / 2, clipped to [0, 1].
    target : array_like in {target}
        1 for yes, 0 for no; the shape of `logits`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: where the pieces meet, their slopes are equal; the Hessian takes the straight side, 0. It is a quarter of
    `modified_huber`, at labels 0 and 1.

    References
    ----------
    M. Blondel, A. F. T. Martins and V. Niculae, Learning with Fenchel-Young Losses, J. Mach. Learn. Res. 21 (2020),
    https://jmlr.org/papers/v21/19-021.html

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.sparsemax_binary([-3.0, -1.0, 0.0, 0.5, 3.0], 1, reduction="none")
    array([3.    , 1.    , 0.25  , 0.0625, 0.    ])
    >>> loss, grad = fl.sparsemax_binary.value_and_grad([-3.0, 0.0, 0.5], [1, 0, 1], reduction="sum")
    >>> loss, grad
    (3.3125, array([-1.  ,  0.5 , -0.25]))
    """
    return sparsemax_binary.run(ask, (logits, target), (), weight, reduction, denominator, out)
