"""One file is the whole backup: messages, files, answers, history.

SQLite is copied with its own online backup; PostgreSQL with its own ``pg_dump`` and ``pg_restore``. With a key the file
is sealed: what is not sealed never lies outside the data folder. A file is restored whether it is sealed or not.
"""

import collections
import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, cast

from contactbot.errors import StoreError
from contactbot.storage import folder, schema, sealed
from contactbot.storage.dialect import Sqlite

EPOCH = "feed_epoch"  # of house_state: a new one tells live pages that numbers start over
PIECE: Final = 1 << 20  # bytes copied at a time
# As pg_restore writes a table of one column and one row.
VERSION_DUMPED: Final = re.compile(rb"^COPY \S*" + schema.VERSION.encode() + rb" .*\n([0-9A-Za-z_]+)$", re.MULTILINE)


def backup(url: str, file: Path, key: str = "") -> None:
    """Write the database to ``file`` with mode 600, sealed when there is a key.

    Raises StoreError, and leaves nothing, when it cannot be done.
    """
    if file.exists():
        raise StoreError(f"{file} is there already; name another file")
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, folder.FILE_MODE), "wb") as target:
            with _copy(_path(url)) if _is_sqlite(url) else _dump(url) as source:
                if key:
                    sealed.seal(source, target, key)
                else:
                    shutil.copyfileobj(source, target, PIECE)
            target.flush()
            os.fsync(target.fileno())
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def restore(url: str, file: Path, key: str = "") -> Path | None:
    """Put a backup in place; return where the database that was there is kept. Raises StoreError.

    Nothing is touched before the whole file is known to be what was written.
    """
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    with file.open("rb") as source:
        if not _is_sqlite(url):
            _check_dump(_content(source, file, key), file)
            source.seek(0)
            _load(url, _content(source, file, key))
            _start_new_epoch_on_server(url)
            return None
        path = _path(url)
        folder.make(path.parent)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="restoring-") as aside:  # of mode 700
            fresh = Path(aside, path.name)
            with fresh.open("wb") as target:
                target.writelines(_content(source, file, key))
            fresh.chmod(folder.FILE_MODE)
            _check(fresh, file)
            _start_new_epoch(fresh)
            return _replace(path, fresh)


def _content(source: BinaryIO, file: Path, key: str) -> Iterator[bytes]:
    """Yield the bytes of a backup, its seal undone. Raises StoreError when that cannot be."""
    if not sealed.is_sealed(source):
        yield from iter(lambda: source.read(PIECE), b"")
        return
    if not key:
        raise StoreError(f"{file} is sealed; set backup_key to the key it was written with")
    try:
        yield from sealed.unsealed(source, key)
    except sealed.SealError as error:
        raise StoreError(f"{file} cannot be opened with backup_key: {error}") from error


def _replace(path: Path, fresh: Path) -> Path | None:
    """Put the fresh database where the old one is; return where the old one is kept."""
    kept = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}") if path.exists() else None
    if kept is not None:
        _refuse_if_in_use(path)
        path.rename(kept)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    fresh.rename(path)
    return kept


@contextlib.contextmanager
def _copy(path: Path) -> Iterator[BinaryIO]:
    """Give a consistent copy of an SQLite file; it lies beside the file, and is gone afterwards."""
    if not path.exists():
        raise StoreError(f"there is no database {path}")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="backup-") as aside:  # of mode 700
        copy = Path(aside, path.name)
        with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with copy.open("rb") as content:
            yield content


@contextlib.contextmanager
def _dump(url: str) -> Iterator[BinaryIO]:
    """Give what ``pg_dump`` writes. Raises StoreError when it fails."""
    with _client("pg_dump", "--format=custom", f"--dbname={_libpq(url)}") as process:
        yield cast("BinaryIO", process.stdout)


def _check_dump(content: Iterator[bytes], file: Path) -> None:
    """Raise StoreError when a dump is none of ours, or of a newer version.

    It is read to its end, which proves its seal before the first byte is used.
    """
    with _client("pg_restore", "--data-only", f"--table={schema.VERSION}", "--file=-") as process:
        with contextlib.suppress(BrokenPipeError), cast("BinaryIO", process.stdin) as taken:
            taken.writelines(content)
        said = cast("BinaryIO", process.stdout).read()
    collections.deque(content, maxlen=0)  # what it needed no more of
    version = VERSION_DUMPED.search(said)
    if version is None:
        raise StoreError(f"{file} is no backup of this program (it names no schema)")
    schema.refuse_newer(version[1].decode("ascii"))


def _load(url: str, content: Iterable[bytes]) -> None:
    options = ("--clean", "--if-exists", "--single-transaction", f"--dbname={_libpq(url)}")
    with _client("pg_restore", *options) as process, contextlib.suppress(BrokenPipeError):
        # Where it ends early, its exit status and words say why.
        cast("BinaryIO", process.stdin).writelines(content)


@contextlib.contextmanager
def _client(program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a PostgreSQL client; its password comes from the environment or ~/.pgpass, never from the command line.

    Raises StoreError when it fails.
    """
    found = shutil.which(program)
    if found is None:
        raise StoreError(f"{program} is needed for this and is not installed (package postgresql-client)")
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            [found, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
        )
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            raise StoreError(f"{program} failed: {said.read().decode('utf-8', 'replace').strip()}")


def _check(fresh: Path, file: Path) -> None:
    """Raise StoreError when the copy of ``file`` is no sound database of ours."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{fresh}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"{file} is no backup of this program ({error})") from error
    if verdict != "ok":
        raise StoreError(f"{file} is damaged: {verdict}")
    schema.refuse_newer(version and version[0])


def _refuse_if_in_use(path: Path) -> None:
    """Fold the log into the database and take it alone. Raises StoreError while the service runs."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0] != "delete":
                raise StoreError(f"{path} is in use; stop the service first")
    except sqlite3.OperationalError as error:
        raise StoreError(f"{path} is in use; stop the service first") from error


def _start_new_epoch(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO house_state (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (EPOCH, uuid.uuid4().hex[:8]),
        )


def _start_new_epoch_on_server(url: str) -> None:
    from contactbot.storage.postgresql import execute  # noqa: PLC0415 - psycopg is an extra

    execute(
        url,
        "INSERT INTO house_state (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (EPOCH, uuid.uuid4().hex[:8]),
    )


def _is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def _path(url: str) -> Path:
    return Path(Sqlite(url).path)


def _libpq(url: str) -> str:
    from sqlalchemy import make_url  # noqa: PLC0415 - only a server's address needs it

    return make_url(url).set(drivername="postgresql", password=None).render_as_string(hide_password=False)
