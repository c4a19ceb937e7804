"""What an encoder adds to words and letters: how near a question means what each row means."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from contactbot.kb.grams import Ids
from contactbot.kb.vocabulary import Shares

UNPROVED: Final = 0.75
"""Weight of an encoder that knows the language, where the base has too few phrasings to try it on."""
WEIGHTS: Final = (0.0, 0.25, 0.5, 0.75)
"""Weights that are tried."""


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """The vectors of all rows, by number, 0 where a row was taken out, and what they weigh against the words."""

    vectors: Shares
    weight: float = UNPROVED

    def plus(self, vectors: Shares) -> "Meanings":
        """Return these with the vectors of new rows at the end."""
        return replace(self, vectors=np.concatenate([self.vectors, vectors]))

    def minus(self, numbers: Sequence[int]) -> "Meanings":
        """Return these without the rows of these numbers."""
        vectors = self.vectors.copy()
        vectors[list(numbers)] = 0.0
        return replace(self, vectors=vectors)


@dataclass(frozen=True, slots=True, eq=False)
class Meant:
    """A question's meaning beside those of all rows: `near` is how near each comes, 0 to 1."""

    meanings: Meanings
    near: Shares

    @classmethod
    def of(cls, meanings: Meanings, question: Shares) -> "Meant":
        """Compare the vector of a question with all rows."""
        return cls(meanings, np.maximum(meanings.vectors @ question, np.float32(0)))

    def blended(self, values: Shares, numbers: Ids | slice, scale: Shares | float = 1.0) -> Shares:
        """Return what words say of these rows and what the meaning says, which is made of the same `scale`."""
        weight = np.float32(self.meanings.weight)
        return np.asarray((1 - weight) * values + weight * scale * self.near[numbers], np.float32)

    def kernel(self, words: Shares, numbers: Ids) -> Shares:
        """Return the likeness of every two of (question, rows of these numbers), given what their words say of it."""
        weight = np.float32(self.meanings.weight)
        found = words * (1 - weight)
        vectors = self.meanings.vectors[numbers]
        found[1:, 1:] += weight * (vectors @ vectors.T)
        found[0, 1:] += weight * self.near[numbers]
        found[1:, 0] += weight * self.near[numbers]
        found[0, 0] = 1.0
        return found
