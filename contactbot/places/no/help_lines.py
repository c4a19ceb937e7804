"""Which telephones to name in danger: by kind, by the hour, by the channel, and for a child."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, time
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from contactbot.places.calendar import OpeningHours
from contactbot.places.place import HelpLine

if TYPE_CHECKING:
    from collections.abc import Mapping

_ZONE: Final = ZoneInfo("Europe/Oslo")


@dataclass(frozen=True, slots=True)
class _When:
    """A note that replaces the usual one on some channels while the hours run."""

    channels: frozenset[str]
    hours: OpeningHours
    note: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Line:
    """One telephone as the table has it."""

    name: str
    number: str
    note: Mapping[str, str]
    whens: tuple[_When, ...]

    def at(self, moment: datetime, channel: str) -> HelpLine:
        for when in self.whens:
            if channel in when.channels and when.hours.is_open(moment):
                return HelpLine(self.name, self.number, when.note)
        return HelpLine(self.name, self.number, self.note)


def help_lines(kind: str, at: datetime, channel: str, *, minor: bool) -> tuple[HelpLine, ...]:
    """Return the telephones for a danger, most urgent first; raises KeyError for an unknown kind."""
    order = _ORDER_MINOR if minor else _ORDER
    return tuple(_LINES[name].at(at, channel) for name in order[kind])


def _line(row: Mapping[str, Any]) -> _Line:
    return _Line(row["name"], row["number"], row["note"], tuple(_when(part) for part in row.get("when", ())))


def _when(row: Mapping[str, Any]) -> _When:
    weekly = {int(weekday): (_interval(hours),) for weekday, hours in row["hours"].items()}
    return _When(frozenset(row["channels"]), OpeningHours(weekly, _ZONE), row["note"])


def _interval(hours: str) -> tuple[time, time]:
    opens, _, closes = hours.partition("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)


_TABLE: Final = tomllib.loads((files(__package__) / "help_lines.toml").read_text("utf-8"))
_LINES: Final = {row["id"]: _line(row) for row in _TABLE["line"]}
_ORDER: Final[Mapping[str, tuple[str, ...]]] = _TABLE["order"]
_ORDER_MINOR: Final[Mapping[str, tuple[str, ...]]] = _TABLE["order_minor"]
