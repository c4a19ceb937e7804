"""What staff do to a case. Each change of state is a resource: a claim, a closure, a team, a reply, a note.

HTML forms can only POST; with a field ``_method`` they say DELETE. Every form carries a random key, so that what is
sent twice is done once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import archive, desk, joining, sharing, store
from contactbot.handoff.content import Content, OpenChannelError, Reserved
from contactbot.handoff.desk import Actor
from contactbot.handoff.ticket import Archive, TicketState
from contactbot.masking import Kind, mask
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from contactbot.threads import writing
from contactbot.threads.sessions import store as sessions
from contactbot.web import suggestions, timeline
from contactbot.web.desk import Draft, actor, number_of, show, suffix, wanted
from contactbot.web.inbox import Wanted, look, newest_of
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.picking import taker_of
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of

LONGEST_TEXT: Final = 20_000  # characters of a reply or note
LONGEST_KEY: Final = 64  # characters
LONGEST_DIGITS: Final = 18  # of a number of ours, which the database holds in 64 bits


class NewerMessageError(ConflictError):
    """The resident wrote while the reply was being written."""


class TakenMeanwhileError(ConflictError):
    """A colleague took the case while the reply was being written."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the composer sends: ``seen`` is the newest message it showed, ``then`` what shall follow.

    ``holder`` is whose case it showed, 0 for nobody's, None where the form does not tell.
    """

    text: str
    content: Content
    seen: int
    holder: int | None
    then: str
    survey: bool


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes that change something."""
    ticket = "/desk/tickets/{number:[0-9]{1,12}}"
    return [
        web.post(f"{ticket}/claim", claim),
        web.delete(f"{ticket}/claim", release),
        web.post(f"{ticket}/assignment", assign),
        web.post(f"{ticket}/closure", close),
        web.delete(f"{ticket}/closure", reopen),
        web.post(f"{ticket}/replies", reply),
        web.post(f"{ticket}/notes", note),
        web.post(f"{ticket}/draft", insert),
        web.post(f"{ticket}/writing", write),
        web.post(f"{ticket}/archive", decide_archive),
        web.post(f"{ticket}/threads", join),
        web.post(f"{ticket}/threads/{{thread:[0-9]{{1,12}}}}", part),
        web.delete(f"{ticket}/threads/{{thread:[0-9]{{1,12}}}}", part),
    ]


@requires(Role.STAFF)
async def write(request: web.Request) -> web.StreamResponse:
    """Tell whoever waits in a chat that somebody is writing to them; nothing is kept of it."""
    house, member = request.app[HOUSE], request[MEMBER]
    chats = await house.database.glance(sessions.sessions_of, member.municipality, number_of(request))
    name = municipality_of(request, member).shown_name(member.name)
    for session in chats:
        await house.database.jot(writing.tell_of_staff, session, name, mode="queue")
    return web.Response(status=204)


@requires(Role.STAFF)
async def claim(request: web.Request) -> web.StreamResponse:
    """Take a case, or with ``_method=DELETE`` give it back."""
    form = await form_of(request)
    if form.get("_method") == "DELETE":
        return await release(request)
    try:
        await request.app[HOUSE].database.write(desk.claim, number_of(request), actor(request))
    except ConflictError:
        return await _refused(request, await _taken_by(request), Draft())
    return _onwards(request)


@requires(Role.STAFF)
async def release(request: web.Request) -> web.StreamResponse:
    """Give a case back to its team."""
    await request.app[HOUSE].database.write(desk.release, number_of(request), actor(request))
    return _onwards(request)


@requires(Role.STAFF)
async def assign(request: web.Request) -> web.StreamResponse:
    """Give a case to a colleague or another team."""
    to = taker_of((await form_of(request)).get("to", ""))
    try:
        await request.app[HOUSE].database.write(sharing.give, number_of(request), to, actor(request))
    except ConflictError:
        return await _refused(request, CLOSED, Draft())
    return _onwards(request)


@requires(Role.STAFF)
async def close(request: web.Request) -> web.StreamResponse:
    """Close a case, or with ``_method=DELETE`` open it again; the house's settings say whether it asks how it went."""
    form = await form_of(request)
    if form.get("_method") == "DELETE":
        return await reopen(request)
    await request.app[HOUSE].database.write(_close, number_of(request), actor(request), _survey(request))
    return _onwards(request)


@requires(Role.STAFF)
async def reopen(request: web.Request) -> web.StreamResponse:
    """Open a case again."""
    acting = actor(request)
    due = municipality_of(request, request[MEMBER]).due(acting.at)
    await request.app[HOUSE].database.write(desk.reopen, number_of(request), acting, due)
    return _onwards(request)


@requires(Role.STAFF)
async def reply(request: web.Request) -> web.StreamResponse:
    """Answer the resident; with ``then=close`` the case is closed in the same transaction.

    What may not travel openly is refused; with ``then=announce`` the resident is told that it waits for them elsewhere.
    """
    form = await form_of(request)
    text = form.get("text", "").strip()
    content = _content(form)
    draft = Draft(text=form.get("text", ""), content=content)
    then = form.get("then", "")
    problem = _problem(text) or (ORDINARY if then == "announce" and content == Content.ORDINARY else "")
    if problem:
        return await _refused(request, problem, draft, status=422)
    if then != "announce" and _masked(request, text) != text:
        return await _refused(request, SENSITIVE, draft, status=422)
    seen, holder = (_number(form.get(name, "")) for name in ("seen", "holder"))
    answer = Answer(_masked(request, text), content, seen or 0, holder, then, _survey(request))
    town = municipality_of(request, request[MEMBER])
    try:
        await request.app[HOUSE].database.write(
            _reply, number_of(request), answer, town.name, town.secure_place, actor(request), key=key_of(request, form)
        )
    except NewerMessageError:
        return await _refused(request, NEWER, draft)
    except TakenMeanwhileError:
        return await _refused(request, f"Ikke sendt: {await _taken_by(request)} {AGREE}", draft)
    except OpenChannelError:
        return await _refused(request, RESERVED.format(content=timeline.CONTENTS[content]), draft, status=422)
    except ConflictError:  # the only other reason that is left
        return await _refused(request, STOPPED, draft)
    return _onwards(request)


@requires(Role.STAFF)
async def note(request: web.Request) -> web.StreamResponse:
    """Leave a note for colleagues."""
    form = await form_of(request)
    text = form.get("text", "").strip()
    draft = Draft(note=form.get("text", ""), kind="note")
    if problem := _problem(text):
        return await _refused(request, problem, draft, status=422)
    await request.app[HOUSE].database.write(
        _note, number_of(request), _masked(request, text), actor(request), key=key_of(request, form)
    )
    return _onwards(request)


@requires(Role.STAFF)
async def decide_archive(request: web.Request) -> web.StreamResponse:
    """Say whether the archive shall have the case, or with ``received=1`` that it has received it."""
    form, database = await form_of(request), request.app[HOUSE].database
    try:
        if form.get("received") == "1":
            await database.write(archive.received, number_of(request), actor(request))
        else:
            decision = Archive(form.get("decision", ""))
            await database.write(archive.decide, number_of(request), decision, actor(request))
    except (ConflictError, ValueError):  # a page that is out of date
        return await _refused(request, ARCHIVED, Draft())
    return _onwards(request)


@requires(Role.STAFF)
async def join(request: web.Request) -> web.StreamResponse:
    """Join the conversations of another case to this one."""
    form = await form_of(request)
    other = form.get("other", "").strip().removeprefix("#")
    if not other.isdecimal() or len(other) > store.LONGEST_NUMBER:
        return await _refused(request, UNNUMBERED, Draft(), status=422)
    try:
        await request.app[HOUSE].database.write(joining.join, number_of(request), int(other), actor(request))
    except NotFoundError:
        return await _refused(request, UNNUMBERED, Draft(), status=422)
    except ConflictError:
        return await _refused(request, JOINED, Draft())
    return _onwards(request)


@requires(Role.STAFF)
async def part(request: web.Request) -> web.StreamResponse:
    """Part a conversation from this case again; it goes back to the case it came from."""
    thread = int(request.match_info["thread"])
    try:
        await request.app[HOUSE].database.write(joining.part, number_of(request), thread, actor(request))
    except ConflictError:
        return await _refused(request, LAST, Draft())
    return _onwards(request)


@requires(Role.STAFF)
async def insert(request: web.Request) -> web.StreamResponse:
    """Put a published answer below what stands in the composer; this is how it goes without JavaScript."""
    form, house, member = await form_of(request), request.app[HOUSE], request[MEMBER]
    asked = Wanted(number=number_of(request))
    inbox = await house.database.read(look, member.municipality, member.id, asked, house.clock())
    if inbox.opened is None:
        raise NotFoundError("a draft belongs to a case")
    reader = suggestions.reader(house, inbox.opened.thread, inbox.kb_revision)
    found = await suggestions.named(house, reader, form.get("insert", ""))
    if found is None:
        return await _refused(request, GONE, Draft(text=form.get("text", "")))
    text = "\n\n".join(part for part in (form.get("text", "").strip(), found.text) if part)
    return await show(request, _here(request), draft=Draft(text=text))


NEWER: Final = "Innbyggeren skrev mens du svarte. Les den nye meldingen, og send på nytt hvis svaret fortsatt passer."
AGREE: Final = "Avtal hvem som svarer. Send på nytt hvis det er du."
STOPPED: Final = (
    "Ikke sendt: innbyggeren har bedt om ingen meldinger her (STOPP). Svar på en annen måte, og skriv et notat om det."
)
SENSITIVE: Final = "Svaret inneholder et fødselsnummer. Slikt skal ikke sendes herfra. Ta det ut, og send på nytt."
RESERVED: Final = (
    "Ikke sendt: {content} skal ikke sendes på SMS, e-post eller chat. Velg «Send bare varsel», så får innbyggeren "
    "vite at noe venter, og innholdet blir liggende her for ansatte."
)
ORDINARY: Final = "Velg først hva slags innhold det er. Et vanlig svar kan sendes som det er, uten varsel."
CLOSED: Final = "Saken er lukket i mellomtiden. Åpne den igjen først."
ARCHIVED: Final = "Ikke lagret: arkivspørsmålet er avgjort på en annen måte i mellomtiden. Se hva som står nå."
UNNUMBERED: Final = "Ikke koblet: det finnes ingen sak med det nummeret her."
JOINED: Final = "Ikke koblet: samtalene i den saken er her allerede."
LAST: Final = "Ikke koblet fra: en sak beholder den siste samtalen sin. Lukk saken i stedet."
GONE: Final = "Svaret er ikke lenger publisert i kunnskapsbasen."


def _content(form: Mapping[str, str]) -> Content:
    try:
        return Content(form.get("content", Content.ORDINARY))
    except ValueError:  # no choice of ours: what is safe for anything
        return Content.SHIELDED


def _problem(text: str) -> str:
    """Say what is wrong with a text, "" when nothing is."""
    if not text:
        return "Skriv noe først."
    return f"Teksten er for lang. Den kan ha høyst {LONGEST_TEXT} tegn." if len(text) > LONGEST_TEXT else ""


def _reply(tx: Transaction, number: int, answer: Answer, sender: str, read_at: str, who: Actor) -> int:
    """Answer unless the resident has written since; return the message's id.

    Raises NotFoundError, NewerMessageError when a message came after the one that was ``seen``, and
    TakenMeanwhileError when a colleague has the case who did not have it then.
    """
    case = desk.case(tx, who.municipality, number)
    if newest_of(case) > answer.seen:
        raise NewerMessageError(f"case {number} has a newer message")
    if answer.holder is not None and case.ticket.assignee not in (None, who.staff, answer.holder):
        raise TakenMeanwhileError(f"somebody else took case {number}")
    if answer.then == "announce":
        return desk.announce(tx, number, Reserved(answer.content, answer.text, sender, read_at), who)
    message = desk.reply(tx, number, answer.text, who, answer.content)
    if answer.then == "close":
        desk.close(tx, number, who, survey=answer.survey)
    return message


def _note(tx: Transaction, number: int, text: str, who: Actor) -> int:
    return desk.note(tx, number, text, who)


def _close(tx: Transaction, number: int, who: Actor, survey: bool) -> None:  # noqa: FBT001 - a unit's arguments are positional
    desk.close(tx, number, who, survey=survey)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_DIGITS else None


def _masked(request: web.Request, text: str) -> str:
    """Return the text without national ids; an account number may be just what the resident asked for."""
    return mask(text, municipality_of(request, request[MEMBER]).place, (Kind.NATIONAL_ID,)).text


def _survey(request: web.Request) -> bool:
    return request.app[HOUSE].settings.conversation.survey


async def form_of(request: web.Request) -> Mapping[str, str]:
    """Return the form's text fields, with line ends as we keep them."""
    fields = await request.post()
    return {name: value.replace("\r\n", "\n") for name, value in fields.items() if isinstance(value, str)}


def key_of(request: web.Request, form: Mapping[str, str]) -> str | None:
    """Return the form's key as one of this member's alone, None when the form has none."""
    key = form.get("key", "")
    return f"desk:{request[MEMBER].id}:{key[:LONGEST_KEY]}" if key else None


async def _taken_by(request: web.Request) -> str:
    house = request.app[HOUSE]
    ticket = await house.database.read(desk.get, request[MEMBER].municipality, number_of(request))
    if ticket.state == TicketState.CLOSED:
        return CLOSED
    return f"{ticket.assignee_name or 'En annen'} tok saken før deg."


def _here(request: web.Request) -> Wanted:
    return replace(wanted(request), number=number_of(request))


async def _refused(request: web.Request, problem: str, draft: Draft, *, status: int = 409) -> web.Response:
    """Show the case as it stands now, with what was written and why it was not done."""
    kept = replace(draft, problem=problem)
    return await show(request, _here(request), draft=kept, status=status)


def _onwards(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(f"/desk/tickets/{number_of(request)}{suffix(wanted(request))}")
