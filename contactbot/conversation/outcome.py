"""What a step decided: words to say, work to open, state to keep. Pure."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from contactbot.handoff.ticket import Priority, Reason
from contactbot.messages import Markup

Label = Literal["answer", "choices", "handoff", "acute", "command", "smalltalk", "silent"]

SurveyAnswer = Literal["yes", "partly", "no"]

# Stands where a case number goes, until the transaction has drawn it. A sign no text holds (U+FFFC).
REFERENCE: Final = "\N{OBJECT REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing to say. ``purpose`` decides whether a takeover withdraws it."""

    text: str
    purpose: str
    markup: Markup = "plain"
    choices: tuple[str, ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """An answer given, and everything that says why."""

    entry: str
    version: int
    language: str
    confidence: float
    runner_up: str
    phrasing: str
    words: tuple[tuple[str, str], ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket to open, or to add to when the thread has one."""

    reason: Reason
    title: str
    priority: Priority = "normal"
    topic: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision about one message. ``pending`` replaces what the resident was offered before."""

    label: Label
    rule: str
    replies: tuple[Reply, ...] = ()
    work: Work | None = None
    to_people: bool = False  # people have the thread: tell them that the resident wrote
    kind: Literal["message", "automatic"] = "message"
    pending: dict[str, Any] | None = None
    language: str = ""
    silence: bool | None = None  # True: the resident asks for no messages; False: for messages again
    given: tuple[Given, ...] = ()  # one for each question answered, in their order
    erase: bool = False  # forget the sender, but for what a duty keeps
    survey: SurveyAnswer | None = None
    incident: str = ""
    set_aside: bool = False  # a crowd of strangers: kept, and not answered
    code_for: str = ""  # the reference of a case: those who wrote in it are sent the code in ``pending``
    go_on: str = ""  # the reference of the case that the resident goes on with here, proven by that code
    considered: tuple[str, ...] = field(default=())
