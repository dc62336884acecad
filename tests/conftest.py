"""What holds for all tests."""

import os
from collections.abc import Iterator

import pytest

# Idle threads sleep: sixteen that spin on two cores are most of what the tests of threads would cost. OpenMP reads this
# once, when the first library that needs it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import fastloss as fl


@pytest.fixture(autouse=True)
def number_of_threads() -> Iterator[None]:
    """A test may set the number of threads; the next one finds it as it was."""
    before = fl.get_num_threads()
    yield
    if fl.get_num_threads() != before:
        fl.set_num_threads(before)
