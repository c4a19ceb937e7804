"""What the desk shows, read in one go: the views and their counts, a list, and the case that is open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from contactbot.errors import NotFoundError
from contactbot.handoff import desk, joining, sharing, store
from contactbot.handoff.accesses import store as accesses
from contactbot.handoff.accesses.access import What
from contactbot.handoff.desk import Case
from contactbot.handoff.strangers import store as strangers
from contactbot.handoff.ticket import Filter, Holder, Line, Ticket
from contactbot.kb import store as kb
from contactbot.messages import Author
from contactbot.outbox import store as outbox
from contactbot.staff.member import Member
from contactbot.storage import feed
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.originals import store as originals
from contactbot.threads.thread import AddressRow, Message, Thread

VIEWS: Final = {
    "mine": "Mine",
    "unassigned": "Ufordelt",
    "open": "Åpne",
    "waiting": "Venter",
    "late": "Over frist",
    "closed": "Lukkede",
    "undecided": "Arkivvurdering",
}
FIRST_VIEW: Final = "open"
HELD: Final = ("mine", "unassigned")  # views that say themselves who has their cases
LONGEST_LIST: Final = 100  # tickets; more are found by searching
NO_QUESTION: Final = ("command", "smalltalk")  # labels of outcomes
ASKED_FOR_A_PERSON: Final = "asked for a person"  # the rule of an outcome
MOST_SET_ASIDE: Final = 1_000  # conversations of strangers that are counted


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to see: a view or a search, narrowed or not, and maybe a case."""

    view: str = FIRST_VIEW
    search: str = ""
    number: int | None = None
    narrowed: Filter = store.NO_FILTER


@dataclass(frozen=True, slots=True)
class Opened:
    """A case with what only the desk asks of it.

    ``people`` are those who write in it; ``unreached`` says of their addresses why the last thing sent there did not
    arrive. ``originals`` are messages whose raw copy is still there, ``folded`` what was quoted in messages or stood
    as a signature, ``noted`` whether this look needs no note: the case is read, and this member's looking at it is
    known. ``claimed`` are other cases that the resident says it is about, ``workers`` those whom it can be given to.
    """

    case: Case
    people: tuple[AddressRow, ...]
    unreached: Mapping[int, str]
    originals: frozenset[int]
    folded: Mapping[int, tuple[str, ...]]
    noted: bool
    claimed: tuple[Ticket, ...] = ()
    workers: tuple[Member, ...] = ()

    @property
    def thread(self) -> Thread:
        """The thread a reply goes to: the one the resident last wrote in. Raises NotFoundError when there is none."""
        if not self.case.threads:
            raise NotFoundError("the case has no conversation")
        said = [one for one in self.case.messages if one.author == Author.RESIDENT and one.kind == "message"]
        last = max(said, key=lambda one: one.id).thread if said else None
        return max(self.case.threads, key=lambda thread: (thread.id == last, thread.last_at, thread.id))

    @property
    def conversations(self) -> tuple[tuple[Thread, AddressRow], ...]:
        """The threads of the case, each with who writes in it."""
        people = {person.id: person for person in self.people}
        return tuple((thread, people[thread.address]) for thread in self.case.threads)

    @property
    def recipient(self) -> AddressRow:
        """Who a reply goes to."""
        return next(person for person in self.people if person.id == self.thread.address)

    @property
    def newest(self) -> int:
        """The resident's newest message, 0 when there is none: a reply says which it has seen."""
        return newest_of(self.case)

    @property
    def last_question(self) -> Message | None:
        """What the resident asked last; a command or a wish for a person counts only where there is nothing else."""
        said = [one for one in self.case.messages if one.author == Author.RESIDENT and one.kind == "message"]
        asked = [one for one in said if not _is_no_question(one)]
        return next(reversed(asked or said), None)


def _is_no_question(message: Message) -> bool:
    """Say whether the bot took a message as a word to itself: a command, small talk, or a wish for a person."""
    outcome = message.outcome
    return outcome.get("outcome") in NO_QUESTION or outcome.get("rule") == ASKED_FOR_A_PERSON


def newest_of(case: Case) -> int:
    """Return the number of the resident's newest message, 0 when there is none."""
    return max((one.id for one in case.messages if one.author == Author.RESIDENT), default=0)


@dataclass(frozen=True, slots=True)
class Inbox:
    """The desk at one moment; ``cursor`` is where the live feed goes on from it.

    ``set_aside`` is how many conversations of strangers nobody has looked over.
    """

    wanted: Wanted
    counts: dict[str, int]
    set_aside: int
    lines: tuple[Line, ...]
    teams: tuple[str, ...]
    kb_revision: int
    cursor: str
    opened: Opened | None


def look(tx: Transaction, municipality: str, staff: int, wanted: Wanted, now: datetime) -> Inbox:
    """Return the desk as this member of staff sees it. Raises NotFoundError for an unknown view, team or case."""
    teams = store.teams(tx, municipality)
    if wanted.narrowed.team not in ("", *teams):
        raise NotFoundError(f"there is no team {wanted.narrowed.team!r}")
    return Inbox(
        wanted=wanted,
        # A holder narrows the list alone: beside it, "mine" and "unassigned" would count nothing.
        counts=store.counts(tx, municipality, staff, now, replace(wanted.narrowed, holder=Holder.ANYBODY)),
        set_aside=strangers.count(tx, municipality, MOST_SET_ASIDE),
        lines=lines(tx, municipality, staff, wanted, now),
        teams=teams,
        kb_revision=kb.revision(tx, municipality),
        cursor=feed.end(tx),
        opened=None if wanted.number is None else _opened(tx, municipality, staff, wanted.number, now),
    )


def lines(tx: Transaction, municipality: str, staff: int, wanted: Wanted, now: datetime) -> tuple[Line, ...]:
    """Return the cases of a view, or those that a search finds. Raises NotFoundError for an unknown view."""
    if wanted.search:
        sought = wanted.search.removeprefix("#").strip()
        return store.search(tx, municipality, sought, staff, LONGEST_LIST, wanted.narrowed)
    return desk.lines(tx, municipality, wanted.view, staff, now, LONGEST_LIST, wanted.narrowed)


def _opened(tx: Transaction, municipality: str, staff: int, number: int, now: datetime) -> Opened:
    case = desk.case(tx, municipality, number)
    addresses = dict.fromkeys(thread.address for thread in case.threads)
    numbers = [thread.id for thread in case.threads]
    return Opened(
        case=case,
        people=tuple(threads.address_by_id(tx, address) for address in addresses),
        unreached={one: why for one in addresses if (why := outbox.unreached(tx, one)) is not None},
        originals=originals.with_raw(tx, numbers),
        folded=originals.folded_of(tx, numbers),
        claimed=joining.claimed(tx, case),
        workers=sharing.workers(tx, municipality),
        noted=not case.ticket.unread and accesses.is_noted(tx, case.ticket.id, staff, What.CASE, now),
    )
