"""The live feed: what happened after a cursor, each event once and in one order.

A cursor is ``epoch-xid-seq``. The epoch changes when a backup is restored: numbers then start over, and a reader with
an old cursor must look at everything afresh. On SQLite events are numbered in commit order. On PostgreSQL they are not:
what a transaction wrote may appear after events with higher numbers, so the order is (transaction, number), and nothing
is read before all transactions up to it have ended.
"""

import re
from dataclasses import dataclass
from typing import Final

from contactbot.storage.backup import EPOCH
from contactbot.storage.transaction import Transaction

FIRST_EPOCH: Final = "0"
CURSOR: Final = re.compile(r"(?P<epoch>.*)-(?P<xid>[0-9]{1,18})-(?P<seq>[0-9]{1,18})")  # 18 digits fit 64 bits

TICKET: Final = (
    "coalesce((SELECT k.number FROM ticket k WHERE k.id = e.ticket),"
    " (SELECT k.number FROM ticket_thread x JOIN ticket k ON k.id = x.ticket"
    "  WHERE x.thread = e.thread AND x.unlinked_at IS NULL ORDER BY k.id DESC LIMIT 1)) AS number"
)
END: Final = {
    "sqlite": "SELECT 0, coalesce(max(seq), 0) FROM event",
    "postgresql": "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text), 0",
}
AFTER: Final = {
    "sqlite": f"SELECT 0 AS xid, e.seq, e.kind, {TICKET} FROM event e"
    " WHERE e.municipality = :municipality AND e.seq > :seq ORDER BY e.seq LIMIT :limit",
    "postgresql": f"SELECT CAST(e.xid AS text) AS xid, e.seq, e.kind, {TICKET} FROM event e"
    " WHERE e.municipality = :municipality AND (e.xid, e.seq) > (CAST(:xid AS xid8), :seq)"
    " AND e.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY e.xid, e.seq LIMIT :limit",
}


@dataclass(frozen=True, slots=True)
class Change:
    """That something happened to a ticket: its kind and the ticket's number, and nothing of what was said."""

    kind: str
    ticket: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened after a cursor, up to ``cursor``; ``reset`` says that the old cursor leads nowhere any more.

    ``more`` says that there may be further events right away.
    """

    cursor: str
    changes: tuple[Change, ...] = ()
    reset: bool = False
    more: bool = False


def end(tx: Transaction) -> str:
    """Return the cursor of this moment: what this transaction does not see will come after it."""
    found = tx.row(END[tx.dialect.name])
    assert found is not None, "an aggregate has a row"  # noqa: S101 - narrows the type
    return f"{_epoch(tx)}-{found[0]}-{found[1]}"


def after(tx: Transaction, municipality: str, cursor: str, limit: int) -> Changes:
    """Return at most ``limit`` of the municipality's events after a cursor; those of no ticket only move the cursor."""
    epoch = _epoch(tx)
    place = _place(cursor, epoch)
    if place is None:
        return Changes(end(tx), reset=True)
    rows = tx.rows(AFTER[tx.dialect.name], municipality=municipality, xid=str(place[0]), seq=place[1], limit=limit)
    if not rows:
        return Changes(cursor)
    changes = tuple(Change(str(kind), int(number)) for _, _, kind, number in rows if number is not None)
    return Changes(f"{epoch}-{rows[-1][0]}-{rows[-1][1]}", changes, more=len(rows) == limit)


def _epoch(tx: Transaction) -> str:
    found = tx.value("SELECT value FROM house_state WHERE name = :name", name=EPOCH)
    return FIRST_EPOCH if found is None else str(found)


def _place(cursor: str, epoch: str) -> tuple[int, int] | None:
    """Return where a cursor of this epoch points, None for any other text."""
    found = CURSOR.fullmatch(cursor)
    if found is None or found["epoch"] != epoch:
        return None
    return int(found["xid"]), int(found["seq"])
