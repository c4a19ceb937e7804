"""A ticket: a piece of work for people, with a number, an owner, a due time and a history."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class TicketState(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"  # a person must do something
    WAITING = "waiting"  # answered; the resident has the word
    CLOSED = "closed"


class Reason(StrEnum):
    """Why the bot gave a thread to people."""

    UNSURE = "unsure"  # no answer near enough
    PARTLY = "partly"  # the bot answered a part of what was asked
    ASKED = "asked"  # the resident wished for a person
    LANGUAGE = "language"  # a language the bot does not speak
    UNREADABLE = "unreadable"  # the content could not be read
    UNAUTHENTICATED = "unauthenticated"  # the sender's address is not proven, so nothing may be sent to it
    SPAM = "spam"  # our filter calls it unwanted, so nothing is sent; a person may think otherwise
    BRAKED = "braked"  # the bot has said as much to the address as it may in an hour
    ACUTE = "acute"  # danger
    ERASURE = "erasure"  # the resident wants a case deleted
    FLOOD = "flood"  # so many messages that the bot fell silent
    STRANGERS = "strangers"  # so many whom nobody ever answered wrote at once; this case tells of all of them
    UNDELIVERED = "undelivered"  # something could not be delivered
    REGISTERED = "registered"  # entered by staff
    BUSY = "busy"  # the conversation kept changing under the bot


# Nothing is sent by itself to an address of which only a letter says that it is the writer's. What could not be read is
# among them, since its sender may be as unproven.
UNPROVEN = (Reason.UNAUTHENTICATED, Reason.SPAM, Reason.UNREADABLE)


class Archive(StrEnum):
    """What was decided about a case and the archive."""

    UNDECIDED = "undecided"
    KEEP = "keep"  # the archive shall have it
    LEAVE_OUT = "leave_out"  # of no value as documentation


Priority = Literal["normal", "urgent"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket. ``number`` is what people call it; times are aware UTC."""

    id: int
    municipality: str
    number: int
    title: str
    state: TicketState
    reason: Reason
    topic: str
    priority: Priority
    team: int | None
    assignee: int | None
    source: str
    opened_at: datetime
    due_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None
    last_at: datetime
    unread: bool
    archive: Archive
    archived_at: datetime | None
    version: int
    team_name: str | None = None
    assignee_name: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A ticket in a list: what one needs to choose it."""

    number: int
    title: str
    state: TicketState
    priority: Priority
    topic: str
    source: str
    due_at: datetime
    last_at: datetime
    unread: bool
    team_name: str | None
    assignee: int | None
    assignee_name: str | None
    resident: str
    snippet: str


class Holder(StrEnum):
    """Whose tickets a list is narrowed to."""

    ANYBODY = ""
    ME = "me"  # whoever looks
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Filter:
    """What narrows a list of tickets: a team's name, the channel it came in on, who has it. Empty narrows nothing."""

    team: str = ""
    channel: str = ""
    holder: Holder = Holder.ANYBODY


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What is needed to open a ticket."""

    title: str
    reason: Reason
    source: str
    at: datetime
    due_at: datetime
    topic: str = ""
    team: str = ""
    priority: Priority = "normal"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event of a ticket's history; ``to`` is the colleague it was given to, by the name they have now."""

    at: datetime
    actor: str
    kind: str
    data: dict[str, object]
    staff_name: str | None = None
    to: str | None = None
