"""Runs of digits as people type them: with spaces, dots, dashes and invisible characters between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contactbot.places.place import Span

# Whitespace of any kind, the dashes, the punctuation people put into numbers, and the invisible
# characters that copying from a page or a PDF leaves behind.
_SEPARATOR: Final = r"[\s.,:;/|_·•()'’\-‐-―−\u00ad\u200b-\u200f\u2060\ufeff]"
_RUN: Final = re.compile(rf"\d(?:{_SEPARATOR}{{0,4}}\d)*")


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits that stand together in a text, with nothing but separators between them.

    ``digits`` are ASCII; ``places`` are their positions in the text; ``starts`` and ``ends`` hold
    the digit indexes where an unbroken group begins and the indexes after one ends.
    """

    text: str
    digits: str
    places: tuple[int, ...]
    starts: frozenset[int]
    ends: frozenset[int]

    def windows(self, length: int) -> Iterator[tuple[int, str]]:
        """Yield (index, digits) for each stretch of whole groups with this many digits."""
        for first in sorted(self.starts):
            if first + length in self.ends:
                yield first, self.digits[first : first + length]

    def span(self, first: int, length: int) -> Span:
        """Return where in the text a stretch of digits stands."""
        return self.places[first], self.places[first + length - 1] + 1

    def is_even(self, first: int, length: int) -> bool:
        """Tell whether all separators inside a stretch are the same, or there is none."""
        start, end = self.span(first, length)
        return len(set(re.findall(r"\D+", self.text[start:end]))) <= 1


def digit_runs(text: str) -> Iterator[DigitRun]:
    """Yield the runs of digits in a text, left to right, in time linear in its length."""
    for found in _RUN.finditer(text):
        places = tuple(place for place in range(*found.span()) if text[place].isdecimal())
        breaks = [index for index in range(1, len(places)) if places[index] != places[index - 1] + 1]
        yield DigitRun(
            text=text,
            # Digits of any script count: a number in full-width digits is the same number.
            digits="".join(str(int(text[place])) for place in places),
            places=places,
            starts=frozenset((0, *breaks)),
            ends=frozenset((*breaks, len(places))),
        )


def weighted_remainder(digits: str, weights: tuple[int, ...]) -> int:
    """Return the weighted sum of digits modulo 11, the check that Norwegian numbers share."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11


def without_overlap(found: list[Span]) -> Iterator[Span]:
    """Yield spans from left to right, leaving out each that overlaps one already yielded."""
    reached = 0
    for start, end in sorted(found, key=_longest_first):
        if start >= reached:
            reached = end
            yield start, end


def _longest_first(span: Span) -> tuple[int, int]:
    return span[0], -span[1]
