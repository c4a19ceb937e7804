"""Residents who have written, and what is left of one of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from contactbot.handoff import desk
from contactbot.handoff.desk import Actor
from contactbot.handoff.ticket import NewTicket, Reason
from contactbot.messages import Account, Address, Author
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.privacy.erasures.erasure import Order
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.storage import blobs, installation
from contactbot.storage.tables import metadata
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.originals import store as originals
from contactbot.threads.thread import NewMessage

TOWN = "fjordvik"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = b"a key that signs tombstones in tests"
LIV = Address("email", "liv.berg@resident.example")
LIVS_PHONE = Address("tel", "+4799999901")
PER = Address("email", "per.dahl@resident.example")
SECRET = "Livs egne ord om hemmelighuset"  # stands in all that she wrote and in all that is about her
KARI = Actor(1, "Kari Nes", TOWN, MONDAY)


def clock() -> datetime:
    """Return the moment at which everything in these tests is done."""
    return MONDAY + timedelta(days=1)


def founded(tx: Transaction) -> None:
    """Make the municipality, its accounts and Kari, who works on cases."""
    town = installation.Member(TOWN, "Fjordvik kommune", "NO", "nb", "Europe/Oslo", ("Innbyggerservice",))
    installation.write(
        tx, [town], [Account("email", "post@fjordvik.example", TOWN), Account("sms", "+4759440000", TOWN)]
    )
    staff.add(tx, TOWN, "kari@fjordvik.example", "Kari Nes", Role.STAFF, "-", "Innbyggerservice", MONDAY)


def wrote(tx: Transaction, who: Address, text: str = SECRET, at: datetime = MONDAY) -> int:
    """Let somebody write, with all that can come with a message, and be answered; return the thread."""
    channel, account = ("sms", "+4759440000") if who.scheme == "tel" else ("email", "post@fjordvik.example")
    number, _ = threads.account_of(tx, channel, account)
    address = threads.keep_address(tx, TOWN, who, f"Navnet bak {who.value}", at)
    thread = threads.open_thread(tx, TOWN, number, address, channel, f"{text} (emne)", "nb", at)
    new = NewMessage(Author.RESIDENT, text, "nb", at, folded=({"text": f"{text} (sitat)", "rule": "quote"},), key=text)
    message = threads.append(tx, TOWN, thread.id, new)
    name = blobs.keep_rest(tx, TOWN, f"raw: {text}".encode(), at)
    originals.keep_raw(tx, TOWN, message.id, "message/rfc822", name, 5 + len(text.encode()))
    name = blobs.keep_rest(tx, TOWN, f"file: {text}".encode(), at)
    originals.keep_attachment(tx, TOWN, message.id, f"{text}.pdf", "application/pdf", 6 + len(text.encode()), name)
    threads.add_refs(tx, TOWN, thread.id, message.id, [f"<{text} {thread.id}@resident.example>"], own=False)
    tx.execute(
        "INSERT INTO accepted (municipality, account, external_id, fingerprint, message, thread, position, at)"
        " VALUES (:town, :account, :id, '', :message, :thread, 1, :at)",
        town=TOWN, account=number, id=f"{text} {thread.id}", message=message.id, thread=thread.id, at=at,
    )  # fmt: skip
    said = threads.append(tx, TOWN, thread.id, NewMessage(Author.BOT, f"Svar om {text}", "nb", at))
    row = outbox.post(
        tx, TOWN, thread.id, channel, (said.id, said.position),
        Post("answer", Author.BOT, 0, at, subject=f"Re: {text}", in_reply_to=f"<{text}>"),
    )  # fmt: skip
    tx.execute("UPDATE outbox SET detail = :text WHERE id = :id", text=text, id=row)
    tx.insert("delivery_event", municipality=TOWN, outbox=row, state="failed", detail=text, at=at)
    tx.insert(
        "answer_given", municipality=TOWN, message=said.id, entry="bibliotek", entry_version=1, language="nb",
        confidence="0.9", phrasing=text, words=[[text, text]], rule="sure",
        helpful=False, comment=text,
    )  # fmt: skip
    tx.execute("UPDATE thread SET pending = :pending WHERE id = :id", pending={"question": text}, id=thread.id)
    return thread.id


def handed_off(tx: Transaction, thread: int, text: str = SECRET) -> int:
    """Give a thread to people, who note something and look at it; return the case's number."""
    found = threads.thread_by_id(tx, TOWN, thread)
    assert found is not None
    ticket = desk.hand_off(tx, found, NewTicket(f"{text} (tittel)", Reason.UNSURE, found.channel, MONDAY, MONDAY))
    desk.note(tx, ticket.number, f"Notat om {text}", KARI)
    tx.insert(
        "access", municipality=TOWN, at=MONDAY, staff=KARI.staff, what="case", ticket=ticket.id, relation="team",
        reason=text,
    )  # fmt: skip
    return ticket.number


def decided(tx: Transaction, number: int, archive: str, archived_at: datetime | None = None) -> None:
    """Close a case and say what the archive shall have."""
    desk.close(tx, number, KARI, survey=False)
    tx.execute(
        "UPDATE ticket SET archive = :archive, archived_at = :at WHERE number = :number",
        archive=archive, at=archived_at, number=number,
    )  # fmt: skip


def order(tx: Transaction, *people: Address, at: datetime | None = None) -> Order:
    """Return the order to forget these addresses."""
    found = [threads.find_address(tx, TOWN, one) for one in people]
    numbers = tuple(row.id for row in found if row is not None)
    return Order(TOWN, numbers, "operator", clock(), at or clock(), KEY)


def mentions(tx: Transaction, *wanted: str) -> list[str]:
    """Return every table and column, the search index and the blobs included, that hold one of these texts."""
    tables = [table.name for table in metadata.sorted_tables] + ["message_search"]
    return sorted({table for table in tables for text in wanted if _holds(tx, table, text)})


def _holds(tx: Transaction, table: str, text: str) -> bool:
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    return any(
        text in shown or quoted in shown or text.casefold() in shown.casefold()
        for row in tx.rows(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
        for shown in (_readable(value) for value in row)
    )


def _readable(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)


def counts(tx: Transaction, tables: Sequence[str]) -> dict[str, int]:
    """Return how many rows tables have."""
    return {table: int(tx.value(f"SELECT count(*) FROM {table}")) for table in tables}  # noqa: S608 - our own tables
