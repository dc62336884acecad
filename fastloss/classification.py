"""Binary classification losses: how badly a score or a probability fits a yes or a no."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastloss.arrays import NON_NEGATIVE, Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import classification as reference

__all__ = [
    "asymmetric",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "brier",
    "focal",
    "quality_focal",
    "soft_binary_cross_entropy",
    "varifocal",
]

ONE = np.ones((), np.float32)


@pointwise("pred", "target", reference=reference.brier, domain={"pred": Interval(0, 1), "target": Interval(0, 1)})
def brier(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Brier score, the squared error of a probability.

    The loss of one element, its gradient and its second derivative, with p = pred and t = target::

        loss = (p - t)^2        gradient = 2 (p - t)        Hessian = 2

    In NumPy: ``np.mean((p - t) ** 2)``.

    Parameters
    ----------
    pred : array_like in {pred}
        Probabilities of a yes.
    target : array_like in {target}
        1 for yes, 0 for no, or the probability of yes; the shape of `pred`, or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. It is lowest on average for the true probability (strictly proper), and at most 1 where
    `binary_cross_entropy` has no bound.

    References
    ----------
    G. W. Brier, Verification of Forecasts Expressed in Terms of Probability, Mon. Weather Rev. 78 (1950).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.brier([0.9, 0.6, 0.25], 1.0, reduction="none")
    array([0.01  , 0.16  , 0.5625])
    >>> loss, grad = fl.brier.value_and_grad([0.5, 0.75], [1, 0], reduction="sum")
    >>> loss, grad
    (0.8125, array([-1. ,  1.5]))
    """
    return brier.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.binary_cross_entropy,
    domain={"pred": Interval(0, 1), "target": Interval(0, 1), "label_smoothing": Interval(0, 1)},
    examples=({}, {"label_smoothing": 0.125}),
    peers={"torch": "binary_cross_entropy"},
)
def binary_cross_entropy(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    ignore_index: float | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Binary cross-entropy of a probability: how badly it fits a yes or a no.

    The loss of one element, its gradient and its second derivative, with p = pred and t = target::

        loss     = -(t log p + (1 - t) log(1 - p))
        gradient = (1 - t) / (1 - p) - t / p
        Hessian  = (1 - t) / (1 - p)^2 + t / p^2

    where a term with factor 0 is 0. In NumPy: ``-np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))``.

    Parameters
    ----------
    pred : array_like in {pred}
        Probabilities of a yes.
    target : array_like in {target}
        1 for yes, 0 for no, or the probability of yes; the shape of `pred`, or a scalar.
    label_smoothing : float in {label_smoothing}
        Moves the targets towards 1/2: t becomes t (1 - label_smoothing) + label_smoothing / 2.
    ignore_index : float, optional
        Elements whose target is this number, in the domain or not, are invisible.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Nothing is clamped: value and gradient are those of the probability given, and what was given
    probability 0 and happens costs inf. log(1 - p) is log1p(-p), which keeps a small p, and the gradient is (p - t) /
    (p (1 - p)). A p close to 1 has rounded its distance from 1 before it comes here, which a logit has not: see
    `binary_cross_entropy_with_logits`.

    References
    ----------
    I. J. Good, Rational Decisions, J. R. Statist. Soc. B 14 (1952): the logarithmic score of a Bernoulli probability.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.binary_cross_entropy(0.01, 1), 9)
    4.605170186
    >>> loss, grad = fl.binary_cross_entropy.value_and_grad([0.01, 1e-60, 0.0], [1, 1, 1], reduction="none")
    >>> loss, grad
    (array([  4.60517019, 138.15510558,          inf]), array([-1.e+02, -1.e+60,    -inf]))
    """
    loss = binary_cross_entropy
    smoothing = loss.parameter("label_smoothing", label_smoothing)
    if ignore_index is not None:
        ignore_index = loss.parameter("ignore_index", ignore_index)
    return loss.run(ask, (pred, target), (smoothing,), weight, reduction, denominator, out, ignore_index)


@pointwise(
    "logits",
    "target",
    "pos_weight",
    reference=reference.binary_cross_entropy_with_logits,
    domain={
        "target": Interval(0, 1),
        "pos_weight": NON_NEGATIVE,
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
    params = (smoothing, float(pos_weight is None))
    return loss.run(ask, inputs, params, weight, reduction, denominator, out, ignore_index)


@pointwise(
    "logits",
    "target",
    "pos_weight",
    reference=reference.soft_binary_cross_entropy,
    domain={
        "target": Interval(0, 1),
        "smooth_factor": Interval(0, 0.5),
        "pos_weight": NON_NEGATIVE,
    },
    examples=({}, {"smooth_factor": 0.125}, {"smooth_factor": 0.25, "pos_weight": 3.0}),
    peers={"torch": "binary_cross_entropy_with_logits", "optax": "sigmoid_binary_cross_entropy"},
)
def soft_binary_cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    smooth_factor: float | None = None,
    pos_weight: ArrayLike | None = None,
    ignore_index: float | None = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Soft binary cross-entropy: that of labels drawn towards each other, as in segmentation.

    The loss of one element, its gradient and its second derivative are those of `binary_cross_entropy_with_logits` for
    t = (1 - smooth_factor) target + smooth_factor (1 - target), with x = logits, w = pos_weight::

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
    smooth_factor : float in {smooth_factor}, optional
        What a yes loses and a no gains: a label_smoothing of twice as much. None is 0.
    pos_weight : array_like in {pos_weight}, optional
        Weight of the yes part, broadcast to the shape of `logits`.
    ignore_index : float, optional
        Elements whose target is this number, in the domain or not, are invisible. None: there is no such number.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Why it is stable is said at `binary_cross_entropy_with_logits`. The mean is over what is not
    ignored; ``denominator=target.size`` gives the mean over all pixels that segmentation_models_pytorch takes.

    References
    ----------
    C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, Rethinking the Inception Architecture for Computer
    Vision, CVPR (2016).

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.soft_binary_cross_entropy([2.0, 0.0], [1, -100], smooth_factor=0.1), 9)
    0.326928011
    >>> loss, grad = fl.soft_binary_cross_entropy.value_and_grad([0.0, 0.0], [1, -100], smooth_factor=0.25)
    >>> loss, grad
    (0.6931471805599453, array([-0.25,  0.  ]))
    """
    loss = soft_binary_cross_entropy
    smoothing = 0.0 if smooth_factor is None else 2 * loss.parameter("smooth_factor", smooth_factor)
    if ignore_index is not None:
        ignore_index = loss.parameter("ignore_index", ignore_index)
    inputs = (logits, target, ONE if pos_weight is None else pos_weight)
    params = (smoothing, float(pos_weight is None))
    return loss.run(ask, inputs, params, weight, reduction, denominator, out, ignore_index)


@pointwise(
    "logits",
    "target",
    reference=reference.focal,
    domain={"target": Interval(0, 1), "gamma": NON_NEGATIVE, "alpha": Interval(0, 1)},
    examples=({}, {"gamma": 0.5, "alpha": 0.25}, {"gamma": 5.0}),
    peers={"optax": "sigmoid_focal_loss"},
)
def focal(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    gamma: float = 2.0,
    alpha: float | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Focal loss: binary cross-entropy that pays little attention to what is right already.

    The loss of one element, its gradient and its second derivative, with x = logits, t = target, p = sigma(x) =
    1 / (1 + exp(-x)), q = 1 - p, m = t q + (1 - t) p the probability that the answer is missed, m' = (1 - 2t) p q and
    c = -(t log p + (1 - t) log q)::

        loss     = m^gamma c
        gradient = m^gamma (p - t) + gamma m^(gamma-1) m' c
        Hessian  = m^gamma p q + 2 gamma m^(gamma-1) m' (p - t)
                   + (gamma (gamma - 1) m^(gamma-2) m'^2 + gamma m^(gamma-1) m' (q - p)) c

    all times alpha t + (1 - alpha) (1 - t) where alpha is given. For a yes the loss is -(1 - p)^gamma log p.
    In NumPy: ``np.mean((t * (1 - p) + (1 - t) * p) ** gamma * -(t * np.log(p) + (1 - t) * np.log(1 - p)))``.

    Parameters
    ----------
    logits : array_like
        Scores, log-odds of a yes; infinite ones take their limit.
    target : array_like in {target}
        1 for yes, 0 for no, or the probability of yes; the shape of `logits`, or a scalar.
    gamma : float in {gamma}
        How fast the attention falls with m. At 0 it is `binary_cross_entropy_with_logits`.
    alpha : float in {alpha}, optional
        The weight of a yes; that of a no is 1 - alpha. None gives both the weight 1.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The power is taken as the exponential of gamma log m, and log m, which it amplifies up to 700
    times, is computed to 64 bits from exp(-abs(x)), without 1 - p: a confident, right score keeps its tail. The Hessian
    is negative where an answer is wrong enough; boosting needs a lower bound, such as ``np.maximum(hess, 1e-16)``.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, Focal Loss for Dense Object Detection, ICCV (2017),
    https://arxiv.org/abs/1708.02002

    Examples
    --------
    >>> import fastloss as fl
    >>> import numpy as np
    >>> p = np.array([0.9, 0.1])
    >>> fl.focal(np.log(p / (1 - p)), 1, reduction="none").round(10)
    array([1.05360520e-03, 1.86509393e+00])
    >>> loss, grad = fl.focal.value_and_grad([0.0, 40.0], [1, 1], reduction="none")
    >>> loss, grad
    (array([1.73286795e-01, 7.66764807e-53]), array([-2.98286795e-01, -2.30029442e-52]))
    >>> grad, hess = fl.focal.grad_hess([0.0, 40.0], [1, 1])
    >>> hess
    array([3.99143398e-01, 6.90088327e-52])
    """
    gamma = focal.parameter("gamma", gamma)
    if alpha is None:
        if gamma == 0:
            return _plain(ask, logits, target, weight, reduction, denominator, out)
        alpha = -1.0  # to the kernel
    else:
        alpha = focal.parameter("alpha", alpha)
    return focal.run(ask, (logits, target), (gamma, alpha), weight, reduction, denominator, out)


@pointwise(
    "logits",
    "target",
    reference=reference.varifocal,
    domain={"target": Interval(0, 1), "alpha": Interval(0, 1), "gamma": NON_NEGATIVE},
    examples=({}, {"alpha": 0.25, "gamma": 0.5}),
)
def varifocal(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.75,
    gamma: float = 2.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Varifocal loss: a yes counts by its target, a no by how much it was taken for a yes.

    The loss of one element, its gradient and its second derivative, with x = logits, t = target, p = sigma(x) =
    1 / (1 + exp(-x)) and the factor f, which counts as a constant::

        f        = t for t > 0, alpha p^gamma for t = 0
        loss     = -f (t log p + (1 - t) log(1 - p))
        gradient = f (p - t)
        Hessian  = f p (1 - p)

    In NumPy: ``f = np.where(t > 0, t, alpha * p**gamma); -np.mean(f * (t * np.log(p) + (1 - t) * np.log(1 - p)))``.

    Parameters
    ----------
    logits : array_like
        Scores, log-odds of a yes; infinite ones take their limit.
    target : array_like in {target}
        How good a yes is, such as the overlap of a box with its object, or 0 for no; the shape of `logits`, or a
        scalar.
    alpha : float in {alpha}
        The weight of a no.
    gamma : float in {gamma}
        How fast the attention to a no falls with p.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere in x; in t it jumps at 0. As in `focal`, 1 - p is nowhere formed, and the logarithm under the
    power has 64 bits.

    References
    ----------
    H. Zhang, Y. Wang, F. Dayoub and N. Sünderhauf, VarifocalNet: An IoU-aware Dense Object Detector, CVPR (2021),
    https://arxiv.org/abs/2008.13367

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.varifocal(2.0, [1.0, 0.5, 0.0], reduction="none")
    array([0.12692801, 0.56346401, 1.23755863])
    >>> loss, grad = fl.varifocal.value_and_grad([0.0, 0.0], [1.0, 0.0], reduction="none")
    >>> grad
    array([-0.5    ,  0.09375])
    """
    params = (varifocal.parameter("alpha", alpha), varifocal.parameter("gamma", gamma))
    return varifocal.run(ask, (logits, target), params, weight, reduction, denominator, out)


@pointwise(
    "logits",
    "target",
    reference=reference.quality_focal,
    domain={"target": Interval(0, 1), "beta": NON_NEGATIVE},
    examples=({}, {"beta": 0.5}, {"beta": 1.0}, {"beta": 3.0}),
)
def quality_focal(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 2.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Quality focal loss: the focal loss of a target that is a quality from 0 to 1.

    The loss of one element, its gradient and its second derivative, with x = logits, t = target, p = sigma(x) =
    1 / (1 + exp(-x)), d = abs(t - p), h = p (1 - p) and c = -(t log p + (1 - t) log(1 - p))::

        loss     = d^beta c
        gradient = d^beta (p - t) + beta d^(beta-1) sign(p - t) h c
        Hessian  = d^(beta-2) (beta (beta-1) h^2 c + beta (p - t) h (1 - 2p) c + (2 beta + 1) (p - t)^2 h)

    In NumPy: ``np.mean(abs(t - p) ** beta * -(t * np.log(p) + (1 - t) * np.log(1 - p)))``.

    Parameters
    ----------
    logits : array_like
        Scores, log-odds of a yes; infinite ones take their limit.
    target : array_like in {target}
        What sigma(x) should be; the shape of `logits`, or a scalar.
    beta : float in {beta}
        How fast the attention falls with the distance. At 0 it is `binary_cross_entropy_with_logits`.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink p = t, which is one for beta <= 1, the gradient is 0; the Hessian there is infinite for beta < 2, but 0
    for beta = 1. For t = 0 and t = 1 it is `focal` with gamma = beta. The distance is formed to 64 bits, from
    exp(-abs(x)) and without 1 - p, because the power multiplies what is wrong with its logarithm.

    References
    ----------
    X. Li, W. Wang, L. Wu, S. Chen, X. Hu, J. Li, J. Tang and J. Yang, Generalized Focal Loss: Learning Qualified and
    Distributed Bounding Boxes for Dense Object Detection, NeurIPS (2020), https://arxiv.org/abs/2006.04388

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.quality_focal(0.0, [1.0, 0.75, 0.5], reduction="none")
    array([0.1732868, 0.0433217, 0.       ])
    >>> loss, grad = fl.quality_focal.value_and_grad([0.0, 0.0], [1.0, 0.5], reduction="none")
    >>> grad
    array([-0.2982868,  0.       ])
    """
    beta = quality_focal.parameter("beta", beta)
    if beta == 0:
        return _plain(ask, logits, target, weight, reduction, denominator, out)
    return quality_focal.run(ask, (logits, target), (beta,), weight, reduction, denominator, out)


@pointwise(
    "logits",
    "target",
    reference=reference.asymmetric,
    domain={
        "target": Interval(0, 1),
        "gamma_pos": NON_NEGATIVE,
        "gamma_neg": NON_NEGATIVE,
        "clip": Interval(0, 1),
    },
    examples=({}, {"gamma_pos": 0.0, "clip": 0.0}, {"gamma_neg": 0.0}, {"gamma_neg": 0.5, "clip": 0.25}),
    kinks=lambda clip=0.05: (math.log(clip / (1 - clip)),) if 0 < clip < 1 else (),
)
def asymmetric(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    gamma_pos: float = 1.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Asymmetric loss: a focal loss for each answer, where a no that is nearly certain costs nothing at all.

    The loss of one element, its gradient and its second derivative, with x = logits, t = target, p = sigma(x) =
    1 / (1 + exp(-x)), n = max(p - clip, 0), f(p) = -(1 - p)^gamma_pos log p and g(n) = -n^gamma_neg log(1 - n)::

        loss     = t f(p) + (1 - t) g(n)
        gradient = (t f'(p) + (1 - t) g'(n)) p (1 - p)
        Hessian  = (t f''(p) + (1 - t) g''(n)) (p (1 - p))^2 + (t f'(p) + (1 - t) g'(n)) p (1 - p) (1 - 2p)

    where g' and g'' are 0 for p <= clip. In NumPy:
    ``np.mean(-t * (1 - p) ** gamma_pos * np.log(p) - (1 - t) * n**gamma_neg * np.log(1 - n))``.

    Parameters
    ----------
    logits : array_like
        Scores, log-odds of a yes; infinite ones take their limit.
    target : array_like in {target}
        1 for yes, 0 for no, or the probability of yes; the shape of `logits`, or a scalar.
    gamma_pos : float in {gamma_pos}
        How fast the attention to a yes falls as it becomes right.
    gamma_neg : float in {gamma_neg}
        The same of a no.
    clip : float in {clip}
        Up to this probability of yes a no costs nothing.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink p = clip, which is one for gamma_neg = 0, the gradient of a no is 0. As in `focal`, 1 - p is nowhere
    formed, and the logarithms under the powers have 64 bits. Close to the kink p - clip would lose its digits; there
    it is computed from x - log(clip / (1 - clip)), with the logarithm to 150 bits.

    References
    ----------
    T. Ridnik, E. Ben-Baruch, N. Zamir, A. Noy, I. Friedman, M. Protter and L. Zelnik-Manor, Asymmetric Loss For
    Multi-Label Classification, ICCV (2021), https://arxiv.org/abs/2009.14119

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.asymmetric([0.0, 0.0, -3.0], [1, 0, 0], reduction="none")
    array([0.34657359, 0.02451505, 0.        ])
    >>> loss, grad = fl.asymmetric.value_and_grad([0.0, 0.0, -3.0], [1, 0, 0], reduction="none")
    >>> grad
    array([-0.4232868,  0.0731171,  0.       ])
    """
    loss = asymmetric
    gammas = (loss.parameter("gamma_pos", gamma_pos), loss.parameter("gamma_neg", gamma_neg))
    clip = loss.parameter("clip", clip)
    return loss.run(ask, (logits, target), (*gammas, clip, *_kink(clip)), weight, reduction, denominator, out)


@lru_cache(256)
def _kink(clip: float) -> tuple[float, float, float]:
    """Where sigma(x) = clip, in three parts.

    >>> _kink(0.5), _kink(0.05)[0]
    ((0.0, 0.0, 0.0), -2.9444389791664403)
    """
    if not 0 < clip < 1:
        return (math.inf if clip else -math.inf, 0.0, 0.0)
    with localcontext(prec=80):
        exact = (Decimal(clip) / (1 - Decimal(clip))).ln()
        high = float(exact)
        low = float(exact - Decimal(high))
        return high, low, float(exact - Decimal(high) - Decimal(low))


def _plain(ask: int, logits: Any, target: Any, weight: Any, reduction: Any, denominator: Any, out: Any) -> Any:
    """What a focal loss is without its power: neither smoothed nor with a pos_weight."""
    loss = binary_cross_entropy_with_logits
    return loss.run(ask, (logits, target, ONE), (0.0, 1.0), weight, reduction, denominator, out)
