"""How robust statistics looks at regression losses: the influence of a residual, its weight, the scale of them all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.loss import LOSSES, Pointwise

__all__ = ["EFFICIENT_CONSTANTS", "MEstimate", "m_estimator", "median_scale"]

# The constants with which an estimate of a Gaussian's centre needs 1/0.95 as many observations as the mean does.
EFFICIENT_CONSTANTS: Mapping[str, Mapping[str, float]] = MappingProxyType({
    "huber": {"delta": 1.345},
    "tukey_biweight": {"c": 4.685},
    "cauchy": {"c": 2.3849},
    "welsch": {"c": 2.9846},
    "fair": {"c": 1.3998},
})  # fmt: skip

SMALLEST = 5e-324  # the residual that stands for 0 in a weight: its limit, inf where the loss has a corner there


class MEstimate(NamedTuple):
    """The loss of each residual, its derivative, and the weight that least squares would need for the same pull."""

    rho: NDArray[np.float64]
    psi: NDArray[np.float64]
    weight: NDArray[np.float64]


def m_estimator(name: str, residuals: ArrayLike, **constants: float) -> MEstimate:
    """Loss, influence and least-squares weight of residuals.

    rho(r) is the loss, psi(r) = rho'(r) the influence of a residual on the estimate, and psi(r) / r its weight in
    iteratively reweighted least squares. Where psi is unbounded (mse) one outlier can carry the estimate anywhere;
    where it is bounded (mae, huber) an outlier pulls no more than others; where it redescends to 0 (cauchy, welsch,
    geman_mcclure, tukey_biweight) a gross one is left out.

    Parameters
    ----------
    name : str
        A regression loss, such as "huber".
    residuals : array_like
        In units of their scale: divide by `median_scale(residuals)` first.
    **constants : float
        The loss's own hyperparameters; without any, those of `EFFICIENT_CONSTANTS`.

    Returns
    -------
    MEstimate
        rho, psi and weight, float64 arrays of the residuals' shape. The weight at 0 is the limit: inf for mae.

    Raises
    ------
    ValueError
        If there is no such regression loss, or a constant is outside its domain.
    TypeError
        If a constant is not one of the loss's, or the residuals are no real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> estimate = fl.m_estimator("huber", [0.0, 1.0, 2.69, 100.0])
    >>> estimate.weight
    array([1.     , 1.     , 0.5    , 0.01345])
    """
    loss = LOSSES.get(name)
    if not isinstance(loss, Pointwise) or loss.inputs != ("pred", "target") or loss.family not in FAMILIES:
        known = [x.name for x in LOSSES.values() if x.inputs == ("pred", "target") and x.family in FAMILIES]
        raise ValueError(f"name must be a regression loss ({', '.join(known)}), not {name!r}")
    r = arrays.as_array("residuals", residuals).astype(np.float64)
    r = np.where(r == 0, SMALLEST, r)
    rho, psi = loss.value_and_grad(
        r, np.zeros(()), reduction="none", **(constants or EFFICIENT_CONSTANTS.get(name, {}))
    )
    with np.errstate(over="ignore"):
        weight: Any = psi / r
    return MEstimate(np.asarray(rho), psi, weight)


FAMILIES = ("regression", "robust")


def median_scale(residuals: ArrayLike) -> float:
    """The standard deviation that a Gaussian with the same median absolute deviation would have.

    median(abs(r - median(r))) / 0.6745: half of the residuals may be arbitrarily wrong.

    Parameters
    ----------
    residuals : array_like
        Real numbers.

    Returns
    -------
    float
        The scale, nan of nothing.

    Raises
    ------
    TypeError
        If the residuals are no real numbers.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.median_scale([-1.0, 0.0, 1.0, 2.0, 1e9]), 4)
    1.4826
    """
    r = arrays.as_array("residuals", residuals).astype(np.float64)
    if r.size == 0:
        return float("nan")
    return float(np.median(np.abs(r - np.median(r)))) / 0.6744897501960817  # the Gaussian's upper quartile
