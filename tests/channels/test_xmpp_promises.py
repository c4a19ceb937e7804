"""Every promise in the table of docs/channels/xmpp.md names a test that is there."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "channels" / "xmpp.md"


def test_every_promise_names_a_test_that_is_there() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if re.search(r"`[\w/]+\.py", line)]
    missing = [named for row in rows for named in re.findall(r"`([\w/]+\.py[\w:]*)`", row) if not is_there(named)]
    assert len(rows) > 20
    assert missing == []


def is_there(named: str) -> bool:
    file, *parts = named.split("::")
    path = TESTS.parent / file if "/" in file else TESTS / "channels" / file
    text = path.read_text("utf-8") if path.exists() else ""
    return path.exists() and all(re.search(rf"^\s*(class|(async )?def) {part}\b", text, re.MULTILINE) for part in parts)
