"""The report as Markdown, and the table of the README."""

from collections.abc import Sequence
from typing import Any

import fastloss
from benchmarks.contestants import PROVIDERS
from benchmarks.providers import cores
from benchmarks.records import PARTS, Errors, Results
from benchmarks.tables import digits, seconds, table
from benchmarks.verdicts import (
    OUT,
    PLAIN,
    Row,
    by_provider,
    cells,
    fastest_peer,
    floor,
    lost,
    means,
    megabytes,
    ratio,
    rows,
    undecided,
    worst,
)

README = (
    "mse-10M-float32",
    "mae-10M-float32",
    "huber-10M-float32",
    "binary_cross_entropy_with_logits-10M-float32",
    "cross_entropy-2048x32000-float32",
    "cross_entropy-8192x1000-float32",
    "cross_entropy-1Mx10-float32",
    "cross_entropy-32x10-float32",
    "cross_entropy-8x21x65536-axis1-float32",
)


def report(results: Results) -> str:
    """Everything, the bad news first."""
    found = rows(results)
    parts = ["# fastloss next to the others", *facts(results)]
    for title, lines in summary(results, found):
        parts.append(f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines))
    if results.timings:
        parts += [
            "## Times",
            "Value and gradient of the mean, median time of a call; every number was checked against the reference "
            "first. fastloss-out writes the gradient to an array that is there; reference is the pure Python, "
            "extrapolated from a few elements; copy moves the bytes that must be read and written. peer/fastloss: "
            "the fastest peer (bold) to fastloss-out, above 1 fastloss is faster, undecided if the quartiles of the "
            "rounds' ratios stand on both sides of 1. extra: by how much a call of fastloss-out, fastloss, and the "
            "peer raises the memory.",
            times(results),
        ]
    if results.errors:
        parts += [
            "## Errors in ULP",
            "The worst on the hard inputs of the test suite, the share of the numbers beyond 4 ULP, and the median; "
            "behind a peer's, the worst of fastloss on the inputs that the peer was asked.",
            accuracy(results.errors),
            *exceptions(results.errors),
        ]
    return "\n\n".join(parts) + "\n"


def facts(results: Results) -> list[str]:
    """Where and when."""
    where = results.where
    packages = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    lines = [f"{place(where)}, instruction set {where['isa']}, {where['compiler']}. "
             f"Load average before: {where['load']}.", packages + "."]  # fmt: skip
    if where["load"] != "unknown" and float(where["load"]) > 0.5 * cores():
        lines.append("The machine was busy with something else: measure again when it is not, before you believe it.")
    others = {(one["machine"], one["commit"]) for one in results.environments} - {(where["machine"], where["commit"])}
    lines += [f"Some of it was measured earlier: {', '.join(f'{m}, commit {c}' for m, c in sorted(others))}."] * bool(
        others
    )
    return lines


def place(where: dict[str, Any]) -> str:
    return f"{where['machine']}, {where['date'][:10]}, commit {where['commit']}"


AVERAGE = "On average (geometric means, gradient in an array that is there)"


def summary(results: Results, found: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """What one must know, by title: in the page and in the Markdown."""
    average = means(results)
    parts = []
    if average:
        lines = [
            f"{digits(mean)} times as fast as {who} {of(count)}"
            for who, (mean, count) in average.items()
            if who != "the floor"
        ]
        if "the floor" in average:
            mean, count = average["the floor"]
            lines.append(f"{digits(mean)} times as long as a copy of the bytes, or the products {of(count)}")
        parts.append((AVERAGE, lines))
    parts.append(("Where fastloss loses", [sentence(row) for row in lost(found)]))
    parts.append(("Undecided", [sentence(row) for row in undecided(found)]))
    parts.append(
        ("Beyond 4 ULP", [f"{e.loss} {e.dtype} {e.part}: {worst(e)}, at {e.where}" for e in results.errors
                          if e.provider == PLAIN and e.beyond])
    )  # fmt: skip
    parts.append(("Left out", [*(c.text for c in results.complaints), *results.where.get("absent", [])]))
    return [(title, lines) for title, lines in parts if lines]


def of(count: int) -> str:
    return f"({count} workload{'s' * (count > 1)})"


def sentence(row: Row) -> str:
    assert row.ours is not None
    assert row.peer is not None
    assert row.faster is not None
    return (
        f"{row.workload}, threads: {row.threads}: fastloss-out {seconds(row.ours.median)}, {row.peer.provider} "
        f"{seconds(row.peer.median)} ({digits(row.faster.middle)}, quartiles {row.faster.spread})"
    )


def times(results: Results) -> str:
    every = cells(results.timings)
    present = [provider.name for provider in PROVIDERS if any(provider.name in cell for cell in every.values())]
    lines = []
    for (workload, threads), cell in every.items():
        peer, ours = fastest_peer(cell), cell.get(OUT)
        shown = [seconds(cell[name].median) if name in cell else "" for name in present]
        shown = [f"**{time}**" if peer and name == peer.provider else time
                 for name, time in zip(present, shown, strict=True)]  # fmt: skip
        ratios = [ratio(peer, ours), ratio(ours, floor(cell))]
        extra = [megabytes(one.extra_bytes) if one else "" for one in (ours, cell.get(PLAIN), peer)]
        lines.append([workload, str(threads), *shown, *("" if r is None else str(r) for r in ratios), *extra])
    header = ["workload", "threads", *present, "peer/fastloss", "fastloss/copy", "extra: out", "fastloss", "peer"]
    return table(header, lines)


def accuracy(errors: Sequence[Errors]) -> str:
    every = by_provider(errors)
    peers = [p.name for p in PROVIDERS if p.peer and any(name == p.name for _, _, name in every)]
    header = ["loss", "dtype", "part", "worst", "median"]
    header += [word for peer in peers for word in (peer, "fastloss there")]
    lines = []
    for loss, dtype, provider in every:
        for part in PARTS if provider == PLAIN else ():
            own = every[loss, dtype, PLAIN].get(part)
            if own is None:
                continue
            line = [loss, dtype, part, worst(own), digits(own.median)]
            for peer in peers:
                theirs = every.get((loss, dtype, peer), {}).get(part)
                line += [worst(theirs), digits(theirs.there) if theirs else ""]
            lines.append(line)
    return table(header, lines, left=3)


def exceptions(errors: Sequence[Errors]) -> list[str]:
    from benchmarks.page import exceptions as reasons

    names = dict.fromkeys(one.loss for one in errors if one.loss in fastloss.LOSSES)
    lines = [f"- {name} {part}: {why}" for name in names for part, why in reasons(fastloss.LOSSES[name]).items()]
    return ["The ULP is that of the largest term of a sum here:", "\n".join(lines)] if lines else []


def readme(results: Results) -> str:
    """The table of the README, of the workloads that it shows, with its date and machine."""
    names = ["fastloss", "torch", "torch.compile", "JAX", "scikit-learn", "copy"]
    every = cells(results.timings)
    threads = max((count for _, count in every), default=1)
    lines = []
    for workload in README:
        cell = every.get((workload, threads))
        if cell:
            loss, _, shape = workload.removesuffix("-float32").partition("-")
            for short, long in (("x", " x "), ("-a x is", ", axis "), ("1M", "1,000,000"), ("10M", "10 M")):
                shape = shape.replace(short, long)
            shown = [seconds(cell[name].median) if name in cell else "" for name in [OUT, *names[1:]]]
            faster = ratio(fastest_peer(cell), cell.get(OUT))
            lines.append([f"`{loss}`, {shape}", *shown, "" if faster is None else str(faster)])
    head = f"Float32, {threads} threads, the gradient in an array that is there; {place(results.where)}.\n\n"
    header = ["value + gradient", *names[:-1], "copy of the same bytes", "fastest peer / fastloss"]
    return head + table(header, lines) + "\n"
