"""The statements about accesses."""

from collections.abc import Sequence
from datetime import datetime

from contactbot.handoff.accesses.access import APART, Access, Relation, Wanted, What
from contactbot.handoff.ticket import Ticket
from contactbot.storage.transaction import Transaction

ACCESS = (
    "x.id, x.at, x.staff, s.name AS staff_name, x.what, x.ticket, k.number, x.message, x.relation, x.reason"
    " FROM access x JOIN staff s ON s.id = x.staff JOIN ticket k ON k.id = x.ticket"
)
OF_ADDRESS = (
    "x.ticket IN (SELECT l.ticket FROM address a JOIN thread t ON t.address = a.id"
    " JOIN ticket_thread l ON l.thread = t.id WHERE a.municipality = :municipality AND a.value = :address)"
)
WANTED = {
    "number": "k.number = :number",
    "staff": "x.staff = :staff",
    "address": OF_ADDRESS,
    "since": "x.at >= :since",
    "until": "x.at < :until",
}


def note(  # noqa: PLR0913 - the columns of one row
    tx: Transaction,
    ticket: Ticket,
    staff: int,
    what: What,
    at: datetime,
    *,
    message: int | None = None,
    reason: str = "",
) -> bool:
    """Keep that somebody looks; return whether it was kept: without a reason, a look soon after another is the same."""
    if not reason and is_noted(tx, ticket.id, staff, what, at, message):
        return False
    tx.insert(
        "access", municipality=ticket.municipality, at=at, staff=staff, what=what, ticket=ticket.id, message=message,
        relation=_relation(tx, ticket, staff), reason=reason,
    )  # fmt: skip
    return True


def is_noted(tx: Transaction, ticket: int, staff: int, what: What, at: datetime, message: int | None = None) -> bool:
    """Say whether a look of this member at the same thing was kept lately."""
    return bool(
        tx.value(
            "SELECT 1 FROM access WHERE ticket = :ticket AND staff = :staff AND at > :since AND what = :what"
            " AND coalesce(message, 0) = :message",
            ticket=ticket,
            staff=staff,
            since=at - APART,
            what=what,
            message=message or 0,
        )
    )


def find(tx: Transaction, municipality: str, wanted: Wanted, limit: int) -> tuple[Access, ...]:
    """Return the looks that are asked for, newest first."""
    named = {name: getattr(wanted, name) for name in WANTED if getattr(wanted, name) is not None}
    conditions = "".join(f" AND {WANTED[name]}" for name in named)
    return tuple(
        tx.all(
            Access,
            f"SELECT {ACCESS} WHERE x.municipality = :municipality{conditions} ORDER BY x.id DESC LIMIT :limit",
            municipality=municipality,
            limit=limit,
            **named,
        )
    )


def accesses_for(
    tx: Transaction, municipality: str, addresses: Sequence[int], after: int, limit: int
) -> tuple[Access, ...]:
    """Return who looked at cases of these addresses (by row number), oldest first; go on after the last one's id."""
    listed = ", ".join(str(number) for number in addresses) or "0"
    return tuple(
        tx.all(
            Access,
            f"SELECT {ACCESS} WHERE x.municipality = :municipality AND x.id > :after AND x.ticket IN"
            " (SELECT l.ticket FROM thread t JOIN ticket_thread l ON l.thread = t.id"
            f"  WHERE t.municipality = :municipality AND t.address IN ({listed})) ORDER BY x.id LIMIT :limit",
            municipality=municipality,
            after=after,
            limit=limit,
        )
    )


def _relation(tx: Transaction, ticket: Ticket, staff: int) -> Relation:
    if ticket.assignee == staff:
        return Relation.OWN
    team = tx.value("SELECT team FROM staff WHERE id = :id", id=staff)
    return Relation.TEAM if team is not None and team == ticket.team else Relation.OTHER
