"""Norwegian public holidays (lov om helligdager, and the first and seventeenth of May).

Reckoned here: twelve days that have not changed since 1947 are no reason to load three hundred modules of other
countries' holidays, which took 150 ms and 18 MB.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

# By month and day.
_FIXED: Final = {
    (1, 1): "Første nyttårsdag",
    (5, 1): "Arbeidernes dag",
    (5, 17): "Grunnlovsdag",
    (12, 25): "Første juledag",
    (12, 26): "Andre juledag",
}
# By days after Easter Sunday.
_MOVABLE: Final = {
    -3: "Skjærtorsdag",
    -2: "Langfredag",
    0: "Første påskedag",
    1: "Andre påskedag",
    39: "Kristi himmelfartsdag",
    49: "Første pinsedag",
    50: "Andre pinsedag",
}


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
    easter = easter_sunday(year)
    days = [(date(year, month, day), name) for (month, day), name in _FIXED.items()]
    days += [(easter + timedelta(offset), name) for offset, name in _MOVABLE.items()]
    names: dict[date, str] = {}
    for day, name in days:
        names[day] = f"{names[day]}; {name}" if day in names else name
    return names


def easter_sunday(year: int) -> date:
    """Return Easter Sunday of a Gregorian year ("Anonymous Gregorian algorithm", Nature, 20 April 1876)."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leaps, century_rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - moon + 15) % 30
    weekday = (32 + 2 * century_rest + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
