"""Write docs/losses.md, the page that lists every loss: formula, gradient, domain, kink, exactness, speed, source.

Everything but the figures comes from the declarations. The figures stand in docs/measured.json, which is filled from
what the accuracy and the speed report have measured.
"""

import argparse
import importlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import fastloss
from benchmarks.records import Results, read
from benchmarks.tables import digits, table
from benchmarks.verdicts import PLAIN, rows
from benchmarks.workloads import Workload
from fastloss.loss import Loss

DOCS = Path(__file__).parent.parent / "docs"
# The workload of each shape that the page tells of.
SHOWN = {"pointwise": (10_000_000,), "rows": (8192, 1000), "tokens": (8, 256, 32000)}
PAGE, MEASURED = DOCS / "losses.md", DOCS / "measured.json"

EXAMPLES = """\
examples:
  python -m benchmarks.page                              write the page again, after a change of a declaration
  python -m benchmarks --parts speed,accuracy            measure ...
  python -m benchmarks.page --results report             ... and take the figures over
"""

HEAD = """\
# Every loss

This page is written by `python -m benchmarks.page` from the declarations of the losses; do not edit it.

Losses, gradients and Hessians are within 4 ULP of the exact result, in float32 and float64, tails and kinks
included. Where a result is a sum of given terms that may cancel, the unit is that of the largest term; it is said
where that is so, and why. The speed is that of value and gradient of 10 million float32 elements (of 8192 x 1000
logits for the losses of rows, of 8 x 256 x 32000 for those of tokens), the gradient in an array that is there: how
many times as long the fastest peer takes, and how many times as long fastloss takes as a plain copy of the same bytes.
"""


def page(measured: Mapping[str, Any]) -> str:
    """The whole page, for these figures."""
    parts = [HEAD, _measured_where(measured), _overview(measured["losses"])]
    for family, losses in groupby(fastloss.LOSSES.values(), lambda loss: loss.family):
        module = importlib.import_module(f"fastloss.{family}")
        parts.append(f"## {family.capitalize()}\n\n{inspect.getdoc(module)}\n")
        parts += [_section(loss, measured["losses"].get(loss.name, {})) for loss in losses]
    return "\n".join(parts)


def _measured_where(measured: Mapping[str, Any]) -> str:
    return f"Measured {measured['date']}, commit {measured['commit']}, {measured['machine']}, {measured['threads']}.\n"


def _overview(figures: Mapping[str, Any]) -> str:
    rows = []
    for name, loss in fastloss.LOSSES.items():
        own = figures.get(name, {})
        rows.append([f"[`{name}`](#{name})", _first_line(loss), *_ulps(own), _ratio(own, "peer"), _ratio(own, "copy")])
    return (
        table(["loss", "", "worst ULP, float32", "float64", "peer / fastloss", "fastloss / copy"], rows, left=2) + "\n"
    )


def _section(loss: Loss[...], figures: Mapping[str, Any]) -> str:
    """One loss: formula, then what a user looks up."""
    lines = [f"### {loss.name}", "", _first_line(loss), "", "```text", _formula(loss), "```", ""]
    lines += [f"- Arguments: `{loss!r}`", f"- Domain: {_domain(loss)}", f"- {_kink(loss)}"]
    worst = [f"{dtype} {', '.join(f'{part} {digits(ulp)}' for part, ulp in parts.items())}"
             for dtype, parts in figures.get("ulp", {}).items()]  # fmt: skip
    lines.append(f"- Worst error in ULP: {'; '.join(worst) or 'not measured yet'}")
    lines += [f"- {part.capitalize()}: {reason}" for part, reason in exceptions(loss).items()]
    if "peer" in figures:
        lines.append(f"- Speed: {digits(figures['peer'])} times {figures['fastest']}")
    if loss.peers:
        lines.append("- Elsewhere: " + ", ".join(f"{library} `{peer.name}`" for library, peer in loss.peers.items()))
    source, first = inspect.getsourcelines(loss.reference)
    path = f"reference/{loss.family}.py"
    lines.append(f"- Reference: [{path}](../{path}#L{first}-L{first + len(source) - 1})")
    return "\n".join(lines) + "\n"


def exceptions(loss: Loss[...]) -> dict[str, str]:
    """For each part whose bound is 4 ULP of the largest of its terms, the reason that the reference gives."""
    module, reasons = inspect.getmodule(loss.reference), {}
    for part, ending in (("value", ""), ("gradient", "_grad"), ("Hessian", "_hess")):
        terms = getattr(module, f"{loss.name}{ending}_terms", None)
        if terms is not None:
            reasons[part] = " ".join((inspect.getdoc(terms) or "").split("\n\n")[0].split())
    return reasons


def _first_line(loss: Loss[...]) -> str:
    return (loss.__doc__ or "").splitlines()[0]


def _formula(loss: Loss[...]) -> str:
    """The first literal block of the docstring."""
    block = re.search(r"::\n\n((?:    .*\n|\n)+)", loss.__doc__ or "")
    assert block, f"the docstring of {loss.name} has no formula"
    return inspect.cleandoc(block[1])


def _domain(loss: Loss[...]) -> str:
    domains = [f"`{name}` in {domain}" for name, domain in loss.domains({}).items()]
    free = [f"`{name}`" for name in loss.inputs if name not in loss.domain]
    return ", ".join([*domains, *([f"{', '.join(free)} any real number"] if free else [])])


def _kink(loss: Loss[...]) -> str:
    """The first sentence of the notes, which says where the derivative jumps."""
    notes = re.search(r"\nNotes\n-----\n(.*?\.)(?:\s|$)(?![a-z(])", loss.__doc__ or "", flags=re.DOTALL)
    assert notes, f"the docstring of {loss.name} has no notes"
    return " ".join(notes[1].split())


def _ulps(figures: Mapping[str, Any]) -> list[str]:
    worst = figures.get("ulp", {})
    return [digits(max(worst[dtype].values())) if dtype in worst else "" for dtype in ("float32", "float64")]


def _ratio(figures: Mapping[str, Any], of: str) -> str:
    return digits(figures[of]) if of in figures else ""


def take_over(measured: dict[str, Any], results: Results) -> None:
    """Put the figures of a run in place of those that are there."""
    losses = measured.setdefault("losses", {})
    for error in results.errors:
        if error.provider == PLAIN:
            by_dtype = losses.setdefault(error.loss, {}).setdefault("ulp", {})
            by_dtype.setdefault(error.dtype, {})[error.part] = round(error.worst, 2)
    names = {Workload(loss, SHOWN[loss.shape]).name for loss in fastloss.LOSSES.values() if loss.shape in SHOWN}
    most = max((timing.threads for timing in results.timings), default=0)
    for row in rows(results):
        if row.workload in names and row.threads == most:
            found = {"peer": row.faster, "copy": row.above_floor}
            figures = losses.setdefault(row.loss, {})
            figures |= {of: round(number.middle, 2) for of, number in found.items() if number is not None}
            figures |= {"fastest": row.peer.provider} if row.peer else {}
            measured["threads"] = f"{most} threads"
    _note_where(measured, results.where)


def _note_where(measured: dict[str, Any], where: Mapping[str, Any]) -> None:
    measured |= {"date": where["date"][:10], "commit": where["commit"], "machine": where["machine"]}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", metavar="DIR", type=Path, help="the folder of a run of python -m benchmarks")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parse(arguments)
    measured = json.loads(MEASURED.read_text())
    if chosen.results:
        take_over(measured, read(chosen.results))
    measured["losses"] = {name: measured["losses"][name] for name in fastloss.LOSSES if name in measured["losses"]}
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n")
    PAGE.write_text(page(measured))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
