"""Each municipality's index, swapped whole when something is published or a day begins."""

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import structlog

from contactbot.clock import Clock
from contactbot.conversation.understand import Knowledge
from contactbot.kb import store
from contactbot.kb.encoder import Encoder, EncoderError
from contactbot.kb.index import Index
from contactbot.municipality import Municipality
from contactbot.storage.database import Database

log = structlog.get_logger()


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
        self._ready: dict[str, tuple[date, Knowledge]] = {}
        self._building = {key: asyncio.Lock() for key in municipalities}

    async def current(self, municipality: str, revision: int) -> Knowledge:
        """Return the knowledge at this revision or a newer one, of today; building it leaves the event loop."""
        today = self._clock().astimezone(self._municipalities[municipality].zone).date()
        if (ready := self._fit(municipality, revision, today)) is not None:
            return ready
        async with self._building[municipality]:
            if (ready := self._fit(municipality, revision, today)) is not None:
                return ready
            base = await self._database.read(store.base, municipality)
            knowledge = await asyncio.to_thread(build, base, today, self._encoder)
            self._ready[municipality] = (today, knowledge)
            return knowledge

    def _fit(self, municipality: str, revision: int, today: date) -> Knowledge | None:
        day, knowledge = self._ready.get(municipality, (None, None))
        return knowledge if knowledge is not None and day == today and knowledge.revision >= revision else None


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
