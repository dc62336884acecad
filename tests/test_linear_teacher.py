"""Losses that compare two products, a student's logits and a teacher's, neither of which ever exists."""

import inspect
import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference.numbers import gradient

import fastloss as fl
from fastloss.arrays import Interval

from .common import LINEAR, assert_same, named, output_of
from .inputs import hyperparameters, seeded
from .test_linear import CHUNKED, NAMES, close, exactly
from .test_memory import dedented, linux

DISTILLING = [loss for loss in LINEAR if "teacher_input" in loss.inputs]
each = pytest.mark.parametrize("loss", DISTILLING, ids=named)
WIDER = 3  # features that the teacher has more


def batch(
    loss: fl.Loss, n: int = 7, width: int = 4, classes: int = 11, dtype: Any = np.float32
) -> tuple[tuple[Any, ...], dict[str, np.ndarray]]:
    """What the loss takes by position, and the biases."""
    rng = seeded("teacher", n, width, classes)
    shapes = (n, width), (classes, width), (n, width + WIDER), (classes, width + WIDER), (classes,), (classes,)
    *layers, one, other = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    labels = (rng.integers(0, classes, n),) if "target" in loss.inputs else ()
    return (*layers, *labels), {"linear_bias": one, "teacher_bias": other}


def naive(loss: Any, inputs: tuple[Any, ...], biases: dict[str, np.ndarray], scale: Any = None, **words: Any) -> Any:
    """Losses of the rows and the gradients of their sum, with all logits there at once, in double."""
    x, w, teacher, theirs = (array.astype(np.float64) for array in inputs[:4])
    student, teacher = x @ w.T + biases["linear_bias"], teacher @ theirs.T + biases["teacher_bias"]
    losses, s = loss.of.value_and_grad(student, teacher, *inputs[4:], weight=scale, reduction="none", **words)
    return losses, s @ w, s.T @ x, s.sum(axis=0)


@each
def test_written_gradients_equal_those_of_the_duals(loss: fl.Loss) -> None:
    """The reference's `_grad`, by what is the student's, to 40 digits; for every hyperparameter."""
    written = getattr(inspect.getmodule(loss.reference), f"{loss.name}_grad")
    given, biases = batch(loss, 1, 2, 3, np.float64)
    with mpmath.workdps(60):
        (x,), w, (teacher,), theirs, *labels = (exactly(array) for array in given)
        labels = [int(label[0]) for label in labels]
        bias = exactly(biases["linear_bias"])
        for words in hyperparameters(loss):
            words = {name: exactly(value) for name, value in words.items()}
            words["teacher_bias"] = exactly(biases["teacher_bias"])

            def value(x: Any = x, w: Any = w, bias: Any = bias, words: Any = words) -> Any:
                return loss.reference(x, w, teacher, theirs, *labels, linear_bias=bias, **words)

            slopes = [gradient(lambda z: value(x=z), x), gradient(lambda z: value(bias=z), bias)]  # noqa: B023
            rows = [gradient(lambda z, k=k: value(w=[*w[:k], z, *w[k + 1 :]]), w[k]) for k in range(3)]  # noqa: B023
            one, two, three = written(x, w, teacher, theirs, *labels, linear_bias=bias, **words)
            for found, expected in zip((one, three, *two), (*slopes, *rows), strict=True):
                for a, e in zip(found, expected, strict=True):
                    assert abs(a - e) <= mpmath.mpf("1e-40"), words


@each
def test_value_and_gradients_are_the_references(loss: fl.Loss) -> None:
    """Row by row in float64, for every hyperparameter, with biases and an ignored row."""
    written = getattr(inspect.getmodule(loss.reference), f"{loss.name}_grad")
    given, biases = batch(loss, 5, 3, 4, np.float64)
    if "target" in loss.inputs:
        given[4][3] = -100
    # At a temperature of 0.001 slopes are what is left of terms that cancel: test_accuracy measures them by these.
    for words in (words for words in hyperparameters(loss) if words.get("temperature", 1.0) >= 0.1):
        # a logit of a few terms is off by a few ULP, a low temperature makes more of it
        steps = 32 * max(1, 1 / words.get("temperature", 1.0))
        losses, found = loss.value_and_grad(*given, reduction="none", **biases, **words)
        with mpmath.workdps(400):
            every = {name: exactly(value) for name, value in {**biases, **words}.items()}
            x, w, teacher, theirs, *labels = map(exactly, given)
            rows = [(a, w, b, theirs, *label) for a, b, *label in zip(x, teacher, *labels, strict=True)]
            truth = [float(loss.reference(*row, **every)) for row in rows]
            slopes = [[np.array(part, float) for part in written(*row, **every)] for row in rows]
        close(losses, truth, str(words), np.float64, steps)
        close(found.input, [slope[0] for slope in slopes], str(words), np.float64, steps)
        for k in (1, 2):
            close(found[k], sum(slope[k] for slope in slopes), str(words), np.float64, steps)


@each
@pytest.mark.parametrize("shape", [(7, 4, 11), (1, 3, 700), (40, 6, 1), CHUNKED, (3, 2, 70_001)], ids=str)
def test_chunks_and_tiles_fit_together(loss: fl.Loss, shape: tuple[int, int, int]) -> None:
    """Against logits in double that are there at once: one row, one class, rests of chunks, tiles and groups. A third
    of the rows is invisible, and may hold NaN."""
    given, biases = batch(loss, *shape)
    scale = np.linspace(-0.5, 2, shape[0])
    scale[::3] = 0
    truth = naive(loss, given, biases, scale)
    for k in (0, 2):
        given[k][::3] = np.nan
    losses, found = loss.value_and_grad(*given, weight=scale, reduction="none", **biases)
    # single logits, each a sum of some products, against double ones
    close(losses, truth[0], "losses", np.float32, 128)
    for name, expected in zip(NAMES, truth[1:], strict=True):
        close(getattr(found, name), expected, name, np.float32, 256)
    assert (found.input[::3] == 0).all()


@each
def test_reductions_belong_together(loss: fl.Loss) -> None:
    """The mean is that of the losses, parts of a batch add up, nothing has none, what is left out changes nothing."""
    given, biases = batch(loss, 12, dtype=np.float64)
    weight = np.linspace(0, 2, 12)
    value, grad = loss.value_and_grad(*given, weight=weight, **biases)
    losses = loss(*given, weight=weight, reduction="none", **biases)
    assert value == pytest.approx(losses.sum() / weight.sum(), rel=1e-13)
    total, slopes = loss.value_and_grad(*given, weight=weight, reduction="sum", **biases)
    assert total == pytest.approx(losses.sum(), rel=1e-13)
    np.testing.assert_allclose(slopes.linear_weight / weight.sum(), grad.linear_weight, rtol=1e-12, atol=1e-15)
    parts = []
    for k in (slice(5), slice(5, 12)):
        cut = [array[k] if i in (0, 2, 4) else array for i, array in enumerate(given)]
        parts.append(loss.value_and_grad(*cut, weight=weight[k], denominator=weight.sum(), **biases))
    assert parts[0][0] + parts[1][0] == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(parts[0][1].linear_bias + parts[1][1].linear_bias, grad.linear_bias, atol=1e-15)
    nothing, zeros = loss.value_and_grad(*given, weight=0, **biases)
    assert np.isnan(nothing)
    assert all((array == 0).all() for array in zeros)
    for names in ("input", ("linear_bias", "linear_weight"), ()):
        again, some = loss.value_and_grad(*given, weight=weight, grads=names, **biases)
        assert again == value
        for name in NAMES:
            array = getattr(some, name)
            assert array is None if name not in names else np.array_equal(array, getattr(grad, name))
    out = given[0].copy(), np.empty_like(given[1])
    same = loss.value_and_grad(out[0], *given[1:], weight=weight, grads=NAMES[:2], out=out, **biases)
    assert same[0] == value
    assert same[1].input is out[0]
    assert_same(out[0], grad.input)
    assert_same(out[1], grad.linear_weight)


@each
def test_equal_layers_have_nothing_to_learn(loss: fl.Loss) -> None:
    """A teacher with the student's own logits costs exactly nothing but what the labels do."""
    given, biases = batch(loss, 9)
    same = (*given[:2], *given[:2], *given[4:])
    words = {"alpha": 1.0} if loss is fl.linear_kd else {}
    bias = {"linear_bias": biases["linear_bias"], "teacher_bias": biases["linear_bias"]}
    value, grad = loss.value_and_grad(*same, **bias, **words)
    assert value == 0
    assert all((array == 0).all() for array in grad)


@each
def test_dtypes_and_layouts(loss: fl.Loss) -> None:
    """Half precision is storage; a teacher in double makes it all double, gradients keep the student's dtype; strides
    and byte orders do not matter; lists are float64; positions may have axes."""
    given, biases = batch(loss, 6)
    half = [array.astype(np.float16) if array.dtype.kind == "f" else array for array in given]
    wide = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in half]
    value, grad = loss.value_and_grad(*half)
    expected, slopes = loss.value_and_grad(*wide)
    assert value == expected
    assert_same(grad.input, slopes.input.astype(np.float16))
    double = [*given[:2], given[2].astype(np.float64), *given[3:]]
    losses, grad = loss.value_and_grad(*double, reduction="none")
    assert losses.dtype == np.float64
    assert grad.input.dtype == grad.linear_weight.dtype == np.float32
    close(losses, loss(*given, reduction="none"), "double")
    expected, slopes = loss.value_and_grad(*given, **biases)
    for change in (np.asfortranarray, lambda a: a.astype(a.dtype.newbyteorder()), lambda a: a[::-1].copy()[::-1]):
        value, grad = loss.value_and_grad(*map(change, given), **biases)
        assert value == expected
        assert_same(grad.linear_weight, slopes.linear_weight)
    listed = loss(*(array.tolist() for array in given))
    assert listed == pytest.approx(loss(*given), rel=1e-5)
    folded = [array.reshape(2, 3, *array.shape[1:]) if i in (0, 2, 4) else array for i, array in enumerate(given)]
    losses, grad = loss.value_and_grad(*folded, reduction="none", **biases)
    assert losses.shape == (2, 3)
    assert_same(losses.reshape(6), loss(*given, reduction="none", **biases))
    assert grad.input.shape == (2, 3, 4)


@each
def test_bad_input_is_refused_by_name(loss: fl.Loss) -> None:
    """Argument, value, what was expected."""
    given, _ = batch(loss, 6)
    x, w, teacher, theirs, *labels = given
    call = loss.value_and_grad
    cases: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        ((x[:, :3], w, teacher, theirs), {}, ValueError, r"^input has shape \(6, 3\) and linear_weight \(11, 4\)"),
        ((x, w, teacher[:, :3], theirs), {}, ValueError, r"^teacher_input has shape \(6, 3\) and teacher_weight"),
        ((x, w, teacher[:5], theirs), {}, ValueError, r"^teacher_input has shape \(5, 7\) .* rows of input"),
        ((x, w, teacher, theirs[:9]), {}, ValueError, r"teacher_weight \(9, 7\): they must have"),
        ((x, w, teacher, theirs[0]), {}, ValueError, r"^teacher_weight has shape \(7,\)"),
        ((x, w, None, theirs), {}, TypeError, "^teacher_input must be an array"),
        ((x, w, teacher, theirs), {"teacher_bias": [1.0]}, ValueError, r"^teacher_bias has shape \(1,\)"),
        ((x, w, teacher, theirs), {"temperature": 0}, ValueError, "^temperature must be"),
        ((x, w, teacher, theirs), {"grads": "teacher_input"}, ValueError, "^grads must name some of input, linear_w"),
        ((x, w, teacher, theirs), {"grads": "input", "out": teacher[:, :4]}, ValueError, "^out "),
        (
            (x, w, theirs[:6, :4], x.repeat(2, 0)[:11]),
            {"grads": "linear_weight", "out": w},
            ValueError,
            "^out overlaps",
        ),
    ]
    for args, words, kind, message in cases:
        with pytest.raises(kind, match=message):
            call(*args, *labels, **words)
    with pytest.raises(TypeError, match="has no Hessian diagonal"):
        loss.grad_hess(*given)
    if labels:
        with pytest.raises(ValueError, match=r"target must have shape \(6,\) \(labels\), not \(6, 11\)"):
            call(x, w, teacher, theirs, np.zeros((6, 11)))
        labels[0][4] = 11
        with pytest.raises(IndexError, match=r"^target\[4\] is 11, expected a class in \[0, 11\) or ignore_index=-100"):
            call(*given)
        assert np.isfinite(call(*given, ignore_index=11)[0])
        with pytest.raises(TypeError, match=r"^scale_by_t2 must be True or False"):
            call(*given, scale_by_t2=2.5)
    else:
        with pytest.raises(ValueError, match=r"^beta must be"):
            call(*given, beta=2)


@each
def test_declaration_is_complete(loss: fl.Loss) -> None:
    """The reference's signature first; every domain is one of a parameter; a pickle is the loss itself."""
    parameters, own = inspect.signature(loss).parameters, inspect.signature(loss.reference).parameters
    assert list(parameters)[: len(own)] == list(own)
    assert all(parameters[name].default == own[name].default for name in own)
    assert all(isinstance(domain, Interval) and name in parameters for name, domain in loss.domain.items())
    assert loss.grads == NAMES
    assert set(loss.grads) < set(loss.inputs) < set(parameters)
    assert pickle.loads(pickle.dumps(loss)) is loss
    for example in loss.examples:
        assert isinstance(loss(*batch(loss)[0], **example), float)


@each
def test_any_number_of_threads_gives_the_same_bits(loss: fl.Loss) -> None:
    """Shared out over 1 to 7."""
    given, biases = batch(loss, 500, 33, 1501)

    def everything() -> tuple[Any, ...]:
        value, grad = loss.value_and_grad(*given, **biases)
        return np.float64(value), *grad

    fl.set_num_threads(1)
    expected = everything()
    for threads in (2, 7):
        fl.set_num_threads(threads)
        for one, other in zip(everything(), expected, strict=True):
            assert_same(one, other, f"{threads} threads")


@linux
@each
def test_logits_never_exist(loss: fl.Loss) -> None:
    """1024 rows of 64,000 classes, whose logits take 262 MB, twice: under 72 MB beyond the gradients."""
    labels = ", rng.integers(0, 64_000, 1024)" * ("target" in loss.inputs)
    code = f"""
        rng = np.random.default_rng(0)
        x, y = rng.standard_normal((2, 1024, 32), np.float32)
        w, v = rng.standard_normal((2, 64_000, 32), np.float32)
        given, out = (x, w, y, v{labels}), (np.ones_like(x), np.ones_like(w))
        call = fl.{loss.name}.value_and_grad
        fl.set_num_threads(2)  # each has a tile of its own
        call(*(a[:64] if len(a) == 1024 else a for a in given))
        print(peak(lambda: call(*given, out=out))[0])
    """
    assert int(output_of(dedented(code))) < 72e6 / 1024
