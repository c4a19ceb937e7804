"""The statements about the session of a chat, which is known by its address alone."""

from contactbot.messages import Address, Spoken, Standing
from contactbot.storage.transaction import Transaction

LONGEST_QUEUE = 50  # conversations; further back a place in it comforts nobody, and every chat would count them all


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
