"""Robust regression losses: distances of a prediction from its target that outliers pull at less, or not at all."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import POSITIVE, Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import robust as reference

__all__ = [
    "adaptive_wing",
    "cauchy",
    "charbonnier",
    "fair",
    "geman_mcclure",
    "general_robust",
    "log_cosh",
    "pseudo_huber",
    "tukey_biweight",
    "welsch",
    "wing",
]


@pointwise(
    "pred",
    "target",
    reference=reference.charbonnier,
    domain={"eps": POSITIVE},
    examples=({}, {"eps": 1.5}),
)
def charbonnier(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    eps: float = 1e-3,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Charbonnier's loss: the absolute error with its corner rounded off.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = sqrt(r^2 + eps^2)
        gradient = r / sqrt(r^2 + eps^2)
        Hessian  = eps^2 / (r^2 + eps^2)^(3/2)

    In NumPy: ``np.mean(np.sqrt(r**2 + eps**2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    eps : float in {eps}
        The residual, in units of `pred`, below which the loss is round.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; the least loss is `eps`, at r = 0. The kernel divides abs(r) by `eps` before it squares, in two
    parts, so that no square over- or underflows.

    References
    ----------
    P. Charbonnier, L. Blanc-Féraud, G. Aubert and M. Barlaud, Two deterministic half-quadratic regularization
    algorithms for computed imaging, ICIP (1994), https://doi.org/10.1109/ICIP.1994.413553; of images, W.-S. Lai et al.,
    Deep Laplacian Pyramid Networks, CVPR (2017), https://arxiv.org/abs/1704.03915

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.charbonnier([4.0, 0.0], 0.0, eps=3.0, reduction="none")
    array([5., 3.])
    >>> loss, grad = fl.charbonnier.value_and_grad([4.0, 0.0], [0.0, 0.0], eps=3.0, reduction="sum")
    >>> loss, grad
    (8.0, array([0.8, 0. ]))
    """
    eps = charbonnier.parameter("eps", eps)
    return charbonnier.run(ask, (pred, target), (eps,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.pseudo_huber,
    domain={"delta": POSITIVE},
    examples=({}, {"delta": 0.25}),
)
def pseudo_huber(
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
    """Pseudo-Huber loss: Huber's parabola and straight lines, without a seam.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = delta^2 (sqrt(1 + (r / delta)^2) - 1)
        gradient = r / sqrt(1 + (r / delta)^2)
        Hessian  = (1 + (r / delta)^2)^(-3/2)

    In NumPy: ``np.mean(delta**2 * (np.sqrt(1 + (r / delta) ** 2) - 1))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    delta : float in {delta}
        The residual, in units of `pred`, around which the parabola becomes straight, with slope `delta`.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The root less 1 would be all rounding for a small r: the kernel computes r^2 / (1 + sqrt(1 +
    u^2)) with u = r / delta, and never squares a large r.

    References
    ----------
    R. Hartley and A. Zisserman, Multiple View Geometry in Computer Vision, Cambridge University Press (2003), appendix
    6.8

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pseudo_huber([0.75, -0.75, 1e-9], 0.0, reduction="none")
    array([2.5e-01, 2.5e-01, 5.0e-19])
    >>> loss, grad = fl.pseudo_huber.value_and_grad([0.75, -0.75], [0.0, 0.0], reduction="sum")
    >>> loss, grad
    (0.5, array([ 0.6, -0.6]))
    """
    delta = pseudo_huber.parameter("delta", delta)
    return pseudo_huber.run(ask, (pred, target), (delta,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.log_cosh,
    peers={"optax": "log_cosh"},
)
def log_cosh(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Log-cosh: a parabola that becomes a straight line, with nothing to choose.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = log(cosh(r))
        gradient = tanh(r)
        Hessian  = 1 - tanh(r)^2

    In NumPy: ``np.mean(np.log(np.cosh(r)))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The kernel computes abs(r) - log(2) + log1p(exp(-2 abs(r))) for abs(r) >= 3/4 and a polynomial in
    r^2 below, where the difference would be all rounding; the Hessian is 4 e / (1 + e)^2 with e = exp(-2 abs(r)), which
    keeps its tail.

    References
    ----------
    P. J. Green, Bayesian Reconstructions from Emission Tomography Data Using a Modified EM Algorithm, IEEE Trans. Med.
    Imaging 9 (1990), https://doi.org/10.1109/42.52985

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.log_cosh([100.0, 1e-9], 0.0, reduction="none")  # 100 - log(2), and r^2 / 2
    array([9.93068528e+01, 5.00000000e-19])
    >>> loss, grad = fl.log_cosh.value_and_grad([1.0, -1000.0], [0.0, 0.0], reduction="sum")
    >>> round(loss, 10), grad
    (999.7406336499, array([ 0.76159416, -1.        ]))
    """
    return log_cosh.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.fair,
    domain={"c": POSITIVE},
    examples=({}, {"c": 0.25}),
)
def fair(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    c: float = 1.3998,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Fair's loss: a parabola that becomes a straight line, ever more slowly.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = c^2 (abs(r) / c - log(1 + abs(r) / c))
        gradient = c r / (c + abs(r))
        Hessian  = (c / (c + abs(r)))^2

    In NumPy: ``u = abs(r) / c; np.mean(c**2 * (u - np.log1p(u)))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    c : float in {c}
        The residual, in units of `pred`, whose slope is half of the greatest, c. With the default a fit is 95 % as
        efficient as least squares where the errors are Gaussian of variance 1.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. For small u = abs(r) / c the difference would be all rounding: the kernel sums its series below
    1/256, and above takes the logarithm to ten bits more than a double has.

    References
    ----------
    R. C. Fair, On the Robust Estimation of Econometric Models, Ann. Econ. Soc. Meas. 3 (1974),
    https://www.nber.org/chapters/c10204

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.fair([1.0, -1.0, 1e-9], 0.0, c=1.0, reduction="none")  # 1 - log(2), and r^2 / 2
    array([3.06852819e-01, 3.06852819e-01, 5.00000000e-19])
    >>> loss, grad = fl.fair.value_and_grad([6.0, -2.0], [0.0, 0.0], c=2.0, reduction="sum")
    >>> round(loss, 10), grad
    (7.6822338333, array([ 1.5, -1. ]))
    """
    c = fair.parameter("c", c)
    return fair.run(ask, (pred, target), (c,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.cauchy,
    domain={"c": POSITIVE},
    examples=({}, {"c": 0.25}),
)
def cauchy(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    c: float = 2.3849,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Cauchy's (Lorentzian) loss: an outlier costs no more than a logarithm.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = c^2 / 2 log(1 + (r / c)^2)
        gradient = r / (1 + (r / c)^2)
        Hessian  = (1 - (r / c)^2) / (1 + (r / c)^2)^2

    In NumPy: ``np.mean(c**2 / 2 * np.log1p((r / c) ** 2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    c : float in {c}
        The residual, in units of `pred`, at which the slope is greatest. With the default a fit is 95 % as efficient as
        least squares where the errors are Gaussian of variance 1.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; not convex beyond abs(r) = c. The kernel squares r / c in two parts, and a large one not at all:
    the gradient c^2 / r stays a number.

    References
    ----------
    M. J. Black and P. Anandan, The Robust Estimation of Multiple Motions, Comput. Vis. Image Underst. 63 (1996),
    https://doi.org/10.1006/cviu.1996.0006

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cauchy([1.0, 10.0, 100.0], 0.0, c=1.0, reduction="none")
    array([0.34657359, 2.30756026, 4.60522018])
    >>> loss, grad = fl.cauchy.value_and_grad([2.0, -14.0], [0.0, 0.0], c=2.0, reduction="sum")
    >>> round(loss, 10), grad
    (9.210340372, array([ 1.  , -0.28]))
    """
    c = cauchy.parameter("c", c)
    return cauchy.run(ask, (pred, target), (c,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.geman_mcclure,
    domain={"c": POSITIVE},
    examples=({}, {"c": 0.25}),
)
def geman_mcclure(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    c: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Geman-McClure loss: no residual costs more than c^2 / 2.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = r^2 / 2 / (1 + (r / c)^2)
        gradient = r / (1 + (r / c)^2)^2
        Hessian  = (1 - 3 (r / c)^2) / (1 + (r / c)^2)^3

    In NumPy: ``np.mean(r**2 / 2 / (1 + (r / c) ** 2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    c : float in {c}
        The residual, in units of `pred`, that costs half as much as the worst.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; not convex beyond abs(r) = c / sqrt(3). The kernel carries r / c in two parts, so that the
    Hessian keeps its digits where it changes sign, and uses c / r for abs(r) > c.

    References
    ----------
    S. Geman and D. E. McClure, Statistical Methods for Tomographic Image Reconstruction, Bull. Int. Stat. Inst. 52
    (1987)

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.geman_mcclure([0.5, 1.0, 2.0, 1e200], 0.0, reduction="none")
    array([0.1 , 0.25, 0.4 , 0.5 ])
    >>> loss, grad = fl.geman_mcclure.value_and_grad([1.0, -3.0], [0.0, 0.0], reduction="sum")
    >>> loss, grad
    (0.7, array([ 0.25, -0.03]))
    """
    c = geman_mcclure.parameter("c", c)
    return geman_mcclure.run(ask, (pred, target), (c,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.welsch,
    domain={"c": POSITIVE},
    examples=({}, {"c": 0.25}),
)
def welsch(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    c: float = 2.9846,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Welsch's (Leclerc's) loss: a well in the shape of Gauss's bell.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = c^2 / 2 (1 - exp(-(r / c)^2))
        gradient = r exp(-(r / c)^2)
        Hessian  = (1 - 2 (r / c)^2) exp(-(r / c)^2)

    In NumPy: ``np.mean(-(c**2) / 2 * np.expm1(-((r / c) ** 2)))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    c : float in {c}
        The width of the well, in units of `pred`. With the default a fit is 95 % as efficient as least squares where
        the errors are Gaussian of variance 1.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; not convex beyond abs(r) = c / sqrt(2). The kernel uses expm1 and carries the square of r / c in
    two parts: as an exponent of -700 its rounding would cost the gradient hundreds of ULP.

    References
    ----------
    J. E. Dennis and R. E. Welsch, Techniques for Nonlinear Least Squares and Robust Regression, Comm. Statist.
    Simulation Comput. 7 (1978), https://doi.org/10.1080/03610917808812083

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.welsch([1.0, 7.0, 1e-9], 0.0, c=1.0, reduction="none")
    array([3.16060279e-01, 5.00000000e-01, 5.00000000e-19])
    >>> loss, grad = fl.welsch.value_and_grad([1.0, -7.0], [0.0, 0.0], c=1.0, reduction="sum")
    >>> round(loss, 10), grad
    (0.8160602794, array([ 3.67879441e-01, -3.67001996e-21]))
    """
    c = welsch.parameter("c", c)
    return welsch.run(ask, (pred, target), (c,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.tukey_biweight,
    domain={"c": POSITIVE},
    examples=({}, {"c": 1.5}),
    kinks=lambda c=4.685: (-c, c),
)
def tukey_biweight(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    c: float = 4.685,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Tukey's biweight: an outlier beyond c has no influence at all.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = c^2 / 6 (1 - (1 - (r / c)^2)^3)          if abs(r) <= c, else  c^2 / 6
        gradient = r (1 - (r / c)^2)^2                      if abs(r) <= c, else  0
        Hessian  = (1 - (r / c)^2) (1 - 5 (r / c)^2)        if abs(r) <= c, else  0

    In NumPy: ``np.mean(c**2 / 6 * (1 - np.maximum(1 - (r / c) ** 2, 0) ** 3))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    c : float in {c}
        The residual, in units of `pred`, from which on nothing more is heard. With the default a fit is 95 % as
        efficient as least squares where the errors are Gaussian of variance 1.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere: at abs(r) = c value, gradient and Hessian meet those beyond. Not convex beyond abs(r) = c /
    sqrt(5). The kernel computes r^2 / 6 (1 + d + d^2) with d = 1 - (r / c)^2, which no small r cancels, and carries r /
    c in two parts for the Hessian.

    References
    ----------
    A. E. Beaton and J. W. Tukey, The Fitting of Power Series, Meaning Polynomials, Illustrated on Band-Spectroscopic
    Data, Technometrics 16 (1974), https://doi.org/10.1080/00401706.1974.10489171

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.tukey_biweight([1.0, 2.0, 7.0], 0.0, c=2.0, reduction="none")
    array([0.38541667, 0.66666667, 0.66666667])
    >>> loss, grad = fl.tukey_biweight.value_and_grad([-1.0, 7.0], [0.0, 0.0], c=2.0, reduction="sum")
    >>> loss, grad
    (1.0520833333333333, array([-0.5625,  0.    ]))
    """
    c = tukey_biweight.parameter("c", c)
    return tukey_biweight.run(ask, (pred, target), (c,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.general_robust,
    domain={"alpha": Interval(-math.inf, math.inf, high_open=True), "c": POSITIVE},
    examples=({}, {"alpha": 2.0}, {"alpha": 1.5}, {"alpha": 0.0, "c": 0.25}, {"alpha": -2.0, "c": 3.0}),
)
def general_robust(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 1.0,
    c: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """The general robust loss: from a parabola to a well, by one number.

    The loss of one element, its gradient and its second derivative, with x = (pred - target) / c and
    b = abs(alpha - 2)::

        loss     = b / alpha ((1 + x^2 / b)^(alpha / 2) - 1)
        gradient = x / c (1 + x^2 / b)^(alpha / 2 - 1)
        Hessian  = 1 / c^2 (1 + x^2 / b)^(alpha / 2 - 2) (1 + (alpha - 1) x^2 / b)

    In NumPy: ``b = abs(alpha - 2); np.mean(b / alpha * ((1 + (r / c) ** 2 / b) ** (alpha / 2) - 1))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    alpha : float in {alpha}
        The shape. At 2, 0 and -inf the loss is its limit: x^2 / 2, log(1 + x^2 / 2), 1 - exp(-x^2 / 2). At 2, 1, 0, -2
        and -inf it is half the squared error, `pseudo_huber`, `cauchy`, `geman_mcclure` and `welsch`, in units of c^2
        and with a c of theirs that is 1, 1, sqrt(2), 2 and sqrt(2) times as long.
    c : float in {c}
        The residual, in units of `pred`, below which the loss is nearly x^2 / 2 whatever the shape.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; not convex for alpha < 1. The kernel computes expm1(alpha / 2 log1p(x^2 / b)) with its argument
    in two parts. It needs no switch to the limits near them: they are reached to the last digit.

    References
    ----------
    J. T. Barron, A General and Adaptive Robust Loss Function, CVPR (2019), https://arxiv.org/abs/1701.03077

    Examples
    --------
    >>> import fastloss as fl
    >>> [round(fl.general_robust(2.0, 0.0, alpha=alpha), 6) for alpha in (2, 1, 0, -2, float("-inf"))]
    [2.0, 1.236068, 1.098612, 1.0, 0.864665]
    >>> loss, grad = fl.general_robust.value_and_grad([2.0, -2.0], [0.0, 0.0], alpha=-2.0, reduction="sum")
    >>> loss, grad
    (2.0, array([ 0.5, -0.5]))
    """
    alpha = general_robust.parameter("alpha", alpha)
    c = general_robust.parameter("c", c)
    return general_robust.run(ask, (pred, target), (alpha, c), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.wing,
    domain={"width": POSITIVE, "curvature": POSITIVE},
    examples=({}, {"width": 1.5, "curvature": 2.0}),
    kinks=lambda width=5.0: (-width, 0.0, width),
)
def wing(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    width: float = 5.0,
    curvature: float = 0.5,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Wing loss: small residuals count for more than in the absolute error, large ones for as much.

    The loss of one element, its gradient and its second derivative, with r = pred - target::

        loss     = width log(1 + abs(r) / curvature)       if abs(r) < width, else  abs(r) - C
        gradient = sign(r) width / (curvature + abs(r))    if abs(r) < width, else  sign(r)
        Hessian  = -width / (curvature + abs(r))^2         if abs(r) < width, else  0
        C        = width - width log(1 + width / curvature)

    In NumPy: ``a = abs(r); np.mean(np.where(a < width, width * np.log1p(a / curvature), a - C))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    width : float in {width}
        The residual, in units of `pred`, from which on the loss is straight, and the greatest slope times `curvature`.
    curvature : float in {curvature}
        The residual at which the slope has fallen to a half.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient is 0. At abs(r) = width the slope jumps; the point belongs to the outside. Inside,
    the loss is concave. The kernel computes log1p, and outside (abs(r) - width) + width log1p(width / curvature), which
    subtracts nothing from abs(r) but the width.

    References
    ----------
    Z.-H. Feng et al., Wing Loss for Robust Facial Landmark Localisation with Convolutional Neural Networks, CVPR
    (2018), https://arxiv.org/abs/1711.06753

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.wing([0.5, 4.5, 10.0], 0.0, reduction="none")
    array([ 3.4657359 , 11.51292546, 16.98947636])
    >>> loss, grad = fl.wing.value_and_grad([0.5, 0.0, -10.0], [0.0, 0.0, 0.0], reduction="sum")
    >>> round(loss, 10), grad
    (20.4552122668, array([ 5.,  0., -1.]))
    """
    width = wing.parameter("width", width)
    curvature = wing.parameter("curvature", curvature)
    return wing.run(ask, (pred, target), (width, curvature), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.adaptive_wing,
    domain={
        "target": Interval(0, 1),
        "omega": POSITIVE,
        "theta": POSITIVE,
        "epsilon": POSITIVE,
        "alpha": Interval(2, math.inf, low_open=True, high_open=True),
    },
    examples=({}, {"omega": 8.0, "theta": 0.25, "epsilon": 2.0, "alpha": 2.5}),
    kinks=lambda theta=0.5: (-theta, theta),
)
def adaptive_wing(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    omega: float = 14.0,
    theta: float = 0.5,
    epsilon: float = 1.0,
    alpha: float = 2.1,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Adaptive wing loss: a wing for the foreground of a heatmap, a parabola for its background.

    The loss of one element, its gradient by `pred` and its second derivative, with r = pred - target, q = alpha -
    target, m = min(abs(r), theta) and P = (m / epsilon)^q::

        loss     = omega log(1 + P) + A max(0, abs(r) - theta)
        gradient = sign(r) A
        Hessian  = A / m (q - 1 - P) / (1 + P)    if abs(r) < theta, else  0
        A        = omega q P / (m (1 + P))

    In NumPy: ``m = np.minimum(a, theta); P = (m / epsilon)**q; np.mean(omega * np.log1p(P) + A * (a - m))``, where a is
    abs(r).

    Parameters
    ----------
    pred : array_like
        Real numbers, such as the pixels of a predicted heatmap.
    target : array_like in {target}
        The true heatmap: 1 at a landmark, 0 far from it; the shape of `pred`, or a scalar.
    omega : float in {omega}
        A factor of the whole loss.
    theta : float in {theta}
        The residual, in units of `pred`, from which on the loss is straight.
    epsilon : float in {epsilon}
        The residual at which the power is 1.
    alpha : float in {alpha}
        The power that small residuals have where the target is 0; one less where it is 1.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The gradient is continuous, and 0 at r = 0: q is more than 1. Below q = 2, that is for a target above alpha - 2, the
    Hessian is inf there; at abs(r) = theta it jumps to 0, and the point belongs to the outside. The kernel takes the
    logarithm of m / epsilon in two parts, so that the power keeps its digits, and log1p of the power; for a large power
    the logarithm itself. The straight part is a sum of two numbers that are never negative.

    References
    ----------
    X. Wang, L. Bo and L. Fuxin, Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression, ICCV (2019),
    https://arxiv.org/abs/1904.07399

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.adaptive_wing([0.25, 1.25, 2.0], [0.0, 1.0, 1.0], reduction="none")
    array([ 0.74173133,  2.7567767 , 10.25938281])
    >>> loss, grad = fl.adaptive_wing.value_and_grad([0.25, 0.75, 2.0], [0.0, 1.0, 1.0], reduction="sum")
    >>> round(loss, 10), grad
    (13.7578908459, array([  6.0683702 , -11.01023673,   9.79784961]))
    """
    loss = adaptive_wing
    params = tuple(
        loss.parameter(name, value)
        for name, value in (("omega", omega), ("theta", theta), ("epsilon", epsilon), ("alpha", alpha))
    )
    return loss.run(ask, (pred, target), params, weight, reduction, denominator, out)
