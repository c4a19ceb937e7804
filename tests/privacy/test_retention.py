"""What has had its time is deleted everywhere, in small units that survive a crash, with a proof that names no one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contactbot.errors import SettingsError
from contactbot.handoff import archive, desk, originals
from contactbot.handoff import store as tickets
from contactbot.handoff.ticket import Archive
from contactbot.messages import Address, Attachment, Inbound
from contactbot.municipalities import municipalities
from contactbot.municipality import Municipality
from contactbot.privacy.retention import job, store
from contactbot.privacy.retention.due import Due
from contactbot.settings import MunicipalitySettings
from contactbot.storage import blobs
from contactbot.storage.tables import metadata
from contactbot.storage.transaction import Transaction
from tests.conversation.town import HERE, Town, running

PERSON = "jeg vil snakke med et menneske"
SECRET = "Tastatursjonglering"  # a word that stands nowhere else
WHO = "kim-the-resident"
QUESTION = f"når åpner biblioteket, {SECRET}"


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house that sends nothing by itself."""
    async with running(sqlite_url, tmp_path, deliver=False) as started:
        yield started


@pytest.fixture
async def either_town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run such a house once for each engine."""
    async with running(database_url, tmp_path, deliver=False) as started:
        yield started


def here(town: Town, **days: int) -> Municipality:
    """Return the municipality with other times."""
    settings = town.house.settings.municipalities[HERE].model_copy(update={"retention": days})
    return municipalities({HERE: settings}, town.house.settings.public_url)[HERE]


async def run(town: Town, *, limit: int = job.BATCH, **days: int) -> None:
    """Delete what is due now."""
    await job.run(town.house.database, here(town, **days), town.watch(), limit)


async def read(town: Town, statement: str) -> list[tuple[Any, ...]]:
    """Return rows of a query."""
    found: list[tuple[Any, ...]] = await town.house.database.read(lambda tx: tx.rows(statement))
    return found


async def everything(town: Town) -> str:
    """Return every value of every table, and what the search finds by the word."""
    parts = []
    for table in metadata.sorted_tables:
        parts += [str(row) for row in await read(town, f"SELECT * FROM {table.name}")]  # noqa: S608 - our own names
    found = await town.house.database.read(lambda tx: tx.dialect.find_messages(tx, HERE, SECRET, 10))
    return "\n".join([*parts, f"found {SECRET}" if found else ""])


async def asked_with_a_file(town: Town, text: str = QUESTION, who: str = WHO) -> None:
    """Let a resident write a message with a raw copy and an attachment."""
    file = Attachment(f"{SECRET}.txt", "text/plain", SECRET.encode())
    inbound = Inbound(
        "loopback", "loopback", Address("loopback", who), f"{who}:{text}", text, town.watch(), raw=text.encode(),
        attachments=(file,), sender_name="Kim Hansen",
    )  # fmt: skip
    await town.house.receptions["loopback"].receive(inbound)


async def closed_case(town: Town, decision: Archive | None, who: str = WHO) -> int:
    """Let a case be asked, answered and closed, and maybe its archive question be decided; return its number."""
    await asked_with_a_file(town, f"{PERSON} om {SECRET}", who)
    number = 1000 + await town.tickets()
    await town.do(desk.reply, number, f"Vi ser på {SECRET}.", town.actor())
    await town.do(desk.note, number, f"Notat om {SECRET}", town.actor())
    await town.house.database.write(lambda tx: desk.close(tx, number, town.actor(), survey=False))
    if decision is not None:
        await town.do(archive.decide, number, decision, town.actor())
    return number


# --- conversations with the bot ---


async def test_a_conversation_with_the_bot_loses_its_sender_after_21_days_and_the_question_after_31(
    either_town: Town,
) -> None:
    town = either_town
    await asked_with_a_file(town)
    town.watch.at += timedelta(days=20)
    await run(town)
    assert WHO in await everything(town)
    town.watch.at += timedelta(days=2)
    await run(town)
    left = await everything(town)
    assert WHO not in left
    assert "Kim Hansen" not in left
    assert await read(town, "SELECT text FROM message WHERE text <> ''") == [(QUESTION,)]
    assert await read(town, "SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM attachment)") == [(0, 0)]
    assert await town.house.database.read(lambda tx: tx.dialect.find_messages(tx, HERE, SECRET, 10)) == []
    town.watch.at += timedelta(days=10)
    await run(town)
    assert SECRET not in await everything(town)


async def test_questions_without_a_sender_keep_no_telephone_number_and_no_address(town: Town) -> None:
    await asked_with_a_file(town, f"{QUESTION}? Ring 91 23 45 67 eller skriv til kim@resident.example, Storgata 17")
    town.watch.at += timedelta(days=22)
    await run(town)
    [(kept,)] = await read(town, "SELECT text FROM message WHERE text <> ''")
    assert kept.startswith(QUESTION)
    assert not any(gone in kept for gone in ("91 23", "kim@", "Storgata"))


async def test_what_figures_count_stays_without_words(town: Town) -> None:
    await asked_with_a_file(town)
    before = await read(town, "SELECT count(*), min(created_at), max(outcome) FROM message")
    given = await read(town, "SELECT entry, confidence FROM answer_given")
    town.watch.at += timedelta(days=40)
    await run(town)
    assert await read(town, "SELECT count(*), min(created_at), max(outcome) FROM message") == before
    assert await read(town, "SELECT entry, confidence FROM answer_given") == given != []


async def test_the_bytes_of_what_was_deleted_go_too(town: Town) -> None:
    await asked_with_a_file(town)
    name = blobs.sha256(SECRET.encode())
    town.watch.at += timedelta(days=22)
    await run(town)
    assert await town.house.database.read(blobs.read, HERE, name) == b""


async def test_a_conversation_that_goes_on_is_not_touched(town: Town) -> None:
    await asked_with_a_file(town)
    town.watch.at += timedelta(days=20)
    await town.house.database.write(
        lambda tx: tx.execute("UPDATE thread SET last_at = :now", now=town.watch())
    )  # fmt: skip
    town.watch.at += timedelta(days=20)
    await run(town, originals=365)
    assert WHO in await everything(town)


async def test_one_conversation_goes_while_the_same_persons_later_one_stays(town: Town) -> None:
    await asked_with_a_file(town, "når åpner biblioteket")
    town.watch.at += timedelta(days=20)
    await asked_with_a_file(town, "veien er ikke brøytet")
    town.watch.at += timedelta(days=5)
    await run(town)
    threads = await read(town, "SELECT t.words, a.value FROM thread t JOIN address a ON a.id = t.address ORDER BY t.id")
    assert [words for words, _ in threads] == ["questions", "all"]
    assert [value == WHO for _, value in threads] == [False, True]


async def test_who_said_stop_stays_known_by_the_address_alone(town: Town) -> None:
    await asked_with_a_file(town)
    await town.channel.say("STOPP", WHO)
    town.watch.at += timedelta(days=400)
    await run(town)
    rows = await read(town, "SELECT value, name, stopped_at IS NULL FROM address WHERE scheme = 'loopback'")
    assert [(value, name, bool(open_)) for value, name, open_ in rows] == [(WHO, "", False)]
    assert await read(town, "SELECT words FROM thread") == [("none",)]


async def test_the_municipality_can_choose_another_time(town: Town) -> None:
    await asked_with_a_file(town)
    town.watch.at += timedelta(days=4)
    await run(town, bot_conversations=3, bot_questions=3)
    assert SECRET not in await everything(town)


# --- cases ---


async def test_nothing_of_a_case_goes_before_the_archive_decision(either_town: Town) -> None:
    town = either_town
    number = await closed_case(town, None)
    before = await read(town, "SELECT text FROM message ORDER BY id")
    town.watch.at += timedelta(days=4000)
    await run(town)
    assert await read(town, "SELECT text FROM message ORDER BY id") == before
    assert await read(town, "SELECT count(*) FROM raw") == [(1,)]
    assert any(line.kind == "ticket.closed" for line in (await town.case(number)).history)
    assert await town.house.database.read(store.waiting_for_decision, HERE) == 1


async def test_a_case_left_out_of_the_archive_is_emptied_a_year_after_it_was_closed(either_town: Town) -> None:
    town = either_town
    number = await closed_case(town, Archive.LEAVE_OUT)
    message = (await town.case(number)).messages[0].id
    await town.do(originals.open_original, number, message, f"gjaldt {SECRET}", town.actor())
    town.watch.at += timedelta(days=364)
    await run(town)
    assert SECRET in await everything(town)
    town.watch.at += timedelta(days=2)
    await run(town)
    left = await everything(town)
    assert SECRET not in left
    assert WHO not in left
    case = await town.case(number)
    assert (case.ticket.title, case.earlier) == (store.EMPTIED, ())
    assert case.history[-1].kind == "ticket.emptied"


async def test_a_case_for_the_archive_stays_until_the_archive_has_it_and_thirty_days_more(town: Town) -> None:
    number = await closed_case(town, Archive.KEEP)
    town.watch.at += timedelta(days=1000)
    await run(town)
    assert SECRET in await everything(town)
    await town.do(archive.received, number, town.actor())
    town.watch.at += timedelta(days=29)
    await run(town)
    assert f"Vi ser på {SECRET}." in await everything(town)
    town.watch.at += timedelta(days=2)
    await run(town)
    assert SECRET not in await everything(town)


async def test_a_conversation_that_two_cases_share_stays_until_the_last_of_them_goes(town: Town) -> None:
    first = await closed_case(town, Archive.LEAVE_OUT)
    second = await closed_case(town, None, "somebody-else")

    def share(tx: Transaction) -> None:
        thread = tickets.threads_of(tx, _id(tx, first))[0]
        tickets.link(tx, HERE, _id(tx, second), thread, town.watch())

    await town.house.database.write(share)
    town.watch.at += timedelta(days=400)
    await run(town)
    assert (await town.ticket(first)).title == store.EMPTIED
    assert f"{PERSON} om {SECRET}" in [message.text for message in (await town.case(first)).messages]
    await town.do(archive.decide, second, Archive.LEAVE_OUT, town.actor())
    await run(town)
    assert SECRET not in await everything(town)


async def test_an_open_case_is_never_emptied(town: Town) -> None:
    number = await closed_case(town, Archive.LEAVE_OUT)
    await town.do(desk.reopen, number, town.actor())
    town.watch.at += timedelta(days=4000)
    await run(town)
    assert SECRET in await everything(town)


def _id(tx: Transaction, number: int) -> int:
    return desk.get(tx, HERE, number).id


# --- the job ---


class CrashError(Exception):
    """The process ends here."""


async def _crash_after(town: Town, units: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the job until it has done so many units."""
    done = 0
    real = job.delete_some

    def counted(*arguments: Any) -> bool:  # noqa: ANN401 - the unit's own
        nonlocal done
        if done == units:
            raise CrashError
        done += 1
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(job, "delete_some", counted)
        try:
            await run(town, limit=1)
        except CrashError:
            return


@pytest.mark.parametrize("units", range(0, 40, 3))
async def test_a_crash_between_any_two_units_is_harmless(
    town: Town, units: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asked_with_a_file(town)
    await closed_case(town, Archive.LEAVE_OUT, "somebody-else")
    town.watch.at += timedelta(days=800)
    await _crash_after(town, units, monkeypatch)
    await run(town, limit=1)
    left = await everything(town)
    assert SECRET not in left
    assert WHO not in left
    deleted: dict[str, int] = {}
    for _, name, counts in await town.house.database.read(store.proofs, HERE, 100):
        if name in ("bot_conversations", "cases_left_out"):
            deleted = store.total(deleted, counts)
    assert (deleted["thread"], deleted["ticket"], deleted["attachment"]) == (2, 1, 2)


async def test_a_run_that_deleted_something_leaves_its_numbers_and_one_that_did_not_leaves_nothing(town: Town) -> None:
    await asked_with_a_file(town)
    town.watch.at += timedelta(days=25)
    await run(town)
    proofs = await town.house.database.read(store.proofs, HERE, 100)
    await run(town)
    assert await town.house.database.read(store.proofs, HERE, 100) == proofs
    [(_, _, counts)] = [proof for proof in proofs if proof[1] == "bot_conversations"]
    assert (counts["thread"], counts["message"], counts["raw"], counts["attachment"]) == (1, 2, 1, 1)
    runs = await town.house.database.read(store.runs, HERE)
    assert set(runs) == set(job.UNITS)
    assert all(one.finished_at is not None for one in runs.values())


async def test_one_unit_looks_at_no_more_rows_than_it_may(town: Town) -> None:
    await asked_with_a_file(town)
    thread = (await read(town, "SELECT id FROM thread"))[0][0]
    at = town.watch()

    def many(tx: Transaction) -> None:
        for position in range(100, 150):
            tx.insert(
                "message", municipality=HERE, thread=thread, position=position, author="resident", text=SECRET,
                language="nb", created_at=at,
            )  # fmt: skip

    await town.house.database.write(many)
    due = Due(HERE, at + timedelta(days=1), at, 20, str)
    steps = [await town.house.database.write(store.empty_bot_conversations, due) for _ in range(3)]
    assert [step.deleted["message"] for step in steps] == [20, 20, 12]
    assert [step.more for step in steps] == [True, True, False]


async def test_the_houses_own_rows_go_by_their_own_times(either_town: Town) -> None:
    town = either_town
    at = town.watch()

    def fill(tx: Transaction) -> None:
        tx.insert("sign_in_attempt", email="kari@x.example", at=at, succeeded=False)
        tx.execute("UPDATE staff SET disabled_at = :at WHERE id = :id", at=at, id=town.ola)
        tx.execute("INSERT INTO done (key, result, at) VALUES ('k', '1', :at)", at=at)
        tx.add(
            "session", municipality=HERE, token_hash="h", staff=town.kari, created_at=at, seen_at=at,
            expires_at=at + timedelta(hours=12),
        )  # fmt: skip

    await town.house.database.write(fill)
    town.watch.at += timedelta(hours=1)
    await run(town)
    counted = (
        "SELECT (SELECT count(*) FROM sign_in_attempt), (SELECT count(*) FROM session), (SELECT count(*) FROM done)"
    )
    assert await read(town, counted) == [(1, 1, 1)]
    town.watch.at += timedelta(days=31)
    await run(town)
    assert await read(town, counted) == [(0, 0, 0)]
    town.watch.at += timedelta(days=730)
    await run(town)
    former = "SELECT name, email, password_hash FROM staff WHERE disabled_at IS NOT NULL"
    assert await read(town, former) == [("", f"former-{town.ola}", "")]
    await run(town)  # a second time there is nothing left to take
    assert [name for _, name, _ in await town.house.database.read(store.proofs, HERE, 9)].count("staff_accounts") == 1


async def test_accesses_and_history_go_after_two_years_but_no_history_of_a_case_that_stands(town: Town) -> None:
    number = await closed_case(town, None)
    await town.do(desk.read, number, town.actor())
    await asked_with_a_file(town, QUESTION, "somebody-else")
    town.watch.at += timedelta(days=800)
    await run(town, limit=2)
    assert await read(town, "SELECT count(*) FROM access") == [(0,)]
    kinds = {row[0] for row in await read(town, "SELECT kind FROM event WHERE ticket IS NOT NULL")}
    assert "ticket.closed" in kinds
    others = "SELECT count(*) FROM event WHERE ticket IS NULL AND kind = 'message.received'"
    assert await read(town, others) == [(0,)]


async def test_old_versions_of_answers_go_but_neither_the_published_nor_the_newest(town: Town) -> None:
    def write(tx: Transaction) -> None:
        for version in (2, 3, 4):
            tx.execute(
                "INSERT INTO entry_version (municipality, entry, version, content, author, created_at)"
                " SELECT municipality, entry, :version, content, author, created_at FROM entry_version"
                " WHERE entry = 'bibliotek' AND version = 1",
                version=version,
            )
        tx.execute("UPDATE entry SET latest_version = 4, published_version = 2 WHERE id = 'bibliotek'")

    await town.house.database.write(write)
    town.watch.at += timedelta(days=2000)
    await run(town, limit=1)
    assert await read(town, "SELECT version FROM entry_version WHERE entry = 'bibliotek' ORDER BY version") == [
        (2,),
        (4,),
    ]


# --- the times that are set ---


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"bot_conversation": 5}, "no such class of data; there are bot_conversations,"),
        ({"cases_left_out": 20}, "at least 21 days, not 20"),
        ({"cases_undecided": 20}, "no time can be set for this"),
        ({"opt_outs": 20}, "no time can be set for this"),
    ],
)
def test_a_time_that_cannot_be_is_refused_by_name(times: dict[str, int], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        municipalities({HERE: MunicipalitySettings(name="Fjordvik", retention=times)}, "https://x.example")
    assert f"municipalities.{HERE}.retention.{next(iter(times))}" in str(refused.value)
