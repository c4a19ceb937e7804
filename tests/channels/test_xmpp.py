"""The XMPP channel keeps the contract with a real server, and loses and doubles nothing when things go wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pytest

from contactbot.channels.xmpp import XmppChannel, XmppSettings
from contactbot.demo.prosody import Prosody
from contactbot.messages import Address, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import PATIENCE, RecordingHouse, outbound, running, surroundings
from tests.peers.prosody import CLIENT, Login, Resident, chat, new_account, online, running_prosody


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    with running_prosody(tmp_path_factory.mktemp("prosody")) as prosody:
        yield prosody


@pytest.fixture
def bot(server: Prosody) -> Login:
    return new_account(server, "bot")


@pytest.fixture
def channel(server: Prosody, bot: Login, tmp_path: Path) -> XmppChannel:
    return make(server, bot, tmp_path)


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
async def kari(server: Prosody) -> AsyncIterator[Resident]:
    async with online(server, new_account(server, "kari")) as resident:
        yield resident


def make(server: Prosody, login: Login, data: Path, **settings: float) -> XmppChannel:
    account = {
        "jid": login.jid,
        "password": login.password,
        "host": "127.0.0.1",
        "port": server.port,
        "ca_file": str(server.certificate),
    }
    patience = {"first_pause": 0.05, "longest_pause": 0.4, **settings}
    return XmppChannel(XmppSettings.model_validate({"accounts": {"chat": account}, **patience}), surroundings(data))


class XmppPeer:
    """A resident's client on a real server."""

    def __init__(self, channel: XmppChannel, resident: Resident, house: RecordingHouse, wrong: XmppChannel) -> None:
        self.channel = channel
        self.resident = Address("xmpp", resident.jid)
        self._person = resident
        self._house = house
        self._wrong = wrong

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
        return {name: (await self._send(message, name)).value for name, message in _hostile(self._account).items()}

    def misconfigured(self) -> XmppChannel:
        return self._wrong

    async def _send(self, message: Element, key: str) -> Verdict:
        """Send and see the answer; a message offered to a failing house again and again is one that comes back later."""
        answer = asyncio.create_task(self._person.answer_to(key))
        waits: set[asyncio.Task[object]] = {answer}
        if self._house.busy or self._house.failure:
            waits.add(asyncio.create_task(self._house.seen(offered=len(self._house.offered) + 3)))
        self._person.send(message)
        await asyncio.wait(waits, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            words = answer.result(); print("ANSWER", words)
            return Verdict.TAKEN if words == "receipt" else _verdict(words)
        for wait in waits:
            wait.cancel()
        return Verdict.LATER


def _verdict(error: str) -> Verdict:
    return Verdict.LATER if error.startswith("wait") else Verdict.REFUSED


def _hostile(account: str) -> dict[str, Element]:
    """Make what only a hostile client sends; each asks for a receipt under its name."""
    deep = chat(account, "dypt", "nested a thousand deep")
    inner = deep
    for _ in range(1000):
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
        "nested a thousand deep": deep,
        "with a forged archive id": forged,
        "with a forged date": dated,
        "with an absurd quotation": spans,
        "of control characters": controls,
        "x" * 5000: chat(account, "hei", "x" * 5000),
    }


class TestXmpp(ChannelContract):
    """The contract, over a real server."""

    @pytest.fixture
    async def peer(
        self, house: RecordingHouse, channel: XmppChannel, kari: Resident, server: Prosody, bot: Login, tmp_path: Path
    ) -> AsyncIterator[Peer]:
        wrong = make(server, replace(bot, password="wrong"), tmp_path)
        async with running(channel, house):
            yield XmppPeer(channel, kari, house, wrong)
