"""How alike every two of a question and some rows are."""

from math import sqrt
from typing import Final

import numpy as np

from contactbot.kb.corpus import Corpus
from contactbot.kb.survey import Question, Survey
from contactbot.kb.vocabulary import SKETCH, Shares

GRAMS: Final = 0.4
CONCEPTS: Final = 0.2
PAIRS: Final = 0.4
"""The parts of the kernel that are about letters, meanings, and meanings that come together; their sum is 1."""

_LENGTH: Final = 32767
"""Length of a row's letters, which are kept as whole numbers of 16 bits: a cosine is right to 0.0001."""
_NEXT_TO_NOTHING: Final = 1e-4


def kernel(corpus: Corpus, question: Question, near: Survey) -> Shares:
    """Return the likeness of every two of (question, rows surveyed): 1 on the diagonal, the question first.

    It is the sum of three cosines: of n-grams, of concepts, and of pairs of concepts. None needs the pairs or n-grams
    themselves. The words' sketches stand for their n-grams. And where x and y hold the square roots of two texts'
    rarities, concept by concept, the pairs that both have weigh ((x.y)^2 - x^2.y^2) / 2 together, since (a + b)^2 is
    a^2 + b^2 + 2ab.
    """
    roots = np.sqrt(np.array([one.rarity for one in question.asked], np.float32))
    letters = _letters(corpus, question, near, roots)
    found: Shares = letters @ letters.T
    found *= GRAMS / _LENGTH**2

    meant = _meant(corpus, question, near, roots)
    both = meant @ meant.T
    meant *= meant
    single = meant @ meant.T
    both *= both
    both -= single
    own, pairs = single.diagonal(), both.diagonal()
    has_pairs = pairs > _NEXT_TO_NOTHING * own  # a text of one concept has none
    found += _scaled(both, np.sqrt(PAIRS / np.where(has_pairs, pairs, np.inf)))
    found += _scaled(single, np.sqrt(CONCEPTS / np.maximum(own, _NEXT_TO_NOTHING)))
    found.ravel()[:: len(found) + 1] = 1.0
    return found


def _letters(corpus: Corpus, question: Question, near: Survey, roots: Shares) -> Shares:
    """Return for each text the sum of the sketches of its words, the rarer the weightier, of _LENGTH."""
    new = ~corpus.is_spelled[near.numbers]
    if new.any():
        numbers, columns = near.numbers[new], near.columns[new.repeat(near.sizes)]
        spelled = np.zeros((len(numbers), len(near.ids)), np.float32)
        spelled[np.arange(len(numbers)).repeat(near.sizes[new]), columns] = corpus.roots[near.ids[columns]]
        sums = spelled @ corpus.vocabulary.sketches[near.ids].astype(np.float32)
        squares = np.einsum("ij,ij->i", sums, sums)
        corpus.spelled[numbers] = np.rint(sums * (_LENGTH / np.sqrt(squares + _NEXT_TO_NOTHING))[:, None])
        corpus.is_spelled[numbers] = True
    letters = np.empty((1 + len(near.numbers), SKETCH), np.float32)
    own = roots @ np.array([one.sketch for one in question.asked], np.float32)
    np.multiply(own, _LENGTH / sqrt(own @ own + _NEXT_TO_NOTHING), out=letters[0])
    letters[1:] = corpus.spelled[near.numbers]
    return letters


def _meant(corpus: Corpus, question: Question, near: Survey, roots: Shares) -> Shares:
    """Return for each text the square roots of its concepts' rarities; what only the question means comes last."""
    kin = corpus.vocabulary.kin[near.ids]
    seat = np.full(len(corpus.roots) + 1, -1, np.int32)  # the last is of words that mean nothing known: kin -1
    seat[kin] = np.arange(len(kin))
    seats = seat[[one.kin for one in question.asked]]
    own = np.arange(len(kin), len(kin) + len(seats))
    meant = np.zeros((1 + len(near.numbers), len(kin) + len(seats)), np.float32)
    meant[0, np.where(seats >= 0, seats, own)] = roots
    owners = np.arange(1, len(meant)).repeat(near.sizes)
    meant[owners, seat[kin][near.columns]] = corpus.roots[near.ids][near.columns]
    return meant


def _scaled(product: Shares, scale: Shares) -> Shares:
    product *= scale
    product *= scale[:, None]
    return product
