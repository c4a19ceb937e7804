"""What to do with the candidates: answer, offer a choice, or leave it to a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

ANSWER_AT: Final = 0.92
CHOICES_AT: Final = 0.25
MOST_CHOICES: Final = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry that may be the right one, and why.

    `probability` is of this entry being what the resident asks for (0 to 1); `phrasing` is the wording that came
    nearest; `words` pairs words of the question with the words of the phrasing they matched; `features` are the
    numbers behind the probability, for the editor.
    """

    entry_id: str
    version: int
    language: str
    probability: float
    phrasing: str
    words: tuple[tuple[str, str], ...] = ()
    features: dict[str, float] = field(default_factory=dict, hash=False)


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


def decide(candidates: Sequence[Candidate]) -> Decision:
    """Answer, offer choices or hand off, from candidates that are best first."""
    if candidates and candidates[0].probability >= ANSWER_AT:
        return Answer(candidates[0])
    likely = tuple(one for one in candidates[:MOST_CHOICES] if one.probability >= CHOICES_AT / 3)
    if likely and likely[0].probability >= CHOICES_AT:
        return Choices(likely)
    return HandOff()
