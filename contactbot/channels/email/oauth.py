"""Access tokens for a mailbox or a relay that takes no passwords: OAuth 2.0 client credentials (RFC 6749, 4.4).

Microsoft 365 asks for it: an application that the operator registers, with the right to one mailbox, signs in by
itself and shows the token as SASL XOAUTH2.
"""

import asyncio
import json

import aiohttp

from contactbot.channels.email.settings import OAuth
from contactbot.errors import ContactbotError

# A token is renewed this long before it ends, so that none ends on the way. Seconds.
_MARGIN = 120.0
# What a token lasts where the endpoint does not say. Seconds.
_UNSAID = 600.0
_PATIENCE = 20.0  # seconds


class TokenError(ContactbotError):
    """The endpoint gave no token; the message says what it answered and which settings to look at."""


class Tokens:
    """One application's token, fetched when it is first needed and again before it ends."""

    def __init__(self, settings: OAuth) -> None:
        self._settings = settings
        self._token = ""
        self._ends = 0.0
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """Return a token that still lasts a while. Raises TokenError."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if not self._token or now >= self._ends:
                token, lasts = await self._fetched()
                # A short-lived one is renewed at half its life, lest it be renewed for ever.
                self._token, self._ends = token, now + max(lasts - _MARGIN, lasts / 2)
            return self._token

    def forget(self) -> None:
        """Fetch a new one next time: the server refused this one."""
        self._token = ""

    async def _fetched(self) -> tuple[str, float]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
            "scope": self._settings.scope,
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session,
                session.post(str(self._settings.token_url), data={k: v for k, v in form.items() if v}) as answer,
            ):
                said = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TokenError(
                f"the token endpoint {self._settings.token_url} cannot be reached ({type(error).__name__}); "
                "check oauth.token_url and the way out to it"
            ) from error
        return _read(said, answer.status)


def _read(said: str, status: int) -> tuple[str, float]:
    """Return the token and how many seconds it lasts (RFC 6749, 5.1), or raise what the endpoint said instead (5.2)."""
    try:
        answer = json.loads(said)
        token = str(answer["access_token"])
        lasts = float(answer.get("expires_in", _UNSAID))
    except (ValueError, TypeError, KeyError, AttributeError):
        token, lasts = "", 0.0
        reason = _error(said)
        raise TokenError(
            f"the token endpoint gave no token (status {status}{reason}); check oauth.client_id, "
            "client_secret and scope"
        ) from None
    return token, lasts


def _error(said: str) -> str:
    """Return the endpoint's error code, which is safe to show; its longer text may name tenants."""
    try:
        code = str(json.loads(said)["error"])
    except (ValueError, TypeError, KeyError):
        return ""
    return f", {code[:60]}" if code.replace("_", "").isalnum() else ""
