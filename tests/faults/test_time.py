"""A process that stands still, and clocks that jump."""

import asyncio
import os
import signal

import pytest

from contactbot.failpoints import Point
from tests.faults import faults
from tests.faults.outcome import proven_on
from tests.faults.table import keep
from tests.faults.town import CHANNELS, Four, Town
from tests.faults.traps import Trap

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALL = len(CHANNELS)
STANDSTILL = 60.0  # seconds; the leases of these tests last two
JUMP = 7200.0  # seconds


async def taken(town: Town, four: Four) -> None:
    """Wait until every peer has the answer and the house, which knows it, has noted nothing."""

    async def all_have_it() -> bool:
        return all(four.thread(one) and four.attempts(one) for one in CHANNELS) and all(
            count for channel, count in (await four.answers()).items() if channel != "webchat"
        )

    await town.until(all_have_it, "answers that are taken and not noted")


async def test_a_process_that_stood_still_longer_than_its_leases_sends_nothing_twice(town: Town) -> None:
    async with town.four() as four, town.four() as others:
        town.trap(Trap(Point.TAKEN, "gather", ALL + 1))
        await four.ask()
        await taken(town, four)
        os.kill(town.house.pid, signal.SIGSTOP)
        asking = asyncio.create_task(others.ask())
        with town.wrong_clock(STANDSTILL):
            os.kill(town.house.pid, signal.SIGCONT)
            await asking
            town.trap()
            await four.answered()
            await others.answered()
        await proven_on(town, others)
        keep(faults.STOPPED, await proven_on(town, four))


@pytest.mark.parametrize(
    ("before", "after", "fault"), [(0.0, JUMP, faults.AHEAD), (JUMP, 0.0, faults.BACK)], ids=["ahead", "back"]
)
async def test_a_clock_that_jumps_between_sending_and_asking_doubles_nothing(
    town: Town, before: float, after: float, fault: str
) -> None:
    async with town.four() as four:
        with town.wrong_clock(before):
            town.trap(Trap(Point.TAKEN, "kill", ALL))
            asking = asyncio.create_task(four.ask())
            assert await town.house.died() == -signal.SIGKILL
            town.trap()
            with town.wrong_clock(after):
                await town.house.start()
                await asking
                await four.answered()
        keep(fault, await proven_on(town, four))
