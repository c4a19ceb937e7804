"""What staff write to a resident, by what the law lets travel openly. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from contactbot.errors import NotAllowedError


class Content(StrEnum):
    """The classes of content. All but the first wait where the resident signs in, never on an open channel."""

    ORDINARY = "ordinary"
    DECISION = "decision"  # an individual decision, which can be appealed
    ADVANCE_NOTICE = "advance_notice"  # a warning that one will be made
    SHIELDED = "shielded"  # secret, or sensitive about somebody


class OpenChannelError(NotAllowedError):
    """The content may not leave on a channel that others may read; a notice of it may."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Content that an open channel may only announce: who sends it, and where the resident reads it, signed in."""

    content: Content
    text: str
    sender: str
    read_at: str
