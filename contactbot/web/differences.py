"""What changed between two versions of an entry, field by field and word by word. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from contactbot.kb.entry import Entry
from contactbot.web.entry_form import LABELS, OF_A_LANGUAGE, filled, label

Piece = tuple[Literal["same", "gone", "new"], str]

WORDS: Final = re.compile(r"\s+|[^\s\w]|\w+")
LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")
MOST_WORDS: Final = 3_000  # of one text; longer ones are shown whole, before and after


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that changed."""

    field: str
    label: str
    pieces: tuple[Piece, ...]


def differences(old: Entry, new: Entry) -> tuple[Difference, ...]:
    """Return every field that differs, in the order of the form."""
    before, after = filled(old, 0), filled(new, 0)
    names = dict.fromkeys((*LABELS, *_of_languages(old, new)))
    return tuple(
        Difference(name, label(name), tuple(_pieces(before.get(name), after.get(name), _parts(name))))
        for name in names
        if before.get(name) != after.get(name)
    )


def _of_languages(old: Entry, new: Entry) -> Iterator[str]:
    for language in dict.fromkeys((*old.languages, *new.languages)):
        yield from (f"{language}.{name}" for name in OF_A_LANGUAGE)


def _parts(field: str) -> re.Pattern[str]:
    """Return what a field is compared by: phrasings are lines that stand alone, everything else is prose."""
    return LINES if field.endswith(".phrasings") else WORDS


def _pieces(old: str, new: str, parts: re.Pattern[str]) -> Iterator[Piece]:
    one, other = parts.findall(old), parts.findall(new)
    if max(len(one), len(other)) > MOST_WORDS:
        one, other = [old], [new]
    for _, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        gone, came = "".join(one[a:b]), "".join(other[c:d])
        if gone == came:
            yield "same", gone
            continue
        if gone:
            yield "gone", gone
        if came:
            yield "new", came
