"""What the one writer of SQLite promises when units share a commit and something goes wrong."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from contactbot.clock import now
from contactbot.errors import StoreBusyError, StoreError
from contactbot.storage.database import Database, open_database
from contactbot.storage.dialect import Sqlite
from contactbot.storage.sqlite import SqliteDatabase
from contactbot.storage.transaction import Transaction
from contactbot.storage.writer import BRIEF_LIMIT, GROUP_LIMIT
from tests.storage.town import add_team, counted, founded, increment, teams

PAGE = 4096  # bytes, SQLite's default


class Counting(Sqlite):
    """A file whose commits are counted."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.commits = 0

    def connect(self) -> sqlite3.Connection:
        """Watch every statement."""
        connection = super().connect()
        connection.set_trace_callback(self._note)
        return connection

    def _note(self, statement: str) -> None:
        self.commits += statement == "COMMIT"


class SmallDisk(Sqlite):
    """A file on a disk that is nearly full."""

    def connect(self) -> sqlite3.Connection:
        """Leave fifty pages."""
        connection = super().connect()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 50}")
        return connection


class Hurried(Sqlite):
    """A file that nobody waits for long."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.lock_wait = 0.2  # seconds


@asynccontextmanager
async def together(database: Database) -> AsyncIterator[None]:
    """Hold the writer while the block submits units, so that they all wait together."""
    held, go = threading.Event(), threading.Event()

    def holding(_tx: Transaction) -> None:
        held.set()
        go.wait(10)

    holder = asyncio.create_task(database.write(holding))
    await asyncio.to_thread(held.wait, 10)
    try:
        yield
        await asyncio.sleep(0)  # the tasks made in the block reach the door
    finally:
        go.set()
        await holder


async def submitted(door: str, database: Database, *units: Callable[[Transaction], Any]) -> list[Any]:
    """Run units that wait together at a door; return what each caller got."""
    async with together(database):
        tasks = [asyncio.create_task(getattr(database, door)(unit)) for unit in units]
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(params=["write", "jot"])
def door(request: pytest.FixtureRequest) -> str:
    """Name each of the doors in turn: one runs units in the writer's thread, the other on the event loop."""
    name: str = request.param
    return name


def large(tx: Transaction) -> None:
    """Write more than the small disk of these tests holds."""
    add_team(tx, "x" * 200 * PAGE)


@pytest.fixture
async def small_disk(sqlite_url: str) -> AsyncIterator[Database]:
    """Open a database whose disk is nearly full."""
    async with SqliteDatabase(SmallDisk(sqlite_url), now) as opened:
        await opened.write(founded)
        yield opened


async def test_units_that_wait_together_share_one_commit(door: str, sqlite_url: str) -> None:
    dialect = Counting(sqlite_url)
    async with SqliteDatabase(dialect, now) as database:
        await database.write(founded)
        before = dialect.commits
        assert await submitted(door, database, *[increment] * 30) == list(range(1, 31))
        assert dialect.commits - before == 2  # the one that held the writer, and the thirty


async def test_a_disk_that_fills_in_the_second_of_four_loses_the_second_only(door: str, small_disk: Database) -> None:
    outcomes = await submitted(door, small_disk, increment, large, increment, increment)
    assert [type(outcome) for outcome in outcomes] == [int, StoreBusyError, int, int]
    assert await small_disk.read(counted) == 3
    assert await small_disk.read(teams) == ["Innbyggerservice"]
    assert await small_disk.write(increment) == 4


async def test_a_unit_that_ends_everybodys_transaction_costs_the_others_nothing(door: str, sqlite: Database) -> None:
    def ending(tx: Transaction) -> None:
        tx.execute("INSERT OR ROLLBACK INTO municipality SELECT * FROM municipality")

    outcomes = await submitted(door, sqlite, increment, ending, increment, increment)
    assert [type(outcome) for outcome in outcomes] == [int, StoreError, int, int]
    assert await sqlite.read(counted) == 3


async def test_a_commit_that_fails_costs_only_the_unit_that_made_it_fail(door: str, sqlite: Database) -> None:
    def dangling(tx: Transaction) -> None:
        tx.execute("PRAGMA defer_foreign_keys = ON")  # so that nothing but COMMIT finds out
        tx.insert("team", municipality="nowhere", name="Ingen")

    outcomes = await submitted(door, sqlite, increment, dangling, increment)
    assert [type(outcome) for outcome in outcomes] == [int, StoreError, int]
    assert await sqlite.read(counted) == 2
    assert await sqlite.read(teams) == ["Innbyggerservice"]


async def test_a_cancelled_unit_that_waits_is_not_run(sqlite: Database) -> None:
    async with together(sqlite):
        waiting = asyncio.create_task(sqlite.write(increment))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert await sqlite.read(counted) == 0


async def test_more_than_a_groups_share_of_units_are_all_kept_in_order(door: str, sqlite: Database) -> None:
    units = [increment] * (GROUP_LIMIT + BRIEF_LIMIT)
    assert await submitted(door, sqlite, *units) == list(range(1, len(units) + 1))


async def test_a_brief_unit_runs_where_it_is_asked_for_and_comes_along_with_longer_ones(sqlite: Database) -> None:
    def where(_tx: Transaction) -> str:
        return threading.current_thread().name

    here = threading.current_thread().name
    assert [await sqlite.jot(where), await sqlite.write(where)] == [here, "writer"]
    async with together(sqlite):
        tasks = [asyncio.create_task(one) for one in (sqlite.jot(where), sqlite.write(where))]
    assert await asyncio.gather(*tasks) == ["writer", "writer"]


async def test_a_brief_unit_waits_for_another_program_and_the_event_loop_does_not(sqlite_url: str) -> None:
    async with SqliteDatabase(Sqlite(sqlite_url), now) as database:
        await database.write(founded)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(database.jot(increment))
            for _ in range(100):
                await asyncio.sleep(0)  # each would take ten seconds if the loop waited for the lock
            assert not waiting.done()
            other.execute("COMMIT")
            assert await waiting == 1


async def test_what_was_submitted_before_the_door_closes_is_kept(door: str, sqlite_url: str) -> None:
    async with SqliteDatabase(Sqlite(sqlite_url), now) as database:
        await database.write(founded)
        tasks = [asyncio.create_task(getattr(database, door)(increment)) for _ in range(50)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*tasks) == list(range(1, 51))


async def test_a_file_held_by_another_program_is_told_once_for_all_who_wait(sqlite_url: str) -> None:
    async with SqliteDatabase(Hurried(sqlite_url), now) as database:
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            async with together(database):
                tasks = [asyncio.create_task(database.write(counted)) for _ in range(50)]
                await asyncio.sleep(0)
            await asyncio.gather(*tasks, return_exceptions=True)
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(8):  # fifty waits one after the other would take ten seconds
                outcomes = await asyncio.gather(*(database.write(counted) for _ in range(50)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreBusyError}


async def test_a_file_that_cannot_be_opened_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreBusyError, match="unable to open"):
        async with open_database(f"sqlite:///{tmp_path}/no/such/folder.db", now):
            pass


async def test_what_is_committed_is_on_the_disk(sqlite: Database) -> None:
    def pragmas(tx: Transaction) -> dict[str, object]:
        return {name: tx.value(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")}

    for door in (sqlite.write, sqlite.read):
        assert await door(pragmas) == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
