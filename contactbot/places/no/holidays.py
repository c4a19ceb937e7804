"""Norwegian public holidays (lov om helligdager, and the first and seventeenth of May)."""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays


class PublicHolidays:
    """The dates on which public offices are closed by law.

    Ordinary Sundays are not in it, nor Christmas Eve, New Year's Eve or the Wednesday before
    Easter, when many offices close early: those are a municipality's own closing days.
    """

    def __contains__(self, day: object) -> bool:
        return self.name(day) is not None

    def name(self, day: object) -> str | None:
        """Return the holiday's name in bokmål, both joined by ';' when two fall together, or None."""
        return _names(day.year).get(day) if isinstance(day, date) else None


@cache
def _names(year: int) -> dict[date, str]:
    # The library's code for Norwegian is "no"; given "nb" it answers in English without a word.
    return dict(holidays.country_holidays("NO", years=year, language="no"))
