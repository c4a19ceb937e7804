"""The texts of a knowledge base and the words of each, as columns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import numpy.typing as npt

from contactbot.kb.grams import Ids
from contactbot.kb.vocabulary import Numbers, slices_of


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One text of an entry: a way to ask, or the words of its answer.

    `sorted_words` are its words spelled out, in the order of the alphabet.
    """

    entry_id: str
    language: str
    text: str
    sorted_words: str
    is_answer: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows by number. One that is taken out leaves blanks, since the others keep their numbers.

    The words of a row, ids of a vocabulary, each once, in order, begin at `starts` in `words` and are as many as
    `sizes` says, one at least. `firsts` is the number of the first row of the same entry; the rows of an entry stand
    together, its answers last, and `asked` is how many words the others have together. `keys` settle ties whatever
    the numbers, and `answers` tells which rows are answers.
    """

    entry_ids: tuple[str, ...]
    languages: tuple[str, ...]
    texts: tuple[str, ...]
    sorted_words: tuple[str, ...]
    words: Numbers
    starts: Ids
    sizes: Ids
    firsts: Numbers
    asked: Ids
    keys: Ids
    answers: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[Row], words: Sequence[Sequence[int]]) -> "Rows":
        """Return these rows as columns, `words` being the ids of the words of each."""
        sizes = np.array([len(ids) for ids in words], np.int64)
        first: dict[str, int] = {}
        asked: dict[str, int] = defaultdict(int)
        for row, ids in zip(rows, words, strict=True):
            asked[row.entry_id] += 0 if row.is_answer else len(ids)
        return cls(
            entry_ids=tuple([row.entry_id for row in rows]),
            languages=tuple([row.language for row in rows]),
            texts=tuple([row.text for row in rows]),
            sorted_words=tuple([row.sorted_words for row in rows]),
            words=np.array([one for ids in words for one in ids], np.int32),
            starts=sizes.cumsum() - sizes,
            sizes=sizes,
            firsts=np.array([first.setdefault(row.entry_id, at) for at, row in enumerate(rows)], np.int32),
            asked=np.array([asked[row.entry_id] for row in rows], np.int64),
            keys=np.array([_key(row) for row in rows], np.int64),
            answers=np.array([row.is_answer for row in rows], bool),
        )

    def __len__(self) -> int:
        return len(self.texts)

    def plus(self, more: "Rows") -> "Rows":
        """Return these rows with `more` at the end."""
        return Rows(
            entry_ids=self.entry_ids + more.entry_ids,
            languages=self.languages + more.languages,
            texts=self.texts + more.texts,
            sorted_words=self.sorted_words + more.sorted_words,
            words=np.concatenate([self.words, more.words]),
            starts=np.concatenate([self.starts, more.starts + len(self.words)]),
            sizes=np.concatenate([self.sizes, more.sizes]),
            firsts=np.concatenate([self.firsts, more.firsts + np.int32(len(self))]),
            asked=np.concatenate([self.asked, more.asked]),
            keys=np.concatenate([self.keys, more.keys]),
            answers=np.concatenate([self.answers, more.answers]),
        )

    def minus(self, gone: Ids) -> "Rows":
        """Return these rows with holes at these numbers."""
        texts, sorted_words = list(self.texts), list(self.sorted_words)
        for at in gone.tolist():
            texts[at] = sorted_words[at] = ""
        return replace(self, texts=tuple(texts), sorted_words=tuple(sorted_words))

    def words_of(self, numbers: Ids) -> Numbers:
        """Return the words of the rows of these numbers, one row after the other."""
        return slices_of(self.words, self.starts[numbers], self.sizes[numbers])


def _key(row: Row) -> int:
    return crc32(f"{row.entry_id}\n{row.text}".encode("utf-8", "surrogatepass"))
