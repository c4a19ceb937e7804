"""The question sets that the matcher is fitted and measured on, and the ways to make them harder."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from contactbot import demo
from contactbot.kb.entry import Entry, EntryText, entries_from_jsonl
from contactbot.kb.evaluation import Query, queries_from_jsonl

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "matching" / "dev"
MUNICIPAL: Final = Path(__file__).parent / "data" / "municipal"
OTHERS: Final = tuple(Path(__file__).parent / "data" / name for name in ("inland", "coast"))
"""Two other municipalities', whose editors write short and whose residents use words of their own."""
TOWN: Final = Path(__file__).parent / "data" / "town" / "queries.jsonl"
"""Hard questions for the demo's answers: a young person's dialect, whole mails, indirect wording, and nobody's."""

_KEYBOARD: Final = ("qwertyuiopå", "asdfghjkløæ", "zxcvbnm")


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Entries and the questions to put to them."""

    name: str
    entries: tuple[Entry, ...]
    queries: tuple[Query, ...]

    def mistyped(self, way: Callable[[str, random.Random], str], seed: int = 7) -> "QuestionSet":
        """Return this set with every question written as `way` writes."""
        dice = random.Random(seed)  # noqa: S311 - repeatable, nothing is secret
        queries = tuple(replace(query, text=way(query.text, dice)) for query in self.queries)
        return QuestionSet(f"{self.name} {way.__name__}", self.entries, queries)

    def with_gaps(self, share: float, seed: int = 5) -> "QuestionSet":
        """Return this set without `share` of its entries, so that their questions are nobody's."""
        dice = random.Random(seed)  # noqa: S311 - repeatable, nothing is secret
        kept = tuple(entry for entry in self.entries if dice.random() >= share)
        left = {entry.id for entry in kept}
        queries = tuple(
            query if query.expect in left else replace(query, expect=None, kind="gap") for query in self.queries
        )
        return QuestionSet(f"{self.name} gaps", kept, queries)

    def with_learnt(self, most: int, seed: int = 1) -> "QuestionSet":
        """Return this set with up to `most` questions of each entry learnt as phrasings, and no longer asked."""
        dice = random.Random(seed)  # noqa: S311 - repeatable, nothing is secret
        learnt: dict[str, list[str]] = {entry.id: [] for entry in self.entries}
        asked = []
        for query in dice.sample(self.queries, len(self.queries)):
            if query.expect is not None and len(learnt[query.expect]) < most:
                learnt[query.expect].append(query.text)
            else:
                asked.append(query)
        entries = tuple(_with_phrasings(entry, learnt[entry.id]) for entry in self.entries)
        return QuestionSet(f"{self.name} learnt", entries, tuple(asked))

    def with_one_phrasing(self) -> "QuestionSet":
        """Return this set with nothing but the question of each entry."""
        entries = tuple(
            replace(
                entry,
                texts=tuple(EntryText(text.language, text.question, full=text.full) for text in entry.texts),
            )
            for entry in self.entries
        )
        return QuestionSet(f"{self.name} one", entries, self.queries)

    def sample(self, most: int, seed: int = 3) -> "QuestionSet":
        """Return this set with at most `most` of its questions."""
        if len(self.queries) <= most:
            return self
        dice = random.Random(seed)  # noqa: S311 - repeatable, nothing is secret
        return replace(self, queries=tuple(dice.sample(self.queries, most)))


def read(folder: Path, name: str = "") -> QuestionSet:
    """Read a folder that holds `entries.jsonl` and `queries.jsonl`."""
    entries = entries_from_jsonl((folder / "entries.jsonl").read_text("utf-8"))
    queries = queries_from_jsonl((folder / "queries.jsonl").read_text("utf-8"))
    return QuestionSet(name or folder.name, entries, queries)


def question_sets() -> Iterator[QuestionSet]:
    """Yield our own four municipal sets, then the shared development sets; say loudly when those are absent."""
    yield read(MUNICIPAL)
    yield from map(read, OTHERS)
    yield QuestionSet("town", demo.base(), queries_from_jsonl(TOWN.read_text("utf-8")))
    if not SHARED.is_dir():
        print(f"!! the shared development sets are absent: no {SHARED}")
        return
    for folder in sorted(SHARED.iterdir()):
        yield read(folder)


def two_typos(text: str, dice: random.Random) -> str:
    """Return `text` with two edits of a hurried hand."""
    return _edited(_edited(text, dice), dice)


def text_message(text: str, dice: random.Random) -> str:
    """Return `text` in lower case, without punctuation and Norwegian letters, with one edit."""
    bare = "".join(letter for letter in text.lower() if letter.isalnum() or letter.isspace())
    return _edited(bare.replace("æ", "ae").replace("ø", "o").replace("å", "a"), dice)


def _edited(text: str, dice: random.Random) -> str:
    if len(text) < len("ja?"):
        return text
    at = dice.randrange(len(text))
    wrong = dice.choice(_neighbours(text[at].lower()))
    way = dice.randrange(4)
    if way == 0:
        return text[:at] + wrong + text[at + 1 :]
    if way == 1:
        return text[:at] + text[at + 1 :]
    if way == 2:
        return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    return text[:at] + wrong + text[at:]


def _neighbours(letter: str) -> str:
    for number, row in enumerate(_KEYBOARD):
        at = row.find(letter)
        if at >= 0:
            near = "".join(other[max(0, at - 1) : at + 2] for other in _KEYBOARD[max(0, number - 1) : number + 2])
            return near.replace(letter, "")
    return "e"


def _with_phrasings(entry: Entry, more: list[str]) -> Entry:
    first = entry.texts[0]
    return replace(entry, texts=(replace(first, phrasings=(*first.phrasings, *more)), *entry.texts[1:]))


def as_json(value: object) -> str:
    """Return `value` as the weights file is written: readable, and the same every time."""
    return json.dumps(value, indent=2, sort_keys=True) + "\n"
