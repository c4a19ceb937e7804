"""An open database of each engine, and a municipality in it."""

from collections.abc import AsyncIterator

import pytest

from contactbot.clock import now
from contactbot.storage.database import Database, open_database
from tests.storage.town import founded


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open a fresh database of either engine, with one municipality."""
    async with open_database(database_url, now) as opened:
        await opened.write(founded)
        yield opened


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    """Open a fresh SQLite file, for what only SQLite promises."""
    async with open_database(sqlite_url, now) as opened:
        await opened.write(founded)
        yield opened
