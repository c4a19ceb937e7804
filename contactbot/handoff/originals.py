"""What residents really sent: the raw copy and the files, given to staff only, and the raw copy only for a reason.

The raw copy still holds what was masked, such as national identity numbers, so each look at it leaves an event.
"""

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import store
from contactbot.handoff.desk import Actor, get
from contactbot.storage import events
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.store import Kept

SHORTEST_REASON = 3  # characters; enough that a reason is a word


def open_original(tx: Transaction, number: int, message: int, reason: str, actor: Actor) -> Kept:
    """Note who looks at the raw copy of a case's message, and why; return where it lies.

    Raises NotFoundError when the case has no such message or its copy has expired, ConflictError without a reason.
    """
    ticket = get(tx, actor.municipality, number)
    if len(reason.strip()) < SHORTEST_REASON:
        raise ConflictError("say why you need to see the original")
    found = threads.raw_of(tx, actor.municipality, message, actor.at)
    if found is None or found.thread not in store.threads_of(tx, ticket.id):
        raise NotFoundError(f"case {number} has no original of message {message}")
    events.record(
        tx, actor.municipality, actor.at, str(actor), "original.read", ticket=ticket.id, thread=found.thread,
        subject=str(number), data={"message": message, "reason": reason.strip()[:500]},
    )  # fmt: skip
    return found


def attachment(tx: Transaction, municipality: str, number: int, message: int, sha256: str) -> Kept:
    """Return where an attachment of a case lies. Raises NotFoundError."""
    ticket = get(tx, municipality, number)
    found = threads.attachment_of(tx, municipality, message, sha256)
    if found is None or found.thread not in store.threads_of(tx, ticket.id):
        raise NotFoundError(f"case {number} has no such file")
    return found
