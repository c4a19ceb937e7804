"""The two ports between a channel and the house: what a channel is, and what it is given.

Adding a channel means a folder with a class that satisfies ``Channel``, an entry point in the group
``contactbot.channels``, captured payloads with one line in the contract's list, and a page in the docs.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from aiohttp import web
from pydantic import BaseModel

from contactbot.clock import Clock
from contactbot.messages import (
    Accepted,
    Account,
    Address,
    Inbound,
    Length,
    MailText,
    Outbound,
    Receipt,
    Spoken,
    Standing,
)

ENTRY_POINT_GROUP = "contactbot.channels"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel can do, so that the house never asks which channel it is.

    ``length``: the answer length that suits it. ``scheme``: of its residents' addresses.
    ``remembers``: a resident's next message belongs to the same thread without any reference (chat, SMS).
    ``may_probe``: the peer can be asked whether it has a message. ``opt_out``: STOP words silence an address.
    ``automatic_per_hour``: what the bot may send to one address before people look, where machines may be at the other
    end; None for no limit. ``strangers_per_hour``: how many addresses nobody ever answered the bot takes up over an
    account, and ``strangers_per_server`` over one server of theirs (what stands behind the ``@``); None for no limit.
    """

    length: Length
    scheme: str
    remembers: bool = True
    may_probe: bool = False
    opt_out: bool = False
    automatic_per_hour: int | None = None
    strangers_per_hour: int | None = None
    strangers_per_server: int | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every channel is told about the installation.

    ``public_url`` has no trailing slash. ``secret`` signs tokens (at least 32 bytes). ``data`` is a folder the channel
    may write to. ``countries`` gives each municipality's ISO 3166 code, for number plans.
    """

    public_url: str
    secret: bytes
    data: Path
    clock: Clock
    municipality_names: dict[str, str]
    countries: dict[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``contactbot check``: what is wrong or doubtful, and what to do."""

    level: Literal["error", "warning", "ok"]
    text: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody outside the house through whose hands a channel's messages go (GDPR art. 4 no. 9 and art. 28).

    ``service`` is what they do for us, ``host`` the machine that is reached. ``name`` and ``country`` (ISO 3166 code of
    their seat) are "" where only the municipality knows its supplier.
    """

    service: Literal["sms", "mail_relay", "mailbox", "xmpp_server"]
    host: str
    name: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether people are there now, in one sentence a resident understands (in the language asked for)."""

    open: bool
    sentence: str


class House(Protocol):
    """What the house gives a channel. Every method may raise StoreBusyError; nothing was kept then."""

    def started(self) -> None:
        """Say that the channel now receives; the service is ready when all have said so."""

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        """Take a message in and return after the commit; ``cursor`` is stored in the same transaction.

        Raises UnknownAccountError when nobody configured ``inbound.account``.
        """

    async def receipt(self, receipt: Receipt) -> None:
        """Record what a peer says became of an outgoing message; unknown identifiers are logged and ignored."""

    async def cursor(self, account: str) -> str | None:
        """Return the cursor last stored with a received message of this account."""

    async def note_cursor(self, account: str, cursor: str) -> None:
        """Store where an account is read from, before there is any message to store it with."""

    async def history(self, session: Address, after: int) -> Sequence[Spoken]:
        """Return the session's messages with a position above ``after``, in order."""

    def changes(self, session: Address) -> AsyncIterator[None]:
        """Yield whenever the session's history may have grown; first at once. Close it with ``aclosing``."""

    async def hint(self, sender: Address, kind: Literal["typing", "read"], position: int = 0) -> None:
        """Pass on that a resident is typing, or has read up to ``position``. Lost hints do no harm."""

    async def leave_address(self, session: Address, address: Address) -> None:
        """Note where the resident may be reached when the session is gone; proves nothing about who they are."""

    def sends_mail(self, account: str) -> bool:
        """Say whether the municipality can send mail."""

    async def ask_for_transcript(self, account: str, session: Address, to: Address, key: str, mail: MailText) -> bool:
        """Send ``mail``, which holds a link with ``key``, to whom a session wants its conversation sent.

        False when the session has said nothing yet, or has asked too often. Nothing tells whether the mail left: the
        address may have had its share, or want none.
        """

    async def transcript_for(self, account: str, key: str) -> Address | None:
        """Return the session whose conversation a link is for; None after 24 hours, or when it was forgotten."""

    async def send_transcript(self, account: str, key: str, mail: MailText) -> Literal["sent", "later", "gone"]:
        """Send a conversation to the address whose link was followed, once however often it is.

        ``later``: the address has had its share of automatic mail for this hour.
        """

    async def leave(self, session: Address) -> None:
        """Tell the people who have a session's case that the resident has ended the conversation."""

    async def standing(self, session: Address) -> Standing:
        """Return how the session's conversation stands; ``changes`` yields also when this changes."""

    async def rate(self, account: str, session: Address, position: int, *, helpful: bool, comment: str) -> bool:
        """Keep what the resident thinks of the answer at ``position``; False when there is no such answer."""

    def opening(self, account: str, language: str) -> Opening:
        """Say whether people are there now."""


class Channel(Protocol):
    """One way for words to come in and go out.

    The class carries ``name`` (also the key under ``[channels]``) and ``Settings`` (a pydantic model that forbids
    unknown keys; every field has a description with its unit). The constructor is ``Class(settings, surroundings)``.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    @property
    def abilities(self) -> Abilities:
        """What this channel can do."""

    @property
    def accounts(self) -> Sequence[Account]:
        """Our own addresses on this channel, from its settings."""

    async def run(self, house: House) -> None:
        """Receive until cancelled, and clean up then: call ``house.started()`` once listening, reconnect by itself."""

    async def send(self, outbound: Outbound) -> Receipt:
        """Give one message to the peer, within 60 s. Expected failures are receipts, not exceptions."""

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Ask the peer about a doubtful message: a receipt when it has it, None when it has not.

        Called only where ``abilities.may_probe``; answers ``unknown`` when the peer cannot tell.
        """

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """HTTP routes of this channel, mounted by the web server; empty for most."""

    def recipients(self) -> Sequence[Recipient]:
        """Who else handles what is written here, for the privacy papers; empty when it goes straight to the house."""

    async def check(self) -> Sequence[Finding]:
        """Tell in words what is wrong or missing, without sending anything to a resident."""


class ChannelClass(Protocol):
    """What an entry point of the group gives: the class itself."""

    name: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]

    def __call__(self, settings: Any, surroundings: Surroundings) -> Channel:  # noqa: ANN401 - each channel has its own model
        """Make the channel."""
