"""The channel: webhooks in, texts out."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar, Final
from urllib.parse import urlencode

import structlog
from aiohttp import web
from pydantic import BaseModel

from contactbot.channels.base import Abilities, Finding, House, Recipient, Surroundings
from contactbot.channels.plain import ending_of, words_of
from contactbot.channels.sms import calls, wiring
from contactbot.channels.sms.composing import compose
from contactbot.channels.sms.intake import Intake
from contactbot.channels.sms.look_back import LookBack
from contactbot.channels.sms.plain_http import PlainHttpProvider
from contactbot.channels.sms.progress import Progress
from contactbot.channels.sms.provider import NotAnsweredError, Provider, TextToSend
from contactbot.channels.sms.settings import PlainHttpSettings, SmsSettings, TwilioSettings
from contactbot.channels.sms.twilio import TwilioProvider
from contactbot.messages import Account, Length, Outbound, Receipt

TEXTS: Final = "/channels/sms/inbound"
REPORTS: Final = "/channels/sms/status"
ASK_AGAIN: Final = 30.0  # seconds until the next attempt when the provider cannot be asked about the last one
_LOG = structlog.get_logger()


class SmsChannel:
    """Text messages by one provider, for any number of our own numbers."""

    name: ClassVar[str] = "sms"
    Settings: ClassVar[type[BaseModel]] = SmsSettings

    def __init__(self, settings: SmsSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._provider = _provider(settings, surroundings)
        self._intake = Intake(settings.numbers, surroundings, self._provider)
        self._look_back = LookBack(
            self._provider,
            self._intake.accounts,
            self._intake.inbound,
            surroundings.clock,
            timedelta(hours=settings.catch_up_hours),
        )
        self._progress = Progress()
        self._house: House | None = None
        self._workers = 0

    @property
    def abilities(self) -> Abilities:
        """Short answers to a number that remembers; the provider can be asked, and STOP words silence the number."""
        return Abilities(
            length=Length.SMS,
            scheme="tel",
            may_probe=True,
            opt_out=True,
            strangers_per_hour=self._settings.strangers_per_hour,
        )

    @property
    def segment_price(self) -> float:
        """What one part of a text costs, in the municipality's currency; 0 when nobody has said."""
        return self._settings.segment_price

    @property
    def accounts(self) -> Sequence[Account]:
        """Our numbers, in E.164 where they are numbers."""
        return self._intake.accounts

    async def run(self, house: House) -> None:
        """Serve the webhooks until cancelled, and fetch what was missed before and meanwhile."""
        self._house = house
        try:
            async with self._at_work():
                await self._provider.open()
                house.started()
                await self._look_back.run(house)
        finally:
            self._house = None

    async def send(self, outbound: Outbound) -> Receipt:
        """Hand one text to the provider; before any further attempt the provider is asked whether it has it already."""
        if self._house is None:
            return Receipt("retry", outbound.id, detail="not_running", retry_after=1.0)
        text = self._text(outbound)
        async with self._at_work():
            earlier = await self._earlier(text) if outbound.doubtful or outbound.attempt > 1 else None
            receipt = earlier or await self._provider.send(text)
        self._progress.note(receipt)
        return receipt

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Ask the provider for a text with the same words, to the same number, since it was written."""
        async with self._at_work():
            try:
                found = await self._find(self._text(outbound))
            except NotAnsweredError:
                return Receipt("unknown", outbound.id, detail="cannot_ask")
        if found is not None:
            self._progress.note(found)
        return found

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Two webhooks: texts and reports."""
        return (web.post(TEXTS, self._on_text), web.post(REPORTS, self._on_report))

    def recipients(self) -> Sequence[Recipient]:
        """Name the provider."""
        return (self._settings.provider.recipient(),)

    async def check(self) -> Sequence[Finding]:
        """Check the public address and the numbers, then let the provider check its account; no text is sent."""
        public_url = self._surroundings.public_url
        findings = [
            *wiring.public_address(public_url, only_here=wiring.is_local(self._provider.address)),
            *wiring.numbers(self.accounts, tuple(self._surroundings.municipality_names)),
        ]
        if any(finding.level == "error" for finding in findings):
            return findings
        async with self._at_work():
            numbers = [account.address for account in self.accounts]
            return [*findings, *await self._provider.check(numbers, public_url + TEXTS)]

    async def _on_text(self, request: web.Request) -> web.Response:
        house = self._house
        if house is None:
            self._look_back.note_missed()
            return calls.come_back("the service is starting or stopping")
        call = await calls.read(request, self._surroundings.public_url + TEXTS)

        async def take() -> None:
            inbound = await self._intake.inbound(self._provider.read_text(call))
            await house.receive(inbound, cursor=inbound.received_at.isoformat())

        answer = await calls.answered(take, self._provider.thanks())
        if answer.status == web.HTTPServiceUnavailable.status_code:
            self._look_back.note_missed()
        return answer

    async def _on_report(self, request: web.Request) -> web.Response:
        house = self._house
        if house is None:
            return calls.come_back("the service is starting or stopping")
        call = await calls.read(request, self._surroundings.public_url + REPORTS)

        async def take() -> None:
            receipt = self._provider.read_report(call)
            if self._progress.is_news(receipt):
                await house.receipt(receipt)
                self._progress.note(receipt)

        return await calls.answered(take, self._provider.thanks())

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """Keep the provider's connections while anybody needs them; the last one out closes them.

        So a text that is on its way when the channel is cancelled is still finished.
        """
        self._workers += 1
        try:
            yield
        finally:
            self._workers -= 1
            if not self._workers:
                await self._provider.close()

    async def _earlier(self, text: TextToSend) -> Receipt | None:
        """Ask what became of earlier attempts; while the provider cannot be asked nothing more is sent."""
        try:
            return await self._find(text)
        except NotAnsweredError as error:
            return Receipt("retry", text.outbox, detail="cannot_ask", retry_after=error.retry_after or ASK_AGAIN)

    async def _find(self, text: TextToSend) -> Receipt | None:
        return await self._provider.find(text, lambda known: self._progress.belongs_to_another(known, text.outbox))

    def _text(self, outbound: Outbound) -> TextToSend:
        body = compose(words_of(outbound), ending_of(outbound), self._settings.max_segments)
        if body.cut:
            _LOG.warning("a text was cut", channel="sms", outbox=outbound.id, segments=body.segments)
        return TextToSend(
            outbox=outbound.id,
            sender=outbound.account,
            recipient=outbound.recipient.value,
            body=body.text,
            segments=body.segments,
            report_url=f"{self._surroundings.public_url}{REPORTS}?{urlencode({'outbox': outbound.id})}",
            created_at=outbound.created_at,
        )


def _provider(settings: SmsSettings, surroundings: Surroundings) -> Provider:
    match settings.provider:
        case TwilioSettings() as twilio:
            return TwilioProvider(twilio)
        case PlainHttpSettings() as plain_http:
            return PlainHttpProvider(plain_http, surroundings.clock)
