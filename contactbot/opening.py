"""The configured database, opened for a command, which the service may use at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contactbot.clock import now
from contactbot.settings import Settings
from contactbot.storage import folder, installation, schema
from contactbot.storage.database import Database, open_database


@asynccontextmanager
async def opened(settings: Settings, *municipalities: str) -> AsyncIterator[Database]:
    """Open the database, made or brought up to date if need be, with the named municipalities in it.

    Raises StoreError when it cannot be opened.
    """
    folder.make(settings.data)
    await asyncio.to_thread(schema.upgrade, settings.database_url)
    async with open_database(settings.database_url, now) as database:
        named = [one for one in members(settings) if one.id in municipalities]
        await database.write(installation.write, named, [])  # as the first start would, which may not have been yet
        yield database


def members(settings: Settings) -> list[installation.Member]:
    """Return the municipalities of the configuration, as their rows need them."""
    return [
        installation.Member(key, one.name, one.country, one.main_language, one.time_zone, one.teams)
        for key, one in settings.municipalities.items()
    ]
