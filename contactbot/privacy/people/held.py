"""What is held about a person, record by record, as an export gives it. Times are aware UTC. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from contactbot.handoff.accesses.access import Access
from contactbot.handoff.ticket import HistoryLine


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the export is about, and when it was made. ``forgotten_at`` is when the same address was last forgotten."""

    municipality: str
    asked_for: tuple[str, ...]
    made_at: datetime
    forgotten_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """An address: ``stopped_at`` is when its owner asked for no messages, ``verified_by`` how it was proven."""

    id: int
    scheme: str
    value: str
    name: str
    verified_by: str | None
    stopped_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HeldContact:
    """A person that staff joined an address to."""

    address: int
    name: str
    note: str
    linked_at: datetime
    unlinked_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldCase:
    """A case with everything that happened to it."""

    id: int
    number: int
    title: str
    state: str
    reason: str
    topic: str
    priority: str
    source: str
    team: str | None
    assignee: str | None
    archive: str
    archived_at: datetime | None
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    history: tuple[HistoryLine, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldThread:
    """A conversation. ``left_address`` is where the resident said they can be reached; ``cases`` are numbers."""

    id: int
    address: int
    channel: str
    subject: str
    language: str
    left_address: str | None
    created_at: datetime
    last_at: datetime
    cases: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that came with a message, or the raw copy of it; ``size`` is in bytes, ``content`` as base64 or None."""

    message: int
    name: str
    media_type: str
    size: int
    sha256: str
    content: str | None = None


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """Why the bot gave an answer."""

    message: int
    entry: str
    entry_version: int
    language: str
    confidence: str
    phrasing: str
    rule: str
    helpful: bool | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class HeldParcel:
    """What became of a message on its way to the resident."""

    message: int
    channel: str
    purpose: str
    state: str
    detail: str
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One thing said; ``kind`` note is internal to the municipality. ``removed`` are the kinds of what was masked."""

    id: int
    thread: int
    position: int
    author: str
    staff: str | None
    kind: str
    text: str
    markup: str
    language: str
    folded: tuple[dict[str, str], ...]
    choices: tuple[str, ...]
    removed: tuple[str, ...]
    outcome: dict[str, Any]
    created_at: datetime
    files: tuple[HeldFile, ...] = ()
    originals: tuple[HeldFile, ...] = ()
    answers: tuple[HeldAnswer, ...] = ()
    parcels: tuple[HeldParcel, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """A chat of somebody in which one of these addresses was left; what was said there need not be theirs."""

    thread: int
    channel: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """How much was given, by kind of record: the last record, so that a file that was cut off shows."""

    records: dict[str, int]


Record: TypeAlias = (
    Person | HeldAddress | HeldContact | HeldCase | HeldThread | HeldMessage | HeldElsewhere | Access | Total
)
