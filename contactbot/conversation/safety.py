"""Acute danger in a message: what is seen before anything else, on every channel.

The rules are the ordered table in ``safety.toml``; this file only walks it. Words are compared with
room for misspellings (but for the everyday words of ``ordinary.txt``), without regard to æ, ø and å (see
phrases.py), in all languages at once. What no row of the table foresaw is left to the last rule, ``likeness``: a
fitted classifier (see likeness.py). Where that is sure that a message is an ordinary one ("dere skal få svi for dette
ved valget"), it calls off all rows but the ``certain`` ones.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from contactbot.conversation.glued import GluedWords
from contactbot.conversation.likeness import Classifier, WordClasses
from contactbot.conversation.phrases import PhraseBook, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contactbot.conversation.phrases import Found, Look, Token


class DangerKind(StrEnum):
    """What is at stake; each has its own help lines."""

    SUICIDE = "suicide"
    CHILD = "child"
    VIOLENCE = "violence"
    MEDICAL = "medical"
    FIRE = "fire"
    THREAT = "threat"


@dataclass(frozen=True, slots=True)
class Danger:
    """Acute danger: its kind, the rule that saw it, whether a child is writing, and the folded words it saw."""

    kind: DangerKind
    rule: str
    minor: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: phrases that tell of a danger, and those that call it off.

    What stands in ``unless`` does so in its own sentence, what stands in ``elsewhere`` in the whole message. A
    ``certain`` rule is believed whatever the classifier makes of the message.
    """

    id: str
    kind: DangerKind
    about: str
    phrases: tuple[str, ...]
    unless: tuple[str, ...]
    elsewhere: tuple[str, ...]
    minor: bool
    certain: bool


def _tales(kind: str) -> Iterator[str]:
    return (phrase for tale in _TABLE["tale"] if kind in tale["kinds"] for phrase in tale["phrases"])


def _rule(row: Mapping[str, Any]) -> Rule:
    return Rule(
        id=row["id"],
        kind=DangerKind(row["kind"]),
        about=row["about"],
        phrases=tuple(row["phrases"]),
        unless=(*row.get("unless", ()), *_tales(row["kind"])),
        elsewhere=tuple(row.get("elsewhere", ())),
        minor=row.get("minor", False),
        certain=row.get("certain", False),
    )


_TABLE: Final[Mapping[str, Any]] = tomllib.loads((files(__package__) / "safety.toml").read_text("utf-8"))
_LISTS: Final[Mapping[str, Sequence[str]]] = (
    _TABLE["lists"] | _TABLE["rule_lists"] | _TABLE["idioms"]["lists"] | _TABLE["tale_lists"] | _TABLE["minor"]["lists"]
)
RULES: Final = tuple(_rule(row) for row in _TABLE["rule"])
"""The table, in order: the first rule that finds a phrase decides."""

ORDINARY: Final = tuple((files(__package__) / "ordinary.txt").read_text("utf-8").split())
"""Folded words of everyday text that are a slip away from a word of the table, and never read as it."""
_IDIOMS: Final = PhraseBook(_TABLE["idioms"]["phrases"], _LISTS, _TABLE["fillers"], spellings=_TABLE["spellings"])
_CHILD_WRITING: Final[Sequence[str]] = _TABLE["minor"]["phrases"]
_NOT_A_CHILD: Final[Sequence[str]] = _TABLE["minor"]["unless"]
_BOOK: Final = PhraseBook(
    [
        *_CHILD_WRITING,
        *_NOT_A_CHILD,
        *(phrase for rule in RULES for phrase in (*rule.phrases, *rule.unless, *rule.elsewhere)),
    ],
    _LISTS,
    _TABLE["fillers"],
    ORDINARY,
    _TABLE["spellings"],
)


def _of_lists(names: Iterable[str]) -> set[str]:
    """Return all words of named lists, and of the lists they refer to; beginnings of words are left out."""
    listed = {word for name in names for word in _LISTS[name] if not word.endswith("*")}
    inner = {word.strip("<>") for word in listed if word.startswith("<")}
    return {word.strip("=") for word in listed if not word.startswith("<")} | (_of_lists(inner) if inner else set())


_GLUED: Final = GluedWords(
    _TABLE["glued"]["openers"],
    (*_TABLE["glued"]["words"], *_of_lists(_TABLE["glued"]["lists"])),
    _of_lists(_LISTS),
    _BOOK.words,
)


def _rules_of_phrases() -> Mapping[str, set[int]]:
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for number, rule in enumerate(RULES):
        for phrase in rule.phrases:
            numbers[phrase].add(number)
    return dict(numbers)


_RULES_OF: Final = _rules_of_phrases()

_FEWEST_TO_DOUBT: Final = 4  # words: of fewer, the classifier knows too little to overrule the table
_AROUND: Final = 1  # words before and after those that alarm, which are judged by themselves as well
LIKENESS: Final = "likeness"
"""The id of the last rule, behind the table."""
CLASSES: Final = WordClasses(_LISTS)
_CLASSIFIER: Final = Classifier((files(__package__) / "safety_weights.bin").read_bytes(), CLASSES)


def assess(text: str | Reading) -> Danger | None:
    """Return the acute danger that a message tells of, or None.

    The work is linear in the length of the text, so a text of a megabyte is read whole.
    """
    reading = _GLUED.apart(Reading.of(text))
    if not _IDIOMS.may_hold(reading) and not _BOOK.may_hold(reading, _RULES_OF):
        return _by_likeness(reading, _BOOK.counted(reading))
    words = _BOOK.read(reading)
    plain = _without_idioms(words)
    seen = _by_table(words, plain)
    if seen is None:
        return _by_likeness(reading, _sentences(plain))
    danger, found = seen
    if not _is_ordinary(plain, found):
        return danger
    certain = _by_table(words, plain, only_certain=True)
    return None if certain is None else certain[0]


def by_table(text: str, *, only_certain: bool = False) -> Danger | None:
    """Return the acute danger that a row of the table, or a certain one, sees, or None."""
    words = words_of(text)
    seen = _by_table(words, _without_idioms(words), only_certain=only_certain)
    return None if seen is None else seen[0]


def taken_for_alarming(words: Iterable[str]) -> list[str]:
    """Return the folded words that the table would read as misspellings of its own, in alphabetical order.

    Those that are words of their own belong in ``ordinary.txt``.
    """
    return sorted(word for word in set(words) - _BOOK.words if _BOOK.repairs(word))


def sentences(text: str | Reading) -> list[list[str]]:
    """Return the folded words of a text without idioms, sentence by sentence, as the classifier reads them."""
    return _sentences(_without_idioms(words_of(text)))


def words_of(text: str | Reading) -> Sequence[Token]:
    """Return the folded words of a text that count, each glued one as the words it is made of."""
    return _BOOK.read(_GLUED.apart(Reading.of(text)))


def _by_likeness(reading: Reading, plain: Sequence[Sequence[str]]) -> Danger | None:
    like = _CLASSIFIER.judge(plain)
    if like is None:
        return None
    return Danger(DangerKind(like.kind), LIKENESS, _is_child_writing(_BOOK.read(reading)), " ".join(like.words))


def _sentences(words: Sequence[Token]) -> list[list[str]]:
    return [[word.word for word in sentence] for _, sentence in groupby(words, attrgetter("sentence"))]


def _is_ordinary(plain: Sequence[Token], found: Found) -> bool:
    """Tell whether a message is surely ordinary, and so is what stands around the words that alarm.

    Danger told in the same breath as a question about the library is not to be talked away by the library.
    """
    around = [word.word for word in plain if found.start - _AROUND <= word.position <= found.end + _AROUND]
    if len(plain) < _FEWEST_TO_DOUBT:
        return False
    return _CLASSIFIER.is_ordinary([*_sentences(plain), around], lone=found.start == found.end)


def _by_table(
    words: Sequence[Token], plain: Sequence[Token], *, only_certain: bool = False
) -> tuple[Danger, Found] | None:
    look = _BOOK.look(plain)
    if not look.possible:
        return None
    sentences = _Sentences(plain)
    for rule in _rules_for(look):
        if only_certain and not rule.certain:
            continue
        found = _first(rule, look, sentences)
        if found is not None:
            minor = rule.minor or _is_child_writing(words)
            return Danger(rule.kind, rule.id, minor, _evidence(plain, found)), found
    return None


def _rules_for(look: Look) -> list[Rule]:
    """Return the rules that have a phrase whose words are all in the text, in the table's order: mostly none."""
    numbers = {number for phrase in look.possible for number in _RULES_OF.get(phrase, ())}
    return [RULES[number] for number in sorted(numbers)]


class _Sentences:
    """Tells which sentence a position is in; the positions just around a sentence count as in it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        firsts = [
            index for index, token in enumerate(tokens) if index == 0 or tokens[index - 1].sentence != token.sentence
        ]
        self._starts = [tokens[index].position - 1 for index in firsts]

    def of(self, position: int) -> int:
        return bisect_right(self._starts, position)


def _first(rule: Rule, look: Look, sentences: _Sentences) -> Found | None:
    called_off: set[int] | None = None
    for found in look.find(rule.phrases):
        if called_off is None:
            if any(look.find(rule.elsewhere)):
                return None
            called_off = {sentences.of(one.start) for one in look.find(rule.unless)}
        if sentences.of(found.start) not in called_off:
            return found
    return None


def _without_idioms(words: Sequence[Token]) -> Sequence[Token]:
    covered: set[int] = set()
    for found in _IDIOMS.look(words).find():
        covered.update(range(found.start, found.end + 1))
    if not covered:
        return words
    return [word for word in words if word.position not in covered]


def _is_child_writing(words: Sequence[Token]) -> bool:
    look = _BOOK.look(words)
    sentences = _Sentences(words)
    about_others = {sentences.of(found.start) for found in look.find(_NOT_A_CHILD)}
    return any(sentences.of(found.start) not in about_others for found in look.find(_CHILD_WRITING))


def _evidence(tokens: Sequence[Token], found: Found) -> str:
    return " ".join(token.word for token in tokens if found.start <= token.position <= found.end)
