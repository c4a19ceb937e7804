"""The statements of the conversation: reading what stands, and keeping what was answered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from contactbot.channels.base import Abilities
from contactbot.conversation import commands
from contactbot.conversation.seen import LastAnswer, Seen
from contactbot.handoff import store as tickets
from contactbot.handoff.strangers import store as strangers
from contactbot.handoff.ticket import Ticket, TicketState
from contactbot.messages import Inbound
from contactbot.municipality import Municipality
from contactbot.outbox import store as outbox
from contactbot.privacy.erasures import store as erasures
from contactbot.settings import ConversationSettings
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import AddressRow, Thread

FLOOD_WINDOW = timedelta(minutes=5)
PLACES_EACH = 10  # in a thread for each of the resident's messages, counted generously: answers, notes, what staff say
BRAKE_WINDOW = timedelta(hours=1)
SAID = 20  # of our last texts, which a resident's program may quote
LONGEST_COMMAND = 200  # characters in which a case is looked for by its number
TICKETS = 20  # of the resident's own, the newest; an older one is found when they name it
# Something that message ``said`` does not answer was asked after it, or a person wrote.
PASSED = (
    "EXISTS (SELECT 1 FROM message n WHERE n.thread = said.thread AND n.position > said.position"
    " AND n.kind = 'message' AND (n.author = 'staff' OR (n.author = 'resident'"
    ' AND (n.outcome LIKE \'%"outcome": "choices"%\' OR n.outcome LIKE \'%"outcome": "handoff"%\'))))'
)


def load_context(
    tx: Transaction,
    inbound: Inbound,
    abilities: Abilities,
    now: datetime,
    settings: ConversationSettings,
    municipalities: Mapping[str, Municipality],
) -> Seen:
    """Return what is known about the sender and the conversation. Raises UnknownAccountError."""
    account, municipality, revision = _reached(tx, inbound.channel, inbound.account)
    address = threads.find_address(tx, municipality, inbound.sender)
    own = () if address is None else _own(tx, address, inbound.text)
    thread = _thread(tx, inbound, municipality, account, address, abilities.remembers, now, settings)
    signed = None if thread is not None else _signed(tx, inbound, municipality)
    conversation = thread or signed
    ticket = None if conversation is None else _ticket_of(tx, conversation, address, own)
    has_case = ticket is not None and ticket.state != TicketState.CLOSED
    recent, repeats = (
        (0, 0) if address is None else _recent(tx, inbound, address, municipalities[municipality], now, settings)
    )
    counted = None if abilities.automatic_per_hour is None else address
    begins = thread is None and abilities.remembers
    return Seen(
        municipality=municipality,
        account=account,
        address=address,
        thread=thread,
        elsewhere=signed,
        ticket=ticket,
        tickets=own,
        last_answers=() if thread is None else _last_answers(tx, thread.id),
        acknowledged=thread is not None and has_case and _acknowledged(tx, thread.id),
        recent=recent,
        repeats=repeats,
        kb_revision=revision,
        latest_thread=threads.latest_thread(tx, municipality, account, inbound.sender) if begins else None,
        forgettable=thread is not None and _asked_to_forget(thread) and erasures.is_forgettable(tx, thread.id),
        answered=0 if counted is None else outbox.by_the_bot(tx, counted.id, now - BRAKE_WINDOW),
        stranger=abilities.strangers_per_hour is not None and _is_stranger(tx, thread, address),
        said=() if thread is None or abilities.remembers else threads.said_to(tx, thread.id, SAID),
    )


def _reached(tx: Transaction, channel: str, address: str) -> tuple[int, str, int]:
    """Return the account a message came to, its municipality, and the revision of what that knows."""
    found = tx.row(
        "SELECT a.id, a.municipality, m.kb_revision FROM account a JOIN municipality m ON m.id = a.municipality"
        " WHERE a.channel = :channel AND a.address = :address",
        channel=channel,
        address=address,
    )
    if found is None:
        raise threads.unknown_account(channel, address)
    return found[0], found[1], found[2]


def stands(tx: Transaction, thread: Thread, revision: int) -> bool:
    """Say whether a thread and what its municipality knows are as they were read, and it is still somebody's.

    Forgetting a person touches only the threads that run; the others it comes to later.
    """
    return bool(
        tx.value(
            "SELECT 1 FROM thread t JOIN municipality m ON m.id = t.municipality"
            " JOIN address a ON a.id = t.address AND a.scheme <> 'nobody'"
            " WHERE t.id = :id AND t.version = :version AND m.kb_revision = :revision",
            id=thread.id,
            version=thread.version,
            revision=revision,
        )
    )


def _recent(
    tx: Transaction,
    inbound: Inbound,
    address: AddressRow,
    municipality: Municipality,
    now: datetime,
    settings: ConversationSettings,
) -> tuple[int, int]:
    """Count what an address wrote lately, and how much of it is equal to this message.

    Equal ones are not even looked for while there are too few of any kind.
    """
    since, looked = now - FLOOD_WINDOW, PLACES_EACH * settings.flood_messages
    recent = threads.recent_from(tx, address.id, since, looked)
    if recent < settings.flood_repeats:
        return recent, 0
    return recent, threads.repeats_from(tx, address.id, municipality.mask(inbound.text).text, since, looked)


def _own(tx: Transaction, address: AddressRow, text: str) -> tuple[Ticket, ...]:
    """Return the resident's newest tickets, and of those that are older the one they name."""
    newest = tickets.of_address(tx, address.id, TICKETS)
    reference = commands.reference_in(text[:LONGEST_COMMAND]) if len(newest) == TICKETS else ""
    if not reference or any(str(ticket.number) == reference for ticket in newest):
        return newest
    named = tickets.named_by(tx, address.id, reference)
    return newest if named is None else (*newest, named)


def _ticket_of(tx: Transaction, thread: Thread, address: AddressRow | None, own: Sequence[Ticket]) -> Ticket | None:
    """Return a conversation's ticket; not even looked for where its own address has none at all."""
    if not own and address is not None and thread.address == address.id:
        return None
    return tickets.of_thread(tx, thread.id)


def _thread(  # noqa: PLR0913 - what the choice depends on
    tx: Transaction,
    inbound: Inbound,
    municipality: str,
    account: int,
    address: AddressRow | None,
    remembers: bool,  # noqa: FBT001 - passed on
    now: datetime,
    settings: ConversationSettings,
) -> Thread | None:
    """Return the conversation a message belongs to: by our signed token, by references, or by who writes."""
    signed = _signed(tx, inbound, municipality)
    if signed is not None and signed.channel == inbound.channel:
        return signed
    if address is None:
        return None
    referred = threads.thread_by_refs(tx, municipality, address.id, inbound.refs)
    if referred is not None or not remembers:
        return referred
    running = threads.running_thread(tx, account, address.id)
    if running is None or not threads.rested(running, now, settings.thread_rest_hours):
        return running
    ticket = tickets.of_thread(tx, running.id)
    kept_by_ticket = ticket is not None and ticket.state != TicketState.CLOSED
    return running if kept_by_ticket or _says_how_it_went(running, inbound) else None


def _says_how_it_went(thread: Thread, inbound: Inbound) -> bool:
    """Whether a message answers the question of how a case went, which may take days."""
    asked = thread.pending if thread.pending is not None and thread.pending.get("kind") == "survey" else None
    return asked is not None and commands.verdict(commands.first_line(inbound.text), asked["labels"]) is not None


def _signed(tx: Transaction, inbound: Inbound, municipality: str) -> Thread | None:
    """Return the thread that a token of ours names; one whose people were forgotten is nobody's to go on with."""
    if inbound.thread is None or erasures.is_nobodys(tx, inbound.thread):
        return None
    return threads.thread_by_id(tx, municipality, inbound.thread)


def _is_stranger(tx: Transaction, thread: Thread | None, address: AddressRow | None) -> bool:
    """Whether nobody ever answered the sender; where the bot has said who it is, no look is needed."""
    answered = thread is not None and thread.disclosed
    return not answered and (address is None or strangers.is_stranger(tx, address.id))


def _asked_to_forget(thread: Thread) -> bool:
    return thread.pending is not None and thread.pending.get("kind") == "delete"


def _last_answers(tx: Transaction, thread: int) -> tuple[LastAnswer, ...]:
    """Return the answers of the last message that gave any, in order."""
    found = tx.all(
        LastAnswer,
        "SELECT g.entry, g.entry_version, g.language, g.confidence, g.phrasing, g.words, g.rule, g.runner_up,"
        f" v.created_at AS changed_at, {PASSED} AS passed FROM answer_given g"
        " LEFT JOIN entry_version v ON v.municipality = g.municipality AND v.entry = g.entry"
        " AND v.version = g.entry_version JOIN message said ON said.id = g.message"
        " WHERE g.message = (SELECT a.message FROM answer_given a"
        " JOIN message w ON w.id = a.message WHERE w.thread = :thread ORDER BY w.position DESC LIMIT 1)"
        " ORDER BY g.id",
        thread=thread,
    )
    return tuple(found)


def _acknowledged(tx: Transaction, thread: int) -> bool:
    """Whether the resident has been told that what they add reaches the case, and no person has written since."""
    last = tx.value(
        "SELECT m.author FROM message m LEFT JOIN outbox o ON o.message = m.id"
        " WHERE m.thread = :thread AND m.kind = 'message' AND (m.author = 'staff' OR o.purpose = 'added')"
        " ORDER BY m.position DESC LIMIT 1",
        thread=thread,
    )
    return bool(last == "bot")


def set_cursor(tx: Transaction, channel: str, address: str, cursor: str) -> None:
    """Note what a channel last took in, in the transaction that keeps it."""
    tx.execute(
        "UPDATE account SET cursor = :cursor WHERE channel = :channel AND address = :address",
        cursor=cursor,
        channel=channel,
        address=address,
    )


def cursor(tx: Transaction, channel: str, address: str) -> str | None:
    """Return what a channel last took in."""
    found: str | None = tx.value(
        "SELECT cursor FROM account WHERE channel = :channel AND address = :address", channel=channel, address=address
    )
    return found


def matter_of(tx: Transaction, thread: int, longest: int) -> str:
    """Return the beginning of the last thing the resident asked about before the message just kept, or "".

    A wish for a person says nothing about the matter; the question before it does.
    """
    text: str | None = tx.value(
        "SELECT text FROM message WHERE thread = :thread AND author = 'resident' AND kind = 'message'"
        ' AND (outcome LIKE \'%"outcome": "choices"%\' OR outcome LIKE \'%"outcome": "answer"%\')'
        " AND position < (SELECT positions FROM thread WHERE id = :thread) ORDER BY position DESC LIMIT 1",
        thread=thread,
    )
    return "" if text is None else text.strip().partition("\n")[0][:longest]
