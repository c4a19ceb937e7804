"""What to do with the candidates: answer, offer a choice, or leave it to a person."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

ANSWER_AT: Final = 0.92
"""Probability from which an entry is the answer. On the development sets 97 of 100 answers given are then right
wherever more than a handful is given; a lower one answers more and errs more (`bench/fit_matching.py` prints both)."""
CHOICES_AT: Final = 0.25
"""Probability of the best entry from which the resident is offered a choice; below, a person takes it."""
OFFERED_FROM: Final = 0.04
"""Probability from which an entry is offered beside a better one: dear to leave out, cheap to read past."""
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
    likely = tuple(one for one in candidates[:MOST_CHOICES] if one.probability >= OFFERED_FROM)
    if likely and likely[0].probability >= CHOICES_AT:
        return Choices(likely)
    return HandOff()
