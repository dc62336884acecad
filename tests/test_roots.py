"""Square roots of means: one number for all elements, held against the reference over lists."""

import inspect
import math
from typing import Any

import mpmath
import numpy as np
import pytest

import fastloss as fl

from .common import ROOTS, assert_same, named
from .inputs import domains_of, numbers, seeded
from .oracle import ulp_errors

each_root = pytest.mark.parametrize("loss", ROOTS, ids=named)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def truth(loss: fl.Loss, inputs: tuple[np.ndarray, ...], ending: str = "") -> Any:
    """What the reference says of these lists, to 50 digits."""
    function = getattr(inspect.getmodule(loss.reference), loss.name + ending)
    with mpmath.workdps(50):
        return function(*([mpmath.mpf(x) for x in array.astype(float).ravel().tolist()] for array in inputs))


def batch(loss: fl.Loss, n: int, dtype: Any) -> tuple[np.ndarray, ...]:
    return tuple(numbers(seeded(loss.name, n), n, domain, np.dtype(np.float16)).astype(dtype)
                 for domain in domains_of(loss, {}))  # fmt: skip


@each_root
@each_dtype
def test_value_and_gradient_are_the_references(loss: fl.Loss, dtype: Any) -> None:
    """The root to 4 ULP, its gradient too: of sums of terms of one sign."""
    inputs = batch(loss, 50, dtype)
    value, gradient = loss.value_and_grad(*inputs)
    assert value == loss(*inputs)
    assert ulp_errors(np.array(value), np.array(truth(loss, inputs), dtype=object)).max() <= 4
    exact = np.array(truth(loss, inputs, "_grad"), dtype=object)
    assert gradient.dtype == dtype
    assert ulp_errors(gradient, exact).max() <= 4
    again = np.empty_like(gradient)
    assert loss.value_and_grad(*inputs, out=again)[1] is again
    assert_same(again, gradient)


@each_root
def test_weights_are_those_of_the_mean(loss: fl.Loss) -> None:
    """Elements of weight 0 are not there, a denominator replaces the sum of the weights."""
    inputs = batch(loss, 40, np.float64)
    keep = np.arange(40) % 3 > 0
    value, gradient = loss.value_and_grad(*inputs, weight=keep)
    alone, slope = loss.value_and_grad(*(array[keep] for array in inputs))
    assert value == pytest.approx(alone, rel=1e-15)
    np.testing.assert_allclose(gradient[keep], slope, rtol=1e-15)
    assert not gradient[~keep].any()
    assert loss(*inputs, denominator=160) == pytest.approx(loss(*inputs) / 2, rel=1e-15)


@each_root
def test_where_nothing_is_wrong_the_gradient_is_0(loss: fl.Loss) -> None:
    """The root of 0 has no slope; the chosen one is 0."""
    x = batch(loss, 10, np.float64)[0]
    value, gradient = loss.value_and_grad(x, x.copy())
    assert value == 0
    assert not gradient.any()


@each_root
def test_nothing_and_nan(loss: fl.Loss) -> None:
    """The root of the mean of nothing is NaN with gradient 0; a visible NaN is seen, an invisible one is not."""
    inputs = batch(loss, 4, np.float64)
    value, gradient = loss.value_and_grad(*inputs, weight=0)
    assert math.isnan(value)
    assert not gradient.any()
    inputs[0][1] = np.nan
    value, gradient = loss.value_and_grad(*inputs)
    assert math.isnan(value)
    assert np.isnan(gradient[1])
    weight = [1, 0, 1, 1]
    assert math.isfinite(loss(*inputs, weight=weight))
    assert loss.value_and_grad(*inputs, weight=weight)[1][1] == 0


@each_root
def test_one_number_has_no_other_reduction_and_no_hessian(loss: fl.Loss) -> None:
    """Errors that say so."""
    inputs = batch(loss, 4, np.float64)
    for reduction in ("sum", "none", "average", np.zeros(2)):
        with pytest.raises(ValueError, match="one number for all elements"):
            loss(*inputs, reduction=reduction)
    with pytest.raises(TypeError, match="Hessian"):
        loss.grad_hess(*inputs)


def test_squares_beyond_the_range_have_roots_within_it() -> None:
    """Residuals of 1e200 and 1e-200: their squares are inf and 0, their root-mean-square is what it is."""
    for size in (1e200, 1e-200, 3e307):
        value, gradient = fl.rmse.value_and_grad(np.array([size, -size, 0.0, 0.0]), np.zeros(4))
        assert value == pytest.approx(size / math.sqrt(2), rel=1e-15)
        np.testing.assert_allclose(gradient, np.array([1, -1, 0, 0]) / (4 / math.sqrt(2)), rtol=1e-15)
