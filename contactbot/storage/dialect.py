"""Where SQLite and PostgreSQL differ, by name. Everything else is one SQL text for both."""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from contactbot.errors import StoreBusyError, StoreError

if TYPE_CHECKING:
    # Loaded where it is used: an SQLite file with a current schema is served without it, 28 MB and 0.2 s less.
    from sqlalchemy import Engine
    from sqlalchemy.engine import Dialect as Compiler

Connection = Any  # a DBAPI connection: sqlite3 or psycopg
# https://www.sqlite.org/rescode.html: what can pass, as opposed to what is wrong with the statement.
BUSY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
# In a savepoint SQLite keeps the pages it changes as they were: beyond 64 kB, which a message comes to, in a file made
# for the purpose, which costs twice what the statements do, unless temporary things stay in memory. The cache is in kB
# and for each connection: with the default of 2000 every message of a house that has seen some reads its pages anew.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-4000")
LOCK_WAIT = 10.0  # seconds another program may hold the file before we say that the store is busy
RERUNS = 20  # of a transaction that PostgreSQL refuses to order among others
RERUNS_OF_A_DUPLICATE = 2


class Dialect(Protocol):
    """What the doors need to know of an engine."""

    name: str

    def compiled(self, statement: str) -> str:
        """Return the statement with ``:name`` parameters in the driver's own style."""

    def is_busy(self, error: BaseException) -> bool:
        """Say whether a later attempt can succeed: locked, full, or out of reach."""

    def is_refusal(self, error: BaseException) -> bool:
        """Say whether the unit broke a rule of the schema, such as a unique key."""

    @property
    def returning_id(self) -> str:
        """What an INSERT ends with so that its row's id can be had."""

    def inserted_id(self, cursor: Any) -> int:  # noqa: ANN401 - a DBAPI cursor
        """Return the id of the row just inserted."""

    def next_number(self, tx: Any, municipality: str) -> int:  # noqa: ANN401 - the transaction, which imports this
        """Draw the municipality's next ticket number; gaps are allowed."""

    @property
    def skip_locked(self) -> str:
        """What a query ends with that leases outbox rows ``o`` without waiting for others who do."""

    def index_message(self, tx: Any, municipality: str, message: int, text: str) -> None:  # noqa: ANN401 - see above
        """Make a message findable, in the transaction that writes it."""

    def unindex_messages(self, tx: Any, messages: Sequence[int]) -> None:  # noqa: ANN401 - see above
        """Make messages unfindable, in the transaction that erases them."""

    def find_messages(self, tx: Any, municipality: str, wanted: str, limit: int) -> list[int]:  # noqa: ANN401 - see above
        """Return the newest messages that hold all words, the last word also as a beginning."""


class Sqlite:
    """SQLite: one writer, many readers, write-ahead log with full synchronisation."""

    name = "sqlite"
    skip_locked = ""  # one writer: nobody else leases meanwhile
    returning_id = ""  # the driver knows it

    def __init__(self, url: str) -> None:
        self.path = url.partition("///")[2].partition("?")[0]
        self.lock_wait = LOCK_WAIT

    @cached_property
    def engine(self) -> "Engine":
        """What migrations run on; the doors use connections of their own."""
        from sqlalchemy import create_engine  # noqa: PLC0415 - see above

        return create_engine(f"sqlite:///{self.path}", creator=self.connect)

    def connect(self) -> sqlite3.Connection:
        """Open the file, making it if need be. Raises sqlite3.OperationalError."""
        connection = sqlite3.connect(self.path, timeout=self.lock_wait, check_same_thread=False)
        connection.isolation_level = None  # we begin and end transactions ourselves
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def compiled(self, statement: str) -> str:
        """Return the statement as it is: ``:name`` is SQLite's own style."""
        return statement

    def is_busy(self, error: BaseException) -> bool:
        """Locked by another process, disk full, unreadable: what a mistake in a statement is not."""
        code = getattr(error, "sqlite_errorcode", None)
        return isinstance(code, int) and code & 0xFF in BUSY  # the low byte is the primary code

    def is_refusal(self, error: BaseException) -> bool:
        """Tell a broken rule of the schema from other errors."""
        return isinstance(error, sqlite3.IntegrityError)

    def understood(self, error: BaseException) -> BaseException:
        """Return the house's error for what the engine meant, or the error itself."""
        if self.is_busy(error):
            return StoreBusyError(
                f"the database cannot serve now ({error}); look at disk space and other programs using it"
            )
        if self.is_refusal(error):
            return StoreError(f"the database refused the change: {error}")
        return error

    def inserted_id(self, cursor: sqlite3.Cursor) -> int:
        """Ask the driver."""
        return int(cursor.lastrowid or 0)

    def next_number(self, tx: Any, municipality: str) -> int:  # noqa: ANN401 - see Dialect
        """One above the highest: the single writer makes it unique."""
        return int(
            tx.value("SELECT coalesce(max(number), 1000) + 1 FROM ticket WHERE municipality = :m", m=municipality)
        )

    def index_message(self, tx: Any, municipality: str, message: int, text: str) -> None:  # noqa: ANN401 - see Dialect
        """Write into FTS5, whose row number is the message's."""
        tx.execute(
            "INSERT INTO message_search (rowid, municipality, folded) VALUES (:message, :municipality, :folded)",
            message=message,
            municipality=municipality,
            folded=text.casefold(),
        )

    def unindex_messages(self, tx: Any, messages: Sequence[int]) -> None:  # noqa: ANN401 - see Dialect
        """Through FTS5."""
        listed = ", ".join(str(int(message)) for message in messages) or "0"
        tx.execute(f"DELETE FROM message_search WHERE rowid IN ({listed})")

    def find_messages(self, tx: Any, municipality: str, wanted: str, limit: int) -> list[int]:  # noqa: ANN401 - see Dialect
        """Through FTS5; words are quoted, so none of its operators can be typed."""
        words = [f'"{word}"' for word in words_of(wanted)]
        if not words:
            return []
        rows = tx.rows(
            "SELECT rowid FROM message_search WHERE message_search MATCH :words AND municipality = :municipality"
            " ORDER BY rowid DESC LIMIT :limit",
            words=" ".join(words) + "*",
            municipality=municipality,
            limit=limit,
        )
        return [int(row[0]) for row in rows]


class Postgresql:
    """PostgreSQL 13 or later, through psycopg 3."""

    name = "postgresql"
    skip_locked = " FOR UPDATE OF o SKIP LOCKED"
    returning_id = " RETURNING id"

    def __init__(self, url: str, connections: int = 8) -> None:
        # A sequential scan locks the whole table for a serializable transaction, so that everybody conflicts with
        # everybody while tables are small (PostgreSQL manual, 13.2.3); index scans lock what was looked at.
        from sqlalchemy import create_engine  # noqa: PLC0415 - see above

        self.engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"options": "-c enable_seqscan=off"},
        )
        self.compiled = _compiler(self.engine.dialect, "pyformat")

    def reruns(self, error: BaseException) -> int:
        """Return how often the transaction that failed so is worth running again.

        Serialization failure (40001) and deadlock (40P01) ask for it. A duplicate (23505) may be a race, which one look
        at what the other has written settles, or the unit's own mistake, which nothing does.
        """
        return {"40001": RERUNS, "40P01": RERUNS, "23505": RERUNS_OF_A_DUPLICATE}.get(_state(error), 0)

    def is_busy(self, error: BaseException) -> bool:
        """Trouble with the connection or the server's resources, or a conflict that outlasted its re-runs.

        The classes are 08, 53 and 57 of PostgreSQL's appendix A, and 40.
        """
        named = type(error).__name__ in {"OperationalError", "InterfaceError"}
        return named or _state(error)[:2] in {"08", "40", "53", "57"}

    def is_refusal(self, error: BaseException) -> bool:
        """Tell a broken rule of the schema (class 23) from other errors."""
        return _state(error).startswith("23")

    def inserted_id(self, cursor: Any) -> int:  # noqa: ANN401 - psycopg's cursor
        """Read what the statement returned."""
        return int(cursor.fetchone()[0])

    def next_number(self, tx: Any, municipality: str) -> int:  # noqa: ANN401, ARG002 - one sequence serves all
        """Draw from a sequence, so that parallel transactions do not wait for each other."""
        return int(tx.value("SELECT nextval('ticket_number')"))

    def index_message(self, tx: Any, municipality: str, message: int, text: str) -> None:  # noqa: ANN401 - see Dialect
        """Into a table whose tsvector column the server derives."""
        tx.execute(
            "INSERT INTO message_search (message, municipality, folded) VALUES (:message, :municipality, :folded)",
            message=message,
            municipality=municipality,
            folded=" ".join(words_of(text)),
        )

    def unindex_messages(self, tx: Any, messages: Sequence[int]) -> None:  # noqa: ANN401 - see Dialect
        """From the same table."""
        listed = ", ".join(str(int(message)) for message in messages) or "0"
        tx.execute(f"DELETE FROM message_search WHERE message IN ({listed})")

    def find_messages(self, tx: Any, municipality: str, wanted: str, limit: int) -> list[int]:  # noqa: ANN401 - see Dialect
        """With the configuration ``simple``, which neither stems nor drops words."""
        words = [f"'{word}'" for word in words_of(wanted)]
        if not words:
            return []
        rows = tx.rows(
            "SELECT message FROM message_search"
            " WHERE vector @@ to_tsquery('simple', :words) AND municipality = :municipality"
            " ORDER BY message DESC LIMIT :limit",
            words=" & ".join(words) + ":*",
            municipality=municipality,
            limit=limit,
        )
        return [int(row[0]) for row in rows]


def _state(error: BaseException) -> str:
    return getattr(error, "sqlstate", None) or ""


def words_of(text: str) -> list[str]:
    """Return the folded words of a text: letters and digits only, so that nothing in them is an operator."""
    return re.findall(r"\w+", text.casefold())


def dialect_for(url: str) -> Sqlite | Postgresql:
    """Return the engine that a database URL names."""
    return Sqlite(url) if url.startswith("sqlite") else Postgresql(url)


def _compiler(dialect: "Compiler", style: str) -> Callable[[str], str]:
    from sqlalchemy import text  # noqa: PLC0415 - see above

    dialect.paramstyle = style
    dialect.positional = False

    @lru_cache(maxsize=2048)
    def compiled(statement: str) -> str:
        return str(text(statement).compile(dialect=dialect))

    return compiled


@contextlib.contextmanager
def borrowed(engine: "Engine") -> Iterator[Connection]:
    """Lend a driver connection from the pool; a broken one is thrown away."""
    lent = engine.raw_connection()
    try:
        yield lent.driver_connection
    except BaseException:
        with contextlib.suppress(Exception):
            lent.rollback()
        raise
    finally:
        lent.close()
