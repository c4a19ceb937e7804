"""Blanks where the knowledge base has them: words that a question joins or splits otherwise."""

from collections.abc import Iterator, Sequence
from typing import Final

from contactbot.kb.normalise import word

SHORTEST_PART: Final = 2
"""Letters that either part of a joined word has at least: "i" and "å" end too many words to be taken for one."""
LONGER_PART: Final = 4
"""Letters that the longer part has at least; of two shorter ones a word falls apart by chance."""
LONGER_MOVED: Final = 3
"""The same where the blank between two words stands a letter too early or too late: there both are seen."""
SHORTEST_WHOLE: Final = 3
"""Letters from which a small word has no letter of its neighbour's: "skal egg" is not "ska legg"."""


def spaced(tokens: Sequence[str], base: frozenset[str]) -> Sequence[str]:
    """Return folded `tokens` with the words that are not in `base` joined or split into words that are.

    "barnehage plass" becomes "barnehageplass" where the base writes so, and the other way round; "bilenm in" becomes
    "bilen min".
    """
    if base.issuperset(tokens):
        return tokens
    return [part for token in _joined(tokens, base) for part in _split(token, base)]


def _joined(tokens: Sequence[str], base: frozenset[str]) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        read = _paired(tokens[at], tokens[at + 1], base) if at + 1 < len(tokens) else ()
        yield from read or tokens[at : at + 1]
        at += 2 if read else 1


def _paired(first: str, second: str, base: frozenset[str]) -> tuple[str, ...]:
    """Return two words as the one or the two that they are with the blank elsewhere; none if they are right or lost."""
    if _is_known(first, base) and _is_known(second, base):
        return ()
    if first + second in base:
        return (first + second,)
    if not (first + second).isalpha() or any(map(_is_whole, (first, second))):
        return ()
    moved = ((first[:-1], first[-1] + second), (first + second[0], second[1:]))
    return next((way for way in moved if _is_moved(way, base)), ())


def _is_whole(token: str) -> bool:
    return len(token) >= SHORTEST_WHOLE and word(token).small


def _is_moved(way: tuple[str, str], base: frozenset[str]) -> bool:
    return all(way) and max(map(len, way)) >= LONGER_MOVED and all(_is_known(part, base) for part in way)


def _split(token: str, base: frozenset[str]) -> tuple[str, ...]:
    """Return the two known words that `token` consists of, the most unequal if there are several, or itself.

    One with a digit in it is a code and stays whole.
    """
    if _is_known(token, base) or not token.isalpha():
        return (token,)
    ends = range(SHORTEST_PART, len(token) - SHORTEST_PART + 1)
    ways = [(token[:end], token[end:]) for end in ends if token[:end] in base or token[end:] in base]
    found = [way for way in ways if max(map(len, way)) >= LONGER_PART and all(_is_known(part, base) for part in way)]
    return max(found, key=lambda parts: max(map(len, parts)), default=(token,))


def _is_known(token: str, base: frozenset[str]) -> bool:
    return token in base or token.isdigit() or word(token).small
