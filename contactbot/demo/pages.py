"""The page `/demo`: a phone and a mailbox to try texts and mail with, and what else one needs to try everything.

Nothing is short-circuited: the phone posts a text to the gateway, which calls our webhook as Twilio does, and the
mailbox speaks SMTP with the house. The page works as plain forms; with a script it is kept up to date.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from aiosmtplib import SMTPException
from jinja2 import ChoiceLoader, FileSystemLoader

from contactbot.demo import town
from contactbot.demo.gateway import LONGEST_BODY, Gateway
from contactbot.demo.mailbox import Mail, Mailbox
from contactbot.demo.prosody import HOW_TO_GET
from contactbot.web import dates, security, templating
from contactbot.web.about_bot import spaced
from contactbot.web.assets import Assets
from contactbot.web.keys import ASSETS, HOUSE
from contactbot.web.live import SOCKETS

HERE: Final = Path(__file__).parent
NUMBER: Final = re.compile(r"\+[1-9]\d{7,14}")  # E.164
BEAT: Final = 25.0  # seconds between pings
NEW: Final = "ny"  # in place of a mail's name: write a new one

environment = templating.environment.overlay(
    loader=ChoiceLoader([FileSystemLoader(HERE / "templates"), FileSystemLoader(templating.TEMPLATES)])
)


class Scene:
    """What residents of the demo hold in their hands. ``phone`` is the number of the one who has not chosen another."""

    def __init__(
        self, gateway: Gateway, mailbox: Mailbox, phone: str, mail_port: int, xmpp: dict[str, Any] | None
    ) -> None:
        self._gateway = gateway
        self._mailbox = mailbox
        self._phone = phone
        self._mail_port = mail_port
        self._xmpp = xmpp
        self._assets = Assets(HERE / "static")

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the page, its forms, its news and its files."""
        return [
            web.get("/demo", self.show),
            web.post("/demo/texts", self.text),
            web.post("/demo/mails", self.mail),
            web.get("/demo/mails/{name}", self.raw),
            web.get("/demo/live", self.live),
            web.get("/demo/static/{name:.+}", self._assets.give),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Show the phone of ``number`` and the mailbox with one mail open."""
        return self._page(request)

    async def text(self, request: web.Request) -> web.StreamResponse:
        """Send a text from the phone."""
        form = await _form(request)
        number, body = _joined(form.get("number", "")), form.get("body", "")[:LONGEST_BODY]
        if not NUMBER.fullmatch(number):
            return self._page(request, form, "Telefonnummeret må begynne med + og landkode, som +47 99 99 99 01.")
        if body.strip():
            try:
                answer = await self._gateway.text_in(number, town.NUMBER, body)
            except (aiohttp.ClientError, TimeoutError):
                return self._page(request, form, "Meldingen kom ikke fram. Prøv igjen.")
            if answer.status != web.HTTPOk.status_code:
                return self._page(request, form, f"Kommunen tok ikke imot meldingen (HTTP {answer.status}).")
        return _back(number, form.get("mail", ""))

    async def mail(self, request: web.Request) -> web.StreamResponse:
        """Send a mail from the mailbox."""
        form = await _form(request)
        answered, text = form.get("answered", ""), form.get("text", "")
        if not text.strip():
            return self._page(request, form, "Skriv noe i e-posten først.")
        try:
            await self._mailbox.write(
                self._mail_port, form.get("to") or town.MAILBOX, form.get("subject", ""), text, answered
            )
        except (SMTPException, ValueError, OSError) as error:
            return self._page(request, form, f"Kommunen tok ikke imot e-posten: {error}")
        except KeyError:
            raise web.HTTPNotFound from None
        return _back(form.get("number", ""), self._mailbox.mails()[0].name)

    async def raw(self, request: web.Request) -> web.Response:
        """Give a mail as it came over the line."""
        try:
            content = self._mailbox.raw(request.match_info["name"])
        except KeyError:
            raise web.HTTPNotFound from None
        return web.Response(body=content, content_type="text/plain", charset="utf-8")

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Tell an open page which part has changed."""
        origin = request.headers.get("Origin")
        if origin is None or not security.is_own_origin(request, origin):
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(heartbeat=BEAT, max_msg_size=1024)
        await socket.prepare(request)
        request.app[SOCKETS].add(socket)
        telling = [
            asyncio.create_task(_tell(socket, "texts", self._gateway.changes()), name="news of texts"),
            asyncio.create_task(_tell(socket, "mails", self._mailbox.changes()), name="news of mails"),
        ]
        try:
            async for _ in socket:
                pass  # pages have nothing to say
        finally:
            request.app[SOCKETS].discard(socket)
            for task in telling:
                task.cancel()
            await asyncio.gather(*telling, return_exceptions=True)
        return socket

    def _page(self, request: web.Request, form: dict[str, str] | None = None, problem: str = "") -> web.Response:
        """Return the page; what could not be sent stays in its form."""
        kept = form or {}
        asked = _joined(kept.get("number") or request.query.get("number", ""))
        number = asked if NUMBER.fullmatch(asked) else self._phone
        mails = self._mailbox.mails()
        chosen = kept.get("mail") or kept.get("answered") or request.query.get("mail", "")
        opened = next((mail for mail in mails if mail.name == chosen), None)
        house = request.app[HOUSE]
        zone, now = house.municipalities[town.KEY].zone, house.clock()
        return web.Response(
            text=environment.get_template("demo.html").render(
                asset=request.app[ASSETS].address,
                own=lambda name: f"/demo{self._assets.address(name)}",
                municipality=house.municipalities[town.KEY],
                problem=problem,
                kept=kept,
                number=number,
                numbers=self._numbers(number),
                texts=self._gateway.phone(number),
                to_number=spaced(town.NUMBER),
                spaced=spaced,
                longest_text=LONGEST_BODY,
                mails=mails,
                opened=opened,
                writing=opened is None and (chosen == NEW or not mails or "to" in kept),
                address=self._mailbox.address,
                to_address=town.MAILBOX,
                mail_port=self._mail_port,
                here=lambda mail="": _here(number, mail),
                subject_of_answer=_subject_of_answer,
                now=now,
                when=lambda at: dates.relative(at, now, zone),
                exact=lambda at: dates.exact(at, zone),
                clock=lambda at: at.astimezone(zone).strftime("%H.%M"),
                day=lambda at: dates.day(at.astimezone(zone).date(), now.astimezone(zone).date()),
                xmpp=self._xmpp,
                how_to_get_xmpp=HOW_TO_GET,
                people=town.PEOPLE,
                password=town.PASSWORD,
            ),
            status=web.HTTPUnprocessableEntity.status_code if problem else web.HTTPOk.status_code,
            content_type="text/html",
            charset="utf-8",
        )

    def _numbers(self, shown: str) -> list[str]:
        """Return the phones that have been used, the one that is shown first."""
        used = {one for text in self._gateway.texts for one in (text.sender, text.recipient)} - {town.NUMBER}
        return [shown, *sorted({*used, self._phone} - {shown})]


async def _form(request: web.Request) -> dict[str, str]:
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _joined(number: str) -> str:
    """Return a number without the spaces and hyphens it is shown and written with."""
    return re.sub(r"[ \u00a0-]", "", number)


def _back(number: str, mail: str) -> web.StreamResponse:
    return web.Response(status=web.HTTPSeeOther.status_code, headers={"Location": _here(number, mail)})


def _here(number: str, mail: str) -> str:
    chosen = {name: value for name, value in (("number", number), ("mail", mail)) if value}
    return f"/demo?{urlencode(chosen)}"


def _subject_of_answer(mail: Mail) -> str:
    return mail.subject if mail.subject.lower().startswith(("re:", "sv:")) else f"Re: {mail.subject}"


async def _tell(socket: web.WebSocketResponse, part: str, changes: AsyncGenerator[None]) -> None:
    """Send the name of a part at once, and whenever it changed."""
    with suppress(ConnectionError):
        async with aclosing(changes):
            async for _ in changes:
                await socket.send_str(part)
