"""A small language for phrases, so that rules about words can be tables that an editor reads.

A phrase is items with spaces between, matched against a text's words in order:

======================  =========================================================================
``word``                that word; from four letters on also with two swapped or one doubled, from five
                        on with one missing or too many, from six on a wrong one, from nine on two;
                        the first letter is right, or from six on swapped with the second
``=word``               exactly that word
``word*``               any word that begins so
``a|b|c``               any of these
``<name>``              any word of a named list
``[item item]``         there or not
``..``                  up to four other words
``^``, ``$``            the beginning and the end of a sentence
``& item item``         all of these in any order, within ten words of the first named
======================  =========================================================================

Words are compared folded (see :func:`fold`), so case, accents and missing æ, ø, å do not matter.
Filler words ("bare", "really") may stand anywhere and count nowhere: an item that is made
of fillers for the most part ("er|e|is") may be left out. A phrase never reaches past the end of a
sentence. Reading is linear in the length of a text; the search for misspellings is bounded.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rapidfuzz.distance import OSA

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping, Sequence

_LETTERS: Final = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ä": "ae", "ö": "o", "đ": "d", "ŋ": "n", "ŧ": "t"})
_DIGRAPHS: Final = (("aa", "a"), ("oe", "o"), ("ae", "e"))
# "får" (gets) is kept apart from "far" (father), which stands in many phrases.
_KEPT_APART: Final = re.compile(r"\bf(?:å|aa)r\b")
_SIGN_INSIDE: Final = re.compile(r"[-'’`´\u00ad\u200b-\u200f\u2060\ufeff]")
_INSIDE_WORDS: Final = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])|['’`´\u00ad\u200b-\u200f\u2060\ufeff]")
_STRETCHED: Final = re.compile(r"([^\W\d])\1{2,}")
_TOKEN: Final = re.compile(r"[^\W_]+")
# An ellipsis or a single line break is a breath, not an end: phones and mail programs put them anywhere.
# "7. klasse" goes on as well.
_SENTENCE_END: Final = re.compile(r"(?<![.\d])[.](?=\s|$)|[!?;]|\n\s*\n")
_LEET: Final = str.maketrans("013457", "oieast")
_LEET_LENGTH: Final = 5

_PIECES: Final = re.compile(r"\[[^\]]*\]|\S+")
_BEGINNING, _END, _ANY_ORDER = "^", "$", "&"
_NEAR: Final = 10
_GAP: Final = 4  # words that ".." may stand for
_BREAK: Final = 50  # how far apart the positions of two sentences are: more than any phrase can bridge
_FUZZY_LENGTH, _MISSING_LENGTH, _WRONG_LENGTH, _TWO_ERRORS_LENGTH = 4, 5, 6, 9
_FUZZY_WORDS: Final = 1_500  # distinct words of one text that are searched for misspellings
_REMEMBERED: Final = 4_000  # words of texts, for which what they may stand for is kept: the same few make most texts
_LISTED: Final = 8_000  # different words of all phrases, about
_REMEMBERED_LENGTH: Final = 40  # characters


def fold(text: str) -> str:
    """Return a text in lower case, without accents, and with æ, ø, å and their digraphs as e, o, a."""
    return _STRETCHED.sub(r"\1", _folded_letters(text))


def _folded_letters(text: str) -> str:
    """Fold a text but for letters that are held down: that is quicker word by word."""
    plain = text if _SIGN_INSIDE.search(text) is None else _INSIDE_WORDS.sub("", text)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKC", plain)
    plain = plain.casefold()
    if "får" in plain or "faar" in plain:
        plain = _KEPT_APART.sub("fahr", plain)
    if not plain.isascii():
        plain = plain.translate(_LETTERS)
    if not plain.isascii():
        plain = unicodedata.normalize("NFD", plain)
        plain = "".join(char for char in plain if not unicodedata.combining(char))
    for written, kept in _DIGRAPHS:
        plain = plain.replace(written, kept)
    return plain


@lru_cache(_LISTED)
def _folded(word: str) -> str:
    """Fold a word of a phrase: the same list stands in many, and folding each anew would hold up the start."""
    return fold(word)


class Token(NamedTuple):
    """A folded word and where it stands: positions grow by one per word that counts."""

    word: str
    position: int
    sentence: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and its folded words, sentence by sentence: what all books look through, made once.

    ``vocabulary`` has each of the words once.
    """

    text: str
    sentences: tuple[tuple[str, ...], ...]
    vocabulary: frozenset[str]

    @classmethod
    def of(cls, text: str | Reading) -> Reading:
        """Return the reading of a text that may have been read already."""
        if isinstance(text, Reading):
            return text
        parts = _SENTENCE_END.split(_folded_letters(text))
        sentences = tuple(tuple(map(_word, _TOKEN.findall(part))) for part in parts)
        return cls(text, sentences, frozenset().union(*sentences))

    @property
    def words(self) -> list[str]:
        """All words in a row, fillers as well."""
        return [word for sentence in self.sentences for word in sentence]

    def without(self, fillers: frozenset[str]) -> tuple[Token, ...]:
        """Return the words that count; a sentence's end leaves a gap in positions."""
        tokens: list[Token] = []
        position = 0
        for sentence, words in enumerate(self.sentences):
            for word in words:
                if word not in fillers:
                    tokens.append(Token(word, position, sentence))
                    position += 1
            position += _BREAK
        return tuple(tokens)


def _word(token: str) -> str:
    return _known_word(token) if len(token) <= _REMEMBERED_LENGTH else _spelled(token)


def _spelled(token: str) -> str:
    """Return a folded word without letters that are held down, and with letters for digits."""
    return _unleet(_STRETCHED.sub(r"\1", token))


_known_word: Final = lru_cache(_REMEMBERED)(_spelled)


def _unleet(word: str) -> str:
    """Read digits that stand for letters ("s3lvmord"); numbers and short codes stay."""
    if len(word) < _LEET_LENGTH or word.isalpha() or sum(char.isalpha() for char in word) <= len(word) // 2:
        return word
    return word.translate(_LEET)


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase that a text holds: which, from which position to which (both included)."""

    phrase: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Step:
    """One item of a phrase, and how many other words may stand before it."""

    item: str
    gap: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Steps that a phrase takes together, or may leave out together."""

    steps: tuple[_Step, ...]
    optional: bool


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase taken apart; no text that lacks one of the `needed` items can hold it."""

    phrase: str
    parts: tuple[_Part, ...]
    needed: frozenset[str]

    @property
    def items(self) -> Iterator[str]:
        return (step.item for part in self.parts for step in part.steps)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a word may stand for: items, as bits as well, and the phrases that only a text with one of them can hold.

    A phrase comes with the bits of all that it needs.
    """

    items: tuple[str, ...]
    bits: int
    phrases: tuple[tuple[int, _Phrase], ...]


Places: TypeAlias = "Mapping[str, Sequence[int]]"
"""Where each item stands, in ascending order."""


class PhraseBook:
    """All phrases that are looked for at once.

    ``lists`` are the named lists of words that phrases refer to; a list may refer to others.
    ``ordinary`` are words that mean what they say: "cooking" is never taken for "choking" with a slip in it.
    ``spellings`` are other spellings of words, as in dialect: each stands for the word as well as for itself.
    Raises ValueError for a phrase that names an unknown list, can match nothing, or holds what is
    never one word ("e-mail").
    """

    def __init__(
        self,
        phrases: Iterable[str],
        lists: Mapping[str, Sequence[str]],
        fillers: Iterable[str] = (),
        ordinary: Iterable[str] = (),
        spellings: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._fillers = frozenset(fold(word) for word in fillers)
        self._ordinary = frozenset(fold(word) for word in ordinary)
        self._lists = lists
        self._exact: defaultdict[str, set[str]] = defaultdict(set)
        self._prefixes: defaultdict[str, set[str]] = defaultdict(set)
        self._fuzzy: defaultdict[tuple[str, int], set[str]] = defaultdict(set)  # by first letter and a text's length
        self._words_of: dict[str, tuple[str, ...]] = {}
        self._phrases = [_phrase(self._parse(phrase), phrase) for phrase in dict.fromkeys(phrases)]
        for word, others in (spellings or {}).items():
            for other in others:
                self._exact[fold(other)] |= self._exact.get(fold(word), set())
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._bits = {item: 1 << number for number, item in enumerate((_BEGINNING, _END, *self._words_of))}
        self._anchored = self._by_anchor()
        self._known_meaning = lru_cache(_REMEMBERED)(self._meaning_of)

    def read(self, text: str | Reading) -> tuple[Token, ...]:
        """Return the words of a text as this book reads them."""
        return Reading.of(text).without(self._fillers)

    def counted(self, reading: Reading) -> list[list[str]]:
        """Return the words of a text that count, sentence by sentence."""
        sentences = ([word for word in words if word not in self._fillers] for words in reading.sentences)
        return [words for words in sentences if words]

    def may_hold(self, reading: Reading, phrases: Collection[str] | None = None) -> bool:
        """Tell whether a text has all the words of any phrase, or any of these, though perhaps not in order."""
        words = reading.vocabulary - self._fillers
        if len(words) > _FUZZY_WORDS:
            return True
        possible = self._possible([self._meaning(word) for word in words])
        return bool(possible) if phrases is None else any(phrase in phrases for phrase in possible)

    def has_words_for(self, reading: Reading, length: int) -> bool:
        """Tell whether each word of more than ``length`` letters is in a phrase, or counts nowhere."""
        words = (word for word in reading.vocabulary if len(word) > length and word not in self._fillers)
        return all(self._meaning(word).items for word in words)

    def look(self, tokens: Sequence[Token]) -> Look:
        """Find which phrases words may hold, and where their items stand, ready to be asked for phrases."""
        words = dict.fromkeys([token.word for token in tokens])
        meanings = {word: self._meaning(word, fuzzy=number < _FUZZY_WORDS) for number, word in enumerate(words)}
        possible = self._possible(meanings.values())
        return Look(possible, _places(tokens, meanings, possible.values()) if possible else {})

    def _meaning(self, word: str, *, fuzzy: bool = True) -> _Meaning:
        if fuzzy and len(word) <= _REMEMBERED_LENGTH:
            return self._known_meaning(word)
        return self._meaning_of(word, fuzzy=fuzzy)

    def _possible(self, meanings: Iterable[_Meaning]) -> dict[str, _Phrase]:
        """Return the phrases all of whose items are there."""
        telling = [meaning for meaning in meanings if meaning.items]
        present = self._bits[_BEGINNING] | self._bits[_END]
        for meaning in telling:
            present |= meaning.bits
        return {
            phrase.phrase: phrase
            for meaning in telling
            for needed, phrase in meaning.phrases
            if needed & present == needed
        }

    def _by_anchor(self) -> Mapping[str, Sequence[tuple[int, _Phrase]]]:
        """Return each phrase, with the bits of all that it needs, under the one item it needs that texts hold least.

        A word that stands in many items is an everyday word, so an ordinary text tries few phrases.
        """
        shared: defaultdict[str, int] = defaultdict(int)
        for items in (*self._exact.values(), *self._prefixes.values()):
            for item in items:
                shared[item] = max(shared[item], len(items))
        anchored: defaultdict[str, list[tuple[int, _Phrase]]] = defaultdict(list)
        for phrase in self._phrases:
            words = sorted(phrase.needed - {_BEGINNING, _END})
            anchor = min(words, key=lambda item: (shared[item], len(self._words_of[item])))
            anchored[anchor].append((sum(self._bits[item] for item in phrase.needed), phrase))
        return anchored

    def _meaning_of(self, word: str, *, fuzzy: bool = True) -> _Meaning:
        items = self._items_of(word, fuzzy=fuzzy)
        return _Meaning(
            items,
            sum(self._bits[item] for item in items),
            tuple(anchored for item in items for anchored in self._anchored.get(item, ())),
        )

    def _items_of(self, word: str, *, fuzzy: bool) -> tuple[str, ...]:
        known = self._exact.get(word, ())
        items = set(known)
        for length in self._lengths:
            if length > len(word):
                break
            items.update(self._prefixes.get(word[:length], ()))
        if fuzzy and not known and word not in self._ordinary:
            for meant in self.repairs(word):
                items |= self._exact[meant]
        return tuple(items)

    @property
    def words(self) -> frozenset[str]:
        """The folded words of the phrases, those that count nowhere, and the ordinary ones."""
        return self._fillers.union(self._exact, self._ordinary)

    def repairs(self, word: str) -> list[str]:
        """Return the words of phrases that a folded word may be a misspelling of."""
        if len(word) < _FUZZY_LENGTH:
            return []
        first, second, length = word[0], word[1], len(word)
        likely = [*self._fuzzy.get((first, length), ())]
        if length >= _WRONG_LENGTH and first != second:
            swapped = second + first
            others = self._fuzzy.get((second, length), ())
            likely += [meant for meant in others if len(meant) == length and meant.startswith(swapped)]
        return [meant for meant in likely if is_misspelt(word, meant)]

    def _parse(self, phrase: str) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        gap = 0
        for piece in _PIECES.findall(phrase.removeprefix(_ANY_ORDER)):
            if piece == "..":
                gap = _GAP
                continue
            optional = piece.startswith("[") or self._is_mostly_filler(piece)
            steps = tuple(self._steps(piece.strip("[]"), gap))
            if steps:
                parts.append(_Part(steps, optional))
            if not optional:
                gap = 0  # what is left out keeps its gap for what follows
        firm = (part for part in parts if not part.optional)
        if all(step.item in {_BEGINNING, _END} for part in firm for step in part.steps):
            raise ValueError(f"phrase {phrase!r} can match nothing, or everything")
        return tuple(parts)

    def _is_mostly_filler(self, item: str) -> bool:
        words = item.split("|")
        return 2 * sum(_folded(word) in self._fillers for word in words) >= len(words)

    def _steps(self, items: str, gap: int) -> Iterator[_Step]:
        for item in items.split():
            if item == "..":
                gap = _GAP
            elif item in {_BEGINNING, _END} or self._learn(item):
                yield _Step(item, gap)
                gap = 0

    def _learn(self, item: str) -> bool:
        """Take up the words of an item; False when all of them are fillers, which no text shows."""
        if item not in self._words_of:
            words = tuple(word for word in self._words(item) if _folded(word) not in self._fillers)
            self._words_of[item] = words
            for word in words:
                self._learn_word(word, item)
        return bool(self._words_of[item])

    def _learn_word(self, word: str, item: str) -> None:
        folded = _folded(word.strip("=*"))
        if _TOKEN.fullmatch(folded) is None:
            raise ValueError(f"{word!r} in {item!r} is never one word")
        if word.endswith("*"):
            self._prefixes[folded].add(item)
            if folded.endswith("a"):  # "skjemaet" is folded to "skjemet"
                self._prefixes[f"{folded[:-1]}e"].add(item)
            return
        self._exact[folded].add(item)
        if len(folded) >= _FUZZY_LENGTH and not word.startswith("="):
            errors = _errors(folded)
            for length in range(len(folded) - errors, len(folded) + errors + 1):
                self._fuzzy[folded[0], length].add(folded)

    def _words(self, item: str) -> Iterator[str]:
        for part in item.split("|"):
            if not part.startswith("<"):
                yield part
                continue
            name = part[1:-1]
            if name not in self._lists:
                raise ValueError(f"no list of words named {name!r}")
            for word in self._lists[name]:
                yield from self._words(word)


class Look:
    """A text that was looked through with a book: tells which phrases it holds, and where."""

    def __init__(self, possible: Mapping[str, _Phrase], places: Places) -> None:
        self._possible = possible
        self._places = places

    @property
    def possible(self) -> KeysView[str]:
        """The phrases that have all their words in the text, though perhaps not in order."""
        return self._possible.keys()

    def find(self, phrases: Iterable[str] | None = None) -> Iterator[Found]:
        """Yield each place where one of these phrases of the book (or any) stands, phrase by phrase."""
        for phrase in self._possible if phrases is None else phrases:
            known = self._possible.get(phrase)
            if known is None:
                continue
            for start, end in self._gather(known) if phrase.startswith(_ANY_ORDER) else self._walk(known.parts):
                yield Found(phrase, start, end)

    def _walk(self, parts: tuple[_Part, ...]) -> list[tuple[int, int]]:
        """Return (start, end) of each way through the parts."""
        reached: list[tuple[int, int]] = []
        untouched = True  # nothing but optional parts so far: the phrase may still begin anywhere
        for part in parts:
            further = self._through(part.steps, reached, anywhere=untouched)
            reached = sorted({*reached, *further}, key=_by_end) if part.optional else further
            untouched = untouched and part.optional
            if not reached and not untouched:
                return []
        return reached

    def _gather(self, phrase: _Phrase) -> Iterator[tuple[int, int]]:
        """Yield (start, end) of the words around each place of the first item that has all others near it."""
        items = list(phrase.items)
        for place in self._places[items[0]]:
            nearest = [_nearest(self._places[item], place) for item in items]
            if all(abs(other - place) <= _NEAR for other in nearest) and len(set(nearest)) == len(nearest):
                yield min(nearest), max(nearest)

    def _through(
        self, steps: tuple[_Step, ...], reached: list[tuple[int, int]], *, anywhere: bool
    ) -> list[tuple[int, int]]:
        for step in steps:
            places = self._places.get(step.item, ())
            further = _next(reached, places, step.gap)
            if anywhere:
                begun = {place for _, place in further}
                further = sorted([*further, *((place, place) for place in places if place not in begun)], key=_by_end)
                anywhere = False
            reached = further
        return reached


def _phrase(parts: tuple[_Part, ...], phrase: str) -> _Phrase:
    everything = phrase.startswith(_ANY_ORDER)
    needed = (step.item for part in parts if everything or not part.optional for step in part.steps)
    return _Phrase(phrase, parts, frozenset(needed))


def _places(tokens: Sequence[Token], meanings: Mapping[str, _Meaning], phrases: Iterable[_Phrase]) -> Places:
    """Return where the items of phrases stand; the positions around a sentence are free for its anchors."""
    wanted = {item for phrase in phrases for item in phrase.items}
    items_of = {word: [item for item in meaning.items if item in wanted] for word, meaning in meanings.items()}
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, token in enumerate(tokens):
        if index == 0 or tokens[index - 1].sentence != token.sentence:
            places[_BEGINNING].append(token.position - 1)
        for item in items_of[token.word]:
            places[item].append(token.position)
        if index + 1 == len(tokens) or tokens[index + 1].sentence != token.sentence:
            places[_END].append(token.position + 1)
    return places


def _nearest(places: Sequence[int], place: int) -> int:
    after = bisect_left(places, place)
    return min(places[max(0, after - 1) : after + 1], key=lambda other: abs(other - place))


def _by_end(way: tuple[int, int]) -> tuple[int, int]:
    return way[1], way[0]


def _next(reached: list[tuple[int, int]], places: Sequence[int], gap: int) -> list[tuple[int, int]]:
    """Extend each way to the places that follow with at most ``gap`` words between."""
    ends = [end for _, end in reached]
    further = []
    for place in places:
        before = bisect_left(ends, place) - 1
        if before >= 0 and ends[before] >= place - gap - 1:
            further.append((reached[before][0], place))
    return further


def is_misspelt(word: str, meant: str) -> bool:
    """Tell whether a folded word is another with few enough wrong, missing, doubled or swapped letters.

    In a word of five letters a wrong letter mostly makes another word ("smell", "spell"), so there only a missing
    or superfluous letter or two swapped ones count; in a word of four a missing letter does so as well.
    """
    errors = _errors(meant)
    if OSA.distance(word, meant, score_cutoff=errors) > errors:
        return False
    if len(meant) >= _WRONG_LENGTH or sorted(word) == sorted(meant):
        return True
    return len(word) != len(meant) if len(meant) >= _MISSING_LENGTH else _is_doubled(word, meant)


def _is_doubled(word: str, meant: str) -> bool:
    """Tell whether a word is another with one of its letters twice."""
    return any(word[:at] + word[at + 1 :] == meant for at in range(1, len(word)) if word[at] == word[at - 1])


def _errors(meant: str) -> int:
    return 2 if len(meant) >= _TWO_ERRORS_LENGTH else 1
