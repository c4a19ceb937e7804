"""Forgetting a person: every word goes, from every place, in small units, however often it is interrupted."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from contactbot.errors import NotFoundError
from contactbot.handoff import desk
from contactbot.messages import Address, Author
from contactbot.outbox import store as outbox
from contactbot.privacy.erasures import forgetting, store
from contactbot.privacy.erasures.erasure import Erasure, tombstone
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage
from tests.privacy.residents import (
    KARI,
    KEY,
    LIV,
    LIVS_PHONE,
    MONDAY,
    PER,
    SECRET,
    TOWN,
    clock,
    counts,
    decided,
    handed_off,
    mentions,
    order,
    wrote,
)

MANY = 70_000
FINDABLE = {
    engine: f"INSERT INTO message_search ({number}, municipality, folded)"  # noqa: S608 - one of two names
    " SELECT id, municipality, lower(text) FROM message WHERE thread = :thread AND position >= 10"
    for engine, number in (("sqlite", "rowid"), ("postgresql", "message"))
}
PERS = "Pers spørsmål om båtplass"


async def forget(database: Database, *people: Address, limit: int = 500) -> Erasure:
    return await forgetting.forget(database, await database.read(order, *people), clock, limit)


async def test_no_word_name_or_address_of_the_person_is_left_anywhere(database: Database) -> None:
    for _ in range(3):
        await database.write(wrote, LIV)
    await database.write(wrote, LIVS_PHONE)
    await database.write(wrote, PER, PERS)
    assert len(await database.read(mentions, SECRET)) >= 10
    await forget(database, LIV, LIVS_PHONE)
    assert await database.read(mentions, SECRET, LIV.value, LIVS_PHONE.value) == []


async def test_what_others_wrote_stays_also_where_it_is_the_very_same_file(database: Database) -> None:
    await database.write(wrote, PER, PERS)
    before = await database.read(mentions, PERS)
    await database.write(wrote, LIV, PERS)
    await forget(database, LIV)
    assert await database.read(mentions, PERS) == before
    assert await database.read(mentions, PER.value)
    assert await database.read(counts, ["raw", "attachment", "blob"]) == {"raw": 1, "attachment": 1, "blob": 2}


async def test_rows_that_figures_count_stay_without_words(database: Database) -> None:
    await database.write(wrote, LIV)
    tables = ["message", "thread", "outbox", "answer_given", "event"]
    before = await database.read(counts, tables)
    await forget(database, LIV)
    after = await database.read(counts, tables)
    assert {**after, "event": 0} == {**before, "event": 0}


async def test_the_receipt_counts_what_went_and_names_nobody(database: Database) -> None:
    await database.write(wrote, LIV)
    receipt = await forget(database, LIV)
    assert receipt.erased == {
        "accepted": 1, "address": 1, "answer_given": 1, "attachment": 1, "blob": 2, "message": 2, "message_ref": 1,
        "outbox": 1, "raw": 1, "thread": 1,
    }  # fmt: skip
    assert receipt.kept == ()
    assert LIV.value not in str(receipt)
    events = await database.read(lambda tx: tx.rows("SELECT kind, actor FROM event WHERE kind LIKE 'erasure%'"))
    assert events == [("erasure.begun", "operator"), ("erasure.finished", "operator")]


@pytest.mark.parametrize(
    ("archive", "archived", "kept"),
    [
        ("undecided", False, "undecided"),
        ("keep", False, "unarchived"),
        ("keep", True, None),
        ("leave_out", False, None),
    ],
)
async def test_a_case_goes_once_the_archive_has_it_or_does_not_want_it(
    database: Database,
    archive: str,
    archived: bool,  # noqa: FBT001 - an example
    kept: str | None,
) -> None:
    number = await database.write(handed_off, await database.write(wrote, LIV))
    await database.write(decided, number, archive, MONDAY if archived else None)
    await database.write(wrote, LIV, "utenom saken")
    receipt = await forget(database, LIV)
    assert [one.why for one in receipt.stays] == ([kept] if kept else [])
    assert bool(await database.read(mentions, SECRET)) == (kept is not None)
    assert await database.read(mentions, "utenom saken") == []


async def test_an_open_case_can_still_be_answered_while_the_rest_is_forgotten(database: Database) -> None:
    number = await database.write(handed_off, await database.write(wrote, LIV))
    await database.write(wrote, LIV, "utenom saken")
    receipt = await forget(database, LIV)
    assert [(one.what, one.why) for one in receipt.stays] == [(str(number), "open")]
    await database.write(desk.reply, number, "Slik er det.", KARI)
    parcels = await database.write(outbox.lease, "me", clock(), clock() + timedelta(minutes=1), 10)
    assert {one.value for one in parcels} == {LIV.value}


async def test_a_wish_for_no_messages_is_remembered_and_nothing_else(database: Database) -> None:
    await database.write(wrote, LIV)
    await database.write(lambda tx: tx.execute("UPDATE address SET stopped_at = :at", at=MONDAY))
    receipt = await forget(database, LIV)
    assert [one.why for one in receipt.stays] == ["stop"]
    row = await database.read(threads.find_address, TOWN, LIV)
    assert (row.name, row.stopped_at) == ("", MONDAY)
    assert await database.read(mentions, SECRET) == []
    assert await database.read(mentions, LIV.value) == ["address"]


async def test_after_the_first_unit_the_person_is_a_stranger_and_writes_in_a_conversation_of_their_own(
    database: Database,
) -> None:
    old = await database.write(wrote, LIV)
    number = await database.write(forgetting.begin, await database.read(order, LIV))
    assert await database.read(threads.find_address, TOWN, LIV) is None
    refs = [f"<{SECRET} {old}@resident.example>"]
    fresh = await database.write(wrote, LIV, "Hei igjen")
    address = await database.read(threads.find_address, TOWN, LIV)
    found = await database.read(threads.thread_by_refs, TOWN, address.id, refs)
    assert found is None
    await forgetting.go_on(database, TOWN, number, clock)
    assert await database.read(mentions, SECRET) == []
    messages = await database.read(threads.messages_of, TOWN, fresh)
    assert [one.text for one in messages] == ["Hei igjen", "Svar om Hei igjen"]


async def test_nothing_that_waits_is_sent_to_somebody_forgotten(database: Database) -> None:
    await database.write(wrote, LIV)
    await database.write(forgetting.begin, await database.read(order, LIV))
    assert await database.write(outbox.lease, "me", clock(), clock() + timedelta(minutes=1), 10) == []


async def test_somebody_can_be_forgotten_only_once(database: Database) -> None:
    await database.write(wrote, LIV)
    wanted = await database.read(order, LIV)
    await forgetting.forget(database, wanted, clock)
    with pytest.raises(NotFoundError):
        await forgetting.forget(database, wanted, clock)


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_a_crash_between_any_two_units_loses_nothing_and_the_next_start_goes_on(
    database: Database, limit: int
) -> None:
    for _ in range(3):
        await database.write(wrote, LIV)
    await database.write(decided, await database.write(handed_off, await database.write(wrote, LIV)), "leave_out")
    whole = await database.read(counts, ["message"])
    number = await database.write(forgetting.begin, await database.read(order, LIV))
    units = 0
    while await database.read(store.unfinished):  # nothing is remembered from one unit to the next but what is kept
        units += 1
        assert units < 100
        (one,) = await database.read(store.unfinished)
        await database.write(forgetting.step, *one, clock(), limit)
    receipt = await database.read(forgetting.state_of, TOWN, number)
    assert receipt.erased["message"] == whole["message"]
    assert await database.read(mentions, SECRET, LIV.value) == []


async def test_what_a_crash_left_is_ended_by_the_recurring_work(database: Database) -> None:
    await database.write(wrote, LIV)
    await database.write(forgetting.begin, await database.read(order, LIV))
    assert await forgetting.go_on_all(database, clock) == 1
    assert await forgetting.go_on_all(database, clock) == 0
    assert await database.read(mentions, SECRET) == []


def _many(tx: Transaction, thread: int) -> None:
    """Let the thread's writer write 70,000 messages more, all of them findable."""
    tx.execute(
        "INSERT INTO message (municipality, thread, position, author, text, language, created_at)"
        " WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
        " SELECT 'fjordvik', :thread, i, 'resident', :text || i, 'nb', :at FROM n",
        last=MANY + 9, thread=thread, text=f"{SECRET} ", at=MONDAY,
    )  # fmt: skip
    tx.execute(FINDABLE[tx.dialect.name], thread=thread)
    tx.execute("UPDATE thread SET positions = :last WHERE id = :id", last=MANY + 9, id=thread)


async def test_seventy_thousand_messages_of_one_person_go_in_units_of_a_bounded_number_of_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.write(_many, await database.write(wrote, LIV))
    units: list[int] = []
    touched: Counter[str] = Counter()
    execute = Transaction.execute

    def counting(tx: Transaction, statement: str, **values: object) -> int:
        rows = execute(tx, statement, **values)
        touched["rows"] += max(rows, 0)
        return rows

    def watched(tx: Transaction, municipality: str, number: int, at: datetime, limit: int) -> Erasure:
        touched.clear()
        done = step(tx, municipality, number, at, limit)
        units.append(touched["rows"])
        return done

    step = forgetting.step
    monkeypatch.setattr(Transaction, "execute", counting)
    monkeypatch.setattr(forgetting, "step", watched)
    receipt = await forget(database, LIV)
    assert receipt.erased["message"] == MANY + 2
    assert len(units) > MANY / forgetting.BATCH
    assert max(units) <= forgetting.BATCH * 2 + 50  # each message: its own row and its place in the search index
    assert await database.read(counts, ["message_search"]) == {"message_search": 0}
    assert await database.read(mentions, SECRET) == []


async def test_a_tombstone_tells_nothing_without_the_key(database: Database) -> None:
    await database.write(wrote, LIV)
    await forget(database, LIV)
    ((town, name, _),) = await database.read(store.tombstones)
    assert (town, name) == (TOWN, tombstone(KEY, TOWN, LIV))
    assert name != tombstone(b"another key", TOWN, LIV) != tombstone(b"another key", "nabovik", LIV)


async def test_whom_a_restored_backup_brings_back_is_forgotten_again(database: Database) -> None:
    buried = [(TOWN, tombstone(KEY, TOWN, LIV), clock())]
    await database.write(wrote, LIV)
    await database.write(wrote, PER, PERS)
    assert await forgetting.forget_again(database, buried, KEY, clock) == 1
    assert await database.read(mentions, SECRET, LIV.value) == []
    assert await database.read(mentions, PERS)
    assert await database.read(store.tombstones) == tuple(buried)
    assert await forgetting.forget_again(database, buried, KEY, clock) == 0


async def test_what_somebody_wrote_after_they_were_forgotten_outlives_a_restored_backup(database: Database) -> None:
    await database.write(wrote, LIV)
    await database.write(wrote, LIV, "Hei igjen", clock() + timedelta(days=1))
    buried = [(TOWN, tombstone(KEY, TOWN, LIV), clock())]
    assert await forgetting.forget_again(database, buried, KEY, clock) == 1
    assert await database.read(mentions, SECRET) == []
    assert await database.read(mentions, "Hei igjen")
    address = await database.read(threads.find_address, TOWN, LIV)
    assert address is not None


async def test_an_address_left_in_a_chat_is_forgotten_with_its_owner(database: Database) -> None:
    await database.write(wrote, LIV)
    chat = await database.write(wrote, PER, PERS)
    await database.write(lambda tx: tx.execute("UPDATE thread SET left_address = :a WHERE id = :t", a=str(LIV), t=chat))
    await forget(database, LIV)
    assert await database.read(mentions, LIV.value) == []


async def test_a_case_of_two_people_keeps_its_title_until_neither_has_words_in_it(database: Database) -> None:
    thread = await database.write(wrote, LIV)
    number = await database.write(handed_off, thread, "Felles sak")
    other = await database.write(wrote, PER, PERS)
    await database.write(
        lambda tx: tx.execute(
            "INSERT INTO ticket_thread (municipality, ticket, thread, linked_at)"
            " SELECT municipality, id, :thread, :at FROM ticket",
            thread=other, at=MONDAY,
        )
    )  # fmt: skip
    await database.write(decided, number, "leave_out")
    await forget(database, LIV)
    assert "ticket" in await database.read(mentions, "Felles sak")
    await forget(database, PER)
    assert await database.read(mentions, "Felles sak") == []


async def test_a_note_of_staff_about_the_person_goes_with_the_case(database: Database) -> None:
    thread = await database.write(wrote, LIV)
    await database.write(
        threads.append, TOWN, thread, NewMessage(Author.STAFF, SECRET, "nb", MONDAY, kind="note", staff=KARI.staff)
    )
    await forget(database, LIV)
    assert await database.read(mentions, SECRET) == []
