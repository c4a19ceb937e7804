"""What every test shares: the two databases, and the report of real parts that were missing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from contactbot.storage import schema
from tests.parts import MISSING
from tests.peers.postgresql import Postgresql, running_postgresql


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly, last, which real parts were not there."""
    for part, remedy in sorted(MISSING.items()):
        terminalreporter.write_line(f"MISSING REAL PART: {part}. {remedy}", red=True, bold=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """Run one PostgreSQL server for the whole session."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an SQLite file with the newest schema, to be copied."""
    file = tmp_path_factory.mktemp("schema") / "contactbot.db"
    schema.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """Return the URL of a fresh SQLite file with the newest schema."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'contactbot.db')}"


@pytest.fixture
def postgresql_url(postgresql: Postgresql) -> str:
    """Return the URL of a fresh PostgreSQL database with the newest schema."""
    return postgresql.migrated()


@pytest.fixture(params=["sqlite_url", "postgresql_url"], ids=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of a fresh database with the newest schema, once for each engine."""
    return str(request.getfixturevalue(request.param))
