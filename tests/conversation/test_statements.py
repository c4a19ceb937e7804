"""What a message asks of the store: few statements, none of which reads more when more is stored."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contactbot.messages import Address, Inbound
from contactbot.storage.dialect import Sqlite
from contactbot.upkeep import Upkeep
from tests.conversation.town import Town, running

STATEMENT = re.compile(r"(SELECT|INSERT|UPDATE)\b")
# Of what waits to leave, in the order in which it leaves: such a scan ends with the first that may.
IN_ORDER = re.compile(r"SCAN o USING (COVERING )?INDEX ix_outbox_(next|due)$")
MAIL = {"loopback": {}, "email": {"accounts": [{"address": "post@fjordvik.example"}], "listen": {"port": 0}}}
MOST = 20  # statements to read what stands and to write a question and its answer
MOST_FOR_A_MAIL = 27  # the same, with the address, the references and the raw copy that a mail has more
ONE_THREADS = "USE TEMP B-TREE FOR ORDER BY"  # of a chat's own messages
ONE_REFERENCES = ONE_THREADS  # of the conversations of one sender that one identifier is known from
ONE_HOURS = ONE_THREADS  # of the conversations of the last hour, once after a start
QUEUE = "SCAN before"  # the place in the queue, counted no further than anybody waits for


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which every statement is added that SQLite runs, with its values filled in."""
    statements: list[str] = []
    connect = Sqlite.connect

    def listening(dialect: Sqlite) -> sqlite3.Connection:
        connection = connect(dialect)
        connection.set_trace_callback(lambda said: statements.append(said) if STATEMENT.match(said) else None)
        return connection

    monkeypatch.setattr(Sqlite, "connect", listening)
    return statements


async def answered(town: Town, heard: list[str], question: str) -> list[str]:
    """Ask; return the statements that it took until the message was kept with its answer."""
    heard.clear()
    await town.channel.say(question)
    return list(heard)


async def test_a_question_that_is_answered_takes_few_statements(
    sqlite_url: str, tmp_path: Path, heard: list[str]
) -> None:
    async with running(sqlite_url, tmp_path, deliver=False) as town:
        await answered(town, heard, "når åpner biblioteket")
        assert len(await answered(town, heard, "når åpner biblioteket på lørdag")) <= MOST


async def test_no_statement_of_a_message_scans_or_sorts_what_is_stored(
    sqlite_url: str, tmp_path: Path, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Upkeep, "run", lambda _: asyncio.Event().wait())  # its statements are no message's
    async with running(sqlite_url, tmp_path) as town:
        for question in ("når åpner biblioteket", "når åpner biblioteket på lørdag"):
            await answered(town, heard, question)
            assert "åpent 10-19" in (await town.hear()).text
    # A house that closes finishes what is on its way, so the answer's way out has been heard as well.
    assert any(said.startswith("INSERT INTO delivery_event") for said in heard)
    assert slow(sqlite_url, heard) == {}


@pytest.mark.parametrize("answered_before", [False, True])
async def test_no_statement_of_a_first_mail_scans_or_sorts_what_is_stored(
    sqlite_url: str, tmp_path: Path, heard: list[str], *, answered_before: bool
) -> None:
    """What a stranger costs is bounded too: anybody can have as many addresses as they like write once each."""
    async with running(sqlite_url, tmp_path, deliver=False, channels=MAIL) as town:
        await first_mail(town, "0", "early@far.example")  # the first since the start also asks who came before it
        if answered_before:
            await first_mail(town, "1", "kari@far.example")
        heard.clear()
        await first_mail(town, "2", "kari@far.example")
        statements = list(heard)
    assert len(statements) <= MOST_FOR_A_MAIL
    assert slow(sqlite_url, statements).keys() <= {ONE_REFERENCES}


async def test_who_was_taken_up_before_the_start_is_found_by_index_and_counted_no_further_than_the_bound(
    sqlite_url: str, tmp_path: Path, heard: list[str]
) -> None:
    async with running(sqlite_url, tmp_path, deliver=False, channels=MAIL) as town:
        heard.clear()
        await first_mail(town, "1", "kari@far.example")
        statements = [said for said in heard if "set_aside_at IS NULL" in said]
    assert len(statements) == 1
    assert slow(sqlite_url, statements).keys() <= {ONE_HOURS}


async def first_mail(town: Town, number: str, sender: str) -> None:
    """Take in a mail that refers to nothing of ours, as one does that begins a conversation."""
    inbound = Inbound(
        channel="email",
        account="post@fjordvik.example",
        sender=Address("email", sender),
        external_id=f"<{number}@far.example>",
        text="når åpner biblioteket",
        received_at=town.watch(),
        raw=number.encode(),
        fingerprint=f"hash-{number}",
        refs=("<unknown@far.example>",),
        authenticated=True,
    )
    await town.house.receptions["email"].receive(inbound)


async def test_no_statement_of_an_open_chat_scans_or_sorts_what_is_stored(
    sqlite_url: str, tmp_path: Path, heard: list[str]
) -> None:
    async with running(sqlite_url, tmp_path, deliver=False) as town:
        await answered(town, heard, "jeg vil snakke med et menneske")
        house, session = town.house.receptions["loopback"], Address("loopback", "resident")
        heard.clear()
        assert [one.text for one in await house.history(session, 0)] == ["jeg vil snakke med et menneske"]
        assert (await house.standing(session)).with_people
        await house.hint(session, "read", 1)
        await house.hint(session, "typing")
        await house.leave_address(session, Address("email", "kari@example.com"))
        await house.leave(session)
    assert slow(sqlite_url, heard).keys() <= {ONE_THREADS, QUEUE}


def slow(url: str, statements: list[str]) -> dict[str, str]:
    """Return the steps of plans that read or sort all that is stored, each with the statement that takes it."""
    with closing(sqlite3.connect(Path(url.removeprefix("sqlite:///")))) as file:
        plans = {row[3]: said for said in statements for row in file.execute(f"EXPLAIN QUERY PLAN {said}")}
    return {
        plan: said[:200]
        for plan, said in plans.items()
        if (plan.startswith("SCAN") and IN_ORDER.match(plan) is None) or plan == ONE_THREADS
    }
