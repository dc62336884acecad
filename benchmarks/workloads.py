"""What is computed: a loss, the arrays it gets, and the numbers that must come out.

The elements (rows, for softmax losses) of every input are picked at random from a pool of a few thousand,
small enough for the pure-Python reference to work out each of them. So every number of every result, up to
tens of millions, is held against `loss.reference`, and no formula is written a second time. The arrays
themselves are ordinary: full size, fresh in memory, in random order.
"""

import inspect
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

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
# Sums of 32000 products of float32 logits that are sums of 512: some 100 ulp of the largest.
LINEAR_TOLERANCE = {"float32": 2e-4, "float64": 1e-12}
SLOPE_SLACK = {"float32": 4 * 2.0**-23, "float64": 4 * 2.0**-52}


@dataclass(frozen=True, eq=False, repr=False)  # one object is one row
class Workload:
    """One loss on inputs of one shape: value and gradients of the mean, or gradient and Hessian of the sum."""

    loss: Loss[...]
    shape: tuple[int, ...]
    dtype: str = "float32"
    axis: int = -1
    options: Mapping[str, Any] = field(default_factory=dict)
    hessian: bool = False

    @property
    def name(self) -> str:
        """Such as cross_entropy-8x21x65536-axis1-float32."""
        axis = [f"axis{self.axis}"] if self.axis != -1 else []
        options = [f"{key}={value}" for key, value in self.options.items()]
        parts = [self.loss.name, "x".join(map(_count, self.shape)), *axis, *options, *["hessian"] * self.hessian]
        return "-".join([*parts, self.dtype])

    def __repr__(self) -> str:
        return self.name

    @property
    def rows(self) -> bool:
        return self.loss.shape == "rows"

    @property
    def grads(self) -> list[str]:
        """The inputs given that a gradient is computed by."""
        return [name for name in self.loss.grads if name in input_names(self.loss)]

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
    "linear": [(1024, 512, 32000)],  # rows, features, classes
}
# ... one for the Hessian, where a peer has one that is not a mere stand-in ...
HESSIAN_PEER = "sklearn"
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
        if loss.shape == "pointwise" and HESSIAN_PEER in loss.peers:
            yield Workload(loss, SHAPES["pointwise"][0], hessian=True)
    yield from SPECIAL


class Problem:
    """A workload with its arrays made, which knows the right answer."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        shape = workload.shape
        self.classes = shape[workload.axis] if workload.rows else 1
        self.count = math.prod(shape) // self.classes  # elements of the loss, which the mean divides by
        rng = np.random.default_rng(20250101)
        size = min(max(POOL // self.classes, 16), 4096)
        self.pool = self._draw(rng, size)
        self.picks = rng.integers(0, size, self.count, dtype=np.uint16)
        self.inputs = tuple(self._spread(pool) for pool in self.pool)
        self.elements = [_element(workload, *point) for point in zip(*self.pool, strict=True)]

    def _draw(self, rng: np.random.Generator, size: int) -> list[np.ndarray]:
        workload = self.workload
        if workload.rows:
            logits = 2 * rng.standard_normal((size, self.classes))
            return [logits.astype(workload.dtype), rng.integers(0, self.classes, size)]
        known = workload.loss.domains(workload.options)
        domains = [known.get(name, Interval()) for name in input_names(workload.loss)]
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
        return self._mean([value for value, _ in self.elements])

    def value_error(self, value: float) -> float:
        """The error of a mean, relative to the mean size of the losses."""
        return abs(value - self.value) / self._mean([abs(value) for value, _ in self.elements])

    def _mean(self, values: list[float]) -> float:
        counts = np.bincount(self.picks, minlength=len(values)).tolist()
        return math.fsum(n * value for n, value in zip(counts, values, strict=True)) / self.count

    @cached_property
    def slopes(self) -> np.ndarray:
        """The derivatives of the pool's losses by the reference, one row per element: a row's by each class, an
        element's by each input that has one, and then its second derivatives if these are asked for."""
        return np.array([slopes for _, slopes in self.elements], dtype=np.float64)

    def check(self, who: str, value: float | None, derivatives: Sequence[np.ndarray | None]) -> None:
        """Raise AssertionError unless the mean (None if it was not asked for) and the derivatives are the reference's,
        number for number. A derivative of None is not looked at."""
        dtype, shape = self.workload.dtype, self.workload.shape
        if value is not None and not self.value_error(value) <= VALUE_TOLERANCE[dtype]:
            raise AssertionError(f"{who}, {self.workload}: the mean is {value!r}, the reference says {self.value!r}")
        for k, array in enumerate(derivatives):
            if array is None:
                continue
            if array.shape != shape or array.dtype != dtype:
                raise AssertionError(f"{who}, {self.workload}: derivative {k} is {array.dtype}{array.shape}")
            self._check(who, array, self.slopes if self.workload.rows else self.slopes[:, k : k + 1])

    def _check(self, who: str, array: np.ndarray, slopes: np.ndarray) -> None:
        dtype, axis = self.workload.dtype, self.workload.axis
        last = np.moveaxis(array, axis, -1) if self.workload.rows else array
        table = last.reshape(self.count, self.classes)
        factor = np.float64(1 if self.workload.hessian else self.count)
        step = max(1, BLOCK // self.classes)
        for start in range(0, self.count, step):
            got = table[start : start + step] * factor
            want = slopes[self.picks[start : start + step]]
            wrong = ~(np.abs(got - want) <= SLOPE_TOLERANCE[dtype] * np.abs(want) + SLOPE_SLACK[dtype])
            if wrong.any():
                row, column = divmod(int(wrong.argmax()), self.classes)
                raise AssertionError(
                    f"{who}, {self.workload}: the slope of element {start + row}, class {column}, is "
                    f"{got[row, column]!r}, the reference says {want[row, column]!r}"
                )


class LinearProblem(Problem):
    """Rows of features, and a weight that makes them logits. These are formed in double; what they cost, and their
    slopes, says the reference of `cross_entropy`."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.count, width, self.classes = workload.shape
        rng = np.random.default_rng(20250101)
        size = max(POOL // self.classes, 16)
        features = rng.standard_normal((size, width)).astype(workload.dtype)
        weight = (rng.standard_normal((self.classes, width)) * 2 / math.sqrt(width)).astype(workload.dtype)
        labels = rng.integers(0, self.classes, size)
        self.pool = [features, labels]
        self.picks = rng.integers(0, size, self.count, dtype=np.uint16)
        self.inputs = (np.take(features, self.picks, axis=0), weight, np.take(labels, self.picks))
        rows = Workload(fastloss.cross_entropy, (size, self.classes), workload.dtype)
        logits = features.astype(np.float64) @ weight.astype(np.float64).T
        self.elements = [_element(rows, *point) for point in zip(logits, labels, strict=True)]

    def check(self, who: str, value: float | None, derivatives: Sequence[np.ndarray | None]) -> None:
        """As above; the gradients by input and weight are sums of products, as good as the largest of their row."""
        super().check(who, value, ())
        times = np.bincount(self.picks, minlength=len(self.slopes)) / self.count
        weight = self.inputs[1].astype(np.float64)
        by_input = np.take(self.slopes @ weight / self.count, self.picks, axis=0)
        by_weight = (times[:, None] * self.slopes).T @ self.pool[0].astype(np.float64)
        for name, got, want in zip(self.workload.grads, derivatives, (by_input, by_weight), strict=False):
            assert got is not None
            slack = LINEAR_TOLERANCE[self.workload.dtype] * np.abs(want).max(axis=1, keepdims=True)
            if not (np.abs(got - want) <= slack).all():
                raise AssertionError(f"{who}, {self.workload}: the gradient by {name} is not the reference's")


@lru_cache(maxsize=1)
def problem(workload: Workload) -> Problem:
    """The workload's problem; the last one is kept, for it may be as large as memory allows."""
    return LinearProblem(workload) if workload.loss.shape == "linear" else Problem(workload)


def _draw_from(domain: Interval, rng: np.random.Generator, size: int) -> np.ndarray:
    """Numbers of a domain, most of them of size 1."""
    if domain.ends:
        return rng.choice([domain.low, domain.high], size)
    if math.isfinite(domain.low) and math.isfinite(domain.high):
        return rng.uniform(domain.low, domain.high, size)
    if math.isfinite(domain.low):
        return domain.low + 0.01 + rng.exponential(size=size)
    if math.isfinite(domain.high):
        return domain.high - rng.exponential(size=size)
    return 2 * rng.standard_normal(size)


def _element(workload: Workload, *point: Any) -> tuple[float, list[float]]:
    """One element or row by the reference, in double: its loss and its derivatives."""
    loss, options = workload.loss, workload.options
    inputs = [number.tolist() for number in point]
    module, name = vars(sys.modules[loss.reference.__module__]), loss.reference.__name__
    slopes = module[f"{name}_grad"](*inputs, **options)
    slopes = list(slopes) if isinstance(slopes, (list, tuple)) else [slopes]
    if workload.hessian:
        curvatures = module[f"{name}_hess"](*inputs, **options)
        slopes += curvatures if isinstance(curvatures, (list, tuple)) else [curvatures]
    return loss.reference(*inputs, **options), slopes
