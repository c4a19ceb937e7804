"""What staff do at the desk. Each function is a unit: message, state, event and outbox row are one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import store
from contactbot.handoff.accesses import store as accesses
from contactbot.handoff.accesses.access import What
from contactbot.handoff.content import Content, OpenChannelError, Reserved
from contactbot.handoff.ticket import (
    UNPROVEN,
    Filter,
    HistoryLine,
    Line,
    NewTicket,
    Priority,
    Reason,
    Ticket,
    TicketState,
)
from contactbot.messages import Address, Author
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.staff.member import Member
from contactbot.storage import events
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.originals import store as originals
from contactbot.threads.sessions import store as sessions
from contactbot.threads.thread import Message, NewMessage, Thread, TurnOwner
from contactbot.wording import say

# Contacts that staff enter themselves; no channel of ours reaches back on these.
REGISTERED_CHANNELS = ("phone", "letter", "counter")
# Nobody asks how it went who was in danger, wants to be forgotten, may not be who they say, or wrote like a machine.
UNASKED = (Reason.ACUTE, Reason.ERASURE, Reason.FLOOD, Reason.BRAKED, Reason.STRANGERS, *UNPROVEN)
CODES = ("delete", "continue")  # kinds of what is pending that only a code answers
SURVEY_PAUSE = timedelta(days=30)  # nobody is asked twice within it


@dataclass(frozen=True, slots=True)
class Actor:
    """The member of staff who acts, and when."""

    staff: int
    name: str
    municipality: str
    at: datetime

    def __str__(self) -> str:
        """Return the actor as events name it."""
        return f"staff:{self.staff}"


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket with everything one needs to work on it."""

    ticket: Ticket
    threads: tuple[Thread, ...]
    addresses: tuple[Address, ...]
    names: tuple[str, ...]
    messages: tuple[Message, ...]
    history: tuple[HistoryLine, ...]
    sending: tuple[tuple[int, str, str], ...]
    files: tuple[tuple[int, str, str, int, str], ...]
    earlier: tuple[Ticket, ...]


def hand_off(tx: Transaction, thread: Thread, new: NewTicket) -> Ticket:
    """Give a thread to people: open a ticket for it, or add to the open one, and let the turn wait for them."""
    ticket = store.of_thread(tx, thread.id)
    if ticket is None or ticket.state == TicketState.CLOSED:
        ticket = store.open_ticket(tx, thread.municipality, new)
        store.link(tx, thread.municipality, ticket.id, thread.id, new.at)
        _event(tx, ticket, new.at, "bot", "ticket.opened", {"reason": new.reason, "team": ticket.team_name})
    elif new.reason == Reason.UNDELIVERED:
        store.change(tx, ticket.id, state=TicketState.OPEN, last_at=new.at, unread=1, due_at=_due(ticket, new))
        _event(tx, ticket, new.at, "delivery", "ticket.undelivered", thread=thread.id)
    else:
        _written_again(tx, ticket, new)
    if thread.turn_owner == TurnOwner.BOT:
        threads.set_turn(tx, thread.id, TurnOwner.WAITING)
    return ticket


def undelivered(tx: Transaction, municipality: str, number: int, at: datetime, due_at: datetime) -> Ticket:
    """Give a thread to people in which something could not be said: nobody may take it for answered."""
    thread = threads.thread_by_id(tx, municipality, number)
    assert thread is not None, "an outbox row's thread is there"  # noqa: S101 - narrows the type
    title = thread.subject or f"#{thread.id}"
    return hand_off(tx, thread, NewTicket(title, Reason.UNDELIVERED, thread.channel, at, due_at))


def written_again(tx: Transaction, thread: Thread, at: datetime, due_at: datetime) -> Ticket | None:
    """Note that the resident wrote in a thread that people have; an answered or closed ticket is due anew."""
    ticket = store.of_thread(tx, thread.id)
    if ticket is not None:
        _written_again(tx, ticket, NewTicket(ticket.title, ticket.reason, thread.channel, at, due_at))
    return ticket


def claim(tx: Transaction, number: int, actor: Actor) -> None:
    """Take a ticket. The bot's queued answers are withdrawn and cannot leave any more.

    Raises NotFoundError, and ConflictError when somebody else has it or it is closed.
    """
    ticket = _not_closed(tx, number, actor)
    if ticket.assignee not in (None, actor.staff):
        raise ConflictError(f"{ticket.assignee_name} has case {number}; ask them, or release it first")
    _take(tx, ticket, actor)


def release(tx: Transaction, number: int, actor: Actor) -> None:
    """Give a ticket back to its team."""
    ticket = get(tx, actor.municipality, number)
    store.change(tx, ticket.id, assignee=None)
    settle_turns(tx, ticket, actor.at)
    _event(tx, ticket, actor.at, str(actor), "ticket.released")


def assign(tx: Transaction, number: int, team: str, actor: Actor) -> None:
    """Move a ticket to another team, unassigned. Raises NotFoundError for an unknown team."""
    ticket = get(tx, actor.municipality, number)
    wanted = store.team_named(tx, actor.municipality, team)
    if wanted is None:
        raise NotFoundError(f"there is no team {team!r}; teams are named in the configuration")
    store.change(tx, ticket.id, team=wanted, assignee=None)
    settle_turns(tx, ticket, actor.at)
    _event(tx, ticket, actor.at, str(actor), "ticket.moved", {"team": team})


def give(tx: Transaction, number: int, to: Member, actor: Actor) -> None:
    """Give a ticket to a colleague, or to oneself, whoever had it. Raises NotFoundError, ConflictError when closed."""
    ticket = _not_closed(tx, number, actor)
    if ticket.assignee == to.id:
        return
    if to.id == actor.staff:
        _take(tx, ticket, actor)
    else:
        _hold(tx, ticket, to.id, actor, "ticket.given", {"to": to.id})


def _not_closed(tx: Transaction, number: int, actor: Actor) -> Ticket:
    ticket = get(tx, actor.municipality, number)
    if ticket.state == TicketState.CLOSED:
        raise ConflictError(f"case {number} is closed; open it again before somebody gets it")
    return ticket


def reply(tx: Transaction, number: int, text: str, actor: Actor, content: Content = Content.ORDINARY) -> int:
    """Answer the resident on the channel they last wrote on; return the message's id.

    Raises NotFoundError, ConflictError for an empty text or when the resident has asked for no messages, and
    OpenChannelError for content that may not leave on that channel: ``announce`` it instead.
    """
    ticket = get(tx, actor.municipality, number)
    if not text.strip():
        raise ConflictError("an empty reply cannot be sent")
    thread = _take_up(tx, ticket, actor)
    if content != Content.ORDINARY and thread.channel not in REGISTERED_CHANNELS:
        raise OpenChannelError(f"{content} never leaves on {thread.channel}; send a notice of it only")
    message = _say(tx, thread, text.strip(), actor, "answer")
    _answered(tx, ticket, thread, actor)
    _event(tx, ticket, actor.at, str(actor), "ticket.answered", {"channel": thread.channel}, thread.id)
    return message


def announce(tx: Transaction, number: int, reserved: Reserved, actor: Actor) -> int:
    """Tell the resident that something awaits them where they sign in, and nothing more; return the notice's id.

    The content itself is kept as a record that only staff see. Raises NotFoundError, and ConflictError for an empty
    or ordinary content, when the resident has asked for no messages, and where nothing can be sent.
    """
    ticket = get(tx, actor.municipality, number)
    if not reserved.text.strip() or reserved.content == Content.ORDINARY:
        raise ConflictError("a notice is of something, and of nothing that could be sent as it is")
    thread = _take_up(tx, ticket, actor)
    if thread.channel in REGISTERED_CHANNELS:
        raise ConflictError("nothing is sent to a registered contact; enter what was said as a reply")
    kept = NewMessage(
        Author.STAFF, reserved.text.strip(), thread.language, actor.at, kind="note", staff=actor.staff,
        outcome={"content": reserved.content},
    )  # fmt: skip
    threads.append(tx, ticket.municipality, thread.id, kept)
    notice = say(thread.language, "notice_only", municipality=reserved.sender, place=reserved.read_at)
    message = _say(tx, thread, notice, actor, "notice")
    _answered(tx, ticket, thread, actor)
    data: dict[str, object] = {"channel": thread.channel, "content": reserved.content}
    _event(tx, ticket, actor.at, str(actor), "ticket.announced", data, thread.id)
    return message


def note(tx: Transaction, number: int, text: str, actor: Actor) -> int:
    """Leave a note for colleagues; it never reaches the resident nor the bot. Return the message's id."""
    ticket = get(tx, actor.municipality, number)
    if not text.strip():
        raise ConflictError("an empty note cannot be kept")
    thread = _latest_thread(tx, ticket)
    message, *_ = threads.append(
        tx, ticket.municipality, thread.id,
        NewMessage(Author.STAFF, text.strip(), thread.language, actor.at, kind="note", staff=actor.staff),
    )  # fmt: skip
    store.change(tx, ticket.id, last_at=actor.at)
    _event(tx, ticket, actor.at, str(actor), "ticket.noted", thread=thread.id)
    return message


def close(tx: Transaction, number: int, actor: Actor, *, survey: bool) -> None:
    """Close a ticket; the turn is the bot's again where no other ticket is open in the conversation.

    Asks how it went, at most once per ticket and per 30 days.
    """
    ticket = get(tx, actor.municipality, number)
    if ticket.state == TicketState.CLOSED:
        return
    store.change(tx, ticket.id, state=TicketState.CLOSED, closed_at=actor.at, last_at=actor.at, unread=0)
    settle_turns(tx, ticket, actor.at)
    _event(tx, ticket, actor.at, str(actor), "ticket.closed")
    if survey and ticket.reason not in UNASKED:
        _ask_how_it_went(tx, ticket, actor)


def how_it_went(tx: Transaction, thread: Thread, answer: str, at: datetime, due_at: datetime) -> Ticket | None:
    """Keep the resident's answer to the survey; a no opens the case again, due anew. Return the case."""
    ticket = store.by_number(tx, thread.municipality, int((thread.pending or {}).get("ticket", 0)))
    if ticket is None:
        return None
    _event(tx, ticket, at, "resident", "ticket.rated", {"answer": answer}, thread.id)
    if answer == "no" and ticket.state == TicketState.CLOSED:
        store.change(tx, ticket.id, state=TicketState.OPEN, closed_at=None, due_at=due_at, last_at=at, unread=1)
        settle_turns(tx, ticket, at)
        _event(tx, ticket, at, "resident", "ticket.reopened")
    return ticket


def left(tx: Transaction, session: Address, at: datetime) -> None:
    """Tell of a resident who ended the conversation; their cases stay open, for people to close."""
    for municipality, number in sessions.cases_of(tx, session):
        _event(tx, get(tx, municipality, number), at, "resident", "ticket.left")


def reopen(tx: Transaction, number: int, actor: Actor, due_at: datetime | None = None) -> None:
    """Open a closed or waiting ticket again, due at ``due_at`` where the time that was told has passed."""
    ticket = get(tx, actor.municipality, number)
    due = due_at if due_at is not None and ticket.due_at < actor.at else ticket.due_at
    store.change(tx, ticket.id, state=TicketState.OPEN, closed_at=None, due_at=due, last_at=actor.at)
    settle_turns(tx, ticket, actor.at)
    _event(tx, ticket, actor.at, str(actor), "ticket.reopened")


def read(tx: Transaction, number: int, actor: Actor) -> bool:
    """Note who looks at a ticket; return whether nobody had since the resident wrote."""
    ticket = get(tx, actor.municipality, number)
    accesses.note(tx, ticket, actor.staff, What.CASE, actor.at)
    if ticket.unread:
        store.change(tx, ticket.id, unread=0)
    return ticket.unread


def register(  # noqa: PLR0913 - the fields of the form
    tx: Transaction,
    channel: str,
    who: str,
    name: str,
    title: str,
    text: str,
    due_at: datetime,
    priority: Priority,
    actor: Actor,
) -> int:
    """Enter a phone call, letter or visit as a ticket like any other; return its number.

    ``who`` is a phone number or postal address, or empty for an anonymous resident. Raises ConflictError for an unknown
    channel or an empty text.
    """
    if channel not in REGISTERED_CHANNELS:
        raise ConflictError(f"contacts are registered as one of {', '.join(REGISTERED_CHANNELS)}")
    if not text.strip():
        raise ConflictError("write down what the resident asked")
    municipality = actor.municipality
    account, _ = threads.account_of(tx, channel, municipality)
    known_as = Address(channel, who or f"anonym-{actor.at:%Y%m%d%H%M%S%f}")
    address = threads.keep_address(tx, municipality, known_as, name, actor.at)
    language = store.main_language(tx, municipality)
    thread = threads.open_thread(tx, municipality, account, address, channel, title, language, actor.at)
    threads.append(tx, municipality, thread.id, NewMessage(Author.RESIDENT, text.strip(), language, actor.at))
    ticket = hand_off(
        tx,
        thread,
        NewTicket(title or text.strip()[:80], Reason.REGISTERED, channel, actor.at, due_at, priority=priority),
    )
    store.change(tx, ticket.id, unread=0)
    _event(tx, ticket, actor.at, str(actor), "ticket.registered", {"channel": channel})
    return ticket.number


def get(tx: Transaction, municipality: str, number: int) -> Ticket:
    """Return a ticket of the municipality. Raises NotFoundError."""
    ticket = store.by_number(tx, municipality, number)
    if ticket is None:
        raise NotFoundError(f"there is no case {number} here")
    return ticket


def case(tx: Transaction, municipality: str, number: int) -> Case:
    """Return a ticket with its conversation over all channels. Raises NotFoundError."""
    ticket = get(tx, municipality, number)
    numbers = store.threads_of(tx, ticket.id)
    found = [thread for n in numbers if (thread := threads.thread_by_id(tx, municipality, n))]
    messages = sorted(
        (message for n in numbers for message in threads.messages_of(tx, municipality, n)),
        key=lambda m: (m.created_at, m.id),
    )
    addresses = [threads.address_by_id(tx, thread.address) for thread in found]
    earlier = {t.id: t for a in addresses for t in store.of_address(tx, a.id, 10) if t.id != ticket.id}
    return Case(
        ticket=ticket,
        threads=tuple(found),
        addresses=tuple(a.address for a in addresses),
        names=tuple(a.name for a in addresses),
        messages=tuple(messages),
        history=store.history(tx, ticket.id, numbers),
        sending=outbox.states_of(tx, numbers),
        files=originals.files_of(tx, numbers),
        earlier=tuple(earlier.values()),
    )


def lines(  # noqa: PLR0913 - who asks for what, and when
    tx: Transaction,
    municipality: str,
    view: str,
    staff: int,
    now: datetime,
    limit: int,
    narrowed: Filter = store.NO_FILTER,
) -> tuple[Line, ...]:
    """Return those of a view's tickets that pass a filter. Raises NotFoundError for an unknown view."""
    if view not in store.VIEWS:
        raise NotFoundError(f"there is no view {view!r}")
    return store.view(tx, municipality, view, staff, now, limit, narrowed)


def _take_up(tx: Transaction, ticket: Ticket, actor: Actor) -> Thread:
    """Take a case nobody has, open one that was closed, and return the thread to answer in as it stands then."""
    if ticket.assignee is None:
        _take(tx, ticket, actor)
    elif ticket.state == TicketState.CLOSED:
        reopen(tx, ticket.number, actor)
    return _latest_thread(tx, ticket)


def _answered(tx: Transaction, ticket: Ticket, thread: Thread, actor: Actor) -> None:
    """Let the resident have the word."""
    store.change(
        tx, ticket.id, state=TicketState.WAITING, answered_at=ticket.answered_at or actor.at, closed_at=None,
        last_at=actor.at, unread=0,
    )  # fmt: skip
    # "2" answers the person now, not what the bot had offered; a code it asked for is still a code.
    pending = thread.pending if thread.pending is not None and thread.pending.get("kind") in CODES else None
    threads.touch(tx, thread.id, at=actor.at, language=thread.language, pending=pending, disclosed=thread.disclosed)


def _take(tx: Transaction, ticket: Ticket, actor: Actor) -> None:
    _hold(tx, ticket, actor.staff, actor, "ticket.claimed", {})


def _hold(tx: Transaction, ticket: Ticket, staff: int, actor: Actor, kind: str, data: dict[str, object]) -> None:
    """Let a member of staff have a ticket: what the bot has queued in it is withdrawn."""
    store.change(tx, ticket.id, assignee=staff)
    withdrawn = 0
    for thread in store.threads_of(tx, ticket.id):
        threads.set_turn(tx, thread, TurnOwner.STAFF)
        withdrawn += outbox.withdraw(tx, thread, actor.at)
    _event(tx, ticket, actor.at, str(actor), kind, data | {"withdrawn": withdrawn})


def _say(tx: Transaction, thread: Thread, text: str, actor: Actor, purpose: str) -> int:
    address = threads.address_by_id(tx, thread.address)
    if address.stopped_at is not None:
        raise ConflictError("the resident has asked for no messages on this address; choose another way to reach them")
    message = threads.append(
        tx, thread.municipality, thread.id, NewMessage(Author.STAFF, text, thread.language, actor.at, staff=actor.staff)
    )
    if thread.channel not in REGISTERED_CHANNELS:
        outbox.post(
            tx, thread.municipality, thread.id, thread.channel, message,
            Post(
                purpose, Author.STAFF, message.turn_epoch, actor.at, subject=thread.subject,
                in_reply_to=threads.last_external_id(tx, thread.id),
            ),
        )  # fmt: skip
    return message[0]


def _ask_how_it_went(tx: Transaction, ticket: Ticket, actor: Actor) -> None:
    thread = _latest_thread(tx, ticket)
    address = threads.address_by_id(tx, thread.address)
    last = store.last_survey(tx, thread.address)
    silent = address.stopped_at is not None or thread.channel in REGISTERED_CHANNELS or store.surveyed(tx, ticket.id)
    if silent or (last is not None and actor.at - last < SURVEY_PAUSE):
        return
    text = say(thread.language, "survey", reference=ticket.number)
    labels = tuple(say(thread.language, f"survey_{answer}") for answer in ("yes", "partly", "no"))
    new = NewMessage(Author.BOT, text, thread.language, actor.at, choices=labels, outcome={"outcome": "survey"})
    message = threads.append(tx, thread.municipality, thread.id, new)
    outbox.post(
        tx, thread.municipality, thread.id, thread.channel, message,
        Post(
            "survey", Author.BOT, message.turn_epoch, actor.at, subject=thread.subject,
            in_reply_to=threads.last_external_id(tx, thread.id),
        ),
    )  # fmt: skip
    _event(tx, ticket, actor.at, "bot", "ticket.surveyed", thread=thread.id)
    threads.touch(
        tx, thread.id, at=actor.at, language=thread.language, disclosed=True,
        pending={"kind": "survey", "ticket": ticket.number, "labels": list(labels)},
    )  # fmt: skip


def _written_again(tx: Transaction, ticket: Ticket, new: NewTicket) -> None:
    store.change(
        tx, ticket.id, state=TicketState.OPEN, closed_at=None, last_at=new.at, unread=1, due_at=_due(ticket, new),
        priority="urgent" if "urgent" in (new.priority, ticket.priority) else "normal",
    )  # fmt: skip
    kind = "ticket.reopened" if ticket.state == TicketState.CLOSED else "ticket.written"
    _event(tx, ticket, new.at, "resident", kind)


def _due(ticket: Ticket, new: NewTicket) -> datetime:
    """Return when a ticket with something new in it is due: an open one keeps its time unless this is urgent."""
    if ticket.state != TicketState.OPEN:
        return new.due_at
    return min(ticket.due_at, new.due_at) if new.priority == "urgent" else ticket.due_at


def settle_turns(tx: Transaction, ticket: Ticket, at: datetime) -> None:
    """Give the turn in a ticket's conversations to whom it belongs now, other tickets of theirs considered."""
    for thread in store.threads_of(tx, ticket.id):
        settle_turn(tx, thread, at)


def settle_turn(tx: Transaction, thread: int, at: datetime) -> tuple[TurnOwner, int]:
    """Give the turn to whom the thread's cases give it, and return who that is, with the epoch.

    A person who gets it withdraws what the bot has queued: that may not leave any more, and would hold up what follows.
    """
    owner = store.turn_in(tx, thread)
    epoch = threads.set_turn(tx, thread, owner)
    if owner == TurnOwner.STAFF:
        outbox.withdraw(tx, thread, at)
    return owner, epoch


def _latest_thread(tx: Transaction, ticket: Ticket) -> Thread:
    """Return the thread the resident last wrote in: there they expect the answer."""
    last = store.last_written(tx, ticket.id)
    found = [threads.thread_by_id(tx, ticket.municipality, n) for n in store.threads_of(tx, ticket.id)]
    known = [thread for thread in found if thread is not None]
    if not known:
        raise NotFoundError(f"case {ticket.number} has no conversation to answer in")
    return max(known, key=lambda thread: (thread.id == last, thread.last_at, thread.id))


def _event(  # noqa: PLR0913 - the columns of one row
    tx: Transaction,
    ticket: Ticket,
    at: datetime,
    actor: str,
    kind: str,
    data: dict[str, object] | None = None,
    thread: int | None = None,
) -> None:
    events.record(
        tx, ticket.municipality, at, actor, kind, ticket=ticket.id, thread=thread, subject=str(ticket.number), data=data
    )
