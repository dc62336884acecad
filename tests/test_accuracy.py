"""Every loss, gradient and Hessian lies within 4 ULP of the truth, in every dtype, at the hard inputs too."""

from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference import softmax as reference

import fastloss as fl

from .common import FUNCTIONS, each_dtype, each_loss, named, several
from .inputs import FEW, MANY, Case, cases, rows_of_logits, seeded
from .oracle import WIDE, context, exact, tolerances, ulp_errors


def check(
    label: str, case: Case, actual: np.ndarray, truth: np.ndarray, largest: Any = None, unless: Any = None
) -> str | None:
    """None, or a sentence about the worst result, if it is further off than it may be."""
    errors, allowed = ulp_errors(actual, truth), tolerances(truth, largest, actual.dtype)
    wrong = errors > allowed if unless is None else (errors > allowed) & ~unless
    if not wrong.any():
        return None
    place = np.unravel_index(np.argmax(np.where(wrong, errors / np.maximum(allowed, 1), -1)), errors.shape)
    inputs = (*case.inputs, *(value for value in case.kwargs.values() if isinstance(value, np.ndarray)))
    at = ", ".join(np.array2string(x[place[: x.ndim]] if len(x) == len(truth) else x, threshold=4) for x in inputs)
    return (
        f"{case.label}{label}: {wrong.sum()} of {errors.size}, worst at {tuple(map(int, place))} of inputs {at}: "
        f"{actual[place]!r}, true {mpmath.nstr(truth[place], 18)}: {errors[place]:.2f} ULP, not {allowed[place]:.3g}"
    )


def report(found: list[str | None]) -> None:
    failures = [sentence for sentence in found if sentence]
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


def undefined(loss: fl.Loss, case: Case, shape: tuple[int, ...]) -> np.ndarray:
    """Where the textbook knows no loss: NaN at an infinite input, such as inf - inf. A kernel may know the limit."""
    if case.inputs[0].ndim > 1:  # a row's logits may be masked
        return np.zeros(shape, bool)
    infinite = np.logical_or.reduce([np.isinf(array.astype(np.float64)) for array in case.inputs])
    return infinite & np.array([bool(mpmath.isnan(x)) for x in exact(loss, case).value.ravel()]).reshape(shape)


def spoilt(case: Case, shape: tuple[int, ...]) -> np.ndarray:
    """Where an input is NaN."""
    if case.inputs[0].ndim > 1:
        return np.zeros(shape, bool)
    return np.logical_or.reduce([np.isnan(array.astype(np.float64)) for array in case.inputs])


@each_dtype
@each_loss
def test_value_is_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The unreduced loss: float32 for half precision too, whose own rounding is thus not in it."""
    found = []
    for case in cases(loss, dtype):
        losses = loss(*case.inputs, **case.kwargs, reduction="none")
        assert losses.dtype == (np.float64 if dtype == np.float64 else np.float32)
        truth, nan = exact(loss, case).value, spoilt(case, losses.shape)
        (largest,) = exact(loss, case).largest_terms("")
        assert np.isnan(losses[nan]).all(), f"{case.label}: a NaN is swallowed"
        found.append(check("", case, losses, truth, largest, nan | undefined(loss, case, truth.shape)))
    report(found)


@each_dtype
@each_loss
def test_gradient_is_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The gradients of the sum, in the dtype of their input: half precision is rounded to once."""
    found = []
    for case in cases(loss, dtype):
        gradients = several(loss.value_and_grad(*case.inputs, **case.kwargs, reduction="sum")[1])
        truths, terms = exact(loss, case).grads, exact(loss, case).largest_terms("_grad")
        for name, gradient, truth, largest in zip(loss.grads, gradients, truths, terms, strict=True):
            assert gradient.dtype == dtype
            nan = spoilt(case, gradient.shape)
            own = np.isnan(case.inputs[loss.inputs.index(name)].astype(np.float64)) if nan.any() else nan
            assert np.isnan(gradient[own if len(gradients) > 1 else nan]).all(), f"{case.label}: a NaN is swallowed"
            found.append(check(f" by {name}", case, gradient, truth, largest, nan | undefined(loss, case, truth.shape)))
    report(found)


@each_dtype
@each_loss
def test_hessian_is_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The Hessian diagonals of the sum, in the dtype of their input. Where an input is NaN the curvature may be that
    of every other place."""
    found = []
    for case in cases(loss, dtype):
        hessians = several(loss.grad_hess(*case.inputs, **case.kwargs)[1])
        truths, terms = exact(loss, case).hesses, exact(loss, case).largest_terms("_hess")
        for name, hessian, truth, largest in zip(loss.grads, hessians, truths, terms, strict=True):
            assert hessian.dtype == dtype
            nan = spoilt(case, hessian.shape)
            found.append(check(f" by {name}", case, hessian, truth, largest, nan | undefined(loss, case, truth.shape)))
    report(found)


@each_dtype
@pytest.mark.parametrize("function", FUNCTIONS, ids=named)
def test_softmax_functions_are_within_4_ulp(function: Any, dtype: np.dtype) -> None:
    """Probabilities, their logarithms and the smooth maximum, at sure, masked, shifted and wild rows."""
    found = []
    for classes in FEW + MANY:
        logits = rows_of_logits(seeded(function.__name__, str(dtype), classes), classes, dtype)
        rows = [[context(WIDE).mpf(z) for z in row] for row in logits.astype(np.float64).tolist()]
        results = [getattr(reference, function.__name__)(row) for row in rows]
        truth, given = np.array(results, dtype=object), None
        if function is fl.logsumexp:
            # max + log(1 + ...) is a difference where the maximum is negative: near 0 it has the larger one's digits
            given = np.array([max(abs(max(row)), lse) for row, lse in zip(rows, results, strict=True)], dtype=object)
        found.append(check("", Case(f"{classes} classes", (logits,)), function(logits), truth, given))
    report(found)
