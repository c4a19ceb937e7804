"""Bringing a database up to date, and telling whether it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from contactbot.errors import StoreBusyError
from contactbot.storage import folder
from contactbot.storage.dialect import dialect_for

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 7_211_046  # any number of ours: processes that start together upgrade one after the other


def upgrade(url: str) -> None:
    """Bring the database to this version's schema; nothing happens when it is there. Raises StoreBusyError."""
    engine = dialect_for(url).engine
    if engine.dialect.name == "sqlite" and engine.url.database:
        folder.make_file(Path(engine.url.database))  # the log files beside it get its mode from SQLite
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            if _current(connection) != _newest():
                command.upgrade(_config(connection), "head")
    except OperationalError as error:
        raise StoreBusyError(f"the database cannot be opened: {error.orig}") from error
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database has this version's schema."""
    with engine.connect() as connection:
        return _current(connection) == _newest()


def stands(url: str) -> bool:
    """Whether a readable database with this version's schema is there; makes none."""
    engine = dialect_for(url).engine
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return False
    try:
        return is_current(engine)
    except DBAPIError:
        return False
    finally:
        engine.dispose()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _newest() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
