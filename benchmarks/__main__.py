"""Should I switch, and can I trust it? Race fastloss against what you would use instead, on this machine.

Three parts: speed and memory of value and gradient, for every loss; accuracy, the worst and the median error in ULP
on hard inputs; scaling, with elements, classes, threads and dtype. Whoever is installed takes part: NumPy, torch,
torch.compile, JAX with optax, scikit-learn; a plain copy of the same bytes is the floor. Nothing is timed before
its numbers agree with the pure-Python reference.

The folder gets report.html (open it), report.md, readme.md (the README's table) and results.jsonl, to which every
finished job is appended: interrupt when you like, the same command goes on from there.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks import html, markdown
from benchmarks.contestants import installed
from benchmarks.environment import environment
from benchmarks.jobs import work
from benchmarks.plan import PARTS, Job, jobs, matches
from benchmarks.providers import cores
from benchmarks.records import Complaint, Results, Store, Timing, read
from benchmarks.tables import seconds
from benchmarks.workloads import unknown, workloads

EXAMPLES = """\
examples:
  python -m benchmarks --quick                       a loss of each family, a few rounds: under two minutes
  python -m benchmarks                               everything: about half an hour on two cores; interrupt and go on
  python -m benchmarks --only huber                  what has this in its name, in every part
  python -m benchmarks --only 'mse*float64' --parts speed --threads 1,2
  python -m benchmarks --only huber --again          measured once more, not taken from the folder
  python -m benchmarks --list                        the names of the jobs, and nothing else
  python -m benchmarks --json speed.json             no race: the report of what pytest --benchmark-json=speed.json
                                                     wrote, or of another run's results.jsonl
"""

stderr = Console(stderr=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="few rounds: shows that it works, not how fast")
    add("--only", metavar="PATTERN", default="", help="jobs whose workload has this in its name; * stands for any text")
    add("--parts", metavar="PART,PART", default=",".join(PARTS), help="some of %(default)s (default: all)")
    add("--threads", metavar="N,N", default=str(cores()), help="numbers of threads (default: all, here %(default)s)")
    add("--dtype", choices=("float32", "float64"), help="accuracy in one dtype instead of both")
    add("--folder", metavar="DIR", type=Path, default=Path("report"), help="what goes there, see above (%(default)s)")
    add("--again", action="store_true", help="measure what the folder has already, too")
    add("--json", metavar="FILE", type=Path, help="read these results instead of measuring")
    add("--list", action="store_true", help="print the jobs and stop")
    chosen = parser.parse_args(arguments)
    chosen.parts = tuple(chosen.parts.split(","))
    if not set(chosen.parts) <= set(PARTS):
        parser.error(f"--parts must be some of {', '.join(PARTS)} with commas between them, not {chosen.parts}")
    try:
        chosen.threads = sorted({int(number) for number in chosen.threads.split(",")})
    except ValueError:
        parser.error(f"--threads must be numbers with commas between them, such as 1,2, not {chosen.threads}")
    if chosen.threads[0] < 1:
        parser.error(f"--threads must be at least 1, not {chosen.threads[0]}")
    return chosen


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parse(arguments)
    if chosen.json:
        write(read(chosen.json), chosen.folder, chosen.only)
        return
    dtypes = (chosen.dtype,) if chosen.dtype else ("float32", "float64")
    todo = jobs(chosen.parts, chosen.only, chosen.threads, chosen.quick, dtypes)
    if not todo:
        raise SystemExit(f"no job is named like {chosen.only}; --list prints their names")
    if chosen.list:
        print("\n".join(job.key for job in todo))
        return
    try:
        measure(todo, chosen.folder, chosen.again)
    except KeyboardInterrupt:
        say("interrupted: the same command goes on from here")
    write(read(chosen.folder), chosen.folder, chosen.only)


def measure(todo: Sequence[Job], folder: Path, again: bool) -> None:
    """Do what the folder has not got, and tell how it goes on stderr."""
    store, where = Store(folder), environment()  # first: the load that others make
    efforts = store.results.efforts
    left = [job for job in todo if again or efforts.get(job.key) not in (job.effort.name, "full")]
    if len(left) < len(todo):
        say(f"{len(todo) - len(left)} of {len(todo)} jobs are in {folder} already (--again measures them again)")
        if store.results.where["commit"] != where["commit"]:
            say(f"... at commit {store.results.where['commit']}, which is not {where['commit']}")
    absent = installed()[1] + ([f"no workload for {name}" for name in unknown()])
    for line in absent:
        say(f"left out: {line}")
    if not left:
        return
    store.begin(where | {"absent": absent})
    say(f"{len(left)} jobs, about {sum(job.seconds for job in left) / 60:.0f} minutes on an idle machine")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=stderr) as progress:
        task = progress.add_task(left[0].subject, total=len(left))
        for number, (job, records) in enumerate(work(left), 1):
            store.add(job.key, job.effort.name, records)
            for record in records:
                if isinstance(record, Complaint):
                    say(f"left out: {record.text}", "red", progress.console)
            times = sorted((r.median, r.provider) for r in records if isinstance(r, Timing))
            if times:
                line = ", ".join(f"{name} {seconds(time)}" for time, name in times)
                say(f"{job.key}: {line}", "", progress.console)
            following = left[number].subject if number < len(left) else "done"
            progress.update(task, advance=1, description=following)


def write(results: Results, folder: Path, only: str) -> None:
    """The reports of all that is in the folder; what this run asked for on the screen."""
    if not results.timings and not results.errors:
        raise SystemExit("nothing was measured" + "".join(f"\n{complaint.text}" for complaint in results.complaints))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(html.page(results))
    (folder / "report.md").write_text(markdown.report(results))
    (folder / "readme.md").write_text(markdown.readme(results))
    print(markdown.report(matching(results, only)))
    say(f"written to {folder}: report.html, report.md, readme.md")


def matching(results: Results, only: str) -> Results:
    losses = {workload.loss.name for workload in workloads() if matches(workload.name, only)}
    return Results(
        [timing for timing in results.timings if matches(timing.workload, only)],
        [error for error in results.errors if error.loss in losses],
        [complaint for complaint in results.complaints if matches(complaint.subject, only)],
        results.environments,
    )


def say(line: str, style: str = "", console: Console = stderr) -> None:
    console.print(line, style=style, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
