"""What the bot would make of a text, with every reason: for editors and for the command line. Pure.

Nothing is imitated: the text goes through the very steps a resident's message takes, once for each length of answer.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contactbot.conversation import language as languages
from contactbot.conversation import steps
from contactbot.conversation.facts import Facts, Limits
from contactbot.conversation.outcome import REFERENCE, Label
from contactbot.conversation.seen import Seen
from contactbot.conversation.understand import SEARCHED, Knowledge, Moment, understand
from contactbot.kb.matching import Candidate, Decision
from contactbot.messages import Address, Inbound, Length, Markup
from contactbot.municipality import Municipality

NUMBER: Final = "1234"  # stands where a real hand-off would have its case number
_NO_LIMITS: Final = Limits(messages=1_000_000, repeats=1_000_000)


@dataclass(frozen=True, slots=True)
class Result:
    """What a channel with this length of answers would say; the choices are labels."""

    length: Length
    text: str
    markup: Markup
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """A text on trial. ``candidates`` come best first; ``rule`` names why the outcome is what it is."""

    text: str
    language: str
    language_is_sure: bool
    label: Label
    rule: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    answered: str  # the entry given as the answer, or ""
    results: tuple[Result, ...]


def try_out(text: str, knowledge: Knowledge, municipality: Municipality, at: datetime) -> Trial:
    """Return what a resident who writes this as a first message would get."""
    each = [_facts(text, length, knowledge, municipality, at) for length in Length]
    outcome = steps.decide(each[0])
    return Trial(
        text=each[0].text,
        language=each[0].foreign or each[0].language,
        language_is_sure=languages.detect(each[0].text[:SEARCHED], municipality.main_language).sure,
        label=outcome.label,
        rule=outcome.rule,
        decision=each[0].decision,
        candidates=each[0].candidates,
        answered=outcome.given.entry if outcome.given is not None else "",
        results=tuple(_result(facts) for facts in each),
    )


def _facts(text: str, length: Length, knowledge: Knowledge, municipality: Municipality, at: datetime) -> Facts:
    inbound = Inbound(
        channel="loopback", account="", sender=Address("loopback", "trial"), external_id="trial", text=text,
        received_at=at,
    )  # fmt: skip
    seen = Seen(
        municipality=municipality.id, account=0, address=None, thread=None, elsewhere=None, ticket=None, tickets=(),
        last_answer=None, acknowledged=False, recent=0, repeats=0, kb_revision=knowledge.revision,
    )  # fmt: skip
    return understand(inbound, seen, municipality, length, knowledge, Moment(at, "0000", _NO_LIMITS))


def _result(facts: Facts) -> Result:
    told = steps.decide(facts).replies
    text = "\n\n".join(reply.text.replace(REFERENCE, NUMBER) for reply in told)
    markup: Markup = "markdown" if any(reply.markup == "markdown" for reply in told) else "plain"
    return Result(facts.length, text, markup, tuple(choice for reply in told for choice in reply.choices))
