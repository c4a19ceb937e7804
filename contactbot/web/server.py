"""The one web server: pages of the house, and the routes its channels bring."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from contactbot.errors import SettingsError
from contactbot.house import House
from contactbot.web import (
    archiving,
    assigning,
    casework,
    contacts,
    desk,
    editor,
    files,
    health,
    live,
    officer,
    people,
    public,
    security,
    sign_in,
    strangers,
    synonyms,
    transfer,
)
from contactbot.web.assets import Assets
from contactbot.web.keys import ASSETS, HOUSE

log = structlog.get_logger()

LONGEST_FORM = 2 << 20  # bytes of any request body that a handler does not limit itself
CLOSING = 2.0  # seconds that open connections get when the server stops


def application(house: House, more_routes: Iterable[web.AbstractRouteDef] = ()) -> web.Application:
    """Return the application with every route: the house's, its channels', and those that the caller brings."""
    # The first sees a request first: what goes wrong in the others is told in words.
    middlewares = (security.in_words, security.own_host, security.own_forms, sign_in.recognised)
    app = web.Application(client_max_size=LONGEST_FORM, middlewares=middlewares)
    app[HOUSE] = house
    app[ASSETS] = assets = Assets()
    security.install(app)
    sign_in.install(app)
    live.install(app)
    parts = (
        health, assets, desk, casework, contacts, strangers, archiving, assigning, files, editor, synonyms, transfer,
        officer, people, public,
    )  # fmt: skip
    for part in parts:
        app.add_routes(part.routes())
    for channel in house.channels.values():
        app.add_routes(channel.routes())
    app.add_routes(more_routes)
    return app


@asynccontextmanager
async def serving(house: House, more_routes: Iterable[web.AbstractRouteDef] = ()) -> AsyncIterator[None]:
    """Listen while the context lasts; open connections get a moment to end.

    Raises SettingsError when the address cannot be had.
    """
    runner = web.AppRunner(
        application(house, more_routes), access_log=None, shutdown_timeout=CLOSING, handle_signals=False
    )
    await runner.setup()
    host, _, port = house.settings.listen.rpartition(":")
    try:
        await _listen(web.TCPSite(runner, host, int(port)), house.settings.listen)
        log.info("listening", address=house.settings.listen)
        yield
    finally:
        async with asyncio.timeout(CLOSING * 2):
            await runner.cleanup()


async def _listen(site: web.TCPSite, address: str) -> None:
    try:
        await site.start()
    except OSError as error:
        raise SettingsError(f"listen: {address} cannot be had ({error.strerror}); choose another port") from error
