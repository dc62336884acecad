"""Weights of classes and rows, targets, penalties: the published numbers, the limits, what the losses make of them."""

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from fastloss.reference import weights as reference
from mpmath import mp, mpf

import fastloss as fl

from .common import assert_same, layouts, ulps_apart

COUNTS = np.array([900, 100, 0, 1])
BY_COUNT = [fl.inverse_frequency, fl.inverse_sqrt_frequency, fl.effective_number]
each_by_count = pytest.mark.parametrize("function", BY_COUNT)
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 40)
LOGITS = RNG.standard_normal((40, 4))


def test_worked_numbers() -> None:
    """Classes of 900 and 100."""
    counts = [900, 100]
    np.testing.assert_allclose(fl.inverse_frequency(counts), [5 / 9, 5], rtol=1e-15)
    # printed to ten decimals
    np.testing.assert_allclose(fl.inverse_sqrt_frequency(counts), [0.7453559925, 2.2360679775], rtol=0, atol=5e-11)
    np.testing.assert_allclose(fl.effective_number(counts), [0.0016845982, 0.0105033353], rtol=0, atol=5e-11)


@each_by_count
def test_weights_of_counts(function: Callable[..., Any]) -> None:
    """Rare classes weigh more; an absent one nothing, or is an error; means are 1 where asked for; n does not matter to
    the inverse frequency."""
    weights = function(COUNTS)
    assert weights[0] < weights[1] < weights[3]
    assert weights[2] == 0
    assert function(COUNTS, normalize="classes").mean() == pytest.approx(1)
    assert np.average(function(COUNTS, normalize="rows"), weights=COUNTS) == pytest.approx(1)
    with pytest.raises(ValueError, match=r'^counts\[2\] is 0.0, expected more than 0, or absent="zero"'):
        function(COUNTS, absent="raise")
    for layout in layouts(COUNTS):
        assert_same(function(layout), weights)
    assert np.isnan(function([1.0, np.nan])[1])
    assert (function([0, 0]) == 0).all()
    assert (function([0, 0], normalize="rows") == 0).all()


def test_inverse_frequency_is_scikit_learns() -> None:
    """class_weight="balanced", which sees only classes that occur."""
    utilities = pytest.importorskip("sklearn.utils.class_weight")
    theirs = utilities.compute_class_weight("balanced", classes=np.arange(4), y=LABELS)
    np.testing.assert_allclose(fl.inverse_frequency(fl.class_counts(LABELS, 4)), theirs, rtol=1e-15)
    np.testing.assert_allclose(reference.inverse_frequency(np.bincount(LABELS).tolist()), theirs, rtol=1e-15)


@pytest.mark.parametrize("beta", [0.0, 1e-300, 0.5, 0.999, 1 - 1e-9, 1 - 2.0**-53, 1.0])
def test_effective_number_keeps_its_digits(beta: float) -> None:
    """From weight 1 for all to 1 / n, within 4 ULP of the formula at 400 digits."""
    counts = [1, 2, 3.5, 100, 10**6, 10**12]
    with mp.workdps(400):
        exact = np.array([float(w) for w in reference.effective_number([mpf(n) for n in counts], beta=mpf(beta))])
    assert ulps_apart(fl.effective_number(counts, beta=beta), exact) <= 4
    if beta in (0, 1):
        assert_same(fl.effective_number(counts, beta=beta), 1.0 / np.array(counts) ** beta)


def test_pos_weight() -> None:
    """No over yes, label by label, and nothing for a label that is never given."""
    assert fl.pos_weight_from_counts(100, 900) == 9
    assert_same(fl.pos_weight_from_counts([100, 0], [900, 5]), np.array([9.0, 0.0]))
    with pytest.raises(ValueError, match=r"^positive\[1\] is 0.0"):
        fl.pos_weight_from_counts([100, 0], [900, 5], absent="raise")
    with pytest.raises(ValueError, match=r"\(1,\).*\(2,\)"):
        fl.pos_weight_from_counts([1], [1, 2])


def test_weights_of_rows_are_those_of_their_classes() -> None:
    """The mean under sample weights is the mean under class weights, ignored rows and row weights included."""
    target = LABELS.copy()
    target[::7] = -100
    by_class, by_row = np.array([1.0, 3.0, 0.5, 0.0]), RNG.random(40)
    weights = fl.sample_weights_from_classes(target, by_class, weight=by_row)
    mine = fl.cross_entropy(LOGITS, np.where(target < 0, 0, target), weight=weights)
    assert mine == pytest.approx(fl.cross_entropy(LOGITS, target, class_weight=by_class, weight=by_row), rel=1e-14)
    assert_same(fl.sample_weights_from_classes(target.reshape(8, 5), by_class).ravel(),
                fl.sample_weights_from_classes(target, by_class))  # fmt: skip
    assert_same(fl.sample_weights_from_classes(1, by_class), np.array(3.0))


def test_class_counts() -> None:
    """Of every integer dtype, weighted, without the ignored; the counts of nothing are 0."""
    for dtype in (bool, np.int8, np.uint64, ">i4"):
        assert_same(fl.class_counts(np.array([0, 1, 1], dtype), 3), np.array([1.0, 2.0, 0.0]))
    assert_same(fl.class_counts([[0, 1], [1, -1]], 2, weight=[0.5, 2.0], ignore_index=-1), np.array([0.5, 2.5]))
    assert_same(fl.class_counts(np.zeros(0, int), 2), np.zeros(2))


def test_one_hot_costs_what_the_label_costs() -> None:
    """The same but for rounding, and nothing where the label is ignored."""
    target = LABELS.copy()
    target[3] = -100
    hard, hard_grad = fl.cross_entropy.value_and_grad(LOGITS, target, reduction="sum")
    soft, soft_grad = fl.cross_entropy.value_and_grad(LOGITS, fl.one_hot(target, 4), reduction="sum")
    assert ulps_apart(hard, soft) <= 1
    assert ulps_apart(hard_grad, soft_grad) <= 2  # a label's gradient is -(1 - p), a share's p - t
    assert fl.one_hot(1, 3).shape == (3,)
    assert fl.one_hot(np.zeros((2, 0), int), 3).shape == (2, 0, 3)
    assert_same(fl.one_hot(np.array([1], np.uint8), 2, dtype=np.float32), np.array([[0, 1]], np.float32))


def test_smoothed_targets() -> None:
    """The three modes and a prior; each row still adds up to 1; cross_entropy's own smoothing is the uniform one."""
    smoothed = fl.label_smoothing(LABELS, 4)
    np.testing.assert_allclose(fl.label_smoothing(2, 4), [0.025, 0.025, 0.925, 0.025], rtol=1e-15)
    mine, own = fl.cross_entropy(LOGITS, smoothed), fl.cross_entropy(LOGITS, LABELS, label_smoothing=0.1)
    assert mine == pytest.approx(own, rel=1e-14)
    np.testing.assert_allclose(fl.label_smoothing(2, 4, mode="others"), [0.1 / 3, 0.1 / 3, 0.9, 0.1 / 3], rtol=1e-15)
    prior = np.array([0.5, 0.25, 0.25, 0.0])
    np.testing.assert_allclose(fl.label_smoothing(3, 4, mode=prior), [0.05, 0.025, 0.025, 0.9], rtol=1e-15)
    for mode in ("uniform", "others", prior):
        np.testing.assert_allclose(fl.label_smoothing(LABELS, 4, mode=mode, epsilon=0.3).sum(1), 1, rtol=1e-15)
        soft = fl.label_smoothing(fl.one_hot(LABELS, 4), mode=mode)
        assert_same(soft, fl.label_smoothing(LABELS, 4, mode=mode))
        assert (fl.label_smoothing([-100], 4, mode=mode) == 0).all()
    assert_same(fl.label_smoothing(0.0, mode="binary"), np.array(0.05))
    assert_same(fl.label_smoothing(LABELS, 4, epsilon=0), fl.one_hot(LABELS, 4))


def test_smoothing_is_optax_s() -> None:
    """smooth_labels smooths uniformly."""
    optax = pytest.importorskip("optax")
    theirs = np.asarray(optax.losses.smooth_labels(fl.one_hot(LABELS, 4, dtype=np.float32), 0.25))
    np.testing.assert_allclose(fl.label_smoothing(LABELS, 4, epsilon=0.25), theirs, rtol=1e-6)


def test_mixed_targets_cost_the_mixed_losses() -> None:
    """One share for all, or one for each row."""
    other = RNG.permutation(LABELS)
    for share in (0.25, RNG.random(40)):
        mixed = fl.mixup_targets(fl.one_hot(LABELS, 4), fl.one_hot(other, 4), share)
        losses = [fl.cross_entropy(LOGITS, y, reduction="none") for y in (LABELS, other)]
        expected = share * losses[0] + (1 - share) * losses[1]
        np.testing.assert_allclose(fl.cross_entropy(LOGITS, mixed, reduction="none"), expected, rtol=1e-14)


KINDS = ("l2", "l1", "elastic_net", "group_lasso")


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_of_a_penalty_is_its_slope(kind: Any) -> None:
    """By central differences, away from the corners."""
    w, step = RNG.standard_normal((5, 3)), 1e-6
    value, grad = fl.penalty(w, 0.7, kind=kind)
    assert isinstance(value, float)
    for place in np.ndindex(w.shape):
        ends = []
        for sign in (1, -1):
            moved = w.copy()
            moved[place] += sign * step
            ends.append(fl.penalty(moved, 0.7, kind=kind).value)
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(grad[place], abs=1e-8)  # the steps' rounding
    for layout in layouts(w):
        assert fl.penalty(layout, 0.7, kind=kind).value == value
        assert_same(fl.penalty(layout, 0.7, kind=kind).grad, grad)


def test_penalties() -> None:
    """What each is; corners have slope 0; ends of the elastic net are the other two."""
    w = np.array([[3.0, -4.0], [0.0, 0.0]])
    assert fl.penalty(w, 2.0).value == 25
    assert fl.penalty(w, 2.0, kind="l1").value == 14
    assert fl.penalty(w, 2.0, kind="group_lasso").value == 10
    assert fl.penalty(w, 2.0, kind="elastic_net", l1_ratio=0.25).value == 0.75 * 25 + 0.25 * 14
    for kind in KINDS:
        assert (fl.penalty(w, 2.0, kind=kind).grad[1] == 0).all()
        assert fl.penalty(w, 0.0, kind=kind).value == 0
        assert fl.penalty(np.zeros((0, 2)), 1.0, kind=kind).value == 0
        assert fl.penalty(w.astype(ml_dtypes.bfloat16), 1.0, kind=kind).grad.dtype == ml_dtypes.bfloat16
        assert fl.penalty(w.astype(int), 1.0, kind=kind).grad.dtype == np.float64
        assert math.isnan(fl.penalty([[1.0, np.nan]], 1.0, kind=kind).value)
        assert fl.penalty([[1.0, np.inf]], 1.0, kind=kind).value == math.inf
    for ratio, kind in ((0.0, "l2"), (1.0, "l1")):
        mixed, plain = fl.penalty(w, 2.0, kind="elastic_net", l1_ratio=ratio), fl.penalty(w, 2.0, kind=kind)
        assert mixed.value == plain.value
        assert_same(mixed.grad, plain.grad)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_a_norm_is_scale_free(scale: float) -> None:
    """Squares would leave the range of a float64."""
    value, grad = fl.penalty([[3 * scale, -4 * scale]], 1.0, kind="group_lasso")
    assert value == pytest.approx(5 * scale, rel=1e-15)
    np.testing.assert_allclose(grad, [[0.6, -0.8]], rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fl.inverse_frequency([1, -1]), ValueError, r"^counts\[1\] is -1, expected a value in \[0, inf\)"),
        (lambda: fl.inverse_frequency([[1]]), ValueError, r"^counts has shape \(1, 1\)"),
        (lambda: fl.inverse_frequency([]), ValueError, r"^counts has shape \(0,\)"),
        (lambda: fl.inverse_frequency([1], normalize="mean"), ValueError, "^normalize must be"),
        (lambda: fl.inverse_frequency([1], absent="keep"), ValueError, "^absent must be"),
        (lambda: fl.inverse_sqrt_frequency(["a"]), TypeError, "^counts must hold real numbers"),
        (lambda: fl.effective_number([1], beta=1.5), ValueError, r"^beta must be in \[0, 1\]"),
        (lambda: fl.class_counts([0, 3], 3), IndexError, r"^target\[1\] is 3, expected a class in \[0, 3\) or ignore"),
        (lambda: fl.class_counts([0.0], 3), TypeError, "^target holds class labels, which must be integers"),
        (lambda: fl.class_counts([0], 0), ValueError, "^classes must be at least 1"),
        (lambda: fl.class_counts([0], 1, weight=[-1.0]), ValueError, r"^weight\[0\] is -1.0"),
        (lambda: fl.sample_weights_from_classes([2], [1, 1]), IndexError, r"^target\[0\] is 2"),
        (lambda: fl.sample_weights_from_classes([0], [1, -1]), ValueError, r"^class_weight\[1\] is -1"),
        (lambda: fl.sample_weights_from_classes([0], 1.0), ValueError, r"^class_weight has shape \(\)"),
        (lambda: fl.one_hot([[0, 1], [-2, 0]], 2), IndexError, r"^target\[1, 0\] is -2"),
        (lambda: fl.one_hot(np.array([2**63], np.uint64), 2), IndexError, r"^target\[0\] is 9223372036854775808"),
        (lambda: fl.label_smoothing([0], 2, epsilon=2), ValueError, r"^epsilon must be in"),
        (lambda: fl.label_smoothing([0], 2, mode="all"), ValueError, "^mode must be"),
        (lambda: fl.label_smoothing([0], 2, mode=[1.0]), ValueError, r"^mode, a prior, has shape \(1,\)"),
        (lambda: fl.label_smoothing([0], 1, mode="others"), ValueError, "two classes"),
        (lambda: fl.label_smoothing([0], 2, mode="binary"), ValueError, "leave classes out"),
        (lambda: fl.label_smoothing([2, 0]), ValueError, r"^target\[0\] is 2, expected a value in \[0, 1\]"),
        (lambda: fl.label_smoothing(1.0), ValueError, "^target is a scalar"),
        (lambda: fl.mixup_targets([[1.0, 0]], [[1.0]], 0.5), ValueError, r"\(1, 2\).*\(1, 1\)"),
        (lambda: fl.mixup_targets([[1.0, 0]], [[1.0, 0]], [0.5, 2]), ValueError, r"^share\[1\] is 2.0"),
        (lambda: fl.penalty([1.0], 1.0, kind="l3"), ValueError, "^kind must be"),
        (lambda: fl.penalty([1.0], -1.0), ValueError, "^strength must be"),
        (lambda: fl.penalty(1.0, 1.0, kind="group_lasso"), ValueError, "^parameters is a scalar"),
        (lambda: fl.penalty(["a"], 1.0), TypeError, "^parameters must hold real numbers"),
    ],
)  # fmt: skip
def test_errors_name_the_argument_and_what_was_expected(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    """And the first bad position with its value."""
    with pytest.raises(error, match=message):
        call()
