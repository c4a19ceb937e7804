"""How alike every two of a question and some rows are."""

from typing import Final

import numpy as np

from contactbot.kb.corpus import Corpus
from contactbot.kb.survey import Question, Survey
from contactbot.kb.vocabulary import Shares

GRAMS: Final = 0.4
CONCEPTS: Final = 0.2
PAIRS: Final = 0.4
"""The parts of the kernel that are about letters, meanings, and meanings that come together; their sum is 1."""


def kernel(corpus: Corpus, question: Question, near: Survey) -> Shares:
    """Return the likeness of every two of (question, rows surveyed): 1 on the diagonal, the question first.

    It is the sum of three cosines: of n-grams, of concepts, and of pairs of concepts. None needs the pairs or n-grams
    themselves. The words' sketches stand for their n-grams. And where x and y hold the square roots of two texts'
    rarities, concept by concept, the pairs that both have weigh ((x.y)^2 - x^2.y^2) / 2 together, since (a + b)^2 is
    a^2 + b^2 + 2ab.
    """
    owners = np.arange(1, len(near.numbers) + 1).repeat(near.sizes)
    roots = corpus.roots[near.ids][near.columns]
    rarity = np.array([one.rarity for one in question.asked], np.float32)
    asked = np.sqrt(rarity)

    spelled = np.zeros((len(near.numbers) + 1, len(near.ids)), np.float32)
    spelled[owners, near.columns] = roots
    letters = spelled @ corpus.vocabulary.sketches[near.ids].astype(np.float32)
    letters[0] = asked @ np.array([one.sketch for one in question.asked], np.float32)
    letters *= np.sqrt(GRAMS / np.maximum(np.einsum("ij,ij->i", letters, letters), _NEXT_TO_NOTHING))[:, None]
    found: Shares = letters @ letters.T

    kin = corpus.vocabulary.kin[near.ids]
    seat = np.full(len(corpus.weights), -1, np.int32)
    seat[kin] = np.arange(len(kin))
    meant = np.zeros_like(spelled)
    meant[owners, seat[kin][near.columns]] = roots
    read = np.array([one.kin for one in question.asked])
    seats = np.where(read >= 0, seat[read], -1)
    met = (seats >= 0).nonzero()[0]
    meant[0, seats[met]] = asked[met]
    both = meant @ meant.T
    meant *= meant
    single = meant @ meant.T
    alone = rarity[seats < 0]  # what the question means and no row does
    both[0, 0] += alone.sum()
    single[0, 0] += alone @ alone

    own = single.diagonal()
    both *= both
    both -= single
    pairs = both.diagonal()
    has_pairs = pairs > _NEXT_TO_NOTHING * own  # a text of one concept has none
    found += _scaled(both, np.sqrt(PAIRS / np.where(has_pairs, pairs, np.inf)))
    found += _scaled(single, np.sqrt(CONCEPTS / np.maximum(own, _NEXT_TO_NOTHING)))
    np.fill_diagonal(found, 1.0)
    return found


_NEXT_TO_NOTHING: Final = 1e-4


def _scaled(product: Shares, scale: Shares) -> Shares:
    product *= scale
    product *= scale[:, None]
    return product
