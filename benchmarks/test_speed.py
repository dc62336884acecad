"""Every workload with every provider and number of threads, under pytest-benchmark.

    pytest benchmarks                                   everything: many minutes
    pytest benchmarks -k "32x10 and not torch"          by parts of the names
    pytest benchmarks --benchmark-json=speed.json       ... to be read by python -m benchmarks --json speed.json

The cells run one after the other, so the machine's mood differs between them: python -m benchmarks
lets the providers take turns, and is what to quote.
"""

import functools
from typing import Any

import pytest

from benchmarks.contestants import installed
from benchmarks.environment import environment
from benchmarks.providers import Provider
from benchmarks.race import calls_per_turn, turn
from benchmarks.workloads import Workload, problem, workloads

SECONDS = 1.0  # for the rounds of one cell
THREADS = (1, 2)

CELLS = [
    pytest.param(workload, provider, threads, id=f"{workload}-{provider.name}-threads{threads}")
    for workload in workloads()
    for threads in THREADS
    for provider in installed()[0]
    if provider.name != "reference" and provider.threads(threads) and provider.supports(workload)
]

where = functools.cache(environment)


@pytest.mark.parametrize(("workload", "provider", "threads"), CELLS)
def test_value_and_grad(benchmark: Any, workload: Workload, provider: Provider, threads: int) -> None:
    given = problem(workload)
    run = provider.prepare(given, threads)
    error = provider.check(given, run())
    benchmark.group = f"{workload}, {threads} threads"
    benchmark.extra_info |= {
        "workload": workload.name,
        "loss": workload.loss.name,
        "provider": provider.name,
        "threads": threads,
        "value_error": error,
        **where(),
    }
    calls = calls_per_turn(run)
    rounds = min(max(int(SECONDS / (calls * turn(run, calls))), 3), 100)
    benchmark.pedantic(run, rounds=rounds, iterations=calls, warmup_rounds=1)
