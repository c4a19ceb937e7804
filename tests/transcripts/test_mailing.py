"""Anybody may type anybody's address: no word of a conversation leaves before its link is followed, and none stays."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contactbot.messages import Address, DeliveryState, Inbound, MailText, Receipt
from contactbot.outbox import store as outbox
from contactbot.privacy.erasures import forgetting
from contactbot.privacy.erasures.erasure import Order
from contactbot.privacy.retention import job
from contactbot.reception import Reception
from contactbot.storage.tables import metadata
from contactbot.threads import store as threads
from tests.conversation.town import HERE, Town, running

MAIL = {"accounts": [{"address": "post@fjordvik.example", "municipality": HERE}], "listen": {"port": 0}}
LIV = Address("email", "liv@resident.example")
PER = Address("email", "per@resident.example")
SESSION = Address("loopback", "resident")
LINK = MailText("Vil du ha den?", "Følg lenken", "nb")
WORDS = MailText("Samtale", "Du: Tastatursjonglering", "nb")
QUESTION = "når åpner biblioteket"


@pytest.fixture
async def town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house with mail, once for each engine, that sends nothing by itself."""
    async with running(database_url, tmp_path, deliver=False, channels={"loopback": {}, "email": MAIL}) as started:
        yield started


def chat(town: Town) -> Reception:
    return town.house.receptions["loopback"]


async def asks(town: Town, key: str = "k1", to: Address = LIV, session: Address = SESSION) -> bool:
    return await chat(town).ask_for_transcript("loopback", session, to, key, LINK)


async def rows(town: Town, statement: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = await town.house.database.read(lambda tx: tx.rows(statement))
    return found


async def mails(town: Town) -> list[tuple[Any, ...]]:
    """Return what was written to residents by mail: where to, the purpose and the state."""
    return await rows(
        town,
        "SELECT a.value, o.purpose, o.state FROM outbox o JOIN thread t ON t.id = o.thread"
        " JOIN address a ON a.id = t.address WHERE o.channel = 'email' ORDER BY o.id",
    )


async def test_first_only_a_link_and_the_words_once_it_is_followed_however_often(town: Town) -> None:
    await town.say(QUESTION)
    assert await asks(town)
    assert await mails(town) == [(LIV.value, "transcript_link", "queued")]
    assert await chat(town).transcript_for("loopback", "k1") == SESSION
    for _ in range(3):
        assert await chat(town).send_transcript("loopback", "k1", WORDS) == "sent"
    assert [purpose for _, purpose, _ in await mails(town)] == ["transcript_link", "transcript"]


async def test_a_link_is_dead_after_a_day_and_one_that_nobody_was_sent_never_lived(town: Town) -> None:
    await town.say(QUESTION)
    await asks(town)
    assert await chat(town).transcript_for("loopback", "k2") is None
    town.watch.at += timedelta(hours=24, minutes=1)
    assert await chat(town).transcript_for("loopback", "k1") is None
    assert await chat(town).send_transcript("loopback", "k1", WORDS) == "gone"
    assert len(await mails(town)) == 1


async def test_before_the_first_word_there_is_nothing_to_send(town: Town) -> None:
    assert not await asks(town)
    assert await mails(town) == []


async def test_a_conversation_may_ask_three_times_a_day(town: Town) -> None:
    await town.say(QUESTION)
    asked = [await asks(town, f"k{n}", Address("email", f"{n}@resident.example")) for n in range(4)]
    assert asked == [True, True, True, False]
    town.watch.at += timedelta(hours=24, minutes=1)
    assert await asks(town, "k9")


async def test_an_address_gets_three_automatic_mails_an_hour_and_nobody_is_told_that_it_has_had_them(
    town: Town,
) -> None:
    for n in range(3):
        await town.say(QUESTION, f"chat{n}")
        assert await asks(town, f"k{n}", session=Address("loopback", f"chat{n}"))
    assert [purpose for _, purpose, _ in await mails(town)] == ["transcript_link"] * 2  # one is left for the words
    assert await chat(town).send_transcript("loopback", "k0", WORDS) == "sent"
    assert await chat(town).send_transcript("loopback", "k1", WORDS) == "later"
    assert await chat(town).transcript_for("loopback", "k2") is None
    town.watch.at += timedelta(minutes=61)
    assert await chat(town).send_transcript("loopback", "k1", WORDS) == "sent"


async def test_an_address_that_wants_no_messages_gets_none(town: Town) -> None:
    await town.say(QUESTION)
    number = await town.house.database.write(threads.keep_address, HERE, LIV, "", town.watch())
    await town.house.database.write(threads.set_stopped, number, town.watch())
    assert await asks(town)
    assert await mails(town) == []


async def test_what_does_not_arrive_is_nobodys_work(town: Town) -> None:
    await town.say(QUESTION)
    await asks(town)
    now = town.watch()
    [parcel] = [
        one
        for one in await town.house.database.write(outbox.lease, "me", now, now + timedelta(minutes=1), 9, mode="queue")
        if one.channel == "email"
    ]
    await town.house.delivery.record(Receipt("failed", parcel.id, detail="no such mailbox"))
    assert (LIV.value, "transcript_link", str(DeliveryState.FAILED)) in await mails(town)
    assert await town.tickets() == 0


async def answered(town: Town, text: str = "jeg vil snakke med et menneske") -> int:
    """Let whoever got the link answer it by mail; return the thread of the mails."""
    [(letters,)] = await rows(town, "SELECT letters FROM transcript_request")
    inbound = Inbound(
        "email", "post@fjordvik.example", PER, "<a@resident.example>", text, town.watch(), thread=letters,
        authenticated=True,
    )  # fmt: skip
    accepted = await town.house.receptions["email"].receive(inbound)
    assert accepted.thread == letters
    return accepted.thread


async def test_whoever_answers_the_mail_gets_a_case_of_their_own_and_sees_nobody_elses(town: Town) -> None:
    await town.say("jeg vil snakke med et menneske")
    await asks(town, to=PER)
    letters = await answered(town)
    assert await town.tickets() == 2
    assert letters not in [message.thread for message in (await town.case(1001)).messages]
    assert await rows(town, "SELECT count(*) FROM address_link") == [(0,)]


async def everything(town: Town) -> str:
    """Return every value of every table."""
    found = [await rows(town, f"SELECT * FROM {table.name}") for table in metadata.sorted_tables]  # noqa: S608 - our own names
    return str(found)


async def delete_what_is_due(town: Town) -> None:
    await job.run(town.house.database, town.house.municipalities[HERE], town.watch())


async def test_after_two_days_neither_the_address_nor_the_words_are_left_but_the_conversation_is(town: Town) -> None:
    await town.say(QUESTION)
    await asks(town)
    await chat(town).send_transcript("loopback", "k1", WORDS)
    town.watch.at += timedelta(days=1)
    await delete_what_is_due(town)
    assert LIV.value in await everything(town)
    town.watch.at += timedelta(days=1, minutes=1)
    await delete_what_is_due(town)
    left = await everything(town)
    assert LIV.value not in left
    assert "Tastatursjonglering" not in left
    assert QUESTION in left
    assert await rows(town, "SELECT count(*) FROM transcript_request") == [(0,)]


async def test_a_mail_that_was_answered_stays_as_the_conversation_it_became(town: Town) -> None:
    await town.say(QUESTION)
    await asks(town, to=PER)
    await answered(town)
    town.watch.at += timedelta(days=3)
    await delete_what_is_due(town)
    left = await everything(town)
    assert PER.value in left
    assert LINK.text in left
    assert await rows(town, "SELECT count(*) FROM transcript_request") == [(0,)]


async def test_whoever_has_the_conversation_deleted_has_the_mails_of_it_deleted_and_the_link_opens_nothing(
    town: Town,
) -> None:
    await town.say(QUESTION)
    await asks(town)
    await asks(town, "k2", PER)
    await chat(town).send_transcript("loopback", "k1", WORDS)
    await town.say("SLETT")
    [(code,)] = await rows(town, "SELECT pending FROM thread WHERE channel = 'loopback' AND state = 'open'")
    await town.say(json.loads(code)["code"])
    await forgetting.go_on_all(town.house.database, town.watch)
    left = await everything(town)
    assert [word for word in (LIV.value, PER.value, "Tastatursjonglering", LINK.text) if word in left] == []
    assert {state for _, _, state in await mails(town)} == {"cancelled"}
    assert await chat(town).send_transcript("loopback", "k2", WORDS) == "gone"


async def test_whoever_has_their_address_deleted_is_sent_nothing_more(town: Town) -> None:
    await town.say(QUESTION)
    await asks(town)
    [(number,)] = await rows(town, f"SELECT id FROM address WHERE value = '{LIV.value}'")  # noqa: S608 - our own constant
    now = town.watch()
    await forgetting.forget(town.house.database, Order(HERE, (number,), "operator", now, now, b"k" * 32), town.watch)
    assert await chat(town).send_transcript("loopback", "k1", WORDS) == "gone"
    assert LIV.value not in await everything(town)
