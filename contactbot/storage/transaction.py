"""What a unit is given: a transaction that runs statements, and nothing that waits."""

import json
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

from contactbot.storage.dialect import Connection, Dialect
from contactbot.storage.rows import hydrator, to_kept

Model = TypeVar("Model")


class Transaction:
    """One open transaction. ``wake`` collects topics to be announced when, and only when, it is committed."""

    __slots__ = ("_cursor", "dialect", "woken")

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._cursor = connection.cursor()
        self.dialect = dialect
        self.woken: set[str] = set()

    def execute(self, statement: str, **values: object) -> int:
        """Run a statement; return how many rows it changed."""
        return int(self._run(statement, values).rowcount)

    def rows(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Return all rows of a query as tuples."""
        return list(self._run(statement, values).fetchall())

    def row(self, statement: str, **values: object) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        found: tuple[Any, ...] | None = self._run(statement, values).fetchone()
        return found

    def value(self, statement: str, **values: object) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return the first column of the first row, or None."""
        found = self.row(statement, **values)
        return None if found is None else found[0]

    def all(self, model: type[Model], statement: str, **values: object) -> list[Model]:
        """Return all rows as ``model``, a dataclass with a field for each column."""
        cursor = self._run(statement, values)
        hydrate = _hydrator(model, cursor)
        return [hydrate(row) for row in cursor.fetchall()]

    def one(self, model: type[Model], statement: str, **values: object) -> Model | None:
        """Return the first row as ``model``, or None."""
        cursor = self._run(statement, values)
        row = cursor.fetchone()
        return None if row is None else _hydrator(model, cursor)(row)

    def insert(self, table: str, **values: object) -> int:
        """Insert one row into a table that has an ``id``; return the id."""
        statement = f"{_insert(table, tuple(values))}{self.dialect.returning_id}"
        return self.dialect.inserted_id(self._run(statement, values))

    def add(self, table: str, **values: object) -> bool:
        """Insert one row unless it conflicts with one that is there; return whether it was added."""
        return bool(self._run(f"{_insert(table, tuple(values))} ON CONFLICT DO NOTHING", values).rowcount)

    def wake(self, *topics: str) -> None:
        """Announce these topics after the commit."""
        self.woken.update(topics)

    def _run(self, statement: str, values: dict[str, Any]) -> Any:  # noqa: ANN401 - a DBAPI cursor
        self._cursor.execute(self.dialect.compiled(statement), to_kept(values))
        return self._cursor


def _hydrator(model: type[Model], cursor: Any) -> Callable[[Sequence[Any]], Model]:  # noqa: ANN401 - a DBAPI cursor
    columns = tuple(column[0] for column in cursor.description)
    hydrate: Callable[[Sequence[Any]], Model] = hydrator(cast("Hashable", model), columns)  # as every class is
    return hydrate


@lru_cache(maxsize=256)
def _insert(table: str, columns: Sequence[str]) -> str:
    names, places = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({places})"


def done_before(tx: Transaction, key: str) -> tuple[bool, Any]:
    """Return whether a keyed unit has run, and its result."""
    found = tx.row("SELECT result FROM done WHERE key = :key", key=key)
    return (False, None) if found is None else (True, json.loads(found[0]))
