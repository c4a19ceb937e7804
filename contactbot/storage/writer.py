"""The one writer of an SQLite file: units that wait together share one commit."""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from contactbot.clock import Clock
from contactbot.errors import StoreError
from contactbot.storage.dialect import Sqlite
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Job

GROUP_LIMIT = 128  # units; more would make the first wait noticeably for the last
BRIEF_LIMIT = 32  # units run in one go on the event loop, about a quarter of a millisecond each


@dataclass(slots=True)
class Waiting:
    """A job of the writer's, and the caller who waits for it on the event loop."""

    job: Job
    is_brief: bool
    caller: asyncio.Future[Any]

    def answer(self) -> None:
        """Give the caller the outcome; a caller who has gone misses it."""
        if self.caller.done():
            return
        if self.job.error is None:
            self.caller.set_result(self.job.outcome)
        else:
            self.caller.set_exception(self.job.error)


@dataclass(slots=True)
class Group:
    """Units of one transaction; `has_run` when only the commit is left to do."""

    members: list[Waiting]
    has_run: bool = False
    woken: set[str] = field(default_factory=set)


class Writer:
    """Runs each unit in a savepoint of its group's transaction, and answers all callers after the commit.

    A group of brief units runs on the event loop and only its commit in the writer's thread: a thread beside a busy
    loop loses the interpreter's lock at every statement, which costs both of them more than the statements.
    """

    def __init__(
        self, connection: sqlite3.Connection, dialect: Sqlite, clock: Clock, announce: Callable[[Collection[str]], None]
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._clock = clock
        self._announce = announce
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Waiting] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self._groups: SimpleQueue[Group | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._wait_for_locks(0)
        self._thread.start()

    async def run(self, job: Job, *, is_brief: bool) -> Any:  # noqa: ANN401 - the unit's own result
        """Run the job; return its outcome after the commit."""
        caller = self._loop.create_future()
        self._waiting.append(Waiting(job, is_brief, caller))
        if self._idle.is_set():
            self._idle.clear()
            self._loop.call_soon(self._next)  # so that units of the same turn of the loop come along
        return await caller

    async def close(self) -> None:
        """Finish what waits, then let go of the file."""
        try:
            await self._idle.wait()
        finally:
            self._groups.put(None)
            await asyncio.to_thread(self._thread.join)

    # --- on the event loop ---

    def _next(self) -> None:
        """Start with those who wait; nobody else is in the transaction now."""
        group = Group(self._collected())
        if not group.members:
            self._idle.set()
            return
        if all(one.is_brief for one in group.members) and self._begun_at_once():
            group.has_run = True
            self._run(group)
        self._groups.put(group)

    def _collected(self) -> list[Waiting]:
        found: list[Waiting] = []
        limit = GROUP_LIMIT
        while self._waiting and len(found) < limit:
            one = self._waiting.popleft()
            if not one.caller.cancelled():
                found.append(one)
                limit = min(limit, BRIEF_LIMIT) if one.is_brief else limit
        return found

    def _begun_at_once(self) -> bool:
        """Begin a transaction unless another program holds the file: the event loop waits for no lock."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return False
        return True

    def _answer(self, group: Group) -> None:
        """Tell everybody at once: waking the loop for each would cost more than the answers."""
        for waiting in group.members:
            waiting.answer()
        self._announce(group.woken)
        self._next()

    # --- in the writer's thread ---

    def _serve(self) -> None:
        while (group := self._groups.get()) is not None:
            self._keep(group)
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits or listens any more
                self._loop.call_soon_threadsafe(self._answer, group)
        self._connection.close()

    def _keep(self, group: Group) -> None:
        """Keep a group in one transaction; if it cannot be kept whole, run every unit alone."""
        begun = group.has_run or self._begun(group)
        if not begun or self._kept(group) or len(group.members) == 1:
            return
        group.woken.clear()
        for waiting in group.members:
            alone = Group([waiting])
            if self._begun(alone) and self._kept(alone):
                group.woken |= alone.woken

    def _begun(self, group: Group) -> bool:
        """Begin a transaction; wait for another program that holds the file, once for all members."""
        self._wait_for_locks(self._dialect.lock_wait)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._blame(group, error)
            return False
        finally:
            self._wait_for_locks(0)
        self._run(group)
        return True

    def _wait_for_locks(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout={int(1000 * seconds)}")

    # --- on either side ---

    def _run(self, group: Group) -> None:
        """Run the members until one of them loses the transaction for all."""
        for waiting in group.members:
            group.woken |= self._in_savepoint(waiting.job)
            if not self._connection.in_transaction:  # disk full, OR ROLLBACK: the engine ended everybody's
                self._blame(group, waiting.job.error)
                return

    def _in_savepoint(self, job: Job) -> set[str]:
        connection = self._connection
        tx = Transaction(connection, self._dialect)
        try:
            connection.execute("SAVEPOINT unit")
            job.run(tx, self._clock)
            connection.execute("RELEASE unit")
        except BaseException as error:  # noqa: BLE001 - even SystemExit in a unit belongs to its caller, not to the writer
            job.error = self._dialect.understood(error)
            if connection.in_transaction:
                connection.execute("ROLLBACK TO unit")
                connection.execute("RELEASE unit")
            return set()
        return tx.woken

    def _kept(self, group: Group) -> bool:
        """Commit; return whether that which was run is kept."""
        connection = self._connection
        if not connection.in_transaction:
            return False
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._blame(group, error)
            return False
        return True

    def _blame(self, group: Group, error: BaseException | None) -> None:
        """Nothing of the group was kept, so every member gets the error that ended it (or is run again alone)."""
        for waiting in group.members:
            lost = StoreError("the transaction was lost")
            waiting.job.error = lost if error is None else self._dialect.understood(error)
