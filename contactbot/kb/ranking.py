"""Order what was found: a small classifier, learnt anew for each question from the phrasings nearest to it.

Learning only among the neighbours is within a point of learning over the whole base, costs a fifth of a millisecond,
and leaves nothing to retrain when an editor changes an entry. The classifier is kernel ridge regression: every
neighbour votes for its entry, neighbours that say the same share one vote.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np
from rapidfuzz import fuzz, process

from contactbot.kb.corpus import COVERING, Corpus
from contactbot.kb.grams import Ids
from contactbot.kb.kernel import kernel
from contactbot.kb.meaning import Meant
from contactbot.kb.normalise import Word
from contactbot.kb.rows import Row
from contactbot.kb.survey import Question, Survey, nearest
from contactbot.kb.vocabulary import Numbers, Shares

NEIGHBOURS: Final = 56
"""Phrasings that are looked at closely. Fewer lose right answers, more cost time."""
RIDGE: Final = np.float32(0.7)
"""How much the classifier is held back (lambda of ridge regression)."""
FEATURES: Final = ("kernel", "covered", "covering", "nearness", "ratio", "answer", "votes")
"""What is known of an entry: how near its best phrasing and its answer come, and the votes of all its phrasings."""
_ABOUT_PHRASINGS: Final = np.array([[name != "answer"] for name in FEATURES])
_VOTES: Final = FEATURES.index("votes")


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The rows nearest to a question and the entries they belong to.

    The rows of an entry stand together; those of the entries begin at `starts`. `features` has a line for each of
    FEATURES and a column for each entry. `meant` is how near each row comes in meaning, None without an encoder.
    """

    question: Question
    survey: Survey
    rows: tuple[Row, ...]
    starts: tuple[int, ...]
    entries: tuple[str, ...]
    kernel: Shares
    features: Shares
    meant: Shares | None

    def phrasing_of(self, entry: int) -> int:
        """Return the number of the row that speaks best for an entry; of several, the first."""
        start, end = (*self.starts, len(self.rows))[entry : entry + 2]
        return start + int((self.kernel[start:end] + self.survey.covered[start:end]).argmax())

    def words_of(self, row: int) -> Numbers:
        """Return the ids of the words of a row."""
        return self.survey.ids[self.survey.columns_of(row)]

    def alike(self, row: int) -> Shares:
        """Return the likeness of each word of the question, one a line, with each of the words of a row."""
        return self.survey.alike.take(self.survey.columns_of(row), axis=1)


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
    rows = tuple([row for at in near.numbers.tolist() if (row := corpus.rows.texts[at]) is not None])
    is_first = np.ones(len(rows), dtype=bool)
    firsts = corpus.rows.firsts[near.numbers]
    np.not_equal(firsts[1:], firsts[:-1], out=is_first[1:])
    starts = is_first.nonzero()[0]
    alike = kernel(corpus, question, near)
    covered, covering, ratios = near.covered, near.covering, _ratios(words, rows)
    if meant is not None:
        alike = meant.kernel(alike, near.numbers)
        covered, covering, ratios = (meant.blended(one, near.numbers) for one in (covered, covering, ratios))
    nearness = covered + COVERING * covering
    values = np.stack((alike[0, 1:], covered, covering, nearness, ratios, covered, _votes(alike)))
    values *= corpus.rows.answers[near.numbers] != _ABOUT_PHRASINGS
    return Neighbourhood(
        question=question,
        survey=near,
        rows=rows,
        starts=tuple(starts.tolist()),
        entries=tuple([row.entry_id for row in compress(rows, is_first.tolist())]),
        kernel=alike[0, 1:],
        features=_of_entries(values, starts),
        meant=None if meant is None else meant.near[near.numbers],
    )


def _of_entries(values: Shares, starts: Ids) -> Shares:
    """Return of each entry the best of its rows, and the sum of their votes."""
    found: Shares = np.maximum.reduceat(values, starts, axis=1)
    found[_VOTES] = np.add.reduceat(values[_VOTES], starts)
    return found


def _votes(alike: Shares) -> Shares:
    # The matrix is symmetric, so one solution for the question serves all entries.
    known = alike[1:, 1:].copy()
    known.ravel()[:: len(known) + 1] += RIDGE
    return np.linalg.solve(known, alike[0, 1:])


def sorted_words(words: Iterable[Word]) -> str:
    """Return words spelled out in the order of the alphabet, so that a question in another order is no other."""
    return " ".join(sorted([word.form for word in words]))


def _ratios(words: Sequence[Word], rows: Sequence[Row]) -> Shares:
    written = [row.sorted_words for row in rows]
    found: Shares = process.cdist([sorted_words(words)], written, scorer=fuzz.ratio, dtype=np.float32)[0]
    return found / np.float32(100.0)
