"""Likelihoods of numbers: minus the logarithm of how likely the target was, and scores of whole distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastloss.arrays import LABELS, NON_NEGATIVE, POSITIVE, Interval, as_array, check_out, flag, gradient_dtype
from fastloss.loss import GRAD_HESS, VALUE, Out, Peer, Reduction, count_outputs, flat, pointwise
from fastloss.reference import likelihood as reference

__all__ = [
    "beta_gaussian_nll",
    "beta_nll",
    "crps_gaussian",
    "crps_laplace",
    "evidential_nig_nll",
    "gamma_nll",
    "gaussian_nll",
    "gaussian_nll_logvar",
    "laplace_nll",
    "laplace_nll_logscale",
    "lognormal_nll",
    "student_t_nll",
    "von_mises_nll",
    "weibull_nll",
]

SHARE = Interval(0, 1, low_open=True, high_open=True)
SHAPES = Interval(-50, 50)  # logarithms of shapes from one in 1e22 to 1e22
ANGLES = Interval(-1000, 1000)  # whose sine and cosine keep all their digits
HALF_LOG_2PI = 0.9189385332046727


def variances(eps: float = 0.0) -> Interval:
    """The variances there are, with a floor of eps under them."""
    return Interval(0, math.inf, low_open=eps == 0, high_open=True)


def _shared(
    ask: int,
    shape: tuple[int, ...],
    given: np.ndarray,
    out: Any,
    read: Mapping[str, Any],
    run: Callable[[Any, Any], Any],
) -> Any:
    """What `run`, given each element's variance and where to put derivatives, makes of a variance that the elements
    along one axis have in common, spread over these without a copy: the derivatives by it are summed over them. `read`
    are the other arguments, which no output may overlap."""
    if given.shape == shape[:-1]:
        axis, kept = len(shape) - 1, given[..., np.newaxis]
    else:
        axes = [k for k in range(len(shape)) if given.shape == (*shape[:k], 1, *shape[k + 1 :])]
        if not axes:
            raise ValueError(
                f"pred has shape {shape} and var {given.shape}: they must be equal, or var a scalar, or have shape "
                f"{shape[:-1]} or one axis of length 1"
            )
        axis, kept = axes[0], given
    if kept.dtype.itemsize == 2 and kept.dtype.kind not in "iu":  # half precision, too coarse to be summed
        kept = kept.astype(np.float32)
    spread, outs = np.broadcast_to(kept, shape), flat(out)
    if ask == VALUE or (outs is not None and len(outs) != count_outputs(ask, None, 2)):
        return run(spread, out)  # which says how many there must be
    dtype = gradient_dtype(given)
    if outs is not None:
        for k, array in enumerate(outs):
            if k % 2 and array is not None:
                check_out(array, given.shape, dtype, {"var": given, **read})
                if any(np.may_share_memory(array, other) for other in outs[:k] if isinstance(other, np.ndarray)):
                    raise ValueError("out names the same memory twice")
        out = tuple(None if k % 2 else array for k, array in enumerate(outs))
    result = run(spread, out)

    def summed(derivatives: Any, k: int) -> Any:
        total = np.add.reduce(derivatives.var, axis=axis, dtype=np.float64)
        place = np.empty(given.shape, dtype) if outs is None or outs[k] is None else outs[k]
        place[...] = total.reshape(given.shape)
        return derivatives._replace(var=place)

    if ask == GRAD_HESS:
        return summed(result[0], 1), summed(result[1], 3)
    return result[0], summed(result[1], 1)


@pointwise(
    "pred",
    "target",
    "var",
    reference=reference.gaussian_nll,
    grads=("pred", "var"),
    domain={"eps": NON_NEGATIVE, "var": variances},
    examples=({}, {"full": True}, {"eps": 1e-3}),
    # with its floor, whose slope below it is another
    peers={"torch": Peer("gaussian_nll_loss", words={"eps": "floor"}, given={"eps": 0.0})},
    signed=True,
)
def gaussian_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    *,
    full: bool = False,
    eps: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Gaussian negative log-likelihood: the squared error in units of a variance that is predicted too.

    The loss of one element, its gradients and its second derivatives, with r = pred - target and v = max(var, eps)::

        loss      = (log v + r^2 / v) / 2, + log(2 pi) / 2 if full
        gradients = r / v,        (1 / v - r^2 / v^2) / 2, but 0 if var < eps
        Hessians  = 1 / v,        r^2 / v^3 - 1 / (2 v^2), but 0 if var < eps

    In NumPy: ``np.mean(0.5 * (np.log(var) + (pred - target) ** 2 / var))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    var : array_like of numbers in {var}
        The variance predicted for each, of that shape or a scalar; with a floor, 0 will do. What the elements along
        one axis share has length 1 there, or lacks the axis if it is the last; its derivatives are sums over these.
    full : bool
        Whether to add log(2 pi) / 2, which changes no gradient.
    eps : float in {eps}
        A floor under the variance, none by default. Below it value and gradients are those of the floor, which no
        longer depends on the variance.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Where var = eps, the derivatives by the variance are those above the floor; in PyTorch they are so below it too, and
    pull at a variance that has no effect. Of a fixed variance it is `mse` / (2 var) and a constant. The residual is
    divided by the variance before it is squared: nothing overflows before the loss does.

    References
    ----------
    D. A. Nix and A. S. Weigend, Estimating the mean and variance of the target probability distribution, ICNN (1994)

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gaussian_nll([3.0, 1.0], [1.0, 1.0], [1.0, 1.0], reduction="none")
    array([2., 0.])
    >>> loss, grad = fl.gaussian_nll.value_and_grad([3.0, 3.0], [1.0, 1.0], [1.0, 4.0], reduction="sum")
    >>> grad.pred, grad.var
    (array([2. , 0.5]), array([-1.5,  0. ]))
    >>> fl.gaussian_nll.value_and_grad([[3.0, 0.0], [3.0, 1.0]], 1.0, [1.0, 4.0], reduction="sum")[1].var
    array([-1.5  ,  0.125])
    """
    eps = gaussian_nll.parameter("eps", eps)
    params = (HALF_LOG_2PI if flag("full", full) else 0.0, eps)

    def run(var: ArrayLike, out: Out) -> Any:
        inputs = (pred, target, var)
        return gaussian_nll.run(ask, inputs, params, weight, reduction, denominator, out, words={"eps": eps})

    if not (type(pred) is type(var) is np.ndarray and pred.shape == var.shape):  # the usual case
        shape, given = as_array("pred", pred).shape or as_array("target", target).shape, as_array("var", var)
        if shape and given.shape not in ((), shape):
            return _shared(ask, shape, given, out, {"pred": pred, "target": target, "weight": weight}, run)
    return run(var, out)


@pointwise(
    "pred",
    "target",
    "log_var",
    reference=reference.gaussian_nll_logvar,
    grads=("pred", "log_var"),
    examples=({}, {"full": True}),
    signed=True,
)
def gaussian_nll_logvar(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    log_var: ArrayLike,
    *,
    full: bool = False,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Gaussian negative log-likelihood with the variance given by its logarithm, which may be any number.

    The loss of one element, its gradients and its second derivatives, with r = pred - target and s = log_var::

        loss      = (s + r^2 e^-s) / 2, + log(2 pi) / 2 if full
        gradients = r e^-s,        (1 - r^2 e^-s) / 2
        Hessians  = e^-s,          r^2 e^-s / 2

    In NumPy: ``np.mean(0.5 * (log_var + (pred - target) ** 2 * np.exp(-log_var)))``.

    Parameters
    ----------
    pred, target, log_var : array_like
        Real numbers of one shape, or some of them scalars.
    full : bool
        Whether to add log(2 pi) / 2, which changes no gradient.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. It is `gaussian_nll` of e^log_var, whose positivity needs no care. The factors of a product keep
    their exponents apart until it is complete: neither e^-s nor r^2 overflows before it.

    References
    ----------
    A. Kendall and Y. Gal, What Uncertainties Do We Need in Bayesian Deep Learning for Computer Vision?, NeurIPS (2017),
    https://arxiv.org/abs/1703.04977

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gaussian_nll_logvar([3.0, 1.0], [1.0, 1.0], [0.0, -1.0], reduction="none")
    array([ 2. , -0.5])
    >>> loss, grad = fl.gaussian_nll_logvar.value_and_grad([3.0, 1.0], [1.0, 1.0], [0.0, -1.0], reduction="sum")
    >>> grad.pred, grad.log_var
    (array([2., 0.]), array([-1.5,  0.5]))
    """
    params = (HALF_LOG_2PI if flag("full", full) else 0.0,)
    return gaussian_nll_logvar.run(ask, (pred, target, log_var), params, weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "var",
    reference=reference.beta_gaussian_nll,
    grads=("pred", "var"),
    domain={"var": POSITIVE, "beta": Interval(0, 1)},
    signed=True,
)
def beta_gaussian_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    *,
    beta: float = 0.5,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Gaussian negative log-likelihood, weighted by a power of its own variance, as a constant.

    The loss of one element, its gradients and its second derivatives, with r = pred - target, v = var and the weight
    v^beta, of which nothing is differentiated::

        loss      = v^beta (log v + r^2 / v) / 2
        gradients = v^beta r / v,        v^beta (1 / v - r^2 / v^2) / 2
        Hessians  = v^beta / v,          v^beta (r^2 / v^3 - 1 / (2 v^2))

    In NumPy: ``np.mean(var**beta * 0.5 * (np.log(var) + (pred - target) ** 2 / var))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    var : array_like of numbers in {var}
        The variance predicted for each, of that shape or a scalar.
    beta : float in {beta}
        0 is the plain likelihood; with 1 the prediction is pulled as by the squared error.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The gradients are not those of the value: the weight is a constant to them. The factors of a
    product keep their exponents apart until it is complete.

    References
    ----------
    M. Seitzer, A. Tavakoli, D. Antic and G. Martius, On the Pitfalls of Heteroscedastic Uncertainty Estimation with
    Probabilistic Neural Networks, ICLR (2022), https://arxiv.org/abs/2203.09168

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.beta_gaussian_nll([3.0], [1.0], [1.0])
    2.0
    >>> loss, grad = fl.beta_gaussian_nll.value_and_grad([3.0, 3.0], [1.0, 1.0], [1.0, 4.0], reduction="sum")
    >>> grad.pred, grad.var
    (array([2., 1.]), array([-1.5,  0. ]))
    """
    beta = beta_gaussian_nll.parameter("beta", beta)
    return beta_gaussian_nll.run(ask, (pred, target, var), (beta,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "scale",
    reference=reference.laplace_nll,
    grads=("pred", "scale"),
    domain={"scale": POSITIVE},
    kinks=lambda: (0.0,),
    signed=True,
)
def laplace_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Laplace negative log-likelihood: the absolute error in units of a scale that is predicted too.

    The loss of one element, its gradients and its second derivatives, with r = pred - target and b = scale::

        loss      = abs(r) / b + log(2 b)
        gradients = sign(r) / b,        1 / b - abs(r) / b^2
        Hessians  = 0,                  2 abs(r) / b^3 - 1 / b^2

    In NumPy: ``np.mean(abs(pred - target) / scale + np.log(2 * scale))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    scale : array_like of numbers in {scale}
        The scale predicted for each, of that shape or a scalar: the mean absolute error it expects.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient by the prediction is 0. Of a fixed scale it is `mae` / b and a constant. A boosting
    library wants a positive Hessian: 1 / b^2 is a usual stand-in.

    References
    ----------
    P. S. Laplace, Mémoire sur la probabilité des causes par les évènements (1774)

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.laplace_nll([3.0, 1.0], [1.0, 1.0], [0.5, 0.5], reduction="none")
    array([4., 0.])
    >>> loss, grad = fl.laplace_nll.value_and_grad([3.0, 1.0], [1.0, 1.0], [2.0, 0.5], reduction="sum")
    >>> grad.pred, grad.scale
    (array([0.5, 0. ]), array([0., 2.]))
    """
    return laplace_nll.run(ask, (pred, target, scale), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "log_scale",
    reference=reference.laplace_nll_logscale,
    grads=("pred", "log_scale"),
    kinks=lambda: (0.0,),
    signed=True,
)
def laplace_nll_logscale(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    log_scale: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Laplace negative log-likelihood with the scale given by its logarithm, which may be any number.

    The loss of one element, its gradients and its second derivatives, with r = pred - target and s = log_scale::

        loss      = abs(r) e^-s + s + log(2)
        gradients = sign(r) e^-s,    1 - abs(r) e^-s
        Hessians  = 0,               abs(r) e^-s

    In NumPy: ``np.mean(abs(pred - target) * np.exp(-log_scale) + log_scale + np.log(2))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    log_scale : array_like
        The logarithm of the scale predicted for each, of that shape or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink r = 0 the gradient by the prediction is 0. The form to be trained: no output of a model is out of its
    domain, and the slope by it is at most 1. Of a fixed scale it is `mae` times e^-s and a constant. The exponents of
    its factors are kept apart until their product is complete, so nothing overflows before the loss does.

    References
    ----------
    P. S. Laplace, Mémoire sur la probabilité des causes par les évènements (1774)

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.laplace_nll_logscale([3.0, 1.0], [1.0, 1.0], [0.0, 0.0], reduction="none").round(7)
    array([2.6931472, 0.6931472])
    >>> loss, grad = fl.laplace_nll_logscale.value_and_grad([3.0, 1.0], [1.0, 1.0], [0.0, -5.0], reduction="sum")
    >>> grad.pred, grad.log_scale
    (array([1., 0.]), array([-1.,  1.]))
    """
    return laplace_nll_logscale.run(ask, (pred, target, log_scale), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "scale",
    "df",
    reference=reference.student_t_nll,
    grads=("pred", "scale", "df"),
    domain={"scale": POSITIVE, "df": POSITIVE},
    signed=True,
)
def student_t_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    df: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Student's t negative log-likelihood: a Gaussian whose variance is itself in doubt, and so no outlier too large.

    The loss of one element, its gradients and its second derivatives, with r = pred - target, s = scale, v = df,
    y = r^2 / (v s^2 + r^2), p = 1 - y, G = log Gamma and psi its derivative::

        loss      = (v + 1)/2 log(1 + r^2 / (v s^2)) + log s + log(pi v)/2 + G(v/2) - G((v + 1)/2)
        gradients = (v + 1) r / (v s^2 + r^2)
                    (p - v y) / s
                    (log(1 + r^2 / (v s^2)) - y - y / v + 1/v + psi(v/2) - psi((v + 1)/2)) / 2
        Hessians  = (v + 1) (v s^2 - r^2) / (v s^2 + r^2)^2
                    (v y^2 + (3 v + 1) y p - p^2) / s^2
                    (y (2 - y) / v^2 - y^2 / v - 1/v^2 + psi'(v/2)/2 - psi'((v + 1)/2)/2) / 2

    In SciPy: ``-np.mean(scipy.stats.t.logpdf(target, df, pred, scale))``.

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    scale : array_like of numbers in {scale}
        The scale predicted for each, of that shape or a scalar.
    df : array_like of numbers in {df}
        The degrees of freedom predicted for each, of that shape or a scalar: 1 is Cauchy's distribution, a large number
        the Gaussian of variance scale^2.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere; by the prediction it bends down beyond s sqrt(v), where an outlier's pull fades. What the three
    functions of v alone leave, which is about 1 / (4 v), is computed as such: of a large v each of them is large. The
    rest is made of y, whose factors keep their exponents apart.

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor, Robust Statistical Modeling Using the t Distribution, JASA (1989)

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.student_t_nll(0.0, 0.0, 1.0, 1.0), 10)
    1.1447298858
    >>> loss, grad = fl.student_t_nll.value_and_grad([1.0, 3.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0], reduction="sum")
    >>> grad.pred, grad.scale
    (array([1. , 0.6]), array([ 0. , -0.8]))
    """
    return student_t_nll.run(ask, (pred, target, scale, df), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "scale",
    reference=reference.lognormal_nll,
    grads=("pred", "scale"),
    domain={"target": POSITIVE, "scale": POSITIVE},
    signed=True,
)
def lognormal_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Log-normal negative log-likelihood: the logarithm of a positive target is Gaussian.

    The loss of one element, its gradients and its second derivatives, with r = pred - log(target) and s = scale::

        loss      = log(target) + log s + log(2 pi)/2 + (r / s)^2 / 2
        gradients = r / s^2,        1 / s - r^2 / s^3
        Hessians  = 1 / s^2,        3 r^2 / s^4 - 1 / s^2

    In SciPy: ``-np.mean(scipy.stats.lognorm.logpdf(target, scale, 0, np.exp(pred)))``.

    Parameters
    ----------
    pred : array_like
        Mean of the target's logarithm.
    target : array_like of numbers in {target}
        What was observed; of one shape with `pred`, or one of them a scalar.
    scale : array_like of numbers in {scale}
        Standard deviation of the target's logarithm, of that shape or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The logarithm of the target is taken in two parts, 64 bits in all, and r is divided by s before
    it is squared.

    References
    ----------
    F. Galton, The Geometric Mean, in Vital and Social Statistics (1879)

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.lognormal_nll(0.0, 1.0, 1.0), 10)
    0.9189385332
    >>> loss, grad = fl.lognormal_nll.value_and_grad([2.0, 2.0], [1.0, 1.0], [1.0, 2.0], reduction="sum")
    >>> grad.pred, grad.scale
    (array([2. , 0.5]), array([-3.,  0.]))
    """
    return lognormal_nll.run(ask, (pred, target, scale), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "log_shape",
    reference=reference.gamma_nll,
    grads=("pred", "log_shape"),
    domain={"target": POSITIVE, "log_shape": SHAPES},
    signed=True,
)
def gamma_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    log_shape: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Gamma negative log-likelihood: a positive target whose deviation grows with its mean.

    The loss of one element, its gradients and its second derivatives, with t = target, q = log_shape, a = e^q,
    u = t e^-pred, d = log u and psi the derivative of log Gamma::

        loss      = log Gamma(a) - a (q - pred) - (a - 1) log t + a u
        gradients = a (1 - u),        a (psi(a) - q - 1 - d + u)
        Hessians  = a u,              a (psi(a) + a psi'(a) - q - 2 - d + u)

    In SciPy: ``-np.mean(scipy.stats.gamma.logpdf(target, np.exp(log_shape), 0, np.exp(pred - log_shape)))``.

    Parameters
    ----------
    pred : array_like
        Logarithm of the mean.
    target : array_like of numbers in {target}
        What was observed; of one shape with `pred`, or one of them a scalar.
    log_shape : array_like of numbers in {log_shape}
        Logarithm of the shape, of that shape or a scalar: the variance is mean^2 e^-log_shape.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. What the target is worth is a (e^d - 1 - d), in which nothing cancels; of the rest, terms in
    a log(a), what Stirling's series leaves is computed as such.

    References
    ----------
    P. McCullagh and J. A. Nelder, Generalized Linear Models (1989), chapter 8

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gamma_nll(0.0, 1.0, 0.0)
    1.0
    >>> loss, grad = fl.gamma_nll.value_and_grad([0.0, 0.0], [1.0, 2.0], [0.0, 0.0], reduction="sum")
    >>> grad.pred, grad.log_shape
    (array([ 0., -1.]), array([-0.57721566, -0.27036285]))
    """
    return gamma_nll.run(ask, (pred, target, log_shape), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "log_precision",
    reference=reference.beta_nll,
    grads=("pred", "log_precision"),
    domain={"target": SHARE, "log_precision": SHAPES},
    signed=True,
)
def beta_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    log_precision: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Beta negative log-likelihood: a share between 0 and 1, whose mean and precision are predicted.

    The loss of one element, its gradients and its second derivatives, with t = target, m = 1 / (1 + e^-pred),
    f = e^log_precision, a = f m, b = f (1 - m), c = f m (1 - m), G = log Gamma, psi its derivative and
    B = psi(a) - psi(b) - log t + log(1 - t)::

        loss      = G(a) + G(b) - G(f) - (a - 1) log t - (b - 1) log(1 - t)
        gradients = c B
                    a (psi(a) - log t) + b (psi(b) - log(1 - t)) - f psi(f)
        Hessians  = c (1 - 2 m) B + c^2 (psi'(a) + psi'(b))
                    the gradient + a^2 psi'(a) + b^2 psi'(b) - f^2 psi'(f)

    In SciPy: ``-np.mean(scipy.stats.beta.logpdf(target, a, b))``.

    Parameters
    ----------
    pred : array_like
        Logit of the mean.
    target : array_like of numbers in {target}
        What was observed; of one shape with `pred`, or one of them a scalar.
    log_precision : array_like of numbers in {log_precision}
        Logarithm of the precision, of that shape or a scalar: the variance is m (1 - m) / (1 + f).
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. What the target is worth is f times the divergence of the mean from it, made of e^d - 1 - d, in
    which nothing cancels; of the rest, terms in a log(a), what Stirling's series leaves is computed as such.

    References
    ----------
    S. Ferrari and F. Cribari-Neto, Beta Regression for Modelling Rates and Proportions, Journal of Applied Statistics
    (2004)

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.beta_nll(0.0, 0.25, 2.0), 10)
    0.0346914608
    >>> loss, grad = fl.beta_nll.value_and_grad([0.0, 0.0], [0.5, 0.3], [0.0, 0.0], reduction="sum")
    >>> grad.pred, grad.log_precision
    (array([0.        , 0.21182447]), array([-0.69314718, -0.60597049]))
    """
    return beta_nll.run(ask, (pred, target, log_precision), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "log_scale",
    "event",
    reference=reference.weibull_nll,
    grads=("pred", "log_scale"),
    domain={"target": POSITIVE, "log_scale": SHAPES, "event": LABELS},
    signed=True,
)
def weibull_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    log_scale: ArrayLike,
    event: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Weibull negative log-likelihood of a time that was waited for: until the event, or until watching ended.

    The loss of one element, its gradients and its second derivatives, with t = target, s = log_scale,
    z = (log t - pred) e^-s and f = e^z - event::

        loss      = e^z + event (s + log t - z)
        gradients = -e^-s f,          event - z f
        Hessians  = e^-2s e^z,        z (f + z e^z)

    In NumPy: ``z = (np.log(target) - pred) * np.exp(-log_scale)``, then
    ``np.mean(np.exp(z) + event * (log_scale + np.log(target) - z))``.

    Parameters
    ----------
    pred : array_like
        Location of the time's logarithm: e^pred is the time that 1 - 1/e of all events come before.
    target : array_like of numbers in {target}
        The times; of one shape with `pred`, or one of them a scalar.
    log_scale : array_like of numbers in {log_scale}
        Logarithm of the scale of the time's logarithm, of that shape or a scalar: Weibull's shape is e^-log_scale.
    event : array_like of numbers in {event}
        1 where the event was seen, 0 where watching ended before it.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The logarithm of the target is taken in two parts, 64 bits in all, and so is z, an exponent.
    The factors of a product keep their exponents apart. Of a small scale, a time that is late is soon infinitely
    unlikely, since e^z is a power of it: with a shape of 20 from 84 times e^pred on in float32, 2.6e15 in float64.

    References
    ----------
    W. Weibull, A Statistical Distribution Function of Wide Applicability, Journal of Applied Mechanics (1951)

    J. D. Kalbfleisch and R. L. Prentice, The Statistical Analysis of Failure Time Data (1980): censored times.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.weibull_nll([0.0, 0.0], [1.0, 1.0], [0.0, -1.0], [1, 0], reduction="none")
    array([1., 1.])
    >>> loss, grad = fl.weibull_nll.value_and_grad([0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1, 0], reduction="sum")
    >>> grad.pred, grad.log_scale
    (array([ 0., -1.]), array([1., 0.]))
    """
    return weibull_nll.run(ask, (pred, target, log_scale, event), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "concentration",
    reference=reference.von_mises_nll,
    grads=("pred", "concentration"),
    domain={"pred": ANGLES, "target": ANGLES, "concentration": POSITIVE},
    signed=True,
)
def von_mises_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    concentration: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Von Mises negative log-likelihood: the Gaussian of an angle.

    The loss of one element, its gradients and its second derivatives, with r = pred - target, k = concentration, I0 and
    I1 the modified Bessel functions and R = I1(k) / I0(k)::

        loss      = log(2 pi I0(k)) - k cos(r)
        gradients = k sin(r),        R - cos(r)
        Hessians  = k cos(r),        1 - R^2 - R / k

    In SciPy: ``-np.mean(scipy.stats.vonmises.logpdf(target, concentration, pred))``.

    Parameters
    ----------
    pred, target : array_like of numbers in {pred}
        Angles in radians, of one shape, or one of them a scalar.
    concentration : array_like of numbers in {concentration}
        The concentration predicted for each, of that shape or a scalar: a large one is 1 / variance.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, and periodic. The logarithm of I0(k) e^-k and 1 - R are computed as such, 1 - cos(r) is
    2 sin(r/2)^2: of a large concentration too nothing cancels but these.

    References
    ----------
    R. von Mises, Über die „Ganzzahligkeit“ der Atomgewichte und verwandte Fragen, Physikalische Zeitschrift (1918)

    K. V. Mardia and P. E. Jupp, Directional Statistics (2000)

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.von_mises_nll(0.0, 0.0, 1.0), 10)
    1.0737914249
    >>> loss, grad = fl.von_mises_nll.value_and_grad([0.0, 1.0], [0.0, 0.0], [2.0, 2.0], reduction="sum")
    >>> grad.pred, grad.concentration
    (array([0.        , 1.68294197]), array([-0.30222534,  0.15747235]))
    """
    return von_mises_nll.run(ask, (pred, target, concentration), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "nu",
    "alpha",
    "beta",
    reference=reference.evidential_nig_nll,
    grads=("pred", "nu", "alpha", "beta"),
    domain={
        "nu": POSITIVE,
        "alpha": Interval(1, math.inf, low_open=True, high_open=True),
        "beta": POSITIVE,
        "coeff": NON_NEGATIVE,
    },
    examples=({}, {"coeff": 0.1}),
    kinks=lambda: (0.0,),
    signed=True,
)
def evidential_nig_nll(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    nu: ArrayLike,
    alpha: ArrayLike,
    beta: ArrayLike,
    *,
    coeff: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Evidential regression: the likelihood under a normal-inverse-gamma distribution over mean and variance.

    The loss of one element, its gradients and its second derivatives, with r = pred - target, a = alpha,
    O = 2 beta (1 + nu), y = nu r^2 / (nu r^2 + O), p = 1 - y, G = log Gamma and psi its derivative::

        loss      = log(pi / nu)/2 - a log O + (a + 1/2) log(nu r^2 + O) + G(a) - G(a + 1/2) + coeff abs(r) (2 nu + a)
        gradients = (2 a + 1) nu r / (nu r^2 + O) + coeff sign(r) (2 nu + a)
                    (a y - p/2) / (nu (1 + nu)) + 2 coeff abs(r)
                    log(1 + nu r^2 / O) + psi(a) - psi(a + 1/2) + coeff abs(r)
                    (p/2 - a y) / beta
        Hessians  = (2 a + 1) nu (O - nu r^2) / (nu r^2 + O)^2
                    (p (1 + 2 nu + y)/2 - a y (2 nu + y)) / (nu (1 + nu))^2
                    psi'(a) - psi'(a + 1/2)
                    (a y (1 + p) - p^2 / 2) / beta^2

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar; `pred` is the paper's gamma.
    nu : array_like of numbers in {nu}
        How many observations the mean is as good as, of that shape or a scalar.
    alpha : array_like of numbers in {alpha}
        Half as many as the variance is as good as, of that shape or a scalar.
    beta : array_like of numbers in {beta}
        alpha - 1 times the expected variance, of that shape or a scalar.
    coeff : float in {coeff}
        How much an error costs times the evidence for it.
    {common}

    {returns}

    {raises}

    Notes
    -----
    It is `student_t_nll` of 2 alpha degrees of freedom, with scale^2 = beta (1 + nu) / (nu alpha), and is computed as
    that. With a coefficient there is a kink at r = 0, where the gradient by the prediction is 0.

    References
    ----------
    A. Amini, W. Schwarting, A. Soleimany and D. Rus, Deep Evidential Regression, NeurIPS (2020),
    https://arxiv.org/abs/1910.02600

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.evidential_nig_nll(0.0, 0.0, 1.0, 1.5, 1.0), 10)
    1.1447298858
    >>> loss, grad = fl.evidential_nig_nll.value_and_grad([2.0], [0.0], [1.0], [1.5], [1.0])
    >>> grad.pred, grad.nu, grad.beta
    (array([1.]), array([0.25]), array([-0.5]))
    """
    coeff = evidential_nig_nll.parameter("coeff", coeff)
    return evidential_nig_nll.run(ask, (pred, target, nu, alpha, beta), (coeff,), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "scale",
    reference=reference.crps_gaussian,
    grads=("pred", "scale"),
    domain={"scale": POSITIVE},
)
def crps_gaussian(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Continuous ranked probability score of a Gaussian: how far its distribution is from the target's step.

    The loss of one element, its gradients and its second derivatives, with r = pred - target, s = scale, z = r / s and
    phi the density of the standard Gaussian::

        loss      = r erf(z / sqrt(2)) + s (2 phi(z) - 1 / sqrt(pi))
        gradients = erf(z / sqrt(2)),        2 phi(z) - 1 / sqrt(pi)
        Hessians  = 2 phi(z) / s,            2 z^2 phi(z) / s

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    scale : array_like of numbers in {scale}
        The standard deviation predicted for each, of that shape or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, and in the target's unit: as the scale vanishes it becomes `mae`. A proper score, as
    `gaussian_nll` is, but an outlier's pull is at most 1. The factors of a product keep their exponents apart, and r
    may overflow.

    References
    ----------
    T. Gneiting and A. E. Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, JASA (2007)

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.crps_gaussian(0.0, 0.0, 1.0), 10)
    0.2336949773
    >>> loss, grad = fl.crps_gaussian.value_and_grad([1.0], [0.0], [1.0])
    >>> grad.pred, grad.scale
    (array([0.68268949]), array([-0.08024813]))
    """
    return crps_gaussian.run(ask, (pred, target, scale), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    "scale",
    reference=reference.crps_laplace,
    grads=("pred", "scale"),
    domain={"scale": POSITIVE},
)
def crps_laplace(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Continuous ranked probability score of a Laplace distribution: how far it is from the target's step.

    The loss of one element, its gradients and its second derivatives, with r = pred - target, b = scale and
    u = abs(r) / b::

        loss      = abs(r) + b e^-u - 3/4 b
        gradients = sign(r) (1 - e^-u),        e^-u (1 + u) - 3/4
        Hessians  = e^-u / b,                  u^2 e^-u / b

    Parameters
    ----------
    pred, target : array_like
        Real numbers of one shape, or one of them a scalar.
    scale : array_like of numbers in {scale}
        The scale predicted for each, of that shape or a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    No kink: at r = 0 both pieces agree in value, slope and curvature. For u < 1 the loss is made of e^-u - 1 + u, in
    which nothing cancels.

    References
    ----------
    T. Gneiting and A. E. Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation, JASA (2007)

    A. Jordan, F. Krüger and S. Lerch, Evaluating Probabilistic Forecasts with scoringRules, Journal of Statistical
    Software (2019), https://arxiv.org/abs/1709.04743: the formula.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.crps_laplace(0.0, 0.0, 1.0)
    0.25
    >>> loss, grad = fl.crps_laplace.value_and_grad([3.0, 1.0], [1.0, 1.0], [1.0, 1.0], reduction="sum")
    >>> grad.pred, grad.scale
    (array([0.86466472, 0.        ]), array([-0.34399415,  0.25      ]))
    """
    return crps_laplace.run(ask, (pred, target, scale), (), weight, reduction, denominator, out)
