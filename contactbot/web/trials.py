"""An editor tries a text: what the bot makes of it today, and what it would with the words that stand in the form."""

import asyncio
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from contactbot.conversation.trial import Trial, try_out
from contactbot.conversation.understand import Knowledge
from contactbot.house import House
from contactbot.kb.entry import Entry
from contactbot.kb.matching import Candidate
from contactbot.kb.synonyms import Group
from contactbot.municipality import Municipality

LONGEST: Final = 2_000  # characters
LEAST: Final = 0.01  # probability below which a candidate tells an editor nothing
OUTCOMES: Final = {
    "answer": "Svarer",
    "choices": "Gir valg",
    "handoff": "Gir videre til en person",
    "acute": "Varsler om fare",
    "command": "Utfører en kommando",
    "smalltalk": "Småprater",
    "silent": "Er stille",
}
# Why, by the rule's name or how it begins; other rules are told by what the bot does.
RULES: Final = {
    "sure": "boten er sikker nok på ett svar",
    "several": "teksten har flere spørsmål, og hvert har sitt svar",
    "in doubt": "flere svar kan passe, så innbyggeren får velge",
    "unsure": "ingen svar er sikre nok",
    "asked for a person": "innbyggeren ber om en person",
    "safety": "ordene kan bety fare, og det går foran alt annet",
    "language": "teksten er på et språk uten svar her",
    "unreadable": "teksten kan ikke leses",
}
OTHERWISE: Final = {
    "command": "teksten er en beskjed til boten selv",
    "smalltalk": "teksten er småprat, og spør ikke om noe",
    "silent": "teksten er ikke til å svare på",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """A text tried twice: on what is published, and with the form's change; ``after`` is None where they are one."""

    text: str
    before: Trial
    after: Trial | None
    entries: dict[str, Entry]

    @property
    def shown(self) -> Trial:
        """The trial to look at: with the change when there is one."""
        return self.after or self.before

    @property
    def why(self) -> str:
        """Why the bot does what it does, in the editor's words."""
        rule, label = self.shown.rule, self.shown.label
        if label in OTHERWISE:
            return OTHERWISE[label]
        return next((words for begins, words in RULES.items() if rule.startswith(begins)), rule)

    @property
    def worth_showing(self) -> tuple[Candidate, ...]:
        """The nearest two, and any other that is not out of the question."""
        near = self.shown.candidates
        return near[:2] + tuple(one for one in near[2:] if one.probability >= LEAST)

    @property
    def differs(self) -> bool:
        """Whether the change makes a difference to who writes this."""
        return self.after is not None and _said(self.after) != _said(self.before)

    @property
    def says_the_same(self) -> bool:
        """Whether each resident still gets the very words of today, on every channel."""
        return self.after is not None and self.after.results == self.before.results

    def question(self, entry: str, language: str) -> str:
        """Return an entry's question."""
        return self.entries[entry].text(language).question if entry in self.entries else entry


async def tried(house: House, town: Municipality, revision: int, text: str, changed: Entry | None) -> Tried | None:
    """Try a text, also with a changed entry where there is one; None when there is no text."""
    at = house.clock()

    def other(knowledge: Knowledge) -> Knowledge | None:
        is_news = changed is not None and not _is_published(knowledge, changed)
        return _with(knowledge, changed, town, at) if changed is not None and is_news else None

    return await _tried(house, town, revision, text, other)


async def tried_with_synonyms(
    house: House, town: Municipality, revision: int, text: str, groups: Sequence[Group] | None
) -> Tried | None:
    """Try a text, also with other synonyms where there are such; None when there is no text.

    The index is built anew for it, as it is when synonyms are published.
    """

    def other(knowledge: Knowledge) -> Knowledge | None:
        return None if groups is None else replace(knowledge, index=knowledge.index.with_synonyms(groups))

    return await _tried(house, town, revision, text, other)


async def _tried(
    house: House, town: Municipality, revision: int, text: str, other: Callable[[Knowledge], Knowledge | None]
) -> Tried | None:
    wanted = text.strip()[:LONGEST]
    if not wanted:
        return None
    knowledge = await house.bases.current(town.id, revision)
    return await asyncio.to_thread(_compared, knowledge, town, house.clock(), wanted, other)


def _compared(
    knowledge: Knowledge,
    town: Municipality,
    at: datetime,
    text: str,
    other: Callable[[Knowledge], Knowledge | None],
) -> Tried:
    before, changed = try_out(text, knowledge, town, at), other(knowledge)
    if changed is None:
        return Tried(text, before, None, knowledge.entries)
    return Tried(text, before, try_out(text, changed, town, at), knowledge.entries | changed.entries)


def _with(knowledge: Knowledge, changed: Entry, town: Municipality, at: datetime) -> Knowledge:
    """Return the knowledge with one entry exchanged; the index that residents' questions use stays as it is."""
    index = copy.copy(knowledge.index)  # an edit puts a new state in the copy and leaves the shared one alone
    index.changed(changed)
    entries = {name: entry for name, entry in knowledge.entries.items() if name != changed.id}
    if changed.valid_on(at.astimezone(town.zone).date()):
        entries[changed.id] = changed
    return replace(knowledge, index=index, entries=entries)


def _is_published(knowledge: Knowledge, entry: Entry) -> bool:
    there = knowledge.entries.get(entry.id)
    return there is not None and replace(there, version=entry.version) == entry


def _said(trial: Trial) -> tuple[object, ...]:
    shares = [(one.entry_id, round(one.probability, 2)) for one in trial.candidates[:3]]
    return trial.label, trial.answered, [result.text for result in trial.results], shares
