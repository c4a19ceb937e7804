"""What the knowledge base holds for a message: for each of its questions, and for one that hangs on the last. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from contactbot.conversation import questions
from contactbot.conversation.questions import Asked
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


@dataclass(frozen=True, slots=True)
class Base:
    """What is looked up in: a search, the texts of entries in the resident's language, and the channel's length."""

    search: Search
    text_of: Callable[[str], EntryText | None]
    length: Length

    def part(self, question: str) -> Part:
        """Search for one question."""
        candidates = self.search(question)
        return Part(question, decide(candidates, self.length), candidates)


def look_up(base: Base, text: str, subject: str = "", before: str = "", waiting: str = "") -> Found:
    """Return what the base holds for a message.

    ``subject`` is a mail's; it is searched only where the text is not sure by itself. A question may hang on
    ``before``, the entry of the answer given before, or on ``waiting``, the question that choices were offered for.
    """
    several = _several(base, questions.asked(text))
    if several is not None:
        return several
    found = base.search(text) if text else ()
    decision = decide(found, base.length)
    alone = isinstance(decision, Answer)
    following = _following(base, text, before, alone=alone) or _going_on(base, text, waiting, alone=alone)
    if following is not None:
        return following
    if isinstance(decision, Answer) or not questions.names_a_matter(subject):
        return Found(decision, found)
    both = base.search(f"{subject}. {text}".strip())
    best = max(found, both, key=lambda candidates: candidates[0].probability if candidates else 0.0)
    return Found(decide(best, base.length), best)


def _several(base: Base, asked: tuple[Asked, ...]) -> Found | None:
    """Return what was found for each question of a message that asks several, or None when it is best taken whole."""
    alone = len(asked) == 1
    if alone and not asked[0].clauses and not asked[0].hanging:
        return None
    parts: list[Part] = []
    for question in asked:
        if len(parts) >= questions.MOST:
            parts.append(Part(question.text, HandOff()))
            continue
        found = _parts_of(base, question)
        if alone and not all(one.answer for one in found):
            return None
        parts += found
    parts = _merged(parts)
    answers = [one for one in parts if one.answer is not None]
    if not answers:
        return None
    return Found(answers[0].decision, answers[0].candidates, tuple(parts) if len(parts) > 1 else ())


def _parts_of(base: Base, question: Asked) -> list[Part]:
    """Return what was found for one question: as it is, by its clauses, or with the sentence before it."""
    if question.clauses:
        clauses = [base.part(clause) for clause in question.clauses]
        if all(clause.answer for clause in clauses):
            return clauses
    whole = base.part(question.text)
    if whole.answer is not None:
        return [whole]
    if question.head:
        head = base.part(question.head)
        return [head, *_hanging_on(base, head, question.hanging)] if head.answer is not None else [whole]
    if question.told:
        with_told = base.part(f"{question.told} {question.text}")
        if with_told.answer is not None:
            return [replace(with_told, text=question.text)]
    return [whole]


def _hanging_on(base: Base, head: Part, hanging: tuple[str, ...]) -> Iterator[Part]:
    """Yield what hangs on an answered question, when another entry answers it or it names something of its own.

    For a side of the same thing the answer stands for both.
    """
    for question in hanging:
        found = None if head.answer is None else _following(base, question, head.answer.entry_id, alone=False)
        if found is not None and isinstance(found.decision, Answer):
            yield Part(question, found.decision, found.candidates)
        elif (leaning := questions.leaning(question)) is not None and leaning.own:
            yield base.part(question)


def _merged(parts: list[Part]) -> list[Part]:
    """Put the questions that one entry answers together; one in doubt whose best guess is given anyhow is answered."""
    given = {one.answer.entry_id for one in parts if one.answer is not None}
    merged: dict[str, Part] = {}
    for at, one in enumerate(parts):
        best = one.candidates[0] if one.candidates else None
        likely = best is not None and best.entry_id in given and best.probability >= FOLLOWS_AT
        key = best.entry_id if best is not None and likely else f"#{at}"
        before = merged.get(key)
        if before is None:
            merged[key] = one
        else:
            merged[key] = replace(before if before.answer else one, text=f"{before.text} {one.text}")
    return list(merged.values())


def _following(base: Base, text: str, before: str, *, alone: bool) -> Found | None:
    """Return what a question that hangs on the last answer is about, or None where it stands by itself."""
    leaning = questions.leaning(text)
    last = base.text_of(before) if leaning is not None else None
    if leaning is None or last is None or (alone and (leaning.own or not leaning.bound)):
        return None
    names = questions.subject(last.question, last.ways_to_ask())
    if not names:
        return None
    if leaning.own:
        return _by_own_words(base.search(" ".join((*leaning.own, *names))), leaning.own, names, base.length, before)
    found = base.search(" ".join((questions.spelled_out(text), *names)))
    return _about_the_same(found, text, names, base.length, before)


def _going_on(base: Base, text: str, waiting: str, *, alone: bool) -> Found | None:
    """Return what a question asks together with the one it hangs on ("barnehage", "og fristen?"), or None."""
    leaning = questions.leaning(text) if waiting else None
    if leaning is None or not leaning.bound or (alone and leaning.own):
        return None
    found = base.search(f"{waiting} {questions.spelled_out(text)}")
    decision = decide(found, base.length)
    return None if isinstance(decision, HandOff) else Found(decision, found)


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
