"""What is true: the references on mpmath numbers of hundreds of digits, and how far a result lies from them."""

import inspect
from collections.abc import Callable, Iterator
from functools import cache, cached_property, lru_cache
from typing import Any

import ml_dtypes
import mpmath
import numpy as np

import fastloss as fl

from .inputs import Case

# Digits, confirmed by a second run with twice as many. float64 reaches from 1e-324 to 1e308: it takes 305 digits for
# 1 + e^-700 to be more than 1, and a pair such as 40 and 80 digits would agree that its logarithm is 0. Where nothing
# but float32 and smaller comes in, 150 do the same for less time.
WIDE, NARROW = 400, 150
NOTHING = {WIDE: mpmath.mpf(2) ** -1090, NARROW: mpmath.mpf(2) ** -160}  # far below the smallest float64, float32
EVERY = 8  # one result in so many is confirmed, and all that are so small that digits may have been lost


@cache
def context(digits: int) -> mpmath.MPContext:
    """Numbers of so many digits, whose functions remember: value, gradient and Hessian ask for the same ones."""
    numbers = mpmath.MPContext()
    numbers.dps = digits
    plain, root = numbers.exp, numbers.exp(0.5)

    def exp(x: Any) -> Any:
        # mpmath multiplies e with itself for a whole number, which takes a hundred times as long at 1e300
        return plain(numbers.fsub(x, 0.5, exact=True)) * root if abs(x) >= 1 << 16 else plain(x)

    def power(x: Any, y: Any) -> Any:
        # mpmath's own functions also raise complex numbers to a power
        real = isinstance(x, numbers.mpf) and x > 0 and not numbers.isint(y)
        return numbers.exp(y * numbers.log(x)) if real else x**y

    numbers.exp, numbers.power = exp, power
    for name in ("exp", "log", "power", "loggamma", "psi", "erf", "besseli"):
        setattr(numbers, name, remembering(numbers, getattr(numbers, name)))
    return numbers


def remembering(numbers: mpmath.MPContext, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with a memory, by the raw parts of a number: a NaN, which equals no other NaN, would never be found
    again, and all that are kept would stand in one another's way."""

    @lru_cache(1 << 16)
    def of_parts(*parts: Any) -> Any:
        return function(*[numbers.make_mpf(x) if isinstance(x, tuple) else x for x in parts])

    return lambda *args: of_parts(*[getattr(x, "_mpf_", x) for x in args])


class Exact:
    """Loss, gradients and Hessian diagonals of every element or row, as arrays of mpmath numbers.

    The derivatives are those written beside the reference, which test_reference proves equal to its duals. `grad` and
    `hess` are by the first differentiable input, `grads` and `hesses` by each of them.
    """

    def __init__(self, loss: fl.Loss, case: Case) -> None:
        self.loss, self.case = loss, case

    @cached_property
    def value(self) -> np.ndarray:
        (array,) = evaluate(self.loss.reference, self.loss, self.case, 1)
        return array[..., 0] if self.loss.shape == "rows" else array

    @cached_property
    def grads(self) -> list[np.ndarray]:
        return evaluate(derivative(self.loss, "_grad"), self.loss, self.case, len(self.loss.grads))

    @cached_property
    def hesses(self) -> list[np.ndarray]:
        return evaluate(derivative(self.loss, "_hess"), self.loss, self.case, len(self.loss.grads))

    @property
    def grad(self) -> np.ndarray:
        return self.grads[0]

    @property
    def hess(self) -> np.ndarray:
        return self.hesses[0]

    def largest_terms(self, ending: str) -> list[np.ndarray | None]:
        """Where a result is a sum of given terms that may cancel (`mse_grad_terms` beside the reference says so), the
        largest of them, for each array of results; else None."""
        count = len(self.loss.grads) if ending else 1
        terms = vars(inspect.getmodule(self.loss.reference)).get(f"{self.loss.reference.__name__}{ending}_terms")
        if terms is None:
            return [None] * count

        def largest(*args: Any, **kwargs: Any) -> Any:
            found = terms(*args, **kwargs)
            if self.loss.shape == "rows" and ending:  # terms of each class
                return [max((abs(term) for term in each), default=0) for each in found]
            each = tuple(max((abs(term) for term in one), default=0) for one in (found if count > 1 else [found]))
            return each if count > 1 else each[0]

        found: list[np.ndarray | None] = list(evaluate(largest, self.loss, self.case, count))
        return [array[..., 0] for array in found] if self.loss.shape == "rows" and not ending else found


exact = lru_cache(1)(Exact)  # one case is asked for several things in turn, none a second time


def derivative(loss: fl.Loss, ending: str) -> Callable[..., Any]:
    return getattr(inspect.getmodule(loss.reference), loss.reference.__name__ + ending)


def evaluate(function: Callable[..., Any], loss: fl.Loss, case: Case, count: int) -> list[np.ndarray]:
    """A reference function of every element or row, with enough digits, which a second run confirms: an array for
    each of the `count` numbers it returns (for rows, each class has its place on the last axis)."""
    digits = WIDE if any(array.dtype == np.float64 for array in case.inputs) else NARROW
    results = []
    doubled = arguments(loss, case, 2 * digits)
    small = mpmath.mpf(10) ** (-digits // 4)
    for index, ((args, kwargs), (more, words)) in enumerate(zip(arguments(loss, case, digits), doubled, strict=True)):
        found = as_list(function(*args, **kwargs))
        if index % EVERY == 0 or any(abs(x) < small for x in found):
            for x, y in zip(found, as_list(function(*more, **words)), strict=True):
                assert agree(x, y, NOTHING[digits]), (
                    f"{digits} digits are not enough: {function.__name__}(*{args}, **{kwargs})"
                )
        results.append(found)
    table = np.empty((len(results), len(results[0]) if results else count), dtype=object)
    table[:] = results
    if loss.shape == "rows":
        return [table.reshape(*case.inputs[0].shape[:-1], -1)]
    return [column.reshape(case.inputs[0].shape) for column in table.T]


def as_list(result: Any) -> list[mpmath.mpf]:
    """Results as a list of mpmath numbers: a reference may also return a plain 0 or inf."""
    results = result if isinstance(result, (list, tuple)) else [result]
    return [x if hasattr(x, "context") else context(WIDE).mpf(x) for x in results]


def agree(x: mpmath.mpf, y: mpmath.mpf, nothing: mpmath.mpf) -> bool:
    """Whether no float tells the two apart."""
    if mpmath.isfinite(x) and mpmath.isfinite(y):
        return abs(x - y) <= max(abs(y) * mpmath.mpf(2) ** -60, nothing)
    return x == y or (mpmath.isnan(x) and mpmath.isnan(y))


def arguments(loss: fl.Loss, case: Case, digits: int) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """What the reference takes for each element or row in turn: every float as the very same mpmath number."""
    mpf = cache(context(digits).mpf)

    def number(x: Any) -> Any:
        return mpf(x) if isinstance(x, float) else x

    def listed(array: np.ndarray) -> list[Any]:
        return [number(x) for x in (array if array.dtype.kind in "biu" else array.astype(np.float64)).tolist()]

    defaults = inspect.signature(loss.reference).parameters.values()
    words = {p.name: p.default for p in defaults if isinstance(p.default, float)} | case.kwargs
    words |= {name: float(words[name]) for name in loss.domain if isinstance(words.get(name), int)}
    each = {
        name: listed(value) for name, value in words.items() if name in loss.inputs and isinstance(value, np.ndarray)
    }
    same = {
        name: listed(value) if isinstance(value, np.ndarray) else number(value)
        for name, value in words.items()
        if name not in each
    }
    rank = case.inputs[0].ndim - 1 if loss.shape == "rows" else case.inputs[0].ndim
    columns = []
    for array in case.inputs:
        flat = array.reshape(-1, *array.shape[rank:])
        columns.append([listed(row) for row in flat] if flat.ndim > 1 else listed(flat))
    for index, args in enumerate(zip(*columns, strict=True)):
        yield list(args), same | {name: values[index] for name, values in each.items()}


def ulp_errors(actual: Any, exact: np.ndarray) -> np.ndarray:
    """How far each number lies from the exact one, in ULPs of its dtype there: the distance between neighbouring
    numbers, below the smallest normal number the smallest denormal. NaN and inf must match."""
    actual = np.asarray(actual)
    info = ml_dtypes.finfo(actual.dtype)
    pairs = zip(actual.astype(np.float64).ravel().tolist(), exact.ravel(), strict=True)
    return np.array([ulp_error(*pair, info) for pair in pairs]).reshape(actual.shape)


def ulp_error(actual: float, exact: mpmath.mpf, info: Any) -> float:
    if mpmath.isnan(exact) or np.isnan(actual):
        return 0.0 if mpmath.isnan(exact) and np.isnan(actual) else np.inf
    if mpmath.isinf(exact):
        return 0.0 if actual == exact else np.inf
    beyond = mpmath.mpf(2) ** int(info.maxexp)  # what inf stands for: the number after the largest
    if np.isinf(actual) and abs(exact) >= beyond:
        return 0.0 if (actual > 0) == (exact > 0) else np.inf
    distance = abs(exact - (beyond * np.sign(actual) if np.isinf(actual) else actual))
    # beside a result next to 0 a difference within the tolerance of large terms may be more ULPs than a float counts
    return float(min(mpmath.ldexp(distance, -last_place(exact, info)), mpmath.mpf(2) ** 1023))


def last_place(x: mpmath.mpf, info: Any) -> int:
    """The exponent of the ULP of a dtype at x."""
    binade = mpmath.mag(x) - 1 if x else int(info.minexp)
    return min(max(binade, int(info.minexp)), int(info.maxexp) - 1) - int(info.nmant)


def tolerances(exact: np.ndarray, largest: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
    """The errors allowed, in ULPs of the exact results: 4, or as many as are 4 ULPs of the largest term where these
    are larger. Half precision is what a float32 result is rounded to, once."""
    info = ml_dtypes.finfo(dtype)
    computed = ml_dtypes.finfo(np.float32) if info.bits == 16 else info
    largest = exact if largest is None else largest
    allowed = []
    for x, y in zip(exact.ravel(), largest.ravel(), strict=True):
        if not mpmath.isfinite(x):
            allowed.append(0.0)
            continue
        if not mpmath.isfinite(y):
            y = x
        # 2^1021: more than that, above a result next to 0, is no float
        steps = 2.0 ** min(max(last_place(x, computed), last_place(y, computed)) - last_place(x, info), 1021)
        allowed.append(4 * steps + (0.5 if info.bits == 16 else 0))
    return np.array(allowed).reshape(exact.shape)
