"""Counts and amounts: what their likelihoods owe each other, and numbers that other libraries lose."""

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .common import assert_same, everything, ulps_apart
from .inputs import numbers, seeded

each_float = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def pairs(dtype: Any, low: float = 0.01, n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of means over the whole range of a dtype, and counts or amounts."""
    rng = seeded("counts", str(dtype))
    target = np.concatenate([rng.integers(1, 30, n // 2), rng.uniform(low, 10, n - n // 2)])
    return numbers(rng, n, fl.loss.Interval(), np.dtype(dtype)), target.astype(dtype)


# ---- Poisson ----


def test_poisson_likelihood_is_honest() -> None:
    """log(t!) has no step at t = 1 and no Stirling: torch gives 1.6518 and 1. A rate of 0 is no 1e-8."""
    words = {"log_input": False, "full": True}
    losses = fl.poisson_nll([1.0, 1.0], [2.0, 0.5], **words, reduction="none")
    assert ulps_apart(losses, [1.6931471805599453, 0.8792177623647548]) <= 1
    value, slope = fl.poisson_nll.value_and_grad([0.0, -0.0], [0, 0], **words, reduction="none")
    assert_same(value, np.zeros(2))
    assert_same(slope, np.ones(2))
    value, slope = fl.poisson_nll.value_and_grad([0.0, -0.0], [1, 1e-300], **words, reduction="none")
    assert_same(value, np.full(2, np.inf))
    assert_same(slope, np.full(2, -np.inf))
    value, slope = fl.poisson_nll.value_and_grad([0.0], [1], log_input=False, eps=1e-8)
    assert ulps_apart(value, 8 * math.log(10)) <= 1
    assert ulps_apart(slope, [1 - 1e8]) <= 1


def test_constant_of_the_poisson_likelihood_is_log_factorial() -> None:
    """Of whole counts the logarithm of an integer; of a tiny one still its Euler constant times it."""
    counts = np.arange(171.0)
    exact = [math.log(math.factorial(int(t))) for t in counts]
    plain = fl.poisson_nll(1.0, counts, log_input=False, reduction="none")  # 1: a rate whose logarithm is 0
    assert_same(plain, np.ones(171))
    full = fl.poisson_nll(1.0, counts, log_input=False, full=True, reduction="none")
    assert ulps_apart(full, np.array(exact) + 1) <= 2
    tiny = fl.poisson_nll(-800.0, 1e-20, full=True)
    assert ulps_apart(tiny, 1e-20 * (800 - 0.5772156649015329)) <= 2


def test_poisson_terms_do_not_overflow_one_by_one() -> None:
    """e^x and t x are both infinite, but not what they differ by; the mean of what overflows may be a number."""
    losses = fl.poisson_nll([710.0, 709.0, 1e308, -1e308], [3e305, 1e308, 1e308, 0], reduction="none")
    assert losses[0] == pytest.approx(1.03994766161711640644e307, rel=2e-14)  # 4 ulps of e^710, 20 times as large
    assert_same(losses[1:], np.array([-np.inf, np.inf, 0]))
    assert fl.poisson_nll([710.0] + 7 * [-np.inf], 0) == pytest.approx(math.exp(700) / 8 * math.exp(10), rel=1e-13)
    value, slope = fl.poisson_nll.value_and_grad([-np.inf, -np.inf], [0, 1], reduction="none")
    assert_same(value, np.array([0, np.inf]))
    assert_same(slope, np.array([0.0, -1.0]))


@each_float
def test_poisson_deviance_is_what_the_likelihood_lacks_to_the_best(dtype: Any) -> None:
    """Half the deviance is the loss less that of a rate which is the count; with the log link the same of e^x."""
    target = pairs(dtype)[1].astype(np.float64)
    rate = seeded("rates").uniform(0.1, 20, target.size)
    words = {"log_input": False, "reduction": "none"}
    excess = fl.poisson_nll(rate, target, **words) - fl.poisson_nll(target, target, **words)
    for found in (
        fl.half_poisson_deviance(rate, target, reduction="none"),
        fl.half_poisson_deviance(np.log(rate), target, link="log", reduction="none"),
    ):
        np.testing.assert_allclose(found, excess, rtol=1e-12, atol=1e-13)  # some ulps of t log t, about 100
    assert not fl.half_poisson_deviance(target.astype(dtype), target.astype(dtype), reduction="none").any()


# ---- Tweedie ----


@each_float
def test_tweedie_has_the_others_in_it(dtype: Any) -> None:
    """With the log link power 1 is Poisson's and 2 gamma's loss; with the identity 0 is half the squared error and 1
    Poisson's deviance: bitwise."""
    log_mean, target = pairs(dtype)
    mean = abs(log_mean) + np.finfo(dtype).tiny
    for found, expected in (
        (everything(fl.tweedie, log_mean, target, power=1), everything(fl.poisson_nll, log_mean, target)),
        (everything(fl.tweedie, log_mean, target, power=2), everything(fl.half_gamma_deviance, log_mean, target)),
        (
            everything(fl.tweedie, log_mean, target, power=0, link="identity"),
            everything(fl.half_squared_error, log_mean, target),
        ),
        (
            everything(fl.tweedie, mean, target, power=1, link="identity"),
            everything(fl.half_poisson_deviance, mean, target),
        ),
    ):
        assert_same(found, expected)


def test_tweedie_of_both_links_is_one_deviance() -> None:
    """What the log link leaves out does not depend on x: differences of losses agree, for every power."""
    x, target = seeded("links").uniform(-1, 1, 500), pairs(np.float64, 0.5)[1][-500:]
    for power in (-2.5, -1.0, 0.0, 0.5, 1.0, 1.1, 1.5, 1.9, 2.0, 3.0, 10.1):
        by_log, from_log = (fl.tweedie(z, target, power=power, reduction="none") for z in (x, 0 * x))
        words = {"power": power, "link": "identity", "reduction": "none"}
        by_mean, from_mean = (fl.tweedie(np.exp(z), target, **words) for z in (x, 0 * x))
        largest = np.maximum.reduce([abs(one) for one in (by_log, from_log, by_mean, from_mean)])
        assert (abs((by_log - from_log) - (by_mean - from_mean)) <= 1e-13 * largest).all()
    gamma = fl.half_gamma_deviance(x, target, full=True, reduction="none")
    found = fl.tweedie(np.exp(x), target, power=2, link="identity", reduction="none")
    np.testing.assert_allclose(
        found, gamma, rtol=1e-12, atol=1e-15
    )  # e^x has rounded: an ulp of 1 where they are equal


def test_tweedie_derivatives_do_not_jump_at_powers_1_and_2() -> None:
    """Only the constants do that are left out."""
    log_mean, target = seeded("powers").uniform(-3, 3, 500), pairs(np.float64)[1][-500:]
    for power in (0.0, 1.0, 2.0):
        for link, pred in (("log", log_mean), ("identity", np.exp(log_mean))):
            at = fl.tweedie.grad_hess(pred, target, power=power, link=link)
            for beside in (power - 1e-12, power + 1e-12):
                if beside > 0 or link == "log":
                    near = fl.tweedie.grad_hess(pred, target, power=beside, link=link)
                    np.testing.assert_allclose(near, at, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("power", [-1.0, 0.5, 1.5, 3.0])
def test_tweedie_never_is_inf_minus_inf(power: float) -> None:
    """Where both powers overflow the larger one says which infinity it is."""
    grid = np.meshgrid([-1e308, -1e5, -800, -300, 300, 800, 1e5, 1e308], [1e-300, 1, 1e100, 1e300])
    x, t = (values.ravel() for values in grid)
    found = everything(fl.tweedie, x, t, power=power)
    for name in ("losses", "gradient of the sum", "Hessian"):
        assert not np.isnan(found[name]).any(), name
    infinite = np.isinf(found["gradient of the sum"])
    assert infinite.any()
    assert_same(np.sign(found["gradient of the sum"][infinite]), np.sign(x - np.log(t))[infinite])


@pytest.mark.parametrize("power", [2.5, 3.0, 10.1])
def test_tweedie_of_a_denormal_amount_is_no_nan(power: float) -> None:
    """Both powers overflow, and half of the smallest amount would be rounded to 0."""
    value, slope = fl.tweedie.value_and_grad(np.full(2, -1500.0), [5e-324, 1e-320], power=power, reduction="none")
    assert_same(value, np.full(2, np.inf))
    assert_same(slope, np.full(2, -np.inf))


# ---- mixtures ----


def test_negative_binomial_is_a_distribution() -> None:
    """The probabilities of all counts add up to 1, and their mean and variance are mu and mu + mu^2 / k."""
    counts = np.arange(20_000.0)
    for mean, k in ((0.5, 0.3), (3.0, 1.0), (10.0, 7.5), (40.0, 1e6)):
        x, c = np.full(counts.shape, math.log(mean)), np.full(counts.shape, math.log(k))
        p = np.exp(-fl.negative_binomial_nll(x, c, counts, reduction="none"))
        assert p.sum() == pytest.approx(1, rel=1e-12)
        assert p @ counts == pytest.approx(mean, rel=1e-11)
        assert p @ (counts - mean) ** 2 == pytest.approx(mean + mean**2 / k, rel=1e-10)


def test_negative_binomial_of_a_large_k_is_poisson() -> None:
    """Value and slope by the mean, from k = e^40 on to some ulps of the terms t log k, which cancel."""
    x, t = np.linspace(-5, 5, 300), np.tile([0.0, 0.5, 1, 7, 30], 60)
    poisson, slope = fl.poisson_nll.value_and_grad(x, t, full=True, reduction="none")
    for k in (40.0, 60.0, 80.0):
        found, slopes = fl.negative_binomial_nll.value_and_grad(x, np.full(300, k), t, reduction="none")
        np.testing.assert_allclose(found, poisson, atol=4 * np.spacing(30 * 80.0))
        np.testing.assert_allclose(slopes.log_mean, slope, rtol=1e-12, atol=1e-13)


def test_gate_that_is_open_leaves_poisson() -> None:
    """Bitwise but for counts of 0, which take another path."""
    x, t = np.linspace(-30, 30, 400), np.tile([0.0, 1, 2.5, 7], 100)
    losses, slopes = fl.zero_inflated_poisson_nll.value_and_grad(x, np.full(400, -np.inf), t, reduction="none")
    poisson, slope = fl.poisson_nll.value_and_grad(x, t, full=True, reduction="none")
    assert_same(losses[t > 0], poisson[t > 0])
    assert ulps_apart(losses, poisson) <= 4
    assert ulps_apart(slopes.log_rate, slope) <= 4
    assert not slopes.gate_logits.any()


def test_zero_inflated_probabilities_add_up_to_1() -> None:
    """Of all counts; and a 0 that was sure keeps its tail."""
    counts = np.arange(200.0)
    for rate, gate in ((0.1, -3.0), (5.0, 0.0), (60.0, 2.0)):
        x, a = np.full(200, math.log(rate)), np.full(200, gate)
        p = np.exp(-fl.zero_inflated_poisson_nll(x, a, counts, reduction="none"))
        assert p.sum() == pytest.approx(1, rel=1e-13)
    sure = fl.zero_inflated_poisson_nll([-50.0, 0.0, 0.0], [0.0, 50.0, 700.0], 0, reduction="none")
    exact = [math.exp(-50) / 2, -math.expm1(-1) * math.exp(-50), -math.expm1(-1) * math.exp(-700)]
    assert ulps_apart(sure, exact) <= 4


# ---- other names ----


@each_float
def test_one_loss_by_two_names(dtype: Any) -> None:
    """Generalised divergence and Poisson deviance, Bernoulli likelihood and binary cross-entropy: bitwise."""
    x, target = pairs(dtype)
    one, other = everything(fl.generalized_kl, x, target), everything(fl.half_poisson_deviance, x, target, link="log")
    assert_same(one, other)
    shares = seeded("shares").choice([0, 1, 0.25, 0.9], x.size).astype(dtype)
    one, other = everything(fl.bernoulli_nll, x, shares), everything(fl.binary_cross_entropy_with_logits, x, shares)
    assert_same(one, other)


def test_generalized_divergence_of_distributions_is_theirs() -> None:
    """The sum of t log(t / p), also where both are 0."""
    rng = seeded("distributions")
    p, t = rng.dirichlet(np.ones(50)), rng.dirichlet(np.ones(50))
    p[7], t[7], t[8] = 0, 0, 0
    p, t = p / p.sum(), t / t.sum()
    with np.errstate(divide="ignore"):
        found = fl.generalized_kl(np.log(p), t, reduction="sum")
    seen = t > 0
    assert found == pytest.approx((t[seen] * np.log(t[seen] / p[seen])).sum(), rel=1e-13)


# ---- bad input ----

REFUSED: list[tuple[fl.Loss, float, float, dict[str, Any], str]] = [
    (fl.poisson_nll, -1.0, 1.0, {"log_input": False}, r"pred\[0\] is -1.0, expected a value in \[0, inf\)"),
    (fl.half_poisson_deviance, 0.0, 1.0, {}, r"pred\[0\] is 0.0, expected a value in \(0, inf\)"),
    (fl.tweedie, 0.0, 1.0, {"link": "identity"}, r"pred\[0\] is 0.0, expected a value in \(0, inf\)"),
    (fl.tweedie, 0.0, -1.0, {"power": 1.0}, r"target\[0\] is -1.0, expected a value in \[0, inf\)"),
    (fl.tweedie, 0.0, 0.0, {"power": 2.0}, r"target\[0\] is 0.0, expected a value in \(0, inf\)"),
    (fl.tweedie, 0.0, math.inf, {"power": 0.0}, r"target\[0\] is inf, expected a value in \(-inf, inf\)"),
]


@pytest.mark.parametrize(("loss", "pred", "target", "words", "message"), REFUSED)
def test_domains_go_by_the_words(loss: fl.Loss, pred: float, target: float, words: Any, message: str) -> None:
    """What a number may be depends on the link, the power, the kind of input."""
    for call in (loss, loss.value_and_grad, loss.grad_hess):
        with pytest.raises(ValueError, match=f"^{message}"):
            call(np.array([pred]), np.array([target]), **words)


def test_domains_allow_what_the_words_allow() -> None:
    """Negative logarithms of rates, negative amounts of a power up to 0, amounts of 0 below 2."""
    assert math.isfinite(fl.poisson_nll([-1.0], [1.0]))
    assert math.isfinite(fl.half_poisson_deviance([-1.0], [1.0], link="log"))
    assert fl.tweedie([-1.0], [1.0], power=0, link="identity") == 2
    assert math.isfinite(fl.tweedie([1.0], [-1.0], power=-0.5, link="identity"))
    assert math.isfinite(fl.tweedie([1.0], [0.0], power=1.99))


def test_words_that_are_none() -> None:
    """An unknown link, and flags that are no truth values."""
    for loss in (fl.tweedie, fl.half_poisson_deviance):
        for wrong in ("logit", "Log", "", None, ["log"]):
            with pytest.raises(ValueError, match='link must be "log" or "identity"'):
                loss([1.0], [1.0], link=wrong)
    for loss, name in ((fl.poisson_nll, "log_input"), (fl.poisson_nll, "full"), (fl.half_gamma_deviance, "full")):
        for wrong in ("exact", None, 1):
            with pytest.raises(TypeError, match=f"{name} must be True or False"):
                loss([1.0], [1.0], **{name: wrong})


@pytest.mark.parametrize("power", [-1.0, 0.5, 3.0])
def test_nan_beside_a_power_that_overflows(power: float) -> None:
    """One visible NaN makes the loss NaN, whatever is infinite in the terms of the other input."""
    for dtype in (np.float32, np.float64):
        for other in (1.0, np.finfo(dtype).max, np.finfo(dtype).tiny):
            for pred, target in ((np.nan, other), (other, np.nan)):
                pair = np.array([pred], dtype), np.array([target], dtype)
                assert np.isnan(fl.tweedie(*pair, power=power, link="identity"))
