"""What the regression losses promise each other: identities, symmetries, and residuals that a double cannot hold."""

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.arrays import Interval

from .common import assert_same, everything, ulps_apart
from .inputs import Case, numbers, seeded
from .oracle import exact, ulp_errors

DTYPES = (np.float32, np.float64)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])


def pairs(dtype: Any, n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and targets over the whole range, some of them equal."""
    pred, target = (numbers(seeded("pairs", k), n, Interval(), np.dtype(dtype)) for k in (0, 1))
    pred[::10] = target[::10]
    return pred, target


def check(loss: fl.Loss, *columns: Any, **words: Any) -> None:
    """Value, gradients and Hessians within 4 ULP of the reference."""
    case = Case("", tuple(np.array(column, float) for column in columns), words)
    truth = exact(loss, case)
    gradient, hessian = loss.grad_hess(*case.inputs, **words)
    assert ulp_errors(loss(*case.inputs, **words, reduction="none"), truth.value).max() <= 4
    assert ulp_errors(gradient, truth.grad).max() <= 4
    assert ulp_errors(hessian, truth.hess).max() <= 4


# ---- one loss is another ----


@each_dtype
@pytest.mark.parametrize("beta", [2.0**-20, 0.25, 1.0, 8.0])
def test_smooth_l1_times_beta_is_huber(beta: float, dtype: Any) -> None:
    """Bitwise, for a beta that is a power of two: smooth_l1 divides by it."""
    pred, target = pairs(dtype)
    smooth, huber = everything(fl.smooth_l1, pred, target, beta=beta), everything(fl.huber, pred, target, delta=beta)
    with np.errstate(over="ignore"):  # huber may be smaller by a factor that is not there in a denormal
        fits = (huber["losses"] > 1e-30) & (huber["losses"] < 1e30)
        assert_same((smooth["losses"] * dtype(beta))[fits], huber["losses"][fits])
    slopes = abs(huber["gradient of the sum"]) > 1e-30
    assert_same((smooth["gradient of the sum"] * dtype(beta))[slopes], huber["gradient of the sum"][slopes])
    assert_same(smooth["Hessian"] * dtype(beta), huber["Hessian"])


@each_dtype
def test_smooth_l1_between_absolute_error_and_nothing(dtype: Any) -> None:
    """beta = 0 is the absolute error, bitwise, with slope 0 where it is right; beta = inf is 0."""
    pred, target = pairs(dtype)
    assert_same(everything(fl.smooth_l1, pred, target, beta=0), everything(fl.mae, pred, target))
    for result in everything(fl.smooth_l1, pred, target, beta=math.inf).values():
        assert not result.any()
    with pytest.raises(ValueError, match="beta"):
        fl.smooth_l1(pred, target, beta=-1e-300)


@each_dtype
def test_half_squared_error_is_half_the_squared_error(dtype: Any) -> None:
    """And Huber's loss without a limit, and the expectile loss of 1/2: bitwise."""
    pred, target = pairs(dtype)
    half = everything(fl.half_squared_error, pred, target)
    assert_same(half, everything(fl.huber, pred, target, delta=math.inf))
    assert_same(half, everything(fl.expectile, pred, target, tau=0.5))
    with np.errstate(over="ignore"):
        assert_same(2 * half["gradient of the sum"], everything(fl.mse, pred, target)["gradient of the sum"])
    moderate = abs(pred.astype(float) - target) < 1e15
    moderate &= abs(pred.astype(float) - target) > 1e-15
    squared = fl.mse(pred[moderate], target[moderate], reduction="none")
    assert_same(2 * half["losses"][moderate], squared)


@each_dtype
def test_twice_the_median_loss_is_the_absolute_error(dtype: Any) -> None:
    """quantile of tau = 1/2: bitwise, but for denormal halves; its slope at the kink is 0."""
    pred, target = pairs(dtype)
    half, full = everything(fl.quantile, pred, target, tau=0.5), everything(fl.mae, pred, target)
    normal = (full["losses"] > 4 * np.finfo(dtype).tiny) | (full["losses"] == 0)
    with np.errstate(over="ignore"):
        assert_same((2 * half["losses"])[normal], full["losses"][normal])
    assert_same(2 * half["gradient of the sum"], full["gradient of the sum"])


def test_quantile_at_its_kink_has_the_mean_of_both_slopes() -> None:
    """1/2 - tau; other libraries give -tau or 1 - tau there."""
    for tau in (0.1, 0.5, 0.75):
        assert fl.quantile.grad_hess([3.0], [3.0], tau=tau)[0] == 0.5 - tau


@each_dtype
def test_several_quantiles_are_one_after_the_other(dtype: Any) -> None:
    """Each place of the last axis has its tau, and the targets are not repeated in memory. float32 numbers of tau keep
    a float32 loss, and what 1 - tau leaves of others is not rounded to float32."""
    rng = seeded("quantiles")
    pred, target = rng.standard_normal((50, 20, 3)).astype(dtype), rng.standard_normal((50, 20)).astype(dtype)
    taus = [0.1, 0.5, 0.9999]
    losses, gradient = fl.quantile.value_and_grad(pred, target, tau=taus, reduction="none")
    assert losses.dtype == np.float64
    assert gradient.dtype == dtype
    for k, tau in enumerate(taus):
        value, slope = fl.quantile.value_and_grad(pred[..., k], target, tau=tau, reduction="none")
        assert_same(losses[..., k].astype(dtype), value)
        assert_same(gradient[..., k], slope)
    assert ulps_apart(fl.quantile(pred, target, tau=taus), losses.mean()) <= 64
    assert fl.quantile(pred, target, tau=np.array(taus, dtype), reduction="none").dtype == dtype
    repeated = np.repeat(target[..., np.newaxis], 3, axis=-1)
    assert_same(fl.quantile(pred, repeated, tau=taus, reduction="none"), losses)


def test_bad_levels_are_named() -> None:
    pred = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"tau\[1\] is 1.0, expected"):
        fl.quantile(pred, np.zeros(4), tau=[0.5, 1.0])
    for tau in ([0.1, 0.2, 0.3], [[0.1, 0.2]]):
        with pytest.raises(ValueError, match=r"pred \(4, 2\): tau must be a number, or one for each"):
            fl.quantile(pred, np.zeros(4), tau=tau)
    with pytest.raises(ValueError, match=r"target \(3,\)"):
        fl.quantile(pred, np.zeros(3), tau=[0.1, 0.9])


@each_dtype
def test_quantile_huber_without_a_parabola_is_quantile(dtype: Any) -> None:
    """kappa = 0: bitwise, but for the slope at the corner, which is 0 there; a tiny kappa comes close."""
    pred, target = pairs(dtype)
    wrong = pred != target
    for tau in (0.25, 0.9):
        plain = everything(fl.quantile, pred[wrong], target[wrong], tau=tau)
        assert_same(everything(fl.quantile_huber, pred[wrong], target[wrong], tau=tau, kappa=0), plain)
        assert not fl.quantile_huber.grad_hess(pred[~wrong], target[~wrong], tau=tau, kappa=0)[0].any()
        far = (abs(pred) < 1e30) & (abs(pred - target) > 1e-10)
        near = fl.quantile_huber(pred[far], target[far], tau=tau, kappa=1e-30, reduction="none")
        assert ulps_apart(near, fl.quantile(pred[far], target[far], tau=tau, reduction="none")) <= 4


@each_dtype
def test_epsilon_insensitive_with_nothing_free(dtype: Any) -> None:
    """epsilon = 0: the absolute and the squared error, bitwise but for a Hessian that is 0 at r = 0."""
    pred, target = pairs(dtype)
    assert_same(everything(fl.epsilon_insensitive, pred, target, epsilon=0), everything(fl.mae, pred, target))
    squared, plain = (
        everything(fl.squared_epsilon_insensitive, pred, target, epsilon=0),
        everything(fl.mse, pred, target),
    )
    for name in ("losses", "mean", "gradient of the sum"):
        assert_same(squared[name], plain[name], name)
    assert_same(squared["Hessian"], np.where(pred == target, 0, plain["Hessian"]).astype(dtype))


@pytest.mark.parametrize("alpha", [0.05, 0.5, 0.9])
def test_interval_score_is_two_quantile_losses(alpha: float) -> None:
    """2 / alpha times those of its ends; also where they cross, so that the score never is negative."""
    rng = seeded("interval", alpha)
    lower, upper, target = rng.standard_normal((3, 1000))
    score, slopes = fl.interval_score.value_and_grad(lower, upper, target, alpha=alpha, reduction="none")
    parts = [
        fl.quantile.value_and_grad(end, target, tau=tau, reduction="none")
        for end, tau in ((lower, alpha / 2), (upper, 1 - alpha / 2))
    ]
    np.testing.assert_allclose(score, 2 / alpha * (parts[0][0] + parts[1][0]), rtol=1e-14)
    np.testing.assert_allclose(slopes.lower, 2 / alpha * parts[0][1], rtol=1e-14)
    np.testing.assert_allclose(slopes.upper, 2 / alpha * parts[1][1], rtol=1e-14)
    assert (score >= 0).all()


# ---- symmetries ----


@each_dtype
@pytest.mark.parametrize(
    "loss",
    [fl.half_squared_error, fl.smooth_l1, fl.epsilon_insensitive, fl.squared_epsilon_insensitive, fl.smape, fl.mape],
    ids=lambda loss: loss.name,
)
def test_mirrored_residuals_cost_the_same(loss: fl.Loss, dtype: Any) -> None:
    """Both signs turned round: bitwise the same loss, the opposite slope, the same curvature."""
    pred, target = pairs(dtype)
    there, back = everything(loss, pred, target), everything(loss, -pred, -target)
    assert_same(there["losses"], back["losses"])
    assert_same(there["gradient of the sum"] + 0, 0 - back["gradient of the sum"])
    assert_same(there["Hessian"] + 0, back["Hessian"] + 0)


@each_dtype
def test_symmetric_in_prediction_and_target(dtype: Any) -> None:
    """smape and msle know no difference between the two: bitwise."""
    pred, target = pairs(dtype)
    for loss, x, y in ((fl.smape, pred, target), (fl.msle, abs(pred), abs(target))):
        assert_same(loss(x, y, reduction="none"), loss(y, x, reduction="none"))


@each_dtype
def test_linex_with_the_opposite_a_is_mirrored(dtype: Any) -> None:
    """a = -2 is a = 2 with the sides exchanged: bitwise. a = 0 is refused: nothing would be learnt."""
    pred, target = pairs(dtype)
    there, back = everything(fl.linex, pred, target, a=2), everything(fl.linex, -pred, -target, a=-2)
    for name, sign in (("losses", 1), ("mean", 1), ("gradient of the sum", -1), ("Hessian", 1)):
        assert_same(there[name] + 0, sign * back[name] + 0, name)
    with pytest.raises(ValueError, match="a must not be 0"):
        fl.linex(pred, target, a=0)


# ---- hard places that no random number hits ----


def test_residual_that_overflows() -> None:
    """pred - target is beyond the largest double; what is to be made of it is not."""
    pred, target = [1.5e308, -1.5e308, 1.7e308], [-1.5e308, 1.5e308, -1e300]
    for loss, words in (
        (fl.quantile, {"tau": 0.25}),
        (fl.quantile_huber, {"tau": 0.25}),
        (fl.quantile_huber, {"tau": 0.25, "kappa": 1.5e308}),
        (fl.quantile_huber, {"tau": 0.25, "kappa": math.inf}),
        (fl.expectile, {"tau": 0.25}),
        (fl.smooth_l1, {"beta": math.inf}),
        (fl.mape, {}),
        (fl.mape, {"scale": 0.01, "eps": 1e-3}),
        (fl.smape, {}),
        (fl.linex, {"a": 1e-307}),
        (fl.linex, {"b": 0.1, "a": 1.0}),
    ):
        check(loss, pred, target, **words)


def test_residual_beside_epsilon_is_not_rounded() -> None:
    """Whether an element counts is decided by the exact residual, not by the rounded one."""
    pred, target = [0.5, 0.5, -0.5, 1.0, 1.0], [-1e-20, 1e-20, 1e-20, 0.5 - 2.0**-54, 0.5]
    for loss in (fl.epsilon_insensitive, fl.squared_epsilon_insensitive):
        check(loss, pred, target, epsilon=0.5)
    assert_same(fl.epsilon_insensitive(pred, target, epsilon=0.5, reduction="none") > 0, np.array([1, 0, 1, 1, 0]) > 0)


def test_msle_keeps_its_digits_everywhere() -> None:
    """Beside its target, where its curvature changes sign, and where the quotient of both overflows."""
    beside_e = [np.e - 1, np.nextafter(np.e - 1, 3), 5 * np.e - 1, 328.0744864456486, 1e300 * np.e]
    check(fl.msle, beside_e, [0.0, 0.0, 4.0, 120.05973817740457, 1e300])
    check(fl.msle, [1e-20, 1 + 2.0**-52, 1e15 + 0.125, -1 + 2.0**-53], [0.0, 1.0, 1e15, -1 + 2.0**-52])
    check(fl.msle, [1.7e308, -1 + 2.0**-53, 6.1e301, 1.7e308, 3.8e268], [-1 + 2.0**-53, 1.7e308, 1.6, 1e300, 9.9e281])


def test_adaptive_wing_rounds_its_curvature_rarely() -> None:
    """Eight factors in a row, each rounded, would be half an ULP off each."""
    rng = seeded("adaptive_wing")
    target = rng.random(2000)
    pred = target + rng.choice([-1, 1], 2000) * 10 ** rng.uniform(-8, -0.31, 2000)
    for omega in (14.0, 1e-30):
        check(fl.adaptive_wing, pred, target, omega=omega)


def test_mape_neither_overflows_nor_underflows_on_the_way() -> None:
    """Its factor and its quotient may leave the range of a double in opposite directions."""
    pred, target = [3e307, 1e-310, 1e-320, 5e-324, 1.7e308], [1e307, 1e300, 3e-320, 0.0, 5e-324]
    for words in ({}, {"scale": 1e-20, "eps": 1e-20}, {"scale": 1e20, "eps": 1e-300}):
        check(fl.mape, pred, target, **words)


def test_smape_beside_an_infinity_is_2() -> None:
    """Its limit; the slope is 0."""
    losses, slope = fl.smape.value_and_grad([math.inf, 3.0, math.inf], [1.0, -math.inf, -math.inf], reduction="none")
    assert_same(losses, np.full(3, 2.0))
    assert not slope.any()
