"""Text as the matcher sees it: folded, cut into words, spelled one way, stemmed, and taken apart into n-grams.

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

import numpy as np
import numpy.typing as npt
import snowballstemmer  # type: ignore[import-untyped]  # ships no types

Hashes = npt.NDArray[np.int64]

GRAM_SIZES: Final = (2, 3, 4, 5)
GRAM_BITS: Final = 39
"""Bits of a hash. A vocabulary of a million n-grams has about one collision, which does no harm."""
LONGEST_WORD: Final = 40
"""Characters of a word that are looked at; longer "words" are addresses of files and keyboard mashing."""

_LETTERS: Final = str.maketrans({"æ": "e", "ø": "o", "å": "a", "ä": "e", "ö": "o", "ð": "d", "þ": "th", "ß": "ss"})
_DIGRAPHS: Final = (("aa", "a"), ("oe", "o"), ("ae", "e"))
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DOUBLED: Final = re.compile(r"([^\W\d_])\1+")
_STEMMERS: Final = tuple(snowballstemmer.stemmer(name) for name in ("norwegian", "english"))


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word, ready to be compared.

    `form` is the folded word (a number as digits); `small` tells that it carries the sentence rather than the
    subject; `concept` is a hash shared by its inflections, its other spellings and its synonyms; `grams` are the
    hashes of its n-grams, sorted, each once.
    """

    form: str
    small: bool
    concept: int
    grams: Hashes


@dataclass(frozen=True, slots=True)
class _Language:
    """What `words.toml` holds, folded."""

    small: Mapping[str, str]
    numbers: Mapping[str, str]
    spelling: tuple[tuple[re.Pattern[str], str], ...]
    same: Mapping[str, int]


def fold(text: str) -> str:
    """Return `text` in lower case, without accents, and with å, ø and æ as a hurried phone writes them."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if not plain.isascii():
        plain = plain.translate(_LETTERS)
    if not plain.isascii():
        plain = unicodedata.normalize("NFD", plain)
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for written, kept in _DIGRAPHS:
        plain = plain.replace(written, kept)
    return plain


def tokens(text: str) -> tuple[str, ...]:
    """Return the folded words and numbers of `text`, in order."""
    found = _WORD.findall(fold(text))
    return tuple(word.replace("'", "").replace("’", "")[:LONGEST_WORD] for word in found)


@lru_cache(maxsize=20_000)
def word(token: str) -> Word:
    """Return what the matcher knows of one folded token."""
    language = _language()
    small = language.small.get(token)
    form = language.numbers.get(token, token)
    return Word(form, small is not None, concept(small or form), _grams(form))


def concept(token: str) -> int:
    """Return the hash of what a folded token means: of its synonyms if it has any, else of its stem."""
    base = respell(stem(token))
    shared = _language().same.get(base)
    return _hash(base) if shared is None else shared


def stem(token: str) -> str:
    """Return the shorter of what the Norwegian and the English rules leave of a folded token."""
    return str(min((stemmer.stemWord(token) for stemmer in _STEMMERS), key=len))


def respell(token: str) -> str:
    """Return `token` with the spellings of nynorsk, dialects and loose typing made one, doubled letters single."""
    return _respelled(token, _language().spelling)


def _respelled(token: str, rules: Iterable[tuple[re.Pattern[str], str]]) -> str:
    if token.isascii() and not token.isdigit():
        for written, kept in rules:
            token = written.sub(kept, token)
    return _DOUBLED.sub(r"\1", token)


def _grams(form: str) -> Hashes:
    text = f"^{form}$"
    grams = {text[at : at + size] for size in GRAM_SIZES for at in range(len(text) - size + 1)}
    return np.array(sorted(_hash(gram) for gram in grams), dtype=np.int64)


def _hash(text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    return (crc32(raw) << 7 | crc32(raw, 0x5EED) & 0x7F) & (1 << GRAM_BITS) - 1


@cache
def _language() -> _Language:
    with (files(__package__) / "words.toml").open("rb") as file:
        known = tomllib.load(file)
    spelling = tuple((re.compile(written), kept) for written, kept in known["spelling"]["rules"])
    return _Language(
        small=_variants(group for groups in known["small"].values() for group in groups),
        numbers=_variants(known["numbers"]["groups"]),
        spelling=spelling,
        same=_groups([group for groups in known["same"].values() for group in groups], spelling),
    )


def _variants(groups: Iterable[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for group in groups:
        standard, *variants = tokens(group)
        for variant in (standard, *variants):
            found.setdefault(variant, standard)
    return found


def _groups(groups: Iterable[str], spelling: tuple[tuple[re.Pattern[str], str], ...]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for group in groups:
        for token in tokens(group):
            found.setdefault(_respelled(stem(token), spelling), _hash(f"same:{group}"))
    return found
