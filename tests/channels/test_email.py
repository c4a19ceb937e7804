"""Email keeps the contract over real SMTP in both directions, and keeps its own promises."""

from collections.abc import AsyncIterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from contactbot.channels.email import EmailChannel
from contactbot.channels.email.settings import EmailSettings, Listen, MailAccount, Relay
from contactbot.messages import Address, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import RecordingHouse, running, surroundings
from tests.peers.smtp import Sink, sink

POST = "post@fjordvik.example"
KARI = "kari@innbygger.example"
PAYLOADS = Path(__file__).parent / "payloads" / "email"


def settings(relay_port: int, *, municipality: str = "fjordvik", listen: Listen | None = None) -> EmailSettings:
    return EmailSettings(
        accounts=[
            MailAccount(address=POST, municipality=municipality),
            MailAccount(address="byggesak@fjordvik.example", municipality=municipality),
        ],
        listen=listen or Listen(port=0),
        relay=Relay(port=relay_port, tls="none"),
    )


def letter(text: str, external_id: str, recipient: str = POST) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Kari Nordmann <{KARI}>"
    message["To"] = recipient
    message["Subject"] = "Spørsmål"
    message["Date"] = "Mon, 05 Jan 2026 10:12:00 +0100"
    message["Message-ID"] = f"<{external_id}@innbygger.example>"
    message.set_content(text)
    return message


def verdict(code: int) -> Verdict:
    return {2: Verdict.TAKEN, 4: Verdict.LATER, 5: Verdict.REFUSED}[code // 100]


class MailPeer:
    """A resident with a mail program; the relay is a sink."""

    resident = Address("email", KARI)

    def __init__(self, channel: EmailChannel, relay: Sink, data: Path) -> None:
        self.channel = channel
        self._relay = relay
        self._data = data

    async def deliver(self, text: str, external_id: str) -> Verdict:
        return verdict(await self.post(letter(text, external_id).as_bytes()))

    async def post(self, raw: bytes, recipients: tuple[str, ...] = (POST,), sender: str = KARI) -> int:
        """Hand over bytes and return the code of the answer."""
        assert self.channel.listening_on is not None
        host, port = self.channel.listening_on
        async with aiosmtplib.SMTP(hostname=host, port=port, start_tls=False) as smtp:
            try:
                await smtp.mail(sender)
                for recipient in recipients:
                    await smtp.rcpt(recipient)
                return (await smtp.data(raw)).code
            except aiosmtplib.SMTPResponseException as error:
                return error.code

    async def tell(self, outbound: Outbound) -> Receipt:
        return await self.channel.send(outbound)

    async def heard(self) -> Heard:
        return Heard((await self._relay.next()).text)

    async def abuse(self) -> Mapping[str, str]:
        hostile = {file.name: file.read_bytes() for file in sorted(PAYLOADS.glob("hostile_*.eml"))} | {
            "NUL": b"From: a@b.example\r\n\r\na\0b",
            "nothing": b"",
            "only bytes": bytes(range(256)) * 40,
            "a line of a megabyte": b"From: a@b.example\r\n\r\n" + b"x" * 1_000_000,
            "a line of three megabytes": b"From: a@b.example\r\n\r\n" + b"x" * 3_000_000,
            "a thousand multiparts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 1_000,
        }
        return {name: str(await self.post(raw)) for name, raw in hostile.items()}

    def misconfigured(self) -> EmailChannel:
        return EmailChannel(settings(self._relay.port, municipality="narnia"), surroundings(self._data))


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
async def relay() -> AsyncIterator[Sink]:
    async with sink() as running_sink:
        yield running_sink


@pytest.fixture
async def peer(house: RecordingHouse, relay: Sink, tmp_path: Path) -> AsyncIterator[MailPeer]:
    channel = EmailChannel(settings(relay.port), surroundings(tmp_path))
    async with running(channel, house):
        yield MailPeer(channel, relay, tmp_path)


class TestEmail(ChannelContract):
    """The contract over real SMTP."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, relay: Sink, tmp_path: Path) -> AsyncIterator[Peer]:
        channel = EmailChannel(settings(relay.port), surroundings(tmp_path))
        async with running(channel, house):
            yield MailPeer(channel, relay, tmp_path)
