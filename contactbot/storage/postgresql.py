"""The two doors on PostgreSQL: a pool, serializable units that are run again on conflict, notices over LISTEN."""

import asyncio
import contextlib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import psycopg

from contactbot.clock import Clock
from contactbot.errors import StoreBusyError
from contactbot.storage.dialect import Connection, Postgresql, borrowed
from contactbot.storage.notices import Notices
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Job, Unit

CHANNEL = "contactbot"  # of LISTEN and NOTIFY
RERUNS = 20
CONNECTIONS = 8

Mode = Literal["", "queue"]


class PostgresqlDatabase:
    """One database, many processes. Units are SERIALIZABLE; ``mode="queue"`` is READ COMMITTED for leases and receipts."""

    def __init__(self, dialect: Postgresql, clock: Clock) -> None:
        self.dialect = dialect
        self.notices = Notices()
        self._clock = clock
        self._threads = ThreadPoolExecutor(CONNECTIONS, "database")
        # One at a time within a process: predicate locks cover index pages, so that two units over small tables nearly
        # always conflict (measured: 4 at once used up all re-runs, 2 won a quarter). Re-runs are for other processes.
        self._serializable = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "PostgresqlDatabase":
        self._listener = asyncio.create_task(self._listen(), name="database notices")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        await asyncio.to_thread(self._threads.shutdown)
        self.dialect.engine.dispose()

    async def write(self, unit: Unit, *arguments: Any, key: str | None = None, mode: Mode = "") -> Any:  # noqa: ANN401 - the unit's own result
        """Run the unit in a transaction of its own; return its result after the commit.

        With a ``key`` a second call returns the first one's result (which must be JSON). Raises what the unit raises,
        StoreBusyError when the server is out of reach or conflicts persist; nothing of the unit is kept then.
        """
        job = Job(unit, arguments, key)
        loop = asyncio.get_running_loop()
        if mode == "queue":
            return await loop.run_in_executor(self._threads, self._until_kept, job, mode)
        async with self._serializable:
            return await loop.run_in_executor(self._threads, self._until_kept, job, mode)

    async def read(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run the unit on a snapshot; it can write nothing. Its transaction is always ended."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._look, unit, arguments)

    def _until_kept(self, job: Job, mode: Mode) -> Any:  # noqa: ANN401 - the unit's own result
        for attempt in range(RERUNS + 1):
            try:
                return self._once(job, mode)
            except psycopg.Error as error:
                if self.dialect.is_conflict(error) and attempt < RERUNS:
                    time.sleep(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311 - jitter, in a worker thread
                    continue
                if self.dialect.is_busy(error) or self.dialect.is_conflict(error):
                    raise _busy(error) from error
                raise
            except Exception as error:
                if _from_pool(error):
                    raise _busy(error) from error
                raise
        raise StoreBusyError("the transaction kept losing against others; try again")

    def _once(self, job: Job, mode: Mode) -> Any:  # noqa: ANN401 - the unit's own result
        level = psycopg.IsolationLevel.READ_COMMITTED if mode == "queue" else psycopg.IsolationLevel.SERIALIZABLE
        with borrowed(self.dialect.engine) as connection:
            _set_up(connection, level, read_only=False)
            tx = Transaction(connection, self.dialect)
            job.run(tx, self._clock)
            for topic in sorted(tx.woken):
                tx.execute("SELECT pg_notify(:channel, :topic)", channel=CHANNEL, topic=topic)
            connection.commit()
            return job.outcome

    def _look(self, unit: Unit, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - the unit's own result
        try:
            with borrowed(self.dialect.engine) as connection:
                _set_up(connection, psycopg.IsolationLevel.REPEATABLE_READ, read_only=True)
                try:
                    return unit(Transaction(connection, self.dialect), *arguments)
                finally:
                    connection.rollback()
        except Exception as error:
            if _from_pool(error) or (isinstance(error, psycopg.Error) and self.dialect.is_busy(error)):
                raise _busy(error) from error
            raise

    async def _listen(self) -> None:
        """Pass the server's notices on, for ever; the slow poll covers the time without a connection."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self.dialect.engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
                    autocommit=True,
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for notice in connection.notifies():
                        self.notices.announce([notice.payload])
            except psycopg.Error:
                await asyncio.sleep(1)


def _set_up(connection: Connection, level: psycopg.IsolationLevel, *, read_only: bool) -> None:
    if connection.isolation_level != level:
        connection.isolation_level = level
    if connection.read_only != read_only:
        connection.read_only = read_only


def _from_pool(error: Exception) -> bool:
    """Whether SQLAlchemy could not lend a connection: its own timeout, or the driver's error wrapped."""
    return type(error).__module__.startswith("sqlalchemy.")


def _busy(error: Exception) -> StoreBusyError:
    return StoreBusyError(
        f"the database cannot serve now ({type(error).__name__}); is the server running and reachable?"
    )
