"""What every test shares: the report of real parts that were missing."""

import pytest

from tests.parts import MISSING


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly, last, which real parts were not there."""
    for part, remedy in sorted(MISSING.items()):
        terminalreporter.write_line(f"MISSING REAL PART: {part}. {remedy}", red=True, bold=True)
