"""What strangers wrote in a crowd and nobody answered: staff look it over, and make a case of what is one."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from contactbot.handoff.strangers import store
from contactbot.handoff.strangers.store import SetAside
from contactbot.handoff.strangers.taking_up import open_case
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from contactbot.web import timeline
from contactbot.web.casework import form_of, key_of
from contactbot.web.desk import actor
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of, page

LONGEST_LIST: Final = 100  # conversations shown, the newest
MOST_COUNTED: Final = 100_000


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of what was set aside."""
    return [
        web.get("/desk/strangers", show),
        web.post("/desk/strangers/{thread:[0-9]{1,12}}", take_up),
    ]


@requires(Role.STAFF)
async def show(request: web.Request) -> web.StreamResponse:
    """Show how much is set aside, and the newest of it."""
    waiting, count = await request.app[HOUSE].database.read(_look, request[MEMBER].municipality)
    return page(
        request, "desk/strangers.html", waiting=waiting, count=count, longest=LONGEST_LIST, channels=timeline.CHANNELS
    )


@requires(Role.STAFF)
async def take_up(request: web.Request) -> web.StreamResponse:
    """Make a case of one conversation and show it."""
    form, house, town = await form_of(request), request.app[HOUSE], municipality_of(request, request[MEMBER])
    thread, due_at = int(request.match_info["thread"]), town.due(house.clock())
    number = await house.database.write(open_case, thread, actor(request), due_at, key=key_of(request, form))
    raise web.HTTPSeeOther(f"/desk/tickets/{number}")


def _look(tx: Transaction, municipality: str) -> tuple[tuple[SetAside, ...], int]:
    return store.listed(tx, municipality, LONGEST_LIST), store.count(tx, municipality, MOST_COUNTED)
