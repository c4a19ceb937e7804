"""The privacy officer looks a person up, gives them what is held, and forgets them. Every page works without scripts.

A person is found by an address written in full, sent by POST so that no log of addresses holds it, and for a reason
that is kept. What is kept of a search names nobody: a person is called by a reference made from a keyed hash.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from contactbot.errors import NotFoundError
from contactbot.handoff.originals import LONGEST_REASON, SHORTEST_REASON
from contactbot.masking import EVERYTHING, mask
from contactbot.privacy.erasures import forgetting
from contactbot.privacy.erasures import store as erasures
from contactbot.privacy.erasures.erasure import Order
from contactbot.privacy.people import export, person, store
from contactbot.privacy.people.person import Extent, Found
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from contactbot.web.casework import form_of, key_of
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.officer import TABLES
from contactbot.web.security import SANDBOX
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of, page

PATH: Final = "/privacy/people"
MOST_RECEIPTS: Final = 50
MOST_ADDRESSES: Final = 10  # of one person, one on each line
LONGEST_ADDRESS: Final = 320  # characters
WHY: Final = {
    "open": "Saken er ikke avsluttet. Slett på nytt når den er det.",
    "undecided": "Ingen har vurdert om saken skal arkiveres. Den slettes av seg selv etter vurderingen.",
    "unarchived": "Saken skal arkiveres og er ikke mottatt i arkivet. Den slettes av seg selv etterpå.",
    "stop": "Adressen har bedt om ingen meldinger (STOPP). Det huskes til den ber om meldinger igjen.",
}
SCHEMES: Final = {scheme: words[:1].upper() + words[1:] for scheme, words in export.CHANNELS.items()}
NOBODY: Final = (
    "Ingen her har denne adressen. Skriv hele adressen: e-post, telefonnummer, XMPP, nettpratens id eller saksnummer."
)
NO_REASON: Final = "Skriv hvorfor du søker. Det blir stående sammen med hvem du er og når, uten hvem du søkte på."
NOT_CONFIRMED: Final = "Referansen stemte ikke. Ingenting er slettet."


@dataclass(frozen=True, slots=True)
class Asked:
    """Who somebody looks for, and why."""

    addresses: tuple[str, ...]
    reason: str

    @property
    def problem(self) -> str:
        """What is missing, "" when nothing is."""
        if not self.addresses:
            return NOBODY
        return "" if len(self.reason) >= SHORTEST_REASON else NO_REASON


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of a person's data."""
    return [
        web.get(PATH, show),
        web.post(PATH, search),
        web.post(f"{PATH}/export", give),
        web.post(f"{PATH}/erasure", forget),
        web.get("/privacy/erasures/{number:[0-9]{1,12}}", show_receipt),
    ]


@requires(Role.PRIVACY)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the search, and the receipts."""
    return await _page(request, {})


@requires(Role.PRIVACY)
async def search(request: web.Request) -> web.StreamResponse:
    """Show how much is held about a person; that somebody asked is kept, also when there is nobody."""
    form = await form_of(request)
    asked = _asked(request, form)
    if asked.problem:
        return await _page(request, form, problem=asked.problem)
    found = await _found(request, asked)
    await _note_searched(request, asked, found)
    if found is None:
        return await _page(request, form, problem=NOBODY)
    return await _page(request, form, found=found)


@requires(Role.PRIVACY)
async def give(request: web.Request) -> web.StreamResponse:
    """Give everything held about a person as a file, written while it is read."""
    form, house = await form_of(request), request.app[HOUSE]
    asked = _asked(request, form)
    found = None if asked.problem else await _found(request, asked)
    if found is None:
        return await _page(request, form, problem=asked.problem or NOBODY)
    town, now = municipality_of(request, request[MEMBER]), house.clock()
    extent = Extent(notes=form.get("notes") == "1", contents=form.get("contents") == "1")
    await house.database.write(person.note_shown, town.id, found, extent, _actor(request), asked.reason, now)
    records = person.records(house.database, town.id, found, extent, _key(request), now)
    as_json = form.get("as") == "json"
    ending, kind = ("jsonl", "application/x-ndjson") if as_json else ("html", "text/html")
    response = web.StreamResponse(
        headers={
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="innsyn-{found.reference}.{ending}"',
            "Content-Security-Policy": SANDBOX,
            "X-Frame-Options": "DENY",
        }
    )
    await response.prepare(request)
    async for line in export.as_json(records, person.kind_of) if as_json else export.as_html(records, town):
        await response.write(line.encode("utf-8", "replace"))
    return response


@requires(Role.PRIVACY)
async def forget(request: web.Request) -> web.StreamResponse:
    """Forget a person once their reference has been typed; lead on to the receipt."""
    form, house = await form_of(request), request.app[HOUSE]
    asked = _asked(request, form)
    found = None if asked.problem else await _found(request, asked)
    if found is None:
        return await _page(request, form, problem=asked.problem or NOBODY)
    if form.get("reference", "").strip().lower() != found.reference:
        return await _page(request, form, found=found, problem=NOT_CONFIRMED)
    member, now = request[MEMBER], house.clock()
    order = Order(member.municipality, found.numbers, _actor(request), now, now, _key(request))
    number = await house.database.write(_begin, order, found.reference, asked.reason, key=key_of(request, form))
    await house.database.write(forgetting.step, member.municipality, number, now, forgetting.BATCH)
    raise web.HTTPSeeOther(f"/privacy/erasures/{number}")


@requires(Role.PRIVACY)
async def show_receipt(request: web.Request) -> web.StreamResponse:
    """Show a receipt, or how far the forgetting has come."""
    house, number = request.app[HOUSE], int(request.match_info["number"])
    receipt = await house.database.read(forgetting.state_of, request[MEMBER].municipality, number)
    return page(request, "privacy/erasure.html", receipt=receipt, tables=TABLES, why=WHY)


def _begin(tx: Transaction, order: Order, reference: str, reason: str) -> int:
    """Begin to forget, and keep why; return the receipt's number."""
    person.note_forgotten(tx, order.municipality, reference, order.actor, reason, order.at)
    return forgetting.begin(tx, order)


def _asked(request: web.Request, form: Mapping[str, str]) -> Asked:
    """Return what a form asks for; the reason is kept, so what in it could tell of somebody is masked."""
    lines = [line.strip()[:LONGEST_ADDRESS] for line in form.get("addresses", "").split("\n")]
    place = municipality_of(request, request[MEMBER]).place
    reason = mask(form.get("reason", "").strip()[:LONGEST_REASON], place, EVERYTHING).text
    return Asked(tuple(line for line in lines if line)[:MOST_ADDRESSES], reason)


async def _found(request: web.Request, asked: Asked) -> Found | None:
    town = municipality_of(request, request[MEMBER])
    try:
        found: Found = await request.app[HOUSE].database.read(
            person.look_up, town.id, asked.addresses, town.place.normalise_phone, _key(request)
        )
    except NotFoundError:
        return None
    return replace(found, asked_for=asked.addresses)


async def _note_searched(request: web.Request, asked: Asked, found: Found | None) -> None:
    house, reference = request.app[HOUSE], "" if found is None else found.reference
    await house.database.write(
        person.note_searched, request[MEMBER].municipality, reference, _actor(request), asked.reason, house.clock()
    )


async def _page(
    request: web.Request, form: Mapping[str, str], *, found: Found | None = None, problem: str = ""
) -> web.Response:
    database, municipality = request.app[HOUSE].database, request[MEMBER].municipality
    counts = None if found is None else await database.read(store.counts, found.numbers)
    cases = () if found is None else await database.read(erasures.cases_of, found.numbers)
    return page(
        request, "privacy/people.html", status=422 if problem else 200, form=form, found=found, problem=problem,
        counts=counts, kept={case.number: case.duty for case in cases if case.duty is not None}, why=WHY,
        receipts=await database.read(erasures.erasures, municipality, MOST_RECEIPTS), schemes=SCHEMES,
    )  # fmt: skip


def _actor(request: web.Request) -> str:
    return f"staff:{request[MEMBER].id}"


def _key(request: web.Request) -> bytes:
    return request.app[HOUSE].settings.secret.get_secret_value().encode()
