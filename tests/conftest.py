"""Fixtures of all tests."""

from collections.abc import Iterator

import pytest

import fastloss as fl


@pytest.fixture(autouse=True)
def number_of_threads() -> Iterator[None]:
    """A test may set the number of threads; the next one finds it as it was."""
    before = fl.get_num_threads()
    yield
    if fl.get_num_threads() != before:
        fl.set_num_threads(before)
