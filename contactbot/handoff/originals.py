"""What residents really sent: the raw copy and the files, given to staff only, and the raw copy only for a reason.

The raw copy still holds what was masked, such as national identity numbers, so each look at it leaves an event.
"""

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import store
from contactbot.handoff.accesses import store as accesses
from contactbot.handoff.accesses.access import What
from contactbot.handoff.desk import Actor, get
from contactbot.storage import events
from contactbot.storage.transaction import Transaction
from contactbot.threads.originals import store as originals
from contactbot.threads.originals.store import Kept

SHORTEST_REASON = 3  # characters; enough that a reason is a word
LONGEST_REASON = 500  # characters


def open_original(tx: Transaction, number: int, message: int, reason: str, actor: Actor) -> Kept:
    """Note who looks at the raw copy of a case's message, and why; return where it lies.

    Raises NotFoundError when the case has no such message or its copy has expired, ConflictError without a reason.
    """
    ticket = get(tx, actor.municipality, number)
    if len(reason.strip()) < SHORTEST_REASON:
        raise ConflictError("say why you need to see the original")
    found = originals.raw_of(tx, actor.municipality, message)
    if found is None or found.thread not in store.threads_of(tx, ticket.id):
        raise NotFoundError(f"case {number} has no original of message {message}")
    given = reason.strip()[:LONGEST_REASON]
    accesses.note(tx, ticket, actor.staff, What.ORIGINAL, actor.at, message=message, reason=given)
    events.record(
        tx, actor.municipality, actor.at, str(actor), "original.read", ticket=ticket.id, thread=found.thread,
        subject=str(number), data={"message": message, "reason": given},
    )  # fmt: skip
    return found


def open_attachment(tx: Transaction, number: int, message: int, sha256: str, actor: Actor) -> Kept:
    """Note who takes an attachment of a case; return where it lies. Raises NotFoundError."""
    ticket = get(tx, actor.municipality, number)
    found = originals.attachment_of(tx, actor.municipality, message, sha256)
    if found is None or found.thread not in store.threads_of(tx, ticket.id):
        raise NotFoundError(f"case {number} has no such file")
    accesses.note(tx, ticket, actor.staff, What.FILE, actor.at, message=message)
    return found
