"""What the live feed promises: each event once, in one order, whoever writes meanwhile."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from contactbot.clock import now
from contactbot.handoff import store as tickets
from contactbot.handoff.ticket import NewTicket, Reason
from contactbot.storage import events, feed
from contactbot.storage.database import Database, open_database
from contactbot.storage.transaction import Transaction
from tests.storage.town import MONDAY, TOWN, founded


def opened(tx: Transaction, count: int) -> dict[int, int]:
    """Open cases; return their ids by number."""
    new = NewTicket(title="En sak", reason=Reason.UNSURE, source="loopback", at=MONDAY, due_at=MONDAY)
    made = [tickets.open_ticket(tx, TOWN, new) for _ in range(count)]
    return {ticket.number: ticket.id for ticket in made}


def noted(tx: Transaction, ticket: int | None) -> None:
    """Record that something happened to a case."""
    events.record(tx, TOWN, MONDAY, "bot", "claimed", ticket=ticket)


def seen(tx: Transaction, cursor: str, limit: int = 7) -> feed.Changes:
    """Read as a live page does."""
    return feed.after(tx, TOWN, cursor, limit)


async def all_after(database: Database, cursor: str) -> tuple[list[int], str]:
    """Return the numbers of the cases that something happened to, and where to go on."""
    numbers: list[int] = []
    while True:
        changes = await database.read(seen, cursor)
        numbers += [change.ticket for change in changes.changes]
        cursor = changes.cursor
        if not changes.more:
            return numbers, cursor


async def test_events_come_in_the_order_they_were_written(database: Database) -> None:
    cases = await database.write(opened, 20)
    cursor = await database.read(feed.end)
    for ticket in cases.values():
        await database.write(noted, ticket)
    assert (await all_after(database, cursor))[0] == list(cases)


async def test_each_event_is_read_once_while_many_write(database: Database) -> None:
    cases = await database.write(opened, 60)
    cursor = await database.read(feed.end)
    writers = [asyncio.create_task(database.write(noted, ticket, mode="queue")) for ticket in cases.values()]
    numbers: list[int] = []
    while not all(writer.done() for writer in writers):
        found, cursor = await all_after(database, cursor)
        numbers += found
    numbers += (await all_after(database, cursor))[0]
    assert sorted(numbers) == list(cases)


async def test_what_concerns_no_case_only_moves_the_cursor(database: Database) -> None:
    cursor = await database.read(feed.end)
    await database.write(noted, None)
    numbers, moved = await all_after(database, cursor)
    assert numbers == []
    assert moved != cursor


async def test_another_municipality_sees_nothing(database: Database) -> None:
    cases = await database.write(opened, 1)
    cursor = await database.read(feed.end)
    await database.write(noted, next(iter(cases.values())))
    assert (await database.read(lambda tx: feed.after(tx, "elsewhere", cursor, 10))).changes == ()


@pytest.mark.parametrize("cursor", ["", "1", "other-0-0", "0-x-1", "0-1-", "0-1-99999999999999999999", "0-²-1"])
async def test_a_cursor_that_leads_nowhere_starts_afresh(database: Database, cursor: str) -> None:
    changes = await database.read(seen, cursor)
    assert changes.reset
    assert not (await database.read(seen, changes.cursor)).reset


@pytest.fixture
async def server(postgresql_url: str) -> AsyncIterator[Database]:
    """Open a database on PostgreSQL, where numbers are not commit order."""
    async with open_database(postgresql_url, now) as opened_database:
        await opened_database.write(founded)
        yield opened_database


async def test_what_is_committed_late_is_not_passed_by(server: Database) -> None:
    cases = await server.write(opened, 2)
    late, early = cases
    cursor = await server.read(feed.end)
    written, go = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> None:
        noted(tx, cases[late])
        written.set()
        go.wait(10)

    slow_one = asyncio.create_task(server.write(slow, mode="queue"))
    await asyncio.to_thread(written.wait, 10)
    await server.write(noted, cases[early], mode="queue")
    before, cursor = await all_after(server, cursor)
    go.set()
    await slow_one
    after, _ = await all_after(server, cursor)
    assert before == []
    assert after == [late, early]
