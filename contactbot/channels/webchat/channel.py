"""The web chat as the house sees it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import ClassVar

from aiohttp import web
from pydantic import BaseModel

from contactbot.channels.base import Abilities, Finding, House, Recipient, Surroundings
from contactbot.channels.webchat.assets import PICTURES, Assets
from contactbot.channels.webchat.exchange import Exchange
from contactbot.channels.webchat.gate import Gate
from contactbot.channels.webchat.live import Lines
from contactbot.channels.webchat.notices import NoticePages
from contactbot.channels.webchat.pages import Pages
from contactbot.channels.webchat.session import SCHEME, Signer
from contactbot.channels.webchat.settings import Site, WebchatSettings
from contactbot.channels.webchat.transcript import Transcripts
from contactbot.messages import Account, Length, Outbound, Receipt


class WebchatChannel:
    """The chat of each configured site, under ``/chat``.

    What is said to a resident stands in the house's history, which their browser reads whenever it can: so ``send`` has
    nothing to do, and no crash can lose or double an answer.
    """

    name: ClassVar[str] = "webchat"
    Settings: ClassVar[type[BaseModel]] = WebchatSettings

    def __init__(self, settings: WebchatSettings, surroundings: Surroundings) -> None:
        signer = Signer(surroundings.secret, surroundings.clock, timedelta(days=settings.session_days))
        self._settings = settings
        self._surroundings = surroundings
        self._exchange = Exchange(settings, surroundings, signer)
        self._assets = Assets(settings, surroundings)
        gate = Gate(settings, surroundings)
        self._lines = Lines(settings, self._exchange, gate)
        notices = NoticePages(surroundings, self._exchange, gate, self._assets)
        self._pages = Pages(settings, surroundings, self._exchange, gate, self._assets, notices)
        self._transcripts = Transcripts(surroundings, self._exchange, gate, notices)

    @property
    def abilities(self) -> Abilities:
        """Short answers, buttons, and a memory of its own: a doubtful message can always be settled."""
        return Abilities(length=Length.CHAT, scheme=SCHEME, may_probe=True)

    @property
    def accounts(self) -> Sequence[Account]:
        """One account for each site."""
        return [Account(self.name, site.site, site.municipality) for site in self._settings.accounts]

    async def run(self, house: House) -> None:
        """Take messages until cancelled, then say goodbye to every browser."""
        self._exchange.house = house
        house.started()
        try:
            await asyncio.Event().wait()
        finally:
            self._exchange.house = None
            await self._lines.close()

    async def send(self, outbound: Outbound) -> Receipt:
        """Say that the message is out: it stands in the history, and the house wakes the session's browsers itself."""
        return Receipt("sent", outbox=outbound.id)

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Say the same again: browsers ask by position, so nothing can come twice."""
        return Receipt("sent", outbox=outbound.id)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Everything under /chat."""
        return [
            web.get("/chat/embed.js", self._assets.script),
            web.get("/chat/static/{name}", self._assets.shared),
            web.get("/chat/{site}/theme.css", self._assets.theme),
            web.get("/chat/{site}/crest", self._assets.crest),
            web.get("/chat/{site}/ws", self._lines.socket),
            web.get("/chat/{site}/events", self._lines.events),
            web.get("/chat/{site}/messages", self._lines.poll),
            web.post("/chat/{site}/messages", self._lines.post),
            web.post("/chat/{site}/files", self._lines.file),
            web.get("/chat/{site}/transcript", self._transcripts.file),
            web.get("/chat/{site}/s/{token}/transcript", self._transcripts.file),
            web.get("/chat/{site}/mail/{key}", self._transcripts.landing),
            web.post("/chat/{site}/mail/{key}", self._transcripts.send),
            web.get("/chat/{site}/s/{token}", self._pages.show),
            web.get("/chat/{site}", self._pages.show),
            web.post("/chat/{site}", self._pages.say),
        ]

    def recipients(self) -> Sequence[Recipient]:
        """Name nobody: what is written comes straight to the house."""
        return ()

    async def check(self) -> Sequence[Finding]:
        """Tell what would keep residents out."""
        findings = [finding for site in self._settings.accounts for finding in self._check_site(site)]
        if not self._settings.accounts:
            findings.append(
                Finding(
                    "warning", "channels.webchat.accounts is empty: nobody can chat. Add a site or remove the table."
                )
            )
        keys = [site.site for site in self._settings.accounts]
        findings += [
            Finding("error", f"channels.webchat: the site key {key!r} is used twice; each chat needs its own.")
            for key in sorted({key for key in keys if keys.count(key) > 1})
        ]
        if not self._surroundings.public_url.startswith("https://"):
            findings.append(
                Finding(
                    "warning",
                    "public_url is not https: browsers then refuse the chat inside pages that are. Put TLS in front.",
                )
            )
        return findings

    def _check_site(self, site: Site) -> Iterable[Finding]:
        table = f"channels.webchat site {site.site!r}"
        known = self._surroundings.municipality_names
        if site.municipality not in known:
            yield Finding(
                "error",
                f"{table} is for {site.municipality!r}, which is no configured municipality ({', '.join(known)}).",
            )
        if site.crest is not None and not site.crest.is_file():
            yield Finding("error", f"{table}: the crest {site.crest} is not a file; a plain shield is shown instead.")
        if site.crest is not None and site.crest.suffix not in PICTURES:
            yield Finding("error", f"{table}: the crest {site.crest} must be one of {', '.join(PICTURES)}.")
        if not site.sites:
            yield Finding("ok", f"{table} lists no sites: it has its own page, and no other web site may embed it.")
