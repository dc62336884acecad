"""Regression losses: how far a prediction lies from its target."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import regression as reference


@pointwise(
    "pred",
    "target",
    reference=reference.mse,
    peers={"torch": "mse_loss", "optax": "squared_error", "sklearn": "HalfSquaredError"},
)
def mse(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """x"""
    return mse.run(ask, (pred, target), (), weight, reduction, denominator, out)


@pointwise(
    "pred",
    "target",
    reference=reference.huber,
    domain={"delta": Interval(0, math.inf, low_open=True)},
    examples=({}, {"delta": 0.25}, {"delta": math.inf}),
    kinks=lambda delta=1.0: (-delta, delta),
    peers={"torch": "huber_loss", "optax": "huber_loss", "sklearn": "HuberLoss"},
)
def huber(
    ask: int,
    pred: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """x"""
    delta = huber.parameter("delta", delta)
    return huber.run(ask, (pred, target), (delta,), weight, reduction, denominator, out)
