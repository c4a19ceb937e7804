"""What a test sets at the failpoints of a running process: a file that the process looks at whenever it comes by."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from contactbot.failpoints import Point


@dataclass(frozen=True, slots=True)
class Trap:
    """What happens at a point, once so many channels have come there: each waits for the others.

    ``kill`` ends the process as kill -9 does, ``fail`` raises an error nobody foresaw, once for each channel, and
    ``gather`` lets all go on together. Whoever waits goes on, too, when other traps are laid.
    """

    point: Point
    do: Literal["kill", "fail", "gather"]
    together: int = 1


class UnforeseenError(Exception):
    """An error of a kind that the house does not know."""


def lay(file: Path, traps: Sequence[Trap]) -> None:
    """Set these traps and no others."""
    leave(file, json.dumps([asdict(trap) for trap in traps]))


def leave(file: Path, text: str) -> None:
    """Leave a text for the running process, which reads the old one or the new one and never half of it."""
    new = file.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(file)


@dataclass(slots=True)
class Trapper:
    """The watcher inside the process."""

    file: Path
    _laid: str = "[]"
    _traps: list[Trap] = field(default_factory=list)
    _there: set[tuple[Point, str]] = field(default_factory=set)
    _all_there: dict[Point, asyncio.Event] = field(default_factory=dict)

    async def reached(self, point: Point, channel: str) -> None:
        """Wait for the others where the trap says so, and spring it."""
        for trap in self._at(point):
            is_first = (point, channel) not in self._there
            self._there.add((point, channel))
            if len({there for there in self._there if there[0] == point}) < trap.together:
                await self._gate(point).wait()
            self._gate(point).set()
            self._spring(trap, is_first=is_first)

    def passed(self, point: Point, channel: str) -> None:
        """Spring the trap; nobody waits in a transaction."""
        for trap in self._at(point):
            is_first = (point, channel) not in self._there
            self._there.add((point, channel))
            self._spring(trap, is_first=is_first)

    def _gate(self, point: Point) -> asyncio.Event:
        return self._all_there.setdefault(point, asyncio.Event())

    def _at(self, point: Point) -> Iterator[Trap]:
        laid = self.file.read_text("utf-8") if self.file.exists() else "[]"
        if laid != self._laid:
            for gate in self._all_there.values():
                gate.set()
            self._laid, self._there, self._all_there = laid, set(), {}
            self._traps = [Trap(Point(one["point"]), one["do"], one["together"]) for one in json.loads(laid)]
        return (trap for trap in self._traps if trap.point == point)

    @staticmethod
    def _spring(trap: Trap, *, is_first: bool) -> None:
        if trap.do == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if trap.do == "fail" and is_first:
            raise UnforeseenError
