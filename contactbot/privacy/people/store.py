"""The statements that find a person and read what is held about them, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from contactbot.handoff.ticket import HistoryLine
from contactbot.messages import Address
from contactbot.privacy.erasures.erasure import SCHEME
from contactbot.privacy.people.held import (
    HeldAddress,
    HeldAnswer,
    HeldCase,
    HeldContact,
    HeldElsewhere,
    HeldFile,
    HeldMessage,
    HeldParcel,
    HeldThread,
)
from contactbot.privacy.people.spelling import squeezed
from contactbot.storage.transaction import Transaction

ADDRESS: Final = "a.id, a.scheme, a.value, a.name, a.verified_by, a.stopped_at, a.created_at"
CASE: Final = (
    "k.id, k.number, k.title, k.state, k.reason, k.topic, k.priority, k.source, g.name AS team, s.name AS assignee,"
    " k.archive, k.archived_at, k.opened_at, k.due_at, k.answered_at, k.closed_at"
)
MESSAGE: Final = (
    "m.id, m.thread, m.position, m.author, s.name AS staff, m.kind, m.text, m.markup, m.language, m.folded, m.choices,"
    " m.removed, m.outcome, m.created_at"
)
# An address as it is compared: those that staff wrote down as they were told may hold spaces.
COMPARED: Final = "lower(replace(replace(replace(replace(value, ' ', ''), '-', ''), '(', ''), ')', ''))"
MOST_HISTORY: Final = 10_000  # lines of one case's history that an export gives
Held = TypeVar("Held", HeldFile, HeldAnswer, HeldParcel)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is held about a person."""

    threads: int
    messages: int
    cases: int
    files: int
    originals: int
    last_at: datetime | None


def find(tx: Transaction, municipality: str, wanted: Sequence[Address]) -> tuple[HeldAddress, ...]:
    """Return the addresses that equal one of these."""
    found: dict[int, HeldAddress] = {}
    for address in wanted:
        for row in tx.all(
            HeldAddress,
            f"SELECT {ADDRESS} FROM address a WHERE a.municipality = :municipality AND a.scheme = :scheme"
            f" AND (a.value = :value OR {COMPARED} = :compared)",
            municipality=municipality,
            scheme=address.scheme,
            value=address.value,
            compared=squeezed(address.value),
        ):
            found[row.id] = row
    return tuple(found.values())


def find_by_case(tx: Transaction, municipality: str, number: int) -> tuple[HeldAddress, ...]:
    """Return the addresses from which a case was written."""
    return tuple(
        tx.all(
            HeldAddress,
            f"SELECT {ADDRESS} FROM address a WHERE a.municipality = :municipality AND a.scheme <> :nobody AND a.id IN"
            " (SELECT t.address FROM ticket k JOIN ticket_thread x ON x.ticket = k.id AND x.unlinked_at IS NULL"
            "  JOIN thread t ON t.id = x.thread WHERE k.municipality = :municipality AND k.number = :number)"
            " ORDER BY a.id",
            municipality=municipality,
            nobody=SCHEME,
            number=number,
        )
    )


def counts(tx: Transaction, addresses: Sequence[int]) -> Counts:
    """Return how much is held."""
    threads = f"SELECT id FROM thread WHERE address IN ({_listed(addresses)}) AND words <> 'none'"
    messages = f"SELECT id FROM message WHERE thread IN ({threads})"
    found = tx.row(
        f"SELECT (SELECT count(*) FROM ({threads}) q), (SELECT count(*) FROM ({messages}) q),"
        f" (SELECT count(DISTINCT ticket) FROM ticket_thread WHERE unlinked_at IS NULL AND thread IN ({threads})),"
        f" (SELECT count(*) FROM attachment WHERE message IN ({messages})),"
        f" (SELECT count(*) FROM raw WHERE message IN ({messages})),"
        f" (SELECT max(last_at) FROM thread WHERE id IN ({threads}))"
    )
    assert found is not None, "an aggregate has a row"  # noqa: S101 - narrows the type
    last = datetime.fromisoformat(found[5]) if found[5] else None
    return Counts(int(found[0]), int(found[1]), int(found[2]), int(found[3]), int(found[4]), last)


def forgotten_at(tx: Transaction, municipality: str, names: Sequence[str]) -> datetime | None:
    """Return when one of these addresses, by their tombstones' names, was last forgotten."""
    times = [
        tx.value(
            "SELECT at FROM tombstone WHERE municipality = :municipality AND name = :name",
            municipality=municipality,
            name=name,
        )
        for name in names
    ]
    return max((datetime.fromisoformat(at) for at in times if at), default=None)


def contacts(tx: Transaction, addresses: Sequence[int]) -> tuple[HeldContact, ...]:
    """Return the people that addresses were joined to."""
    return tuple(
        tx.all(
            HeldContact,
            "SELECT l.address, c.name, c.note, l.linked_at, l.unlinked_at FROM address_link l"
            f" JOIN contact c ON c.id = l.contact WHERE l.address IN ({_listed(addresses)}) ORDER BY l.id",
        )
    )


def cases(tx: Transaction, addresses: Sequence[int], after: int, limit: int) -> tuple[HeldCase, ...]:
    """Return the next cases, each with its history."""
    rows = tx.all(
        HeldCase,
        f"SELECT {CASE} FROM ticket k LEFT JOIN team g ON g.id = k.team LEFT JOIN staff s ON s.id = k.assignee"
        " WHERE k.id > :after AND k.id IN (SELECT x.ticket FROM ticket_thread x JOIN thread t ON t.id = x.thread"
        f"  WHERE x.unlinked_at IS NULL AND t.address IN ({_listed(addresses)})) ORDER BY k.id LIMIT :limit",
        after=after,
        limit=limit,
    )
    return tuple(replace(row, history=_history(tx, row.id)) for row in rows)


def _history(tx: Transaction, ticket: int) -> tuple[HistoryLine, ...]:
    return tuple(
        tx.all(
            HistoryLine,
            "SELECT e.at, e.actor, e.kind, e.data, s.name AS staff_name FROM event e"
            " LEFT JOIN staff s ON e.actor = 'staff:' || s.id WHERE e.ticket = :ticket ORDER BY e.seq LIMIT :limit",
            ticket=ticket,
            limit=MOST_HISTORY,
        )
    )


def threads(tx: Transaction, addresses: Sequence[int], after: int, limit: int) -> tuple[HeldThread, ...]:
    """Return the next conversations."""
    rows = tx.all(
        HeldThread,
        "SELECT t.id, t.address, t.channel, t.subject, t.language, t.left_address, t.created_at, t.last_at"
        f" FROM thread t WHERE t.address IN ({_listed(addresses)}) AND t.id > :after ORDER BY t.id LIMIT :limit",
        after=after,
        limit=limit,
    )
    numbers: dict[int, list[int]] = {}
    for thread, number in tx.rows(
        "SELECT x.thread, k.number FROM ticket_thread x JOIN ticket k ON k.id = x.ticket"
        f" WHERE x.unlinked_at IS NULL AND x.thread IN ({_listed([row.id for row in rows])}) ORDER BY k.number"
    ):
        numbers.setdefault(int(thread), []).append(int(number))
    return tuple(replace(row, cases=tuple(numbers.get(row.id, ()))) for row in rows)


def messages(tx: Transaction, thread: int, after: int, limit: int) -> tuple[HeldMessage, ...]:
    """Return the next messages of a conversation, with all that came with them and became of them."""
    rows = tx.all(
        HeldMessage,
        f"SELECT {MESSAGE} FROM message m LEFT JOIN staff s ON s.id = m.staff"
        " WHERE m.thread = :thread AND m.position > :after ORDER BY m.position LIMIT :limit",
        thread=thread,
        after=after,
        limit=limit,
    )
    listed = _listed([row.id for row in rows])
    files = _by_message(
        tx.all(
            HeldFile,
            f"SELECT message, name, media_type, size, sha256 FROM attachment WHERE message IN ({listed}) ORDER BY id",
        )
    )
    originals = _by_message(
        tx.all(
            HeldFile,
            f"SELECT message, '' AS name, media_type, size, sha256 FROM raw WHERE message IN ({listed}) ORDER BY id",
        )
    )
    answers = _by_message(
        tx.all(
            HeldAnswer,
            "SELECT message, entry, entry_version, language, confidence, phrasing, rule, helpful, comment"
            f" FROM answer_given WHERE message IN ({listed}) ORDER BY id",
        )
    )
    parcels = _by_message(
        tx.all(
            HeldParcel,
            "SELECT message, channel, purpose, state, detail, created_at, changed_at FROM outbox"
            f" WHERE message IN ({listed}) ORDER BY id",
        )
    )
    return tuple(
        replace(
            row,
            files=files.get(row.id, ()),
            originals=originals.get(row.id, ()),
            answers=answers.get(row.id, ()),
            parcels=parcels.get(row.id, ()),
        )
        for row in rows
    )


def elsewhere(tx: Transaction, municipality: str, addresses: Sequence[Address]) -> tuple[HeldElsewhere, ...]:
    """Return the chats in which one of these addresses was left."""
    return tuple(
        one
        for address in addresses
        for one in tx.all(
            HeldElsewhere,
            "SELECT id AS thread, channel, created_at FROM thread"
            " WHERE municipality = :municipality AND left_address = :left ORDER BY id",
            municipality=municipality,
            left=str(address),
        )
    )


def _by_message(rows: Sequence[Held]) -> dict[int, tuple[Held, ...]]:
    found: dict[int, list[Held]] = {}
    for row in rows:
        found.setdefault(row.message, []).append(row)
    return {message: tuple(of_it) for message, of_it in found.items()}


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers) or "0"
