"""What is called by several names: single words, and phrases that are read as one word."""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

from contactbot.errors import ContactbotError
from contactbot.kb.normalise import Word, tokens, word

Group = Sequence[str]
"""Words and phrases of one meaning."""
Meanings = tuple[int, ...]
FEWEST: Final = 2
"""Names of a group: of one name there is no other."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Several words that are one name: the concepts of those that are not small, and the word they are read as."""

    concepts: Meanings
    word: Word


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase in a text: the places of its words, and what they are read as."""

    places: tuple[int, ...]
    word: Word


@dataclass(frozen=True, slots=True)
class Synonyms:
    """Groups of names, ready to be found: single words by their concept, phrases by that of their first word."""

    concepts: Mapping[int, int]
    phrases: Mapping[int, tuple[Phrase, ...]]

    @classmethod
    def of(cls, groups: Sequence[Group]) -> "Synonyms":
        """Return these groups, those that share a word as one. A phrase needs two words that are not small."""
        concepts: dict[int, int] = {}
        phrases: dict[int, list[Phrase]] = {}
        for group in groups:
            read = [list(map(word, tokens(text))) for text in group]
            alone = [words[0].concept for words in read if len(words) == 1]
            meaning = _meaning(alone, concepts, group)
            for one in alone:
                concepts.setdefault(one, meaning)
            for words in read:
                telling = [one for one in words if not one.small]
                if len(telling) > 1:
                    form = "".join(one.form for one in telling)
                    phrase = Phrase(tuple(one.concept for one in telling), Word(form, small=False, concept=meaning))
                    phrases.setdefault(phrase.concepts[0], []).append(phrase)
        longest_first = {
            first: tuple(sorted(found, key=lambda one: -len(one.concepts))) for first, found in phrases.items()
        }
        return cls(concepts, longest_first)

    def told(self, words: Sequence[Word]) -> list[Word]:
        """Return the words of a text of the base, and after them what its phrases are read as."""
        return _each_once([*map(self._meant, words), *(found.word for found in self._find(words))])

    def asked(self, words: Sequence[Word], is_in_base: Callable[[int], bool]) -> list[Word]:
        """Return the words of a question, its phrases as one word where the base has a name of that meaning."""
        read: list[Word | None] = list(map(self._meant, words))
        for found in self._find(words):
            if is_in_base(found.word.concept):
                for place in found.places:
                    read[place] = None
                read[found.places[0]] = found.word
        return _each_once([one for one in read if one is not None])

    def _meant(self, one: Word) -> Word:
        meaning = self.concepts.get(one.concept)
        return one if meaning is None else replace(one, concept=meaning)

    def _find(self, words: Sequence[Word]) -> Iterator[Found]:
        """Yield the phrases of a text, none of which share a word."""
        telling = [place for place, one in enumerate(words) if not one.small]
        meant = tuple(words[place].concept for place in telling)
        at = 0
        while at < len(telling):
            phrase = self._at(meant[at:])
            if phrase is not None:
                yield Found(tuple(telling[at : at + len(phrase.concepts)]), phrase.word)
            at += 1 if phrase is None else len(phrase.concepts)

    def _at(self, meant: Meanings) -> Phrase | None:
        if not meant:
            return None
        phrases = self.phrases.get(meant[0], ())
        return next((one for one in phrases if meant[: len(one.concepts)] == one.concepts), None)


class SynonymError(ContactbotError):
    """A line that is no group of synonyms; the message names it and says what is expected."""


def groups_from_lines(text: str) -> tuple[Group, ...]:
    """Read groups, one a line, names separated by commas; blank lines and those that begin with # are skipped.

    Raises SynonymError for a line with fewer than two names that can be told apart from small words.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    return tuple(_group(number, line) for number, line in lines if line and not line.startswith("#"))


def groups_to_lines(groups: Sequence[Group]) -> str:
    """Return groups as ``groups_from_lines`` reads them."""
    return "".join(f"{', '.join(group)}\n" for group in groups)


def names_in(line: str) -> tuple[str, ...]:
    """Return the names of a line, each once; commas stand between them."""
    return tuple(dict.fromkeys(name for part in line.split(",") if (name := " ".join(part.split()))))


def is_name(text: str) -> bool:
    """Say whether a text can be found as a name: it is one word, or has two that are not small words."""
    words = [word(token) for token in tokens(text)]
    return len(words) == 1 or sum(not one.small for one in words) > 1


def shipped_groups() -> tuple[Group, ...]:
    """Return the groups that come with the package, of all languages."""
    known = tomllib.loads((files(__package__) / "synonyms.toml").read_text("utf-8"))
    return tuple(tuple(group) for groups in known.values() for group in groups)


def with_own(groups: Sequence[Group]) -> Synonyms:
    """Return the shipped groups and a municipality's own; where both have a word, its own count."""
    return Synonyms.of((*groups, *shipped_groups())) if groups else _shipped()


@cache
def _shipped() -> Synonyms:
    return Synonyms.of(shipped_groups())


def _meaning(alone: Sequence[int], concepts: Mapping[int, int], group: Group) -> int:
    """Return the concept of a group: what one of its words stands for already, else its first, else one of its own."""
    known = (concepts[one] for one in alone if one in concepts)
    return next(known, alone[0] if alone else word("".join(tokens(group[0]))).concept)


def _group(number: int, line: str) -> Group:
    names = names_in(line)
    if len(names) < FEWEST:
        raise SynonymError(f"line {number}: expected two names or more, separated by commas")
    unread = [name for name in names if not is_name(name)]
    if unread:
        raise SynonymError(f"line {number}: {unread[0]!r} needs one word by itself, or two that are not small words")
    return names


def _each_once(words: Sequence[Word]) -> list[Word]:
    return list({one.form: one for one in words}.values())
