"""The words of each outcome: an editor's answer or the bot's own wording, cut to the channel's length. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from babel.dates import format_date

from contactbot import markdown
from contactbot.conversation.facts import Facts
from contactbot.conversation.outcome import REFERENCE, Reply
from contactbot.conversation.questions import quoted
from contactbot.conversation.safety import Danger
from contactbot.conversation.seen import LastAnswer
from contactbot.handoff.ticket import Reason, Ticket, TicketState
from contactbot.kb.entry import Entry
from contactbot.masking import Kind
from contactbot.messages import Length, Markup
from contactbot.wording import language_name, say, spoken

FULLER: Final[Mapping[Length, Length]] = {Length.SMS: Length.CHAT, Length.CHAT: Length.FULL, Length.FULL: Length.FULL}
"""The length in which an answer is given that the resident has had and asks more about."""

ADDING: Final = ("handoff", "handoff_person")
"""Promises that a resident with an open case gets anew when what they write is added to it."""


def wording(facts: Facts, key: str, purpose: str, **values: object) -> Reply:
    """Return the bot's own words in the conversation's language."""
    return wording_in(facts.language, key, purpose, **values)


def wording_in(language: str, key: str, purpose: str, **values: object) -> Reply:
    """Return the bot's own words in a language."""
    return Reply(say(language, key, **values), purpose)


def disclosure(facts: Facts, markup: Markup) -> str:
    """Return the sentence that says a bot is writing, as the first reply of each thread begins."""
    town = facts.municipality
    key = "disclosure_sms" if facts.length == Length.SMS else "disclosure"
    address = f"<{town.privacy_url}>" if markup == "markdown" else town.privacy_url
    return say(facts.language, key, name=town.name, privacy=address)


def masked(facts: Facts) -> str:
    """Return what is said once when something was taken out of the message, never echoing it, and where it may go."""
    if not facts.removed:
        return ""
    taken = set(facts.removed)
    key = "masked" if Kind.NATIONAL_ID in taken else "masked_terms" if taken == {Kind.TERM} else "masked_other"
    said = say(facts.language, key)
    form = facts.municipality.safe_form
    return f"{said} {say(facts.language, 'masked_form', form=form)}" if form else said


def answer(facts: Facts, entry: Entry, *, again: bool = False) -> Reply:
    """Return the editor's answer in the resident's language and the channel's length, asked again in the next one."""
    words = _answer(facts, entry, FULLER[facts.length] if again else facts.length)
    return Reply(words, "answer", markup=_markup(facts))


def several(facts: Facts, answered: Sequence[tuple[str, Entry]], left: Sequence[str]) -> Reply:
    """Return the answers to several questions, each under its own words, and the promise for what is left.

    With a promise it is a receipt, which no takeover withdraws.
    """
    blocks = [_under(facts, question, _answer(facts, entry, facts.length)) for question, entry in answered]
    if left:
        listed = " / ".join(_shown(facts, quoted(question)) for question in left)
        blocks.append(_promise(facts, "partly_left", questions=listed))
    return Reply("\n\n".join(blocks), "receipt" if left else "answer", markup=_markup(facts))


def _under(facts: Facts, question: str, words: str) -> str:
    """Put a question's own words above its answer."""
    said = _shown(facts, quoted(question))
    if facts.length == Length.SMS:
        return f"{say(facts.language, 'quotation', words=said)}: {words}"
    return f"**{said}**\n\n{words}"


def _shown(facts: Facts, words: str) -> str:
    return words if facts.length == Length.SMS else markdown.escape(words)


def _markup(facts: Facts) -> Markup:
    return "plain" if facts.length == Length.SMS else "markdown"


def _answer(facts: Facts, entry: Entry, length: Length) -> str:
    """Return an entry's words; where they are not in the language the resident writes, with a word about it."""
    wanted = facts.foreign or facts.language  # an editor may have written what the bot itself does not speak
    text = entry.text(wanted, (facts.language, spoken(facts.language), facts.municipality.main_language))
    words = text.answer(length.value) or text.question
    if facts.length == Length.SMS and not (length == Length.SMS and text.sms):  # borrowed from Markdown
        words = markdown.to_plain(words)
    if text.language != wanted:
        name = language_name(text.language, facts.language)
        words = f"{words}\n\n{say(facts.language, 'other_language_note', language=name)}"
    return words


def smalltalk(facts: Facts, kind: str) -> Reply:
    """Return a decent word; a first greeting is not said twice, since the disclosure before it greets already."""
    thread = facts.seen.thread
    greeted = facts.length != Length.SMS and not (thread is not None and thread.disclosed)
    key = "greeting_first" if kind == "greeting" and greeted else "nothing_asked" if kind == "opener" else kind
    return wording(facts, key, "smalltalk", name=facts.municipality.name)


def choices(facts: Facts, entries: list[Entry]) -> Reply:
    """Return the offer of choices; the channel shows the labels as it can."""
    fallback = (spoken(facts.language), facts.municipality.main_language)
    labels = [entry.text(facts.language, fallback).question for entry in entries]
    labels.append(say(facts.language, "choices_none"))
    intro = "choices_intro" if len(entries) > 1 else "choices_one"
    return Reply(say(facts.language, intro), "choices", choices=tuple(labels))


def handed_off(facts: Facts, key: str, **values: object) -> Reply:
    """Return the promise of a person, with the case number and the time; it exists only together with the ticket."""
    known = _known(facts) if key in ADDING else None
    return Reply(known or _promise(facts, key, **values), "receipt")


def _known(facts: Facts) -> str | None:
    """Return how the open case stands where no time may be promised again: it tells of danger, or its time has passed.

    None for any other: it is told when there will be an answer.
    """
    ticket = facts.seen.open_ticket
    if ticket is None or ticket.state != TicketState.OPEN:
        return None
    if _is_urgent(ticket):
        return say(facts.language, "urgent_case", reference=ticket.number)
    return say(facts.language, "status_late", reference=ticket.number) if ticket.due_at <= facts.now else None


def handed_off_in_a_foreign_language(facts: Facts) -> Reply:
    """Return the same with the resident's language named; in English as well, unless each word of it is paid for."""
    in_english = facts.language != "en" and facts.length != Length.SMS
    both = (facts, replace(facts, language="en")) if in_english else (facts,)
    name = "handoff_language"
    words = [_promise(one, name, language=language_name(facts.foreign, one.language)) for one in both]
    return Reply("\n\n".join(words), "receipt")


def _promise(facts: Facts, key: str, **values: object) -> str:
    words = say(facts.language, key, reference=REFERENCE, due=due(facts), **values)
    is_open, sentence = facts.municipality.opening(facts.now, facts.language)
    if is_open or facts.length == Length.SMS:
        return words
    return f"{words} {say(facts.language, 'handoff_closed', sentence=sentence)}"


def added(facts: Facts) -> Reply:
    """Return the word that an addition has reached the case."""
    ticket = facts.seen.ticket
    reference = ticket.number if ticket is not None else REFERENCE
    words = _known(facts) or say(facts.language, "added", reference=reference, due=due(facts))
    return Reply(words, "added")


def due(facts: Facts) -> str:
    """Return in words when a person will have answered."""
    ticket = facts.seen.open_ticket
    if ticket is not None and ticket.state == TicketState.OPEN and ticket.due_at > facts.now:
        return _due(facts, ticket)
    return facts.municipality.in_words("due_by", facts.municipality.due(facts.now), facts.language)


def acute(facts: Facts, danger: Danger) -> Reply:
    """Return who can help now, by the hour and the channel, and that a person has been alerted."""
    lines = facts.municipality.place.help_lines(danger.kind, facts.now, facts.channel, minor=danger.minor)
    language = spoken(facts.language)
    listed = [f"{line.name}: {line.number}. {line.note_by_language.get(language, '')}".strip() for line in lines]
    parts = [say(facts.language, f"acute_{danger.kind}")]
    if danger.minor:
        parts.insert(0, say(facts.language, "acute_minor"))
    parts += [say(facts.language, "acute_lines"), *listed, say(facts.language, "acute_case", reference=REFERENCE)]
    return Reply("\n".join(parts), "acute", urgent=True)


def status(facts: Facts, reference: str) -> Reply:
    """Return where the resident's own case stands; a case of somebody else's is not known to exist."""
    own = facts.seen.tickets
    wanted = [ticket for ticket in own if str(ticket.number) == reference.lstrip("#")] if reference else list(own[:1])
    if not wanted:
        key = "status_none" if reference else "status_empty"
        return wording(facts, key, "command", **({"reference": reference} if reference else {}))
    return Reply(_status(facts, wanted[0]), "command")


def why(facts: Facts) -> Reply:
    """Return in plain words why the last question got no answer, and why each of the last answers was given.

    Of each answer: what, how sure, by which words, and whose it is.
    """
    known = [(last, facts.entries[last.entry]) for last in facts.seen.last_answers if last.entry in facts.entries]
    doubt = _doubt(facts) if not known or known[-1][0].passed else ""
    if not known:
        return Reply(say(facts.language, "why_other", reason=doubt).strip(), "command")
    told = (" ".join(_reasons(facts, last, entry)) for last, entry in known)
    return Reply("\n\n".join(filter(None, (doubt, *told))), "command")


def _doubt(facts: Facts) -> str:
    """Return why a question was met with choices, or passed on to a person; "" where it was neither."""
    if facts.pending is not None and facts.pending.get("kind") == "choices":
        return say(facts.language, "why_choices")
    ticket = facts.seen.ticket
    passed_on = ticket is not None and ticket.reason in (Reason.UNSURE, Reason.PARTLY)
    return say(facts.language, "why_handoff") if passed_on else ""


def _reasons(facts: Facts, last: LastAnswer, entry: Entry) -> Iterator[str]:
    language = facts.language
    question = entry.text(language, (last.language,)).question
    yield say(language, "why_answer", question=question, name=facts.municipality.name, entry=entry.id,
              version=last.entry_version)  # fmt: skip
    if last.rule == "chosen":
        yield say(language, "why_chosen")
    else:
        percent = min(99, round(float(last.confidence) * 100))  # nobody is ever quite sure
        yield say(language, "why_sure", percent=percent, phrasing=last.phrasing)
        if last.words:
            words = dict.fromkeys(say(language, "quotation", words=asked) for asked, _ in last.words)
            yield say(language, "why_words", words=", ".join(words))
    if last.rule == "follow-up":
        yield say(language, "why_follow_up")
    runner_up = facts.entries.get(last.runner_up)
    if runner_up is not None:
        yield say(language, "why_second", question=runner_up.text(language, (last.language,)).question)
    if entry.owner:
        yield say(language, "why_owner", owner=entry.owner)
    if last.changed_at is not None:
        yield say(language, "why_changed", date=_day(facts, last.changed_at))
    yield say(language, "why_language", language=language_name(last.language, language))


def _day(facts: Facts, at: datetime) -> str:
    locale = spoken(facts.language)
    pattern = "d MMMM y" if locale == "en" else "d. MMMM y"
    return str(format_date(at.astimezone(facts.municipality.zone), pattern, locale=locale))


def _status(facts: Facts, ticket: Ticket) -> str:
    reference = {"reference": ticket.number}
    if ticket.state == TicketState.CLOSED:
        return say(facts.language, "status_closed", **reference)
    if ticket.state == TicketState.WAITING:
        return say(facts.language, "status_waiting", **reference)
    if _is_urgent(ticket):
        return say(facts.language, "urgent_case", **reference)
    if ticket.due_at <= facts.now:
        return say(facts.language, "status_late", **reference)
    if ticket.team_name:
        return say(facts.language, "status_team", **reference, team=ticket.team_name, due=_due(facts, ticket))
    return say(facts.language, "status_open", **reference, due=_due(facts, ticket))


def _is_urgent(ticket: Ticket) -> bool:
    """Whether a case tells of danger: it is due at once, so no time was promised that could be told or have passed."""
    return ticket.priority == "urgent" and ticket.state == TicketState.OPEN


def _due(facts: Facts, ticket: Ticket) -> str:
    return facts.municipality.in_words("due_by", ticket.due_at, facts.language)
