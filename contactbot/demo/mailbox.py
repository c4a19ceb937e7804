"""A mailbox on this machine: the relay our mail leaves through, and a resident who reads and writes there.

Real SMTP both ways. What arrives is kept as files, so the mailbox is as it was after a restart.
"""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the resident's, sent or received."""

    name: str
    sent: bool
    subject: str
    sender: str
    recipient: str
    date: str
    text: str


class Mailbox:
    """The resident's folder, and the relay that fills it."""

    def __init__(self, folder: Path, address: str) -> None:
        self.address = address
        self.port = 0
        self._folder = folder
        self._arrivals = asyncio.Condition()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Mailbox"]:
        """Take mail in on a port of the system's choice while the context lasts."""
        self._folder.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(self, loop=loop, hostname="mailbox.localhost"), "127.0.0.1", 0)
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

    async def write(self, port: int, to: str, subject: str, text: str, answer_to: str = "") -> None:
        """Send a mail to the house, as an answer to a received one when that is named. Raises SMTPException."""
        message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=998))
        message["From"], message["To"], message["Subject"] = f"Kim Resident <{self.address}>", to, subject
        message["Date"], message["Message-ID"] = formatdate(localtime=True), make_msgid(domain="resident.example")
        if answer_to:
            answered = self._parsed(self._folder / answer_to)
            message["In-Reply-To"] = str(answered["Message-ID"])
            message["References"] = " ".join(str(answered.get(name, "")) for name in ("References", "Message-ID")).strip()
            text = f"{text}\n\n{_quoted(answered)}"
        message.set_content(text)
        await aiosmtplib.send(message, hostname="127.0.0.1", port=port, start_tls=False)
        await self._keep(message.as_bytes(), "out")

    def mails(self) -> list[Mail]:
        """Return everything in the folder, newest first."""
        return [self._mail(path) for path in sorted(self._folder.glob("*.eml"), reverse=True)]

    async def next_mail(self, seen: int) -> list[Mail]:
        """Wait until there are more mails than ``seen``; return them all."""
        async with self._arrivals:
            await self._arrivals.wait_for(lambda: len(self.mails()) > seen)
        return self.mails()

    async def _keep(self, content: bytes, direction: str) -> None:
        async with self._arrivals:
            number = len(list(self._folder.glob("*.eml"))) + 1
            (self._folder / f"{number:06}-{direction}.eml").write_bytes(content)
            self._arrivals.notify_all()

    def _mail(self, path: Path) -> Mail:
        message = self._parsed(path)
        to = message.get("Reply-To", message["From"])
        body = message.get_body(("plain",))
        return Mail(
            name=path.name,
            sent=path.stem.endswith("-out"),
            subject=str(message["Subject"]),
            sender=str(to if path.stem.endswith("-in") else message["From"]),
            recipient=str(message["To"]),
            date=str(message["Date"]),
            text=body.get_content() if body is not None else "",
        )

    def _parsed(self, path: Path) -> EmailMessage:
        return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def _quoted(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    lines = (body.get_content() if body is not None else "").splitlines()
    return "\n".join([f"{message['Date']} skrev {message['From']}:", *(f"> {line}" for line in lines)])
