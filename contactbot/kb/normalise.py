"""Text as the matcher sees it: folded, cut into words, stemmed, and taken apart into n-grams."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

import snowballstemmer

_LETTERS: Final = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "ä": "ae", "ö": "o", "ð": "d", "þ": "th", "ß": "ss"})
_DIGRAPHS: Final = (("aa", "a"), ("oe", "o"), ("ae", "e"))
_WORD: Final = re.compile(r"[^\W_]+")
_STEMMERS: Final = {code: snowballstemmer.stemmer(name) for code, name in (("nb", "norwegian"), ("en", "english"))}


def fold(text: str) -> str:
    """Return `text` in lower case, with accents and the letters å, ø and æ as a hurried phone writes them."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))
    for written, kept in _DIGRAPHS:
        plain = plain.replace(written, kept)
    return plain


def words(text: str) -> tuple[str, ...]:
    """Return the folded words and numbers of `text`, in order."""
    return tuple(_WORD.findall(fold(text)))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the stem of a folded word, the shorter of what the Norwegian and the English rules leave."""
    return min((stemmer.stemWord(word) for stemmer in _STEMMERS.values()), key=len)
