"""The knowledge base as one file, in and out: CSV, JSON, JSON lines, or a pack, which is an SQLite file.

A pack opens in any tool that knows SQLite: tables ``entry``, ``text`` and ``phrasing``, and ``about`` with the form's
number. Files come from outside, so nothing in them is run: a pack's tables must be plain tables, its schema is not
trusted, and reading gives up after a while.
"""

import json
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from contactbot.kb import sheets
from contactbot.kb.entry import (
    Entry,
    EntryError,
    EntryText,
    entries_from_jsonl,
    entries_to_jsonl,
    entry_from_json,
    entry_to_json,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

FORM: Final = "1"  # of packs; it changes when an older reader would misread a newer pack
LONGEST_FILE: Final = 50 << 20  # bytes
LONGEST_ID: Final = 200  # characters
MOST_STEPS: Final = 5_000  # of 10,000 virtual machine instructions each: a second or two of reading
OF_THE_ENTRY: Final = ("topic", "owner", "kind", "valid_from", "valid_to", "review_by", "source")
OF_A_LANGUAGE: Final = ("question", "sms", "chat", "full")

# C0 and C1 controls but tab and line feed, and lone surrogates: no database or channel carries them on.
_DROPPED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def read(name: str, content: bytes) -> tuple[Entry, ...]:
    """Return the entries of a file, whose form its ending tells.

    Raises EntryError that names line and field of the first mistake; nothing is half read.
    """
    if len(content) > LONGEST_FILE:
        raise EntryError(f"larger than {LONGEST_FILE >> 20} MB")
    reader, _ = _form(name)
    entries = tuple(_clean(entry) for entry in reader(content))
    if not entries:
        raise EntryError("the file holds no entries")
    return entries


def write(name: str, entries: Iterable[Entry]) -> bytes:
    """Return entries in the form that the ending of ``name`` tells. Raises EntryError for an unknown ending."""
    _, writer = _form(name)
    return writer(tuple(entries))


def _form(name: str) -> tuple["Reader", "Writer"]:
    ending = Path(name).suffix.lower()
    if ending not in FORMS:
        raise EntryError(f"{ending or name!r} is no known ending; use one of {', '.join(FORMS)}")
    return FORMS[ending]


def _clean(entry: Entry) -> Entry:
    """Return the entry without characters nobody can read. Raises EntryError for an id no address can hold."""
    name = entry.id.strip()
    if len(name) > LONGEST_ID or name in (".", "..") or re.search(r"[/\\]", name) or not name.isprintable():
        raise EntryError(f"at most {LONGEST_ID} characters, and no slash or control character", f"id {name[:40]!r}")
    texts = tuple(
        EntryText(
            language=_plain(text.language),
            question=_plain(text.question),
            phrasings=tuple(kept for phrasing in text.phrasings if (kept := _plain(phrasing)).strip()),
            sms=_plain(text.sms),
            chat=_plain(text.chat),
            full=_plain(text.full),
        )
        for text in entry.texts
    )
    if not all(text.question.strip() and text.language.strip() for text in texts):
        raise EntryError("missing or empty", f"id {name!r}, question")
    return replace(
        entry, id=name, texts=texts, topic=_plain(entry.topic), owner=_plain(entry.owner), source=_plain(entry.source),
        tags=tuple(_plain(tag) for tag in entry.tags),
    )  # fmt: skip


def _plain(text: str) -> str:
    return _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


# --- JSON -------------------------------------------------------------------------------------------------------------


def _from_jsonl(content: bytes) -> tuple[Entry, ...]:
    try:
        return entries_from_jsonl(_utf8(content).split("\n"))  # not splitlines: U+2028 may stand in a JSON string
    except ValueError as error:  # such as a number of thousands of digits
        raise EntryError(f"not JSON: {error}") from error


def _to_jsonl(entries: tuple[Entry, ...]) -> bytes:
    return entries_to_jsonl(entries).encode("utf-8", "replace")


def _from_json(content: bytes) -> tuple[Entry, ...]:
    """Read an array of entries, or an object that holds one under ``entries``."""
    try:
        value = json.loads(_utf8(content))
    except json.JSONDecodeError as error:
        raise EntryError(f"not JSON: {error.msg}", line=error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise EntryError(f"not JSON: {error}") from error
    listed = value.get("entries") if isinstance(value, dict) else value
    if not isinstance(listed, list):
        raise EntryError("expected a list of entries")
    try:
        return entries_from_jsonl(json.dumps(one) for one in listed)
    except EntryError as error:
        raise EntryError(error.problem, f"entry {error.line}, {error.field}".rstrip(", ")) from error


def _to_json(entries: tuple[Entry, ...]) -> bytes:
    listed = {"entries": [entry_to_json(entry) for entry in entries]}
    return (json.dumps(listed, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def _utf8(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EntryError("not UTF-8", line=content.count(b"\n", 0, error.start) + 1) from error


# --- packs ------------------------------------------------------------------------------------------------------------


def _to_pack(entries: tuple[Entry, ...]) -> bytes:
    with _folder() as folder:
        file = folder / "pack.db"
        database = _database(file)
        _fill(database, entries)
        database.close()
        return file.read_bytes()


def _database(of: Path | sqlite3.Connection) -> "Database":
    """Open with sqlite-utils, for whose import no start waits: it takes 50 ms, and few files are packs."""
    from sqlite_utils import Database  # noqa: PLC0415 - see above

    return Database(of)


def _fill(database: "Database", entries: tuple[Entry, ...]) -> None:
    database.table("about").create({"name": str, "value": str}, pk="name")
    database.table("about").insert({"name": "form", "value": FORM})
    database.table("entry").create(
        {"id": str, "topic": str, "owner": str, "kind": str, "valid_from": str, "valid_to": str, "review_by": str,
         "source": str, "tags": str}, pk="id",
    )  # fmt: skip
    database.table("text").create(
        {"entry": str, "position": int, "language": str, "question": str, "sms": str, "chat": str, "full": str},
        pk=("entry", "language"), foreign_keys=[("entry", "entry", "id")],
    )  # fmt: skip
    database.table("phrasing").create(
        {"entry": str, "language": str, "position": int, "phrasing": str},
        pk=("entry", "language", "position"), foreign_keys=[("entry", "entry", "id")],
    )  # fmt: skip
    database.table("entry").insert_all(_entry_row(entry) for entry in entries)
    database.table("text").insert_all(
        {"entry": entry.id, "position": at, "language": text.language}
        | {name: getattr(text, name) for name in OF_A_LANGUAGE}
        for entry in entries
        for at, text in enumerate(entry.texts)
    )
    database.table("phrasing").insert_all(
        {"entry": entry.id, "language": text.language, "position": at, "phrasing": phrasing}
        for entry in entries
        for text in entry.texts
        for at, phrasing in enumerate(text.phrasings)
    )


def _entry_row(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in OF_THE_ENTRY}
    days = {name: value.isoformat() for name, value in row.items() if hasattr(value, "isoformat")}
    return {"id": entry.id} | row | days | {"tags": json.dumps(entry.tags, ensure_ascii=False)}


def _from_pack(content: bytes) -> tuple[Entry, ...]:
    if not content.startswith(b"SQLite format 3\x00"):
        raise EntryError("not a pack: the file is no SQLite database")
    with _folder() as folder:
        file = folder / "pack.db"
        file.write_bytes(content)
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return _entries(_guarded(connection))
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            raise EntryError(f"not a pack that can be read: {error}") from error
        finally:
            connection.close()


def _guarded(connection: sqlite3.Connection) -> "Database":
    """Return the database with everything switched off by which a file could make us work for it."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_FILE)
    steps = iter(range(MOST_STEPS))
    connection.set_progress_handler(lambda: next(steps, None) is None, 10_000)
    return _database(connection)


def _entries(database: "Database") -> tuple[Entry, ...]:
    if dict(_pairs(database, "about", ("name", "value"))).get("form") != FORM:
        raise EntryError(f"not a pack of form {FORM}")
    phrasings: dict[tuple[object, object], list[object]] = {}
    for entry, language, _, phrasing in _pairs(database, "phrasing", ("entry", "language", "position", "phrasing")):
        phrasings.setdefault((entry, language), []).append(phrasing)
    texts: dict[object, dict[str, object]] = {}
    for entry, _, language, *words in _pairs(database, "text", ("entry", "position", "language", *OF_A_LANGUAGE)):
        known = {name: value for name, value in zip(OF_A_LANGUAGE, words, strict=True) if value}
        texts.setdefault(entry, {})[str(language)] = known | {"phrasings": phrasings.get((entry, language), [])}
    found = []
    for name, tags, *values in _pairs(database, "entry", ("id", "tags", *OF_THE_ENTRY)):
        about = {key: value for key, value in zip(OF_THE_ENTRY, values, strict=True) if value}
        found.append(_packed({"id": name, "texts": texts.get(name, {}), "tags": _tags(tags), **about}))
    return tuple(found)


def _packed(value: dict[str, object]) -> Entry:
    try:
        return entry_from_json(value)
    except EntryError as error:
        raise EntryError(error.problem, f"id {str(value['id'])[:40]!r}, {error.field}") from error


def _tags(value: object) -> object:
    try:
        return json.loads(str(value)) if value else []
    except (ValueError, RecursionError):
        return value  # which the reader of entries refuses by name


def _pairs(database: "Database", table: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield these columns of a plain table, in the order it gives. Raises EntryError where there is none."""
    if table not in database.table_names() or database.table(table).virtual_table_using:
        raise EntryError(f"not a pack: there is no table {table}")
    missing = set(columns) - set(database[table].columns_dict)
    if missing:
        raise EntryError(f"not a pack: the table {table} has no column {', '.join(sorted(missing))}")
    order = "entry, position" if "position" in columns else "rowid"
    for row in database[table].rows_where(select=", ".join(columns), order_by=order):
        yield tuple(row[column] for column in columns)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="contactbot-pack-") as folder:
        yield Path(folder)


Reader = Callable[[bytes], tuple[Entry, ...]]
Writer = Callable[[tuple[Entry, ...]], bytes]
FORMS: Final[Mapping[str, tuple[Reader, Writer]]] = {
    ".csv": (sheets.read, sheets.write),
    ".json": (_from_json, _to_json),
    ".jsonl": (_from_jsonl, _to_jsonl),
    ".db": (_from_pack, _to_pack),
}
