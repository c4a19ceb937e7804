"""Fixtures of the conversation's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversation.town import Town, running


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house on a fresh SQLite file."""
    async with running(sqlite_url, tmp_path) as started:
        yield started


@pytest.fixture
async def town_on_both(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house on a fresh database, once for each engine."""
    async with running(database_url, tmp_path) as started:
        yield started
