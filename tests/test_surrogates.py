"""The table of margin losses says what their values and slopes say."""

import numpy as np
import pytest

import fastloss as fl

each_surrogate = pytest.mark.parametrize(("name", "surrogate"), fl.SURROGATES.items())
MARGINS = np.linspace(-6, 6, 4801)
YES = np.ones_like(MARGINS)


@each_surrogate
def test_convex_is_convex(name: str, surrogate: fl.Surrogate) -> None:
    """No chord lies below the curve, or some does."""
    losses = fl.LOSSES[name](MARGINS, YES, reduction="none")
    bends = np.diff(losses, 2)
    assert surrogate.convex == (bends > -1e-12).all()


@each_surrogate
def test_minimiser_has_the_least_expected_loss(name: str, surrogate: fl.Surrogate) -> None:
    """eta loss(f) + (1 - eta) loss(-f) is nowhere less."""
    if surrogate.minimiser is None:
        pytest.skip("none that is one formula")
    loss = fl.LOSSES[name]
    for eta in (0.1, 0.4, 0.7, 0.95):

        def risk(scores: np.ndarray, eta: float = eta) -> np.ndarray:
            plus, minus = (loss(scores, np.full_like(scores, sign), reduction="none") for sign in (1.0, -1.0))
            return eta * plus + (1 - eta) * minus

        best = risk(np.array([surrogate.minimiser(eta)]))
        assert (risk(MARGINS) >= best - 1e-12).all()


@each_surrogate
def test_calibrated_means_that_the_sign_is_right(name: str, surrogate: fl.Surrogate) -> None:
    """The least expected loss is less than the best with the wrong sign; for the perceptron it is not."""
    loss = fl.LOSSES[name]
    risk = 0.7 * loss(MARGINS, YES, reduction="none") + 0.3 * loss(MARGINS, -YES, reduction="none")
    right, wrong = risk[MARGINS > 0].min(), risk[MARGINS <= 0].min()
    assert surrogate.calibrated == (right < wrong - 1e-9)


def test_every_margin_loss_is_in_the_table() -> None:
    """But the 0/1 loss itself, which they stand for, and those of distances and labels."""
    losses = [loss for loss in fl.LOSSES.values() if loss.family == "margin"]
    margins = {loss.name for loss in losses if loss.inputs == ("pred", "target")}
    assert margins - {"zero_one"} == set(fl.SURROGATES)
