"""What the doors on PostgreSQL promise when the server or the way to it fails."""

import asyncio
import threading
from collections.abc import AsyncIterator

import psycopg
import pytest
from sqlalchemy import make_url

from contactbot.clock import now
from contactbot.errors import StoreBusyError
from contactbot.storage.database import Database, open_database
from contactbot.storage.transaction import Transaction
from tests.patience import PATIENCE
from tests.storage.town import add_team, counted, founded, increment, teams


@pytest.fixture
async def server(postgresql_url: str) -> AsyncIterator[Database]:
    """Open a database on PostgreSQL."""
    async with open_database(postgresql_url, now) as opened:
        await opened.write(founded)
        yield opened


def drop_connections(url: str) -> None:
    """Let the server end every connection to the database, as it does when it is restarted."""
    libpq = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(libpq, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_connections_dropped_between_units_are_made_anew(server: Database, postgresql_url: str) -> None:
    await asyncio.gather(*(server.read(counted) for _ in range(8)))
    drop_connections(postgresql_url)
    assert await server.write(increment) == 1
    assert await asyncio.gather(*(server.read(counted) for _ in range(8))) == [1] * 8


async def test_a_connection_dropped_within_a_unit_is_busy_and_keeps_nothing(
    server: Database, postgresql_url: str
) -> None:
    half_done, go = threading.Event(), threading.Event()

    def interrupted(tx: Transaction) -> None:
        add_team(tx, "Borte")
        half_done.set()
        go.wait(10)
        increment(tx)

    caller = asyncio.create_task(server.write(interrupted))
    await asyncio.to_thread(half_done.wait, 10)
    drop_connections(postgresql_url)
    go.set()
    with pytest.raises(StoreBusyError):
        await caller
    assert await server.read(counted) == 0
    assert await server.read(teams) == ["Innbyggerservice"]
    assert await server.write(increment) == 1


async def test_notices_come_again_after_the_connection_was_dropped(server: Database, postgresql_url: str) -> None:
    def waking(tx: Transaction) -> None:
        increment(tx)
        tx.wake("the number")

    with server.notices.listening("the number") as woken:
        for _ in range(2):
            woken.clear()
            async with asyncio.timeout(PATIENCE):
                while not woken.is_set():
                    await server.write(waking)
                    await asyncio.sleep(0.01)
            drop_connections(postgresql_url)


async def test_a_server_out_of_reach_is_busy() -> None:
    async with open_database("postgresql+psycopg://nobody@/nothing?host=/nowhere", now) as database:
        for door in (database.write, database.read):
            with pytest.raises(StoreBusyError, match="reachable"):
                await door(counted)
