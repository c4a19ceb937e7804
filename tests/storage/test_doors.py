"""What the two doors promise, on both engines."""

import asyncio
import contextlib
import random
from datetime import datetime

import pytest

from contactbot.clock import now
from contactbot.errors import StoreError
from contactbot.storage.database import Database, open_database
from contactbot.storage.transaction import Transaction
from tests.patience import PATIENCE
from tests.storage.town import MONDAY, TOWN, add_team, counted, increment, teams

DESK = "Innbyggerservice"


class PlannedError(Exception):
    """What a unit of these tests raises on purpose."""


class LeavingError(BaseException):
    """What no ``except Exception`` catches, as SystemExit."""


async def test_two_hundred_parallel_increments_give_two_hundred(database: Database) -> None:
    results = await asyncio.gather(*(door(increment) for door in (database.write, database.jot) for _ in range(100)))
    assert sorted(results) == list(range(1, 201))
    assert await database.read(counted) == 200


@pytest.mark.parametrize("done", range(4))
async def test_a_unit_that_fails_after_any_statement_leaves_nothing(database: Database, done: int) -> None:
    def unit(tx: Transaction) -> None:
        for number in range(done):
            increment(tx)
            add_team(tx, f"Lag {number}")
        raise PlannedError

    with pytest.raises(PlannedError):
        await database.write(unit)
    assert await database.read(counted) == 0
    assert await database.read(teams) == [DESK]


async def test_a_failing_unit_leaves_those_beside_it(database: Database) -> None:
    def failing(tx: Transaction) -> None:
        add_team(tx, "Borte")
        raise PlannedError

    outcomes = await asyncio.gather(
        *(database.write(failing) if number % 3 == 1 else database.write(increment) for number in range(30)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, PlannedError) for outcome in outcomes) == 10
    assert await database.read(counted) == 20
    assert await database.read(teams) == [DESK]


@pytest.mark.parametrize("kind", [LeavingError, StopIteration, GeneratorExit])
async def test_what_is_no_ordinary_exception_reaches_its_caller_and_nobody_else(
    database: Database, kind: type[BaseException]
) -> None:
    def leaving(tx: Transaction) -> None:
        add_team(tx, "Borte")
        raise kind

    outcomes = await asyncio.wait_for(
        asyncio.gather(
            database.write(increment), database.write(leaving), database.write(increment), return_exceptions=True
        ),
        10,
    )
    assert isinstance(outcomes[1], kind) or isinstance(outcomes[1].__cause__, kind)
    assert await database.read(counted) == 2
    assert await database.read(teams) == [DESK]


async def test_what_the_database_refuses_is_undone_with_its_unit(database: Database) -> None:
    def doubled(tx: Transaction) -> None:
        increment(tx)
        add_team(tx, DESK)

    with pytest.raises(StoreError, match=r"uq_team|team\.municipality"):
        await database.write(doubled)
    assert await database.read(counted) == 0


async def test_a_wrong_statement_is_not_called_a_busy_database(database: Database) -> None:
    def wrong(tx: Transaction) -> None:
        tx.execute("UPDATE no_such_table SET x = 1")

    for door in (database.write, database.read):
        with pytest.raises(Exception, match="no_such_table") as caught:
            await door(wrong)
        assert not isinstance(caught.value, StoreError)


async def test_the_read_door_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await database.read(increment)
    assert await database.read(counted) == 0


async def test_a_glance_sees_what_was_written_and_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"readonly|read-only"):
        await database.glance(increment)
    for expected in range(1, 4):
        await database.write(increment)
        assert await database.glance(counted) == expected


async def test_the_read_door_sees_one_moment(database: Database) -> None:
    loop = asyncio.get_running_loop()

    def twice(tx: Transaction) -> tuple[int, int]:
        before = counted(tx)
        asyncio.run_coroutine_threadsafe(database.write(increment), loop).result()
        return before, counted(tx)

    assert await database.read(twice) == (0, 0)
    assert await database.read(counted) == 1


async def test_the_read_door_always_ends_its_transaction(database: Database) -> None:
    def failing(tx: Transaction) -> None:
        counted(tx)
        raise PlannedError

    for expected in range(1, 13):  # more than there are readers, so that each has failed before
        with pytest.raises(PlannedError):
            await database.read(failing)
        await database.write(increment)
        assert await database.read(counted) == expected


async def test_a_write_is_seen_by_every_read_after_it(database: Database) -> None:
    for expected in range(1, 21):
        await database.write(increment)
        assert await asyncio.gather(*(database.read(counted) for _ in range(4))) == [expected] * 4


async def test_a_storm_of_cancellations_tears_nothing(database: Database) -> None:
    """Each unit writes two things that must stay equal; most callers go away, some at once, some later."""

    def both(tx: Transaction, name: str) -> None:
        add_team(tx, name)
        increment(tx)

    dice = random.Random(7)
    doors = (database.write, database.jot)
    tasks = [asyncio.create_task(doors[number // 7 % 2](both, f"Lag {number}")) for number in range(300)]
    kept = set(dice.sample(range(300), 60))
    for number in dice.sample(range(300), 300):
        if number not in kept:
            tasks[number].cancel()
        if dice.random() < 0.1:
            await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert [outcomes[number] for number in kept] == [None] * 60
    assert await database.write(increment) == len(await database.read(teams))
    assert {f"Lag {number}" for number in kept} <= set(await database.read(teams))


async def test_a_keyed_unit_runs_once(database: Database) -> None:
    outcomes = await asyncio.gather(*(database.write(increment, key="the form") for _ in range(20)))
    assert outcomes == [1] * 20
    assert await database.write(increment, key="the form") == 1
    assert await database.write(increment, key="another form") == 2


async def test_a_keyed_unit_that_failed_may_run_again(database: Database) -> None:
    attempts = []

    def once_failing(tx: Transaction) -> int:
        attempts.append(1)
        number = increment(tx)
        if len(attempts) == 1:
            raise PlannedError
        return number

    with pytest.raises(PlannedError):
        await database.write(once_failing, key="the form")
    assert await database.write(once_failing, key="the form") == 1


async def test_text_loses_what_one_engine_cannot_keep(database: Database) -> None:
    await database.write(add_team, "a\0b\ud83dc\udc00 æøå 🙂")
    assert (await database.read(teams))[-1] == "abc æøå 🙂"


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    def unzoned(tx: Transaction) -> None:
        tx.execute("UPDATE done SET at = :at", at=datetime(2026, 3, 2))  # noqa: DTZ001 - the point

    with pytest.raises(ValueError, match="zone"):
        await database.write(unzoned)


async def test_what_has_changed_is_announced_after_the_commit_and_never_without_one(database: Database) -> None:
    def waking(tx: Transaction) -> None:
        increment(tx)
        tx.wake("the number")

    def failing(tx: Transaction) -> None:
        tx.wake("nothing")
        raise PlannedError

    with database.notices.listening("the number") as woken, database.notices.listening("nothing") as not_woken:
        with contextlib.suppress(PlannedError):
            await database.write(failing)
        async with asyncio.timeout(PATIENCE):
            while not woken.is_set():  # PostgreSQL's listener may still be connecting
                await database.write(waking)
                await asyncio.sleep(0)
        assert await database.read(counted) > 0
        assert not not_woken.is_set()


async def test_a_closed_database_says_so(database_url: str) -> None:
    async with open_database(database_url, now) as database:
        pass
    for door in (database.write, database.read):
        with pytest.raises(StoreError, match="closed"):
            await asyncio.wait_for(door(counted), 5)


async def test_what_was_written_is_there_after_closing_and_opening(database_url: str) -> None:
    async with open_database(database_url, now) as database:
        await database.write(_stamped)
    async with open_database(database_url, now) as database:
        assert await database.read(_stamps) == [f"{MONDAY.isoformat(timespec='microseconds')}"]


def _stamped(tx: Transaction) -> None:
    tx.execute("INSERT INTO done (key, result, at) VALUES (:key, '', :at)", key=TOWN, at=MONDAY)


def _stamps(tx: Transaction) -> list[str]:
    return [row[0] for row in tx.rows("SELECT at FROM done")]
