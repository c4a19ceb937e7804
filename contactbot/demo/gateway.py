"""A gateway that answers as Twilio's Messages API does, for the demo's phone and for tests.

The channel's own client talks to it unchanged: same paths, credentials, JSON, paging, errors, signed webhooks and
signed status callbacks. Source: Twilio's published description of its API, version 2010-04-01, and of its webhooks. It
can be told to misbehave. It listens on 127.0.0.1 only.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Final, Self

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from contactbot import clock
from contactbot.channels.sms.segments import cost

VERSION: Final = "2010-04-01"
LONGEST_BODY: Final = 1600  # characters, Twilio's limit
WEBHOOK_SECONDS: Final = 15.0  # Twilio's own patience with a webhook
OPTED_OUT: Final = 21610
UNREACHABLE: Final = 30003


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
class Text:
    """One text as the gateway keeps it; ``status`` and ``error_code`` are Twilio's words."""

    sid: str
    sender: str
    recipient: str
    body: str
    inbound: bool
    status: str
    at: datetime
    status_callback: str = ""
    error_code: int | None = None
    media: tuple[str, ...] = ()


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
    reached, and ``pictures`` are the media type and content of each picture by its name. What came and went is in
    ``texts``, ``posted`` (the forms of requests to send) and ``answers`` (of our webhooks).
    """

    account_sid: str = field(default_factory=lambda: f"AC{secrets.token_hex(16)}")
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))
    numbers: tuple[str, ...] = ()
    text_url: str = ""
    port: int = 0
    pace: float = 0.0
    reports: bool = True
    texts: list[Text] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    posted: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0
    url: str = ""
    _mishaps: deque[Mishap] = field(default_factory=deque)
    _runner: web.AppRunner | None = None
    _session: aiohttp.ClientSession | None = None
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _reporting: set["asyncio.Task[None]"] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._only_ours])
        account = f"/{VERSION}/Accounts/{{sid}}"
        app.router.add_post(f"{account}/Messages.json", self._create)
        app.router.add_get(f"{account}/Messages.json", self._list)
        app.router.add_get(f"{account}/Messages/{{message}}.json", self._fetch)
        app.router.add_get(f"{account}/Messages/{{message}}/Media/{{media}}", self._media)
        app.router.add_get(f"{account}/IncomingPhoneNumbers.json", self._phone_numbers)
        app.router.add_get(f"{account}.json", self._account)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
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
        text = self.keep(sender, recipient, body, sid=sid, pictures=pictures)
        await self._tell()
        return await self.post(self.text_url, self._webhook_form(text))

    def keep(self, sender: str, recipient: str, body: str, *, sid: str = "", pictures: Sequence[str] = ()) -> Text:
        """Take a resident's text without telling anybody, as when our webhook cannot be reached."""
        known = next((text for text in self.texts if sid and text.sid == sid), None)
        if known is not None:
            return known
        text = Text(
            sid=sid or f"SM{secrets.token_hex(16)}",
            sender=sender,
            recipient=recipient,
            body=body,
            inbound=True,
            status="received",
            at=clock.now(),
            media=tuple(pictures),
        )
        self.texts.append(text)
        return text

    async def post(self, url: str, form: Mapping[str, str], *, signature: str | None = None) -> Answer:
        """Call one of our webhooks as the provider; the signature is right unless another is given."""
        if self._session is None:
            raise RuntimeError("enter the gateway before it posts")
        headers = {"X-Twilio-Signature": self.sign(url, form) if signature is None else signature}
        async with self._session.post(url, data=form, headers=headers) as answer:
            self.answers.append(Answer(answer.status, await answer.text()))
            return self.answers[-1]

    def sign(self, url: str, form: Mapping[str, str]) -> str:
        """Compute the signature of a call to an address."""
        validator = RequestValidator(self.auth_token)  # type: ignore[no-untyped-call] # the package lacks this one's types
        return str(validator.compute_signature(url, form))  # type: ignore[no-untyped-call] # same

    def phone(self, number: str) -> list[Text]:
        """Give what a phone shows: all texts from and to its number, oldest first."""
        return [text for text in self.texts if number in (text.sender, text.recipient)]

    async def changes(self) -> AsyncIterator[None]:
        """Yield at once and then whenever a text came or its status changed; close it with ``aclosing``."""
        while True:
            yield
            async with self._news:
                await self._news.wait()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of the texts."""
        async with self._news:
            await self._news.wait_for(holds)

    @web.middleware
    async def _only_ours(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests += 1
        given = request.headers.get("Authorization", "")
        if given != aiohttp.encode_basic_auth(self.account_sid, self.auth_token):
            return _error(401, 20003, "Authenticate")
        if request.match_info.get("sid") != self.account_sid:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        return await handler(request)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        mishap = self._mishaps.popleft() if self._mishaps else None
        if mishap is not None and mishap not in TAKEN:
            return await self._misbehave(request, mishap)
        values = {name: str(value) for name, value in form.items()}
        self.posted.append(values)
        refusal = self._refusal(values)
        if refusal is not None:
            return refusal
        text = await self._take(values)
        if mishap is not None:
            return await self._misbehave(request, mishap)
        return web.json_response(self._record(text), status=201)

    def _refusal(self, form: dict[str, str]) -> web.Response | None:
        """Refuse what Twilio refuses, with its codes."""
        if not form.get("To"):
            return _error(400, 21604, "A 'To' phone number is required.")
        if not form.get("From"):
            return _error(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            return _error(400, 21602, "Message body is required.")
        if len(form["Body"]) > LONGEST_BODY:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        if form["From"] not in self.numbers:
            return _error(400, 21606, f"The From phone number {form['From']} is not a valid, message-capable number.")
        return None

    async def _misbehave(self, request: web.Request, mishap: Mishap) -> web.StreamResponse:
        match mishap:
            case Mishap.RATE_LIMITED:
                return _error(429, 20429, "Too Many Requests", {"Retry-After": "7"})
            case Mishap.OPTED_OUT:
                return _error(400, OPTED_OUT, "Attempt to send to unsubscribed recipient")
            case Mishap.UNAUTHORIZED:
                return _error(401, 20003, "Authenticate")
            case Mishap.PAGE:
                return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
            case Mishap.HANGS | Mishap.HANGS_TAKEN:
                await self._closing.wait()
            case Mishap.DROPS | Mishap.DROPS_TAKEN if request.transport is not None:
                request.transport.close()
        return _error(500, 20500, "An internal server error has occurred")

    async def _take(self, form: dict[str, str]) -> Text:
        text = Text(
            sid=f"SM{secrets.token_hex(16)}",
            sender=form["From"],
            recipient=form["To"],
            body=form["Body"],
            inbound=False,
            status="queued",
            at=clock.now(),
            status_callback=form.get("StatusCallback", ""),
        )
        self.texts.append(text)
        await self._tell()
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

    async def report(self, sid: str, status: str, error_code: int | None = None) -> Answer | None:
        """Set a text's status and call back, signed; None when nobody asked to be called."""
        index = next(number for number, text in enumerate(self.texts) if text.sid == sid)
        text = replace(self.texts[index], status=status, error_code=error_code)
        self.texts[index] = text
        await self._tell()
        if not text.status_callback:
            return None
        form = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "AccountSid": self.account_sid,
            "From": text.sender,
            "To": text.recipient,
            "MessageStatus": status,
            "SmsStatus": status,
            "ApiVersion": VERSION,
        }
        if error_code is not None:
            form["ErrorCode"] = str(error_code)
        try:
            return await self.post(text.status_callback, form)
        except (aiohttp.ClientError, TimeoutError):
            return None  # Twilio gives up too; the message's own record tells its status

    async def _list(self, request: web.Request) -> web.Response:
        wanted = request.query
        found = [
            text
            for text in reversed(self.texts)
            if wanted.get("To", text.recipient) == text.recipient
            and wanted.get("From", text.sender) == text.sender
            and text.at.date().isoformat() >= wanted.get("DateSent>", "")[:10]
        ]
        size = int(wanted.get("PageSize", "50"))
        page = int(wanted.get("Page", "0"))
        records = [self._record(text) for text in found[page * size : (page + 1) * size]]
        following = request.rel_url.update_query(Page=str(page + 1), PageSize=str(size))
        more = str(following) if len(found) > (page + 1) * size else None
        return _page("messages", records, str(request.rel_url), more)

    async def _fetch(self, request: web.Request) -> web.Response:
        sid = request.match_info["message"]
        text = next((text for text in self.texts if text.sid == sid), None)
        if text is None:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        return web.json_response(self._record(text))

    async def _media(self, request: web.Request) -> web.Response:
        media_type, content = self.pictures.get(request.match_info["media"], ("", b""))
        if not media_type:
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        return web.Response(body=content, content_type=media_type)

    async def _phone_numbers(self, request: web.Request) -> web.Response:
        records = [
            {"sid": f"PN{number:032d}", "phone_number": phone, "sms_url": self.text_url, "sms_method": "POST"}
            for number, phone in enumerate(self.numbers)
        ]
        return _page("incoming_phone_numbers", records, str(request.rel_url), None)

    async def _account(self, _: web.Request) -> web.Response:
        return web.json_response({"sid": self.account_sid, "friendly_name": "Demo", "status": "active", "type": "Full"})

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _record(self, text: Text) -> dict[str, Any]:
        uri = f"/{VERSION}/Accounts/{self.account_sid}/Messages/{text.sid}"
        at = format_datetime(text.at)
        return {
            "account_sid": self.account_sid,
            "api_version": VERSION,
            "body": text.body,
            "date_created": at,
            "date_sent": None if text.status == "queued" else at,
            "date_updated": at,
            "direction": "inbound" if text.inbound else "outbound-api",
            "error_code": text.error_code,
            "error_message": None,
            "from": text.sender,
            "messaging_service_sid": None,
            "num_media": str(len(text.media)),
            "num_segments": str(cost(text.body).segments),
            "price": None,
            "price_unit": "NOK",
            "sid": text.sid,
            "status": text.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": text.recipient,
            "uri": f"{uri}.json",
        }

    def _webhook_form(self, text: Text) -> dict[str, str]:
        """Give the fields Twilio posts with a text, blank ones among them."""
        media: dict[str, str] = {}
        for number, name in enumerate(text.media):
            path = f"/{VERSION}/Accounts/{self.account_sid}/Messages/{text.sid}/Media/{name}"
            media |= {f"MediaUrl{number}": self.url + path, f"MediaContentType{number}": self.pictures[name][0]}
        return {
            "ToCountry": "NO",
            "ToState": "",
            "ToCity": "",
            "ToZip": "",
            "FromCountry": "NO",
            "FromState": "",
            "FromCity": "",
            "FromZip": "",
            "SmsMessageSid": text.sid,
            "SmsSid": text.sid,
            "MessageSid": text.sid,
            "AccountSid": self.account_sid,
            "SmsStatus": "received",
            "From": text.sender,
            "To": text.recipient,
            "Body": text.body,
            "NumMedia": str(len(text.media)),
            "NumSegments": str(cost(text.body).segments),
            "ApiVersion": VERSION,
            **media,
        }


def _error(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more_info, "status": status}
    return web.json_response(body, status=status, headers=headers)


def _page(key: str, records: list[dict[str, Any]], uri: str, more: str | None) -> web.Response:
    body = {
        key: records,
        "end": max(0, len(records) - 1),
        "first_page_uri": uri,
        "next_page_uri": more,
        "page": 0,
        "page_size": len(records),
        "previous_page_uri": None,
        "start": 0,
        "uri": uri,
    }
    return web.json_response(body)
