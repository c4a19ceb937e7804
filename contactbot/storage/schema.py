"""Bringing a database up to date, and telling whether it is."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from contactbot.errors import StoreBusyError, StoreError
from contactbot.storage import folder
from contactbot.storage.dialect import Postgresql, Sqlite, dialect_for

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = "alembic_version"  # the table in which Alembic keeps what it has brought the database to
LOCK = 7_211_046  # any number of ours: processes that start together upgrade one after the other


def upgrade(url: str) -> None:
    """Bring the database to this version's schema; nothing happens when it is there. Raises StoreError."""
    dialect = dialect_for(url)
    try:
        if isinstance(dialect, Sqlite):
            folder.make_file(Path(dialect.path))  # the log files beside it get its mode from SQLite
            if is_current(dialect):  # as at nearly every start
                return
        _bring_up(dialect)
    except sqlite3.OperationalError as error:
        raise StoreBusyError(f"the database cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"the database cannot be opened: {error}") from error


def is_current(dialect: Sqlite | Postgresql) -> bool:
    """Whether the database has this version's schema. Raises what the driver raises."""
    return version_of(dialect) == newest()


def version_of(dialect: Sqlite | Postgresql) -> str | None:
    """Return the number of the database's schema, None where there is none yet. Raises what the driver raises."""
    if isinstance(dialect, Sqlite):
        with closing(dialect.connect()) as connection:
            made = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (VERSION,)).fetchone()
            found = connection.execute(f"SELECT version_num FROM {VERSION}").fetchone() if made else None
            return None if found is None else str(found[0])
    try:
        with dialect.engine.connect() as lent:
            return _current(lent)
    finally:
        dialect.engine.dispose()


def stands(url: str) -> bool:
    """Whether a readable database with this version's schema is there; makes none."""
    dialect = dialect_for(url)
    if isinstance(dialect, Sqlite):
        try:
            return Path(dialect.path).exists() and is_current(dialect)
        except sqlite3.Error:
            return False
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - see dialect.py

    try:
        return is_current(dialect)
    except DBAPIError:
        return False


def newest() -> str:
    """Return the newest migration's number, with which its file's name begins."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def refuse_newer(version: str | None) -> None:
    """Raise StoreError when a database has the schema of a newer version of the program, which this one cannot read."""
    if version is not None and version > newest():
        raise StoreError(
            f"the database was written by a newer version (its schema is {version}, this version's {newest()});"
            " run that version, or restore a backup that this one wrote"
        )


def _bring_up(dialect: Sqlite | Postgresql) -> None:
    from sqlalchemy import text  # noqa: PLC0415 - see dialect.py
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - see dialect.py

    try:
        with dialect.engine.begin() as connection:
            if isinstance(dialect, Postgresql):
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            current = _current(connection)
            refuse_newer(current)
            if current != newest():
                _migrate(connection)
    except OperationalError as error:
        raise StoreBusyError(f"the database cannot be opened: {error.orig}") from error
    finally:
        dialect.engine.dispose()


def _current(connection: "Connection") -> str | None:
    from sqlalchemy import inspect, text  # noqa: PLC0415 - see dialect.py

    if not inspect(connection).has_table(VERSION):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION}")).scalar()
    return found


def _migrate(connection: "Connection") -> None:
    # Nearly every start finds the schema current, and need not wait 0.15 s for this import.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
