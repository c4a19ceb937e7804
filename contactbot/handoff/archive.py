"""The archive decision about a case, on which its retention waits. Each function is a unit."""

from collections.abc import Sequence

from contactbot.errors import ConflictError
from contactbot.handoff import store
from contactbot.handoff.desk import Actor, get
from contactbot.handoff.ticket import Archive, TicketState
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


def decide_all(tx: Transaction, numbers: Sequence[int], decision: Archive, actor: Actor) -> list[int]:
    """Decide alike about several closed cases; return the numbers of those that were waiting for it.

    What is not there, was opened again or has been decided meanwhile is left as it is.
    """
    found = [store.by_number(tx, actor.municipality, number) for number in dict.fromkeys(numbers)]
    waiting = [
        ticket.number
        for ticket in found
        if ticket is not None and ticket.state == TicketState.CLOSED and ticket.archive == Archive.UNDECIDED
    ]
    for number in waiting:
        decide(tx, number, decision, actor)
    return waiting


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
