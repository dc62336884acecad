"""Pictures as inline SVG, whose colours the page chooses: light or dark, and one for each provider."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from benchmarks.tables import digits, seconds
from benchmarks.verdicts import FLOORS, Ratio

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 14, 40
LINE = 34  # of one workload among the ratios

Place = float | str
Point = tuple[Place, float, float, float]  # where, and the quartiles of the time


def css_class(provider: str) -> str:
    return "p-" + "".join(c for c in provider.lower() if c.isalnum())


def lines(title: str, axis: str, curves: Mapping[str, Sequence[Point]]) -> str:
    """Time against something, both on logarithmic axes; names of dtypes stand at even distances. The floor
    is dashed."""
    places = list(dict.fromkeys(x for points in curves.values() for x, *_ in points))
    places = places if any(isinstance(x, str) for x in places) else sorted(places, key=float)
    at = {x: float(k) if isinstance(x, str) else math.log10(x) for k, x in enumerate(places)}
    low_x, high_x = min(at.values()), max(at.values())
    times = [time for points in curves.values() for _, *quartiles in points for time in quartiles]
    low, high = math.log10(min(times)) - 0.1, math.log10(max(times)) + 0.1

    def x(place: Place) -> float:
        share = (at[place] - low_x) / (high_x - low_x) if high_x > low_x else 0.5
        return LEFT + 14 + share * (WIDTH - LEFT - RIGHT - 28)

    def y(time: float) -> float:
        return TOP + (high - math.log10(time)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for power in range(math.ceil(low), math.floor(high) + 1):
        height, label = y(10.0**power), seconds(10.0**power).replace(".00", "").replace(".0", "")
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{label}</text>')
    for place in places:
        label = place if isinstance(place, str) else short(place)
        parts.append(f'<text x="{x(place):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{escape(axis)}</text>')
    for name, points in curves.items():
        kind = css_class(name) + " floor" * (name in FLOORS)
        path = " ".join(f"{x(place):.1f},{y(middle):.1f}" for place, _, middle, _ in points)
        parts.append(f'<g class="{kind}"><polyline points="{path}"/>')
        for place, q1, middle, q3 in points:
            what = f"{name}: {seconds(middle)} ({seconds(q1)} to {seconds(q3)}), {axis} {place}"
            parts.append(f'<line x1="{x(place):.1f}" x2="{x(place):.1f}" y1="{y(q1):.1f}" y2="{y(q3):.1f}"/>')
            parts.append(
                f'<circle cx="{x(place):.1f}" cy="{y(middle):.1f}" r="3"><title>{escape(what)}</title></circle>'
            )
        parts.append("</g>")
    return "".join(parts) + "</svg>"


def short(number: float) -> str:
    """Such as 10k: a place on an axis in little room."""
    for letter, size in (("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.0f}{letter}"
    return f"{number:.0f}"


def ratios(title: str, found: Mapping[str, Mapping[str, Ratio]]) -> str:
    """For each workload how many times as long as fastloss the others take: a dot each on a logarithmic axis, with the
    quartiles. Left of the line at 1, fastloss loses."""
    every = [end for line in found.values() for ratio in line.values() for end in (ratio.low, ratio.high)]
    low, high = math.log10(min(0.8, *every)) - 0.05, math.log10(max(10, *every)) + 0.05
    width, height = 600, LINE * len(found) + 30

    def x(number: float) -> float:
        return 10 + (math.log10(number) - low) / (high - low) * (width - 20)

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">']
    ticks = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
    ticks += [a * 3 for a, b in pairwise([*ticks, 0]) if x(a * 3) < width - 20]
    for tick in ticks:
        kind = "one" if tick == 1 else "grid"
        label = digits(tick).removesuffix(".00").removesuffix(".0")
        parts.append(f'<line class="{kind}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="0" y2="{height - 20}"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{height - 5}" text-anchor="middle">{label}</text>')
    for k, (workload, line) in enumerate(found.items()):
        middle = k * LINE + 24
        parts.append(f'<text class="name" x="12" y="{middle - 10}">{escape(workload)}</text>')
        for name, one in line.items():
            what = f"{name}: {digits(one.middle)} times as long ({one.spread})"
            parts.append(
                f'<g class="{css_class(name)}"><line x1="{x(one.low):.1f}" x2="{x(one.high):.1f}" '
                f'y1="{middle}" y2="{middle}"/><circle cx="{x(one.middle):.1f}" cy="{middle}" r="4.5">'
                f"<title>{escape(what)}</title></circle></g>"
            )
    return "".join(parts) + "</svg>"
