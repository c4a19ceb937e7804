"""Whether the service is ready, for the machine that watches it."""

from collections.abc import Iterable

from aiohttp import web

from contactbot.errors import StoreError
from contactbot.storage.transaction import Transaction
from contactbot.web.keys import HOUSE


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the one route."""
    return [web.get("/healthz", healthz)]


async def healthz(request: web.Request) -> web.Response:
    """Answer 200 when the store answers and every channel receives, 503 with the names of those that do not."""
    house = request.app[HOUSE]
    waiting = [name for name, reception in house.receptions.items() if not reception.ready.is_set()]
    try:
        await house.database.read(_look)
    except StoreError:
        waiting.append("database")
    body = {"ready": not waiting, "waiting_for": waiting}
    return web.json_response(body, status=200 if not waiting else 503)


def _look(tx: Transaction) -> None:
    tx.value("SELECT 1")
