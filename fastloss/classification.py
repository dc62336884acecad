"""Binary classification losses: how badly a score or a probability fits a yes or a no."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

import numpy as np

from fastloss.arrays import Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import classification as reference

ONE = np.ones((), np.float32)


@pointwise(
    "logits",
    "target",
    "pos_weight",
    reference=reference.binary_cross_entropy_with_logits,
    domain={
        "target": Interval(0, 1),
        "pos_weight": Interval(0, np.inf, high_open=True),
        "label_smoothing": Interval(0, 1),
    },
    examples=({}, {"pos_weight": 3.0}, {"label_smoothing": 0.125}),
    peers={
        "torch": "binary_cross_entropy_with_logits",
        "optax": "sigmoid_binary_cross_entropy",
        "sklearn": "HalfBinomialLoss",
    },
)
def binary_cross_entropy_with_logits(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: float | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """x"""
    loss = binary_cross_entropy_with_logits
    smoothing = loss.parameter("label_smoothing", label_smoothing)
    inputs = (logits, target, ONE if pos_weight is None else pos_weight)
    return loss.run(ask, inputs, (smoothing,), weight, reduction, denominator, out, ignore_index)
