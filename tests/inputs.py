"""Inputs that reach the hard places of a loss, made from its declaration: domain, kinks, examples, signature."""

import inspect
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import ml_dtypes
import numpy as np

import fastloss as fl
from fastloss.arrays import SIGNS, Interval

DTYPES = tuple(np.dtype(name) for name in ("float16", ml_dtypes.bfloat16, "float32", "float64"))
FEW, MANY = (1, 2, 3, 10), (64, 65, 200)  # classes: vectors run across the rows up to 64, along the row above


@dataclass(eq=False)
class Case:
    """One call: the positional inputs, the hyperparameters, and a name for the report of a failure."""

    label: str
    inputs: tuple[np.ndarray, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.label


def seeded(*names: Any) -> np.random.Generator:
    """Random numbers that are the same in every run, and different for every name."""
    return np.random.default_rng(zlib.crc32(repr(names).encode()))


def optional(loss: fl.Loss) -> tuple[str, ...]:
    """The inputs that have a default, such as a pos_weight."""
    return tuple(name for name in loss.inputs if name not in loss.required)


@cache
def cases(loss: fl.Loss, dtype: np.dtype) -> tuple[Case, ...]:
    """Every case of a loss: its hyperparameters times the numbers, or rows, where it may go wrong."""
    return tuple((pointwise_cases if loss.shape == "pointwise" else row_cases)(loss, dtype))


def hyperparameters(loss: fl.Loss) -> list[dict[str, Any]]:
    """The declared examples, and of every domain the closed ends and numbers that are round in no base."""
    sets = [dict(example) for example in loss.examples]
    ugly = {}
    for name, domain in loss.domains({}).items():
        if name in loss.inputs:
            continue
        ends = [end for end, open_ in ((domain.low, domain.low_open), (domain.high, domain.high_open)) if not open_]
        # as float32 numbers: what is computed in float32 is then asked for the very same thing
        inside = [float(np.float32(x)) for x in (0.1, 0.001, 10.1) if x in domain]
        sets += [{name: value} for value in [*ends, *inside]]
        if inside:
            ugly[name] = inside[0]
    sets += [ugly] if len(ugly) > 1 else []
    unique = []
    for one in sets:
        unique += [one] if one not in unique else []
    return unique


def magnitudes(rng: np.random.Generator, n: int, dtype: np.dtype, smallest: float | None = None) -> np.ndarray:
    """Log-spaced numbers over the positive range of the dtype."""
    info = ml_dtypes.finfo(dtype)
    low, high = np.log2(float(smallest or info.smallest_subnormal)), np.log2(float(info.max))
    return np.minimum(np.exp2(np.linspace(low, high - 1, n)) * (1 + rng.random(n)), float(info.max))


def numbers(rng: np.random.Generator, n: int, domain: Interval, dtype: np.dtype, normal: bool = False) -> np.ndarray:
    """n numbers of a domain: half log-spaced from its ends, the others moderate or the ends themselves."""
    if domain.ends:
        return rng.choice([domain.low, domain.high], n).astype(dtype)
    info = ml_dtypes.finfo(dtype)
    far = magnitudes(rng, n, dtype, float(info.smallest_normal) if normal else None)
    bounded = np.isfinite(domain.low) and np.isfinite(domain.high)
    middle = domain.low + (domain.high - domain.low) * rng.random(n) if bounded else 3 * rng.standard_normal(n)
    if not bounded and (np.isfinite(domain.low) or np.isfinite(domain.high)):
        middle = domain.low + abs(middle) if np.isfinite(domain.low) else domain.high - abs(middle)
    from_low = domain.low + far if np.isfinite(domain.low) else -far
    from_high = domain.high - far if np.isfinite(domain.high) else far
    ends = [float(end) for end in (domain.low, domain.high) if np.isfinite(end)] or [0.0]
    pools = (from_low, middle, from_high, np.resize(np.concatenate([ends, middle[:2]]), n))
    with np.errstate(over="ignore"):
        drawn = np.choose(np.arange(n) % 4, pools).astype(dtype)
    keep = within(domain, drawn) & np.isfinite(drawn.astype(np.float64))
    middle = middle.astype(dtype)
    middle = np.where(within(domain, middle), middle, np.asarray(plain(domain), dtype))  # rounded to an open end
    return rng.permutation(np.where(keep, drawn, middle).astype(dtype))


def within(domain: Interval, array: np.ndarray) -> np.ndarray:
    """Which numbers the domain holds; NaN is not for it to judge."""
    x = array.astype(np.float64)
    if domain.ends:
        return (x == domain.low) | (x == domain.high) | np.isnan(x)
    low = x > domain.low if domain.low_open else x >= domain.low
    high = x < domain.high if domain.high_open else x <= domain.high
    return (low & high) | np.isnan(x)


def domains_of(loss: fl.Loss, kwargs: Mapping[str, Any]) -> list[Interval]:
    """What the required inputs may be."""
    domains = loss.domains(kwargs)
    return [domains.get(name, Interval()) for name in loss.required]


def pointwise_cases(loss: fl.Loss, dtype: np.dtype) -> Iterator[Case]:
    n = 32
    for kwargs in hyperparameters(loss):
        domains = domains_of(loss, kwargs)
        rng = seeded(loss.name, str(dtype), kwargs)
        parts = [spread(rng, n, domains, dtype), sure(rng, n, domains, dtype)]
        parts += [beside(rng, n, domains, dtype)] if len(domains) > 1 else []
        parts += [corners(loss, kwargs, domains, dtype), limits(rng, domains, dtype)]
        inputs = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
        keep = np.logical_and.reduce([within(domain, column) for domain, column in zip(domains, inputs, strict=True)])
        inputs = tuple(column[keep] for column in inputs)
        label = f"{loss.name} {dtype} {kwargs}"
        yield Case(label, inputs, kwargs)
        for name in optional(loss):
            if name not in kwargs:
                # moderate ones: a factor of 1e-38 would leave nothing but denormals to compare
                domain = loss.domains(kwargs).get(name, Interval())
                given = numbers(rng, len(inputs[0]), domain, np.dtype("float16")).astype(dtype)
                given[~within(domain, given)] = plain(domain)  # rounded to an open end
                yield Case(f"{label} with {name}", inputs, {**kwargs, name: given})


def spread(rng: np.random.Generator, n: int, domains: list[Interval], dtype: np.dtype) -> list[np.ndarray]:
    """Anything against anything."""
    return [numbers(rng, n, domain, dtype, normal=k > 0) for k, domain in enumerate(domains)]


def beside(rng: np.random.Generator, n: int, domains: list[Interval], dtype: np.dtype) -> list[np.ndarray]:
    """A prediction and a target with a log-spaced distance between them."""
    others = [numbers(rng, n, domain, dtype, normal=True) for domain in domains[1:]]
    distance = rng.permutation(magnitudes(rng, n, dtype)) * rng.choice([-1, 1], n)
    with np.errstate(over="ignore"):
        return [(others[0].astype(np.float64) + distance).astype(dtype), *others]


def sure(rng: np.random.Generator, n: int, domains: list[Interval], dtype: np.dtype) -> list[np.ndarray]:
    """Scores from undecided to far out on both sides, against moderate values and the ends of the others' domains."""
    score = np.geomspace(1e-3, 800, n // 2)
    columns = [np.concatenate([score, -score]).astype(dtype)]
    for domain in domains[1:]:
        ends = [end for end in domain[:2] if np.isfinite(end)] or [0.0]
        moderate = numbers(rng, 4 * n, domain, np.dtype(np.float16)).astype(dtype)
        moderate = np.resize(moderate[within(domain, moderate)], n)
        columns.append(np.where(rng.random(n) < 0.5, rng.choice(ends, n).astype(dtype), moderate))
    return columns


def corners(loss: fl.Loss, kwargs: dict[str, Any], domains: list[Interval], dtype: np.dtype) -> list[np.ndarray]:
    """The kinks with their neighbours, declared for targets of 0, or for the margin of targets of 1 and -1; both
    zeros."""
    points = np.array([0.0, -0.0, *around(kinks(loss, kwargs), dtype)], dtype)
    if SIGNS in domains:
        signs = np.repeat([1, -1], len(points)).astype(dtype)
        points = np.concatenate([points, points])
        return [points * signs, *(signs if d == SIGNS else np.full(len(signs), plain(d), dtype) for d in domains[1:])]
    return [points, *(np.full(len(points), plain(domain), dtype) for domain in domains[1:])]


def plain(domain: Interval) -> float:
    """The simplest number of a domain."""
    return next(x for x in (0.0, 1.0, domain.low / 2 + domain.high / 2, domain.low + 1) if x in domain)


def limits(rng: np.random.Generator, domains: list[Interval], dtype: np.dtype) -> list[np.ndarray]:
    """Infinities and NaN against everything."""
    grid = np.array(np.meshgrid(*([[np.inf, -np.inf, np.nan, 0.0, 0.5, 1.0]] * len(domains)))).reshape(len(domains), -1)
    return list(rng.permutation(grid, axis=1)[:, :48].astype(dtype))


def kinks(loss: fl.Loss, kwargs: dict[str, Any]) -> list[float]:
    if loss.kinks is None:
        return []
    wanted = inspect.signature(loss.kinks).parameters
    return [float(kink) for kink in loss.kinks(**{name: kwargs[name] for name in wanted if name in kwargs})]


def around(points: Sequence[float], dtype: np.dtype) -> list[float]:
    """Each finite point, and its two neighbours in the dtype."""
    near: list[float] = []
    for point in np.array([point for point in points if np.isfinite(point)], dtype):
        near += [
            float(np.nextafter(point, dtype.type(-np.inf))),
            float(point),
            float(np.nextafter(point, dtype.type(np.inf))),
        ]
    return near


def row_cases(loss: fl.Loss, dtype: np.dtype) -> Iterator[Case]:
    for turn, classes in enumerate(FEW + MANY):
        rng = seeded(loss.name, str(dtype), classes)
        sets = hyperparameters(loss)
        if classes in MANY:
            sets = sets[:1] + sets[1:][-1:]
        if "class_weight" in loss.__signature__.parameters:
            weights = np.exp2(rng.integers(-10, 10, classes)) * np.float32(1.1)
            weights[rng.random(classes) < 0.2] = 0
            sets += [{**one, "class_weight": weights.astype(np.float32)} for one in (sets[0], sets[-1])]
        for k, kwargs in enumerate(sets):
            # of many classes, each of which costs the oracle its exponential, the rows are dealt out among the sets
            dealt = slice((k + turn) % len(sets), None, len(sets)) if classes in MANY else slice(None)
            data = hard_rows(rng, loss, kwargs, classes, dtype, twice=classes in FEW)
            label = f"{loss.name} {dtype} {classes} classes"
            words = {name: "..." if isinstance(value, np.ndarray) else value for name, value in kwargs.items()}
            if not loss.target:
                yield Case(f"{label}, {words}", tuple(array[dealt] for array in data), kwargs)
                continue
            labels = np.nan_to_num(data[0].astype(np.float64), nan=0).argmax(1)  # sure and right
            half = len(labels) // 2
            if classes in FEW:
                labels[half:] = rng.integers(0, classes, half)
            else:
                labels[::2] = rng.integers(0, classes, len(labels[::2]))
            if loss.target == "lists of labels":
                first, labels = labels, lists_of_labels(rng, labels.shape, classes)
                labels[::2, 0] = first[::2]
            yield Case(f"{label}, labels, {words}", tuple(array[dealt] for array in (*data, labels)), kwargs)
            if loss.target == "labels or shares":
                shares = soft_targets(rng, labels, classes).astype(dtype)
                yield Case(f"{label}, shares, {words}", tuple(array[dealt] for array in (*data, shares)), kwargs)


def hard_rows(
    rng: np.random.Generator, loss: fl.Loss, kwargs: Mapping[str, Any], classes: int, dtype: np.dtype, twice: bool
) -> tuple[np.ndarray, ...]:
    """Rows of every input but the target, in its domain: of logits, of probabilities (some zeros among them -0), or of
    their logarithms. A second input is the first one again, close to it, also in a few classes only, or anything else.
    """
    arrays: list[np.ndarray] = []
    for domain in domains_of(loss, kwargs)[: len(loss.inputs) - bool(loss.target)]:
        logits = rows_of_logits(rng, classes, dtype)
        logits = np.concatenate([logits, logits]) if twice else logits
        if domain.low == 0:
            rows = soft_targets(rng, logits.astype(np.float64).argmax(1), classes)
            rows = rows if domain.high == 1 else rows * np.geomspace(1e-3, 1e3, len(rows))[:, None]
            rows = np.where(rows == 0, rng.choice([0.0, -0.0], rows.shape), rows)
        elif domain.high == 0:
            with np.errstate(divide="ignore"):
                rows = np.log(soft_targets(rng, logits.astype(np.float64).argmax(1), classes))
        else:
            rows = logits
        if arrays and domain == domains_of(loss, kwargs)[0]:
            order = rng.permutation(len(rows))
            rows = rows.astype(np.float64)
            rows[order[: len(rows) // 4]] = arrays[0].astype(np.float64)[order[: len(rows) // 4]]
            near = order[len(rows) // 4 : len(rows) // 2]
            with np.errstate(over="ignore", invalid="ignore"):
                change = 10.0 ** rng.integers(-15, -2, (len(near), 1)) * rng.random((len(near), classes))
                change *= rng.random((len(near), classes)) < rng.choice([0.3, 1], (len(near), 1))
                rows[near] = arrays[0].astype(np.float64)[near] * (1 + change)
            rows[near] = np.clip(rows[near], domain.low, domain.high)
        arrays.append(rows.astype(dtype))
    return tuple(arrays)


def rows_of_logits(rng: np.random.Generator, classes: int, dtype: np.dtype) -> np.ndarray:
    """Sure, moderate, shifted, tied and masked rows, and one over the whole range of the dtype."""
    deepest = 700 if dtype == np.float64 else 85
    rows = []
    for gap in (2, 20, 38, deepest):
        row = rng.standard_normal(classes) - gap
        row[rng.integers(classes)] = 0
        rows.append(row)
    moderate = 3 * rng.standard_normal(classes)
    rows += [moderate, moderate + 100, moderate - 100, moderate + 1e4, moderate - 1e4]
    tied = np.round(moderate)
    tied[rng.integers(classes, size=2)] = tied.max()
    masked = moderate.copy()
    masked[rng.permutation(classes)[: classes // 2]] = -np.inf
    wild = magnitudes(rng, classes, dtype) * rng.choice([-1, 1], classes)
    rows += [np.zeros(classes), tied, masked, rng.permutation(wild)]
    return np.array(rows).astype(dtype)


def lists_of_labels(rng: np.random.Generator, shape: tuple[int, ...], classes: int) -> np.ndarray:
    """Labels of rows, few as a rule, some of them twice; the first -1 ends them, and others follow."""
    drawn = rng.integers(0, classes, (*shape, classes))
    return np.where(rng.random(drawn.shape) < 0.3, -1, drawn)


def soft_targets(rng: np.random.Generator, labels: np.ndarray, classes: int) -> np.ndarray:
    """In turn the label as a one-hot row, sure of it, anything, a few classes, and shares that do not add up to 1."""
    hot = np.eye(classes)[labels]
    dense = rng.dirichlet(np.ones(classes), len(labels))
    sparse = dense * (rng.random(dense.shape) < 0.3)
    pools = (hot, 0.999 * hot + 0.001 * dense, dense, sparse, rng.random(dense.shape))
    return np.choose((np.arange(len(labels)) % 5)[:, None], pools)
