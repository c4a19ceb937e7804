"""The statements of forgetting. Rows by which figures are counted stay, without words, names and addresses."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contactbot.handoff.ticket import TicketState
from contactbot.messages import Address
from contactbot.outbox import store as outbox
from contactbot.privacy.erasures.duty import Duty, duty_of
from contactbot.privacy.erasures.erasure import SCHEME, Erasure, Kept, Order
from contactbot.storage.transaction import Transaction
from contactbot.threads.thread import AddressRow
from contactbot.transcripts import store as transcripts

ERASURE = "id, municipality, actor, addresses, thread, position, erased, kept, started_at, finished_at"
EMPTIED = "…"  # the title of a case without words
CASES = (
    "SELECT t.address, t.id AS thread, k.number, k.state, k.archive, k.archived_at FROM thread t"
    " JOIN ticket_thread x ON x.thread = t.id AND x.unlinked_at IS NULL JOIN ticket k ON k.id = x.ticket"
)
# Kinds of events whose particulars somebody wrote by hand.
BY_HAND = ("original.read",)
# What is deleted with a message, and what stays of it without words.
DELETED = ("raw", "attachment", "accepted")
EMPTY = {
    "answer_given": "phrasing = '', words = '[]', comment = ''",
    "message": "text = '', folded = '[]', choices = '[]', key = '', sender = ''",
    "outbox": "subject = '', in_reply_to = '', detail = '', provider_id = NULL, to_address = NULL,"
    " state = CASE WHEN state IN ('held', 'queued') THEN 'cancelled' ELSE state END",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A case in which a thread is, and what decides whether it may be forgotten."""

    address: int
    thread: int
    number: int
    state: TicketState
    archive: str
    archived_at: datetime | None

    @property
    def duty(self) -> Duty | None:
        """Why it stays, None when it may go."""
        return duty_of(self.state, self.archive, self.archived_at)


# --- what stays ---


def cases_of(tx: Transaction, addresses: Sequence[int]) -> tuple[Case, ...]:
    """Return the cases in which these addresses' threads are, once for each thread."""
    return tuple(tx.all(Case, f"{CASES} WHERE t.address IN ({_listed(addresses)}) ORDER BY k.number, t.id"))


def is_forgettable(tx: Transaction, thread: int) -> bool:
    """Say whether no duty keeps a thread."""
    return all(case.duty is None for case in tx.all(Case, f"{CASES} WHERE t.id = :thread", thread=thread))


def is_nobodys(tx: Transaction, thread: int) -> bool:
    """Say whether whoever wrote in a thread has been forgotten."""
    return bool(
        tx.value(
            "SELECT 1 FROM thread t JOIN address a ON a.id = t.address WHERE t.id = :thread AND a.scheme = :nobody",
            thread=thread,
            nobody=SCHEME,
        )
    )


def begun_after(tx: Transaction, addresses: Sequence[int], moment: datetime) -> tuple[tuple[int, int], ...]:
    """Return address and number of these addresses' threads that were begun after a moment."""
    rows = tx.rows(
        f"SELECT address, id FROM thread WHERE address IN ({_listed(addresses)}) AND created_at > :moment",
        moment=moment,
    )
    return tuple((int(address), int(thread)) for address, thread in rows)


def seen_by(tx: Transaction, address: int) -> int:
    """Return the highest number that anything of an address's conversations was shown under."""
    return int(tx.value("SELECT coalesce(max(shown), 0) FROM thread WHERE address = :address", address=address))


# --- parting a person from their conversations ---


def address(tx: Transaction, municipality: str, number: int) -> AddressRow | None:
    """Return an address that is still somebody's."""
    return tx.one(
        AddressRow,
        "SELECT id, scheme, value, name, stopped_at FROM address"
        " WHERE municipality = :municipality AND id = :id AND scheme <> :nobody",
        municipality=municipality,
        id=number,
        nobody=SCHEME,
    )


def part(tx: Transaction, order: Order, row: AddressRow, stays: Sequence[int]) -> bool:
    """Make an address nobody's, with all its threads but those that stay; return whether it is known no more.

    What the resident writes from now on begins a conversation of its own, and what waits to be sent does not leave:
    nobody is as silent as after STOP. The rows touched are those that stay, work of people and so few.
    """
    transcripts.withdraw(tx, row.id)
    outbox.cancel_all(tx, row.id, order.at)
    _forget_left(tx, order.municipality, row.address, stays)
    tx.execute(
        "UPDATE address SET scheme = :nobody, value = :value, name = '', verified_by = NULL, stopped_at = :at"
        " WHERE id = :id",
        nobody=SCHEME,
        value=f"anonym-a{row.id}",
        at=order.at,
        id=row.id,
    )
    tx.execute(
        "UPDATE thread SET state = 'closed', version = version + 1 WHERE address = :address AND state = 'open'"
        f" AND id NOT IN ({_listed(stays)})",
        address=row.id,
    )
    if not stays and row.stopped_at is None:
        return True
    _move(tx, order, row, stays)
    return False


def _move(tx: Transaction, order: Order, row: AddressRow, stays: Sequence[int]) -> None:
    """Give what stays, and a wish for no messages, an address of the same name with nothing else on it."""
    fresh = tx.insert(
        "address",
        municipality=order.municipality,
        scheme=row.scheme,
        value=row.value,
        name=row.name if stays else "",
        stopped_at=row.stopped_at,
        created_at=order.at,
    )
    listed = _listed(stays)
    tx.execute(f"UPDATE thread SET address = :fresh, version = version + 1 WHERE id IN ({listed})", fresh=fresh)
    tx.execute(
        f"UPDATE outbox SET to_address = :fresh WHERE to_address = :old AND thread IN ({listed})",
        fresh=fresh,
        old=row.id,
    )


def _forget_left(tx: Transaction, municipality: str, left: Address, stays: Sequence[int]) -> None:
    """Forget that somebody left this address in a chat, to be reached there."""
    tx.execute(
        "UPDATE thread SET left_address = NULL WHERE municipality = :municipality AND left_address = :left"
        f" AND id NOT IN ({_listed(stays)})",
        municipality=municipality,
        left=str(left),
    )


def bury(tx: Transaction, municipality: str, name: str, at: datetime) -> None:
    """Remember that an address was forgotten; the latest time counts."""
    tx.execute(
        "INSERT INTO tombstone (municipality, name, at) VALUES (:municipality, :name, :at)"
        " ON CONFLICT (municipality, name) DO UPDATE SET at = excluded.at WHERE tombstone.at < excluded.at",
        municipality=municipality,
        name=name,
        at=at,
    )


# --- taking the words away ---


def next_thread(tx: Transaction, erasure: Erasure) -> int | None:
    """Return the next thread that was theirs, the one where the last unit stopped included."""
    found: int | None = tx.value(
        f"SELECT id FROM thread WHERE address IN ({_listed(erasure.addresses)}) AND id >= :thread ORDER BY id LIMIT 1",
        thread=erasure.thread,
    )
    return found


def next_messages(tx: Transaction, thread: int, after: int, limit: int) -> tuple[tuple[int, int], ...]:
    """Return a thread's next messages, each with its position."""
    rows = tx.rows(
        "SELECT id, position FROM message WHERE thread = :thread AND position > :after ORDER BY position LIMIT :limit",
        thread=thread,
        after=after,
        limit=limit,
    )
    return tuple((int(number), int(position)) for number, position in rows)


def empty_messages(tx: Transaction, messages: Sequence[int]) -> Counter[str]:
    """Take away the words of messages and everything that tells them; return how many rows of which table."""
    listed = _listed(messages)
    tx.dialect.unindex_messages(tx, messages)
    erased = Counter({table: tx.execute(f"DELETE FROM {table} WHERE message IN ({listed})") for table in DELETED})
    tx.execute(
        f"UPDATE delivery_event SET detail = '' WHERE outbox IN (SELECT id FROM outbox WHERE message IN ({listed}))"
    )
    for table, values in EMPTY.items():
        column = "id" if table == "message" else "message"
        erased[table] += tx.execute(f"UPDATE {table} SET {values} WHERE {column} IN ({listed})")
    tx.execute(f"UPDATE access SET reason = '' WHERE message IN ({listed})")
    return erased


def empty_thread(tx: Transaction, municipality: str, thread: int) -> Counter[str]:
    """Take away what a thread without words still tells, and what its cases do; return how many rows of which table."""
    erased: Counter[str] = Counter(thread=1)
    erased["message_ref"] = tx.execute(
        "DELETE FROM message_ref WHERE municipality = :municipality AND thread = :thread",
        municipality=municipality,
        thread=thread,
    )
    tx.execute(
        "UPDATE thread SET subject = '', left_address = NULL, pending = NULL, state = 'closed', words = 'none',"
        " emptied_to = 0, version = version + 1 WHERE id = :thread",
        thread=thread,
    )
    for (ticket,) in tx.rows("SELECT ticket FROM ticket_thread WHERE thread = :thread", thread=thread):
        erased["ticket"] += _empty_ticket(tx, ticket)
    return erased


def _empty_ticket(tx: Transaction, ticket: int) -> int:
    """Take away what a case tells, once none of its threads has words; return whether it was so."""
    emptied = tx.execute(
        "UPDATE ticket SET title = :title, words = 'none', unread = 0, version = version + 1 WHERE id = :id"
        " AND words <> 'none' AND NOT EXISTS (SELECT 1 FROM ticket_thread x JOIN thread t ON t.id = x.thread"
        "  WHERE x.ticket = :id AND x.unlinked_at IS NULL AND t.words <> 'none')",
        title=EMPTIED,
        id=ticket,
    )
    if emptied:
        kinds = ", ".join(f"'{kind}'" for kind in BY_HAND)
        tx.execute(f"UPDATE event SET data = '{{}}' WHERE ticket = :id AND kind IN ({kinds})", id=ticket)
        tx.execute("UPDATE access SET reason = '' WHERE ticket = :id", id=ticket)
    return emptied


def empty_contacts(tx: Transaction, municipality: str, addresses: Sequence[int]) -> Counter[str]:
    """Delete the links of addresses to people, and the people who have no address left."""
    listed = _listed(addresses)
    erased: Counter[str] = Counter()
    erased["address_link"] = tx.execute(f"DELETE FROM address_link WHERE address IN ({listed})")
    if erased["address_link"]:
        erased["contact"] = tx.execute(
            "DELETE FROM contact WHERE municipality = :municipality"
            " AND NOT EXISTS (SELECT 1 FROM address_link l WHERE l.contact = contact.id)",
            municipality=municipality,
        )
    return erased


# --- the state, which is the receipt ---


def begin(tx: Transaction, order: Order, gone: int, kept: Sequence[Kept]) -> int:
    """Write that a forgetting has begun, and that so many addresses are gone already; return its number."""
    return tx.insert(
        "erasure",
        municipality=order.municipality,
        actor=order.actor,
        addresses=list(order.addresses),
        erased={"address": gone} if gone else {},
        kept=[[one.what, one.why] for one in kept],
        started_at=order.at,
    )


def erasure(tx: Transaction, municipality: str, number: int) -> Erasure | None:
    """Return a forgetting."""
    return tx.one(
        Erasure,
        f"SELECT {ERASURE} FROM erasure WHERE municipality = :municipality AND id = :id",
        municipality=municipality,
        id=number,
    )


def erasures(tx: Transaction, municipality: str, limit: int) -> tuple[Erasure, ...]:
    """Return the newest forgettings."""
    return tuple(
        tx.all(
            Erasure,
            f"SELECT {ERASURE} FROM erasure WHERE municipality = :municipality ORDER BY id DESC LIMIT :limit",
            municipality=municipality,
            limit=limit,
        )
    )


def unfinished(tx: Transaction) -> tuple[tuple[str, int], ...]:
    """Return municipality and number of what has not come to its end, oldest first."""
    rows = tx.rows("SELECT municipality, id FROM erasure WHERE finished_at IS NULL ORDER BY id")
    return tuple((str(municipality), int(number)) for municipality, number in rows)


def note(tx: Transaction, number: int, thread: int, position: int, erased: Counter[str]) -> None:
    """Write how far a forgetting has come."""
    tx.execute(
        "UPDATE erasure SET thread = :thread, position = :position, erased = :erased WHERE id = :id",
        thread=thread,
        position=position,
        erased=dict(sorted((+erased).items())),
        id=number,
    )


def finish(tx: Transaction, number: int, at: datetime) -> None:
    """Write that a forgetting has come to its end."""
    tx.execute("UPDATE erasure SET finished_at = :at WHERE id = :id", at=at, id=number)


# --- after a restored backup ---


def tombstones(tx: Transaction) -> tuple[tuple[str, str, datetime], ...]:
    """Return municipality, name and time of everybody who has been forgotten."""
    rows = tx.rows("SELECT municipality, name, at FROM tombstone")
    return tuple((str(municipality), str(name), datetime.fromisoformat(at)) for municipality, name, at in rows)


def addresses_after(tx: Transaction, last: int, limit: int) -> tuple[tuple[int, str, Address], ...]:
    """Return number, municipality and name of the next addresses that are somebody's."""
    rows = tx.rows(
        "SELECT id, municipality, scheme, value FROM address WHERE id > :last AND scheme <> :nobody"
        " ORDER BY id LIMIT :limit",
        last=last,
        nobody=SCHEME,
        limit=limit,
    )
    return tuple((int(number), str(town), Address(scheme, value)) for number, town, scheme, value in rows)


def has_words_until(tx: Transaction, number: int, until: datetime) -> bool:
    """Say whether an address has conversations with words in them that were begun by a moment."""
    return bool(
        tx.value(
            "SELECT 1 FROM thread WHERE address = :address AND created_at <= :until AND words <> 'none' LIMIT 1",
            address=number,
            until=until,
        )
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers) or "0"
