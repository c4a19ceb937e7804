"""How like an acute message a text is: a linear classifier over words, kinds of words and letters.

It is what stands behind the table of rules, for wording that no rule foresaw. A feature is a word, a part of a
word, a named list of the table that holds the word, or a pair of neighbours, hashed into a bucket; a bucket's weight
was fitted by ``bench/fit_safety.py`` on the acute messages and look-alikes of the tests. A score is the mean weight of
the features, scaled by the root of their number (as in unit-length vectors), so long texts do not add up to danger.
"""

from __future__ import annotations

import json
import math
import zlib
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from contactbot.conversation.phrases import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BUCKETS: Final = 1 << 15
_NGRAMS: Final = (3, 4, 5)
_STEM: Final = 5  # letters that stand for a word in pairs
_NEAR: Final = "p"  # neighbours
_FAR: Final = "q"  # with one word between
_WINDOW: Final = 40  # words that are judged at once
_FEWEST: Final = 2  # one word alone ("he?") tells a classifier nothing: it is left to the table
_CACHED_WORDS: Final = 4_096
_CACHED_PAIRS: Final = 16_384
_LONGEST_WORD: Final = 24  # letters that are read of one word
_EVIDENCE_WORDS: Final = 4


class WordClasses:
    """The named lists of the table, by word: what "pappan", "faren" and "dad" have in common."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._exact: defaultdict[str, list[str]] = defaultdict(list)
        self._prefixes: defaultdict[str, list[str]] = defaultdict(list)
        for name, words in lists.items():
            for word in words:
                if not word.startswith("<"):
                    known = self._prefixes if word.endswith("*") else self._exact
                    known[fold(word.strip("=*"))].append(name)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})

    def of(self, word: str) -> list[str]:
        """Return the names of the lists that hold a folded word, in the table's order, the exact ones first."""
        names = list(self._exact.get(word, ()))
        for length in self._lengths:
            if length <= len(word):
                names += self._prefixes.get(word[:length], ())
        return names


def bucket(feature: str) -> int:
    """Return the bucket of a feature, the same on every machine."""
    return zlib.crc32(feature.encode()) % BUCKETS


def word_features(word: str, classes: Sequence[str]) -> list[int]:
    """Return the buckets of what a folded word shows by itself."""
    framed = f"^{word[:_LONGEST_WORD]}$"
    features = [f"w{word}", *(f"c{name}" for name in classes)]
    for size in _NGRAMS:
        features += [framed[at : at + size] for at in range(len(framed) - size + 1)]
    return [bucket(feature) for feature in features]


def pair_features(keys: Sequence[str]) -> list[int]:
    """Return the buckets of neighbours, next to each other and with one word between."""
    frame = ["^", *keys, "$"]
    near = [_pair_bucket(_NEAR, one, two) for one, two in pairwise(frame)]
    far = [_pair_bucket(_FAR, one, two) for one, two in zip(frame, frame[2:], strict=False)]
    return near + far


def _pair_bucket(distance: str, one: str, two: str) -> int:
    return bucket(f"{distance}{one} {two}")


def key_of(word: str, classes: Sequence[str]) -> str:
    """Return what stands for a folded word in pairs: its first list, or else its stem."""
    return f"<{classes[0]}>" if classes else word[:_STEM]


def windows(sentences: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Yield the stretches of words that are judged: each sentence, cut if long, and a short message as a whole."""
    if len(sentences) > 1 and _FEWEST <= sum(map(len, sentences)) <= _WINDOW:
        yield [word for sentence in sentences for word in sentence]
    for sentence in sentences:
        if len(sentence) >= _FEWEST:
            yield sentence[:_WINDOW]
        for start in range(_WINDOW // 2, len(sentence) - _WINDOW // 2, _WINDOW // 2):
            yield sentence[start : start + _WINDOW]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a text is like: its kind of danger, the score, and the words that spoke most for it."""

    kind: str
    score: float
    words: tuple[str, ...]


class Classifier:
    """The fitted weights, ready to judge.

    ``shipped`` holds a line of JSON (``kinds``, ``scale``, ``bias``, and three scores: ``threshold``, from which a text
    is acute, ``ordinary``, below which it is surely not, and ``lone``, the same where one word is all that alarms) and
    the weights, one signed byte per bucket: first those
    of danger, then those of each kind, all compressed.
    """

    def __init__(self, shipped: bytes, classes: WordClasses) -> None:
        head, _, packed = shipped.partition(b"\n")
        told = json.loads(head)
        weights = memoryview(zlib.decompress(packed)).cast("b")
        self._danger = weights[:BUCKETS]
        self._kinds: dict[str, memoryview] = {
            kind: weights[BUCKETS * number : BUCKETS * (number + 1)] for number, kind in enumerate(told["kinds"], 1)
        }
        self._scale: float = told["scale"]
        self._bias: float = told["bias"]
        self.threshold: float = told["threshold"]
        self.ordinary: float = told["ordinary"]
        self.lone: float = told["lone"]
        self._classes = classes
        self._word: Callable[[str], tuple[int, int, str]] = lru_cache(_CACHED_WORDS)(self._weigh_word)
        self._pair: Callable[[str, str, str], int] = lru_cache(_CACHED_PAIRS)(self._weigh_pair)

    def judge(self, sentences: Sequence[Sequence[str]]) -> Likeness | None:
        """Return what the most alarming stretch of a text is like, or None when it stays below the threshold."""
        scored = [(self.score(words), words) for words in windows(sentences)]
        if not scored:
            return None
        score, best = max(scored, key=itemgetter(0))
        if score < self.threshold:
            return None
        return Likeness(self._kind(best), score, self._evidence(best))

    def is_ordinary(self, sentences: Sequence[Sequence[str]], *, lone: bool) -> bool:
        """Tell whether no stretch of a text, of which perhaps a lone word alarms, is anything like an acute message."""
        bar = self.lone if lone else self.ordinary
        return all(self.score(words) < bar for words in windows(sentences))

    def score(self, words: Sequence[str]) -> float:
        """Return the log odds that folded words tell of acute danger."""
        if not words:
            return -math.inf
        total = count = 0
        keys = []
        for word in words:
            weight, features, key = self._word(word)
            total += weight
            count += features
            keys.append(key)
        frame = ["^", *keys, "$"]
        total += sum(map(self._pair, repeat(_NEAR), frame, frame[1:]))
        total += sum(map(self._pair, repeat(_FAR), frame, frame[2:]))
        return self._bias + self._scale * total / math.sqrt(count + 2 * len(frame) - 3)

    def _weigh_word(self, word: str) -> tuple[int, int, str]:
        classes = self._classes.of(word)
        features = word_features(word, classes)
        return sum(self._danger[feature] for feature in features), len(features), key_of(word, classes)

    def _weigh_pair(self, distance: str, one: str, two: str) -> int:
        return self._danger[_pair_bucket(distance, one, two)]

    def _kind(self, words: Sequence[str]) -> str:
        features = features_of(words, self._classes)
        scores = {kind: sum(weights[feature] for feature in features) for kind, weights in self._kinds.items()}
        return max(scores, key=scores.__getitem__)

    def _evidence(self, words: Sequence[str]) -> tuple[str, ...]:
        ranked = sorted(range(len(words)), key=lambda at: -self._word(words[at])[0])[:_EVIDENCE_WORDS]
        return tuple(words[at] for at in sorted(ranked))


def features_of(words: Sequence[str], classes: WordClasses) -> list[int]:
    """Return the buckets of all that a stretch of folded words shows."""
    classes_of = [classes.of(word) for word in words]
    found = [feature for word, names in zip(words, classes_of, strict=True) for feature in word_features(word, names)]
    return found + pair_features([key_of(word, names) for word, names in zip(words, classes_of, strict=True)])
