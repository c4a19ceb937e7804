"""The port's methods, said in Twilio's Messages API (version 2010-04-01)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final

import aiohttp
from twilio.base.exceptions import TwilioException

from contactbot.channels.base import Finding
from contactbot.channels.sms.provider import Foreign, NotAnsweredError, ReceivedText, TextToSend, WebCall
from contactbot.channels.sms.settings import TwilioSettings
from contactbot.channels.sms.twilio import media, records, webhooks, wiring
from contactbot.channels.sms.twilio.outcomes import BusyError, of_refusal
from contactbot.messages import Attachment, Receipt

if TYPE_CHECKING:
    from twilio.rest import Client
    from twilio.rest.api.v2010.account.message import MessageInstance

MOST_FOUND: Final = 100  # latest texts to one number; a resident gets far fewer in the minutes that matter
MOST_MISSED: Final = 2_000  # texts to one of our numbers that one look may fetch
RECONNECT: Final = 15.0  # seconds until the next attempt when the API cannot be reached
ASK_AGAIN: Final = 30.0  # seconds until a text not found is asked about again: lists lag behind what was taken
# What aiohttp and the package raise when an answer does not come, or is not the API's.
NO_ANSWER: Final = (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError, AttributeError)
NEVER_LEFT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class TwilioProvider:
    """Carries texts by one account at Twilio."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._token = settings.auth_token.get_secret_value()
        self._api = settings.api_url.rstrip("/")
        self._opening = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._opened: Client | None = None

    @property
    def address(self) -> str:
        """Where the API is."""
        return self._api

    def read_text(self, call: WebCall) -> ReceivedText:
        """Read a text from a webhook; raises ForgedCallError or MalformedCallError."""
        return webhooks.read_text(call, self._token)

    def read_report(self, call: WebCall) -> Receipt:
        """Read a status callback; raises ForgedCallError or MalformedCallError."""
        return webhooks.read_report(call, self._token)

    def thanks(self) -> tuple[str, str]:
        """Give TwiML that answers nothing: our answers leave from the outbox."""
        return webhooks.THANKS

    async def open(self) -> None:
        """Import the package in a thread (0.15 s) and make the session."""
        await self._client()

    async def close(self) -> None:
        """Close the connections."""
        session, self._session, self._opened = self._session, None, None
        if session is not None:
            await session.close()

    async def send(self, text: TextToSend) -> Receipt:
        """Post one message. What Twilio may have taken without telling us is looked for at once."""
        client = await self._client()
        try:
            message = await client.messages.create_async(
                to=text.recipient, from_=text.sender, body=text.body, status_callback=text.report_url
            )
            return records.receipt(text, message)
        except BusyError as busy:
            return of_refusal(text.outbox, busy.status, busy.code, busy.retry_after)
        except TwilioException as refusal:
            return of_refusal(text.outbox, getattr(refusal, "status", 0), getattr(refusal, "code", None))
        except NEVER_LEFT as error:
            detail = f"not_connected ({type(error).__name__})"
            return Receipt("retry", text.outbox, detail=detail, retry_after=RECONNECT)
        except NO_ANSWER as error:
            return await self._after_doubt(text, type(error).__name__)

    async def find(self, text: TextToSend, foreign: Foreign) -> Receipt | None:
        """Look through the latest texts to this number for one of ours with the same words.

        Twilio keeps neither our outbox row nor the callback's address with a message, so words, numbers and time must
        do. There is no filter by date, since a message still queued at Twilio has no date of sending yet.
        """
        async with self._asking() as client:
            messages = await client.messages.list_async(
                to=text.recipient, from_=text.sender, limit=MOST_FOUND, page_size=MOST_FOUND
            )
            alike = [
                message for message in messages if records.could_be(message, text) and not foreign(str(message.sid))
            ]
            if len(alike) > 1:
                return Receipt("unknown", text.outbox, detail=f"ambiguous ({len(alike)} like it at the provider)")
            return records.receipt(text, alike[0]) if alike else None

    async def received(self, recipient: str, since: datetime) -> Sequence[ReceivedText]:
        """List what came to a number since a moment, oldest first. Twilio's own filter is by whole days."""
        async with self._asking() as client:
            messages = await client.messages.list_async(to=recipient, date_sent_after=since, limit=MOST_MISSED)
            # Twilio lists the newest first and by whole seconds; those of one second keep the list's order, turned.
            came = [(message.date_sent, message) for message in reversed(messages) if records.came_in(message)]
            wanted = sorted(((at, each) for at, each in came if at and at >= since), key=lambda pair: pair[0])
            return [records.received(message, await self._pictures_of(message)) for _, message in wanted]

    async def fetch(self, picture: str) -> Attachment:
        """Fetch one picture of a text; raises NotAnsweredError."""
        await self._client()
        if self._session is None:
            raise NotAnsweredError("the channel is closing; no picture is fetched")
        authorization = aiohttp.encode_basic_auth(self._settings.account_sid, self._token)
        return await media.download(self._session, picture, self._api, authorization)

    async def check(self, numbers: Sequence[str], text_url: str) -> Sequence[Finding]:
        """Check the credentials' shape, then ask Twilio who we are and where it sends our texts."""
        findings = list(wiring.misshapen(self._settings.account_sid, self._token))
        if findings:
            return findings
        try:
            async with self._asking() as client:
                await client.api.accounts(self._settings.account_sid).fetch_async()
                configured = await client.incoming_phone_numbers.list_async(limit=1000)
        except NotAnsweredError as error:
            return [Finding("error", f"channels.sms.twilio: {error}")]
        addresses = {str(each.phone_number): (str(each.sms_url or ""), str(each.sms_method)) for each in configured}
        return list(wiring.wired(numbers, addresses, text_url))

    async def _pictures_of(self, message: "MessageInstance") -> Sequence[str]:
        """List the addresses of a message's pictures, which its record only counts."""
        if message.num_media in (None, "0"):
            return ()
        listed = await message.media.list_async(limit=webhooks.MOST_MEDIA)
        return [self._api + str(each.uri).removesuffix(".json") for each in listed]

    async def _after_doubt(self, text: TextToSend, why: str) -> Receipt:
        """Ask about a text whose answer never came. Not there is worth another attempt, which asks again first."""
        detail = f"no_answer ({why})"
        try:
            found = await self.find(text, lambda _: False)
        except NotAnsweredError:
            return Receipt("unknown", text.outbox, detail=detail)
        return found or Receipt("retry", text.outbox, detail=detail, retry_after=ASK_AGAIN)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator["Client"]:
        """Lend the client for a question, and make one error of the many it can end in."""
        try:
            yield await self._client()
        except BusyError as busy:
            raise NotAnsweredError(f"{self._api} cannot answer now ({busy})", busy.retry_after) from busy
        except TwilioException as refusal:
            code = getattr(refusal, "code", None) or "?"
            raise NotAnsweredError(
                f"Twilio refuses the question with code {code}: are account_sid and auth_token of one account?"
            ) from refusal
        except NO_ANSWER as error:
            raise NotAnsweredError(f"{self._api} gives no usable answer ({type(error).__name__})") from error

    async def _client(self) -> "Client":
        async with self._opening:
            if self._opened is None:
                self._opened = await self._connect()
            return self._opened

    async def _connect(self) -> "Client":
        rest = await asyncio.to_thread(import_module, "twilio.rest")
        carrier = await asyncio.to_thread(import_module, "contactbot.channels.sms.twilio.client")
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._settings.timeout))
        client: Client = rest.Client(
            self._settings.account_sid, self._token, http_client=carrier.SessionClient(self._session)
        )
        client.api.base_url = self._api
        return client
