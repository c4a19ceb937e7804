"""Who of the staff is writing to whom just now. Held in memory: a lost one does no harm, and nobody reads it later."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from contactbot.messages import Address

LASTS: Final = timedelta(seconds=8)  # after the last key; the desk says it anew every four seconds


@dataclass(slots=True)
class Writing:
    """The members of staff who write, by the address of the conversation they write in."""

    _now: dict[Address, tuple[str, datetime]] = field(default_factory=dict)

    def note(self, session: Address, name: str, at: datetime) -> None:
        """Note that somebody writes to a session; ``name`` is what residents may see, or ""."""
        self._now = {one: (who, when) for one, (who, when) in self._now.items() if at - when < LASTS}
        self._now[session] = (name, at)

    def to(self, session: Address, at: datetime) -> str | None:
        """Return who writes to a session, None when nobody does."""
        name, since = self._now.get(session, ("", at - LASTS))
        return name if at - since < LASTS else None
