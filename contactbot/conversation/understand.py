"""From a message and its context to facts. Pure: no store, no clock, no network."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from contactbot.conversation import commands, language, safety, smalltalk
from contactbot.conversation.facts import Facts, Limits
from contactbot.conversation.lookup import Base, Found, look_up
from contactbot.conversation.phrases import Reading
from contactbot.conversation.seen import Seen
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Index
from contactbot.kb.matching import Candidate
from contactbot.masking import mask, without_marks
from contactbot.messages import Folded, Inbound, Length
from contactbot.municipality import Municipality
from contactbot.quoted import refold
from contactbot.threads.thread import TurnOwner
from contactbot.wording import languages

SEARCHED = 2_000  # characters of a message that are matched: enough for any question, bounded for any flood
CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A municipality's published answers, ready to be searched."""

    revision: int
    index: Index
    entries: dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Moment:
    """What a unit may not draw for itself: the time, a fresh code, and the limits in force."""

    now: datetime
    code: str
    limits: Limits


def understand(
    inbound: Inbound, seen: Seen, municipality: Municipality, length: Length, knowledge: Knowledge, moment: Moment
) -> Facts:
    """Return everything the steps need to decide about this message."""
    written = refold(inbound.text, seen.said)
    masked = municipality.mask(written.text)
    title = municipality.mask(inbound.subject)
    subject = title.text
    words = masked.text if masked.text.strip() else subject  # a mail may say everything in its subject
    said = Reading.of(words)
    spoken, foreign = _language(inbound, words, seen, municipality)
    spoken_of = ("", "") if inbound.corrects else (_answered_before(seen), _waiting(seen))
    found = _found(masked.text, subject, spoken, spoken_of, length, knowledge)
    return Facts(
        seen=seen,
        municipality=municipality,
        channel=inbound.channel,
        length=length,
        now=moment.now,
        subject=subject,
        text=words,
        removed=tuple(sorted({str(removed.kind) for removed in (*title.removed, *masked.removed)})),
        folded=tuple(Folded(municipality.mask(part.text).text, part.rule) for part in inbound.folded + written.folded),
        language=spoken,
        foreign=foreign,
        danger=_danger(inbound, written.text, (subject, masked.text), said, municipality),
        command=commands.parse(said),
        picked=_picked(words, seen),
        smalltalk=smalltalk.smalltalk(said),
        decision=found.decision,
        candidates=found.candidates,
        entries=_entries(found, seen, knowledge),
        automatic=inbound.automatic,
        unreadable=inbound.unreadable,
        may_reply=inbound.authenticated is not False and not inbound.spam,
        code=moment.code,
        limits=moment.limits,
        spam=inbound.spam,
        parts=found.parts,
        after=found.after,
        corrects=bool(inbound.corrects),
    )


def _danger(
    inbound: Inbound, text: str, masked: tuple[str, str], said: Reading, municipality: Municipality
) -> safety.Danger | None:
    """Return the danger that ``masked``, the subject and the text of a message, tells of; ``said`` is the text as read.

    Words on the municipality's list are read all the same: they may be the very ones that tell of it.
    """
    subject, body = masked
    if municipality.masked_terms:
        subject, body = (mask(part, municipality.place).text for part in (inbound.subject, text))
        said = Reading.of(body)
    return safety.assess(f"{subject}\n{body}" if subject else said)


def _language(inbound: Inbound, text: str, seen: Seen, municipality: Municipality) -> tuple[str, str]:
    """Return the language to answer in, and the message's own where the bot does not speak it.

    A resident's choice on the channel stands; a short message keeps the conversation's language.
    """
    kept = seen.thread.language if seen.thread is not None else inbound.language or municipality.main_language
    if inbound.language and seen.thread is None:
        kept = inbound.language
    found = language.detect(text[:SEARCHED], kept)
    if not found.sure or found.language == kept:
        return kept, ""
    return (found.language, "") if found.language in languages() else (kept, found.language)


def _answered_before(seen: Seen) -> str:
    """Return the entry the bot answered with last, while that is what is spoken of and the bot has the turn, or ""."""
    last = seen.last_answer
    return "" if last is None or last.passed or seen.turn_owner != TurnOwner.BOT else last.entry


def _waiting(seen: Seen) -> str:
    """Return the resident's question that choices were offered for, while none is chosen, or ""."""
    pending = (seen.thread.pending if seen.thread is not None else None) or {}
    return str(pending["question"]) if pending.get("kind") == "choices" and seen.turn_owner == TurnOwner.BOT else ""


def _found(
    text: str, subject: str, spoken: str, spoken_of: tuple[str, str], length: Length, knowledge: Knowledge
) -> Found:
    """Look the message up, together with the answer given before and the question that waits, where there are any."""

    def search(question: str) -> tuple[Candidate, ...]:
        return knowledge.index.search(question, spoken, CANDIDATES)

    def text_of(name: str) -> EntryText | None:
        return knowledge.entries[name].text(spoken) if name in knowledge.entries else None

    return look_up(Base(search, text_of, length), without_marks(text[:SEARCHED]).strip(), subject, *spoken_of)


def _picked(text: str, seen: Seen) -> int | None:
    pending = None if seen.thread is None else seen.thread.pending
    if pending is None or pending.get("kind") not in ("choices", "survey"):
        return None
    labels = [str(label) for label in pending["labels"]]
    survey = pending["kind"] == "survey"
    read = commands.verdict if survey else partial(commands.choice, offers=len(pending["options"]))
    picked = read(text, labels)
    return read(commands.first_line(text), labels) if picked is None else picked  # a signature may follow


def _entries(found: Found, seen: Seen, knowledge: Knowledge) -> dict[str, Entry]:
    """Return the candidates' entries, those a pending choice offers, and the last one answered with."""
    pending = (seen.thread.pending if seen.thread is not None else None) or {}
    parts = (one for part in found.parts for one in part.candidates)
    wanted = [one.entry_id for one in (*found.candidates, *parts)]
    wanted += [str(option["entry"]) for option in pending.get("options", ())]
    wanted += [name for last in seen.last_answers for name in (last.entry, last.runner_up)]
    return {one: knowledge.entries[one] for one in wanted if one in knowledge.entries}
