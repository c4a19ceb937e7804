"""The archive decision about a case, on which its retention waits. Each function is a unit."""

from contactbot.errors import ConflictError
from contactbot.handoff import store
from contactbot.handoff.desk import Actor, get
from contactbot.handoff.ticket import Archive
from contactbot.storage import events
from contactbot.storage.transaction import Transaction


def decide(tx: Transaction, number: int, decision: Archive, actor: Actor) -> None:
    """Say whether the archive shall have a case; nothing of it is deleted before.

    Raises NotFoundError, and ConflictError when the archive has it already.
    """
    ticket = get(tx, actor.municipality, number)
    if ticket.archived_at is not None:
        raise ConflictError(f"the archive received case {number}; what was decided stands")
    if decision == ticket.archive:
        return
    store.change(tx, ticket.id, archive=decision)
    events.record(
        tx, ticket.municipality, actor.at, str(actor), "ticket.archive_decided", ticket=ticket.id, subject=str(number),
        data={"decision": decision, "before": ticket.archive},
    )  # fmt: skip


def received(tx: Transaction, number: int, actor: Actor) -> None:
    """Note that the archive has received a case. Raises NotFoundError, and ConflictError when it was not to have it."""
    ticket = get(tx, actor.municipality, number)
    if ticket.archive != Archive.KEEP:
        raise ConflictError(f"nobody has decided that the archive shall have case {number}")
    if ticket.archived_at is None:
        store.change(tx, ticket.id, archived_at=actor.at)
        events.record(
            tx, ticket.municipality, actor.at, str(actor), "ticket.archived", ticket=ticket.id, subject=str(number)
        )  # fmt: skip
