"""Yes or no: what the binary losses owe each other, and numbers that other libraries lose."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl

from .common import assert_same, everything, ulps_apart
from .inputs import Case
from .oracle import derivative, exact, tolerances, ulp_errors

BCE = fl.binary_cross_entropy_with_logits
SCORES = np.array([0, 1e-8, 0.1, 1, 3, 20, 37, 40, 88, 104, 300, 700, 745, 1e3, 1e30])
SCORES = np.concatenate([SCORES, -SCORES])
FOCAL = [
    (fl.focal, {}),
    (fl.focal, {"gamma": 0.5, "alpha": 0.5}),
    (fl.focal, {"gamma": 10.1}),
    (fl.quality_focal, {}),
    (fl.quality_focal, {"beta": 0.5}),
]
each_focal = pytest.mark.parametrize(("loss", "words"), FOCAL, ids=lambda x: getattr(x, "name", str(x)))
each_dtype = pytest.mark.parametrize("dtype", [np.dtype(name) for name in ("float16", "float32", "float64")], ids=str)


def scores(dtype: np.dtype) -> np.ndarray:
    """Those that the dtype can hold."""
    return SCORES[abs(SCORES) <= float(ml_dtypes.finfo(dtype).max)].astype(dtype)


def within_4_ulp(loss: fl.Loss, inputs: tuple[np.ndarray, ...], words: dict[str, Any]) -> None:
    """Value, gradient and Hessian against the reference; where given terms cancel, in ULPs of the largest."""
    truth = exact(loss, Case("", inputs, words))
    slope, curvature = loss.grad_hess(*inputs, **words)
    losses = loss(*inputs, **words, reduction="none")
    parts = [("", losses, truth.value), ("_grad", slope, truth.grad), ("_hess", curvature, truth.hess)]
    for ending, found, true in parts:
        allowed = tolerances(true, truth.largest_terms(ending)[0], found.dtype)
        assert (ulp_errors(found, true) <= allowed).all(), ending


def test_probability_of_an_answer_is_not_clamped() -> None:
    """What was called impossible and happens costs inf. torch stops at 100, with a gradient of -1e12 instead of -1e60,
    scikit-learn at 36: value and gradient are then those of two different losses."""
    p = np.array([1e-60, 0.0, 0.0, 1.0, 1.0])
    t = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    losses, slope = fl.binary_cross_entropy.value_and_grad(p, t, reduction="none")
    assert_same(losses, np.array([138.15510557964274, math.inf, 0, 0, math.inf]))
    assert_same(slope, np.array([-1e60, -math.inf, 1, -1, math.inf]))
    for smoothing in (0.5, 1.0):  # a smoothed target never rules an answer out
        words = {"label_smoothing": smoothing, "reduction": "none"}
        losses, slope = fl.binary_cross_entropy.value_and_grad(p[1:], t[1:], **words)
        assert (losses == math.inf).all()
        assert_same(slope, np.array([-math.inf, -math.inf, math.inf, math.inf]))


def test_smoothed_target_is_met_exactly() -> None:
    """Where the probability is the smoothed target the gradient is 0, and next to it still has all its digits."""
    p = 0.9 + np.arange(-8, 9) * 2.0**-53
    within_4_ulp(fl.binary_cross_entropy, (p, np.ones(17)), {"label_smoothing": 0.2})
    assert not fl.binary_cross_entropy.value_and_grad([0.75, 0.25, 0.5], [1, 0, 0.5], label_smoothing=0.5)[1].any()


def test_probabilities_and_logits_are_one_loss() -> None:
    """BCE(sigma(x)) = BCE with logits of x, as far as sigma(x) says how far it is from 0 and 1."""
    x = np.linspace(-700, 5, 3000)
    for t in (0.0, 0.25, 1.0):
        e = np.exp(-abs(x))
        p = np.where(x < 0, e, 1) / (1 + e)
        losses = fl.binary_cross_entropy(p, np.full(x.shape, t), reduction="none")
        np.testing.assert_allclose(losses, BCE(x, np.full(x.shape, t), reduction="none"), rtol=1e-13)


def test_focal_tail_numbers() -> None:
    """A confident, right answer has a loss of 1e-53 and a curvature of 1e-52; boosting packages get NaN there after
    some rounds."""
    expected = [
        (40, 2.0, 7.66764807372e-53, -2.30029442212e-52, 6.90088326635e-52),
        (-40, 2.0, 40.0, -1.0, -3.18626569147e-16),
        (100, 0.5, 7.17509597316e-66, -1.07626439597e-65, 1.61439659396e-65),
        (0, 2.0, 0.17328679514, -0.29828679514, 0.39914339757),
    ]
    for x, gamma, *numbers in expected:
        value, slope = fl.focal.value_and_grad(float(x), 1, gamma=gamma)
        curvature = fl.focal.grad_hess(float(x), 1, gamma=gamma)[1]
        np.testing.assert_allclose([value, float(slope), float(curvature)], numbers, rtol=1e-11)


@each_dtype
@pytest.mark.parametrize(("loss", "word"), [(fl.focal, "gamma"), (fl.quality_focal, "beta")], ids=["focal", "quality"])
def test_focal_without_its_power_is_cross_entropy(loss: fl.Loss, word: str, dtype: np.dtype) -> None:
    """Bitwise, soft targets and infinite scores included."""
    grid = np.meshgrid([*scores(dtype), np.inf, -np.inf], [0, 0.3, 0.5, 1])
    x, t = (values.ravel().astype(dtype) for values in grid)
    assert_same(everything(loss, x, t, **{word: 0}), everything(BCE, x, t))


@each_dtype
@each_focal
def test_focal_losses_are_bitwise_symmetric(loss: fl.Loss, words: dict[str, Any], dtype: np.dtype) -> None:
    """A yes at x and a no at -x are the same: losses equal, gradients opposite, Hessian even."""
    x = scores(dtype)
    for yes in (1.0, 0.75, 0.5):
        t = np.full(x.shape, yes, dtype)
        there, back = everything(loss, x, t, **words), everything(loss, -x, 1 - t, **words)
        for name in ("losses", "Hessian"):
            assert_same(there[name], back[name], name)
        zero = np.zeros(1, dtype)  # which has two signs
        assert_same(there["gradient of the sum"] + zero, zero - back["gradient of the sum"])


@each_dtype
@pytest.mark.parametrize("gamma", [0.5, 2.0, 10.1])
def test_focal_losses_agree_on_hard_labels(gamma: float, dtype: np.dtype) -> None:
    """quality_focal and the asymmetric loss without its asymmetry are focal there."""
    x = np.append(scores(dtype), np.linspace(-10, 10, 100).astype(dtype))
    for label in (0.0, 1.0):
        t = np.full(x.shape, label, dtype)
        focal = everything(fl.focal, x, t, gamma=gamma)
        quality = everything(fl.quality_focal, x, t, beta=gamma)
        asymmetric = everything(fl.asymmetric, x, t, gamma_pos=gamma, gamma_neg=gamma, clip=0)
        for name in ("losses", "gradient of the sum", "Hessian"):
            assert ulps_apart(quality[name], focal[name]) <= 4
            assert ulps_apart(asymmetric[name], focal[name]) <= 4


def test_infinite_scores_take_their_limit() -> None:
    """Certain and right costs nothing, certain and wrong everything; nothing bends there."""
    inf = math.inf
    x, t = np.array([inf, -inf, -inf, inf, inf, -inf]), np.array([1, 0, 1, 0, 0.5, 0.5])
    for loss in (fl.focal, fl.varifocal, fl.quality_focal, fl.asymmetric):
        losses = loss(x, t, reduction="none")
        slope, curvature = loss.grad_hess(x, t)
        assert_same(losses[:3], np.array([0, 0, inf]))
        assert_same(slope[:3] + 0, np.array([0.0, 0, -1]))
        assert not curvature.any()
        if loss is fl.asymmetric:  # a no costs at most -log(clip)
            assert losses[3] == pytest.approx(0.95**4 * math.log(20))
            assert slope[3] == 0
        else:
            assert losses[3] == inf
            assert slope[3] == (0.75 if loss is fl.varifocal else 1)
        assert (losses[4:] > (0 if loss is fl.asymmetric else 1e308)).all()
    assert fl.focal(inf, 0.0, alpha=1.0) == 0  # a weight of 0 is no matter of limits
    assert fl.asymmetric(inf, 0.0, clip=0.0) == inf


@pytest.mark.parametrize("gamma", [0.1, 0.5, 2.0, 10.1])
def test_focal_curvature_changes_its_sign_without_losing_digits(gamma: float) -> None:
    """A hard label's Hessian passes through 0 where the answer is wrong: a thousandth beside it, it is within 4 ULP."""
    low, high = -200.0, 0.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if fl.focal.grad_hess(middle, 1.0, gamma=gamma)[1] < 0 else (low, middle)
    steps = np.exp2(-np.arange(2.0, 60.0))
    x = np.concatenate([low * (1 + steps), low * (1 - steps)])
    within_4_ulp(fl.focal, (x, np.ones_like(x)), {"gamma": gamma})
    within_4_ulp(fl.quality_focal, (x, np.ones_like(x)), {"beta": gamma})
    within_4_ulp(fl.asymmetric, (x, np.ones_like(x)), {"gamma_pos": gamma})
    within_4_ulp(fl.asymmetric, (-x, np.zeros_like(x)), {"gamma_neg": gamma, "clip": 0.0})


@pytest.mark.parametrize("beta", [0.5, 1.0, 1.5, 2.0, 3.0])
def test_quality_that_is_met_costs_nothing(beta: float) -> None:
    """sigma(0) is 1/2: loss and gradient are 0 there, and around it everything has its digits."""
    value, slope = fl.quality_focal.value_and_grad(0.0, 0.5, beta=beta)
    assert value == 0
    assert slope == 0
    curvature = float(fl.quality_focal.grad_hess(0.0, 0.5, beta=beta)[1])
    assert curvature == pytest.approx(derivative(fl.quality_focal, "_hess")(0.0, 0.5, beta=beta))
    x = np.exp2(np.arange(-100.0, 0.0))
    within_4_ulp(fl.quality_focal, (np.append(x, -x), np.full(200, 0.5)), {"beta": beta})
    within_4_ulp(fl.quality_focal, (math.log(3) * (1 + np.append(x, -x)), np.full(200, 0.75)), {"beta": beta})


@pytest.mark.parametrize("clip", [0.5, 0.05, 1e-5, 0.9])
def test_clipped_no_keeps_its_digits_at_the_kink(clip: float) -> None:
    """p - clip has none left where p = clip; the loss is a power of it, and within 4 ULP all the same."""
    kink = math.log(clip / (1 - clip))
    steps = np.exp2(np.arange(-60.0, 2.0))
    x = np.append(kink + steps, kink - steps)
    for gamma in (0.0, 0.5, 4.0):
        within_4_ulp(fl.asymmetric, (x, np.zeros_like(x)), {"clip": clip, "gamma_neg": gamma})


def test_huge_logit_of_a_tiny_share_is_weighed_once() -> None:
    """m^gamma underflows and -log p is huge: their product is a number."""
    x, t = np.array([-1e258, -1e300, -1e30]), np.array([1e-73, 1e-100, 1e-60])
    for gamma in (2.0, 5.0):
        within_4_ulp(fl.focal, (x, t), {"gamma": gamma})
        within_4_ulp(fl.focal, (x, t), {"gamma": gamma, "alpha": 1.0})
        within_4_ulp(fl.quality_focal, (x, t), {"beta": gamma})
    within_4_ulp(fl.focal, (-np.array([1e100, 1e300]), np.full(2, 1e-118)), {"alpha": 1.0})  # alpha t m^gamma


def test_curvature_of_a_wrong_answer_keeps_its_digits() -> None:
    """e^-|x|, to which it is proportional, is denormal from 708 on, and multiplied by |x|: the curvature is not."""
    a = np.linspace(590, 760, 69)
    for x, sides in ((-a, (1.0, 0.5, 1e-5)), (a, (0.0, 0.5, 1 - 1e-5))):
        for t in sides:
            inputs = (x, np.full(x.shape, t))
            for gamma in (0.5, 2.0, 10.1):
                within_4_ulp(fl.focal, inputs, {"gamma": gamma})
                within_4_ulp(fl.quality_focal, inputs, {"beta": gamma})
            for clip in (0.0, 0.001, 0.05):
                within_4_ulp(fl.asymmetric, inputs, {"clip": clip, "gamma_neg": 2.0})


def test_soft_cross_entropy_is_label_smoothing() -> None:
    """smooth_factor takes from a yes what label_smoothing takes half of; the pixels of -100 are not there."""
    x = np.linspace(-20, 20, 100)
    t = np.tile([0, 1, 0.5, 1, 0], 20)
    words = {"pos_weight": 3.0}
    expected = everything(BCE, x, t, label_smoothing=0.25, **words)
    assert_same(everything(fl.soft_binary_cross_entropy, x, t, smooth_factor=0.125, **words), expected)
    value, slope = fl.soft_binary_cross_entropy.value_and_grad(np.append(x, np.nan), np.append(t, -100))
    assert value == BCE(x, t)
    assert_same(slope[:-1], BCE.value_and_grad(x, t)[1])
    assert slope[-1] == 0


def test_varifocal_of_minus_zero_is_zero() -> None:
    """A loss that cannot be negative is not -0 either."""
    assert not np.signbit(fl.varifocal([-1e30], [-0.0], reduction="none"))[0]
