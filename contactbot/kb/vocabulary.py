"""The words a knowledge base uses, and which of them a word of a question resembles."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from contactbot.kb.grams import Ids, grams
from contactbot.kb.normalise import Word

Numbers = npt.NDArray[np.int32]
Shares = npt.NDArray[np.float32]
Scalar = TypeVar("Scalar", bound=np.generic)

SKETCH: Final = 256
"""Numbers in a word's sketch. Two words that share nothing then look alike by a cosine of 1/16 at a guess."""

_ID_BITS: Final = 24
_ID_MASK: Final = (1 << _ID_BITS) - 1


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words with an id each, and an inverted index of their n-grams.

    Immutable: `plus` returns a new one that shares what it can, so searches go on in the old one. A word once known
    stays; what is no longer used has no rows and so finds nothing.

    `postings` is one sorted array of `n-gram << 24 | word id`, `sizes` the number of n-grams of each word. `kin` is for
    each word the lowest id among the words of its concept, so that words of one concept are known by one number.
    `sketches` are the n-grams of each word, added up with a random sign in one of 256 places: the product of two
    sketches is about the number of n-grams that the words share (a "count sketch", Charikar, Chen and Farach-Colton
    2002).
    """

    forms: tuple[str, ...]
    ids: Mapping[str, int]
    postings: Ids
    sizes: Shares
    lengths: Shares
    small: npt.NDArray[np.bool_]
    concepts: Ids
    kin: Numbers
    sketches: npt.NDArray[np.int8]

    @classmethod
    def empty(cls) -> "Vocabulary":
        """Return the vocabulary without words."""
        return cls(
            forms=(),
            ids={},
            postings=np.zeros(0, np.int64),
            sizes=np.zeros(0, np.float32),
            lengths=np.zeros(0, np.float32),
            small=np.zeros(0, np.bool_),
            concepts=np.zeros(0, np.int64),
            kin=np.zeros(0, np.int32),
            sketches=np.zeros((0, SKETCH), np.int8),
        )

    def plus(self, words: Iterable[Word]) -> "Vocabulary":
        """Return this vocabulary with `words` added where they are new."""
        new = tuple({word.form: word for word in words if word.form not in self.ids}.values())
        if not new:
            return self
        first = len(self.forms)
        hashes, owners = grams([word.form for word in new])
        entries = np.sort(hashes << _ID_BITS | owners + first)
        concepts = np.concatenate([self.concepts, np.array([word.concept for word in new], np.int64)])
        _, lowest, kin = np.unique(concepts, return_index=True, return_inverse=True)
        return Vocabulary(
            forms=(*self.forms, *(word.form for word in new)),
            ids={**self.ids, **{word.form: first + at for at, word in enumerate(new)}},
            postings=np.insert(self.postings, np.searchsorted(self.postings, entries), entries),
            sizes=np.concatenate([self.sizes, np.bincount(owners, minlength=len(new)).astype(np.float32)]),
            lengths=np.concatenate([self.lengths, np.array([len(word.form) + 1 for word in new], np.float32)]),
            small=np.concatenate([self.small, [word.small for word in new]]),
            concepts=concepts,
            kin=lowest[kin].astype(np.int32),
            sketches=np.concatenate([self.sketches, sketches(hashes, owners, len(new))]),
        )

    def alike(self, hashes: Ids, same: Ids) -> tuple[Ids, Shares]:
        """Return the ids, rising, of words with any of these n-grams and those of `same`, and the cosine of each."""
        keys = hashes << _ID_BITS
        starts = self.postings.searchsorted(keys)
        counts = self.postings.searchsorted(keys + _ID_MASK) - starts
        shared = np.bincount(slices_of(self.postings, starts, counts) & _ID_MASK, minlength=len(self.forms))
        known = shared > 0
        known[same] = True
        ids = known.nonzero()[0]
        return ids, shared[ids].astype(np.float32) / np.sqrt(self.sizes[ids] * np.float32(max(1, len(hashes))))

    def meaning(self, concept: int) -> Ids:
        """Return the ids, rising, of the words that have this concept."""
        found: Ids = (self.concepts == concept).nonzero()[0]
        return found


def sketches(hashes: Ids, owners: Ids, count: int) -> npt.NDArray[np.int8]:
    """Return the sketches of `count` words, from their n-grams and the number of the word of each."""
    place = owners * SKETCH + (hashes & SKETCH - 1)
    signs = (hashes >> 8 & 1) * 2.0 - 1.0
    found = np.bincount(place, signs, minlength=count * SKETCH).reshape(count, SKETCH)
    return found.astype(np.int8)


def slices_of(values: npt.NDArray[Scalar], starts: Ids, counts: Ids) -> npt.NDArray[Scalar]:
    """Return, one after the other, the `counts` values that begin at each of `starts`."""
    places = (starts - counts.cumsum() + counts).repeat(counts)
    places += np.arange(len(places))
    found: npt.NDArray[Scalar] = values.take(places)
    return found
