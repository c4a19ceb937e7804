"""Puts the house together and takes it apart; the only file that knows everybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import entry_points
from typing import Any

import structlog
from aiohttp import web

from contactbot import wording
from contactbot.channels.base import ENTRY_POINT_GROUP, Channel, Surroundings
from contactbot.clock import Clock, now
from contactbot.conversation.engine import Engine
from contactbot.conversation.knowledge import Bases, encoder_in
from contactbot.delivery import Delivery
from contactbot.handoff.desk import REGISTERED_CHANNELS
from contactbot.house import House
from contactbot.messages import Account
from contactbot.municipalities import municipalities
from contactbot.opening import members
from contactbot.reception import Reception
from contactbot.settings import Settings, channel_settings
from contactbot.storage import folder, installation, schema
from contactbot.storage.database import Database, open_database
from contactbot.threads.writing import Writing
from contactbot.upkeep import Upkeep
from contactbot.web import server

log = structlog.get_logger()


@asynccontextmanager
async def running(
    settings: Settings,
    clock: Clock = now,
    *,
    deliver: bool = True,
    serve: bool = False,
    more_routes: Iterable[web.AbstractRouteDef] = (),
    prepare: Callable[[House], Awaitable[None]] | None = None,
) -> AsyncIterator[House]:
    """Run the house while the context lasts; with ``serve`` also its web server.

    ``prepare`` is awaited before anything is received, served or delivered.

    Raises SettingsError for a configuration that cannot be used, StoreBusyError for a database that cannot be opened.
    """
    wording.check()
    folder.make(settings.data)
    for path, mode in folder.exposed(settings.data):
        log.warning("others may open this; change its mode", path=str(path), mode=f"{mode:o}")
    await asyncio.to_thread(schema.upgrade, settings.database_url)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.database_url, clock))
        house = await _furnish(settings, database, clock)
        if prepare is not None:
            await prepare(house)
        if serve:
            await stack.enter_async_context(server.serving(house, more_routes))
        await stack.enter_async_context(_working(house, upkeep=deliver))
        if deliver:  # entered last, so that what is on its way is finished while the channels still run
            await stack.enter_async_context(house.delivery.running())
        yield house


@asynccontextmanager
async def _working(house: House, *, upkeep: bool) -> AsyncIterator[None]:
    """Run the channels, and the recurring work, while the context lasts; one that fails ends the house."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(channel.run(house.receptions[name]), name=f"channel {name}")
            for name, channel in house.channels.items()
        ]
        if upkeep:
            work = Upkeep(house.database, house.municipalities, house.channels, house.settings, house.clock)
            tasks.append(group.create_task(work.run(), name="upkeep"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def channels(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """Return the configured channels, not yet running. Raises SettingsError naming a wrong key."""
    about = surroundings(settings, clock)
    found: dict[str, Channel] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in settings.channels:
            kind: Any = point.load()
            found[point.name] = kind(channel_settings(kind.Settings, point.name, settings.channels[point.name]), about)
    return found


def surroundings(settings: Settings, clock: Clock) -> Surroundings:
    """Return what every channel is told about the installation."""
    return Surroundings(
        public_url=settings.public_url,
        secret=settings.secret.get_secret_value().encode(),
        data=settings.data,
        clock=clock,
        municipality_names={key: one.name for key, one in settings.municipalities.items()},
        countries={key: one.country for key, one in settings.municipalities.items()},
    )


async def _furnish(settings: Settings, database: Database, clock: Clock) -> House:
    known = municipalities(settings.municipalities, settings.public_url)
    in_use = channels(settings, clock)
    await database.write(installation.write, members(settings), _accounts(settings, in_use))
    bases = Bases(database, known, clock, await asyncio.to_thread(encoder_in, settings.kb.encoder))
    engine = Engine(database, known, bases, settings, clock)
    delivery = Delivery(database, in_use, known, settings.delivery, clock)
    writing = Writing(clock, database.notices)
    mail = next((channel for channel in in_use.values() if channel.abilities.scheme == "email"), None)
    receptions = {
        name: Reception(channel, database, engine, delivery, known, clock, writing, mail)
        for name, channel in in_use.items()
    }
    for key in known:
        await bases.current(key, 0)
    return House(settings, database, known, in_use, receptions, engine, bases, delivery, clock, writing)


def _accounts(settings: Settings, in_use: Mapping[str, Channel]) -> list[Account]:
    own = [account for channel in in_use.values() for account in channel.accounts]
    return own + [Account(channel, key, key) for channel in REGISTERED_CHANNELS for key in settings.municipalities]
