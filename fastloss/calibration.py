"""Calibration: whether what a model is 70 % sure of is right 70 % of the time, and what to do if it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import LABELS, SHARES, Interval
from fastloss.classification import binary_cross_entropy_with_logits
from fastloss.softmax import cross_entropy, softmax

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "BrierDecomposition",
    "HistogramBinning",
    "IsotonicCalibration",
    "PlattScaling",
    "ReliabilityBins",
    "TemperatureScaling",
    "brier_decomposition",
    "classwise_ece",
    "ece",
    "histogram_binning",
    "isotonic_calibration",
    "platt_scaling",
    "reliability_bins",
    "reliability_diagram",
    "temperature_scaling",
]

Strategy = Literal["uniform", "quantile"]
Array = NDArray[np.float64]
Pairs = Iterator[tuple[Array, Array, Array]]  # confidences, what came of them (1 or 0), weights: in blocks

LEVELS = Interval(0, 1, low_open=True, high_open=True)
NO_LOGITS = " (of logits take fl.softmax first)"
BAR = 24  # characters in a bar of the printed table


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """Confidences in bins, and how often each bin was right; prints as a table.

    Attributes
    ----------
    lower, upper : ndarray
        The edges: a bin holds lower < confidence <= upper, the first also its lower edge.
    count : ndarray of int
        How many rows.
    share : ndarray
        Their part of the weight of all rows.
    confidence, accuracy : ndarray
        The means over the rows, nan without any.
    gap : ndarray
        accuracy - confidence: negative where the model is too sure.
    low, high : ndarray
        Wilson's interval for the accuracy.
    """

    lower: Array
    upper: Array
    count: NDArray[np.int64]
    share: Array
    confidence: Array
    accuracy: Array
    gap: Array
    low: Array
    high: Array

    def __str__(self) -> str:
        columns = f"{'confidence':<16}{'count':>8}{'mean':>8}{'accuracy':>10}{'gap':>9}  {'interval':<16}"
        lines = [columns + "accuracy =, confidence |"]
        for k, (lower, upper, count) in enumerate(zip(self.lower, self.upper, self.count, strict=True)):
            line = f"{'[' if k == 0 else '('}{lower:.3f}, {upper:.3f}]".ljust(16) + f"{count:>8}"
            if count:
                confidence, accuracy, interval = self.confidence[k], self.accuracy[k], (self.low[k], self.high[k])
                line += f"{confidence:>8.3f}{accuracy:>10.3f}{self.gap[k]:>+9.3f}  "
                line += "{:.3f} to {:.3f}  ".format(*interval) + _bar(accuracy, confidence)
            lines.append(line.rstrip())
        return "\n".join(lines)


def _bar(accuracy: float, confidence: float) -> str:
    if math.isnan(accuracy) or math.isnan(confidence):
        return ""
    cells = list(("=" * round(BAR * accuracy)).ljust(BAR + 1))
    cells[round(BAR * confidence)] = "|"
    return "".join(cells)


def reliability_bins(
    probs: ArrayLike,
    target: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: Strategy = "uniform",
    level: float = 0.95,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> ReliabilityBins:
    """Confidences in bins, and how often each bin was right: the table behind a reliability diagram.

    For the rows of each bin::

        gap = mean(right) - mean(confidence)

    Parameters
    ----------
    probs : array_like
        Probabilities of the classes on `axis`: the confidence is the largest, and right is a row whose label is its
        class (the lowest among equals). Or, in the shape of `target`, probabilities of a yes: the confidence is the
        probability, and right is a yes.
    target : array_like
        Class labels, integers in [0, C); or 1 for yes and 0 for no.
    n_bins : int
        Number of bins.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or of equal weight.
    level : float in (0, 1)
        How surely the interval holds the accuracy.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    ReliabilityBins
        Arrays by name, each (n_bins,); prints as a table.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, a probability or another number is outside its domain, or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.

    Notes
    -----
    Every bin holds its upper edge, the last one too, so that the counts add up to the number of visible rows. A
    confidence that is NaN falls into the last bin, and makes its means NaN. Wilson's interval takes (sum w)^2 / sum w^2
    rows of weight w for as many of weight 1.

    References
    ----------
    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).

    Examples
    --------
    >>> import fastloss as fl
    >>> bins = fl.reliability_bins([0.2, 0.3, 0.95, 1.0], [0, 1, 1, 0], n_bins=4)
    >>> bins.count
    array([1, 1, 0, 2])
    >>> print(bins)
    confidence         count    mean  accuracy      gap  interval        accuracy =, confidence |
    [0.000, 0.250]         1   0.200     0.000   -0.200  0.000 to 0.793       |
    (0.250, 0.500]         1   0.300     1.000   +0.700  0.207 to 1.000  =======|================
    (0.500, 0.750]         0
    (0.750, 1.000]         2   0.975     0.500   -0.475  0.095 to 0.905  ============           |
    """
    pairs = _pairs(probs, target, weight, ignore_index, axis)
    n_bins = arrays.integer("n_bins", n_bins, 1)
    level = arrays.parameter("level", level, LEVELS)
    edges, pairs = _edges(pairs, n_bins, strategy)
    count, mass, squares, confidence, right = _tally(pairs, edges)
    with np.errstate(invalid="ignore"):
        share, confidence, accuracy = mass / mass.sum(), confidence / mass, right / mass
        low, high = _wilson(accuracy, mass * (mass / squares), NormalDist().inv_cdf((1 + level) / 2))
    return ReliabilityBins(
        edges[:-1], edges[1:], count.astype(np.int64), share, confidence, accuracy, accuracy - confidence, low, high
    )


def _wilson(rate: Array, count: Array, z: float) -> tuple[Array, Array]:
    """The rates p with abs(rate - p) <= z sqrt(p (1 - p) / count)."""
    squared = z * z
    middle = (2 * count * rate + squared) / (2 * (count + squared))
    radius = z * np.sqrt(4 * count * rate * (1 - rate) + squared) / (2 * (count + squared))
    return np.maximum(middle - radius, 0), np.minimum(middle + radius, 1)


def ece(
    probs: ArrayLike,
    target: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: Strategy = "uniform",
    norm: Literal["l1", "l2", "max"] = "l1",
    debias: bool = False,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> float:
    """Expected calibration error: how far confidence and accuracy are apart.

    Over bins of confidences, with the gap of each (see `reliability_bins`) and its share of the rows::

        "l1"     sum(share abs(gap))
        "l2"     sqrt(sum(share gap^2))
        "max"    max(abs(gap)), the maximum calibration error

    Parameters
    ----------
    probs : array_like
        Probabilities of the classes on `axis`: the confidence is the largest. Or, in the shape of `target`,
        probabilities of a yes.
    target : array_like
        Class labels, integers in [0, C); or 1 for yes and 0 for no.
    n_bins : int
        Number of bins.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or of equal weight: the adaptive calibration error.
    norm : {"l1", "l2", "max"}
        How the gaps are put together.
    debias : bool
        Take off "l2" what the gaps of a perfect model would be by chance, accuracy (1 - accuracy) / (count - 1) of
        each bin, but not beyond 0.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    float
        From 0, perfectly calibrated, to 1, always wrong and sure of it; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, a probability or another number is outside its domain, or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.

    Notes
    -----
    The last bin holds its upper edge: a confidence of exactly 1 counts. With `debias` a bin of a single row counts
    nothing; weights stand for (sum w)^2 / sum w^2 rows.

    References
    ----------
    M. P. Naeini, G. Cooper and M. Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI
    (2015); C. Guo et al., On Calibration of Modern Neural Networks, ICML (2017), https://arxiv.org/abs/1706.04599;
    debiased: A. Kumar, P. Liang and T. Ma, Verified Uncertainty Calibration, NeurIPS (2019).

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.ece([0.95, 1.0], [1, 0], n_bins=10), 10)
    0.475
    >>> fl.ece([[0.0, 1.0], [1.0, 0.0]], [0, 1])  # always wrong, and sure
    1.0
    """
    if norm not in ("l1", "l2", "max"):
        raise ValueError(f'norm must be "l1", "l2" or "max", not {norm!r}')
    if debias and norm != "l2":
        raise ValueError(f'debias corrects norm="l2", not {norm!r}')
    edges, pairs = _edges(
        _pairs(probs, target, weight, ignore_index, axis), arrays.integer("n_bins", n_bins, 1), strategy
    )
    return _calibration_error(_tally(pairs, edges), norm, debias)


def _calibration_error(totals: Array, norm: str, debias: bool = False) -> float:
    _, mass, squares, confidence, right = totals[:, totals[0] > 0]
    if not mass.size:
        return math.nan
    share, gap = mass / mass.sum(), abs(right - confidence) / mass
    if norm == "max":
        return float(gap.max())
    if norm == "l1":
        return float((share * gap).sum())
    error = gap * gap
    if debias:
        rate, others = right / mass, mass * (mass / squares) - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.where(others > 0, error - rate * (1 - rate) / others, 0 * gap)
    return float(np.sqrt(np.maximum((share * error).sum(), 0)))


def classwise_ece(
    probs: ArrayLike,
    target: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: Strategy = "uniform",
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> float:
    """Expected calibration error of every class's probability, not only of the largest: their mean.

    The mean over the classes c of ``ece(probs[:, c], target == c)``.

    Parameters
    ----------
    probs : array_like
        Probabilities, classes on `axis`.
    target : array_like
        Class labels, integers in [0, C).
    n_bins : int
        Number of bins.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or, for each class, of equal weight.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    float
        At least 0; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, a probability or another number is outside its domain, or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    References
    ----------
    M. Kull et al., Beyond Temperature Scaling: Obtaining Well-Calibrated Multi-Class Probabilities with Dirichlet
    Calibration, NeurIPS (2019), https://arxiv.org/abs/1910.12656

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.classwise_ece([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]], [0, 1]), 10)
    0.3333333333
    """
    n_bins = arrays.integer("n_bins", n_bins, 1)
    found = []
    for column in _columns(probs, target, weight, ignore_index, axis):
        edges, pairs = _edges(iter([column]), n_bins, strategy)
        found.append(_calibration_error(_tally(pairs, edges), "l1"))
    return float(np.mean(found))


class BrierDecomposition(NamedTuple):
    """What a Brier score is made of: brier = reliability - resolution + uncertainty + variance - covariance.

    Attributes
    ----------
    brier : float
        The mean of (probability - outcome)^2, for several classes their sum.
    reliability : float
        The mean squared gap of the bins: 0 if calibrated. Less is better.
    resolution : float
        The variance of the bins' rates. More is better.
    uncertainty : float
        The variance of the outcomes, which is not the model's doing.
    variance, covariance : float
        Within the bins: the mean of (p - mean(p))^2, and twice that of (p - mean(p)) (y - mean(y)).
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    variance: float
    covariance: float


def brier_decomposition(
    probs: ArrayLike,
    target: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: Strategy = "uniform",
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> BrierDecomposition:
    """What a Brier score is made of: calibration, discrimination, and what could not be known.

    brier = reliability - resolution + uncertainty + variance - covariance.

    Parameters
    ----------
    probs : array_like
        Probabilities of a yes, in the shape of `target`; or of the classes on `axis`, each of which is then a yes or
        no of its own, and the parts are summed.
    target : array_like
        1 for yes and 0 for no; or class labels, integers in [0, C).
    n_bins : int
        Number of bins.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or of equal weight.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    BrierDecomposition
        A named tuple of floats; nan of nothing, or if a visible row holds NaN.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, a probability or another number is outside its domain, or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.

    Notes
    -----
    Murphy's three terms are exact where all probabilities of a bin are equal; the terms within the bins make up for
    the rest, so that the sum is the score whatever the bins.

    References
    ----------
    A. H. Murphy, A New Vector Partition of the Probability Score, J. Applied Meteorology 12 (1973); D. B. Stephenson,
    C. A. S. Coelho and I. T. Jolliffe, Two Extra Components in the Brier Score Decomposition, Weather and Forecasting
    23 (2008).

    Examples
    --------
    >>> import fastloss as fl
    >>> parts = fl.brier_decomposition([0.1, 0.1, 0.8, 0.8], [0, 0, 1, 0])
    >>> [round(part, 10) for part in parts]
    [0.175, 0.05, 0.0625, 0.1875, 0.0, 0.0]
    """
    n_bins = arrays.integer("n_bins", n_bins, 1)
    probs, target = arrays.as_array("probs", probs), arrays.as_array("target", target)
    if probs.shape == target.shape:
        columns = iter([_joined(list(_pairs(probs, target, weight, ignore_index, axis)))])
    else:
        columns = _columns(probs, target, weight, ignore_index, axis)
    parts = np.sum([_brier_parts(column, n_bins, strategy) for column in columns], axis=0)
    return BrierDecomposition(*map(float, parts))


def _brier_parts(column: tuple[Array, Array, Array], n_bins: int, strategy: Strategy) -> Array:
    edges, pairs = _edges(iter([column]), n_bins, strategy)
    count, mass, _, confidence, right = _tally(pairs, edges)
    probs, outcomes, weights = column
    total = weights.sum()
    if not total > 0:
        return np.full(6, np.nan)
    with np.errstate(invalid="ignore"):
        confidence, rate, share = confidence / mass, right / mass, mass / total
    base = right.sum() / total
    filled = count > 0
    place = _bin(probs, edges)
    spread, surprise = probs - confidence[place], outcomes - rate[place]
    return np.array([
        (weights * (probs - outcomes) ** 2).sum() / total,
        (share * (confidence - rate) ** 2)[filled].sum(),
        (share * (rate - base) ** 2)[filled].sum(),
        base * (1 - base),
        (weights * spread**2).sum() / total,
        2 * (weights * spread * surprise).sum() / total,
    ])  # fmt: skip


def _pairs(probs: Any, target: Any, weight: Any, ignore_index: Any, axis: Any) -> Pairs:
    """The confidence of every visible row, whether it was right, and its weight."""
    probs, target = arrays.as_array("probs", probs), arrays.as_array("target", target)
    if probs.shape == target.shape:
        ignore_index = arrays.integer("ignore_index", ignore_index)
        blocks = arrays.element_blocks(("probs", "target"), (probs, target), weight, (SHARES, LABELS), ignore_index)
        for confidence, right, weights in blocks:
            yield confidence, right, weights
        return
    for block, labels, weights in arrays.labelled_rows(
        "probs", probs, target, weight, ignore_index, axis, SHARES, NO_LOGITS
    ):
        chosen = block.argmax(axis=1)  # the first NaN, if there is one
        confidence = block[np.arange(len(block)), chosen].astype(np.float64)
        yield confidence, (chosen == labels).astype(np.float64), weights


def _joined(pairs: list[tuple[Array, Array, Array]]) -> tuple[Array, Array, Array]:
    """Blocks as one."""
    if not pairs:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    confidence, right, weights = (np.concatenate(blocks) for blocks in zip(*pairs, strict=True))
    return confidence, right, weights


def _columns(
    probs: Any, target: Any, weight: Any, ignore_index: Any, axis: Any
) -> Iterator[tuple[Array, Array, Array]]:
    """For every class the probabilities of the visible rows, whether it was theirs, and their weights."""
    array = arrays.as_array("probs", probs)
    columns = np.moveaxis(array, arrays.class_axis("probs", array, axis), -1)
    for _ in arrays.labelled_rows("probs", array, target, weight, ignore_index, axis, SHARES, NO_LOGITS):
        pass  # looks for what may be wrong, in order
    flat = np.broadcast_to(arrays.as_array("target", target), columns.shape[:-1]).reshape(-1)
    weights = arrays.row_weights(weight, columns.shape[:-1])
    kept = (flat != ignore_index) & (weights != 0)
    for c in range(columns.shape[-1]):
        yield columns[..., c].reshape(-1)[kept].astype(np.float64), (flat == c)[kept].astype(np.float64), weights[kept]


def _bin(confidence: Array, edges: Array) -> NDArray[np.intp]:
    """The bin of each confidence: above its lower edge, up to its upper one. NaN goes to the last."""
    return np.clip(np.searchsorted(edges, confidence) - 1, 0, len(edges) - 2)


def _edges(pairs: Pairs, n_bins: int, strategy: Any) -> tuple[Array, Pairs]:
    """The edges of the bins, and the pairs again."""
    if strategy == "uniform":
        return np.arange(n_bins + 1) / n_bins, pairs
    if strategy != "quantile":
        raise ValueError(f'strategy must be "uniform" or "quantile", not {strategy!r}')
    confidence, right, weights = _joined(list(pairs))
    order = np.argsort(confidence, kind="stable")
    below = np.cumsum(weights[order])
    edges = np.linspace(0.0, 1.0, n_bins + 1)
    if below.size:
        # the smallest confidence up to which there is k / n_bins of the weight
        wanted = below[-1] * np.arange(1, n_bins) / n_bins
        places = np.minimum(np.searchsorted(below, wanted), below.size - 1)
        edges[1:-1] = np.nan_to_num(confidence[order][places], nan=1.0)
    return edges, iter([(confidence, right, weights)])


def _tally(pairs: Pairs, edges: Array) -> Array:
    """For every bin the number of rows, and the sums of weights, squared weights, and weighted confidences and hits."""
    totals = np.zeros((5, len(edges) - 1))
    for confidence, right, weights in pairs:
        place = _bin(confidence, edges)
        for k, summands in enumerate((None, weights, weights * weights, weights * confidence, weights * right)):
            totals[k] += np.bincount(place, summands, minlength=totals.shape[1])
    return totals


class TemperatureScaling(NamedTuple):
    """A fitted temperature; `apply` gives calibrated probabilities.

    Attributes
    ----------
    temperature : float
        What to divide logits by: above 1 if the model was too sure.
    converged : bool
        Whether it is a minimum; False at a bound, and of NaN.
    nll_before, nll_after : float
        The mean negative log-likelihood of the rows fitted to, with temperature 1 and with this one.
    binary : bool
        Whether logits are those of a yes, and have no class axis.
    """

    temperature: float
    converged: bool
    nll_before: float
    nll_after: float
    binary: bool

    def apply(self, logits: ArrayLike, *, axis: int = -1) -> NDArray[Any]:
        """Probabilities from logits: softmax(logits / temperature), or of a yes their logistic function.

        Parameters
        ----------
        logits : array_like
            Logits of the kind fitted to.
        axis : int
            The class axis.

        Returns
        -------
        ndarray
            An array of their shape, in double for doubles and integers, else in float32.
        """
        scaled = np.asarray(_floats("logits", logits) / self.temperature)
        return _logistic(scaled) if self.binary else softmax(scaled, axis=axis, out=scaled)


def temperature_scaling(
    logits: ArrayLike,
    target: ArrayLike,
    *,
    bounds: tuple[float, float] = (-10.0, 10.0),
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
) -> TemperatureScaling:
    """Fit the temperature that calibrates logits: one number by which all are divided.

    It minimises the mean cross-entropy of logits / temperature, which is convex in 1 / temperature; never changes which
    class is the largest; and is fitted to data that the model was not trained on.

    Parameters
    ----------
    logits : array_like
        Logits with classes on `axis`; or, in the shape of `target`, those of a yes.
    target : array_like
        Class labels, integers in [0, C); or 1 for yes and 0 for no.
    bounds : pair of float
        The least and the greatest logarithm of the temperature.
    weight : array_like, optional
        Weight of each row, at least 0, broadcast to the labels' shape; rows of weight 0 are invisible.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.

    Returns
    -------
    TemperatureScaling
        A named tuple with the `temperature`, and `apply`. Where every row is right the best temperature is 0, and where
        most are wrong it may be infinite: then it is the bound, and `converged` is False. Of NaN it is nan.

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first.
    ValueError
        If the shapes do not fit, no row is visible, or a number is outside its domain.
    TypeError
        If an argument does not hold real numbers, or class labels are not integers.

    Notes
    -----
    Newton's method on the slope by the logarithm of 1 / temperature, between bounds that close in on the root: a step
    beyond them goes half way. Slope and curvature are made of the gradient of the cross-entropy, with every
    logit less that of its label: a confident, right row keeps its tail. Logits are gone through in blocks, and never
    copied as a whole.

    References
    ----------
    C. Guo et al., On Calibration of Modern Neural Networks, ICML (2017), https://arxiv.org/abs/1706.04599

    Examples
    --------
    >>> import fastloss as fl
    >>> logits = [[4.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 0.0]]  # 98 % sure, and 75 % right
    >>> scaling = fl.temperature_scaling(logits, [0, 0, 0, 1])
    >>> round(scaling.temperature, 10)
    3.6409569065
    >>> scaling.apply(logits[0]).round(4)
    array([0.75, 0.25])
    """
    low, high = _bounds(bounds)
    logits, target = arrays.as_array("logits", logits), arrays.as_array("target", target)
    binary = logits.shape == target.shape
    ignore_index = arrays.integer("ignore_index", ignore_index)

    def blocks() -> Iterator[list[Any]]:
        if binary:
            return arrays.element_blocks(("logits", "target"), (logits, target), weight, (None, LABELS), ignore_index)
        return map(list, arrays.labelled_rows("logits", logits, target, weight, ignore_index, axis))

    def look(log_beta: float) -> Array:
        """Mean loss at 1 / temperature = beta, its slope and its curvature by beta."""
        parts = _binary_parts if binary else _row_parts
        total, mass = np.zeros(3), 0.0
        for scores, labels, weights in blocks():
            total += [(weights * part).sum() for part in parts(scores.astype(np.float64), labels, math.exp(log_beta))]
            mass += float(weights.sum())
        if mass == 0:
            raise ValueError("no row is visible: there is nothing to fit a temperature to")
        result: Array = total / mass
        return result

    start = look(0.0)
    if not np.isfinite(start[:2]).all():
        return TemperatureScaling(math.nan, False, float(start[0]), math.nan, binary)
    log_beta, converged = _root(look, start, -high, -low)
    after = look(log_beta)[0]
    if not after <= start[0]:  # the last digit of a minimum next to 1
        log_beta, after = 0.0, start[0]
    return TemperatureScaling(math.exp(-log_beta), converged, float(start[0]), float(after), binary)


def _bounds(bounds: Any) -> tuple[float, float]:
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise TypeError(f"bounds must be a pair of numbers, not {bounds!r}")
    low, high = (arrays.parameter("bounds", bound, Interval(-700, 700)) for bound in bounds)
    if not low <= 0 <= high:
        raise ValueError(f"bounds must hold 0, the logarithm of temperature 1, not {low} to {high}")
    return low, high


def _root(look: Callable[[float], Array], start: Array, low: float, high: float) -> tuple[float, bool]:
    """Where the slope of a convex function of exp(x) is 0, from x = 0, and whether that is between the bounds."""
    x, slope, curvature = 0.0, start[1], start[2]
    for end, wrong in ((low, slope > 0), (high, slope < 0)):
        if wrong and not look(end)[1] * slope < 0:  # the slope has the same sign up to the bound, or vanishes there
            return end, False
    for _ in range(100):
        if slope == 0:
            return x, True
        low, high = (low, x) if slope > 0 else (x, high)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            following = x - slope / (math.exp(x) * curvature)
        if not low < following < high:
            following = (low + high) / 2
        step, x = abs(following - x), following
        if step <= 1e-10:
            return x, True
        _, slope, curvature = look(x)
    return x, False


def _row_parts(logits: Array, labels: NDArray[np.int64], beta: float) -> tuple[Array, Array, Array]:
    """The loss of each row of beta logits, its slope and its curvature by beta.

    With d the logits less that of the label, which drops out: slope sum(p d), curvature sum(p d^2) - slope^2.
    """
    rows = np.arange(len(logits))
    own = logits[rows, labels]
    with np.errstate(over="ignore", invalid="ignore"):  # of infinite logits nan may come
        scaled = beta * logits
        loss, p = cross_entropy.value_and_grad(scaled, labels, reduction="none", out=scaled)
        logits -= own[:, None]
        logits[rows, labels] = 0
        np.copyto(logits, 0, where=p == 0)  # a masked class has logit -inf
        slope = np.einsum("ij,ij->i", p, logits)
        p *= logits
        return np.asarray(loss), slope, np.einsum("ij,ij->i", p, logits) - slope * slope


def _binary_parts(logits: Array, labels: Array, beta: float) -> tuple[Array, Array, Array]:
    """The same of single logits, with their slope g and curvature h by beta logits: g z and h z^2."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = beta * logits
        grad, hess = binary_cross_entropy_with_logits.grad_hess(scaled, labels)
        loss: Any = binary_cross_entropy_with_logits(scaled, labels, reduction="none")
        np.copyto(logits, 0, where=grad == 0)
        return loss, grad * logits, hess * logits * logits


def _floats(name: str, value: Any) -> NDArray[Any]:
    """An array as numbers that NumPy computes with: doubles for integers, float32 for half precision."""
    array = arrays.as_array(name, value)
    double = array.dtype.kind in "biu" or array.dtype.itemsize == 8
    return array.astype(np.float64 if double else np.float32, order="C", copy=False)


def _logistic(x: NDArray[Any]) -> NDArray[Any]:
    """1 / (1 + exp(-x)), with every digit on both sides."""
    small = np.exp(-abs(x))
    return np.asarray(np.where(x < 0, small, 1) / (1 + small)).astype(x.dtype, copy=False)


class PlattScaling(NamedTuple):
    """A fitted logistic function of scores; `apply` gives probabilities.

    Attributes
    ----------
    a, b : float
        The probability of a yes is 1 / (1 + exp(a score + b)): a is negative where a higher score speaks for a yes.
    converged : bool
        Whether they are a minimum; False of NaN.
    """

    a: float
    b: float
    converged: bool

    def apply(self, scores: ArrayLike) -> NDArray[Any]:
        """Probabilities of a yes from scores: 1 / (1 + exp(a score + b)).

        Parameters
        ----------
        scores : array_like
            Scores of the kind fitted to.

        Returns
        -------
        ndarray
            An array of their shape, in double for doubles and integers, else in float32.
        """
        return _logistic(np.asarray(-(self.a * _floats("scores", scores) + self.b)))


def platt_scaling(
    scores: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None, ignore_index: int = -100
) -> PlattScaling:
    """Fit a logistic function that makes probabilities of scores, such as distances from a hyperplane.

    It minimises the cross-entropy of p = 1 / (1 + exp(a score + b)) against targets that are not quite sure,
    (n + 1) / (n + 2) for the n yeses and 1 / (m + 2) for the m noes, so that a and b are finite even if a threshold
    tells them all apart.

    Parameters
    ----------
    scores : array_like
        Real numbers, in the shape of `target`.
    target : array_like
        1 for yes and 0 for no.
    weight : array_like, optional
        Weight of each score, at least 0, broadcast to that shape; where it is 0 the score is invisible.
    ignore_index : int
        Scores with this target are invisible.

    Returns
    -------
    PlattScaling
        A named tuple with `a`, `b`, and `apply`. Of NaN they are nan.

    Raises
    ------
    ValueError
        If the shapes differ, no score is visible, or a target is neither 0 nor 1 (the message names the first).
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    Newton's method on scores of mean 0 and standard deviation 1, with steps halved until the loss falls.

    References
    ----------
    J. Platt, Probabilistic Outputs for Support Vector Machines (1999); H.-T. Lin, C.-J. Lin and R. C. Weng, A Note on
    Platt's Probabilistic Outputs for Support Vector Machines, Machine Learning 68 (2007).

    Examples
    --------
    >>> import fastloss as fl
    >>> scaling = fl.platt_scaling([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1])
    >>> scaling.apply([-2.0, 0.0, 2.0]).round(4)
    array([0.2062, 0.5   , 0.7938])
    """
    f, y, w = _answers(scores, target, weight, ignore_index)
    total = float(w.sum())
    positive = float((w * y).sum())
    y = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (total - positive + 2))
    largest = float(abs(f).max()) or 1.0  # no square leaves the range of a double
    if not math.isfinite(largest) or math.isnan(total + positive):
        return PlattScaling(math.nan, math.nan, False)
    f /= largest
    centre = float((w * f).sum()) / total
    f -= centre
    spread = math.sqrt(float((w * f * f).sum()) / total) or 1.0
    f /= spread

    def loss(line: Array) -> float:
        value: Any = binary_cross_entropy_with_logits(line[0] * f + line[1], y, weight=w, reduction="sum")
        return float(value)

    line, converged = np.zeros(2), False
    while not converged:
        grad, hess = binary_cross_entropy_with_logits.grad_hess(line[0] * f + line[1], y, weight=w)
        slope = np.array([(grad * f).sum(), grad.sum()])
        mixed = (hess * f).sum()
        curvature = np.array([[(hess * f * f).sum(), mixed], [mixed, hess.sum()]])
        step: Array = np.linalg.lstsq(curvature, slope)[0]
        decrement, before, factor = float(slope @ step), loss(line), 1.0
        # a full step from so near squares the distance, which the loss no longer shows
        converged = decrement <= 1e-12 * total
        while not converged and not loss(line - factor * step) <= before - 1e-4 * factor * decrement:
            factor /= 2
            if factor < 1e-9:
                return PlattScaling(math.nan, math.nan, False)
        line = line - factor * step
    steep = float(line[0]) / spread
    return PlattScaling(0.0 - steep / largest, steep * centre - float(line[1]), True)


class IsotonicCalibration(NamedTuple):
    """A fitted function that only rises; `apply` gives probabilities.

    Attributes
    ----------
    scores, probs : ndarray
        Its knots: probabilities at scores, between which it is linear, and beyond which it is constant.
    """

    scores: Array
    probs: Array

    def apply(self, scores: ArrayLike) -> Array:
        """Probabilities of a yes from scores.

        Parameters
        ----------
        scores : array_like
            Scores of the kind fitted to.

        Returns
        -------
        ndarray
            An array of their shape, float64.
        """
        return np.asarray(np.interp(arrays.as_array("scores", scores).astype(np.float64), self.scores, self.probs))


def isotonic_calibration(
    scores: ArrayLike, target: ArrayLike, *, weight: ArrayLike | None = None, ignore_index: int = -100
) -> IsotonicCalibration:
    """Fit the rising function that makes the best probabilities of scores.

    It minimises sum(w (f(score) - target)^2) over all f that never fall, and with it every proper score.

    Parameters
    ----------
    scores : array_like
        Real numbers, in the shape of `target`.
    target : array_like
        1 for yes and 0 for no.
    weight : array_like, optional
        Weight of each score, at least 0, broadcast to that shape; where it is 0 the score is invisible.
    ignore_index : int
        Scores with this target are invisible.

    Returns
    -------
    IsotonicCalibration
        A named tuple with the knots, and `apply`. Of NaN all is nan.

    Raises
    ------
    ValueError
        If the shapes differ, no score is visible, or a target is neither 0 nor 1 (the message names the first).
    TypeError
        If an argument does not hold real numbers.

    Notes
    -----
    Adjacent violators are pooled: neighbours of which the left has more yeses are given their common mean. It bends as
    the data want, and wants more of them than `platt_scaling`.

    References
    ----------
    B. Zadrozny and C. Elkan, Transforming Classifier Scores into Accurate Multiclass Probability Estimates, KDD (2002).

    Examples
    --------
    >>> import fastloss as fl
    >>> scaling = fl.isotonic_calibration([1.0, 2.0, 3.0, 4.0], [0, 1, 0, 1])
    >>> scaling.apply([0.0, 1.5, 2.0, 3.0, 9.0])
    array([0.  , 0.25, 0.5 , 0.5 , 1.  ])
    """
    f, y, w = _answers(scores, target, weight, ignore_index)
    if np.isnan(f).any():
        return IsotonicCalibration(np.array([math.nan]), np.array([math.nan]))
    knots, place = np.unique(f, return_inverse=True)
    masses, yeses = np.bincount(place, w), np.bincount(place, w * y)
    pools: list[tuple[float, float, int]] = []  # weight, yeses and knots of each
    for mass, yes in zip(masses.tolist(), yeses.tolist(), strict=True):
        size = 1
        while pools and pools[-1][1] * mass >= yes * pools[-1][0]:
            more, others, count = pools.pop()
            mass, yes, size = mass + more, yes + others, size + count
        pools.append((mass, yes, size))
    rates = np.array([yes / mass for mass, yes, _ in pools])
    return IsotonicCalibration(knots, np.repeat(rates, [size for _, _, size in pools]))


class HistogramBinning(NamedTuple):
    """The rate of every bin; `apply` gives probabilities.

    Attributes
    ----------
    edges : ndarray
        A bin holds lower < probability <= upper, the first also its lower edge.
    probs : ndarray
        What each bin's probabilities become; where there was none to fit to, the middle of the bin.
    """

    edges: Array
    probs: Array

    def apply(self, probs: ArrayLike) -> Array:
        """The rates of the bins that probabilities fall into.

        Parameters
        ----------
        probs : array_like
            Probabilities of a yes.

        Returns
        -------
        ndarray
            An array of their shape, float64.
        """
        given = arrays.in_domain("probs", probs, SHARES)
        return np.where(np.isnan(given), np.nan, self.probs[_bin(given, self.edges)])


def histogram_binning(
    probs: ArrayLike,
    target: ArrayLike,
    *,
    n_bins: int = 15,
    strategy: Strategy = "uniform",
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
) -> HistogramBinning:
    """Fit a step function that calibrates probabilities: the rate of yeses in each bin.

    The new probability is mean(target) over the bin, as `reliability_bins` shows it.

    Parameters
    ----------
    probs : array_like
        Probabilities of a yes, in the shape of `target`.
    target : array_like
        1 for yes and 0 for no.
    n_bins : int
        Number of bins.
    strategy : {"uniform", "quantile"}
        Bins of equal width, or of equal weight.
    weight : array_like, optional
        Weight of each probability, at least 0, broadcast to that shape; where it is 0 the probability is invisible.
    ignore_index : int
        Probabilities with this target are invisible.

    Returns
    -------
    HistogramBinning
        A named tuple with the rates, and `apply`. Of NaN all is nan.

    Raises
    ------
    ValueError
        If the shapes differ, none is visible, a number is outside its domain (the message names the first), or a word
        is unknown.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    B. Zadrozny and C. Elkan, Obtaining Calibrated Probability Estimates from Decision Trees and Naive Bayesian
    Classifiers, ICML (2001).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.histogram_binning([0.1, 0.2, 0.9, 0.8], [0, 0, 1, 0], n_bins=4).apply([0.05, 0.3, 0.95])
    array([0.   , 0.375, 0.5  ])
    """
    p, y, w = _answers(probs, target, weight, ignore_index, "probs", SHARES)
    edges, pairs = _edges(iter([(p, y, w)]), arrays.integer("n_bins", n_bins, 1), strategy)
    count, mass, _, _, right = _tally(pairs, edges)
    rates = (edges[:-1] + edges[1:]) / 2
    np.divide(right, mass, out=rates, where=count > 0)
    return HistogramBinning(edges, np.full_like(rates, np.nan) if np.isnan(p).any() else rates)


def _answers(
    scores: Any, target: Any, weight: Any, ignore_index: Any, name: str = "scores", domain: Interval | None = None
) -> tuple[Array, Array, Array]:
    """The visible scores, 1 or 0, and weights, of which there must be some."""
    ignore_index = arrays.integer("ignore_index", ignore_index)
    blocks = arrays.element_blocks((name, "target"), (scores, target), weight, (domain, LABELS), ignore_index)
    found = _joined([(block[0], block[1], block[2]) for block in blocks])
    if not found[0].size:
        raise ValueError(f"none of the {name} is visible: there is nothing to fit to")
    return found


def reliability_diagram(bins: ReliabilityBins, *, title: str = "Reliability") -> Figure:
    """Draw bins: accuracy over confidence, with intervals, and below how many rows each bin has.

    Where bars end below the diagonal the model is too sure.

    Parameters
    ----------
    bins : ReliabilityBins
        What `reliability_bins` gives.
    title : str
        Stands above the picture.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; ``savefig("name.png")`` writes it to a file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `bins` are none.

    Examples
    --------
    >>> import fastloss as fl
    >>> figure = fl.reliability_diagram(fl.reliability_bins([0.2, 0.3, 0.95, 1.0], [0, 1, 1, 0], n_bins=4))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['accuracy', 'rows']
    """
    if not isinstance(bins, ReliabilityBins):
        raise TypeError(f"bins must be ReliabilityBins, as reliability_bins gives, not {type(bins).__name__}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "reliability_diagram needs matplotlib, which is not installed: pip install 'fastloss[demo]'"
        ) from None
    blue, orange, grey = "#0072b2", "#d55e00", "#999999"
    figure = Figure(figsize=(5.2, 6.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    filled = bins.count > 0
    left, width = bins.lower[filled], (bins.upper - bins.lower)[filled]
    confidence, accuracy = bins.confidence[filled], bins.accuracy[filled]
    upper.plot([0, 1], [0, 1], color=grey, linestyle="--", linewidth=1, label="perfect calibration")
    upper.bar(
        left, accuracy, width, align="edge", color=blue, alpha=0.35, edgecolor="white", linewidth=0.8, label="accuracy"
    )
    upper.errorbar(
        confidence, accuracy, yerr=np.maximum(0, (accuracy - bins.low[filled], bins.high[filled] - accuracy)),
        fmt="o", color=blue, markersize=4, linewidth=1.2, capsize=2, label="at the mean confidence, with interval",
    )  # fmt: skip
    upper.vlines(confidence, confidence, accuracy, color=orange, linewidth=2.5, alpha=0.7, label="gap")
    error = float((bins.share[filled] * abs(bins.gap[filled])).sum()) if filled.any() else math.nan
    upper.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), ylabel="accuracy", title=f"{title}, ECE {error:.4f}")
    upper.legend(loc="upper left", framealpha=0.8, edgecolor="none", fontsize=9)
    lower.bar(left, bins.count[filled], width, align="edge", color=grey, edgecolor="white", linewidth=0.8)
    lower.set(xlabel="confidence", ylabel="rows")
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
