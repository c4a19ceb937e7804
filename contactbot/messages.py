"""The vocabulary that channels and the house share: who wrote, what was said, what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class DeliveryState(StrEnum):
    """What is known of one outgoing message. Later states never fall back to earlier ones."""

    HELD = "held"  # waits for somebody (undo time, opening hours); nobody has tried to send it
    QUEUED = "queued"  # ready to be sent
    SENDING = "sending"  # leased; the peer may or may not have it
    SENT = "sent"  # the peer took responsibility
    DELIVERED = "delivered"  # the peer says the resident's device or mailbox has it
    FAILED = "failed"  # the peer refused for good; shown to staff
    UNKNOWN = "unknown"  # nobody can tell whether the peer took it; shown to staff
    CANCELLED = "cancelled"  # withdrawn before it left
    EXPIRED = "expired"  # too old to be of use, given up before it left


class Author(StrEnum):
    """Who said something in a thread."""

    RESIDENT = "resident"
    BOT = "bot"
    STAFF = "staff"


class Length(StrEnum):
    """The level of detail that suits a channel: one of an entry's three answers."""

    SMS = "sms"
    CHAT = "chat"
    FULL = "full"


Markup = Literal["plain", "markdown"]
Rating = Literal["", "unrated", "helpful", "unhelpful"]
"""What the resident thinks of an answer; "" for what is not one of the municipality's answers."""


@dataclass(frozen=True, slots=True)
class Account:
    """One of our own addresses: a mailbox, a number, a JID or a web-chat site key.

    The account a message came to tells which municipality it is for.
    """

    channel: str
    address: str
    municipality: str
    kind: Literal["service", "relay", "hearing"] = "service"


@dataclass(frozen=True, slots=True)
class Address:
    """A resident's address. ``scheme`` is one of email, tel, xmpp, webchat, loopback; ``value`` is normalised."""

    scheme: str
    value: str

    def __str__(self) -> str:
        """Return the address in URI form."""
        return f"{self.scheme}:{self.value}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message. ``name`` is safe to show; ``content`` is exactly what was sent."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Folded:
    """A part of a message that the resident did not write now (a quotation, a signature), and the rule that said so."""

    text: str
    rule: str


@dataclass(frozen=True, slots=True)
class Inbound:
    """One message as a channel received it.

    ``account`` is our address it came to and ``external_id`` its identity at the peer; with ``fingerprint`` (a hash
    that survives redelivery, or "") they make a message accepted once only. ``refs`` are all identifiers of earlier
    messages it mentions, oldest first. ``thread`` is set only when a token we signed names the thread. ``automatic``
    names the rule by which a machine wrote it, or is "". ``authenticated`` says whether the sender's address is proven;
    None where the channel cannot tell. ``language`` is the resident's own choice on the channel, or "".
    ``unreadable`` says why the content could not be read, or is ""; the raw copy is kept in any case. ``spam`` names
    the verdict of our own filter by which it is unwanted, or is "". ``corrects`` is the sender's own identifier of an
    earlier message whose words these replace, or "".
    """

    channel: str
    account: str
    sender: Address
    external_id: str
    text: str
    received_at: datetime
    fingerprint: str = ""
    raw: bytes = b""
    raw_type: str = "application/octet-stream"
    recipients: tuple[Address, ...] = ()
    sender_name: str = ""
    subject: str = ""
    folded: tuple[Folded, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    refs: tuple[str, ...] = ()
    thread: int | None = None
    automatic: str = ""
    authenticated: bool | None = None
    language: str = ""
    unreadable: str = ""
    spam: str = ""
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The house's word that a message is kept: it is given after the commit, never before."""

    message: int
    thread: int
    position: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to be sent, with all a channel needs and nothing it must look up.

    ``id`` is the outbox row: the same on every attempt, so a channel derives its own stable identifiers from it.
    ``refs`` are the identifiers of the thread's earlier messages, oldest first, ``in_reply_to`` the resident's last.
    ``attempt`` counts from 1; ``doubtful`` is true when an earlier attempt may have reached the peer.
    """

    id: int
    account: str
    recipient: Address
    text: str
    created_at: datetime
    thread: int
    position: int
    author: Author = Author.BOT
    author_name: str = ""
    markup: Markup = "plain"
    purpose: str = "answer"
    language: str = ""
    subject: str = ""
    choices: tuple[str, ...] = ()
    in_reply_to: str = ""
    refs: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    attempt: int = 1
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a peer says became of an outgoing message, found by outbox row or else by the peer's own identifier.

    ``retry`` means the peer certainly did not take it and a later attempt may succeed; ``retry_after`` is in seconds.
    ``segments`` counts the parts a text message was cut into, 0 elsewhere.
    """

    state: Literal["sent", "delivered", "failed", "unknown", "retry"]
    outbox: int | None = None
    provider_id: str = ""
    detail: str = ""
    retry_after: float | None = None
    segments: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session's conversation stands: whether people have it, whether their case is closed, and who writes now.

    ``writing`` is the name of the member of staff who writes, "" when they are not named, None when nobody does.
    ``place`` counts from 1 among those who wait on the same channel for somebody to take their case; None when one has,
    or when very many wait before.
    """

    with_people: bool = False
    ended: bool = False
    writing: str | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class MailText:
    """What a mail says that a channel asks the house to send: subject and words, and the language they are in."""

    subject: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of a thread as the resident may see it.

    ``key`` is the client's own identifier for what it sent, ``municipality`` whose thread it is. ``forgets`` says that
    what was said before is erased. ``asks_why``: words may follow the choice, after a mark. ``rating`` is what the
    resident thinks of an answer.
    """

    position: int
    author: Author
    author_name: str
    text: str
    at: datetime
    markup: Markup = "plain"
    language: str = ""
    choices: tuple[str, ...] = ()
    key: str = ""
    forgets: bool = False
    asks_why: bool = False
    municipality: str = ""
    rating: Rating = ""
    attachments: tuple[str, ...] = field(default=())
