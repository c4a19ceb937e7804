"""Several cases given to a colleague or a team at once: what a view or a search shows, those that are ticked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from contactbot.errors import NotFoundError
from contactbot.handoff import sharing, store
from contactbot.handoff.sharing import Taker
from contactbot.handoff.ticket import Line, TicketState
from contactbot.staff.member import Member, Role
from contactbot.storage.transaction import Transaction
from contactbot.web import inbox, timeline
from contactbot.web.casework import key_of
from contactbot.web.desk import actor, narrowed_to, suffix, wanted
from contactbot.web.inbox import LONGEST_LIST, VIEWS, Wanted
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.picking import cases, is_number, picked, taker_of
from contactbot.web.sign_in import requires
from contactbot.web.templating import page

UNTICKED: Final = "Kryss av minst én sak, og velg hvem som skal ha den."


@dataclass(frozen=True, slots=True)
class Shareable:
    """What can be given, and to whom."""

    lines: tuple[Line, ...]
    workers: tuple[Member, ...]
    teams: tuple[str, ...]

    def name_of(self, to: Taker) -> str:
        """Return who gets cases as staff call them, "" for somebody who is not there."""
        if to.staff is None:
            return to.team if to.team in self.teams else ""
        return next((worker.name for worker in self.workers if worker.id == to.staff), "")


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of sharing out many cases."""
    return [web.get("/desk/assignments", show), web.post("/desk/assignments", assign)]


@requires(Role.STAFF)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the cases of a view or search that are not closed, with ``all=1`` each ticked, and what was just given."""
    shareable = await _look(request)
    ticked = [line.number for line in shareable.lines] if request.query.get("all") == "1" else []
    return _page(request, shareable, ticked, said=_told(request.query, shareable))


@requires(Role.STAFF)
async def assign(request: web.Request) -> web.StreamResponse:
    """Give those that were ticked to one colleague or team, and tell of those that somebody else had settled."""
    form = await request.post()
    chosen, sent = picked(form.getall("number", [])), str(form.get("to", ""))
    if not chosen or not sent:
        ticked = [one.number for one in chosen]
        return _page(request, await _look(request), ticked, problem=UNTICKED, status=422)
    key = key_of(request, {"key": str(form.get("key", ""))})
    given: list[int] = await request.app[HOUSE].database.write(
        sharing.give_all, chosen, taker_of(sent), actor(request), key=key
    )
    told = urlencode({"done": len(given), "left": len(chosen) - len(given), "to": sent})
    raise web.HTTPSeeOther(_address(wanted(request), told))


async def _look(request: web.Request) -> Shareable:
    house, member = request.app[HOUSE], request[MEMBER]
    found: Shareable = await house.database.read(
        _shareable, member.municipality, member.id, wanted(request), house.clock()
    )
    return found


def _shareable(tx: Transaction, municipality: str, staff: int, asked: Wanted, now: datetime) -> Shareable:
    teams = store.teams(tx, municipality)
    if asked.narrowed.team not in ("", *teams):
        raise NotFoundError(f"there is no team {asked.narrowed.team!r}")
    lines = inbox.lines(tx, municipality, staff, asked, now)
    under_way = tuple(line for line in lines if line.state != TicketState.CLOSED)
    return Shareable(under_way, sharing.workers(tx, municipality), teams)


def _told(query: Mapping[str, str], shareable: Shareable) -> str:
    """Say what was given, as the address afterwards tells it."""
    name, counted = shareable.name_of(taker_of(query.get("to", ""))), [query.get("done", ""), query.get("left", "")]
    if not name or not all(map(is_number, counted)):
        return ""
    done, left = map(int, counted)
    words = f"{cases(done)} er gitt til {name}." if done else "Ingenting ble endret."
    others = f" {cases(left)} ble hoppet over: lukket, eller tatt av noen andre i mellomtiden."
    return words + (others if left else "")


def _list_named(asked: Wanted) -> str:
    return f"søk etter «{asked.search}»" if asked.search else VIEWS[asked.view].lower()


def _address(asked: Wanted, more: str) -> str:
    here = suffix(asked)
    return f"/desk/assignments{here}{'&' if here else '?'}{more}"


def _page(
    request: web.Request,
    shareable: Shareable,
    ticked: Collection[int],
    *,
    problem: str = "",
    said: str = "",
    status: int = 200,
) -> web.Response:
    asked = wanted(request)
    return page(
        request, "desk/assignments.html", status=status, lines=shareable.lines, workers=shareable.workers,
        teams=shareable.teams, ticked=ticked, longest=LONGEST_LIST, problem=problem, said=said,
        channels=timeline.CHANNELS, here=suffix(asked), all_ticked=_address(asked, "all=1"),
        heading=", ".join(filter(None, (_list_named(asked), narrowed_to(asked.narrowed)))),
    )  # fmt: skip
