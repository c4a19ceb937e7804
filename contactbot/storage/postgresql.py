"""The two doors on PostgreSQL: a pool, serializable units that are run again on conflict, notices over LISTEN."""

import asyncio
import contextlib
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString, Self

import psycopg
from sqlalchemy import make_url

from contactbot.clock import Clock
from contactbot.errors import StoreBusyError, StoreError
from contactbot.storage.dialect import Connection, Postgresql, borrowed
from contactbot.storage.notices import Notices
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Job, Mode, Unit

CHANNEL = "contactbot"  # of LISTEN and NOTIFY
CONNECTIONS = 8


class PostgresqlDatabase:
    """One database, many processes. Units are SERIALIZABLE, or READ COMMITTED with ``mode="queue"``."""

    def __init__(self, dialect: Postgresql, clock: Clock) -> None:
        self.dialect = dialect
        self.notices = Notices()
        self._clock = clock
        self._threads = ThreadPoolExecutor(CONNECTIONS, "database")
        # One at a time within a process: predicate locks cover index pages, so that two units over small tables nearly
        # always conflict (measured: 4 at once used up all re-runs, 2 won a quarter). Re-runs are for other processes.
        self._serializable = asyncio.Lock()
        self._listener: asyncio.Task[None] | None = None
        self._closing = threading.Event()

    async def __aenter__(self) -> Self:
        self._listener = asyncio.create_task(self._listen(), name="database notices")
        return self

    async def __aexit__(self, *_: object) -> None:
        listener, self._listener = self._listener, None  # nothing is taken in any more
        self._closing.set()  # nobody pauses between re-runs any more
        if listener is not None:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener
        await asyncio.to_thread(self._threads.shutdown)
        self.dialect.engine.dispose()

    async def write(self, unit: Unit, *arguments: Any, key: str | None = None, mode: Mode = "") -> Any:  # noqa: ANN401 - the unit's own result
        """Run the unit in a transaction of its own; return its result after the commit.

        With a ``key`` a second call returns the first one's result (which must be JSON). Raises what the unit raises,
        StoreBusyError when the server is out of reach or conflicts persist; nothing of the unit is kept then.
        """
        self._refuse_when_closed()
        job = Job(unit, arguments, key)
        loop = asyncio.get_running_loop()
        if mode == "queue":
            return await loop.run_in_executor(self._threads, self._until_kept, job, mode)
        async with self._serializable:
            return await loop.run_in_executor(self._threads, self._until_kept, job, mode)

    async def jot(self, unit: Unit, *arguments: Any, mode: Mode = "") -> Any:  # noqa: ANN401 - the unit's own result
        """Write as ever: a server is asked over a connection, and the event loop waits for none."""
        return await self.write(unit, *arguments, mode=mode)

    async def read(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Run the unit on a snapshot; it can write nothing. Its transaction is always ended."""
        self._refuse_when_closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._look, unit, arguments)

    async def glance(self, unit: Unit, *arguments: Any) -> Any:  # noqa: ANN401 - the unit's own result
        """Read as ever: a server is asked over a connection, and the event loop waits for none."""
        return await self.read(unit, *arguments)

    def _refuse_when_closed(self) -> None:
        if self._listener is None:
            raise StoreBusyError("the database is closed; open it with 'async with'")

    def _until_kept(self, job: Job, mode: Mode) -> Any:  # noqa: ANN401 - the unit's own result
        attempt = 0
        while True:
            try:
                return self._once(job, mode)
            except Exception as error:
                if attempt >= self.dialect.reruns(error):
                    self._say_in_our_words(error)
                    raise
            self._closing.wait(random.uniform(0, 0.002 * 2 ** min(attempt, 6)))  # noqa: S311 - jitter
            attempt += 1

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
            self._say_in_our_words(error)
            raise

    def _say_in_our_words(self, error: Exception) -> None:
        """Raise the house's error for what the driver or the pool meant; return when the error is the unit's own."""
        if _from_pool(error) or self.dialect.is_busy(error):
            raise StoreBusyError(
                f"the database cannot serve now ({type(error).__name__}); is the server running and reachable?"
            ) from error
        if self.dialect.is_refusal(error):
            raise StoreError(f"the database refused the change: {error}") from error

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


def execute(url: str, statement: LiteralString, values: Sequence[str]) -> None:
    """Run one statement in a transaction of its own, outside the doors. Raises StoreError when it fails."""
    try:
        with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as lent:
            lent.execute(statement, values)
    except psycopg.Error as error:
        raise StoreError(f"the database refused the change: {error}") from error


def _set_up(connection: Connection, level: psycopg.IsolationLevel, *, read_only: bool) -> None:
    if connection.isolation_level != level:
        connection.isolation_level = level
    if connection.read_only != read_only:
        connection.read_only = read_only


def _from_pool(error: Exception) -> bool:
    """Whether SQLAlchemy could not lend a connection: its own timeout, or the driver's error wrapped."""
    return type(error).__module__.startswith("sqlalchemy.")
