"""The municipality's own synonyms: what residents call things here. Added, changed, taken out and brought back.

Works as plain forms; the trial shows what a group does to an answer before it is published.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from contactbot.errors import ConflictError
from contactbot.kb import editing, store
from contactbot.kb.store import OwnSynonyms
from contactbot.kb.synonyms import FEWEST, Group, is_name, names_in, shipped_groups
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from contactbot.web import trials
from contactbot.web.casework import form_of
from contactbot.web.editor import PART, edit_of, key_of, put_into_use, trial_words
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.shelves import alphabetic
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of, page
from contactbot.web.trials import Tried

LONGEST: Final = 500  # characters of one group
MOST_REMOVED: Final = 20  # groups shown that were taken out, the newest

SAVED: Final = {
    "added": "Publisert. Ordene betyr det samme fra nå.",
    "changed": "Publisert. Gruppen er endret, og gjelder fra nå.",
    "removed": "Gruppen er tatt ut. Den står under «Tatt ut», og kan hentes tilbake.",
}
GONE: Final = (
    "Ikke lagret: noen endret gruppen eller tok den ut i mellomtiden. Ordene dine står i skjemaet. "
    "Publiser dem som en ny gruppe hvis de fortsatt trengs."
)


@dataclass(frozen=True, slots=True)
class GroupForm:
    """What stands in the form: names with commas between, of a new group or in place of one that holds."""

    names: str = ""
    group: int = 0  # 0 for a new one

    @property
    def problem(self) -> str:
        """What keeps it from being published, in the editor's words; "" when nothing does."""
        names = names_in(self.names)
        if len(self.names) > LONGEST:
            return f"Høyst {LONGEST} tegn i en gruppe."
        if len(names) < FEWEST:
            return "Skriv minst to ord eller navn, med komma mellom."
        unread = next((name for name in names if not is_name(name)), None)
        if unread is not None:
            return f"«{unread}» kan ikke kjennes igjen. Skriv ett ord, eller et navn med minst to ord som sier noe."
        return ""


@dataclass(frozen=True, slots=True)
class Look:
    """What the page shows, read in one go."""

    groups: tuple[OwnSynonyms, ...]
    revision: int

    @property
    def held(self) -> list[OwnSynonyms]:
        """The groups that hold, in the order of the alphabet."""
        groups = [one for one in self.groups if one.removed_at is None]
        return sorted(groups, key=lambda one: [alphabetic(name) for name in one.words])

    @property
    def removed(self) -> list[OwnSynonyms]:
        """The groups that were taken out and do not hold in the same words, the newest first."""
        held = {one.words for one in self.groups if one.removed_at is None}
        newest = {one.words: one for one in reversed(self.groups) if one.words not in held}
        return list(reversed(newest.values()))

    def with_form(self, form: GroupForm) -> Sequence[Group] | None:
        """Return the groups as they would be with the form's; None where it says nothing new."""
        if form.problem:
            return None
        others = [one.words for one in self.groups if one.removed_at is None and one.id != form.group]
        return [*others, names_in(form.names)]


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of synonyms."""
    return [
        web.get("/kb/synonyms", show),
        web.post("/kb/synonyms", add),
        web.post("/kb/synonyms/trial", try_),
        web.post("/kb/synonyms/{group:[0-9]{1,9}}", change),
    ]


@requires(Role.EDITOR)
async def show(request: web.Request) -> web.StreamResponse:
    """Show the groups, and the one to change in the form."""
    look = await _look(request)
    wanted = request.query.get("change", "")
    chosen = next((one for one in look.held if str(one.id) == wanted), None)
    form = GroupForm() if chosen is None else GroupForm(", ".join(chosen.words), chosen.id)
    return _page(request, look, form)


@requires(Role.EDITOR)
async def add(request: web.Request) -> web.StreamResponse:
    """Let names mean the same from the next question on."""
    sent = await form_of(request)
    form = GroupForm(sent.get("names", ""))
    if form.problem:
        return _page(request, await _look(request), form, problem=form.problem, status=422)
    await request.app[HOUSE].database.write(
        editing.add_synonyms, edit_of(request, {}), names_in(form.names), key=key_of(request, sent)
    )
    return await _onwards(request, "added")


@requires(Role.EDITOR)
async def change(request: web.Request) -> web.StreamResponse:
    """Put other names in place of a group's, or with ``_method=DELETE`` take it out."""
    sent, database = await form_of(request), request.app[HOUSE].database
    form = GroupForm(sent.get("names", ""), int(request.match_info["group"]))
    edit, key = edit_of(request, {}), key_of(request, sent)
    leaves = sent.get("_method") == "DELETE"
    if form.problem and not leaves:
        return _page(request, await _look(request), form, problem=form.problem, status=422)
    try:
        if leaves:
            await database.write(editing.remove_synonyms, edit, form.group, key=key)
        else:
            await database.write(editing.change_synonyms, edit, form.group, names_in(form.names), key=key)
    except ConflictError:
        return _page(request, await _look(request), GroupForm(form.names), problem=GONE, status=409)
    return await _onwards(request, "removed" if leaves else "changed")


@requires(Role.EDITOR)
async def try_(request: web.Request) -> web.StreamResponse:
    """Try a text with the synonyms that hold and with those of the form, which comes back as it was."""
    sent, look = await form_of(request), await _look(request)
    group = sent.get("group", "")
    form = GroupForm(sent.get("names", "")[:LONGEST], int(group) if group.isdecimal() and len(group) <= 9 else 0)  # noqa: PLR2004 - as in the route
    house, town, text = request.app[HOUSE], municipality_of(request, request[MEMBER]), sent.get("try", "")
    tried = await trials.tried_with_synonyms(house, town, look.revision, text, look.with_form(form))
    if PART in request.headers:
        return page(request, "kb/trial.html", tried=tried, **trial_words())
    return _page(request, look, form, tried=tried, tried_text=text)


async def _look(request: web.Request) -> Look:
    look: Look = await request.app[HOUSE].database.read(_read, request[MEMBER].municipality)
    return look


def _read(tx: Transaction, municipality: str) -> Look:
    return Look(store.own_synonyms(tx, municipality, MOST_REMOVED), store.revision(tx, municipality))


async def _onwards(request: web.Request, said: str) -> web.StreamResponse:
    await put_into_use(request)
    raise web.HTTPSeeOther(f"/kb/synonyms?said={said}")


def _page(  # noqa: PLR0913 - what the page holds beside the groups
    request: web.Request,
    look: Look,
    form: GroupForm,
    *,
    problem: str = "",
    tried: Tried | None = None,
    tried_text: str = "",
    status: int = 200,
) -> web.Response:
    return page(
        request, "kb/synonyms.html", status=status, look=look, form=form, problem=problem, tried=tried,
        tried_text=tried_text, shipped=shipped_groups(), longest=LONGEST,
        said=SAVED.get(request.query.get("said", ""), ""), **trial_words(),
    )  # fmt: skip
