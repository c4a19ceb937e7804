"""kill -9 and unforeseen errors at every step, on all channels at once: nothing is lost, nothing doubled unseen."""

import asyncio
import signal

import pytest

from contactbot.failpoints import Point
from tests.faults.faults import FAILED, KILLED
from tests.faults.outcome import proven_on
from tests.faults.table import keep
from tests.faults.town import CHANNELS, Town
from tests.faults.traps import Trap

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALL = len(CHANNELS)
# In a transaction nobody can wait for the others, so they meet at the step before.
BEFORE = {Point.WRITING: Point.UNDERSTOOD, Point.SETTLING: Point.TAKEN}


def deadly(point: Point) -> tuple[Trap, ...]:
    """Return what kills the process when a message of every channel has come to a point."""
    if point is Point.COMMITTED:  # nothing is leased meanwhile, for nobody comes to wait there with it
        return Trap(Point.LEASING, "gather", ALL), Trap(point, "kill", ALL)
    if point in BEFORE:
        return Trap(BEFORE[point], "gather", ALL), Trap(point, "kill")
    return (Trap(point, "kill", ALL),)


async def dies(town: Town) -> None:
    """Wait until the trap has sprung, and take it away."""
    assert await town.house.died() == -signal.SIGKILL, town.house.log()[-2000:]
    town.trap()


@pytest.mark.parametrize("point", [point for point in KILLED if point is not Point.ASKED])
async def test_a_kill_loses_nothing_and_doubles_nothing_unseen(town: Town, point: Point) -> None:
    async with town.four() as four:
        town.trap(*deadly(point))
        asking = asyncio.create_task(four.ask())
        await dies(town)
        await town.house.start()
        await asking
        await four.answered()
        keep(KILLED[point], await proven_on(town, four))


async def test_a_second_kill_while_the_first_is_mended_changes_nothing(town: Town) -> None:
    async with town.four() as four:
        town.trap(*deadly(Point.TAKEN))
        asking = asyncio.create_task(four.ask())
        await dies(town)
        town.trap(*deadly(Point.ASKED))
        await town.house.launch()
        await dies(town)
        await town.house.start()
        await asking
        await four.answered()
        keep(KILLED[Point.ASKED], await proven_on(town, four))


@pytest.mark.parametrize("point", FAILED)
async def test_after_an_error_nobody_foresaw_the_peer_comes_again_or_people_read_it(town: Town, point: Point) -> None:
    async with town.four() as four:
        town.trap(Trap(point, "fail"))
        await four.ask()
        await four.answered(["sms", "xmpp", "webchat"])
        await four.settled(["email"])
        town.trap()
        keep(FAILED[point], await proven_on(town, four))
