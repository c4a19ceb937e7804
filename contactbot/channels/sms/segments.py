"""How many parts a text message costs: the GSM 7-bit alphabet, or UCS-2 when one character is outside it. Pure.

Source: 3GPP TS 23.038 (formerly GSM 03.38) section 6.2.1 for the alphabet, 3GPP TS 23.040 for the parts: 140 octets
hold 160 septets or 70 UTF-16 units; of several parts each gives 6 octets to its header, so 153 or 67 are left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Final, Literal

Alphabet = Literal["gsm7", "ucs2"]

BASIC: Final = frozenset(
    ascii_letters + digits + "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà"
)
EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # each is an escape and a character: two septets
GSM7: Final = BASIC | EXTENDED
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
    return GSM7.issuperset(text)


def cost(text: str) -> Cost:
    """Count the parts; an empty text is one part, and no character is split between two."""
    alphabet: Alphabet = "gsm7" if is_gsm7(text) else "ucs2"
    wide = _is_wide(alphabet)
    units = len(text) + sum(map(wide, text))
    segments = 1 if units <= SINGLE[alphabet] else _parts(text, wide, JOINED[alphabet])
    return Cost(alphabet, units, segments)


def _is_wide(alphabet: Alphabet) -> Callable[[str], bool]:
    """Return what tells whether a character takes two units."""
    return EXTENDED.__contains__ if alphabet == "gsm7" else _beyond_basic_plane


def _beyond_basic_plane(character: str) -> bool:
    return ord(character) > LAST_OF_BASIC_PLANE


def _parts(text: str, wide: Callable[[str], bool], room: int) -> int:
    parts, used = 1, 0
    for character in text:
        width = 2 if wide(character) else 1
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
