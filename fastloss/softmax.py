"""The softmax family: losses of rows of logits, and the functions they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import Interval
from fastloss.kernels import family
from fastloss.loss import Out, Reduction, rows
from fastloss.reference import softmax as reference

__all__ = ["cross_entropy", "log_softmax", "logsumexp", "softmax"]

TRANSFORM, ROW_NUMBERS = 3, 4  # what the driver is asked for: an array like the input, or a number for each row


@rows(
    "logits",
    "target",
    reference=reference.cross_entropy,
    domain={"target": Interval(0, 1), "label_smoothing": Interval(0, 1)},
    examples=({}, {"label_smoothing": 0.125}),
    peers={
        "torch": "cross_entropy",
        "optax": "softmax_cross_entropy_with_integer_labels",
        "sklearn": "HalfMultinomialLoss",
    },
)
def cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
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
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a probability or a hyperparameter is outside its domain, a word is unknown, or `out`
        has the wrong shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. A label on a masked class costs inf; a label whose logit alone is +inf costs 0; several infinite
    logits, or all minus infinity, give nan. With m the largest logit, the kernel adds (m - z[target]) and
    log1p(sum of the others' exp(z - m)), both positive, and takes minus the others' sum for the gradient at the
    largest logit, where p - 1 would cancel: a confident, right row keeps its tail.

    References
    ----------
    Label smoothing: C. Szegedy et al., Rethinking the Inception Architecture (2016), https://arxiv.org/abs/1512.00567

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
    """
    params = (cross_entropy.parameter("label_smoothing", label_smoothing),)
    return cross_entropy.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


def _transform(name: str, ask: int, logits: ArrayLike, axis: int, out: NDArray[Any] | None) -> NDArray[Any]:
    """Hand a call to the compiled driver, and find out what is wrong with it if the driver will not take it."""
    kernel, run = family("softmax").KERNELS[name], family("rows").run
    outs = None if out is None else (out,)

    def drive(logits: Any, axis: Any, outs: Any) -> Any:
        return run(kernel, ask, (logits,), None, (), (None,), None, None, -100, axis, "sum", None, outs)

    result: NDArray[Any] = drive(logits, axis, outs)
    if result is NotImplemented:
        (array,), _, axis = arrays.row_inputs(("logits",), (logits,), None, False, axis)
        result = drive(array, axis, outs)
        if result is NotImplemented:
            shape = array.shape[:axis] + array.shape[axis + 1 :] if ask == ROW_NUMBERS else array.shape
            arrays.check_out(out, shape, drive(np.zeros(1, array.dtype), 0, None).dtype, {"logits": array})
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
    return _transform("softmax", TRANSFORM, logits, axis, out)


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
    return _transform("log_softmax", TRANSFORM, logits, axis, out)


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
    return _transform("logsumexp", ROW_NUMBERS, logits, axis, out)
