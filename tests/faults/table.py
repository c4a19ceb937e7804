"""The table of faults in docs/delivery.md: each test compares its own row, or writes it when WRITE_DOCS is set."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from tests.faults.faults import ORDER
from tests.faults.town import CHANNELS

PAGE = Path(__file__).parents[2] / "docs" / "delivery.md"
BEGIN, END = "<!-- faults: written by tests/faults with WRITE_DOCS=1 -->", "<!-- end of faults -->"
HEAD = "| fault | email | SMS | XMPP | web chat |\n|---|---|---|---|---|\n"
KEPT: list[str] = []  # the rows of this run
_TABLE = re.compile(f"(?<={re.escape(BEGIN)}\n)(.*?)(?={re.escape(END)})", re.DOTALL)


def rows() -> dict[str, str]:
    """Return the table's rows by their faults, in order."""
    found = _TABLE.search(PAGE.read_text("utf-8"))
    assert found is not None, f"{PAGE.name} has lost the marks around its table"
    return {line.split("|")[1].strip(): line for line in found[1].removeprefix(HEAD).splitlines() if line}


def keep(fault: str, outcomes: Mapping[str, object]) -> None:
    """Compare what came of a fault on each channel with its row."""
    cells = [str(outcomes.get(channel, "—")) for channel in CHANNELS]
    line = f"| {fault} | {' | '.join(cells)} |"
    if os.environ.get("WRITE_DOCS"):
        _write({**rows(), fault: line})
    KEPT.append(line)
    assert rows().get(fault) == line, "the table differs: run 'WRITE_DOCS=1 pytest tests/faults' and read the change"


def _write(lines: Mapping[str, str]) -> None:
    table = HEAD + "".join(f"{lines[fault]}\n" for fault in ORDER if fault in lines)
    PAGE.write_text(_TABLE.sub(lambda _: table, PAGE.read_text("utf-8")), "utf-8")
