"""A parcel: one outgoing message on its way, and the rules of its states. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contactbot.messages import Author, DeliveryState, Markup

# A state may only move to one of these: reports come late, twice and out of order, and never undo a later one.
LATER: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.HELD: frozenset({DeliveryState.QUEUED, DeliveryState.CANCELLED, DeliveryState.EXPIRED}),
    DeliveryState.QUEUED: frozenset(
        {
            DeliveryState.SENDING,
            DeliveryState.SENT,  # a report about an earlier attempt, which so was the last
            DeliveryState.DELIVERED,
            DeliveryState.CANCELLED,
            DeliveryState.EXPIRED,
        }
    ),
    DeliveryState.SENDING: frozenset(
        {
            DeliveryState.QUEUED,
            DeliveryState.SENT,
            DeliveryState.DELIVERED,
            DeliveryState.FAILED,
            DeliveryState.UNKNOWN,
            DeliveryState.CANCELLED,  # withdrawn while an attempt that did not succeed was under way
            DeliveryState.EXPIRED,
        }
    ),
    DeliveryState.UNKNOWN: frozenset({DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.FAILED}),
    DeliveryState.SENT: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.FAILED: frozenset({DeliveryState.DELIVERED}),
    DeliveryState.CANCELLED: frozenset({DeliveryState.DELIVERED}),
    DeliveryState.EXPIRED: frozenset(),
}

# What was written for a turn that a person has since taken must not leave; what was promised must.
WITHDRAWN_ON_TAKEOVER = ("answer", "choices", "smalltalk")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One leased outbox row with all that its channel needs; `refs` are the identifiers of its thread's messages."""

    id: int
    municipality: str
    thread: int
    message: int
    position: int
    channel: str
    purpose: str
    author: Author
    subject: str
    in_reply_to: str
    attempts: int
    doubtful: bool
    created_at: datetime
    expires_at: datetime | None
    provider_id: str | None
    account: str
    scheme: str
    value: str
    text: str
    markup: Markup
    language: str
    choices: tuple[str, ...]
    staff_name: str | None
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with a parcel that has been leased.

    ``scheme`` and ``value`` are the resident's in the thread, ``address`` is where the parcel goes. ``withdrawn`` says
    that it may not be tried again: a person took the turn, or the resident said STOP. ``followed`` says that the thread
    has more to send.
    """

    id: int
    municipality: str
    thread: int
    message: int
    channel: str
    purpose: str
    author: Author
    state: DeliveryState
    scheme: str
    value: str
    address: int
    withdrawn: bool
    followed: bool


@dataclass(frozen=True, slots=True)
class Post:
    """What is to be put into the outbox."""

    purpose: str
    author: Author
    turn_epoch: int
    at: datetime
    subject: str = ""
    in_reply_to: str = ""
    urgent: bool = False
    to_address: int | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None


def wait_before(attempt: int, first: float, longest: float) -> timedelta:
    """Return how long to wait after this many attempts: doubled each time, from and up to these seconds."""
    return timedelta(seconds=min(longest, first * 2.0 ** min(max(attempt - 1, 0), 32)))


def may_become(now: DeliveryState, then: DeliveryState) -> bool:
    """Whether a report may move a parcel between these states."""
    return then in LATER[now]
