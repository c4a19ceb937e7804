"""Statements stand where their noun lives: in a ``store.py`` or in ``storage/``, and nowhere else."""

import re

from tests.house.source import PACKAGE, modules, place, texts

STATEMENT = re.compile(
    r"\s*(SELECT\s.*\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s*\()",
    re.DOTALL,
)


def test_no_statement_stands_outside_the_stores() -> None:
    found = [
        f"{place(file, line)}: {text.strip()[:60]}"
        for file in modules()
        if not (file.stem.endswith("store") or file.is_relative_to(PACKAGE / "storage"))
        for line, text in texts(file)
        if STATEMENT.match(text)
    ]
    assert found == []
