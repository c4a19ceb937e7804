"""Between Python values and what the engines keep: one way in, one way out. Pure."""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

Value = Any  # a value of SQL: None, int, str, bytes
Plain = (int, bytes, type(None))


def to_sql(value: object) -> Value:
    """Return the form in which ``value`` is kept.

    NUL and lone surrogates are dropped from text (PostgreSQL refuses them); raw input keeps them. Naive datetimes are
    refused with ValueError, since nobody can tell what they mean.
    """
    kind = type(value)
    if kind is str:
        return text_in(value)  # type: ignore[arg-type]
    if kind is bool:
        return int(value)  # type: ignore[call-overload]
    if isinstance(value, Plain):
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return time_in(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return text_in(value)
    return text_in(json.dumps(value, ensure_ascii=False))


def text_in(text: str) -> str:
    """Drop what one of the engines cannot keep: NUL and lone surrogates."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def time_in(moment: datetime) -> str:
    """Return the moment as sortable ISO-8601 UTC text with microseconds."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored; give aware UTC")
    offset = moment.utcoffset()
    if offset:
        moment = moment - offset
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}+00:00"


Reader = Callable[[Any], Any]
Model = TypeVar("Model")


@lru_cache(maxsize=512)
def hydrator(model: type[Model], columns: tuple[str, ...]) -> Callable[[Sequence[Value]], Model]:
    """Return a function that makes a ``model`` (a dataclass) from a row with these columns.

    Raises TypeError when a column has no field, so a statement and its dataclass cannot drift apart.
    """
    hints = typing.get_type_hints(model)
    unknown = set(columns) - {field.name for field in dataclasses.fields(model)}  # type: ignore[arg-type]
    if unknown:
        raise TypeError(f"{model.__name__} has no field for the columns {sorted(unknown)}")
    readers = [_reader(hints[column]) for column in columns]
    make: Callable[..., Model] = model

    def hydrate(row: Sequence[Value]) -> Model:
        values = {
            column: reader(value) if reader is not None and value is not None else value
            for column, reader, value in zip(columns, readers, row, strict=True)
        }
        return make(**values)

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
    return lambda text: kind(json.loads(text))
