"""Names the providers that are left out, under every run of the benchmarks."""

import pytest

from benchmarks.contestants import installed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in installed()[1]:
        terminalreporter.write_line(f"left out: {line}")
