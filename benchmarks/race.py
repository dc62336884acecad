"""The race: all providers of one workload in one process, taking turns round by round.

A machine's speed drifts while it is measured, and whoever runs in a slow minute looks slow. Here everybody
runs in every minute, so the ratios of a round hold where the times do not. Before a provider's turn
there is a pause, in which the thread pool of the one before it stops spinning, and a call that is not
counted, which brings its own threads and memory back.
"""

import gc
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.memory import available, extra_bytes
from benchmarks.providers import Provider, Run
from benchmarks.records import Complaint, Timing
from benchmarks.workloads import Workload, problem

PAUSE = 0.01  # seconds; GNU OpenMP spins for a few milliseconds after a parallel region
ARRAYS = 24  # of an input's size that all providers together may hold at a time
LONGEST = 10.0  # seconds after which a provider has raced enough: some need that for one call
TURN = 0.005  # seconds that a turn lasts at least, by repeating a short call


@dataclass(frozen=True)
class Effort:
    """How long to race: so many rounds, but at least a few, and no more once so many seconds are over."""

    name: str
    rounds: int
    seconds: float
    least: int


QUICK = Effort("quick", rounds=3, seconds=1, least=2)
FULL = Effort("full", rounds=11, seconds=3, least=5)


def race(
    workload: Workload, providers: Sequence[Provider], threads: int, effort: Effort
) -> Iterator[Timing | Complaint]:
    """A timing of every provider that supports the workload; a complaint about one that fails or is wrong."""
    if available() < ARRAYS * workload.count * np.dtype(workload.dtype).itemsize:
        yield Complaint(workload.name, f"{workload}: memory might not do")
        return
    try:
        given = problem(workload)
    except TimeoutError as slow:
        yield Complaint(workload.name, str(slow))
        return
    runs: dict[Provider, tuple[Run, float]] = {}
    for provider in providers:
        if provider.threads(threads) and provider.supports(workload):
            try:
                run = provider.prepare(given, threads)
                runs[provider] = run, provider.check(given, run())
            except AssertionError as wrong:
                yield Complaint(workload.name, str(wrong))
            except Exception as failure:  # one peer's trouble does not stop the others
                text = f"{provider.name}, {workload}: {type(failure).__name__}: {failure}"
                yield Complaint(workload.name, text.strip().splitlines()[0])
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
            if sum(times[provider]) > LONGEST:
                continue
            time.sleep(PAUSE)
            runs[provider][0]()
            times[provider].append(provider.parts(given) * turn(runs[provider][0], calls[provider]))
    gc.enable()
    for provider, (run, error) in runs.items():
        extra = extra_bytes(run) if provider.parts(given) == 1 else None
        yield Timing(workload.name, workload.loss.name, provider.name, threads, tuple(times[provider]), error, extra)


def turn(run: Run, calls: int) -> float:
    """Seconds per call."""
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - start) / calls


def calls_per_turn(run: Run) -> int:
    first = turn(run, 1)
    return 1 if first > TURN else max(1, math.ceil(TURN / max(turn(run, 3), 1e-9)))
