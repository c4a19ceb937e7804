"""The facts of one message: all that the steps decide from. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contactbot.conversation.commands import Command
from contactbot.conversation.lookup import Part
from contactbot.conversation.safety import Danger
from contactbot.conversation.seen import Seen
from contactbot.conversation.smalltalk import SmallTalk
from contactbot.kb.entry import Entry
from contactbot.kb.matching import Candidate, Decision
from contactbot.messages import Folded, Length
from contactbot.municipality import Municipality


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of one address's writing the bot follows, per five minutes, and how much it says to it, per hour.

    ``automatic`` is None on a channel where no machine answers by itself.
    """

    messages: int
    repeats: int
    automatic: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message says and what stands around it.

    ``text`` and ``folded`` are masked; ``removed`` names the kinds of data taken out. ``foreign`` is the language of a
    message the bot does not speak, or "". ``picked`` is the index of a chosen choice, -1 for none of them, None when
    nothing was chosen. ``entries`` are the candidates' entries. ``may_reply`` is false where a reply could hit an
    innocent third person, as it could where our filter calls the message ``spam``. ``code`` is a fresh random
    confirmation code. ``parts`` has the questions of a message that asks several of which one can be answered;
    ``after`` is the entry answered with before, where the message was understood together with that answer, or "".
    ``corrects`` says that the message replaces the words of an earlier one.
    """

    seen: Seen
    municipality: Municipality
    channel: str
    length: Length
    now: datetime
    subject: str
    text: str
    removed: tuple[str, ...]
    folded: tuple[Folded, ...]
    language: str
    foreign: str
    danger: Danger | None
    command: Command | None
    picked: int | None
    smalltalk: SmallTalk | None
    decision: Decision
    candidates: tuple[Candidate, ...]
    entries: dict[str, Entry]
    automatic: str
    unreadable: str
    may_reply: bool
    code: str
    limits: Limits
    spam: str = ""
    parts: tuple[Part, ...] = ()
    after: str = ""
    corrects: bool = False

    @property
    def pending(self) -> dict[str, Any] | None:
        """What the resident was offered and may be answering."""
        return None if self.seen.thread is None else self.seen.thread.pending
