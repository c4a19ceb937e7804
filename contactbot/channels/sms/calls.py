"""What a provider calls us with, and what it is told in HTTP."""

import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from contactbot.channels.sms.provider import ForgedCallError, MalformedCallError, WebCall
from contactbot.errors import StoreBusyError, UnknownAccountError

MOST_BODY: Final = 65_536  # bytes of one call; a text of ten parts needs about 10,000
COME_BACK: Final = 30  # seconds a peer is asked to wait
OK: Final = 200
REFUSALS: Final[dict[type[Exception], int]] = {ForgedCallError: 403, MalformedCallError: 400, UnknownAccountError: 404}
_LOG = structlog.get_logger()


async def answered(work: Callable[[], Awaitable[None]], thanks: tuple[str, str]) -> web.Response:
    """Do the work and answer: thanks when it is done, 403, 400 or 404 when it is refused for good, 503 otherwise."""
    try:
        await work()
    except tuple(REFUSALS) as refusal:
        return _refuse(REFUSALS[type(refusal)], refusal)
    except StoreBusyError:
        return come_back("the store is busy")
    except Exception as error:  # noqa: BLE001 - whatever broke, nothing is kept and the peer must come back
        log_unforeseen(error)
        return come_back("an unforeseen error, see the log")
    text, content_type = thanks
    return web.Response(status=OK, text=text, content_type=content_type)


async def read(request: web.Request, url: str) -> WebCall:
    """Read a call to ``url``, our configured public address of the route; raises HTTPRequestEntityTooLarge."""
    query = request.raw_path.partition("?")[2]
    return WebCall(
        url=f"{url}?{query}" if query else url,
        headers=request.headers,
        query=request.query,
        body=await _body(request),
    )


def come_back(why: str) -> web.Response:
    """Refuse for now."""
    _LOG.warning("a call was asked to come back", channel="sms", why=why)
    return web.Response(
        status=web.HTTPServiceUnavailable.status_code,
        text=f"Nothing was kept: {why}. Try again in {COME_BACK} seconds.",
        headers={"Retry-After": str(COME_BACK)},
    )


def log_unforeseen(error: Exception) -> None:
    """Name the error and its place; its message may quote what a resident wrote."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    _LOG.error(
        "an unforeseen error", channel="sms", error=type(error).__name__, where=f"{where.filename}:{where.lineno}"
    )


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    announced = request.content_length or 0
    while announced <= MOST_BODY and len(body) <= MOST_BODY and (piece := await request.content.readany()):
        body += piece
    size = max(announced, len(body))
    if size > MOST_BODY:
        raise web.HTTPRequestEntityTooLarge(max_size=MOST_BODY, actual_size=size)
    return bytes(body)


def _refuse(status: int, refusal: Exception) -> web.Response:
    _LOG.warning("a call was refused", channel="sms", status=status, error=type(refusal).__name__)
    return web.Response(status=status, text=str(refusal))
