"""What the privacy officer sees: who of the staff saw what, how long what is kept, and what was deleted."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from contactbot.handoff.accesses import store as accesses
from contactbot.handoff.accesses.access import Access, Relation, Wanted, What
from contactbot.municipality import Municipality
from contactbot.privacy.retention import store as retention
from contactbot.privacy.retention.classes import table
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.web.casework import form_of
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of, page

MOST_SHOWN: Final = 200  # accesses on the page; the file holds more
MOST_WRITTEN: Final = 50_000  # accesses in one file
MOST_PROOFS: Final = 50
LONGEST_NUMBER: Final = 9  # digits of a case's number
WHAT: Final = {What.CASE: "Saken", What.FILE: "Et vedlegg", What.ORIGINAL: "En original"}
RELATIONS: Final = {Relation.OWN: "Egen sak", Relation.TEAM: "Teamets sak", Relation.OTHER: "Verken eget eller teamets"}
TABLES: Final[Mapping[str, str]] = {
    "accepted": "kjennetegn", "access": "innsyn", "address": "adresser", "address_link": "koblinger",
    "answer_given": "begrunnelser tømt", "attachment": "vedlegg", "blob": "filinnhold", "contact": "kontakter",
    "delivery_event": "leveringsmeldinger", "done": "skjemanøkler", "entry_version": "versjoner", "event": "hendelser",
    "message": "meldinger tømt", "message_ref": "meldingsreferanser", "outbox": "sendinger tømt", "raw": "originaler",
    "session": "innlogginger", "sign_in_attempt": "innloggingsforsøk", "staff": "brukere", "thread": "samtaler tømt",
    "ticket": "saker tømt", "tombstone": "merker",
}  # fmt: skip
COLUMNS: Final = ("tidspunkt", "ansatt", "sak", "hva", "melding", "tilknytning", "grunn")


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of the privacy officer."""
    return [
        web.get("/privacy", start),
        web.get("/privacy/accesses", show_accesses),
        web.post("/privacy/accesses", find_accesses),
        web.get("/privacy/retention", show_retention),
    ]


@requires(Role.PRIVACY)
async def start(_request: web.Request) -> web.StreamResponse:
    """Lead on to who saw what."""
    raise web.HTTPSeeOther("/privacy/accesses")


@requires(Role.PRIVACY)
async def show_accesses(request: web.Request) -> web.StreamResponse:
    """Show the newest looks."""
    return await _accesses(request, {})


@requires(Role.PRIVACY)
async def find_accesses(request: web.Request) -> web.StreamResponse:
    """Show or write the looks that are asked for; posted, so that no log of addresses holds a resident's."""
    form = await form_of(request)
    if form.get("as") == "csv":
        wanted = _wanted(form, municipality_of(request, request[MEMBER]))
        if wanted is not None:
            return _file(await _find(request, wanted, MOST_WRITTEN), municipality_of(request, request[MEMBER]))
    return await _accesses(request, form)


@requires(Role.PRIVACY)
async def show_retention(request: web.Request) -> web.StreamResponse:
    """Show the retention table, the last run over each class, and what was deleted."""
    database, municipality = request.app[HOUSE].database, municipality_of(request, request[MEMBER])
    return page(
        request, "privacy/retention.html", rows=table(municipality),
        runs=await database.read(retention.runs, municipality.id),
        proofs=await database.read(retention.proofs, municipality.id, MOST_PROOFS),
        undecided=await database.read(retention.waiting_for_decision, municipality.id),
        titles={row.data.name: row.data.title for row in table(municipality)}, tables=TABLES,
    )  # fmt: skip


async def _accesses(request: web.Request, form: Mapping[str, str]) -> web.Response:
    municipality = municipality_of(request, request[MEMBER])
    wanted = _wanted(form, municipality)
    found = () if wanted is None else await _find(request, wanted, MOST_SHOWN)
    people = await request.app[HOUSE].database.read(staff.everybody, municipality.id)
    return page(
        request, "privacy/accesses.html", status=422 if wanted is None else 200, found=found, form=form, people=people,
        what=WHAT, relations=RELATIONS, most=MOST_SHOWN, is_wrong=wanted is None,
    )  # fmt: skip


async def _find(request: web.Request, wanted: Wanted, limit: int) -> tuple[Access, ...]:
    found: tuple[Access, ...] = await request.app[HOUSE].database.read(
        accesses.find, request[MEMBER].municipality, wanted, limit
    )
    return found


def _wanted(form: Mapping[str, str], municipality: Municipality) -> Wanted | None:
    """Return what a form asks for, None when a field cannot be read; days are the municipality's, both included."""
    number, member = form.get("number", "").strip().removeprefix("#"), form.get("staff", "")
    address = municipality.place.normalise_phone(form.get("address", "")).casefold()
    if any(text and not _is_number(text) for text in (number, member)):
        return None
    try:
        since, until = (_day(form.get(name, ""), municipality) for name in ("since", "until"))
    except ValueError:
        return None
    return Wanted(
        number=int(number) if number else None,
        staff=int(member) if member else None,
        address=address or None,
        since=since,
        until=until and until + timedelta(days=1),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER


def _day(text: str, municipality: Municipality) -> datetime | None:
    """Return when a day begins, None for no day. Raises ValueError."""
    return datetime.fromisoformat(text).replace(tzinfo=municipality.zone) if text else None


def _file(found: Iterable[Access], municipality: Municipality) -> web.Response:
    """Return the looks as CSV with semicolons and a byte order mark, as spreadsheets here read it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS)
    for one in found:
        at = one.at.astimezone(municipality.zone).isoformat(timespec="seconds")
        line = (at, one.staff_name, one.number, WHAT[one.what], one.message or "", RELATIONS[one.relation], one.reason)
        writer.writerow([_plain(str(cell)) for cell in line])
    return web.Response(
        body=out.getvalue().encode("utf-8-sig"),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="hvem-har-sett-hva.csv"',
        },
    )


def _plain(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
