"""Who is writing just now, for those who wait for it: staff to residents, and residents in cases.

Held in memory by every process, each of which is told by notices: a lost one does no harm, and nobody reads it later.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from contactbot.clock import Clock
from contactbot.messages import Address
from contactbot.storage.notices import Notices, session_topic
from contactbot.storage.transaction import Transaction

LASTS: Final = timedelta(seconds=8)  # after the last key; both sides say it anew every four seconds
WRITING: Final = "writing"  # what notices of it are called


def topic(municipality: str) -> str:
    """Return the notice topic of residents who write in a municipality's cases."""
    return f"{WRITING}-in:{municipality}"


def tell_of_staff(tx: Transaction, session: Address, name: str) -> None:
    """Tell every process that somebody of the staff writes to a session; ``name`` is what residents may see, or ""."""
    tx.wake(f"{WRITING} {json.dumps(['to', session.scheme, session.value, name])}")


def tell_of_resident(tx: Transaction, municipality: str, ticket: int) -> None:
    """Tell every process that a resident writes in the case with this number."""
    tx.wake(f"{WRITING} {json.dumps(['in', municipality, ticket])}")


@dataclass(slots=True)
class Writing:
    """Staff by the address of the conversation they write in, and cases in which their residents write."""

    clock: Clock
    notices: Notices
    _staff: dict[Address, tuple[str, datetime]] = field(default_factory=dict)
    _cases: dict[tuple[str, int], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Listen to what the processes tell each other."""
        self.notices.hear(WRITING, self._heard)

    def to(self, session: Address) -> str | None:
        """Return who of the staff writes to a session, None when nobody does."""
        name, at = self._staff.get(session, ("", None))
        return name if at is not None and self._lasts(at) else None

    def cases(self, municipality: str) -> tuple[int, ...]:
        """Return the numbers of the cases in which residents write."""
        return tuple(ticket for (town, ticket), at in self._cases.items() if town == municipality and self._lasts(at))

    def _lasts(self, at: datetime) -> bool:
        return self.clock() - at < LASTS

    def _heard(self, words: str) -> None:
        now = self.clock()
        match json.loads(words):
            case ["to", str(scheme), str(value), str(name)]:
                self._staff = {one: kept for one, kept in self._staff.items() if self._lasts(kept[1])}
                self._staff[Address(scheme, value)] = (name, now)
                self.notices.announce([session_topic(scheme, value)])
            case ["in", str(municipality), int(ticket)]:
                self._cases = {one: at for one, at in self._cases.items() if self._lasts(at)}
                self._cases[municipality, ticket] = now
                self.notices.announce([topic(municipality)])
