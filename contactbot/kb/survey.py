"""A question beside the rows of a corpus: all rows at a glance, then the nearest of them word by word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contactbot.kb.corpus import COVERING, Asked, Corpus
from contactbot.kb.grams import Ids
from contactbot.kb.meaning import Meant
from contactbot.kb.normalise import Word
from contactbot.kb.vocabulary import Numbers, Shares, slices_of

FAINT: Final = 0.1
"""A word of the base finds no row by itself if it matters less than this, against the one that matters most."""
_EQUAL: Final = 1e-5
"""Relative difference of two scores that may come of the order in which they were added up."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question's words, each once, and what they are like in the base.

    `ids` are the words of the base, `cosines` how like, and `owners` which word of the question, one after the other.
    """

    asked: tuple[Asked, ...]
    weights: Shares
    whole: float
    ids: Numbers
    cosines: Shares
    owners: Ids

    @classmethod
    def of(cls, corpus: Corpus, words: Sequence[Word]) -> "Question":
        """Look `words` up in `corpus`."""
        asked = corpus.asked(words)
        weights = np.array([one.weight for one in asked], np.float32)
        return cls(
            asked,
            weights,
            float(weights.sum()),
            np.concatenate([one.ids for one in asked]),
            np.concatenate([one.cosines for one in asked]),
            np.arange(len(asked)).repeat([len(one.ids) for one in asked]),
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """Some rows of a corpus, by number, rising, beside a question.

    `ids` are the words of the rows, each once. `columns` are the places in `ids` of each row's words, one row after the
    other; those of a row begin at `starts` and are as many as `sizes` says. `alike` has a line for each of `ids` and a
    column for each word of the question, with their cosine; `closest` has a line for each row instead, with the cosine
    of the nearest of its words. `covered` is for each row the share of the question that it covers, `covering` the
    share of itself that the question covers.
    """

    numbers: Ids
    ids: Numbers
    columns: Numbers
    starts: Ids
    sizes: Ids
    alike: Shares
    closest: Shares
    covered: Shares
    covering: Shares

    @classmethod
    def of(cls, corpus: Corpus, question: Question, numbers: Ids) -> "Survey":
        """Compare these rows with the question word by word."""
        sizes = corpus.rows.sizes[numbers]
        starts = sizes.cumsum() - sizes
        ids, columns, place = _distinct(corpus.rows.words_of(numbers), len(corpus.weights))
        alike = np.zeros((len(ids) + 1, len(question.asked)), np.float32)
        alike[place[question.ids], question.owners] = question.cosines
        alike = alike[:-1]  # the last line took in what no row has
        covering: Shares = np.add.reduceat((alike.max(axis=1) * corpus.weights[ids])[columns], starts)
        closest: Shares = np.maximum.reduceat(alike.take(columns, axis=0), starts)
        return cls(
            numbers=numbers,
            ids=ids,
            columns=columns,
            starts=starts,
            sizes=sizes,
            alike=alike,
            closest=closest,
            covered=closest @ question.weights / question.whole,
            covering=covering / corpus.masses[numbers],
        )

    def columns_of(self, row: int) -> Numbers:
        """Return the places in `ids` of the words of a row, counted from the first of the survey."""
        start = self.starts[row]
        return self.columns[start : start + self.sizes[row]]


def _distinct(values: Numbers, end: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return `values`, all below `end`, each once; where each of them is there; and where any number is, or -1."""
    place = np.full(end, -1, np.int32)
    order = np.arange(len(values), dtype=np.int32)
    place[values] = order
    ids = values[place[values] == order]
    place[ids] = order[: len(ids)]
    return ids, place[values], place


def nearest(
    corpus: Corpus, question: Question, count: int, meant: Meant | None = None, without: int | None = None
) -> Survey | None:
    """Survey the rows nearest to a question, at most `count`; None where nothing speaks for any but `without`."""
    score = _glance(corpus, question)
    if meant is not None:
        score = meant.blended(score, slice(None), corpus.worth * np.float32(1.0 + COVERING))
    if without is not None:
        score[without] = 0.0
    numbers = _best(score, count, corpus.rows.keys)
    return Survey.of(corpus, question, numbers) if len(numbers) else None


def _glance(corpus: Corpus, question: Question) -> Shares:
    """Return about how near every row is: as if no two of its words were like the same word of the question."""
    if not len(question.ids):
        return np.zeros(len(corpus.rows), np.float32)
    matter = question.cosines * question.weights[question.owners]
    clear = (matter > FAINT * matter.max()).nonzero()[0]
    words = question.ids[clear]
    counts = corpus.used[words]
    rows = slices_of(corpus.postings, corpus.begins[words], counts)
    score = np.bincount(rows, matter[clear].repeat(counts), minlength=len(corpus.rows)).astype(np.float32)
    scale = corpus.worth * np.float32(1.0 / question.whole)
    scale += corpus.breadth
    score *= scale
    return score


def _best(score: Shares, count: int, keys: Ids) -> Ids:
    """Return the places, rising, of the `count` greatest of `score` above 0; `keys` choose between equals."""
    found: Ids = (score > _least(score, 4 * count, count)).nonzero()[0]
    if len(found) <= count:
        return found
    kept = score[found]
    near = kept >= np.partition(kept, -count)[-count] * (1 - _EQUAL)
    found, kept = found[near], kept[near]
    if len(found) > count:
        found = found[np.lexsort((keys[found], -kept.round(5)))[:count]]
        found.sort()
    return found


def _least(score: Shares, columns: int, count: int) -> float:
    """Return a value that `count` of `score` are above, or 0 where it is not worth while to seek one."""
    whole = len(score) - len(score) % columns
    if whole <= columns:
        return 0.0
    tops = score[:whole].reshape(-1, columns).max(axis=0)  # as many rows reach the last of the best tops
    tops.partition(-count)
    return float(tops[-count]) * (1 - 2 * _EQUAL)
