"""Likelihoods: what they are of other losses and of each other, and what users of the peers meet."""

import math

import numpy as np
import pytest

import fastloss as fl

from .common import assert_same, ulps_apart
from .inputs import seeded


def normal_numbers(name: str, *names: str) -> tuple[np.ndarray, ...]:
    """Predictions, targets and positive numbers for each further name."""
    rng = seeded("likelihood", name)
    pred, target = 3 * rng.standard_normal((2, 200))
    return (pred, target, *(np.exp(rng.standard_normal(200)) for _ in names))


def test_gaussian_of_variance_1_is_half_the_squared_error() -> None:
    """The gradient bitwise; with `full`, log(2 pi) / 2 more."""
    pred, target = normal_numbers("half")
    value, gradient = fl.gaussian_nll.value_and_grad(pred, target, np.ones(200), reduction="none")
    half, slope = fl.half_squared_error.value_and_grad(pred, target, reduction="none")
    assert ulps_apart(value, half) <= 4  # here the square's factors are in two parts
    assert_same(gradient.pred, slope)
    full = fl.gaussian_nll(pred, target, np.ones(200), full=True)
    assert full == pytest.approx(fl.mse(pred, target) / 2 + math.log(2 * math.pi) / 2, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 1, 7), (1, 6, 7), (5, 6)])
def test_variance_that_an_axis_shares_has_the_sum_of_the_derivatives(shape: tuple[int, ...], dtype: type) -> None:
    """As if it were repeated, without being: in torch a gradient comes back in the variance's own shape, too."""
    rng = seeded("shared", shape)
    whole = (5, 6, 7) if len(shape) > 1 and shape != (5, 1) else (5, 7)
    pred, target = (rng.standard_normal(whole).astype(dtype) for _ in range(2))
    var = np.exp(rng.standard_normal(shape)).astype(dtype)
    spread = var[..., np.newaxis] if len(shape) < len(whole) else var
    axis = spread.shape.index(1)
    repeated = np.broadcast_to(spread, whole).astype(np.float64)
    gradient, hessian = fl.gaussian_nll.grad_hess(pred, target, var)
    slope, curvature = fl.gaussian_nll.grad_hess(pred, target, repeated)
    value = fl.gaussian_nll(pred, target, var)
    assert value == pytest.approx(fl.gaussian_nll(pred, target, repeated), rel=1e-6)
    error = {np.float16: 2e-3, np.float32: 1e-6, np.float64: 1e-14}[dtype]
    for found, terms in ((gradient.var, slope.var), (hessian.var, curvature.var)):
        assert (found.shape, found.dtype) == (shape, dtype)
        largest = abs(terms).sum(axis).reshape(shape)
        assert (abs(found - terms.sum(axis).reshape(shape)) <= error * largest).all()
    out = np.empty_like(pred), np.empty_like(var)
    loss, kept = fl.gaussian_nll.value_and_grad(pred, target, var, reduction="sum", out=out)
    assert kept.pred is out[0]
    assert kept.var is out[1]
    assert_same(kept.var, gradient.var)
    assert loss == fl.gaussian_nll(pred, target, var, reduction="sum")


def test_gradients_of_a_shared_variance_have_memory_of_their_own() -> None:
    """Nor do they lie across what is read."""
    pred, var, room = np.ones((3, 2)), np.ones(3), np.zeros(6)
    by_pred = room.reshape(3, 2)
    with pytest.raises(ValueError, match="out names the same memory twice"):
        fl.gaussian_nll.value_and_grad(pred, 0.0, var, out=(by_pred, room[:3]))
    with pytest.raises(ValueError, match="out names the same memory twice"):
        fl.gaussian_nll.grad_hess(pred, 0.0, var, out=((None, room[:3]), (None, room[:3])))
    for inputs in ((by_pred, 0.0, var), (pred, by_pred, var)):
        with pytest.raises(ValueError, match=r"out overlaps (pred|target) without lying exactly upon it"):
            fl.gaussian_nll.value_and_grad(*inputs, out=(None, room[:3]))
    with pytest.raises(ValueError, match="out overlaps weight"):
        fl.gaussian_nll.value_and_grad(pred, 0.0, var, weight=by_pred, out=(None, room[:3]))


def test_variances_of_other_shapes_are_refused() -> None:
    """Nothing else is spread, and an array for the gradient has the variance's shape."""
    pred = np.zeros((5, 7))
    for shape in ((7,), (1, 1), (5, 6), (5, 7, 1)):
        with pytest.raises(ValueError, match=r"var .*must be equal, or var a scalar, or have shape \(5,\) or one axis"):
            fl.gaussian_nll(pred, pred, np.ones(shape))
    with pytest.raises(ValueError, match=r"out has shape \(5, 7\) and the result \(5,\)"):
        fl.gaussian_nll.value_and_grad(pred, pred, np.ones(5), out=(None, np.empty((5, 7))))
    with pytest.raises(ValueError, match="out must name 2 arrays"):
        fl.gaussian_nll.value_and_grad(pred, pred, np.ones(5), out=np.empty(5))
    with pytest.raises(ValueError, match=r"var\[3, 0\] is -1.0"):
        fl.gaussian_nll(pred, pred, np.array([1, 1, 1, -1, 1.0])[:, np.newaxis])


def test_laplace_of_a_scale_and_of_its_logarithm_are_one_loss() -> None:
    """Its slope by log b is b times that by b."""
    pred, target, scale = normal_numbers("logscale", "scale")
    value, gradient = fl.laplace_nll.value_and_grad(pred, target, scale, reduction="none")
    by_log, slope = fl.laplace_nll_logscale.value_and_grad(pred, target, np.log(scale), reduction="none")
    np.testing.assert_allclose(by_log, value, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(slope.pred, gradient.pred, rtol=1e-14)
    np.testing.assert_allclose(slope.log_scale, scale * gradient.scale, rtol=1e-12, atol=1e-14)


def test_divergence_from_the_standard_normal_has_no_prior() -> None:
    """And that from itself is 0, as are its slopes."""
    mu, log_var = normal_numbers("prior")
    zero = np.zeros(200)
    value, slope = fl.gaussian_kl.value_and_grad(mu, log_var, reduction="none")
    found, gradient = fl.gaussian_kl_prior.value_and_grad(mu, log_var, zero, zero, reduction="none")
    assert ulps_apart(found, value) <= 6
    assert_same(gradient.mu, slope.mu)
    assert ulps_apart(gradient.log_var, slope.log_var) <= 6
    found, gradient = fl.gaussian_kl_prior.value_and_grad(mu, log_var, mu, log_var, reduction="none")
    assert not any(array.any() for array in (found, *gradient))


def test_laplace_of_scale_1_is_the_absolute_error_and_log_2() -> None:
    """And its gradient is that of the absolute error, bitwise."""
    pred, target = normal_numbers("absolute")
    value, gradient = fl.laplace_nll.value_and_grad(pred, target, np.ones(200))
    error, slope = fl.mae.value_and_grad(pred, target)
    assert value == pytest.approx(error + math.log(2), rel=1e-14)
    assert_same(gradient.pred, slope)


def test_student_of_many_degrees_of_freedom_is_gaussian() -> None:
    """Value and gradients; that by the degrees of freedom vanishes as their square does."""
    pred, target, scale = normal_numbers("student", "scale")
    value, gradient = fl.student_t_nll.value_and_grad(pred, target, scale, np.full(200, 1e18), reduction="none")
    normal, slope = fl.gaussian_nll.value_and_grad(pred, target, scale**2, full=True, reduction="none")
    np.testing.assert_allclose(value, normal, rtol=1e-13)
    np.testing.assert_allclose(gradient.pred, slope.pred, rtol=1e-14)
    # 1 - z^2 loses digits where z is near 1
    np.testing.assert_allclose(gradient.scale, 2 * scale * slope.var, rtol=1e-13, atol=1e-13)
    assert (abs(gradient.df) < 1e-36 * (1 + ((pred - target) / scale) ** 4)).all()


def test_beta_0_is_no_weight() -> None:
    """And 1 pulls a prediction as half the squared error does."""
    pred, target, var = normal_numbers("beta", "var")
    plain, slope = fl.gaussian_nll.value_and_grad(pred, target, var, reduction="none")
    value, gradient = fl.beta_gaussian_nll.value_and_grad(pred, target, var, beta=0, reduction="none")
    np.testing.assert_allclose(value, plain, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(gradient, slope, rtol=1e-14)
    gradient = fl.beta_gaussian_nll.value_and_grad(pred, target, var, beta=1, reduction="sum")[1]
    assert ulps_apart(gradient.pred, pred - target) <= 4


def test_logarithm_of_a_variance_is_a_variance() -> None:
    """gaussian_nll_logvar at log v is gaussian_nll at v; its slope by log v is v times that by v."""
    pred, target, var = normal_numbers("log", "var")
    value, gradient = fl.gaussian_nll_logvar.value_and_grad(pred, target, np.log(var), reduction="none")
    plain, slope = fl.gaussian_nll.value_and_grad(pred, target, var, reduction="none")
    np.testing.assert_allclose(value, plain, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(gradient.log_var, slope.var * var, rtol=1e-12, atol=1e-13)


def test_lognormal_is_gaussian_of_the_logarithm() -> None:
    """And log t more: the density is by t, not by log t."""
    pred, _, target, scale = normal_numbers("lognormal", "target", "scale")
    value = fl.lognormal_nll(pred, target, scale, reduction="none")
    normal = fl.gaussian_nll(pred, np.log(target), scale**2, full=True, reduction="none") + np.log(target)
    np.testing.assert_allclose(value, normal, rtol=1e-13, atol=1e-14)


def test_gamma_and_weibull_of_shape_1_are_exponential() -> None:
    """Both are then pred + t e^-pred."""
    pred, _, target = normal_numbers("exponential", "target")
    expected, nothing = pred + target * np.exp(-pred), np.zeros(200)
    np.testing.assert_allclose(fl.gamma_nll(pred, target, nothing, reduction="none"), expected, rtol=1e-13)
    weibull = fl.weibull_nll(pred, target, nothing, np.ones(200), reduction="none")
    np.testing.assert_allclose(weibull, expected, rtol=1e-13)


def test_beta_of_one_half_and_two_is_uniform() -> None:
    """Every share is as likely: the loss is 0, up to what log(2) and the shares are rounded by."""
    target = normal_numbers("uniform", "target")[2]
    target = target / (1 + target)
    value = fl.beta_nll(np.zeros(200), target, np.full(200, math.log(2)), reduction="none")
    np.testing.assert_allclose(value, 0, atol=1e-14)


def test_evidential_regression_is_students() -> None:
    """Of 2 alpha degrees of freedom and the scale sqrt(beta (1 + nu) / (nu alpha))."""
    pred, target, nu, alpha, beta = normal_numbers("evidential", "nu", "alpha", "beta")
    alpha = 1 + alpha
    value = fl.evidential_nig_nll(pred, target, nu, alpha, beta, reduction="none")
    student = fl.student_t_nll(pred, target, np.sqrt(beta * (1 + nu) / (nu * alpha)), 2 * alpha, reduction="none")
    np.testing.assert_allclose(value, student, rtol=1e-13, atol=1e-14)


def test_concentrated_angle_is_gaussian() -> None:
    """Of a small angle and a large concentration k, von Mises' distribution is the Gaussian of variance 1 / k."""
    pred, target = normal_numbers("angle")
    k = np.full(200, 1e12)
    angles = (target + 1e-6 * pred, target, k)
    normal = fl.gaussian_nll(1e-6 * pred, np.zeros(200), 1 / k, full=True, reduction="none")
    np.testing.assert_allclose(fl.von_mises_nll(*angles, reduction="none"), normal, rtol=1e-8)


def test_scores_become_the_absolute_error_as_the_scale_vanishes() -> None:
    """And are never less than what their own width costs."""
    pred, target, scale = normal_numbers("scores", "scale")
    for score, least in ((fl.crps_gaussian, (math.sqrt(2) - 1) / math.sqrt(math.pi)), (fl.crps_laplace, 0.25)):
        sure = score(pred, target, np.full(200, 1e-300), reduction="none")
        assert_same(sure, fl.mae(pred, target, reduction="none"))
        assert (score(pred, target, scale, reduction="none") >= least * scale * (1 - 1e-15)).all()


def test_large_residual_of_a_large_variance_is_an_ordinary_loss() -> None:
    """torch squares first: in float32 1e20 over a variance of 1e30 is inf there."""
    one = [np.array([x], np.float32) for x in (1e20, 0, 1e30)]
    value, gradient = fl.gaussian_nll.value_and_grad(*one)
    assert value == pytest.approx(5e9, rel=1e-6)
    assert gradient.pred[0] == pytest.approx(1e-10, rel=1e-6)
    assert gradient.var[0] == pytest.approx(-5e-21, rel=1e-6)


@pytest.mark.parametrize("var", [0, 1e-12, 0.99e-6])
def test_below_the_floor_the_variance_has_no_gradient(var: float) -> None:
    """Value and gradients are those of the floor, which does not depend on the variance; torch's gradient pulls."""
    floor, there = ([[0.5], [0.0], [x]] for x in (1e-6, var))
    value, gradient = fl.gaussian_nll.value_and_grad(*there, eps=1e-6)
    expected, slope = fl.gaussian_nll.value_and_grad(*floor)
    assert value == expected
    assert gradient.pred == slope.pred
    assert gradient.var == 0
    assert slope.var < 0
    assert fl.gaussian_nll.grad_hess(*there, eps=1e-6)[1].var == 0


def test_without_a_floor_a_variance_is_positive() -> None:
    """0 has no logarithm; with a floor it will do."""
    with pytest.raises(ValueError, match=r"var.*\(0, inf\)"):
        fl.gaussian_nll([1.0, 2.0], [1.0, 2.0], [1.0, 0.0])
    assert fl.gaussian_nll([1.0], [1.0], [0.0], eps=1.0) == 0


@pytest.mark.parametrize(
    ("loss", "distribution"),
    [
        (fl.student_t_nll, lambda stats, p, s, df: stats.t(df, p, s)),
        (fl.laplace_nll, lambda stats, p, s: stats.laplace(p, s)),
        (fl.lognormal_nll, lambda stats, p, s: stats.lognorm(s, 0, np.exp(p))),
        (fl.gamma_nll, lambda stats, p, q: stats.gamma(np.exp(q), 0, np.exp(p - q))),
        (fl.beta_nll, lambda stats, p, q: stats.beta(np.exp(q) / (1 + np.exp(-p)), np.exp(q) / (1 + np.exp(p)))),
        (fl.von_mises_nll, lambda stats, p, k: stats.vonmises(k, p)),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
def test_scipy_knows_the_density(loss: fl.Loss, distribution: object) -> None:
    """-logpdf of scipy.stats, at moderate inputs."""
    stats = pytest.importorskip("scipy.stats")
    pred, _, target, *others = normal_numbers(loss.name, "target", *loss.inputs[2:])
    target = target / (1 + target) if loss is fl.beta_nll else target
    theirs = -distribution(stats, pred, *others).logpdf(target)  # type: ignore[operator]
    np.testing.assert_allclose(loss(pred, target, *others, reduction="none"), theirs, rtol=1e-11, atol=1e-12)


def test_scipy_knows_weibull() -> None:
    """-logpdf of an event that was seen, -logsf of one that was not."""
    stats = pytest.importorskip("scipy.stats")
    pred, log_scale, target = normal_numbers("weibull", "target")
    pred, log_scale = pred / 3, log_scale / 6  # a time far too late is infinitely unlikely
    theirs = stats.weibull_min(np.exp(-log_scale), 0, np.exp(pred))
    for event, expected in ((1, -theirs.logpdf(target)), (0, -theirs.logsf(target))):
        ours = fl.weibull_nll(pred, target, log_scale, np.full(200, event), reduction="none")
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("dtype", "late"), [(np.float32, 84), (np.float64, 2.58e15)])
def test_a_late_time_is_infinitely_unlikely(dtype: type, late: float) -> None:
    """With a shape of 20, from so many times the ordinary one on, as the docstring says; and its gradients are."""
    for factor, finite in ((1, True), (1.01, False)):
        inputs = [np.array([x], dtype) for x in (0, factor * late, -np.log(20), 1)]
        assert np.isfinite(fl.weibull_nll(*inputs, reduction="none")) == finite
    gradient = fl.weibull_nll.value_and_grad(*inputs, reduction="none")[1]
    assert gradient.pred == gradient.log_scale == -np.inf


def test_flags_are_true_or_false() -> None:
    """A word such as "no" is not taken for True."""
    for loss, inputs in ((fl.gaussian_nll, ([1.0], [1.0], [1.0])), (fl.gaussian_nll_logvar, ([1.0], [1.0], [1.0]))):
        for wrong in ("no", None, 1):
            with pytest.raises(TypeError, match="full must be True or False"):
                loss(*inputs, full=wrong)
