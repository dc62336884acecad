"""The softmax family: losses of rows of logits, and the functions they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import NON_NEGATIVE, POSITIVE, Interval
from fastloss.kernels import family
from fastloss.loss import Out, Reduction, rows
from fastloss.reference import softmax as reference
from fastloss.weights import effective_number

__all__ = [
    "categorical_nll",
    "class_balanced_cross_entropy",
    "cross_entropy",
    "cross_entropy_hvp",
    "log_softmax",
    "logsumexp",
    "softmax",
]

TRANSFORM, ROW_NUMBERS = 3, 4  # what the driver is asked for: an array like the input, or a number for each row

OPTAX = "softmax_cross_entropy_with_integer_labels"
PEERS = {"torch": "cross_entropy", "optax": OPTAX, "sklearn": "HalfMultinomialLoss"}


@rows(
    "logits",
    "target",
    reference=reference.cross_entropy,
    domain={
        "target": Interval(0, 1),
        "label_smoothing": Interval(0, 1),
        "softcap": POSITIVE,
        "z_loss": NON_NEGATIVE,
        "temperature": POSITIVE,
    },
    examples=(
        {},
        {"label_smoothing": 0.125},
        {"softcap": 30.0},
        {"z_loss": 1e-4},
        {"label_smoothing": 0.1, "softcap": 3.0, "z_loss": 0.01, "temperature": 2.0},
    ),
    peers=PEERS,
)
def cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Cross-entropy of softmax: minus the log-probability that the logits give the right class.

    The loss of one row of logits z, its gradient and the diagonal of its Hessian, with p = softmax(z)::

        loss     = logsumexp(z) - z[target]
        gradient = p - onehot(target)
        Hessian  = p (1 - p)

    and in general, with the coefficients a_c = class_weight_c ((1 - label_smoothing) t_c + label_smoothing / C) of a
    target distribution t (for a label its one-hot form) and A = sum(a)::

        loss     = sum_c a_c (logsumexp(z) - z_c)
        gradient = A p - a
        Hessian  = A p (1 - p)

    With a softcap or a temperature z is not the logits u but made of them, and a z-loss comes on top::

        z         = softcap tanh(u / softcap) / temperature        without a softcap u / temperature
        loss     += z_loss logsumexp(z)^2
        gradient  = (A p - a + 2 z_loss logsumexp(z) p) (1 - tanh(u / softcap)^2) / temperature

    In NumPy: ``np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), target])``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class; not probabilities: softmax
        is part of the loss.
    target : array_like
        Class labels, integers in [0, C), in the shape of `logits` without the class axis (or one label for all rows);
        or probabilities in [0, 1] in the shape of `logits`, which need not sum to 1.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0. In the mean a row weighs what its label does, or sum(class_weight t).
    ignore_index : int
        Rows with this label are invisible.
    label_smoothing : float in [0, 1]
        How much of each target is spread evenly over the classes. It leaves the mean's divisor alone.
    softcap : float > 0, optional
        Bounds the logits to (-softcap, softcap), smoothly: one of minus infinity becomes -softcap, and is no mask.
    z_loss : float >= 0
        What the square of logsumexp(z) costs, which keeps logits from drifting; no class weight scales it.
    temperature : float > 0
        Divides the logits: above 1 the probabilities come closer together.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. A label on a masked class costs inf; a label whose logit alone is +inf costs 0; several infinite
    logits, or all minus infinity, give nan. With m the largest logit, the kernel adds (m - z[target]) and
    log1p(sum of the others' exp(z - m)), both positive, and takes minus the others' sum for the gradient at the
    largest logit, where p - 1 would cancel: a confident, right row keeps its tail.

    1 - tanh^2 is made of exp(-2 abs(u / softcap)), and keeps its digits where tanh is nearly 1. An exponential of a
    capped logit amplifies what is wrong with it: of float64 it is computed in two parts, which serve a softcap up to
    about 100 times the temperature. With a softcap the curvature may be negative.

    References
    ----------
    Label smoothing: C. Szegedy et al., Rethinking the Inception Architecture (2016), https://arxiv.org/abs/1512.00567.
    z-loss: A. Chowdhery et al., PaLM (2022), https://arxiv.org/abs/2204.02311. Softcap: Gemma Team, Gemma 2 (2024),
    https://arxiv.org/abs/2408.00118

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.cross_entropy([[2.0, 0.5, -1.0]], [0]), 10)
    0.2413112967
    >>> loss, grad = fl.cross_entropy.value_and_grad(np.float32([[20, 0]]), [0])
    >>> loss, grad
    (2.061153668787213e-09, array([[-2.0611537e-09,  2.0611537e-09]], dtype=float32))
    >>> fl.cross_entropy([[0.0, 0.0], [9.0, 9.0]], [1, -100], reduction="none")
    array([0.69314718, 0.        ])
    >>> round(fl.cross_entropy([[2.0, 0.5, -1.0]], [0], z_loss=0.01, softcap=1.0, temperature=2.0), 10)
    0.8046130203
    """
    params = cross_entropy_params(label_smoothing, softcap, z_loss, temperature)
    return cross_entropy.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


def cross_entropy_params(
    label_smoothing: float, softcap: float | None, z_loss: float, temperature: float
) -> tuple[float, ...]:
    """The hyperparameters of cross-entropy as its kernel takes them, checked: of the plain loss one, else four."""
    own = cross_entropy.parameter
    cap = 0.0 if softcap is None else own("softcap", softcap)
    params = own("label_smoothing", label_smoothing), own("z_loss", z_loss), cap, own("temperature", temperature)
    return params[:1] if params[1:] == (0, 0, 1) else params


@rows(
    "logits",
    "target",
    reference=reference.categorical_nll,
    peers=PEERS,
)
def categorical_nll(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Categorical likelihood of a class: `cross_entropy` of a label by its name among likelihoods.

    The loss of one row of logits z, its gradient and the diagonal of its Hessian, with p = softmax(z)::

        loss     = -log p[target]
        gradient = p - onehot(target)
        Hessian  = p (1 - p)

    In NumPy: ``np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), target])``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, classes on `axis`; minus infinity is a masked class. Of log-probabilities, whose
        exponentials add up to 1 already, `nll` takes one as it is.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. What comes out is `cross_entropy`'s, bit by bit: see there for why a confident, right row keeps
    its tail, and for shares of every class as a target.

    References
    ----------
    D. McFadden, Conditional Logit Analysis of Qualitative Choice Behavior, in Frontiers in Econometrics (1974).

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.categorical_nll(np.log([[0.7, 0.2, 0.1]]), [0]), 10)
    0.3566749439
    >>> fl.categorical_nll.value_and_grad(np.zeros((1, 2)), [0])[1]
    array([[-0.5,  0.5]])
    """
    return categorical_nll.run(
        ask, (logits, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    "target",
    reference=reference.class_balanced_cross_entropy,
    domain={"beta": Interval(0, 1)},
)
def class_balanced_cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    beta: float = 0.999,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Class-balanced cross-entropy: a row counts by the effective number of its class's samples.

    The loss of one row of logits z, its gradient and the diagonal of its Hessian, with p = softmax(z), y = target and
    w_c = (1 - beta) / (1 - beta^counts_c)::

        loss     = -w_y log p_y
        gradient = w_y (p - onehot(y))
        Hessian  = w_y p (1 - p)

    In NumPy: ``np.average(-np.log(p[np.arange(len(p)), y]), weights=w[y])``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, classes on `axis`; minus infinity is a masked class.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    counts : array_like, optional
        How often each class occurs, (C,), at least 0: `class_counts` counts. The rows of one that does not occur are
        invisible. Without counts every row counts 1.
    beta : float in {beta}
        At 0 every row counts 1, at 1 every class; in between (n - 1) / n, if a class has n samples that are different.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    What comes out is that of `cross_entropy` with ``class_weight=effective_number(counts, beta=beta)``, bit by bit.
    Other losses take the same weights: so class-balanced focal loss is `softmax_focal`. The mean's divisor is the sum
    of the rows' weights, so the size of all weights together does not matter to it.

    References
    ----------
    Y. Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR (2019),
    https://arxiv.org/abs/1901.05555

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> logits = np.log([[0.9, 0.1], [0.9, 0.1]])
    >>> losses = fl.class_balanced_cross_entropy(logits, [0, 1], counts=[900, 100], reduction="none")
    >>> losses.round(8)
    array([0.00017749, 0.02418482])
    >>> fl.class_balanced_cross_entropy.value_and_grad(np.zeros((1, 2)), [0], counts=[4, 1], beta=1, reduction="sum")[1]
    array([[-0.125,  0.125]])
    """
    beta = class_balanced_cross_entropy.parameter("beta", beta)
    by_class = None if counts is None else effective_number(counts, beta=beta)
    return class_balanced_cross_entropy.run(
        ask, (logits, target), (), weight, reduction, denominator, axis, out, by_class, ignore_index, "counts"
    )


def _transform(
    name: str,
    ask: int,
    inputs: dict[str, ArrayLike],
    axis: int,
    out: NDArray[Any] | None,
    weight: ArrayLike | None = None,
) -> NDArray[Any]:
    """Hand a call to the compiled driver, and find out what is wrong with it if the driver will not take it."""
    kernel, run = family("softmax").KERNELS[name], family("rows").run
    outs, bounds = None if out is None else (out,), (None,) * len(inputs)

    def drive(data: tuple[Any, ...], weight: Any, axis: Any, outs: Any) -> Any:
        return run(kernel, ask, data, None, (), bounds, weight, None, -100, axis, "sum", None, outs)

    result: NDArray[Any] = drive(tuple(inputs.values()), weight, axis, outs)
    if result is NotImplemented:
        data, _, axis = arrays.row_inputs(tuple(inputs), tuple(inputs.values()), None, False, axis)
        shape = data[0].shape
        positions = shape[:axis] + shape[axis + 1 :]
        if weight is not None:
            weight = arrays.broadcast("weight", arrays.as_array("weight", weight), positions)
        result = drive(data, weight, axis, outs)
        if result is NotImplemented:
            one = drive(tuple(np.zeros(1, array.dtype) for array in data), None, 0, None)
            named = dict(zip(inputs, data, strict=True))
            arrays.check_out(out, positions if ask == ROW_NUMBERS else shape, one.dtype, named)
    return result


def softmax(logits: ArrayLike, *, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Probabilities proportional to exp(logits).

    p_c = exp(z_c) / sum(exp(z)).

    Parameters
    ----------
    logits : array_like
        Real numbers with classes on `axis`; minus infinity is a masked class.
    axis : int
        The class axis.
    out : ndarray, optional
        Where to put the result, of its shape and dtype.

    Returns
    -------
    ndarray
        An array of the shape of `logits`, in the dtype of `logits` (float64 for integers).

    Raises
    ------
    ValueError
        If there is no such axis, it holds no class, or `out` has the wrong shape, dtype or layout.
    TypeError
        If `logits` does not hold real numbers.

    Notes
    -----
    The exponentials are scaled by the largest of their row, so none overflows. One logit of +inf takes all; several,
    or only minus infinity, give nan.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.softmax([2.5, 0.0, 2.1]).round(6)
    array([0.570644, 0.046841, 0.382514])
    """
    return _transform("softmax", TRANSFORM, {"logits": logits}, axis, out)


def log_softmax(logits: ArrayLike, *, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Logarithms of the softmax probabilities.

    log p_c = z_c - logsumexp(z).

    Parameters
    ----------
    logits : array_like
        Real numbers with classes on `axis`; minus infinity is a masked class.
    axis : int
        The class axis.
    out : ndarray, optional
        Where to put the result, of its shape and dtype.

    Returns
    -------
    ndarray
        An array of the shape of `logits`, in the dtype of `logits` (float64 for integers).

    Raises
    ------
    ValueError
        If there is no such axis, it holds no class, or `out` has the wrong shape, dtype or layout.
    TypeError
        If `logits` does not hold real numbers.

    Notes
    -----
    The largest logit's is -log1p(sum of the others' exp(z - max)), which keeps its digits where the probability rounds
    to 1.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.log_softmax([40.0, 0.0])
    array([-4.24835426e-18, -4.00000000e+01])
    """
    return _transform("log_softmax", TRANSFORM, {"logits": logits}, axis, out)


def logsumexp(logits: ArrayLike, *, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Logarithm of the sum of exponentials, a smooth maximum.

    logsumexp(z) = log(sum(exp(z))) = max(z) + log1p(sum of the others' exp(z - max)).

    Parameters
    ----------
    logits : array_like
        Real numbers with classes on `axis`; minus infinity is a masked class.
    axis : int
        The class axis.
    out : ndarray, optional
        Where to put the result, of its shape and dtype.

    Returns
    -------
    ndarray
        An array of the shape of `logits` without the class axis, in the dtype of `logits` (float64 for integers).

    Raises
    ------
    ValueError
        If there is no such axis, it holds no class, or `out` has the wrong shape, dtype or layout.
    TypeError
        If `logits` does not hold real numbers.

    Notes
    -----
    Nothing overflows. Where the two terms cancel, near a result of 0, the error is an ulp of the larger one. Its
    gradient is `softmax`.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.logsumexp([[1000.0, 1000.0], [0.0, 0.0]])
    array([1.00069315e+03, 6.93147181e-01])
    """
    return _transform("logsumexp", ROW_NUMBERS, {"logits": logits}, axis, out)


def cross_entropy_hvp(
    logits: ArrayLike,
    vector: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    axis: int = -1,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Product of the cross-entropy's Hessian by the logits with a vector, row by row.

    H v = w p (v - sum(p v)), with p = softmax(logits).

    It is the same for every target whose shares add up to 1, and costs what a gradient does: no C x C matrix is formed.
    It is that of the plain loss, without softcap, z_loss or temperature. Newton-CG, as of scipy.optimize, asks for it;
    a linear model's is X^T H X v.

    Parameters
    ----------
    logits : array_like
        Real numbers with classes on `axis`; minus infinity is a masked class.
    vector : array_like
        A number for each logit, in the same shape.
    weight : array_like, optional
        Weight of each row, broadcast to the labels' shape. Where it is 0 the product is 0.
    axis : int
        The class axis.
    out : ndarray, optional
        Where to put the result, of the shape and dtype of `logits`; it may be `logits` itself.

    Returns
    -------
    ndarray
        An array of the shape of `logits`, in the dtype of `logits` (float64 for integers).

    Raises
    ------
    ValueError
        If the shapes do not fit, there is no such axis, it holds no class, or `out` has the wrong shape, dtype or
        layout.
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    v and its mean are taken from the v of the largest logit: in a sure row they are close. One logit of +inf gives 0;
    several, or only minus infinity, give nan.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.cross_entropy_hvp([[0.0, 0.0], [40.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]])
    array([[ 2.50000000e-01, -2.50000000e-01],
           [ 4.24835426e-18, -4.24835426e-18]])
    """
    return _transform("cross_entropy_hvp", TRANSFORM, {"logits": logits, "vector": vector}, axis, out, weight)
