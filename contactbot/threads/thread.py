"""A thread: one conversation with one address on one channel."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from contactbot.messages import Address, Author, Markup


class TurnOwner(StrEnum):
    """Whose turn it is to answer."""

    BOT = "bot"
    WAITING = "waiting"  # handed off, and nobody has taken it yet: the bot only answers when it is sure
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class AddressRow:
    """An address somebody has written from."""

    id: int
    scheme: str
    value: str
    name: str
    stopped_at: datetime | None

    @property
    def address(self) -> Address:
        """The address in the shared vocabulary."""
        return Address(self.scheme, self.value)


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation. ``version`` grows with every change; ``turn_epoch`` each time a person takes the turn."""

    id: int
    municipality: str
    account: int
    address: int
    channel: str
    subject: str
    language: str
    state: str
    turn_owner: TurnOwner
    turn_epoch: int
    version: int
    positions: int
    disclosed: bool
    pending: dict[str, Any] | None
    created_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One thing said in a thread, with the masked text.

    ``sender`` is the address of somebody else who wrote in the resident's thread, as ``scheme:value``, or "".
    """

    id: int
    thread: int
    position: int
    author: Author
    kind: str
    text: str
    markup: Markup
    language: str
    choices: tuple[str, ...]
    key: str
    outcome: dict[str, Any]
    created_at: datetime
    staff_name: str | None = None
    sender: str = ""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What is to be said or was said, before it has a place in a thread."""

    author: Author
    text: str
    language: str
    at: datetime
    markup: Markup = "plain"
    kind: str = "message"
    staff: int | None = None
    folded: tuple[dict[str, str], ...] = ()
    choices: tuple[str, ...] = ()
    key: str = ""
    sender: str = ""
    removed: tuple[str, ...] = ()
    outcome: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What a resident's message makes of its thread, next to being in it."""

    at: datetime
    language: str
    pending: dict[str, Any] | None
    disclosed: bool


class Placed(NamedTuple):
    """Where a message went in its thread.

    ``shown`` is its place in what the resident sees, 0 while they do not; ``turn_epoch`` the thread's as it stands.
    """

    id: int
    position: int
    shown: int
    turn_epoch: int
