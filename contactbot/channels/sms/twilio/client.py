"""The HTTP half of the ``twilio`` package, on this process's own aiohttp session.

The package's own asynchronous client passes a form of credentials that aiohttp 3.14 deprecates, hides Retry-After, and
reads any answer as JSON (twilio-python issues 931 and 866); it lets its HTTP half be replaced, so here is another.
"""

import json
import logging
from contextlib import suppress
from typing import Any

import aiohttp
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

from contactbot.channels.sms.twilio.outcomes import BusyError, is_busy

_LOGGER = logging.getLogger("twilio")


class SessionClient(AsyncHttpClient):
    """Carries the package's requests; the session's own timeout holds for each."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__(_LOGGER, is_async=True)
        self._session = session

    async def request(  # type: ignore[override] # as the package's own asynchronous half does  # noqa: PLR0913 - the package's signature
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the package's signature
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 - the package's signature
    ) -> Response:
        """Send one request; raises BusyError, and what aiohttp raises when there is no answer."""
        del timeout
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        async with self._session.request(
            method, url, params=params, data=data, headers=sent, allow_redirects=allow_redirects
        ) as answer:
            text = await answer.text(errors="replace")
            if is_busy(answer.status):
                raise BusyError(answer.status, _code(text), _seconds(answer.headers.get("Retry-After", "")))
            return Response(answer.status, text, answer.headers)


def _code(text: str) -> int | None:
    """Read Twilio's error code; a proxy's page of HTML has none."""
    with suppress(ValueError, TypeError, AttributeError):
        return int(json.loads(text).get("code"))
    return None


def _seconds(header: str) -> float | None:
    """Read Retry-After in seconds (RFC 9110 section 10.2.3); its date form is left to the caller's own wait."""
    return float(header) if header.isascii() and header.isdecimal() else None
