"""Order what was found: a small classifier, learnt anew for each question from the phrasings nearest to it.

Learning only among the neighbours is within a point of learning over the whole base, costs a fifth of a millisecond,
and leaves nothing to retrain when an editor changes an entry. The classifier is kernel ridge regression: every
neighbour votes for its entry, neighbours that say the same share one vote.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rapidfuzz import fuzz, process

from contactbot.kb.corpus import COVERING, Corpus
from contactbot.kb.grams import Ids
from contactbot.kb.kernel import kernel
from contactbot.kb.likelihood import likelihood
from contactbot.kb.meaning import Meant
from contactbot.kb.normalise import Word
from contactbot.kb.rows import Rows
from contactbot.kb.survey import Question, Survey, nearest
from contactbot.kb.vocabulary import Numbers, Shares

NEIGHBOURS: Final = 56
"""Phrasings that are looked at closely. Fewer lose right answers, more cost time."""
RIDGE: Final = np.float32(0.7)
"""How much the classifier is held back (lambda of ridge regression)."""
FEATURES: Final = ("kernel", "covered", "covering", "nearness", "ratio", "answer", "votes", "likelihood")
"""What is known of an entry: how near its best phrasing and its answer come, the votes of its phrasings that are near,
and how likely all of them make the question."""
_RIDGES: Final = RIDGE * np.eye(NEIGHBOURS, dtype=np.float32)
_ABOUT_PHRASINGS: Final = np.array([[name != "answer"] for name in FEATURES[:-1]])
_VOTES: Final = FEATURES.index("votes")


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The rows nearest to a question and the entries they belong to.

    The rows of an entry stand together, between two of `bounds`. `features` has a line for each of FEATURES and a
    column for each entry. Of each row, `speaks` is how well it speaks for its entry, and `meant` how near it comes in
    meaning, None without an encoder.
    """

    question: Question
    survey: Survey
    bounds: tuple[int, ...]
    entries: tuple[str, ...]
    speaks: list[float]
    features: Shares
    meant: Shares | None

    def phrasing_of(self, entry: int) -> int:
        """Return the number of the row that speaks best for an entry; of several, the first."""
        start = self.bounds[entry]
        own = self.speaks[start : self.bounds[entry + 1]]
        return start + own.index(max(own))

    def alike(self, row: int) -> Shares:
        """Return the likeness of each word of the question, one a line, with each of the words of a row."""
        return self.survey.alike.take(self.survey.columns_of(row), axis=0).T


@np.errstate(invalid="ignore")  # BLAS reckons in whole vectors, and may flag what lies beyond the end of an array
def neighbourhood(
    corpus: Corpus, words: Sequence[Word], meant: Meant | None = None, without: int | None = None
) -> Neighbourhood | None:
    """Return what is near a question of these words, each once, that `meant` this; None where nothing is.

    The row of the number `without` counts as not there.
    """
    question = Question.of(corpus, words)
    near = nearest(corpus, question, NEIGHBOURS, meant, without)
    if near is None:
        return None
    alike = kernel(corpus, question, near)
    covered, covering, ratios = near.covered, near.covering, _ratios(words, corpus.rows, near.numbers)
    if meant is not None:
        alike = meant.kernel(alike, near.numbers)
        covered, covering, ratios = (meant.blended(one, near.numbers) for one in (covered, covering, ratios))
    nearness = covered + COVERING * covering
    values = np.concatenate((alike[0, 1:], covered, covering, nearness, ratios, covered, _votes(alike)))
    values = values.reshape(len(_ABOUT_PHRASINGS), -1) * (corpus.rows.answers[near.numbers] != _ABOUT_PHRASINGS)
    firsts = corpus.rows.firsts[near.numbers]
    starts = _starts(firsts)
    likely = likelihood(corpus, question, firsts[starts], without)
    return Neighbourhood(
        question=question,
        survey=near,
        bounds=(*starts.tolist(), len(near.numbers)),
        entries=tuple([corpus.rows.entry_ids[at] for at in near.numbers[starts].tolist()]),
        speaks=(alike[0, 1:] + near.covered).tolist(),
        features=np.vstack((_of_entries(values, starts), likely)),
        meant=None if meant is None else meant.near[near.numbers],
    )


def _starts(values: Numbers) -> Ids:
    """Return where another value begins than stood before."""
    is_new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new.nonzero()[0]


def _of_entries(values: Shares, starts: Ids) -> Shares:
    """Return of each entry the best of its rows, and the sum of their votes."""
    found: Shares = np.maximum.reduceat(values, starts, axis=1)
    found[_VOTES] = np.add.reduceat(values[_VOTES], starts)
    return found


def _votes(alike: Shares) -> Shares:
    # The matrix is symmetric, so one solution for the question serves all entries.
    count = len(alike) - 1
    return np.linalg.solve(alike[1:, 1:] + _RIDGES[:count, :count], alike[0, 1:])


def sorted_words(words: Iterable[Word]) -> str:
    """Return words spelled out in the order of the alphabet, so that a question in another order is no other."""
    return " ".join(sorted([word.form for word in words]))


def _ratios(words: Sequence[Word], rows: Rows, numbers: Ids) -> Shares:
    written = [rows.sorted_words[at] for at in numbers.tolist()]
    found: Shares = process.cdist([sorted_words(words)], written, scorer=fuzz.ratio, dtype=np.float32)[0]
    return found / np.float32(100.0)
