"""The words of each outcome: an editor's answer or the bot's own wording, cut to the channel's length. Pure."""

from babel import Locale

from contactbot import markdown
from contactbot.conversation.facts import Facts
from contactbot.conversation.outcome import REFERENCE, Reply
from contactbot.conversation.safety import Danger
from contactbot.handoff.ticket import Reason, Ticket, TicketState
from contactbot.kb.entry import Entry
from contactbot.messages import Length
from contactbot.wording import say, spoken

READ_BY_EACH_OTHER = frozenset({"nb", "nn"})  # written forms whose readers need no word about the other


def wording(facts: Facts, key: str, purpose: str, **values: object) -> Reply:
    """Return the bot's own words in the conversation's language."""
    return wording_in(facts.language, key, purpose, **values)


def wording_in(language: str, key: str, purpose: str, **values: object) -> Reply:
    """Return the bot's own words in a language."""
    return Reply(say(language, key, **values), purpose)


def disclosure(facts: Facts) -> str:
    """Return the sentence that says a bot is writing, as the first reply of each thread begins."""
    name = facts.municipality.name
    if facts.length == Length.SMS:
        return say(facts.language, "disclosure_sms", name=name)
    return say(facts.language, "disclosure", name=name, privacy=facts.municipality.privacy_url)


def masked(facts: Facts) -> str:
    """Return what is said once when something was taken out of the message, never echoing it."""
    if not facts.removed:
        return ""
    return say(facts.language, "masked" if "national_id" in facts.removed else "masked_other")


def answer(facts: Facts, entry: Entry) -> Reply:
    """Return the editor's answer in the resident's language and the channel's length."""
    text = entry.text(facts.language, (spoken(facts.language), facts.municipality.main_language))
    words = text.answer(facts.length.value) or text.question
    if facts.length == Length.SMS and not text.sms:  # borrowed from a longer answer, which is Markdown
        words = markdown.to_plain(words)
    if text.language != facts.language and not {text.language, facts.language} <= READ_BY_EACH_OTHER:
        words = f"{words}\n\n{say(facts.language, 'other_language_note')}"
    return Reply(words, "answer", markup="plain" if facts.length == Length.SMS else "markdown")


def smalltalk(facts: Facts, kind: str) -> Reply:
    """Return a decent word; a first greeting is not said twice, since the disclosure before it greets already."""
    thread = facts.seen.thread
    greeted = facts.length != Length.SMS and not (thread is not None and thread.disclosed)
    key = "greeting_first" if kind == "greeting" and greeted else kind
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
    words = say(facts.language, key, reference=REFERENCE, due=due(facts), **values)
    is_open, sentence = facts.municipality.opening(facts.now, facts.language)
    if not is_open and facts.length != Length.SMS:
        words = f"{words} {say(facts.language, 'handoff_closed', sentence=sentence)}"
    return Reply(words, "receipt")


def name_of_language(facts: Facts) -> str:
    """Return the name of the message's own language, in the language of the reply."""
    return str(Locale(spoken(facts.language)).languages.get(facts.foreign, facts.foreign))


def added(facts: Facts) -> Reply:
    """Return the word that an addition has reached the case."""
    ticket = facts.seen.ticket
    reference = ticket.number if ticket is not None else REFERENCE
    return Reply(say(facts.language, "added", reference=reference, due=due(facts)), "added")


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
    """Return in plain words why the last answer was given."""
    last = facts.seen.last_answer
    if last is None or last.entry not in facts.entries:
        handed_off_before = facts.seen.ticket is not None and facts.seen.ticket.reason == Reason.UNSURE
        reason = say(facts.language, "why_handoff") if handed_off_before else ""
        return Reply(say(facts.language, "why_other", reason=reason).strip(), "command")
    entry = facts.entries[last.entry]
    question = entry.text(facts.language, (last.language,)).question
    common = {"name": facts.municipality.name, "question": question, "entry": last.entry, "version": last.entry_version}
    if last.rule == "chosen":
        return wording(facts, "why_answer_choice", "command", **common)
    return wording(
        facts,
        "why_answer",
        "command",
        **common,
        phrasing=last.phrasing,
        percent=round(float(last.confidence) * 100),
        words=", ".join(dict.fromkeys(str(pair[0]) for pair in last.words)) or "-",
    )


def _status(facts: Facts, ticket: Ticket) -> str:
    reference = {"reference": ticket.number}
    if ticket.state == TicketState.CLOSED:
        return say(facts.language, "status_closed", **reference)
    if ticket.state == TicketState.WAITING:
        return say(facts.language, "status_waiting", **reference)
    if ticket.due_at < facts.now:
        return say(facts.language, "status_late", **reference)
    if ticket.team_name:
        return say(facts.language, "status_team", **reference, team=ticket.team_name, due=_due(facts, ticket))
    return say(facts.language, "status_open", **reference, due=_due(facts, ticket))


def _due(facts: Facts, ticket: Ticket) -> str:
    return facts.municipality.in_words("due_by", ticket.due_at, facts.language)
