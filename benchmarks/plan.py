"""What is measured: the jobs of a run, and the series of workloads that the pictures of scaling show.

Every loss has its races in the shapes of workloads.py with all threads, and its accuracy in float32 and float64. The
series go through sizes, classes, threads and dtypes with a few losses.
"""

import fnmatch
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import fastloss
from benchmarks.providers import cores
from benchmarks.race import FULL, QUICK, Effort
from benchmarks.workloads import FEW_ROWS, SHAPES, SPECIAL, Workload, workloads
from fastloss.loss import Loss

PARTS = ("speed", "accuracy", "scaling")
SLOW = ("torch.compile",)  # to start: a quick run is without it


@dataclass(frozen=True, eq=False)
class Race:
    """All providers against each other on one workload."""

    workload: Workload
    threads: int
    effort: Effort
    without: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"race {self.workload} threads={self.threads}"

    @property
    def subject(self) -> str:
        return self.workload.name

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        peers = self.workload.loss.peers
        compiling = 8.0 * ("torch" in peers and not self.without) + 1.5 * ("optax" in peers)
        racing = 1.0 if self.effort is QUICK else 1.5 + 2.5 * bool(peers)
        # a call outlasts what a race may take: then its least rounds do
        long = {"linear": 1e-8, "tokens": 6e-7}.get(self.workload.loss.shape, 0) * math.prod(self.workload.shape)
        racing += long / (3 if self.effort is QUICK else 1)
        return compiling + racing + (1.5 if self.workload.count >= 10**6 else 0.5)

    def run(self) -> Iterator[Any]:
        from benchmarks.contestants import installed
        from benchmarks.race import race

        who = [provider for provider in installed()[0] if provider.name not in self.without]
        return race(self.workload, who, self.threads, self.effort)


@dataclass(frozen=True, eq=False)
class Accuracy:
    """The errors of all providers on the hard inputs of one loss in one dtype."""

    loss: Loss[...]
    dtype: str
    effort: Effort

    @property
    def key(self) -> str:
        return f"accuracy {self.loss.name} {self.dtype}"

    @property
    def subject(self) -> str:
        return self.key

    @property
    def seconds(self) -> float:
        slow = self.loss.hessian and bool(self.loss.peers)  # theirs is found a class at a time
        return ((6.0 + 30.0 * slow) if self.loss.shape == "rows" else 3.0) / cores()

    def run(self) -> Iterator[Any]:
        from benchmarks.accuracy import compare

        return iter(compare(self.loss, self.dtype))


Job = Race | Accuracy


@dataclass(frozen=True)
class Series:
    """A picture of scaling: what stands on its horizontal axis, and the workload at each place."""

    title: str
    axis: str
    points: tuple[tuple[float | str, Workload, int], ...]


@cache
def series() -> tuple[Series, ...]:
    """The pictures. `rmse` and its like would show nothing that `mse` does not."""
    mse, bce, rows = fastloss.mse, fastloss.binary_cross_entropy_with_logits, fastloss.cross_entropy
    most = cores()

    def over(axis: str, title: str, loss: Any, numbers: Any, make: Callable[[Any], Workload]) -> Series:
        return Series(f"{loss.name}, {title}", axis, tuple((x, make(x), most) for x in numbers))

    counts = sorted({*(2**k for k in range(most.bit_length())), most})
    sizes = [10**k for k in range(2, 9)]
    classes = [2, 10, 32, 128, 1024, 8192, 32768, 262144]
    dtypes = ["float16", "float32", "float64"]
    wide, square = (10_000_000,), (8192, 1000)
    return (
        over("elements", "float32", mse, sizes, lambda n: Workload(mse, (n,))),
        over("elements", "float32", bce, sizes[:-1], lambda n: Workload(bce, (n,))),
        over("classes", "4 M logits", rows, classes, lambda c: Workload(rows, (2**22 // c, c))),
        *(
            Series(f"{work}", "threads", tuple((count, work, count) for count in counts))
            for work in (Workload(mse, wide), Workload(rows, square))
        ),
        over("dtype", "100,000 elements", mse, dtypes, lambda dtype: Workload(mse, (100_000,), dtype)),
        over("dtype", "1024 x 1000", rows, dtypes, lambda dtype: Workload(rows, (1024, 1000), dtype)),
    )


@cache
def scaled() -> frozenset[str]:
    """The workloads that only a picture of scaling asks for."""
    ordinary = {workload.name for workload in workloads()}
    return frozenset({work.name for one in series() for _, work, _ in one.points} - ordinary)


def jobs(parts: tuple[str, ...], only: str, threads: list[int], quick: bool, dtypes: tuple[str, ...]) -> list[Job]:
    """What a run does, each job once. A quick one without a pattern is content with a loss of each family."""
    effort, without = (QUICK, SLOW) if quick else (FULL, ())
    few = quick and not only
    chosen: dict[str, Job] = {}

    def add(job: Job) -> None:
        chosen.setdefault(job.key, job)

    if "speed" in parts:
        for workload in samples() if few else list(workloads()):
            if matches(workload.name, only):
                for count in threads:
                    add(Race(workload, count, effort, without))
    if "accuracy" in parts:
        losses = [work.loss for work in (samples() if few else workloads()) if matches(work.name, only)]
        for loss in dict.fromkeys(losses):
            if loss.shape == "pointwise" or (loss.shape == "rows" and not few):
                for dtype in dtypes[: 1 if few else None]:
                    add(Accuracy(loss, dtype, effort))
    if "scaling" in parts:
        for picture in series():
            for x, workload, count in picture.points:
                largest = quick and isinstance(x, (int, float)) and workload.count > 10**6
                if matches(workload.name, only) and not largest:
                    add(Race(workload, count, effort, without))
    # most threads first, and then those of one number together: they share a process
    return sorted(chosen.values(), key=lambda job: -job.threads if isinstance(job, Race) else 0)


def samples() -> list[Workload]:
    """A workload of each family: of a loss that others have, too, if there is one."""
    found: dict[str, Workload] = {}
    for loss in fastloss.LOSSES.values():
        if loss.shape in SHAPES and (loss.family not in found or (loss.peers and not found[loss.family].loss.peers)):
            shapes = SHAPES[loss.shape]
            found[loss.family] = Workload(loss, FEW_ROWS.get(loss.shape, shapes[len(shapes) // 2]))
    return [*found.values(), SPECIAL[0]]


def matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, f"*{pattern}*")
