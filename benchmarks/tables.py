"""Markdown tables that are legible in a terminal too."""

import unicodedata
from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """An aligned Markdown table; the first `left` columns hold words, the others numbers."""
    widths = [max(map(_width, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell + pad if k < left else pad + cell
            for k, cell in enumerate(cells)
            for pad in [" " * (widths[k] - _width(cell))]
        ]
        return f"| {' | '.join(padded)} |"

    rule = [":" + "-" * (w - 1) if k < left else "-" * (w - 1) + ":" for k, w in enumerate(widths)]
    return "\n".join([line(header), f"| {' | '.join(rule)} |", *map(line, rows)])


def _width(text: str) -> int:
    return sum(not unicodedata.combining(character) for character in text)


def seconds(time: float) -> str:
    """Such as 3.2 ms: three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if time >= 0.9995 * size:
            return f"{digits(time / size)} {unit}"
    return f"{digits(time / 1e-9)} ns"


def digits(number: float) -> str:
    """Three digits that count."""
    return f"{number:.0f}" if number >= 99.95 else f"{number:.1f}" if number >= 9.995 else f"{number:.2f}"
