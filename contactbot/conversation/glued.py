"""Words that were typed without the space between, or with it a letter off: "jegorkerikke", "jeg orke rikke"."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from contactbot.conversation.phrases import Reading, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHORTEST, _LONGEST = 5, 60  # letters; what is longer was not typed by a hand that slipped off the space bar
_PAIR: Final = 2  # unknown words at the least, for a space between them to have slipped
_NOT_GLUED: Final[Sequence[str]] = ()
_REMEMBERED: Final = 4_000  # words of texts: the same few make most texts


class GluedWords:
    """Takes words apart that are nothing but known words in a row.

    ``openers`` are the words that one may begin with, ``words`` those that may follow, ``whole`` those that are never
    taken apart ("redde" is not "redd e"); all are folded here. Words of one letter ("å") count. Of several ways to
    part a word the one whose words are longest is taken. ``known`` are the folded words between which a space is looked
    for a letter off.
    """

    def __init__(
        self,
        openers: Iterable[str],
        words: Iterable[str],
        whole: Iterable[str] = (),
        known: frozenset[str] = frozenset(),
    ) -> None:
        self._openers = tuple(sorted({fold(word) for word in openers}, key=len, reverse=True))
        self._words = frozenset(fold(word) for word in words)
        self._whole = self._words | {fold(word) for word in whole}
        self._known = known
        self._lengths = sorted({len(word) for word in self._words}, reverse=True)
        self._known_parts = lru_cache(_REMEMBERED)(self._parts_of)

    def apart(self, reading: Reading) -> Reading:
        """Return a reading with its glued words parted and slipped spaces put back; mostly the very same one."""
        return self._parted(self._put_back(reading))

    def _put_back(self, reading: Reading) -> Reading:
        if len(reading.vocabulary - self._known) < _PAIR:
            return reading
        sentences = tuple(map(self._spaced, reading.sentences))
        if sentences == reading.sentences:
            return reading
        return Reading(reading.text, sentences, frozenset().union(*sentences))

    def _spaced(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Move the space between two words by a letter, where neither is known and then both are."""
        spaced = list(words)
        for at, (one, two) in enumerate(pairwise(words)):
            if spaced[at] == one and self._known.isdisjoint((one, two)):
                moved = (one + two[0], two[1:]), (one[:-1], one[-1] + two)
                spaced[at : at + 2] = next((pair for pair in moved if self._known.issuperset(pair)), (one, two))
        return tuple(spaced)

    def _parted(self, reading: Reading) -> Reading:
        parted = {word: parts for word in reading.vocabulary if (parts := self.parts(word))}
        if not parted:
            return reading
        sentences = tuple(
            tuple(part for word in words for part in parted.get(word, (word,))) for words in reading.sentences
        )
        return Reading(reading.text, sentences, frozenset().union(*sentences))

    def parts(self, word: str) -> Sequence[str]:
        """Return the words that a folded word is glued of, or nothing when it is a word of its own."""
        return self._known_parts(word) if _SHORTEST <= len(word) <= _LONGEST else _NOT_GLUED

    def _parts_of(self, word: str) -> Sequence[str]:
        if not word.startswith(self._openers) or word in self._whole:
            return _NOT_GLUED
        openers = (opener for opener in self._openers if word.startswith(opener))
        return next(([opener, *rest] for opener in openers if (rest := self._split(word[len(opener) :]))), _NOT_GLUED)

    def _split(self, rest: str) -> Sequence[str]:
        """Return the words that letters are made of, from the end on, so that the work is linear in their number."""
        splits: list[Sequence[str] | None] = [None] * len(rest) + [()]
        for start in range(len(rest) - 1, -1, -1):
            for length in self._lengths:
                after = splits[start + length] if start + length <= len(rest) else None
                if after is not None and rest[start : start + length] in self._words:
                    splits[start] = (rest[start : start + length], *after)
                    break
        return splits[0] or _NOT_GLUED
