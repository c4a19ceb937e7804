"""Norwegian street addresses: a street name with its usual ending, a number, perhaps a post code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contactbot.places.place import Span

_ENDINGS: Final = (
    "veien|vegen|veg|vei|gaten|gata|gate|stien|stigen|sti|plassen|plass|allé|alléen|bakken|bakke|svingen|sving|"
    "tunet|tun|kroken|haugen|lia|toppen|ringen|kaia|torget|torg|terrasse|brygga|smauet|geila|geilan|jordet|åsen"
)
_POST_TOWN: Final = r"(?:,?\s{1,2}\d{4}\s[A-ZÆØÅ][\wæøåÆØÅ]{1,20})?"
_ADDRESS: Final = re.compile(
    rf"(?<!\w)(?:[A-ZÆØÅ][\w.'’]{{0,20}}\s){{0,2}}(?:\w{{2,25}}?(?:{_ENDINGS})|[A-ZÆØÅ]\w{{1,20}}s?\s(?i:{_ENDINGS}))"
    rf"\s{{1,2}}\d{{1,4}}(?:\s?[A-HJ-Za-hj-z](?!\w))?{_POST_TOWN}"
)
_NUMBERED: Final = re.compile(r"\d")


def street_addresses(text: str) -> Iterator[Span]:
    """Yield where street addresses stand in a text; the work per character is bounded."""
    if _NUMBERED.search(text) is not None:
        for found in _ADDRESS.finditer(text):
            yield found.span()
