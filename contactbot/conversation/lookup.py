"""What the knowledge base holds for a message: for each of its questions, and for one that hangs on the last. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from contactbot.conversation import questions
from contactbot.kb.entry import EntryText
from contactbot.kb.matching import (
    CHOICES_AT,
    THRESHOLDS,
    Answer,
    Candidate,
    Choices,
    Decision,
    HandOff,
    decide,
)
from contactbot.messages import Length

Search: TypeAlias = Callable[[str], tuple[Candidate, ...]]
"""Finds the entries a question may be about, best first."""

FOLLOWS_AT: Final = 0.6
"""Probability from which another entry about what was spoken of before answers a question that names nothing itself.
Otherwise it would be too little; here the thing is known, and only the side of it is in doubt. It is above what one
weak word can bring. The entry spoken of is itself called so sure where it tells of that side: nothing else is meant."""

MENTIONED_FROM: Final = 0.1
"""Probability from which such an entry is offered: what is not about the same thing has been left out already."""


@dataclass(frozen=True, slots=True)
class Part:
    """One question of several in a message, and what the base has for it."""

    text: str
    decision: Decision
    candidates: tuple[Candidate, ...] = ()

    @property
    def answer(self) -> Candidate | None:
        """The entry that answers it."""
        return self.decision.candidate if isinstance(self.decision, Answer) else None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. ``parts`` has the questions of a message that asks several, some of them answered.

    ``after`` is the entry of the answer before, when the message was understood together with it, else "".
    """

    decision: Decision
    candidates: tuple[Candidate, ...] = ()
    parts: tuple[Part, ...] = ()
    after: str = ""


def look_up(text: str, subject: str, search: Search, length: Length, last: EntryText | None, entry: str = "") -> Found:
    """Return what the base holds for a message.

    ``subject`` is a mail's; it is searched only where the text is not sure by itself. ``last`` is the text of
    ``entry``, the answer given before, when there is one that a question may hang on.
    """
    several = _several(text, search, length)
    if several is not None:
        return several
    found = search(text) if text else ()
    decision = decide(found, length)
    if last is not None:
        following = _following(text, search, length, last, entry, isinstance(decision, Answer))
        if following is not None:
            return following
    if not subject or isinstance(decision, Answer):
        return Found(decision, found)
    both = search(f"{subject}. {text}".strip())
    best = max(found, both, key=lambda candidates: candidates[0].probability if candidates else 0.0)
    return Found(decide(best, length), best)


def _several(text: str, search: Search, length: Length) -> Found | None:
    """Return what was found for each question of a message that asks several, or None when it is best taken whole."""

    def part(question: str) -> Part:
        candidates = search(question)
        return Part(question, decide(candidates, length), candidates)

    asked = questions.asked(text)
    if len(asked) == 1 and not asked[0].clauses:
        return None
    parts: list[Part] = []
    for question in asked:
        clauses = [part(clause) for clause in question.clauses] if len(parts) < questions.MOST else []
        if clauses and all(clause.answer for clause in clauses):
            parts += clauses
        elif len(asked) == 1:
            return None
        else:
            parts.append(part(question.text) if len(parts) < questions.MOST else Part(question.text, HandOff()))
    parts = _merged(parts)
    answers = [one for one in parts if one.answer is not None]
    if not answers:
        return None
    return Found(answers[0].decision, answers[0].candidates, tuple(parts) if len(parts) > 1 else ())


def _merged(parts: list[Part]) -> list[Part]:
    """Put the questions that one entry answers together; one in doubt whose best guess is given anyhow is answered."""
    given = {one.answer.entry_id for one in parts if one.answer is not None}
    merged: dict[str, Part] = {}
    for at, one in enumerate(parts):
        best = one.candidates[0] if one.candidates else None
        likely = best is not None and best.entry_id in given and best.probability >= CHOICES_AT
        key = best.entry_id if best is not None and likely else f"#{at}"
        before = merged.get(key)
        if before is None:
            merged[key] = one
        else:
            merged[key] = replace(before if before.answer else one, text=f"{before.text} {one.text}")
    return list(merged.values())


def _following(
    text: str,
    search: Search,
    length: Length,
    last: EntryText,
    entry: str,
    alone: bool,  # noqa: FBT001 - as above
) -> Found | None:
    """Return what a question that hangs on the last answer is about, or None where it stands by itself."""
    leaning = questions.leaning(text)
    names = questions.subject(last.question, last.ways_to_ask())
    if leaning is None or not names or (alone and (leaning.own or not leaning.bound)):
        return None
    if leaning.own:
        return _by_own_words(search(" ".join((*leaning.own, *names))), leaning.own, names, length, entry)
    return _about_the_same(search(" ".join((questions.spelled_out(text), *names))), text, names, length, entry)


def _about_the_same(
    found: tuple[Candidate, ...], text: str, names: tuple[str, ...], length: Length, entry: str
) -> Found:
    """Choose among the entries about what was spoken of by the side of it that the question asks for.

    Where the entry spoken of tells of that side it is the answer; else another that does; else what comes near.
    """
    near = tuple(
        one for one in found
        if one.entry_id == entry or (_matches(one, names) and one.probability >= MENTIONED_FROM)
    )  # fmt: skip
    telling = tuple(one for one in near if _matches(one, questions.sides(text)))
    same = next((one for one in telling or near[:1] if one.entry_id == entry), None)
    if same is not None and (telling or same.probability >= CHOICES_AT):
        best = replace(same, probability=max(same.probability, FOLLOWS_AT))
        return Found(Answer(best), (best, *(one for one in near if one is not same)), after=entry)
    if telling and telling[0].probability >= FOLLOWS_AT:
        return Found(Answer(telling[0]), telling, after=entry)
    others = tuple(one for one in near if one.entry_id != entry)
    return Found(_offer(telling or others, length), near, after=entry)


def _offer(candidates: tuple[Candidate, ...], length: Length) -> Decision:
    return Choices(candidates[: THRESHOLDS[length].most_choices]) if candidates else HandOff()


def _by_own_words(
    found: tuple[Candidate, ...], own: tuple[str, ...], names: tuple[str, ...], length: Length, entry: str
) -> Found | None:
    """Return what was found by a word of the message's own: without one the last answer would swallow a new matter."""
    near = tuple(one for one in found if _matches(one, own))
    decision = decide(near, length)
    about_both = tuple(one for one in near if _matches(one, names))
    if about_both and not isinstance(decision, Answer):
        decision = Answer(about_both[0]) if about_both[0].probability >= FOLLOWS_AT else _offer(about_both, length)
    return None if isinstance(decision, HandOff) else Found(decision, near, after=entry)


def _matches(candidate: Candidate, words: tuple[str, ...]) -> bool:
    return any(asked in words for asked, _ in candidate.words)
