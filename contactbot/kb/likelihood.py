"""How probable a question's words are, coming from those who ask about an entry (naive Bayes)."""

from typing import Final

import numpy as np

from contactbot.kb.corpus import Corpus
from contactbot.kb.grams import Ids
from contactbot.kb.survey import Question, distinct
from contactbot.kb.vocabulary import Numbers, Shares

SMOOTHING: Final = 0.5
"""How often every word of the base is taken to have been said about every entry (Lidstone's rule)."""
SHARPNESS: Final = 5
"""Power of the cosine by which a word counts as another: half as alike is hardly the same word any more."""


def likelihood(corpus: Corpus, question: Question, firsts: Numbers, without: int | None = None) -> Shares:
    """Return for each entry the logarithm of the likelihood of a question, 0 for the likeliest.

    `firsts` are the numbers of the entries' first rows, and the row of the number `without` counts as not there. All
    phrasings of an entry count, also those that are far from the question. A rare word counts more than a common one,
    by the square root of its rarity.
    """
    words, owners = _said(corpus, firsts, without)
    ids, columns, place = distinct(words, len(corpus.weights))
    same = np.zeros((len(ids) + 1, len(question.asked)), np.float32)
    same[place[question.ids], question.owners] = question.cosines**SHARPNESS
    places = owners * len(ids) + columns
    said = np.bincount(places, minlength=len(firsts) * len(ids)).astype(np.float32).reshape(len(firsts), -1)
    counts = said @ same[:-1]  # the last line took in what nobody has said
    counts += np.float32(SMOOTHING)
    sizes = said.sum(axis=1) + np.float32(SMOOTHING * len(corpus.in_use))
    roots = np.sqrt(np.array([one.rarity for one in question.asked], np.float32))
    roots /= roots.mean()
    found: Shares = np.log(counts) @ roots - np.log(sizes) * roots.sum()
    found -= found.max()
    return found


def _said(corpus: Corpus, firsts: Numbers, without: int | None) -> tuple[Numbers, Ids]:
    """Return the words of all phrasings of the entries that begin at `firsts`, and the place of each word's entry."""
    rows = corpus.rows
    counts = rows.ends[firsts] - firsts
    numbers = firsts.repeat(counts) + np.arange(counts.sum()) - (counts.cumsum() - counts).repeat(counts)
    asks = ~rows.answers[numbers]
    if without is not None:
        asks &= numbers != without
    numbers = numbers[asks]
    owners = np.arange(len(firsts)).repeat(counts)[asks].repeat(rows.sizes[numbers])
    return rows.words_of(numbers), owners
