"""Work side by side, but one after the other where it is about the same."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

Job = Callable[[], Awaitable[None]]


class Lanes:
    """Runs jobs as tasks of a group: those under one key in the order they came, at most ``most`` at a time.

    A job that waits for its turn takes up none of the ``most``. A job that raises ends the group.
    """

    def __init__(self, group: asyncio.TaskGroup, most: int) -> None:
        self._group = group
        self._free = asyncio.Semaphore(most)
        self._lanes: dict[Hashable, deque[Job]] = {}

    def add(self, key: Hashable, job: Job) -> None:
        """Have a job run after the others of its key."""
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(job)
        else:
            self._lanes[key] = deque((job,))
            self._group.create_task(self._run(key), name="xmpp lane")

    async def _run(self, key: Hashable) -> None:
        lane = self._lanes[key]
        while lane:
            job = lane.popleft()
            async with self._free:
                await job()
        del self._lanes[key]
