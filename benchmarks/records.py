"""The one format of all results: a folder's results.jsonl, to which every finished job appends its line.

A line is one JSON object: `{"environment": {...}}`, where and when what follows was measured, or
`{"job": "race mse-10M-float32 threads=2", "effort": "full", "timings": [...], "errors": [...], "complaints": [...]}`.
A job that was interrupted has no line, so a second run knows what is left to do. Of two lines of one job the later
counts. Infinite errors are the string "inf": JSON has no word for them.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fastloss

NAME = "results.jsonl"
PARTS = ("value", "grad", "hess")  # what has errors of its own


@dataclass(frozen=True)
class Timing:
    """One provider on one workload: seconds per call in each round, the relative error of the mean it returned, and how
    far a call raises the memory of the process."""

    workload: str
    loss: str
    provider: str
    threads: int
    times: tuple[float, ...]
    value_error: float
    extra_bytes: int | None = None

    @property
    def quartiles(self) -> tuple[float, float, float]:
        low, middle, high = np.percentile(self.times, [25, 50, 75]).tolist()
        return low, middle, high

    @property
    def median(self) -> float:
        return self.quartiles[1]


@dataclass(frozen=True)
class Errors:
    """The errors in ULP of one provider in one part, such as the gradient, over the hard inputs of a loss and dtype."""

    loss: str
    dtype: str
    provider: str
    part: str
    worst: float
    median: float
    numbers: int  # of results
    beyond: int  # how many of them are off by more than fastloss may be
    refused: int  # cases that the provider raised at
    there: float  # fastloss's worst on just these inputs
    where: str  # the input of the worst


@dataclass(frozen=True)
class Complaint:
    """What was left out, and why."""

    subject: str
    text: str


KINDS = {"timings": Timing, "errors": Errors, "complaints": Complaint}


@dataclass
class Results:
    timings: list[Timing] = field(default_factory=list)
    errors: list[Errors] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    environments: list[dict[str, Any]] = field(default_factory=list)
    efforts: dict[str, str] = field(default_factory=dict)  # of the jobs that are done

    @property
    def where(self) -> dict[str, Any]:
        """The environment of the last run."""
        return self.environments[-1]


def read(path: Path) -> Results:
    """The results of a folder or file; also of what `pytest --benchmark-json` wrote."""
    path = path / NAME if path.is_dir() else path
    text = path.read_text()
    lines = list(_objects(text))
    if not lines:
        return _of_pytest(json.loads(text))
    jobs = {line["job"]: line for line in lines if "job" in line}
    results = Results(environments=[line["environment"] for line in lines if "environment" in line])
    for key, line in jobs.items():
        results.efforts[key] = line["effort"]
        results.timings += [Timing(**{**one, "times": tuple(one["times"])}) for one in line["timings"]]
        results.errors += [
            Errors(**one | {"worst": float(one["worst"]), "there": float(one["there"])}) for one in line["errors"]
        ]
        results.complaints += [Complaint(**one) for one in line["complaints"]]
    order = {name: k for k, name in enumerate(fastloss.LOSSES)}
    results.timings.sort(key=lambda timing: order.get(timing.loss, len(order)))
    results.errors.sort(key=lambda error: (order.get(error.loss, len(order)), error.dtype))
    return results


def _objects(text: str) -> Iterable[dict[str, Any]]:
    """The lines that are whole: a process that was killed may have left half of one."""
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict) and found.keys() & {"job", "environment"}:
            yield found


def _of_pytest(content: Mapping[str, Any]) -> Results:
    results = Results()
    for record in content["benchmarks"]:
        extra, stats = record["extra_info"], record["stats"]
        results.timings.append(
            Timing(
                extra["workload"], extra["loss"], extra["provider"], extra["threads"], tuple(stats["data"]),
                extra["value_error"],
            )
        )  # fmt: skip
        results.environments = [extra]
    return results


class Store:
    """A folder to which results are written as they come."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        self.results = read(self.path) if self.path.exists() and self.path.stat().st_size else Results()

    def begin(self, environment: Mapping[str, Any]) -> None:
        self._append({"environment": dict(environment)})

    def add(self, key: str, effort: str, records: Iterable[Any]) -> None:
        line: dict[str, Any] = {"job": key, "effort": effort} | {name: [] for name in KINDS}
        for record in records:
            (name,) = [name for name, kind in KINDS.items() if isinstance(record, kind)]
            line[name].append({field: _plain(value) for field, value in asdict(record).items()})
        self._append(line)

    def _append(self, line: Mapping[str, Any]) -> None:
        cut = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        with self.path.open("a") as file:
            file.write("\n" * cut + json.dumps(line, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [float(f"{number:.5g}") for number in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value
