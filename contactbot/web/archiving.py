"""The archive decision about many closed cases at once: retention waits for it, so a heap of them must be quick."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from contactbot.handoff import archive, desk
from contactbot.handoff.ticket import Archive, Line
from contactbot.staff.member import Role
from contactbot.web import timeline
from contactbot.web.casework import key_of
from contactbot.web.desk import actor
from contactbot.web.inbox import LONGEST_LIST
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.picking import cases, is_number, numbers
from contactbot.web.sign_in import requires
from contactbot.web.templating import page

DECISIONS: Final = (Archive.LEAVE_OUT, Archive.KEEP)


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of the decision about many cases."""
    return [web.get("/desk/archive", show), web.post("/desk/archive", decide)]


@requires(Role.STAFF)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the closed cases that wait for a decision, the oldest first, and what was just decided."""
    return await _page(request, said=_told(request.query))


@requires(Role.STAFF)
async def decide(request: web.Request) -> web.StreamResponse:
    """Decide alike about the cases that were ticked, and tell of those that somebody else had settled."""
    form = await request.post()
    ticked, decision = numbers(form.getall("number", [])), str(form.get("decision", ""))
    if not ticked or decision not in DECISIONS:
        return await _page(request, problem="Kryss av minst én sak først.", status=422)
    key = key_of(request, {"key": str(form.get("key", ""))})
    done: list[int] = await request.app[HOUSE].database.write(
        archive.decide_all, ticked, Archive(decision), actor(request), key=key
    )
    told = urlencode({"done": len(done), "left": len(ticked) - len(done), "decision": decision})
    raise web.HTTPSeeOther(f"/desk/archive?{told}")


def _told(query: Mapping[str, str]) -> str:
    """Say what was decided, as the address after a decision tells it."""
    decision, counted = query.get("decision", ""), [query.get("done", ""), query.get("left", "")]
    if decision not in DECISIONS or not all(map(is_number, counted)):
        return ""
    done, left = map(int, counted)
    words = f"{cases(done)} er avgjort: {timeline.ARCHIVE[decision].lower()}." if done else "Ingenting ble endret."
    others = f" {cases(left)} ble hoppet over: åpnet igjen, eller avgjort av noen andre i mellomtiden."
    return words + (others if left else "")


async def _page(request: web.Request, *, problem: str = "", said: str = "", status: int = 200) -> web.Response:
    house, member = request.app[HOUSE], request[MEMBER]
    lines: Sequence[Line] = await house.database.read(
        desk.lines, member.municipality, "undecided", member.id, house.clock(), LONGEST_LIST
    )
    return page(
        request, "desk/archive.html", status=status, lines=lines, longest=LONGEST_LIST, problem=problem, said=said,
        channels=timeline.CHANNELS, decisions={one: timeline.ARCHIVE[one] for one in DECISIONS},
    )  # fmt: skip
