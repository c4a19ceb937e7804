"""One town for all faults: each test leaves it running, with nothing under way."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.faults.table import HEAD, KEPT
from tests.faults.town import Town, settled_town
from tests.journeys.installation import furnish
from tests.peers.prosody import running_prosody


@pytest_asyncio.fixture(loop_scope="session")
async def town(one_town: Town) -> AsyncIterator[Town]:
    """Give the town to a test, running and free of traps also when the test before it failed."""
    yield one_town
    await one_town.heal()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Run the town."""
    furnished = tmp_path_factory.mktemp("furnished") / "contactbot.db"
    await furnish(furnished)
    with running_prosody(tmp_path_factory.mktemp("prosody")) as server:
        async with settled_town(tmp_path_factory.mktemp("town"), furnished, server) as running:
            yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what came of each fault of this run."""
    if KEPT:
        terminalreporter.write_line(HEAD + "\n".join(KEPT))
