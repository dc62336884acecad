"""What is computed: a loss, the arrays it gets, and the numbers that must come out.

The elements (rows, for softmax losses) of every input are picked at random from a pool of a few thousand,
small enough for the pure-Python reference to work out each of them. So every number of every result, up to
tens of millions, is held against `loss.reference`, and no formula is written a second time. The arrays
themselves are ordinary: full size, fresh in memory, in random order.
"""

import inspect
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from fastloss.reference.numbers import derivative

import fastloss
from fastloss.arrays import Interval
from fastloss.loss import COMMON, Loss

POOL = 2**18  # numbers the reference works out for one workload: a second or so of pure Python
BLOCK = 2**20  # numbers compared at a time

# How far a provider may be from the reference. Values: all but fastloss sum ten million numbers in the
# working precision, in blocks or in vector lanes, and lose up to about 100 ulp.
VALUE_TOLERANCE = {"float32": 2e-5, "float64": 1e-12}
# Slopes: exp and the sum over a row of 32000 are good to some 20 ulp; and 1 - p and p - 1 lose whole digits
# in a confident row, which leaves an error of a few ulp of 1. (`python -m benchmarks.accuracy` looks closer.)
SLOPE_TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
SLOPE_SLACK = {"float32": 4 * 2.0**-23, "float64": 4 * 2.0**-52}


@dataclass(frozen=True, eq=False, repr=False)  # one object is one row
class Workload:
    """One loss on inputs of one shape: value and gradient of the mean by the first input."""

    loss: Loss[...]
    shape: tuple[int, ...]
    dtype: str = "float32"
    axis: int = -1
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Such as cross_entropy-8x21x65536-axis1-float32."""
        axis = [f"axis{self.axis}"] if self.axis != -1 else []
        options = [f"{key}={value}" for key, value in self.options.items()]
        return "-".join([self.loss.name, "x".join(map(_count, self.shape)), *axis, *options, self.dtype])

    def __repr__(self) -> str:
        return self.name

    @property
    def rows(self) -> bool:
        return self.loss.shape == "rows"

    @property
    def keywords(self) -> dict[str, Any]:
        """What fastloss is called with, besides the inputs."""
        return {**self.options, "axis": self.axis} if self.rows else dict(self.options)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Every hyperparameter of the loss, given or default."""
        return {**hyperparameters(self.loss), **self.options}


def hyperparameters(loss: Loss[...]) -> dict[str, Any]:
    """The keyword-only parameters that not every loss has, with their defaults."""
    parameters = inspect.signature(loss).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in COMMON}


def input_names(loss: Loss[...]) -> list[str]:
    """The positional parameters: what every call must bring."""
    parameters = inspect.signature(loss).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def _count(number: int) -> str:
    return f"{number // 10**6}M" if number >= 10**6 and number % 10**6 == 0 else str(number)


# A row of the report per loss and shape ...
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "pointwise": [(10_000_000,)],
    "rows": [(2048, 32000), (8192, 1000), (1_000_000, 10)],
}
# ... and some that show one thing once: the cost of a call, a class axis that is not last, double precision.
SPECIAL = [
    Workload(fastloss.cross_entropy, (32, 10)),
    Workload(fastloss.cross_entropy, (8, 21, 65536), axis=1),
    Workload(fastloss.cross_entropy, (8192, 1000), "float64"),
    Workload(fastloss.mse, (10_000_000,), "float64"),
    Workload(fastloss.binary_cross_entropy_with_logits, (10_000_000,), "float64"),
]


def workloads() -> Iterator[Workload]:
    for loss in fastloss.LOSSES.values():
        for shape in SHAPES.get(loss.shape, ()):
            yield Workload(loss, shape)
    yield from SPECIAL


class Problem:
    """A workload with its arrays made, which knows the right answer."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        loss, shape = workload.loss, workload.shape
        self.classes = shape[workload.axis] if workload.rows else 1
        self.count = math.prod(shape) // self.classes  # elements of the loss, which the mean divides by
        rng = np.random.default_rng(20250101)
        size = min(max(POOL // self.classes, 16), 4096)
        self.pool = self._draw(rng, size)
        self.picks = rng.integers(0, size, self.count, dtype=np.uint16)
        self.inputs = tuple(self._spread(pool) for pool in self.pool)
        self.elements = [_element(loss, workload.options, *point) for point in zip(*self.pool, strict=True)]

    def _draw(self, rng: np.random.Generator, size: int) -> list[np.ndarray]:
        workload = self.workload
        if workload.rows:
            logits = 2 * rng.standard_normal((size, self.classes))
            return [logits.astype(workload.dtype), rng.integers(0, self.classes, size)]
        domains = [workload.loss.domain.get(name, Interval()) for name in input_names(workload.loss)]
        return [_draw_from(domain, rng, size).astype(workload.dtype) for domain in domains]

    def _spread(self, pool: np.ndarray) -> np.ndarray:
        """The pool's elements at their places; np.take makes an array with the classes last."""
        shape, axis = self.workload.shape, self.workload.axis % len(self.workload.shape)
        if not self.workload.rows:
            return np.take(pool, self.picks).reshape(shape)
        positions = shape[:axis] + shape[axis + 1 :]
        array = np.take(pool, self.picks, axis=0).reshape(positions + pool.shape[1:])
        return array if pool.ndim == 1 else np.ascontiguousarray(np.moveaxis(array, -1, axis))

    @cached_property
    def value(self) -> float:
        """The mean, by the reference."""
        counts = np.bincount(self.picks, minlength=len(self.elements)).tolist()
        return math.fsum(n * value for n, (value, _) in zip(counts, self.elements, strict=True)) / self.count

    @cached_property
    def slopes(self) -> np.ndarray:
        """The derivatives of the pool's losses, one row per element, by the reference."""
        return np.array([slope for _, slope in self.elements], dtype=np.float64).reshape(-1, self.classes)

    def value_error(self, value: float) -> float:
        """The relative error of a mean."""
        return abs(value - self.value) / abs(self.value)

    def check(self, who: str, value: float, gradient: np.ndarray) -> None:
        """Raise AssertionError unless value and gradient of the mean are the reference's, number for number."""
        dtype, shape = self.workload.dtype, self.workload.shape
        if not self.value_error(value) <= VALUE_TOLERANCE[dtype]:
            raise AssertionError(f"{who}, {self.workload}: the mean is {value!r}, the reference says {self.value!r}")
        if gradient.shape != shape or gradient.dtype != dtype:
            raise AssertionError(f"{who}, {self.workload}: the gradient is {gradient.dtype}{gradient.shape}")
        last = np.moveaxis(gradient, self.workload.axis, -1) if self.workload.rows else gradient
        table = last.reshape(self.count, self.classes)
        step = max(1, BLOCK // self.classes)
        for start in range(0, self.count, step):
            got = table[start : start + step] * np.float64(self.count)
            want = self.slopes[self.picks[start : start + step]]
            wrong = ~(np.abs(got - want) <= SLOPE_TOLERANCE[dtype] * np.abs(want) + SLOPE_SLACK[dtype])
            if wrong.any():
                row, column = divmod(int(wrong.argmax()), self.classes)
                raise AssertionError(
                    f"{who}, {self.workload}: the slope of element {start + row}, class {column}, is "
                    f"{got[row, column]!r}, the reference says {want[row, column]!r}"
                )


@lru_cache(maxsize=1)
def problem(workload: Workload) -> Problem:
    """The workload's problem; the last one is kept, for it may be as large as memory allows."""
    return Problem(workload)


def _draw_from(domain: Interval, rng: np.random.Generator, size: int) -> np.ndarray:
    """Numbers of a domain, most of them of size 1."""
    if math.isfinite(domain.low) and math.isfinite(domain.high):
        return rng.uniform(domain.low, domain.high, size)
    if math.isfinite(domain.low):
        return domain.low + rng.exponential(size=size)
    if math.isfinite(domain.high):
        return domain.high - rng.exponential(size=size)
    return 2 * rng.standard_normal(size)


def _element(loss: Loss[...], options: Mapping[str, Any], first: Any, *others: Any) -> tuple[float, Any]:
    """One element or row by the reference, in double: its loss, and its slopes by the first input."""
    rest = [other.item() for other in others]
    value = loss.reference(first.tolist(), *rest, **options)
    if loss.shape == "rows":  # a dual for each class would cost the square of their number
        slope = getattr(sys.modules[loss.reference.__module__], loss.reference.__name__ + "_grad")
        return value, slope(first.tolist(), *rest, **options)
    return value, derivative(lambda x: loss.reference(x, *rest, **options), first.item())
