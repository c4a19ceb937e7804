"""Carrying out an outcome inside the message's own transaction: nothing is promised that is not written here."""

from datetime import timedelta

from contactbot.conversation import replies, steps, store
from contactbot.conversation.facts import Facts
from contactbot.conversation.outcome import REFERENCE, Given, Outcome, Reply, Work
from contactbot.handoff import codes, desk, joining
from contactbot.handoff.strangers import store as strangers
from contactbot.handoff.ticket import NewTicket, Reason, Ticket
from contactbot.messages import Accepted, Author, Inbound, Length
from contactbot.municipality import Municipality
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.privacy.erasures import forgetting
from contactbot.privacy.erasures import store as erasures
from contactbot.privacy.erasures.erasure import PURPOSE, Order
from contactbot.storage import blobs, events
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.originals import store as originals
from contactbot.threads.thread import NewMessage, State, Thread
from contactbot.wording import say

# Replies that begin a thread with who writes.
PREFIXED = ("answer", "choices", "receipt", "command", "smalltalk", "added", PURPOSE)


def keep_message(
    tx: Transaction, inbound: Inbound, facts: Facts, outcome: Outcome, key: bytes
) -> tuple[Thread, Accepted]:
    """Write the message with everything that came with it, in its thread or a new one.

    Where it is the wish to be forgotten, that comes first, and of the message itself only stays that it came. ``key``
    signs the tombstone.
    """
    if outcome.erase and facts.seen.thread is not None:
        thread = _forgotten(tx, facts.seen.thread, inbound, facts, key)
        if thread.id != facts.seen.thread.id:
            return thread, _keep_wordless(tx, thread, inbound, facts, outcome)
    thread = _thread(tx, inbound, facts)
    new = NewMessage(
        Author.RESIDENT, facts.text or facts.subject, facts.foreign or facts.language, inbound.received_at,
        kind=outcome.kind, key=_client_key(inbound), removed=facts.removed, outcome=_why(facts, outcome),
        sender=str(inbound.sender) if facts.seen.by_another else "",
        folded=tuple({"text": part.text, "rule": part.rule} for part in facts.folded),
    )  # fmt: skip
    message, _, shown, _ = threads.append(tx, thread.municipality, thread.id, new, _state(thread, facts, outcome))
    accepted = Accepted(message, thread.id, shown)
    threads.accept(tx, thread.municipality, facts.seen.account, inbound, accepted)
    refs = [*inbound.refs, inbound.external_id] if inbound.refs or "@" in inbound.external_id else []
    threads.add_refs(tx, thread.municipality, thread.id, message, refs, own=False)
    _keep_bytes(tx, message, inbound, facts.municipality)
    return thread, accepted


def carry_out(
    tx: Transaction, thread: Thread, inbound: Inbound, facts: Facts, outcome: Outcome, give_up: timedelta
) -> None:
    """Write what the outcome says: silence, work, words, state. The order is the order residents see.

    What cannot be sent within ``give_up`` is given up.
    """
    municipality, now = thread.municipality, facts.now
    if outcome.silence is not None:
        threads.set_stopped(tx, thread.address, now if outcome.silence else None)
        for unsaid in outbox.cancel_all(tx, thread.address, now) if outcome.silence else ():
            desk.undelivered(tx, municipality, unsaid, now, facts.municipality.due(now))
    ticket = _opened(tx, thread, facts, outcome)
    if outcome.survey:
        ticket = desk.how_it_went(tx, thread, outcome.survey, now, facts.municipality.due(now))
    if ticket is None and outcome.to_people:
        ticket = desk.written_again(tx, thread, now, facts.municipality.due(now))
    if outcome.code_for and not codes.send(tx, thread, outcome.code_for, facts.code, now, now + steps.CODE_LIFE):
        threads.set_pending(tx, thread.id, {**(outcome.pending or {}), "code": ""})  # which nobody can type
    if outcome.go_on:
        ticket = codes.go_on(tx, thread, outcome.go_on, now)
    if outcome.incident:
        events.record(tx, municipality, now, "bot", f"incident.{outcome.incident}", thread=thread.id)
    disclosed, told = thread.disclosed, False
    for reply in outcome.replies:
        worded = _worded(facts, reply, ticket, disclosed=disclosed, told=told)
        _say(tx, thread, inbound, facts, outcome, worded, give_up)
        disclosed, told = True, told or reply.purpose in PREFIXED
    concerned = ticket or facts.seen.open_ticket
    events.record(
        tx, municipality, now, "resident", "message.received", thread=thread.id,
        ticket=concerned.id if concerned is not None else None,
        data={"outcome": outcome.label, "rule": outcome.rule, "channel": thread.channel},
    )  # fmt: skip


def _thread(tx: Transaction, inbound: Inbound, facts: Facts) -> Thread:
    seen = facts.seen
    if seen.thread is not None:
        return seen.thread
    name = facts.municipality.mask(inbound.sender_name).text
    address = threads.keep_address(tx, seen.municipality, inbound.sender, name, facts.now)
    if seen.address is not None:
        threads.close_threads(tx, seen.account, address)
    thread = threads.open_thread(
        tx, seen.municipality, seen.account, address, inbound.channel, facts.subject, facts.language, facts.now
    )
    if seen.ticket is not None and seen.elsewhere is not None:
        return joining.go_on_here(tx, seen.ticket, thread, facts.now)
    return thread


def _state(thread: Thread, facts: Facts, outcome: Outcome) -> State:
    """Return what a message makes of its thread; only the resident's own words settle the language."""
    disclosed = thread.disclosed or bool(outcome.replies)
    own = outcome.kind == "message" and facts.may_reply and not facts.seen.by_another
    language = outcome.language or (facts.language if own else thread.language)
    return State(facts.now, language, outcome.pending, disclosed)


def _forgotten(tx: Transaction, thread: Thread, inbound: Inbound, facts: Facts, key: bytes) -> Thread:
    """Forget the sender; return where they go on: in a thread without a past, or in the case that must be kept.

    A long conversation loses the rest of its words soon after (``upkeep``); nobody finds it meanwhile.
    """
    municipality, shown = thread.municipality, erasures.seen_by(tx, thread.address)
    order = Order(municipality, (thread.address,), "resident", facts.now, facts.now, key)
    number = forgetting.begin(tx, order)
    forgetting.take_words(tx, forgetting.state_of(tx, municipality, number), forgetting.BATCH)
    standing = threads.thread_by_id(tx, municipality, thread.id)
    if standing is not None and standing.address != thread.address:
        return standing
    address = threads.keep_address(tx, municipality, inbound.sender, "", facts.now)
    return threads.open_thread(
        tx, municipality, thread.account, address, thread.channel, "", thread.language, facts.now, shown=shown
    )


def _keep_wordless(tx: Transaction, thread: Thread, inbound: Inbound, facts: Facts, outcome: Outcome) -> Accepted:
    """Keep that a message came, so that it is accepted once, and nothing of what it said."""
    new = NewMessage(
        Author.RESIDENT, "", facts.language, inbound.received_at, key=_client_key(inbound),
        outcome=_why(facts, outcome),
    )  # fmt: skip
    message, _, shown, _ = threads.append(tx, thread.municipality, thread.id, new, _state(thread, facts, outcome))
    accepted = Accepted(message, thread.id, shown)
    threads.accept(tx, thread.municipality, facts.seen.account, inbound, accepted)
    return accepted


def _opened(tx: Transaction, thread: Thread, facts: Facts, outcome: Outcome) -> Ticket | None:
    """Open the work of an outcome; let a stranger's thread wait, or wait no longer."""
    if outcome.set_aside:
        return _set_aside(tx, thread, facts)
    if facts.seen.stranger and facts.seen.thread is not None:
        strangers.take_up(tx, thread.id)
    return None if outcome.work is None else _work(tx, thread, facts, outcome.work)


def _work(tx: Transaction, thread: Thread, facts: Facts, work: Work) -> Ticket:
    asked_for_person = work.reason == Reason.ASKED and not facts.subject
    matter = store.matter_of(tx, thread.id, steps.TITLE) if asked_for_person else ""
    new = NewTicket(
        title=matter or work.title, reason=work.reason, source=thread.channel, at=facts.now,
        due_at=facts.now if work.priority == "urgent" else facts.municipality.due(facts.now),
        topic=work.topic, team=work.team, priority=work.priority,
    )  # fmt: skip
    return desk.hand_off(tx, thread, new)


def _set_aside(tx: Transaction, thread: Thread, facts: Facts) -> Ticket | None:
    """Let the thread wait where staff find it; the first of a crowd is the case that tells of all of them."""
    if strangers.is_told(tx, thread.municipality, thread.channel):
        strangers.set_aside(tx, thread.id, facts.now)
        return None
    events.record(tx, thread.municipality, facts.now, "bot", "incident.strangers", thread=thread.id)
    return _work(tx, thread, facts, Work(Reason.STRANGERS, say(facts.municipality.main_language, "strangers_title")))


def _worded(facts: Facts, reply: Reply, ticket: Ticket | None, *, disclosed: bool, told: bool) -> Reply:
    """Fill in the case number, and say who writes and what was taken out where that is due; help in danger is first."""
    text = reply.text.replace(REFERENCE, str(ticket.number) if ticket is not None else "")
    between = " " if facts.length == Length.SMS else "\n\n"
    who = "" if disclosed else replies.disclosure(facts, reply.markup)
    taken_out = replies.masked(facts) if reply.purpose in PREFIXED and not told else ""
    parts = (who, taken_out, text) if reply.purpose in PREFIXED else (text, who)
    return Reply(between.join(filter(None, parts)), reply.purpose, reply.markup, reply.choices, reply.urgent)


def _say(  # noqa: PLR0913 - what a reply is made of
    tx: Transaction, thread: Thread, inbound: Inbound, facts: Facts, outcome: Outcome, reply: Reply, give_up: timedelta
) -> None:
    language = outcome.language or facts.language
    new = NewMessage(
        Author.BOT, reply.text, language, facts.now, markup=reply.markup, choices=reply.choices,
        outcome={"outcome": outcome.label, "rule": outcome.rule},
    )  # fmt: skip
    placed = threads.append(tx, thread.municipality, thread.id, new)
    for given in outcome.given:
        keep_given(tx, thread.municipality, placed.id, given)
    outbox.post(
        tx, thread.municipality, thread.id, thread.channel, placed,
        Post(
            reply.purpose, Author.BOT, placed.turn_epoch, facts.now, subject=facts.subject or thread.subject,
            in_reply_to=inbound.external_id, urgent=reply.urgent, expires_at=facts.now + give_up,
        ),
    )  # fmt: skip


def keep_given(tx: Transaction, municipality: str, message: int, given: Given) -> None:
    """Keep why an answer was given."""
    tx.insert(
        "answer_given", municipality=municipality, message=message, entry=given.entry, entry_version=given.version,
        language=given.language, confidence=f"{given.confidence:.4f}", runner_up=given.runner_up,
        phrasing=given.phrasing, words=given.words, rule=given.rule,
    )  # fmt: skip


def _keep_bytes(tx: Transaction, message: int, inbound: Inbound, municipality: Municipality) -> None:
    if inbound.raw:
        name = blobs.keep_rest(tx, municipality.id, inbound.raw, inbound.received_at)
        originals.keep_raw(tx, municipality.id, message, inbound.raw_type, name, len(inbound.raw))
    for file in inbound.attachments:
        name = blobs.keep_rest(tx, municipality.id, file.content, inbound.received_at)
        shown = municipality.mask(file.name).text
        originals.keep_attachment(tx, municipality.id, message, shown, file.media_type, len(file.content), name)


def _client_key(inbound: Inbound) -> str:
    """Return the client's own identifier of a chat message, by which it knows its own words again."""
    return inbound.external_id.rpartition(":")[2] if inbound.sender.scheme == "webchat" else ""


def _why(facts: Facts, outcome: Outcome) -> dict[str, object]:
    best = facts.candidates[0].probability if facts.candidates else 0.0
    least = min((given.confidence for given in outcome.given), default=best)
    return {
        "outcome": outcome.label, "rule": outcome.rule, "answered": [given.entry for given in outcome.given],
        "entries": list(outcome.considered),
        "confidence": round(least, 4),
        "language": facts.foreign or outcome.language or facts.language,
    }  # fmt: skip
