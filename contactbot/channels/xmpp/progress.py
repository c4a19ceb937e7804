"""How far an account's archive is handled while several of its messages are handled at once. Pure.

Messages are *taken* in the archive's order and *finished* in any. What may be remembered, and what is read again after
a crash, is the place before the first that is not finished: nothing is skipped, and what is given twice the house
accepts once.
"""

from collections import deque
from dataclasses import dataclass

from contactbot.channels.xmpp.reading import Reading


@dataclass(slots=True, eq=False)
class Taken:
    """One thing that came in and is being handled; ``archive_id`` is where it stands in our archive, or ""."""

    archive_id: str
    reading: Reading | None
    finished: bool = False


class Progress:
    """Two places in one archive, by its ids ("": its beginning).

    ``taken_to`` is the last that was taken, behind which reading goes on. Up to ``finished_to`` everything is finished.
    ``len`` counts from the first that is not finished to the last taken: so much is in memory at most, and so much is
    read again at most.
    """

    def __init__(self, place: str) -> None:
        self.taken_to = place
        self.finished_to = place
        self._taken: deque[Taken] = deque()

    def __len__(self) -> int:
        """Return how many were taken since the first that is not finished."""
        return len(self._taken)

    def take(self, archive_id: str, reading: Reading | None) -> Taken:
        """Note the next thing in the archive's order, or one that is in no archive."""
        taken = Taken(archive_id, reading)
        self._taken.append(taken)
        self.taken_to = archive_id or self.taken_to
        return taken

    def finish(self, taken: Taken) -> None:
        """Note that something is handled for good, whatever came of it."""
        taken.finished = True
        while self._taken and self._taken[0].finished:
            self.finished_to = self._taken.popleft().archive_id or self.finished_to

    def cursor(self, taken: Taken) -> str:
        """Return the place that may be stored in the transaction that finishes ``taken``."""
        return taken.archive_id or self.finished_to if taken is self._taken[0] else self.finished_to

    def forget_place(self) -> None:
        """Read on from the beginning: the archive no longer knows where we were."""
        self.taken_to = ""

    def turn_back(self) -> list[Reading]:
        """Go back to where everything is finished; return what no archive will give again, in the order it came."""
        lost = [one for one in self._taken if not one.finished and not one.archive_id]
        self._taken.clear()
        self.taken_to = self.finished_to
        return [one.reading for one in lost if one.reading is not None]
