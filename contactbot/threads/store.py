"""The statements about threads, addresses and messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contactbot.errors import NotFoundError, UnknownAccountError
from contactbot.messages import Accepted, Address, Author, Inbound, Spoken, Standing
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
LONGEST_QUEUE = 50  # conversations; further back a place in it comforts nobody, and every chat would count them all
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


def spoken_to(tx: Transaction, channel: str, session: Address, after: int) -> tuple[Spoken, ...]:
    """Return what a session may see of its running thread: what it said, and what has left for it."""
    return tuple(
        tx.all(
            Spoken,
            "SELECT m.shown AS position, m.author, coalesce(s.name, '') AS author_name, m.text, m.created_at AS at,"
            " m.markup, m.language, m.choices, m.key, m.municipality,"
            " EXISTS (SELECT 1 FROM outbox o WHERE o.message = m.id AND o.purpose = 'erased') AS forgets,"
            " EXISTS (SELECT 1 FROM outbox o WHERE o.message = m.id AND o.purpose = 'survey') AS asks_why,"
            " (SELECT CASE WHEN count(*) = 0 THEN '' WHEN max(g.helpful) = 1 THEN 'helpful'"
            " WHEN max(g.helpful) = 0 THEN 'unhelpful' ELSE 'unrated' END"
            " FROM answer_given g WHERE g.message = m.id) AS rating"
            " FROM address a JOIN thread t ON t.address = a.id AND t.municipality = a.municipality"
            " JOIN message m ON m.thread = t.id"
            " LEFT JOIN staff s ON s.id = m.staff"
            " WHERE a.scheme = :scheme AND a.value = :value AND t.channel = :channel AND m.kind = 'message'"
            " AND m.shown > :after AND m.text <> ''"
            " AND t.id = (SELECT max(id) FROM thread WHERE address = a.id)"
            " ORDER BY m.shown",
            scheme=session.scheme,
            value=session.value,
            channel=channel,
            after=after,
        )
    )


def standing(tx: Transaction, channel: str, session: Address) -> Standing:
    """Return whether people have a session's running thread, or had it and have closed its case since it last wrote."""
    found = tx.row(
        "SELECT t.turn_owner <> 'bot', t.turn_owner = 'bot' AND EXISTS (SELECT 1 FROM ticket_thread x"
        "  JOIN ticket k ON k.municipality = x.municipality AND k.id = x.ticket"
        "  WHERE x.municipality = t.municipality AND x.thread = t.id AND x.unlinked_at IS NULL AND k.state = 'closed'"
        "  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.thread = t.id AND m.author = 'resident'"
        "   AND m.created_at > k.closed_at)),"
        " CASE WHEN t.turn_owner = 'waiting' THEN (SELECT count(*) FROM (SELECT 1 FROM ticket w"
        "  WHERE w.municipality = t.municipality AND w.state = 'open' AND w.assignee IS NULL AND w.source = t.channel"
        "  AND w.id <= (SELECT max(x.ticket) FROM ticket_thread x WHERE x.thread = t.id AND x.unlinked_at IS NULL)"
        "  LIMIT :most) AS before) END"
        " FROM address a JOIN thread t ON t.address = a.id AND t.municipality = a.municipality"
        " WHERE a.scheme = :scheme AND a.value = :value AND t.channel = :channel"
        " AND t.id = (SELECT max(id) FROM thread WHERE address = a.id)",
        scheme=session.scheme,
        value=session.value,
        channel=channel,
        most=LONGEST_QUEUE + 1,
    )
    if found is None:
        return Standing()
    place = found[2] if 0 < (found[2] or 0) <= LONGEST_QUEUE else None
    return Standing(bool(found[0]), bool(found[1]), place=place)


def sessions_of(tx: Transaction, municipality: str, ticket: int) -> tuple[Address, ...]:
    """Return the addresses of a case's running threads that come to us over the web."""
    rows = tx.rows(
        "SELECT a.scheme, a.value FROM ticket k"
        " JOIN ticket_thread x ON x.municipality = k.municipality AND x.ticket = k.id AND x.unlinked_at IS NULL"
        " JOIN thread t ON t.municipality = x.municipality AND t.id = x.thread AND t.state = 'open'"
        " JOIN address a ON a.municipality = t.municipality AND a.id = t.address AND a.scheme = 'webchat'"
        " WHERE k.municipality = :municipality AND k.number = :number ORDER BY t.id",
        municipality=municipality,
        number=ticket,
    )
    return tuple(Address(scheme, value) for scheme, value in rows)


def cases_of(tx: Transaction, session: Address) -> tuple[tuple[str, int], ...]:
    """Return municipality and number of the cases in which a session's running thread is."""
    rows = tx.rows(
        "SELECT k.municipality, k.number FROM address a"
        " JOIN thread t ON t.municipality = a.municipality AND t.address = a.id AND t.state = 'open'"
        " JOIN ticket_thread x ON x.municipality = t.municipality AND x.thread = t.id AND x.unlinked_at IS NULL"
        " JOIN ticket k ON k.municipality = x.municipality AND k.id = x.ticket AND k.state <> 'closed'"
        " WHERE a.scheme = :scheme AND a.value = :value",
        scheme=session.scheme,
        value=session.value,
    )
    return tuple((str(municipality), int(number)) for municipality, number in rows)


def note_read(tx: Transaction, session: Address, position: int) -> None:
    """Note how far a session has read; it never goes back."""
    tx.execute(
        "UPDATE thread SET read_position = :position WHERE read_position < :position AND state = 'open' AND address IN"
        " (SELECT id FROM address WHERE scheme = :scheme AND value = :value)",
        position=position,
        scheme=session.scheme,
        value=session.value,
    )


def leave_address(tx: Transaction, session: Address, left: Address) -> None:
    """Note where the resident may be reached when the session is gone."""
    tx.execute(
        "UPDATE thread SET left_address = :left WHERE state = 'open' AND address IN"
        " (SELECT id FROM address WHERE scheme = :scheme AND value = :value)",
        left=str(left),
        scheme=session.scheme,
        value=session.value,
    )


# --- raw input ---


def keep_raw(tx: Transaction, municipality: str, message: int, media_type: str, sha256: str, size: int) -> None:
    """Note where the raw copy of a message lies."""
    tx.insert(
        "raw", municipality=municipality, message=message, media_type=media_type, sha256=sha256, size=size
    )  # fmt: skip


def keep_attachment(  # noqa: PLR0913 - the columns of one row
    tx: Transaction, municipality: str, message: int, name: str, media_type: str, size: int, sha256: str
) -> None:
    """Note an attachment of a message."""
    tx.insert(
        "attachment", municipality=municipality, message=message, name=name, media_type=media_type, size=size,
        sha256=sha256,
    )  # fmt: skip


def rested(thread: Thread, now: datetime, hours: float) -> bool:
    """Whether so long has passed that the next message is a new conversation."""
    return now - thread.last_at > timedelta(hours=hours)


def address_by_id(tx: Transaction, address: int) -> AddressRow:
    """Return an address that a thread refers to. Raises NotFoundError."""
    found = tx.one(AddressRow, "SELECT id, scheme, value, name, stopped_at FROM address WHERE id = :id", id=address)
    if found is None:
        raise NotFoundError(f"there is no address {address}")
    return found


def files_of(tx: Transaction, threads: Sequence[int]) -> tuple[tuple[int, str, str, int, str], ...]:
    """Return message, name, media type, size in bytes and hash of each attachment of these threads."""
    listed = ", ".join(str(number) for number in threads) or "0"
    return tuple(
        (row[0], row[1], row[2], row[3], row[4])
        for row in tx.rows(
            "SELECT a.message, a.name, a.media_type, a.size, a.sha256 FROM attachment a"
            f" JOIN message m ON m.id = a.message WHERE m.thread IN ({listed}) ORDER BY a.id"
        )
    )


def turn_epoch(tx: Transaction, thread: int) -> int:
    """Return the thread's turn epoch as it stands."""
    return int(tx.value("SELECT turn_epoch FROM thread WHERE id = :id", id=thread))


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that came with a message: name, declared type, size in bytes and hash, and the thread they belong to."""

    thread: int
    name: str
    media_type: str
    size: int
    sha256: str


def raw_of(tx: Transaction, municipality: str, message: int) -> Kept | None:
    """Return where the raw copy of a message lies, while it is kept. Whoever asks notes it first."""
    return tx.one(
        Kept,
        "SELECT m.thread, '' AS name, r.media_type, r.size, r.sha256 FROM raw r"
        " JOIN message m ON m.id = r.message AND m.municipality = r.municipality"
        " WHERE r.municipality = :municipality AND r.message = :message",
        municipality=municipality,
        message=message,
    )


def attachment_of(tx: Transaction, municipality: str, message: int, sha256: str) -> Kept | None:
    """Return where an attachment of a message lies."""
    return tx.one(
        Kept,
        "SELECT m.thread, a.name, a.media_type, a.size, a.sha256 FROM attachment a"
        " JOIN message m ON m.id = a.message AND m.municipality = a.municipality"
        " WHERE a.municipality = :municipality AND a.message = :message AND a.sha256 = :sha256 ORDER BY a.id LIMIT 1",
        municipality=municipality,
        message=message,
        sha256=sha256,
    )


def with_raw(tx: Transaction, threads: Sequence[int]) -> frozenset[int]:
    """Return which messages of these threads still have their raw copy."""
    listed = ", ".join(str(number) for number in threads) or "0"
    rows = tx.rows(f"SELECT r.message FROM raw r JOIN message m ON m.id = r.message WHERE m.thread IN ({listed})")
    return frozenset(int(row[0]) for row in rows)


def folded_of(tx: Transaction, threads: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return, by message, the parts of these threads' messages that were quoted or signed and so folded away."""
    listed = ", ".join(str(number) for number in threads) or "0"
    rows = tx.rows(f"SELECT id, folded FROM message WHERE thread IN ({listed}) AND folded <> '[]'")
    return {int(number): tuple(str(part["text"]) for part in json.loads(parts)) for number, parts in rows}


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
