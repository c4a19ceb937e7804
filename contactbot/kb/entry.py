"""What the municipality knows, one entry at a time, and how an entry is written as JSON.

Two forms are read. The rich form is the municipality's own:

    {"id": "waste-days", "topic": "waste", "kind": "answer", "valid_to": "2027-12-31",
     "texts": {"nb": {"question": "...", "phrasings": ["..."], "sms": "...", "chat": "...", "full": "..."}}}

The flat form is for exchange and for test sets; its first phrasing is the question, its answer optional:

    {"id": "waste-days", "lang": "nb", "phrasings": ["...", "..."], "answer": "..."}
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, TypeAlias, cast, get_args

from contactbot.errors import ContactbotError

Kind: TypeAlias = Literal["answer", "referral"]
Length: TypeAlias = Literal["sms", "chat", "full"]

_NEAREST: Final[Mapping[Length, tuple[Length, ...]]] = {
    "sms": ("sms", "chat", "full"),
    "chat": ("chat", "full", "sms"),
    "full": ("full", "chat", "sms"),
}
_RICH_FIELDS: Final = frozenset(
    {
        "id",
        "version",
        "topic",
        "owner",
        "kind",
        "valid_from",
        "valid_to",
        "review_by",
        "source",
        "tags",
        "texts",
    }
)
_TEXT_FIELDS: Final = frozenset({"question", "phrasings", "sms", "chat", "full"})


class EntryError(ContactbotError):
    """An entry that cannot be read; the message names the line and the field, and says what is expected."""

    def __init__(self, problem: str, field: str = "", line: int | None = None) -> None:
        self.problem = problem
        self.field = field
        self.line = line
        place = ", ".join(part for part in (f"line {line}" if line else "", field) if part)
        super().__init__(f"{place}: {problem}" if place else problem)


@dataclass(frozen=True, slots=True)
class EntryText:
    """One language of an entry.

    `chat` and `full` are Markdown, `sms` is plain text. A length the editor left empty borrows the nearest one.
    """

    language: str
    question: str
    phrasings: tuple[str, ...] = ()
    sms: str = ""
    chat: str = ""
    full: str = ""

    def answer(self, length: Length) -> str:
        """Return the answer in `length`, or in the nearest length that is written; empty when none is."""
        return next((text for name in _NEAREST[length] if (text := getattr(self, name))), "")

    def ways_to_ask(self) -> tuple[str, ...]:
        """Return the question and the phrasings, each once, in the editor's order."""
        return tuple(dict.fromkeys(text for text in (self.question, *self.phrasings) if text.strip()))


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing the municipality can say, in every language it is written in.

    `valid_from` and `valid_to` are the first and the last day the answer holds, both included. A `referral` is an
    answer too: it says whose business the question is.
    """

    id: str
    version: int
    texts: tuple[EntryText, ...]
    topic: str = ""
    owner: str = ""
    kind: Kind = "answer"
    valid_from: date | None = None
    valid_to: date | None = None
    review_by: date | None = None
    source: str = ""
    tags: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages the entry is written in, in the editor's order."""
        return tuple(text.language for text in self.texts)

    def text(self, language: str, fallback: Iterable[str] = ()) -> EntryText:
        """Return the text in `language`, else in the first of `fallback` it has, else its first text."""
        for wanted in (language, *fallback):
            for text in self.texts:
                if text.language == wanted:
                    return text
        return self.texts[0]

    def valid_on(self, day: date) -> bool:
        """Tell whether the answer holds on `day`, in the municipality's own calendar."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


def entries_from_jsonl(lines: str | Iterable[str]) -> tuple[Entry, ...]:
    """Read entries, one JSON object per line, blank lines skipped.

    Flat lines that share an id are the languages of one entry. Raises EntryError for anything else that is wrong,
    with its line and field.
    """
    entries: dict[str, Entry] = {}
    for number, line in _numbered(lines):
        entry = entry_from_json(_parsed(line, number), number)
        known = entries.get(entry.id)
        entries[entry.id] = entry if known is None else _joined(known, entry, number)
    return tuple(entries.values())


def entry_from_json(value: object, line: int | None = None) -> Entry:
    """Read one entry in the rich or the flat form; raise EntryError where it is neither."""
    fields = _Fields(value, line)
    return _rich(fields) if fields.has("texts") else _flat(fields)


def entry_to_json(entry: Entry) -> dict[str, object]:
    """Return the rich form of `entry`; reading it back gives an equal entry."""
    written: dict[str, object] = {"id": entry.id, "version": entry.version}
    for name in ("topic", "owner", "kind", "source"):
        if value := getattr(entry, name):
            written[name] = value
    for name in ("valid_from", "valid_to", "review_by"):
        if (day := getattr(entry, name)) is not None:
            written[name] = day.isoformat()
    if entry.tags:
        written["tags"] = list(entry.tags)
    written["texts"] = {text.language: _text_to_json(text) for text in entry.texts}
    return written


def entries_to_jsonl(entries: Iterable[Entry]) -> str:
    """Return the rich form of `entries`, one line each, in the order given."""
    return "".join(json.dumps(entry_to_json(entry), ensure_ascii=False) + "\n" for entry in entries)


def _numbered(lines: str | Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers. Raises EntryError where an open file is not UTF-8.

    A line ends at a line feed only: U+2028 and its like, at which ``splitlines`` ends one, may stand in a JSON string.
    """
    number = 0
    try:
        for number, line in enumerate(lines.split("\n") if isinstance(lines, str) else lines, start=1):
            if line.strip():
                yield number, line
    except UnicodeDecodeError as error:
        raise EntryError(f"not UTF-8 after this line: {error.reason}", line=number) from error


def _parsed(line: str, number: int) -> object:
    """Parse one line. Besides what is no JSON there are too deep nesting and numbers of too many digits."""
    try:
        return cast("object", json.loads(line))
    except (ValueError, RecursionError) as error:
        raise EntryError(f"not JSON: {error}", line=number) from error


def _joined(known: Entry, more: Entry, line: int) -> Entry:
    if set(known.languages) & set(more.languages):
        raise EntryError(f"the id {more.id!r} is used twice", "id", line)
    return replace(known, texts=(*known.texts, *more.texts))


def _rich(fields: "_Fields") -> Entry:
    fields.refuse_others(_RICH_FIELDS)
    return Entry(
        id=fields.required("id"),
        version=fields.count("version", default=1),
        texts=_texts(fields),
        topic=fields.string("topic"),
        owner=fields.string("owner"),
        kind=_kind(fields),
        valid_from=fields.day("valid_from"),
        valid_to=fields.day("valid_to"),
        review_by=fields.day("review_by"),
        source=fields.string("source"),
        tags=fields.strings("tags"),
    )


def _kind(fields: "_Fields") -> Kind:
    kind = fields.string("kind") or "answer"
    if kind not in get_args(Kind):
        raise fields.error("kind", f"expected answer or referral, not {kind!r}")
    return cast("Kind", kind)


def _texts(fields: "_Fields") -> tuple[EntryText, ...]:
    texts = fields.get("texts")
    if not isinstance(texts, dict) or not texts:
        raise fields.error("texts", "expected an object with one or more languages")
    return tuple(_text(language, value, fields.line) for language, value in texts.items())


def _text(language: str, value: object, line: int | None) -> EntryText:
    fields = _Fields(value, line, f"texts.{language}.")
    fields.refuse_others(_TEXT_FIELDS)
    return EntryText(
        language=language,
        question=fields.required("question"),
        phrasings=fields.strings("phrasings"),
        sms=fields.string("sms"),
        chat=fields.string("chat"),
        full=fields.string("full"),
    )


def _flat(fields: "_Fields") -> Entry:
    phrasings = fields.strings("phrasings")
    if not phrasings:
        raise fields.error("phrasings", "expected at least one phrasing")
    text = EntryText(fields.required("lang"), phrasings[0], phrasings[1:], full=fields.string("answer", or_null=True))
    return Entry(fields.required("id"), 1, (text,))


def _text_to_json(text: EntryText) -> dict[str, object]:
    written: dict[str, object] = {"question": text.question, "phrasings": list(text.phrasings)}
    return written | {name: value for name in _NEAREST if (value := getattr(text, name))}


class _Fields:
    """The fields of one JSON object, and the place to name when one of them is wrong."""

    def __init__(self, value: object, line: int | None, prefix: str = "") -> None:
        self.line = line
        self._prefix = prefix
        if not isinstance(value, dict):
            raise EntryError("expected a JSON object", prefix.rstrip("."), line)
        self._values: Mapping[str, object] = value

    def error(self, name: str, problem: str) -> EntryError:
        return EntryError(problem, self._prefix + name, self.line)

    def has(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> object:
        return self._values.get(name)

    def refuse_others(self, known: frozenset[str]) -> None:
        for name in self._values:
            if name not in known:
                raise self.error(name, f"unknown field; known are {', '.join(sorted(known))}")

    def string(self, name: str, *, or_null: bool = False) -> str:
        value = self.get(name)
        if (value is None and or_null) or not self.has(name):
            return ""
        if not isinstance(value, str):
            raise self.error(name, "expected a string")
        return value

    def required(self, name: str) -> str:
        value = self.string(name)
        if not value.strip():
            raise self.error(name, "missing or empty")
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        value = self.get(name) if self.has(name) else []
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.error(name, "expected a list of non-empty strings")
        return tuple(value)

    def count(self, name: str, default: int) -> int:
        value = self.get(name) if self.has(name) else default
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.error(name, "expected a whole number from 1")
        return value

    def day(self, name: str) -> date | None:
        value = self.get(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(cast("str", value))
        except (TypeError, ValueError):
            raise self.error(name, "expected a date as YYYY-MM-DD") from None
