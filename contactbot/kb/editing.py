"""What editors do with entries. Each function is a unit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from contactbot.errors import ConflictError
from contactbot.kb import store
from contactbot.kb.entry import Entry
from contactbot.storage.transaction import Transaction

Change: TypeAlias = Literal["new", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Edit:
    """Who edits, when, and why in their own words."""

    municipality: str
    author: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import makes, or would make, of one entry."""

    id: str
    question: str
    languages: tuple[str, ...]
    change: Change
    published: bool  # whether residents have it afterwards in this form


def take_in(tx: Transaction, municipality: str, entries: Sequence[Entry], author: str, at: datetime) -> int:
    """Save and publish entries, such as an import; return the base's new revision."""
    for entry in entries:
        store.publish(tx, municipality, entry.id, store.save(tx, municipality, entry, author, at), author, at)
    return store.revision(tx, municipality)


def save(tx: Transaction, edit: Edit, new: Entry, seen: int) -> int:
    """Keep new content as a draft that residents do not see; return its version.

    ``seen`` is the version the editor worked on, 0 for an entry that is new. Raises ConflictError when another was
    saved since, or the id is taken. Content that is the newest version's makes no version of its own.
    """
    _refuse_when_gone(tx, edit.municipality, new.id, seen)
    newest = _newest(tx, edit.municipality, new.id)
    if newest is not None and newest.version == seen and _same(newest, new):
        return seen
    return store.save(tx, edit.municipality, new, edit.author, edit.at, note=edit.note, seen=seen)


def publish(tx: Transaction, edit: Edit, new: Entry, seen: int) -> int:
    """Save new content and let residents have it, in one transaction; return its version. Raises as ``save``."""
    version = save(tx, edit, new, seen)
    if store.state(tx, edit.municipality, new.id) != ("published", version):
        store.publish(tx, edit.municipality, new.id, version, edit.author, edit.at)
    return version


def roll_back(tx: Transaction, edit: Edit, entry_id: str, version: int) -> int:
    """Make an earlier version the newest again, as a draft; return the new version. Raises NotFoundError."""
    old = store.entry(tx, edit.municipality, entry_id, version)
    return store.save(tx, edit.municipality, old, edit.author, edit.at, note=edit.note)


def archive(tx: Transaction, edit: Edit, entry_id: str) -> None:
    """Take an entry out of use; every version stays. Raises NotFoundError."""
    if store.state(tx, edit.municipality, entry_id)[0] != "archived":
        store.archive(tx, edit.municipality, entry_id, edit.author, edit.at)


def bring_back(tx: Transaction, edit: Edit, entry_id: str) -> None:
    """Make an archived entry a draft again, to be published when somebody has looked at it. Raises NotFoundError."""
    if store.state(tx, edit.municipality, entry_id)[0] == "archived":
        store.bring_back(tx, edit.municipality, entry_id, edit.author, edit.at)


def add_synonyms(tx: Transaction, edit: Edit, words: Sequence[str]) -> int:
    """Let names mean the same from the next question on; return the base's revision.

    A group that holds already, word for word, is not added once more.
    """
    if tuple(words) in store.synonyms(tx, edit.municipality):
        return store.revision(tx, edit.municipality)
    return store.add_synonyms(tx, edit.municipality, words, edit.author, edit.at)


def change_synonyms(tx: Transaction, edit: Edit, group: int, words: Sequence[str]) -> int:
    """Put other names in place of a group's; return the base's revision. Raises ConflictError where it is gone."""
    store.remove_synonyms(tx, edit.municipality, group, edit.author, edit.at)
    return add_synonyms(tx, edit, words)


def remove_synonyms(tx: Transaction, edit: Edit, group: int) -> int:
    """Take a group out of use; return the base's revision. Raises ConflictError where somebody has already."""
    return store.remove_synonyms(tx, edit.municipality, group, edit.author, edit.at)


def plan(tx: Transaction, municipality: str, entries: Sequence[Entry], publish: bool) -> tuple[Imported, ...]:  # noqa: FBT001 - a unit's arguments are positional
    """Return what ``take_in_reported`` would do, and do nothing."""
    known = {shelf.entry.id: shelf for shelf in store.shelf(tx, municipality)}
    return tuple(_planned(known.get(entry.id), entry, publish=publish) for entry in entries)


def take_in_reported(
    tx: Transaction,
    edit: Edit,
    entries: Sequence[Entry],
    publish: bool,  # noqa: FBT001 - a unit's arguments are positional
) -> tuple[Imported, ...]:
    """Save entries, and with ``publish`` let residents have them; all or, when one fails, none. Return what was done.

    What is there already, word for word, gets no new version.
    """
    done = plan(tx, edit.municipality, entries, publish)
    for entry, planned in zip(entries, done, strict=True):
        if planned.change != "unchanged":
            store.save(tx, edit.municipality, entry, edit.author, edit.at, note=edit.note)
        if publish:
            newest = store.entry(tx, edit.municipality, entry.id).version
            if store.state(tx, edit.municipality, entry.id) != ("published", newest):
                store.publish(tx, edit.municipality, entry.id, newest, edit.author, edit.at)
    return done


def _planned(shelf: store.Shelf | None, entry: Entry, *, publish: bool) -> Imported:
    change: Change = "new" if shelf is None else "unchanged" if _same(shelf.entry, entry) else "changed"
    out = shelf is not None and shelf.state == "published" and shelf.published_version == shelf.entry.version
    return Imported(
        entry.id,
        entry.texts[0].question,
        entry.languages,
        change,
        published=publish or (out and change == "unchanged"),
    )


def _newest(tx: Transaction, municipality: str, entry_id: str) -> Entry | None:
    return store.entry(tx, municipality, entry_id) if store.exists(tx, municipality, entry_id) else None


def _refuse_when_gone(tx: Transaction, municipality: str, entry_id: str, seen: int) -> None:
    if seen and not store.exists(tx, municipality, entry_id):
        raise ConflictError(f"there is no entry {entry_id!r} any more")


def _same(one: Entry, other: Entry) -> bool:
    return replace(one, version=other.version) == other
