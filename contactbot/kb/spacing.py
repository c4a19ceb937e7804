"""Blanks where the knowledge base has them: words that a question joins or splits otherwise."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from contactbot.kb.normalise import word

SHORTEST_PART: Final = 2
"""Letters that either part of a joined word has at least: "i" and "å" end too many words to be taken for one."""
LONGER_PART: Final = 4
"""Letters that the longer part has at least; of two shorter ones a word falls apart by chance."""

IsKnown = Callable[[str], bool]


def spaced(tokens: Sequence[str], is_in_base: IsKnown) -> Sequence[str]:
    """Return folded `tokens` with the words that the base does not have joined or split into words that it has.

    "barnehage plass" becomes "barnehageplass" where the base writes so, and the other way round.
    """
    if all(map(is_in_base, tokens)):
        return tokens
    return [part for token in _joined(tokens, is_in_base) for part in _split(token, is_in_base)]


def _joined(tokens: Sequence[str], is_in_base: IsKnown) -> Iterator[str]:
    at = 0
    while at < len(tokens):
        pair = tokens[at : at + 2]
        both = "".join(pair)
        if len(pair) > 1 and is_in_base(both) and not all(_is_known(one, is_in_base) for one in pair):
            yield both
            at += 2
        else:
            yield tokens[at]
            at += 1


def _split(token: str, is_in_base: IsKnown) -> tuple[str, ...]:
    """Return the two known words that `token` consists of, the most unequal if there are several, or itself.

    One with a digit in it is a code and stays whole.
    """
    if not token.isalpha() or _is_known(token, is_in_base):
        return (token,)
    ends = range(SHORTEST_PART, len(token) - SHORTEST_PART + 1)
    found = [parts for end in ends if _are_words(parts := (token[:end], token[end:]), is_in_base)]
    return max(found, key=lambda parts: max(map(len, parts)), default=(token,))


def _are_words(parts: tuple[str, str], is_in_base: IsKnown) -> bool:
    return (
        max(map(len, parts)) >= LONGER_PART
        and any(map(is_in_base, parts))
        and all(_is_known(part, is_in_base) for part in parts)
    )


def _is_known(token: str, is_in_base: IsKnown) -> bool:
    return is_in_base(token) or token.isdigit() or word(token).small
