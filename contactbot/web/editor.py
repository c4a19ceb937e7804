"""The editor: the list of entries, one entry as a form with previews and a trial, its versions.

Every page works without JavaScript; with it, the previews and the trial are fetched while one writes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from contactbot.errors import ConflictError, NotFoundError
from contactbot.kb import editing, store
from contactbot.kb.editing import Edit
from contactbot.kb.entry import Entry
from contactbot.kb.matching import ANSWER_AT, CHOICES_AT
from contactbot.kb.store import Ratings, Shelf, Version
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from contactbot.web import entry_form, shelves, trials
from contactbot.web.casework import form_of
from contactbot.web.differences import differences
from contactbot.web.entry_form import EntryForm
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.previews import previews
from contactbot.web.shelves import Wanted
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of, page
from contactbot.web.trials import OUTCOMES, Tried
from contactbot.wording import language_name

USED_WITHIN: Final = timedelta(days=30)
MOST_COMMENTS: Final = 20  # of what residents wrote about one answer, the newest
LONGEST_NOTE: Final = 200  # characters
LONGEST_KEY: Final = 64  # characters
PART: Final = "Contactbot-Part"  # header of requests for a part of the page

SAVED: Final = {
    "save": "Utkastet er lagret. Innbyggerne får det ikke før det publiseres.",
    "publish": "Publisert. Svaret er i bruk fra nå.",
    "archive": "Arkivert. Svaret er ikke lenger i bruk; alle versjonene er tatt vare på.",
    "back": "Hentet fram igjen som utkast.",
    "rolled": "Den eldre teksten er hentet fram som et nytt utkast. Publiser når den er sjekket.",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What the editor shows, read in one go."""

    shelves: tuple[Shelf, ...]
    uses: Mapping[str, int]
    opened: Shelf | None
    versions: tuple[Version, ...]
    revision: int
    ratings: Ratings


@dataclass(frozen=True, slots=True)
class Shown:
    """What the middle of the page holds, beside what is kept."""

    form: EntryForm | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    conflict: Entry | None = None
    note: str = ""
    tried: Tried | None = None
    tried_text: str = ""
    status: int = 200


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of the editor."""
    entry = "/kb/entries/{id}"
    return [
        web.get("/kb", show),
        web.get("/kb/new", new),
        web.post("/kb/entries", create),
        web.get(entry, show),
        web.post(entry, change),
        web.post(f"{entry}/archive", archive),
        web.get(f"{entry}/versions", versions),
        web.post(f"{entry}/versions/{{version:[0-9]{{1,9}}}}", roll_back),
        web.post("/kb/trial", try_),
        web.post("/kb/previews", preview),
    ]


@requires(Role.EDITOR)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the list, and the entry that the address names."""
    return await _page(request, _id(request), Shown())


@requires(Role.EDITOR)
async def new(request: web.Request) -> web.StreamResponse:
    """Show an empty form, or one with a question to start from."""
    language = municipality_of(request, request[MEMBER]).main_language
    values = {f"{language}.question": request.query.get("question", ""), "kind": "answer"}
    return await _page(request, "", Shown(form=EntryForm(values, 0)))


@requires(Role.EDITOR)
async def create(request: web.Request) -> web.StreamResponse:
    """Keep a new entry."""
    form = await form_of(request)
    return await _keep(request, form, entry_form.kept(form))


@requires(Role.EDITOR)
async def change(request: web.Request) -> web.StreamResponse:
    """Save an entry, and with ``then=publish`` let residents have it at once."""
    form = await form_of(request)
    return await _keep(request, form, entry_form.after(entry_form.kept(form), _id(request)))


@requires(Role.EDITOR)
async def archive(request: web.Request) -> web.StreamResponse:
    """Take an entry out of use, or with ``_method=DELETE`` out of the archive."""
    form = await form_of(request)
    back = form.get("_method") == "DELETE"
    unit = editing.bring_back if back else editing.archive
    await request.app[HOUSE].database.write(unit, edit_of(request, form), _id(request))
    await put_into_use(request)
    raise web.HTTPSeeOther(_address(_id(request), said="back" if back else "archive"))


@requires(Role.EDITOR)
async def versions(request: web.Request) -> web.StreamResponse:
    """Show who changed an entry, when and why, and what is different between two versions."""
    house, municipality, entry = request.app[HOUSE], request[MEMBER].municipality, _id(request)
    history: tuple[Version, ...] = await house.database.read(store.versions, municipality, entry)
    if not history:
        raise NotFoundError(f"there is no entry {entry!r}")
    newest = history[0].version
    new_one = _version(request, "to", newest)
    old_one = _version(request, "from", max(1, new_one - 1))
    old, later, shelf = await house.database.read(_two, municipality, entry, old_one, new_one)
    return page(
        request, "kb/versions.html", history=history, old=old_one, new=new_one, shelf=shelf, entry=later,
        differences=differences(old, later) if old_one != new_one else (), address=_address(entry),
    )  # fmt: skip


@requires(Role.EDITOR)
async def roll_back(request: web.Request) -> web.StreamResponse:
    """Make an earlier version the newest again, as a draft."""
    form, version = await form_of(request), int(request.match_info["version"])
    edit = edit_of(request, {"note": form.get("note", "") or f"Tilbake til versjon {version}"})
    await request.app[HOUSE].database.write(editing.roll_back, edit, _id(request), version, key=key_of(request, form))
    raise web.HTTPSeeOther(_address(_id(request), said="rolled"))


@requires(Role.EDITOR)
async def try_(request: web.Request) -> web.StreamResponse:
    """Try a text on what is published and on what stands in the form; the form comes back as it was."""
    form = await form_of(request)
    written = entry_form.kept(form) if "id" in form else None
    entry = written.entry() if written is not None else None
    found = await _tried(request, form.get("try", ""), entry)
    values = {"tried": found, **trial_words()}
    if PART in request.headers:
        return page(request, "kb/trial.html", **values)
    opened = written.get("id") if written is not None and written.seen else ""
    note, text = form.get("note", ""), form.get("try", "")
    return await _page(request, opened, Shown(form=written, note=note, tried=found, tried_text=text))


@requires(Role.EDITOR)
async def preview(request: web.Request) -> web.StreamResponse:
    """Show how the answers of one language look as they stand in the form."""
    form = entry_form.kept(await form_of(request))
    text = form.text(request.query.get("language", ""))
    return page(request, "kb/previews.html", shown=previews(text))


async def _keep(request: web.Request, sent: Mapping[str, str], form: EntryForm) -> web.StreamResponse:
    """Save what stands in the form, or show it again with what keeps it from being saved."""
    entry, note = form.entry(), sent.get("note", "")[:LONGEST_NOTE]
    if entry is None:
        opened = form.get("id") if form.seen else ""
        return await _page(request, opened, Shown(form=form, problems=form.problems(), note=note, status=422))
    then = "publish" if sent.get("then") == "publish" else "save"
    unit = editing.publish if then == "publish" else editing.save
    try:
        await request.app[HOUSE].database.write(
            unit, edit_of(request, {"note": note}), entry, form.seen, key=key_of(request, sent)
        )
    except ConflictError:
        return await _conflict(request, form, note)
    await put_into_use(request)
    raise web.HTTPSeeOther(_address(entry.id, said=then))


async def _conflict(request: web.Request, form: EntryForm, note: str) -> web.StreamResponse:
    """Show both texts: the editor's stays in the form, the one that was saved meanwhile stands above it."""
    if not form.seen:
        problems = {"id": "Navnet er i bruk. Velg et annet, eller åpne svaret som har det."}
        return await _page(request, "", Shown(form=form, problems=problems, note=note, status=409))
    municipality = request[MEMBER].municipality
    theirs: Entry = await request.app[HOUSE].database.read(store.entry, municipality, form.get("id"))
    onwards = EntryForm(form.values, theirs.version)
    return await _page(request, theirs.id, Shown(form=onwards, conflict=theirs, note=note, status=409))


async def put_into_use(request: web.Request) -> None:
    """Build the index of what was published, so that no resident waits for it."""
    house, municipality = request.app[HOUSE], request[MEMBER].municipality
    await house.bases.current(municipality, await house.database.read(store.revision, municipality))


async def _tried(request: web.Request, text: str, entry: Entry | None) -> Tried | None:
    house, town = request.app[HOUSE], municipality_of(request, request[MEMBER])
    revision = await house.database.read(store.revision, town.id)
    return await trials.tried(house, town, revision, text, entry)


async def _page(request: web.Request, opened: str, shown: Shown) -> web.Response:
    house, town = request.app[HOUSE], municipality_of(request, request[MEMBER])
    now = house.clock()
    look: Look = await house.database.read(_look, town.id, opened, now - USED_WITHIN)
    lines = shelves.listed(look.shelves, town.main_language, now.astimezone(town.zone).date(), look.uses)
    wanted = Wanted(*(request.query.get(name, "")[:100] for name in ("q", "view", "owner")))
    form = shown.form
    if form is None and look.opened is not None:
        form = entry_form.filled(look.opened.entry, look.opened.entry.version)
    languages = form.languages if form is not None else ()
    return page(
        request, "kb/entry.html" if form is not None else "kb/start.html", status=shown.status,
        lines=shelves.chosen(lines, wanted), every=len(lines), wanted=wanted, views=shelves.VIEWS,
        owners=_owners(look.shelves, town.teams), topics=sorted({one.entry.topic for one in look.shelves} - {""}),
        ratings=look.ratings, days_back=USED_WITHIN.days,
        opened=look.opened, versions=look.versions, form=form, problems=shown.problems, conflict=shown.conflict,
        differences=_against(shown), note=shown.note, tried=shown.tried, tried_text=shown.tried_text,
        languages={code: entry_form.LANGUAGES.get(code, code) for code in languages},
        previews={code: previews(form.text(code)) for code in languages} if form is not None else {},
        label=entry_form.label, days=entry_form.DAYS, said=SAVED.get(request.query.get("said", ""), ""),
        state=shelves.state_of(look.opened) if look.opened is not None else "new", query_string=_list_query(wanted),
        overdue=_is_overdue(look.opened, now.astimezone(town.zone).date()),
        **trial_words(),
    )  # fmt: skip


def _look(tx: Transaction, municipality: str, opened: str, since: datetime) -> Look:
    every = store.shelf(tx, municipality)
    shelf = next((one for one in every if one.entry.id == opened), None)
    if opened and shelf is None:
        raise NotFoundError(f"there is no entry {opened!r}")
    history = store.versions(tx, municipality, opened) if shelf is not None else ()
    rated = store.ratings(tx, municipality, opened, since, MOST_COMMENTS)
    return Look(every, store.uses(tx, municipality, since), shelf, history, store.revision(tx, municipality), rated)


def _two(tx: Transaction, municipality: str, entry: str, old: int, new: int) -> tuple[Entry, Entry, Shelf]:
    shelf = next(one for one in store.shelf(tx, municipality) if one.entry.id == entry)
    return store.entry(tx, municipality, entry, old), store.entry(tx, municipality, entry, new), shelf


def trial_words() -> dict[str, Any]:
    """Return what the trial's template needs beside the trial."""
    return {
        "outcomes": OUTCOMES, "answer_at": ANSWER_AT, "choices_at": CHOICES_AT, "lengths": entry_form.LENGTHS,
        "language_name": lambda code: language_name(code, "nb"),
    }  # fmt: skip


def _against(shown: Shown) -> Iterable[Any]:
    """Return what the editor's text changes in the one that was saved meanwhile."""
    if shown.conflict is None or shown.form is None:
        return ()
    mine = shown.form.entry()
    return differences(shown.conflict, mine) if mine is not None else ()


def _owners(every: Iterable[Shelf], teams: Iterable[str]) -> list[str]:
    used = {one.entry.owner for one in every} - {""}
    return sorted(used | set(teams), key=shelves.alphabetic)


def _is_overdue(shelf: Shelf | None, today: date) -> bool:
    review = shelf.entry.review_by if shelf is not None else None
    return review is not None and review < today


def _id(request: web.Request) -> str:
    return request.match_info.get("id", "")


def _version(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name, "")
    return int(given) if given.isdecimal() and len(given) < 10 else default  # noqa: PLR2004 - a version


def edit_of(request: web.Request, form: Mapping[str, str]) -> Edit:
    """Return who edits, when, and why as the form says."""
    member = request[MEMBER]
    note = form.get("note", "").strip()[:LONGEST_NOTE]
    return Edit(member.municipality, f"staff:{member.id}", request.app[HOUSE].clock(), note)


def key_of(request: web.Request, form: Mapping[str, str]) -> str | None:
    """Return a key for this form with these words: sent again it is done once, sent with other words it is news."""
    key = form.get("key", "")[:LONGEST_KEY]
    words = hashlib.sha256(repr(sorted(form.items())).encode("utf-8", "surrogatepass")).hexdigest()
    return f"kb:{request[MEMBER].id}:{key}:{words}" if key else None


def _address(entry: str, **query: str) -> str:
    path = f"/kb/entries/{quote(entry, safe='')}"
    return f"{path}?{urlencode(query)}" if query else path


def _list_query(wanted: Wanted) -> str:
    """Return what keeps the list as it is while one goes from entry to entry."""
    kept = {"q": wanted.search, "view": wanted.view, "owner": wanted.owner}
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"?{query}" if query else ""
