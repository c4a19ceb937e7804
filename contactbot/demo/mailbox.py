"""A mailbox on this machine: the relay our mail leaves through, and the residents who read and write there.

Real SMTP both ways. What arrives is kept as files, so the mailbox is as it was after a restart.
"""

import asyncio
import email
import email.policy
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formataddr, formatdate, make_msgid, parseaddr, parsedate_to_datetime
from pathlib import Path

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from contactbot.demo.news import News
from contactbot.demo.town import RELAY


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, sent by a resident or received; ``answer_to`` is where an answer goes."""

    name: str
    sent: bool
    subject: str
    sender: str
    recipient: str
    answer_to: str
    at: datetime
    text: str


class Mailbox:
    """The residents' folder, and the relay that fills it. ``address`` is the one who writes to us first."""

    def __init__(self, folder: Path, address: str, name: str = "Kim Nilsen") -> None:
        self.address = address
        self.port = 0
        self._name = name
        self._folder = folder
        self._news = News()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Mailbox"]:
        """Take mail in on a port of the system's choice while the context lasts."""
        self._folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, hostname=RELAY), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for the event
        """Keep a mail that our house sent."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        await self._keep(content, "in")
        return "250 OK"

    async def write(self, port: int, to: str, subject: str, text: str, answered: str = "") -> None:
        """Send a mail to the house, as an answer to a received one when that is named.

        Raises SMTPException when the house does not take it, KeyError when there is no such mail.
        """
        message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=998))
        # As the relay in front of a municipality does when DMARC passes (RFC 8601).
        domain = self.address.partition("@")[2]
        message["Authentication-Results"] = f"{RELAY}; dmarc=pass header.from={domain}"
        sender = formataddr((self._name, self.address))
        if answered:
            earlier = self._parsed(self._path(answered))
            sender = str(earlier["To"])
            message["In-Reply-To"] = str(earlier["Message-ID"])
            known = (str(earlier.get(name, "")) for name in ("References", "Message-ID"))
            message["References"] = " ".join(known).strip()
            text = f"{text}\n\n{_quoted(earlier)}"
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Date"], message["Message-ID"] = formatdate(localtime=True), make_msgid(domain=domain)
        message.set_content(text)
        await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False)
        await self._keep(message.as_bytes(), "out")

    def mails(self) -> list[Mail]:
        """Return everything in the folder, newest first."""
        return [self._mail(path) for path in sorted(self._folder.glob("*.eml"), reverse=True)]

    def raw(self, name: str) -> bytes:
        """Return a mail as it came over the line. Raises KeyError."""
        return self._path(name).read_bytes()

    def changes(self) -> AsyncGenerator[None]:
        """Yield at once and then whenever a mail came or went; close it with ``aclosing``."""
        return self._news.changes()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        await self._news.until(holds)

    async def _keep(self, content: bytes, direction: str) -> None:
        number = len(list(self._folder.glob("*.eml"))) + 1
        unfinished = self._folder / "unfinished"
        unfinished.write_bytes(content)
        unfinished.rename(self._folder / f"{number:06}-{direction}.eml")
        await self._news.tell()

    def _path(self, name: str) -> Path:
        """Return the file of a mail; names come from outside, so only those that are there count."""
        return {path.name: path for path in self._folder.glob("*.eml")}[name]

    def _mail(self, path: Path) -> Mail:
        message = self._parsed(path)
        return Mail(
            name=path.name,
            sent=path.stem.endswith("-out"),
            subject=str(message["Subject"] or ""),
            sender=_who(message["From"]),
            recipient=_who(message["To"]),
            answer_to=parseaddr(str(message.get("Reply-To", message["From"])))[1],
            at=_date(message, path),
            text=_text(message),
        )

    def _parsed(self, path: Path) -> EmailMessage:
        return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _who(field: object) -> str:
    name, address = parseaddr(str(field or ""))
    return name or address


def _date(message: EmailMessage, path: Path) -> datetime:
    try:
        return parsedate_to_datetime(str(message["Date"])).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return str(body.get_content()) if body is not None else ""


def _quoted(message: EmailMessage) -> str:
    lines = _text(message).splitlines()
    return "\n".join([f"{message['Date']} skrev {message['From']}:", *(f"> {line}" for line in lines)])
