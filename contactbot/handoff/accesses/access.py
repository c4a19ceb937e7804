"""One look of a member of staff at something of a resident's. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

APART = timedelta(hours=1)  # looks at the same thing within it are one


class What(StrEnum):
    """What was looked at."""

    CASE = "case"  # the conversation, masked
    FILE = "file"  # an attachment
    ORIGINAL = "original"  # the raw copy of a message, with what was masked


class Relation(StrEnum):
    """What the member of staff had to do with the case when they looked."""

    OWN = "own"  # it was theirs
    TEAM = "team"  # it was their team's
    OTHER = "other"  # neither


@dataclass(frozen=True, slots=True)
class Access:
    """Who saw what of which case, when, and for what reason; ``reason`` is "" where none is asked for."""

    id: int
    at: datetime
    staff: int
    staff_name: str
    what: What
    ticket: int
    number: int
    message: int | None
    relation: Relation
    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which looks somebody asks for; None stands for any. ``until`` is not included."""

    number: int | None = None
    staff: int | None = None
    address: str | None = None
    since: datetime | None = None
    until: datetime | None = None
