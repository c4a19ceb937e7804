"""A mail server of the tests' own: a relay that keeps what it is given, or misbehaves on demand."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.patience import PATIENCE


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived: the envelope and the bytes."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail as Python's parser reads it."""
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        """The plain text, without the line end every mail has."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n").removesuffix("\n")


@dataclass(slots=True)
class Sink:
    """Keeps every mail. ``refuse`` gives the answer to a command (MAIL, RCPT or DATA) instead of taking it.

    ``login`` is the user and password that are asked for, ``token`` the access token in their place. ``hang_up_at``
    closes the connection at that command; "DOT" does so when the whole mail is there, before the answer. With ``mute``
    that answer never comes. ``tls`` is what STARTTLS is done with; without, it is not offered.
    """

    host: str = "127.0.0.1"
    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    hang_up_at: str = ""
    mute: bool = False
    login: tuple[bytes, bytes] | None = None
    token: str = ""
    tls: ssl.SSLContext | None = None
    connections: int = 0
    _mails: "asyncio.Queue[Mail]" = field(default_factory=asyncio.Queue)
    _seen: list[Mail] = field(default_factory=list)

    @property
    def mails(self) -> list[Mail]:
        """Everything that arrived so far."""
        return self._seen

    async def next(self) -> Mail:
        """Wait for the next mail."""
        async with asyncio.timeout(PATIENCE):
            return await self._mails.get()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del session
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._answer("MAIL", server)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del session, options
        answer = self._answer("RCPT", server)
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del session
        answer = self.refuse.get("DATA", "250 OK")
        if answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            mail = Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), envelope.content)
            self._seen.append(mail)
            self._mails.put_nowait(mail)
            self._hang_up("DOT", server)
            if self.mute:
                await asyncio.Event().wait()
        return answer

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        del server
        user, shown = b64decode(args[1]).decode().removesuffix("\1\1").split("\1")
        is_good = user.startswith("user=") and shown == f"auth=Bearer {self.token}"
        return AuthResult(success=is_good, handled=False)

    def _answer(self, command: str, server: SMTP) -> str:
        self._hang_up(command, server)
        if (self.login or self.token) and not (server.session and server.session.authenticated):
            return "530 5.7.0 Authentication required"
        return self.refuse.get(command, "250 OK")

    def _hang_up(self, command: str, server: SMTP) -> None:
        if self.hang_up_at == command and server.transport is not None:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()


class _Connection(SMTP):
    """One connection, counted."""

    def __init__(self, sink: Sink, open_ones: "set[_Connection]") -> None:
        self._sink = sink
        self._open = open_ones
        super().__init__(
            sink,
            enable_SMTPUTF8=True,
            hostname="sink.example",
            auth_require_tls=False,
            authenticator=self._admit,
            tls_context=sink.tls,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sink.connections += 1
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a mail, or hang up at the command, before any of it came."""
        if self._sink.hang_up_at == "DATA" and isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        else:
            await super().smtp_DATA(arg)

    def _admit(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == self._sink.login, handled=False)

    def hang_up(self) -> "asyncio.Task[None] | None":
        """Close, as a relay does that stops."""
        if self.transport is not None:
            self.transport.close()
        return self._handler_coroutine


@asynccontextmanager
async def sink(port: int = 0) -> AsyncIterator[Sink]:
    """Run a sink on a port of 127.0.0.1, by default any that is free."""
    kept = Sink()
    open_ones: set[_Connection] = set()
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(kept, open_ones), kept.host, port)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        await asyncio.gather(*filter(None, [one.hang_up() for one in list(open_ones)]), return_exceptions=True)
