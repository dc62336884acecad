"""Accumulators: what they come to does not depend on how rows were split, in which order, by how many processes."""

import math
import pickle
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest

import fastloss as fl
from fastloss.streaming import ExactSum

from .inputs import seeded

NAMES = ("cross_entropy", "perplexity", "bits_per_token", "accuracy", "entropy", "kl_divergence")
ROWS, CLASSES = 500, 37


def data(dtype: Any = np.float32) -> dict[str, np.ndarray]:
    rng = seeded("streaming")
    target = rng.integers(0, CLASSES, ROWS)
    target[::7] = -100
    return {
        "logits": (4 * rng.standard_normal((ROWS, CLASSES))).astype(dtype),
        "target": target,
        "reference_logits": (4 * rng.standard_normal((ROWS, CLASSES))).astype(dtype),
        "weight": np.where(rng.random(ROWS) < 0.1, 0, rng.random(ROWS)),
    }


def pieces(cuts: list[int], given: dict[str, np.ndarray]) -> list[fl.LogitsAccumulator]:
    """An accumulator for each of the pieces between the cuts."""
    found = []
    for start, stop in zip([0, *cuts], [*cuts, ROWS], strict=True):
        found.append(fl.LogitsAccumulator())
        found[-1].update(**{name: array[start:stop] for name, array in given.items()})
    return found


def numbers(total: fl.LogitsAccumulator) -> dict[str, float]:
    return {name: getattr(total, name) for name in NAMES} | {"rows": total.rows}


def assert_close(actual: dict[str, float], expected: dict[str, float], steps: int = 2) -> None:
    """Within so many ULP. Losses of a block are added up in double by the kernel, a rounding for some dozens of them;
    from there on, nothing is rounded until the end. Perplexity turns an absolute error of its exponent into its own."""
    for name, value in expected.items():
        own = steps * max(1, math.ceil(expected["cross_entropy"])) if name == "perplexity" else steps
        assert abs(actual[name] - value) <= own * math.ulp(value), name


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float32", "float64"], ids=str)
def test_any_split_gives_the_result_of_one_call(dtype: Any) -> None:
    """One block, blocks of one row, empty ones, random cuts; merged in any order."""
    given = data(dtype)
    (whole,) = pieces([], given)
    expected = numbers(whole)
    rng = seeded("cuts")
    for cuts in ([0, 250, 250, 500], list(range(1, ROWS)), sorted(rng.integers(0, ROWS, 9).tolist())):
        parts = pieces(cuts, given)
        for order in (range(len(parts)), rng.permutation(len(parts))):
            total = fl.LogitsAccumulator()
            for k in order:
                total.merge(parts[k])
            assert_close(numbers(total), expected)
            assert (total.accuracy, total.rows) == (whole.accuracy, whole.rows)
        one = fl.LogitsAccumulator()
        for start, stop in zip([0, *cuts], [*cuts, ROWS], strict=True):
            one.update(**{name: array[start:stop] for name, array in given.items()})
        assert_close(numbers(one), expected)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float32", "float64"], ids=str)
def test_numbers_are_those_of_the_whole_array(dtype: Any) -> None:
    """Next to one call of the loss, and to the definitions in double."""
    given = data(dtype)
    z, t, q, w = given.values()
    total = fl.LogitsAccumulator()
    for start in range(0, ROWS, 64):
        total.update(**{name: array[start : start + 64] for name, array in given.items()})
    loss = fl.cross_entropy(z, t, weight=w)
    assert abs(total.cross_entropy - loss) <= 4 * math.ulp(loss)
    assert total.perplexity == math.exp(total.cross_entropy)
    assert total.bits_per_token == total.cross_entropy / math.log(2)
    seen = np.where(t == -100, 0, w)
    z, q = z.astype(float), q.astype(float)
    log_p, log_q = (x - np.log(np.exp(x).sum(axis=1, keepdims=True)) for x in (z, q))
    truth = {
        "accuracy": z.argmax(axis=1) == t,
        "entropy": -(np.exp(log_p) * log_p).sum(axis=1),
        "kl_divergence": (np.exp(log_q) * (log_q - log_p)).sum(axis=1),
    }
    # float32 where the logits are no more than that: softmax and its logarithm are each good to 4 ULP
    close = {"accuracy": 1e-15, "entropy": 1e-14 if dtype == "float64" else 1e-6, "kl_divergence": 1e-13}
    for name, each in truth.items():
        assert getattr(total, name) == pytest.approx((seen * each).sum() / seen.sum(), rel=close[name]), name
    assert total.rows == (seen != 0).sum()


def test_memory_mapped_logits_take_a_block(tmp_path: Path) -> None:
    """Half precision in a file, read by update itself: no array of its size."""
    np.save(tmp_path / "logits.npy", seeded("file").standard_normal((2000, 1000)).astype(np.float16))
    logits = np.load(tmp_path / "logits.npy", mmap_mode="r")
    labels = np.arange(2000) % 1000
    total = fl.LogitsAccumulator()
    total.update(logits[:100], labels[:100])
    tracemalloc.start()
    total.update(logits[100:], labels[100:], reference_logits=logits[100:])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6  # the file is 4 MB, its numbers in float64 16 MB: what is at work is 2^17 of them at a time
    assert total.cross_entropy == pytest.approx(fl.cross_entropy(logits, labels), rel=1e-15)
    assert total.kl_divergence == 0


def test_an_accumulator_travels() -> None:
    """A pickle of some hundred bytes, which goes on where the first stood."""
    parts = pieces([100], data())
    copy = pickle.loads(pickle.dumps(parts[0]))
    assert len(pickle.dumps(parts[0])) < 2000
    assert repr(copy) == repr(parts[0])
    copy.merge(parts[1])
    parts[0].merge(parts[1])
    assert numbers(copy) == numbers(parts[0])
    with pytest.raises(ValueError, match="ignore different labels: 0 and -100"):
        fl.LogitsAccumulator(ignore_index=0).merge(copy)


def test_what_has_not_come_is_nan() -> None:
    """No block, no target, no reference; an empty block is none."""
    total = fl.LogitsAccumulator(entropy=False)
    assert all(math.isnan(getattr(total, name)) for name in NAMES)
    total.update(np.zeros((0, 5)), np.zeros(0, int))
    total.update(np.zeros((3, 5)), [-100, -100, 1], weight=[1, 1, 0])
    assert all(math.isnan(getattr(total, name)) for name in NAMES)
    assert total.rows == 0
    total.update(np.zeros((2, 5)))
    total.update(np.zeros((1, 2, 4)), np.zeros((1, 2), int))
    assert total.perplexity == pytest.approx(4, rel=1e-15)  # k equals: k
    assert math.isnan(total.entropy)
    assert math.isnan(total.kl_divergence)


def test_ties_go_to_the_lowest_index() -> None:
    """Of equal logits; a row with a NaN is never right."""
    total = fl.LogitsAccumulator()
    total.update([[1.0, 1.0], [1.0, 1.0], [0.0, 2.0], [np.nan, 0.0]], [0, 1, 1, 0])
    assert total.accuracy == 0.5
    assert math.isnan(total.cross_entropy)


def test_invisible_rows_are_not_there() -> None:
    """Ignored, or of weight 0, whatever they hold."""
    logits = np.array([[1.0, 2.0], [np.nan, np.inf], [3.0, 1.0], [np.nan] * 2])
    total, alone = fl.LogitsAccumulator(ignore_index=7), fl.LogitsAccumulator()
    total.update(logits, [0, 7, 1, 1], reference_logits=logits[::-1], weight=[1, 1, 1, 0])
    alone.update(logits[[0, 2]], [0, 1], reference_logits=logits[::-1][[0, 2]])
    assert str(numbers(total)) == str(numbers(alone))


def test_a_refused_block_changes_nothing() -> None:
    """Labels, shapes, weights; the message names the place."""
    total = fl.LogitsAccumulator()
    total.update(np.eye(3), [0, 1, 2])
    before = repr(total)
    for words, kind, message in (
        ({"target": [0, 3, 1]}, IndexError, r"^target\[1\] is 3, expected a class in \[0, 3\) or ignore_index=-100"),
        ({"target": [[0, 1, 2]]}, ValueError, r"^logits has shape \(3, 3\), so target must have shape \(3,\)"),
        ({"target": np.eye(3)}, ValueError, "^logits has shape"),
        ({"target": [0.0, 1.0, 2.0]}, TypeError, "must be integers"),
        ({"reference_logits": np.eye(2)}, ValueError, r"reference_logits \(2, 2\): they must be equal"),
        ({"weight": [1, -1, 1]}, ValueError, r"^weight\[1\] is -1, expected a weight of at least 0"),
        ({"weight": [1, 1]}, ValueError, r"^weight has shape \(2,\)"),
    ):
        with pytest.raises(kind, match=message):
            total.update(np.eye(3), **words)
    with pytest.raises(ValueError, match=r"^logits is a scalar"):
        total.update(1.0)
    with pytest.raises(TypeError, match=r"^other must be a LogitsAccumulator, not int"):
        total.merge(1)  # type: ignore[arg-type]
    assert repr(total) == before


# ---- what it is made of ----


def test_sums_are_exact() -> None:
    """Numbers from the smallest denormal to the largest powers, of both signs, next to fractions."""
    rng = seeded("sums")
    for _ in range(20):
        numbers = rng.standard_normal(300) * np.exp2(rng.integers(-1074, 1000, 300).astype(float))
        numbers = np.concatenate([numbers, -numbers[:200], [5e-324, 1e308, -0.0]])
        total = ExactSum()
        for block in np.split(rng.permutation(numbers), [1, 100, 100, 350]):
            total.add(block)
        exact = sum(map(Fraction, numbers.tolist()))
        assert Fraction(total.units, 2**1127) == exact
        assert float(total) == float(exact)
        weights = ExactSum()
        weights.add([3.0])
        assert total.over(weights) == float(exact / 3)


def test_sums_of_what_is_no_number() -> None:
    """Infinities stay, against each other they are NaN, as NaN is."""
    for numbers, expected in (
        ([np.inf, 1], np.inf), ([-np.inf, 1], -np.inf), ([np.inf, -np.inf], np.nan), ([np.nan], np.nan), ([], 0),
        ([1.7e308, 1.7e308], np.inf),
    ):  # fmt: skip
        total, weights = ExactSum(), ExactSum()
        total.add(numbers)
        weights.add([1.0])
        assert str(float(total)) == str(total.over(weights)) == str(float(expected))


def test_entropy_and_divergence_to_50_digits() -> None:
    """Confident rows, masked classes, rows that are nearly the same: where the plain formula is all rounding."""
    rng = seeded("divergence")
    q = 10 * rng.standard_normal((6, 5))
    p = q + np.array([3, 1, 1e-3, 1e-6, 1e-9, 0])[:, None] * rng.standard_normal((6, 5))
    q[0, 0] = q[1, 2] = p[1, 2] = -np.inf
    with mpmath.workdps(50):
        for row, (one, other) in enumerate(zip(q, p, strict=True)):
            a, b = ([mpmath.exp(mpmath.mpf(x)) for x in z] for z in (one, other))
            a, b = ([x / sum(z) for x in z] for z in (a, b))
            exact = sum(x * mpmath.log(x / y) for x, y in zip(a, b, strict=True) if x)
            surprise = -sum(x * mpmath.log(x) for x in b if x)
            total = fl.LogitsAccumulator()
            total.update(p[row : row + 1], reference_logits=q[row : row + 1])
            assert abs(total.kl_divergence - exact) <= mpmath.mpf(2) ** -50 * exact
            assert abs(total.entropy - surprise) <= mpmath.mpf(2) ** -50 * surprise
    total = fl.LogitsAccumulator()
    total.update(np.zeros((1, 2)), reference_logits=np.zeros((1, 2)))
    total.update(q, reference_logits=q)
    assert total.kl_divergence == 0
    total.update([[0, -np.inf]], reference_logits=np.zeros((1, 2)))
    assert total.kl_divergence == np.inf
