"""Runs of digits as people type them: with spaces, dots, dashes and invisible characters between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import mul
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contactbot.places.place import Span

# Whitespace of any kind, the dashes, the punctuation people put into numbers, and the invisible
# characters that copying from a page or a PDF leaves behind.
_SEPARATOR: Final = r"[\s.,:;/|_·•()'’\-‐-―−\u00ad\u200b-\u200f\u2060\ufeff]"
_DIGIT: Final = re.compile(r"\d")
_SHORTEST: Final = 5  # the last part of a national id, which is the shortest number sought
_RUN: Final = re.compile(rf"\d(?:{_SEPARATOR}{{0,4}}\d)*")


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits that stand together in a text, with nothing but separators between them.

    ``digits`` are ASCII; ``places`` are their positions in the text; ``starts`` (in order: ``firsts``)
    and ``ends`` hold the digit indexes where an unbroken group begins and those after one ends.
    """

    text: str
    digits: str
    places: tuple[int, ...]
    firsts: tuple[int, ...]
    starts: frozenset[int]
    ends: frozenset[int]

    def windows(self, length: int) -> Iterator[tuple[int, str]]:
        """Yield (index, digits) for each stretch of whole groups with this many digits."""
        if len(self.digits) < length:
            return
        for first in self.firsts:
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
        if found.end() - found.start() < _SHORTEST:
            continue
        places = tuple(digit.start() for digit in _DIGIT.finditer(text, *found.span()))
        breaks = [index for index in range(1, len(places)) if places[index] != places[index - 1] + 1]
        yield DigitRun(
            text=text,
            digits=_ascii(_DIGIT.findall(text, *found.span())),
            places=places,
            firsts=(0, *breaks),
            starts=frozenset((0, *breaks)),
            ends=frozenset((*breaks, len(places))),
        )


def _ascii(digits: list[str]) -> str:
    """Return digits of any script as ASCII: a number in full-width digits is the same number."""
    joined = "".join(digits)
    return joined if joined.isascii() else "".join(str(int(digit)) for digit in joined)


def weighted_remainder(digits: str, weights: tuple[int, ...]) -> int:
    """Return the weighted sum of digits modulo 11, the check that Norwegian numbers share."""
    # On the bytes, because a hostile text has a number at every character.
    total: int = sum(map(mul, digits.encode("ascii"), weights)) - ord("0") * sum(weights)
    return total % 11


def without_overlap(found: list[Span]) -> Iterator[Span]:
    """Yield spans from left to right, leaving out each that overlaps one already yielded."""
    reached = 0
    for start, end in sorted(found, key=_longest_first):
        if start >= reached:
            reached = end
            yield start, end


def _longest_first(span: Span) -> tuple[int, int]:
    return span[0], -span[1]
