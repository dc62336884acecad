"""Print the worst error of value, gradient and Hessian in ULP, next to the peers' on the same inputs.

The inputs are those of the test suite, made to reach the hard places: tails, kinks, confident rows,
infinities, the whole range of the dtype. The truth is the reference on mpmath numbers of hundreds of digits.
One ULP is the distance between neighbouring floats at the exact result; where the result is a sum of given
terms that may cancel, at the largest of them (these exceptions are listed, with the reason). A NaN or an
infinity in the wrong place counts as infinitely wrong.

Behind the worst error stands how many of the numbers are off by more than 4 ULP, the most that fastloss
allows itself. A peer is asked only what it has: the losses and hyperparameters it knows, and the cases it
does not refuse. "fastloss there" is the worst of fastloss on just the inputs that the peer was asked, so the
two compare.
"""

import argparse
import fnmatch
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

import fastloss
from benchmarks.contestants import installed
from benchmarks.environment import environment
from benchmarks.page import exceptions
from benchmarks.peers import Jax, Sklearn, Torch
from benchmarks.providers import Derivatives, Fastloss, Provider
from benchmarks.tables import digits, table
from benchmarks.workloads import Workload, input_names

EXAMPLES = """\
examples:
  python -m benchmarks.accuracy                          every loss, in float32 and float64: a few minutes
  python -m benchmarks.accuracy --only huber             the losses with this in their name
  python -m benchmarks.accuracy --dtype float32          one dtype
  python -m benchmarks.accuracy --json accuracy.json     the same as JSON, with every worst input
"""

WHO: tuple[type[Provider], ...] = (Fastloss, Torch, Jax, Sklearn)
PARTS = ("value", "grad", "hess")
LIMIT = 4  # ULP
stderr = Console(stderr=True)


@dataclass
class Worst:
    """The errors of one provider in one part, such as the gradient, over all the cases of a loss and dtype."""

    ulp: float = -1.0
    where: str = ""
    numbers: int = 0
    beyond: int = 0  # how many of them are off by more than LIMIT
    refused: int = 0  # cases

    def add(self, errors: np.ndarray, workload: Workload, inputs: tuple[np.ndarray, ...]) -> None:
        self.numbers += errors.size
        self.beyond += int((errors > LIMIT).sum())
        if errors.size and errors.max() > self.ulp:
            self.ulp = float(errors.max())
            self.where = place(workload, inputs, np.unravel_index(int(errors.argmax()), errors.shape)[1:])

    def __str__(self) -> str:
        if not self.numbers:
            return ""
        worst = "inf" if np.isinf(self.ulp) else f"{self.ulp:.0e}" if self.ulp >= 1000 else digits(self.ulp)
        return f"{worst} ({100 * self.beyond / self.numbers:.2g} %)" if self.beyond else worst


def place(workload: Workload, inputs: tuple[np.ndarray, ...], index: Sequence[Any]) -> str:
    """The input that makes the error: numbers in full, long rows by their place."""
    at = tuple(map(int, index[: len(workload.shape) - workload.rows]))
    words = []
    for key, value in workload.options.items():
        if not isinstance(value, np.ndarray):
            words.append(f"{key}={value}")
        else:
            words.append(f"{key}={value[at]}" if value.shape == workload.shape else f"{key} of shape {value.shape}")
    for name, array in zip(input_names(workload.loss), inputs, strict=True):
        element = array[at].tolist()
        long = isinstance(element, list) and len(element) > 10
        words.append(f"{name}=row {at} of {array.shape}" if long else f"{name}={element}")
    return ", ".join(words)


@dataclass
class Record:
    """A loss in a dtype: the worst of every provider and part, and of fastloss on a peer's inputs."""

    loss: str
    dtype: str
    worst: dict[str, dict[str, Worst]]
    there: dict[str, dict[str, Worst]]


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
        errors = np.where(allowed > 0, errors * LIMIT / np.where(allowed > 0, allowed, 1), errors)
        unless = spoilt(exact.loss, exact.case) | undefined(exact.loss, exact.case)
        results.append(np.where(unless, 0, errors))
    return np.stack(results)


def compare(loss: Any, dtype: np.dtype, who: Sequence[Provider]) -> Record:
    from tests import inputs, oracle

    worst, there = ({provider.name: {part: Worst() for part in PARTS} for provider in who} for _ in range(2))
    progress = track(list(inputs.cases(loss, dtype)), f"{loss.name} {dtype}", console=stderr, transient=True)
    for case in progress:
        soft = bool(getattr(loss, "target", "")) and case.inputs[-1].dtype.kind == "f"
        workload = Workload(loss, case.inputs[0].shape, dtype.name, options=case.kwargs, soft=soft)
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
                    worst[provider.name][part].refused += 1
                continue
            for part in PARTS:
                errors = errors_in_ulp(derivatives, exact, part)
                if errors is not None:
                    worst[provider.name][part].add(errors, workload, case.inputs)
                    there[provider.name][part].add(own.setdefault(part, errors), workload, case.inputs)
    return Record(loss.name, dtype.name, worst, there)


def show(records: Sequence[Record], who: Sequence[Provider]) -> str:
    peers = [provider.name for provider in who if provider.peer]
    header = ["loss", "dtype", "part", Fastloss.name, *(x for peer in peers for x in (peer, "fastloss there"))]
    rows = []
    for record in records:
        for part in PARTS:
            pairs = [str(side[peer][part]) for peer in peers for side in (record.worst, record.there)]
            rows.append([record.loss, record.dtype, part, str(record.worst[Fastloss.name][part]), *pairs])
    lines = [table(header, rows, left=3), "", "Where fastloss is worst:", ""]
    for record in records:
        for part, worst in record.worst[Fastloss.name].items():
            if worst.ulp > 0:
                lines.append(f"- {record.loss} {record.dtype} {part}, {digits(worst.ulp)} ULP: {worst.where}")
    lines += ["", "Where the bound is 4 ULP of the largest term:", ""]
    for name in dict.fromkeys(record.loss for record in records):
        lines += [f"- {name} {part}: {reason}" for part, reason in exceptions(fastloss.LOSSES[name]).items()]
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    only = "losses whose name contains this; * stands for any text"
    parser.add_argument("--only", metavar="PATTERN", default="", help=only)
    parser.add_argument("--dtype", choices=("float32", "float64"), help="one dtype instead of both")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the numbers to this file too")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parse(arguments)
    losses = [
        loss
        for name, loss in fastloss.LOSSES.items()
        if loss.shape in ("pointwise", "rows") and fnmatch.fnmatchcase(name, f"*{chosen.only}*")
    ]
    if not losses:
        raise SystemExit(f"no loss is named like {chosen.only}: there are {', '.join(fastloss.LOSSES)}")
    here, absent = installed()
    for line in absent:
        stderr.print(f"left out: {line}", highlight=False)
    who = [provider for provider in here if type(provider) in WHO]
    dtypes = [chosen.dtype] if chosen.dtype else ["float32", "float64"]
    records = [compare(loss, np.dtype(dtype), who) for loss in losses for dtype in dtypes]
    where = environment()
    print(f"Worst error in ULP, and the share of numbers beyond {LIMIT} ULP.")
    print(f"{where['machine']}. {where['date'][:10]}, commit {where['commit']}, instruction set {where['isa']}.")
    print(", ".join(f"{name} {version}" for name, version in where["versions"].items()) + ".\n")
    print(show(records, who))
    if chosen.json:
        content = {"environment": where, "records": [asdict(record) for record in records]}
        chosen.json.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
