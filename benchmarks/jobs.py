"""Doing the jobs: races one after the other, in a process for each number of threads, since some libraries ask for it
but once; the accuracies side by side, since nobody looks at the clock there."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import groupby
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

from benchmarks.plan import Accuracy, Job, Race
from benchmarks.providers import cores
from benchmarks.records import Complaint

SPAWN = multiprocessing.get_context("spawn")
Done = tuple[Job, list[Any]]


def work(jobs: Sequence[Job]) -> Iterator[Done]:
    """Every job with its records, as they come."""
    races = [job for job in jobs if isinstance(job, Race)]
    for threads, group in groupby(races, lambda race: race.threads):
        left = list(group)
        while left:  # a process that dies takes the one race with it that it was at
            for job, records in _race(tuple(left), threads):
                left.remove(job)
                yield job, records
    yield from _side_by_side([job for job in jobs if isinstance(job, Accuracy)])


def _variables(threads: int) -> Any:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    return patch.dict(os.environ, dict.fromkeys(names, str(threads)) | {"TF_CPP_MIN_LOG_LEVEL": "3"})


def _race(races: Sequence[Race], threads: int) -> Iterator[Done]:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=_run_all, args=(there, races), daemon=True)
    with _variables(threads):
        process.start()
    there.close()
    try:
        for race in races:
            try:
                yield race, here.recv()
            except EOFError:
                process.join()
                yield race, [Complaint(race.subject, f"{race.key}: the process ended with code {process.exitcode}")]
                return
        process.join()
    finally:
        process.terminate()


def _run_all(pipe: Connection, races: Sequence[Race]) -> None:
    _leave_interrupts_to_the_parent()
    for race in races:
        pipe.send(_run(race))


def _side_by_side(jobs: Sequence[Accuracy]) -> Iterator[Done]:
    if not jobs:
        return
    with _variables(1):
        pool = ProcessPoolExecutor(cores(), SPAWN, _leave_interrupts_to_the_parent)
        try:
            running = {pool.submit(_run, job): job for job in jobs}
            for future in as_completed(running):
                failure, job = future.exception(), running[future]
                yield job, [Complaint(job.subject, f"{job.key}: {failure}")] if failure else future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run(job: Job) -> list[Any]:
    try:
        return list(job.run())
    except Exception as failure:
        return [Complaint(job.subject, f"{job.key}: {type(failure).__name__}: {failure}")]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
