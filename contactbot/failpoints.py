"""Named points on a message's way where the tests of faults make the process die, fail or wait.

In service nothing watches, and a point costs a comparison. Nothing outside this process can change that: no setting and
no environment variable is read here. ``tests/faults/serve.py`` starts the service with a watcher of its own.
"""

from enum import StrEnum
from typing import Protocol


class Point(StrEnum):
    """Where a message can be when the worst happens, in the order of its way."""

    ARRIVED = "receive.arrived"  # the channel has read it; nothing is done yet
    UNDERSTOOD = "receive.understood"  # it is decided what to do
    WRITING = "receive.writing"  # all is written, in a transaction that is not committed
    COMMITTED = "receive.committed"  # kept; the channel has not acknowledged it
    LEASING = "deliver.leasing"  # answers are queued; which channels have any is not known yet
    LEASED = "deliver.leased"  # an answer is `sending`; the channel has not been called
    TAKEN = "deliver.taken"  # the channel has told how it went; nobody has noted it
    SETTLING = "deliver.settling"  # it is noted, in a transaction that is not committed
    SETTLED = "deliver.settled"  # it is noted for good
    ASKED = "recover.asked"  # after a crash the peer has been asked; its answer is not noted


class Watcher(Protocol):
    """What a test sets at the points; it knows the channel whose message comes by."""

    async def reached(self, point: Point, channel: str) -> None:
        """Act where the event loop may go on meanwhile."""

    def passed(self, point: Point, channel: str) -> None:
        """Act inside a transaction."""


_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> None:
    """Let a watcher act from now on."""
    _watchers.append(watcher)


async def reach(point: Point, channel: str = "") -> None:
    """Come by a point outside any transaction."""
    for watcher in _watchers:
        await watcher.reached(point, channel)


def touch(point: Point, channel: str) -> None:
    """Come by a point inside a unit, which never waits."""
    for watcher in _watchers:
        watcher.passed(point, channel)
