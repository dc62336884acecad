"""Optimisers that trust value and gradient: they converge only if both belong together to the last digits."""

import numpy as np
from scipy.optimize import minimize

import fastloss as fl


def test_lbfgs_on_separable_logistic_regression():
    """Separable classes: the weights grow until most rows are confident, and only their tails are left."""
    random = np.random.default_rng(0)
    features = random.normal(size=(100_000, 20))
    labels = features @ random.normal(size=20) > 0
    ridge = 1e-8

    def objective(weights):
        loss, gradient = fl.binary_cross_entropy_with_logits.value_and_grad(features @ weights, labels)
        return loss + ridge / 2 * weights @ weights, features.T @ gradient + ridge * weights

    # SciPy's own gtol of 1e-5 and ftol of 2e-9 would stop long before
    options = {"gtol": 1e-8, "ftol": 0, "maxiter": 1000}
    fit = minimize(objective, np.zeros(20), jac=True, method="L-BFGS-B", options=options)
    assert fit.success, fit.message
    assert np.linalg.norm(fit.jac) < 1e-7
    assert ((features @ fit.x > 0) == labels).mean() > 0.999
