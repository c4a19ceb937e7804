"""A real XMPP server, and a resident with a real client on it."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath
from slixmpp.xmlstream.stanzabase import StanzaBase

from contactbot.demo.prosody import Prosody
from tests.parts import program

CLIENT = "jabber:client"
RECEIPTS = "urn:xmpp:receipts"
STABLE_IDS = "urn:xmpp:sid:0"
LOGIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Login:
    """An account on the server."""

    jid: str
    password: str


@contextmanager
def running_prosody(
    folder: Path, without: frozenset[str] = frozenset(), components: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Prosody]:
    """Run a server of its own in a folder until the block ends, without some of its modules."""
    server = Prosody(Path(program("prosody", "prosody")), folder, without=without, components=components)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def new_account(server: Prosody, role: str) -> Login:
    """Make an account nobody else uses, so that tests share a server and no messages."""
    password = secrets.token_hex(8)
    return Login(server.register(f"{role}{secrets.token_hex(5)}", password), password)


class Resident:
    """A person with an XMPP client. ``stanzas`` has the messages in order; ``heard`` waits for one with words."""

    def __init__(self, server: Prosody, login: Login, resource: str = "phone") -> None:
        self.jid = login.jid
        self._server = server
        self.stanzas: list[Element] = []
        self._arrival = asyncio.Condition()
        self._taken = 0
        trust = ssl.create_default_context(cafile=server.certificate)
        # PLAIN spares both sides the costly part of SCRAM; the channel under test does not.
        client: Any = ClientXMPP(f"{login.jid}/{resource}", login.password, sasl_mech="PLAIN", ssl_context=trust)
        client.enable_direct_tls = False
        client.register_plugin("xep_0184", {"auto_ack": True})
        client.register_plugin("xep_0199")
        client.register_handler(Callback("all messages", MatchXPath(f"{{{CLIENT}}}message"), self._note))
        self._client = client

    async def connect(self) -> None:
        """Log in and show presence."""
        self._client.connect("127.0.0.1", self._server.port)
        await self._client.wait_until("session_start", LOGIN_SECONDS)
        self._client.send_presence()
        await self.settle()

    async def settle(self) -> None:
        """Return when the server has handled all that was sent before."""
        await self._client.plugin["xep_0199"].ping(self.jid.partition("@")[2], timeout=LOGIN_SECONDS)

    def is_connected(self) -> bool:
        """Tell whether the server still lets us."""
        return bool(self._client.is_connected())

    async def close(self) -> None:
        """Log out."""
        self._client.cancel_connection_attempt()
        if self._client.is_connected():
            await self._client.disconnect(wait=1.0)
        sender = self._client._run_out_filters
        if sender is not None:
            sender.cancel()
            await asyncio.wait({sender})

    def say(self, to: str, text: str, key: str, *more: Element) -> None:
        """Send words as clients of today do: with a stable id and a request for a receipt."""
        message = chat(to, text, key)
        message.extend(more)
        self.send(message)

    def send(self, message: Element) -> None:
        """Send any stanza."""
        self._client.send(self._client.Message(xml=message))

    def subscribe(self, to: str) -> None:
        """Ask to see somebody's presence."""
        self._client.send_presence_subscription(pto=to, ptype="subscribe")

    async def presence_of(self, jid: str) -> str:
        """Wait until somebody is shown as there, and return their full JID."""
        while True:
            presence = await self._client.wait_until("presence_available", LOGIN_SECONDS)
            if presence["from"].bare == jid:
                return str(presence["from"].full)

    async def shown_of(self, jid: str) -> tuple[str, str]:
        """Wait until somebody's presence changes; return what it shows (``away`` or "") and its words in bokmål."""
        while True:
            presence = await self._client.wait_until("changed_status", LOGIN_SECONDS)
            if presence["from"].bare == jid:
                return str(presence["show"]), str(presence["status|nb"])

    async def answer_to(self, key: str) -> str:
        """Wait for what became of a message: ``receipt``, or the error's type and condition."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: any(_answers(stanza, key) for stanza in self.stanzas))
            answer = next(stanza for stanza in self.stanzas if _answers(stanza, key))
            self.stanzas.remove(answer)
            return _answers(answer, key)

    async def heard(self) -> Element:
        """Wait for the next message with words."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self._words()) > self._taken)
            self._taken += 1
            return self._words()[self._taken - 1]

    def receipts(self) -> list[str]:
        """Return the keys of our messages that were acknowledged and not asked about yet, in order."""
        found = [stanza.find(f"{{{RECEIPTS}}}received") for stanza in self.stanzas]
        return [receipt.get("id", "") for receipt in found if receipt is not None]

    def words(self) -> list[str]:
        """Return the words of all messages that came, in order."""
        return [message.findtext(f"{{{CLIENT}}}body") or "" for message in self._words()]

    def _words(self) -> list[Element]:
        return [one for one in self.stanzas if one.get("type") != "error" and one.find(f"{{{CLIENT}}}body") is not None]

    def _note(self, message: StanzaBase) -> None:
        self.stanzas.append(message.xml)
        self._bell = asyncio.ensure_future(self._ring())

    async def _ring(self) -> None:
        async with self._arrival:
            self._arrival.notify_all()


@asynccontextmanager
async def online(server: Prosody, login: Login) -> AsyncIterator[Resident]:
    """Have a resident online until the block ends."""
    resident = Resident(server, login)
    try:
        await resident.connect()
        yield resident
    finally:
        await resident.close()


def chat(to: str, text: str, key: str) -> Element:
    """Make a chat message as clients of today write it."""
    message = Element(f"{{{CLIENT}}}message", {"type": "chat", "to": to, "id": key})
    SubElement(message, f"{{{CLIENT}}}body").text = text
    SubElement(message, f"{{{STABLE_IDS}}}origin-id", {"id": key})
    SubElement(message, f"{{{RECEIPTS}}}request")
    return message


def _answers(stanza: Element, key: str) -> str:
    receipt = stanza.find(f"{{{RECEIPTS}}}received")
    if receipt is not None and receipt.get("id") == key:
        return "receipt"
    error = stanza.find(f"{{{CLIENT}}}error")
    if error is not None and stanza.get("id") == key:
        return f"{error.get('type')} {error[0].tag.rpartition('}')[2]}"
    return ""
