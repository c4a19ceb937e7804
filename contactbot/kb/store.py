"""The statements about entries: every version is kept, one of them is published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contactbot.errors import ConflictError, NotFoundError
from contactbot.kb.entry import Entry, entry_from_json, entry_to_json
from contactbot.messages import Address
from contactbot.storage import events
from contactbot.storage.transaction import Transaction

TOPIC = "kb"


@dataclass(frozen=True, slots=True)
class Shelf:
    """An entry in the editor's list: its newest content, its state, and what is published."""

    entry: Entry
    state: str
    published_version: int | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entry: who wrote it, when and why."""

    version: int
    author: str
    note: str
    created_at: datetime
    author_name: str | None = None  # of a member of staff


@dataclass(frozen=True, slots=True)
class Comment:
    """What a resident wrote about an answer, masked: about which version of it, and in which language."""

    text: str
    helpful: bool
    version: int
    language: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Ratings:
    """How many residents found an entry's answers helpful, how many did not, and what they wrote."""

    helpful: int
    unhelpful: int
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnSynonyms:
    """Names of one meaning that a municipality added: who did, and who took them out again, where somebody has.

    The two are names of members of staff, None where it was the operator.
    """

    id: int
    words: tuple[str, ...]
    added_at: datetime
    added_by: str | None
    removed_at: datetime | None
    removed_by: str | None


@dataclass(frozen=True, slots=True)
class Base:
    """A municipality's published answers at one revision: what the index is built from."""

    revision: int
    entries: tuple[Entry, ...]
    synonyms: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What makes the base of one revision of another: entries that are new or newer, the ids of those that went."""

    revision: int
    entries: tuple[Entry, ...]
    gone: frozenset[str]
    synonyms: tuple[tuple[str, ...], ...]


def revision(tx: Transaction, municipality: str) -> int:
    """Return the number that grows with every publication."""
    found = tx.value("SELECT kb_revision FROM municipality WHERE id = :id", id=municipality)
    if found is None:
        raise NotFoundError(f"there is no municipality {municipality!r}")
    return int(found)


def base(tx: Transaction, municipality: str) -> Base:
    """Return everything that is published."""
    rows = tx.rows(
        "SELECT v.content, v.version FROM entry e JOIN entry_version v ON v.municipality = e.municipality"
        " AND v.entry = e.id AND v.version = e.published_version"
        " WHERE e.municipality = :municipality AND e.state = 'published' ORDER BY e.id",
        municipality=municipality,
    )
    entries = tuple(_entry(content, version) for content, version in rows)
    return Base(revision(tx, municipality), entries, synonyms(tx, municipality))


def changes(tx: Transaction, municipality: str, known: Mapping[str, int], most: int) -> Changes | None:
    """Return what was published or withdrawn since the entries had the ``known`` versions.

    None where that is more than ``most`` entries.
    """
    published = dict(
        tx.rows(
            "SELECT id, published_version FROM entry WHERE municipality = :municipality AND state = 'published'",
            municipality=municipality,
        )
    )
    newer = sorted([name for name, version in published.items() if known.get(name) != version])
    gone = frozenset(known.keys() - published.keys())
    if len(newer) + len(gone) > most:
        return None
    entries = tuple(entry(tx, municipality, name, published[name]) for name in newer)
    return Changes(revision(tx, municipality), entries, gone, synonyms(tx, municipality))


def synonyms(tx: Transaction, municipality: str) -> tuple[tuple[str, ...], ...]:
    """Return the municipality's own groups, the oldest first."""
    rows = tx.rows(
        "SELECT words FROM synonym WHERE municipality = :municipality AND removed_at IS NULL ORDER BY id",
        municipality=municipality,
    )
    return tuple(tuple(json.loads(words)) for (words,) in rows)


def own_synonyms(tx: Transaction, municipality: str, most_removed: int) -> tuple[OwnSynonyms, ...]:
    """Return the groups that hold, and the newest of those that were taken out; what changed last comes first."""
    rows = tx.rows(
        "SELECT g.id, g.words, g.added_at, a.name, g.removed_at, r.name FROM synonym g"
        " LEFT JOIN staff a ON a.municipality = g.municipality AND 'staff:' || a.id = g.added_by"
        " LEFT JOIN staff r ON r.municipality = g.municipality AND 'staff:' || r.id = g.removed_by"
        " WHERE g.municipality = :municipality AND (g.removed_at IS NULL OR g.id IN"
        "  (SELECT id FROM synonym WHERE municipality = :municipality AND removed_at IS NOT NULL"
        "   ORDER BY removed_at DESC, id DESC LIMIT :most))"
        " ORDER BY coalesce(g.removed_at, g.added_at) DESC, g.id DESC",
        municipality=municipality,
        most=most_removed,
    )
    return tuple(
        OwnSynonyms(
            number, tuple(json.loads(words)), datetime.fromisoformat(added_at), added_by,
            None if removed_at is None else datetime.fromisoformat(removed_at), removed_by,
        )
        for number, words, added_at, added_by, removed_at, removed_by in rows
    )  # fmt: skip


def add_synonyms(tx: Transaction, municipality: str, words: Sequence[str], author: str, at: datetime) -> int:
    """Let these names mean the same from now on; return the base's new revision."""
    group = tx.insert("synonym", municipality=municipality, words=list(words), added_by=author, added_at=at)
    events.record(tx, municipality, at, author, "synonyms.added", subject=str(group))
    return _new_revision(tx, municipality)


def remove_synonyms(tx: Transaction, municipality: str, group: int, author: str, at: datetime) -> int:
    """Take a group out of use; it stays as history. Return the base's new revision.

    Raises ConflictError where the group does not hold any more.
    """
    removed = tx.execute(
        "UPDATE synonym SET removed_at = :at, removed_by = :author"
        " WHERE municipality = :municipality AND id = :group AND removed_at IS NULL",
        at=at,
        author=author,
        municipality=municipality,
        group=group,
    )
    if not removed:
        raise ConflictError(f"the synonyms {group} are not in use")
    events.record(tx, municipality, at, author, "synonyms.removed", subject=str(group))
    return _new_revision(tx, municipality)


def set_synonyms(tx: Transaction, municipality: str, groups: Sequence[Sequence[str]], author: str, at: datetime) -> int:
    """Let these groups be all that the municipality has of its own; return the base's revision."""
    wanted = [tuple(group) for group in groups]
    held = {one.words: one.id for one in own_synonyms(tx, municipality, most_removed=0)}
    for words, group in held.items():
        if words not in wanted:
            remove_synonyms(tx, municipality, group, author, at)
    for words in wanted:
        if words not in held:
            add_synonyms(tx, municipality, words, author, at)
    return revision(tx, municipality)


def shelf(tx: Transaction, municipality: str) -> tuple[Shelf, ...]:
    """Return every entry with its newest content, by id."""
    rows = tx.rows(
        "SELECT v.content, v.version, e.state, e.published_version, e.changed_at FROM entry e"
        " JOIN entry_version v ON v.municipality = e.municipality AND v.entry = e.id AND v.version = e.latest_version"
        " WHERE e.municipality = :municipality ORDER BY e.id",
        municipality=municipality,
    )
    return tuple(
        Shelf(_entry(content, version), state, published, datetime.fromisoformat(changed_at))
        for content, version, state, published, changed_at in rows
    )


def entry(tx: Transaction, municipality: str, entry_id: str, version: int | None = None) -> Entry:
    """Return one version of an entry, the newest when none is named. Raises NotFoundError."""
    found = tx.row(
        "SELECT v.content, v.version FROM entry e JOIN entry_version v ON v.municipality = e.municipality"
        " AND v.entry = e.id AND v.version = coalesce(:version, e.latest_version)"
        " WHERE e.municipality = :municipality AND e.id = :id",
        municipality=municipality,
        id=entry_id,
        version=version,
    )
    if found is None:
        raise NotFoundError(f"there is no entry {entry_id!r}")
    return _entry(found[0], found[1])


def exists(tx: Transaction, municipality: str, entry_id: str) -> bool:
    """Say whether the id is taken."""
    taken = tx.value(
        "SELECT 1 FROM entry WHERE municipality = :municipality AND id = :id", municipality=municipality, id=entry_id
    )
    return taken is not None


def published(tx: Transaction, municipality: str, entry_id: str) -> tuple[Entry, datetime]:
    """Return what residents have of an entry, and since when that version is written. Raises NotFoundError."""
    found = tx.row(
        "SELECT v.content, v.version, v.created_at FROM entry e JOIN entry_version v"
        " ON v.municipality = e.municipality AND v.entry = e.id AND v.version = e.published_version"
        " WHERE e.municipality = :municipality AND e.id = :id AND e.state = 'published'",
        municipality=municipality,
        id=entry_id,
    )
    if found is None:
        raise NotFoundError(f"there is no published entry {entry_id!r}")
    return _entry(found[0], found[1]), datetime.fromisoformat(found[2])


def uses(tx: Transaction, municipality: str, since: datetime) -> dict[str, int]:
    """Return how often each entry was given as an answer since then, the most used first."""
    rows = tx.rows(
        "SELECT g.entry, count(*) FROM answer_given g"
        " JOIN message m ON m.municipality = g.municipality AND m.id = g.message"
        " WHERE g.municipality = :municipality AND m.created_at >= :since"
        " GROUP BY g.entry ORDER BY count(*) DESC, g.entry",
        municipality=municipality,
        since=since,
    )
    return {str(entry): int(count) for entry, count in rows}


def rate(  # noqa: PLR0913 - who, about what, which answer, how, why and when
    tx: Transaction,
    municipality: str,
    session: Address,
    position: int,
    at: datetime,
    *,
    helpful: bool,
    comment: str,
) -> bool:
    """Keep what a resident thinks of the answer shown to them as ``position``; return whether there is such a one.

    The last word counts; ``comment`` is masked already, and "" leaves the earlier one.
    """
    answers = tx.rows(
        "UPDATE answer_given SET helpful = :helpful, comment = CASE WHEN :comment = '' THEN comment ELSE :comment END"
        " WHERE municipality = :municipality AND message IN (SELECT m.id FROM address a"
        "  JOIN thread t ON t.municipality = a.municipality AND t.address = a.id"
        "  JOIN message m ON m.municipality = t.municipality AND m.thread = t.id"
        "  WHERE a.municipality = :municipality AND a.scheme = :scheme AND a.value = :value"
        "  AND m.shown = :position AND m.text <> '')"
        " RETURNING entry",
        municipality=municipality,
        scheme=session.scheme,
        value=session.value,
        position=position,
        helpful=helpful,
        comment=comment,
    )
    for (entry_id,) in answers:
        events.record(tx, municipality, at, "resident", "answer.rated", subject=entry_id, data={"helpful": helpful})
    return bool(answers)


def ratings(tx: Transaction, municipality: str, entry_id: str, since: datetime, limit: int) -> Ratings:
    """Return what residents think of an entry's answers since then, and the newest of what they wrote about them."""
    counted = tx.row(
        "SELECT coalesce(sum(g.helpful), 0), count(g.helpful) FROM answer_given g"
        " JOIN message m ON m.municipality = g.municipality AND m.id = g.message"
        " WHERE g.municipality = :municipality AND g.entry = :entry AND m.created_at >= :since",
        municipality=municipality,
        entry=entry_id,
        since=since,
    )
    comments = tx.all(
        Comment,
        "SELECT g.comment AS text, g.helpful, g.entry_version AS version, g.language, m.created_at AS answered_at"
        " FROM answer_given g JOIN message m ON m.municipality = g.municipality AND m.id = g.message"
        " WHERE g.municipality = :municipality AND g.entry = :entry AND m.created_at >= :since AND g.comment <> ''"
        " ORDER BY m.created_at DESC, g.id DESC LIMIT :limit",
        municipality=municipality,
        entry=entry_id,
        since=since,
        limit=limit,
    )
    helpful, rated = counted or (0, 0)
    return Ratings(int(helpful), int(rated) - int(helpful), tuple(comments))


def state(tx: Transaction, municipality: str, entry_id: str) -> tuple[str, int | None]:
    """Return an entry's state and published version. Raises NotFoundError."""
    found = tx.row(
        "SELECT state, published_version FROM entry WHERE municipality = :municipality AND id = :id",
        municipality=municipality,
        id=entry_id,
    )
    if found is None:
        raise NotFoundError(f"there is no entry {entry_id!r}")
    return str(found[0]), found[1]


def versions(tx: Transaction, municipality: str, entry_id: str) -> tuple[Version, ...]:
    """Return an entry's history, newest first."""
    return tuple(
        tx.all(
            Version,
            "SELECT v.version, v.author, v.note, v.created_at, s.name AS author_name FROM entry_version v"
            " LEFT JOIN staff s ON s.municipality = v.municipality AND 'staff:' || s.id = v.author"
            " WHERE v.municipality = :municipality AND v.entry = :id ORDER BY v.version DESC",
            municipality=municipality,
            id=entry_id,
        )
    )


def save(  # noqa: PLR0913 - the columns of one version
    tx: Transaction,
    municipality: str,
    new: Entry,
    author: str,
    at: datetime,
    *,
    note: str = "",
    seen: int | None = None,
) -> int:
    """Keep new content as the entry's next version and return its number; what is published stays as it is.

    ``seen`` is the version the editor worked on: raises ConflictError when another was saved since.
    """
    latest: int | None = tx.value(
        "SELECT latest_version FROM entry WHERE municipality = :municipality AND id = :id",
        municipality=municipality,
        id=new.id,
    )
    if seen is not None and latest is not None and latest != seen:
        raise ConflictError(f"somebody saved version {latest} of {new.id} while you worked on version {seen}")
    version = (latest or 0) + 1
    if latest is None:
        tx.add("entry", municipality=municipality, id=new.id, latest_version=version, changed_at=at)
    tx.execute(
        "UPDATE entry SET latest_version = :version, changed_at = :at WHERE municipality = :municipality AND id = :id",
        version=version,
        at=at,
        municipality=municipality,
        id=new.id,
    )
    tx.add(
        "entry_version", municipality=municipality, entry=new.id, version=version,
        content=json.dumps(entry_to_json(replace(new, version=version)), ensure_ascii=False),
        author=author, note=note, created_at=at,
    )  # fmt: skip
    events.record(tx, municipality, at, author, "entry.saved", subject=new.id, data={"version": version})
    return version


def publish(tx: Transaction, municipality: str, entry_id: str, version: int, author: str, at: datetime) -> int:
    """Let residents have this version from now on; return the base's new revision. Raises NotFoundError."""
    entry(tx, municipality, entry_id, version)
    _set_state(tx, municipality, entry_id, "published", version, at)
    events.record(tx, municipality, at, author, "entry.published", subject=entry_id, data={"version": version})
    return _new_revision(tx, municipality)


def archive(tx: Transaction, municipality: str, entry_id: str, author: str, at: datetime) -> int:
    """Take an entry out of use; every version stays. Return the base's new revision. Raises NotFoundError."""
    state(tx, municipality, entry_id)
    _set_state(tx, municipality, entry_id, "archived", None, at)
    events.record(tx, municipality, at, author, "entry.archived", subject=entry_id)
    return _new_revision(tx, municipality)


def bring_back(tx: Transaction, municipality: str, entry_id: str, author: str, at: datetime) -> None:
    """Make an entry a draft. Raises NotFoundError."""
    state(tx, municipality, entry_id)
    _set_state(tx, municipality, entry_id, "draft", None, at)
    events.record(tx, municipality, at, author, "entry.brought_back", subject=entry_id)


def _set_state(
    tx: Transaction, municipality: str, entry_id: str, new_state: str, version: int | None, at: datetime
) -> None:
    tx.execute(
        "UPDATE entry SET state = :state, published_version = :version, changed_at = :at"
        " WHERE municipality = :municipality AND id = :id",
        state=new_state,
        version=version,
        at=at,
        municipality=municipality,
        id=entry_id,
    )


def _new_revision(tx: Transaction, municipality: str) -> int:
    tx.wake(TOPIC)
    new: int = tx.value(
        "UPDATE municipality SET kb_revision = kb_revision + 1 WHERE id = :id RETURNING kb_revision", id=municipality
    )
    return new


def _entry(content: str, version: int) -> Entry:
    return replace(entry_from_json(json.loads(content)), version=version)
