"""What staff do with what a stranger wrote in a crowd: make it a case like any other."""

from datetime import datetime

from contactbot.errors import NotFoundError
from contactbot.handoff import desk
from contactbot.handoff.desk import Actor
from contactbot.handoff.strangers import store
from contactbot.handoff.ticket import NewTicket, Reason
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads

TITLE = 80  # characters


def open_case(tx: Transaction, thread: int, actor: Actor, due_at: datetime) -> int:
    """Open a case for a conversation that was set aside; return its number. Raises NotFoundError."""
    found = threads.thread_by_id(tx, actor.municipality, thread)
    waiting = store.waiting(tx, actor.municipality, thread)
    if found is None or waiting is None:
        raise NotFoundError("this conversation is not set aside; somebody may have made it a case already")
    store.take_up(tx, thread)
    title = waiting.text.strip().partition("\n")[0][:TITLE]
    return desk.hand_off(tx, found, NewTicket(title, Reason.REGISTERED, found.channel, actor.at, due_at)).number
