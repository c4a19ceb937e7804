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

    `postings` is one sorted array of `n-gram << 24 | word id`. `grams` are the n-grams of every word, one word
    after the other; those of a word begin at `starts` and are as many as `counts` says.
    """

    words: tuple[Word, ...]
    ids: Mapping[str, int]
    postings: Ids
    sizes: Floats
    lengths: Floats
    small: npt.NDArray[np.bool_]
    concepts: Ids
    grams: Ids
    starts: Ids
    counts: Ids

    @classmethod
    def of(cls, words: Iterable[Word]) -> "Vocabulary":
        """Return the vocabulary of `words`, each once."""
        return cls((), {}, _no_ids(), np.zeros(0), np.zeros(0), np.zeros(0, bool), *(_no_ids(),) * 4).plus(words)

    def plus(self, words: Iterable[Word]) -> "Vocabulary":
        """Return this vocabulary with `words` added where they are new."""
        new = tuple({word.form: word for word in words if word.form not in self.ids}.values())
        if not new:
            return self
        first = len(self.words)
        added = [word.grams << _ID_BITS | first + at for at, word in enumerate(new)]
        entries = np.sort(np.concatenate(added))
        counts = np.concatenate([self.counts, [len(word.grams) for word in new]])
        return Vocabulary(
            words=(*self.words, *new),
            ids={**self.ids, **{word.form: first + at for at, word in enumerate(new)}},
            postings=np.insert(self.postings, np.searchsorted(self.postings, entries), entries),
            sizes=np.concatenate([self.sizes, [max(1, len(word.grams)) for word in new]]),
            lengths=np.concatenate([self.lengths, [len(word.form) + 1.0 for word in new]]),
            small=np.concatenate([self.small, [word.small for word in new]]),
            concepts=np.concatenate([self.concepts, [word.concept for word in new]]),
            grams=np.concatenate([self.grams, *(word.grams for word in new)]),
            starts=np.cumsum(counts) - counts,
            counts=counts,
        )

    def alike(self, word: Word, least: float) -> tuple[Ids, Floats]:
        """Return the ids of words that share n-grams with `word`, and the cosine of each, from `least` up.

        The ids come in rising order; an exact match has cosine 1.
        """
        starts = np.searchsorted(self.postings, word.grams << _ID_BITS)
        counts = np.searchsorted(self.postings, (word.grams + 1) << _ID_BITS) - starts
        found = slices_of(self.postings, starts, counts) & _ID_MASK
        shared = np.bincount(found, minlength=len(self.words))
        ids = np.flatnonzero(shared)
        cosine = shared[ids] / np.sqrt(self.sizes[ids] * max(1, len(word.grams)))
        near = cosine >= least
        return ids[near], cosine[near]

    def meaning(self, concept: int) -> Ids:
        """Return the ids, rising, of the words that have this concept."""
        return np.flatnonzero(self.concepts == concept)

    def grams_of(self, ids: Ids) -> tuple[Ids, Ids]:
        """Return the n-grams of these words, one word after the other, and how many each has."""
        counts = self.counts[ids]
        return slices_of(self.grams, self.starts[ids], counts), counts


def slices_of(values: Ids, starts: Ids, counts: Ids) -> Ids:
    """Return, one after the other, the `counts` values that begin at each of `starts`."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    found: Ids = values[np.arange(total) + np.repeat(starts - (ends - counts), counts)]
    return found


def _no_ids() -> Ids:
    return np.zeros(0, dtype=np.int64)
