"""A gateway that answers as Twilio's Messages API does, for the demo's phone and for tests.

The channel's own client talks to it unchanged: same paths, credentials, JSON, paging, errors, signed webhooks and
signed status callbacks. It can be told to misbehave. It listens on 127.0.0.1 only.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from contactbot import clock
from contactbot.demo import twilio_shapes as shapes
from contactbot.demo.texts import Text, Texts

LONGEST_BODY: Final = 1600  # characters, Twilio's limit
WEBHOOK_SECONDS: Final = 15.0  # Twilio's own patience with a webhook
UNREACHABLE: Final = 30003
REMEMBERED: Final = 1_000  # forms and answers


class Mishap(StrEnum):
    """A way to misbehave on the next request to send."""

    RATE_LIMITED = "429 with Retry-After, not taken"
    BROKEN = "500, not taken"
    BROKEN_TAKEN = "500, and taken all the same"
    HANGS = "no answer at all, not taken"
    HANGS_TAKEN = "no answer at all, and taken all the same"
    DROPS = "the connection is cut, not taken"
    DROPS_TAKEN = "the connection is cut, and taken all the same"
    PAGE = "a page of HTML, as a proxy gives it"
    OPTED_OUT = "400 with code 21610: the number has said STOP"
    UNAUTHORIZED = "401 with code 20003"


TAKEN: Final = frozenset({Mishap.BROKEN_TAKEN, Mishap.HANGS_TAKEN, Mishap.DROPS_TAKEN})


@dataclass(frozen=True, slots=True)
class Answer:
    """What our webhook answered."""

    status: int
    body: str


@dataclass(slots=True)
class Gateway:
    """An account with its numbers. Enter it to listen; ``url`` is then its address.

    ``text_url`` is where texts to ``numbers`` are posted, as set at the provider. ``pace`` is the time in seconds
    between the reports queued, sent and delivered; with ``reports`` false none is made. ``dead`` numbers cannot be
    reached, and ``pictures`` are the media type and content of each picture by its name. ``texts`` may be given a
    journal to outlive the process; ``posted`` are the forms of requests to send, ``answers`` those of our webhooks.
    """

    account_sid: str = field(default_factory=lambda: f"AC{secrets.token_hex(16)}")
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))
    numbers: tuple[str, ...] = ()
    text_url: str = ""
    port: int = 0
    pace: float = 0.0
    reports: bool = True
    texts: Texts = field(default_factory=Texts)
    answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    posted: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    dead: set[str] = field(default_factory=set)
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requests: int = 0
    url: str = ""
    _mishaps: deque[Mishap] = field(default_factory=deque)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _reporting: set["asyncio.Task[None]"] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._only_ours])
        account = f"/{shapes.VERSION}/Accounts/{{sid}}"
        app.router.add_post(f"{account}/Messages.json", self._create)
        app.router.add_get(f"{account}/Messages.json", self._list)
        app.router.add_get(f"{account}/Messages/{{message}}.json", self._fetch)
        app.router.add_get(f"{account}/Messages/{{message}}/Media.json", self._media_list)
        app.router.add_get(f"{account}/Messages/{{message}}/Media/{{media}}", self._media)
        app.router.add_get(f"{account}/IncomingPhoneNumbers.json", self._phone_numbers)
        app.router.add_get(f"{account}.json", self._account)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WEBHOOK_SECONDS))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        for task in self._reporting:
            task.cancel()
        await asyncio.gather(*self._reporting, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def misbehave(self, *mishaps: Mishap) -> None:
        """Let the next requests to send end so, one each."""
        self._mishaps.extend(mishaps)

    async def text_in(
        self, sender: str, recipient: str, body: str, *, sid: str = "", pictures: Sequence[str] = ()
    ) -> Answer:
        """Post a resident's text to our webhook, signed; the same ``sid`` again is the same text once more."""
        text = self.texts.find(sid) or await self.keep(sender, recipient, body, sid=sid, pictures=pictures)
        media = [
            (f"{self.url}{shapes.path(text, self.account_sid)}/Media/{name}", self.pictures[name][0])
            for name in text.media
        ]
        return await self.post(self.text_url, shapes.text_form(text, self.account_sid, media))

    def phone(self, number: str) -> list[Text]:
        """Return what a phone shows, oldest first."""
        return self.texts.of(number)

    def changes(self) -> AsyncGenerator[None]:
        """Yield at once and then whenever a text came or its status changed; close it with ``aclosing``."""
        return self.texts.changes()

    async def keep(
        self, sender: str, recipient: str, body: str, *, sid: str = "", pictures: Sequence[str] = ()
    ) -> Text:
        """Take a resident's text without telling our webhook, as when it cannot be reached."""
        text = Text(
            sid=sid or _new_sid(),
            sender=sender,
            recipient=recipient,
            body=body,
            inbound=True,
            status="received",
            at=clock.now(),
            media=tuple(pictures),
        )
        await self.texts.keep(text)
        return text

    async def report(self, sid: str, status: str, error_code: int | None = None) -> Answer | None:
        """Set a text's status and call back, signed; None when nobody asked to be called, or nobody is there."""
        text = await self.texts.move(sid, status, error_code)
        if not text.status_callback:
            return None
        try:
            return await self.post(text.status_callback, shapes.report_form(text, self.account_sid))
        except (aiohttp.ClientError, TimeoutError):
            return None  # Twilio gives up too; the message's own record tells its status

    async def post(self, url: str, form: Mapping[str, str], *, signature: str | None = None) -> Answer:
        """Call one of our webhooks as the provider; the signature is right unless another is given."""
        if self._session is None:
            raise RuntimeError("enter the gateway before it posts")
        headers = {"X-Twilio-Signature": self.sign(url, form) if signature is None else signature}
        async with self._session.post(url, data=form, headers=headers) as response:
            answer = Answer(response.status, await response.text())
        self.answers.append(answer)
        return answer

    def sign(self, url: str, form: Mapping[str, str]) -> str:
        """Compute the signature of a call to an address."""
        validator = RequestValidator(self.auth_token)
        return str(validator.compute_signature(url, form))

    @web.middleware
    async def _only_ours(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests += 1
        given = request.headers.get("Authorization", "")
        if given != aiohttp.encode_basic_auth(self.account_sid, self.auth_token):
            return _error(401, 20003, "Authenticate")
        if request.match_info.get("sid") != self.account_sid:
            return _not_found(request)
        return await handler(request)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.posted.append(form)
        await self.texts.tell()
        mishap = self._mishaps.popleft() if self._mishaps else None
        if mishap is not None and mishap not in TAKEN:
            return await self._misbehave(request, mishap)
        refusal = self._refusal(form)
        if refusal is not None:
            return _error(400, *refusal)
        text = await self._take(form)
        if mishap is not None:
            return await self._misbehave(request, mishap)
        return web.json_response(shapes.record(text, self.account_sid), status=201)

    def _refusal(self, form: Mapping[str, str]) -> tuple[int, str] | None:
        """Refuse what Twilio refuses, with its codes."""
        if not form.get("To"):
            return 21604, "A 'To' phone number is required."
        if form.get("From") not in self.numbers:
            return 21606, "The From phone number is not a valid, message-capable number of this account."
        if not form.get("Body"):
            return 21602, "Message body is required."
        if len(form["Body"]) > LONGEST_BODY:
            return 21617, "The concatenated message body exceeds the 1600 character limit."
        return None

    async def _misbehave(self, request: web.Request, mishap: Mishap) -> web.StreamResponse:
        match mishap:
            case Mishap.RATE_LIMITED:
                return _error(429, 20429, "Too Many Requests", {"Retry-After": "7"})
            case Mishap.OPTED_OUT:
                return _error(400, 21610, "Attempt to send to unsubscribed recipient")
            case Mishap.UNAUTHORIZED:
                return _error(401, 20003, "Authenticate")
            case Mishap.PAGE:
                return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
            case Mishap.HANGS | Mishap.HANGS_TAKEN:
                await self._closing.wait()
            case Mishap.DROPS | Mishap.DROPS_TAKEN if request.transport is not None:
                request.transport.close()
        return _error(500, 20500, "An internal server error has occurred")

    async def _take(self, form: Mapping[str, str]) -> Text:
        text = Text(
            sid=_new_sid(),
            sender=form["From"],
            recipient=form["To"],
            body=form["Body"],
            inbound=False,
            status="queued",
            at=clock.now(),
            status_callback=form.get("StatusCallback", ""),
        )
        await self.texts.keep(text)
        if self.reports:
            task = asyncio.create_task(self._report(text), name=f"reports of {text.sid}")
            self._reporting.add(task)
            task.add_done_callback(self._reporting.discard)
        return text

    async def _report(self, text: Text) -> None:
        """Carry a text through its states and call back at each."""
        last = ("undelivered", UNREACHABLE) if text.recipient in self.dead else ("delivered", None)
        for status, error_code in (("queued", None), ("sent", None), last):
            await asyncio.sleep(self.pace)
            await self.report(text.sid, status, error_code)

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query
        found = [
            text
            for text in reversed(list(self.texts))
            if wanted.get("To", text.recipient) == text.recipient
            and wanted.get("From", text.sender) == text.sender
            and text.at.date().isoformat() >= wanted.get("DateSent>", "")[:10]
        ]
        size, page = int(wanted.get("PageSize", "50")), int(wanted.get("Page", "0"))
        following = str(request.rel_url.update_query(Page=str(page + 1), PageSize=str(size)))
        records = [shapes.record(text, self.account_sid) for text in found[page * size : (page + 1) * size]]
        more = following if len(found) > (page + 1) * size else None
        return web.json_response(shapes.page("messages", records, str(request.rel_url), more))

    async def _fetch(self, request: web.Request) -> web.Response:
        text = self.texts.find(request.match_info["message"])
        return _not_found(request) if text is None else web.json_response(shapes.record(text, self.account_sid))

    async def _media_list(self, request: web.Request) -> web.Response:
        text = self.texts.find(request.match_info["message"])
        if text is None:
            return _not_found(request)
        records = [shapes.media_record(text, self.account_sid, name, self.pictures[name][0]) for name in text.media]
        return web.json_response(shapes.page("media_list", records, str(request.rel_url), None))

    async def _media(self, request: web.Request) -> web.Response:
        picture = self.pictures.get(request.match_info["media"])
        return _not_found(request) if picture is None else web.Response(body=picture[1], content_type=picture[0])

    async def _phone_numbers(self, request: web.Request) -> web.Response:
        records = [
            {"sid": f"PN{number:032d}", "phone_number": phone, "sms_url": self.text_url, "sms_method": "POST"}
            for number, phone in enumerate(self.numbers)
        ]
        return web.json_response(shapes.page("incoming_phone_numbers", records, str(request.rel_url), None))

    async def _account(self, _: web.Request) -> web.Response:
        return web.json_response({"sid": self.account_sid, "friendly_name": "Demo", "status": "active", "type": "Full"})


def _new_sid() -> str:
    return f"SM{secrets.token_hex(16)}"


def _not_found(request: web.Request) -> web.Response:
    return _error(404, 20404, f"The requested resource {request.path} was not found")


def _error(status: int, code: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(shapes.error(status, code, message), status=status, headers=headers)
