"""The two doors: ``await database.write(unit, ...)`` and ``await database.read(unit, ...)``.

A unit is a plain function whose first argument is the transaction. It never awaits, so no transaction waits for a
network and a cancelled caller cannot tear one; it draws no time or random number of its own, so it can be run again.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from contactbot.clock import Clock
from contactbot.storage.dialect import Dialect, Postgresql, Sqlite, dialect_for
from contactbot.storage.notices import Notices
from contactbot.storage.sqlite import SqliteDatabase
from contactbot.storage.unit import Unit


class Database(Protocol):
    """What the house asks of its store."""

    @property
    def dialect(self) -> Dialect:
        """The engine's few differences, by name."""

    @property
    def notices(self) -> Notices:
        """Who wants to know of changes."""

    async def write(self, unit: Unit, *arguments: Any, key: str | None = None, mode: Any = "") -> Any:  # noqa: ANN401 - the unit's own result
        """Run a unit in a transaction of its own and return its result after the commit."""

    async def jot(self, unit: Unit, *arguments: Any, mode: Any = "") -> Any:  # noqa: ANN401 - the unit's own result
        """Write, for a unit that touches a few rows found by index, as cheaply as the engine can."""

    async def read(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run a unit that only looks."""

    async def glance(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run a unit that looks at a few rows found by index, as cheaply as the engine can."""


def open_database(url: str, clock: Clock) -> AbstractAsyncContextManager[Database]:
    """Return the database of a URL (``sqlite:///file`` or ``postgresql+psycopg://...``), to be entered."""
    dialect = dialect_for(url)
    if isinstance(dialect, Sqlite):
        return SqliteDatabase(dialect, clock)
    return _postgresql(dialect, clock)


def _postgresql(dialect: Postgresql, clock: Clock) -> AbstractAsyncContextManager[Database]:
    from contactbot.storage.postgresql import PostgresqlDatabase  # noqa: PLC0415 - psycopg is an extra

    return PostgresqlDatabase(dialect, clock)
