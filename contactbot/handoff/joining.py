"""Conversations joined to a case and parted from it: by staff, or by a resident who proved to be the same person.

A join is a row that can end, so it can be undone: no message moves, and each stays where it was written.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import store
from contactbot.handoff.claims import numbers_named
from contactbot.handoff.desk import Actor, Case, get, settle_turn, settle_turns
from contactbot.handoff.ticket import NewTicket, Ticket, TicketState
from contactbot.messages import Author
from contactbot.storage import events
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import Thread

# Of two cases that become one, the state that asks most of people stands.
STATES: Final = (TicketState.OPEN, TicketState.WAITING, TicketState.CLOSED)


def go_on_here(tx: Transaction, ticket: Ticket, thread: Thread, at: datetime) -> Thread:
    """Join a resident's thread on another channel to the case they proved to be theirs; return it as it stands then."""
    if store.linked_at(tx, ticket.id, thread.id) is not None:
        return thread
    store.link(tx, ticket.municipality, ticket.id, thread.id, at)
    owner, epoch = settle_turn(tx, thread.id, at)
    _record(tx, ticket, at, "resident", "ticket.joined", {"channel": thread.channel})
    return replace(thread, turn_owner=owner, turn_epoch=epoch, version=thread.version + 1)


def join(tx: Transaction, number: int, other: int, actor: Actor) -> None:
    """Join all conversations of case ``other`` to case ``number``, and close the other without asking how it went.

    Whoever writes in them from now on reaches ``number``. Raises NotFoundError, and ConflictError where there is
    nothing to join.
    """
    ticket, joined = get(tx, actor.municipality, number), get(tx, actor.municipality, other)
    here = store.threads_of(tx, ticket.id)
    new = [thread for thread in store.threads_of(tx, joined.id) if thread not in here]
    if not new:
        raise ConflictError(f"case {number} has every conversation of case {other} already")
    for thread in new:
        store.link(tx, ticket.municipality, ticket.id, thread, actor.at)
        _record(tx, ticket, actor.at, str(actor), "ticket.joined", {"other": other})
    _take_over(tx, ticket, joined, actor.at)
    if joined.state != TicketState.CLOSED:
        store.change(tx, joined.id, state=TicketState.CLOSED, closed_at=actor.at, last_at=actor.at, unread=0)
    _record(tx, joined, actor.at, str(actor), "ticket.joined_into", {"other": number})
    settle_turns(tx, ticket, actor.at)


def part(tx: Transaction, number: int, thread: int, actor: Actor) -> int:
    """Part a conversation from a case; return the number of the case that has it then.

    That is the case it came from, opened again where the join had closed it; a conversation that had none gets one of
    its own, so that nobody's words are left without people. Raises NotFoundError, and ConflictError for the last
    conversation of a case.
    """
    ticket = get(tx, actor.municipality, number)
    since = store.linked_at(tx, ticket.id, thread)
    found = threads.thread_by_id(tx, actor.municipality, thread)
    if since is None or found is None:
        raise NotFoundError(f"case {number} has no such conversation")
    if len(store.threads_of(tx, ticket.id)) == 1:
        raise ConflictError(f"case {number} has no other conversation; close it instead")
    store.unlink(tx, ticket.id, thread, actor.at)
    home = store.of_thread(tx, thread) or _case_of_its_own(tx, ticket, found, actor)
    if home.closed_at is not None and home.closed_at >= since and ticket.state != TicketState.CLOSED:
        store.change(tx, home.id, state=ticket.state, closed_at=None, last_at=actor.at)
        _record(tx, home, actor.at, str(actor), "ticket.reopened")
    _record(tx, ticket, actor.at, str(actor), "ticket.parted", {"other": home.number})
    settle_turns(tx, home, actor.at)
    return home.number


def claimed(tx: Transaction, case: Case) -> tuple[Ticket, ...]:
    """Return the cases that the residents of a case name in their words and that are not joined to it.

    Anybody can name a number, so it is shown to staff as a hint and nothing more.
    """
    said = (message.text for message in case.messages if message.author == Author.RESIDENT)
    numbers = numbers_named("\n".join((*(thread.subject for thread in case.threads), *said)))
    here = {thread.id for thread in case.threads}
    named = (store.by_number(tx, case.ticket.municipality, number) for number in numbers)
    return tuple(
        ticket
        for ticket in named
        if ticket is not None and ticket.id != case.ticket.id and not here.issuperset(store.threads_of(tx, ticket.id))
    )


def _take_over(tx: Transaction, ticket: Ticket, joined: Ticket, at: datetime) -> None:
    """Let a case answer for what another still owed: its time, its urgency, and who had it."""
    state = min(ticket.state, joined.state, key=STATES.index)
    owed = [one.due_at for one in (ticket, joined) if one.state == TicketState.OPEN]
    store.change(
        tx, ticket.id, state=state, due_at=min(owed, default=ticket.due_at), last_at=at,
        closed_at=ticket.closed_at if state == TicketState.CLOSED else None,
        unread=ticket.unread or joined.unread, assignee=ticket.assignee or joined.assignee,
        priority="urgent" if "urgent" in (ticket.priority, joined.priority) else "normal",
    )  # fmt: skip


def _case_of_its_own(tx: Transaction, ticket: Ticket, thread: Thread, actor: Actor) -> Ticket:
    new = NewTicket(
        ticket.title, ticket.reason, thread.channel, actor.at, ticket.due_at, topic=ticket.topic,
        team=ticket.team_name or "", priority=ticket.priority,
    )  # fmt: skip
    own = store.open_ticket(tx, ticket.municipality, new)
    store.link(tx, ticket.municipality, own.id, thread.id, actor.at)
    data: dict[str, object] = {"reason": new.reason, "team": own.team_name, "other": ticket.number}
    _record(tx, own, actor.at, str(actor), "ticket.opened", data)
    return own


def _record(
    tx: Transaction, ticket: Ticket, at: datetime, actor: str, kind: str, data: dict[str, object] | None = None
) -> None:
    """Note what happened to a case; not by thread, whose other cases would tell it as their own."""
    events.record(tx, ticket.municipality, at, actor, kind, ticket=ticket.id, subject=str(ticket.number), data=data)
