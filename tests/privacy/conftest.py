"""An open database of each engine, with a municipality whose residents write."""

from collections.abc import AsyncIterator

import pytest

from contactbot.storage.database import Database, open_database
from tests.privacy.residents import clock, founded


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open a fresh database of either engine."""
    async with open_database(database_url, clock) as opened:
        await opened.write(founded)
        yield opened
