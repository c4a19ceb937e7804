"""How many parts a text message costs: the GSM 7-bit alphabet, or UCS-2 when one character is outside it. Pure.

Source: 3GPP TS 23.038 (formerly GSM 03.38) section 6.2.1 for the alphabet, 3GPP TS 23.040 for the parts: 140 octets
hold 160 septets or 70 UTF-16 units; of several parts each gives 6 octets to its header, so 153 or 67 are left.
"""

from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Final, Literal

Alphabet = Literal["gsm7", "ucs2"]

BASIC: Final = frozenset(
    ascii_letters + digits + "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # each is an escape and a character: two septets
SINGLE: Final[dict[Alphabet, int]] = {"gsm7": 160, "ucs2": 70}
JOINED: Final[dict[Alphabet, int]] = {"gsm7": 153, "ucs2": 67}
LAST_OF_BASIC_PLANE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Cost:
    """What a text costs: its alphabet, its length in septets or UTF-16 units, and its parts."""

    alphabet: Alphabet
    units: int
    segments: int


def is_gsm7(text: str) -> bool:
    """Tell whether every character is in the GSM alphabet or its extension."""
    return all(character in BASIC or character in EXTENDED for character in text)


def cost(text: str) -> Cost:
    """Count the parts; an empty text is one part, and no character is split between two."""
    alphabet: Alphabet = "gsm7" if is_gsm7(text) else "ucs2"
    widths = [_width(character, alphabet) for character in text]
    units = sum(widths)
    segments = 1 if units <= SINGLE[alphabet] else _parts(widths, JOINED[alphabet])
    return Cost(alphabet, units, segments)


def _width(character: str, alphabet: Alphabet) -> int:
    if alphabet == "gsm7":
        return 2 if character in EXTENDED else 1
    return 2 if ord(character) > LAST_OF_BASIC_PLANE else 1


def _parts(widths: list[int], room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
