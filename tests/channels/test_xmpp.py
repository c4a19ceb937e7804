"""The XMPP channel keeps the contract with a real server, and loses and doubles nothing when things go wrong."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement

import pytest

from contactbot.channels.xmpp import XmppChannel, XmppSettings, connection
from contactbot.channels.xmpp.identity import stanza_id
from contactbot.demo.prosody import Prosody
from contactbot.messages import Accepted, Address, Attachment, Inbound, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import RecordingHouse, running, surroundings
from tests.channels.house import outbound as answer
from tests.parts import program
from tests.patience import PATIENCE
from tests.peers.prosody import CLIENT, Login, Resident, chat, new_account, online, running_prosody

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


@dataclass(frozen=True, slots=True)
class Installation:
    """A server with an account of ours on it, and what it takes to make a channel for it, as often as needed."""

    server: Prosody
    bot: Login
    data: Path

    def channel(
        self, settings: Mapping[str, float] | None = None, password: str = "", *, more: tuple[Login, ...] = ()
    ) -> XmppChannel:
        """Make the channel as a new process would, with ``more`` accounts than the one."""
        logins = (replace(self.bot, password=password or self.bot.password), *more)
        reach = {"host": "127.0.0.1", "port": self.server.port, "ca_file": str(self.server.certificate)}
        accounts = {login.jid: {"jid": login.jid, "password": login.password, **reach} for login in logins}
        patience = {"first_pause": 0.05, "longest_pause": 0.4, **(settings or {})}
        values: dict[str, object] = {"accounts": accounts, **patience}
        return XmppChannel(XmppSettings.model_validate(values), surroundings(self.data))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    with running_prosody(tmp_path_factory.mktemp("prosody")) as prosody:
        yield prosody


@pytest.fixture(scope="session")
def plain_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """Run a server that keeps no archive and acknowledges nothing (XEP-0313, XEP-0198)."""
    with running_prosody(tmp_path_factory.mktemp("plain"), without=frozenset({"mam", "smacks"})) as prosody:
        yield prosody


@pytest.fixture(scope="session")
def unarchived_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    """Run a server that keeps no archive and resumes sessions."""
    with running_prosody(tmp_path_factory.mktemp("unarchived"), without=frozenset({"mam"})) as prosody:
        yield prosody


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
def ours(server: Prosody, tmp_path: Path) -> Installation:
    return Installation(server, new_account(server, "bot"), tmp_path)


@pytest.fixture
async def kari(server: Prosody) -> AsyncIterator[Resident]:
    async with online(server, new_account(server, "kari")) as resident:
        yield resident


class XmppPeer:
    """A resident's client on a real server."""

    def __init__(self, ours: Installation, channel: XmppChannel, resident: Resident, house: RecordingHouse) -> None:
        self.channel = channel
        self.resident = Address("xmpp", resident.jid)
        self._ours = ours
        self._person = resident
        self._house = house

    @property
    def _account(self) -> str:
        return self.channel.accounts[0].address

    async def deliver(self, text: str, external_id: str) -> Verdict:
        return await self._send(chat(self._account, text, external_id), external_id)

    async def tell(self, outbound: Outbound) -> Receipt:
        return await self.channel.send(outbound)

    async def heard(self) -> Heard:
        return Heard((await self._person.heard()).findtext(f"{{{CLIENT}}}body") or "")

    async def abuse(self) -> Mapping[str, str]:
        answers = {}
        for name, message in _hostile(self._account).items():
            async with asyncio.timeout(PATIENCE):
                answers[name] = (await self._send(message, name)).value
        return answers

    def misconfigured(self) -> XmppChannel:
        return self._ours.channel(password="wrong")

    async def _send(self, message: Element, key: str) -> Verdict:
        """Send and see the answer; what is offered to a failing house again and again comes back later."""
        answer = asyncio.create_task(self._person.answer_to(key))
        waits: set[asyncio.Task[object]] = {answer}
        if self._house.busy or self._house.failure:
            waits.add(asyncio.create_task(self._house.seen(offered=len(self._house.offered) + 3)))
        self._person.send(message)
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            words = answer.result()
            return Verdict.TAKEN if words == "receipt" else _verdict(words)
        for wait in waits:
            wait.cancel()
        return Verdict.LATER


def _verdict(error: str) -> Verdict:
    return Verdict.LATER if error.startswith("wait") else Verdict.REFUSED


def _hostile(account: str) -> dict[str, Element]:
    """Make what only a hostile client sends; each asks for a receipt under its name."""
    deep = inner = chat(account, "dypt", "nested as deep as the server's store can write")
    for _ in range(100):
        inner = SubElement(inner, "{urn:example}x")
    forged = chat(account, "hei", "with a forged archive id")
    SubElement(forged, "{urn:xmpp:sid:0}stanza-id", {"by": account, "id": "1"})
    dated = chat(account, "hei", "with a forged date")
    SubElement(dated, "{urn:xmpp:delay}delay", {"from": "localhost", "stamp": "0001-01-01T00:00:00+14:00"})
    spans = chat(account, "hei", "with an absurd quotation")
    fallback = SubElement(spans, "{urn:xmpp:fallback:0}fallback", {"for": "urn:xmpp:reply:0"})
    SubElement(fallback, "{urn:xmpp:fallback:0}body", {"start": "-5", "end": "9" * 400})
    controls = chat(account, "\u202e\ufeff\u0085\U0010fffd" * 50, "of control characters")
    return {
        "too long": chat(account, "å" * 50_000, "too long"),
        "nested as deep as the server's store can write": deep,
        "with a forged archive id": forged,
        "with a forged date": dated,
        "with an absurd quotation": spans,
        "of control characters": controls,
        "x" * 5000: chat(account, "hei", "x" * 5000),
    }


class TestXmpp(ChannelContract):
    """The contract, over a real server."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, ours: Installation, kari: Resident) -> AsyncIterator[Peer]:
        channel = ours.channel()
        async with running(channel, house):
            yield XmppPeer(ours, channel, kari, house)


@asynccontextmanager
async def live(ours: Installation, house: RecordingHouse, **settings: float) -> AsyncIterator[XmppChannel]:
    """Run a new process's channel until the block ends."""
    house.ready.clear()
    channel = ours.channel(settings)
    async with running(channel, house), asyncio.timeout(PATIENCE):
        yield channel


def texts(house: RecordingHouse) -> list[str]:
    return [inbound.text for inbound in house.kept]


def to(resident: Resident, channel: XmppChannel, text: str = "Hei", outbox: int = 1) -> Outbound:
    return answer(channel, Address("xmpp", resident.jid), text, outbox)


def stream_of(channel: XmppChannel) -> Any:  # noqa: ANN401 - the inside of the channel, to break it
    [line] = channel._connections.values()
    assert line._stream is not None
    return line._stream


async def offline(channel: XmppChannel) -> None:
    """Wait until the channel has noticed that it has no stream."""
    await stream_of(channel).lost


async def back_online(channel: XmppChannel) -> None:
    """Wait until the channel has a stream again."""
    [line] = channel._connections.values()
    await line._available()


# Nothing lost, nothing twice


async def test_what_was_written_while_we_were_away_arrives_once_and_in_order(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    for number in range(1, 6):
        kari.say(ours.bot.jid, f"Melding {number}", f"k-{number}")
    await kari.settle()
    async with live(ours, house):
        assert texts(house) == [f"Melding {number}" for number in range(1, 6)]
        for number in range(1, 6):
            assert await kari.answer_to(f"k-{number}") == "receipt"
    async with live(ours, house):
        kari.say(ours.bot.jid, "Melding 6", "k-6")
        assert await kari.answer_to("k-6") == "receipt"
    assert len(house.kept) == len(house.offered) == 6


async def test_an_archived_message_says_when_it_was_sent(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    kari.say(ours.bot.jid, "Hei", "k-1")
    await kari.settle()
    async with live(ours, house):
        [inbound] = house.kept
    assert inbound.received_at.microsecond == 0  # the server's whole seconds, not our clock


async def test_a_message_offered_but_not_kept_when_we_died_arrives_once_after_the_restart(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        house.hold()
        kari.say(ours.bot.jid, "Er veien stengt?", "k-1")
        await house.seen(offered=1)
        stream_of(channel)._client.abort()
    house.release()
    assert not house.kept
    async with live(ours, house):
        assert await kari.answer_to("k-1") == "receipt"
    assert texts(house) == ["Er veien stengt?"]


async def test_a_message_kept_but_not_acknowledged_when_we_died_is_acknowledged_after_the_restart_and_kept_once(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        stream_of(channel).send = lambda _stanza: None  # the receipt never leaves
        kari.say(ours.bot.jid, "Er veien stengt?", "k-1")
        await house.seen(kept=1)
    house.cursors.clear()  # the worst case: also the place in the archive is forgotten
    async with live(ours, house):
        assert await kari.answer_to("k-1") == "receipt"
    assert len(house.kept) == 1
    assert len(house.offered) == 2


async def test_a_lost_stream_is_replaced_and_the_gap_is_filled(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, first_pause=0.4) as channel:
        kari.say(ours.bot.jid, "før", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        stream_of(channel)._client.abort()
        kari.say(ours.bot.jid, "mens linjen var borte", "k-2")
        assert await kari.answer_to("k-2") == "receipt"
    assert texts(house) == ["før", "mens linjen var borte"]


async def test_a_lost_stream_is_resumed_and_what_was_on_its_way_arrives_once(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        first = stream_of(channel)
        first._client._write = lambda: None  # what we write from now on never leaves: the receipt
        kari.say(ours.bot.jid, "Er veien stengt?", "k-1")
        await house.seen(kept=1)
        first._client.abort()
        assert await kari.answer_to("k-1") == "receipt"
        await back_online(channel)
        assert stream_of(channel).resumed
        assert kari.receipts() == []
    assert len(house.kept) == 1


async def test_residents_do_not_see_us_leave_when_a_stream_is_resumed(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        presence = asyncio.create_task(kari.presence_of(ours.bot.jid))
        kari.subscribe(ours.bot.jid)
        await presence
        left: list[object] = []
        kari._client.add_event_handler("presence_unavailable", left.append)
        stream_of(channel)._client.abort()
        await offline(channel)
        await back_online(channel)
        await kari.settle()
        assert left == []


async def test_without_an_archive_what_is_written_while_the_line_is_gone_arrives_by_the_resumed_session(
    unarchived_server: Prosody, house: RecordingHouse, tmp_path: Path
) -> None:
    ours = Installation(unarchived_server, new_account(unarchived_server, "bot"), tmp_path)
    login = new_account(unarchived_server, "kari")
    async with online(unarchived_server, login) as kari, live(ours, house, first_pause=0.4) as channel:
        stream_of(channel)._client.abort()
        kari.say(ours.bot.jid, "mens linjen var borte", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        assert stream_of(channel).resumed
    assert texts(house) == ["mens linjen var borte"]


async def test_a_server_that_crashes_is_found_again_when_it_is_back(
    server: Prosody, ours: Installation, house: RecordingHouse
) -> None:
    login = new_account(server, "kari")
    async with live(ours, house) as channel:
        server.kill()
        await offline(channel)
        assert (await channel.send(answer(channel, Address("xmpp", login.jid), "Hei"))).state == "retry"
        server.start()
        async with online(server, login) as kari:
            kari.say(ours.bot.jid, "Er dere der?", "k-1")
            assert await kari.answer_to("k-1") == "receipt"
    assert texts(house) == ["Er dere der?"]


async def test_a_busy_store_keeps_the_order_and_gets_every_message_once(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house):
        house.busy = True
        for number in range(1, 6):
            kari.say(ours.bot.jid, f"Melding {number}", f"k-{number}")
        await house.seen(offered=2)
        assert kari.receipts() == []
        house.busy = False
        assert await kari.answer_to("k-5") == "receipt"
    assert texts(house) == [f"Melding {number}" for number in range(1, 6)]


async def test_a_flood_waits_in_the_archive_and_not_in_memory(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, waiting=3) as channel:
        house.hold()
        for number in range(120):  # more than two pages of the archive
            kari.say(ours.bot.jid, f"Melding {number}", f"k-{number}")
        await kari.settle()
        await stream_of(channel).ping()
        assert len(house.offered) == 1
        house.release()
        assert await kari.answer_to("k-119") == "receipt"
    assert texts(house) == [f"Melding {number}" for number in range(120)]


class Slow(RecordingHouse):
    """A house that keeps one message only when it is told to."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self._slow = slow
        self.gate = asyncio.Event()

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        """Wait with the one."""
        if inbound.text == self._slow:
            await self.gate.wait()
        return await super().receive(inbound, cursor)


async def test_a_message_that_takes_long_holds_up_its_own_sender_and_nobody_else(
    server: Prosody, ours: Installation, kari: Resident
) -> None:
    house = Slow("langsom")
    async with live(ours, house), online(server, new_account(server, "ola")) as ola:
        kari.say(ours.bot.jid, "langsom", "k-1")
        kari.say(ours.bot.jid, "etter den", "k-2")
        await kari.settle()
        ola.say(ours.bot.jid, "Hei", "o-1")
        assert await ola.answer_to("o-1") == "receipt"
        assert texts(house) == ["Hei"]
        house.gate.set()
        assert await kari.answer_to("k-2") == "receipt"
    assert texts(house) == ["Hei", "langsom", "etter den"]


async def test_a_crash_with_several_messages_in_hand_gives_the_unfinished_again_and_loses_none(
    server: Prosody, ours: Installation, kari: Resident
) -> None:
    house = Slow("langsom")
    async with online(server, new_account(server, "ola")) as ola:
        async with live(ours, house):
            kari.say(ours.bot.jid, "først", "k-0")
            assert await kari.answer_to("k-0") == "receipt"
            kari.say(ours.bot.jid, "langsom", "k-1")
            await kari.settle()
            for number in range(3):
                ola.say(ours.bot.jid, f"Melding {number}", f"o-{number}")
            assert await ola.answer_to("o-2") == "receipt"
        house.gate.set()
        async with live(ours, house):
            assert await kari.answer_to("k-1") == "receipt"
    assert sorted(texts(house)) == ["Melding 0", "Melding 1", "Melding 2", "først", "langsom"]
    assert len(house.offered) == 5 + 3  # what was behind the unfinished one came again, and was known


async def test_an_expired_place_in_the_archive_is_no_reason_to_lose_what_is_there(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    kari.say(ours.bot.jid, "Hei", "k-1")
    await kari.settle()
    house.cursors[ours.bot.jid] = "an id the archive forgot"
    async with live(ours, house):
        assert await kari.answer_to("k-1") == "receipt"
    assert house.cursors[ours.bot.jid] != "an id the archive forgot"


class FailsAt(RecordingHouse):
    """A house with a fault that one message brings out."""

    poison = "gift"

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        """Fail at the poisonous message, keep all others."""
        if inbound.text == self.poison:
            raise ZeroDivisionError
        return await super().receive(inbound, cursor)


async def test_a_message_the_house_fails_at_does_not_hold_up_others_and_is_offered_again_after_a_restart(
    ours: Installation, kari: Resident
) -> None:
    house = FailsAt()
    async with live(ours, house):
        kari.say(ours.bot.jid, "gift", "k-1")
        kari.say(ours.bot.jid, "Er veien stengt?", "k-2")
        assert await kari.answer_to("k-2") == "receipt"
        assert kari.receipts() == []
    house.poison = ""
    async with live(ours, house):
        assert await kari.answer_to("k-1") == "receipt"
    assert texts(house) == ["Er veien stengt?", "gift"]


async def test_a_message_set_aside_is_offered_again_at_the_next_check(ours: Installation, kari: Resident) -> None:
    house = FailsAt()
    async with live(ours, house, check_seconds=0.3):
        kari.say(ours.bot.jid, "gift", "k-1")
        kari.say(ours.bot.jid, "Er veien stengt?", "k-2")
        assert await kari.answer_to("k-2") == "receipt"
        house.poison = ""
        assert await kari.answer_to("k-1") == "receipt"
    assert texts(house) == ["Er veien stengt?", "gift"]


async def test_what_came_in_live_is_not_read_again_from_the_archive(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, check_seconds=0.2) as channel:
        kari.say(ours.bot.jid, "Hei", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        await a_look_into_the_archive(channel)
    assert len(house.offered) == 1


async def test_what_is_finished_is_remembered_at_a_check_also_when_nobody_wrote_since(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, check_seconds=0.2) as channel:
        kari.say(ours.bot.jid, "Hei", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        before = house.cursors[ours.bot.jid]
        assert (await channel.send(to(kari, channel))).state == "sent"  # the archive has this as well, behind
        await a_look_into_the_archive(channel)
        await a_look_into_the_archive(channel)
        assert house.cursors[ours.bot.jid] != before


async def a_look_into_the_archive(channel: XmppChannel) -> None:
    """Wait until the channel has read on in the archive."""
    stream, looked = stream_of(channel), asyncio.Event()
    page = stream.page

    async def noted(*place: object) -> object:
        found = await page(*place)
        looked.set()
        return found

    stream.page = noted
    await looked.wait()


async def test_a_message_to_another_client_of_our_account_is_heard_of_by_its_carbon_copy(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    other = Resident(ours.server, ours.bot, resource="phone")
    async with live(ours, house):
        await other.connect()
        kari.say(f"{ours.bot.jid}/phone", "Hei", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        await other.close()
    assert texts(house) == ["Hei"]


async def test_a_carbon_copy_somebody_else_makes_up_is_not_heard(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    forged = Element(f"{{{CLIENT}}}message", {"to": ours.bot.jid, "type": "chat"})
    copied = SubElement(SubElement(forged, "{urn:xmpp:carbons:2}received"), "{urn:xmpp:forward:0}forwarded")
    copied.append(chat(ours.bot.jid, "Ikke fra meg", "x-1"))
    async with live(ours, house):
        kari.send(forged)
        kari.say(ours.bot.jid, "Hei", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
    assert texts(house) == ["Hei"]


async def test_a_hint_the_house_cannot_take_is_lost_and_nothing_else(ours: Installation, kari: Resident) -> None:
    house = FailsAtHints()
    async with live(ours, house) as channel:
        kari.send(composing(ours.bot.jid))
        kari.say(ours.bot.jid, "Hei", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        assert not stream_of(channel).lost.done()


class FailsAtHints(RecordingHouse):
    """A house that cannot take hints."""

    async def hint(self, sender: Address, kind: Literal["typing", "read"], position: int = 0) -> None:
        """Fail."""
        del sender, kind, position
        raise ZeroDivisionError


def composing(to: str) -> Element:
    """Make what a client sends while its owner is typing (XEP-0085)."""
    typing = Element(f"{{{CLIENT}}}message", {"to": to, "type": "chat"})
    SubElement(typing, "{http://jabber.org/protocol/chatstates}composing")
    return typing


# Sending, and what becomes of it


async def test_the_residents_client_confirms_what_it_got(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        sent = await channel.send(to(kari, channel, outbox=41))
        await house.seen(receipts=1)
    assert sent == Receipt("sent", 41, provider_id=sent.provider_id)
    assert house.receipts[0] == Receipt("delivered", 41, provider_id=sent.provider_id)


async def test_choices_come_as_numbered_lines_and_as_quick_responses(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        await channel.send(replace(to(kari, channel, "Hva gjelder det?"), choices=("Brøyting", "Søppel")))
        heard = await kari.heard()
    offered = [(one.get("value"), one.get("label")) for one in heard.iterfind("{urn:xmpp:tmp:quick-response}response")]
    assert offered == [("1", "Brøyting"), ("2", "Søppel")]
    assert "1 Brøyting" in (heard.findtext(f"{{{CLIENT}}}body") or "").replace(".", "").replace(":", "")


async def test_a_confirmation_or_an_error_for_somebody_elses_message_is_not_believed(
    server: Prosody, ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel, online(server, new_account(server, "mallory")) as mallory:
        sent = await channel.send(to(kari, channel, outbox=41))
        await house.seen(receipts=1)
        full = stream_of(channel)._client.boundjid.full
        for kind in ("chat", "error"):
            forged = Element(f"{{{CLIENT}}}message", {"to": full, "type": kind, "id": sent.provider_id})
            SubElement(forged, "{urn:xmpp:receipts}received", {"id": sent.provider_id})
            SubElement(forged, f"{{{CLIENT}}}error", {"type": "cancel"})
            mallory.send(forged)
        mallory.say(ours.bot.jid, "Hei", "m-1")
        assert await mallory.answer_to("m-1") == "receipt"
    assert [receipt.state for receipt in house.receipts] == ["delivered"]


async def test_a_message_to_an_account_that_does_not_exist_has_failed(
    ours: Installation, house: RecordingHouse
) -> None:
    async with live(ours, house) as channel:
        receipt = await channel.send(answer(channel, Address("xmpp", "nobody@localhost"), "Hei"))
    assert (receipt.state, receipt.detail) == ("failed", "service-unavailable")


async def test_a_message_that_comes_back_later_is_reported_as_failed(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        [jid] = [account.address for account in channel.accounts]
        identity = stanza_id(41, jid, kari.jid, surroundings(ours.data).secret)
        full = stream_of(channel)._client.boundjid.full
        error = Element(f"{{{CLIENT}}}message", {"to": full, "type": "error", "id": identity})
        SubElement(SubElement(error, f"{{{CLIENT}}}error", {"type": "cancel"}), f"{{{STANZAS}}}gone")
        kari.send(error)
        await house.seen(receipts=1)
    assert house.receipts == [Receipt("failed", 41, provider_id=identity, detail="gone")]


@pytest.mark.parametrize("address", ["", "@", "a b@c", "kari@localhost/phone", "KARI@localhost", "x" * 2000])
async def test_an_address_that_is_no_bare_jid_fails_without_being_sent(
    ours: Installation, house: RecordingHouse, address: str
) -> None:
    del house
    channel = ours.channel()
    receipt = await channel.send(answer(channel, Address("xmpp", address), "Hei"))
    assert receipt.state == "failed"


async def test_a_message_too_long_for_a_server_fails_before_it_can_end_the_stream(
    ours: Installation, kari: Resident
) -> None:
    channel = ours.channel()
    assert (await channel.send(to(kari, channel, "å" * 40_000))).state == "failed"


async def test_files_are_refused_by_name_instead_of_being_left_out(ours: Installation, kari: Resident) -> None:
    channel = ours.channel()
    letter = replace(to(kari, channel), attachments=(Attachment("vedtak.pdf", "application/pdf", b"%PDF"),))
    receipt = await channel.send(letter)
    assert receipt.state == "failed"
    assert "email" in receipt.detail


async def test_before_there_is_a_connection_sending_is_put_off(ours: Installation, kari: Resident) -> None:
    channel = ours.channel()
    assert (await channel.send(to(kari, channel))).state == "retry"


async def test_the_archive_tells_whether_a_doubtful_message_left(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        sent = await channel.send(to(kari, channel, outbox=41))
    async with live(ours, house) as channel:
        assert await channel.probe(to(kari, channel, outbox=41)) == sent
        assert await channel.probe(to(kari, channel, outbox=42)) is None


async def test_while_nobody_can_be_asked_a_doubtful_message_stays_unknown(
    ours: Installation, kari: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECONNECT_SECONDS", 0.05)
    channel = ours.channel()
    receipt = await channel.probe(to(kari, channel))
    assert receipt is not None
    assert receipt.state == "unknown"


async def test_a_server_that_stalls_with_our_message_is_asked_afterwards_and_it_is_said_once(
    server: Prosody, ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, ack_seconds=0.3) as channel:
        process = server._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        sending = asyncio.create_task(channel.send(to(kari, channel, "Vi har åpent.", outbox=41)))
        try:
            await stream_of(channel).lost
        finally:
            os.kill(process.pid, signal.SIGCONT)
        assert (await sending).state == "retry"
        await back_online(channel)
        again = replace(to(kari, channel, "Vi har åpent.", outbox=41), attempt=2)
        assert (await channel.send(again)).state == "sent"
        await kari.heard()
        await kari.settle()
    assert kari.words() == ["Vi har åpent."]


# Being a good neighbour


async def test_another_client_under_our_full_address_is_yielded_to_and_not_fought(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        first = stream_of(channel)
        intruder = Resident(ours.server, ours.bot, resource=first._client.boundjid.resource)
        await intruder.connect()
        kari.say(ours.bot.jid, "Hei", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        await back_online(channel)
        assert stream_of(channel)._client.boundjid.full != first._client.boundjid.full
        assert intruder.is_connected()
        await intruder.close()


async def test_residents_may_add_us_to_their_contacts_and_see_that_we_are_there(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house):
        presence = asyncio.create_task(kari.presence_of(ours.bot.jid))
        kari.subscribe(ours.bot.jid)
        assert (await presence).startswith(f"{ours.bot.jid}/contactbot-")


async def test_our_presence_says_whether_people_are_there_and_follows_the_opening_hours(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, check_seconds=0.2):
        shown = asyncio.create_task(kari.shown_of(ours.bot.jid))
        kari.subscribe(ours.bot.jid)
        assert await shown == ("", "Vi svarer nå.")
        shown = asyncio.create_task(kari.shown_of(ours.bot.jid))
        house.is_open = False
        assert await shown == ("away", "Vi svarer i morgen fra klokken 9.")


async def test_a_correction_names_what_it_corrects_also_to_the_house(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house):
        kari.say(ours.bot.jid, "Når åpner biblotekt?", "c-1")
        kari.say(
            ours.bot.jid, "Når åpner biblioteket?", "c-2", Element("{urn:xmpp:message-correct:0}replace", {"id": "c-1"})
        )
        await house.seen(kept=2)
    assert [inbound.corrects for inbound in house.kept] == ["", "c-1"]


async def test_a_resident_who_is_typing_is_passed_on_as_a_hint(
    ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house):
        kari.send(composing(ours.bot.jid))
        await house.seen(hints=1)
    assert [(hint.sender.value, hint.kind) for hint in house.hints] == [(kari.jid, "typing")]


async def test_a_terminal_client_of_another_make_is_understood(
    server: Prosody, ours: Installation, house: RecordingHouse
) -> None:
    ola = new_account(server, "ola")
    async with live(ours, house):
        process = await asyncio.create_subprocess_exec(
            program("go-sendxmpp", "go-sendxmpp"),
            *("-u", ola.jid, "-p", ola.password, "-j", f"127.0.0.1:{server.port}", "-n", ours.bot.jid),
            stdin=asyncio.subprocess.PIPE,
        )
        await process.communicate("Når åpner Ærøya bibliotek?\n".encode())
        await house.seen(kept=1)
    assert texts(house) == ["Når åpner Ærøya bibliotek?"]
    assert house.kept[0].sender == Address("xmpp", ola.jid)


async def test_each_account_answers_for_itself_and_one_that_cannot_log_in_holds_up_no_other(
    server: Prosody, ours: Installation, house: RecordingHouse, kari: Resident
) -> None:
    other = new_account(server, "bot")
    locked_out = replace(new_account(server, "bot"), password="wrong")
    channel = ours.channel(more=(other, locked_out))
    async with running(channel, house), asyncio.timeout(PATIENCE):
        kari.say(ours.bot.jid, "til den ene", "k-1")
        assert await kari.answer_to("k-1") == "receipt"
        kari.say(other.jid, "til den andre", "k-2")
        assert await kari.answer_to("k-2") == "receipt"
        assert (await channel.send(replace(to(kari, channel), account=other.jid))).state == "sent"
        assert ((await kari.heard()).get("from") or "").startswith(other.jid)
        assert (await channel.send(replace(to(kari, channel), account=locked_out.jid))).state == "retry"
        assert (await channel.send(replace(to(kari, channel), account="gone@localhost"))).state == "failed"
    assert [inbound.account for inbound in house.kept] == [ours.bot.jid, other.jid]


# A server that can less


@pytest.fixture
def modest(plain_server: Prosody, tmp_path: Path) -> Installation:
    return Installation(plain_server, new_account(plain_server, "bot"), tmp_path)


async def test_without_an_archive_messages_still_come_and_go_and_a_flood_is_told_to_come_back(
    modest: Installation, house: RecordingHouse
) -> None:
    async with online(modest.server, new_account(modest.server, "kari")) as kari:
        kari.say(modest.bot.jid, "Sendt før", "k-0")
        await kari.settle()
        async with live(modest, house, waiting=2, check_seconds=0.2) as channel:
            assert await kari.answer_to("k-0") == "receipt"
            house.hold()
            for number in range(1, 6):
                kari.say(modest.bot.jid, f"Melding {number}", f"k-{number}")
            assert await kari.answer_to("k-5") == "wait resource-constraint"
            house.release()
            assert await kari.answer_to("k-1") == "receipt"
            assert (await channel.send(to(kari, channel, "Hei igjen"))).state == "sent"
            assert (await kari.heard()).findtext(f"{{{CLIENT}}}body") == "Hei igjen"
            doubt = await channel.probe(to(kari, channel))
            assert doubt is not None
            assert doubt.state == "unknown"
    assert texts(house)[:2] == ["Sendt før", "Melding 1"]


async def test_check_warns_of_a_server_without_an_archive(modest: Installation) -> None:
    [finding] = await modest.channel().check()
    assert finding.level == "warning"
    assert "XEP-0313" in finding.text


async def test_check_names_an_untrusted_certificate_and_a_server_that_is_not_there(
    ours: Installation, plain_server: Prosody
) -> None:
    stranger = replace(ours, server=plain_server)
    untrusting = stranger.channel()
    [line] = untrusting._connections.values()
    access = line.access.model_copy(update={"ca_file": ours.server.certificate})
    [finding] = await untrusting._findings(access)
    assert finding.level == "error"
    assert "ca_file" in finding.text
    [finding] = await untrusting._findings(line.access.model_copy(update={"ca_file": ours.data / "no such file"}))
    assert "cannot be read" in finding.text
    [finding] = await untrusting._findings(line.access.model_copy(update={"port": 1}))
    assert "no server answers" in finding.text


async def test_a_server_may_be_reached_by_tls_from_the_first_byte(ours: Installation) -> None:
    channel = ours.channel()
    [line] = channel._connections.values()
    update = {"port": ours.server.tls_port, "direct_tls": True}
    [finding] = await channel._findings(line.access.model_copy(update=update))
    assert finding.level == "ok"


async def test_check_wants_a_municipality_that_is_configured(ours: Installation) -> None:
    channel = ours.channel()
    [line] = channel._connections.values()
    [finding] = await channel._findings(line.access.model_copy(update={"municipality": "narnia"}))
    assert "fjordvik" in finding.text


async def test_a_server_that_is_down_at_the_start_does_not_hold_up_the_service(
    ours: Installation, house: RecordingHouse
) -> None:
    ours.server.kill()
    try:
        async with live(ours, house) as channel:
            assert house.ready.is_set()
            ours.server.start()
            await back_online(channel)
    finally:
        if ours.server._process is None:
            ours.server.start()
