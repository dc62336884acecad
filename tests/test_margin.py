"""Margin losses: what holds between them, and at the far ends where other libraries overflow."""

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.arrays import SIGNS, Interval

from .common import POINTWISE, assert_same, everything, named, ulps_apart
from .inputs import numbers, seeded

MARGINS = [loss for loss in POINTWISE if loss.family == "margin" and loss.domain.get("target") == SIGNS]
each_margin = pytest.mark.parametrize("loss", MARGINS, ids=named)
each_float = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def scores(dtype: Any, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Scores over the whole range of a dtype, and signs."""
    rng = seeded("scores", str(dtype))
    return numbers(rng, n, Interval(), np.dtype(dtype)), rng.choice([-1, 1], n).astype(dtype)


@each_float
def test_surrogates_lie_above_the_zero_one_loss(dtype: Any) -> None:
    """What hinge, exponential and the logistic loss in units of log(2) push down is never below the share of errors."""
    pred, target = scores(dtype)
    pred[:2] = 0.0, -0.0
    errors = fl.zero_one(pred, target, reduction="none")
    assert set(errors) == {0, 1}
    for loss in (fl.hinge, fl.squared_hinge, fl.modified_huber, fl.ramp, fl.exponential):
        assert (loss(pred, target, reduction="none") >= errors).all()
    assert (fl.soft_margin(pred, target, reduction="none") >= dtype(math.log(2)) * errors).all()


@pytest.mark.parametrize("loss", [loss for loss in MARGINS if loss is not fl.hinge_embedding], ids=named)
@each_float
def test_margin_is_all_that_matters(loss: fl.Loss, dtype: Any) -> None:
    """A score against -1 is its negative against 1: the same loss and Hessian, the opposite gradient, bitwise."""
    pred, target = scores(dtype)
    there, back = everything(loss, pred, target), everything(loss, target * pred, np.ones_like(target))
    for name in ("losses", "Hessian"):
        assert_same(there[name], back[name], name)
    zero = np.zeros(1, dtype)  # which has two signs
    assert_same(there["gradient of the sum"] + zero, target * back["gradient of the sum"] + zero)


@each_float
def test_soft_margin_is_binary_cross_entropy(dtype: Any) -> None:
    """Of labels instead of signs: to an ULP in each result."""
    pred, target = scores(dtype)
    binary = everything(fl.binary_cross_entropy_with_logits, pred, (target + 1) / 2)
    for name, found in everything(fl.soft_margin, pred, target).items():
        assert ulps_apart(found, binary[name]) <= 1, name


def test_soft_margin_never_overflows() -> None:
    """torch's log(1 + exp(-m)) is inf from m = -88 on, its gradient NaN, and 0 where a sure, right score has a tail."""
    score = np.array([-100, -1e30, 20], np.float32)
    losses, gradient = fl.soft_margin.value_and_grad(score, 1, reduction="none")
    expected = np.array([100, 1e30, 2.0611537e-09], np.float32)
    assert ulps_apart(losses, expected) <= 1
    assert ulps_apart(gradient, np.array([-1, -1, -2.0611537e-09], np.float32)) <= 1
    score = np.array([-800.0, -1e308, 40])
    assert ulps_apart(fl.soft_margin(score, 1, reduction="none"), [800, 1e308, 4.248354255291589e-18]) <= 1


def test_exponential_overflows_to_inf_and_not_to_nan() -> None:
    """Loss and Hessian inf, gradient inf with the sign of the way out; of float32 scores the mean may be a number."""
    for dtype, score in ((np.float32, 89), (np.float64, 710), (np.float64, 1e308), (np.float64, math.inf)):
        pred = np.array([-score, score], dtype)
        found = everything(fl.exponential, pred, np.array([1, -1], dtype))
        assert (found["losses"] == math.inf).all()
        assert (found["Hessian"] == math.inf).all()
        assert_same(found["gradient of the sum"], np.array([-math.inf, math.inf], dtype))
    # float32 losses are good to a thousandth of its ulp
    expected = (math.exp(100) + 1) / 2
    assert fl.exponential(np.array([-100, 0], np.float32), 1) == pytest.approx(expected, rel=2**-34)


@each_float
def test_relatives(dtype: Any) -> None:
    """One loss under two names, bitwise: no margin, and labels instead of signs."""
    pred, target = scores(dtype)
    assert_same(everything(fl.perceptron, pred, target), everything(fl.hinge, pred, target, margin=0))
    labels, quarter = (target + 1) / 2, np.full_like(pred, 0.25)
    fits = abs(pred) < np.finfo(dtype).max / 4  # then 4 m does not overflow
    ours = fl.sparsemax_binary.value_and_grad(pred, labels, weight=fits, reduction="none")
    huber = fl.modified_huber.value_and_grad(pred, target, weight=quarter * fits, reduction="none")
    for found, expected in zip(ours, huber, strict=True):
        assert_same(found, expected)


@each_margin
def test_labels_are_no_signs(loss: fl.Loss) -> None:
    """0 and 1, as most data has it, would silently be another problem: the message says how to make signs."""
    labels = np.array([1, 1, 0, 1])
    for wrong in (labels, labels.astype(np.float32), labels.astype(bool)):
        for call in (loss, loss.value_and_grad, loss.grad_hess):
            with pytest.raises(ValueError, match=r"^target\[2\] is (0|0.0|False), .*2 \* target - 1"):
                call(np.zeros(4, np.float32), wrong)
    assert loss(np.zeros(4, np.float32), 2 * labels - 1) == loss(np.zeros(4, np.float32), [1, 1, -1, 1])
