"""An open database of each engine, with a municipality and an editor in it."""

from collections.abc import AsyncIterator

import pytest

from contactbot.clock import now
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.storage.database import Database, open_database
from contactbot.storage.transaction import Transaction
from tests.storage.town import MONDAY, TOWN, founded


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open a fresh database of either engine."""
    async with open_database(database_url, now) as opened:
        await opened.write(founded)
        await opened.write(_hired)
        yield opened


def _hired(tx: Transaction) -> None:
    staff.add(tx, TOWN, "ola@fjordvik.example", "Ola Vik", Role.EDITOR, "no hash", "Innbyggerservice", MONDAY)
