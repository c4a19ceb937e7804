"""The chat as a page: whole without JavaScript (forms, a token in the address), and the ground the widget stands on."""

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web

from contactbot.channels.base import Opening, Surroundings
from contactbot.channels.webchat import frames
from contactbot.channels.webchat.assets import Assets, display_name
from contactbot.channels.webchat.exchange import STATUS, Caller, Exchange, first_answer
from contactbot.channels.webchat.frames import RefusedError
from contactbot.channels.webchat.gate import Gate
from contactbot.channels.webchat.notices import NoticePages, environment
from contactbot.channels.webchat.origin import page_headers
from contactbot.channels.webchat.session import Session
from contactbot.channels.webchat.settings import Site, WebchatSettings
from contactbot.channels.webchat.wording import clock, preferred, who, words
from contactbot.messages import Spoken, Standing
from contactbot.wording.words import Words

ANSWER_WITHIN = 2.5  # seconds a form waits, so that the page it leads to already holds the answer
_FIELDS = 16  # form fields; ours has six


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form: the words, and why they were not sent."""

    text: str = ""
    problem: str = ""
    confirm: bool = False
    status: int = 200


_EMPTY = Draft()


class Pages:
    """Shows conversations and takes forms."""

    def __init__(
        self,
        settings: WebchatSettings,
        surroundings: Surroundings,
        exchange: Exchange,
        gate: Gate,
        assets: Assets,
        notices: NoticePages,
    ) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._exchange = exchange
        self._gate = gate
        self._assets = assets
        self._base = f"{urlsplit(surroundings.public_url).path}/chat"
        self._notices = notices
        self._template = environment().get_template("chat.html")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show the page, with the conversation that a token in its address names."""
        try:
            caller = self._gate.caller(request)
            session = self._named(caller, request.match_info.get("token", ""))
            return await self._page(request, caller, session, _EMPTY)
        except RefusedError as error:
            return self._notices.refused(request, error)

    async def say(self, request: web.Request) -> web.StreamResponse:
        """Take a form and lead to the page of its conversation (303, so that a reload sends nothing again)."""
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            if request.content_type == "multipart/form-data":
                return await self._file(request, caller)
            form = _fields(await self._gate.body(request))
            session = self._exchange.enter(caller, form.get("token", ""))
        except RefusedError as error:
            return self._notices.refused(request, error)
        if "rate" in form:
            return await self._rate(request, caller, session, form["rate"])
        if "address" in form:
            return await self._leave(request, caller, session, form["address"])
        if "transcript" in form:
            return await self._ask_for_transcript(request, caller, session, form["transcript"])
        text = _chosen_with_why(form) or form.get("text", "")
        if _is_sensitive(caller.site, text) and not form.get("confirmed"):
            problem = self._words(request, caller.site)["warning"]
            return await self._page(request, caller, session, Draft(text, problem, confirm=True, status=422))
        return await self._send(request, caller, session, form.get("key", ""), text)

    async def _send(
        self, request: web.Request, caller: Caller, session: Session, key: str, text: str
    ) -> web.StreamResponse:
        site, limit = caller.site, self._settings.text_limit
        try:
            message = frames.message(key or secrets.token_urlsafe(12), text, self._chosen(request, site), limit)
            accepted = await self._exchange.say(caller, session, message)
        except RefusedError as error:
            problem = self._exchange.sentence(error, self._words(request, site))
            return await self._page(request, caller, session, Draft(text, problem, status=STATUS[error.code]))
        with suppress(TimeoutError, RefusedError):
            async with asyncio.timeout(ANSWER_WITHIN), aclosing(self._exchange.updates(session, 0)) as updates:
                await first_answer(updates, accepted.position)
        return self._onwards(request, session)

    async def _leave(self, request: web.Request, caller: Caller, session: Session, value: str) -> web.StreamResponse:
        try:
            await self._exchange.leave(caller, session, value)
        except RefusedError as error:
            problem = self._exchange.sentence(error, self._words(request, caller.site))
            return await self._page(request, caller, session, Draft("", problem, status=STATUS[error.code]))
        return self._onwards(request, session, noted="1")

    async def _ask_for_transcript(
        self, request: web.Request, caller: Caller, session: Session, value: str
    ) -> web.StreamResponse:
        said = self._words(request, caller.site)
        try:
            await self._exchange.ask_for_transcript(caller, session, frames.Transcript(value, said.language))
        except RefusedError as error:
            problem = self._exchange.sentence(error, said)
            return await self._page(request, caller, session, Draft("", problem, status=STATUS[error.code]))
        return self._onwards(request, session, noted="asked")

    async def _file(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        upload = await self._gate.upload(request, self._settings.file_limit)
        session = self._exchange.enter(caller, upload.fields.get("token", ""))
        said = self._words(request, caller.site)
        try:
            await self._exchange.send_file(caller, session, upload, said)
        except RefusedError as error:
            problem = self._exchange.sentence(error, said)
            return await self._page(request, caller, session, Draft("", problem, status=STATUS[error.code]))
        return self._onwards(request, session)

    async def _rate(self, request: web.Request, caller: Caller, session: Session, value: str) -> web.StreamResponse:
        """Take a press on one of an answer's two buttons."""
        try:
            await self._exchange.rate(caller, session, _verdict(value))
        except RefusedError as error:
            problem = self._exchange.sentence(error, self._words(request, caller.site))
            return await self._page(request, caller, session, Draft("", problem, status=STATUS[error.code]))
        return self._onwards(request, session, noted="rated")

    def _onwards(self, request: web.Request, session: Session, **extra: str) -> web.Response:
        query = urlencode({**_kept(request), **extra})
        path = f"{self._base}/{session.site}/s/{session.token}"
        location = f"{path}?{query}#latest" if query else f"{path}#latest"
        return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})

    def _named(self, caller: Caller, token: str) -> Session | None:
        return self._exchange.enter(caller, token) if token else None

    async def _page(self, request: web.Request, caller: Caller, session: Session | None, draft: Draft) -> web.Response:
        site = caller.site
        said = self._words(request, site)
        spoken, standing = await self._spoken(session, draft)
        framed = request.query.get("frame") == "1"
        token = session.token if session else ""
        values = {
            "words": said,
            "site": site,
            "title": display_name(site, self._surroundings),
            "welcome": site.welcome.get(said.language) or site.welcome.get(said.lang) or said["welcome"],
            "framed": framed,
            "draft": draft,
            "noted": said[_NOTED[noted]] if (noted := request.query.get("noted", "")) in _NOTED else "",
            "opening": self._opening(site, said.lang),
            "items": [self._item(site, said, session, one) for one in spoken] if session else (),
            "token": token,
            "form_token": token or self._exchange.prepare(site.site),
            "key": secrets.token_urlsafe(12),
            "standing": standing,
            "sends_mail": self._exchange.sends_mail(site),
            "takes_files": standing.with_people and self._settings.file_limit > 0,
            "file_hint": said.say("file_hint", megabytes=self._settings.file_limit // 1_048_576),
            "file_endings": ",".join(f".{ending}" for ending in self._settings.file_types),
            "limit": self._settings.text_limit,
            "links": self._links(request, site, token),
            "offer": self._offer(request, site, said),
            "config": self._config(request, site, said, token),
        }
        ancestors = ["'self'", *site.sites] if framed else []
        return web.Response(
            text=self._template.render(values),
            content_type="text/html",
            status=draft.status,
            headers=page_headers(self._surroundings.public_url, ancestors),
        )

    async def _spoken(self, session: Session | None, draft: Draft) -> tuple[Sequence[Spoken], Standing]:
        if session is None:
            return (), Standing()
        try:
            return await self._exchange.history(session.address, 0), await self._exchange.standing(session)
        except RefusedError:
            if draft.problem:
                return (), Standing()  # better the resident's words back in their field than the whole page refused
            raise

    def _words(self, request: web.Request, site: Site) -> Words:
        asked = self._chosen(request, site) or request.query.get("page", "")
        return words(asked if asked in site.languages else site.languages[0])

    @staticmethod
    def _chosen(request: web.Request, site: Site) -> str:
        """Return the language the resident chose, "" when they chose none."""
        chosen = request.query.get("lang", "")
        return chosen if chosen in site.languages else ""

    def _offer(self, request: web.Request, site: Site, said: Words) -> Words | None:
        """Offer the browser's own language when it is another; never force it."""
        if self._chosen(request, site):
            return None
        wish = preferred(request.headers.get("Accept-Language", ""), site.languages)
        return None if wish is None or wish == said.language or words(wish).lang == said.lang else words(wish)

    def _opening(self, site: Site, language: str) -> Opening | None:
        try:
            return self._exchange.opening(site, language)
        except RefusedError:
            return None

    def _links(self, request: web.Request, site: Site, token: str) -> Mapping[str, object]:
        here = f"{self._base}/{site.site}"
        page = f"{here}/s/{token}" if token else here
        kept = _kept(request)
        crest = self._assets.crest_path(site.site)
        return {
            "form": _with(here, kept),
            "page": _with(page, kept),
            "new": _with(here, kept),
            "window": _with(page, {name: value for name, value in kept.items() if name != "frame"}),
            "transcript": _with(f"{page}/transcript", kept),
            "languages": [(words(code), _with(page, {**kept, "lang": code})) for code in site.languages],
            "theme": f"{self._base}/{self._assets.theme_path(site.site)}",
            "style": f"{self._base}/{self._assets.path('widget.css')}",
            "script": f"{self._base}/{self._assets.path('widget.js')}",
            "icon": f"{self._base}/{self._assets.path('icon.svg')}",
            "crest": f"{self._base}/{crest}" if crest else "",
        }

    def _config(self, request: web.Request, site: Site, said: Words, token: str) -> Mapping[str, object]:
        """Return what the widget's script needs to know."""
        return {
            "site": site.site,
            "base": f"{self._base}/{site.site}",
            "token": token,
            "chosen": self._chosen(request, site),
            "language": said.language,
            "lang": said.lang,
            "limit": self._settings.text_limit,
            "files": self._settings.file_limit,
            "beat": self._settings.heartbeat,
            "pattern": site.sensitive_pattern,
            "zone": str(self._exchange.zone(site)),
            "title": display_name(site, self._surroundings),
            "origins": self._gate.known(site),
            "words": {
                key: text for key, text in said.sentences.items() if key in _SCRIPT_WORDS or key.startswith("refused_")
            },
        }

    def _item(self, site: Site, said: Words, session: Session | None, spoken: Spoken) -> Mapping[str, object]:
        shown = frames.item(session.id if session else "", spoken)
        at = spoken.at.astimezone(self._exchange.zone(site))
        today = self._surroundings.clock().astimezone(self._exchange.zone(site)).date()
        hour = clock(at, said)
        return {
            **shown,
            "who": who(spoken, said),
            "clock": hour if at.date() == today else f"{at.day}.{at.month}. {hour}",
            "exact": f"{at:%d.%m.%Y} {hour}",
            "lang": spoken.language or said.lang,
        }


_NOTED = {"1": "address_noted", "rated": "rated", "asked": "mail_asked"}  # what a page thanks for after a form

_SCRIPT_WORDS = frozenset(
    [
        "locale",
        "time_mark",
        "you",
        "bot",
        "staff",
        "staff_unnamed",
        "who_bot",
        "who_staff",
        "somebody",
        "left",
        "over",
        "sending",
        "sent",
        "not_sent",
        "resend",
        "waits",
        "thinking",
        "received",
        "connecting",
        "reconnecting",
        "offline",
        "back",
        "no_storage",
        "expired",
        "arrived",
        "warning",
        "warning_fix",
        "warning_send",
        "choices",
        "survey_why",
        "chosen",
        "attachment",
        "new_tab",
        "address_noted",
        "mail_asked",
        "delete_words",
        "person",
        "rate",
        "rate_helpful",
        "rate_unhelpful",
        "rate_why",
        "rate_send",
        "rated",
        "ended",
        "queue",
        "queue_next",
        "writes",
        "file_sending",
        "file_received",
    ]
)


def _fields(body: str) -> Mapping[str, str]:
    """Read a form (application/x-www-form-urlencoded, WHATWG URL §5.1); of a repeated field the last counts."""
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=_FIELDS, errors="replace")
    except ValueError:
        raise RefusedError("frame") from None
    return {name: values[-1] for name, values in fields.items()}


def _chosen_with_why(form: Mapping[str, str]) -> str:
    """Return the words of a pressed button, with what the resident said about it: conversations read them as one."""
    pressed, why = form.get("say", ""), form.get("why", "").strip()
    return f"{pressed}: {why}" if pressed and why else pressed


def _verdict(value: str) -> frames.Rate:
    """Read the value of a rating's button: ``position:helpful`` or ``position:unhelpful``."""
    match = re.fullmatch(r"([0-9]{1,15}):(helpful|unhelpful)", value, re.ASCII)
    if match is None:
        raise RefusedError("frame")
    return frames.Rate(int(match[1]), match[2] == "helpful")


def _is_sensitive(site: Site, text: str) -> bool:
    return bool(site.sensitive_pattern) and re.search(site.sensitive_pattern, text) is not None


def _kept(request: web.Request) -> dict[str, str]:
    """Return the parts of the query that follow the resident from page to page."""
    return {name: request.query[name] for name in ("frame", "lang", "page") if request.query.get(name)}


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
