"""Finding a person and giving everything that is held about them, a page of the store at a time.

However much somebody has written, only one page of it is in memory.
"""

import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from contactbot.errors import NotFoundError
from contactbot.handoff.accesses import store as accesses
from contactbot.messages import Address
from contactbot.privacy.erasures.erasure import tombstone
from contactbot.privacy.people import spelling, store
from contactbot.privacy.people.held import HeldAddress, HeldFile, HeldMessage, Person, Record, Total
from contactbot.storage import blobs, events
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Unit

PAGE: Final = 200  # rows read at a time
REFERENCE: Final = 8  # hex digits by which staff call a person; their addresses stand nowhere


@dataclass(frozen=True, slots=True)
class Found:
    """A person: what was asked for, and the addresses that are equal to it."""

    asked_for: tuple[str, ...]
    addresses: tuple[HeldAddress, ...]
    reference: str

    @property
    def numbers(self) -> tuple[int, ...]:
        """The rows of the addresses."""
        return tuple(address.id for address in self.addresses)


@dataclass(frozen=True, slots=True)
class Extent:
    """What of it is given: the municipality's internal notes, and the bytes of files and raw copies."""

    notes: bool = True
    contents: bool = False


def look_up(
    tx: Transaction, municipality: str, asked_for: Sequence[str], normalise_phone: Callable[[str], str], key: bytes
) -> Found:
    """Return the person who has these addresses. Raises NotFoundError when an address is nobody's here."""
    rows: dict[int, HeldAddress] = {}
    for text in asked_for:
        number = spelling.case_number(text)
        found = store.find_by_case(tx, municipality, number) if number is not None else ()
        found = found or store.find(tx, municipality, spelling.addresses(text, normalise_phone))
        if not found:
            raise NotFoundError("nobody here has this address; it must be written in full")
        rows |= {row.id: row for row in found}
    names = sorted(tombstone(key, municipality, Address(row.scheme, row.value)) for row in rows.values())
    return Found(tuple(asked_for), tuple(rows.values()), "-".join(name[:REFERENCE] for name in names))


def note_shown(  # noqa: PLR0913 - who was shown what, of whom, when and why
    tx: Transaction, municipality: str, found: Found, extent: Extent, actor: str, reason: str, at: datetime
) -> None:
    """Note that somebody was shown what is held about a person, raw copies too or not, and why; it names nobody."""
    data: dict[str, object] = {"reason": reason, "notes": extent.notes, "contents": extent.contents}
    events.record(tx, municipality, at, actor, "person.shown", subject=found.reference, data=data)


def note_searched(tx: Transaction, municipality: str, reference: str, actor: str, reason: str, at: datetime) -> None:
    """Note that somebody looked a person up, and why; ``reference`` is "" when there was nobody."""
    events.record(tx, municipality, at, actor, "person.searched", subject=reference, data={"reason": reason})


def note_forgotten(tx: Transaction, municipality: str, reference: str, actor: str, reason: str, at: datetime) -> None:
    """Note that somebody has a person forgotten, and why."""
    events.record(tx, municipality, at, actor, "person.forgotten", subject=reference, data={"reason": reason})


async def records(
    database: Database, municipality: str, found: Found, extent: Extent, key: bytes, at: datetime
) -> AsyncIterator[Record]:
    """Yield everything that is held about a person, the total last."""
    total: Counter[str] = Counter()
    async for record in _records(database, municipality, found, extent, key, at):
        total[kind_of(record)] += 1
        yield record
    yield Total(dict(total))


def kind_of(record: Record) -> str:
    """Return the kind of a record, as exports name it."""
    return type(record).__name__.removeprefix("Held").lower()


async def _records(
    database: Database, municipality: str, found: Found, extent: Extent, key: bytes, at: datetime
) -> AsyncIterator[Record]:
    owned = [Address(row.scheme, row.value) for row in found.addresses]
    names = [tombstone(key, municipality, address) for address in owned]
    yield Person(municipality, found.asked_for, at, await database.read(store.forgotten_at, municipality, names))
    for address in found.addresses:
        yield address
    for contact in await database.read(store.contacts, found.numbers):
        yield contact
    async for case in _pages(database, store.cases, found.numbers):
        yield case
    async for thread in _pages(database, store.threads, found.numbers):
        yield thread
        async for message in _messages(database, municipality, thread.id, extent):
            yield message
    for other in await database.read(store.elsewhere, municipality, owned):
        yield other
    async for look in _pages(database, accesses.accesses_for, municipality, found.numbers):
        yield look


async def _pages(database: Database, unit: Unit, *about: object) -> AsyncIterator[Any]:
    """Yield what a unit reads after the last id, page by page."""
    last = 0
    while page := await database.read(unit, *about, last, PAGE):
        for row in page:
            yield row
        last = page[-1].id


async def _messages(database: Database, municipality: str, thread: int, extent: Extent) -> AsyncIterator[HeldMessage]:
    last = 0
    while page := await database.read(store.messages, thread, last, PAGE):
        for message in page:
            if message.kind == "note" and not extent.notes:
                continue
            yield await _with_contents(database, municipality, message) if extent.contents else message
        last = page[-1].position


async def _with_contents(database: Database, municipality: str, message: HeldMessage) -> HeldMessage:
    files = [await _with_content(database, municipality, file) for file in message.files]
    originals = [await _with_content(database, municipality, file) for file in message.originals]
    return replace(message, files=tuple(files), originals=tuple(originals))


async def _with_content(database: Database, municipality: str, file: HeldFile) -> HeldFile:
    content: bytes = await database.read(blobs.read, municipality, file.sha256)
    return replace(file, content=base64.b64encode(content).decode("ascii"))
