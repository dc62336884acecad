"""The benchmarks: every loss has a workload whose numbers are right, a run goes on where it was, all is on the page."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from benchmarks import __main__ as command
from benchmarks import contestants, html, markdown, plan
from benchmarks.jobs import work
from benchmarks.memory import extra_bytes
from benchmarks.page import take_over
from benchmarks.providers import Copy, Fastloss, FastlossOut, Reference
from benchmarks.race import QUICK, race
from benchmarks.records import Complaint, Errors, Results, Store, Timing, read
from benchmarks.verdicts import Ratio, cells, means, ratio, rows
from benchmarks.workloads import SHAPES, Problem, Workload, problem, unknown, workloads

SMALL = {"pointwise": (1000,), "root": (1000,), "rows": (30, 7), "linear": (6, 5, 9), "tokens": (5, 6, 7)}
OURS = (FastlossOut(), Fastloss(), Reference(), Copy())
TINY = Workload(fl.cross_entropy, (32, 10))


def small(loss: fl.Loss) -> list[Workload]:
    forms = [False, True] if loss.target == "labels or shares" else [False]
    hessian = [False, True] if loss.hessian and loss.shape == "pointwise" else [False]
    return [Workload(loss, SMALL[loss.shape], hessian=h, soft=soft) for soft in forms for h in hessian]


@pytest.mark.parametrize("loss", [loss for loss in fl.LOSSES.values() if loss.shape in SMALL], ids=lambda x: x.name)
def test_the_numbers_of_every_loss_are_those_of_the_reference(loss: fl.Loss) -> None:
    for workload in small(loss):
        given = problem(workload)
        for provider in OURS:
            if provider.supports(workload):
                provider.check(given, provider.prepare(given, 1)())


def test_every_loss_has_a_workload_or_is_named() -> None:
    assert {w.loss.name for w in workloads()} == {loss.name for loss in fl.LOSSES.values() if loss.shape in SHAPES}
    assert len(unknown()) == sum(loss.shape not in SHAPES for loss in fl.LOSSES.values())


def test_memory_is_asked_for_the_logits_of_a_linear_layer() -> None:
    assert Workload(fl.linear_cross_entropy, (1024, 512, 32000)).count == 1024 * 32000


def test_a_wrong_number_is_found() -> None:
    given = problem(TINY)
    value, gradient = fl.cross_entropy.value_and_grad(*given.inputs)
    given.check("mine", value, [gradient])
    with pytest.raises(AssertionError, match="the mean is"):
        given.check("mine", value * 1.001, [gradient])
    gradient[3, 4] *= 1.001
    with pytest.raises(AssertionError, match="slope of element 3, class 4"):
        given.check("mine", value, [gradient])


def test_a_race_times_everyone_in_the_same_rounds() -> None:
    timings = {timing.provider: timing for timing in race(TINY, OURS, 1, QUICK)}
    assert timings.keys() == {provider.name for provider in OURS}
    assert len({len(timing.times) for timing in timings.values()}) == 1
    assert min(time for timing in timings.values() for time in timing.times) > 0


def test_one_that_fails_does_not_stop_the_others() -> None:
    class Broken(Fastloss):
        name = "broken"

        def prepare(self, problem: Problem, threads: int) -> Callable[[], Any]:
            raise RuntimeError("no such luck")

    class Liar(Fastloss):
        name = "liar"

        def fetch(self, problem: Problem, result: Any) -> Any:
            return 1e9, [result[1]]

    found = list(race(TINY, [Broken(), Liar(), Fastloss()], 1, QUICK))
    texts = [one.text for one in found if isinstance(one, Complaint)]
    assert texts[0] == f"broken, {TINY}: RuntimeError: no such luck"
    assert texts[1].startswith(f"liar, {TINY}: the mean is 1000000000.0")
    assert [one.provider for one in found if isinstance(one, Timing)] == ["fastloss"]


def test_extra_memory_is_what_a_call_allocates() -> None:
    size = 64 * 2**20
    found = extra_bytes(lambda: np.ones(size, np.uint8))
    assert found is None or size <= found < 1.2 * size
    there = np.ones(size, np.uint8)
    found = extra_bytes(lambda: there.fill(2))
    assert found is None or found < 0.1 * size


# Ratios


def timing(provider: str, *times: float, workload: str = "mse-10M-float32", threads: int = 2) -> Timing:
    return Timing(workload, workload.partition("-")[0], provider, threads, times, 1e-9, 40_000_000)


def test_ratios_are_of_the_same_rounds() -> None:
    """A machine that halves its speed in the middle of the race changes no ratio."""
    found = ratio(timing("torch", 2, 2, 4, 4), timing("fastloss-out", 1, 1, 2, 2))
    assert found == Ratio(2, 2, 2)
    assert not found.undecided


def test_a_ratio_on_both_sides_of_1_is_undecided() -> None:
    found = ratio(timing("torch", 0.8, 1.1, 1.2, 0.9, 1.1), timing("fastloss-out", 1, 1, 1, 1, 1))
    assert found is not None
    assert found.undecided
    assert str(found) == "1.10 undecided"
    assert ratio(timing("torch", 0.5, 1.5), timing("fastloss-out", 1, 1, 1)).undecided
    results = Results([timing("torch", 0.9, 1.1), timing("fastloss-out", 1, 1)], environments=[WHERE])
    titles = [title for title, _ in markdown.summary(results, rows(results))]
    assert "Undecided" in titles
    assert "Where fastloss loses" not in titles


WHERE = {
    "machine": "a machine", "versions": {"python": "3"}, "isa": "v4", "compiler": "gcc", "commit": "abc",
    "load": "0.1", "date": "2026-01-02T03:04:05",
}  # fmt: skip


def results() -> Results:
    """Of every workload of a full run something: fastloss wins, loses once, and a peer's errors are infinite."""
    timings, errors = [], []
    for workload in workloads():
        for name, time in {"fastloss-out": 1.0, "fastloss": 2.0, "torch": 4.0, "copy": 0.5}.items():
            times = (time, time * 1.5, time * 2)
            timings.append(Timing(workload.name, workload.loss.name, name, 2, times, 1e-9, 10**7))
    timings.append(Timing(timings[0].workload, timings[0].loss, "JAX", 2, (0.25, 0.5, 0.75), 1e-9))
    for name in fl.LOSSES:
        for provider, worst in (("fastloss", 2.5), ("torch", np.inf)):
            errors.append(Errors(name, "float32", provider, "grad", worst, 0.2, 100, 7, 0, 2.5, "pred=<1>"))
    return Results(timings, errors, [Complaint("mse-10M-float32", "JAX & Co failed")], [WHERE])


def test_the_page_has_every_workload_and_needs_nothing_else() -> None:
    page = html.page(results())
    for workload in workloads():
        assert f">{workload.name}</td>" in page
    assert "<h2>Where fastloss loses</h2>" in page
    assert "JAX &amp; Co failed" in page
    assert "pred=&lt;1&gt;" in page
    assert "inf (7 %)" in page
    for outside in ("http", "src=", "href=", "@import", "url("):
        assert outside not in page
    assert page.index("Where fastloss loses") < page.index("Every workload")


def test_the_page_draws_the_series() -> None:
    one = plan.series()[0]
    points = [Timing(w.name, w.loss.name, name, n, (x * 1e-9, x * 2e-9), 0.0) for x, w, n in one.points
              for name in ("fastloss-out", "copy")]  # fmt: skip
    page = html.page(Results(points, environments=[WHERE]))
    assert f'aria-label="{one.title}"' in page
    assert page.count("<polyline") == 2
    assert not means(Results(points[:4]))  # which are no losses as one uses them


def test_the_readme_table_says_where_and_when() -> None:
    text = markdown.readme(results())
    assert "2 threads" in text
    assert "a machine, 2026-01-02, commit abc" in text
    assert "`cross_entropy`, 8 x 21 x 65536, axis 1" in text
    assert "`mse`, 10 M" in text


def test_the_page_of_losses_takes_the_figures_over() -> None:
    measured: dict[str, Any] = {}
    take_over(measured, results())
    assert measured["losses"]["huber"] == {
        "ulp": {"float32": {"grad": 2.5}}, "peer": 4.0, "copy": 2.0, "fastest": "torch"
    }  # fmt: skip


# A run


def test_results_come_back_from_their_folder(tmp_path: Path) -> None:
    store, given = Store(tmp_path), results()
    store.begin(WHERE)
    store.add("old", "quick", [given.timings[0]])
    store.add("all", "full", [*given.timings, *given.errors, *given.complaints])
    store.add("old", "full", [])
    with store.path.open("a") as file:
        file.write('{"job": "cut in hal')
    found = read(tmp_path)
    assert found.errors == given.errors
    assert cells(found.timings) == cells(given.timings)
    assert found.complaints == given.complaints
    assert found.efforts == {"old": "full", "all": "full"}
    Store(tmp_path).add("more", "full", [given.errors[0]])  # behind the half of a line
    assert len(read(tmp_path).errors) == len(given.errors) + 1
    for line in store.path.read_text().splitlines():
        assert "Infinity" not in line


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs are done in this process, by few providers; the list names those that were."""
    done: list[str] = []

    def here(jobs: Any) -> Any:
        for job in jobs:
            done.append(job.key)
            yield job, list(job.run())

    monkeypatch.setattr(command, "work", here)
    monkeypatch.setattr(contestants, "PROVIDERS", OURS)
    return done


def test_a_run_writes_its_reports_and_the_next_goes_on(
    tmp_path: Path, at_once: list[str], capsys: pytest.CaptureFixture
) -> None:
    words = [
        "--quick",
        "--only",
        "cross_entropy-32x10",
        "--parts",
        "speed",
        "--threads",
        "1",
        "--folder",
        str(tmp_path),
    ]
    command.main(words)
    assert at_once == ["race cross_entropy-32x10-float32 threads=1"]
    assert "cross_entropy-32x10-float32" in capsys.readouterr().out
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "report.md", "readme.md", "results.jsonl"}

    command.main(words)  # done already
    assert len(at_once) == 1
    command.main([*words, "--again"])
    assert len(at_once) == 2
    command.main([word for word in words if word != "--quick"])  # a few rounds are not many
    assert len(at_once) == 3
    command.main(words)  # many are enough
    assert len(at_once) == 3


def test_an_interrupted_run_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: list[str]
) -> None:
    words = ["--quick", "--only", "mse-1000*", "--parts", "scaling", "--folder", str(tmp_path)]
    wanted = len(plan.jobs(("scaling",), "mse-1000*", [1], True, ("float32",)))
    assert wanted > 1
    whole = command.work

    def interrupted(jobs: Any) -> Any:
        yield next(whole(jobs))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(command, "work", interrupted)
        command.main(words)
    assert len(read(tmp_path).efforts) == 1
    command.main(words)
    assert len(read(tmp_path).efforts) == wanted == len(at_once)


def test_accuracy_is_a_part_of_the_same_results(tmp_path: Path, at_once: list[str]) -> None:
    command.main(["--only", "mse-10M-float32", "--parts", "accuracy", "--dtype", "float32", "--folder", str(tmp_path)])
    assert at_once == ["accuracy mse float32"]
    found = {error.part: error for error in read(tmp_path).errors}
    assert found.keys() == {"value", "grad", "hess"}
    assert all(error.worst <= 4 and error.median <= error.worst for error in found.values())


def test_a_quick_run_is_small() -> None:
    few, many = (plan.jobs(plan.PARTS, "", [2], quick, ("float32", "float64")) for quick in (True, False))
    assert sum(job.seconds for job in few) < 120
    assert len(few) < len(many) / 4
    assert {key.partition(" ")[0] for key in (job.key for job in few)} == {"race", "accuracy"}


class Deadly(plan.Race):
    def run(self) -> Any:
        os._exit(3)


class Idle(plan.Race):
    def run(self) -> Any:
        return iter([Complaint(self.subject, os.environ["OMP_NUM_THREADS"])])


def test_a_process_that_dies_takes_one_job_with_it() -> None:
    jobs = [kind(TINY, 2, QUICK) for kind in (Idle, Deadly, Idle)]
    found = list(work(jobs))
    assert [job for job, _ in found] == jobs
    assert [records[0].text for _, records in found] == ["2", f"{jobs[1].key}: the process ended with code 3", "2"]


def test_what_pytest_benchmark_writes_is_read(tmp_path: Path) -> None:
    extra = WHERE | {"workload": "mse-10M-float32", "loss": "mse", "threads": 2, "value_error": 0.0}
    records = [{"stats": {"data": [1.0, 2.0]}, "extra_info": extra | {"provider": name}} for name in ("torch", "copy")]
    path = tmp_path / "speed.json"
    path.write_text(json.dumps({"machine_info": {}, "benchmarks": records}, indent=1))
    assert [timing.provider for timing in read(path).timings] == ["torch", "copy"]
    command.main(["--json", str(path), "--folder", str(tmp_path)])
    assert "mse-10M-float32" in (tmp_path / "report.md").read_text()
