"""Every loss, gradient and Hessian lies within 4 ULP of the truth, at the hard inputs too.

Of float32 and float64: half precision gives the bits of float32, rounded once (test_arrays.py)."""

from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference import softmax as reference

import fastloss as fl

from .common import FUNCTIONS, each_computed_dtype, each_loss, named, several
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


def undefined(loss: fl.Loss, case: Case) -> np.ndarray:
    """Where the textbook knows no loss: NaN at an infinite input, such as inf - inf. A kernel may know the limit."""
    if loss.shape == "rows":  # a row's logits may be masked
        return np.zeros((), bool)
    infinite = np.logical_or.reduce([np.isinf(array.astype(np.float64)) for array in case.inputs])
    truth = exact(loss, case).value
    return infinite & np.array([bool(mpmath.isnan(x)) for x in truth.ravel()]).reshape(truth.shape)


def spoilt(loss: fl.Loss, case: Case, name: str = "") -> np.ndarray:
    """Where an input is NaN: any, or the one of this name."""
    if loss.shape == "rows":
        return np.zeros((), bool)
    inputs = [case.inputs[loss.inputs.index(name)]] if name else case.inputs
    return np.logical_or.reduce([np.isnan(array.astype(np.float64)) for array in inputs])


@each_computed_dtype
@each_loss
def test_value_gradient_and_hessian_are_within_4_ulp(loss: fl.Loss, dtype: np.dtype) -> None:
    """The unreduced loss, and the gradients and Hessian diagonals of its sum: in one test, as they share the oracle's
    exponentials."""
    found = []
    for case in cases(loss, dtype):
        truth = exact(loss, case)
        losses = loss(*case.inputs, **case.kwargs, reduction="none")
        gradients = several(loss.value_and_grad(*case.inputs, **case.kwargs, reduction="sum")[1])
        hessians = several(loss.grad_hess(*case.inputs, **case.kwargs)[1]) if loss.hessian else []
        assert np.isnan(losses[spoilt(loss, case)]).all(), f"{case.label}: a NaN is swallowed"
        for name, gradient in zip(loss.grads, gradients, strict=True):  # a Hessian may be the same everywhere
            nan = spoilt(loss, case, name if len(gradients) > 1 else "")
            assert np.isnan(gradient[nan]).all(), f"{case.label}: a NaN is swallowed by {name}"

        unless = spoilt(loss, case) | undefined(loss, case)
        for kind, ending, results, truths in (
            ("value", "", [losses], [truth.value]),
            ("gradient", "_grad", gradients, truth.grads),
            *([("Hessian", "_hess", hessians, truth.hesses)] if loss.hessian else []),
        ):
            for k, (actual, true, largest) in enumerate(zip(results, truths, truth.largest_terms(ending), strict=True)):
                assert actual.dtype == dtype
                by = f" by {loss.grads[k]}" if len(results) > 1 else ""
                found.append(check(f", {kind}{by}", case, actual, true, largest, unless))
    report(found)


@each_computed_dtype
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
