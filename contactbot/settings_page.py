"""The page ``docs/settings.md``, written from the settings' own types by ``python -m contactbot.settings_page``."""

import json
import types
import typing
from collections.abc import Iterator
from datetime import date
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from contactbot.settings import CHANNELS, Settings

INTRODUCTION = """\
# Settings

One TOML file holds the configuration; `contactbot init` writes it, and `contactbot check` tells in words what is wrong
in it. An environment variable wins over the file: `CONTACTBOT_SECRET` for `secret`, and two underscores go one level
down, as in `CONTACTBOT_CHANNELS__EMAIL__RELAY__PASSWORD`. A key that does not exist is an error that names it.

This page is written by `make docs` from the code, and a test compares the two.
"""
SIMPLE = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    Path: "path",
    date: "date",
    HttpUrl: "web address",
    SecretStr: "secret text",
}
BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [INTRODUCTION, *_tables(Settings, "", "The top of the file", _first_line(Settings))]
    for point in sorted(entry_points(group=CHANNELS), key=lambda point: point.name):
        model, path = point.load().Settings, f"channels.{point.name}"
        parts += _tables(model, path, f"`[{path}]`", _first_line(model))
    return "\n".join(parts)


def _tables(model: type[BaseModel], path: str, heading: str, meaning: str) -> Iterator[str]:
    """Yield the model's own table, then those of the tables within it."""
    within = {name: found for name, field in model.model_fields.items() if (found := _table_of(field, path, name))}
    rows = [_row(name, field) for name, field in model.model_fields.items() if name not in within]
    yield f"## {heading}\n"
    yield f"{meaning}\n"
    if rows:
        yield "| Setting | Takes | Default | Meaning |\n|---|---|---|---|"
        yield "\n".join(rows) + "\n"
    for name, (inner, inner_path, inner_heading) in within.items():
        yield from _tables(inner, inner_path, inner_heading, model.model_fields[name].description or "")


def _table_of(field: FieldInfo, path: str, name: str) -> tuple[type[BaseModel], str, str] | None:
    """Return the model of a field that is a table of its own, with its path and how the file writes it."""
    here = f"{path}.{name}" if path else name
    for kind in _alternatives(field.annotation):
        arguments = typing.get_args(kind)
        if _is_model(kind):
            return kind, here, f"`[{here}]`"
        if typing.get_origin(kind) in {list, tuple} and _is_model(arguments[0]):
            return arguments[0], here, f"`[[{here}]]`"
        if typing.get_origin(kind) is dict and _is_model(arguments[1]):
            return arguments[1], f"{here}.NAME", f"`[{here}.NAME]`"
    return None


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{name}`", _takes(field), _default(field), field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _takes(field: FieldInfo) -> str:
    words = " or ".join(dict.fromkeys(_in_words(kind) for kind in _alternatives(field.annotation)))
    limits = [
        f"{bound} {getattr(limit, name):g}"
        for limit in field.metadata
        for name, bound in BOUNDS.items()
        if hasattr(limit, name)
    ]
    limits += ["not empty" for limit in field.metadata if hasattr(limit, "min_length")]
    return ", ".join([words, *limits])


def _in_words(kind: Any) -> str:  # noqa: ANN401 - a type annotation may be anything
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is typing.Annotated:
        return _in_words(arguments[0])
    if origin in {list, tuple}:
        return f"list of {_in_words(arguments[0])}"
    if origin is dict:
        return "table"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    return SIMPLE[kind]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, SecretStr):
        return "none"
    plain = str(value) if isinstance(value, Path) else value
    return f"`{json.dumps(plain, ensure_ascii=False)}`"


def _alternatives(kind: Any) -> list[Any]:  # noqa: ANN401 - a type annotation may be anything
    """Return what a field may hold, None apart."""
    if typing.get_origin(kind) in {typing.Union, types.UnionType}:
        return [one for one in typing.get_args(kind) if one is not type(None)]
    return [kind]


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0].replace("``", "`")


if __name__ == "__main__":
    print(page(), end="")
