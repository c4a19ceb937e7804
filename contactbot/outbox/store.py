"""The statements about the outbox. Each is a unit, or part of one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from contactbot.messages import Author, DeliveryState, Receipt
from contactbot.outbox.parcel import WITHDRAWN_ON_TAKEOVER, Parcel, Post, Standing, may_become
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads

TOPIC = "outbox"
DOUBT = "it may have arrived twice: nobody could tell whether the first attempt did"
PARCEL = (
    "o.id, o.municipality, o.thread, o.message, o.position, o.channel, o.purpose, o.author, o.subject, o.in_reply_to,"
    " o.attempts, o.doubtful, o.created_at, o.expires_at, o.provider_id, c.address AS account, a.scheme, a.value,"
    " m.text, m.markup, m.language, m.choices, s.name AS staff_name"
)
PARCEL_FROM = (
    " FROM outbox o JOIN thread t ON t.id = o.thread JOIN account c ON c.id = CASE"
    " WHEN o.channel = t.channel THEN t.account ELSE (SELECT min(x.id) FROM account x"
    "  WHERE x.municipality = o.municipality AND x.channel = o.channel AND x.kind = 'service') END"
    " JOIN message m ON m.id = o.message"
    " JOIN address a ON a.id = coalesce(o.to_address, t.address) LEFT JOIN staff s ON s.id = m.staff"
)
WITHDRAWN = ", ".join(f"'{purpose}'" for purpose in WITHDRAWN_ON_TAKEOVER)
# A queued row ``o`` of thread ``t`` that is its thread's next.
IS_NEXT = (
    f" (o.author = 'staff' OR o.turn_epoch >= t.turn_epoch OR o.purpose NOT IN ({WITHDRAWN}))"
    " AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.thread = o.thread AND"
    " (b.state = 'sending' OR (b.state = 'queued' AND o.urgent = 0 AND b.id < o.id)))"
)


def post(tx: Transaction, municipality: str, thread: int, channel: str, message: Sequence[int], parcel: Post) -> int:
    """Put a message (its id and position come first) into the outbox; return the row's id."""
    number = tx.insert(
        "outbox",
        municipality=municipality,
        thread=thread,
        message=message[0],
        position=message[1],
        channel=channel,
        purpose=parcel.purpose,
        author=parcel.author,
        turn_epoch=parcel.turn_epoch,
        state=DeliveryState.QUEUED,
        subject=parcel.subject,
        in_reply_to=parcel.in_reply_to,
        to_address=parcel.to_address,
        urgent=parcel.urgent,
        not_before=parcel.not_before or parcel.at,
        expires_at=parcel.expires_at,
        created_at=parcel.at,
        changed_at=parcel.at,
    )
    tx.wake(TOPIC)
    return number


def by_the_bot(tx: Transaction, address: int, since: datetime) -> int:
    """Return how many messages of the bot have been written to an address since."""
    return int(
        tx.value(
            "SELECT count(*) FROM thread t JOIN outbox o ON o.thread = t.id"
            " WHERE t.address = :address AND t.last_at >= :since AND o.author = 'bot' AND o.created_at >= :since",
            address=address,
            since=since,
        )
    )


def lease(tx: Transaction, owner: str, now: datetime, until: datetime, limit: int) -> list[Parcel]:
    """Take the next parcels: one per thread in flight, in the order they were written, the urgent ones first.

    What the bot wrote before a person took the turn is passed over. Use with ``mode="queue"``.
    """
    taken = tx.rows(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1, lease_owner = :owner, lease_until = :until,"
        " changed_at = :now WHERE id IN (SELECT o.id FROM outbox o JOIN thread t ON t.id = o.thread"
        # The empty text keeps the planners from the index of times: they would sort the whole backlog.
        f" WHERE o.state = 'queued' AND o.not_before || '' <= :now AND{IS_NEXT}"
        f" ORDER BY o.urgent DESC, o.id LIMIT :limit{tx.dialect.skip_locked}) RETURNING 1 - urgent, id",
        owner=owner,
        until=until,
        now=now,
        limit=limit,
    )
    parcels = [_parcel(tx, number) for _, number in sorted(taken)]
    for parcel in parcels:
        threads.show(tx, parcel.thread, parcel.message)
    return parcels


def _parcel(tx: Transaction, number: int) -> Parcel:
    found = tx.one(Parcel, f"SELECT {PARCEL}{PARCEL_FROM} WHERE o.id = :id", id=number)
    assert found is not None, "a row just updated is there"  # noqa: S101 - narrows the type
    return replace(found, refs=threads.refs_of(tx, found.municipality, found.thread))


def stale(tx: Transaction, owner: str, now: datetime, *, everybody_else: bool) -> list[Parcel]:
    """Return parcels that were being sent by somebody who has gone.

    ``everybody_else`` says that no other process sends, so whatever this owner did not lease was left by a crash.
    """
    rows = tx.rows(
        "SELECT id FROM outbox WHERE state = 'sending'"
        " AND (lease_until < :now OR (:alone = 1 AND lease_owner <> :owner))",
        now=now,
        alone=everybody_else,
        owner=owner,
    )
    return [_parcel(tx, row[0]) for row in rows]


def next_due(tx: Transaction) -> datetime | None:
    """Return when the earliest waiting parcel becomes ready; what waits for another one to leave has no time."""
    found = tx.value(
        "SELECT o.not_before FROM outbox o JOIN thread t ON t.id = o.thread"
        f" WHERE o.state = 'queued' AND{IS_NEXT} ORDER BY o.not_before LIMIT 1"
    )
    return None if found is None else datetime.fromisoformat(found)


def find(tx: Transaction, receipt: Receipt) -> int | None:
    """Return the parcel a receipt speaks of."""
    where = "id = :wanted" if receipt.outbox is not None else "provider_id = :wanted"
    wanted = receipt.outbox if receipt.outbox is not None else receipt.provider_id
    found: int | None = tx.value(f"SELECT id FROM outbox WHERE {where} ORDER BY id DESC LIMIT 1", wanted=wanted)
    return found


def standing(tx: Transaction, number: int) -> Standing:
    """Return how things stand with a parcel."""
    found = tx.one(
        Standing,
        "SELECT o.id, o.municipality, o.thread, o.message, o.channel, o.purpose, o.author, o.state, a.scheme, a.value,"
        " coalesce(o.to_address, t.address) AS address,"
        f" (o.author = 'bot' AND o.turn_epoch < t.turn_epoch AND o.purpose IN ({WITHDRAWN}))"
        "  OR (o.purpose <> 'stop' AND EXISTS (SELECT 1 FROM address b"
        "   WHERE b.id = coalesce(o.to_address, t.address) AND b.stopped_at IS NOT NULL)) AS withdrawn,"
        " EXISTS (SELECT 1 FROM outbox b WHERE b.thread = o.thread AND b.state = 'queued') AS followed"
        " FROM outbox o JOIN thread t ON t.id = o.thread JOIN address a ON a.id = t.address WHERE o.id = :id",
        id=number,
    )
    assert found is not None, "callers hold the id of a row"  # noqa: S101 - narrows the type
    return found


def change(tx: Transaction, now: Standing, then: DeliveryState, receipt: Receipt, at: datetime) -> bool:
    """Move a parcel to a later state and note the report; return whether it moved."""
    note(tx, now, then, receipt, at)
    if not may_become(now.state, then):
        return False
    tx.execute(
        "UPDATE outbox SET state = :state, detail = :detail, provider_id = coalesce(:provider_id, provider_id),"
        " lease_owner = NULL, lease_until = NULL, changed_at = :at WHERE id = :id",
        state=then,
        detail=receipt.detail,
        provider_id=receipt.provider_id or None,
        at=at,
        id=now.id,
    )
    if now.followed:
        tx.wake(TOPIC)
    return True


def note(tx: Transaction, now: Standing, state: DeliveryState, receipt: Receipt, at: datetime) -> None:
    """Keep what was reported, whether or not it changes anything."""
    tx.execute(
        "INSERT INTO delivery_event (municipality, outbox, state, detail, segments, at)"
        " VALUES (:municipality, :outbox, :state, :detail, :segments, :at)",
        municipality=now.municipality,
        outbox=now.id,
        state=state,
        detail=receipt.detail,
        segments=receipt.segments,
        at=at,
    )


def queue_again(tx: Transaction, number: int, not_before: datetime, at: datetime, *, doubtful: bool) -> None:
    """Let a parcel that was being sent wait for another attempt."""
    tx.execute(
        "UPDATE outbox SET state = 'queued', not_before = :not_before, doubtful = :doubtful, lease_owner = NULL,"
        " lease_until = NULL, changed_at = :at WHERE id = :id AND state = 'sending'",
        not_before=not_before,
        doubtful=doubtful,
        at=at,
        id=number,
    )
    tx.wake(TOPIC)


def withdraw(tx: Transaction, thread: int, at: datetime) -> int:
    """Cancel what the bot has queued in a thread that a person takes; return how many."""
    return tx.execute(
        "UPDATE outbox SET state = 'cancelled', changed_at = :at"
        f" WHERE thread = :thread AND author = 'bot' AND state IN ('held', 'queued') AND purpose IN ({WITHDRAWN})",
        thread=thread,
        at=at,
    )


def cancel_all(tx: Transaction, address: int, at: datetime) -> tuple[int, ...]:
    """Cancel everything queued for an address that asked for silence; return the threads where staff said any of it."""
    rows = tx.rows(
        "UPDATE outbox SET state = 'cancelled', changed_at = :at, detail = 'the resident has asked for no messages'"
        " WHERE state IN ('held', 'queued') AND (to_address = :address"
        "  OR (to_address IS NULL AND thread IN (SELECT id FROM thread WHERE address = :address)))"
        " RETURNING thread, author",
        address=address,
        at=at,
    )
    return tuple(dict.fromkeys(int(thread) for thread, author in rows if author == Author.STAFF))


def cancel(tx: Transaction, number: int, at: datetime) -> bool:
    """Withdraw one parcel that has not left; return whether it could be."""
    return bool(
        tx.execute(
            "UPDATE outbox SET state = 'cancelled', changed_at = :at WHERE id = :id AND state IN ('held', 'queued')",
            at=at,
            id=number,
        )
    )


def states_of(tx: Transaction, threads: Sequence[int]) -> tuple[tuple[int, str, str], ...]:
    """Return message, state and detail of everything these threads sent or send; a doubt stays in the detail."""
    listed = ", ".join(str(number) for number in threads) or "0"
    return tuple(
        (row[0], row[1], DOUBT if row[3] and not row[2] else row[2])
        for row in tx.rows(
            f"SELECT message, state, detail, doubtful FROM outbox WHERE thread IN ({listed}) ORDER BY id"
        )
    )


def unreached(tx: Transaction, address: int) -> str | None:
    """Return why the last thing sent to an address did not arrive, None when it did or nothing is known of it."""
    found: str | None = tx.value(
        "SELECT CASE WHEN o.state = 'failed' THEN o.detail END FROM thread t JOIN outbox o ON o.thread = t.id"
        " WHERE t.address = :address AND o.to_address IS NULL AND o.state IN ('sent', 'delivered', 'failed')"
        " ORDER BY o.id DESC LIMIT 1",
        address=address,
    )
    return found


def take_over(tx: Transaction, number: int, owner: str, until: datetime) -> None:
    """Lease a parcel that somebody who has gone was sending."""
    tx.execute(
        "UPDATE outbox SET lease_owner = :owner, lease_until = :until WHERE id = :id",
        owner=owner,
        until=until,
        id=number,
    )


def unread_answers(tx: Transaction, channel: str, before: datetime) -> list[tuple[str, int, int, int, str, str]]:
    """Return what staff said in a chat before a moment and nobody has read, where the resident left another address.

    Each row holds municipality, thread, message, position, the address left and the thread's subject.
    """
    rows = tx.rows(
        "SELECT o.municipality, o.thread, o.message, o.position, t.left_address, t.subject"
        " FROM outbox o JOIN thread t ON t.id = o.thread JOIN message m ON m.id = o.message"
        " WHERE o.channel = :channel AND t.channel = :channel AND o.author = 'staff' AND o.state = 'sent'"
        " AND o.changed_at < :before AND m.shown > t.read_position AND t.left_address IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.message = o.message AND b.channel <> :channel)"
        " ORDER BY o.id",
        channel=channel,
        before=before,
    )
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
