"""Entries as a sheet: one row for each entry and language, as spreadsheets write and read CSV. Pure.

Excel in Norwegian, and in most of Europe, separates with semicolons and writes Windows-1252 or UTF-8 with a mark; all
are read. What is written is UTF-8 with a mark and semicolons, which Excel opens with a double click.

A cell that begins with = + - @, a tab or a line end would be run as a formula (OWASP, "CSV Injection"), so an
apostrophe is put before it; reading takes it off again.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from contactbot.kb.entry import Entry, EntryError, EntryText, entry_from_json

# Each column's own name, first as it is written; the others are read too.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id",),
    "language": ("språk", "language", "lang"),
    "question": ("spørsmål", "question"),
    "phrasings": ("formuleringer", "phrasings"),
    "sms": ("sms",),
    "chat": ("chat", "nettprat"),
    "full": ("fullt svar", "full", "answer", "svar"),
    "topic": ("tema", "topic"),
    "owner": ("eier", "owner"),
    "kind": ("type", "kind"),
    "valid_from": ("gyldig fra", "valid_from"),
    "valid_to": ("gyldig til", "valid_to"),
    "review_by": ("revideres", "review_by"),
    "source": ("kilde", "source"),
    "tags": ("stikkord", "tags"),
}
OF_A_LANGUAGE: Final = ("question", "phrasings", "sms", "chat", "full")
OF_THE_ENTRY: Final = ("topic", "owner", "kind", "valid_from", "valid_to", "review_by", "source", "tags")
NEEDED: Final = ("id", "language", "question")
DAYS: Final = ("valid_from", "valid_to", "review_by")
SEPARATORS: Final = ";,\t"
LONGEST_CELL: Final = 1_000_000  # characters

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r\n]")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header: where it begins, and its cells by column."""

    line: int
    cells: Mapping[str, str]


def read(content: bytes) -> tuple[Entry, ...]:
    """Return the entries of a sheet. Raises EntryError naming line and column of the first mistake."""
    text = _decoded(content)
    header = text.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    entries: dict[str, tuple[Entry, Row]] = {}
    for row in _rows(reader):
        one = _entry(row)
        known = entries.get(one.id)
        entries[one.id] = (one, row) if known is None else (_joined(known, one, row), known[1])
    return tuple(entry for entry, _ in entries.values())


def write(entries: Iterable[Entry]) -> bytes:
    """Return a sheet with a row for each entry and language."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(names[0] for names in COLUMNS.values())
    for entry in entries:
        for text in entry.texts:
            cells = _cells(entry, text)
            writer.writerow(_guarded(cells[column]) for column in COLUMNS)
    return out.getvalue().encode("utf-8-sig", "replace")


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _or_refuse(content, "utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _or_refuse(content, "cp1252")


def _or_refuse(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EntryError("not text; save the sheet as CSV UTF-8", line=line) from error


def _rows(reader: Iterator[list[str]]) -> Iterator[Row]:
    columns: list[str] | None = None
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]  # of the csv module's reader
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise EntryError(f"not CSV: {error}", line=line) from error
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = _columns(cells, line)
            continue
        if len(cells) > len(columns):
            raise EntryError(f"{len(cells)} cells below {len(columns)} column names", line=line)
        yield Row(line, {column: _bare(cell) for column, cell in zip(columns, cells, strict=False)})
    if columns is None:
        raise EntryError("empty; the first line must name the columns")


def _columns(names: list[str], line: int) -> list[str]:
    known = {name: column for column, names in COLUMNS.items() for name in names}
    found = [known.get(" ".join(name.lower().split())) for name in names]
    for name, column in zip(names, found, strict=True):
        if column is None:
            raise EntryError(f"unknown column; known are {', '.join(known)}", name.strip()[:40] or "?", line)
        if found.count(column) > 1:
            raise EntryError("the column is there twice", name.strip(), line)
    for column in NEEDED:
        if column not in found:
            raise EntryError("the column is missing", COLUMNS[column][0], line)
    return [str(column) for column in found]


def _entry(row: Row) -> Entry:
    """Read one row as an entry in one language."""
    cells = {column: cell for column, cell in row.cells.items() if cell}
    language = cells.get("language", "").strip()
    if not language:
        raise EntryError("missing or empty", COLUMNS["language"][0], row.line)
    text: dict[str, object] = {column: cells[column] for column in OF_A_LANGUAGE if column in cells}
    text["phrasings"] = [line.strip() for line in cells.get("phrasings", "").splitlines() if line.strip()]
    value: dict[str, object] = {"id": cells.get("id", "").strip(), "texts": {language: text}}
    for column in OF_THE_ENTRY:
        if column in cells:
            value[column] = _day(cells[column]) if column in DAYS else cells[column].strip()
    if "tags" in cells:
        value["tags"] = [tag.strip() for tag in cells["tags"].split(",") if tag.strip()]
    try:
        return entry_from_json(value, row.line)
    except EntryError as error:
        column = error.field.rpartition(".")[2]
        raise EntryError(error.problem, COLUMNS.get(column, (error.field,))[0], row.line) from error


def _joined(known: tuple[Entry, Row], more: Entry, row: Row) -> Entry:
    """Add a language; what belongs to the whole entry is the same in every row that says it."""
    entry, first = known
    if set(entry.languages) & set(more.languages):
        problem = f"the id {more.id!r} is there twice in this language"
        raise EntryError(problem, COLUMNS["language"][0], row.line)
    for column in OF_THE_ENTRY:
        if row.cells.get(column) and getattr(more, column) != getattr(entry, column):
            raise EntryError(f"differs from line {first.line}, which is the same entry", COLUMNS[column][0], row.line)
    return replace(entry, texts=(*entry.texts, *more.texts))


def _day(cell: str) -> str:
    """Return a date as ISO 8601; spreadsheets write the day first."""
    found = _DAY_FIRST.fullmatch(cell.strip())
    if found is None:
        return cell.strip()
    try:
        return datetime.strptime(cell.strip(), "%d.%m.%Y").date().isoformat()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return cell.strip()


def _cells(entry: Entry, text: EntryText) -> dict[str, str]:
    days = {column: day.isoformat() if (day := getattr(entry, column)) else "" for column in DAYS}
    return days | {
        "id": entry.id,
        "language": text.language,
        "question": text.question,
        "phrasings": "\n".join(" ".join(phrasing.split()) for phrasing in text.phrasings),
        "sms": text.sms,
        "chat": text.chat,
        "full": text.full,
        "topic": entry.topic,
        "owner": entry.owner,
        "kind": entry.kind,
        "source": entry.source,
        "tags": ", ".join(entry.tags),
    }


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    plain = cell.replace("\r\n", "\n").replace("\r", "\n")
    return plain[1:] if _GUARDED.match(plain) else plain
