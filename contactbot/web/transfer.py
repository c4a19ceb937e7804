"""The knowledge base as files: exported with one click, imported after a look at what would happen."""

from collections.abc import Iterable
from typing import Final

from aiohttp import web

from contactbot.kb import editing, packs, store
from contactbot.kb.editing import Edit, Imported
from contactbot.kb.entry import Entry, EntryError, entries_to_jsonl
from contactbot.staff.member import Role
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.sign_in import requires
from contactbot.web.templating import page

LARGEST: Final = 20 << 20  # bytes of an import
MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".db": "application/vnd.sqlite3",
}
FORMS: Final = {
    ".csv": "Regneark (CSV)",
    ".json": "JSON",
    ".jsonl": "JSON-linjer",
    ".db": "Pakke (SQLite)",
}
# What is wrong with a file, in the editors' language; by how the reader's own words begin.
PROBLEMS: Final = (
    ("missing or empty", "mangler eller er tom"),
    ("unknown column", "ukjent kolonne"),
    ("unknown field", "ukjent felt"),
    ("the column is missing", "kolonnen mangler"),
    ("the column is there twice", "kolonnen står to ganger"),
    ("expected a date", "skal være en dato, for eksempel 2026-12-31"),
    ("expected answer or referral", "skal være answer (svar) eller referral (henvisning)"),
    ("expected at least one phrasing", "skal ha minst én formulering"),
    ("expected a list of non-empty strings", "skal være en liste med tekster"),
    ("expected a string", "skal være tekst"),
    ("expected a JSON object", "skal være et JSON-objekt"),
    ("expected a list of entries", "skal være en liste med svar"),
    ("expected an object with one or more languages", "skal ha ett eller flere språk"),
    ("expected a whole number", "skal være et helt tall"),
    ("differs from line", "er en annen enn i en tidligere linje for samme svar"),
    ("the id", "det samme svaret står to ganger"),
    ("not JSON", "er ikke gyldig JSON"),
    ("not CSV", "er ikke gyldig CSV"),
    ("not UTF-8", "er ikke lagret som UTF-8"),
    ("not text", "er ikke tekst. Lagre regnearket som CSV UTF-8"),
    ("not a pack", "er ikke en pakke som kan leses"),
    ("empty", "Filen er tom. Første linje skal ha navn på kolonnene"),
    ("the file holds no entries", "Filen har ingen svar"),
    ("larger than", "Filen er for stor"),
    ("at most", "Navnet er for langt, eller har skråstrek eller usynlige tegn"),
)


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of import and export."""
    return [
        web.get("/kb/export/kunnskapsbase{ending:\\.[a-z]{2,5}}", give),
        web.get("/kb/import", show),
        web.post("/kb/import", take),
    ]


@requires(Role.EDITOR)
async def give(request: web.Request) -> web.StreamResponse:
    """Give every published entry as a file; with ``all=1`` also drafts and archived ones."""
    ending = request.match_info["ending"]
    if ending not in MEDIA_TYPES:
        raise web.HTTPNotFound
    house, municipality = request.app[HOUSE], request[MEMBER].municipality
    entries: Iterable[Entry]
    if request.query.get("all") == "1":
        entries = [shelf.entry for shelf in await house.database.read(store.shelf, municipality)]
    else:
        entries = (await house.database.read(store.base, municipality)).entries
    name = f"kunnskapsbase-{municipality}{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": MEDIA_TYPES[ending]}
    return web.Response(body=packs.write(name, entries), headers=headers)


@requires(Role.EDITOR)
async def show(request: web.Request) -> web.StreamResponse:
    """Show where files go in and out."""
    return _page(request)


@requires(Role.EDITOR)
async def take(request: web.Request) -> web.StreamResponse:
    """Tell what a file would change; when that has been seen, change it, all in one transaction."""
    house, member = request.app[HOUSE], request[MEMBER]
    name, content, fields = await _received(request)
    publish = fields.get("publish") == "1"
    if not content:
        return _page(request, problem="Velg en fil først.", status=422)
    try:
        entries = packs.read(name, content)
    except EntryError as error:
        return _page(request, problem=in_words(error), name=name, status=422)
    if fields.get("then") != "import":
        planned = await house.database.read(editing.plan, member.municipality, entries, publish)
        return _page(request, report=planned, kept=entries_to_jsonl(entries), publish=publish, name=name)
    note = f"Import av {fields.get('source', name)[:100]}"
    edit = Edit(member.municipality, f"staff:{member.id}", house.clock(), note)
    done = await house.database.write(editing.take_in_reported, edit, entries, publish)
    await house.bases.current(member.municipality, await house.database.read(store.revision, member.municipality))
    return _page(request, report=done, done=True, publish=publish, name=fields.get("source", name))


def in_words(error: EntryError) -> str:
    """Say in the editors' language what is wrong with a file, and where."""
    words = next((said for beginning, said in PROBLEMS if error.problem.startswith(beginning)), error.problem)
    place = ", ".join(part for part in (f"Linje {error.line}" if error.line else "", error.field) if part)
    whole = f"{place}: {words}" if place else words[:1].upper() + words[1:]
    return f"{whole}. Ingenting er tatt inn."


def _page(  # noqa: PLR0913 - a page's own values
    request: web.Request,
    *,
    problem: str = "",
    report: tuple[Imported, ...] = (),
    kept: str = "",
    publish: bool = False,
    done: bool = False,
    name: str = "",
    status: int = 200,
) -> web.Response:
    counts = {change: sum(one.change == change for one in report) for change in ("new", "changed", "unchanged")}
    return page(
        request, "kb/transfer.html", status=status, problem=problem, report=report, counts=counts, kept=kept,
        publish=publish, done=done, name=name, forms=FORMS,
    )  # fmt: skip


async def _received(request: web.Request) -> tuple[str, bytes, dict[str, str]]:
    """Return the file's name and content, and the form's other fields; what is too much is refused while it comes."""
    fields: dict[str, str] = {}
    name, content, left = "", b"", LARGEST
    if not request.content_type.startswith("multipart/"):
        raise web.HTTPBadRequest
    async for part in await request.multipart():
        read = bytearray()
        while chunk := await part.read_chunk():  # type: ignore[union-attr]  # our forms nest no parts in parts
            left -= len(chunk)
            if left < 0:
                raise web.HTTPRequestEntityTooLarge(LARGEST, LARGEST)
            read += chunk
        if part.name == "file":  # type: ignore[union-attr]  # as above
            name, content = str(part.filename or ""), bytes(read)  # type: ignore[union-attr]  # as above
        elif part.name == "kept":  # type: ignore[union-attr]  # as above
            name, content = "kept.jsonl", bytes(read)
        else:
            fields[str(part.name)] = read.decode("utf-8", "replace")  # type: ignore[union-attr]  # as above
    return name, content, fields
