"""Who writes is told in every process of one database, for a little while, and to those it concerns."""

import asyncio

from contactbot.clock import now
from contactbot.messages import Address
from contactbot.storage.database import Database, open_database
from contactbot.storage.notices import session_topic
from contactbot.threads import writing
from contactbot.threads.writing import Writing
from tests.patience import PATIENCE

LIV = Address("webchat", "liv")


async def listening(database: Database) -> None:
    """Wait until a process hears the others: it connects for that once it is open."""
    heard = asyncio.Event()
    database.notices.hear("hello", lambda _: heard.set())
    async with asyncio.timeout(PATIENCE):
        while not heard.is_set():
            await database.write(lambda tx: tx.wake("hello there"), mode="queue")
            await asyncio.sleep(0.05)


async def test_another_process_of_the_database_hears_who_writes_to_whom_and_in_which_case(postgresql_url: str) -> None:
    async with open_database(postgresql_url, now) as one, open_database(postgresql_url, now) as other:
        there = Writing(now, other.notices)
        await listening(other)
        with other.notices.listening(session_topic(LIV.scheme, LIV.value)) as chat:
            await one.jot(writing.tell_of_staff, LIV, "Kari", mode="queue")
            async with asyncio.timeout(PATIENCE):
                await chat.wait()
        with other.notices.listening(writing.topic("fjordvik")) as desk:
            await one.jot(writing.tell_of_resident, "fjordvik", 1001, mode="queue")
            async with asyncio.timeout(PATIENCE):
                await desk.wait()
        assert (there.to(LIV), there.cases("fjordvik"), there.cases("other")) == ("Kari", (1001,), ())
