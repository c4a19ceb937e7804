"""What the bot would make of a text, with every reason: for editors and for the command line. Pure.

Nothing is imitated: the text goes through the very steps a resident's message takes, once for each length of answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from contactbot.conversation import language as languages
from contactbot.conversation import steps
from contactbot.conversation.facts import Facts, Limits
from contactbot.conversation.outcome import REFERENCE, Label
from contactbot.conversation.reasons import matched_words
from contactbot.conversation.seen import Seen
from contactbot.conversation.understand import SEARCHED, Knowledge, Moment, understand
from contactbot.kb.entry import Entry
from contactbot.kb.matching import Candidate, Decision, Reasons
from contactbot.messages import Address, Inbound, Length, Markup
from contactbot.municipality import Municipality

NUMBER: Final = "1234"  # stands where a real hand-off would have its case number
_NO_LIMITS: Final = Limits(messages=1_000_000, repeats=1_000_000)


@dataclass(frozen=True, slots=True)
class Result:
    """What a channel with this length of answers would do and say; the choices are labels."""

    length: Length
    label: Label
    text: str
    markup: Markup
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A text on trial. ``candidates`` come best first; ``rule`` names why the outcome is what it is.

    What is said of the whole is what a chat would do; a text message and a mail may be more careful (``results``).
    """

    text: str
    language: str
    language_is_sure: bool
    label: Label
    rule: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    answered: tuple[str, ...]  # the entries given as answers
    left: tuple[str, ...]  # questions of several that are left to a person
    results: tuple[Result, ...]
    entries: Mapping[str, Entry]  # of the candidates

    def question(self, candidate: Candidate) -> str:
        """Return the title of a candidate's entry, in the candidate's language."""
        entry = self.entries.get(candidate.entry_id)
        return candidate.entry_id if entry is None else entry.text(candidate.language).question

    def owner(self, candidate: Candidate) -> str:
        """Return who has a candidate's entry."""
        entry = self.entries.get(candidate.entry_id)
        return "" if entry is None else entry.owner


def try_out(text: str, knowledge: Knowledge, municipality: Municipality, at: datetime) -> Trial:
    """Return what a resident who writes this as a first message would get."""
    each = {length: _facts(text, length, knowledge, municipality, at) for length in Length}
    chat = each[Length.CHAT]
    outcome = steps.decide(chat)
    return Trial(
        text=chat.text,
        language=chat.foreign or chat.language,
        language_is_sure=languages.detect(chat.text[:SEARCHED], municipality.main_language).sure,
        label=outcome.label,
        rule=outcome.rule,
        decision=chat.decision,
        candidates=tuple(_as_written(one, chat.text) for one in _candidates(chat)),
        answered=tuple(given.entry for given in outcome.given),
        left=tuple(part.text for part in chat.parts if part.answer is None),
        results=tuple(_result(facts) for facts in each.values()),
        entries=chat.entries,
    )


def _facts(text: str, length: Length, knowledge: Knowledge, municipality: Municipality, at: datetime) -> Facts:
    inbound = Inbound(
        channel="loopback", account="", sender=Address("loopback", "trial"), external_id="trial", text=text,
        received_at=at,
    )  # fmt: skip
    seen = Seen(
        municipality=municipality.id, account=0, address=None, thread=None, elsewhere=None, ticket=None, tickets=(),
        last_answers=(), acknowledged=False, recent=0, repeats=0, kb_revision=knowledge.revision,
    )  # fmt: skip
    return understand(inbound, seen, municipality, length, knowledge, Moment(at, "0000", _NO_LIMITS))


def _as_written(one: Candidate, text: str) -> Candidate:
    """Return a candidate whose words are spelled as in the text."""
    return replace(one, reasons=partial(Reasons, matched_words(one, text), one.features))


def _candidates(facts: Facts) -> Iterator[Candidate]:
    """Yield what was found, of each question where there are several, each entry once."""
    best: dict[str, Candidate] = {}
    for one in (*facts.candidates, *(one for part in facts.parts for one in part.candidates)):
        if one.entry_id not in best or one.probability > best[one.entry_id].probability:
            best[one.entry_id] = one
    yield from sorted(best.values(), key=lambda one: -one.probability)


def _result(facts: Facts) -> Result:
    outcome = steps.decide(facts)
    told = outcome.replies
    text = "\n\n".join(reply.text.replace(REFERENCE, NUMBER) for reply in told)
    markup: Markup = "markdown" if any(reply.markup == "markdown" for reply in told) else "plain"
    return Result(
        facts.length, outcome.label, text, markup, tuple(choice for reply in told for choice in reply.choices)
    )
