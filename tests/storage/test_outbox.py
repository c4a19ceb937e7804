"""What leasing promises: each row to one worker, in order, and nothing of a turn that is over."""

import asyncio
from datetime import timedelta

from contactbot.messages import Author, DeliveryState, Receipt
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Parcel, Post
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from tests.storage.town import MONDAY, SOON, answer, thread_of

LONG = MONDAY + timedelta(minutes=10)


def leased(tx: Transaction, owner: str, limit: int) -> list[Parcel]:
    """Lease as a worker does."""
    return outbox.lease(tx, owner, SOON, LONG, limit)


async def test_many_workers_never_lease_the_same_row(database: Database) -> None:
    def town(tx: Transaction) -> list[int]:
        return [answer(tx, thread_of(tx, f"resident {number}"), "Hei") for number in range(60)]

    rows = await database.write(town)
    taken: dict[int, str] = {}

    async def worker(name: str) -> None:
        while parcels := await database.write(leased, name, 3, mode="queue"):
            for parcel in parcels:
                assert parcel.id not in taken, f"{parcel.id} went to {taken[parcel.id]} and to {name}"
                taken[parcel.id] = name

    while len(taken) < len(rows):  # a worker that found all rows locked for a moment goes home; another comes
        await asyncio.gather(*(worker(f"worker {number}") for number in range(8)))
    assert sorted(taken) == rows
    assert await database.write(leased, "late", 100, mode="queue") == []


async def test_a_thread_has_one_message_in_flight_and_keeps_its_order(database: Database) -> None:
    def three(tx: Transaction) -> list[int]:
        thread = thread_of(tx, "Kari")
        return [answer(tx, thread, text) for text in ("en", "to", "tre")]

    rows = await database.write(three)
    for expected, text in zip(rows, ("en", "to", "tre"), strict=True):
        parcels = await database.write(leased, "worker", 10, mode="queue")
        assert [(parcel.id, parcel.text) for parcel in parcels] == [(expected, text)]
        assert await database.write(leased, "another", 10, mode="queue") == []
        await database.write(_sent, expected)


async def test_what_is_urgent_overtakes_its_thread_and_the_others(database: Database) -> None:
    def town(tx: Transaction) -> int:
        answer(tx, thread_of(tx, "Per"), "Hei")
        thread = thread_of(tx, "Kari")
        answer(tx, thread, "først")
        return answer(tx, thread, "Ring 113 nå", Post("acute", Author.BOT, thread.turn_epoch, MONDAY, urgent=True))

    urgent = await database.write(town)
    parcels = await database.write(leased, "worker", 1, mode="queue")
    assert [parcel.id for parcel in parcels] == [urgent]


async def test_an_answer_of_the_bot_does_not_leave_after_a_person_took_the_turn(database: Database) -> None:
    def taken_over(tx: Transaction) -> tuple[int, int]:
        thread = thread_of(tx, "Kari")
        late = answer(tx, thread, "Et sent svar")
        epoch = threads.set_turn(tx, thread.id, "staff")
        own = answer(tx, thread, "Hei, jeg heter Ola", Post("reply", Author.STAFF, epoch, MONDAY))
        outbox.withdraw(tx, thread.id, SOON)
        return late, own

    late, own = await database.write(taken_over)
    parcels = await database.write(leased, "worker", 10, mode="queue")
    assert [parcel.id for parcel in parcels] == [own]
    assert late != own


async def test_an_answer_written_in_an_older_turn_is_passed_over_even_when_nobody_withdrew_it(
    database: Database,
) -> None:
    def fenced(tx: Transaction) -> int:
        thread = thread_of(tx, "Kari")
        epoch = threads.set_turn(tx, thread.id, "staff")
        answer(tx, thread, "Et sent svar", Post("answer", Author.BOT, epoch - 1, MONDAY))
        return answer(tx, thread_of(tx, "Per"), "Hei")

    current = await database.write(fenced)
    parcels = await database.write(leased, "worker", 10, mode="queue")
    assert [parcel.id for parcel in parcels] == [current]


async def test_what_waits_for_later_is_not_leased_before(database: Database) -> None:
    def waiting(tx: Transaction) -> None:
        thread = thread_of(tx, "Kari")
        answer(tx, thread, "i kveld", Post("answer", Author.BOT, 0, MONDAY, not_before=MONDAY + timedelta(hours=9)))

    await database.write(waiting)
    assert await database.write(leased, "worker", 10, mode="queue") == []
    assert await database.read(outbox.next_due) == MONDAY + timedelta(hours=9)


async def test_what_somebody_was_sending_when_they_went_is_found(database: Database) -> None:
    row = await database.write(lambda tx: answer(tx, thread_of(tx, "Kari"), "Hei"))
    await database.write(leased, "gone", 10, mode="queue")

    def stale(tx: Transaction, owner: str, minutes: int, *, alone: bool) -> list[int]:
        found = outbox.stale(tx, owner, SOON + timedelta(minutes=minutes), everybody_else=alone)
        return [parcel.id for parcel in found]

    assert await database.read(lambda tx: stale(tx, "new", 1, alone=False)) == []
    assert await database.read(lambda tx: stale(tx, "new", 1, alone=True)) == [row]
    assert await database.read(lambda tx: stale(tx, "gone", 1, alone=True)) == []
    assert await database.read(lambda tx: stale(tx, "new", 60, alone=False)) == [row]


def _sent(tx: Transaction, row: int) -> None:
    tx.execute("UPDATE outbox SET state = 'sent' WHERE id = :id", id=row)


async def test_a_message_that_is_sent_wakes_the_delivery_only_where_its_thread_has_more(database: Database) -> None:
    def two(tx: Transaction) -> tuple[int, int]:
        thread = thread_of(tx, "Kari")
        return answer(tx, thread, "en"), answer(tx, thread, "to")

    def sent(tx: Transaction, row: int) -> bool:
        before = outbox.TOPIC in tx.woken
        assert outbox.change(tx, outbox.standing(tx, row), DeliveryState.SENT, Receipt("sent", row), SOON)
        return not before and outbox.TOPIC in tx.woken

    for row, expected in zip(await database.write(two), (True, False), strict=True):
        await database.write(leased, "worker", 10, mode="queue")
        assert await database.write(sent, row, mode="queue") is expected


async def test_the_urgent_leave_first_however_many_wait(database: Database) -> None:
    def waiting(tx: Transaction) -> int:
        for number in range(40):
            answer(tx, thread_of(tx, f"resident {number}"), "Hei")
        return answer(tx, thread_of(tx, "Kari"), "Ring 113", Post("acute", Author.BOT, 0, MONDAY, urgent=True))

    urgent = await database.write(waiting)
    first, *_ = await database.write(leased, "worker", 3, mode="queue")
    assert first.id == urgent
