"""Any array is taken: every layout, dtype and class axis gives the bits of the contiguous one, and stays untouched."""

import pickle
from itertools import cycle
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastloss as fl

from .common import (
    LOSSES,
    POINTWISE,
    ROWS,
    assert_same,
    each_dtype,
    each_form,
    each_function,
    each_half_dtype,
    each_labelled,
    each_loss,
    each_one_gradient,
    each_pointwise,
    each_row_form,
    each_rows,
    each_shared,
    everything,
    grad_hess,
    losses_shape,
    named,
    sample,
    several,
    value_and_grad,
)
from .inputs import DTYPES, FEW, MANY, Case, cases, domains_of, rows_of_logits, seeded, within

INTEGERS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
INTEGER_PAIR = np.array([[3, 0, 1], [2, 1, 0]]), np.array([[1, 1, 0], [0, 0, 1]])  # predictions, targets


def takes(loss: fl.Loss, inputs: tuple[np.ndarray, ...]) -> bool:
    """Whether these are in the domain of a loss."""
    domains = domains_of(loss, {})
    return len(domains) == len(inputs) and all(within(d, x).all() for d, x in zip(domains, inputs, strict=True))


def unaligned(array: np.ndarray) -> np.ndarray:
    """The same numbers, one byte off their natural place."""
    raw = np.zeros(array.nbytes + 1, np.uint8)
    copy = raw[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert not copy.flags.aligned or array.itemsize == 1 or not array.size
    return copy


def strided(array: np.ndarray) -> np.ndarray:
    wide = np.zeros([2 * n + 1 for n in array.shape], array.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def swapped(array: np.ndarray) -> np.ndarray:
    """In the other byte order."""
    return array.astype(array.dtype.newbyteorder()) if array.dtype.kind != "V" else array


class Subclass(np.ndarray):
    pass


def gap_in_the_middle(array: np.ndarray) -> np.ndarray:
    """A window into a wider array: its last axis is contiguous, the whole is not."""
    wide = np.zeros((*array.shape[:-1], array.shape[-1] + 3), array.dtype)
    wide[..., 2:-1] = array
    return wide[..., 2:-1]


LAYOUTS = {
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "reversed last axis": lambda a: a[..., ::-1].copy()[..., ::-1],
    "strided": strided,
    "window": gap_in_the_middle,
    "transposed": lambda a: a.T.copy().T,
    "Fortran": np.asfortranarray,
    "read-only": read_only,
    "other byte order": swapped,
    "unaligned": unaligned,
    "strided, reversed, other byte order": lambda a: np.flip(strided(swapped(np.flip(a)))),
    "subclass": lambda a: a.view(Subclass),
}


def shapes(loss: fl.Loss) -> list[tuple[tuple[int, ...], int]]:
    """Positions, and classes for rows: of few and many, in one block and in several."""
    if loss.shape == "pointwise":
        return [((13, 7), 0), ((3, 1100), 0), ((2500,), 0), ((2, 3, 4), 0)]
    return [((13,), 3), ((300,), 5), ((3, 4), 64), ((20, 2), 65), ((3,), 1100)]


@each_dtype
@each_form
def test_layouts_give_the_bits_of_the_contiguous_array(loss: fl.Loss, soft: bool, dtype: np.dtype) -> None:
    """One argument after the other, and all of them; they are not written to."""
    for shape, classes in shapes(loss):
        inputs = sample(loss, shape, dtype, soft, classes)
        weight = np.linspace(0.5, 2, losses_shape(loss, inputs)[0]).astype(np.float32)
        weight = np.broadcast_to(weight.reshape(-1, *[1] * (len(shape) - 1)), shape).copy()
        expected = everything(loss, *inputs, weight=weight)
        arrays = [*inputs, weight]
        for name, layout in LAYOUTS.items():
            laid = [layout(array) for array in arrays]
            for which in (*range(len(arrays)), None):
                mixed = [laid[k] if which in (k, None) else array for k, array in enumerate(arrays)]
                before = [array.tobytes() for array in mixed]
                assert_same(everything(loss, *mixed[:-1], weight=mixed[-1]), expected, name)
                assert [array.tobytes() for array in mixed] == before


@each_form
def test_optional_inputs_may_have_any_layout(loss: fl.Loss, soft: bool) -> None:
    """A pos_weight or class_weight is an array like any other, and broadcasts where its input does."""
    inputs = sample(loss, (6, 10), np.float32, soft, 10)
    for name in ("pos_weight", "class_weight"):
        if name not in loss.__signature__.parameters:
            continue
        values = np.linspace(0.25, 3, 10).astype(np.float32)
        expected = everything(loss, *inputs, **{name: values})
        for layout in LAYOUTS.values():
            assert_same(everything(loss, *inputs, **{name: layout(values)}), expected)
        assert_same(everything(loss, *inputs, **{name: values.tolist()}), expected)
        assert_same(everything(loss, *inputs, **{name: values.astype(np.float64)}), expected)


@each_form
def test_memory_maps_are_arrays(loss: fl.Loss, soft: bool, tmp_path: Path) -> None:
    """An array on disk, opened for reading only."""
    inputs = sample(loss, 3000, np.float32, soft)
    mapped = []
    for k, array in enumerate(inputs):
        np.save(tmp_path / f"{k}.npy", array)
        mapped.append(np.load(tmp_path / f"{k}.npy", mmap_mode="r"))
    assert_same(everything(loss, *mapped), everything(loss, *inputs))


@each_form
def test_lists_are_arrays_of_float64(loss: fl.Loss, soft: bool) -> None:
    """Nested lists and tuples of Python numbers."""
    inputs = sample(loss, (3, 4), np.float64, soft)
    lists = [array.tolist() for array in inputs]
    assert_same(everything(loss, *lists), everything(loss, *inputs))
    assert_same(everything(loss, tuple(lists[0]), *lists[1:], weight=[[2.0], [0], [1]]),
                everything(loss, *inputs, weight=np.array([[2.0], [0], [1]])))  # fmt: skip


@each_form
def test_empty_arrays(loss: fl.Loss, soft: bool) -> None:
    """No element in any of the shapes that have none."""
    for shape in ((0,), (3, 0), (0, 4)):
        inputs = sample(loss, shape, np.float32, soft)
        assert loss(*inputs, reduction="none").shape == losses_shape(loss, inputs)
        for one in several(loss.value_and_grad(*inputs)[1]):
            assert_same(one, inputs[0])
        assert loss(*inputs, reduction="sum") == 0


@each_pointwise
def test_zero_dimensional_arrays_and_scalars(loss: fl.Loss) -> None:
    """An element alone is 0-d; a scalar beside an array is that number everywhere."""
    inputs = sample(loss, 6, np.float64)
    expected = everything(loss, *inputs)
    for place in range(6):
        alone = everything(loss, *(array[place] for array in inputs))
        zero_d = everything(loss, *(np.array(array[place]) for array in inputs))
        numbers = everything(loss, *(float(array[place]) for array in inputs))
        for found in (alone, zero_d, numbers):
            assert found["losses"].shape == found["gradient of the sum"].shape == ()
            for name in found.keys() - {"mean", "gradient of the mean"}:
                if "of the mean" not in name:
                    assert found[name] == expected[name][place], name
    for dtype in (np.float16, np.float32, np.float64):
        inputs = sample(loss, (4, 5), dtype)
        for k, domain in enumerate(domains_of(loss, {})):
            for scalar in (0.0, 1, np.float32(1)):
                if len(inputs) == 1 or float(scalar) not in domain:
                    continue
                beside, full = [*inputs], [*inputs]
                beside[k], full[k] = scalar, np.full((4, 5), scalar, dtype)
                assert loss(*beside) == loss(*full)
                if loss.inputs[k] not in loss.grads:
                    assert_same(everything(loss, *beside), everything(loss, *full))


@each_labelled
def test_one_row_alone(loss: fl.Loss) -> None:
    """A row without a batch: the label is a number, the loss 0-d."""
    *data, labels = sample(loss, 3)
    for label in (int(labels[1]), labels[1], np.array(labels[1], np.uint8), True):
        labels[1] = label
        expected = everything(loss, *(array[1:2] for array in data), labels[1:2])
        alone = everything(loss, *(array[1] for array in data), label)
        assert alone["losses"].shape == ()
        assert_same(alone["gradient of the mean"], expected["gradient of the mean"][0])
        assert alone["mean"] == expected["mean"]


@each_labelled
def test_scalar_label_is_the_label_of_every_row(loss: fl.Loss) -> None:
    """A label alone stands for every row, as the class that each one should be."""
    *data, _ = sample(loss, (4, 3))
    assert_same(everything(loss, *data, 2), everything(loss, *data, np.full((4, 3), 2)))


# ---- dtypes ----


@each_form
def test_results_have_the_dtypes_promised(loss: fl.Loss, soft: bool) -> None:
    """Scalars are Python floats; losses float32 or float64; derivatives have the prediction's dtype."""
    for dtype in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.int64, np.bool_):
        inputs = sample(loss, 5, np.float32, soft)
        prediction = inputs[0].astype(dtype)
        if not within(domains_of(loss, {})[0], prediction).all():
            continue
        value, gradient = loss.value_and_grad(prediction, *inputs[1:])
        derivatives = [gradient, *(loss.grad_hess(prediction, *inputs[1:]) if loss.hessian else ())]
        assert type(value) is type(loss(prediction, *inputs[1:])) is float
        floating = prediction.dtype.kind not in "biu"
        expected = prediction.dtype if floating else np.dtype(np.float64)
        for one in derivatives:
            assert several(one)[0].dtype == expected
            assert several(one)[0].flags.c_contiguous
            assert several(one)[0].flags.writeable
        losses = loss(prediction, *inputs[1:], reduction="none")
        assert losses.dtype == (np.float32 if floating and dtype != np.float64 else np.float64)


def in_float32(half: np.ndarray) -> np.ndarray:
    """Half precision as float32 numbers, others as they are."""
    return half.astype(np.float32) if half.dtype in DTYPES[:2] else half


def rounded(result: Any, dtype: np.dtype) -> Any:
    """What float32 gave, rounded once to half precision."""
    with np.errstate(over="ignore"):
        return result.astype(dtype)


@each_half_dtype
@each_form
def test_half_precision_is_storage_only(loss: fl.Loss, soft: bool, dtype: np.dtype) -> None:
    """float16 and bfloat16 give what their numbers give in float32, at ordinary and at hard inputs; derivatives are
    rounded once, at the end."""
    halves = [Case("", sample(loss, 1500, dtype, soft, classes)) for classes in (5, 64, 65)]
    for half in (*halves, *cases(loss, dtype)):
        words = {
            name: in_float32(value) if isinstance(value, np.ndarray) else value for name, value in half.kwargs.items()
        }
        found = everything(loss, *half.inputs, **half.kwargs)
        expected = everything(loss, *map(in_float32, half.inputs), **words)
        for name in found:
            result = expected[name] if name in ("losses", "mean") else rounded(expected[name], dtype)
            assert_same(found[name], result, f"{half.label}: {name}")


@each_half_dtype
@each_function
def test_half_precision_of_softmax_functions_is_storage_only(function: Any, dtype: np.dtype) -> None:
    """Likewise the probabilities, their logarithms and the smooth maximum."""
    for classes in FEW + MANY:
        logits = rows_of_logits(seeded(function.__name__, str(dtype), classes), classes, dtype)
        assert_same(function(logits), rounded(function(in_float32(logits)), dtype))


@pytest.mark.parametrize("loss", [loss for loss in POINTWISE if takes(loss, INTEGER_PAIR)], ids=named)
def test_integers_are_numbers(loss: fl.Loss) -> None:
    """Integer and bool predictions and targets equal the same numbers in float64."""
    prediction, target = INTEGER_PAIR
    expected = everything(loss, prediction.astype(float), target.astype(float))
    for dtype in INTEGERS:
        there = prediction.astype(dtype)
        assert_same(
            everything(loss, there, target.astype(dtype)), everything(loss, there.astype(float), target.astype(float))
        )
        assert_same(everything(loss, prediction.astype(float), target.astype(dtype)), expected)
        assert_same(everything(loss, prediction, swapped(target.astype(dtype))), expected)


@pytest.mark.parametrize("loss", [fl.mse, fl.mae, fl.huber], ids=named)
def test_large_integers_keep_their_digits(loss: fl.Loss) -> None:
    """2^24 + 1 is no float32: beside a float32 prediction such targets are computed with in float64."""
    prediction = np.array([2.0**24, 2.0**24 + 2], np.float32)
    target = np.array([2**24 + 1, 2**24 + 1])
    assert_same(loss(prediction, target, reduction="none"), loss(prediction.astype(float), target, reduction="none"))
    assert loss(prediction, target, reduction="sum") > 0


@each_pointwise
def test_mixed_float_dtypes_are_computed_in_the_wider(loss: fl.Loss) -> None:
    """A float64 target beside a float32 prediction: float64 losses, a float32 gradient."""
    inputs = sample(loss, 100, np.float32)
    wide = tuple(array.astype(np.float64) for array in inputs)
    for k in range(len(inputs)):
        mixed = tuple(wide[k] if j == k else array for j, array in enumerate(inputs))
        assert_same(loss(*mixed, reduction="none"), loss(*wide, reduction="none"))
        gradients = zip(several(loss.value_and_grad(*mixed)[1]), several(loss.value_and_grad(*wide)[1]), strict=True)
        for name, (found, exact) in zip(loss.grads, gradients, strict=True):
            assert_same(found, exact.astype(mixed[loss.inputs.index(name)].dtype))


@each_labelled
@pytest.mark.parametrize("classes", [2, 64, 65])
def test_labels_of_every_integer_dtype_equal_int64(loss: fl.Loss, classes: int) -> None:
    """Every integer dtype, and bool for two classes, also strided and in the other byte order."""
    *data, labels = sample(loss, 1000, np.float32, classes=classes)
    expected = everything(loss, *data, labels)
    for dtype in INTEGERS[classes != 2 :]:
        narrow = labels.astype(dtype)
        for layout in (np.asarray, swapped, strided, unaligned):
            assert_same(everything(loss, *data, layout(narrow)), expected)
    *data, labels = sample(loss, 100, np.float32, classes=classes)
    labels[::3] = -100
    for dtype in ("int8", "int16", "int32"):
        assert_same(everything(loss, *data, labels.astype(dtype)), everything(loss, *data, labels))


@each_shared
def test_soft_targets_of_every_dtype(loss: fl.Loss) -> None:
    """One-hot rows of integers or bools equal those of floats; float64 shares raise float32 logits to float64."""
    for classes in (5, 100):
        logits, labels = sample(loss, 30, np.float32, classes=classes)
        hot = np.eye(classes)[labels]
        expected = everything(loss, logits, hot.astype(np.float32))
        for dtype in INTEGERS:
            assert_same(everything(loss, logits, hot.astype(dtype)), expected)
        wide = everything(loss, logits.astype(float), hot)
        assert_same(loss(logits, hot, reduction="none"), wide["losses"])
        assert_same(grad_hess(loss, logits, hot)[0], wide["gradient of the sum"].astype(np.float32))


# ---- class axis ----


@each_row_form
@pytest.mark.parametrize("classes", [1, 3, 10, 64, 65, 130])
def test_class_axis_makes_no_difference(loss: fl.Loss, soft: bool, classes: int) -> None:
    """Any axis gives the bits of the last one, counted from either end, in and out."""
    for dtype in (np.float16, np.float32, np.float64):
        inputs = sample(loss, (3, 4, 50), dtype, soft, classes)
        weight = np.linspace(0, 1, 600).reshape(3, 4, 50)
        words = {"class_weight": np.linspace(0.1, 1, classes), "label_smoothing": 0.1}
        words = {name: value for name, value in words.items() if name in loss.__signature__.parameters}
        last = everything(loss, *inputs, weight=weight, **words)
        for axis in range(4):
            moved = [np.moveaxis(array, -1, axis).copy() if array.ndim == 4 else array for array in inputs]
            for counted in (axis, axis - 4):
                found = everything(loss, *moved, weight=weight, axis=counted, **words)
                for name in last:
                    back = np.moveaxis(found[name], axis, -1) if found[name].ndim == 4 else found[name]
                    assert_same(back, last[name], name)


@each_function
@each_dtype
def test_softmax_functions_take_any_axis_and_layout(function: Any, dtype: np.dtype) -> None:
    """softmax, log_softmax and logsumexp along every axis of every layout, results in the dtype of the logits."""
    for classes in (1, 3, 64, 65, 130):
        logits = (3 * seeded("axis").standard_normal((5, 7, classes))).astype(dtype)
        last = function(logits)
        assert last.dtype == dtype
        assert last.shape == (logits.shape if function is not fl.logsumexp else (5, 7))
        for axis in range(3):
            moved = np.moveaxis(logits, -1, axis)
            expected = np.moveaxis(last, -1, axis) if last.ndim == 3 else last
            for layout in (np.asarray, np.ascontiguousarray, *LAYOUTS.values()):
                assert_same(function(layout(moved), axis=axis), expected)
        assert_same(function(logits.tolist()), function(logits.astype(np.float64)))
    assert function(np.zeros((0, 3), dtype)).size == 0
    assert_same(function(np.array([3, 1, 2])), function(np.array([3.0, 1, 2])))
    out = np.empty(function(logits).shape, dtype)
    assert function(logits, out=out) is out
    assert_same(out, function(logits))
    if function is not fl.logsumexp:
        assert_same(function(logits.copy(), out=logits), out)


# ---- any view there is ----


@st.composite
def views(draw: Any) -> Any:
    """A function that lays out an array of 3 axes: an order of the axes in memory, a step along each, gaps."""
    order = draw(st.permutations(range(3)))
    steps = [draw(st.sampled_from([1, -1, 2, -3])) for _ in range(3)]
    offset = draw(st.integers(0, 2))

    def lay(array: np.ndarray) -> np.ndarray:
        shape = [abs(steps[k]) * array.shape[k] + offset for k in order]
        memory = np.zeros(shape, array.dtype).transpose(np.argsort(order))
        memory = memory[offset:, offset:, offset:][tuple(slice(None, None, step) for step in steps)]
        memory[...] = array
        return memory

    return lay


@each_form
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(
    layouts=st.lists(views(), min_size=2, max_size=2), shape=st.tuples(*[st.integers(1, 9)] * 2), n=st.integers(1, 70)
)
def test_any_view_gives_the_bits_of_the_contiguous_array(
    loss: fl.Loss, soft: bool, layouts: Any, shape: Any, n: int
) -> None:
    """Whatever strides the arguments have, each its own."""
    inputs = sample(loss, shape if loss.shape == "rows" else (*shape, n), np.float32, soft, n)
    laid = [lay(array) if array.ndim == 3 else array for lay, array in zip(cycle(layouts), inputs, strict=False)]
    assert_same(everything(loss, *laid), everything(loss, *inputs))


# ---- out ----


@each_dtype
@each_one_gradient
def test_out_takes_the_result(loss: fl.Loss, soft: bool, dtype: np.dtype) -> None:
    """The given arrays are filled and returned, and hold what new ones would."""
    for classes in (5, 100):
        inputs = sample(loss, (40, 5), dtype, soft, classes)
        expected = everything(loss, *inputs)
        for garbage in (np.nan, 7):
            out = [np.full(inputs[0].shape, garbage, dtype) for _ in range(3)]
            losses = np.full(expected["losses"].shape, garbage, expected["losses"].dtype)
            assert value_and_grad(loss, *inputs, out=out[0])[1] is out[0]
            assert_same(out[0], expected["gradient of the mean"])
            slope, curvature = grad_hess(loss, *inputs, out=(out[1], out[2]))
            assert slope is out[1]
            assert curvature is out[2] or not loss.hessian
            assert_same(slope, expected["gradient of the sum"])
            assert_same(curvature, expected.get("Hessian", slope))
            assert loss(*inputs, reduction="none", out=losses) is losses
            assert_same(losses, expected["losses"])
        slope, curvature = grad_hess(loss, *inputs, out=(None, out[0]))
        assert_same(slope, expected["gradient of the sum"])
        assert curvature is out[0] or not loss.hessian
        assert value_and_grad(loss, *inputs, out=(out[1],))[1] is out[1]
        assert value_and_grad(loss, *inputs, out=None)[1] is not out[1]


@each_dtype
@each_one_gradient
def test_gradient_may_take_the_place_of_an_input(loss: fl.Loss, soft: bool, dtype: np.dtype) -> None:
    """In place: the gradient lies over the prediction, or over any input of its shape and dtype."""
    for shape, classes in (((3, 1500), 5), ((40,), 65), ((7,), 20_000)):
        inputs = sample(loss, shape, dtype, soft, classes)
        expected = everything(loss, *inputs)
        for which in range(len(inputs)):
            if inputs[which].dtype != dtype:
                continue
            copies = [array.copy() for array in inputs]
            value, gradient = value_and_grad(loss, *copies, out=copies[which])
            assert gradient is copies[which]
            assert_same(gradient, expected["gradient of the mean"])
            assert value == expected["mean"]
            copies = [array.copy() for array in inputs]
            slope, curvature = grad_hess(loss, *copies, out=(copies[which], None))
            assert_same(slope, expected["gradient of the sum"])
            assert_same(curvature, expected.get("Hessian", slope))


@each_rows
def test_gradient_in_place_along_any_axis(loss: fl.Loss) -> None:
    """In place where the classes lie apart, too."""
    for classes in (5, 64, 65, 300):
        for axis in (0, 1):
            inputs = sample(loss, (6, 20), np.float32, classes=classes)
            moved = [np.moveaxis(array, -1, axis).copy() if array.ndim == 3 else array for array in inputs]
            expected = value_and_grad(loss, *moved, axis=axis)
            found = value_and_grad(loss, *moved, axis=axis, out=moved[0])
            assert found[1] is moved[0]
            assert_same(found[1], expected[1])
            assert found[0] == expected[0]


def bad_outs(like: np.ndarray, source: np.ndarray) -> dict[str, tuple[Any, type[Exception], str]]:
    """What cannot take a result like the given one, computed from the source array."""
    memory = np.zeros(2 * like.size + 1, like.dtype)
    memory[: like.size] = source.ravel()
    return {
        "dtype": (np.zeros(like.shape, np.complex64), ValueError, "dtype"),
        "other float": (
            np.zeros(like.shape, np.float64 if like.dtype != np.float64 else np.float32),
            ValueError,
            "float",
        ),
        "byte order": (swapped(np.zeros(like.shape, like.dtype)), ValueError, "dtype"),
        "shape": (np.zeros((*like.shape, 1), like.dtype), ValueError, "shape"),
        "read-only": (read_only(like), ValueError, "read-only"),
        "strided": (strided(like), ValueError, "contiguous"),
        "Fortran": (np.asfortranarray(like), ValueError, "contiguous"),
        "unaligned": (unaligned(like), ValueError, "aligned"),
        "list": (like.tolist(), TypeError, "list"),
        "number": (1.0, TypeError, "float"),
        "masked": (np.ma.masked_array(like), TypeError, "MaskedArray"),
    }


@each_one_gradient
def test_out_that_cannot_take_the_result_is_refused(loss: fl.Loss, soft: bool) -> None:
    """Wrong dtype, shape or layout, read-only, no array at all: an error that says so, and nothing is written."""
    inputs = sample(loss, (4, 3), np.float32, soft)
    before = [array.tobytes() for array in inputs]
    for out, error, word in bad_outs(np.zeros_like(inputs[0]), inputs[0]).values():
        kept = np.asarray(out).tobytes()
        with pytest.raises(error, match=f"out .*{word}"):
            value_and_grad(loss, *inputs, out=out)
        if loss.hessian:
            with pytest.raises(error, match=f"out .*{word}"):
                loss.grad_hess(*inputs, out=(None, out))
        assert np.asarray(out).tobytes() == kept
    losses = loss(*inputs, reduction="none")
    for out, error, word in bad_outs(np.zeros_like(losses), losses).values():
        with pytest.raises(error, match=f"out .*{word}"):
            loss(*inputs, reduction="none", out=out)
    assert [array.tobytes() for array in inputs] == before


@each_one_gradient
def test_out_must_not_overlap_an_input_elsewhere(loss: fl.Loss, soft: bool) -> None:
    """One element off, or turned round: the error names the input. Exactly upon it is fine, as is side by side."""
    inputs = list(sample(loss, (4, 3), np.float32, soft))
    size = inputs[0].size
    memory = np.zeros(2 * size, np.float32)
    memory[:size] = inputs[0].ravel()
    shifted, beside = memory[1 : size + 1].reshape(inputs[0].shape), memory[size:].reshape(inputs[0].shape)
    inputs[0] = memory[:size].reshape(inputs[0].shape)
    expected = everything(loss, *inputs)
    name = loss.required[0]
    with pytest.raises(ValueError, match=f"out overlaps {name}"):
        value_and_grad(loss, *inputs, out=shifted)
    with pytest.raises(ValueError, match=f"out overlaps {name}"):
        value_and_grad(loss, np.flip(inputs[0]), *inputs[1:], out=inputs[0])
    if loss.hessian:
        with pytest.raises(ValueError, match="out"):
            loss.grad_hess(*inputs, out=(beside, beside))
    assert_same(value_and_grad(loss, *inputs, out=beside)[1], expected["gradient of the mean"])


@pytest.mark.parametrize("loss", [loss for loss in ROWS if "class_weight" in loss.__signature__.parameters], ids=named)
def test_out_may_lie_upon_class_weights(loss: fl.Loss) -> None:
    """They have been read before the first loss or slope is written: the results are those without the overlap."""
    inputs = sample(loss, 1000, np.float64)
    weights = np.linspace(0.5, 2, inputs[0].shape[-1])
    expected, slopes = (call(*inputs, class_weight=weights, reduction="none") for call in (loss, loss.value_and_grad))
    memory = np.zeros(inputs[0].size)
    upon = memory[: len(weights)]
    upon[:] = weights
    assert_same(loss(*inputs, class_weight=upon, reduction="none", out=memory[:1000]), expected)
    upon[:] = weights
    out = memory.reshape(inputs[0].shape)
    assert_same(loss.value_and_grad(*inputs, class_weight=upon, reduction="none", out=out)[1], slopes[1])


@each_loss
def test_out_counts_the_arrays_that_are_asked_for(loss: fl.Loss) -> None:
    """A number needs no out, a gradient one for each input that has one, gradient and Hessian twice as many."""
    inputs, count = sample(loss, 4), len(loss.grads)
    one, two = (f"{n} array{'s' * (n > 1)}" for n in (count, 2 * count))
    out = [np.zeros_like(inputs[0]) for _ in range(2 * count)]
    with pytest.raises(ValueError, match="out"):
        loss(*inputs, out=np.zeros(4, np.float32))
    with pytest.raises(ValueError, match=one):
        loss.value_and_grad(*inputs, out=tuple(out[: count + 1]))
    for few in (out[0], tuple(out[:-1])) if loss.hessian else ():
        with pytest.raises(ValueError, match=two):
            loss.grad_hess(*inputs, out=few)


SEVERAL = [loss for loss in LOSSES if len(loss.grads) > 1]


@pytest.mark.parametrize("loss", SEVERAL, ids=named)
@each_dtype
def test_several_gradients_are_named_and_go_where_out_says(loss: fl.Loss, dtype: np.dtype) -> None:
    """A field for each differentiable input; each array may be new, given, or its own input."""
    inputs = sample(loss, (3, 1500), dtype)
    value, gradients = loss.value_and_grad(*inputs)
    slopes, curvatures = loss.grad_hess(*inputs)
    for found in (gradients, slopes, curvatures):
        assert found._fields == loss.grads
        assert pickle.loads(pickle.dumps(found))._fields == loss.grads
    copies = [array.copy() for array in inputs]
    out = tuple(copies[loss.inputs.index(name)] for name in loss.grads)
    again, in_place = loss.value_and_grad(*copies, out=out)
    assert again == value
    for own, found, expected in zip(out, in_place, gradients, strict=True):
        assert found is own
        assert_same(found, expected)
    new = tuple(np.full((3, 1500), np.nan, dtype) for _ in range(2 * len(loss.grads)))
    for form in (new, (new[: len(loss.grads)], new[len(loss.grads) :])):
        found = loss.grad_hess(*inputs, out=form)
        for own, array, expected in zip(new, (*found[0], *found[1]), (*slopes, *curvatures), strict=True):
            assert array is own
            assert_same(array, expected)
    with pytest.raises(ValueError, match="same memory twice"):
        loss.value_and_grad(*inputs, out=(new[0],) * len(loss.grads))
    last = loss.inputs.index(loss.grads[-1])
    with pytest.raises(ValueError, match=f"{loss.grads[-1]} is a scalar"):
        loss.value_and_grad(*inputs[:last], inputs[last][0, 0], *inputs[last + 1 :])
