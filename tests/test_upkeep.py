"""What the house does by the clock: unread answers go on, raw copies expire, nothing that is needed is swept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from contactbot import upkeep
from contactbot.handoff import desk
from contactbot.messages import Address, Inbound
from contactbot.storage import blobs
from contactbot.storage.transaction import Transaction
from contactbot.upkeep import Upkeep
from tests.conversation.town import HERE, Town, running
from tests.patience import PATIENCE

PERSON = "jeg vil snakke med et menneske"
SESSION = Address("webchat", "a-session")
LEFT = Address("loopback", "kari-at-home")
WEBCHAT = {"webchat": {"accounts": [{"site": HERE, "municipality": HERE}]}, "loopback": {}}


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house with a chat and a channel without a wire, that sends nothing by itself."""
    async with running(sqlite_url, tmp_path, deliver=False, channels=WEBCHAT) as started:
        yield started


@pytest.fixture
async def town_on_both(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run such a house once for each engine."""
    async with running(database_url, tmp_path, deliver=False, channels=WEBCHAT) as started:
        yield started


def works(town: Town) -> Upkeep:
    """Return the recurring work of the town's house."""
    return Upkeep(town.house.database, town.house.municipalities, town.house.channels, town.house.settings, town.watch)


async def answered_in_chat(town: Town, *, left: Address | None = LEFT) -> None:
    """Let a resident ask in the chat and leave an address, and staff answer; everything has been sent."""
    inbound = Inbound("webchat", HERE, SESSION, f"{SESSION.value}:c-1", PERSON, town.watch(), raw=b"{}")
    await town.house.receptions["webchat"].receive(inbound)
    if left is not None:
        await town.house.receptions["webchat"].leave_address(SESSION, left)
    await town.do(desk.reply, 1001, "Du kan komme i morgen.", town.actor())
    async with town.house.delivery.running():
        assert await town.silent()


async def forwarded(town: Town) -> list[tuple[str, str, str]]:
    """Return channel, address and words of what waits to leave."""
    return [
        (row[0], row[1], row[2])
        for row in await town.house.database.read(
            lambda tx: tx.rows(
                "SELECT o.channel, a.value, m.text FROM outbox o JOIN message m ON m.id = o.message"
                " JOIN address a ON a.id = o.to_address WHERE o.state = 'queued' ORDER BY o.id"
            )
        )
    ]


async def test_an_answer_unread_for_ten_minutes_goes_to_the_address_the_resident_left_once(town_on_both: Town) -> None:
    town = town_on_both
    await answered_in_chat(town)
    await works(town).once()
    assert await forwarded(town) == []
    town.watch.at += timedelta(minutes=11)
    for _ in range(2):
        await works(town).once()
    assert await forwarded(town) == [("loopback", "kari-at-home", "Du kan komme i morgen.")]


async def test_the_forwarded_answer_arrives_there_under_the_persons_name(town: Town) -> None:
    await answered_in_chat(town)
    town.watch.at += timedelta(minutes=11)
    await works(town).once()
    async with asyncio.timeout(PATIENCE), town.house.delivery.running():
        out = await town.hear("kari-at-home")
    assert (out.text, out.author_name, out.account) == ("Du kan komme i morgen.", "Kari i Fjordvik kommune", "loopback")


async def test_what_was_read_in_the_chat_is_not_sent_again(town: Town) -> None:
    await answered_in_chat(town)
    await town.house.receptions["webchat"].hint(SESSION, "read", 99)
    town.watch.at += timedelta(minutes=11)
    await works(town).once()
    assert await forwarded(town) == []


@pytest.mark.parametrize(
    "left",
    [None, Address("tel", "+4799999999"), Address("email", "kari@example.org")],
    ids=["nothing left", "no such channel", "no account"],
)
async def test_where_nothing_can_be_sent_the_answer_waits_as_unread(town: Town, left: Address | None) -> None:
    await answered_in_chat(town, left=left)
    town.watch.at += timedelta(minutes=11)
    await works(town).once()
    assert await forwarded(town) == []


async def test_a_channel_on_which_the_municipality_has_no_account_is_not_used(town: Town) -> None:
    await answered_in_chat(town)
    schemes = {"loopback": "xmpp"}  # configured, yet for another municipality
    now = town.watch() + timedelta(minutes=11)
    assert await town.house.database.write(upkeep.forward_unread, "webchat", schemes, now, now) == 0


async def test_an_address_that_said_stop_gets_nothing_forwarded(town: Town) -> None:
    await town.channel.say("STOPP", LEFT.value)
    await answered_in_chat(town)
    town.watch.at += timedelta(minutes=11)
    await works(town).once()
    assert await forwarded(town) == []


async def test_stop_withdraws_what_was_to_be_forwarded_there(town: Town) -> None:
    await answered_in_chat(town)
    town.watch.at += timedelta(minutes=11)
    await works(town).once()
    await town.channel.say("hei", LEFT.value)
    await town.channel.say("STOPP", LEFT.value)
    assert await forwarded(town) == []


async def test_raw_copies_expire_and_their_bytes_go_a_day_later_but_not_those_still_needed(town_on_both: Town) -> None:
    town = town_on_both
    await town.channel.say("når åpner biblioteket")
    town.watch.at += timedelta(days=30)
    await town.channel.say("når kommer brøytebilen")
    town.watch.at += timedelta(days=2)
    await works(town).once()
    kept = await town.house.database.read(
        lambda tx: (tx.value("SELECT count(*) FROM raw"), tx.value("SELECT count(*) FROM blob"))
    )
    assert kept == (1, 1)
    [name] = await town.house.database.read(lambda tx: tx.row("SELECT sha256 FROM raw"))
    assert await town.house.database.read(blobs.read, HERE, name) == "når kommer brøytebilen".encode()


async def test_bytes_that_come_again_are_as_fresh_as_new_ones(town: Town) -> None:
    content = b"x" * (blobs.PART + 1)
    await blobs.keep_large(town.house.database, HERE, content, town.watch())
    town.watch.at += timedelta(days=2)
    await blobs.keep_large(town.house.database, HERE, content, town.watch())  # a message that refers to it will follow
    await works(town).once()
    assert await town.house.database.read(lambda tx: tx.value("SELECT count(*) FROM blob")) == 1


async def test_the_key_of_a_form_prevents_a_second_run_for_thirty_days(town: Town) -> None:
    def unit(tx: Transaction) -> int:
        number = tx.value("SELECT count(*) FROM team")
        return tx.insert("team", municipality=HERE, name=f"Team {number}")

    first = await town.house.database.write(unit, key="form-1")
    town.watch.at += timedelta(days=29)
    await works(town).once()
    assert await town.house.database.write(unit, key="form-1") == first
