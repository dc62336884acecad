"""The softmax family: losses of rows of logits, and the functions they are made of."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import Interval
from fastloss.kernels import family
from fastloss.loss import Out, Reduction, rows
from fastloss.reference import softmax as reference

_kernel = family("softmax")


@rows(
    reference=reference.cross_entropy,
    domain={"label_smoothing": Interval(0, 1)},
    examples=({}, {"label_smoothing": 0.125}),
    peers={"torch": "cross_entropy", "optax": "softmax_cross_entropy_with_integer_labels", "sklearn": "HalfMultinomialLoss"},
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
    """x"""
    params = (0.0,) if label_smoothing == 0 else (cross_entropy.parameter("label_smoothing", label_smoothing),)
    return cross_entropy.run(
        ask, logits, target, params, weight, class_weight, ignore_index, reduction, denominator, axis, out
    )


def _rows(ask: int, logits: ArrayLike, axis: int, out: NDArray[Any] | None) -> Any:
    result = _kernel.rows(ask, logits, axis, out) if type(axis) is int else NotImplemented
    if result is NotImplemented:
        logits = arrays.as_array("logits", logits)
        if logits.ndim == 0:
            raise ValueError("logits is a scalar: it needs a class axis")
        axis = arrays.class_axis(logits, axis)
        result = _kernel.rows(ask, logits, axis, out)
    if result is NotImplemented:
        shape = logits.shape[:axis] + logits.shape[axis + 1 :] if ask == _kernel.LOGSUMEXP else logits.shape
        dtype = _kernel.rows(ask, logits.reshape(-1)[:1], 0, None).dtype
        arrays.check_out(out, shape, dtype, {"logits": logits})
    return result


def softmax(logits: ArrayLike, *, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """x"""
    return _rows(3, logits, axis, out)


def log_softmax(logits: ArrayLike, *, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """x"""
    return _rows(4, logits, axis, out)


def logsumexp(logits: ArrayLike, *, axis: int = -1, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """x"""
    return _rows(5, logits, axis, out)
