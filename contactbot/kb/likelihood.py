"""How probable a question's words are, coming from those who ask about an entry (naive Bayes)."""

from typing import Final

import numpy as np

from contactbot.kb.corpus import Corpus
from contactbot.kb.grams import Ids
from contactbot.kb.survey import Question
from contactbot.kb.vocabulary import Numbers, Shares, slices_of

SMOOTHING: Final = 0.5
"""How often every word of the base is taken to have been said about every entry (Lidstone's rule)."""
SHARPNESS: Final = 5
"""Power of the cosine by which a word counts as another: half as alike is hardly the same word any more."""
HARDLY_ALIKE: Final = 0.5
"""Cosine below which a word does not count at all."""


def likelihood(corpus: Corpus, question: Question, firsts: Numbers, without: int | None = None) -> Shares:
    """Return for each entry the logarithm of the likelihood of a question, 0 for the likeliest.

    `firsts` are the numbers of the entries' first rows, and the row of the number `without` counts as not there. All
    phrasings of an entry count, also those that are far from the question. A rare word counts more than a common one,
    by the square root of its rarity.
    """
    rows, spoken = corpus.rows, corpus.rows.asked[firsts]
    words = slices_of(rows.words, rows.starts[firsts], spoken)
    alike = (question.cosines >= HARDLY_ALIKE).nonzero()[0]
    ids = question.ids[alike]
    seats = np.full(len(corpus.weights), len(ids), np.int32)  # the last is of words like none that was asked
    seats[ids] = np.arange(len(ids), dtype=np.int32)
    same = np.zeros((len(ids) + 1, len(question.asked)), np.float32)
    same[seats[ids], question.owners[alike]] = question.cosines[alike] ** SHARPNESS
    said = _counts(np.arange(len(firsts)).repeat(spoken), seats[words], (len(firsts), len(same)))
    if without is not None and not rows.answers[without]:
        own = seats[rows.words_of(np.array([without]))]
        said -= _counts((firsts == rows.firsts[without]).nonzero()[0].repeat(len(own)), own, said.shape)
    counts = said @ same
    counts += np.float32(SMOOTHING)
    sizes = said.sum(axis=1) + np.float32(SMOOTHING * len(corpus.in_use))
    roots = np.sqrt(np.array([one.rarity for one in question.asked], np.float32))
    roots /= roots.mean()
    found: Shares = np.log(counts) @ roots - np.log(sizes) * roots.sum()
    found -= found.max()
    return found


def _counts(owners: Ids, seats: Numbers, shape: tuple[int, ...]) -> Shares:
    """Return how many words of each seat each owner has."""
    lines, columns = shape
    return np.bincount(owners * columns + seats, minlength=lines * columns).astype(np.float32).reshape(shape)
