"""Bringing a database up to date, and telling whether it is."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from contactbot.errors import StoreBusyError
from contactbot.storage import folder
from contactbot.storage.dialect import dialect_for

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = "alembic_version"  # the table in which Alembic keeps what it has brought the database to
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
            if _current(connection) != newest():
                _migrate(connection)
    except OperationalError as error:
        raise StoreBusyError(f"the database cannot be opened: {error.orig}") from error
    finally:
        engine.dispose()


def is_current(engine: Engine) -> bool:
    """Whether the database has this version's schema."""
    with engine.connect() as connection:
        return _current(connection) == newest()


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


def newest() -> str:
    """Return the newest migration's number, with which its file's name begins."""
    return max(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION}")).scalar()
    return found


def _migrate(connection: Connection) -> None:
    # Nearly every start finds the schema current, and need not wait 0.15 s for this import.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
