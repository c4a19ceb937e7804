"""Which language a short text is written in: the municipality's forms, and others by name.

Evidence is counted, not learnt: everyday words and word shapes from ``language.toml``, and the
script. It is made for messages of a sentence or two, where what matters is bokmål against nynorsk
and both against their neighbours, in well under a millisecond.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Detected:
    """A language as an ISO 639 code, and whether the text itself settled it (not the default)."""

    language: str
    sure: bool


_FEWEST_WORDS: Final = 3
_MOST_WORDS: Final = 200  # a text does not change its language after so many
_MOST_CHARS: Final = 4_000
_SURE_LEAD: Final = 1.5  # about one word that only the winner has
_TIE: Final = 0.5
_UNEXPECTED: Final = 2.0  # what a language that few residents write in must bring beyond the others
_WORD_WEIGHT: Final = 3.0

# What this text is written in when it is not Latin: the first name whose letters are found decides.
_SCRIPTS: Final = {
    "CYRILLIC": "uk", "ARABIC": "ar", "GREEK": "el", "HEBREW": "he", "THAI": "th", "HANGUL": "ko", "HIRAGANA": "ja",
    "KATAKANA": "ja", "CJK": "zh", "ETHIOPIC": "ti", "TAMIL": "ta", "DEVANAGARI": "hi", "BENGALI": "bn",
    "GEORGIAN": "ka", "ARMENIAN": "hy", "GURMUKHI": "pa", "SINHALA": "si", "MYANMAR": "my", "KHMER": "km",
}  # fmt: skip
_LETTERS_THAT_DECIDE: Final = (
    ("uk", "ru", frozenset("ыэёъ")),
    ("uk", "sr", frozenset("ђћџљњј")),
    ("ar", "ur", frozenset("ٹڈڑےں")),
    ("ar", "ps", frozenset("ټډړښځڅ")),
    ("ar", "ckb", frozenset("ێۆڕڵە")),
    ("ar", "fa", frozenset("پچژگکی")),
)
_UKRAINIAN: Final = frozenset("іїєґ")  # letters that Russian lacks
_WORD: Final = re.compile(r"[^\W\d_]+")
_APOSTROPHE_SIGNS: Final = "'’´`"
_APOSTROPHES: Final = re.compile(rf"(?<=\w)[{_APOSTROPHE_SIGNS}](?=\w)")
_NOT_LANGUAGE_SIGNS: Final = ("http", "www.", "@", "[•••")
_NOT_LANGUAGE: Final = re.compile(r"https?://\S{0,2000}|www\.\S{0,2000}|\S{1,64}@\S{1,255}|\[••• \w+\]")

_TABLE: Final[Mapping[str, Any]] = tomllib.loads((files(__package__) / "language.toml").read_text("utf-8"))
_SHAPES: Final = tuple(
    (code, re.compile(pattern), weight) for code, shapes in _TABLE["shapes"].items() for pattern, weight in shapes
)


def _words_with_weights() -> dict[str, dict[str, float]]:
    """Return each listed word's weight per language: the less, the more languages have it."""
    listed: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for code, rows in _TABLE.items():
        if code not in {"shapes", "expected", "russian"}:
            for word in (*rows["strong"], *rows["common"]):
                listed[word][code] = _WORD_WEIGHT
    return {word: {code: weight / len(codes) for code, weight in codes.items()} for word, codes in listed.items()}


_EXPECTED: Final = frozenset(_TABLE["expected"])
_RUSSIAN: Final = frozenset(_TABLE["russian"]["words"])
_WEIGHTS: Final = _words_with_weights()


def detect(text: str, default: str) -> Detected:
    """Return the language of a text; under three words, or with nothing to go by, the default.

    A script that the default is not written in decides at once, however short the text.
    """
    plain = _plain(text[:_MOST_CHARS]).lower()
    words = _WORD.findall(plain)[:_MOST_WORDS]
    script = _by_script(words)
    if script is not None:
        return Detected(script, sure=True)
    if len(words) < _FEWEST_WORDS:
        return Detected(default, sure=False)
    return _by_evidence(words, default)


def _plain(text: str) -> str:
    """Return a text without addresses, marks and apostrophes; most have none, and looking for signs is quicker."""
    if any(sign in text for sign in _NOT_LANGUAGE_SIGNS):
        text = _NOT_LANGUAGE.sub(" ", text)
    return _APOSTROPHES.sub("", text) if any(sign in text for sign in _APOSTROPHE_SIGNS) else text


def _by_evidence(words: list[str], default: str) -> Detected:
    scores: defaultdict[str, float] = defaultdict(float)
    for word in words:
        for code, weight in _evidence(word):
            scores[code] += weight
    for code in scores.keys() - _EXPECTED:
        scores[code] -= _UNEXPECTED
    best = max(scores, key=scores.__getitem__, default=default)
    if scores[best] < _SURE_LEAD:
        return Detected(default, sure=False)
    # What is nearly as likely as the winner gives way to the default: the conversation's language goes on.
    if scores[default] >= scores[best] - _TIE:
        best = default
    rival = max((score for code, score in scores.items() if code != best), default=0.0)
    return Detected(best, sure=scores[best] - rival >= _SURE_LEAD)


@lru_cache(maxsize=20_000)
def _evidence(word: str) -> tuple[tuple[str, float], ...]:
    """Return what one word says for each language."""
    evidence = defaultdict(float, _WEIGHTS.get(word, {}))
    for code, shape, weight in _SHAPES:
        if shape.search(word):
            evidence[code] += weight
    return tuple(evidence.items())


def _by_script(words: list[str]) -> str | None:
    """Return the language of the script that most letters belong to, or None when it is Latin."""
    letters = "".join(words)
    if letters.isascii():
        return None
    sample = letters[:200]
    scripts = Counter(unicodedata.name(char, "").partition(" ")[0] for char in sample)
    script, share = scripts.most_common(1)[0]
    code = _SCRIPTS.get(script)
    if code is None or share * 2 <= len(sample):
        return None
    if script == "CJK" and any("HIRAGANA" in unicodedata.name(char, "") for char in sample):
        return "ja"
    for general, special, marks in _LETTERS_THAT_DECIDE:
        if code == general and marks & set(letters):
            return special
    if code == "uk" and not _UKRAINIAN.intersection(letters) and _RUSSIAN.intersection(words):
        return "ru"
    return code
