"""The race: all providers of one workload in one process, taking turns round by round.

A machine's speed drifts while it is measured, and whoever runs in a slow minute looks slow. Here everybody
runs in every minute, so the ratios of the medians hold where the medians do not. Before a provider's turn
there is a pause, in which the thread pool of the one before it stops spinning, and a call that is not
counted, which brings its own threads and memory back.
"""

import gc
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.providers import Provider, Run
from benchmarks.workloads import Workload, problem

PAUSE = 0.01  # seconds; GNU OpenMP spins for a few milliseconds after a parallel region
TURN = 0.005  # seconds that a turn lasts at least, by repeating a short call


@dataclass(frozen=True)
class Effort:
    """How long to race: so many rounds, but at least a few, and no more once so many seconds are over."""

    rounds: int
    seconds: float
    least: int


FULL = Effort(rounds=25, seconds=20, least=5)
QUICK = Effort(rounds=3, seconds=2, least=2)


@dataclass(frozen=True)
class Result:
    """Seconds per call of one provider on one workload, and the relative error of the mean it returned."""

    workload: str
    provider: str
    threads: int
    median: float
    q1: float
    q3: float
    rounds: int
    value_error: float

    def record(self, environment: dict[str, Any]) -> dict[str, Any]:
        """As pytest-benchmark writes it, so that one reader serves both."""
        fields = asdict(self)
        stats = {name: fields.pop(name) for name in ("median", "q1", "q3", "rounds")}
        return {
            "name": f"{self.workload}-{self.provider}",
            "stats": stats,
            "extra_info": fields | environment,
        }


def race(workload: Workload, providers: Sequence[Provider], threads: int, effort: Effort) -> Iterator[Result | str]:
    """A result for every provider that supports the workload; a complaint for one that fails or is wrong."""
    try:
        given = problem(workload)
    except TimeoutError as slow:
        yield f"{workload}: {slow}"
        return
    runs: dict[Provider, tuple[Run, float]] = {}
    for provider in providers:
        if provider.threads(threads) and provider.supports(workload):
            try:
                run = provider.prepare(given, threads)
                runs[provider] = run, provider.check(given, run())
            except AssertionError as wrong:
                yield str(wrong)
            except Exception as failure:  # one peer's trouble does not stop the others
                yield f"{provider.name}, {workload}: {type(failure).__name__}: {failure}"
    calls = {provider: calls_per_turn(run) for provider, (run, _) in runs.items()}
    times: dict[Provider, list[float]] = {provider: [] for provider in runs}
    order, shuffle = list(runs), random.Random(workload.name).shuffle
    gc.collect()
    gc.disable()
    start = time.perf_counter()
    for number in range(effort.rounds):
        if number >= effort.least and time.perf_counter() - start > effort.seconds:
            break
        shuffle(order)  # nobody always follows the same neighbour
        for provider in order:
            time.sleep(PAUSE)
            runs[provider][0]()
            times[provider].append(provider.parts(given) * turn(runs[provider][0], calls[provider]))
    gc.enable()
    for provider, (_, error) in runs.items():
        q1, median, q3 = np.percentile(times[provider], [25, 50, 75]).tolist()
        yield Result(workload.name, provider.name, threads, median, q1, q3, len(times[provider]), error)


def turn(run: Run, calls: int) -> float:
    """Seconds per call."""
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def calls_per_turn(run: Run) -> int:
    turn(run, 1)
    return max(1, math.ceil(TURN / max(turn(run, 3), 1e-9)))
