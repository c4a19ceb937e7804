"""Codes with which a resident goes on with a case on another channel: sent where the case is, typed where they are.

Whoever types the code has read what was sent to the case's first address, so both addresses are the same person's. An
address alone, or a case's number, joins nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from contactbot.errors import NotFoundError
from contactbot.handoff import store
from contactbot.handoff.desk import REGISTERED_CHANNELS
from contactbot.handoff.joining import go_on_here
from contactbot.handoff.ticket import UNPROVEN, Ticket
from contactbot.messages import Author
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.storage import events
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage, Thread
from contactbot.wording import say

MOST: Final = 3  # codes per case and day: guessing is hopeless, and nobody is pestered with them
WINDOW: Final = timedelta(days=1)
MOST_ASKED: Final = 5  # codes that one address asks for in an hour, for whatever cases
WINDOW_ASKED: Final = timedelta(hours=1)


def send(tx: Transaction, asking: Thread, reference: str, code: str, at: datetime, expires_at: datetime) -> bool:
    """Send a code to the one who began a case, so that they can go on with it in the asking thread; whether it was.

    It is not where there is no such case, no address of it that may be written to, or a code too many was asked for.
    """
    ticket = _named(tx, asking.municipality, reference)
    if ticket is None or ticket.reason in UNPROVEN or _too_many(tx, asking, ticket, at):
        return False
    thread = _first_reached(tx, ticket)
    if thread is None:
        return False
    text = say(thread.language, "continue_code", reference=ticket.number, code=code)
    new = NewMessage(Author.BOT, text, thread.language, at, outcome={"outcome": "command", "rule": "code"})
    placed = threads.append(tx, thread.municipality, thread.id, new)
    post = Post(
        "code", Author.BOT, placed.turn_epoch, at, subject=thread.subject,
        in_reply_to=threads.last_external_id(tx, thread.id), expires_at=expires_at,
    )  # fmt: skip
    outbox.post(tx, thread.municipality, thread.id, thread.channel, placed, post)
    events.record(
        tx, ticket.municipality, at, "bot", "ticket.code_sent", ticket=ticket.id, subject=str(ticket.number),
        data={"channel": asking.channel},
    )  # fmt: skip
    return True


def go_on(tx: Transaction, thread: Thread, reference: str, at: datetime) -> Ticket:
    """Join the thread in which the right code was typed to its case, and return the case.

    Raises NotFoundError when the case is gone.
    """
    ticket = _named(tx, thread.municipality, reference)
    if ticket is None:
        raise NotFoundError(f"there is no case {reference} here")
    go_on_here(tx, ticket, thread, at)
    return ticket


def _too_many(tx: Transaction, asking: Thread, ticket: Ticket, at: datetime) -> bool:
    """Whether enough codes went to the case, or were asked for by this address, the message at hand among them."""
    asked = store.codes_asked_for(tx, asking.address, at - WINDOW_ASKED)
    return asked > MOST_ASKED or store.codes_sent(tx, ticket.id, at - WINDOW) >= MOST


def _named(tx: Transaction, municipality: str, reference: str) -> Ticket | None:
    is_number = reference.isdecimal() and len(reference) <= store.LONGEST_NUMBER
    return store.by_number(tx, municipality, int(reference)) if is_number else None


def _first_reached(tx: Transaction, ticket: Ticket) -> Thread | None:
    """Return the case's first conversation in which something may be sent."""
    for number in store.threads_of(tx, ticket.id):
        thread = threads.thread_by_id(tx, ticket.municipality, number)
        if thread is None or thread.channel in REGISTERED_CHANNELS:
            continue
        if threads.address_by_id(tx, thread.address).stopped_at is None:
            return thread
    return None
