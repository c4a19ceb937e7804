"""Opening hours and working days, right across holidays and the nights when clocks change.

All functions take and return aware times; what they return is UTC. Minutes are real minutes, so
an hour that the clock skips is not worked and an hour that it repeats is worked twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from zoneinfo import ZoneInfo

Interval: TypeAlias = tuple[datetime, datetime]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When a desk is open, in its own time zone.

    ``weekly`` maps a weekday (Monday is 0) to intervals of wall-clock time. An interval that ends
    at or before its start ends on the next day: (22:00, 06:00) is a night, (00:00, 00:00) a whole
    day. ``closed_days`` and ``holidays`` are dates on which no interval starts.

    Raises ValueError when no weekday has an interval, because then no time is ever open.
    """

    weekly: Mapping[int, tuple[tuple[time, time], ...]]
    zone: ZoneInfo
    closed_days: Container[object] = field(default=frozenset())
    holidays: Container[object] = field(default=frozenset())

    def __post_init__(self) -> None:
        if not any(self.weekly.get(weekday) for weekday in range(7)):
            raise ValueError("opening hours need at least one interval on one weekday (0-6)")

    def is_open(self, at: datetime) -> bool:
        """Tell whether the desk is open at an aware time; it is not open at its closing minute."""
        moment = _utc(at)
        start, end = next(self._intervals(moment))
        return start <= moment < end

    def next_open(self, at: datetime) -> datetime:
        """Return the first open moment at or after an aware time, in UTC."""
        moment = _utc(at)
        start, _ = next(self._intervals(moment))
        return max(start, moment)

    def add_working_minutes(self, at: datetime, minutes: int) -> datetime:
        """Return the moment when this many open minutes have passed since an aware time, in UTC.

        Zero minutes after a closed moment is the next opening. Raises ValueError below zero.
        """
        if minutes < 0:
            raise ValueError(f"working minutes cannot be negative: {minutes}")
        left, moment = timedelta(minutes=minutes), _utc(at)
        for start, end in self._intervals(moment):
            begin = max(start, moment)
            if begin + left <= end:
                return begin + left
            left -= end - begin
        raise AssertionError("intervals never end")  # pragma: no cover

    def add_working_days(self, at: datetime, days: int) -> datetime:
        """Return the closing time of the n-th working day after the day of an aware time, in UTC.

        The day of ``at`` itself does not count, as law counts days from an event. Zero days is the
        close of that day, or of the next working day when that day is closed or over. A working
        day is one on which an interval starts. Raises ValueError below zero.
        """
        if days < 0:
            raise ValueError(f"working days cannot be negative: {days}")
        moment = _utc(at)
        today = moment.astimezone(self.zone).date()
        if days == 0:
            return next(close for day in self._working_days(today) if (close := self._close(day)) > moment)
        working_days = self._working_days(today + _DAY)
        for _ in range(days - 1):
            next(working_days)
        return self._close(next(working_days))

    def is_working_day(self, day: date) -> bool:
        """Tell whether any opening interval starts on this date."""
        return bool(self.weekly.get(day.weekday())) and day not in self.closed_days and day not in self.holidays

    def _working_days(self, first: date) -> Iterator[date]:
        return (day for offset in count() if self.is_working_day(day := first + offset * _DAY))

    def _close(self, day: date) -> datetime:
        return max(self._interval(day, *hours)[1] for hours in self.weekly[day.weekday()])

    def _intervals(self, moment: datetime) -> Iterator[Interval]:
        """Yield open intervals that end after the moment, in order, merged where they touch."""
        # From yesterday: a night interval may have begun then.
        first = moment.astimezone(self.zone).date() - _DAY
        pending: Interval | None = None
        for day in self._working_days(first):
            for start, end in self._starting_on(day):
                if end <= moment:
                    continue
                if pending is not None and start <= pending[1]:
                    pending = pending[0], max(pending[1], end)
                    continue
                if pending is not None:
                    yield pending
                pending = start, end

    def _starting_on(self, day: date) -> list[Interval]:
        spans = (self._interval(day, *hours) for hours in self.weekly[day.weekday()])
        # An interval inside the hour that a spring night skips is empty.
        return sorted((start, end) for start, end in spans if start < end)

    def _interval(self, day: date, opens: time, closes: time) -> Interval:
        last_day = day if closes > opens else day + _DAY
        return (
            datetime.combine(day, opens, self.zone).astimezone(UTC),
            datetime.combine(last_day, closes, self.zone).astimezone(UTC),
        )


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; opening hours need aware times")
    return at.astimezone(UTC)
