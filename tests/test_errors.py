"""Bad input gets a clear error, whose message names the argument, the position, the value and what was expected."""

import math
import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.arrays import Interval

from .common import (
    LOSSES,
    POINTWISE,
    ROW_FORMS,
    ROWS,
    SHARED,
    assert_same,
    each_form,
    each_function,
    each_labelled,
    each_loss,
    each_pointwise,
    each_row_form,
    each_rows,
    each_shared,
    everything,
    named,
    over_forms,
    sample,
)  # fmt: skip
from .inputs import optional, plain

NO_NUMBERS = {
    "None": (None, TypeError),
    "a string": ("abc", TypeError),
    "strings": (["a", "b"], TypeError),
    "complex": (np.zeros(4, complex), TypeError),
    "objects": (np.array([Decimal(1), None], dtype=object), TypeError),
    "dates": (np.zeros(4, "M8[s]"), TypeError),
    "longdouble": (np.zeros(4, np.longdouble), TypeError),
    "a masked array": (np.ma.masked_array(np.zeros(4), [0, 0, 1, 0]), TypeError),
    "ragged": ([[1.0, 2.0], [3.0]], ValueError),
    "a record": (np.zeros(4, "f4,f4"), TypeError),
}


def calls(loss: fl.Loss) -> list[Any]:
    """The three ways to call a loss."""
    return [loss, loss.value_and_grad, loss.grad_hess][: 2 + loss.hessian]


@each_form
@pytest.mark.parametrize(("value", "error"), NO_NUMBERS.values(), ids=NO_NUMBERS.keys())
def test_what_is_no_array_of_real_numbers_is_refused_by_name(
    loss: fl.Loss, soft: bool, value: Any, error: type[Exception]
) -> None:
    """Each argument that takes an array, in each way to call."""
    inputs = sample(loss, 4, np.float32, soft)
    for call in calls(loss):
        for k, name in enumerate(loss.required):
            arguments = [value if j == k else array for j, array in enumerate(inputs)]
            with pytest.raises(error, match=rf"^{name} "):
                call(*arguments)
        if value is not None:
            for name in ("weight", *optional(loss)):
                with pytest.raises(error, match=rf"^{name} "):
                    call(*inputs, **{name: value})


@each_function
@pytest.mark.parametrize(("value", "error"), NO_NUMBERS.values(), ids=NO_NUMBERS.keys())
def test_softmax_functions_refuse_what_is_no_array(function: Any, value: Any, error: type[Exception]) -> None:
    """The same errors, for logits; and an axis there is not, an empty one, an out that will not do."""
    with pytest.raises(error, match=r"^logits "):
        function(value)
    with pytest.raises(ValueError, match="logits is a scalar"):
        function(1.0)
    with pytest.raises(ValueError, match=r"axis 2 .*\(3, 4\)"):
        function(np.zeros((3, 4)), axis=2)
    with pytest.raises(ValueError, match="axis -3 "):
        function(np.zeros((3, 4)), axis=-3)
    with pytest.raises(TypeError, match=r"axis .*float"):
        function(np.zeros((3, 4)), axis=1.0)
    with pytest.raises(ValueError, match=r"axis 0 holds no class"):
        function(np.zeros((0, 4)), axis=0)
    for out in (np.zeros(7), np.zeros((3, 4), np.float32), [1.0]):
        with pytest.raises((ValueError, TypeError), match=r"^out "):
            function(np.zeros((3, 4)), out=out)


@each_pointwise
def test_shapes_do_not_broadcast_silently(loss: fl.Loss) -> None:
    """(3,) against (3, 1) is an error that names both shapes, not nine losses."""
    for one, other in (((3,), (3, 1)), ((3, 1), (3,)), ((4, 3), (3,)), ((4, 3), (1, 3)), ((1,), (3,)), ((0,), (3,))):
        if len(loss.required) == 1:
            continue
        for k in range(1, len(loss.required)):
            if (loss, loss.inputs[k]) == (fl.gaussian_nll, "var") and other in (one[:-1], (1, *one[1:])):
                continue  # what an axis shares
            given = [sample(loss, other if j == k else one)[j] for j in range(len(loss.required))]
            message = rf"{loss.inputs[0]}.*{re.escape(str(one))}.*{loss.inputs[k]}.*{re.escape(str(other))}"
            for call in calls(loss):
                with pytest.raises(ValueError, match=message):
                    call(*given)
    for call in calls(loss)[1:]:
        if len(loss.required) > 1:
            with pytest.raises(ValueError, match=rf"{loss.inputs[0]} is a scalar .*\(3,\)"):
                call(sample(loss, 3)[0][0], *sample(loss, 3)[1:])


@each_labelled
def test_labels_on_the_wrong_axis_name_the_right_one(loss: fl.Loss) -> None:
    """The message says which class axis the shape of the labels would fit."""
    *data, _ = (np.zeros((4, 5, 6), np.float32) for _ in loss.inputs)
    first = loss.inputs[0]
    for axis, shape in ((0, (5, 6)), (1, (4, 6)), (2, (4, 5))):
        other = (axis + 1) % 3
        for call in calls(loss):
            with pytest.raises(ValueError, match=rf"\(4, 5, 6\).*{re.escape(str(shape))}.*axis={axis}"):
                call(*data, np.zeros(shape, int), axis=other)
        loss(*data, np.zeros(shape, int), axis=axis)
    for shape in ((5,), (4, 5, 1), (4, 5, 6, 1), (1, 4), (24,)):
        with pytest.raises(ValueError, match=rf"{first}.*\(4, 5, 6\).*target.*{re.escape(str(shape))}"):
            loss(*data, np.zeros(shape, int))


@each_rows
def test_rows_of_different_shapes_are_an_error(loss: fl.Loss) -> None:
    """Two inputs of rows must be of one shape; the message names both."""
    inputs = sample(loss, (4, 3))
    for k, name in enumerate(loss.inputs[1 : len(loss.inputs) - bool(loss.target)], 1):
        for shape in ((4, 3, 6), (3, 5), (4, 1, 5), (4, 3, 5, 1)):
            given = [np.ones(shape, np.float32) if j == k else array for j, array in enumerate(inputs)]
            for call in calls(loss):
                with pytest.raises(
                    ValueError, match=rf"{loss.inputs[0]} .*\(4, 3, 5\).*{name} {re.escape(str(shape))}"
                ):
                    call(*given)


@each_form
def test_weights_must_broadcast_to_the_losses(loss: fl.Loss, soft: bool) -> None:
    """A weight belongs to a loss: an error names its shape and theirs."""
    inputs = sample(loss, (4, 3), np.float32, soft)
    for shape in ((4,), (3, 1), (4, 3, 1), (4, 3, 5), (2, 4, 3), (0,)):
        for call in calls(loss):
            with pytest.raises(ValueError, match=rf"weight .*{re.escape(str(shape))}.*\(4, 3\)"):
                call(*inputs, weight=np.ones(shape))


@each_loss
def test_unknown_reduction_is_named(loss: fl.Loss) -> None:
    """Anything but mean, sum and none, in each way to call."""
    inputs = sample(loss, 4)
    for call in calls(loss):
        for wrong in ("average", "Mean", "", None, 1, b"mean", ["mean"]):
            with pytest.raises(ValueError, match=rf"reduction .*{re.escape(repr(wrong))}"):
                call(*inputs, reduction=wrong)


@each_loss
def test_denominator_divides_a_mean_by_a_positive_number(loss: fl.Loss) -> None:
    """Zero, negative, infinite, NaN, no number; beside a sum, or derivatives of the weighted sum."""
    inputs = sample(loss, 4)
    for call in calls(loss)[:2]:
        for wrong in (0, -1, math.inf, math.nan):
            with pytest.raises(ValueError, match=f"denominator .*{wrong}"):
                call(*inputs, denominator=wrong)
        for wrong in ("4", [1, 2], 1j):
            with pytest.raises(TypeError, match=r"denominator .*number"):
                call(*inputs, denominator=wrong)
        for reduction in ("sum", "none"):
            with pytest.raises(ValueError, match=f"denominator .*{reduction}"):
                call(*inputs, denominator=4, reduction=reduction)
    with pytest.raises(ValueError if loss.hessian else TypeError, match="denominator" if loss.hessian else "Hessian"):
        loss.grad_hess(*inputs, denominator=4)


@each_loss
def test_words_unknown_or_missing_are_refused(loss: fl.Loss) -> None:
    """A misspelt word, a missing target, a hyperparameter by position: Python's own TypeError."""
    inputs = sample(loss, 4)
    for call in calls(loss):
        with pytest.raises(TypeError, match="weights"):
            call(*inputs, weights=1)
        with pytest.raises(TypeError, match=loss.required[-1]):
            call(*inputs[:-1])
        with pytest.raises(TypeError, match="positional"):
            call(*inputs, 1.0)


HYPERPARAMETERS = [
    (loss, name, domain) for loss in LOSSES for name, domain in loss.domains({}).items() if name not in loss.inputs
]
BOUNDED = [
    (loss, name, domain)
    for loss in POINTWISE
    for name, domain in loss.domains({}).items()
    if name in loss.inputs and domain != Interval()
]


def number_in(raised: pytest.ExceptionInfo[Exception]) -> float:
    """The value that a message names."""
    return float(re.search(r" is (\S+), expected", str(raised.value))[1])


def outside(domain: Interval, dtype: Any = np.float64) -> list[float]:
    """Numbers just beyond each end of a domain, and far beyond."""
    low, high, low_open, high_open = (*(dtype(end) for end in domain[:2]), *domain[2:4])
    found = [float((low + high) / 2)] if domain.ends else []
    if np.isfinite(low):
        found += [float(low if low_open else np.nextafter(low, dtype(-np.inf))), float(low - 1), -math.inf]
    if np.isfinite(high):
        found += [float(high if high_open else np.nextafter(high, dtype(np.inf))), float(high + 1), math.inf]
    elif high_open:
        found.append(math.inf)
    return found


@pytest.mark.parametrize(("loss", "name", "domain"), HYPERPARAMETERS, ids=named)
def test_hyperparameters_outside_their_domain(loss: fl.Loss, name: str, domain: Interval) -> None:
    """One beyond each end, NaN, and what is no number: named with its value and the domain."""
    inputs = sample(loss, 4)
    for call in calls(loss):
        for wrong in (*outside(domain), math.nan):
            with pytest.raises(ValueError, match=rf"^{name} .*{re.escape(str(domain))}.*{re.escape(str(wrong))}"):
                call(*inputs, **{name: wrong})
        for wrong in ("1", None, [0.5, 0.5], 1j, np.ones(2), np.complex128(1), np.array("1"), np.bytes_(b"1"), float):
            if wrong is None and loss.__signature__.parameters[name].default is None:
                continue
            with pytest.raises(TypeError, match=rf"^{name} .*number"):
                call(*inputs, **{name: wrong})
        number = next(x for x in (0.5, 1.5, 2.5, 1, -1, -1.5) if x in domain)
        for right in (np.float32(number), np.float64(number), np.array(number), Decimal(str(number))):
            call(*inputs, **{name: right})


@pytest.mark.parametrize(("loss", "name", "domain"), BOUNDED, ids=named)
def test_inputs_outside_their_domain(loss: fl.Loss, name: str, domain: Interval) -> None:
    """The first visible one is named with position and value, however far in it stands; NaN is not outside."""
    for dtype, shape in ((np.float32, (4, 5)), (np.float64, (3, 60_000)), (np.float16, (6, 30_000))):
        inputs = dict(zip(loss.required, sample(loss, shape, dtype), strict=True))
        inputs.setdefault(name, np.full(shape, 1 if 1 in domain else plain(domain), dtype))
        for place in ((0, 0), (2, 3), (shape[0] - 1, shape[1] - 1)):
            for wrong in outside(domain, dtype):
                bad = inputs[name].copy()
                bad[place] = bad[shape[0] - 1, shape[1] - 1] = wrong
                where = rf"{name}\[{place[0]}, {place[1]}\]"
                with pytest.raises(ValueError, match=f"^{where} is .*{re.escape(domain.wanted())}") as raised:
                    loss(**{**inputs, name: bad})
                assert number_in(raised) == wrong
                weight = np.ones(shape)
                weight[place] = weight[shape[0] - 1, shape[1] - 1] = 0
                loss(**{**inputs, name: bad}, weight=weight)
            bad = inputs[name].copy()
            bad[place] = np.nan
            assert math.isnan(loss(**{**inputs, name: bad}))
    with pytest.raises(ValueError, match=rf"^{name} (is|must be in) "):
        loss(**{**{k: np.array(v[0, 0]) for k, v in inputs.items()}, name: outside(domain, np.float16)[1]})


@each_shared
def test_shares_outside_0_and_1(loss: fl.Loss) -> None:
    """Probabilities as targets: the first one below 0 or above 1 is named, on any axis, unless invisible."""
    for classes in (3, 64, 65, 200):
        logits, shares = sample(loss, (40, 5), np.float32, True, classes)
        for axis in range(3):
            for place in ((0, 0, 0), (3, 2, classes - 1), (39, 4, 1)):
                for wrong in (-0.25, 1.5, -math.inf, np.nextafter(np.float32(1), np.float32(2))):
                    bad = shares.copy()
                    bad[place] = wrong
                    at = [*place[:axis], place[2], *place[axis:2]]
                    moved = [np.moveaxis(array, -1, axis) for array in (logits, bad)]
                    with pytest.raises(ValueError, match=rf"^target\[{', '.join(map(str, at))}\] is ") as raised:
                        loss.value_and_grad(*moved, axis=axis)
                    assert number_in(raised) == wrong
        bad[:, 1:] = -1
        weight = np.arange(5) == 0
        bad[39, 4] = shares[39, 4]
        loss(logits, bad, weight=weight)


# ---- labels ----

OUT_OF_RANGE = [5, 3, -1, -101, 2**31, 2**40 + 1, 2**62, -(2**63)]


@each_labelled
@pytest.mark.parametrize("label", OUT_OF_RANGE)
@pytest.mark.parametrize("classes", [3, 100])
def test_bad_labels_corrupt_nothing(loss: fl.Loss, label: int, classes: int) -> None:
    """A label out of range is an IndexError that names position, value and classes, and nothing has been written."""
    label = label if label < 0 else label + classes - 3
    for rows, place in ((6, 4), (30_000, 0), (30_000, 29_999), (30_000, 17_001)):
        *data, labels = sample(loss, (rows,), np.float32, classes=classes) if rows < 100 else many(loss, classes)
        labels = labels.copy()
        labels[place] = labels[-1] = label
        logits = data[0] = data[0].copy()
        before = logits.tobytes()
        message = rf"^target\[{place}\] is {label}, expected .*\[0, {classes}\)"
        for call in calls(loss)[:2]:
            with pytest.raises(IndexError, match=message):
                call(*data, labels)
        with pytest.raises(IndexError, match=message):
            loss.value_and_grad(*data, labels, out=logits)
        out = np.full((2, *logits.shape), 7, np.float32)
        if loss.hessian:
            with pytest.raises(IndexError, match=message):
                loss.grad_hess(*data, labels, out=tuple(out))
        losses = np.full(rows, 7, np.float32)
        with pytest.raises(IndexError, match=message):
            loss(*data, labels, reduction="none", out=losses)
        assert logits.tobytes() == before
        assert (out == 7).all()
        assert (losses == 7).all()
        assert math.isfinite(loss(*data, labels, weight=labels != label))


def many(loss: fl.Loss, classes: int, cache: dict[Any, Any] = {}) -> Any:  # noqa: B006 (a cache it is)
    if (loss, classes) not in cache:
        cache[loss, classes] = sample(loss, (30_000,), np.float32, classes=classes)
    return cache[loss, classes]


@each_labelled
def test_bad_labels_of_every_integer_dtype(loss: fl.Loss) -> None:
    """Unsigned labels beyond int64, signed ones below 0, bools with one class; positions count all axes but one."""
    data = len(loss.inputs) - 1
    for dtype, label in (("uint8", 255), ("uint64", 2**64 - 1), ("int8", -128), ("int64", -(2**63)), (">i4", 3)):
        labels = np.zeros((4, 3), dtype)
        labels[2, 1] = label
        with pytest.raises(IndexError, match=rf"^target\[2, 1\] is {label}, expected .*\[0, 2\)"):
            loss(*data * [np.zeros((4, 2, 3), np.float32)], labels, axis=1)
    with pytest.raises(IndexError, match=r"^target\[1\] is True"):
        loss(*data * [np.zeros((2, 1))], np.array([False, True]))
    with pytest.raises(IndexError, match=r"^target is 3"):
        loss(*data * [np.zeros(3)], 3)
    with pytest.raises(TypeError, match=r"target .*integers.*float"):
        loss(*data * [np.zeros((2, 3))], np.array([0.0, 1.0]))


@pytest.mark.parametrize("loss", [loss for loss in ROWS if "ignore_index" in loss.__signature__.parameters], ids=named)
def test_ignored_label_is_no_class_and_needs_to_be_said(loss: fl.Loss) -> None:
    """ignore_index is a label like any other integer; -100 unless given; no float, and not beside shares."""
    *data, labels = sample(loss, 5)
    for ignored in (-1, 2, 255, -(2**40)):
        marked = labels.copy()
        marked[1:3] = ignored
        keep = marked != ignored
        expected = loss(*(array[keep] for array in data), labels[keep])
        assert loss(*data, marked, ignore_index=ignored) == pytest.approx(expected, rel=1e-6)
        if not 0 <= ignored < 5:
            with pytest.raises(IndexError, match=rf"is {ignored}, expected .*ignore_index=-100"):
                loss(*data, marked)
    for wrong in (1.5, "1", None, [1]):
        with pytest.raises(TypeError, match=r"ignore_index .*integer"):
            loss(*data, labels, ignore_index=wrong)
    with pytest.raises(ValueError, match=r"ignore_index .*2"):
        loss(*data, labels, ignore_index=2**70)
    if loss in SHARED:
        with pytest.raises(ValueError, match="ignore_index"):
            loss(*sample(loss, 5, soft=True), ignore_index=1)


@over_forms([(loss, soft) for loss, soft in ROW_FORMS if "class_weight" in loss.__signature__.parameters])
def test_class_weights_are_one_per_class(loss: fl.Loss, soft: bool) -> None:
    """Wrong length, negative, NaN, infinite: named with position and value."""
    inputs = sample(loss, 4, np.float32, soft)
    for call in calls(loss):
        for shape in ((4,), (6,), (), (1, 5), (5, 1)):
            with pytest.raises(ValueError, match=rf"class_weight .*{re.escape(str(shape))}.*\(5,\)"):
                call(*inputs, class_weight=np.ones(shape))
        for wrong in (-1.0, np.nan, np.inf):
            weights = np.ones(5)
            weights[3] = wrong
            with pytest.raises(ValueError, match=rf"^class_weight\[3\] is {wrong}, expected"):
                call(*inputs, class_weight=weights)
        with pytest.raises(TypeError, match=r"^class_weight "):
            call(*inputs, class_weight="balanced")


@each_row_form
def test_class_axis_must_exist(loss: fl.Loss, soft: bool) -> None:
    """An axis out of range, of no class, or no integer; logits without any axis."""
    inputs = sample(loss, (2, 3), np.float32, soft)
    data, first = len(loss.inputs) - bool(loss.target), loss.inputs[0]
    for call in calls(loss):
        for axis in (3, -4, 100):
            with pytest.raises(ValueError, match=rf"axis {axis} .*\(2, 3, 5\)"):
                call(*inputs, axis=axis)
        for axis in (1.0, "1", None):
            with pytest.raises(TypeError, match=r"axis .*integer"):
                call(*inputs, axis=axis)
        with pytest.raises(ValueError, match=f"{first} is a scalar"):
            call(*data * [np.float32(1)], *[0][: bool(loss.target)])
        with pytest.raises(ValueError, match=r"\(2, 0\).* no class"):
            call(*data * [np.zeros((2, 0))], *[np.zeros(2, int)][: bool(loss.target)])
    assert_same(everything(loss, *inputs, axis=np.int64(-1)), everything(loss, *inputs))


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if not loss.hessian], ids=named)
def test_loss_without_a_hessian_says_so(loss: fl.Loss) -> None:
    """grad_hess of a loss whose Hessian's diagonal is not known."""
    with pytest.raises(TypeError, match=f"{loss.name} has no Hessian"):
        loss.grad_hess(*sample(loss, 4))


@each_form
def test_an_error_leaves_the_next_call_right(loss: fl.Loss, soft: bool) -> None:
    """Calls after an error give what they gave before."""
    inputs = sample(loss, 2000, np.float32, soft)
    before = everything(loss, *inputs)
    for wrong in ({"reduction": "x"}, {"weight": np.ones((7, 7))}, {"out": 3}):
        with pytest.raises((ValueError, TypeError)):
            loss.value_and_grad(*inputs, **wrong)
    assert_same(everything(loss, *inputs), before)


def test_number_of_threads_is_a_positive_integer() -> None:
    """0, negative, huge or no integer."""
    for wrong in (0, -1, 10**6):
        with pytest.raises(ValueError, match=str(wrong)):
            fl.set_num_threads(wrong)
    for wrong in (1.5, "2", None):
        with pytest.raises(TypeError, match="integer"):
            fl.set_num_threads(wrong)


def test_output_that_is_no_array_beside_one_that_is() -> None:
    """The first of two is refused, whatever the second."""
    pred, target = np.ones(3), np.zeros(3)
    with pytest.raises(TypeError, match="out must be a NumPy array"):
        fl.mse.grad_hess(pred, target, out=([1.0], np.empty(3)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dtype"):
        fl.mse.grad_hess(pred, target, out=(pred, np.empty(3, np.float32)))


def test_first_of_several_improbable_shares_is_named() -> None:
    """In the order of the array, not of the classes."""
    shares = np.full((8, 3), 0.25)
    shares[5, 0] = shares[2, 1] = 2
    with pytest.raises(ValueError, match=r"target\[2, 1\] is 2"):
        fl.cross_entropy(np.zeros((8, 3)), shares)


def test_huge_axis_is_no_axis() -> None:
    for function in (fl.softmax, fl.log_softmax, fl.logsumexp):
        with pytest.raises(ValueError, match="axis"):
            function(np.zeros((2, 3)), axis=2**40)
