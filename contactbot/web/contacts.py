"""Phone calls, letters and visits, entered by staff as cases like any other, with answers offered while they type."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from contactbot.conversation import safety
from contactbot.handoff import desk
from contactbot.handoff.desk import REGISTERED_CHANNELS
from contactbot.handoff.ticket import Priority
from contactbot.kb import store as kb
from contactbot.messages import Length
from contactbot.staff.member import Role
from contactbot.web import suggestions, timeline
from contactbot.web.casework import LONGEST_TEXT, form_of, key_of
from contactbot.web.desk import actor
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.sign_in import requires
from contactbot.web.suggestions import Reader
from contactbot.web.templating import municipality_of, page

LONGEST_LINE: Final = 200  # characters of a name, address or title


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of registered contacts."""
    return [
        web.get("/desk/contacts", show),
        web.post("/desk/contacts", register),
        web.post("/desk/suggestions", suggest),
    ]


@requires(Role.STAFF)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the empty form."""
    return await _form(request, {}, "")


@requires(Role.STAFF)
async def register(request: web.Request) -> web.StreamResponse:
    """Enter a contact as a case and show it; national ids and the like are masked as in any message."""
    form, house = await form_of(request), request.app[HOUSE]
    if "look" in form:  # without JavaScript the answers come by a button
        return await _form(request, form, "")
    if problem := _problem(form):
        return await _form(request, form, problem, status=422)
    town = municipality_of(request, request[MEMBER])
    name, title, text = (town.mask(form.get(field, "").strip()).text for field in ("name", "title", "text"))
    who = form.get("who", "").strip()[:LONGEST_LINE]
    priority: Priority = "urgent" if form.get("priority") == "urgent" else "normal"
    number = await house.database.write(
        desk.register, form["channel"], who, name[:LONGEST_LINE], title[:LONGEST_LINE], text, _due(request, priority),
        priority, actor(request), key=key_of(request, form),
    )  # fmt: skip
    raise web.HTTPSeeOther(f"/desk/tickets/{number}")


@requires(Role.STAFF)
async def suggest(request: web.Request) -> web.StreamResponse:
    """Give the answers that fit what has been typed so far; posted, so that no log of addresses holds it."""
    form = await form_of(request)
    return page(request, "desk/suggestions.html", **await _offer(request, form.get("text", "")))


async def _form(request: web.Request, form: Mapping[str, str], problem: str, *, status: int = 200) -> web.Response:
    offer = await _offer(request, form.get("text", ""))
    return page(
        request, "desk/contact.html", status=status, form=form, problem=problem, kinds=REGISTERED_CHANNELS,
        channels=timeline.CHANNELS, **offer,
    )  # fmt: skip


async def _offer(request: web.Request, text: str) -> dict[str, Any]:
    """Return published answers near to a text, and whether it may tell of danger: a hint, staff decide."""
    house, municipality = request.app[HOUSE], municipality_of(request, request[MEMBER])
    revision = await house.database.read(kb.revision, municipality.id)
    reader = Reader(municipality.id, revision, municipality.main_language, Length.FULL)
    found = await suggestions.nearest(house, reader, text)
    return {"found": found, "danger": safety.assess(text[:LONGEST_TEXT]) is not None}


def _problem(form: Mapping[str, str]) -> str:
    if form.get("channel") not in REGISTERED_CHANNELS:
        return "Velg om det var telefon, brev eller skranke."
    text = form.get("text", "").strip()
    if not text:
        return "Skriv hva innbyggeren lurer på."
    return f"Teksten er for lang. Den kan ha høyst {LONGEST_TEXT} tegn." if len(text) > LONGEST_TEXT else ""


def _due(request: web.Request, priority: Priority) -> datetime:
    now = request.app[HOUSE].clock()
    return now if priority == "urgent" else municipality_of(request, request[MEMBER]).due(now)
