"""The one installation that journeys share: everybody in them is somebody new. Only a crash needs its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from contactbot.demo.prosody import Prosody
from tests.journeys.installation import Installation, furnish, installed
from tests.peers.chromium import chromium
from tests.peers.postfix import free_port, postfix
from tests.peers.prosody import running_prosody


@pytest.fixture(scope="session")
def prosody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """Run one XMPP server."""
    with running_prosody(tmp_path_factory.mktemp("prosody")) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database with answers and staff, to be copied."""
    file = tmp_path_factory.mktemp("furnished") / "contactbot.db"
    await furnish(file)
    return file


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(
    tmp_path_factory: pytest.TempPathFactory, furnished: Path, prosody: Prosody
) -> AsyncIterator[Installation]:
    """Run an installation whose mail goes through a real Postfix, both ways."""
    port = free_port()
    async with installed(tmp_path_factory.mktemp("town"), furnished, prosody, port) as installation:
        routes = {
            "fjordvik.example": f"smtp:[127.0.0.1]:{installation.mail_port}",
            "resident.example": f"smtp:[127.0.0.1]:{installation.residents.port}",
        }
        async with postfix(port, routes):
            await installation.start()
            yield installation
            assert await installation.stop() == 0, installation.log()[-2000:]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Run one browser."""
    async with chromium() as started:
        yield started
