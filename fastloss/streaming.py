"""Evaluation block by block: accumulators for logits that do not fit into memory, or come from several processes.

An accumulator is fed blocks and asked for a number at the end. A block may be any number of rows, of any dtype,
memory-mapped or not; what is kept of it are exact sums, so that neither the way the rows were split nor the order in
which accumulators are merged changes a result by more than an ULP. Losses live in the families, what reads files in
evaluate.py: here is only the adding up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.divergence import entropy, kl_divergence
from fastloss.metrics import largest
from fastloss.softmax import cross_entropy

__all__ = ["LogitsAccumulator"]

NUMBERS = 2**15  # of logits at a time: with what is made of them they sit in L2, and in memory that was there before
EXACT = 2**16  # numbers to be added at a time, which sit in L2; of 2^26 the halves add up exactly in double
UNIT = 1074 + 53  # what sums are counted in: 2^-1127, no larger than the last bit of any half


class ExactSum:
    """A sum of floats without rounding: a whole number of units, and what is no number.

    Examples
    --------
    >>> total = ExactSum()
    >>> total.add([1e100, 1.0, -1e100])
    >>> float(total)
    1.0
    """

    def __init__(self) -> None:
        self.units = 0
        self.other = 0.0  # the sum of infinities and NaN

    def add(self, numbers: ArrayLike) -> None:
        """Add every number."""
        flat = np.asarray(numbers, np.float64).reshape(-1)
        for start in range(0, len(flat), EXACT):
            block = flat[start : start + EXACT]
            finite = np.isfinite(block)
            if not finite.all():
                with np.errstate(invalid="ignore"):
                    self.other += float(block[~finite].sum())
                block = block[finite]
            if not len(block):
                continue
            fractions, exponents = np.frexp(block)
            high = np.trunc(np.ldexp(fractions, 27))
            low = np.ldexp(np.ldexp(fractions, 27) - high, 26)
            lowest = int(exponents.min())
            for half, shift in ((high, 27), (low, 53)):
                for k, count in enumerate(np.bincount(exponents - lowest, half).tolist()):
                    self.units += int(count) << (lowest + k - shift + UNIT)

    def merge(self, other: ExactSum) -> None:
        self.units += other.units
        self.other += other.other

    def __float__(self) -> float:
        return self.other if self.other != 0 else _ratio(self.units, 1 << UNIT)

    def over(self, weights: ExactSum) -> float:
        """The quotient of two sums, rounded once; nan of nothing."""
        if self.other != 0 or weights.other != 0:
            return math.nan if float(weights) == 0 else float(self) / float(weights)
        return _ratio(self.units, weights.units)


def _ratio(a: int, b: int) -> float:
    try:
        return a / b if b else math.nan
    except OverflowError:
        return math.inf if (a < 0) == (b < 0) else -math.inf


class LogitsAccumulator:
    """Cross-entropy, perplexity, accuracy, entropy and divergence of rows of logits that come block by block.

    Every number is a mean over rows, sum(w x) / sum(w), of all blocks together: perplexity is e to the pooled mean, not
    a mean of perplexities. What no block has brought is nan. An accumulator is some integers: pickle it, send it,
    `merge` it.

    Parameters
    ----------
    ignore_index : int
        Rows with this label are invisible, in every number.
    entropy : bool
        Whether to compute the entropy, which takes longer than the loss.

    Attributes
    ----------
    cross_entropy : float
        Mean of -log p(label).
    perplexity : float
        e to the mean cross-entropy: as if choosing among so many equals.
    bits_per_token : float
        The mean cross-entropy in bits.
    accuracy : float
        How often the largest logit is the label's; of equal logits the one of the lowest index is taken, of a row that
        holds NaN none.
    entropy : float
        Mean of -sum(p log p): how unsure the rows are, right or wrong.
    kl_divergence : float
        Mean of KL(reference || model) = sum(q (log q - log p)), q of the reference logits.
    rows : int
        How many visible rows have come.

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> total = fl.LogitsAccumulator()
    >>> total.update([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [0, 2])
    >>> total.update([[9.0, 9.0, 9.0]], [-100])
    >>> round(total.cross_entropy, 10), round(total.perplexity, 10), total.accuracy, total.rows
    (0.6699617927, 1.9541626559, 0.5, 2)
    >>> round(total.entropy, 10)
    0.8600984467
    """

    def __init__(self, *, ignore_index: int = -100, entropy: bool = True) -> None:
        self.ignore_index = arrays.integer("ignore_index", ignore_index)
        self._with_entropy = bool(entropy)
        self.rows = 0
        # of each mean its two sums: sum(w x), and sum(w) over the rows that it has seen
        self._sums = {name: (ExactSum(), ExactSum()) for name in ("loss", "right", "entropy", "divergence")}

    def update(
        self,
        logits: ArrayLike,
        target: ArrayLike | None = None,
        *,
        reference_logits: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> None:
        """Take in a block.

        Parameters
        ----------
        logits : array_like
            Unnormalised log-probabilities of the model, (..., C): any number of rows, also none.
        target : array_like, optional
            Class labels, integers in [0, C), in the shape of `logits` without the last axis.
        reference_logits : array_like, optional
            Logits to measure the divergence from, in the shape of `logits`.
        weight : array_like, optional
            Weight of each row, at least 0, broadcast to the labels' shape; a row of weight 0 is invisible.

        Raises
        ------
        IndexError
            If a label is neither a class nor `ignore_index`: the message names the first.
        ValueError
            If the shapes do not fit, or a weight is negative.
        TypeError
            If an argument does not hold real numbers, or labels are not integers.

        An update that raises leaves the accumulator as it was.
        """
        z = arrays.as_array("logits", logits)
        arrays.class_axis("logits", z, -1)
        shape, classes = z.shape[:-1], z.shape[-1]
        visible = np.ones(math.prod(shape), bool)
        scale = np.ones(math.prod(shape))
        if weight is not None:
            given = arrays.as_array("weight", weight)
            scale[:] = arrays.broadcast("weight", given, shape).reshape(-1)
            if (scale < 0).any():
                where = int((scale < 0).argmax())
                raise arrays.unfit("weight", np.broadcast_to(given, shape), where, "a weight of at least 0", ValueError)
            visible &= scale != 0
        other = labels = None
        if reference_logits is not None:
            other = arrays.as_array("reference_logits", reference_logits)
            if other.shape != (*shape, classes):
                raise ValueError(f"logits has shape {z.shape} and reference_logits {other.shape}: they must be equal")
            other = other.reshape(-1, classes)
        z = z.reshape(-1, classes)
        found: dict[str, Any] = {}
        if target is not None:
            labels = arrays.as_array("target", target)
            if labels.shape != shape:
                raise ValueError(f"logits has shape {(*shape, classes)}, so target must have shape {shape} (labels), "
                                 f"not {labels.shape}")  # fmt: skip
            # in the given shape: a bad label is named by its place there
            found["loss"] = cross_entropy(
                z.reshape(*shape, classes), labels, weight=scale.reshape(shape), ignore_index=self.ignore_index,
                reduction="sum",
            )  # fmt: skip
            labels = labels.reshape(-1)
            visible &= labels != self.ignore_index
            found["right"] = []
        if self._with_entropy:
            found["entropy"] = []
        if other is not None:
            found["divergence"] = []
        for rows in _some(np.flatnonzero(visible), max(NUMBERS // classes, 1)):
            some, w = z[rows], scale[rows]
            if labels is not None:
                found["right"].append(w * (largest(some) == labels[rows]))
            if self._with_entropy:
                found["entropy"].append(w * entropy(some, reduction="none"))
            if other is not None:  # in double: of float32 logits the loss has 7 digits
                pair = some.astype(np.float64), other[rows].astype(np.float64)
                found["divergence"].append(w * kl_divergence(*pair, reduction="none"))
        mass = ExactSum()
        mass.add(scale[visible])
        for name, numbers in found.items():
            total, weights = self._sums[name]
            for block in numbers if isinstance(numbers, list) else [numbers]:
                total.add(block)
            weights.merge(mass)
        self.rows += int(visible.sum())

    def merge(self, other: LogitsAccumulator) -> None:
        """Take in all that another accumulator has seen, which stays as it is.

        Raises
        ------
        TypeError
            If the other is no accumulator.
        ValueError
            If the other ignores another label.
        """
        if not isinstance(other, LogitsAccumulator):
            raise TypeError(f"other must be a LogitsAccumulator, not {type(other).__name__}")
        if other.ignore_index != self.ignore_index:
            raise ValueError(f"the accumulators ignore different labels: {self.ignore_index} and {other.ignore_index}")
        for name, (total, weights) in other._sums.items():
            self._sums[name][0].merge(total)
            self._sums[name][1].merge(weights)
        self.rows += other.rows

    def _mean(self, name: str) -> float:
        total, weights = self._sums[name]
        return total.over(weights)

    @property
    def cross_entropy(self) -> float:
        return self._mean("loss")

    @property
    def perplexity(self) -> float:
        try:
            return math.exp(self.cross_entropy)
        except OverflowError:
            return math.inf

    @property
    def bits_per_token(self) -> float:
        return self.cross_entropy / math.log(2)

    @property
    def accuracy(self) -> float:
        return self._mean("right")

    @property
    def entropy(self) -> float:
        return self._mean("entropy")

    @property
    def kl_divergence(self) -> float:
        return self._mean("divergence")

    def __repr__(self) -> str:
        names = ("cross_entropy", "perplexity", "bits_per_token", "accuracy", "entropy", "kl_divergence")
        numbers = ", ".join(f"{name}={getattr(self, name):.6g}" for name in names)
        return f"<LogitsAccumulator of {self.rows} rows: {numbers}>"


def _some(rows: NDArray[np.intp], most: int) -> Iterator[Any]:
    """These rows, some at a time; as slices where they lie side by side."""
    for start in range(0, len(rows), most):
        some = rows[start : start + most]
        together = some[-1] - some[0] + 1 == len(some)
        yield slice(int(some[0]), int(some[-1]) + 1) if together else some
