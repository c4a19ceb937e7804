"""A store that cannot serve: nothing is acknowledged that is not kept, and everything goes on when it is back."""

import asyncio
import resource
import sqlite3
from contextlib import closing

import pytest

from tests.faults import faults
from tests.faults.outcome import proven_on
from tests.faults.table import keep
from tests.faults.town import CHANNELS, Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOM = 65_536  # bytes by which the log may still grow; the journal of one message takes more
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


async def test_a_locked_database_makes_every_peer_come_again(town: Town) -> None:
    async with town.four() as four:
        with closing(sqlite3.connect(town.house.folder / "contactbot.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            asking = asyncio.create_task(four.ask())
            await refused(town)
            assert [four.thread(channel) for channel in CHANNELS] == [None] * 4
        await asking
        await four.answered()
        keep(faults.LOCKED, await proven_on(town, four))


async def test_a_full_disk_makes_every_peer_come_again(town: Town) -> None:
    """RLIMIT_FSIZE refuses what a full disk refuses, needs no right to mount anything, and can be lifted again."""
    async with town.four() as four, town.four() as others:
        with closing(sqlite3.connect(town.house.folder / "contactbot.db")) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        room = (town.house.folder / "log").stat().st_size + ROOM
        resource.prlimit(town.house.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        asking = asyncio.gather(four.ask(), others.ask())
        await refused(town)
        resource.prlimit(town.house.pid, resource.RLIMIT_FSIZE, UNLIMITED)
        await asking
        await four.answered()
        await others.answered()
        await proven_on(town, others)
        keep(faults.FULL, await proven_on(town, four))


async def refused(town: Town) -> None:
    """Wait until the house has told somebody that its store cannot serve."""
    before = town.house.log().count("store is busy")

    async def said() -> bool:
        return town.house.log().count("store is busy") > before

    await town.until(said, "a refusal")
