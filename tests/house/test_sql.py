"""Statements stand where their noun lives, a ``store.py`` or ``storage/``, and values never become part of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.source import PACKAGE, modules, place, texts, tree

STATEMENT = re.compile(
    r"\s*(SELECT\s.*\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|WITH\s+\w+\s+AS\s*\()",
    re.DOTALL,
)
PART_OF_ONE = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|ORDER BY|VALUES|IN \()\s")
NAMES_COME_FROM_OUR_CODE = {
    ("transaction.py", "table")
}  # Transaction.insert and add: no caller takes a name from outside


def test_no_statement_stands_outside_the_stores() -> None:
    found = [
        f"{place(file, line)}: {text.strip()[:60]}"
        for file in modules()
        if not _is_store(file)
        for line, text in texts(file)
        if STATEMENT.match(text)
    ]
    assert found == []


def test_what_a_function_is_given_never_becomes_part_of_a_statement() -> None:
    """Values are parameters of statements. Only names that the module itself knows are joined into a text."""
    found = [
        f"{place(file, part.lineno)}: {name}"
        for file in modules()
        if _is_store(file)
        for function in ast.walk(tree(file))
        if isinstance(function, ast.FunctionDef)
        for part, name in _spliced_parameters(function)
        if (file.name, name) not in NAMES_COME_FROM_OUR_CODE
    ]
    assert found == []


def _is_store(file: Path) -> bool:
    return file.stem.endswith("store") or file.is_relative_to(PACKAGE / "storage")


def _spliced_parameters(function: ast.FunctionDef) -> Iterator[tuple[ast.FormattedValue, str]]:
    given = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    for node in ast.walk(function):
        if isinstance(node, ast.JoinedStr) and PART_OF_ONE.search(_fixed(node)):
            for part in node.values:
                if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) and part.value.id in given:
                    yield part, part.value.id


def _fixed(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
