"""The statements about tickets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from contactbot.handoff.ticket import Filter, HistoryLine, Holder, Line, NewTicket, Ticket
from contactbot.storage.transaction import Transaction
from contactbot.threads.thread import TurnOwner

TICKET = (
    "k.id, k.municipality, k.number, k.title, k.state, k.reason, k.topic, k.priority, k.team, k.assignee, k.source,"
    " k.opened_at, k.due_at, k.answered_at, k.closed_at, k.last_at, k.unread, k.archive, k.archived_at, k.version,"
    " g.name AS team_name, s.name AS assignee_name"
)
TICKET_FROM = " FROM ticket k LEFT JOIN team g ON g.id = k.team LEFT JOIN staff s ON s.id = k.assignee"
LATEST = (
    " (SELECT m.id FROM ticket_thread x JOIN message m ON m.thread = x.thread"
    " WHERE x.ticket = k.id AND x.unlinked_at IS NULL AND m.author <> 'bot' ORDER BY m.id DESC LIMIT 1)"
)
LINE = (
    "k.number, k.title, k.state, k.priority, k.topic, k.source, k.due_at, k.last_at, k.unread, g.name AS team_name,"
    " k.assignee, s.name AS assignee_name,"
    " coalesce((SELECT CASE WHEN a.name <> '' THEN a.name"
    # A chat's session and a made-up address say nothing to a reader.
    " WHEN a.scheme = 'webchat' OR substr(a.value, 1, 7) = 'anonym-' THEN '' ELSE a.value END FROM ticket_thread x"
    " JOIN thread t ON t.id = x.thread JOIN address a ON a.id = t.address"
    " WHERE x.ticket = k.id AND x.unlinked_at IS NULL ORDER BY x.linked_at LIMIT 1), '') AS resident,"
    f" coalesce((SELECT substr(text, 1, 160) FROM message WHERE id ={LATEST}), '') AS snippet"
)
LONGEST_NUMBER = 9  # digits of a ticket's number; longer ones are no number of ours
UNDER_WAY = "k.state IN ('open', 'waiting')"  # the two named: by an inequality no index finds them
VIEWS = {
    "mine": f"{UNDER_WAY} AND k.assignee = :staff",
    "unassigned": "k.state = 'open' AND k.assignee IS NULL",
    "open": "k.state = 'open'",
    "waiting": "k.state = 'waiting'",
    "late": "k.state = 'open' AND k.due_at < :now",
    "closed": "k.state = 'closed'",
    "undecided": "k.state = 'closed' AND k.words = 'all' AND k.archive = 'undecided'",
}
COUNTED = ("mine", "unassigned", "open", "waiting", "late")  # views of what is under way
MOST_COUNTED = 1_000  # undecided tickets; nobody needs to know how many more there are
ORDERS = {"closed": "k.last_at DESC, k.id DESC", "undecided": "k.last_at, k.id"}
ORDER = "k.priority DESC, k.due_at, k.id"
NO_FILTER = Filter()
TEAM = "k.team = (SELECT id FROM team WHERE municipality = :municipality AND name = :team)"
HOLDERS = {
    Holder.ANYBODY: "",
    Holder.ME: " AND k.assignee = :staff",
    Holder.NOBODY: " AND k.assignee IS NULL",
}


def team_id(tx: Transaction, municipality: str, name: str) -> int | None:
    """Return the team of this name, or the municipality's first."""
    found: int | None = tx.value(
        "SELECT id FROM team WHERE municipality = :municipality ORDER BY CASE WHEN name = :name THEN 0 ELSE 1 END, id"
        " LIMIT 1",
        municipality=municipality,
        name=name,
    )
    return found


def teams(tx: Transaction, municipality: str) -> tuple[str, ...]:
    """Return the names of the municipality's teams, in the order of the configuration."""
    rows = tx.rows("SELECT name FROM team WHERE municipality = :municipality ORDER BY id", municipality=municipality)
    return tuple(str(row[0]) for row in rows)


def team_named(tx: Transaction, municipality: str, name: str) -> int | None:
    """Return the team of exactly this name."""
    found: int | None = tx.value(
        "SELECT id FROM team WHERE municipality = :municipality AND name = :name", municipality=municipality, name=name
    )
    return found


def main_language(tx: Transaction, municipality: str) -> str:
    """Return the language in which the municipality writes when it knows no better."""
    return str(tx.value("SELECT main_language FROM municipality WHERE id = :id", id=municipality))


def open_ticket(tx: Transaction, municipality: str, new: NewTicket) -> Ticket:
    """Insert a ticket with the municipality's next number."""
    number = tx.dialect.next_number(tx, municipality)
    tx.insert(
        "ticket",
        municipality=municipality,
        number=number,
        title=new.title,
        reason=new.reason,
        topic=new.topic,
        priority=new.priority,
        team=team_id(tx, municipality, new.team),
        source=new.source,
        opened_at=new.at,
        due_at=new.due_at,
        last_at=new.at,
    )
    ticket = by_number(tx, municipality, number)
    assert ticket is not None, "a row just inserted is there"  # noqa: S101 - narrows the type
    return ticket


def link(tx: Transaction, municipality: str, ticket: int, thread: int, at: datetime) -> None:
    """Join a thread to a ticket."""
    tx.add("ticket_thread", municipality=municipality, ticket=ticket, thread=thread, linked_at=at)


def unlink(tx: Transaction, ticket: int, thread: int, at: datetime) -> None:
    """Part a thread from a ticket; the row stays, so the history can tell."""
    tx.execute(
        "UPDATE ticket_thread SET unlinked_at = :at"
        " WHERE ticket = :ticket AND thread = :thread AND unlinked_at IS NULL",
        at=at,
        ticket=ticket,
        thread=thread,
    )


def by_number(tx: Transaction, municipality: str, number: int) -> Ticket | None:
    """Return a ticket of this municipality."""
    return tx.one(
        Ticket,
        f"SELECT {TICKET}{TICKET_FROM} WHERE k.municipality = :municipality AND k.number = :number",
        municipality=municipality,
        number=number,
    )


def of_thread(tx: Transaction, thread: int) -> Ticket | None:
    """Return the ticket a thread was joined to last, an open one before those that are closed."""
    return tx.one(
        Ticket,
        f"SELECT {TICKET}{TICKET_FROM} JOIN ticket_thread x ON x.ticket = k.id"
        " WHERE x.thread = :thread AND x.unlinked_at IS NULL"
        " ORDER BY CASE WHEN k.state = 'closed' THEN 1 ELSE 0 END, x.linked_at DESC, k.id DESC LIMIT 1",
        thread=thread,
    )


def of_address(tx: Transaction, address: int, limit: int) -> tuple[Ticket, ...]:
    """Return the newest tickets of an address."""
    return tuple(
        tx.all(
            Ticket,
            f"SELECT {TICKET}{TICKET_FROM} WHERE k.id IN"
            " (SELECT x.ticket FROM ticket_thread x JOIN thread t ON t.id = x.thread"
            "  WHERE t.address = :address AND x.unlinked_at IS NULL) ORDER BY k.id DESC LIMIT :limit",
            address=address,
            limit=limit,
        )
    )


def named_by(tx: Transaction, address: int, reference: str) -> Ticket | None:
    """Return the ticket that somebody names by its number, where it is one of the address's own."""
    if not reference.isdecimal() or len(reference) > LONGEST_NUMBER:
        return None
    return tx.one(
        Ticket,
        f"SELECT {TICKET}{TICKET_FROM} WHERE k.number = :number AND k.municipality ="
        " (SELECT municipality FROM address WHERE id = :address) AND EXISTS"
        " (SELECT 1 FROM ticket_thread x JOIN thread t ON t.id = x.thread"
        "  WHERE x.ticket = k.id AND x.unlinked_at IS NULL AND t.address = :address)",
        number=int(reference),
        address=address,
    )


def turn_in(tx: Transaction, thread: int) -> TurnOwner:
    """Return whose turn it is in a thread by its open tickets: somebody's who has one, all's, or the bot's."""
    taken = tx.rows(
        "SELECT k.assignee IS NOT NULL FROM ticket k JOIN ticket_thread x ON x.ticket = k.id"
        " WHERE x.thread = :thread AND x.unlinked_at IS NULL AND k.state <> 'closed'",
        thread=thread,
    )
    if not taken:
        return TurnOwner.BOT
    return TurnOwner.STAFF if any(row[0] for row in taken) else TurnOwner.WAITING


def threads_of(tx: Transaction, ticket: int) -> tuple[int, ...]:
    """Return the threads joined to a ticket, oldest first."""
    rows = tx.rows(
        "SELECT thread FROM ticket_thread WHERE ticket = :ticket AND unlinked_at IS NULL ORDER BY linked_at, thread",
        ticket=ticket,
    )
    return tuple(row[0] for row in rows)


def linked_at(tx: Transaction, ticket: int, thread: int) -> datetime | None:
    """Return since when a thread is joined to a ticket, None when it is not."""
    found = tx.value(
        "SELECT max(linked_at) FROM ticket_thread WHERE ticket = :ticket AND thread = :thread AND unlinked_at IS NULL",
        ticket=ticket,
        thread=thread,
    )
    return None if found is None else datetime.fromisoformat(found)


def codes_sent(tx: Transaction, ticket: int, since: datetime) -> int:
    """Return how many codes have been sent since to those of a ticket, so that it can be gone on with elsewhere."""
    return int(
        tx.value(
            "SELECT count(*) FROM event WHERE ticket = :ticket AND kind = 'ticket.code_sent' AND at >= :since",
            ticket=ticket,
            since=since,
        )
    )


def codes_asked_for(tx: Transaction, address: int, since: datetime) -> int:
    """Return how often an address asked since to go on with a case begun elsewhere."""
    return int(
        tx.value(
            "SELECT count(*) FROM thread t JOIN message m ON m.thread = t.id WHERE t.address = :address"
            " AND t.last_at >= :since AND m.author = 'resident' AND m.created_at >= :since"
            ' AND m.outcome LIKE \'%"rule": "continue"%\'',
            address=address,
            since=since,
        )
    )


def view(  # noqa: PLR0913 - who asks for what, and when
    tx: Transaction, municipality: str, name: str, staff: int, now: datetime, limit: int, narrowed: Filter = NO_FILTER
) -> tuple[Line, ...]:
    """Return the tickets of a view that pass a filter: the urgent and the soonest due first.

    Closed ones come by when they last moved: the newest first, but those that wait for a decision the oldest first.
    """
    order = ORDERS.get(name, ORDER)
    return tuple(
        tx.all(
            Line,
            # First which, then their lines: what a line shows would else be looked up for all there are to choose from.
            f"SELECT {LINE}{TICKET_FROM} WHERE k.id IN (SELECT k.id FROM ticket k WHERE k.municipality = :municipality"
            f" AND {VIEWS[name]}{_passing(narrowed)} ORDER BY {order} LIMIT :limit) ORDER BY {order}",
            municipality=municipality,
            staff=staff,
            now=now,
            limit=limit,
            team=narrowed.team,
            channel=narrowed.channel,
        )
    )


def counts(
    tx: Transaction, municipality: str, staff: int, now: datetime, narrowed: Filter = NO_FILTER
) -> dict[str, int]:
    """Return how many tickets that pass a filter each view holds, of the undecided no more than MOST_COUNTED.

    The closed ones are not counted: they are all there ever were.
    """
    passing = _passing(narrowed)
    sums = ", ".join(f"coalesce(sum(CASE WHEN {VIEWS[name]} THEN 1 ELSE 0 END), 0)" for name in COUNTED)
    found = tx.row(
        f"SELECT {sums}, (SELECT count(*) FROM (SELECT 1 FROM ticket k WHERE k.municipality = :municipality"
        f" AND {VIEWS['undecided']}{passing}"
        # In the order of the index that holds these alone, so that it is the one that serves.
        f" ORDER BY {ORDERS['undecided']} LIMIT :most) undecided)"
        f" FROM ticket k WHERE k.municipality = :municipality AND {UNDER_WAY}{passing}",
        municipality=municipality,
        staff=staff,
        now=now,
        most=MOST_COUNTED,
        team=narrowed.team,
        channel=narrowed.channel,
    )
    return dict(zip((*COUNTED, "undecided"), found or (), strict=True))


def _passing(narrowed: Filter) -> str:
    """Return the conditions of a filter, to follow others; its values are the statement's ``team`` and ``channel``."""
    team = f" AND {TEAM}" if narrowed.team else ""
    channel = " AND k.source = :channel" if narrowed.channel else ""
    return team + channel + HOLDERS[narrowed.holder]


def search(
    tx: Transaction, municipality: str, wanted: str, staff: int, limit: int, narrowed: Filter = NO_FILTER
) -> tuple[Line, ...]:
    """Return tickets that pass a filter by number, name or address of the resident, or words of their messages."""
    found = tx.dialect.find_messages(tx, municipality, wanted, limit * 5)
    listed = ", ".join(str(number) for number in found) or "0"
    return tuple(
        tx.all(
            Line,
            f"SELECT {LINE}{TICKET_FROM} WHERE k.municipality = :municipality AND (k.number = :number OR k.id IN"
            " (SELECT x.ticket FROM ticket_thread x JOIN message m ON m.thread = x.thread"
            f"  WHERE x.unlinked_at IS NULL AND m.id IN ({listed}))"
            " OR k.id IN (SELECT x.ticket FROM ticket_thread x JOIN thread t ON t.id = x.thread"
            "  JOIN address a ON a.id = t.address WHERE x.unlinked_at IS NULL AND a.municipality = :municipality"
            "  AND (a.value = :wanted OR a.name = :wanted)))"
            f"{_passing(narrowed)} ORDER BY k.last_at DESC LIMIT :limit",
            municipality=municipality,
            number=int(wanted) if wanted.isdecimal() and len(wanted) <= LONGEST_NUMBER else -1,
            wanted=wanted,
            staff=staff,
            limit=limit,
            team=narrowed.team,
            channel=narrowed.channel,
        )
    )


def history(tx: Transaction, ticket: int, threads: Sequence[int]) -> tuple[HistoryLine, ...]:
    """Return what happened to a ticket and its threads, in order."""
    listed = ", ".join(str(number) for number in threads) or "0"
    lines = tx.all(
        HistoryLine,
        "SELECT e.at, e.actor, e.kind, e.data, s.name AS staff_name FROM event e"
        " LEFT JOIN staff s ON e.actor = 'staff:' || s.id"
        # Each side by its own index: together in one condition they made SQLite read every event.
        " WHERE e.seq IN (SELECT seq FROM event WHERE ticket = :ticket"
        f" UNION SELECT seq FROM event WHERE thread IN ({listed})) ORDER BY e.seq",
        ticket=ticket,
    )
    given = {line.data["to"] for line in lines if line.kind == "ticket.given"}
    names = {number: tx.value("SELECT name FROM staff WHERE id = :id", id=number) for number in given}
    return tuple(replace(line, to=names[line.data["to"]]) if line.kind == "ticket.given" else line for line in lines)


def change(tx: Transaction, ticket: int, **values: object) -> None:
    """Write columns of a ticket and raise its version."""
    assignments = ", ".join(f"{column} = :{column}" for column in values)
    tx.execute(f"UPDATE ticket SET {assignments}, version = version + 1 WHERE id = :id", id=ticket, **values)


def last_survey(tx: Transaction, address: int) -> datetime | None:
    """Return when this address was last asked how it went."""
    found = tx.value(
        "SELECT max(o.created_at) FROM outbox o JOIN thread t ON t.id = o.thread"
        " WHERE t.address = :address AND o.purpose = 'survey'",
        address=address,
    )
    return None if found is None else datetime.fromisoformat(found)


def surveyed(tx: Transaction, ticket: int) -> bool:
    """Return whether the resident has been asked how this case went."""
    return bool(tx.value("SELECT 1 FROM event WHERE ticket = :ticket AND kind = 'ticket.surveyed'", ticket=ticket))


def last_written(tx: Transaction, ticket: int) -> int | None:
    """Return the thread of a ticket that the resident, and no machine of theirs, last wrote in."""
    found: int | None = tx.value(
        "SELECT x.thread FROM ticket_thread x JOIN message m ON m.thread = x.thread WHERE x.ticket = :ticket"
        " AND x.unlinked_at IS NULL AND m.author = 'resident' AND m.kind = 'message' ORDER BY m.id DESC LIMIT 1",
        ticket=ticket,
    )
    return found
