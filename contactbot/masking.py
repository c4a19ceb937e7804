"""Personal data found in a text and taken out of it, before anything is stored or searched.

What is taken out leaves a mark that tells only its kind, the same in every language:
``[••• national_id]``. The page that shows a text may render marks in the reader's language.
Masking is idempotent: masked text holds nothing more to mask.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    Span = tuple[int, int]
    Finder = Callable[[str], Iterable[Span]]


class Kind(StrEnum):
    """The kinds of personal data that can be masked."""

    NATIONAL_ID = "national_id"
    ACCOUNT_NUMBER = "account_number"
    CARD_NUMBER = "card_number"
    PHONE = "phone"
    EMAIL = "email"
    STREET_ADDRESS = "street_address"
    TERM = "term"


ALWAYS: Final = (Kind.NATIONAL_ID, Kind.ACCOUNT_NUMBER, Kind.CARD_NUMBER)
"""What nobody needs to read. A phone number, an address or an email is often what staff need to help."""

EVERYTHING: Final = tuple(Kind)
"""For what leaves the case: gaps, replay, figures and logs."""


class Numbers(Protocol):
    """What masking asks of a country: where its kinds of personal data stand in a text."""

    @property
    def national_ids(self) -> Finder:
        """Find national identity numbers."""

    @property
    def account_numbers(self) -> Finder:
        """Find bank account numbers."""

    @property
    def phones(self) -> Finder:
        """Find phone numbers."""

    @property
    def street_addresses(self) -> Finder:
        """Find street addresses."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out: its kind and where it stood in the text that was given, never the words."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without personal data, and what was removed from it, left to right."""

    text: str
    removed: tuple[Removed, ...]


_NUMBERS: Final = frozenset(ALWAYS)
"""The kinds of which each holds a digit: most messages hold none."""
_DIGIT: Final = re.compile(r"\d")
_MARK: Final = re.compile(r"\[••• (?:" + "|".join(Kind) + r")\]")


def mask(text: str, place: Numbers, kinds: Collection[Kind] = ALWAYS, terms: tuple[str, ...] = ()) -> Masked:
    """Take personal data of these kinds out of a text.

    ``terms`` are words and phrases that a municipality wants masked as well (health, faith and
    other special categories); they are found in any case, as whole words, and count as Kind.TERM.
    One that ends in ``*`` stands for every word that begins so.
    Kinds earlier in Kind win where two overlap. Time is linear in the length of the text.
    """
    if _NUMBERS.issuperset(kinds) and not terms and _DIGIT.search(text) is None:
        return Masked(text, ())
    finders = _finders(place, terms)
    wanted = [kind for kind in Kind if kind in kinds or (kind is Kind.TERM and terms)]
    masked = Masked(text, ())
    more = True
    while more:  # what is left after a round may have been hidden by what was removed
        before = masked
        for kind in wanted:
            masked = _mask_kind(text, masked, kind, finders[kind])
        more = masked.removed != before.removed
    return masked


def mark(kind: Kind) -> str:
    """Return what stands in a masked text where something of this kind was."""
    return f"[••• {kind}]"


def without_marks(text: str) -> str:
    """Return a masked text with each mark replaced by one space: what a matcher should read."""
    return _MARK.sub(" ", text)


def _finders(place: Numbers, terms: tuple[str, ...]) -> Mapping[Kind, Finder]:
    return {
        Kind.NATIONAL_ID: place.national_ids,
        Kind.ACCOUNT_NUMBER: lambda text: (*place.account_numbers(text), *_ibans(text)),
        Kind.CARD_NUMBER: _cards,
        Kind.PHONE: place.phones,
        Kind.EMAIL: _emails,
        Kind.STREET_ADDRESS: place.street_addresses,
        Kind.TERM: _term_finder(terms),
    }


def _mask_kind(text: str, masked: Masked, kind: Kind, finder: Finder) -> Masked:
    """Mask one more kind in a text that is partly masked."""
    spans = sorted(finder(masked.text))
    if not spans:
        return masked
    origin = _Origin(masked.removed)
    found: list[Removed] = []
    reached = 0
    for start, end in _outside(spans, [mark.span() for mark in _MARK.finditer(masked.text)]):
        if start >= reached:
            found.append(Removed(kind, origin.of(start), origin.of(end)))
            reached = end
    removed = tuple(sorted((*masked.removed, *found), key=lambda one: one.start))
    return Masked(_without(text, removed), removed)


class _Origin:
    """Tells where a position in a masked text was in the text that was given."""

    def __init__(self, removed: tuple[Removed, ...]) -> None:
        self._ends: list[int] = []
        self._shifts: list[int] = [0]
        for one in removed:
            shift = self._shifts[-1] + len(mark(one.kind)) - (one.end - one.start)
            self._ends.append(one.end + shift)
            self._shifts.append(shift)

    def of(self, position: int) -> int:
        return position - self._shifts[bisect_right(self._ends, position)]


def _outside(spans: Iterable[Span], marks: Sequence[Span]) -> Iterator[Span]:
    """Yield the spans, in order, that touch no mark; both are sorted."""
    starts = [start for start, _ in marks]
    for start, end in spans:
        before = bisect_right(starts, start) - 1
        after = bisect_left(starts, end) - 1
        if before == after and (before < 0 or marks[before][1] <= start):
            yield start, end


def _without(text: str, removed: Iterable[Removed]) -> str:
    parts: list[str] = []
    reached = 0
    for one in removed:
        parts += text[reached : one.start], mark(one.kind)
        reached = one.end
    return "".join((*parts, text[reached:]))


# Payment cards (ISO/IEC 7812): the issuers' leading digits, and a Luhn check digit.
_CARD: Final = re.compile(
    r"(?<!\d)(?<!\d[ \u00a0.-])(?:\d{13,19}"
    r"|\d{4}(?P<sep>[ \u00a0.-])\d{4}(?P=sep)\d{4}(?P=sep)\d{4}(?:(?P=sep)\d{1,3})?"
    r"|\d{4}[ \u00a0.-]\d{6}[ \u00a0.-]\d{4,5})(?![ \u00a0.-]?\d)"
)
_ISSUERS: Final = re.compile(r"3[0-9]|4|5[0-8]|6|2[2-7]")
_COMMON_CARD_LENGTHS: Final = frozenset({15, 16})
_CARD_WORDS: Final = re.compile(
    r"(?i:\b(?:\w{0,20}kort(?:et|nummer|nummeret|nr)?|card|visa|mastercard|amex|cvc|cvv)\b)"
)


def _cards(text: str) -> Iterator[Span]:
    """Yield where card numbers stand: 15 or 16 digits by themselves, other lengths where a card is spoken of."""
    spoken_of: bool | None = None
    for found in _CARD.finditer(text):
        digits = re.sub(r"\D", "", found[0])
        if _ISSUERS.match(digits) is None or not _has_luhn_digit(digits):
            continue
        if len(digits) not in _COMMON_CARD_LENGTHS:
            if spoken_of is None:
                spoken_of = _CARD_WORDS.search(text) is not None
            if not spoken_of:
                continue
        yield found.span()


def _has_luhn_digit(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


# International bank account numbers (ISO 13616), in one word or in groups of four.
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){2,7}(?:[ \u00a0]?[A-Z0-9]{1,3})?(?!\w)")


def _ibans(text: str) -> Iterator[Span]:
    for found in _IBAN.finditer(text):
        account = re.sub(r"\s", "", found[0])
        # The country and check digits move to the end, letters count from ten: the rest modulo 97 is one.
        if int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1:
            yield found.span()


_AT_DOMAIN: Final = re.compile(r"@(?:[\w-]{1,63}\.){1,8}\w{2,63}")
_LOCAL_PART: Final = re.compile(r"[\w.+%'-]{1,64}$")


def _emails(text: str) -> Iterator[Span]:
    # From the @ outwards: looking for the local part first is quadratic on a long line of letters.
    for found in _AT_DOMAIN.finditer(text):
        local = _LOCAL_PART.search(text, max(0, found.start() - 64), found.start())
        if local is not None:
            yield local.start(), found.end()


@lru_cache
def _term_finder(terms: tuple[str, ...]) -> Finder:
    longest_first = sorted((term for term in terms if term.strip(" *")), key=len, reverse=True)
    if not longest_first:
        return lambda _: ()
    wanted = (re.escape(term.rstrip("*")) + (r"\w*" if term.endswith("*") else "") for term in longest_first)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(wanted)})(?!\w)", re.IGNORECASE)
    return lambda text: (found.span() for found in pattern.finditer(text))
