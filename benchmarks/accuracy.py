"""The worst and the median error of value, gradient and Hessian in ULP, next to the peers' on the same inputs.

    python -m benchmarks.accuracy       the accuracy part of python -m benchmarks, which see

The inputs are those of the test suite, made to reach the hard places: tails, kinks, confident rows,
infinities, the whole range of the dtype. The truth is the reference on mpmath numbers of hundreds of digits.
One ULP is the distance between neighbouring floats at the exact result; where the result is a sum of given
terms that may cancel, at the largest of them (these exceptions are listed, with the reason). A NaN or an
infinity in the wrong place counts as infinitely wrong.

A peer is asked only what it has: the losses and hyperparameters it knows, and the cases it does not refuse. The
worst of fastloss on just the inputs that the peer was asked stands beside it, so the two compare.
"""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.contestants import installed
from benchmarks.peers import Jax, Sklearn, Torch
from benchmarks.providers import Derivatives, Fastloss, Provider
from benchmarks.records import PARTS, Errors
from benchmarks.workloads import Workload

WHO: tuple[type[Provider], ...] = (Fastloss, Torch, Jax, Sklearn)
LIMIT = 4  # ULP


@dataclass
class Found:
    """The errors of one provider in one part, over all the cases of a loss and dtype."""

    errors: list[np.ndarray] = field(default_factory=list)
    worst: float = -1.0
    where: str = ""
    there: float = 0.0  # fastloss's worst on these inputs
    refused: int = 0  # cases

    def add(self, errors: np.ndarray, own: np.ndarray, workload: Workload, inputs: tuple[np.ndarray, ...]) -> None:
        self.errors.append(errors.ravel())
        self.there = max(self.there, float(own.max(initial=0)))
        if errors.size and errors.max() > self.worst:
            self.worst = float(errors.max())
            self.where = place(workload, inputs, np.unravel_index(int(errors.argmax()), errors.shape)[1:])

    def record(self, loss: str, dtype: str, provider: str, part: str) -> Errors:
        every = np.concatenate(self.errors)
        return Errors(
            loss, dtype, provider, part, self.worst, float(np.median(every)), every.size, int((every > LIMIT).sum()),
            self.refused, self.there, self.where,
        )  # fmt: skip


def place(workload: Workload, inputs: tuple[np.ndarray, ...], index: Sequence[Any]) -> str:
    """The input that makes the error: numbers in full, long rows by their place."""
    at = tuple(map(int, index[: len(workload.shape) - workload.rows]))
    words = []
    for key, value in workload.options.items():
        if not isinstance(value, np.ndarray):
            words.append(f"{key}={value}")
        else:
            words.append(f"{key}={value[at]}" if value.shape == workload.shape else f"{key} of shape {value.shape}")
    for name, array in zip(workload.loss.required, inputs, strict=True):
        element = array[at].tolist()
        long = isinstance(element, list) and len(element) > 10
        words.append(f"{name}=row {at} of {array.shape}" if long else f"{name}={element}")
    return ", ".join(words)


ENDINGS = {"value": "", "grad": "_grad", "hess": "_hess"}


def errors_in_ulp(found: Derivatives, exact: Any, part: str) -> np.ndarray | None:
    """In the ULPs of which the tests allow LIMIT: of the result, or of the largest of the given terms it is the sum
    of. Derivatives by several inputs stand along the first axis. What the tests leave open is left out: a curvature
    at NaN, what the textbook does not know at infinity."""
    from tests import oracle
    from tests.test_accuracy import spoilt, undefined

    arrays = {"value": (found.value,), "grad": found.grads, "hess": found.hesses}[part]
    if arrays is None:
        return None
    truths = {"value": lambda: [exact.value], "grad": lambda: exact.grads, "hess": lambda: exact.hesses}[part]()
    results = []
    for actual, truth, largest in zip(arrays, truths, exact.largest_terms(ENDINGS[part]), strict=True):
        errors = oracle.ulp_errors(actual, truth)
        allowed = oracle.tolerances(truth, largest, actual.dtype)
        errors = np.where(allowed > 0, errors / np.where(allowed > 0, allowed, 1) * LIMIT, errors)
        unless = spoilt(exact.loss, exact.case) | undefined(exact.loss, exact.case)
        results.append(np.where(unless, 0, errors))
    return np.stack(results)


def compare(loss: Any, dtype: str) -> list[Errors]:
    """What every provider is off by, in every part that it has."""
    from tests import inputs, oracle

    who = [provider for provider in installed()[0] if type(provider) in WHO]
    found = {(provider, part): Found() for provider in who for part in PARTS}
    for case in inputs.cases(loss, np.dtype(dtype)):
        soft = bool(loss.target) and case.inputs[-1].dtype.kind == "f"
        workload = Workload(loss, case.inputs[0].shape, dtype, options=case.kwargs, soft=soft)
        exact = oracle.exact(loss, case)
        own: dict[str, np.ndarray] = {}
        for provider in who:  # fastloss first
            if not provider.supports(workload):
                continue
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                    derivatives = provider.derivatives(workload, case.inputs)
            except Exception:
                if not provider.peer:
                    raise
                for part in PARTS:
                    found[provider, part].refused += 1
                continue
            for part in PARTS:
                errors = errors_in_ulp(derivatives, exact, part)
                if errors is not None:
                    found[provider, part].add(errors, own.setdefault(part, errors), workload, case.inputs)
    return [
        errors.record(loss.name, dtype, provider.name, part)
        for (provider, part), errors in found.items()
        if errors.errors
    ]


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main([*sys.argv[1:], "--parts", "accuracy"])
