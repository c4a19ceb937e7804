"""The phrasings of a knowledge base behind an inverted index: quick to search, quick to change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from contactbot.kb.normalise import Word
from contactbot.kb.vocabulary import Floats, Ids, Vocabulary, slices_of

LEAST_ALIKE: Final = 0.2
"""Cosine of n-grams below which two words have nothing to do with each other."""
REMEMBERED: Final = 1000
"""Words of questions whose likeness is kept: half the words of any question are the same few."""
SAME_MEANING: Final = 0.8
"""How alike two words of one meaning count, however they are spelled."""
SMALL_WORD: Final = 0.4
"""How much a small word weighs against another of the same rarity."""

_ROW_BITS: Final = 32
_ROW_MASK: Final = (1 << _ROW_BITS) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One text of an entry: a way to ask, or the words of its answer.

    `words` are ids, each once, in order; `sorted_words` the same spelled out, in the order of the alphabet.
    """

    entry_id: str
    language: str
    text: str
    words: Ids
    sorted_words: str
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class Likeness:
    """One word of a question among the words of the base: ids in rising order, and the cosine with each.

    `nearest` is the id it is most like and the cosine, None where it is like nothing.
    """

    ids: Ids
    cosines: Floats
    nearest: tuple[int, float] | None


@dataclass(frozen=True, slots=True)
class Hits:
    """For each row, the share of the question that it covers, and the share of itself that the question covers."""

    covered: Floats
    covering: Floats


@dataclass(frozen=True, slots=True)
class Corpus:
    """Rows, and the postings `word id << 32 | row number` in one sorted array.

    Immutable: `plus` and `minus` return a new one, so a search that runs meanwhile is not disturbed. A row taken out
    leaves a hole, since the others keep their numbers. The postings of a word begin at `starts` and are as many as the
    rows it is `used` in. `rarity` is how much a word tells rows apart, `weights` that
    times its length (long words carry the subject), `masses` the weight of each row, `answers` which rows are answers.
    """

    vocabulary: Vocabulary
    rows: tuple[Row | None, ...]
    postings: Ids
    live: int
    starts: Ids
    used: Ids
    rarity: Floats
    weights: Floats
    masses: Floats
    answers: npt.NDArray[np.bool_]
    looked_up: dict[str, Likeness] = field(default_factory=dict, repr=False)

    @classmethod
    def empty(cls) -> "Corpus":
        """Return a corpus without rows."""
        return _weighed(Vocabulary.of(()), (), np.zeros(0, np.int64), 0)

    def plus(self, vocabulary: Vocabulary, rows: Sequence[Row]) -> "Corpus":
        """Return this corpus with `rows`, whose words are ids of `vocabulary`, at the end."""
        entries = np.sort(_postings(rows, range(len(self.rows), len(self.rows) + len(rows))))
        postings = np.insert(self.postings, np.searchsorted(self.postings, entries), entries)
        return _weighed(vocabulary, (*self.rows, *rows), postings, self.live + len(rows))

    def minus(self, numbers: Iterable[int]) -> "Corpus":
        """Return this corpus without the rows of these numbers."""
        gone = sorted(numbers)
        rows = list(self.rows)
        taken = [row for at in gone if (row := rows[at]) is not None]
        entries = _postings(taken, gone)
        for at in gone:
            rows[at] = None
        postings = np.delete(self.postings, np.searchsorted(self.postings, entries))
        return _weighed(self.vocabulary, tuple(rows), postings, self.live - len(taken))

    def likeness(self, word: Word) -> Likeness:
        """Return the words in use that resemble `word` in spelling or share its meaning."""
        known = self.looked_up.get(word.form)
        if known is None:
            if len(self.looked_up) >= REMEMBERED:
                self.looked_up.clear()
            known = self.looked_up[word.form] = self._likeness(word)
        return known

    def _likeness(self, word: Word) -> Likeness:
        ids, cosines = self.vocabulary.alike(word, LEAST_ALIKE)
        same = self.vocabulary.meaning(word.concept)
        every = np.union1d(ids, same)
        alike = np.zeros(len(every))
        alike[np.searchsorted(every, ids)] = cosines
        at = np.searchsorted(every, same)
        alike[at] = np.maximum(alike[at], SAME_MEANING)
        used = self.used[every] > 0
        return Likeness(every[used], alike[used], self.most_alike(every[used], alike[used]))

    def most_alike(self, ids: Ids, cosines: Floats) -> tuple[int, float] | None:
        """Return the id of the greatest cosine, and that; of several, the first by spelling, whatever their ids."""
        if not len(ids):
            return None
        best = float(cosines.max())
        known = self.vocabulary.words
        return min(ids[cosines >= best].tolist(), key=lambda at: known[at].form), best

    def rarity_of(self, word: Word, likeness: Likeness) -> float:
        """Return how much `word` tells rows apart; a word the base does not have, as the one it is most like."""
        near = likeness.nearest
        small = SMALL_WORD if word.small else 1.0
        if near is None:
            return float(np.log(2.0 * self.live + 2.0)) * small
        return float(self.rarity[near[0]]) / (SMALL_WORD if self.vocabulary.small[near[0]] else 1.0) * small

    def search(self, found: Sequence[Likeness], weights: Floats) -> Hits:
        """Return what the words of a question find, given the weight of each."""
        covered, share = np.zeros(len(self.rows)), np.zeros(len(self.rows))
        best = np.zeros(len(self.weights))
        for likeness, weight in zip(found, weights, strict=True):
            order = np.argsort(likeness.cosines, kind="stable")
            rows, counts = self._rows_of(likeness.ids[order])
            share.fill(0.0)
            share[rows] = np.repeat(likeness.cosines[order], counts)  # the last, so the greatest, stays
            share *= weight
            covered += share
            best[likeness.ids] = np.maximum(best[likeness.ids], likeness.cosines)
        ids = np.flatnonzero(best)
        rows, counts = self._rows_of(ids)
        values = np.repeat(best[ids] * self.weights[ids], counts)
        covering = np.bincount(rows, values, minlength=len(self.rows))
        return Hits(covered / max(1e-9, float(weights.sum())), covering / np.maximum(1e-9, self.masses))

    def _rows_of(self, ids: Ids) -> tuple[Ids, Ids]:
        counts = self.used[ids]
        return slices_of(self.postings, self.starts[ids], counts) & _ROW_MASK, counts


def _postings(rows: Sequence[Row], numbers: Sequence[int]) -> Ids:
    entries = [row.words << _ROW_BITS | at for row, at in zip(rows, numbers, strict=True)]
    return np.concatenate(entries) if entries else np.zeros(0, np.int64)


def _weighed(vocabulary: Vocabulary, rows: tuple[Row | None, ...], postings: Ids, live: int) -> Corpus:
    words = postings >> _ROW_BITS
    used = np.bincount(words, minlength=len(vocabulary.words))
    rarity = np.log(1 + (live - used + 0.5) / (used + 0.5)) * np.where(vocabulary.small, SMALL_WORD, 1.0)
    weights = rarity * vocabulary.lengths
    masses = np.bincount(postings & _ROW_MASK, weights[words], minlength=len(rows)).astype(np.float64)
    answers = np.array([row is not None and row.is_answer for row in rows], dtype=bool)
    starts = np.cumsum(used) - used
    return Corpus(vocabulary, rows, postings, live, starts, used, rarity, weights, masses, answers)
