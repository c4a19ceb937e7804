"""What a resident tells the bot to do: stop, help, status, why, language, continue, delete, a person."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from contactbot.conversation.phrases import PhraseBook, Reading, is_misspelt
from contactbot.conversation.questions import asks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CommandKind(StrEnum):
    """The commands, the same on every channel."""

    PERSON = "person"
    HELP = "help"
    STATUS = "status"
    WHY = "why"
    LANGUAGE = "language"
    CONTINUE = "continue"
    DELETE = "delete"
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what it is about, else "": a ticket's reference (STATUS, CONTINUE), a language code (LANGUAGE)."""

    kind: CommandKind
    argument: str = ""


# Longer messages are never commands; a wish for a person in one is part of a question.
_LONGEST: Final = 400
_REFERENCE: Final = re.compile(r"[\w/-]*\d[\w/-]*", re.ASCII)

_TABLE: Final[Mapping[str, Any]] = tomllib.loads((files(__package__) / "commands.toml").read_text("utf-8"))
_PERSON: Final[Mapping[str, Any]] = _TABLE["person"]
_WISHES: Final[Sequence[str]] = _PERSON["phrases"]["wish"]
_NO_WISHES: Final[Sequence[str]] = _PERSON["phrases"]["but_not"]
_BOOK: Final = PhraseBook([*_WISHES, *_NO_WISHES], _PERSON["lists"], _PERSON["fillers"])


def _folded(words: Sequence[str]) -> frozenset[str]:
    return frozenset(" ".join(Reading.of(phrase).words) for phrase in words)


_POLITE: Final = _folded(_TABLE["polite"])
# A letter's closing, after which only the writer's name stands.
_CLOSING: Final = re.compile(rf"\n\s*(?:{'|'.join(map(re.escape, _TABLE['closings']))})\b", re.IGNORECASE)
_WHOLE: Final = {words: CommandKind(kind) for kind, rows in _TABLE["whole"].items() for words in _folded(rows)}
_STATUS_WORDS: Final = _folded(_TABLE["status"]["words"])
_STATUS_BEFORE: Final = _folded(_TABLE["status"]["before"]) | _POLITE
_STATUS_BETWEEN: Final = _folded(_TABLE["status"]["between"])
_CONTINUE_WORDS: Final = _folded(_TABLE["continue"]["words"])
_CONTINUE_BETWEEN: Final = _folded(_TABLE["continue"]["between"])
_LANGUAGE_WORDS: Final = _folded(_TABLE["language"]["words"])
_LANGUAGE_ASKING: Final = _folded(_TABLE["language"]["asking"])
_LANGUAGE_NAMES: Final = {name: code for code, names in _TABLE["language"]["names"].items() for name in _folded(names)}

_LONGEST_NAME: Final = max(len(name.split()) for name in _LANGUAGE_NAMES)


def parse(text: str | Reading) -> Command | None:
    """Return the command a message is, or None when it is a question or anything else."""
    reading = Reading.of(text)
    if len(reading.text) > _LONGEST:
        return None
    if (closing := _CLOSING.search(reading.text)) is not None:
        reading = Reading.of(reading.text[: closing.start()])
    words = reading.words
    kind = _whole(words)
    if kind is not None:
        return Command(kind)
    return (
        _status(words, reading.text)
        or _continue(words, reading.text)
        or _language(words)
        or _wish_for_a_person(reading)
    )


def _whole(words: list[str]) -> CommandKind | None:
    kind = _WHOLE.get(" ".join(words))
    if kind is None:
        kind = _WHOLE.get(" ".join(word for word in words if word not in _POLITE))
        # "Stop please" may be said to anybody, and "start" to a form: these two must stand alone.
        return None if kind in {CommandKind.STOP, CommandKind.START} else kind
    return kind


def _status(words: list[str], text: str) -> Command | None:
    """Read "STATUS", "STATUS 2026-17" and "hva er status på sak 17"; the status of anything else is a question."""
    first = next((at for at, word in enumerate(words) if word not in _STATUS_BEFORE), len(words))
    if first == len(words) or words[first] not in _STATUS_WORDS:
        return None
    rest = words[first + 1 :]
    if all(word in _STATUS_BETWEEN or word in _POLITE for word in rest):
        return Command(CommandKind.STATUS)
    reference = _case_named(rest, text, _STATUS_BETWEEN)
    return Command(CommandKind.STATUS, reference) if reference else None


def _continue(words: list[str], text: str) -> Command | None:
    """Read "FORTSETT 1001" and "hald fram med sak 1001": to go on here with a case begun on another channel."""
    length = next((n for n in (1, 2) if " ".join(words[:n]) in _CONTINUE_WORDS), 0)
    reference = _case_named(words[length:], text, _CONTINUE_BETWEEN) if length else ""
    return Command(CommandKind.CONTINUE, reference) if reference else None


def _case_named(words: list[str], text: str, between: frozenset[str]) -> str:
    """Return the one reference a command names when it says nothing else, or ""."""
    reference = reference_in(text)
    rest = [word for word in words if word not in between and word not in _POLITE]
    return reference if reference and set(rest) <= set(Reading.of(reference).words) else ""


def reference_in(text: str) -> str:
    """Return the one reference that a text names, "" when there is none or more than one."""
    references = [str(part).strip("-/") for part in _REFERENCE.findall(text)]
    return references[0].upper() if len(references) == 1 else ""


def _language(words: list[str]) -> Command | None:
    """Read "SPRÅK", "SPRÅK nn", "nynorsk", "in English please"."""
    named = bool(words) and words[0] in _LANGUAGE_WORDS
    rest = [word for word in words[named:] if word not in _POLITE]
    if named and not rest:
        return Command(CommandKind.LANGUAGE)
    for first in range(0 if named else max(0, len(rest) - _LONGEST_NAME), len(rest)):
        code = _LANGUAGE_NAMES.get(" ".join(rest[first:]))
        if code is None:
            continue
        # A bare code ("no", "en") is a word of its own; it counts only after SPRÅK.
        is_code = len(rest[first]) == len(code) and len(rest) - first == 1
        asked = all(word in _LANGUAGE_ASKING for word in rest[:first])
        if (named and first == 0) or (asked and not is_code):
            return Command(CommandKind.LANGUAGE, code)
    return None


def _wish_for_a_person(reading: Reading) -> Command | None:
    if not _BOOK.may_hold(reading):
        return None
    tokens = _BOOK.read(reading)
    look = _BOOK.look(tokens)
    sentence_of = {token.position: token.sentence for token in tokens}
    lengths = Counter(token.sentence for token in tokens)
    refused = {sentence_of[found.start] for found in look.find(_NO_WISHES)}
    for found in look.find(_WISHES):
        sentence = sentence_of[found.start]
        if sentence not in refused and lengths[sentence] <= _PERSON["longest_sentence"]:
            return Command(CommandKind.PERSON)
    return None


NONE_OF_THEM: Final = -1
"""What `choice` returns when the resident says that no choice fits."""

_CHOICE: Final[Mapping[str, Any]] = tomllib.loads((files(__package__) / "choices.toml").read_text("utf-8"))
_NUMBERS: Final = {words: number for number, rows in enumerate(_CHOICE["numbers"]) for words in _folded(rows)}
_BEFORE_NUMBERS: Final = _folded(_CHOICE["before_numbers"])
_LAST: Final = _folded(_CHOICE["last"])
_NONE: Final = _folded(_CHOICE["none"])
_YES: Final = _folded(_CHOICE["yes"])
_WEIGHTLESS: Final = _folded(_CHOICE["weightless"]) | _POLITE
_MOST_DIGITS: Final = 3
_LABELS: Final = 1_000  # whose words are remembered: the questions of a base are offered again and again
_SAME_START: Final = 5


def choice(text: str, labels: Sequence[str], offers: int | None = None) -> int | None:
    """Return which of the offered choices a message picks: its index, NONE_OF_THEM, or None for anything else.

    A choice is picked by number ("2.", "nr 2"), by word ("den andre", "second", "siste") or by
    words of its label, misspelt or not. Words that fit two labels equally pick nothing. The first ``offers`` labels
    are offers, what follows is a way out of them; to a single offer one may also say yes.
    """
    if not labels or len(text) > _LONGEST:
        return None
    words = Reading.of(text).words
    whole = " ".join(words)
    kindless = [word for word in words if word not in _POLITE]
    for index, label in enumerate(labels):  # first, because "no" may itself be what was offered
        if kindless and kindless == _words_of(label):
            return index
    if whole in _NONE:
        return NONE_OF_THEM
    if (len(labels) if offers is None else offers) == 1 and whole in _YES:
        return 0
    if whole in _LAST:
        return len(labels) - 1
    number = _number([word for word in words if word not in _BEFORE_NUMBERS and word not in _POLITE])
    if number is not None:
        return number - 1 if 1 <= number <= len(labels) else None
    return _by_label([word for word in words if word not in _WEIGHTLESS], labels)


_BEFORE_WHY: Final = "|".join(map(re.escape, _CHOICE["before_why"]))
_FIRST: Final = re.compile(rf"\s*(\w+)(?:\s*[,.:;!–—-]+\s*|\s+(?=(?:{_BEFORE_WHY})\b))(\S.*)", re.DOTALL)


def verdict(text: str, labels: Sequence[str]) -> int | None:
    """Return which answer to a survey a message is: one of the labels, alone or with words about it after a mark.

    None for anything else, and where the words after it ask something.
    """
    picked = choice(text, labels)
    first = _FIRST.match(text)
    if picked is not None or first is None or asks(first[2]):
        return picked
    return choice(first[1], labels)


def first_line(text: str) -> str:
    """Return the first line of a text that holds anything: where a short answer is signed, it is all that is said."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


@lru_cache(_LABELS)
def _words_of(label: str) -> list[str]:
    return Reading.of(label).words


def _number(words: list[str]) -> int | None:
    if len(words) == 1 and words[0].isdecimal() and len(words[0]) <= _MOST_DIGITS:
        return int(words[0])
    return _NUMBERS.get(" ".join(words))


def _by_label(words: list[str], labels: Sequence[str]) -> int | None:
    """Return the one label that has all the words and the fewest others."""
    if not words:
        return None
    fitting: list[tuple[int, int]] = []
    for index, label in enumerate(labels):
        label_words = [word for word in _words_of(label) if word not in _WEIGHTLESS]
        if all(any(_is_same(word, other) for other in label_words) for word in words):
            fitting.append((len(label_words), index))
    fitting.sort()
    if not fitting or (len(fitting) > 1 and fitting[0][0] == fitting[1][0]):
        return None
    if len(fitting) > 1 and fitting[0][0] != len(words):
        return None
    return fitting[0][1]


def _is_same(word: str, other: str) -> bool:
    """Tell whether two words are one, allowing for a misspelling, another ending, or a part of a compound."""
    if word == other:
        return True
    if min(len(word), len(other)) < _SAME_START:
        return False
    return word[:_SAME_START] == other[:_SAME_START] or is_misspelt(word, other) or word in other
