"""Order what was found: a small classifier, learnt anew for each question from the phrasings nearest to it.

Learning only among the neighbours is within a point of learning over the whole base, costs a millisecond, and leaves
nothing to retrain when an editor changes an entry. The classifier is kernel ridge regression: every neighbour votes for
its entry, neighbours that say the same share one vote. The kernel adds up three cosines, of letter n-grams, of
concepts, and of pairs of concepts that stand near each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from contactbot.kb.corpus import Corpus, Likeness, Row
from contactbot.kb.normalise import Word
from contactbot.kb.vocabulary import Floats, Ids

NEIGHBOURS: Final = 64
"""Phrasings that are looked at closely. Fewer lose right answers, more cost time."""
RIDGE: Final = 0.7
"""How much the classifier is held back (lambda of ridge regression)."""
REPAIR_FROM: Final = 0.45
"""Cosine from which an unknown word is read as the known one it resembles most."""

_GRAMS: Final = 1.0
_CONCEPTS: Final = 0.5
_PAIRS: Final = 1.0
_REACH: Final = 10
"""Words between the two of a pair, at most, plus one."""
_COVERING: Final = 0.6
"""Weight of "how much of the phrasing" against "how much of the question"."""
_ANSWER: Final = 0.5
"""What a word found in the answer counts against one found in a phrasing."""
_BUCKETS: Final = 1 << 14
"""Columns per channel before the empty ones are dropped; of 2,000 features one in eight shares its column."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question's words, each once, with what they are like in the base and how much they tell."""

    words: tuple[Word, ...]
    likeness: tuple[Likeness, ...]
    rarity: Floats
    weights: Floats

    @classmethod
    def of(cls, corpus: Corpus, words: Sequence[Word]) -> "Question":
        """Look `words` up in `corpus`."""
        likeness = tuple(corpus.likeness(word) for word in words)
        pairs = zip(words, likeness, strict=True)
        rarity = np.array([corpus.rarity_of(word, found) for word, found in pairs])
        lengths = np.array([len(word.form) + 1.0 for word in words])
        return cls(tuple(words), likeness, rarity, rarity * lengths)


@dataclass(frozen=True)
class Neighbourhood:
    """The rows nearest to a question, best first, and the entries they belong to.

    `entries` are in order of their first row; `owner` gives for each row the number of its entry. Feature arrays have
    one value per entry.
    """

    question: Question
    known_words: int
    rows: tuple[Row, ...]
    covered: Floats
    covering: Floats
    entries: tuple[str, ...]
    owner: Ids
    votes: Floats
    kernel: Floats
    ratio: Floats

    @cached_property
    def features(self) -> dict[str, Floats]:
        """What is known of each entry, by the name a weight is given to."""
        asked = np.array([not row.is_answer for row in self.rows])
        nearness = self.covered + _COVERING * self.covering
        return {
            "votes": self.votes,
            "kernel": self._best(self.kernel * asked),
            "covered": self._best(self.covered * asked),
            "covering": self._best(self.covering * asked),
            "nearness": self._best(nearness * asked),
            "ratio": self._best(self.ratio * asked),
            "answer": self._best(self.covered * ~asked),
        }

    def inside(self, row: Row) -> npt.NDArray[np.bool_]:
        """Return for every word id whether it is in `row`."""
        found = np.zeros(self.known_words, dtype=bool)
        found[row.words] = True
        return found

    def phrasing_of(self, entry: int) -> int:
        """Return the number of the row that speaks best for an entry; of several, the first."""
        return self._phrasings[entry]

    @cached_property
    def _phrasings(self) -> dict[int, int]:
        found: dict[int, int] = {}
        scores: list[float] = (self.kernel + self.covered).tolist()
        for row, entry in enumerate(self.owner.tolist()):
            if entry not in found or scores[row] > scores[found[entry]]:
                found[entry] = row
        return found

    def _best(self, values: Floats) -> Floats:
        best = np.zeros(len(self.entries))
        np.maximum.at(best, self.owner, values)
        return best


def neighbourhood(corpus: Corpus, words: Sequence[Word]) -> Neighbourhood | None:
    """Return what is near a question of these words, each once; None where nothing is."""
    question = Question.of(corpus, words)
    hits = corpus.search(question.likeness, question.weights)
    numbers = _nearest(corpus, hits.covered, hits.covering)
    if not numbers:
        return None
    rows = tuple(row for at in numbers if (row := corpus.rows[at]) is not None)
    entries = tuple(dict.fromkeys(row.entry_id for row in rows))
    place = {entry: at for at, entry in enumerate(entries)}
    owner = np.array([place[row.entry_id] for row in rows])
    alike = _kernel(corpus, question, rows)
    return Neighbourhood(
        question=question,
        known_words=len(corpus.vocabulary.words),
        rows=rows,
        covered=hits.covered[numbers],
        covering=hits.covering[numbers],
        entries=entries,
        owner=owner,
        votes=_votes(alike, owner, len(entries), np.array([row.is_answer for row in rows])),
        kernel=alike[0, 1:],
        ratio=_ratios(words, rows),
    )


def _nearest(corpus: Corpus, covered: Floats, covering: Floats) -> list[int]:
    score = np.round(covered + _COVERING * covering, 9)
    score = np.where(corpus.answers, _ANSWER * covered, score)
    found = int(np.count_nonzero(score))
    candidates = np.flatnonzero(score >= _least(score, NEIGHBOURS)) if found > NEIGHBOURS else np.flatnonzero(score)

    def order(at: int) -> tuple[float, str, str]:
        row = corpus.rows[at]
        return (-float(score[at]), row.entry_id, row.text) if row else (0.0, "", "")

    return sorted(candidates.tolist(), key=order)[:NEIGHBOURS]


def _least(score: Floats, count: int) -> float:
    """Return the value of the place `count` in `score`, sought only among what can reach it."""
    columns = 4 * count
    whole = len(score) - len(score) % columns
    if whole > columns:
        tops = score[:whole].reshape(-1, columns).max(axis=0)  # as many rows reach the last of the best tops
        score = score[score >= np.partition(tops, -count)[-count]]
    return float(np.partition(score, -count)[-count])


def _votes(alike: Floats, owner: Ids, entries: int, answers: Ids) -> Floats:
    # The matrix is symmetric, so one solution for the question serves all entries.
    solved = np.linalg.solve(alike[1:, 1:] + RIDGE * np.eye(len(owner)), alike[0, 1:])
    return np.asarray(np.bincount(owner, solved * ~answers, minlength=entries), dtype=np.float64)


def sorted_words(words: Iterable[Word]) -> str:
    """Return words spelled out in the order of the alphabet, so that a question in another order is no other."""
    return " ".join(sorted(word.form for word in words))


def _ratios(words: Sequence[Word], rows: Sequence[Row]) -> Floats:
    written = [row.sorted_words for row in rows]
    found = process.cdist([sorted_words(words)], written, scorer=fuzz.ratio, dtype=np.float32)[0]
    return np.asarray(found, dtype=np.float64) / 100.0


def _kernel(corpus: Corpus, question: Question, rows: Sequence[Row]) -> Floats:
    """Return the likeness of every two of (question, rows): 1 on the diagonal, the question first."""
    words = _Words.of(corpus, question, rows)
    parts = (words.grams(), words.single(), words.pairs())
    columns = np.concatenate([part.columns & _BUCKETS - 1 | channel * _BUCKETS for channel, part in enumerate(parts)])
    owners = np.concatenate([part.rows for part in parts])
    values = np.concatenate([part.values for part in parts])
    return _dense(owners, columns, values, len(rows) + 1)


@dataclass(frozen=True, slots=True)
class _Part:
    """One channel of a sparse matrix; each row has length sqrt(weight of the channel)."""

    rows: Ids
    columns: Ids
    values: Floats

    @classmethod
    def of(cls, rows: Ids, columns: Ids, values: Floats, count: int, weight: float) -> "_Part":
        norms = np.sqrt(np.bincount(rows, values * values, minlength=count))
        share = np.sqrt(weight / (_GRAMS + _CONCEPTS + _PAIRS))
        return cls(rows, columns, values / np.maximum(norms, 1e-9)[rows] * share)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the question and of all rows, one after the other; the question is row 0."""

    count: int
    rows: Ids
    concepts: Ids
    rarity: Floats
    hashes: Ids
    sizes: Ids

    @classmethod
    def of(cls, corpus: Corpus, question: Question, rows: Sequence[Row]) -> "_Words":
        known = corpus.vocabulary
        ids = np.concatenate([row.words for row in rows])
        asked = [_read(corpus, *pair) for pair in zip(question.words, question.likeness, strict=True)]
        lengths = [len(asked), *(len(row.words) for row in rows)]
        grams, sizes = known.grams_of(ids)
        return cls(
            count=len(rows) + 1,
            rows=np.repeat(np.arange(len(rows) + 1), lengths),
            concepts=np.concatenate([np.array(asked, dtype=np.int64), known.concepts[ids]]),
            rarity=np.concatenate([question.rarity, corpus.rarity[ids]]),
            hashes=np.concatenate([*(word.grams for word in question.words), grams]),
            sizes=np.concatenate([[len(word.grams) for word in question.words], sizes]),
        )

    def grams(self) -> _Part:
        values = np.repeat(np.sqrt(self.rarity), self.sizes)
        rows = np.repeat(self.rows, self.sizes)
        return _Part.of(rows, self.hashes, values, self.count, _GRAMS)

    def single(self) -> _Part:
        return _Part.of(self.rows, self.concepts, self.rarity, self.count, _CONCEPTS)

    def pairs(self) -> _Part:
        rows, columns, values = [], [], []
        for apart in range(1, min(_REACH, len(self.rows) - 1) + 1):
            same = (self.rows[apart:] == self.rows[:-apart]) & (self.concepts[apart:] != self.concepts[:-apart])
            one, other = self.concepts[:-apart][same], self.concepts[apart:][same]
            rows.append(self.rows[apart:][same])
            columns.append(np.minimum(one, other) * 1_000_003 ^ np.maximum(one, other) * 19_349_663)
            values.append(np.sqrt(self.rarity[:-apart][same] * self.rarity[apart:][same]))
        if not rows:
            return _Part.of(self.rows[:0], self.concepts[:0], self.rarity[:0], self.count, _PAIRS)
        mixed = np.concatenate(columns)
        return _Part.of(np.concatenate(rows), mixed ^ mixed >> 21, np.concatenate(values), self.count, _PAIRS)


def _read(corpus: Corpus, word: Word, likeness: Likeness) -> int:
    """Return the concept of a word of the question; of an unknown one, that of the known word it resembles."""
    near = likeness.nearest
    if near is None or near[1] < REPAIR_FROM:
        return word.concept
    return int(corpus.vocabulary.concepts[near[0]])


def _dense(rows: Ids, columns: Ids, values: Floats, count: int) -> Floats:
    """Return the product of a sparse matrix with itself, over the columns that more than one row can share."""
    shared = np.bincount(columns, minlength=3 * _BUCKETS) > 1
    used = np.flatnonzero(shared)
    width = len(used)
    place = np.empty(3 * _BUCKETS, np.int64)
    place[used] = np.arange(width)
    kept = shared[columns]
    at = rows[kept] * width + place[columns[kept]]
    matrix = np.bincount(at, values[kept], minlength=count * width).reshape(count, width).astype(np.float32)
    product = (matrix @ matrix.T).astype(np.float64)
    np.fill_diagonal(product, 1.0)
    return product
