"""The two doors on SQLite: one writer that commits in groups, and readers beside it."""

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from contactbot.clock import Clock
from contactbot.errors import StoreBusyError
from contactbot.storage.dialect import Sqlite
from contactbot.storage.notices import Notices
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Job, Mode, Unit
from contactbot.storage.writer import Writer

READERS = 3  # threads


class SqliteDatabase:
    """One file. Units that wait together share one commit, each in its own savepoint; all are answered after it."""

    def __init__(self, dialect: Sqlite, clock: Clock) -> None:
        self.dialect = dialect
        self.notices = Notices()
        self._clock = clock
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._reader = threading.local()
        self._at_a_glance: sqlite3.Connection
        self._opened: list[sqlite3.Connection] = []
        self._writer: Writer | None = None

    async def __aenter__(self) -> Self:
        """Open the file. Raises StoreBusyError when that cannot be done."""
        connection = await asyncio.to_thread(self._connect)
        self._at_a_glance = await asyncio.to_thread(self._connect_to_read)
        self._at_a_glance.execute("PRAGMA busy_timeout=0")  # the event loop never waits for a lock
        self._writer = Writer(connection, self.dialect, self._clock, self.notices.announce)
        return self

    async def __aexit__(self, *_: object) -> None:
        writer, self._writer = self._writer, None  # nothing is taken in any more
        if writer is not None:
            await writer.close()
        await asyncio.to_thread(self._close_readers)

    async def write(self, unit: Unit, *arguments: Any, key: str | None = None, mode: Mode = "") -> Any:  # noqa: ANN401, ARG002 - one signature for both engines
        """Run the unit in a transaction of its own; return its result after the commit.

        With a ``key`` a second call returns the first one's result (which must be JSON). Raises what the unit raises,
        StoreBusyError when the file is locked or the disk full; nothing of the unit is kept then.
        """
        return await self._at_work().run(Job(unit, arguments, key), is_brief=False)

    async def jot(self, unit: Unit, *arguments: Any, mode: Mode = "") -> Any:  # noqa: ANN401, ARG002 - one signature for both engines
        """Write, for a unit that touches a few rows found by index: only the commit leaves the event loop."""
        return await self._at_work().run(Job(unit, arguments, None), is_brief=True)

    async def read(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run the unit on a snapshot; it can write nothing. Its transaction is always ended."""
        self._at_work()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, unit, arguments)

    async def glance(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run a unit that reads a few rows by index, on the event loop: a thread would cost more than the reading."""
        self._at_work()
        try:
            return self._look(self._at_a_glance, unit, arguments)
        except StoreBusyError:
            return await self.read(unit, *arguments)

    def _at_work(self) -> Writer:
        if self._writer is None:
            raise StoreBusyError("the database is closed; open it with 'async with'")
        return self._writer

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
            understood = self.dialect.understood(error)
            if understood is error:
                raise
            raise understood from error

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

    def _close_readers(self) -> None:
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()
