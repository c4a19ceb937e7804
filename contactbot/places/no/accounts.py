"""Norwegian bank account numbers: eleven digits, the last a check digit (modulus 11).

One random number in eleven passes that check, so a number counts only in the layout that account
numbers alone have (1234.56.78901) or in a paragraph that speaks of an account.
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
_WEIGHTS: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
_PARAGRAPH: Final = re.compile(r"(?:[^\n]|\n(?!\s*\n))+")
_CONTEXT: Final = re.compile(
    r"(?<![\w])(?:(?:bank|l[øo]nns|spare|bruks)?konto(?:en|i|nr|nummer|nummeret|num|eigar|eier)?|kto\.?|bankgiro|giro"
    r"|(?:bank )?account(?: number| no)?|iban)(?![\w])",
    re.IGNORECASE,
)


def account_numbers(text: str) -> Iterator[Span]:
    """Yield where bank account numbers stand in a text, in time linear in its length."""
    found: list[Span] = []
    for paragraph in _PARAGRAPH.finditer(text):
        runs = list(digit_runs(paragraph[0]))
        spoken_of = bool(runs) and _CONTEXT.search(paragraph[0]) is not None
        for run in runs:
            found.extend(_shifted(_in_run(run, spoken_of=spoken_of), paragraph.start()))
    return without_overlap(found)


def is_account_number(digits: str) -> bool:
    """Tell whether eleven digits have the check digit of an account number."""
    return weighted_remainder(digits, _WEIGHTS) == 0 and digits != "0" * _LENGTH


def _in_run(run: DigitRun, *, spoken_of: bool) -> Iterator[Span]:
    for first, digits in run.windows(_LENGTH):
        has_layout = {first, first + 4, first + 6} <= run.starts and run.is_even(first, _LENGTH)
        if (spoken_of or has_layout) and is_account_number(digits):
            yield run.span(first, _LENGTH)


def _shifted(spans: Iterator[Span], offset: int) -> Iterator[Span]:
    return ((start + offset, end + offset) for start, end in spans)
