"""The port's methods, said to a gateway that speaks plain JSON.

Each text carries a reference of ours. A gateway that is given the same reference twice answers as it did the first
time, so nothing can be sent twice, and it can be asked for a reference, so nothing stays in doubt.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import aiohttp

from contactbot.channels.base import Finding
from contactbot.channels.sms.plain_http import webhooks
from contactbot.channels.sms.provider import Foreign, NotAnsweredError, ReceivedText, TextToSend, WebCall
from contactbot.channels.sms.settings import PlainHttpSettings
from contactbot.clock import Clock
from contactbot.messages import Attachment, Receipt

OK: Final = 200
REDIRECTS: Final = 300
NOT_FOUND: Final = 404
GONE: Final = 410  # how the gateway says that a number has opted out
MISSPELT: Final = frozenset({400, 404, 410, 413, 422})  # refusals that the same text would meet again
LATER: Final = 30.0  # seconds, where the gateway does not say


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    fields: Mapping[str, Any]
    retry_after: float | None


class PlainHttpProvider:
    """Carries texts by one gateway."""

    def __init__(self, settings: PlainHttpSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._secret = settings.secret.get_secret_value()
        self._session: aiohttp.ClientSession | None = None

    @property
    def address(self) -> str:
        """Where the gateway is."""
        return self._settings.url

    def read_text(self, call: WebCall) -> ReceivedText:
        """Read a text from a call; raises ForgedCallError or MalformedCallError."""
        return webhooks.read_text(call, self._secret, self._clock())

    def read_report(self, call: WebCall) -> Receipt:
        """Read a report; raises ForgedCallError or MalformedCallError."""
        return webhooks.read_report(call, self._secret, self._clock())

    def thanks(self) -> tuple[str, str]:
        """Give an empty answer: the status says it all."""
        return webhooks.THANKS

    async def open(self) -> None:
        """Make the session."""
        self._connected()

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, text: TextToSend) -> Receipt:
        """Post one text under its reference; what is in doubt may safely be posted again."""
        body = {
            "reference": _reference(text),
            "from": text.sender,
            "to": text.recipient,
            "text": text.body,
            "report_url": text.report_url,
        }
        try:
            answer = await self._request("POST", body=body)
        except (aiohttp.ClientError, TimeoutError) as error:
            detail = f"no_answer ({type(error).__name__})"
            return Receipt("retry", text.outbox, detail=detail, retry_after=LATER)
        return _outcome(text, answer)

    async def find(self, text: TextToSend, foreign: Foreign) -> Receipt | None:
        """Ask for the text's reference."""
        del foreign
        try:
            answer = await self._request("GET", query={"reference": _reference(text)})
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotAnsweredError(f"{self.address} gives no answer ({type(error).__name__})") from error
        if answer.status == NOT_FOUND:
            return None
        if answer.status != OK or not answer.fields.get("id"):
            raise NotAnsweredError(f"{self.address} gives no usable answer (HTTP {answer.status})", answer.retry_after)
        return _outcome(text, answer)

    async def received(self, recipient: str, since: datetime) -> Sequence[ReceivedText]:
        """Give nothing: a plain gateway keeps its own calls until we have answered them with 200."""
        del recipient, since
        return ()

    async def fetch(self, picture: str) -> Attachment:
        """Refuse: a plain gateway carries words only."""
        raise NotAnsweredError(f"a plain gateway has no pictures ({len(picture)} characters of address)")

    async def check(self, numbers: Sequence[str], text_url: str) -> Sequence[Finding]:
        """Ask for a reference that cannot be: 404 says that address and token are right."""
        del numbers
        try:
            answer = await self._request("GET", query={"reference": "0.0"})
        except (aiohttp.ClientError, TimeoutError) as error:
            return [
                Finding("error", f"channels.sms.plain_http.url gives no answer ({type(error).__name__}): is it right?")
            ]
        if answer.status != NOT_FOUND:
            return [
                Finding(
                    "error",
                    f"channels.sms.plain_http.url answers {answer.status} to a reference it cannot have, where 404 is"
                    " expected: check the address and the token.",
                )
            ]
        return [Finding("ok", f"The gateway answers; let it post texts to {text_url}.")]

    async def _request(
        self, method: str, *, body: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> _Answer:
        headers = {"Authorization": f"Bearer {self._settings.token.get_secret_value()}"}
        async with self._connected().request(
            method, self._settings.url, json=body, params=query, headers=headers, allow_redirects=False
        ) as answer:
            wait = answer.headers.get("Retry-After", "")
            return _Answer(
                answer.status,
                _fields(await answer.text(errors="replace")),
                float(wait) if wait.isascii() and wait.isdecimal() else None,
            )

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._settings.timeout))
        return self._session


def _reference(text: TextToSend) -> str:
    """Name a text the same on every attempt, and unlike any of another database that counts from one."""
    return f"{text.outbox}.{int(text.created_at.timestamp())}"


def _outcome(text: TextToSend, answer: _Answer) -> Receipt:
    """Read an answer: taken with an identifier, refused for good, or to be tried again."""
    provider_id = answer.fields.get("id")
    if answer.status < REDIRECTS and isinstance(provider_id, str) and provider_id:
        state = webhooks.STATES.get(str(answer.fields.get("state", "sent")), "sent")
        return Receipt(state, text.outbox, provider_id=provider_id, segments=text.segments)
    if answer.status in MISSPELT:
        cause = "opted_out" if answer.status == GONE else "refused"
        return Receipt("failed", text.outbox, detail=f"{cause} ({answer.status})")
    detail = f"provider_busy ({answer.status})"
    return Receipt("retry", text.outbox, detail=detail, retry_after=answer.retry_after or LATER)


def _fields(text: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
