"""Norwegian public holidays (lov om helligdager, and the first and seventeenth of May).

A table: a library of all countries' holidays loads three hundred modules for these twelve days, and 18 MB. The tests
hold the table against it.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Final

from dateutil.easter import easter  # type: ignore[import-untyped]  # ships no types

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
    sunday = easter(year)
    days = [(date(year, month, day), name) for (month, day), name in _FIXED.items()]
    days += [(sunday + timedelta(offset), name) for offset, name in _MOVABLE.items()]
    names: dict[date, str] = {}
    for day, name in days:
        names[day] = f"{names[day]}; {name}" if day in names else name
    return names
