"""What the results say: ratios with their spread, who is fastest, where fastloss loses, what is undecided."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.contestants import PROVIDERS
from benchmarks.plan import scaled
from benchmarks.records import Errors, Results, Timing
from benchmarks.tables import digits

OUT, PLAIN, FLOORS = "fastloss-out", "fastloss", ("copy", "products")
PEERS = [provider.name for provider in PROVIDERS if provider.peer]

Cell = Mapping[str, Timing]  # the providers of one workload with one number of threads
Key = tuple[str, int]  # workload, threads


class Ratio(NamedTuple):
    """How many times as long one takes as another: the median of the rounds, between their quartiles."""

    low: float
    middle: float
    high: float

    @property
    def undecided(self) -> bool:
        """Whether the quartiles stand on both sides of 1: in another hour the other might be ahead."""
        return self.low < 1 < self.high

    def __str__(self) -> str:
        return digits(self.middle) + " undecided" * self.undecided

    @property
    def spread(self) -> str:
        return f"{digits(self.low)} to {digits(self.high)}"


def ratio(one: Timing | None, other: Timing | None) -> Ratio | None:
    """The time of one to the time of the other, round by round. Times that were not taken in the same rounds are
    compared by their quartiles, which makes the spread as wide as it may be."""
    if one is None or other is None:
        return None
    if len(one.times) == len(other.times):
        low, middle, high = np.percentile(np.divide(one.times, other.times), [25, 50, 75]).tolist()
        return Ratio(low, middle, high)
    (a, b, c), (x, y, z) = one.quartiles, other.quartiles
    return Ratio(a / z, b / y, c / x)


def cells(timings: Iterable[Timing]) -> dict[Key, dict[str, Timing]]:
    """The timings of each workload and number of threads, by provider, in the order of the providers."""
    order = {provider.name: k for k, provider in enumerate(PROVIDERS)}
    found: dict[Key, dict[str, Timing]] = {}
    for timing in timings:
        found.setdefault((timing.workload, timing.threads), {})[timing.provider] = timing
    names = list(dict.fromkeys(timing.workload for timing in timings))
    return {
        key: dict(sorted(cell.items(), key=lambda item: order.get(item[0], len(order))))
        for key, cell in sorted(found.items(), key=lambda item: (names.index(item[0][0]), item[0][1]))
    }


def fastest_peer(cell: Cell) -> Timing | None:
    return min((cell[name] for name in PEERS if name in cell), key=lambda timing: timing.median, default=None)


def floor(cell: Cell) -> Timing | None:
    """What nobody can be faster than: a copy of the bytes, or the products of a linear layer."""
    return next((cell[name] for name in FLOORS if name in cell), None)


class Row(NamedTuple):
    """A line of the verdict: a workload with the numbers one decides by."""

    workload: str
    threads: int
    loss: str
    ours: Timing | None
    plain: Timing | None
    peer: Timing | None
    faster: Ratio | None  # the fastest peer's time to that of fastloss-out
    above_floor: Ratio | None  # that of fastloss-out to the floor's
    errors: Mapping[str, Errors]  # of fastloss, by part
    peer_errors: Mapping[str, Errors]  # of the peer, by part


def rows(results: Results) -> list[Row]:
    errors = by_provider(results.errors)
    found = []
    for (workload, threads), cell in cells(results.timings).items():
        ours, peer = cell.get(OUT), fastest_peer(cell)
        loss, dtype = next(iter(cell.values())).loss, workload.rpartition("-")[2]
        found.append(
            Row(
                workload, threads, loss, ours, cell.get(PLAIN), peer, ratio(peer, ours), ratio(ours, floor(cell)),
                errors.get((loss, dtype, PLAIN), {}), errors.get((loss, dtype, accurate_name(peer)), {}),
            )
        )  # fmt: skip
    return found


def accurate_name(peer: Timing | None) -> str:
    """Whose errors a timed provider has: compiled or in chunks, torch computes the same."""
    return "" if peer is None else "torch" if peer.provider.startswith("torch") else peer.provider


def by_provider(errors: Iterable[Errors]) -> dict[tuple[str, str, str], dict[str, Errors]]:
    """Errors by loss, dtype and provider, and by part."""
    found: dict[tuple[str, str, str], dict[str, Errors]] = {}
    for one in errors:
        found.setdefault((one.loss, one.dtype, one.provider), {})[one.part] = one
    return found


def lost(found: Sequence[Row]) -> list[Row]:
    return [row for row in found if row.faster and row.faster.middle < 1 and not row.faster.undecided]


def undecided(found: Sequence[Row]) -> list[Row]:
    return [row for row in found if row.faster and row.faster.undecided]


def means(results: Results) -> dict[str, tuple[float, int]]:
    """Geometric means of the ratios to fastloss-out, of the fastest peer and of each, with how many workloads they are
    of; and of fastloss-out to the floor. The series of scaling are left out."""
    ratios: dict[str, list[float]] = {}

    def note(who: str, found: Ratio | None) -> None:
        if found is not None:
            ratios.setdefault(who, []).append(found.middle)

    for (workload, _), cell in cells(results.timings).items():
        if workload in scaled():
            continue
        note("the fastest peer", ratio(fastest_peer(cell), cell.get(OUT)))
        for name in PEERS:
            note(name, ratio(cell.get(name), cell.get(OUT)))
        note("the floor", ratio(cell.get(OUT), floor(cell)))
    return {who: (statistics.geometric_mean(numbers), len(numbers)) for who, numbers in ratios.items()}


def worst(errors: Errors | None) -> str:
    """Such as 2.41, or 1e+06 (12 %): behind it the share of the numbers beyond what fastloss may be off by."""
    if errors is None:
        return ""
    text = "inf" if np.isinf(errors.worst) else f"{errors.worst:.0e}" if errors.worst >= 1000 else digits(errors.worst)
    return f"{text} ({100 * errors.beyond / errors.numbers:.2g} %)" if errors.beyond else text


def megabytes(size: int | None) -> str:
    return "" if size is None else "0 MB" if size < 10**6 else f"{digits(size / 1e6)} MB"
