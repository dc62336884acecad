"""What is computed: a loss, the arrays it gets, and the numbers that must come out.

The elements (rows, for losses of rows) of every input are picked at random from a pool of a few thousand,
small enough for the pure-Python reference to work out each of them. So every number of every result, up to
tens of millions, is held against `loss.reference`, and no formula is written a second time. The arrays
themselves are ordinary: full size, fresh in memory, in random order.

What a loss gets is read from its declaration: the domains of its inputs, labels or shares for a target. A loss of a
shape that SHAPES does not know has no workload, and `unknown` names it.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

import fastloss
from fastloss.arrays import Interval
from fastloss.linear import Linear
from fastloss.loss import Loss

POOL = 2**18  # numbers the reference works out for one workload: a second or so of pure Python
LEAST = 16  # elements or rows of a pool, however long a row is
WIDE = 20.0  # the bounds of a domain that lie further apart are where a float ends, not where numbers are
PATIENCE = 30.0  # seconds that the reference may take: for rows its work may grow with the square of the classes
BLOCK = 2**20  # numbers compared at a time

# How far a provider may be from the reference. Values: all but fastloss sum ten million numbers in the
# working precision, in blocks or in vector lanes, and lose up to about 100 ulp.
VALUE_TOLERANCE = {"float16": 2e-3, "float32": 2e-5, "float64": 1e-12}
# Slopes: exp and the sum over a row of 32000 are good to some 20 ulp; and 1 - p and p - 1 lose whole digits in a
# confident row, which leaves an error of a few ulp of 1, or of a logit, where p is a difference of two of them.
# (`python -m benchmarks.accuracy` looks closer.)
SLOPE_TOLERANCE = {"float16": 4e-3, "float32": 1e-5, "float64": 1e-13}
SLOPE_SLACK = {"float16": 4 * 2.0**-10, "float32": 4 * 2.0**-23, "float64": 4 * 2.0**-52}
PEERS_SLACK = 4  # optax's sparsemax is off by up to 16 ulp of 1; fastloss has no such leave
# Sums of 32000 products of float32 logits that are sums of 512: some 100 ulp of the largest.
LINEAR_TOLERANCE = {"float32": 2e-4, "float64": 1e-12}


@dataclass(frozen=True, eq=False, repr=False)  # one object is one row
class Workload:
    """One loss on inputs of one shape: value and gradients of the mean, or gradient and Hessian of the sum."""

    loss: Loss[...]
    shape: tuple[int, ...]
    dtype: str = "float32"
    axis: int = -1
    options: Mapping[str, Any] = field(default_factory=dict)
    hessian: bool = False
    soft: bool = False  # the target of a row is a share of every class, not a label

    @property
    def name(self) -> str:
        """Such as cross_entropy-8x21x65536-axis1-float32."""
        axis = [f"axis{self.axis}"] if self.axis != -1 else []
        options = [f"{key}={value}" for key, value in self.options.items()]
        parts = [self.loss.name, "x".join(map(_count, self.shape)), *axis, *options, *["hessian"] * self.hessian]
        parts += ["shares"] * self.soft
        return "-".join([*parts, self.dtype])

    def __repr__(self) -> str:
        return self.name

    @property
    def rows(self) -> bool:
        """Whether an input is rows of a number for each class."""
        return self.loss.shape in ("rows", "tokens")

    @property
    def count(self) -> int:
        """The numbers of an input, or of the logits that a linear layer would make."""
        return math.prod(self.shape[::2] if self.loss.shape == "linear" else self.shape)

    @property
    def grads(self) -> list[str]:
        """The inputs given that a gradient is computed by."""
        return [name for name in self.loss.grads if name in self.loss.required]

    @property
    def keywords(self) -> dict[str, Any]:
        """What fastloss is called with, besides the inputs."""
        return {**self.options, "axis": self.axis} if self.loss.shape == "rows" else dict(self.options)

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """Every hyperparameter of the loss, given or default."""
        return {**self.loss.hyperparameters, **self.options}


def _count(number: int) -> str:
    return f"{number // 10**6}M" if number >= 10**6 and number % 10**6 == 0 else str(number)


# A row of the report per loss and shape ...
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "pointwise": [(10_000_000,)],
    "root": [(10_000_000,)],
    "rows": [(2048, 32000), (8192, 1000), (1_000_000, 10)],
    "linear": [(1024, 512, 32000)],  # rows, features, classes
    "tokens": [(8, 256, 32000)],  # sequences, positions, vocabulary
}
# ... in a quick run with few of these rows ...
FEW_ROWS: dict[str, tuple[int, ...]] = {"linear": (128, 256, 32000), "tokens": (2, 64, 32000)}
# ... one for the Hessian, where a peer has one that is not a mere stand-in ...
HESSIAN_PEER = "sklearn"
# ... and some that show one thing once: the cost of a call, a class axis that is not last, double precision.
SPECIAL = [
    Workload(fastloss.cross_entropy, (32, 10)),
    Workload(fastloss.cross_entropy, (8, 21, 65536), axis=1),
    Workload(fastloss.cross_entropy, (8192, 1000), soft=True),
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


def unknown() -> list[str]:
    """The losses that no workload is known for, with their shapes."""
    return [f"{loss.name} ({loss.shape})" for loss in fastloss.LOSSES.values() if loss.shape not in SHAPES]


class Problem:
    """A workload with its arrays made, which knows the right answer."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        shape = workload.shape
        self.classes = shape[workload.axis] if workload.rows else 1
        self.count = self.divisor = math.prod(shape) // self.classes  # elements of the loss, and what divides the mean
        rng = np.random.default_rng(20250101)
        size = min(max(POOL // self.classes, LEAST), 4096)
        if workload.loss.shape == "root":  # each as often as the others: the mean is that of the pool
            size = math.gcd(self.count, 4000)
        self.pool = draw(rng, workload, size, self.classes)
        self.values, self.slopes = self._solve(size)
        self.picks = rng.integers(0, size, self.count, dtype=np.uint16)
        if workload.loss.shape == "root":
            self.picks = rng.permutation(np.resize(np.arange(size, dtype=np.uint16), self.count))
        self.inputs = tuple(self._spread(pool) for pool in self.pool)

    def _solve(self, size: int) -> tuple[list[float], np.ndarray]:
        """The pool's losses and slopes by the reference: these by element, by input, by class."""
        workload = self.workload
        if workload.loss.shape == "root":  # one number of all elements
            value, slopes = element(workload, *self.pool)
            return [value], size * np.array(slopes).reshape(1, size, 1).swapaxes(0, 1)
        if workload.rows:
            expect_patience(workload, self.classes, size)
        elements = [element(workload, *point) for point in zip(*self.pool, strict=True)]
        derivatives = len(workload.grads) * (1 + workload.hessian)
        slopes = np.array([slopes for _, slopes in elements], dtype=np.float64)
        return [value for value, _ in elements], slopes.reshape(size, derivatives, self.classes)

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
        return self._mean(self.values)

    def value_error(self, value: float) -> float:
        """The error of a mean, relative to the mean size of the losses."""
        return abs(value - self.value) / (self._mean([abs(value) for value in self.values]) or 1.0)

    def _mean(self, values: list[float]) -> float:
        if len(values) == 1:
            return values[0]
        counts = np.bincount(self.picks, minlength=len(values)).tolist()
        return math.fsum(n * value for n, value in zip(counts, values, strict=True)) / self.divisor

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
            self._check(who, array, self.slopes[:, k])

    def _check(self, who: str, array: np.ndarray, slopes: np.ndarray) -> None:
        dtype, axis = self.workload.dtype, self.workload.axis
        last = np.moveaxis(array, axis, -1) if self.workload.rows else array
        table = last.reshape(self.count, self.classes)
        factor = np.float64(1 if self.workload.hessian else self.divisor)
        step = max(1, BLOCK // self.classes)
        # what cancels does so by the size of the row; below the normal numbers the mean's divisor costs digits
        leave = SLOPE_SLACK[dtype] * (1 if who.startswith("fastloss") else PEERS_SLACK)
        slack = leave * np.maximum(1, np.abs(slopes).max(axis=1, keepdims=True))
        slack += float(np.finfo(dtype).smallest_subnormal) * factor
        for start in range(0, self.count, step):
            got, picks = table[start : start + step] * factor, self.picks[start : start + step]
            want = slopes[picks]
            wrong = ~(np.abs(got - want) <= SLOPE_TOLERANCE[dtype] * np.abs(want) + slack[picks])
            if wrong.any():
                row, column = divmod(int(wrong.argmax()), self.classes)
                raise AssertionError(
                    f"{who}, {self.workload}: the slope of element {start + row}, class {column}, is "
                    f"{got[row, column]:.9g}, the reference says {want[row, column]:.9g}"
                )


class LinearProblem(Problem):
    """Rows of features, and a weight that makes them logits; the same of a teacher, if there is one. Logits are formed
    in double; what they cost, and their slopes, says the reference of the loss of rows."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.count, width, self.classes = workload.shape
        self.divisor, dtype, names = self.count, workload.dtype, workload.loss.required
        rng = np.random.default_rng(20250101)
        size = max(POOL // self.classes, LEAST)
        layers = []
        for _ in range(1 + ("teacher_input" in names)):
            features = rng.standard_normal((size, width)).astype(dtype)
            weight = (rng.standard_normal((self.classes, width)) * 2 / math.sqrt(width)).astype(dtype)
            layers.append((features, weight))
        labels = [rng.integers(0, self.classes, size)] if "target" in names else []
        self.pool = [layers[0][0], *labels]
        self.picks = rng.integers(0, size, self.count, dtype=np.uint16)
        picked = [(np.take(features, self.picks, axis=0), weight) for features, weight in layers]
        self.inputs = (*(array for layer in picked for array in layer), *(np.take(y, self.picks) for y in labels))
        assert isinstance(workload.loss, Linear)
        rows = Workload(workload.loss.of, (size, self.classes), dtype)
        logits = [features.astype(np.float64) @ weight.astype(np.float64).T for features, weight in layers]
        elements = [element(rows, *point) for point in zip(*logits, *labels, strict=True)]
        self.values, self.slopes = [value for value, _ in elements], np.array([slopes for _, slopes in elements])

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


class TokensProblem(Problem):
    """Rows whose label stands `shift` positions later in their sequence. The last of each sequence are one more element
    of the pool, which predicts nothing and costs nothing; the first labels, which nothing predicts, are whatever is
    there."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        shift = workload.hyperparameters.get("shift", 0)
        sequences, length, _ = workload.shape
        logits, labels = self.inputs
        self.inputs = logits, np.roll(labels, shift, axis=1)
        self.picks.reshape(sequences, length)[:, length - shift :] = len(self.values)
        self.values.append(0.0)
        self.slopes = np.concatenate([self.slopes, np.zeros_like(self.slopes[:1])])
        self.divisor = sequences * (1 if workload.loss is fastloss.sequence_logprob else length - shift)


PROBLEMS = {"linear": LinearProblem, "tokens": TokensProblem}


@lru_cache(maxsize=1)
def problem(workload: Workload) -> Problem:
    """The workload's problem; the last one is kept, for it may be as large as memory allows."""
    return PROBLEMS.get(workload.loss.shape, Problem)(workload)


def draw(rng: np.random.Generator, workload: Workload, size: int, classes: int) -> list[np.ndarray]:
    """A pool of so many elements or rows of every input, in the domains that the loss declares."""
    loss, dtype = workload.loss, workload.dtype
    known = loss.domains(workload.options)
    domains = [known.get(name, Interval()) for name in loss.required]
    if not workload.rows:
        return [_numbers(domain, rng, size).astype(dtype) for domain in domains]
    target = loss.target
    data = domains[:-1] if target else domains
    pools = [_rows(domain, rng, (size, classes)).astype(dtype) for domain in data]
    if target == "lists of labels":
        pools.append(np.where(rng.random((size, classes)) < 0.25, -1, rng.integers(0, classes, (size, classes))))
    elif target:
        soft = workload.soft
        pools.append(_rows(Interval(0, 1), rng, (size, classes)) if soft else rng.integers(0, classes, size))
        pools[-1] = pools[-1].astype(dtype if soft else np.int64)
    return pools


def _numbers(domain: Interval, rng: np.random.Generator, size: int) -> np.ndarray:
    """Numbers of a domain, most of them of size 1."""
    if domain.ends:
        return rng.choice([domain.low, domain.high], size)
    if WIDE < domain.high - domain.low < math.inf:
        return rng.uniform(-1.5, 1.5, size)
    if math.isfinite(domain.low) and math.isfinite(domain.high):
        return rng.uniform(domain.low, domain.high, size)
    if math.isfinite(domain.low):
        return domain.low + 0.01 + rng.exponential(size=size)
    if math.isfinite(domain.high):
        return domain.high - rng.exponential(size=size)
    return 2 * rng.standard_normal(size)


def _rows(domain: Interval, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Rows of logits, or of what their domain says they are: probabilities, their logarithms, amounts."""
    logits = 2 * rng.standard_normal(shape)
    if domain.low == 0 and domain.high == math.inf:
        return np.abs(logits)
    if domain.high not in (0, 1):
        return logits
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return np.minimum(log_probs, 0) if domain.high == 0 else np.exp(log_probs)


def element(workload: Workload, *point: Any) -> tuple[float, list[float]]:
    """One element or row by the reference, in double: its loss and its derivatives, one after the other. A token is
    that of the shortest sequence in which one is predicted."""
    loss, options = workload.loss, workload.options
    inputs = [number.tolist() for number in point]
    module, name = vars(sys.modules[loss.reference.__module__]), loss.reference.__name__
    if loss.shape == "tokens":
        sequence = [[number] * (1 + workload.hyperparameters.get("shift", 0)) for number in inputs]
        losses = _flat(loss.reference(*sequence, **options))
        return float(sum(losses)), _flat(module[f"{name}_grad"](*sequence, **options)[0])
    slopes = _flat(module[f"{name}_grad"](*inputs, **options))
    if workload.hessian:
        slopes += _flat(module[f"{name}_hess"](*inputs, **options))
    return float(loss.reference(*inputs, **options)), slopes


def _flat(derivatives: Any) -> list[float]:
    if not isinstance(derivatives, (list, tuple)):
        return [derivatives]
    return [number for part in derivatives for number in _flat(part)]


def expect_patience(workload: Workload, classes: int, rows: int) -> None:
    """Raise TimeoutError if the reference would take too long: how its work grows shows in short rows."""
    if classes <= 512:
        return
    rng, times = np.random.default_rng(0), []
    for few in (64, 512):
        row = [pool[0] for pool in draw(rng, workload, 1, few)]
        start = time.perf_counter()
        element(workload, *row)
        times.append(time.perf_counter() - start)
    power = max(math.log(times[1] / times[0]) / math.log(512 / 64), 1.0)
    seconds = rows * times[1] * (classes / 512) ** min(power, 2.0)
    if seconds > PATIENCE:
        raise TimeoutError(f"the reference would take {seconds:.0f} seconds for {rows} rows of {classes} classes")
