"""Metrics: how good predictions are, for reports. They have no gradient; what they have in common with the losses is
what they take, and that a row of weight 0, or with the label ignore_index, is invisible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import LABELS, NON_NEGATIVE, SHARES, Interval
from fastloss.regression import quantile
from fastloss.softmax import cross_entropy

__all__ = [
    "IntervalCoverage",
    "PrecisionRecallF1",
    "accuracy",
    "average_precision",
    "bits_per_token",
    "confusion_matrix",
    "d2_pinball",
    "dcg",
    "explained_variance",
    "hit_rate",
    "interval_coverage",
    "median_absolute_error",
    "mrr",
    "ndcg",
    "perplexity",
    "precision_at_k",
    "precision_recall_f1",
    "r2_score",
    "recall_at_k",
    "roc_auc",
    "token_accuracy",
    "top_k_accuracy",
]

Array = NDArray[np.float64]
Decisions = Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Array]]
Empty = Literal["zero", "skip"]
Gain = Literal["linear", "exp2"]

UNKNOWN = -1  # the class predicted by a row that holds NaN


def accuracy(
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> float:
    """The fraction of rows that are classified right.

    sum(w (prediction == target)) / sum(w).

    Parameters
    ----------
    pred : array_like
        Scores of the classes on `axis`, such as logits: the prediction is the largest, the lowest class among equals.
        Or, in the shape of `target`, the classes predicted.
    target : array_like
        Class labels, integers in [0, C).
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    float
        From 0 to 1; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    It looks at the largest score alone: probabilities may be all wrong, and the accuracy 1. Of imbalanced classes
    guessing the frequent one has the accuracy of its frequency.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.accuracy([[2.0, 0.5], [0.1, 0.2], [1.0, 1.0], [3.0, 0.0]], [0, 1, 1, -100])
    0.6666666666666666
    >>> fl.accuracy([0] * 100, [0] * 95 + [1] * 5)
    0.95
    """
    _, decisions = _decide(pred, target, None, weight, ignore_index, axis)
    right = total = 0.0
    for predicted, labels, weights in decisions:
        hits = np.where(predicted == UNKNOWN, np.nan, predicted == labels)
        right += float((weights * hits).sum())
        total += float(weights.sum())
    return _ratio(right, total)


def token_accuracy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> float:
    """The fraction of tokens to which the largest logit belongs.

    `accuracy` of all tokens of all sequences together, under the name that language models use.

    Parameters
    ----------
    logits : array_like
        Logits with the vocabulary on `axis`.
    target : array_like
        The tokens, integers in [0, C).
    weight : array_like, optional
        Weight of each token, at least 0, broadcast to their shape; tokens of weight 0 are invisible.
    ignore_index : int
        Tokens of this number, such as padding, are invisible.
    axis : int
        The class axis.

    Returns
    -------
    float
        From 0 to 1; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a token is neither in the vocabulary nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers, or tokens are not integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.token_accuracy([[[2.0, 0.5], [0.1, 0.2]], [[1.0, 0.0], [0.0, 0.0]]], [[0, 1], [1, -100]])
    0.6666666666666666
    """
    return accuracy(logits, target, weight=weight, ignore_index=ignore_index, axis=axis)


def top_k_accuracy(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    k: int,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> float:
    """The fraction of rows whose class is among the k of the largest scores.

    sum(w (rank of the label < k)) / sum(w), with ranks from 0.

    Parameters
    ----------
    logits : array_like
        Scores of the classes on `axis`, such as logits. Among equals the lowest class stands first.
    target : array_like
        Class labels, integers in [0, C).
    k : int
        How many guesses a row has; with 1 this is `accuracy`.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    float
        From 0 to 1; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, `k` is less than 1, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.top_k_accuracy([[2.0, 0.5, 1.0], [0.1, 0.2, 0.3]], [2, 0], k=2)
    0.5
    """
    k = arrays.integer("k", k, 1)
    right = total = 0.0
    for block, labels, weights in arrays.labelled_rows("logits", logits, target, weight, ignore_index, axis):
        own = block[np.arange(len(block)), labels][:, None]
        before = np.arange(block.shape[1]) < labels[:, None]
        rank = np.count_nonzero((block > own) | ((block == own) & before), axis=1)
        hits = np.where(np.isnan(block.max(axis=1)) if block.dtype.kind == "f" else False, np.nan, rank < k)
        right += float((weights * hits).sum())
        total += float(weights.sum())
    return _ratio(right, total)


def confusion_matrix(
    pred: ArrayLike,
    target: ArrayLike,
    *,
    classes: int | None = None,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> Array:
    """How many rows of each class are taken for each class.

    matrix[t, p] = sum of the weights of the rows of class t that are taken for p.

    Parameters
    ----------
    pred : array_like
        Scores of the classes on `axis`: the prediction is the largest, the lowest class among equals. Or, in the shape
        of `target`, the classes predicted.
    target : array_like
        Class labels, integers in [0, C).
    classes : int, optional
        Number of classes, which scores tell themselves; of predicted classes by default one more than the largest.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    ndarray
        A matrix (C, C), float64: rows are what is true, columns what is predicted. A visible NaN makes its row nan.

    Raises
    ------
    IndexError
        If a label or prediction is no class: the message names the first.
    ValueError
        If the shapes or `classes` do not fit, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 1., 1.]])
    """
    classes, decisions = _decide(pred, target, classes, weight, ignore_index, axis)
    matrix = np.zeros((classes, classes))
    for predicted, labels, weights in decisions:
        known = predicted != UNKNOWN
        np.add.at(matrix, (labels[known], predicted[known]), weights[known])
        matrix[labels[~known]] = np.nan
    return matrix


class PrecisionRecallF1(NamedTuple):
    """Precision, recall and their harmonic mean: numbers, or arrays of one for each class."""

    precision: Any
    recall: Any
    f1: Any


def precision_recall_f1(
    pred: ArrayLike,
    target: ArrayLike,
    *,
    average: Literal["macro", "micro", "weighted", "binary"] | None = "macro",
    zero_division: float = 0.0,
    classes: int | None = None,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> PrecisionRecallF1:
    """How many of those found are right, how many of the right ones are found, and the harmonic mean of both.

    For every class, with the rows that are of it, taken for it, and both::

        precision = both / taken
        recall    = both / of it
        f1        = 2 both / (taken + of it)

    Parameters
    ----------
    pred : array_like
        Scores of the classes on `axis`: the prediction is the largest, the lowest class among equals. Or, in the shape
        of `target`, the classes predicted.
    target : array_like
        Class labels, integers in [0, C).
    average : {"macro", "micro", "weighted", "binary"} or None
        The mean over the classes; the ratios of the sums over them; the mean weighted by how many rows are of each;
        class 1 of two; or None for an array of them all.
    zero_division : float in [0, 1] or nan
        What 0 / 0 is. A class with nan is left out of a mean.
    classes : int, optional
        Number of classes, which scores tell themselves; of predicted classes by default one more than the largest.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    PrecisionRecallF1
        A named tuple of floats (arrays for None); nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a label or prediction is no class: the message names the first.
    ValueError
        If the shapes or `classes` do not fit, a number is outside its domain, or the word is unknown.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Every class counts in a mean, also one that occurs nowhere. Of classes that exclude each other, the three "micro"
    numbers are all the accuracy.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.precision_recall_f1([1, 1, 0, 0], [1, 0, 1, 0], average="binary")
    PrecisionRecallF1(precision=0.5, recall=0.5, f1=0.5)
    >>> fl.precision_recall_f1([0, 1, 1, 2], [0, 1, 2, 2], average=None).recall
    array([1. , 1. , 0.5])
    """
    if average not in ("macro", "micro", "weighted", "binary", None):
        raise ValueError(f'average must be "macro", "micro", "weighted", "binary" or None, not {average!r}')
    if zero_division == zero_division:
        zero_division = arrays.parameter("zero_division", zero_division, SHARES)
    classes, decisions = _decide(pred, target, classes, weight, ignore_index, axis)
    if average == "binary" and classes > 2:
        raise ValueError(f'average="binary" is for two classes, not {classes}')
    counts = np.zeros((3, max(classes, 2) if average == "binary" else classes))  # taken for it, of it, both
    unknown = False
    for predicted, labels, weights in decisions:
        known = predicted != UNKNOWN
        unknown |= not known.all()
        both = weights * (predicted == labels)
        for k, (places, amounts) in enumerate(((predicted[known], weights[known]), (labels, weights), (labels, both))):
            np.add.at(counts[k], places, amounts)
    if unknown or not counts[1].sum() > 0:
        counts[:] = zero_division = math.nan
    taken, of_it, both = counts.sum(axis=1, keepdims=True) if average == "micro" else counts
    ratios = [
        _ratios(both, taken, zero_division),
        _ratios(both, of_it, zero_division),
        _ratios(2 * both, taken + of_it, zero_division),
    ]
    if average is None:
        return PrecisionRecallF1(*ratios)
    if average == "binary":
        return PrecisionRecallF1(*(float(each[1]) for each in ratios))
    weights = of_it if average == "weighted" else np.ones(len(of_it))
    return PrecisionRecallF1(*(_mean(each, weights, ~np.isnan(each)) for each in ratios))


def _ratios(part: Array, whole: Array, zero_division: float) -> Array:
    result = np.full(len(part), zero_division)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def perplexity(
    pred: ArrayLike,
    target: ArrayLike | None = None,
    *,
    base: float = math.e,
    weight: ArrayLike | None = None,
    reduction: Literal["corpus", "none"] = "corpus",
    ignore_index: int = -100,
    axis: int = -1,
) -> Any:
    """Among how many equally likely tokens a language model is undecided, on average.

    exp(sum(w nll) / sum(w)), with the negative log-likelihood nll of each token.

    Parameters
    ----------
    pred : array_like
        Logits with the vocabulary on `axis`; or, without `target`, the nll of each token, or their mean.
    target : array_like, optional
        The tokens, integers in [0, C).
    base : float > 1
        Of the logarithms that nll given without `target` are: 2 for bits. It is then raised to their mean.
    weight : array_like, optional
        Weight of each token, broadcast to their shape; a bool mask keeps where True. Tokens of weight 0 are invisible.
    reduction : {"corpus", "none"}
        All tokens pooled, or a perplexity for each sequence: the last axis of the tokens.
    ignore_index : int
        Tokens of this number, such as padding, are invisible.
    axis : int
        The class axis.

    Returns
    -------
    float or ndarray
        1 if certain, k for a choice among k equals, inf if a token was impossible; nan of nothing, or if a visible row
        holds NaN. With ``reduction="none"`` a float64 for each sequence.

    Raises
    ------
    IndexError
        If a token is neither in the vocabulary nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, there is no axis of tokens, `base` is given besides logits or outside its domain, or
        `reduction` is unknown.
    TypeError
        If an argument does not hold real numbers, or tokens are not integers.

    Notes
    -----
    All tokens are pooled: the mean of the perplexities of sequences is another number, and not comparable.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.perplexity([[0.0] * 10, [1.0] * 10], [3, 7]), 10)
    10.0
    >>> round(fl.perplexity([0.5, 1.5, 7.0], weight=[True, True, False]), 10)
    2.7182818285
    >>> fl.perplexity([[1.0, 3.0], [0.0, 0.0]], base=2, reduction="none")
    array([4., 1.])
    """
    base = arrays.parameter("base", base, Interval(1, math.inf, low_open=True, high_open=True))
    if not isinstance(reduction, str) or reduction not in ("corpus", "none"):
        raise ValueError(f'reduction must be "corpus" or "none", not {reduction!r}')
    if target is not None and base != math.e:
        raise ValueError("base is that of nll given without target; the perplexity of logits has none")
    if reduction == "none":
        mean: Any = _mean_nlls(pred, target, weight, ignore_index, axis)
    else:
        mean = _mean_nll(pred, target, weight, ignore_index, axis, None)
    with np.errstate(over="ignore"):
        found = np.exp(mean) if base == math.e else np.power(base, mean)
    return found if reduction == "none" else float(found)


def bits_per_token(
    pred: ArrayLike,
    target: ArrayLike | None = None,
    *,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    denominator: float | None = None,
) -> float:
    """How many bits a token costs, if a language model is used to compress the text.

    sum(w nll) / log(2) / sum(w), with the negative log-likelihood nll of each token.

    Parameters
    ----------
    pred : array_like
        Logits with the vocabulary on `axis`; or, without `target`, the nll of each token, or their mean.
    target : array_like, optional
        The tokens, integers in [0, C).
    weight : array_like, optional
        Weight of each token, broadcast to their shape; a bool mask keeps where True. Tokens of weight 0 are invisible.
    ignore_index : int
        Tokens of this number, such as padding, are invisible.
    axis : int
        The class axis.
    denominator : float > 0, optional
        Divides instead of sum(w): with the number of bytes of the text these are bits per byte, which do not depend on
        how it is cut into tokens.

    Returns
    -------
    float
        The logarithm of `perplexity` to base 2; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a token is neither in the vocabulary nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, or a number is outside its domain.
    TypeError
        If an argument does not hold real numbers, or tokens are not integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.bits_per_token([[0.0] * 8, [1.0] * 8], [3, 7])
    3.0
    >>> fl.bits_per_token([[0.0] * 8, [1.0] * 8], [3, 7], denominator=12)  # of 12 bytes
    0.5
    """
    return _mean_nll(pred, target, weight, ignore_index, axis, denominator) / math.log(2)


def _mean_nll(pred: Any, target: Any, weight: Any, ignore_index: Any, axis: Any, denominator: Any) -> float:
    if target is not None:
        (logits,), labels, axis = arrays.row_inputs(("pred", "target"), (pred,), target, False, axis)
        mean: Any = cross_entropy(
            logits, labels, weight=weight, ignore_index=ignore_index, axis=axis, denominator=denominator
        )
        return float(mean)
    arrays.check_reduction("mean", denominator)
    total = mass = 0.0
    for nll, weights in arrays.element_blocks(("pred",), (pred,), weight):
        total += float((weights * nll).sum())
        mass += float(weights.sum())
    return total / denominator if denominator is not None else _ratio(total, mass)


def _mean_nlls(pred: Any, target: Any, weight: Any, ignore_index: Any, axis: Any) -> Array:
    """The mean of each sequence: over the last axis of the tokens."""
    if target is None:
        nll, kept = arrays.as_array("pred", pred), np.ones((), bool)
    else:
        (logits,), labels, axis = arrays.row_inputs(("pred", "target"), (pred,), target, False, axis)
        shape = logits.shape[:axis] + logits.shape[axis + 1 :]
        kept = np.broadcast_to(labels != arrays.integer("ignore_index", ignore_index), shape)
        nll = np.zeros(shape)
    if nll.ndim == 0:
        raise ValueError('pred has no axis of tokens, which reduction="none" takes the mean over')
    weights = arrays.row_weights(weight, nll.shape).reshape(nll.shape) * kept
    if target is not None:
        losses: Any = cross_entropy(
            logits, labels, weight=weights != 0, ignore_index=ignore_index, axis=axis, reduction="none"
        )
        nll = losses
    total = np.multiply(weights, nll, out=np.zeros(nll.shape), where=weights != 0).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        mean: Array = total / weights.sum(axis=-1)
    return mean


def r2_score(pred: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """The part of the targets' variance that predictions account for: the coefficient of determination.

    1 - sum(w (target - pred)^2) / sum(w (target - mean(target))^2).

    Parameters
    ----------
    pred, target : array_like
        Predictions and targets, of one shape; all elements count together.
    weight : array_like, optional
        Weight of each element, at least 0, broadcast to that shape; elements of weight 0 are invisible.

    Returns
    -------
    float
        1 if perfect, 0 for the mean, less for worse. Of equal targets, which have no variance, -inf, or nan if they are
        predicted exactly; nan of nothing, or if a visible element is NaN.

    Raises
    ------
    ValueError
        If the shapes differ, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.r2_score([4.0, 2.0, 3.0], [3.0, 5.0, 2.0]), 10)
    -1.3571428571
    """
    return _explained(pred, target, weight, False)


def explained_variance(pred: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """The part of the targets' variance that predictions account for, a common shift forgiven.

    1 - var(target - pred) / var(target).

    Parameters
    ----------
    pred, target : array_like
        Predictions and targets, of one shape; all elements count together.
    weight : array_like, optional
        Weight of each element, at least 0, broadcast to that shape; elements of weight 0 are invisible.

    Returns
    -------
    float
        At least `r2_score`, and equal to it if the mean error is 0. Of equal targets, which have no variance, -inf, or
        nan if the errors are all equal; nan of nothing, or if a visible element is NaN.

    Raises
    ------
    ValueError
        If the shapes differ, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.explained_variance([11.0, 12.0, 13.0], [1.0, 2.0, 3.0])
    1.0
    """
    return _explained(pred, target, weight, True)


def _explained(pred: Any, target: Any, weight: Any, shifted: bool) -> float:
    def blocks(scale: float = 1.0) -> Iterator[Array]:
        """Targets, errors, weights."""
        for x, y, w in arrays.element_blocks(("pred", "target"), (pred, target), weight):
            with np.errstate(invalid="ignore"):
                yield np.stack([y * scale, y * scale - x * scale, w])

    largest = max((float(abs(block[:2]).max(initial=0)) for block in blocks(0.25)), default=0.0)
    # squares of scaled numbers stay in the range of a double
    scale = math.ldexp(0.25, min(-math.frexp(largest)[1], 1000)) if math.isfinite(largest) else 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        first, sums, mass = None, np.zeros(2), 0.0
        for block in blocks(scale):
            if first is None and block.size:
                first = block[:2, :1]
            if first is not None:  # of equal numbers the mean is exact
                sums += (block[2] * (block[:2] - first)).sum(axis=1)
            mass += float(block[2].sum())
        if first is None:
            return math.nan
        centre = first + (sums / mass)[:, None]
        if not shifted:
            centre[1] = 0
        squares = np.zeros(2)
        for block in blocks(scale):
            squares += (block[2] * (block[:2] - centre) ** 2).sum(axis=1)
        whole, left = squares
        return float(1 - left / whole)


def median_absolute_error(pred: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None) -> float:
    """The error that half of the predictions stay below, whatever the others do.

    median(abs(pred - target)).

    Parameters
    ----------
    pred, target : array_like
        Predictions and targets, of one shape; all elements count together.
    weight : array_like, optional
        Weight of each element, at least 0, broadcast to that shape; elements of weight 0 are invisible.

    Returns
    -------
    float
        The median; nan of nothing, or if a visible element is NaN.

    Raises
    ------
    ValueError
        If the shapes differ, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.median_absolute_error([4.0, 2.0, 3.0], [3.0, 5.0, 1e9])
    3.0
    """
    found = []
    for x, y, w in arrays.element_blocks(("pred", "target"), (pred, target), weight):
        with np.errstate(invalid="ignore"):
            found.append((np.abs(x - y), w))
    if not any(w.size for _, w in found):
        return math.nan
    errors, weights = (np.concatenate(part) for part in zip(*found, strict=True))
    if np.isnan(errors).any() or np.isnan(weights).any():
        return math.nan
    order = np.argsort(errors)
    below = np.cumsum(weights[order])
    # with half of the weight exactly below, half way to the next
    ends = [min(int(np.searchsorted(below, below[-1] / 2, side)), len(order) - 1) for side in SIDES]
    low, high = errors[order[ends]]
    return float(low + (high - low) / 2) if low != high else float(low)


SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


def d2_pinball(pred: ArrayLike, target: ArrayLike, *, tau: float = 0.5, weight: ArrayLike | None = None) -> float:
    """The part of the quantile loss that predictions save, next to the best constant.

    1 - quantile(pred, target) / quantile(the targets' tau-quantile, target).

    Parameters
    ----------
    pred, target : array_like
        Predictions and targets, of one shape; all elements count together.
    tau : float in (0, 1)
        Which quantile is predicted; at 0.5 this compares mean absolute errors.
    weight : array_like, optional
        Weight of each element, at least 0, broadcast to that shape; elements of weight 0 are invisible.

    Returns
    -------
    float
        1 if perfect, 0 for the quantile of the targets, less for worse. Of equal targets -inf, or nan if predicted
        exactly; nan of nothing, or if a visible element is NaN.

    Raises
    ------
    ValueError
        If the shapes differ, or a number is outside its domain.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    R. Koenker and J. A. F. Machado, Goodness of Fit and Related Inference Processes for Quantile Regression, JASA 94
    (1999).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.d2_pinball([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    loss: Any = quantile(pred, target, tau=tau, weight=weight)
    found = [block[1:] for block in arrays.element_blocks(("pred", "target"), (pred, target), weight) if block[0].size]
    if not found or math.isnan(loss):
        return math.nan
    targets, weights = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(targets)
    below = np.cumsum(weights[order])
    best = targets[order[min(int(np.searchsorted(below, tau * below[-1])), len(order) - 1)]]
    base: Any = quantile(np.full((), best), targets, tau=tau, weight=weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(1 - np.float64(loss) / np.float64(base))


def roc_auc(
    scores: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None, ignore_index: int = -100
) -> float:
    """How likely a yes is scored higher than a no: the area under the receiver operating characteristic.

    P(score of a yes > score of a no) + P(equal) / 2.

    Parameters
    ----------
    scores : array_like
        Real numbers, in the shape of `target`; only their order matters.
    target : array_like
        1 for yes and 0 for no.
    weight : array_like, optional
        Weight of each score, at least 0, broadcast to that shape; where it is 0 the score is invisible.
    ignore_index : int
        Scores with this target are invisible.

    Returns
    -------
    float
        1 if every yes stands above every no, 0.5 for guesses; nan if there is no yes or no no, or if a visible score is
        NaN.

    Raises
    ------
    ValueError
        If the shapes differ, or a target is neither 0 nor 1 (the message names the first).
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    J. A. Hanley and B. J. McNeil, The Meaning and Use of the Area under a Receiver Operating Characteristic (ROC)
    Curve, Radiology 143 (1982).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    ignore_index = arrays.integer("ignore_index", ignore_index)
    names, inputs = ("scores", "target"), (scores, target)
    found = list(arrays.element_blocks(names, inputs, weight, (None, LABELS), ignore_index))
    s, y, w = (np.concatenate(part) for part in zip(*found, strict=True)) if found else [np.zeros(0)] * 3
    yes, no = float((w * y).sum()), float((w * (1 - y)).sum())
    if np.isnan(s).any() or not yes * no > 0:
        return math.nan
    order = np.argsort(s)
    s, y, w = s[order], y[order], w[order]
    starts = np.flatnonzero(np.append(True, s[1:] != s[:-1]))
    yeses, noes = np.add.reduceat(w * y, starts), np.add.reduceat(w * (1 - y), starts)
    below = np.cumsum(noes) - noes
    return float((yeses * (below + noes / 2)).sum()) / (yes * no)


class IntervalCoverage(NamedTuple):
    """How many intervals hold their target, and how wide they are."""

    coverage: float
    width: float


def interval_coverage(
    lower: ArrayLike, upper: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None
) -> IntervalCoverage:
    """The fraction of targets that lie in their intervals, and the mean width of these.

    coverage = mean(lower <= target <= upper), width = mean(upper - lower).

    Parameters
    ----------
    lower, upper, target : array_like
        The ends of the intervals and the targets; of one shape, or some of them scalars.
    weight : array_like, optional
        Weight of each target, at least 0, broadcast to that shape; where it is 0 the target is invisible.

    Returns
    -------
    IntervalCoverage
        A named tuple of floats; nan of nothing, or if a visible number is NaN.

    Raises
    ------
    ValueError
        If the shapes differ, or a weight is negative or infinite.
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    `interval_score` is the loss that weighs both against each other.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.interval_coverage([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 2.0, 2.0], [0.5, 1.0, 3.0, 1.0])
    IntervalCoverage(coverage=0.75, width=1.5)
    """
    inside = width = mass = 0.0
    names, inputs = ("lower", "upper", "target"), (lower, upper, target)
    for low, high, y, w in arrays.element_blocks(names, inputs, weight):
        held = np.where(np.isnan(low) | np.isnan(high) | np.isnan(y), np.nan, (low <= y) & (y <= high))
        inside += float((w * held).sum())
        with np.errstate(invalid="ignore"):
            width += float((w * (high - low)).sum())
        mass += float(w.sum())
    return IntervalCoverage(_ratio(inside, mass), _ratio(width, mass))


def dcg(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    group: ArrayLike | None = None,
    k: int | None = None,
    gain: Gain = "linear",
    ties: Literal["average", "ignore"] = "average",
    weight: ArrayLike | None = None,
) -> float:
    """Discounted cumulative gain: what a ranking shows, less for what stands further down.

    The mean over the queries of sum over the ranks r = 1, 2, ... of gain_r / log2(1 + r).

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down.
    relevance : array_like
        How good each item is, at least 0, in the shape of `scores`.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    k : int, optional
        Only the first k ranks count.
    gain : {"linear", "exp2"}
        The relevance itself, or 2^relevance - 1.
    ties : {"average", "ignore"}
        Items of equal scores share their ranks evenly, or stand in the given order.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        At least 0; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    References
    ----------
    K. Jarvelin and J. Kekalainen, Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20 (2002).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.dcg([3.0, 2.0, 1.0], [2.0, 0.0, 4.0])
    4.0
    """
    ranking = _Ranking.of(scores, relevance, group)
    return ranking.mean(ranking.dcg(k, gain, ties), weight, "zero")


def ndcg(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    group: ArrayLike | None = None,
    k: int | None = None,
    gain: Gain = "linear",
    ties: Literal["average", "ignore"] = "average",
    empty: Empty = "zero",
    weight: ArrayLike | None = None,
) -> float:
    """Normalised discounted cumulative gain: that of a ranking next to that of the best one.

    The mean over the queries of dcg / dcg of the items by relevance.

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down.
    relevance : array_like
        How good each item is, at least 0, in the shape of `scores`.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    k : int, optional
        Only the first k ranks count, also of the best ranking.
    gain : {"linear", "exp2"}
        The relevance itself, or 2^relevance - 1.
    ties : {"average", "ignore"}
        Items of equal scores share their ranks evenly, or stand in the given order.
    empty : {"zero", "skip"}
        A query without a relevant item counts as 0, or not at all.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        From 0 to 1, the best order; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    References
    ----------
    K. Jarvelin and J. Kekalainen, Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20 (2002).

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.ndcg([3.0, 2.0, 1.0], [2.0, 0.0, 4.0]), 10)
    0.7601875334
    >>> fl.ndcg([0.9, 0.1, 0.3, 0.2], [1, 0, 0, 0], group=[7, 7, 4, 4], empty="skip")
    1.0
    """
    ranking = _Ranking.of(scores, relevance, group)
    found, best = ranking.dcg(k, gain, ties), ranking.by_relevance().dcg(k, gain, "ignore")
    return ranking.mean(_ratios(found, best, 0.0), weight, empty)


def mrr(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    group: ArrayLike | None = None,
    k: int | None = None,
    empty: Empty = "zero",
    weight: ArrayLike | None = None,
) -> float:
    """Mean reciprocal rank: how far down the first relevant item stands.

    The mean over the queries of 1 / the rank of the first item with relevance > 0.

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down, equals in the given order.
    relevance : array_like
        Which items are relevant: more than 0, in the shape of `scores`.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    k : int, optional
        Only the first k ranks count.
    empty : {"zero", "skip"}
        A query without a relevant item counts as 0, or not at all.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        From 0 to 1, always first; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mrr([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [[0, 1, 1], [1, 0, 0]])
    0.75
    """
    ranking = _Ranking.of(scores, relevance, group)
    places = np.flatnonzero(ranking.hits(k))
    queries, first = np.unique(ranking.query[places], return_index=True)
    found = np.zeros(len(ranking.broken))
    found[queries] = 1 / (1 + ranking.rank[places[first]])
    return ranking.mean(found, weight, empty)


def average_precision(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    group: ArrayLike | None = None,
    empty: Empty = "zero",
    weight: ArrayLike | None = None,
) -> float:
    """Average precision, the area under the curve of precision over recall; over several queries its mean.

    The mean over the queries of the mean over their relevant items of: which part of the items scored at least as high
    is relevant.

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down, equals share the last of
        theirs.
    relevance : array_like
        Which items are relevant: more than 0, in the shape of `scores`.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    empty : {"zero", "skip"}
        A query without a relevant item counts as 0, or not at all.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        From 0 to 1, all relevant items first; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 10)
    0.8333333333
    """
    ranking = _Ranking.of(scores, relevance, group)
    hits = ranking.hits(None)
    relevant = ranking.total(hits)
    # how many relevant items stand in the query down to the end of the run of equals
    before = np.cumsum(relevant) - relevant
    found = (np.cumsum(hits) - before[ranking.query])[ranking.last]
    precision = found / (1 + ranking.rank[ranking.last])
    return ranking.mean(_ratios(ranking.total(hits * precision), relevant, 0.0), weight, empty)


def precision_at_k(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    k: int,
    group: ArrayLike | None = None,
    empty: Empty = "zero",
    weight: ArrayLike | None = None,
) -> float:
    """Which part of the first k items is relevant.

    The mean over the queries of (relevant items among the first k) / k.

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down, equals in the given order.
    relevance : array_like
        Which items are relevant: more than 0, in the shape of `scores`.
    k : int
        How many ranks count; places that no item fills are misses.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    empty : {"zero", "skip"}
        A query without a relevant item counts as 0, or not at all.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        From 0 to 1; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.precision_at_k([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [[0, 1, 1], [1, 1, 0]], k=2)
    0.75
    """
    ranking, k = _Ranking.of(scores, relevance, group), arrays.integer("k", k, 1)
    return ranking.mean(ranking.total(ranking.hits(k)) / k, weight, empty)


def recall_at_k(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    k: int,
    group: ArrayLike | None = None,
    empty: Empty = "zero",
    weight: ArrayLike | None = None,
) -> float:
    """Which part of the relevant items stands among the first k.

    The mean over the queries of (relevant items among the first k) / (relevant items).

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down, equals in the given order.
    relevance : array_like
        Which items are relevant: more than 0, in the shape of `scores`.
    k : int
        How many ranks count.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    empty : {"zero", "skip"}
        A query without a relevant item counts as 0, or not at all.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        From 0 to 1; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.recall_at_k([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [[0, 1, 1], [1, 1, 0]], k=2)
    0.75
    """
    ranking, k = _Ranking.of(scores, relevance, group), arrays.integer("k", k, 1)
    return ranking.mean(_ratios(ranking.total(ranking.hits(k)), ranking.total(ranking.hits(None)), 0.0), weight, empty)


def hit_rate(
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    k: int,
    group: ArrayLike | None = None,
    empty: Empty = "zero",
    weight: ArrayLike | None = None,
) -> float:
    """How many queries have a relevant item among the first k.

    The mean over the queries of (any of the first k is relevant).

    Parameters
    ----------
    scores : array_like
        Scores of the items of a query on the last axis; ranks go from the highest down, equals in the given order.
    relevance : array_like
        Which items are relevant: more than 0, in the shape of `scores`.
    k : int
        How many ranks count.
    group : array_like of int, optional
        The query that each item belongs to, in any order, if `scores` are in a single row.
    empty : {"zero", "skip"}
        A query without a relevant item counts as 0, or not at all.
    weight : array_like, optional
        Weight of each query, at least 0: in the shape of `scores` without the last axis, or for groups in the order of
        their first items. Queries of weight 0 are invisible.

    Returns
    -------
    float
        From 0 to 1; nan of no query, or if a visible query holds NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is outside its domain (the message names the first), or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or `group` no integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hit_rate([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]], [[0, 0, 1], [0, 1, 0]], k=2)
    0.5
    """
    ranking, k = _Ranking.of(scores, relevance, group), arrays.integer("k", k, 1)
    return ranking.mean((ranking.total(ranking.hits(k)) > 0).astype(np.float64), weight, empty)


class _Ranking(NamedTuple):
    """The items of all queries, query by query, each from the highest score down."""

    query: NDArray[np.int64]  # the number of each item's query
    relevance: Array
    rank: NDArray[np.int64]  # from 0
    last: NDArray[np.int64]  # where the item's run of equal scores ends
    broken: NDArray[np.bool_]  # which queries hold NaN
    positions: tuple[int, ...]  # the shape of the queries

    @staticmethod
    def of(scores: Any, relevance: Any, group: Any) -> _Ranking:
        s, r = arrays.as_array("scores", scores), arrays.as_array("relevance", relevance)
        if s.shape != r.shape:
            raise ValueError(f"scores has shape {s.shape} and relevance {r.shape}: they must be equal")
        if s.ndim == 0:
            raise ValueError("scores is a scalar: items lie on a last axis")
        r = arrays.in_domain("relevance", r, NON_NEGATIVE)
        if group is None:
            positions = s.shape[:-1]
            query = np.repeat(np.arange(math.prod(positions)), s.shape[-1])
        else:
            query, count = _groups(arrays.as_array("group", group), s.shape)
            positions = (count,)
            order = np.argsort(query, kind="stable")
            query, s, r = query[order], s[order], r[order]
        return _Ranking._sorted(query, s.astype(np.float64).reshape(-1), r.reshape(-1), positions)

    @staticmethod
    def _sorted(query: NDArray[np.int64], scores: Array, relevance: Array, positions: tuple[int, ...]) -> _Ranking:
        """From items that lie query by query."""
        queries = math.prod(positions)
        broken = np.bincount(query, np.isnan(scores) | np.isnan(relevance), minlength=queries) > 0
        sizes = np.bincount(query, minlength=queries)
        starts = np.cumsum(sizes) - sizes
        if queries and (sizes == sizes[0]).all():
            order = (np.argsort(-scores.reshape(queries, -1), axis=1, kind="stable") + starts[:, None]).reshape(-1)
        else:
            order = np.lexsort((-scores, query))
        rank, scores = np.arange(len(query)) - starts[query], scores[order]
        ends = np.append((query[1:] != query[:-1]) | (scores[1:] != scores[:-1]), True)[: len(query)]
        places = np.flatnonzero(ends)
        last = np.repeat(places, np.diff(places, prepend=-1))
        return _Ranking(query, relevance[order], rank, last, broken, positions)

    def by_relevance(self) -> _Ranking:
        return self._sorted(self.query, self.relevance, self.relevance, self.positions)

    def total(self, values: Array) -> Array:
        """The sum over each query's items."""
        return np.bincount(self.query, values, minlength=len(self.broken)).astype(np.float64)

    def hits(self, k: Any) -> Array:
        """1 for the relevant items among the first k."""
        hits = self.relevance > 0
        return (hits if k is None else hits & (self.rank < arrays.integer("k", k, 1))).astype(np.float64)

    def dcg(self, k: Any, gain: Any, ties: Any) -> Array:
        if gain not in ("linear", "exp2"):
            raise ValueError(f'gain must be "linear" or "exp2", not {gain!r}')
        if ties not in ("average", "ignore"):
            raise ValueError(f'ties must be "average" or "ignore", not {ties!r}')
        gains, discount = self.relevance, 1 / np.log2(self.rank + 2)
        if gain == "exp2":
            if (gains > 1000).any():
                raise ValueError(
                    f'relevance goes up to {gains.max():g}, and 2^relevance beyond a double: take "linear"'
                )
            # 2^x - 1 loses digits next to 0, and expm1 rounds integers
            gains = np.where(gains < 1, np.expm1(gains * math.log(2)), np.exp2(gains) - 1)
        if k is not None:
            discount[self.rank >= arrays.integer("k", k, 1)] = 0
        if ties == "average" and len(discount):
            places = np.flatnonzero(self.last == np.arange(len(discount)))
            sizes = np.diff(places, prepend=-1)
            discount = np.repeat(np.add.reduceat(discount, places - sizes + 1) / sizes, sizes)
        return self.total(gains * discount)

    def mean(self, values: Array, weight: Any, empty: Any) -> float:
        """The mean over the queries."""
        if empty not in ("zero", "skip"):
            raise ValueError(f'empty must be "zero" or "skip", not {empty!r}')
        weights = arrays.row_weights(weight, self.positions)
        visible = weights != 0
        if empty == "skip":
            visible &= (self.total(self.hits(None)) > 0) | self.broken
        return _mean(np.where(self.broken, np.nan, values), weights, visible)


def _groups(group: NDArray[Any], shape: tuple[int, ...]) -> tuple[NDArray[np.int64], int]:
    """The query of each item, numbered by first appearance, and how many there are."""
    if group.dtype.kind not in "biu":
        raise TypeError(f"group holds the numbers of queries, which must be integers, not {group.dtype}")
    if len(shape) != 1 or group.shape != shape:
        raise ValueError(f"group has shape {group.shape} and scores {shape}: they must be equal, (n,)")
    _, first, inverse = np.unique(group, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[inverse], len(first)


def _decide(pred: Any, target: Any, classes: Any, weight: Any, ignore_index: Any, axis: Any) -> tuple[int, Decisions]:
    """The number of classes; of every visible row the class predicted, the label and the weight, in blocks."""
    pred, target = arrays.as_array("pred", pred), arrays.as_array("target", target)
    ignore_index = arrays.integer("ignore_index", ignore_index)
    if classes is not None:
        classes = arrays.integer("classes", classes, 1)
    if pred.shape != target.shape:
        found = pred.shape[arrays.class_axis("pred", pred, axis)]
        if classes not in (None, found):
            raise ValueError(f"pred has scores of {found} classes, and classes={classes}")
        rows = arrays.labelled_rows("pred", pred, target, weight, ignore_index, axis)
        return found, ((largest(block), labels, weights) for block, labels, weights in rows)
    labels = arrays.class_labels("target", target, classes, ignore_index)
    weights = arrays.row_weights(weight, target.shape)
    visible = (labels != ignore_index) & (weights != 0)
    predicted = arrays.class_labels("pred", pred, classes, None, visible)[visible].astype(np.int64)
    labels = labels[visible].astype(np.int64)
    if classes is None:
        classes = 1 + max(int(each.max(initial=-1)) for each in (predicted, labels))
    return classes, iter([(predicted, labels, weights[visible])])


def largest(block: NDArray[Any]) -> NDArray[np.int64]:
    """The class of the largest score of each row, the lowest among equals."""
    chosen = block.argmax(axis=1)  # the first NaN, if there is one
    return np.where(np.isnan(block[np.arange(len(block)), chosen]), UNKNOWN, chosen)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def _mean(values: Array, weights: Array, visible: NDArray[np.bool_]) -> float:
    return _ratio(float((weights[visible] * values[visible]).sum()), float(weights[visible].sum()))
