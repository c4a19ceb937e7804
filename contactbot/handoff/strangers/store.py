"""The statements about strangers: who is one, and whose words were set aside until people or the bot take them up."""

from dataclasses import dataclass
from datetime import datetime

from contactbot.handoff.ticket import Reason
from contactbot.storage.transaction import Transaction

LATEST = 100  # conversations of one address that are looked at for an answer


@dataclass(frozen=True, slots=True)
class SetAside:
    """A conversation nobody has answered: its newest words, masked, and who wrote them."""

    thread: int
    channel: str
    resident: str
    text: str
    at: datetime


def is_stranger(tx: Transaction, address: int) -> bool:
    """Whether nobody, the bot or a person, ever said anything to an address, in its latest conversations.

    What is said leaves through the outbox, so that no conversation is read through; a machine whose every mail begins
    another one costs no more than a person.
    """
    answered = tx.value(
        "SELECT 1 FROM outbox WHERE thread IN"
        " (SELECT id FROM thread WHERE address = :address ORDER BY last_at DESC LIMIT :latest) LIMIT 1",
        address=address,
        latest=LATEST,
    )
    return answered is None


def taken_up(tx: Transaction, municipality: str, account: int, since: datetime, most: int) -> tuple[str, ...]:
    """Return the addresses first seen since a moment whose words were not set aside, the newest first.

    Machines and spam are left out. The threads are found by when something was last said in them, which is never
    before their address was seen.
    """
    found = tx.rows(
        "SELECT a.value FROM thread t JOIN address a ON a.id = t.address"
        " WHERE t.municipality = :municipality AND t.words = 'all' AND t.last_at >= :since AND t.account = :account"
        " AND t.set_aside_at IS NULL AND a.created_at >= :since"
        " AND EXISTS (SELECT 1 FROM message m WHERE m.thread = t.id AND m.kind = 'message')"
        " AND NOT EXISTS (SELECT 1 FROM ticket_thread l JOIN ticket k ON k.id = l.ticket"
        " WHERE l.thread = t.id AND k.reason = :spam) ORDER BY t.id DESC LIMIT :most",
        municipality=municipality,
        since=since,
        account=account,
        spam=Reason.SPAM,
        most=most,
    )
    return tuple(row[0] for row in found)


def set_aside(tx: Transaction, thread: int, at: datetime) -> None:
    """Note that a conversation waits unanswered."""
    tx.execute("UPDATE thread SET set_aside_at = :at WHERE id = :thread", at=at, thread=thread)


def take_up(tx: Transaction, thread: int) -> None:
    """Note that a conversation waits no longer."""
    tx.execute("UPDATE thread SET set_aside_at = NULL WHERE id = :thread", thread=thread)


def is_told(tx: Transaction, municipality: str, channel: str) -> bool:
    """Whether staff have an open case that tells of the strangers of a channel."""
    found = tx.value(
        "SELECT 1 FROM ticket WHERE municipality = :municipality AND state <> 'closed' AND reason = :reason"
        " AND source = :channel LIMIT 1",
        municipality=municipality,
        reason=Reason.STRANGERS,
        channel=channel,
    )
    return found is not None


def count(tx: Transaction, municipality: str, most: int) -> int:
    """Return how many conversations are set aside and have words left, counted no further than ``most``."""
    found: int = tx.value(
        "SELECT count(*) FROM (SELECT 1 FROM thread WHERE municipality = :municipality AND set_aside_at IS NOT NULL"
        " AND words = 'all' LIMIT :most) AS counted",
        municipality=municipality,
        most=most,
    )
    return found


def listed(tx: Transaction, municipality: str, most: int) -> tuple[SetAside, ...]:
    """Return the conversations that are set aside and have words left, the newest first."""
    return tuple(
        tx.all(
            SetAside,
            f"{_WAITING} ORDER BY t.set_aside_at DESC, t.id DESC LIMIT :most",
            municipality=municipality,
            most=most,
        )
    )


def waiting(tx: Transaction, municipality: str, thread: int) -> SetAside | None:
    """Return one conversation that is set aside, or None."""
    return tx.one(SetAside, f"{_WAITING} AND t.id = :thread", municipality=municipality, thread=thread)


_WAITING = (
    "SELECT t.id AS thread, t.channel, a.value AS resident, m.text, t.set_aside_at AS at FROM thread t"
    " JOIN address a ON a.id = t.address JOIN message m ON m.thread = t.id AND m.position = t.positions"
    " WHERE t.municipality = :municipality AND t.set_aside_at IS NOT NULL AND t.words = 'all'"
)
