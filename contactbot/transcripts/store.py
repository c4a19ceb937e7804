"""The statements about conversations that residents want by mail. Each is part of a unit."""

from dataclasses import dataclass
from datetime import datetime

from contactbot.messages import Address
from contactbot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Request:
    """A wish for a conversation by mail, and the thread in which the mails about it are."""

    id: int
    thread: int
    letters: int
    scheme: str
    value: str
    sent_at: datetime | None

    @property
    def session(self) -> Address:
        """The address under which the conversation was had."""
        return Address(self.scheme, self.value)


def conversation_of(tx: Transaction, municipality: str, session: Address) -> int | None:
    """Return the running thread of a session, None before its first word."""
    found: int | None = tx.value(
        "SELECT max(t.id) FROM address a JOIN thread t ON t.municipality = a.municipality AND t.address = a.id"
        " WHERE a.municipality = :municipality AND a.scheme = :scheme AND a.value = :value AND t.words = 'all'",
        municipality=municipality,
        scheme=session.scheme,
        value=session.value,
    )
    return found


def asked(tx: Transaction, thread: int, since: datetime) -> int:
    """Return how often a conversation has been asked for since."""
    return int(
        tx.value(
            "SELECT count(*) FROM transcript_request WHERE thread = :thread AND asked_at >= :since",
            thread=thread,
            since=since,
        )
    )


def add(tx: Transaction, municipality: str, thread: int, letters: int | None, key: str, at: datetime) -> None:
    """Keep a wish; ``key`` is a digest of the one in the link, ``letters`` None where no mail left."""
    tx.insert("transcript_request", municipality=municipality, thread=thread, letters=letters, key=key, asked_at=at)


def find(tx: Transaction, municipality: str, key: str, since: datetime) -> Request | None:
    """Return the wish that a link is for, unless it is too old or somebody in it has been forgotten."""
    return tx.one(
        Request,
        "SELECT r.id, r.thread, r.letters, a.scheme, a.value, r.sent_at FROM transcript_request r"
        " JOIN thread t ON t.municipality = r.municipality AND t.id = r.thread AND t.words = 'all'"
        " JOIN address a ON a.municipality = t.municipality AND a.id = t.address"
        " JOIN thread l ON l.municipality = r.municipality AND l.id = r.letters AND l.state = 'open'"
        " WHERE r.municipality = :municipality AND r.key = :key AND r.asked_at >= :since",
        municipality=municipality,
        key=key,
        since=since,
    )


def note_sent(tx: Transaction, request: int, at: datetime) -> None:
    """Note that the conversation is on its way."""
    tx.execute("UPDATE transcript_request SET sent_at = :at WHERE id = :id", at=at, id=request)


def withdraw(tx: Transaction, address: int) -> int:
    """Give the mails about an address's conversations to it, so that they are forgotten with it; return how many.

    Mails that somebody has answered are a conversation of the one who answered. Addresses that were given for nothing
    else are deleted.
    """
    rows = tx.rows(
        "DELETE FROM transcript_request WHERE thread IN (SELECT id FROM thread WHERE address = :address)"
        " RETURNING coalesce(letters, 0)",
        address=address,
    )
    listed = ", ".join(str(int(row[0])) for row in rows) or "0"
    given = tx.rows(
        f"SELECT l.id, l.address FROM thread l WHERE l.id IN ({listed})"
        " AND NOT EXISTS (SELECT 1 FROM message m WHERE m.thread = l.id AND m.author = 'resident')"
    )
    for letters, wanted_at in given:
        tx.execute("UPDATE thread SET address = :address WHERE id = :id", address=address, id=letters)
        tx.execute(
            "DELETE FROM address WHERE id = :id AND stopped_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM thread t WHERE t.address = address.id)"
            " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.to_address = address.id)"
            " AND NOT EXISTS (SELECT 1 FROM address_link k WHERE k.address = address.id)",
            id=wanted_at,
        )
    return len(given)
