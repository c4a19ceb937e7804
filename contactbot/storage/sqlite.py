"""The two doors on SQLite: one writer that commits in groups, and readers beside it."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Self

from contactbot.clock import Clock
from contactbot.errors import StoreBusyError, StoreError
from contactbot.storage.dialect import Sqlite
from contactbot.storage.notices import Notices
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Job, Mode, Unit

GROUP_LIMIT = 128  # units; more would make the first wait noticeably for the last
READERS = 3  # threads


@dataclass(slots=True)
class Waiting:
    """A job of the writer's, and the caller who waits for it on the event loop."""

    job: Job
    caller: asyncio.Future[Any]

    def answer(self) -> None:
        """Give the caller the outcome; a caller who has gone misses it."""
        if self.caller.done():
            return
        if self.job.error is None:
            self.caller.set_result(self.job.outcome)
        else:
            self.caller.set_exception(self.job.error)


class SqliteDatabase:
    """One file. Units that wait together share one commit, each in its own savepoint; all are answered after it."""

    def __init__(self, dialect: Sqlite, clock: Clock) -> None:
        self.dialect = dialect
        self.notices = Notices()
        self._clock = clock
        self._jobs: SimpleQueue[Waiting | None] = SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._reader = threading.local()
        self._at_a_glance: sqlite3.Connection
        self._opened: list[sqlite3.Connection] = []
        self._loop: asyncio.AbstractEventLoop
        self._writer: threading.Thread | None = None

    async def __aenter__(self) -> Self:
        """Open the file. Raises StoreBusyError when that cannot be done."""
        self._loop = asyncio.get_running_loop()
        connection = await asyncio.to_thread(self._connect)
        self._at_a_glance = await asyncio.to_thread(self._connect_to_read)
        self._at_a_glance.execute("PRAGMA busy_timeout=0")  # the event loop never waits for a lock
        self._writer = threading.Thread(target=self._serve, args=(connection,), name="writer", daemon=True)
        self._writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        writer, self._writer = self._writer, None  # nothing is taken in any more
        await asyncio.to_thread(self._close, writer)

    async def write(self, unit: Unit, *arguments: Any, key: str | None = None, mode: Mode = "") -> Any:  # noqa: ANN401, ARG002 - one signature for both engines
        """Run the unit in a transaction of its own; return its result after the commit.

        With a ``key`` a second call returns the first one's result (which must be JSON). Raises what the unit raises,
        StoreBusyError when the file is locked or the disk full; nothing of the unit is kept then.
        """
        self._refuse_when_closed()
        caller = asyncio.get_running_loop().create_future()
        self._jobs.put(Waiting(Job(unit, arguments, key), caller))
        return await caller

    async def read(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run the unit on a snapshot; it can write nothing. Its transaction is always ended."""
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, unit, arguments)

    async def glance(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run a unit that reads a few rows by index, on the event loop: a thread would cost more than the reading."""
        self._refuse_when_closed()
        try:
            return self._look(self._at_a_glance, unit, arguments)
        except StoreBusyError:
            return await self.read(unit, *arguments)

    def _refuse_when_closed(self) -> None:
        if self._writer is None:
            raise StoreBusyError("the database is closed; open it with 'async with'")

    # --- the writer's thread ---

    def _serve(self, connection: sqlite3.Connection) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._collect()
            if group:
                self._commit(connection, group)
        connection.close()

    def _collect(self) -> tuple[list[Waiting], bool]:
        group: list[Waiting] = []
        one = self._jobs.get()
        while one is not None:
            if not one.caller.cancelled():
                group.append(one)
            if len(group) >= GROUP_LIMIT:
                return group, True
            try:
                one = self._jobs.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit(self, connection: sqlite3.Connection, group: Sequence[Waiting]) -> None:
        """Run the group in one transaction; if that cannot be kept whole, run every unit alone."""
        woken = self._together(connection, [waiting.job for waiting in group])
        if woken is None and len(group) > 1:
            for waiting in group:
                self._commit(connection, [waiting])
            return
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits or listens any more
            self._loop.call_soon_threadsafe(self._answer, group, woken or ())

    def _answer(self, group: Sequence[Waiting], woken: Collection[str]) -> None:
        """Tell everybody on the event loop at once: waking it for each would cost more than the answers."""
        for waiting in group:
            waiting.answer()
        self.notices.announce(woken)

    def _together(self, connection: sqlite3.Connection, group: list[Job]) -> set[str] | None:
        """Return the topics to announce, or None when the transaction was lost and nothing of it was kept."""
        woken: set[str] = set()
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:  # another program holds the file: each alone would wait as long, one by one
            self._blame(group, error)
            return woken
        try:
            for job in group:
                woken |= self._in_savepoint(connection, job)
                if not connection.in_transaction:  # disk full, OR ROLLBACK: the engine ended everybody's transaction
                    self._blame(group, job.error)
                    return None
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._blame(group, error)
            return None
        return woken

    def _in_savepoint(self, connection: sqlite3.Connection, job: Job) -> set[str]:
        tx = Transaction(connection, self.dialect)
        connection.execute("SAVEPOINT unit")
        try:
            job.run(tx, self._clock)
        except BaseException as error:  # noqa: BLE001 - even SystemExit in a unit belongs to its caller, not to the writer
            job.error = self._understood(error)
            if connection.in_transaction:
                connection.execute("ROLLBACK TO unit")
                connection.execute("RELEASE unit")
            return set()
        connection.execute("RELEASE unit")
        return tx.woken

    def _blame(self, group: list[Job], error: BaseException | None) -> None:
        """Nothing of the group was kept, so every member gets the error that ended it (or is run again alone)."""
        for job in group:
            job.error = StoreError("the transaction was lost") if error is None else self._understood(error)

    # --- the readers' threads ---

    def _read(self, unit: Unit, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - the unit's own result
        connection = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = self._connect_to_read()
        return self._look(connection, unit, arguments)

    def _look(self, connection: sqlite3.Connection, unit: Unit, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - the unit's own result
        try:
            connection.execute("BEGIN")
            try:
                return unit(Transaction(connection, self.dialect), *arguments)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            understood = self._understood(error)
            if understood is error:
                raise
            raise understood from error

    def _understood(self, error: BaseException) -> BaseException:
        if self.dialect.is_busy(error):
            return StoreBusyError(
                f"the database cannot serve now ({error}); look at disk space and other programs using it"
            )
        if self.dialect.is_refusal(error):
            return StoreError(f"the database refused the change: {error}")
        return error

    def _connect_to_read(self) -> sqlite3.Connection:
        connection = self._connect()
        connection.execute("PRAGMA query_only=ON")
        self._opened.append(connection)
        return connection

    def _connect(self) -> sqlite3.Connection:
        try:
            return self.dialect.connect()
        except sqlite3.OperationalError as error:
            raise StoreBusyError(
                f"the database file cannot be opened ({error}); look at its folder's rights"
            ) from error

    def _close(self, writer: threading.Thread | None) -> None:
        self._jobs.put(None)
        if writer is not None:
            writer.join()
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()
