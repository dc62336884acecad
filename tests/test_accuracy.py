"""Every loss, gradient and Hessian lies within 4 ULP of the truth, in every dtype, at the hard inputs too."""

from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference import softmax as reference

import fastloss as fl

from .common import FUNCTIONS, each_dtype, each_loss, named
from .inputs import FEW, MANY, Case, cases, rows_of_logits, seeded
from .oracle import WIDE, context, exact, tolerances, ulp_errors


def check(label: str, inputs: tuple[Any, ...], actual: np.ndarray, truth: np.ndarray, given: Any = None) -> str | None:
    """None, or a sentence about the worst result, if it is further off than it may be."""
    errors, allowed = ulp_errors(actual, truth), tolerances(truth, given, actual.dtype)
    if not (errors > allowed).any():
        return None
    place = np.unravel_index(np.argmax(np.where(errors > allowed, errors / np.maximum(allowed, 1), -1)), errors.shape)
    at = ", ".join(np.array2string(x[place[: x.ndim]] if len(x) == len(truth) else x, threshold=4) for x in inputs)
    return (
        f"{label}: {(errors > allowed).sum()} of {errors.size}, worst at {tuple(map(int, place))} of inputs {at}: "
        f"{actual[place]!r}, true {mpmath.nstr(truth[place], 18)}: {errors[place]:.2f} ULP, not {allowed[place]:.3g}"
    )


def report(found: list[str | None]) -> None:
    failures = [sentence for sentence in found if sentence]
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


def inputs_of(case: Case) -> tuple[Any, ...]:
    return (*case.inputs, *(value for value in case.kwargs.values() if isinstance(value, np.ndarray)))


@each_dtype
@each_loss
def test_value_is_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The unreduced loss: float32 for half precision too, whose own rounding is thus not in it."""
    found = []
    for case in cases(loss, dtype):
        losses = loss(*case.inputs, **case.kwargs, reduction="none")
        assert losses.dtype == (np.float64 if dtype == np.float64 else np.float32)
        found.append(check(case.label, inputs_of(case), losses, exact(loss, case).value))
    report(found)


@each_dtype
@each_loss
def test_gradient_is_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The gradient of the sum, in the dtype of the prediction: half precision is rounded to once."""
    found = []
    for case in cases(loss, dtype):
        gradient = loss.value_and_grad(*case.inputs, **case.kwargs, reduction="sum")[1]
        assert gradient.dtype == dtype
        truth = exact(loss, case)
        found.append(check(case.label, inputs_of(case), gradient, truth.grad, truth.given))
    report(found)


@each_dtype
@each_loss
def test_hessian_is_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The Hessian diagonal of the sum, in the dtype of the prediction."""
    found = []
    for case in cases(loss, dtype):
        hessian = loss.grad_hess(*case.inputs, **case.kwargs)[1]
        assert hessian.dtype == dtype
        found.append(check(case.label, inputs_of(case), hessian, exact(loss, case).hess))
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
        found.append(check(f"{classes} classes", (logits,), function(logits), truth, given))
    report(found)
