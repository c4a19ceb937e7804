"""Fødselsnummer, D-number and the hospitals' FH-number: found in every way they are typed.

A number is ddmmyy, three digits and two check digits. An FH-number (felles hjelpenummer, for patients whose own number
is not known) begins with 8 or 9, which no date does, and has the same check digits.
Sources: folkeregisterforskriften § 2-2-1 and § 2-2-2 for the layout, Skatteetaten's documentation of the national
population register for the rule of 2032 and for synthetic people, and Norsk helsenett's description of the FH-number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from contactbot.places.no.digits import digit_runs, weighted_remainder, without_overlap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contactbot.places.no.digits import DigitRun
    from contactbot.places.place import Span

_LENGTH: Final = 11
_LONG_LENGTH: Final = 13  # ddmmyyyy and the five digits, as people write them from memory
_TAIL: Final = 5
_BIRTH_DATE: Final = 6

_FIRST_CHECK: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND_CHECK: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
# From 1 January 2032 the first check digit may leave any of these; numbers given before leave 0.
_FIRST_REMAINDERS: Final = frozenset({0, 1, 2, 3})

# Added to the day: 40 marks a D-number, for people without a permanent one.
_DAY_OFFSETS: Final = (0, 40)
# Added to the month: 40 and 65 and 80 mark synthetic people of the register's test environments
# (40 also marks an auxiliary number of a hospital).
_MONTH_OFFSETS: Final = (0, 40, 65, 80)
_DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DATES: Final = frozenset(
    f"{day + day_offset:02}{month + month_offset:02}"
    for month, days in enumerate(_DAYS_IN_MONTH, start=1)
    for day in range(1, days + 1)
    for day_offset in _DAY_OFFSETS
    for month_offset in _MONTH_OFFSETS
)
# What an FH-number begins with.
_SHARED_HELP: Final = frozenset("89")
_CENTURIES: Final = frozenset({"18", "19", "20"})

# Words that announce a national id. After them a mistyped one is masked too, and the five last
# digits alone: both point at one person as surely as the whole.
_ANNOUNCED: Final = re.compile(
    r"(?:(?:f[øo]e?dsels|person|pers|f[øo]ds|identitets|hjelpe|(?<!\w)fh|(?<!\w)d|(?<!\w)id)[ \-.]?"
    r"(?:nummer|nr|num)(?:et|eret|mer)?"
    r"|(?<!\w)(?:fnr|pnr|dnr|p-nr|f-nr|ssn)(?!\w)"
    r"|siste fem(?: siffer| sifra| siffera| sifrene)?|fem siste(?: siffer| sifra| siffera| sifrene)?"
    r"|national (?:id|identity)(?: number)?|personal (?:id|identity)?(?: number)?|last five(?: digits)?)"
    r"[^\d•]{0,30}(?=\d)",  # never past the mark that masking leaves
    re.IGNORECASE,
)


def national_ids(text: str) -> Iterator[Span]:
    """Yield where national ids stand in a text, in time linear in its length."""
    runs = list(digit_runs(text))
    if not runs:
        return iter(())
    announced = frozenset(found.end() for found in _ANNOUNCED.finditer(text))
    return without_overlap([span for run in runs for span in _in_run(run, announced)])


def is_national_id(digits: str) -> bool:
    """Tell whether eleven digits are one of the numbers by any rule in force until and after 2032."""
    if not begins_as_one(digits) or weighted_remainder(digits, _SECOND_CHECK) != 0:
        return False
    remainder = weighted_remainder(digits[:10], _FIRST_CHECK)
    return remainder == 0 if digits[0] in _SHARED_HELP else remainder in _FIRST_REMAINDERS


def begins_as_one(digits: str) -> bool:
    """Tell whether digits begin as a number does: with a date, or as an FH-number."""
    return digits[0] in _SHARED_HELP or is_birth_date(digits[:_BIRTH_DATE])


def is_birth_date(digits: str) -> bool:
    """Tell whether six digits can be the date part: a day and month, with the offsets in use.

    The year does not matter: from 2032 the century cannot be read from the number, so the 29th of
    February is a day in every year.
    """
    return digits[:4] in _DATES


def _in_run(run: DigitRun, announced: frozenset[int]) -> Iterator[Span]:
    for first, digits in run.windows(_LENGTH):
        if not begins_as_one(digits):
            continue
        is_valid = is_national_id(digits) and _is_grouped(run, first, _BIRTH_DATE, _LENGTH)
        if is_valid or run.places[first] in announced:
            yield run.span(first, _LENGTH)
    for first, digits in run.windows(_LONG_LENGTH):
        century, rest = digits[4:6], digits[:4] + digits[6:]
        if century in _CENTURIES and is_national_id(rest) and _is_grouped(run, first, 8, _LONG_LENGTH):
            yield run.span(first, _LONG_LENGTH)
    for first, _ in run.windows(_TAIL) if announced else ():
        if run.places[first] in announced:
            yield run.span(first, _TAIL)


def _is_grouped(run: DigitRun, first: int, date_length: int, length: int) -> bool:
    """Tell whether groups look like one number: broken after the date, or evenly, or not at all."""
    return first + date_length in run.starts or run.is_even(first, length)
