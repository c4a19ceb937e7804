"""The one web server: pages of the house, and the routes its channels bring."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from contactbot.house import House
from contactbot.web import health
from contactbot.web.keys import HOUSE

log = structlog.get_logger()

LONGEST_FORM = 2 << 20  # bytes of any request body that a handler does not limit itself
CLOSING = 2.0  # seconds that open connections get when the server stops


def application(house: House, more_routes: Iterable[web.AbstractRouteDef] = ()) -> web.Application:
    """Return the application with every route: the house's, its channels', and those that the caller brings."""
    app = web.Application(client_max_size=LONGEST_FORM)
    app[HOUSE] = house
    app.add_routes(health.routes())
    for channel in house.channels.values():
        app.add_routes(channel.routes())
    app.add_routes(more_routes)
    return app


@asynccontextmanager
async def serving(house: House, more_routes: Iterable[web.AbstractRouteDef] = ()) -> AsyncIterator[None]:
    """Listen while the context lasts; open connections get a moment to end."""
    runner = web.AppRunner(application(house, more_routes), access_log=None, shutdown_timeout=CLOSING, handle_signals=False)
    await runner.setup()
    host, _, port = house.settings.listen.rpartition(":")
    try:
        await web.TCPSite(runner, host, int(port)).start()
        log.info("listening", address=house.settings.listen)
        yield
    finally:
        async with asyncio.timeout(CLOSING * 2):
            await runner.cleanup()
