"""The statements of retention. Each function is part of a unit, and looks at a bounded number of rows.

Rows by which figures are counted stay, without words, names and addresses; the rest is deleted.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from contactbot.privacy.retention.due import Due, Step
from contactbot.staff.member import SESSION_REST
from contactbot.storage import blobs, events, housekeeping
from contactbot.storage.transaction import Transaction

Left: TypeAlias = Literal["questions", "none"]

EMPTIED = "…"  # the title of a case without words
FORMER = "former-"  # what the addresses of former members of staff begin with; no address that signs in does
# The messages of a thread that a unit takes its words from.
THESE = "(SELECT id FROM message WHERE thread = :thread AND position > :above AND position <= :upto)"
# What stands in a message's text afterwards.
TEXT: Mapping[Left, str] = {
    "questions": "CASE WHEN author = 'resident' AND kind = 'message' THEN text ELSE '' END",
    "none": "''",
}
OPEN_LINK = " FROM ticket_thread x JOIN ticket k ON k.id = x.ticket WHERE x.unlinked_at IS NULL"
UNARCHIVED = "(k.archive = 'undecided' OR (k.archive = 'keep' AND k.archived_at IS NULL))"
NEXT_BOT_THREAD = (
    "SELECT t.id, t.address, t.emptied_to, t.words FROM thread t WHERE t.municipality = :municipality"
    " AND t.words = 'all' AND t.last_at < :before"
    f" AND NOT EXISTS (SELECT 1{OPEN_LINK} AND x.thread = t.id) ORDER BY t.last_at LIMIT 1"
)
NEXT_QUESTIONS = (
    "SELECT t.id, t.address, t.emptied_to, t.words FROM thread t WHERE t.municipality = :municipality"
    " AND t.words = 'questions' AND t.last_at < :before ORDER BY t.last_at LIMIT 1"
)
DUE_CASE = (
    "SELECT k.id, k.number FROM ticket k WHERE k.municipality = :municipality AND k.words = 'all'"
    " AND k.state = 'closed' AND NOT EXISTS (SELECT 1 FROM ticket_thread x JOIN thread t ON t.id = x.thread"
    "  WHERE x.ticket = k.id AND x.unlinked_at IS NULL AND t.last_at >= :before)"
)
LEFT_OUT_CASE = f"{DUE_CASE} AND k.archive = 'leave_out' AND k.closed_at < :before ORDER BY k.closed_at LIMIT 1"
ARCHIVED_CASE = f"{DUE_CASE} AND k.archive = 'keep' AND k.archived_at < :before ORDER BY k.closed_at LIMIT 1"
# The case's next thread with words in it that no other case needs.
NEXT_CASE_THREAD = (
    "SELECT t.id, t.address, t.emptied_to, t.words FROM ticket_thread l JOIN thread t ON t.id = l.thread"
    " WHERE l.ticket = :ticket AND l.unlinked_at IS NULL AND t.words <> 'none'"
    f" AND NOT EXISTS (SELECT 1{OPEN_LINK} AND x.thread = t.id AND k.id <> :ticket AND k.words = 'all')"
    " ORDER BY t.id LIMIT 1"
)

OLD_REQUEST = "r.municipality = :municipality AND coalesce(r.sent_at, r.asked_at) < :before"
# The mails about a conversation that somebody wanted; one that was answered is a conversation of its own.
NEXT_LETTERS = (
    "SELECT t.id, t.address, t.emptied_to, t.words FROM transcript_request r JOIN thread t ON t.id = r.letters"
    f" WHERE {OLD_REQUEST} AND t.words <> 'none'"
    " AND NOT EXISTS (SELECT 1 FROM message m WHERE m.thread = t.id AND m.author = 'resident')"
    " ORDER BY r.id LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Run:
    """The last run over a class of data: where it is or when it ended, and the rows it deleted by table."""

    name: str
    started_at: datetime
    finished_at: datetime | None
    cursor: int
    deleted: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Thread:
    """A thread that loses its words, and how far that has come."""

    id: int
    address: int
    emptied_to: int
    words: str


# --- runs ---


def runs(tx: Transaction, municipality: str) -> dict[str, Run]:
    """Return the last run over each class that has had one."""
    found = tx.all(
        Run,
        "SELECT class AS name, started_at, finished_at, cursor, deleted FROM retention_run"
        " WHERE municipality = :municipality",
        municipality=municipality,
    )
    return {run.name: run for run in found}


def keep_run(tx: Transaction, municipality: str, run: Run) -> None:
    """Write where a run is."""
    tx.execute(
        "INSERT INTO retention_run (municipality, class, started_at, finished_at, cursor, deleted)"
        " VALUES (:municipality, :name, :started_at, :finished_at, :cursor, :deleted)"
        " ON CONFLICT (municipality, class) DO UPDATE SET started_at = excluded.started_at,"
        " finished_at = excluded.finished_at, cursor = excluded.cursor, deleted = excluded.deleted",
        municipality=municipality,
        name=run.name,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cursor=run.cursor,
        deleted=run.deleted,
    )


def proofs(tx: Transaction, municipality: str, limit: int) -> tuple[tuple[datetime, str, dict[str, int]], ...]:
    """Return the newest runs that deleted something: when, over which class, and rows by table."""
    rows = tx.rows(
        "SELECT at, subject, data FROM event WHERE municipality = :municipality AND kind = 'retention.ran'"
        " ORDER BY seq DESC LIMIT :limit",
        municipality=municipality,
        limit=limit,
    )
    return tuple((datetime.fromisoformat(at), name, json.loads(data)["deleted"]) for at, name, data in rows)


def waiting_for_decision(tx: Transaction, municipality: str) -> int:
    """Return how many closed cases nobody has made an archive decision for."""
    return int(
        tx.value(
            "SELECT count(*) FROM ticket WHERE municipality = :municipality AND state = 'closed' AND words = 'all'"
            " AND archive = 'undecided'",
            municipality=municipality,
        )
    )


# --- conversations and cases ---


def empty_bot_conversations(tx: Transaction, due: Due) -> Step:
    """Take sender, answers and originals from threads that never became a case; the masked questions stay."""
    return _empty_threads(tx, due, NEXT_BOT_THREAD, "questions")


def empty_bot_questions(tx: Transaction, due: Due) -> Step:
    """Take the questions too."""
    return _empty_threads(tx, due, NEXT_QUESTIONS, "none")


def forget_transcripts(tx: Transaction, due: Due) -> Step:
    """Delete who wanted their conversation by mail, with the mails and the address they went to."""
    step = _empty_threads(tx, due, NEXT_LETTERS, "none")
    if step.more:
        return step
    gone = tx.execute(
        f"DELETE FROM transcript_request AS r WHERE {OLD_REQUEST}", municipality=due.municipality, before=due.before
    )
    return Step({**step.deleted, "transcript_request": gone})


def empty_left_out_cases(tx: Transaction, due: Due) -> Step:
    """Empty closed cases that the archive shall not have."""
    return _empty_cases(tx, due, LEFT_OUT_CASE)


def empty_archived_cases(tx: Transaction, due: Due) -> Step:
    """Empty closed cases that the archive has received."""
    return _empty_cases(tx, due, ARCHIVED_CASE)


def _empty_threads(tx: Transaction, due: Due, query: str, left: Left) -> Step:
    deleted: Counter[str] = Counter()
    looked = 0
    while looked < due.limit:
        thread = tx.one(_Thread, query, municipality=due.municipality, before=due.before)
        if thread is None:
            return Step(deleted)
        looked += _empty_some(tx, due, thread, left, due.limit - looked, deleted)
    return Step(deleted, more=True)


def _empty_cases(tx: Transaction, due: Due, query: str) -> Step:
    deleted: Counter[str] = Counter()
    looked = 0
    while looked < due.limit:
        case = tx.row(query, municipality=due.municipality, before=due.before)
        if case is None:
            return Step(deleted)
        thread = tx.one(_Thread, NEXT_CASE_THREAD, ticket=case[0])
        if thread is None:
            _empty_case(tx, due, case[0], case[1])
            deleted["ticket"] += 1
            looked += 1
        else:
            looked += _empty_some(tx, due, thread, "none", due.limit - looked, deleted)
    return Step(deleted, more=True)


def _empty_case(tx: Transaction, due: Due, ticket: int, number: int) -> None:
    tx.execute(
        "UPDATE ticket SET title = :title, words = 'none', unread = 0, version = version + 1 WHERE id = :id",
        title=EMPTIED,
        id=ticket,
    )
    tx.execute("UPDATE event SET data = '{}' WHERE ticket = :id AND kind = 'original.read'", id=ticket)
    tx.execute("UPDATE access SET reason = '' WHERE ticket = :id", id=ticket)
    events.record(
        tx, due.municipality, due.now, "upkeep", "ticket.emptied", ticket=ticket, subject=str(number)
    )  # fmt: skip


def _empty_some(tx: Transaction, due: Due, thread: _Thread, left: Left, limit: int, deleted: Counter[str]) -> int:
    """Take the words from the thread's next messages, and its sender with the last of them; return how many, or 1."""
    rows = tx.rows(
        "SELECT id, position FROM message WHERE thread = :thread AND position > :above ORDER BY position LIMIT :limit",
        thread=thread.id,
        above=thread.emptied_to,
        limit=limit,
    )
    if rows:
        messages = [int(row[0]) for row in rows]
        _empty_messages(tx, thread, messages, int(rows[-1][1]), left, deleted)
        if left == "questions":
            _mask_questions(tx, due, messages)
    if len(rows) < limit:
        _cut_sender(tx, due, thread, left, deleted)
    return max(len(rows), 1)


def _mask_questions(tx: Transaction, due: Due, messages: Sequence[int]) -> None:
    """Take telephone numbers, addresses and the like out of questions that are kept without their sender."""
    for message in messages:
        text = str(tx.value("SELECT text FROM message WHERE id = :id", id=message))
        if (masked := due.masked(text)) != text:
            tx.execute("UPDATE message SET text = :text WHERE id = :id", text=masked, id=message)


def _empty_messages(
    tx: Transaction, thread: _Thread, messages: Sequence[int], upto: int, left: Left, deleted: Counter[str]
) -> None:
    these = {"thread": thread.id, "above": thread.emptied_to, "upto": upto}
    tx.dialect.unindex_messages(tx, messages)
    for table in ("raw", "attachment"):
        deleted[table] += tx.execute(f"DELETE FROM {table} WHERE message IN {THESE}", **these)
    tx.execute(f"UPDATE answer_given SET phrasing = '', words = '[]', comment = '' WHERE message IN {THESE}", **these)
    deleted["delivery_event"] += tx.execute(
        "UPDATE delivery_event SET detail = '' WHERE detail <> '' AND outbox IN"
        f" (SELECT id FROM outbox WHERE message IN {THESE})",
        **these,
    )
    deleted["outbox"] += tx.execute(
        "UPDATE outbox SET subject = '', in_reply_to = '', detail = '', provider_id = NULL, to_address = NULL,"
        " state = CASE WHEN state IN ('held', 'queued') THEN 'cancelled' ELSE state END"
        f" WHERE message IN {THESE}",
        **these,
    )
    deleted["accepted"] += tx.execute(  # a chat's identifiers hold its session, which is its address
        f"DELETE FROM accepted WHERE message IN {THESE} AND external_id LIKE"
        " (SELECT '%' || value || '%' FROM address WHERE id = :address)",
        address=thread.address,
        **these,
    )
    deleted["message"] += tx.execute(
        f"UPDATE message SET text = {TEXT[left]}, folded = '[]', choices = '[]', key = '', sender = ''"
        " WHERE thread = :thread AND position > :above AND position <= :upto",
        **these,
    )
    tx.execute("UPDATE thread SET emptied_to = :upto WHERE id = :thread", thread=thread.id, upto=upto)


def _cut_sender(tx: Transaction, due: Due, thread: _Thread, left: Left, deleted: Counter[str]) -> None:
    """Part the thread, which has lost its words, from who wrote in it."""
    address = thread.address if thread.words == "questions" else _nobody(tx, due, thread, deleted)
    deleted["message_ref"] += tx.execute("DELETE FROM message_ref WHERE thread = :thread", thread=thread.id)
    deleted["thread"] += tx.execute(
        "UPDATE thread SET address = :address, subject = '', left_address = NULL, pending = NULL, state = 'closed',"
        " words = :left, emptied_to = 0, version = version + 1 WHERE id = :id",
        address=address,
        left=left,
        id=thread.id,
    )


def _nobody(tx: Transaction, due: Due, thread: _Thread, deleted: Counter[str]) -> int:
    """Return an address that tells nothing: the thread's own, emptied, when nothing else needs it."""
    needed = tx.value(
        "SELECT 1 FROM address a WHERE a.id = :address AND (a.stopped_at IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM thread t WHERE t.address = a.id AND t.id <> :thread))",
        address=thread.address,
        thread=thread.id,
    )
    if needed:
        tx.execute("UPDATE address SET name = '' WHERE id = :id AND stopped_at IS NOT NULL", id=thread.address)
        return tx.insert(
            "address", municipality=due.municipality, scheme="nobody", value=f"anonym-{thread.id}", created_at=due.now
        )
    deleted["address_link"] += tx.execute("DELETE FROM address_link WHERE address = :id", id=thread.address)
    deleted["contact"] += tx.execute(
        "DELETE FROM contact WHERE municipality = :municipality AND NOT EXISTS"
        " (SELECT 1 FROM address_link l WHERE l.contact = contact.id)",
        municipality=due.municipality,
    )
    deleted["address"] += tx.execute(
        "UPDATE address SET scheme = 'nobody', value = :value, name = '', verified_by = NULL WHERE id = :id",
        value=f"anonym-{thread.id}",
        id=thread.address,
    )
    return thread.address


# --- rows that go by their own age, oldest first ---


def expire_originals(tx: Transaction, due: Due) -> Step:
    """Delete raw copies, but none of a case before the archive has said whether it wants it."""
    rows = _from_cursor(
        tx,
        due,
        "SELECT r.id, m.created_at,"
        f" EXISTS (SELECT 1{OPEN_LINK} AND x.thread = m.thread AND {UNARCHIVED})"
        " FROM raw r JOIN message m ON m.id = r.message"
        " WHERE r.municipality = :municipality AND r.id > :cursor ORDER BY r.id LIMIT :limit",
    )
    return _delete_old(due, "raw", rows, lambda listed: tx.execute(f"DELETE FROM raw WHERE id IN ({listed})"))


def expire_accesses(tx: Transaction, due: Due) -> Step:
    """Delete who saw what."""
    rows = _from_cursor(
        tx,
        due,
        "SELECT id, at, 0 FROM access WHERE municipality = :municipality AND id > :cursor ORDER BY id LIMIT :limit",
    )
    return _delete_old(due, "access", rows, lambda listed: tx.execute(f"DELETE FROM access WHERE id IN ({listed})"))


def expire_events(tx: Transaction, due: Due) -> Step:
    """Delete what happened, but nothing of a conversation or case that still has its words."""
    rows = _from_cursor(
        tx,
        due,
        "SELECT e.seq, e.at, coalesce(k.words = 'all', FALSE) OR (k.id IS NULL AND coalesce(t.words = 'all', FALSE))"
        " FROM event e LEFT JOIN ticket k ON k.id = e.ticket LEFT JOIN thread t ON t.id = e.thread"
        " WHERE e.municipality = :municipality AND e.seq > :cursor ORDER BY e.seq LIMIT :limit",
    )
    return _delete_old(due, "event", rows, lambda listed: tx.execute(f"DELETE FROM event WHERE seq IN ({listed})"))


def expire_delivery_keys(tx: Transaction, due: Due) -> Step:
    """Delete by what messages were known again when they came twice."""
    rows = _from_cursor(
        tx,
        due,
        "SELECT message, at, 0 FROM accepted WHERE municipality = :municipality AND message > :cursor"
        " ORDER BY message LIMIT :limit",
    )
    return _delete_old(
        due, "accepted", rows, lambda listed: tx.execute(f"DELETE FROM accepted WHERE message IN ({listed})")
    )


def _from_cursor(tx: Transaction, due: Due, query: str) -> list[tuple[int, str, object]]:
    """Return the next rows of a municipality: number, time, whether it is needed."""
    return tx.rows(query, municipality=due.municipality, cursor=due.cursor, limit=due.limit)


def _delete_old(due: Due, table: str, rows: Sequence[tuple[int, str, object]], delete: Callable[[str], int]) -> Step:
    """Delete those of the rows (number, time, whether it is needed) that are due; numbers grow with time."""
    old = [(number, needed) for number, at, needed in rows if datetime.fromisoformat(at) < due.before]
    listed = ", ".join(str(int(number)) for number, needed in old if not needed)
    deleted = delete(listed) if listed else 0
    return Step({table: deleted}, more=len(old) == due.limit, cursor=int(rows[-1][0]) if rows else 0)


def expire_tombstones(tx: Transaction, due: Due) -> Step:
    """Delete the marks by which a restored backup forgets again."""
    deleted = tx.execute(
        "DELETE FROM tombstone WHERE municipality = :municipality AND at < :before",
        municipality=due.municipality,
        before=due.before,
    )
    return Step({"tombstone": deleted})


def sweep_contents(tx: Transaction, due: Due) -> Step:
    """Delete bytes that nothing refers to any more."""
    deleted = blobs.sweep(tx, due.before, due.limit)
    return Step({"blob": deleted}, more=deleted == due.limit)


# --- the house's own ---


def end_sessions(tx: Transaction, due: Due) -> Step:
    """Delete sessions that have ended by themselves."""
    deleted = tx.execute(
        "DELETE FROM session WHERE municipality = :municipality AND (expires_at <= :before OR seen_at <= :rest)",
        municipality=due.municipality,
        before=due.before,
        rest=due.before - SESSION_REST,
    )
    return Step({"session": deleted})


def forget_attempts(tx: Transaction, due: Due) -> Step:
    """Delete who tried to sign in."""
    return Step({"sign_in_attempt": tx.execute("DELETE FROM sign_in_attempt WHERE at <= :before", before=due.before)})


def forget_keys(tx: Transaction, due: Due) -> Step:
    """Delete the keys of forms."""
    return Step({"done": housekeeping.forget_keys(tx, due.before)})


def forget_former_staff(tx: Transaction, due: Due) -> Step:
    """Take name, address and password from members of staff who left; their number stays in the history."""
    deleted = tx.execute(
        "UPDATE staff SET email = CAST(:former AS TEXT) || CAST(id AS TEXT), name = '', password_hash = '', team = NULL"
        " WHERE municipality = :municipality AND disabled_at < :before AND substr(email, 1, :length) <> :former",
        municipality=due.municipality,
        before=due.before,
        former=FORMER,
        length=len(FORMER),
    )
    return Step({"staff": deleted})


def prune_versions(tx: Transaction, due: Due) -> Step:
    """Delete versions of answers that are neither published nor the newest."""
    deleted = tx.execute(
        "DELETE FROM entry_version WHERE (municipality, entry, version) IN"
        " (SELECT v.municipality, v.entry, v.version FROM entry_version v"
        "  JOIN entry e ON e.municipality = v.municipality AND e.id = v.entry"
        "  WHERE v.municipality = :municipality AND v.created_at < :before AND v.version <> e.latest_version"
        "  AND v.version <> coalesce(e.published_version, 0) LIMIT :limit)",
        municipality=due.municipality,
        before=due.before,
        limit=due.limit,
    )
    return Step({"entry_version": deleted}, more=deleted == due.limit)


def total(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Return two counts by table as one, without those that are 0."""
    return dict(Counter(first) + Counter(second))
