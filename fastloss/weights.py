"""What goes into a loss: weights of classes and of rows, targets, and penalties on parameters that are added to it."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastloss import arrays
from fastloss.arrays import NON_NEGATIVE, SHARES
from fastloss.regression import half_squared_error, mae

__all__ = [
    "Penalty",
    "class_counts",
    "effective_number",
    "inverse_frequency",
    "inverse_sqrt_frequency",
    "label_smoothing",
    "mixup_targets",
    "one_hot",
    "penalty",
    "pos_weight_from_counts",
    "sample_weights_from_classes",
]

SMALLEST_NORM = 2.0**-1022
Normalize = Literal["classes", "rows"] | None
Absent = Literal["zero", "raise"]


def class_counts(
    target: ArrayLike, classes: int, *, weight: ArrayLike | None = None, ignore_index: int = -100
) -> NDArray[np.float64]:
    """How often each class occurs.

    n_c = sum of the weights of the rows with label c.

    Parameters
    ----------
    target : array_like
        Class labels, integers in [0, classes), of any shape.
    classes : int
        Number of classes.
    weight : array_like, optional
        Weight of each label, at least 0, broadcast to their shape.
    ignore_index : int
        Rows with this label are invisible.

    Returns
    -------
    ndarray
        The counts, (classes,), float64: what the functions below take.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If a weight is negative or infinite, or does not fit; if there is no class.
    TypeError
        If the labels are not integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.class_counts([0, 2, 2, -100], 3)
    array([1., 0., 2.])
    """
    array, classes = arrays.as_array("target", target), arrays.integer("classes", classes, 1)
    ignore_index = arrays.integer("ignore_index", ignore_index)
    labels = arrays.class_labels("target", array, classes, ignore_index)
    visible = labels != ignore_index
    weights = arrays.row_weights(weight, array.shape)[visible]
    counts = np.bincount(labels[visible].astype(np.int64), weights, minlength=classes)
    return counts.astype(np.float64)  # of nothing they are integers


def inverse_frequency(
    counts: ArrayLike, *, normalize: Normalize = None, absent: Absent = "zero"
) -> NDArray[np.float64]:
    """Class weights that let every class count alike, however often it occurs.

    weight_c = n / (C n_c), with n = sum(counts) and C classes.

    Parameters
    ----------
    counts : array_like
        How often each class occurs, (C,), at least 0: `class_counts` counts.
    normalize : {None, "classes", "rows"}
        Scale the weights so that their mean is 1, over the classes or over the rows, which have their class's weight.
        Where no class is absent, these weights have mean 1 over the rows already.
    absent : {"zero", "raise"}
        The weight of a class that does not occur is 0, or an error.

    Returns
    -------
    ndarray
        The weights, (C,), float64: a loss's `class_weight`.

    Raises
    ------
    ValueError
        If a count is negative or infinite (the message names the first), there are no classes, or a word is unknown.
    TypeError
        If the counts are no real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.inverse_frequency([900, 100])
    array([0.55555556, 5.        ])
    """
    numbers = _counts("counts", counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = numbers.sum() / (len(numbers) * numbers)
    return _finish(weights, numbers, normalize, absent)


def inverse_sqrt_frequency(
    counts: ArrayLike, *, normalize: Normalize = None, absent: Absent = "zero"
) -> NDArray[np.float64]:
    """Class weights half way, on a logarithmic scale, between none and the inverse frequencies.

    weight_c = sqrt(n / (C n_c)), with n = sum(counts) and C classes.

    Parameters
    ----------
    counts : array_like
        How often each class occurs, (C,), at least 0: `class_counts` counts.
    normalize : {None, "classes", "rows"}
        Scale the weights so that their mean is 1, over the classes or over the rows, which have their class's weight.
    absent : {"zero", "raise"}
        The weight of a class that does not occur is 0, or an error.

    Returns
    -------
    ndarray
        The weights, (C,), float64: a loss's `class_weight`.

    Raises
    ------
    ValueError
        If a count is negative or infinite (the message names the first), there are no classes, or a word is unknown.
    TypeError
        If the counts are no real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> [round(float(w), 10) for w in fl.inverse_sqrt_frequency([900, 100])]
    [0.7453559925, 2.2360679775]
    """
    numbers = _counts("counts", counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.sqrt(numbers.sum() / (len(numbers) * numbers))
    return _finish(weights, numbers, normalize, absent)


def effective_number(
    counts: ArrayLike, *, beta: float = 0.999, normalize: Normalize = None, absent: Absent = "zero"
) -> NDArray[np.float64]:
    """Class weights for samples that overlap: the inverse of how many effectively different ones a class has.

    weight_c = (1 - beta) / (1 - beta^n_c), from 1 for all at beta = 0 to the limit 1 / n_c at beta = 1.

    Parameters
    ----------
    counts : array_like
        How often each class occurs, (C,), at least 0: `class_counts` counts.
    beta : float in [0, 1]
        1 - 1 / N for a class of N samples that are effectively different, if there were infinitely many.
    normalize : {None, "classes", "rows"}
        Scale the weights so that their mean is 1, over the classes (as the paper does) or over the rows, which have
        their class's weight.
    absent : {"zero", "raise"}
        The weight of a class that does not occur is 0, or an error.

    Returns
    -------
    ndarray
        The weights, (C,), float64: a loss's `class_weight`.

    Raises
    ------
    ValueError
        If a count is negative or infinite (the message names the first), there are no classes, `beta` is outside its
        domain, or a word is unknown.
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    1 - beta^n is computed as -expm1(n log(beta)), which keeps its digits where beta^n is close to 1.

    References
    ----------
    Y. Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR (2019),
    https://arxiv.org/abs/1901.05555

    Examples
    --------
    >>> import fastloss as fl
    >>> [round(float(w), 10) for w in fl.effective_number([900, 100], beta=0.999)]
    [0.0016845982, 0.0105033353]
    >>> fl.effective_number([900, 100], beta=0.999, normalize="classes").round(4)
    array([0.2764, 1.7236])
    """
    numbers, beta = _counts("counts", counts), arrays.parameter("beta", beta, SHARES)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = 1 / numbers if beta == 1 else (1 - beta) / -np.expm1(numbers * np.log(beta))
    return _finish(weights, numbers, normalize, absent)


def pos_weight_from_counts(positive: ArrayLike, negative: ArrayLike, *, absent: Absent = "zero") -> NDArray[np.float64]:
    """The weight of a yes that lets yes and no count alike, for every label.

    pos_weight = negative / positive.

    Parameters
    ----------
    positive, negative : array_like
        How often each label is given, and how often not; of one shape.
    absent : {"zero", "raise"}
        The weight of a label that is never given is 0, or an error.

    Returns
    -------
    ndarray
        The weights, float64: the `pos_weight` of `binary_cross_entropy_with_logits`.

    Raises
    ------
    ValueError
        If a count is negative or infinite (the message names the first), the shapes differ, or a word is unknown.
    TypeError
        If the counts are no real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pos_weight_from_counts([100, 500], [900, 500])
    array([9., 1.])
    """
    yes, no = arrays.in_domain("positive", positive, NON_NEGATIVE), arrays.in_domain("negative", negative, NON_NEGATIVE)
    if yes.shape != no.shape:
        raise ValueError(f"positive has shape {yes.shape} and negative {no.shape}: they must be equal")
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.asarray(no / yes)
    return _replace_absent("positive", weights, yes, absent)


def sample_weights_from_classes(
    target: ArrayLike, class_weight: ArrayLike, *, weight: ArrayLike | None = None, ignore_index: int = -100
) -> NDArray[np.float64]:
    """The weight of each row from the weights of the classes.

    weight_i = class_weight[target_i], times a weight of its own if it has one.

    Parameters
    ----------
    target : array_like
        Class labels, integers in [0, C), of any shape.
    class_weight : array_like
        Weight of each class, (C,), at least 0.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; it multiplies.
    ignore_index : int
        Rows with this label get weight 0.

    Returns
    -------
    ndarray
        The weights in the labels' shape, float64: a loss's `weight`. `cross_entropy` gives the same mean with them as
        with `class_weight`.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If a weight is negative or infinite, or does not fit.
    TypeError
        If the labels are not integers, or weights no real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.sample_weights_from_classes([0, 1, 1, -100], [1.0, 3.0])
    array([1., 3., 3., 0.])
    """
    by_class = arrays.as_array("class_weight", class_weight)
    if by_class.ndim != 1:
        raise ValueError(f"class_weight has shape {by_class.shape} and must have one weight per class, (C,)")
    by_class = arrays.class_weights(by_class, len(by_class))
    array, ignore_index = arrays.as_array("target", target), arrays.integer("ignore_index", ignore_index)
    labels = arrays.class_labels("target", array, len(by_class), ignore_index)
    visible = labels != ignore_index
    result = np.zeros(array.size)
    result[visible] = by_class[labels[visible].astype(np.int64)] * arrays.row_weights(weight, array.shape)[visible]
    return result.reshape(array.shape)


def one_hot(
    target: ArrayLike, classes: int, *, ignore_index: int = -100, dtype: DTypeLike = np.float64
) -> NDArray[Any]:
    """Labels as distributions over the classes: 1 for the class, 0 for the others.

    t_c = 1 if c = target, else 0.

    Parameters
    ----------
    target : array_like
        Class labels, integers in [0, classes), of any shape.
    classes : int
        Number of classes.
    ignore_index : int
        A row with this label is 0 everywhere: as a soft target it costs nothing.
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray
        An array of the labels' shape with the classes on a last axis more.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If there is no class.
    TypeError
        If the labels are not integers.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    array, classes = arrays.as_array("target", target), arrays.integer("classes", classes, 1)
    ignore_index = arrays.integer("ignore_index", ignore_index)
    labels = arrays.class_labels("target", array, classes, ignore_index)
    (visible,) = np.nonzero(labels != ignore_index)
    result = np.zeros((array.size, classes), dtype)
    result[visible, labels[visible].astype(np.int64)] = 1
    return result.reshape(*array.shape, classes)


def label_smoothing(
    target: ArrayLike,
    classes: int | None = None,
    *,
    epsilon: float = 0.1,
    mode: str | ArrayLike = "uniform",
    ignore_index: int = -100,
) -> NDArray[np.float64]:
    """Targets that are not quite sure: a part of each is spread over the classes.

    With a target distribution t (for a label its one-hot form) over C classes::

        "uniform"    (1 - epsilon) t + epsilon / C
        "others"     (1 - epsilon) t + epsilon (1 - t) / (C - 1)
        "binary"     (1 - epsilon) t + epsilon / 2
        a prior      (1 - epsilon) t + epsilon prior

    Parameters
    ----------
    target : array_like
        Class labels, integers in [0, classes), of any shape; or, if `classes` is not given, distributions with the
        classes on the last axis. For "binary": answers in [0, 1] of any shape.
    classes : int, optional
        Number of classes, if `target` holds labels.
    epsilon : float in [0, 1]
        How much is spread.
    mode : {"uniform", "others", "binary"} or array_like
        Where to: over all classes alike, over all but the true one, over yes and no; or a distribution, (C,).
    ignore_index : int
        The target of a row with this label is 0 everywhere: it costs nothing.

    Returns
    -------
    ndarray
        The smoothed targets, float64: labels get a last axis of classes.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If a number is outside [0, 1], a word unknown, a prior not of shape (C,), or `classes` missing or useless.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    `cross_entropy` smooths uniformly by itself, without an array of targets.

    References
    ----------
    C. Szegedy et al., Rethinking the Inception Architecture (2016), https://arxiv.org/abs/1512.00567

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.label_smoothing([2], 4)
    array([[0.025, 0.025, 0.925, 0.025]])
    >>> fl.label_smoothing([0.0, 1.0], mode="binary")
    array([0.05, 0.95])
    """
    epsilon = arrays.parameter("epsilon", epsilon, SHARES)
    words = ("uniform", "others", "binary")
    if isinstance(mode, str) and mode not in words:
        raise ValueError(f'mode must be "uniform", "others", "binary" or a prior, not {mode!r}')
    array = arrays.as_array("target", target)
    nothing: Any = False
    if classes is not None:
        if isinstance(mode, str) and mode == "binary":
            raise ValueError('mode="binary" smooths answers, not labels: leave classes out')
        shares = one_hot(array, classes, ignore_index=ignore_index)
        nothing = (array == ignore_index)[..., None]
    else:
        shares = arrays.in_domain("target", array, SHARES)
        if shares.ndim == 0 and not (isinstance(mode, str) and mode == "binary"):
            raise ValueError("target is a scalar: of a label give the number of classes")
    if not isinstance(mode, str):
        prior = arrays.in_domain("mode", mode, SHARES)
        if prior.shape != shares.shape[-1:]:
            raise ValueError(f"mode, a prior, has shape {prior.shape} and must be {shares.shape[-1:]}")
        spread: Any = prior
    elif mode == "others":
        if shares.shape[-1] < 2:
            raise ValueError('mode="others" needs two classes at least')
        spread = (1 - shares) / (shares.shape[-1] - 1)
    else:
        spread = 0.5 if mode == "binary" else 1 / max(1, shares.shape[-1])
    smoothed = (1 - epsilon) * shares + epsilon * spread
    return np.where(nothing, 0.0, smoothed)


def mixup_targets(target1: ArrayLike, target2: ArrayLike, share: ArrayLike) -> NDArray[np.float64]:
    """Targets of examples that were mixed.

    t = share target1 + (1 - share) target2.

    Parameters
    ----------
    target1, target2 : array_like
        Distributions over classes, (..., C), of one shape: `one_hot` makes them of labels.
    share : array_like in [0, 1]
        How much of the first went in: a number, or one for each row, (...).

    Returns
    -------
    ndarray
        The mixed targets, float64, a soft target of `cross_entropy`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a number is outside [0, 1] (the message names the first).
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    Of labels, share * cross_entropy(logits, label1) + (1 - share) * cross_entropy(logits, label2) is the same loss
    without an array of targets.

    References
    ----------
    H. Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR (2018), https://arxiv.org/abs/1710.09412

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.mixup_targets([[1.0, 0.0]], [[0.0, 1.0]], 0.25)
    array([[0.25, 0.75]])
    """
    one, other = arrays.in_domain("target1", target1, SHARES), arrays.in_domain("target2", target2, SHARES)
    if one.shape != other.shape or one.ndim == 0:
        raise ValueError(f"target1 has shape {one.shape} and target2 {other.shape}: they must be equal, (..., C)")
    part = arrays.broadcast("share", arrays.in_domain("share", share, SHARES), one.shape[:-1])[..., None]
    return part * one + (1 - part) * other


class Penalty(NamedTuple):
    """A penalty and its gradient, to be added to a loss and its gradient."""

    value: float
    grad: NDArray[Any]


def penalty(
    parameters: ArrayLike,
    strength: float,
    *,
    kind: Literal["l2", "l1", "elastic_net", "group_lasso"] = "l2",
    l1_ratio: float = 0.5,
) -> Penalty:
    """A penalty on the size of parameters, and its gradient.

    With parameters w and strength s::

        "l2"             s sum(w^2) / 2                           gradient s w
        "l1"             s sum(abs(w))                            gradient s sign(w)
        "elastic_net"    l1_ratio of "l1" + (1 - l1_ratio) of "l2"
        "group_lasso"    s sum over rows of norm(row)             gradient s row / norm(row)

    Parameters
    ----------
    parameters : array_like
        The parameters, of any shape; for "group_lasso" a group is what lies on the last axis.
    strength : float >= 0
        How much the penalty counts.
    kind : {"l2", "l1", "elastic_net", "group_lasso"}
        "l2" makes parameters small, "l1" most of them 0, "group_lasso" whole rows 0.
    l1_ratio : float in [0, 1]
        The part of "l1" in "elastic_net".

    Returns
    -------
    Penalty
        `value`, a float, and `grad`, in the dtype of `parameters` (float64 for integers).

    Raises
    ------
    ValueError
        If a number is outside its domain, or the word unknown.
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    At 0 the gradient of abs, and of a norm, is 0. A norm does not overflow on the way: a row is scaled by its largest
    number. With strength 0 the parameters are invisible.

    References
    ----------
    H. Zou and T. Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 67 (2005); M. Yuan and Y.
    Lin, Model Selection and Estimation in Regression with Grouped Variables, JRSS B 68 (2006).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.penalty([3.0, -4.0, 0.0], 0.5)
    Penalty(value=6.25, grad=array([ 1.5, -2. ,  0. ]))
    >>> fl.penalty([3.0, -4.0, 0.0], 0.5, kind="l1")
    Penalty(value=3.5, grad=array([ 0.5, -0.5,  0. ]))
    >>> fl.penalty([[3.0, -4.0], [0.0, 0.0]], 0.5, kind="group_lasso").value
    2.5
    """
    if kind not in ("l2", "l1", "elastic_net", "group_lasso"):
        raise ValueError(f'kind must be "l2", "l1", "elastic_net" or "group_lasso", not {kind!r}')
    strength = arrays.parameter("strength", strength, NON_NEGATIVE)
    l1_ratio = arrays.parameter("l1_ratio", l1_ratio, SHARES)
    array = arrays.as_array("parameters", parameters)
    if kind == "group_lasso":
        return _group_lasso(array, strength)
    ratio = {"l2": 0.0, "l1": 1.0, "elastic_net": l1_ratio}[kind]
    nothing = np.zeros((), array.dtype)
    value, grad = half_squared_error.value_and_grad(array, nothing, weight=strength * (1 - ratio), reduction="sum")
    if ratio:
        absolute, signs = mae.value_and_grad(array, nothing, weight=strength * ratio, reduction="sum")
        value, grad = value + absolute, np.add(grad, signs, out=grad)
    return Penalty(value, grad)


def _group_lasso(array: NDArray[Any], strength: float) -> Penalty:
    if array.ndim == 0:
        raise ValueError("parameters is a scalar: a group lies on a last axis")
    grad = np.zeros(array.shape, arrays.gradient_dtype(array))
    rows, value, start = grad.reshape(-1, array.shape[-1]), 0.0, 0
    for block in arrays.row_blocks(array) if array.size else ():
        numbers = block.astype(np.float64)
        largest = np.maximum(abs(numbers).max(axis=1, keepdims=True), SMALLEST_NORM)
        with np.errstate(invalid="ignore"):  # the direction of an infinite row is nan
            scaled = numbers / largest
        norms = np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))
        value += float(np.where(largest == math.inf, largest, largest * norms).sum())
        rows[start : start + len(block)] = strength * scaled / np.where(norms == 0, 1, norms)
        start += len(block)
    return Penalty(strength * value, grad)


def _counts(name: str, value: Any) -> NDArray[np.float64]:
    numbers = arrays.in_domain(name, value, NON_NEGATIVE)
    if numbers.ndim != 1 or not len(numbers):
        raise ValueError(f"{name} has shape {numbers.shape} and must have one count per class, (C,)")
    return numbers


def _replace_absent(
    name: str, weights: NDArray[np.float64], counts: NDArray[np.float64], absent: str
) -> NDArray[np.float64]:
    if absent not in ("zero", "raise"):
        raise ValueError(f'absent must be "zero" or "raise", not {absent!r}')
    missing = counts == 0
    if absent == "raise" and missing.any():
        raise arrays.unfit(name, counts, int(missing.argmax()), 'more than 0, or absent="zero"', ValueError)
    return np.where(missing, 0.0, weights)


def _finish(
    weights: NDArray[np.float64], counts: NDArray[np.float64], normalize: Normalize, absent: Absent
) -> NDArray[np.float64]:
    """Weights with those of absent classes settled, and a mean of 1 if asked for."""
    if normalize not in (None, "classes", "rows"):
        raise ValueError(f'normalize must be None, "classes" or "rows", not {normalize!r}')
    weights = _replace_absent("counts", weights, counts, absent)
    if normalize is None or not (weights.any() or np.isnan(weights).any()):
        return weights
    mean = weights.mean() if normalize == "classes" else (counts * weights).sum() / counts.sum()
    scaled: NDArray[np.float64] = weights / mean
    return scaled
