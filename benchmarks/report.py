"""Race the providers and write the report: a Markdown table, a picture, and the numbers as JSON.

For each number of threads one process is started, in which the providers of a workload take turns round by
round, so that all of them meet the same moods of the machine. The table has the median time of a call (value
and gradient of the mean), and two ratios: the fastest peer's time to that of fastloss-out (above 1: fastloss
is faster), and fastloss-out's to that of copying the bytes that the workload must read and write.
"""

import argparse
import fnmatch
import json
import multiprocessing
import os
import statistics
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.contestants import PROVIDERS, installed
from benchmarks.environment import environment
from benchmarks.race import FULL, QUICK, Effort, Result, race
from benchmarks.tables import digits, seconds, table
from benchmarks.workloads import workloads

EXAMPLES = """\
examples:
  python -m benchmarks.report                           every workload, one thread and two: twelve minutes or so
  python -m benchmarks.report --quick                   a few rounds each, to see that it works
  python -m benchmarks.report --only cross_entropy      the workloads with this in their name
  python -m benchmarks.report --only 'mse*float64' --threads 1,4
  python -m benchmarks.report --list                    the names, and nothing else
  python -m benchmarks.report --json speed.json         no race: read what pytest --benchmark-json=speed.json wrote,
                                                        or an earlier report.json
"""

OUT, PLAIN, COPY = "fastloss-out", "fastloss", "copy"
PEERS = [provider.name for provider in PROVIDERS if provider.peer]
stderr = Console(stderr=True)


# The race, one process per number of threads


def run(names: Sequence[str], threads: int, effort: Effort) -> Iterator[tuple[str, list[Result], list[str]]]:
    """Workload by workload, in a process with so many threads: its name, its results, and who got it wrong."""
    xla = {"NPROC": str(threads), "TF_CPP_MIN_LOG_LEVEL": "3"}
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_race_all, args=(there, names, threads, effort), daemon=True)
    with patch.dict(os.environ, {"OMP_NUM_THREADS": str(threads)} | xla):
        process.start()
    there.close()
    try:
        for name in names:
            outcome = here.recv()
            timed = [result for result in outcome if isinstance(result, Result)]
            yield name, timed, [complaint for complaint in outcome if isinstance(complaint, str)]
    except EOFError:
        process.join()
        raise SystemExit(f"the process with {threads} threads ended with code {process.exitcode} at {name}") from None
    process.join()


def _race_all(pipe: Connection, names: Sequence[str], threads: int, effort: Effort) -> None:
    by_name = {workload.name: workload for workload in workloads()}
    for name in names:
        pipe.send(list(race(by_name[name], installed()[0], threads, effort)))


def measure(names: Sequence[str], thread_counts: Sequence[int], effort: Effort) -> tuple[list[Result], list[str]]:
    """Every workload with every number of threads, with a progress bar on stderr."""
    results: list[Result] = []
    wrong: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as progress:
        task = progress.add_task("starting", total=len(names) * len(thread_counts))
        for threads in thread_counts:
            progress.update(task, description=f"{names[0]}, threads: {threads}")
            for k, (name, timed, failed) in enumerate(run(names, threads, effort)):
                results += timed
                wrong += failed
                for failure in failed:
                    progress.console.print(f"left out of the race: {failure}", style="red", soft_wrap=True)
                best = {r.provider: r.median for r in timed}
                progress.console.print(
                    f"{name}, threads: {threads}: " + _one_line(best), highlight=False, soft_wrap=True
                )
                following = names[k + 1] if k + 1 < len(names) else "done"
                progress.update(task, advance=1, description=f"{following}, threads: {threads}")
    return results, wrong


def _one_line(times: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds(time)}" for name, time in sorted(times.items(), key=lambda item: item[1]))


# Records, in the layout of pytest-benchmark's JSON


def write_json(path: Path, results: Sequence[Result], wrong: Sequence[str], where: dict[str, Any]) -> None:
    records = [result.record(where) for result in results]
    path.write_text(json.dumps({"datetime": where["date"], "wrong": list(wrong), "benchmarks": records}, indent=1))


def read_json(path: Path) -> tuple[list[Result], list[str], dict[str, Any]]:
    content = json.loads(path.read_text())
    results, where = [], {}
    for record in content["benchmarks"]:
        extra, stats = record["extra_info"], record["stats"]
        where = extra
        results.append(
            Result(
                extra["workload"], extra["provider"], extra["threads"], stats["median"], stats["q1"], stats["q3"],
                stats["rounds"], extra["value_error"],
            )
        )  # fmt: skip
    if not results:
        raise SystemExit(f"{path} holds no benchmarks")
    return results, content.get("wrong", []), where


# The report

Cell = tuple[str, int]  # workload, threads


def by_cell(results: Sequence[Result]) -> dict[Cell, dict[str, Result]]:
    """The results of each row of the table, workloads in their order, fewest threads first."""
    cells: dict[Cell, dict[str, Result]] = {}
    for result in results:
        cells.setdefault((result.workload, result.threads), {})[result.provider] = result
    order = {name: k for k, name in enumerate(dict.fromkeys(result.workload for result in results))}
    return dict(sorted(cells.items(), key=lambda item: (order[item[0][0]], item[0][1])))


def fastest_peer(cell: dict[str, Result]) -> Result | None:
    return min((cell[name] for name in PEERS if name in cell), key=lambda result: result.median, default=None)


def ratio(cell: dict[str, Result], one: Result | None, other: str) -> float | None:
    """The time of one to the time of the other."""
    return one.median / cell[other].median if one and other in cell else None


def markdown(results: Sequence[Result], wrong: Sequence[str], where: dict[str, Any], picture: str | None) -> str:
    cells = by_cell(results)
    present = [provider.name for provider in PROVIDERS if any(provider.name in cell for cell in cells.values())]
    versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
    rounds = [result.rounds for result in results]
    text = [
        "# Speed of fastloss",
        "",
        f"{where['machine']}. {where['date'][:10]}, commit {where['commit']}, "
        f"instruction set {where['isa']}, {where['compiler']}. Load average before: {where['load']}.",
        versions + ".",
        "",
        "Value and gradient of the mean, median time of a call "
        f"({min(rounds)} to {max(rounds)} rounds), every number checked against the reference first. "
        "fastloss-out writes the gradient to an array that is there; copy moves the bytes that must be read and "
        "written.",
        "",
        *_section("Left out, because it failed or its numbers are wrong", [f"- {line}" for line in wrong]),
        *_section("Where fastloss loses", _losses(cells)),
        "## Times",
        "",
        _times(cells, present),
        "",
        "peer/fastloss: time of the fastest peer to that of fastloss-out, above 1 fastloss is faster. "
        "fastloss/copy: time of fastloss-out to that of the copy. An empty cell: the provider has no such loss, "
        "class axis or number of threads, or is not installed.",
        "",
        *([f"![Times]({picture})", ""] if picture else []),
        *_section("Geometric means", _means(cells, present)),
        "## Spread and exactness",
        "",
        "Half of the range between the quartiles, in percent of the median; and the relative error of the mean.",
        "",
        _spread(cells, present),
    ]  # fmt: skip
    return "\n".join(text) + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _losses(cells: dict[Cell, dict[str, Result]]) -> list[str]:
    lines = []
    for (workload, threads), cell in cells.items():
        peer = fastest_peer(cell)
        for name in (OUT, PLAIN):
            factor = ratio(cell, peer, name)
            if peer and factor is not None and factor < 1:
                lines.append(
                    f"- {workload}, threads: {threads}: {name} takes {seconds(cell[name].median)}, "
                    f"{peer.provider} {seconds(peer.median)} ({digits(factor)})"
                )
    return lines


def _times(cells: dict[Cell, dict[str, Result]], present: Sequence[str]) -> str:
    rows = []
    for (workload, threads), cell in cells.items():
        peer = fastest_peer(cell)
        times = [seconds(cell[name].median) if name in cell else "" for name in present]
        times = [
            f"**{time}**" if peer and name == peer.provider else time for name, time in zip(present, times, strict=True)
        ]
        ratios = [ratio(cell, peer, OUT), ratio(cell, cell.get(OUT), COPY)]
        rows.append([workload, str(threads), *times, *("" if r is None else digits(r) for r in ratios)])
    return table(["workload", "threads", *present, "peer/fastloss", "fastloss/copy"], rows)


def _means(cells: dict[Cell, dict[str, Result]], present: Sequence[str]) -> list[str]:
    lines = []
    for name in (OUT, PLAIN):
        ratios = [("the fastest peer", [ratio(cell, fastest_peer(cell), name) for cell in cells.values()])]
        ratios += [(peer, [ratio(c, c.get(peer), name) for c in cells.values()]) for peer in PEERS if peer in present]
        found = [(who, [r for r in values if r is not None]) for who, values in ratios]
        parts = [f"{digits(statistics.geometric_mean(v))} times as fast as {who}" for who, v in found if v]
        lines += [f"- {name}: {', '.join(parts)}."] if parts else []
        copies = [r for cell in cells.values() if (r := ratio(cell, cell.get(name), COPY)) is not None]
        if copies:
            lines.append(f"- {name}: {digits(statistics.geometric_mean(copies))} times as long as the copy.")
    return lines


def _spread(cells: dict[Cell, dict[str, Result]], present: Sequence[str]) -> str:
    rows = []
    for (workload, threads), cell in cells.items():
        shown = []
        for name in present:
            if name not in cell:
                shown.append("")
                continue
            result = cell[name]
            spread = f"±{50 * (result.q3 - result.q1) / result.median:.0f} %"
            shown.append(spread if name == COPY else f"{spread}, {result.value_error:.0e}")
        rows.append([workload, str(threads), *shown])
    return table(["workload", "threads", *present], rows)


# The command


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it works, not how fast")
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        default="",
        help="workloads whose name contains this; * stands for any text",
    )
    parser.add_argument("--threads", metavar="N,N", default="1,2", help="numbers of threads (default: %(default)s)")
    parser.add_argument("--folder", metavar="DIR", type=Path, default=Path("report"),
                        help="where report.md, report.png and report.json go (default: %(default)s)")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", type=Path, help="read these results instead of racing")
    parser.add_argument("--list", action="store_true", help="print the names of the workloads and stop")
    chosen = parser.parse_args(arguments)
    try:
        chosen.threads = sorted({int(number) for number in chosen.threads.split(",")})
    except ValueError:
        parser.error(f"--threads must be numbers with commas between them, such as 1,2, not {chosen.threads}")
    if chosen.threads[0] < 1:
        parser.error(f"--threads must be at least 1, not {chosen.threads[0]}")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parse(arguments)
    names = [w.name for w in workloads() if fnmatch.fnmatchcase(w.name, f"*{chosen.only}*")]
    if not names:
        raise SystemExit(f"no workload is named like {chosen.only}; --list prints their names")
    if chosen.list:
        print("\n".join(names))
        return
    if chosen.json:
        results, wrong, where = read_json(chosen.json)
        kept = [r for r in results if fnmatch.fnmatchcase(r.workload, f"*{chosen.only}*")]
    else:
        for line in installed()[1]:
            stderr.print(f"left out: {line}", highlight=False, soft_wrap=True)
        where = environment()  # first: the load that others make
        kept, wrong = measure(names, chosen.threads, QUICK if chosen.quick else FULL)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if not chosen.json:
        write_json(chosen.folder / "report.json", kept, wrong, where)
    picture = draw(kept, where, chosen.folder / "report.png")
    text = markdown(kept, wrong, where, picture)
    (chosen.folder / "report.md").write_text(text)
    print(text)
    stderr.print(f"written to {chosen.folder}", highlight=False, soft_wrap=True)


def draw(results: Sequence[Result], where: dict[str, Any], path: Path) -> str | None:
    """The picture's name, if matplotlib is there to draw it."""
    try:
        from benchmarks import picture
    except ImportError as error:
        stderr.print(f"no picture: {error}")
        return None
    picture.draw(by_cell(results), [provider.name for provider in PROVIDERS], where, path)
    return path.name


if __name__ == "__main__":
    main()
