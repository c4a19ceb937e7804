"""The schema: every row belongs to a municipality, and the migrations add up to what the code declares."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, ForeignKeyConstraint, Table, inspect, text

from contactbot.storage import extras, schema
from contactbot.storage.dialect import dialect_for
from contactbot.storage.tables import OF_THE_INSTALLATION, metadata
from tests.peers.postgresql import Postgresql

TABLES = list(metadata.sorted_tables)
OF_A_MUNICIPALITY = [table for table in TABLES if table.name not in OF_THE_INSTALLATION]
BEYOND_TABLES = {"message_search", "alembic_version"}  # extras.py makes the one, Alembic the other


def test_the_newest_migration_is_the_one_its_file_is_named_after() -> None:
    assert schema.newest() == ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()


def test_an_sqlite_file_with_a_current_schema_is_served_without_alembic_and_sqlalchemy(sqlite_url: str) -> None:
    started = f"import sys, contactbot.app; contactbot.app.schema.upgrade({sqlite_url!r})"
    code = f"{started}; sys.exit(bool({{'alembic', 'sqlalchemy'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own code


def _names(tables: list[Table]) -> list[str]:
    return [table.name for table in tables]


def test_the_exceptions_are_tables() -> None:
    assert set(_names(TABLES)) >= OF_THE_INSTALLATION


@pytest.mark.parametrize("table", OF_A_MUNICIPALITY, ids=_names(OF_A_MUNICIPALITY))
def test_every_table_carries_its_municipality(table: Table) -> None:
    assert "municipality" in table.columns
    assert not table.columns["municipality"].nullable


@pytest.mark.parametrize("table", OF_A_MUNICIPALITY, ids=_names(OF_A_MUNICIPALITY))
def test_no_reference_can_point_into_another_municipality(table: Table) -> None:
    for key in table.constraints:
        if isinstance(key, ForeignKeyConstraint):
            target = [element.column for element in key.elements]
            if target[0].table.name == "municipality":
                assert key.column_keys == ["municipality"]
            else:
                assert key.column_keys[0] == "municipality"
                assert target[0].name == "municipality"


@pytest.mark.parametrize("table", TABLES, ids=_names(TABLES))
def test_sqlite_checks_the_types_of_what_it_keeps(table: Table) -> None:
    assert table.dialect_options["sqlite"]["strict"]


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")  # event order on PostgreSQL, made by extras.py
def test_the_migrations_add_up_to_the_declared_schema(database_url: str) -> None:
    with opened(database_url) as engine, engine.connect() as connection:
        # Alembic misreads SQLite's empty default; one of the engines is enough to see that the migrations give them.
        opts = {"compare_type": True, "compare_server_default": engine.dialect.name == "postgresql"}
        context = MigrationContext.configure(connection, opts=opts)
        differences = [one for one in compare_metadata(context, metadata) if not _is_beyond_tables(one)]
        assert differences == []


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    schema.upgrade(database_url)
    assert schema.is_current(dialect_for(database_url))


def test_an_empty_server_is_brought_up_to_date(postgresql: Postgresql) -> None:
    url = postgresql.empty()
    schema.upgrade(url)
    with opened(url) as engine, engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == set(metadata.tables) | BEYOND_TABLES
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_both_engines_get_a_search_index() -> None:
    for statements in (extras.SQLITE, extras.POSTGRESQL):
        assert any("message_search" in statement for statement in statements)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Lend the engine of a database."""
    engine = dialect_for(url).engine
    try:
        yield engine
    finally:
        engine.dispose()


def _is_beyond_tables(difference: object) -> bool:
    """Whether a difference is one that extras.py makes on purpose."""
    return any(name in repr(difference) for name in ("message_search", "ix_event_order", "xid"))
