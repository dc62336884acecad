"""The references: examples run, derivatives are those of their duals, naive floats fail where they say so."""

import doctest
import importlib
import inspect
import math
import pkgutil
from types import ModuleType
from typing import Any

import fastloss.reference
import numpy as np
import pytest
from fastloss.reference.numbers import derivative, gradient, hessian_diagonal, second_derivative

import fastloss as fl

from .common import each_loss, named, sample
from .inputs import Case, corners, domains_of, hyperparameters, seeded, soft_targets, spread
from .oracle import arguments, as_list, context, ulp_errors
from .oracle import derivative as written

MODULES = [
    importlib.import_module(f"fastloss.reference.{module.name}")
    for module in pkgutil.iter_modules(fl.reference.__path__)
]


@pytest.mark.parametrize("module", [fastloss.reference, *MODULES], ids=named)
def test_examples_of_the_reference_run(module: ModuleType) -> None:
    """Every example in a reference module prints what it says."""
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def few_cases(loss: fl.Loss) -> list[Case]:
    """A handful of elements or rows for every set of hyperparameters, the kinks included.

    Numbers of float16's range, which e to a power of leaves comparable with 1.
    """
    found = []
    dtype = np.dtype(np.float16)
    for kwargs in hyperparameters(loss):
        rng = seeded(loss.name, kwargs)
        if loss.shape == "rows":
            *data, target = sample(loss, 5, np.float64, classes=3, words=kwargs)
            found.append(Case("", (*data, target), kwargs))
            if loss.target == "labels or shares":
                found.append(Case("", (*data, soft_targets(rng, target, 3)), kwargs))
        else:
            domains = domains_of(loss, kwargs)
            pairs = zip(spread(rng, 12, domains, dtype), corners(loss, kwargs, domains, dtype), strict=True)
            inputs = tuple(np.concatenate(pair) for pair in pairs)
            # abs has a corner at 0, where the dual of a square of it has lost its curvature
            keep = inputs[0] != inputs[1] if len(inputs) > 1 else inputs[0] != 0
            for name, domain, column in zip(loss.required, domains, inputs, strict=True):
                if name in loss.grads:  # at an end of its domain a derivative has one side only
                    keep &= (column != domain.low) & (column != domain.high)
            found.append(Case("", tuple(column[keep] for column in inputs), kwargs))
    return found


def by_dual(loss: fl.Loss, second: bool, inputs: list[Any], words: dict[str, Any]) -> list[Any]:
    """The derivatives of a reference by each differentiable input, by differentiation."""
    if loss.shape == "rows":
        k = loss.inputs.index(loss.grads[0])

        def of_row(row: Any) -> Any:
            return loss.reference(*inputs[:k], row, *inputs[k + 1 :], **words)

        return (hessian_diagonal if second else gradient)(of_row, inputs[k])
    differentiate = second_derivative if second else derivative
    found = []
    for name in loss.grads:
        k = loss.inputs.index(name)

        def along(x: Any, k: int = k) -> Any:
            return loss.reference(*inputs[:k], x, *inputs[k + 1 :], **words)

        found.append(differentiate(along, inputs[k]))
    return found


@each_loss
def test_written_derivatives_equal_those_of_the_duals(loss: fl.Loss) -> None:
    """What the oracle takes for the gradient and the Hessian is what differentiation gives, to 300 digits."""
    for case in few_cases(loss):
        for inputs, words in arguments(loss, case, 700):
            for second, ending in enumerate(("_grad", "_hess")[: 1 + loss.hessian]):
                expected = as_list(by_dual(loss, bool(second), inputs, words))
                actual = as_list(written(loss, ending)(*inputs, **words))
                for a, e in zip(actual, expected, strict=True):
                    close = a == e or abs(a - e) <= max(abs(e), 1) * context(700).mpf("1e-300")
                    assert close, f"{ending[1:]} at {inputs}, {words}: {a}, not {e}"


@each_loss
def test_terms_add_up_to_what_they_are_the_terms_of(loss: fl.Loss) -> None:
    """Where the oracle allows for a cancellation of given terms, these are the summands of the result."""
    module = vars(inspect.getmodule(loss.reference))
    for ending in ("", "_grad", "_hess"):
        terms = module.get(f"{loss.name}{ending}_terms")
        if terms is None:
            continue
        assert terms.__doc__
        function = module[f"{loss.name}{ending}"]
        for case in few_cases(loss):
            for inputs, words in arguments(loss, case, 700):
                lists = terms(*inputs, **words)
                several = ending and (loss.shape == "rows" or len(loss.grads) > 1)
                pairs = zip(as_list(function(*inputs, **words)), lists if several else [lists], strict=True)
                for result, summands in pairs:
                    if summands and context(700).isfinite(sum(summands)):
                        largest = max(1, *map(abs, summands))
                        assert abs(sum(summands) - result) <= context(700).mpf("1e-300") * largest


FAILURES = [
    # the loss, what is asked of it, where, and what naive floats make of it
    ("binary_cross_entropy_with_logits", "", (800.0, 0.0), math.inf),
    ("binary_cross_entropy_with_logits", "", (40.0, 1.0), 0.0),
    ("binary_cross_entropy_with_logits", "_grad", (40.0, 1.0), 0.0),
    ("binary_cross_entropy_with_logits", "_hess", (40.0, 1.0), 0.0),
    ("huber", "", (1.5e154, 0.0, {"delta": math.inf}), math.inf),
    ("half_squared_error", "", (1.5e154, 0.0), math.inf),
    ("smooth_l1", "", (1e160, 0.0, {"beta": 1e200}), math.inf),
    ("quantile_huber", "", (1e160, 0.0, {"kappa": 1e200}), math.inf),
    ("expectile", "", (1.5e154, 0.0), math.inf),
    ("epsilon_insensitive", "", (0.5, -1e-20, {"epsilon": 0.5}), 0.0),
    ("mape", "", (3e307, 1e307), math.inf),
    ("smape", "", (1.5e308, 0.5e308), 2.0),
    ("smape", "_grad", (3e-200, 1e-200), math.inf),
    ("msle", "", (1e-20, 0.0), 0.0),
    ("linex", "", (1e-9, 0.0), 0.0),
    ("soft_margin", "", (-800.0, 1.0), math.inf),
    ("soft_margin", "", (40.0, 1.0), 0.0),
    ("savage", "_hess", (-0.6931471805599453, 1.0), 0.0),
    ("tangent", "", (0.5463024898437905, 1.0), 0.0),
    ("tangent", "_grad", (0.5463024898437905, 1.0), 0.0),
    ("cross_entropy", "", ([40.0, 0.0], 0), 0.0),
    ("cross_entropy", "", ([1000.0, 0.0], 1), math.inf),
    ("cross_entropy", "_grad", ([40.0, 0.0], 0), [0.0, 4.248354255291589e-18]),
    ("cross_entropy", "_hess", ([40.0, 0.0], 0), [0.0, 4.248354255291589e-18]),
]


@pytest.mark.parametrize(("name", "ending", "args", "naive"), FAILURES)
def test_naive_floats_fail_where_the_kernel_does_not(name: str, ending: str, args: Any, naive: Any) -> None:
    """The textbook formula overflows, or loses every digit, where the reference says so; the kernel is exact there."""
    loss = fl.LOSSES[name]
    words = args[-1] if isinstance(args[-1], dict) else {}
    inputs = args[: len(loss.required)]
    function = loss.reference if ending == "" else written(loss, ending)
    assert function(*inputs, **words) == naive
    assert "Where floats break" in function.__doc__

    case = Case("", tuple(np.array([x]) for x in inputs), words)
    ((exact_args, exact_words),) = arguments(loss, case, 700)
    truth = np.array(as_list(function(*exact_args, **exact_words)), dtype=object)
    if ending == "":
        actual = loss(*case.inputs, **words, reduction="none")
    else:
        actual = loss.grad_hess(*case.inputs, **words)[ending == "_hess"].ravel()
    assert ulp_errors(actual, truth).max() <= 4
    assert ulp_errors(np.ravel(naive), truth).max() > 1e9


def test_naive_sum_of_squares_overflows_where_the_mean_does_not() -> None:
    """Squares of float32 numbers leave its range, their mean need not."""
    pred = np.array([2e19, 0, 0, 0, 0, 0, 0, 0], np.float32)
    with np.errstate(over="ignore"):
        assert np.mean([fl.mse.reference(x, np.float32(0)) for x in pred]) == np.inf
    assert fl.mse(pred, np.zeros(8, np.float32)) == pytest.approx(5e37, rel=1e-7)
