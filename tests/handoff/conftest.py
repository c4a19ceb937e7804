"""A house for the desk's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conversation.town import Town, running


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house that sends nothing by itself."""
    async with running(sqlite_url, tmp_path, deliver=False) as started:
        yield started
