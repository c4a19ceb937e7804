"""The phrasings of a knowledge base behind an inverted index: quick to search, quick to change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from contactbot.kb.grams import Ids, grams
from contactbot.kb.normalise import Word
from contactbot.kb.rows import Rows
from contactbot.kb.vocabulary import SKETCH, Numbers, Shares, Vocabulary, sketches

LEAST_ALIKE: Final = 0.2
"""Cosine of n-grams below which two words have nothing to do with each other."""
REMEMBERED: Final = 4000
"""Words of questions whose likeness is kept: half the words of any question are the same few."""
SAME_MEANING: Final = np.float32(0.8)
"""How alike two words of one meaning count, however they are spelled."""
SMALL_WORD: Final = 0.4
"""How much a small word weighs against another of the same rarity."""
REPAIR_FROM: Final = 0.4
"""Cosine from which an unknown word is read as the known one it resembles most."""
SHORTEST_MISTYPED: Final = 2
"""Letters from which a word is compared letter by letter: "pi" may be "pin", while "in" is too unlike "on" to be it."""
TWICE_MISTYPED: Final = 7
"""Letters from which a word may have two wrong ones."""
WRONG_LETTER: Final = np.float32(0.9)
"""What a wrong letter costs, in letters: one of five leaves two words a little more alike than two of one meaning."""
COVERING: Final = 0.6
"""Weight of "how much of the phrasing" against "how much of the question"."""
ANSWER: Final = 0.5
"""What a word found in the answer counts against one found in a phrasing."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One word of a question among the words of the base: ids in rising order, and the cosine with each.

    `best` is the greatest cosine, 0 where the word is like nothing. `rarity` is how much the word tells rows apart,
    `weight` that times its length. `kin` is the number of the concept it is read as, -1 where the base has none such,
    and `sketch` stands for its n-grams.
    """

    word: Word
    ids: Numbers
    cosines: Shares
    best: float
    rarity: float
    weight: float
    kin: int
    sketch: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Rows, and for each word of a vocabulary the rows it is in.

    Immutable: `plus` and `minus` return a new one, so a search that runs meanwhile is not disturbed. The rows of a word
    begin at `begins` in `postings`, rise, and are as many as `used` says.

    Of each word, `rarity` is how much it tells rows apart, `roots` the square root of that, `weights` that times its
    length (long words carry the subject). Of each row, `masses` is its weight; and a row's score is its share of the
    question times `worth`, plus its matched weight times `breadth`. `in_use` are the words that a row has.

    Two things are filled in by searches, and any two of them would fill in the same: `spelled`, what the kernel makes
    of the letters of a row (where `is_spelled`; half a kilobyte for each row that was ever near), and `looked_up`.
    """

    vocabulary: Vocabulary
    rows: Rows
    postings: Numbers
    begins: Ids
    used: Ids
    live: int
    rarity: Shares
    roots: Shares
    weights: Shares
    masses: Shares
    worth: Shares
    breadth: Shares
    in_use: frozenset[str]
    spelled: npt.NDArray[np.int16]
    is_spelled: npt.NDArray[np.bool_]
    looked_up: dict[str, Asked] = field(default_factory=dict, repr=False)

    @classmethod
    def empty(cls) -> "Corpus":
        """Return a corpus without rows."""
        return cls._weighed(Vocabulary.empty(), Rows.of((), ()), np.zeros(0, np.int32), np.zeros(0, np.int64), 0)

    @classmethod
    def _weighed(cls, vocabulary: Vocabulary, rows: Rows, postings: Numbers, used: Ids, live: int) -> "Corpus":
        rarity = np.log(1 + (live - used + 0.5) / (used + 0.5)) * np.where(vocabulary.small, SMALL_WORD, 1.0)
        weights = (rarity * vocabulary.lengths).astype(np.float32)
        masses = np.add.reduceat(weights[rows.words], rows.starts) if len(rows) else np.zeros(0, np.float32)
        return cls(
            vocabulary=vocabulary,
            rows=rows,
            postings=postings,
            begins=used.cumsum() - used,
            used=used,
            live=live,
            rarity=rarity.astype(np.float32),
            roots=np.sqrt(rarity).astype(np.float32),
            weights=weights,
            masses=masses,
            worth=np.where(rows.answers, ANSWER, 1.0).astype(np.float32),
            breadth=np.where(rows.answers, 0.0, COVERING / masses).astype(np.float32),
            in_use=frozenset(compress(vocabulary.forms, used.tolist())),
            spelled=np.empty((len(rows), SKETCH), np.int16),
            is_spelled=np.zeros(len(rows), bool),
        )

    def plus(self, vocabulary: Vocabulary, more: Rows) -> "Corpus":
        """Return this corpus with rows at the end, whose words are ids of `vocabulary`, this one's or a longer one."""
        size = len(vocabulary.forms)
        numbers = np.arange(len(self.rows), len(self.rows) + len(more), dtype=np.int32).repeat(more.sizes)
        order = more.words.argsort(kind="stable")
        ends = np.full(size, len(self.postings))
        ends[: len(self.used)] = self.begins + self.used
        used = np.bincount(more.words, minlength=size)
        used[: len(self.used)] += self.used
        postings = np.insert(self.postings, ends[more.words[order]], numbers[order])
        return self._weighed(vocabulary, self.rows.plus(more), postings, used, self.live + len(more))

    def minus(self, numbers: Iterable[int]) -> "Corpus":
        """Return this corpus without the rows of these numbers."""
        gone = np.array(sorted(numbers), np.int64)
        stays = np.ones(len(self.rows), dtype=bool)
        stays[gone] = False
        used = self.used - np.bincount(self.rows.words_of(gone), minlength=len(self.used))
        postings = self.postings[stays[self.postings]]
        return self._weighed(self.vocabulary, self.rows.minus(gone), postings, used, self.live - len(gone))

    def means(self, concept: int) -> bool:
        """Whether a row has a word of this concept."""
        return bool(self.used[self.vocabulary.meaning(concept)].any())

    def asked(self, words: Sequence[Word]) -> tuple[Asked, ...]:
        """Look the words of a question up; those of the last questions are remembered."""
        known = [self.looked_up.get(word.form) for word in words]
        new = [word for word, found in zip(words, known, strict=True) if found is None]
        if not new:
            return tuple([one for one in known if one is not None])
        looked_up = self._look_up(new)
        if len(self.looked_up) + len(looked_up) > REMEMBERED:
            self.looked_up.clear()
        self.looked_up.update(looked_up)
        return tuple([found or looked_up[word.form] for word, found in zip(words, known, strict=True)])

    def _look_up(self, words: Sequence[Word]) -> dict[str, Asked]:
        hashes, owners = grams([word.form for word in words])
        sketched = sketches(hashes, owners, len(words))
        ends = owners.searchsorted(np.arange(len(words) + 1)).tolist()
        return {
            word.form: self._look(word, hashes[ends[at] : ends[at + 1]], sketched[at]) for at, word in enumerate(words)
        }

    def _look(self, word: Word, hashes: Ids, sketch: npt.NDArray[np.int8]) -> Asked:
        """Find the words in use that resemble `word` in spelling or share its meaning."""
        same = self.vocabulary.meaning(word.concept)
        ids, cosines = self.vocabulary.alike(hashes, same)
        if word.form not in self.in_use:
            cosines = np.maximum(cosines, self._mistyped(word.form, ids))
        at = ids.searchsorted(same)
        cosines[at] = np.maximum(cosines[at], SAME_MEANING)
        near = ((cosines >= LEAST_ALIKE) & (self.used[ids] > 0)).nonzero()[0]
        ids, cosines = ids[near], cosines[near]
        best, rarity = 0.0, float(np.log(2.0 * self.live + 2.0))
        kin = int(same[0]) if len(same) else -1
        if len(ids):
            best = float(cosines.max())
            like = min(ids[cosines >= best].tolist(), key=self.vocabulary.forms.__getitem__)
            rarity = float(self.rarity[like]) / (SMALL_WORD if self.vocabulary.small[like] else 1.0)
            kin = int(self.vocabulary.kin[like]) if best >= REPAIR_FROM else kin
        rarity *= SMALL_WORD if word.small else 1.0
        return Asked(word, ids.astype(np.int32), cosines, best, rarity, rarity * (len(word.form) + 1), kin, sketch)

    def _mistyped(self, form: str, ids: Ids) -> Shares:
        """Return how like each word `form` is if it is that word with a letter or two wrong; 0 where it is not.

        A letter too few, too many or another, and two in each other's place, are one wrong letter each (the "optimal
        string alignment" distance); they spoil most n-grams of a short word, and so its cosine. A number or a
        code with another digit is another one.
        """
        found = np.zeros(len(ids), np.float32)
        if len(form) < SHORTEST_MISTYPED or not form.isalpha():
            return found
        most = 2 if len(form) >= TWICE_MISTYPED else 1
        lengths = self.vocabulary.lengths[ids] - 1
        near = (abs(lengths - len(form)) <= most).nonzero()[0]
        written = [self.vocabulary.forms[one] for one in ids[near].tolist()]
        if not written:
            return found
        wrong = process.cdist([form], written, scorer=OSA.distance, score_cutoff=most, dtype=np.uint8)[0]
        is_it = wrong <= most
        at = near[is_it]
        found[at] = 1 - WRONG_LETTER * wrong[is_it] / np.maximum(lengths[at], len(form))
        return found
