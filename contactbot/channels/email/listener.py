"""SMTP and LMTP in, on the one event loop: 250 is said only after the house has the mail."""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator
from io import BytesIO
from types import TracebackType
from typing import Final, Self

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from contactbot.channels.email.addresses import AddressBook
from contactbot.channels.email.reception import Delivery, Reception
from contactbot.channels.email.settings import Listen
from contactbot.errors import SettingsError, StoreBusyError, UnknownAccountError

IDENT: Final = "contactbot"
_log = structlog.get_logger()
# aiosmtpd tells every command with its addresses at level INFO, and addresses do not belong in logs.
logging.getLogger("mail.log").setLevel(logging.WARNING)
# Mails above this are counted while they are taken in. Bytes.
_LARGE = 1_000_000
# What is read of a mail at a time: the loop serves others in between. Bytes.
_PIECE = 65_536
# The line that ends a mail, with the end of the line before it (RFC 5321, 4.1.1.4).
_MARK: Final = b"\r\n.\r\n"
# Line ends that a mail may begin with. Bytes.
_MOST_BLANK = 1_000
_MOST_RECIPIENTS = 100
# A path as nearly every relay writes it, with its parameters after a blank (RFC 5321, 4.1.2); no quotes, no comments.
_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
PLAIN_PATH: Final = re.compile(rf"<({_ATOM}(?:\.{_ATOM})*@{_ATOM}(?:\.{_ATOM})*)> *([A-Za-z0-9=.+@;,:\- ]*)")

_OK = "250 OK"
_KEPT = "250 2.0.0 Kept"
_LATER = "451 4.3.0 Not kept; please try again later"
_CROWDED = "452 4.3.1 Too many large mails at one time; please try again later"
_NO_SUCH = "550 5.1.1 No such mailbox here"
_TOO_LARGE = "552 5.3.4 The mail is too large"
_TOO_MANY = "452 4.5.3 Too many recipients"


class Listener:
    """Listens while it is entered; leaving closes every connection, so that senders keep what was not acknowledged."""

    def __init__(self, settings: Listen, hostname: str, book: AddressBook, reception: Reception) -> None:
        self.settings = settings
        self.hostname = hostname
        self.book = book
        self.reception = reception
        self.large = 0
        self.connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._tls = tls_context(settings)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: host and port."""
        if self._server is None:
            raise RuntimeError("the listener has not been entered")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, self.settings.host, self.settings.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        conversations = [connection.close() for connection in list(self.connections)]
        await asyncio.gather(*filter(None, conversations), return_exceptions=True)

    def _protocol(self) -> asyncio.BaseProtocol:
        if len(self.connections) >= self.settings.max_connections:
            return _TurnedAway(self.hostname)
        return (_Lmtp if self.settings.protocol == "lmtp" else _Smtp)(self, self._tls)


def tls_context(settings: Listen) -> ssl.SSLContext | None:
    """Load the certificate, or return None where none is configured. Raises SettingsError where it cannot be used."""
    if settings.certificate is None:
        if settings.require_tls:
            raise SettingsError(
                "channels.email.listen.require_tls needs a certificate; set listen.certificate and listen.key"
            )
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"channels.email.listen.certificate cannot be used ({error}); check the two PEM files and who may read them"
        ) from error
    return context


class _TurnedAway(asyncio.Protocol):
    """Says at once that there is no room now (RFC 5321, 3.8), instead of letting the sender wait."""

    def __init__(self, hostname: str) -> None:
        self._hostname = hostname

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(f"421 4.3.2 {self._hostname} has no room now; please try again later\r\n".encode())
            transport.close()


class _Hooks:
    """What aiosmtpd asks us in a connection. It looks hooks up by name and passes the connection first."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name and arguments
        self, server: "_Connection", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        size = next((int(option[5:]) for option in options if option.startswith("SIZE=") and option[5:].isdigit()), 0)
        if size > _LARGE and not server.reserve():
            return _CROWDED
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        del session
        return _OK

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and arguments
        self, server: "_Connection", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if self._listener.book.find(address) is None:
            return _NO_SUCH
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return _TOO_MANY
        envelope.rcpt_tos.append(address)
        return _OK

    async def handle_DATA(self, server: "_Connection", session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del session
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        delivery = Delivery(envelope.mail_from or "<>", tuple(envelope.rcpt_tos), raw)
        status = await self._take(delivery)
        # LMTP answers once for each recipient (RFC 2033, 4.2).
        return "\r\n".join([status] * len(delivery.recipients)) if isinstance(server, _Lmtp) else status

    async def _take(self, delivery: Delivery) -> str:
        try:
            await self._listener.reception.take(delivery)
        except UnknownAccountError:
            return _NO_SUCH
        except StoreBusyError:
            return _LATER
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the sender keeps the mail and we live on
            # The error's text may quote the mail, so only its kind is logged.
            _log.error("mail not kept", channel="email", error=type(error).__name__, size=len(delivery.raw))
            return _LATER
        return _KEPT

    async def handle_exception(self, error: Exception) -> str:
        _log.warning("mail connection failed", channel="email", error=type(error).__name__)
        return "451 4.3.0 Something went wrong here; please try again later"


class _Connection(SMTP):
    """One connection, known to the listener so that it can be closed, and its place among the large mails."""

    line_length_limit = _PIECE  # of commands; mail is read in pieces, however long its lines

    def __init__(self, listener: Listener, tls: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._is_large = False
        super().__init__(
            _Hooks(listener),
            data_size_limit=listener.settings.max_size,
            enable_SMTPUTF8=True,
            hostname=listener.hostname,
            ident=IDENT,
            tls_context=tls,
            require_starttls=listener.settings.require_tls,
            timeout=listener.settings.timeout,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._listener.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._release()
        self._listener.connections.discard(self)
        super().connection_lost(error)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a mail in pieces; aiosmtpd would take it line by line, without serving anybody else meanwhile."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
        elif arg:
            await self.push("501 Syntax: DATA")
        else:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            envelope.content = await self._mail()
            status = _TOO_LARGE if envelope.content is None else await self._call_handler_hook("DATA")
            self._set_post_data_state()
            await self.push(status)

    async def _mail(self) -> bytes | None:
        """Read up to the mark and return the mail with its dots undoubled (4.5.2), or None where it is too large."""
        largest = self._listener.settings.max_size
        mail, size, rest = BytesIO(), 0, b""  # a buffer that grows is given out without a copy
        async for piece in self._pieces():
            is_first, size = not size, size + len(piece)
            if size > largest:
                mail.truncate(0)
                continue
            rest += piece
            # What may be the beginning of a doubled dot waits for its end.
            whole = len(rest) - next((n for n in (3, 2, 1) if rest.endswith(_MARK[:n])), 0)
            undoubled = rest[:whole].replace(b"\r\n..", b"\r\n.")
            mail.write(undoubled[2:] if is_first else undoubled)
            rest = rest[whole:]
        mail.write(rest)
        return mail.getvalue() if size <= largest else None

    async def _pieces(self) -> AsyncIterator[bytes]:
        """Yield what comes before the mark, with the line end that goes before every mail put in front."""
        begun = _MARK[:2]
        while any(begun.endswith(_MARK[:n]) for n in range(1, len(_MARK))) and len(begun) < _MOST_BLANK:
            begun += await self._reader.readexactly(1)
            if begun.endswith(_MARK):
                yield begun.removesuffix(_MARK[2:])
                return
        yield begun
        while True:
            try:
                yield (await self._reader.readuntil(_MARK)).removesuffix(_MARK[2:])
            except asyncio.LimitOverrunError as more:
                yield await self._reader.readexactly(more.consumed)
            else:
                return

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read a path and its parameters; aiosmtpd parses them as a field of a mail, which takes 40 times as long."""
        plain = PLAIN_PATH.fullmatch(arg)
        return (plain[1], plain[2]) if plain else super()._getaddr(arg)

    def reserve(self) -> bool:
        """Take a place among the large mails, kept until this mail ends."""
        if not self._is_large and self._listener.large < self._listener.settings.max_large:
            self._listener.large += 1
            self._is_large = True
        return self._is_large

    def close(self) -> "asyncio.Task[None] | None":
        """Hang up; the task ends when the conversation has."""
        if self.transport is not None:
            self.transport.close()
        return self._handler_coroutine

    def _set_post_data_state(self) -> None:
        self._release()
        super()._set_post_data_state()  # type: ignore[no-untyped-call] # aiosmtpd is typed in part

    def _release(self) -> None:
        if self._is_large:
            self._is_large = False
            self._listener.large -= 1


class _Smtp(_Connection):
    """SMTP as relays speak it."""


class _Lmtp(LMTP, _Connection):
    """LMTP as to a mailbox server."""
