"""One file is the whole backup: messages, files, answers, history.

SQLite is copied with its own online backup; PostgreSQL with its own ``pg_dump`` and ``pg_restore``.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from contactbot.errors import StoreError

EPOCH = "feed_epoch"  # of house_state: a new one tells live pages that numbers start over


def backup(url: str, file: Path) -> None:
    """Write the database to ``file`` with mode 600. Raises StoreError, and leaves nothing, when it cannot be done."""
    if file.exists():
        raise StoreError(f"{file} is there already; name another file")
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(descriptor)
    try:
        if _is_sqlite(url):
            _copy(_path(url), file)
        else:
            _run("pg_dump", "--format=custom", f"--file={file}", f"--dbname={_libpq(url)}")
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def restore(url: str, file: Path) -> Path | None:
    """Put a backup in place; return where the database that was there is kept. Raises StoreError."""
    if not file.is_file():
        raise StoreError(f"there is no file {file}")
    if not _is_sqlite(url):
        _run("pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={_libpq(url)}", str(file))
        return None
    _check(file)
    path = _path(url)
    kept = path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}") if path.exists() else None
    if kept is not None:
        _refuse_if_in_use(path)
        path.rename(kept)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(file, path)
    path.chmod(0o600)
    _start_new_epoch(path)
    return kept


def _copy(path: Path, file: Path) -> None:
    if not path.exists():
        raise StoreError(f"there is no database {path}")
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(file)) as target:
        source.backup(target)


def _check(file: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            connection.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error as error:
        raise StoreError(f"{file} is no backup of this program ({error})") from error
    if verdict != "ok":
        raise StoreError(f"{file} is damaged: {verdict}")


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


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def _path(url: str) -> Path:
    return Path(make_url(url).database or "")


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _run(program: str, *arguments: str) -> None:
    """Run a PostgreSQL client; its password comes from the environment or ~/.pgpass, never from the command line."""
    found = shutil.which(program)
    if found is None:
        raise StoreError(f"{program} is needed for this and is not installed (package postgresql-client)")
    result = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments, no shell
    if result.returncode:
        raise StoreError(f"{program} failed: {result.stderr.strip()}")
