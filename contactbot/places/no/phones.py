"""Norwegian phone numbers: one form for each, and never a refusal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import phonenumbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contactbot.places.place import Span

_REGION: Final = "NO"
_NATIONAL_LENGTHS: Final = frozenset({8, 12})  # 12 is for machines (58…)
_INTERNATIONAL: Final = re.compile(r"\s*\(?(?:\+|00)")
_CANDIDATE: Final = re.compile(
    r"(?<![\w.,/+-])(?:(?:\+|00)\d{1,3}[ \u00a0-]?)?\(?\d(?:[ \u00a0.()-]{0,2}\d){6,13}(?![\w/]|[.,]\d)"
)


def normalise_phone(raw: str) -> str:
    """Return a number in E.164 ("+4799999999"), or unchanged but trimmed when it is not a subscriber's.

    Short codes, service numbers, names as senders and anything else that gateways put into the
    sender field are kept: a message is never lost because its sender does not validate.
    """
    kept = raw.strip()
    if re.search(r"[^\W\d_]", kept):
        return kept
    try:
        number = phonenumbers.parse(kept, _REGION)
    except phonenumbers.NumberParseException:
        return kept
    national = phonenumbers.national_significant_number(number)
    if _INTERNATIONAL.match(kept) is None and len(national) not in _NATIONAL_LENGTHS:
        return kept
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phones(text: str) -> Iterator[Span]:
    """Yield where valid phone numbers stand in a text, ours or any country's with its prefix."""
    for found in _CANDIDATE.finditer(text):
        if _is_phone(found[0]):
            yield found.span()


def _is_phone(candidate: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(candidate, _REGION))
    except phonenumbers.NumberParseException:
        return False
