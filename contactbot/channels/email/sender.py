"""Out through the municipality's relay, on one connection that is kept, with an honest word for every way it can end.

The point of no return is the dot that ends DATA: whatever goes wrong before it, the relay has not taken the mail and
another attempt is safe; whatever goes wrong between the dot and the relay's answer, nobody can tell.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Literal

import aiosmtplib
import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from contactbot.channels.email.compose import Letter
from contactbot.channels.email.dkim import DkimSigner
from contactbot.channels.email.oauth import TokenError, Tokens
from contactbot.channels.email.settings import Relay
from contactbot.messages import Receipt

_log = structlog.get_logger()
# A channel has 60 s for one message.
_TIMEOUT = 50.0
_CONNECT_TIMEOUT = 20.0
_LONGEST_DETAIL = 200
_START_INPUT = 354
_COMPLETED = 250
_TRANSIENT, _PERMANENT = 4, 5  # first digits


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom the relay shall bring it to, and whom reports of failure."""

    sender: str
    recipient: str


class _Attempt:
    """How far one attempt has come: ``dotted`` once the relay may have the whole mail."""

    __slots__ = ("dotted",)

    def __init__(self) -> None:
        self.dotted = False


class Sender:
    """The kept connection. Messages go one after the other."""

    def __init__(self, relay: Relay, dkim: DkimSigner | None = None) -> None:
        self._relay = relay
        self._dkim = dkim
        self._tokens = Tokens(relay.oauth) if relay.oauth else None
        self._smtp: SMTP | None = None
        self._lock = asyncio.Lock()

    async def send(self, outbox: int, letter: Letter, envelope: Envelope) -> Receipt:
        """Hand the mail to the relay and say how it ended, within 50 s."""
        attempt = _Attempt()
        state: Literal["sent", "retry", "failed", "unknown"]
        try:
            async with asyncio.timeout(_TIMEOUT):
                content = await self._wire(letter)
                async with self._lock:
                    answer = await self._transfer(attempt, content, envelope)
        except SMTPResponseException as error:
            state, detail = _refusal(error, attempt), f"{error.code} {error.message}"
        except (SMTPException, TokenError, OSError, TimeoutError) as error:
            state, detail = "unknown" if attempt.dotted else "retry", f"{type(error).__name__}: {error}"
        except ValueError as error:
            state, detail = "failed", f"the envelope cannot be written: {error}"
        else:
            state, detail = "sent", answer
        if state != "sent":
            _log.warning("mail not sent", channel="email", outbox=outbox, state=state, relay=self._relay.host)
        return Receipt(state, outbox, letter.message_id, detail[:_LONGEST_DETAIL])

    async def close(self) -> None:
        """Say goodbye to the relay, if it still listens; a mail under way is cut short and its receipt says so."""
        if self._lock.locked():
            self._drop()
            return
        async with self._lock:
            smtp, self._smtp = self._smtp, None
            if smtp is not None and smtp.is_connected:
                try:
                    await smtp.quit(timeout=2)
                except (SMTPException, OSError, TimeoutError):
                    smtp.close()

    async def _wire(self, letter: Letter) -> bytes:
        """Return the mail as DATA sends it: signed, dots doubled (RFC 5321, 4.5.2), the dot at the end."""
        content = letter.content
        if self._dkim is not None:  # an RSA key of 2048 bits takes a millisecond
            content = await asyncio.to_thread(self._dkim.sign, content, letter.domain)
        return content.replace(b"\r\n.", b"\r\n..") + b".\r\n"

    async def _transfer(self, attempt: _Attempt, content: bytes, envelope: Envelope) -> str:
        smtp = await self._connected()
        done = False
        try:
            smtp = await self._begin(smtp, envelope)
            answer = await _data(attempt, smtp, content)
            done = True
        except SMTPResponseException as error:
            done = error.code != aiosmtplib.SMTPStatus.domain_unavailable and await _reset(smtp)
            raise
        finally:
            if not done:
                self._drop()
        return answer

    async def _begin(self, smtp: SMTP, envelope: Envelope) -> SMTP:
        """Announce the mail; where the relay has meanwhile closed the kept connection, once more on a new one."""
        try:
            await _announce(smtp, envelope)
        except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
            self._drop()
            smtp = await self._connected()
            await _announce(smtp, envelope)
        return smtp

    async def _connected(self) -> SMTP:
        if self._smtp is None or not self._smtp.is_connected:
            self._smtp = await connect(self._relay, self._tokens)
        return self._smtp

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def only_encrypted(relay: Relay) -> Relay:
    """Return the same relay, to be used over verified TLS or not at all."""
    return relay if relay.tls in ("starttls", "tls") else relay.model_copy(update={"tls": "starttls"})


async def connect(relay: Relay, tokens: Tokens | None = None) -> SMTP:
    """Open a connection as the settings ask: encrypted, and signed in where there is a user.

    Raises SMTPException, OSError, TimeoutError, and TokenError where there is no token to show.
    """
    smtp = SMTP(
        hostname=relay.host,
        port=relay.port,
        local_hostname=relay.hello or None,
        use_tls=relay.tls == "tls",
        start_tls=None if relay.tls == "opportunistic" else relay.tls == "starttls",
        tls_context=tls_context(relay) if relay.tls != "none" else None,
        username=relay.user or None,
        password=relay.password.get_secret_value() or None if relay.user and tokens is None else None,
        oauth_token_generator=tokens.current if tokens else None,
        timeout=_CONNECT_TIMEOUT,
    )
    try:
        await smtp.connect()
    except aiosmtplib.SMTPAuthenticationError:
        if tokens is not None:
            tokens.forget()
        raise
    return smtp


def tls_context(relay: Relay) -> ssl.SSLContext:
    """Trust the system's authorities, or the one file that is named; opportunistic encryption verifies nothing."""
    context = ssl.create_default_context(cafile=str(relay.ca_file) if relay.ca_file else None)
    if relay.tls == "opportunistic":
        # Whoever may strip STARTTLS may also show any certificate: verifying would only make mail fail (RFC 7435).
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _announce(smtp: SMTP, envelope: Envelope) -> None:
    is_ascii = envelope.recipient.isascii() and envelope.sender.isascii()
    encoding = "ascii" if is_ascii else "utf-8"
    await smtp.mail(envelope.sender, options=[] if is_ascii else ["SMTPUTF8"], encoding=encoding)
    await smtp.rcpt(envelope.recipient, encoding=encoding)


async def _data(attempt: _Attempt, smtp: SMTP, content: bytes) -> str:
    """Send DATA in two steps, so that it is known on which side of the dot something went wrong."""
    ready = await smtp.execute_command(b"DATA")
    if ready.code != _START_INPUT:
        raise aiosmtplib.SMTPDataError(ready.code, ready.message)
    protocol = smtp.protocol
    if protocol is None:
        raise aiosmtplib.SMTPServerDisconnected("connection lost")
    attempt.dotted = True
    protocol.write(content)
    answer = await protocol.read_response(timeout=_TIMEOUT)
    if answer.code != _COMPLETED:
        raise aiosmtplib.SMTPDataError(answer.code, answer.message)
    return answer.message


async def _reset(smtp: SMTP) -> bool:
    """Make the connection ready for the next mail after a refusal."""
    try:
        await smtp.rset(timeout=5)
    except (SMTPException, OSError, TimeoutError):
        return False
    return True


def _refusal(error: SMTPResponseException, attempt: _Attempt) -> Literal["failed", "retry", "unknown"]:
    """Read the code (RFC 5321, 4.2.1): 5 is for good, 4 for now; a wrong password is the operator's to mend."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) or error.code // 100 == _TRANSIENT:
        return "retry"
    if error.code // 100 == _PERMANENT:
        return "failed"
    return "unknown" if attempt.dotted else "retry"
