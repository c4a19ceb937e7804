"""Find the entries a question may be about, and say how sure that is."""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from math import log
from threading import Lock
from types import MappingProxyType
from typing import Final

import numpy as np

from contactbot.kb.confidence import Confidence, shipped
from contactbot.kb.corpus import Corpus
from contactbot.kb.encoder import Encoder
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.lexicon import mended
from contactbot.kb.matching import Candidate, Reasons
from contactbot.kb.meaning import UNPROVED, WEIGHTS, Meanings, Meant
from contactbot.kb.normalise import Word, tokens, word
from contactbot.kb.passages import passages
from contactbot.kb.ranking import FEATURES, Neighbourhood, neighbourhood, sorted_words
from contactbot.kb.rows import Row, Rows
from contactbot.kb.spacing import spaced
from contactbot.kb.synonyms import with_own

__all__ = ["Candidate", "Index"]

LONGEST_QUESTION: Final = 60
"""Different words of a question that are looked at, from its beginning: a longer mail has said its business by then."""
LONGEST_ANSWER: Final = 60
"""Different words of an answer that are indexed."""
ENOUGH_TO_WEIGH: Final = 20
"""Phrasings that the weight of an encoder must at least be tried on."""
MOST_TO_WEIGH: Final = 200
"""Phrasings that it is tried on at most."""
MENDED_BELOW: Final = 0.6
"""Likeness below which the base has no word that a mistyped one may be: of three letters one is wrong at this."""
NEXT_TO_NOTHING: Final = 0.001
"""Share of an entry below which it is as good as not found."""
ALIKE_ENOUGH_TO_SHOW: Final = 0.5
"""Cosine from which a pair of words is named to the resident as a reason."""


@dataclass(frozen=True, slots=True)
class _State:
    """Everything a search needs, of one revision."""

    revision: int
    corpus: Corpus
    entries: MappingProxyType[str, Entry]
    numbers: MappingProxyType[str, tuple[int, ...]]
    meanings: Meanings | None


class Index:
    """The searchable entries.

    Searching takes no lock: an edit builds the next state beside the old one, sharing what did not change, and puts it
    in place in one step. Edits wait for each other. The result is the same as of building anew.
    """

    def __init__(
        self, synonyms: Sequence[Sequence[str]], today: date | None, confidence: Confidence, encoder: Encoder | None
    ) -> None:
        self._synonyms = with_own(synonyms)
        self._today = today
        self._confidence = confidence
        self._editing = Lock()
        self._encoder = encoder
        meanings = None if encoder is None else Meanings(np.zeros((0, encoder.size), np.float32))
        self._state = _State(0, Corpus.empty(), MappingProxyType({}), MappingProxyType({}), meanings)

    @classmethod
    def build(
        cls,
        entries: Iterable[Entry],
        synonyms: Sequence[Sequence[str]] = (),
        today: date | None = None,
        confidence: Confidence | None = None,
        encoder: Encoder | None = None,
    ) -> "Index":
        """Index the entries that are valid on `today`, or all of them without a day.

        Each of `synonyms` is a group of words and phrases that mean the same here, beside those that are shipped.
        `confidence` is what turns likeness into a probability; without it, the one that is shipped. With an `encoder`
        the meaning of the texts counts beside their words, as much as the base itself shows to be right; each text and
        each question then costs milliseconds.
        """
        index = cls(synonyms, today, shipped() if confidence is None else confidence, encoder)
        index._take_in({entry.id: entry for entry in entries})
        index._weigh()
        return index

    @property
    def revision(self) -> int:
        """A number that rises with every edit."""
        return self._state.revision

    @property
    def is_slow(self) -> bool:
        """Whether an encoder reads each question, which takes milliseconds and does not belong on an event loop."""
        return self._state.meanings is not None and self._state.meanings.weight > 0

    def __len__(self) -> int:
        return len(self._state.entries)

    def changed(self, entry: Entry) -> None:
        """Take in an entry that is new or was edited; one that is not valid today is taken out."""
        self._take_in({entry.id: entry})

    def without(self, entry_id: str) -> None:
        """Take an entry out; one that is not there is no error."""
        self._take_in({}, gone=(entry_id,))

    def renewed(self, entries: Iterable[Entry], gone: Iterable[str]) -> "Index":
        """Return another index with these entries taken in and those taken out; this one stays as it is."""
        other = copy(self)
        other._editing = Lock()  # noqa: SLF001 - its own
        other._take_in({entry.id: entry for entry in entries}, tuple(gone))  # noqa: SLF001 - as above
        return other

    def with_synonyms(self, synonyms: Sequence[Sequence[str]]) -> "Index":
        """Return another index of the same entries, built anew with these groups; this one stays as it is."""
        return Index.build(self._state.entries.values(), synonyms, self._today, self._confidence, self._encoder)

    def search(self, text: str, language: str | None = None, limit: int = 10) -> tuple[Candidate, ...]:
        """Return at most `limit` entries for `text`, the most probable first.

        `language` is the resident's: of an entry that is written in it, that text is named in the candidate. A long
        message is searched as a whole, and the questions in it too: where one of those finds the same, that is surer.
        """
        state = self._state
        asking = passages(text)
        found = self._found(state, " ".join((*asking, text)), language, limit)
        if not found or not asking:
            return found
        best, *others = found
        firsts = [one for part in asking for one in self._found(state, part, language, 1)]
        surest = max([one.probability for one in firsts if one.entry_id == best.entry_id], default=0.0)
        return (replace(best, probability=max(best.probability, surest)), *others)

    def _found(self, state: _State, text: str, language: str | None, limit: int) -> tuple[Candidate, ...]:
        near = self._near(state, text)
        if near is None:
            return ()
        ranked = self._confidence.rank(near, limit)
        return tuple([_candidate(state, near, at, probability, language) for at, probability in ranked])

    def near(self, text: str) -> Neighbourhood | None:
        """Return what `search` would rank, for fitting the weights; None where nothing is near."""
        return self._near(self._state, text)

    def _near(self, state: _State, text: str) -> Neighbourhood | None:
        written = spaced(tokens(text), state.corpus.in_use)
        words = self._words(self._mended(written, state.corpus), state.corpus)
        if not words or not len(state.corpus.rows):
            return None
        return neighbourhood(state.corpus, words, self._meant(state, text))

    def _mended(self, written: Sequence[str], corpus: Corpus) -> Sequence[str]:
        """Return the words of a question, those that the base has nothing like as the listed words they are mistyped.

        A listed word is of use if it is small, or if the base means the same.
        """
        read = {token: mended(token) for token in written if token not in corpus.in_use}
        wrong = [token for token, listed in read.items() if listed != token and self._is_lost(token, corpus)]
        useful = {token for token in wrong if self._says_something(read[token], corpus)}
        return [read[token] if token in useful else token for token in written] if useful else written

    def _is_lost(self, token: str, corpus: Corpus) -> bool:
        return corpus.asked(self._words([token], corpus))[0].best < MENDED_BELOW

    def _says_something(self, token: str, corpus: Corpus) -> bool:
        one = self._words([token], corpus)[0]
        return one.small or corpus.means(one.concept)

    def _meant(self, state: _State, text: str) -> Meant | None:
        if self._encoder is None or state.meanings is None or not state.meanings.weight:
            return None
        return Meant.of(state.meanings, self._encoder.vector(text))

    def _weigh(self) -> None:
        """Give the encoder the weight that finds the base's own phrasings best, each sought among the others."""
        if self._encoder is None or self._state.meanings is None:
            return
        tried = self._tried()
        if len(tried) >= ENOUGH_TO_WEIGH:
            lost = {weight: sum(self._loss(row, weight) for row in tried) for weight in WEIGHTS}
            best = min(WEIGHTS, key=lambda weight: lost[weight])
        else:
            best = UNPROVED if self._encoder.knows_the_language_of(self._state.corpus.rows.texts) else 0.0
        self._state = replace(self._state, meanings=replace(self._state.meanings, weight=best))

    def _tried(self) -> list[int]:
        """Return the numbers of some phrasings of entries that have several, the same ones whatever their order."""
        rows = self._state.corpus.rows
        asked = (~rows.answers).nonzero()[0]
        several = np.bincount(rows.firsts[asked], minlength=len(rows))[rows.firsts[asked]] > 1
        found = asked[several]
        return [int(at) for at in found[rows.keys[found].argsort(kind="stable")][:MOST_TO_WEIGH]]

    def _loss(self, number: int, weight: float) -> float:
        """Return how little of the shares goes to the entry of a row when that row is asked and is not there."""
        corpus, meanings = self._state.corpus, self._state.meanings
        if meanings is None:
            return 0.0
        text, entry = corpus.rows.texts[number], corpus.rows.entry_ids[number]
        own = meanings.vectors[number]
        without = Meant.of(replace(meanings, weight=weight), own)
        near = neighbourhood(corpus, self._words(tokens(text), corpus), without, number)
        if near is None or entry not in near.entries:
            return -log(NEXT_TO_NOTHING)
        return -log(max(float(self._confidence.shares(near)[near.entries.index(entry)]), NEXT_TO_NOTHING))

    def _take_in(self, entries: dict[str, Entry], gone: Sequence[str] = ()) -> None:
        with self._editing:
            before = self._state
            left = {*entries, *gone}
            kept = {name: entry for name, entry in before.entries.items() if name not in left}
            valid = {name: entry for name, entry in entries.items() if self._is_valid(entry)}
            old = [at for name in sorted(left) for at in before.numbers.get(name, ())]
            corpus = before.corpus.minus(old) if old else before.corpus
            meanings = before.meanings.minus(old) if old and before.meanings else before.meanings
            numbers = {name: at for name, at in before.numbers.items() if name not in left}
            if valid:
                corpus, added = self._with_rows(corpus, valid)
                numbers |= added
                if self._encoder is not None and meanings is not None:
                    texts = corpus.rows.texts[len(before.corpus.rows) :]
                    meanings = meanings.plus(self._encoder.known(texts))
            self._state = _State(
                before.revision + 1, corpus, MappingProxyType(kept | valid), MappingProxyType(numbers), meanings
            )

    def _is_valid(self, entry: Entry) -> bool:
        return self._today is None or entry.valid_on(self._today)

    def _with_rows(self, corpus: Corpus, entries: dict[str, Entry]) -> tuple[Corpus, dict[str, tuple[int, ...]]]:
        texts = [
            (entry.id, text.language, written, is_answer, words)
            for entry in entries.values()
            for text, written, is_answer in _texts(entry)
            if (words := self._synonyms.told(list(map(word, tokens(written)))))
        ]
        vocabulary = corpus.vocabulary.plus(one for *_, words in texts for one in words)
        rows = [
            Row(name, language, written, sorted_words(words), is_answer)
            for name, language, written, is_answer, words in texts
        ]
        ids = [[vocabulary.ids[one.form] for one in words] for *_, words in texts]
        numbers: dict[str, tuple[int, ...]] = {}
        for at, row in enumerate(rows, start=len(corpus.rows)):
            numbers[row.entry_id] = (*numbers.get(row.entry_id, ()), at)
        return corpus.plus(vocabulary, Rows.of(rows, ids)), numbers

    def _words(self, written: Iterable[str], corpus: Corpus) -> list[Word]:
        return self._synonyms.asked(list(map(word, written)), corpus.means)[:LONGEST_QUESTION]


def _texts(entry: Entry) -> list[tuple[EntryText, str, bool]]:
    """Return the ways to ask for an entry, and after them its answers."""
    asked = [(text, way, False) for text in entry.texts for way in text.ways_to_ask()]
    return asked + [(text, short, True) for text in entry.texts if (short := _answer(entry, text))]


def _answer(entry: Entry, text: EntryText) -> str:
    answer = " ".join((entry.topic, *entry.tags, text.sms or text.chat or text.full))
    return " ".join(answer.split()[:LONGEST_ANSWER])


def _candidate(state: _State, near: Neighbourhood, at: int, probability: float, language: str | None) -> Candidate:
    rows, number = state.corpus.rows, int(near.survey.numbers[near.phrasing_of(at)])
    entry = state.entries[near.entries[at]]
    own = rows.languages[number]
    return Candidate(
        entry_id=entry.id,
        version=entry.version,
        language=entry.text(language or own, (own,)).language,
        probability=probability,
        phrasing=rows.texts[number],
        reasons=partial(_reasons, state.corpus, near, at),
    )


def _reasons(corpus: Corpus, near: Neighbourhood, at: int) -> Reasons:
    features = dict(zip(FEATURES, near.features[:, at].round(4).tolist(), strict=True))
    return Reasons(_shared(corpus, near, near.phrasing_of(at)), features)


def _shared(corpus: Corpus, near: Neighbourhood, row: int) -> tuple[tuple[str, str], ...]:
    """Return the words of the question, each with the word of a row it came nearest, the weightiest first."""
    survey, forms = near.survey, corpus.vocabulary.forms
    columns = survey.columns_of(row)
    nearest = survey.ids[columns[survey.alike.take(columns, axis=0).argmax(axis=0)]].tolist()
    shown = [
        (-asked.weight, asked.word.form, forms[word])
        for asked, word, cosine in zip(near.question.asked, nearest, survey.closest[row].tolist(), strict=True)
        if cosine >= ALIKE_ENOUGH_TO_SHOW
    ]
    return tuple([(asked, matched) for _, asked, matched in sorted(shown)])
