"""The texts of a knowledge base and the words of each, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """Rows by number. One that is taken out leaves None, since the others keep their numbers.

    The words of a row, ids of a vocabulary, each once, in order, begin at `starts` in `words` and are as many as
    `sizes` says, one at least. `firsts` is the number of the first row of the same entry; the rows of an entry stand
    together. `keys` settle ties whatever the numbers, and `answers` tells which rows are answers.
    """

    texts: tuple[Row | None, ...]
    words: Numbers
    starts: Ids
    sizes: Ids
    firsts: Numbers
    keys: Ids
    answers: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, texts: Sequence[Row], words: Sequence[Sequence[int]]) -> "Rows":
        """Return these rows, `words` being the ids of the words of each."""
        sizes = np.array([len(ids) for ids in words], np.int64)
        first: dict[str, int] = {}
        return cls(
            texts=tuple(texts),
            words=np.array([one for ids in words for one in ids], np.int32),
            starts=sizes.cumsum() - sizes,
            sizes=sizes,
            firsts=np.array([first.setdefault(row.entry_id, at) for at, row in enumerate(texts)], np.int32),
            keys=np.array([_key(row) for row in texts], np.int64),
            answers=np.array([row.is_answer for row in texts], bool),
        )

    def __len__(self) -> int:
        return len(self.texts)

    def plus(self, more: "Rows") -> "Rows":
        """Return these rows with `more` at the end."""
        return Rows(
            texts=self.texts + more.texts,
            words=np.concatenate([self.words, more.words]),
            starts=np.concatenate([self.starts, more.starts + len(self.words)]),
            sizes=np.concatenate([self.sizes, more.sizes]),
            firsts=np.concatenate([self.firsts, more.firsts + np.int32(len(self))]),
            keys=np.concatenate([self.keys, more.keys]),
            answers=np.concatenate([self.answers, more.answers]),
        )

    def minus(self, gone: Ids) -> "Rows":
        """Return these rows with holes at these numbers."""
        texts = list(self.texts)
        for at in gone.tolist():
            texts[at] = None
        return Rows(tuple(texts), self.words, self.starts, self.sizes, self.firsts, self.keys, self.answers)

    def words_of(self, numbers: Ids) -> Numbers:
        """Return the words of the rows of these numbers, one row after the other."""
        return slices_of(self.words, self.starts[numbers], self.sizes[numbers])


def _key(row: Row) -> int:
    return crc32(f"{row.entry_id}\n{row.text}".encode("utf-8", "surrogatepass"))
