"""The report as one page that needs nothing else: tables to sort and filter, pictures, light and dark."""

from collections.abc import Iterable, Sequence
from html import escape

from benchmarks import svg
from benchmarks.contestants import PROVIDERS
from benchmarks.markdown import AVERAGE, facts, summary
from benchmarks.plan import scaled, series
from benchmarks.records import PARTS, Errors, Results
from benchmarks.tables import digits, seconds
from benchmarks.verdicts import (
    OUT,
    PEERS,
    PLAIN,
    Ratio,
    Row,
    accurate_name,
    by_provider,
    cells,
    megabytes,
    ratio,
    rows,
    worst,
)

# The two of fastloss in one strong hue, the peers apart from it and from each other: on white, and on black.
COLOURS = {
    "fastloss-out": ("#c2185b", "#ff5c93"),
    "fastloss": ("#f06292", "#c2557c"),
    "reference": ("#8d6e63", "#bcaaa4"),
    "NumPy": ("#777777", "#aaaaaa"),
    "torch": ("#e07b00", "#ffa640"),
    "torch.compile": ("#1565c0", "#64b5f6"),
    "torch chunked": ("#00838f", "#4dd0e1"),
    "JAX": ("#2e7d32", "#81c784"),
    "scikit-learn": ("#6a1b9a", "#ce93d8"),
    "copy": ("#000000", "#ffffff"),
    "products": ("#000000", "#ffffff"),
}

STYLE = """
:root { --paper: #fff; --ink: #1b1b1f; --faint: #66666e; --rule: #dcdce2; --band: #f5f5f8; --good: #19703a;
  --bad: #b3261e; --open: #8a6100 }
@media (prefers-color-scheme: dark) { :root { --paper: #131316; --ink: #e6e6ea; --faint: #9c9ca6; --rule: #36363e;
  --band: #1d1d22; --good: #6fcf8e; --bad: #ff8a80; --open: #e8c468 } }
* { box-sizing: border-box }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 1240px; padding: 16px }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .3em 0 } h2 { font-size: 1.2rem; margin: 2em 0 .4em }
h3 { font-size: 1rem; margin: 0 0 .3em } p, li { max-width: 46em } .facts, figcaption, .note { color: var(--faint);
  font-size: .875rem } ul { padding-left: 1.2em } li { overflow-wrap: anywhere }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 16px 0 } .tiles div { background: var(--band);
  border-radius: 8px; flex: 1 1 9em; padding: 10px 14px }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.2 }
.tiles span { color: var(--faint); font-size: .875rem }
.scroll { border: 1px solid var(--rule); border-radius: 8px; max-height: 80vh; overflow: auto }
table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: 4px 9px; text-align: right; white-space: nowrap } th { background: var(--band); cursor: pointer;
  min-width: 5.5em; position: sticky; top: 0; vertical-align: bottom; white-space: normal; z-index: 1 }
th:focus-visible { outline: 2px solid }
th[aria-sort=ascending]::after { content: " \\2191" } th[aria-sort=descending]::after { content: " \\2193" }
td { border-top: 1px solid var(--rule) } td.word, th.word { text-align: left }
td:first-child, th:first-child { background: var(--paper); left: 0; position: sticky }
th:first-child { background: var(--band); z-index: 2 }
.good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 } .open { color: var(--open) }
input { background: var(--paper); border: 1px solid var(--rule); border-radius: 6px; color: inherit; font: inherit;
  margin: 0 0 8px; max-width: 100%; padding: 5px 10px; width: 22em }
.pictures { display: grid; gap: 20px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 360px), 1fr)) }
figure { margin: 0 } svg { display: block; height: auto; max-width: 100%; width: 100% } svg.wide { max-width: 800px }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif } svg text.name { fill: var(--ink);
  font-size: 12px; paint-order: stroke; stroke: var(--paper); stroke-width: 4px }
svg .grid { stroke: var(--rule) } svg .one { stroke: var(--ink); stroke-width: 1.5 }
svg polyline { fill: none; stroke: currentColor; stroke-width: 2 } svg g line { stroke: currentColor; stroke-width: 2 }
svg circle { fill: currentColor } svg .floor polyline { stroke-dasharray: 5 4; stroke-width: 1.5 }
.legend { display: flex; flex-wrap: wrap; font-size: .875rem; gap: 2px 16px; margin: 8px 0 12px }
.legend i { background: currentColor; border-radius: 50%; display: inline-block; height: 10px; margin-right: 6px;
  width: 10px }
.legend span span { color: var(--ink) }
@media (max-width: 600px) { td:first-child { min-width: 36vw; overflow-wrap: anywhere; white-space: normal }
  body { padding: 12px } h1 { font-size: 1.35rem } svg text { font-size: 12px }
  svg.wide text { font-size: 16px } svg.wide text.name { font-size: 17px } }
"""

SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0]
  const key = (row, k) => row.cells[k].dataset.v ?? row.cells[k].textContent
  function sort(k) {
    const up = heads[k].getAttribute("aria-sort") === "ascending" ? -1 : 1
    heads.forEach(head => head.removeAttribute("aria-sort"))
    heads[k].setAttribute("aria-sort", up > 0 ? "ascending" : "descending")
    const rows = [...body.rows].sort((a, b) => {
      const x = key(a, k), y = key(b, k)
      if (x === "" || y === "") return (x === "") - (y === "")
      return up * (isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y)
    })
    body.append(...rows)
  }
  heads.forEach((head, k) => {
    head.tabIndex = 0
    head.onclick = () => sort(k)
    head.onkeydown = event => { if (event.key === "Enter") sort(k) }
  })
  document.getElementById("find-" + table.id).oninput = event => {
    const words = event.target.value.toLowerCase().split(/\\s+/)
    for (const row of body.rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word))
  }
}
"""


def page(results: Results) -> str:
    """The whole page."""
    found = rows(results)
    parts = ["<h1>Should I switch to fastloss, and can I trust it?</h1>"]
    parts += [f'<p class="facts">{escape(line)}</p>' for line in facts(results)]
    for title, lines in summary(results, found):
        parts.append(f"<h2>{escape(title)}</h2>{tiles(lines) if title == AVERAGE else items(lines)}")
    if found:
        parts += [verdict(found), overview(results), scaling(results)]
    parts += [everything(results), METHOD]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title>fastloss: speed, memory, accuracy</title>\n'
        f"<style>{STYLE}{colours()}</style>\n</head>\n<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


METHOD = """\
<h2>How it was measured</h2>
<ul>
<li>Value and gradient of the mean, on ordinary numbers; with <em>hessian</em> in the name, gradient and Hessian of the
sum. Every number of every result was held against the pure-Python reference before anything was timed.</li>
<li>The providers take turns, round by round, in one process; a ratio is the median of the rounds' ratios, and undecided
if the quartiles stand on both sides of 1. Everyone is warm and compiled, with the same number of threads.</li>
<li><em>fastloss-out</em> writes the gradient to an array that is there, <em>fastloss</em> makes a new one.
<em>copy</em> moves the bytes that must be read and written: memory lets nobody be faster. <em>reference</em> is the
pure Python, extrapolated from a few elements.</li>
<li>Extra memory is by how much one more call raises the memory of the process, its result included.</li>
<li>Errors are in units in the last place of the exact result, on the hard inputs of the test suite: tails, kinks,
confident rows, the whole range. In parentheses: the share of the numbers that are off by more than 4. A provider is
asked only what it has; <em>fastloss there</em> is the worst of fastloss on these inputs.</li>
</ul>"""


def colours() -> str:
    """A class of each provider, in both schemes."""
    light = "".join(f".{svg.css_class(name)}{{color:{pair[0]}}}" for name, pair in COLOURS.items())
    dark = "".join(f".{svg.css_class(name)}{{color:{pair[1]}}}" for name, pair in COLOURS.items())
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def items(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def tiles(lines: Sequence[str]) -> str:
    """The averages: the number of each sentence large."""
    halves = [line.split(" ", 1) for line in lines]
    return (
        '<div class="tiles">' + "".join(f"<div><b>{a}</b><span>{escape(b)}</span></div>" for a, b in halves) + "</div>"
    )


# Tables. A cell is its text, or the text with the number to sort by and a class.

Cell = str | tuple[str, float | str, str]


def table(name: str, header: Sequence[str], lines: Iterable[Sequence[Cell]], left: int = 1) -> str:
    def cell(content: Cell, k: int) -> str:
        text, key, kind = content if isinstance(content, tuple) else (content, None, "")
        kind = f"{kind} word".strip() if k < left else kind
        return (
            f"<td{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}"
            f"{'' if key is None else f' data-v={chr(34)}{key}{chr(34)}'}>{escape(text)}</td>"
        )

    head = "".join(f"<th{' class=word' if k < left else ''}>{escape(word)}</th>" for k, word in enumerate(header))
    body = "\n".join("<tr>" + "".join(cell(c, k) for k, c in enumerate(line)) + "</tr>" for line in lines)
    return (
        f'<input id="find-{name}" type="search" placeholder="show lines with &hellip;" aria-label="filter">\n'
        f'<div class="scroll"><table id="{name}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def number(text: str, value: float | None, kind: str = "") -> Cell:
    return ("", "", "") if value is None else (text, f"{value:.6g}", kind)


def ulps(errors: Errors | None) -> Cell:
    return number(worst(errors), errors.worst, "bad" if errors.beyond else "") if errors else number("", None)


def faster(found: Ratio | None) -> Cell:
    if found is None:
        return number("", None)
    kind = "open" if found.undecided else "good" if found.middle > 1 else "bad"
    return number(f"{found} ({found.spread})", found.middle, kind)


def verdict(found: Sequence[Row]) -> str:
    """A line for every workload: speed, memory and accuracy beside each other."""
    header = ["workload", "threads", "fastloss-out", "fastest peer", "peer", "peer / fastloss (quartiles)",
              "fastloss / copy", "extra: fastloss", "extra: peer",
              *(f"ULP {part}: {who}" for part in PARTS for who in ("fastloss", "peer"))]  # fmt: skip
    lines = []
    for row in found:
        ours, peer, plain = row.ours, row.peer, row.plain
        line: list[Cell] = [row.workload, number(str(row.threads), row.threads)]
        line.append(number(seconds(ours.median), ours.median) if ours else "")
        line.append((peer.provider, peer.provider, svg.css_class(peer.provider)) if peer else "")
        line += [number(seconds(peer.median), peer.median) if peer else "", faster(row.faster)]
        line.append(number(digits(row.above_floor.middle), row.above_floor.middle) if row.above_floor else "")
        for one in (plain, peer):
            line.append(number(megabytes(one.extra_bytes), one.extra_bytes) if one else "")
        for part in PARTS:
            line += [ulps(row.errors.get(part)), ulps(row.peer_errors.get(part))]
        lines.append(line)
    return "<h2>Every workload</h2>" + table("workloads", header, lines)


def overview(results: Results) -> str:
    """The ratios of all peers, of the workloads that have one, with the most threads."""
    every = cells(results.timings)
    most = max(threads for _, threads in every)
    found = {}
    for (workload, threads), cell in every.items():
        line = {name: r for name in PEERS if (r := ratio(cell.get(name), cell.get(OUT))) is not None}
        if line and threads == most and workload not in scaled():
            found[workload] = line
    if not found:
        return ""
    names = [name for name in PEERS if any(name in line for line in found.values())]
    picture = svg.ratios("how many times as long as fastloss the others take", found)
    return (
        f"<h2>How many times as long as fastloss the others take ({most} threads)</h2>{legend(names)}"
        f"<figure>{picture.replace('<svg', '<svg class=wide', 1)}<figcaption>Left of the line at 1 fastloss loses. "
        "A bar is the range between the quartiles.</figcaption></figure>"
    )


def scaling(results: Results) -> str:
    every, pictures, names = cells(results.timings), [], dict[str, None]()
    for one in series():
        curves: dict[str, list[svg.Point]] = {}
        for x, workload, threads in one.points:
            for name, timing in every.get((workload.name, threads), {}).items():
                curves.setdefault(name, []).append((x, *timing.quartiles))
        curves = {name: points for name, points in curves.items() if name != "reference" and len(points) > 1}
        if curves:
            names |= dict.fromkeys(curves)
            picture = svg.lines(one.title, one.axis, curves)
            pictures.append(f"<figure><h3>{escape(one.title)}</h3>{picture}</figure>")
    if not pictures:
        return ""
    shown = [provider.name for provider in PROVIDERS if provider.name in names]
    return (
        f"<h2>Scaling</h2><p class=note>Seconds per call; the dashed line is the copy of the same bytes.</p>"
        f'{legend(shown)}<div class="pictures">{"".join(pictures)}</div>'
    )


def legend(names: Sequence[str]) -> str:
    chips = (f"<span class={svg.css_class(name)}><i></i><span>{escape(name)}</span></span>" for name in names)
    return f'<div class="legend">{"".join(chips)}</div>'


def everything(results: Results) -> str:
    """A line for every provider: all that is known of it."""
    errors, parts = by_provider(results.errors), []
    header = ["workload", "threads", "provider", "median", "quartiles", "rounds", "to fastloss-out", "extra memory"]
    header += ["error of the mean", *(f"ULP {part} {what}" for part in PARTS for what in ("worst", "median"))]
    lines = []
    for (workload, threads), cell in cells(results.timings).items():
        for name, timing in cell.items():
            low, middle, high = timing.quartiles
            compared = None if name == OUT else ratio(timing, cell.get(OUT))
            who = PLAIN if name == OUT else accurate_name(timing)
            own = errors.get((timing.loss, workload.rpartition("-")[2], who), {})
            line: list[Cell] = [workload, number(str(threads), threads), (name, name, svg.css_class(name))]
            line += [number(seconds(middle), middle), number(f"{seconds(low)} to {seconds(high)}", high - low)]
            line += [number(str(len(timing.times)), len(timing.times)), faster(compared) if name in PEERS else
                     number(digits(compared.middle), compared.middle) if compared else ""]  # fmt: skip
            line += [number(megabytes(timing.extra_bytes), timing.extra_bytes)]
            line += [number(f"{timing.value_error:.0e}", timing.value_error)]
            for part in PARTS:
                one = own.get(part)
                line += [ulps(one), number(digits(one.median), one.median) if one else ""]
            lines.append(line)
    if lines:
        parts.append("<h2>Every provider</h2>" + table("providers", header, lines))
    lines = []
    for (loss, dtype, provider), own in errors.items():
        for part, one in own.items():
            there = "" if provider == PLAIN else number(digits(one.there), one.there)
            line = [loss, dtype, provider, part, ulps(one), number(digits(one.median), one.median), there]
            line += [number(str(one.numbers), one.numbers), number(str(one.refused), one.refused), one.where]
            lines.append(line)
    if lines:
        header = ["loss", "dtype", "provider", "part", "worst ULP", "median", "fastloss there", "numbers",
                  "refused cases", "worst at"]  # fmt: skip
        parts.append("<h2>Errors in ULP on the hard inputs</h2>" + table("errors", header, lines, left=4))
    return "\n".join(parts)
