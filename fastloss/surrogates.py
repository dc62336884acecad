"""Margin losses as stand-ins for the 0/1 loss: what each is, and what its minimiser says of the odds of a yes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["SURROGATES", "Surrogate"]


class Surrogate(NamedTuple):
    """What a margin loss is as a surrogate.

    Attributes
    ----------
    convex : bool
    calibrated : bool
        Whether minimising it gives the sign of the best classifier. A convex loss does exactly if it is differentiable
        at 0 with a negative slope (Bartlett, Jordan and McAuliffe, Convexity, Classification, and Risk Bounds, 2006).
    minimiser : callable or None
        The score of least expected loss where the probability of +1 is eta; None if there is none, or not one.
    formula : str
        The same in words.
    """

    convex: bool
    calibrated: bool
    minimiser: Callable[[float], float] | None
    formula: str


def _sign(eta: float) -> float:
    return math.copysign(1.0, 2 * eta - 1)


def _odds(eta: float) -> float:
    return math.log(eta / (1 - eta))


SURROGATES: Mapping[str, Surrogate] = MappingProxyType({
    "perceptron": Surrogate(True, False, None, "0, whatever eta: a corner at 0"),
    "hinge": Surrogate(True, True, _sign, "sign(2 eta - 1)"),
    "squared_hinge": Surrogate(True, True, lambda eta: 2 * eta - 1, "2 eta - 1"),
    "smoothed_hinge": Surrogate(True, True, None, "between those of hinge and squared hinge"),
    "modified_huber": Surrogate(True, True, lambda eta: 2 * eta - 1, "2 eta - 1"),
    "ramp": Surrogate(False, True, _sign, "sign(2 eta - 1)"),
    "unhinged": Surrogate(True, True, None, "unbounded: for bounded scores sign(2 eta - 1) times the bound"),
    "exponential": Surrogate(True, True, lambda eta: _odds(eta) / 2, "log(eta / (1 - eta)) / 2"),
    "soft_margin": Surrogate(True, True, _odds, "log(eta / (1 - eta))"),
    "savage": Surrogate(False, True, _odds, "log(eta / (1 - eta))"),
    "tangent": Surrogate(False, True, lambda eta: math.tan(eta - 0.5), "tan(eta - 1/2)"),
})  # fmt: skip
