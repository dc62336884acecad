"""Logits that are a product and never exist: value and gradients, chunks, threads, memory, bad input."""

import inspect
import math
import os
import pickle
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from fastloss.reference.numbers import gradient

import fastloss as fl
from fastloss import projection
from fastloss.arrays import Interval

from .common import LINEAR, assert_same, named, output_of
from .inputs import hyperparameters, seeded
from .test_memory import dedented, linux

# Those without a teacher; test_linear_teacher.py has the others.
each_linear = pytest.mark.parametrize(
    "loss", [loss for loss in LINEAR if "teacher_input" not in loss.inputs], ids=named
)
WORDS = [{}, *({"label_smoothing": 0.1}, {"softcap": 2.0}, {"z_loss": 0.05}, {"temperature": 0.7}),
         {"label_smoothing": 0.2, "softcap": 3.0, "z_loss": 0.01, "temperature": 1.5}]  # fmt: skip
each_words = pytest.mark.parametrize("words", WORDS, ids=str)
NAMES = ("input", "linear_weight", "linear_bias")

# Rows and classes so many that rows come in chunks, and classes in tiles and groups, with a rest of each.
CHUNKED = (projection.MOST_ROWS + 37, 5, 333)


def batch(
    n: int = 7, width: int = 4, classes: int = 11, dtype: Any = np.float32, soft: bool = False, size: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Input, weight, target and bias."""
    rng = seeded("linear", n, width, classes)
    x, w = rng.standard_normal((n, width)), size * rng.standard_normal((classes, width))
    target = rng.dirichlet(np.ones(classes), n) if soft else rng.integers(0, classes, n)
    return x.astype(dtype), w.astype(dtype), target, rng.standard_normal(classes).astype(dtype)


def naive(
    x: np.ndarray, w: np.ndarray, target: np.ndarray, bias: np.ndarray | None = None, dtype: Any = np.float64,
    softcap: float | None = None, temperature: float = 1.0, z_loss: float = 0.0, scale: Any = 1.0, **words: Any,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Losses of the rows and the gradients of their sum, with all logits there at once."""
    x, w = x.astype(dtype), w.astype(dtype)
    u = x @ w.T + (0 if bias is None else bias.astype(dtype))
    z = (u if softcap is None else softcap * np.tanh(u / softcap)) / temperature
    scale = np.broadcast_to(np.asarray(scale, np.float64), len(x))
    losses, s = fl.cross_entropy.value_and_grad(z, target, reduction="none", weight=scale, **words)
    lse, p = fl.logsumexp(z), fl.softmax(z)
    seen = scale != 0 if target.ndim > 1 else (scale != 0) & (target != words.get("ignore_index", -100))
    extra = np.where(seen, scale * z_loss * lse**2, 0)
    s = s + np.where(seen[:, None], (scale * 2 * z_loss * lse)[:, None] * p, 0).astype(dtype)
    s = s * (1 if softcap is None else 1 - np.tanh(u / softcap) ** 2) / temperature
    return losses + extra, s @ w, s.T @ x, s.sum(axis=0)


def close(actual: Any, expected: Any, what: str, dtype: Any = np.float32, steps: float = 64) -> None:
    """Within so many roundings of the largest number there: for products of a few dozen terms of one size."""
    slack = steps * float(np.finfo(dtype).eps) * max(float(np.max(np.abs(expected), initial=0)), 1e-300)
    np.testing.assert_allclose(np.asarray(actual, np.float64), expected, rtol=0, atol=slack, err_msg=what)


# ---- the numbers ----


@each_linear
def test_written_gradients_equal_those_of_the_duals(loss: fl.Loss) -> None:
    """The reference's `_grad`, by all three inputs, to 40 digits; for every hyperparameter, labels and shares."""
    written = getattr(inspect.getmodule(loss.reference), f"{loss.name}_grad")
    x, w, labels, bias = (array.astype(float).tolist() for array in batch(2, 2, 3, np.float64))
    with mpmath.workdps(50):
        x, w, bias = [[[mpmath.mpf(k) for k in row] for row in array] for array in (x, w, [bias])]
        for words in hyperparameters(loss):
            words = {k: v if v is None else mpmath.mpf(v) for k, v in words.items()} | {"linear_bias": bias[0]}
            for target in (int(labels[0]), [mpmath.mpf(1) / 8, mpmath.mpf(1) / 2, mpmath.mpf(0)]):
                others = {name: value for name, value in words.items() if name != "linear_bias"}
                by_input = gradient(lambda z: loss.reference(z, w, target, **words), x[0])  # noqa: B023
                by_weight = [
                    gradient(lambda z: loss.reference(x[0], [*w[:k], z, *w[k + 1 :]], target, **words), w[k])  # noqa: B023
                    for k in range(3)
                ]
                by_bias = gradient(
                    lambda z: loss.reference(x[0], w, target, linear_bias=z, **others), bias[0]  # noqa: B023
                )  # fmt: skip
                flat = [*by_input, *(slope for row in by_weight for slope in row), *by_bias]
                one, two, three = written(x[0], w, target, **words)
                for a, e in zip([*one, *(slope for row in two for slope in row), *three], flat, strict=True):
                    assert abs(a - e) <= mpmath.mpf("1e-40"), words


@each_linear
def test_value_and_gradients_are_the_references(loss: fl.Loss) -> None:
    """Row by row in float64, for every hyperparameter, with class weights, labels, shares and an ignored row."""
    written = getattr(inspect.getmodule(loss.reference), f"{loss.name}_grad")
    for soft in (False, True):
        x, w, target, bias = batch(5, 3, 4, np.float64, soft)
        if not soft:
            target[3] = -100
        for words in hyperparameters(loss):
            # a logit of three terms is off by a few ULP; a small softcap makes more of it: (log(1 - tanh^2))' <= 2 / s
            steps = 16 * max(1, 2 / (words.get("softcap") or math.inf))
            for class_weight in (None, [1.0, 0.5, 2.0, 0.0]):
                given = {**words, "linear_bias": bias, "class_weight": class_weight}
                losses, found = loss.value_and_grad(x, w, target, reduction="none", **given)
                with mpmath.workdps(700):  # 1 - tanh^2 may be as small as the smallest float64
                    exact = {name: exactly(value) for name, value in given.items()}
                    rows = [(row, exactly(w), t) for row, t in zip(exactly(x), exactly(target), strict=True)]
                    truth = [float(loss.reference(*row, **exact)) for row in rows]
                    slopes = [[np.array(part, float) for part in written(*row, **exact)] for row in rows]
                close(losses, truth, str(words), np.float64, steps)
                close(found.input, [slope[0] for slope in slopes], str(words), np.float64, steps)
                for k in (1, 2):
                    close(found[k], sum(slope[k] for slope in slopes), str(words), np.float64, steps)


def exactly(value: Any) -> Any:
    """Floats as mpmath numbers, arrays as lists."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [exactly(number) for number in value]
    return mpmath.mpf(value) if isinstance(value, float) else value


@each_words
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "shares"])
@pytest.mark.parametrize("shape", [(7, 4, 11), (1, 3, 700), (40, 6, 1), CHUNKED, (3, 2, 70_001)], ids=str)
def test_chunks_and_tiles_fit_together(shape: tuple[int, int, int], soft: bool, words: dict[str, Any]) -> None:
    """Against float64 logits that are there at once: one row, one class, rests of chunks, tiles and groups."""
    if soft and shape == CHUNKED and len(words) == 1:
        words = WORDS[-1]
    x, w, target, bias = batch(*shape, soft=soft)
    scale = np.linspace(-0.5, 2, shape[0])
    class_weight = np.linspace(0, 2, shape[2]) if shape[2] > 1 else None
    scale[::3] = 0
    if not soft:
        target[1::5] = -100
    truth = naive(x, w, target, bias, scale=scale, class_weight=class_weight, **words)
    losses, found = fl.linear_cross_entropy.value_and_grad(
        x, w, target, linear_bias=bias, weight=scale, class_weight=class_weight, reduction="none", **words
    )
    close(losses, truth[0], "losses")
    for name, expected in zip(NAMES, truth[1:], strict=True):
        if shape[2] > 1 or words.get("z_loss"):  # gradients of one class are 0: all there is is rounding
            close(getattr(found, name), expected, name)
    invisible = scale == 0 if soft else (scale == 0) | (target == -100)
    assert not found.input[invisible].any()
    assert not losses[invisible].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_error_is_that_of_the_matrix_products(dtype: Any) -> None:
    """The bound of the docstring, with no constant fitted.

    u is half an ULP of 1. A sum of n products, in whatever order, is off by at most n u times the sum of their sizes.
    So a logit is off by d = D u sum(abs(W x)), all p of a row by factors e^(2 d) (1 + 8 u), the loss by 2 d and 4 u of
    itself; the slopes s = p - onehot by their share of that; and the gradients by what these move them and n u of
    their terms. Truth is a float64 (for float64: longdouble) computation.
    """
    n, width, classes = 200, 96, 3000
    x, w, target, _ = batch(n, width, classes, dtype, size=0.3)
    wide = np.float64 if dtype == np.float32 else np.longdouble
    u = float(np.finfo(dtype).eps) / 2
    X, W = x.astype(wide), w.astype(wide)  # noqa: N806
    z = X @ W.T
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    truth = -np.log(p[rows, target])
    s = p.copy()
    s[rows, target] -= 1
    d = (width + 1) * u * (abs(X) @ abs(W).T).max(axis=1)
    losses, found = fl.linear_cross_entropy.value_and_grad(x, w, target, reduction="none")
    assert (abs(losses - truth) <= 2 * d + 8 * u * truth).all()
    # of 1 - p_y the error is that of the others' sum, which is no larger than theirs
    moved = abs(s) * np.expm1(2 * d + 8 * u)[:, None]
    by_input = moved @ abs(W) + (classes + 64) * u * (abs(s) @ abs(W))
    by_weight = moved.T @ abs(X) + (n + 64) * u * (abs(s).T @ abs(X))
    assert (abs(found.input - s @ W) <= by_input).all()
    assert (abs(found.linear_weight - s.T @ X) <= by_weight).all()


def test_error_is_no_more_than_that_of_the_whole_product() -> None:
    """Root mean squares next to float32 NumPy with all logits there: cutting costs nothing. (2: the BLAS adds up its
    blocks of terms in another order, and the chunks are other blocks.)"""
    x, w, target, bias = batch(*CHUNKED)
    truth = naive(x, w, target, bias)
    whole = naive(x, w, target, bias, dtype=np.float32)
    losses, found = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias, reduction="none")
    for mine, theirs, exact in zip((losses, *found), whole, truth, strict=True):
        assert np.sqrt(np.mean((mine - exact) ** 2)) <= 2 * np.sqrt(np.mean((theirs - exact) ** 2))


def test_confident_rows_keep_their_tail() -> None:
    """Logits 20 and 0: what torch, which takes the difference of logsumexp and the logit, gives as 0."""
    x, w = np.eye(2, dtype=np.float32), np.float32([[20, 0], [0, 30]])
    losses, grad = fl.linear_cross_entropy.value_and_grad(x, w, [0, 1], reduction="none")
    np.testing.assert_allclose(losses, np.log1p(np.exp([-20.0, -30.0])), rtol=2**-21)
    tails = np.exp([-20.0, -30.0])
    np.testing.assert_allclose(grad.linear_weight, [[-tails[0], tails[1]], [tails[0], -tails[1]]], rtol=2**-21)


def test_softcap_keeps_the_digits_of_a_slope_near_its_bound() -> None:
    """1 - tanh^2 of 12 is 1.5e-10, which is 0 in float32 where it is formed as a difference."""
    _, grad = fl.linear_cross_entropy.value_and_grad(np.float32([[12]]), np.float32([[1], [0]]), [1], softcap=1.0)
    exact = 1 / (1 + math.exp(-math.tanh(12))) / math.cosh(12) ** 2
    np.testing.assert_allclose(grad.input, [[exact]], rtol=2**-20)
    tiny = fl.linear_cross_entropy([[1e-3]], [[1.0], [0.0]], [1], softcap=1e9)
    assert tiny == pytest.approx(fl.cross_entropy([[1e-3, 0.0]], [1]), rel=1e-14)


def test_an_identity_gives_the_losses_of_cross_entropy() -> None:
    """Logits that a product leaves as they are: the very bits of `cross_entropy`."""
    logits = seeded("identity").standard_normal((50, 20)).astype(np.float32) * 3
    target = np.arange(50) % 20
    eye = np.eye(20, dtype=np.float32)
    for words in ({}, {"label_smoothing": 0.1}, {"class_weight": np.linspace(0, 1, 20)}):
        losses, grad = fl.linear_cross_entropy.value_and_grad(logits, eye, target, reduction="none", **words)
        expected, slopes = fl.cross_entropy.value_and_grad(logits, target, reduction="none", **words)
        assert_same(losses, expected)
        assert_same(grad.input, slopes)
        mean = fl.linear_cross_entropy(logits, eye, target, **words)
        assert mean == pytest.approx(fl.cross_entropy(logits, target, **words), rel=2**-24)


# ---- reductions and weights ----


@each_words
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "shares"])
def test_reductions_belong_together(words: dict[str, Any], soft: bool) -> None:
    """The mean is the weighted sum over sum(weight class_weight), its gradient likewise; the loss is the same alone."""
    x, w, target, bias = batch(30, 6, 12, np.float64, soft)
    class_weight, weight = np.linspace(0.5, 2, 12), np.linspace(0, 1, 30)
    given = {"linear_bias": bias, "class_weight": class_weight, "weight": weight, **words}
    call = fl.linear_cross_entropy
    losses = call(x, w, target, reduction="none", **given)
    total, slopes = call.value_and_grad(x, w, target, reduction="sum", **given)
    mean, means = call.value_and_grad(x, w, target, **given)
    mass = (weight * (target @ class_weight if soft else class_weight[target])).sum()
    assert total == pytest.approx(losses.sum(), rel=1e-14)
    assert mean == pytest.approx(total / mass, rel=1e-14)
    assert mean == call(x, w, target, **given)
    for one, other in zip(means, slopes, strict=True):
        np.testing.assert_allclose(one, other / mass, rtol=1e-12, atol=1e-17)
    assert call(x, w, target, denominator=5.0, **given) == pytest.approx(total / 5, rel=1e-14)


@each_words
def test_ignored_rows_are_not_there(words: dict[str, Any]) -> None:
    """A row that is ignored or has weight 0, full of NaN and infinity, leaves the others' bits as they are alone."""
    x, w, target, bias = batch(9, 4, 6)
    weight = np.linspace(1, 2, 9)
    keep = np.array([1, 0, 1, 1, 0, 1, 0, 1, 1], bool)
    x[~keep] = [np.nan, np.inf, -np.inf, 1]
    target[1] = target[4] = 3
    given = {"linear_bias": bias, "ignore_index": 3, **words}
    target[keep & (target == 3)] = 2
    weight[6] = 0
    value, grad = fl.linear_cross_entropy.value_and_grad(x, w, target, weight=weight, **given)
    alone, slopes = fl.linear_cross_entropy.value_and_grad(x[keep], w, target[keep], weight=weight[keep], **given)
    assert value == alone
    assert_same(grad.input[keep], slopes.input)
    assert not grad.input[~keep].any()
    assert_same(grad.linear_weight, slopes.linear_weight)
    assert_same(grad.linear_bias, slopes.linear_bias)


def test_nothing_has_no_mean() -> None:
    """An empty batch, all ignored, all weights 0: nan with gradients of 0; a sum is 0, a given denominator divides."""
    x, w, target, bias = batch(4)
    for rows, words in ((0, {}), (4, {"weight": 0}), (4, {"ignore_index": 2}), (4, {"class_weight": np.zeros(11)})):
        labels = np.full(4, 2) if "ignore_index" in words else target
        out = tuple(np.full_like(array, 7) for array in (x[:rows], w, bias))
        value, grad = fl.linear_cross_entropy.value_and_grad(
            x[:rows], w, labels[:rows], linear_bias=bias, out=out, **words
        )
        assert math.isnan(value)
        assert all(array is given and not array.any() for array, given in zip(grad, out, strict=True))
        assert fl.linear_cross_entropy(x[:rows], w, labels[:rows], reduction="sum", **words) == 0
        assert fl.linear_cross_entropy(x[:rows], w, labels[:rows], denominator=3, **words) == 0
        assert fl.linear_cross_entropy(x[:rows], w, labels[:rows], reduction="none", **words).shape == (rows,)


def test_visible_nan_is_seen() -> None:
    """In a row: its loss, its gradient and the weight's are NaN, and no other row's."""
    x, w, target, _ = batch()
    x[2, 1] = np.nan
    losses, grad = fl.linear_cross_entropy.value_and_grad(x, w, target, reduction="none")
    assert np.flatnonzero(np.isnan(losses)).tolist() == [2]
    assert np.flatnonzero(np.isnan(grad.input).any(axis=1)).tolist() == [2]
    assert np.isnan(grad.linear_weight).all()
    assert math.isnan(fl.linear_cross_entropy(x, w, target))
    for words in ({"softcap": 5.0}, {"z_loss": 0.1}, {"temperature": 2.0}):
        assert math.isnan(fl.linear_cross_entropy(x, w, target, **words))


def test_parts_of_a_batch_add_up() -> None:
    """With the whole batch's denominator, micro-batches give its gradients."""
    x, w, target, _ = batch(64, 8, 50, np.float64)
    value, grad = fl.linear_cross_entropy.value_and_grad(x, w, target)
    parts = [fl.linear_cross_entropy.value_and_grad(x[k : k + 16], w, target[k : k + 16], denominator=64)
             for k in range(0, 64, 16)]  # fmt: skip
    assert value == pytest.approx(sum(part[0] for part in parts), rel=1e-15)
    assert_same(grad.input, np.concatenate([part[1].input for part in parts]))
    np.testing.assert_allclose(grad.linear_weight, sum(part[1].linear_weight for part in parts), rtol=1e-12, atol=1e-16)


# ---- arrays ----


def test_only_what_is_asked_for_is_computed() -> None:
    """`grads` names it, one or several; the value and the others' bits do not depend on it."""
    x, w, target, bias = batch(20, 4, 300)
    value, everything = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias)
    assert fl.linear_cross_entropy(x, w, target, linear_bias=bias) == value
    for grads in ("input", ("linear_weight",), ["linear_bias", "input"], ()):
        again, found = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias, grads=grads)
        assert again == value
        for name in NAMES:
            asked = name == grads or (not isinstance(grads, str) and name in grads)
            if asked:
                assert_same(getattr(found, name), getattr(everything, name))
            else:
                assert getattr(found, name) is None
    assert fl.linear_cross_entropy.value_and_grad(x, w, target)[1].linear_bias is None
    assert pickle.loads(pickle.dumps(everything)).input.tobytes() == everything.input.tobytes()


@pytest.mark.parametrize("shape", [(30, 4, 300), CHUNKED], ids=str)
@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_half_precision_is_storage(dtype: Any, shape: tuple[int, int, int]) -> None:
    """The result of widened inputs, gradients rounded once."""
    x, w, target, bias = (array.astype(dtype) if array.dtype.kind == "f" else array for array in batch(*shape))
    value, grad = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias)
    wide = (array.astype(np.float32) for array in (x, w))
    expected, slopes = fl.linear_cross_entropy.value_and_grad(*wide, target, linear_bias=bias.astype(np.float32))
    assert value == expected
    for one, other in zip(grad, slopes, strict=True):
        assert_same(one, other.astype(dtype))


@pytest.mark.parametrize("kind", ["transposed", "reversed", ">f4", "read-only", "list", "sliced"])
def test_any_array_gives_the_bits_of_the_contiguous_one(kind: str) -> None:
    """Layouts of input, weight, bias and target; the inputs stay as they are."""
    x, w, target, bias = batch(20, 6, 300)
    make = {
        "transposed": np.asfortranarray,
        "reversed": lambda array: array[::-1].copy()[::-1],
        ">f4": lambda array: array.astype(array.dtype.newbyteorder(">")),
        "read-only": lambda array: array,
        "list": lambda array: array.tolist() if array.dtype.kind == "i" else array,
        "sliced": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    }[kind]
    given = [make(array) for array in (x, w, target, bias)]
    for array in given:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    before = [np.array(array) for array in given]
    value, grad = fl.linear_cross_entropy.value_and_grad(*given[:3], linear_bias=given[3])
    expected, slopes = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias)
    assert value == expected
    for one, other in zip(grad, slopes, strict=True):
        assert_same(one, other)
    assert all(np.array_equal(array, old) for array, old in zip(given, before, strict=True))


def test_shapes_of_positions() -> None:
    """One row, a batch of sequences, one label for all; every integer dtype of labels, and bool."""
    x, w, target, _ = batch(12, 4, 5)
    losses, grad = fl.linear_cross_entropy.value_and_grad(x, w, target, reduction="none")
    folded, slopes = fl.linear_cross_entropy.value_and_grad(
        x.reshape(3, 4, 4), w, target.reshape(3, 4), reduction="none"
    )
    assert_same(folded, losses.reshape(3, 4))
    assert_same(slopes.input, grad.input.reshape(3, 4, 4))
    assert_same(slopes.linear_weight, grad.linear_weight)
    one, slope = fl.linear_cross_entropy.value_and_grad(x[0], w, int(target[0]))
    assert one == pytest.approx(float(losses[0]), rel=2**-22)
    assert slope.input.shape == (4,)
    same = fl.linear_cross_entropy(x, w, np.full(12, 1))
    assert fl.linear_cross_entropy(x, w, 1) == same
    for dtype in ("u1", "i1", "u2", "i4", "u8", ">i8", bool):
        assert fl.linear_cross_entropy(x, w, np.ones(12, dtype)) == same
    wide = fl.linear_cross_entropy.value_and_grad(x.astype(int), w, target)[1]
    assert (wide.input.dtype, wide.linear_weight.dtype) == (np.float64, np.float32)


def test_gradients_go_where_they_are_wanted() -> None:
    """`out` in the order of `grads`; that by the input may lie upon it, over several chunks."""
    x, w, target, bias = batch(*CHUNKED)
    value, expected = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias)
    into = np.empty_like(w)
    again, found = fl.linear_cross_entropy.value_and_grad(
        x, w, target, linear_bias=bias, grads=("linear_weight", "input"), out=(into, x)
    )
    assert again == value
    assert found.linear_weight is into
    assert found.input is x
    assert_same(x, expected.input)
    assert_same(into, expected.linear_weight)
    losses = np.empty(len(target), np.float32)
    assert fl.linear_cross_entropy(expected.input, w, target, reduction="none", out=losses) is losses


# ---- bad input ----


def test_bad_labels_are_found_before_anything_is_written() -> None:
    """The first of them, by position and value; not where the row is invisible."""
    x, w, target, _ = batch(6, 4, 5)
    for bad in (5, -1, 2**40 + 1):
        labels = target.copy()
        labels[[1, 4]] = bad
        out = (np.full_like(x, 7), np.full_like(w, 7))
        message = rf"^target\[1\] is {bad}, expected a class in \[0, 5\) or ignore_index=-100$"
        with pytest.raises(IndexError, match=message):
            fl.linear_cross_entropy.value_and_grad(x, w, labels, out=out)
        assert all((array == 7).all() for array in out)
        fl.linear_cross_entropy(x, w, labels, weight=labels != bad)
    with pytest.raises(IndexError, match=r"^target\[1, 0\] is 5, "):
        fl.linear_cross_entropy(x.reshape(2, 3, 4), w, [[0, 1, 2], [5, 0, 0]])


def test_improbable_shares_are_named() -> None:
    """The first row that has one, by its place in the whole target, with rows left out before it."""
    x, w, target, _ = batch(*CHUNKED, soft=True)
    weight = np.ones(len(x))
    weight[:5] = 0
    target[[1040, 1050], 300] = -0.5
    target[2, 2] = 7
    with pytest.raises(ValueError, match=r"^target\[1040, 300\] is -0\.5, expected a probability in \[0, 1\]$"):
        fl.linear_cross_entropy.value_and_grad(x, w, target, weight=weight)


X, W, T = np.zeros((6, 4), np.float32), np.zeros((5, 4), np.float32), np.zeros(6, int)
REFUSED: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((X, W[:, :3], T), {}, ValueError, r"^input has shape \(6, 4\) and linear_weight \(5, 3\): their last axes"),
    ((X, np.zeros((4, 5)), T), {}, ValueError, "its transpose would fit"),
    ((X, W[0], T), {}, ValueError, r"^linear_weight has shape \(4,\) and must be \(classes, features\)"),
    ((X[:, :0], W[:, :0], T), {}, ValueError, r"^linear_weight has shape \(5, 0\)"),
    ((X, W[:0], T), {}, ValueError, r"^linear_weight has shape \(0, 4\)"),
    ((np.float32(1), W, T), {}, ValueError, r"^input has shape \(\)"),
    ((X, W, T[:5]), {}, ValueError, r"target must have shape \(6,\) \(labels\) or \(6, 5\) \(probabilities\), not"),
    ((X, W, T[:, None]), {}, ValueError, r"not \(6, 1\)"),
    ((X, W, T * 1.0), {}, TypeError, "^target holds class labels, which must be integers, not float64"),
    ((X, W, T), {"linear_bias": [1.0]}, ValueError, r"^linear_bias has shape \(1,\) and must have one number"),
    ((X, W, T), {"class_weight": [1.0]}, ValueError, r"^class_weight has shape \(1,\)"),
    ((X, W, T), {"weight": np.ones(5)}, ValueError, r"^weight has shape \(5,\)"),
    ((X, W, T), {"reduction": "average"}, ValueError, "^reduction must be"),
    ((X, W, T), {"denominator": 0}, ValueError, "^denominator must be in"),
    ((X, W, T), {"softcap": 0.0}, ValueError, r"^softcap must be in \(0, inf\), not 0"),
    ((X, W, T), {"temperature": 0}, ValueError, r"^temperature must be in \(0, inf\), not 0"),
    ((X, W, T), {"z_loss": -1}, ValueError, r"^z_loss must be in \[0, inf\), not -1"),
    ((X, W, T), {"label_smoothing": 2}, ValueError, "^label_smoothing must be in"),
    ((X, W, np.zeros((6, 5))), {"ignore_index": 3}, ValueError, "^ignore_index applies to labels"),
    ((X, W, T), {"grads": "linear_bias"}, ValueError, "^grads must name some of input, linear_weight, each once"),
    ((X, W, T), {"grads": ("input", "input")}, ValueError, "^grads must name"),
    ((X, W, T), {"grads": 1}, ValueError, "^grads must name"),
    ((X, W, T), {"out": X}, ValueError, "^out must name 2 arrays"),
    ((X, W, T), {"out": (None, W)}, ValueError, "^out overlaps linear_weight"),
    ((X, W, T), {"out": (W, None)}, ValueError, r"^out has shape \(5, 4\) and the result \(6, 4\)"),
    ((X, W, T), {"grads": "input", "out": X.astype(float)}, ValueError, "^out has dtype"),
    ((X, W[:4], T), {"out": (X.copy(),) * 2}, ValueError, r"^out has shape \(6, 4\) and the result \(4, 4\)"),
    ((X, X, T), {"out": (lambda a: (a, a))(np.empty_like(X))}, ValueError, "^out names the same memory twice"),
    ((None, W, T), {}, TypeError, "^input must be an array of numbers"),
    ((X, "abc", T), {}, TypeError, "^linear_weight must hold real numbers"),
    ((X, W, None), {}, TypeError, "^target must be an array of numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("args", "words", "kind", "message"), REFUSED, ids=[case[3][:40] for case in REFUSED])
def test_bad_input_is_refused_by_name(args: Any, words: Any, kind: type[Exception], message: str) -> None:
    """Argument, value, what was expected."""
    with pytest.raises(kind, match=message):
        fl.linear_cross_entropy.value_and_grad(*args, **words)


def test_what_it_has_not_is_said() -> None:
    """No Hessian; no place for the losses where there is one number."""
    with pytest.raises(TypeError, match="has no Hessian diagonal"):
        fl.linear_cross_entropy.grad_hess(X, W, T)
    with pytest.raises(ValueError, match="this call returns a number"):
        fl.linear_cross_entropy(X, W, T, out=np.empty(6, np.float32))


@each_linear
def test_declaration_is_complete(loss: fl.Loss) -> None:
    """The reference's signature first; every domain is one of a parameter; peers and formula for the documentation."""
    parameters, own = inspect.signature(loss).parameters, inspect.signature(loss.reference).parameters
    assert list(parameters)[: len(own)] == list(own)
    assert all(parameters[name].default == own[name].default for name in own)
    assert all(isinstance(domain, Interval) and name in parameters for name, domain in loss.domain.items())
    assert set(loss.grads) < set(loss.inputs) < set(parameters)
    for example in loss.examples:
        assert isinstance(loss(X, W, T, **example), float)


# ---- threads and memory ----


def test_any_number_of_threads_gives_the_same_bits() -> None:
    """Ours: shared out over 1 to 7."""
    x, w, target, bias = batch(700, 33, 1501)

    def everything() -> tuple[Any, ...]:
        value, grad = fl.linear_cross_entropy.value_and_grad(x, w, target, linear_bias=bias, **WORDS[-1])
        return np.float64(value), *grad

    fl.set_num_threads(1)
    expected = everything()
    for threads in (2, 3, 7):
        fl.set_num_threads(threads)
        for one, other in zip(everything(), expected, strict=True):
            assert_same(one, other, f"{threads} threads")


def test_the_threads_of_the_blas_do_not_change_the_bits() -> None:
    """The BLAS's, told by the environment; on kernels whose sums depend on how a product is cut."""
    code = """
        import hashlib, numpy as np, fastloss as fl
        rng, found = np.random.default_rng(0), hashlib.sha256()
        for n, width, classes in ((300, 600, 1003), (1, 512, 5000), (93, 1000, 3333)):
            for dtype in (np.float32, np.float64):
                x = rng.standard_normal((n, width)).astype(dtype)
                w = rng.standard_normal((classes, width)).astype(dtype)
                value, grad = fl.linear_cross_entropy.value_and_grad(x, w / 9, rng.integers(0, classes, n))
                found.update(np.float64(value).tobytes() + grad.input.tobytes() + grad.linear_weight.tobytes())
        print(found.hexdigest())
    """
    for kernels in ("", "Haswell"):
        core = {"OPENBLAS_CORETYPE": kernels} if kernels else {}
        one = output_of(code, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", **core)
        for ours, theirs in (("2", "2"), ("1", "3"), ("3", "1")):
            words = {"OMP_NUM_THREADS": ours, "OPENBLAS_NUM_THREADS": theirs, "MKL_NUM_THREADS": theirs}
            assert output_of(code, **words, **core) == one


def test_the_blas_gets_its_threads_back() -> None:
    """After a call, after an error, from several threads at once, and in a forked child."""
    threadpoolctl = pytest.importorskip("threadpoolctl")
    code = """
        import os, threading, numpy as np, fastloss as fl, threadpoolctl
        from fastloss.threads import one_blas_thread
        def blas():
            return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}
        before = blas()
        rng = np.random.default_rng(0)
        x, w, t = rng.standard_normal((200, 64)), rng.standard_normal((2000, 64)), np.zeros(200, int)
        shares = np.full((200, 2000), 0.5)
        shares[150, 7] = 2
        for target in (t, shares):
            try:
                fl.linear_cross_entropy.value_and_grad(x, w, target)
            except ValueError as error:
                print(error)
        callers = [threading.Thread(target=fl.linear_cross_entropy.value_and_grad, args=(x, w, t)) for _ in range(4)]
        [caller.start() for caller in callers]
        [caller.join() for caller in callers]
        print(blas() == before)
        with one_blas_thread():
            print(blas())
            child = os.fork()
            if child == 0:
                fl.linear_cross_entropy.value_and_grad(x, w, t)
                os._exit(blas() != before)
            print(os.waitpid(child, 0)[1])
        print(blas() == before)
    """
    if not hasattr(os, "fork") or not any(p["internal_api"] == "openblas" for p in threadpoolctl.threadpool_info()):
        pytest.skip("needs fork and OpenBLAS")
    lines = output_of(code, OPENBLAS_NUM_THREADS="2").splitlines()
    assert lines == ["target[150, 7] is 2.0, expected a probability in [0, 1]", "True", "{1}", "0", "True"]


@linux
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_logits_never_exist(dtype: str) -> None:
    """1024 rows of 64,000 classes, whose logits take 262 MB: under 64 MB beyond the gradients, which are given. A half
    precision weight's gradient accumulates in an array of its own, here 8 MB."""
    code = f"""
        rng = np.random.default_rng(0)
        x, w = rng.standard_normal((1024, 32)).astype("{dtype}"), rng.standard_normal((64_000, 32)).astype("{dtype}")
        t, out = rng.integers(0, 64_000, 1024), (np.ones_like(x), np.ones_like(w))
        call = fl.linear_cross_entropy.value_and_grad
        fl.set_num_threads(2)  # each has a tile of its own
        call(x[:64], w[:500], t[:64] % 500)
        print(peak(lambda: call(x, w, t, out=out))[0])
    """
    extra = 64_000 * 32 * 4 if dtype == "float16" else 0
    assert int(output_of(dedented(code))) < (64e6 + extra) / 1024
