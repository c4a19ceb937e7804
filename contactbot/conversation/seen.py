"""What stands in the store when a message comes: read once, before anything is decided. Pure."""

from dataclasses import dataclass
from datetime import datetime

from contactbot.handoff.ticket import Ticket, TicketState
from contactbot.threads.thread import AddressRow, Thread, TurnOwner


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """An answer of the last message that gave any, and why. ``changed_at`` is when that version of it was written.

    ``passed`` says that it is not what is spoken of any more: the resident asked something since that it does not
    answer, or a person wrote.
    """

    entry: str
    entry_version: int
    language: str
    confidence: str
    phrasing: str
    words: tuple[tuple[str, str], ...]
    rule: str
    runner_up: str = ""
    changed_at: datetime | None = None
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The context of one message.

    ``latest_thread`` is the sender's newest on this account where a message on a remembering channel begins a
    conversation, else None: by it one that appears meanwhile is found. ``elsewhere`` is the thread on another channel
    that the message goes on from, proven by a token we signed: the message gets a thread of its own, joined to the same
    ticket. ``answered`` counts what the bot sent to the address in the last hour, on a channel where that is limited.
    ``said`` are our last texts in the thread, on a channel whose programs quote what they answer. ``stranger`` says
    that nobody ever answered the sender, on a channel where those are counted; ``crowded`` that too many write now.
    """

    municipality: str
    account: int
    address: AddressRow | None
    thread: Thread | None
    elsewhere: Thread | None
    ticket: Ticket | None
    tickets: tuple[Ticket, ...]
    last_answers: tuple[LastAnswer, ...]
    acknowledged: bool
    recent: int
    repeats: int
    kb_revision: int
    latest_thread: int | None = None
    answered: int = 0
    forgettable: bool = False
    said: tuple[str, ...] = ()
    stranger: bool = False
    crowded: bool = False

    @property
    def last_answer(self) -> LastAnswer | None:
        """The last answer given in the thread; of a message with several, the last of them."""
        return self.last_answers[-1] if self.last_answers else None

    @property
    def turn_owner(self) -> TurnOwner:
        """Whose turn it is in the conversation."""
        conversation = self.thread or self.elsewhere
        return TurnOwner.BOT if conversation is None else conversation.turn_owner

    @property
    def by_another(self) -> bool:
        """Whether somebody writes in a conversation that is not theirs: they hold a token, and another address."""
        return self.thread is not None and (self.address is None or self.address.id != self.thread.address)

    @property
    def open_ticket(self) -> Ticket | None:
        """The thread's ticket while people still have it."""
        return self.ticket if self.ticket is not None and self.ticket.state != TicketState.CLOSED else None
