"""The house as one channel sees it: cursors, reports, history and opening hours."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from contactbot.errors import UnknownAccountError
from contactbot.handoff import desk
from contactbot.handoff.desk import Actor
from contactbot.messages import Address, Author, Inbound, Receipt, Standing
from contactbot.storage.unit import Unit
from contactbot.threads import writing
from contactbot.threads.sessions import store as sessions
from tests.conversation.town import Town, running
from tests.patience import PATIENCE


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house that sends nothing by itself."""
    async with running(sqlite_url, tmp_path, deliver=False) as started:
        yield started


def inbound(town: Town, number: str, text: str = "når åpner biblioteket", account: str = "loopback") -> Inbound:
    """Return a message."""
    return Inbound("loopback", account, Address("loopback", "kari"), number, text, town.watch(), raw=text.encode())


async def test_a_cursor_is_kept_with_its_message_and_also_with_a_message_that_came_before(town: Town) -> None:
    house = town.house.receptions["loopback"]
    assert await house.cursor("loopback") is None
    first = await house.receive(inbound(town, "1"), "archive-1")
    assert await house.cursor("loopback") == "archive-1"
    again = await house.receive(inbound(town, "1"), "archive-2")
    assert (again.message, again.duplicate) == (first.message, True)
    assert await house.cursor("loopback") == "archive-2"
    await house.receive(inbound(town, "2"))
    assert await house.cursor("loopback") == "archive-2"


async def test_a_message_that_is_refused_moves_no_cursor(town: Town) -> None:
    house = town.house.receptions["loopback"]
    with pytest.raises(UnknownAccountError):
        await house.receive(inbound(town, "1", account="elsewhere"), "archive-1")
    assert await house.cursor("elsewhere") is None
    assert await house.cursor("loopback") is None


async def test_history_holds_what_was_said_and_what_has_left_and_nothing_else(town: Town) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    await house.receive(inbound(town, "1"))
    assert [one.author for one in await house.history(kari, 0)] == [Author.RESIDENT]
    async with town.house.delivery.running():
        await town.hear("kari")
        assert await town.silent("kari")
    said = await house.history(kari, 0)
    assert [one.author for one in said] == [Author.RESIDENT, Author.BOT]
    assert [one.author for one in await house.history(kari, said[0].position)] == [Author.BOT]
    assert not await house.history(Address("loopback", "ola"), 0)


async def test_what_a_resident_thinks_of_an_answer_is_kept_masked_and_shown_to_them_again(town: Town) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    await house.receive(inbound(town, "1"))
    async with town.house.delivery.running():
        await town.hear("kari")
        assert await town.silent("kari")
    answer = (await house.history(kari, 0))[-1]
    assert answer.rating == "unrated"
    assert not await house.rate("loopback", kari, answer.position - 1, helpful=True, comment="")
    comment = "Jeg er 01010750160 på kari@example.com"
    assert await house.rate("loopback", kari, answer.position, helpful=False, comment=comment)
    assert (await house.history(kari, 0))[-1].rating == "unhelpful"
    kept = await town.house.database.read(lambda tx: tx.value("SELECT comment FROM answer_given"))
    assert kept.startswith("Jeg er ")
    assert "01010750160" not in kept
    assert "example.com" not in kept


async def test_a_report_reaches_the_message_it_speaks_of(town: Town) -> None:
    house = town.house.receptions["loopback"]
    await house.receive(inbound(town, "1"))
    await house.receipt(Receipt("delivered", 1))
    state = await town.house.database.read(lambda tx: tx.value("SELECT state FROM outbox"))
    assert state == "delivered"


async def test_opening_is_said_in_the_language_asked_for(town: Town) -> None:
    house = town.house.receptions["loopback"]
    assert house.opening("loopback", "nb").open
    town.watch.at += timedelta(hours=12)
    closed = house.opening("loopback", "en")
    assert not closed.open
    assert "Tuesday" in closed.sentence


async def test_the_house_is_ready_when_every_channel_receives(town: Town) -> None:
    await town.channel.say("hei")
    assert town.house.ready


async def test_who_of_the_staff_writes_is_told_for_a_little_while(town: Town) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    assert await house.standing(kari) == Standing()
    await town.house.database.jot(writing.tell_of_staff, kari, "Ola")
    assert (await house.standing(kari)).writing == "Ola"
    town.watch.at += timedelta(seconds=9)
    assert (await house.standing(kari)).writing is None


async def test_a_resident_who_writes_is_told_of_in_their_open_case_alone(town: Town) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    await house.hint(kari, "typing")
    await house.receive(inbound(town, "1", "jeg vil snakke med en person"))
    assert town.house.writing.cases("fjordvik") == ()
    await house.hint(kari, "typing")
    assert town.house.writing.cases("fjordvik") == (1001,)
    town.watch.at += timedelta(seconds=9)
    assert town.house.writing.cases("fjordvik") == ()


async def test_whether_people_have_the_conversation_and_when_they_ended_it_is_told(town: Town) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    await house.receive(inbound(town, "1", "jeg vil snakke med en person"))
    assert await house.standing(kari) == Standing(with_people=True, place=1)
    number = await town.house.database.read(lambda tx: tx.value("SELECT number FROM ticket"))
    closing = partial(desk.close, survey=False)
    await town.house.database.write(closing, number, Actor(1, "Ola", "fjordvik", town.watch()))
    assert await house.standing(kari) == Standing(ended=True)
    town.watch.at += timedelta(minutes=1)
    await house.receive(inbound(town, "2"))
    assert await house.standing(kari) == Standing()


async def test_people_are_told_when_a_resident_ends_the_conversation_and_the_case_stays_open(town: Town) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    await house.leave(kari)
    await house.receive(inbound(town, "1", "jeg vil snakke med en person"))
    await house.leave(kari)
    told = await town.house.database.read(lambda tx: tx.rows("SELECT actor FROM event WHERE kind = 'ticket.left'"))
    assert told == [("resident",)]
    assert (await town.ticket()).state == "open"


async def test_whoever_waits_is_told_how_many_wait_before_them_until_somebody_takes_their_case(town: Town) -> None:
    house = town.house.receptions["loopback"]
    people = [Address("loopback", name) for name in ("kari", "ola", "liv")]
    for number, one in enumerate(people):
        await house.receive(replace(inbound(town, str(number), "jeg vil snakke med en person"), sender=one))
    assert [(await house.standing(one)).place for one in people] == [1, 2, 3]
    await town.do(desk.claim, 1001, town.actor())
    assert [(await house.standing(one)).place for one in people] == [None, 1, 2]


async def test_a_place_far_back_in_the_queue_is_not_told(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LONGEST_QUEUE", 2)
    house = town.house.receptions["loopback"]
    people = [Address("loopback", name) for name in ("kari", "ola", "liv")]
    for number, one in enumerate(people):
        await house.receive(replace(inbound(town, str(number), "jeg vil snakke med en person"), sender=one))
    assert [(await house.standing(one)).place for one in people] == [1, 2, None]


@pytest.mark.parametrize("acts", [[desk.claim], [desk.claim, desk.release]])
async def test_an_open_chat_hears_when_people_take_its_case_and_give_it_back(town: Town, acts: list[Unit]) -> None:
    house, kari = town.house.receptions["loopback"], Address("loopback", "kari")
    await house.receive(inbound(town, "1", "jeg vil snakke med et menneske"))
    changes = house.changes(kari)
    async with asyncio.timeout(PATIENCE):
        await anext(changes)
        for act in acts:
            await town.do(act, 1001, town.actor())
            await anext(changes)
