"""What tells an open page that something changed: one WebSocket for each browser, long polling where that fails.

Events name a kind and a case, never what was said: the page then fetches what its reader may see. A browser that was
away comes back with its last cursor and is told everything since, once and in order.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from dataclasses import asdict
from typing import Any, Final, TypeAlias, cast

from aiohttp import WSCloseCode, WSMsgType, web

from contactbot.errors import StoreError
from contactbot.staff.member import Role
from contactbot.storage import events, feed
from contactbot.storage.feed import Changes
from contactbot.threads import writing
from contactbot.web import security
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.sign_in import member_of, requires

BATCH: Final = 200  # events in one message
SLOW_POLL: Final = 10.0  # seconds between looks when no notice comes
LONG_POLL: Final = 25.0  # seconds; proxies commonly give up after 30 or 60
PATIENCE: Final = 10.0  # seconds a browser may take to accept a message
BEAT: Final = 25.0  # seconds between pings
LONGEST_MESSAGE: Final = 1024  # bytes; browsers have nothing to say but the cursor in the address
SIGNED_OUT: Final = 4401  # close code of our own (RFC 6455 §7.4.2): the session ended

Socket: TypeAlias = "web.WebSocketResponse[bool]"
SOCKETS: Final = web.AppKey("sockets", set[Socket])


def install(app: web.Application) -> None:
    """Add the route, and say goodbye to every browser when the server stops."""
    app[SOCKETS] = set()
    app.add_routes(routes())
    app.on_shutdown.append(_close_all)


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the one route."""
    return [web.get("/desk/live", live)]


@requires(Role.STAFF)
async def live(request: web.Request) -> web.StreamResponse:
    """Tell what happened after the cursor ``after``, for as long as the browser listens."""
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return await _socket(request)
    return web.json_response(_message(await _next(request, request.query.get("after", ""), LONG_POLL)))


async def _socket(request: web.Request) -> web.StreamResponse:
    origin = request.headers.get("Origin")
    if origin is None or not security.is_own_origin(request, origin):
        raise web.HTTPForbidden  # browsers always name the page that opens a WebSocket (RFC 6455 §10.2)
    socket = web.WebSocketResponse(heartbeat=BEAT, max_msg_size=LONGEST_MESSAGE)
    await socket.prepare(request)
    sockets = request.app[SOCKETS]
    sockets.add(socket)
    telling = asyncio.create_task(_tell(request, socket), name="live feed")
    hinting = asyncio.create_task(_tell_who_writes(request, socket), name="who writes")
    try:
        await _until_gone(socket)
    finally:
        sockets.discard(socket)
        for task in (telling, hinting):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return socket


async def _until_gone(socket: web.WebSocketResponse) -> None:
    """Wait for the browser to go; what it says is not listened to."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            break


async def _tell(request: web.Request, socket: web.WebSocketResponse) -> None:
    cursor = request.query.get("after", "")
    while not socket.closed:
        try:
            changes = await _next(request, cursor, SLOW_POLL)
            if await member_of(request, by_hand=False) is None:
                await socket.close(code=SIGNED_OUT)
                return
        except StoreError:
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
            return
        if changes.cursor != cursor:
            cursor = changes.cursor
            await _send(socket, _message(changes))


async def _tell_who_writes(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Name the cases in which residents write, as often as they say so: a page forgets it by itself."""
    house, member = request.app[HOUSE], request[MEMBER]
    changes = house.database.notices.changes(writing.topic(member.municipality), poll=SLOW_POLL)
    async with aclosing(cast("AsyncGenerator[None, None]", changes)) as woken:
        async for _ in woken:
            if socket.closed:
                return
            if cases := house.writing.cases(member.municipality):
                await _send(socket, {"writing": cases})


async def _send(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    """Send, and give up on a browser that does not take it: it will come back with its cursor."""
    try:
        async with asyncio.timeout(PATIENCE):
            await socket.send_json(message)
    except (TimeoutError, ConnectionError):
        await socket.close(code=WSCloseCode.GOING_AWAY)


async def _next(request: web.Request, cursor: str, patience: float) -> Changes:
    """Return what happened after the cursor, waiting up to ``patience`` seconds for something that concerns a case."""
    database, member = request.app[HOUSE].database, request[MEMBER]
    deadline = asyncio.get_running_loop().time() + patience
    with database.notices.listening(events.topic(member.municipality)) as woken:
        while True:
            woken.clear()
            changes: Changes = await database.read(feed.after, member.municipality, cursor, BATCH)
            if changes.changes or changes.reset:
                return changes
            cursor = changes.cursor
            if changes.more:
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    await woken.wait()
            except TimeoutError:
                return changes


def _message(changes: Changes) -> dict[str, Any]:
    return {
        "cursor": changes.cursor,
        "reset": changes.reset,
        "changes": [asdict(change) for change in changes.changes],
    }


async def _close_all(app: web.Application) -> None:
    sockets = app[SOCKETS]
    for socket in list(sockets):
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1):
                await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops")
