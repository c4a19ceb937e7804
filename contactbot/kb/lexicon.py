"""Words that are known before any knowledge base is: small words, everyday ones, names of municipal things."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from contactbot.kb.normalise import listed, tokens, word
from contactbot.kb.synonyms import shipped_groups

SHORTEST_MISTYPED: Final = 6
"""Letters from which a word may have a wrong one: a shorter one is too often another word, as "feber" and "feier"."""
SHORTEST_SWAPPED: Final = 3
"""Letters from which two neighbours may have changed places, which hardly ever makes another word."""


@lru_cache(maxsize=20_000)
def mended(token: str) -> str:
    """Return the listed word that a folded token is with one letter wrong, or with two neighbours swapped.

    It is the token itself where that is listed, stands in a name, has a digit, or could be words of several meanings.
    """
    known = _by_length()
    if len(token) < SHORTEST_SWAPPED or not token.isalpha() or token in _named() or token in known.get(len(token), ()):
        return token
    is_long = len(token) >= SHORTEST_MISTYPED
    near = [one for more in ((-1, 0, 1) if is_long else (0,)) for one in known.get(len(token) + more, ())]
    found = [one for one, _, _ in process.extract(token, near, scorer=OSA.distance, score_cutoff=1, limit=None)]
    if not is_long:
        found = [one for one in found if sorted(one) == sorted(token)]
    return min(found) if len({word(one).concept for one in found}) == 1 else token


@cache
def _named() -> frozenset[str]:
    """Return the words of all names: "halsen" of "knapp rundt halsen" is no "hilsen"."""
    return frozenset(token for group in shipped_groups() for name in group for token in tokens(name))


@cache
def _by_length() -> Mapping[int, tuple[str, ...]]:
    names = (tokens(name) for group in shipped_groups() for name in group)
    found: dict[int, list[str]] = defaultdict(list)
    for one in sorted({*listed(), *(name[0] for name in names if len(name) == 1)}):
        found[len(one)].append(one)
    return {length: tuple(words) for length, words in found.items()}
