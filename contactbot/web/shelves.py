"""The editor's list: which entries are shown, in which order, and what is said of each. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from contactbot.kb.store import Shelf

# Å follows ø and æ in the alphabets of our languages, where code points put it first.
ALPHABET: Final = str.maketrans("æøå", "{|}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is asked for."""

    search: str = ""
    view: str = "all"
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list."""

    shelf: Shelf
    question: str
    language: str
    state: str  # published, changed (published, with newer words that are not), draft or archived
    overdue: bool
    expired: bool
    uses: int


VIEWS: Final[Mapping[str, tuple[str, Callable[[Listed], bool]]]] = {
    "all": ("Alle i bruk", lambda one: one.state != "archived"),
    "published": ("Publiserte", lambda one: one.state in ("published", "changed")),
    "changed": ("Med upubliserte endringer", lambda one: one.state == "changed"),
    "draft": ("Utkast", lambda one: one.state == "draft"),
    "overdue": ("Over revisjonsfrist", lambda one: one.overdue and one.state != "archived"),
    "expired": ("Ikke gyldige i dag", lambda one: one.expired and one.state != "archived"),
    "no-nn": ("Mangler nynorsk", lambda one: "nn" not in one.shelf.entry.languages and one.state != "archived"),
    "no-en": ("Mangler engelsk", lambda one: "en" not in one.shelf.entry.languages and one.state != "archived"),
    "archived": ("Arkiverte", lambda one: one.state == "archived"),
}


def listed(shelves: Sequence[Shelf], language: str, today: date, uses: Mapping[str, int]) -> tuple[Listed, ...]:
    """Return every entry as a line, by topic and question; ``language`` is the municipality's own."""
    lines = [_line(shelf, language, today, uses.get(shelf.entry.id, 0)) for shelf in shelves]
    return tuple(sorted(lines, key=lambda one: (alphabetic(one.shelf.entry.topic), alphabetic(one.question))))


def chosen(lines: Sequence[Listed], wanted: Wanted) -> tuple[Listed, ...]:
    """Return the lines that are asked for."""
    _, fits = VIEWS.get(wanted.view, VIEWS["all"])
    words = wanted.search.casefold().split()
    return tuple(
        one
        for one in lines
        if fits(one)
        and (not wanted.owner or one.shelf.entry.owner == wanted.owner)
        and (not words or _holds(one, words))
    )


def alphabetic(text: str) -> str:
    """Return a text's place in the alphabet."""
    return text.casefold().translate(ALPHABET)


def state_of(shelf: Shelf) -> str:
    """Return an entry's state, telling apart what is published as it stands from what was changed since."""
    if shelf.state == "published" and shelf.published_version != shelf.entry.version:
        return "changed"
    return shelf.state


def _line(shelf: Shelf, language: str, today: date, uses: int) -> Listed:
    text = shelf.entry.text(language)
    review = shelf.entry.review_by
    return Listed(
        shelf=shelf,
        question=text.question,
        language=text.language,
        state=state_of(shelf),
        overdue=review is not None and review < today,
        expired=not shelf.entry.valid_on(today),
        uses=uses,
    )


def _holds(one: Listed, words: Sequence[str]) -> bool:
    entry = one.shelf.entry
    asked = (way for text in entry.texts for way in text.ways_to_ask())
    text = " ".join((entry.id, entry.topic, entry.owner, *entry.tags, *asked)).casefold()
    return all(word in text for word in words)
