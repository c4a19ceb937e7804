"""Blanks where the knowledge base has them: words that a question joins or splits otherwise."""

from collections.abc import Iterator, Sequence
from typing import Final

from contactbot.kb.normalise import word

SHORTEST_PART: Final = 2
"""Letters that either part of a joined word has at least: "i" and "å" end too many words to be taken for one."""
LONGER_PART: Final = 4
"""Letters that the longer part has at least; of two shorter ones a word falls apart by chance."""


def spaced(tokens: Sequence[str], base: frozenset[str]) -> Sequence[str]:
    """Return folded `tokens` with the words that are not in `base` joined or split into words that are.

    "barnehage plass" becomes "barnehageplass" where the base writes so, and the other way round.
    """
    if base.issuperset(tokens):
        return tokens
    return [part for token in _joined(tokens, base) for part in _split(token, base)]


def _joined(tokens: Sequence[str], base: frozenset[str]) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        pair = tokens[at : at + 2]
        both = "".join(pair)
        if len(pair) > 1 and both in base and not all(_is_known(one, base) for one in pair):
            yield both
            at += 2
        else:
            yield tokens[at]
            at += 1


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
