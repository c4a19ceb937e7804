"""Each municipality's index: renewed when something is published, built anew when a day begins."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import structlog

from contactbot.clock import Clock
from contactbot.conversation.understand import Knowledge
from contactbot.kb import store
from contactbot.kb.encoder import Encoder, EncoderError
from contactbot.kb.index import Index
from contactbot.municipality import Municipality
from contactbot.storage.database import Database

log = structlog.get_logger()


FEW: Final = 100
"""Entries that changed together up to which an index is renewed: building it anew is quicker for many."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """Knowledge of one day, with the versions and synonyms it was made from."""

    day: date
    knowledge: Knowledge
    published: Mapping[str, int]
    synonyms: tuple[tuple[str, ...], ...]


class Bases:
    """The published answers of all municipalities, ready to be searched."""

    def __init__(
        self,
        database: Database,
        municipalities: Mapping[str, Municipality],
        clock: Clock,
        encoder: Encoder | None = None,
    ) -> None:
        self._database = database
        self._municipalities = municipalities
        self._clock = clock
        self._encoder = encoder
        self._ready: dict[str, _Ready] = {}
        self._building = {key: asyncio.Lock() for key in municipalities}

    async def current(self, municipality: str, revision: int) -> Knowledge:
        """Return the knowledge at this revision or a newer one, of today; making it leaves the event loop."""
        today = self._clock().astimezone(self._municipalities[municipality].zone).date()
        if (ready := self._fit(municipality, revision, today)) is not None:
            return ready
        async with self._building[municipality]:
            if (ready := self._fit(municipality, revision, today)) is not None:
                return ready
            made = await self._renewed(municipality, today) or await self._built(municipality, today)
            self._ready[municipality] = made
            return made.knowledge

    def _fit(self, municipality: str, revision: int, today: date) -> Knowledge | None:
        ready = self._ready.get(municipality)
        fits = ready is not None and ready.day == today and ready.knowledge.revision >= revision
        return ready.knowledge if ready is not None and fits else None

    async def _renewed(self, municipality: str, today: date) -> _Ready | None:
        """Return what stands with the few entries that changed since; None where it must be built anew."""
        before = self._ready.get(municipality)
        if before is None or before.day != today:
            return None
        about = (municipality, before.published, FEW)
        changes: store.Changes | None = await self._database.read(store.changes, *about)
        if changes is None or changes.synonyms != before.synonyms:
            return None
        return await asyncio.to_thread(_with_changes, before, changes)

    async def _built(self, municipality: str, today: date) -> _Ready:
        base: store.Base = await self._database.read(store.base, municipality)
        knowledge = await asyncio.to_thread(build, base, today, self._encoder)
        return _Ready(today, knowledge, {entry.id: entry.version for entry in base.entries}, base.synonyms)


def _with_changes(before: _Ready, changes: store.Changes) -> _Ready:
    index = before.knowledge.index.renewed(changes.entries, changes.gone)
    left = changes.gone | {entry.id for entry in changes.entries}
    valid = {entry.id: entry for entry in changes.entries if entry.valid_on(before.day)}
    entries = {name: entry for name, entry in before.knowledge.entries.items() if name not in left} | valid
    published = {name: version for name, version in before.published.items() if name not in changes.gone}
    published |= {entry.id: entry.version for entry in changes.entries}
    return _Ready(before.day, Knowledge(changes.revision, index, entries), published, before.synonyms)


def encoder_in(folder: Path | None) -> Encoder | None:
    """Return the encoder of a folder; without one, or where it cannot be read, None, the latter with a warning."""
    try:
        return None if folder is None else Encoder.of(folder)
    except EncoderError as error:
        log.warning("words and letters alone are matched", problem=str(error))
        return None


def build(base: store.Base, today: date, encoder: Encoder | None = None) -> Knowledge:
    """Return what is valid today, indexed."""
    valid = [entry for entry in base.entries if entry.valid_on(today)]
    index = Index.build(valid, base.synonyms, today, encoder=encoder)
    return Knowledge(base.revision, index, {entry.id: entry for entry in valid})
