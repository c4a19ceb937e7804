"""The port of a country: what any country package must be able to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path
    from zoneinfo import ZoneInfo

Span: TypeAlias = tuple[int, int]
"""Where something stands in a text: first character and the one after the last."""


class UnknownPlaceError(LookupError):
    """A municipality names a country that has no package in ``places``."""


@dataclass(frozen=True, slots=True)
class HelpLine:
    """A telephone that helps in danger, with one sentence about when to use it."""

    name: str
    number: str
    note_by_language: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time limit that law sets, in exactly one unit, and where the law says so."""

    months: int = 0
    working_days: int = 0
    warn_after_days: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Keep:
    """How long a class of data is kept, and on what ground, in the country's main language.

    ``days`` is None for what goes only when something happens, such as an archive decision: no time can then be set.
    ``least`` is the shortest time in days that may be set, and ``least_source`` says what asks for it.
    """

    days: int | None
    basis: str
    least: int = 0
    least_source: str = ""


class HelpLines(Protocol):
    """Chooses the telephones for a danger."""

    def __call__(self, kind: str, at: datetime, channel: str, *, minor: bool) -> tuple[HelpLine, ...]:
        """Return lines for a danger of this kind, most urgent first.

        ``at`` is aware; ``channel`` is the channel the resident writes on; ``minor`` says that a
        child is writing. Raises LookupError for a kind that is not known.
        """


@dataclass(frozen=True, slots=True)
class Place:
    """One country's rules, as data and pure functions.

    ``holidays`` contains the dates on which public offices are closed by law (Sundays are not in
    it). ``retention`` holds a time for each class of data that ``privacy.retention`` knows, and ``never_open`` the
    source of the rule for each class of content that open channels never carry. ``papers`` is the folder of the privacy
    papers' texts, and ``one_law_for_data`` holds the countries (ISO 3166 codes) to which personal data may go as within
    this one. The finders yield non-overlapping spans from left to right.
    """

    country: str
    zone: ZoneInfo
    languages: tuple[str, ...]
    holidays: Container[object]
    holiday_name: Callable[[object], str | None]
    clocks: Mapping[str, Clock]
    help_lines: HelpLines
    retention: Mapping[str, Keep]
    never_open: Mapping[str, str]
    papers: Path
    one_law_for_data: frozenset[str]
    normalise_phone: Callable[[str], str]
    national_ids: Callable[[str], Iterable[Span]]
    account_numbers: Callable[[str], Iterable[Span]]
    phones: Callable[[str], Iterable[Span]]
    street_addresses: Callable[[str], Iterable[Span]]
