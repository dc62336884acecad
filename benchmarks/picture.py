"""The report's picture: times as bars on a logarithmic axis, the copy as a mark."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

from benchmarks.race import Result
from benchmarks.tables import seconds

COPY = "copy"
# The two of fastloss in one strong hue, the peers apart from it and from each other.
COLOURS = ("#b2182b", "#ef8a62", "#999999", "#2166ac", "#67a9cf", "#1b7837", "#762a83", "#8c6d31")
BAR = 0.17  # inches


def draw(
    cells: Mapping[tuple[str, int], Mapping[str, Result]],
    order: Sequence[str],
    where: Mapping[str, Any],
    path: Path,
) -> None:
    """One panel per workload and number of threads, its bars in the order of the providers."""
    workloads = list(dict.fromkeys(workload for workload, _ in cells))
    threads = sorted({count for _, count in cells})
    shown = [name for name in order if name != COPY and any(name in cell for cell in cells.values())]
    colours = dict(zip([name for name in order if name != COPY], COLOURS, strict=False))
    height = BAR * (len(shown) + 3) * len(workloads) + 1.2
    figure, grid = plt.subplots(
        len(workloads),
        len(threads),
        figsize=(2 + 5 * len(threads), height),
        squeeze=False,
        layout="constrained",
    )
    for row, workload in zip(grid, workloads, strict=True):
        here = [cells.get((workload, count), {}) for count in threads]
        limits = extent([result for cell in here for result in cell.values()])
        for axes, cell in zip(row, here, strict=True):
            panel(axes, cell, shown, colours, limits)
        row[0].set_title(workload, loc="left", fontsize=9, fontweight="bold")
    for axes, count in zip(grid[0], threads, strict=True):
        axes.set_title(f"threads: {count}", loc="right", fontsize=9)
    figure.suptitle(
        f"Value and gradient, median time of a call; black: copy of the same bytes\n"
        f"{where['machine']}, {where['isa']}, {where['date'][:10]}",
        fontsize=9,
    )
    figure.savefig(path, dpi=130)
    plt.close(figure)


def extent(results: Sequence[Result]) -> tuple[float, float]:
    """Where the axis of a workload starts and ends, with room for a time behind the longest bar."""
    return min(result.q1 for result in results) / 2, max(result.q3 for result in results) * 3


def panel(
    axes: Any, cell: Mapping[str, Result], shown: Sequence[str], colours: Mapping[str, str], limits: tuple[float, float]
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    for place, name in enumerate(shown):
        if name in cell:
            result = cell[name]
            axes.barh(place, result.median, color=colours[name], height=0.8)
            axes.plot([result.q1, result.q3], [place, place], color="black", linewidth=0.8)
            axes.text(result.q3 * 1.08, place, seconds(result.median), va="center", fontsize=7)
        else:
            axes.text(limits[0] * 1.08, place, "none", va="center", fontsize=7, color="#999999")
    if COPY in cell:
        axes.axvline(cell[COPY].median, color="black", linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_yticks(range(len(shown)), shown, fontsize=7)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    ticks = [10.0**power for power in range(-8, 2) if limits[0] <= 10.0**power <= limits[1]]
    axes.set_xticks(ticks, [seconds(tick).replace(".00", "").replace(".0", "") for tick in ticks], fontsize=7)
    axes.minorticks_off()
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
