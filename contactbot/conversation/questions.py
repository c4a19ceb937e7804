"""Which questions a message asks, and whether one hangs on what was said before. Pure.

The rules look only at how a sentence begins and ends and at which of its words name a thing, so they hold for bokmål,
nynorsk, dialects and English alike; the words themselves are data (``questions.toml``).
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, Final

from contactbot.kb.normalise import Word, tokens, word

MOST: Final = 4
"""Questions of one message that are looked up; more than that in one message is a case for a person."""
LONGEST: Final = 160
"""Characters of a question that are quoted back."""

_BREAK: Final = re.compile(r"(?<=[.!?])[\"»”)]*\s+|(?<=\?)(?=\w)|\n\s*\n|\n(?=\s*(?:[-*•–]|\d{1,2}[.)]|[a-e]\))\s)|;\s")
_BULLET: Final = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)]|[a-e]\))\s+")
_LAST_WORD: Final = re.compile(r"(\S+)\.$")
_JOINT: Final = re.compile(r"(?:,?\s+(?:og|and|samt|å|\+|&|-|–)|,)\s+(?=\w)", re.IGNORECASE)
_SHORT, _BARE = 9, 2  # words of a message that hangs on the one before, at most; of one that is no sentence
_OWN_AFTER_LEAD, _OWN_BESIDE_POINTER = 2, 1
_LEAST_LETTERS, _MOST_DIGITS, _FEW = 2, 3, 3  # of a word that says something; of a bare number; words
_NAMES: Final = 2  # words that say what an entry is about, at most
_STEM: Final = 5  # letters by which words of one thing are known ("barnehage", "barnehageplassen")

_TABLE: Final[Mapping[str, Any]] = tomllib.loads((files(__package__) / "questions.toml").read_text("utf-8"))


def _concepts(name: str) -> frozenset[int]:
    return frozenset(word(token).concept for row in _TABLE[name] for token in tokens(row))


def _meanings(text: str) -> tuple[int, ...]:
    return tuple(word(token).concept for token in tokens(text))


_QUESTION_WORDS: Final = _concepts("question_words")
_OPENERS: Final = _concepts("openers")
_ASPECTS: Final = _concepts("aspects")
_POINTERS: Final = _concepts("pointers")
_LEADS: Final = tuple(sorted({_meanings(lead) for lead in _TABLE["leads"]}, key=len, reverse=True))
_COURTESIES: Final = frozenset(_meanings(courtesy) for courtesy in _TABLE["courtesies"])
_ABBREVIATIONS: Final = frozenset(_TABLE["abbreviations"])
_EMPTY: Final = _concepts("empty")
_TITLES: Final = _concepts("titles") | _EMPTY
_CALLED: Final[Mapping[str, str]] = _TABLE["called"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a message.

    ``clauses`` are the questions it may be made of ("når ..., og hvor ...").
    ``head`` is the question without what comes before it and without what hangs on it.
    ``hanging`` is what hangs on it ("hvordan søker jeg, og hva koster det?").
    ``told`` is the sentence before it.
    """

    text: str
    clauses: tuple[str, ...] = ()
    head: str = ""
    hanging: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True, slots=True)
class Leaning:
    """How a message may hang on the one before.

    ``own`` are the words by which it names something itself. A ``bound`` message points back, goes on, or asks about a
    side of something it does not name, so that by itself it may sound like a question about anything; ``goes_on`` says
    that it begins as one that goes on.
    """

    own: tuple[str, ...]
    bound: bool
    goes_on: bool


def asked(text: str) -> tuple[Asked, ...]:
    """Return a message's questions in order; where it asks no more than one, that is the message as it is.

    What carries no question is left out, unless the question after it needs it ("Jeg har flyttet. Hva gjør jeg?"), and
    a question that hangs on the one before goes with that one.
    """
    found: list[Asked] = []
    told = ""
    for sentence in _sentences(text):
        if not asks(sentence) or _meanings(sentence) in _COURTESIES:
            told = sentence
        elif not _hangs(sentence):
            found.append(_question(sentence, told))
            told = ""
        elif found:
            found[-1] = _with_hanging(found[-1], sentence)
        else:
            found.append(Asked(f"{told} {sentence}".strip()))
            told = ""
    if len(found) > 1:
        return tuple(found)
    return (replace(found[0], text=text, told=""),) if found else (Asked(text),)


def _question(sentence: str, told: str) -> Asked:
    clauses = _clauses(sentence)
    if len(clauses) > 1 and all(_hangs(clause) for clause in clauses[1:]):
        return Asked(sentence, (), clauses[0], clauses[1:], told)
    if len(clauses) == 2 and not asks(clauses[0]) and leaning(clauses[1]) is None:  # noqa: PLR2004 - a pair
        return Asked(sentence, (), clauses[1], (), told)
    several = 1 < len(clauses) <= MOST and all(asks(one) and leaning(one) is None for one in clauses)
    return Asked(sentence, clauses if several else (), told=told)


def _with_hanging(question: Asked, sentence: str) -> Asked:
    text, head = f"{question.text} {sentence}", question.head or question.text
    return replace(question, text=text, clauses=(), head=head, hanging=(*question.hanging, sentence))


def _hangs(sentence: str) -> bool:
    """Tell whether a question of several goes with the one before: it names nothing, or goes on from it."""
    found = leaning(sentence)
    return found is not None and (not found.own or found.goes_on)


def leaning(text: str) -> Leaning | None:
    """Tell how a message hangs on the one before, or None when it stands by itself."""
    words = [word(token) for token in tokens(text)]
    if not words or len(words) > _SHORT:
        return None
    meant = tuple(one.concept for one in words)
    lead = next((lead for lead in _LEADS if meant[: len(lead)] == lead), ())
    rest = words[len(lead) :]
    own = tuple(one.form for one in rest if not one.small and one.concept not in _ASPECTS)
    goes_on = bool(lead) and len(own) <= _OWN_AFTER_LEAD and not _QUESTION_WORDS & {one.concept for one in rest}
    points_back = bool(_POINTERS & set(meant)) and len(own) <= _OWN_BESIDE_POINTER
    bound = goes_on or points_back or (not own and asks(text))
    names_a_side = not own and len(words) <= _BARE and not all(one.small for one in words)
    return Leaning(own, bound, goes_on) if bound or names_a_side else None


def says_nothing(text: str) -> bool:
    """Tell whether a message asks nothing: punctuation, a letter, a bare number, "ja", or only words without a subject.

    Where something was offered, such a message may be an answer; that is looked at before.
    """
    words = [word(token) for token in tokens(text)]
    if len(words) <= 1 and all(one.form.isdecimal() and len(one.form) <= _MOST_DIGITS for one in words):
        return True
    little = all(one.small or one.concept in _EMPTY or len(one.form) < _LEAST_LETTERS for one in words)
    return little and len(words) <= _FEW


def names_a_matter(title: str) -> bool:
    """Tell whether a mail's subject says what it is about ("Spørsmål til kommunen" does not)."""
    return not all(one.small or one.concept in _TITLES for one in map(word, tokens(title)))


def subject(question: str, ways: Sequence[str]) -> tuple[str, ...]:
    """Return the words that name what an entry is about: of its question's words those most of its wordings have."""
    words = [one for one in map(word, tokens(question)) if not one.small and one.concept not in _ASPECTS]
    wordings = [[word(token) for token in tokens(way)] for way in ways]
    spread = {
        one.form: sum(any(_is_of_one_thing(one, other) for other in wording) for wording in wordings) for one in words
    }
    most = max(spread.values(), default=0)
    return tuple(sorted((form for form in spread if 2 * spread[form] > most), key=lambda form: -spread[form])[:_NAMES])


def spelled_out(text: str) -> str:
    """Return a question that hangs on another with the words that answers use ("how much is it" asks for the cost)."""
    return " ".join([text, *(called for token in tokens(text) if (called := _CALLED.get(token)))])


def sides(text: str) -> tuple[str, ...]:
    """Return the words by which a question asks about a side of a thing: its price, its time, its place."""
    found = (word(token) for token in tokens(spelled_out(text)))
    return tuple(one.form for one in found if not one.small and one.concept in _ASPECTS)


def quoted(text: str) -> str:
    """Return a question as it is quoted back: on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def _sentences(text: str) -> list[str]:
    sentences: list[str] = []
    for piece in _BREAK.split(text):
        part = " ".join(piece.split())
        if sentences and _goes_on(sentences[-1]):
            sentences[-1] = f"{sentences[-1]} {part}".strip()
        elif part:
            sentences.append(part)
    return [bare for sentence in sentences if (bare := _BULLET.sub("", sentence))]


def _goes_on(sentence: str) -> bool:
    """Tell whether the dot a sentence ends with is an abbreviation's or a number's."""
    last = _LAST_WORD.search(sentence)
    return last is not None and (last[1].lower() in _ABBREVIATIONS or last[1].isdecimal())


def asks(sentence: str) -> bool:
    """Tell whether a sentence is a question: by its mark, or by the word it begins with."""
    if sentence.rstrip('"»”) ').endswith("?"):
        return any(char.isalpha() for char in sentence)
    for meant in _meanings(sentence):
        if meant in _QUESTION_WORDS:
            return True
        if meant not in _OPENERS:
            return False
    return False


def _clauses(sentence: str) -> tuple[str, ...]:
    """Return the parts of a sentence that "og" or a comma joins and that begin as questions."""
    clauses: list[str] = []
    begin = 0
    for joint in _JOINT.finditer(sentence):
        if word(next(iter(tokens(sentence[joint.end() :])), "")).concept in _QUESTION_WORDS:
            clauses.append(sentence[begin : joint.start()])
            begin = joint.end()
    return (*clauses, sentence[begin:])


def _is_of_one_thing(one: Word, other: Word) -> bool:
    return one.concept == other.concept or (len(one.form) >= _STEM and one.form[:_STEM] == other.form[:_STEM])
