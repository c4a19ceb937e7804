"""What to do with the candidates: answer, offer a choice, or leave it to a person."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from contactbot.messages import Length

ANSWER_AT: Final = 0.88
"""Probability from which an entry is the answer. On the development sets 98 of 100 answers given are then right, and 96
wherever more than some dozens are; a lower one answers more and errs more (`bench/fit_matching.py` prints both)."""
CHOICES_AT: Final = 0.25
"""Probability of the best entry from which the resident is offered a choice; below, a person takes it."""
OFFERED_FROM: Final = 0.04
"""Probability from which an entry is offered beside a better one: dear to leave out, cheap to read past."""
MOST_CHOICES: Final = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability an entry is the answer or a choice, and how many choices are offered at most."""

    answer: float
    choices: float
    most_choices: int


THRESHOLDS: Final[Mapping[Length, Thresholds]] = MappingProxyType(
    {
        # What is wrong is seen and put right in the next line, and a choice is one tap.
        Length.CHAT: Thresholds(ANSWER_AT, CHOICES_AT, MOST_CHOICES),
        # Each text message is paid for, and it cannot be skimmed: fewer and likelier choices.
        Length.SMS: Thresholds(ANSWER_AT, 0.35, 2),
        # A mail is read once, and a choice costs the resident a mail and a wait: when in much doubt, a person at once.
        Length.FULL: Thresholds(ANSWER_AT, 0.4, MOST_CHOICES),
    }
)
"""The thresholds by what an answer looks like where it is read.

Between 0.25 and 0.35 the right entry is among three offered in half of the cases on the development sets, above 0.4 in
three of four or more: worth a line in a chat, not a text message or a mail. Answers need the same everywhere: at 0.92
half a point more of them are right and one in six is lost. No probability is this high for one weak word (see
`confidence.WEAK_AT_MOST`), so nowhere is one enough.
"""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why an entry came near.

    `words` pairs words of the question with the words of the phrasing they matched; `features` are the numbers behind
    the probability, for the editor.
    """

    words: tuple[tuple[str, str], ...] = ()
    features: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may be the right one, and why.

    `probability` is of this entry being what the resident asks for (0 to 1); `phrasing` is the wording that came
    nearest. The reasons are found when somebody asks for them: most candidates are never shown.
    """

    entry_id: str
    version: int
    language: str
    probability: float
    phrasing: str
    reasons: Callable[[], Reasons] = field(default=Reasons, repr=False, compare=False)

    @property
    def words(self) -> tuple[tuple[str, str], ...]:
        """The words that matched."""
        return self.reasons().words

    @property
    def features(self) -> dict[str, float]:
        """The numbers behind the probability."""
        return self.reasons().features


@dataclass(frozen=True, slots=True)
class Answer:
    """Sure enough to answer with this one."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Choices:
    """In doubt between these, best first; the resident chooses."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class HandOff:
    """Nothing comes near enough; a person takes it."""


Decision: TypeAlias = Answer | Choices | HandOff


def decide(candidates: Sequence[Candidate], length: Length = Length.CHAT) -> Decision:
    """Answer, offer choices or hand off, from candidates that are best first and by what suits the channel."""
    limits = THRESHOLDS[length]
    if candidates and candidates[0].probability >= limits.answer:
        return Answer(candidates[0])
    likely = tuple(one for one in candidates[: limits.most_choices] if one.probability >= OFFERED_FROM)
    if likely and likely[0].probability >= limits.choices:
        return Choices(likely)
    return HandOff()
