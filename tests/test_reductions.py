"""Reductions, denominators and weights: one mean, sums that do not drift, elements that are invisible."""

import math
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .common import (
    LOSSES,
    ROWS,
    assert_same,
    each_form,
    each_loss,
    each_shared,
    everything,
    grad_hess,
    like_gradient,
    losses_shape,
    sample,
    ulps_apart,
    value_and_grad,
)
from .inputs import seeded

CUTS = (0, 1, 4, 700, 701, 2500)  # micro-batches of a batch of 2500


@each_form
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_mean_is_the_sum_over_the_weights(loss: fl.Loss, soft: bool, weighted: bool) -> None:
    """The mean is sum(w loss) / sum(w), for hard and soft targets alike, and the sum that of the unreduced losses."""
    inputs = sample(loss, (50, 30), np.float64, soft)
    weight = seeded("weights").integers(0, 3, losses_shape(loss, inputs)) if weighted else None
    count = losses_shape(loss, inputs)[0] * 30 if weight is None else weight.sum()
    losses = loss(*inputs, weight=weight, reduction="none")
    total = loss(*inputs, weight=weight, reduction="sum")
    assert losses.shape == losses_shape(loss, inputs)
    assert isinstance(total, float)
    # losses of both signs may cancel: ULPs are those of the sum of their sizes
    assert abs(total - math.fsum(losses.ravel())) <= 8 * np.spacing(math.fsum(abs(losses).ravel()))
    assert loss(*inputs, weight=weight) == total / count
    assert loss(*inputs, weight=weight, reduction="mean") == total / count


@each_form
def test_gradient_belongs_to_the_reduction(loss: fl.Loss, soft: bool) -> None:
    """Unreduced losses have the gradient of their sum; the mean's is that, divided."""
    inputs = sample(loss, (8, 16), np.float32, soft)
    total, of_sum = value_and_grad(loss, *inputs, reduction="sum")
    losses, of_none = value_and_grad(loss, *inputs, reduction="none")
    mean, of_mean = value_and_grad(loss, *inputs)
    assert_same(losses, loss(*inputs, reduction="none"))
    assert_same(of_none, of_sum)
    assert mean == total / losses.size
    assert_same(of_mean, of_sum / np.float32(128))  # a power of two: exact


@each_form
def test_denominator_replaces_the_divisor(loss: fl.Loss, soft: bool) -> None:
    """A given denominator takes the place of the sum of the weights, in value and gradient, whatever these are."""
    inputs = sample(loss, 30, np.float32, soft)
    for weight in (None, np.linspace(-1, 3, 30)):
        total, of_sum = value_and_grad(loss, *inputs, weight=weight, reduction="sum")
        value, gradient = value_and_grad(loss, *inputs, weight=weight, denominator=64)
        assert value == loss(*inputs, weight=weight, denominator=64) == total / 64
        assert_same(gradient, of_sum / np.float32(64))
        assert loss(*inputs, weight=weight, denominator=1e-300) == total / 1e-300


@each_form
@pytest.mark.parametrize("how", [{"reduction": "sum"}, {"denominator": 777}], ids=["sum", "denominator"])
def test_micro_batches_add_up(loss: fl.Loss, soft: bool, how: dict[str, Any]) -> None:
    """The parts of a batch give the whole's gradient bitwise, and its value to an ULP."""
    for weighted in (False, True):
        inputs = sample(loss, 2500, np.float32, soft)
        weight = seeded("batch").standard_normal(2500) ** 2 if weighted else None
        value, gradient = value_and_grad(loss, *inputs, weight=weight, **how)
        parts = [
            value_and_grad(
                loss,
                *(array[start:stop] for array in inputs),
                weight=None if weight is None else weight[start:stop],
                **how,
            )
            for start, stop in pairwise(CUTS)
        ]
        assert_same(np.concatenate([part for _, part in parts]), gradient)
        assert ulps_apart(np.float32(math.fsum(part for part, _ in parts)), np.float32(value)) <= 1


@each_form
def test_mean_of_nothing_is_nan_and_its_gradient_zero(loss: fl.Loss, soft: bool) -> None:
    """An empty batch, or one whose weights are all 0: the sum is 0, the mean NaN, the gradient zeros; no warning."""
    empty, invisible = sample(loss, (0, 3), np.float32, soft), sample(loss, (4, 3), np.float32, soft)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for inputs, weight in ((empty, None), (invisible, 0), (invisible, np.zeros((4, 3), bool))):
            assert loss(*inputs, weight=weight, reduction="sum") == 0
            value, gradient = value_and_grad(loss, *inputs, weight=weight)
            assert math.isnan(value)
            assert math.isnan(loss(*inputs, weight=weight))
            assert_same(gradient, np.zeros(gradient.shape, inputs[0].dtype))
            losses = loss(*inputs, weight=weight, reduction="none")
            assert_same(losses, np.zeros(losses_shape(loss, inputs), np.float32))
            for derivative in grad_hess(loss, *inputs, weight=weight):
                assert_same(derivative, np.zeros(derivative.shape, inputs[0].dtype))
            assert loss(*inputs, weight=weight, denominator=5) == 0


HUGE = {  # losses near the end of a dtype's range, eight of them, and their mean
    "mse, float16": (fl.mse, np.float16, [300, 0, 0, 0], 0, {}, 22500.0),
    "mse, float32": (fl.mse, np.float32, [2e19, 0, 0, 0, 0, 0, 0, 0], 0, {}, 5e37),
    "mse, float64, the sum overflows": (fl.mse, np.float64, [1.3e154] * 8, 0, {}, 1.69e308),
    "mse, float64, an element overflows": (fl.mse, np.float64, [2e154, 0, 0, 0, 0, 0, 0, 0], 0, {}, 5e307),
    "huber, float64": (fl.huber, np.float64, [1.8e154] * 8, 0, {"delta": math.inf}, 1.62e308),
    "huber, float32": (fl.huber, np.float32, [3e38] * 8, 0, {"delta": 1.0}, 3e38),
    "cross-entropy, float64": (fl.cross_entropy, np.float64, [[1.5e308, 0]] * 8, 1, {}, 1.5e308),
    "cross-entropy, float32": (fl.cross_entropy, np.float32, [[3e38, 0]] * 8, 1, {}, 3e38),
    "binary cross-entropy": (fl.binary_cross_entropy_with_logits, np.float64, [1.5e308] * 8, 0.0, {}, 1.5e308),
}


@pytest.mark.parametrize(("loss", "dtype", "pred", "target", "words", "mean"), HUGE.values(), ids=HUGE.keys())
def test_mean_does_not_overflow_when_it_is_representable(
    loss: fl.Loss, dtype: Any, pred: Any, target: Any, words: Any, mean: float
) -> None:
    """Sums are taken where they fit, so the mean of large losses is a number."""
    pred = np.array(pred, dtype)
    rounding = float(np.finfo(np.float32).eps) if dtype != np.float64 else 1e-15
    assert loss(pred, target, **words) == pytest.approx(mean, rel=rounding)
    value, gradient = value_and_grad(loss, pred, target, **words)
    assert value == loss(pred, target, **words)
    assert np.isfinite(gradient).all()
    assert loss(pred, target, weight=np.ones(len(pred)), **words) == value


def test_long_sums_do_not_drift() -> None:
    """100,000 ones are not lost beside 1e8, as they would be in a float32 sum."""
    residual = np.concatenate([[1e4], np.ones(100_000)]).astype(np.float32)
    assert fl.mse(residual, 0, reduction="sum") == 100_100_000.0
    residual = np.concatenate([[1e8 + 0.5], np.full(100_000, 1.5)])
    assert fl.huber(residual, 0, reduction="sum") == 100_100_000.0


@each_form
def test_half_precision_sums_and_counts_are_not_half_precision(loss: fl.Loss, soft: bool) -> None:
    """70,000 float16 elements: more than float16 can count, and their losses more than it can hold."""
    half = sample(loss, 70_000, np.float16, soft, classes=3)
    single = tuple(array.astype(np.float32) if array.dtype == np.float16 else array for array in half)
    assert loss(*half, reduction="sum") == loss(*single, reduction="sum")
    assert loss(*half) == loss(*single)


# ---- weights ----


@each_form
def test_weights_multiply(loss: fl.Loss, soft: bool) -> None:
    """Losses, gradients and Hessians are multiplied; a weight that is the same everywhere leaves the mean alone."""
    inputs = sample(loss, (6, 7), np.float32, soft)
    plain = loss(*inputs, reduction="none")
    slope, curvature = grad_hess(loss, *inputs)
    assert_same(loss(*inputs, weight=4, reduction="none"), plain * 4)
    assert_same(grad_hess(loss, *inputs, weight=0.25)[0], slope / 4)
    assert_same(grad_hess(loss, *inputs, weight=0.25)[1], curvature / 4)
    powers = np.exp2(seeded("powers").integers(-3, 4, losses_shape(loss, inputs))).astype(np.float32)
    assert_same(loss(*inputs, weight=powers, reduction="none"), plain * powers)
    rows = like_gradient(loss, powers)
    assert_same(grad_hess(loss, *inputs, weight=powers)[0], slope * rows)
    assert_same(grad_hess(loss, *inputs, weight=powers)[1], curvature * rows)
    assert abs(loss(*inputs, weight=3.7) - loss(*inputs)) <= 4 * np.spacing(np.float64(abs(plain).mean()))


@each_form
def test_weight_may_be_any_upstream_vector(loss: fl.Loss, soft: bool) -> None:
    """A cotangent, negative too, gives the vector-Jacobian product."""
    inputs = sample(loss, 40, np.float64, soft)
    upstream = seeded("upstream").standard_normal(40)
    losses, slope = value_and_grad(loss, *inputs, reduction="none")
    value, gradient = value_and_grad(loss, *inputs, weight=upstream, reduction="sum")
    rows = like_gradient(loss, upstream)
    # a slope against shares is a difference of these, so an ULP of their sum, weighed, may be many of what is left
    whole = loss.shape == "pointwise" or loss.target or len(inputs) == 1
    shares = 1 if whole else np.maximum(abs(inputs[1]).sum(axis=-1, keepdims=True), 1)
    assert (abs(gradient - slope * rows) <= 4 * np.spacing(np.maximum(abs(slope * rows), abs(shares * rows)))).all()
    assert abs(value - math.fsum(losses * upstream)) <= 1e-14 * math.fsum(abs(losses * upstream))
    opposite = value_and_grad(loss, *inputs, weight=-upstream, reduction="sum")[1]
    assert_same(opposite + np.float32(0), np.float32(0) - gradient)  # 0 has two signs


@each_form
def test_weights_of_every_dtype_and_shape_agree(loss: fl.Loss, soft: bool) -> None:
    """Bools, integers and floats, scalars and what broadcasts: each equals the full array of float64."""
    inputs = sample(loss, (6, 7), np.float32, soft)
    for weight in (True, 2, 0.5, np.float32(3), np.arange(7) % 2 == 1, np.arange(6)[:, None], [[1.5]], np.uint8(3)):
        full = np.broadcast_to(np.asarray(weight), (6, 7)).astype(np.float64)
        assert_same(everything(loss, *inputs, weight=weight), everything(loss, *inputs, weight=full))
    for dtype in (np.int8, np.uint64, np.float16, np.float32, ">f8"):
        weight = (np.arange(42).reshape(6, 7) % 5).astype(dtype)
        assert_same(everything(loss, *inputs, weight=weight), everything(loss, *inputs, weight=weight.astype(float)))


@each_form
@pytest.mark.parametrize("classes", [5, 100])
def test_invisible_means_invisible(loss: fl.Loss, soft: bool, classes: int) -> None:
    """An element of weight 0 adds 0 and gets gradient +0, whatever stands in it: NaN, inf, a target out of range."""
    for dtype in (np.float32, np.float64, np.float16):
        inputs = sample(loss, 50, dtype, soft, classes)
        weight = (np.arange(50) % 3 != 1).astype(np.float64)
        expected = everything(loss, *inputs, weight=weight)
        for poison in (np.nan, np.inf, -np.inf):
            spoilt = tuple(array.copy() for array in inputs)
            for array in spoilt:
                array[weight == 0] = poison if array.dtype.kind == "f" else 10**6
            assert_same(everything(loss, *spoilt, weight=weight), expected)
            assert_same(everything(loss, *spoilt, weight=weight != 0), expected)
        for name in ("gradient of the mean", *(["Hessian"] if loss.hessian else [])):
            assert not expected[name][weight == 0].any()
            assert not np.signbit(expected[name][weight == 0]).any()


@each_form
def test_invisible_elements_are_as_if_they_were_not_there(loss: fl.Loss, soft: bool) -> None:
    """Masked equals compressed: gradients bitwise, the mean to an ULP of float32."""
    inputs = sample(loss, 3000, np.float32, soft)
    keep = seeded("mask").random(3000) < 0.7
    masked, gradient = value_and_grad(loss, *inputs, weight=keep)
    compressed, expected = value_and_grad(loss, *(array[keep] for array in inputs))
    assert_same(gradient[keep], expected)
    assert ulps_apart(np.float32(masked), np.float32(compressed)) <= 1


def test_invisible_nan_of_the_smallest_example() -> None:
    """The loss of [0, 0] against [0, nan] with weights [1, 0] is 0, and so is its gradient."""
    value, gradient = fl.mse.value_and_grad([0.0, 0.0], [0.0, np.nan], weight=[1, 0])
    assert value == 0
    assert_same(gradient, np.zeros(2))


def test_ignored_row_of_nan_contributes_nothing() -> None:
    """An ignored row of NaN and inf is 0 in value and gradient."""
    logits = np.array([[1, 2, 3], [np.nan, np.inf, -np.inf]])
    value, gradient = fl.cross_entropy.value_and_grad(logits, np.array([2, -100]))
    assert value == 0.4076059644443803
    assert_same(gradient[1], np.zeros(3))
    logits = np.array([1.0, np.nan])
    value, gradient = fl.binary_cross_entropy_with_logits.value_and_grad(logits, np.array([1.0, -1.0]), ignore_index=-1)
    assert value == fl.binary_cross_entropy_with_logits(1.0, 1.0)
    assert_same(gradient[1:], np.zeros(1))


IGNORING = [loss for loss in LOSSES if "ignore_index" in loss.__signature__.parameters]


@pytest.mark.parametrize("loss", IGNORING, ids=lambda loss: loss.name)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("classes", [3, 100])
def test_two_rows_one_ignored_equal_one_row(
    loss: fl.Loss, reduction: str, smoothing: float, weighted: bool, classes: int
) -> None:
    """Weights, class weights, smoothing and ignore_index compose: bitwise, for every combination of them."""
    inputs = sample(loss, 1, np.float32, classes=classes)
    words: dict[str, Any] = {"label_smoothing": smoothing, "ignore_index": -7, "reduction": reduction}
    if weighted and loss in ROWS:
        words["class_weight"] = np.linspace(0.1, 3, classes)
    if weighted and loss not in ROWS:
        words["pos_weight"] = 3.0
    words = {name: value for name, value in words.items() if name in loss.__signature__.parameters}
    one, slope = value_and_grad(loss, *inputs, **words)
    *data, target = (
        np.concatenate([array, np.full_like(array, np.nan if array.dtype.kind == "f" and k + 1 < len(inputs) else -7)])
        for k, array in enumerate(inputs)
    )
    weight = [0.3, 0.7] if weighted and reduction == "mean" else None  # one row's weight cancels, but for rounding
    two, slopes = value_and_grad(loss, *data, target, **words, weight=weight)
    if weight is None:
        assert_same(np.ravel(two)[:1], np.ravel(one))
        assert_same(slopes[:1], slope)
    assert ulps_apart(np.float32(np.ravel(two)[:1]), np.float32(np.ravel(one))) <= 2
    assert ulps_apart(slopes[:1], slope) <= 2
    assert not slopes[1:].any()


@each_shared
@pytest.mark.parametrize("classes", [2, 10, 64, 65, 200])
@pytest.mark.parametrize("weighted", [False, True], ids=["", "class_weight"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_hard_labels_equal_their_one_hot_form(loss: fl.Loss, classes: int, weighted: bool, smoothing: float) -> None:
    """A label and its one-hot row are the same target, under class weights and smoothing, mean included."""
    logits, labels = sample(loss, 20, np.float32, classes=classes)
    words: dict[str, Any] = {"label_smoothing": smoothing} if "label_smoothing" in loss.hyperparameters else {}
    if weighted:
        words["class_weight"] = np.linspace(0.1, 3, classes, dtype=np.float32)
    hard = everything(loss, logits, labels, **words)
    soft = everything(loss, logits, np.eye(classes, dtype=np.float32)[labels], **words)
    assert ulps_apart(soft["mean"].astype(np.float32), hard["mean"].astype(np.float32)) <= 1
    for name in hard.keys() - {"mean"}:
        assert ulps_apart(soft[name], hard[name]) <= 4, name


def test_pos_weight_of_one_is_none() -> None:
    """A pos_weight of 1, scalar or array, changes no bit; one of 3 triples the loss of a yes, also far out."""
    loss = fl.binary_cross_entropy_with_logits
    inputs = sample(loss, 1000)
    plain = everything(loss, *inputs)
    assert_same(everything(loss, *inputs, pos_weight=1), plain)
    assert_same(everything(loss, *inputs, pos_weight=np.ones(1000, np.float32)), plain)
    value, gradient = value_and_grad(loss, np.array([-120.0]), np.array([1.0]), pos_weight=3)
    assert value == 360
    assert gradient == -3


def test_class_weights_of_one_are_none() -> None:
    """Class weights of 1 change no bit, where a row's shares add up to 1."""
    for classes in (3, 64, 65, 200):
        logits, labels = sample(fl.cross_entropy, 20, np.float32, classes=classes)
        shares = (np.eye(classes)[labels] + np.eye(classes)[labels - 1]) / 2
        for target in (labels, shares.astype(np.float32)):
            expected = everything(fl.cross_entropy, logits, target)
            assert_same(everything(fl.cross_entropy, logits, target, class_weight=np.ones(classes)), expected)


def test_class_weight_of_zero_hides_a_class_whatever_its_logit() -> None:
    """0 times the infinite loss of a masked class is 0."""
    logits = np.array([[2.0, -np.inf]])
    assert fl.cross_entropy(logits, [1], class_weight=[1, 0], reduction="sum") == 0
    assert fl.cross_entropy(logits, [[0.0, 1.0]], class_weight=[1, 0], reduction="sum") == 0


@each_loss
def test_neighbours_do_not_matter(loss: fl.Loss) -> None:
    """An element's or a row's numbers are the same alone and in any company."""
    for classes in (5, 64, 65, 200):
        inputs = sample(loss, 300, np.float32, classes=classes)
        losses, gradient = value_and_grad(loss, *inputs, reduction="none")
        slope, curvature = grad_hess(loss, *inputs)
        for place in (0, 1, 15, 16, 150, 299):
            alone = tuple(array[place : place + 1] for array in inputs)
            assert_same(loss(*alone, reduction="none"), losses[place : place + 1])
            assert_same(value_and_grad(loss, *alone, reduction="none")[1], gradient[place : place + 1])
            assert_same(grad_hess(loss, *alone)[0], slope[place : place + 1])
            assert_same(grad_hess(loss, *alone)[1], curvature[place : place + 1])


@pytest.mark.parametrize("loss", [fl.mse, fl.huber, fl.binary_cross_entropy_with_logits, fl.cross_entropy])
def test_mean_does_not_overflow_with_the_gradient_in_place(loss: fl.Loss) -> None:
    """The sum overflows after the inputs have been overwritten by their gradient: the mean is right all the same."""
    if loss is fl.cross_entropy:
        inputs = [np.tile([0.0, 1.5e308], (8, 1)), np.zeros(8, int)]
    else:
        size = 1.3e154 if loss is fl.mse else 1.5e308
        inputs = [np.full(8, size), np.zeros(8)]
    expected = loss(*inputs)
    assert 1e308 < expected < np.inf
    assert value_and_grad(loss, *inputs, out=inputs[0])[0] == expected


def test_weights_whose_sum_is_beyond_float64_are_an_error() -> None:
    """Not a mean of 0 for weights near the largest number, nor an infinite gradient for weights near the smallest."""
    for weight in (1e308, 1e-310):
        with pytest.raises(OverflowError, match="weights add up"):
            fl.mse([1.0, 2.0], [0.0, 0.0], weight=[weight, weight])
        with pytest.raises(OverflowError, match="weights add up"):
            fl.cross_entropy(np.zeros((2, 3)), [0, 1], class_weight=[weight] * 3)
        with pytest.raises(OverflowError, match="weights add up"):
            fl.linear_cross_entropy(np.zeros((2, 3)), np.zeros((4, 3)), [0, 1], weight=[weight, weight])
        for loss in (fl.token_logprobs, fl.sequence_logprob):
            with pytest.raises(OverflowError, match="weights add up"):
                loss(
                    np.zeros((2, 1, 3)), [[0], [1]], weight=np.full((2, 1) if loss is fl.token_logprobs else 2, weight)
                )


@each_form
def test_weights_that_divide_nothing_add_up_to_anything(loss: fl.Loss, soft: bool) -> None:
    """Their sum is no divisor of a sum, of single losses, of a mean with a denominator: it may overflow, or be tiny."""
    inputs = sample(loss, 4, np.float64, soft)
    for size in (1e308, 2.0**-1060):
        weight = np.full(4, size)
        with np.errstate(over="ignore"):
            expected = size * loss(*inputs, reduction="none")
        assert_same(loss(*inputs, weight=weight, reduction="none"), expected)
        loss(*inputs, weight=weight, reduction="sum")
        loss(*inputs, weight=weight, denominator=4.0)
        value_and_grad(loss, *inputs, weight=weight, reduction="sum")
        grad_hess(loss, *inputs, weight=weight)
