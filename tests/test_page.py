"""docs/losses.md is what the declarations say."""

import json

import fastloss as fl
from benchmarks.page import MEASURED, PAGE, page


def test_page_is_what_the_declarations_say() -> None:
    """`python -m benchmarks.page` writes it again."""
    assert PAGE.read_text() == page(json.loads(MEASURED.read_text())), "stale: run python -m benchmarks.page"


def test_page_lists_every_loss() -> None:
    """Each has its section."""
    text = PAGE.read_text()
    assert all(f"\n### {name}\n" in text for name in fl.LOSSES)
