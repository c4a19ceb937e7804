"""Between Python values and what the engines keep: one way in, one way out. Pure."""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any, Final, TypeVar

Value = Any  # a value of SQL: None, int, str, bytes
Form = Callable[[Any], Value]

_as_json: Final = json.JSONEncoder(ensure_ascii=False).encode


def to_kept(values: dict[str, Any]) -> dict[str, Value]:
    """Bring all values into the forms in which they are kept; the dictionary itself is changed and returned.

    NUL and lone surrogates are dropped from text (PostgreSQL refuses them); raw input keeps them. Naive datetimes are
    refused with ValueError, since nobody can tell what they mean.
    """
    for name, value in values.items():
        kind = type(value)
        if kind not in _AS_THEY_ARE:
            values[name] = (_forms.get(kind) or form_of(kind))(value)
    return values


def form_of(kind: type) -> Form:
    """Return what makes the kept form of the values of a type; worked out once for each type."""
    form = _forms.get(kind)
    if form is None:
        form = _forms[kind] = next((form for base, form in FORMS if issubclass(kind, base)), _json_in)
    return form


def text_in(text: str) -> str:
    """Drop what one of the engines cannot keep: NUL and lone surrogates."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "ignore").decode()
    return text


def time_in(moment: datetime) -> str:
    """Return the moment as sortable ISO-8601 UTC text with microseconds."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored; give aware UTC")
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat(timespec="microseconds")


def _as_it_is(value: Value) -> Value:
    return value


def _json_in(value: object) -> str:
    return text_in(_as_json(value))


def _list_in(value: Sequence[object]) -> str:
    return _json_in(value) if value else "[]"


def _object_in(value: Mapping[str, object]) -> str:
    return _json_in(value) if value else "{}"


# The first that fits counts: a StrEnum is text, a truth value a number, and a datetime a date.
FORMS: Final[tuple[tuple[type, Form], ...]] = (
    (StrEnum, attrgetter("value")),
    (str, text_in),
    (bool, int),
    (int, _as_it_is),
    (bytes, _as_it_is),
    (NoneType, _as_it_is),
    (datetime, time_in),
    (date, date.isoformat),
    (tuple, _list_in),
    (list, _list_in),
    (dict, _object_in),
)
_forms: dict[type, Form] = {}
_AS_THEY_ARE: Final = frozenset({int, bytes, NoneType})


Reader = Callable[[Any], Any]
Model = TypeVar("Model")


@lru_cache(maxsize=512)
def hydrator(model: type[Model], columns: tuple[str, ...]) -> Callable[[Sequence[Value]], Model]:
    """Return a function that makes a ``model`` (a dataclass) from a row with these columns.

    Raises TypeError when a column has no field, so a statement and its dataclass cannot drift apart.
    """
    hints = typing.get_type_hints(model)
    fields = tuple(field.name for field in dataclasses.fields(model))  # type: ignore[arg-type]
    unknown = set(columns) - set(fields)
    if unknown:
        raise TypeError(f"{model.__name__} has no field for the columns {sorted(unknown)}")
    readers = [(at, reader) for at, column in enumerate(columns) if (reader := _reader(hints[column])) is not None]
    in_order = columns == fields[: len(columns)]
    make: Callable[..., Model] = model

    def hydrate(row: Sequence[Value]) -> Model:
        values = list(row)
        for at, reader in readers:
            if (value := values[at]) is not None:
                values[at] = reader(value)
        return make(*values) if in_order else make(**dict(zip(columns, values, strict=True)))

    return hydrate


def _reader(hint: Any) -> Reader | None:  # noqa: ANN401 - a type annotation may be anything
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        return _reader(arguments[0]) if len(arguments) == 1 else None
    if origin in (tuple, dict, list):
        return _from_json(origin)
    if not isinstance(hint, type):
        return None
    if issubclass(hint, datetime):
        return datetime.fromisoformat
    if issubclass(hint, date):
        return date.fromisoformat
    if issubclass(hint, bool) or issubclass(hint, StrEnum):
        return hint
    return None


def _from_json(kind: type) -> Reader:
    empty = "{}" if kind is dict else "[]"
    return lambda text: kind() if text == empty else kind(json.loads(text))
