"""The staff inbox: views, lists and cases. Every page works without JavaScript; with it, only parts are fetched."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from contactbot.channels.sms import SmsChannel, segments
from contactbot.channels.sms.composing import PLAIN_FORMS
from contactbot.errors import NotFoundError
from contactbot.handoff import desk, store
from contactbot.handoff.content import Content
from contactbot.handoff.desk import REGISTERED_CHANNELS, Actor
from contactbot.handoff.ticket import Filter, Holder, TicketState
from contactbot.masking import Kind, mask
from contactbot.messages import DeliveryState
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.web import suggestions, timeline
from contactbot.web.inbox import FIRST_VIEW, HELD, LONGEST_LIST, VIEWS, Inbox, Opened, Wanted, look
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of, page

LONGEST_SEARCH: Final = 200  # characters
HOLDERS: Final = {Holder.ANYBODY: "Alle", Holder.ME: "Mine", Holder.NOBODY: "Ufordelte"}


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the composer: words not yet sent or kept, and what kept them from it."""

    text: str = ""
    note: str = ""
    kind: str = "reply"
    problem: str = ""
    content: Content = Content.ORDINARY


NO_DRAFT: Final = Draft()


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes that show something."""
    return [
        web.get("/desk", show_list),
        web.get("/desk/tickets/{number:[0-9]{1,12}}", show_case),
        web.get("/desk/tickets/{number:[0-9]{1,12}}/answers", show_answers),
        web.post("/desk/shortcuts", set_shortcuts),
    ]


@requires(Role.STAFF)
async def show_list(request: web.Request) -> web.StreamResponse:
    """Show a view, or what a search finds."""
    return await show(request, wanted(request))


@requires(Role.STAFF)
async def show_case(request: web.Request) -> web.StreamResponse:
    """Show a case beside its list; from now on it counts as read, and who looked is noted."""
    asked = replace(wanted(request), number=number_of(request))
    inbox = await _look(request, asked)
    if inbox.opened is not None and not inbox.opened.noted:
        was_unread: bool = await request.app[HOUSE].database.write(desk.read, asked.number, actor(request))
        inbox = await _look(request, asked) if was_unread else inbox
    return await _shown(request, inbox, NO_DRAFT, 200)


@requires(Role.STAFF)
async def show_answers(request: web.Request) -> web.StreamResponse:
    """Give the answers that a search in the knowledge base finds, as a part of the case's page."""
    inbox = await _look(request, Wanted(number=number_of(request)))
    found = await _answers(request, inbox, request.query.get("kb", ""))
    return page(request, "desk/answers.html", answers=found)


@requires(Role.STAFF)
async def set_shortcuts(request: web.Request) -> web.StreamResponse:
    """Switch the member's keyboard shortcuts on or off (WCAG 2.1.4)."""
    form = await request.post()
    await request.app[HOUSE].database.write(staff.set_shortcuts, request[MEMBER].id, form.get("on") == "1")
    raise web.HTTPSeeOther("/desk")


async def show(request: web.Request, asked: Wanted, *, draft: Draft = NO_DRAFT, status: int = 200) -> web.Response:
    """Return the desk with what is asked for. Raises NotFoundError for an unknown view or case."""
    return await _shown(request, await _look(request, asked), draft, status)


async def _shown(request: web.Request, inbox: Inbox, draft: Draft, status: int) -> web.Response:
    values: dict[str, object] = {
        "inbox": inbox, "views": VIEWS, "longest": LONGEST_LIST, "channels": timeline.CHANNELS,
        "here": suffix(inbox.wanted), "kept": _kept(inbox.wanted), "registered": REGISTERED_CHANNELS,
        "held": HELD, "holders": HOLDERS,
        "narrowed_to": narrowed_to(inbox.wanted.narrowed),
        "unnarrowed": f"/desk{suffix(replace(inbox.wanted, narrowed=store.NO_FILTER))}",
        "most_counted": store.MOST_COUNTED, "view_address": lambda view: f"/desk{suffix(_in_view(inbox.wanted, view))}",
        "sources": {one: timeline.CHANNELS[one] for one in _sources(request, inbox.wanted.narrowed)},
    }  # fmt: skip
    if inbox.opened is not None:
        values |= await _case_values(request, inbox, inbox.opened, draft)
    return page(request, "desk/case.html" if inbox.opened else "desk/list.html", status=status, **values)


def wanted(request: web.Request) -> Wanted:
    """Return the view or search that the address names, narrowed or not. Raises NotFoundError for an unknown filter.

    A national id in a search is found nowhere, and shown no further.
    """
    place = municipality_of(request, request[MEMBER]).place
    search = mask(request.query.get("q", "").strip()[:LONGEST_SEARCH], place, (Kind.NATIONAL_ID,)).text
    view = request.query.get("view", FIRST_VIEW)
    return Wanted(view, search, narrowed=_narrowed(request.query, is_held=view in HELD and not search))


def suffix(asked: Wanted) -> str:
    """Return the query that keeps a page in its view or search, and narrowed as it is."""
    said = urlencode(_kept(asked))
    return f"?{said}" if said else ""


def _kept(asked: Wanted) -> dict[str, str]:
    named = {
        "q": asked.search,
        "view": "" if asked.search or asked.view == FIRST_VIEW else asked.view,
        "team": asked.narrowed.team,
        "channel": asked.narrowed.channel,
        "holder": asked.narrowed.holder,
    }
    return {name: value for name, value in named.items() if value}


def number_of(request: web.Request) -> int:
    """Return the number of the case that the address names."""
    return int(request.match_info["number"])


def actor(request: web.Request) -> Actor:
    """Return who acts, and when."""
    member = request[MEMBER]
    return Actor(member.id, member.name, member.municipality, request.app[HOUSE].clock())


def _narrowed(query: Mapping[str, str], *, is_held: bool) -> Filter:
    """Return the filter that an address names; a view that says itself who has its cases takes no other holder."""
    channel, holder = query.get("channel", ""), query.get("holder", "")
    if channel not in ("", *timeline.CHANNELS) or holder not in set(Holder):
        raise NotFoundError("there is no such filter")
    return Filter(query.get("team", ""), channel, Holder.ANYBODY if is_held else Holder(holder))


def narrowed_to(narrowed: Filter) -> str:
    """Say to what a list is narrowed, "" when it is not."""
    holder = HOLDERS[narrowed.holder] if narrowed.holder else ""
    return ", ".join(filter(None, (narrowed.team, timeline.CHANNELS.get(narrowed.channel), holder)))


def _in_view(asked: Wanted, view: str) -> Wanted:
    """Return another view, for the same team and channel."""
    return Wanted(view, narrowed=replace(asked.narrowed, holder=Holder.ANYBODY))


def _sources(request: web.Request, narrowed: Filter) -> list[str]:
    """Return the channels that cases can come in on here, and the one that is asked for."""
    here = {*request.app[HOUSE].channels, *REGISTERED_CHANNELS, narrowed.channel}
    return [channel for channel in timeline.CHANNELS if channel in here]


async def _look(request: web.Request, asked: Wanted) -> Inbox:
    house, member = request.app[HOUSE], request[MEMBER]
    inbox: Inbox = await house.database.read(look, member.municipality, member.id, asked, house.clock())
    return inbox


async def _case_values(request: web.Request, inbox: Inbox, opened: Opened, draft: Draft) -> dict[str, object]:
    """Return what the page of a case shows beside what stands in the store."""
    municipality = municipality_of(request, request[MEMBER])
    folded = {number: municipality.mask("\n\n".join(parts)).text for number, parts in opened.folded.items()}
    asked = request.query.get("kb", "")
    sending = {state for _, state, _ in opened.case.sending}
    return {
        "opened": opened, "case": opened.case, "ticket": opened.case.ticket, "draft": draft,
        "timeline": timeline.timeline(opened.case, opened.originals, municipality.zone), "folded": folded,
        "history": timeline.history(opened.case),
        "answers": await _answers(request, inbox, asked), "kb_search": asked,
        "reasons": timeline.REASONS, "shown": timeline.shown, "size": timeline.size_in_words,
        "contents": timeline.CONTENTS, "never_open": municipality.place.never_open,
        "secure_place": municipality.secure_place, "archive": timeline.ARCHIVE,
        "is_closed": opened.case.ticket.state == TicketState.CLOSED,
        "is_sending": DeliveryState.SENDING in sending,
        "gsm_basic": "".join(sorted(segments.BASIC)), "gsm_extended": "".join(sorted(segments.EXTENDED)),
        "gsm_plain": json.dumps({chr(sign): plain for sign, plain in PLAIN_FORMS.items()}),
        "segment_price": _segment_price(request),
        "survey": request.app[HOUSE].settings.conversation.survey,
    }  # fmt: skip


def _segment_price(request: web.Request) -> float:
    """Return what one part of a text message costs, 0 when nobody has said."""
    channel = request.app[HOUSE].channels.get("sms")
    return channel.segment_price if isinstance(channel, SmsChannel) else 0


async def _answers(request: web.Request, inbox: Inbox, search: str) -> tuple[suggestions.Suggestion, ...]:
    """Return what a search finds; without one, what fits the resident's last words."""
    house, opened = request.app[HOUSE], inbox.opened
    if opened is None:
        raise NotFoundError("answers belong to a case")
    last = opened.last_question
    text = search[:LONGEST_SEARCH] or (last.text if last is not None else "")
    return await suggestions.nearest(house, suggestions.reader(house, opened.thread, inbox.kb_revision), text)
