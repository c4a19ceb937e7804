"""Case numbers that somebody names in their words. Pure."""

import re
from typing import Final

MOST: Final = 5  # cases that one conversation is taken to name
_NAMED: Final = re.compile(
    r"(?:\b(?:sak(?:en|a|ens|as|snummer|snr)?|case|ticket|ref(?:eranse|erence)?|fortset[t]?|continue|hald fram)"
    r"(?: (?:nr|no|nummer|number|med|with|på|sak|case)){0,2}[ .:]{0,3}\#?|(?<![\w&])\#)(\d{3,9})(?![\d/-])",
    re.IGNORECASE,
)


def numbers_named(text: str) -> tuple[int, ...]:
    """Return the case numbers a text names, such as "sak 1001" or "#1001", each once and in order.

    A number alone is none: it may be a year, a sum or a house.
    """
    return tuple(dict.fromkeys(int(number) for number in _NAMED.findall(text)))[:MOST]
