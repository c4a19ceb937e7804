"""Text as the matcher sees it: folded, cut into words, spelled one way, and stemmed.

Everything here is the same for the knowledge base and for a question, so a rule need not be right for every word; it
need only be the same on both sides.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from zlib import crc32

import snowballstemmer  # type: ignore[import-untyped]  # ships no types

LONGEST_WORD: Final = 40
"""Characters of a word that are looked at; longer "words" are addresses of files and keyboard mashing."""

_LETTERS: Final = (("æ", "e"), ("ø", "o"), ("å", "a"))
_FOREIGN: Final = str.maketrans({"ä": "e", "ö": "o", "ð": "d", "þ": "th", "ß": "ss"})
_DIGRAPHS: Final = (("aa", "a"), ("oe", "o"), ("ae", "e"))
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DOUBLED: Final = re.compile(r"([^\W\d_])\1+")
_NORWEGIAN: Final = snowballstemmer.stemmer("norwegian")
_ENGLISH: Final = snowballstemmer.stemmer("english")
_ENGLISH_ENDING: Final = re.compile(r"(?:[eisy]|ed|ing|al|er|or|ic|[ae]nt|is[mt]|ion|ful|ll)$")
"""What the English rules take away ends so (every suffix of the Porter2 algorithm); the slower stemmer is spared."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, ready to be compared.

    `form` is the folded word (a number as digits); `small` tells that it carries the sentence rather than the
    subject; `concept` is a hash shared by its inflections, its other spellings and its synonyms.
    """

    form: str
    small: bool
    concept: int


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Rules in order, each what is written and what is kept; `any` finds whatever any of them does."""

    rules: tuple[tuple[re.Pattern[str], str], ...]
    any: re.Pattern[str]

    @classmethod
    def of(cls, rules: Iterable[tuple[str, str]]) -> "_Spelling":
        kept = tuple((re.compile(written), kept) for written, kept in rules)
        return cls(kept, re.compile("|".join(written.pattern for written, _ in kept)))

    def one(self, token: str) -> str:
        """Return `token` as all of its spellings are written, doubled letters single."""
        if token.isascii() and not token.isdigit() and self.any.search(token):
            for written, kept in self.rules:
                token = written.sub(kept, token)
        return _DOUBLED.sub(r"\1", token)


@dataclass(frozen=True, slots=True)
class _Language:
    """What `words.toml` holds, folded."""

    small: Mapping[str, str]
    numbers: Mapping[str, str]
    spelling: _Spelling
    same: Mapping[str, int]
    listed: frozenset[str]


def fold(text: str) -> str:
    """Return `text` in lower case, without accents, and with å, ø and æ as a hurried phone writes them."""
    plain = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    for written, kept in _LETTERS:
        plain = plain.replace(written, kept)
    if not plain.isascii():
        plain = unicodedata.normalize("NFD", plain.translate(_FOREIGN))
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for written, kept in _DIGRAPHS:
        plain = plain.replace(written, kept)
    return plain


def tokens(text: str) -> tuple[str, ...]:
    """Return the folded words and numbers of `text`, in order."""
    found = _WORD.findall(fold(text))
    if "'" in text or "’" in text:
        found = [word.replace("'", "").replace("’", "") for word in found]
    return tuple([word[:LONGEST_WORD] for word in found])


@lru_cache(maxsize=20_000)
def word(token: str) -> Word:
    """Return what the matcher knows of one folded token."""
    language = _language()
    small = language.small.get(token)
    form = language.numbers.get(token, token)
    return Word(form, small is not None, concept(small or form))


def concept(token: str) -> int:
    """Return the hash of what a folded token means: of its synonyms if it has any, else of its stem."""
    base = respell(stem(token))
    shared = _language().same.get(base)
    return _hash(base) if shared is None else shared


def stem(token: str) -> str:
    """Return the shorter of what the Norwegian and the English rules leave of a folded token."""
    norwegian = str(_NORWEGIAN.stemWord(token))
    if not _ENGLISH_ENDING.search(token):
        return norwegian
    english = str(_ENGLISH.stemWord(token))
    return english if len(english) < len(norwegian) else norwegian


def respell(token: str) -> str:
    """Return `token` with the spellings of nynorsk, dialects and loose typing made one, doubled letters single."""
    return _language().spelling.one(token)


def listed() -> frozenset[str]:
    """Return the folded words that the matcher has been told of: small words, numbers, and words of one meaning."""
    return _language().listed


def _hash(text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    return (crc32(raw) << 7 | crc32(raw, 0x5EED) & 0x7F) & (1 << 39) - 1


@cache
def _language() -> _Language:
    with (files(__package__) / "words.toml").open("rb") as file:
        known = tomllib.load(file)
    spelling = _Spelling.of(known["spelling"]["rules"])
    small = [group for groups in known["small"].values() for group in groups]
    numbers = known["numbers"]["groups"]
    same = [group for groups in known["same"].values() for group in groups]
    return _Language(
        small=_variants(small),
        numbers=_variants(numbers),
        spelling=spelling,
        same=_groups(same, spelling),
        listed=frozenset(token for group in (*small, *numbers, *same) for token in tokens(group)),
    )


def _variants(groups: Iterable[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for group in groups:
        standard, *variants = tokens(group)
        for variant in (standard, *variants):
            found.setdefault(variant, standard)
    return found


def _groups(groups: Iterable[str], spelling: _Spelling) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for group in groups:
        for token in tokens(group):
            found.setdefault(spelling.one(stem(token)), _hash(f"same:{group}"))
    return found
