"""Influence and weights of residuals, and the robust scale."""

import math

import numpy as np
import pytest

import fastloss as fl


def test_weights_are_influence_over_residual() -> None:
    """min(1, delta / |r|) for Huber, 1 / |r| for mae, 2 for mse, falling to 0 for those that redescend."""
    r = np.array([-30.0, -1.0, 0.5, 3.0, 1e9])
    np.testing.assert_allclose(fl.m_estimator("huber", r, delta=2.0).weight, np.minimum(1, 2 / abs(r)))
    np.testing.assert_allclose(fl.m_estimator("mae", r).weight, 1 / abs(r))
    np.testing.assert_allclose(fl.m_estimator("mse", r).weight, 2)
    for name in ("cauchy", "welsch", "geman_mcclure", "tukey_biweight"):
        estimate = fl.m_estimator(name, r)
        assert abs(estimate.psi[-1]) < 1e-6
        assert (np.diff(estimate.weight[np.argsort(abs(r))]) <= 0).all()


def test_weight_at_0_is_the_limit() -> None:
    """psi'(0), and inf where the loss has a corner."""
    assert fl.m_estimator("huber", 0.0).weight == 1
    assert fl.m_estimator("mae", [0.0]).weight == math.inf
    assert fl.m_estimator("log_cosh", [0.0]).weight == 1


@pytest.mark.parametrize(("name", "constants"), fl.EFFICIENT_CONSTANTS.items())
def test_constants_give_95_percent_efficiency(name: str, constants: dict[str, float]) -> None:
    """E[psi']^2 / E[psi^2] of a standard Gaussian, by quadrature."""
    x = np.linspace(-12, 12, 200_001)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    psi, curvature = fl.LOSSES[name].grad_hess(x, 0.0, **constants)
    efficiency = np.trapezoid(curvature * density, x) ** 2 / np.trapezoid(psi**2 * density, x)
    assert efficiency == pytest.approx(0.95, abs=1e-3)  # the constants are published with four or five digits


def test_scale_of_a_gaussian_is_its_standard_deviation() -> None:
    """And half of the residuals may be wrong."""
    r = np.random.default_rng(0).standard_normal(100_001) * 3
    assert fl.median_scale(r) == pytest.approx(3, rel=0.02)
    r[:1000] = 1e300
    assert fl.median_scale(r) == pytest.approx(3, rel=0.05)
    assert math.isnan(fl.median_scale([]))


def test_errors_say_what_is_known() -> None:
    """A name that is no regression loss; a constant it does not have."""
    with pytest.raises(ValueError, match="huber"):
        fl.m_estimator("cross_entropy", [1.0])
    with pytest.raises(TypeError, match="delta"):
        fl.m_estimator("mse", [1.0], delta=1.0)
    with pytest.raises(TypeError, match="residuals"):
        fl.m_estimator("mse", ["a"])
