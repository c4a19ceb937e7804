"""The statements about threads, addresses and messages."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contactbot.errors import NotFoundError, UnknownAccountError
from contactbot.messages import Accepted, Address, Author, Inbound
from contactbot.storage.notices import session_topic
from contactbot.storage.transaction import Transaction
from contactbot.threads.thread import AddressRow, Message, NewMessage, Placed, State, Thread

THREAD_COLUMNS = (
    *("id", "municipality", "account", "address", "channel", "subject", "language", "state", "turn_owner"),
    *("turn_epoch", "version", "positions", "disclosed", "pending", "created_at", "last_at"),
)
THREAD = ", ".join(f"t.{column}" for column in THREAD_COLUMNS)
MESSAGE = (
    "m.id, m.thread, m.position, m.author, m.kind, m.text, m.markup, m.language, m.choices, m.key, m.outcome,"
    " m.created_at, s.name AS staff_name, m.sender"
)
SAME_TOWN = (
    "IN (SELECT b.id FROM account a JOIN account b ON b.municipality = a.municipality AND b.channel = a.channel"
    " WHERE a.id = :account)"
)
RECENT = (
    " FROM thread t JOIN message m ON m.thread = t.id AND m.position > t.positions - :looked"
    " WHERE t.address = :address AND t.last_at >= :since AND m.author = 'resident' AND m.created_at >= :since"
)
STATE = ", language = :language, pending = :pending, disclosed = :disclosed, version = version + 1"
MOST_REFS = 100  # identifiers that a message names; RFC 5322 sets no bound, relays do at some kilobytes


# --- accounts and addresses ---


def account_of(tx: Transaction, channel: str, address: str) -> tuple[int, str]:
    """Return the account's id and municipality. Raises UnknownAccountError."""
    found = tx.row(
        "SELECT id, municipality FROM account WHERE channel = :channel AND address = :address",
        channel=channel,
        address=address,
    )
    if found is None:
        raise unknown_account(channel, address)
    return int(found[0]), str(found[1])


def unknown_account(channel: str, address: str) -> UnknownAccountError:
    """Return the error of a message to an account that is not ours."""
    return UnknownAccountError(f"no account {address!r} is configured for {channel}; add it under [channels.{channel}]")


def find_address(tx: Transaction, municipality: str, address: Address) -> AddressRow | None:
    """Return the address if it has written before."""
    return tx.one(
        AddressRow,
        "SELECT id, scheme, value, name, stopped_at FROM address"
        " WHERE municipality = :municipality AND scheme = :scheme AND value = :value",
        municipality=municipality,
        scheme=address.scheme,
        value=address.value,
    )


def address_by_id(tx: Transaction, address: int) -> AddressRow:
    """Return an address that a thread refers to. Raises NotFoundError."""
    found = tx.one(AddressRow, "SELECT id, scheme, value, name, stopped_at FROM address WHERE id = :id", id=address)
    if found is None:
        raise NotFoundError(f"there is no address {address}")
    return found


def keep_address(tx: Transaction, municipality: str, address: Address, name: str, at: datetime) -> int:
    """Return the address's id, making it when it is new."""
    found = find_address(tx, municipality, address)
    if found is None:
        return tx.insert(
            "address", municipality=municipality, scheme=address.scheme, value=address.value, name=name, created_at=at
        )
    if name and name != found.name:
        tx.execute("UPDATE address SET name = :name WHERE id = :id", name=name, id=found.id)
    return found.id


def service_account(tx: Transaction, municipality: str, channel: str) -> int | None:
    """Return the account a municipality writes from on a channel, None where it cannot be reached there."""
    found: int | None = tx.value(
        "SELECT min(id) FROM account WHERE municipality = :municipality AND channel = :channel AND kind = 'service'",
        municipality=municipality,
        channel=channel,
    )
    return found


def set_stopped(tx: Transaction, address: int, at: datetime | None) -> None:
    """Note the resident's STOP, or with None their START."""
    tx.execute("UPDATE address SET stopped_at = :at WHERE id = :id", at=at, id=address)


# --- accept once ---


def already_accepted(tx: Transaction, account: int, inbound: Inbound) -> Accepted | None:
    """Return what was said to the first delivery of this message.

    With a fingerprint, also on another account of the municipality: one mail to two of our addresses is one message.
    """
    on = SAME_TOWN if inbound.fingerprint else "= :account"
    found = tx.row(
        f"SELECT message, thread, position FROM accepted WHERE account {on}"
        " AND external_id = :external_id AND fingerprint = :fingerprint LIMIT 1",
        account=account,
        external_id=inbound.external_id,
        fingerprint=inbound.fingerprint,
    )
    return None if found is None else Accepted(found[0], found[1], found[2], duplicate=True)


def accept(tx: Transaction, municipality: str, account: int, inbound: Inbound, accepted: Accepted) -> None:
    """Note that the message is kept; the primary key refuses a second one."""
    tx.execute(
        "INSERT INTO accepted (municipality, account, external_id, fingerprint, message, thread, position, at)"
        " VALUES (:municipality, :account, :external_id, :fingerprint, :message, :thread, :position, :at)",
        municipality=municipality,
        account=account,
        external_id=inbound.external_id,
        fingerprint=inbound.fingerprint,
        message=accepted.message,
        thread=accepted.thread,
        position=accepted.position,
        at=inbound.received_at,
    )


# --- threads ---


def thread_by_id(tx: Transaction, municipality: str, thread: int) -> Thread | None:
    """Return a thread of this municipality."""
    return tx.one(
        Thread,
        f"SELECT {THREAD} FROM thread t WHERE t.municipality = :municipality AND t.id = :id",
        municipality=municipality,
        id=thread,
    )


def thread_by_refs(tx: Transaction, municipality: str, address: int | None, refs: Sequence[str]) -> Thread | None:
    """Return the thread that any of these references belongs to, the latest first.

    A reference only leads into a thread of the same address: identifiers can be forged or shared, no thread may leak.
    """
    for ref in reversed(refs):
        found = tx.one(
            Thread,
            f"SELECT {THREAD} FROM message_ref r JOIN thread t ON t.municipality = r.municipality AND t.id = r.thread"
            " WHERE r.municipality = :municipality AND r.ref = :ref AND t.address = :address"
            " ORDER BY t.last_at DESC LIMIT 1",
            municipality=municipality,
            ref=ref,
            address=address,
        )
        if found is not None:
            return found
    return None


def running_thread(tx: Transaction, account: int, address: int) -> Thread | None:
    """Return the address's open thread on this account."""
    return tx.one(
        Thread,
        f"SELECT {THREAD} FROM thread t WHERE t.account = :account AND t.address = :address AND t.state = 'open'"
        " ORDER BY t.id DESC LIMIT 1",
        account=account,
        address=address,
    )


def latest_thread(tx: Transaction, municipality: str, account: int, address: Address) -> int:
    """Return the newest thread of an address on this account, open or not, 0 when there is none."""
    return int(
        tx.value(
            "SELECT coalesce(max(t.id), 0) FROM address a JOIN thread t ON t.address = a.id AND t.account = :account"
            " WHERE a.municipality = :municipality AND a.scheme = :scheme AND a.value = :value",
            municipality=municipality,
            account=account,
            scheme=address.scheme,
            value=address.value,
        )
    )


def rested(thread: Thread, now: datetime, hours: float) -> bool:
    """Whether so long has passed that the next message is a new conversation."""
    return now - thread.last_at > timedelta(hours=hours)


def open_thread(  # noqa: PLR0913 - the columns of one row
    tx: Transaction,
    municipality: str,
    account: int,
    address: int,
    channel: str,
    subject: str,
    language: str,
    at: datetime,
    *,
    shown: int = 0,
) -> Thread:
    """Start a thread. Numbers shown go on from the address's last thread, so that a session's never start over.

    ``shown`` is where they go on when that thread is not the address's any more.
    """
    thread = tx.one(
        Thread,
        "INSERT INTO thread (municipality, account, address, channel, subject, language, shown, created_at, last_at)"
        " VALUES (:municipality, :account, :address, :channel, :subject, :language,"
        " coalesce((SELECT max(shown) FROM thread WHERE address = :address), :shown), :at, :at)"
        f" RETURNING {', '.join(THREAD_COLUMNS)}",
        municipality=municipality,
        account=account,
        address=address,
        channel=channel,
        subject=subject,
        language=language,
        shown=shown,
        at=at,
    )
    assert thread is not None, "a row just inserted is there"  # noqa: S101 - narrows the type
    return thread


def close_threads(tx: Transaction, account: int, address: int) -> None:
    """Let the address's open threads on this account rest; their next message starts afresh."""
    tx.execute(
        "UPDATE thread SET state = 'closed', version = version + 1"
        " WHERE account = :account AND address = :address AND state = 'open'",
        account=account,
        address=address,
    )


def set_turn(tx: Transaction, thread: int, owner: str) -> int:
    """Give the turn to ``owner`` and return the epoch, a new one when a person takes the turn.

    What the bot queued in an older epoch will not leave. What it said before it asked for a person still does. A chat
    that is open on the thread is told, since it shows whether people have it.
    """
    scheme, value = tx.rows(
        "SELECT a.scheme, a.value FROM thread t JOIN address a ON a.id = t.address WHERE t.id = :id", id=thread
    )[0]
    tx.wake(session_topic(scheme, value))
    epoch: int = tx.value(
        "UPDATE thread SET turn_owner = :owner, version = version + 1,"
        " turn_epoch = turn_epoch + CASE WHEN :owner = 'staff' THEN 1 ELSE 0 END WHERE id = :id RETURNING turn_epoch",
        owner=owner,
        id=thread,
    )
    return epoch


def turn_epoch(tx: Transaction, thread: int) -> int:
    """Return the thread's turn epoch as it stands."""
    return int(tx.value("SELECT turn_epoch FROM thread WHERE id = :id", id=thread))


def touch(
    tx: Transaction, thread: int, *, at: datetime, language: str, pending: dict[str, object] | None, disclosed: bool
) -> None:
    """Write what a message changed in its thread, and raise the version."""
    tx.execute(
        f"UPDATE thread SET last_at = :at{STATE} WHERE id = :id",
        at=at,
        language=language,
        pending=pending,
        disclosed=disclosed,
        id=thread,
    )


def set_pending(tx: Transaction, thread: int, pending: dict[str, object]) -> None:
    """Replace what the resident was offered and may be answering."""
    tx.execute("UPDATE thread SET pending = :pending WHERE id = :id", pending=pending, id=thread)


# --- messages ---


def append(
    tx: Transaction, municipality: str, thread: int, message: NewMessage, becomes: State | None = None
) -> Placed:
    """Put a message at the end of a thread; return its place.

    What a resident said is shown at once, everything else when it leaves. ``becomes`` is what it makes of the thread.
    """
    seen = message.author == Author.RESIDENT and message.kind == "message"
    changed = {} if becomes is None else _changed(becomes)
    position, shown, epoch = tx.row(
        "UPDATE thread SET positions = positions + 1, shown = shown + :seen, last_at = :at"
        f"{STATE if changed else ''} WHERE id = :id RETURNING positions, shown, turn_epoch",
        seen=seen,
        id=thread,
        **{"at": message.at, **changed},
    ) or (0, 0, 0)
    number = tx.insert(
        "message",
        municipality=municipality,
        thread=thread,
        position=position,
        shown=shown if seen else None,
        author=message.author,
        staff=message.staff,
        kind=message.kind,
        text=message.text,
        markup=message.markup,
        language=message.language,
        folded=message.folded,
        choices=message.choices,
        key=message.key,
        sender=message.sender,
        removed=message.removed,
        outcome=message.outcome,
        created_at=message.at,
    )
    if message.text and message.kind != "automatic":
        tx.dialect.index_message(tx, municipality, number, message.text)
    return Placed(number, position, shown if seen else 0, epoch)


def show(tx: Transaction, thread: int, message: int) -> None:
    """Give a message that leaves now its place in what the resident sees; a second attempt keeps the first one's."""
    shown = tx.value(
        "UPDATE thread SET shown = shown + 1"
        " WHERE id = :thread AND EXISTS (SELECT 1 FROM message WHERE id = :message AND shown IS NULL) RETURNING shown",
        thread=thread,
        message=message,
    )
    if shown is not None:
        tx.execute("UPDATE message SET shown = :shown WHERE id = :id", shown=shown, id=message)


def _changed(state: State) -> dict[str, object]:
    return {
        "at": state.at, "language": state.language, "pending": state.pending, "disclosed": state.disclosed,
    }  # fmt: skip


def add_refs(tx: Transaction, municipality: str, thread: int, message: int, refs: Sequence[str], *, own: bool) -> None:
    """Remember identifiers under which the peer knows messages of this thread."""
    for ref in refs:
        tx.add("message_ref", municipality=municipality, ref=ref, thread=thread, message=message, own=own)


def refs_of(tx: Transaction, municipality: str, thread: int) -> tuple[str, ...]:
    """Return the identifiers of the thread's messages, oldest first; of a very long thread the last ones."""
    rows = tx.rows(
        "SELECT ref FROM message_ref WHERE municipality = :municipality AND thread = :thread"
        " ORDER BY message DESC, own DESC, ref DESC LIMIT :limit",
        municipality=municipality,
        thread=thread,
        limit=MOST_REFS,
    )
    return tuple(row[0] for row in reversed(rows))


def last_external_id(tx: Transaction, thread: int) -> str:
    """Return the identifier under which the peer knows the resident's last message, "" when they wrote none."""
    found = tx.value(
        "SELECT a.external_id FROM message m JOIN accepted a ON a.message = m.id"
        " WHERE m.thread = :thread ORDER BY m.position DESC LIMIT 1",
        thread=thread,
    )
    return str(found or "")


def last_messages(tx: Transaction, thread: int, limit: int) -> tuple[Message, ...]:
    """Return the thread's last messages, oldest first."""
    rows = tx.all(
        Message,
        f"SELECT {MESSAGE} FROM message m LEFT JOIN staff s ON s.id = m.staff"
        " WHERE m.thread = :thread ORDER BY m.position DESC LIMIT :limit",
        thread=thread,
        limit=limit,
    )
    return tuple(reversed(rows))


def messages_of(tx: Transaction, municipality: str, thread: int) -> tuple[Message, ...]:
    """Return the whole thread in order."""
    return tuple(
        tx.all(
            Message,
            f"SELECT {MESSAGE} FROM message m LEFT JOIN staff s ON s.id = m.staff"
            " WHERE m.municipality = :municipality AND m.thread = :thread ORDER BY m.position",
            municipality=municipality,
            thread=thread,
        )
    )


def recent_from(tx: Transaction, address: int, since: datetime, looked: int) -> int:
    """Return how many messages the address wrote since, among the last ``looked`` of each of its threads."""
    return int(tx.value(f"SELECT count(*){RECENT}", address=address, since=since, looked=looked))


def repeats_from(tx: Transaction, address: int, masked: str, since: datetime, looked: int) -> int:
    """Return how many of those messages have this text, masked as it is kept."""
    found = tx.value(
        f"SELECT count(*){RECENT} AND m.text = :masked", address=address, since=since, looked=looked, masked=masked
    )
    return int(found)


def said_to(tx: Transaction, thread: int, limit: int) -> tuple[str, ...]:
    """Return what the bot and staff last said in a thread, oldest first."""
    found = tx.rows(
        "SELECT text FROM message WHERE thread = :thread AND author <> 'resident' AND kind = 'message' AND text <> ''"
        " ORDER BY position DESC LIMIT :limit",
        thread=thread,
        limit=limit,
    )
    return tuple(row[0] for row in reversed(found))
