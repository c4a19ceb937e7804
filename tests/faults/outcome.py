"""The invariant, in one function: what must hold of a question and its answer after any fault."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.faults.town import CHANNELS
from tests.journeys.installation import Installation

ENDED = frozenset({"sent", "delivered", "failed", "unknown", "cancelled", "expired"})


class Town(Protocol):
    """Where it happens: an installation, and its database as a test may ask it."""

    house: Installation

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database; each ``?`` stands for a value."""


class Asked(Protocol):
    """Residents who each asked one thing on a channel."""

    address: str

    def thread(self, channel: str) -> int | None:
        """Return the thread of the question."""

    async def answers(self) -> Mapping[str, int]:
        """Return how many answers each of them has got."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often the resident got the answer, whether a doubt about it is kept, and whether staff have it as a case."""

    copies: int
    is_doubted: bool
    is_case: bool

    def __str__(self) -> str:
        """Say it as the table does."""
        answered = {0: "no answer", 1: "answered once", 2: "answered twice under one Message-ID"}[self.copies]
        return answered + ", the doubt kept" * self.is_doubted + ", a case for staff" * self.is_case


async def proven_on(town: Town, four: Asked, channels: Iterable[str] = CHANNELS) -> dict[str, Outcome]:
    """Check the invariant on each channel, and return what came of the questions."""
    return {channel: await proven(town, four, channel) for channel in channels}


async def proven(town: Town, four: Asked, channel: str) -> Outcome:
    """Check the invariant against the database and the peer, and return what came of one question.

    The question is kept once, in one thread. Every outbox row has ended. The peer saw the answer at most once; twice
    only where it cannot be asked, under one name, and with the doubt kept. Who got no answer is a case for staff.
    """
    thread = four.thread(channel)
    assert_accepted_is_kept(town)
    kept = town.rows("SELECT count(*) FROM message WHERE thread = ? AND author = 'resident'", thread)
    assert kept == [(1,)], f"{channel}: the question is kept {kept[0][0]} times"
    ends = town.rows("SELECT state, doubtful FROM outbox WHERE thread = ?", thread)
    assert len(ends) <= 1, f"{channel}: {len(ends)} answers were written"
    assert {state for state, _ in ends} <= ENDED, f"{channel}: the answer is still {ends}"
    doubts = town.rows(
        "SELECT e.id FROM delivery_event e JOIN outbox o ON o.id = e.outbox WHERE o.thread = ? AND e.state = 'unknown'",
        thread,
    )
    copies = (await four.answers())[channel]
    if copies > 1:
        assert doubts, f"{channel}: {copies} answers and no doubt"
        assert channel == "email", f"{channel}: {copies} answers, though the peer could be asked"
        mails = {(mail.message["Message-ID"], mail.text) for mail in town.house.mails_to(four.address)}
        assert len(mails) == 1, "the same words under the same name, so that mail programs show it once"
    cases = town.rows("SELECT count(*) FROM ticket_thread WHERE thread = ?", thread)[0][0]
    assert copies or cases == 1, f"{channel}: no answer, and {cases} cases"
    return Outcome(copies, bool(doubts), bool(cases))


def assert_accepted_is_kept(town: Town) -> None:
    """Check that whatever was accepted is a message of one thread, and every resident's message was accepted."""
    lost = town.rows(
        "SELECT a.external_id FROM accepted a LEFT JOIN message m ON m.id = a.message AND m.thread = a.thread"
        " WHERE m.id IS NULL"
    )
    assert lost == [], "accepted and not kept"
    unasked = town.rows(
        "SELECT m.id FROM message m WHERE m.author = 'resident'"
        " AND (SELECT count(*) FROM accepted a WHERE a.message = m.id) <> 1"
    )
    assert unasked == [], "kept and not accepted"
