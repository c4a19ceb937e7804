"""The words a knowledge base uses, and which of them a word of a question resembles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contactbot.kb.normalise import Word

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_ID_BITS: Final = 24
_ID_MASK: Final = (1 << _ID_BITS) - 1


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words with an id each, and an inverted index of their n-grams.

    Immutable: `plus` returns a new one that shares what it can, so searches go on in the old one. A word once known
    stays; what is no longer used has no rows and so finds nothing.

    `postings` is one sorted array of `n-gram << 24 | word id`.
    """

    words: tuple[Word, ...]
    ids: Mapping[str, int]
    postings: Ids
    sizes: Floats
    lengths: Floats
    small: npt.NDArray[np.bool_]
    concepts: Ids

    @classmethod
    def of(cls, words: Iterable[Word]) -> "Vocabulary":
        """Return the vocabulary of `words`, each once."""
        return cls((), {}, _no_ids(), np.zeros(0), np.zeros(0), np.zeros(0, bool), _no_ids()).plus(words)

    def plus(self, words: Iterable[Word]) -> "Vocabulary":
        """Return this vocabulary with `words` added where they are new."""
        new = tuple({word.form: word for word in words if word.form not in self.ids}.values())
        if not new:
            return self
        first = len(self.words)
        added = [word.grams << _ID_BITS | first + at for at, word in enumerate(new)]
        entries = np.sort(np.concatenate(added)) if added else _no_ids()
        return Vocabulary(
            words=(*self.words, *new),
            ids={**self.ids, **{word.form: first + at for at, word in enumerate(new)}},
            postings=np.insert(self.postings, np.searchsorted(self.postings, entries), entries),
            sizes=np.concatenate([self.sizes, [max(1, len(word.grams)) for word in new]]),
            lengths=np.concatenate([self.lengths, [len(word.form) + 1.0 for word in new]]),
            small=np.concatenate([self.small, [word.small for word in new]]),
            concepts=np.concatenate([self.concepts, [word.concept for word in new]]),
        )

    def alike(self, word: Word, least: float) -> tuple[Ids, Floats]:
        """Return the ids of words that share n-grams with `word`, and the cosine of each, from `least` up.

        The ids come in rising order; an exact match has cosine 1.
        """
        found = _slices(self.postings, word.grams << _ID_BITS, (word.grams + 1) << _ID_BITS) & _ID_MASK
        shared = np.bincount(found, minlength=len(self.words))
        ids = np.flatnonzero(shared)
        cosine = shared[ids] / np.sqrt(self.sizes[ids] * max(1, len(word.grams)))
        near = cosine >= least
        return ids[near], cosine[near]

    def meaning(self, concept: int) -> Ids:
        """Return the ids, rising, of the words that have this concept."""
        return np.flatnonzero(self.concepts == concept)


def slices_of(postings: Ids, low: Ids, high: Ids) -> tuple[Ids, Ids]:
    """Return the entries of sorted `postings` in each [low, high), one after the other, and how many each gave."""
    starts = np.searchsorted(postings, low)
    counts = np.searchsorted(postings, high) - starts
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    at = np.arange(total) + np.repeat(starts - (ends - counts), counts)
    return postings[at], counts


def _slices(postings: Ids, low: Ids, high: Ids) -> Ids:
    return slices_of(postings, low, high)[0]


def _no_ids() -> Ids:
    return np.zeros(0, dtype=np.int64)
