"""What comes in over SMTP: whose mail is taken, what the house is told of it, and what the sender is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contactbot import clock
from contactbot.channels.email import EmailChannel
from contactbot.channels.email.settings import EmailSettings, Listen, MailAccount, Relay
from contactbot.channels.email.tokens import Signer
from contactbot.errors import SettingsError
from contactbot.messages import Address
from tests.channels.house import RecordingHouse, outbound, running, surroundings
from tests.channels.test_email import KARI, PAYLOADS, POST, MailPeer, house, letter, peer, relay, settings
from tests.peers.smtp import Sink

__all__ = ["house", "peer", "relay"]  # fixtures
BYGGESAK = "byggesak@fjordvik.example"


def signer(tmp_path: Path) -> Signer:
    return Signer(surroundings(tmp_path).secret)


async def test_one_mail_to_two_of_our_addresses_is_one_message_that_names_both(
    peer: MailPeer, house: RecordingHouse
) -> None:
    raw = letter("Hei", "m1", recipient=f"{POST}, {BYGGESAK}, ola@innbygger.example").as_bytes()
    assert await peer.post(raw, (POST, BYGGESAK)) == 250
    [inbound] = house.kept
    assert inbound.account == POST
    assert inbound.recipients == tuple(Address("email", name) for name in (POST, BYGGESAK, "ola@innbygger.example"))


async def test_one_mail_to_two_municipalities_is_a_message_of_each(
    house: RecordingHouse, relay: Sink, tmp_path: Path
) -> None:
    accounts = [
        MailAccount(address=POST, municipality="fjordvik"),
        MailAccount(address="post@dalen.example", municipality="dalen"),
    ]
    channel = EmailChannel(EmailSettings(accounts=accounts, listen=Listen(port=0)), surroundings(tmp_path))
    async with running(channel, house):
        code = await MailPeer(channel, relay, tmp_path).post(
            letter("Hei", "m1").as_bytes(), (POST, "post@dalen.example")
        )
    assert code == 250
    assert [inbound.account for inbound in house.kept] == [POST, "post@dalen.example"]


async def test_a_signed_address_names_its_thread_in_the_envelope_or_in_the_letter(
    peer: MailPeer, house: RecordingHouse, tmp_path: Path
) -> None:
    signed = signer(tmp_path).reply_address(POST, 42)
    assert await peer.post(letter("Takk", "m1").as_bytes(), (signed.upper(),)) == 250
    assert await peer.post(letter("Takk", "m2", recipient=signed).as_bytes(), (POST,)) == 250
    assert [inbound.thread for inbound in house.kept] == [42, 42]
    assert [inbound.account for inbound in house.kept] == [POST, POST]


@pytest.mark.parametrize(
    "recipient",
    [
        "ukjent@fjordvik.example",
        "post@annen.example",
        "post+t42.aaaaaaaaaaaaaaaa@fjordvik.example",
        "post+nytt@fjordvik.example",
    ],
)
async def test_an_address_that_is_not_ours_or_not_signed_by_us_is_refused(
    peer: MailPeer, house: RecordingHouse, recipient: str
) -> None:
    assert await peer.post(letter("Hei", "m1").as_bytes(), (recipient,)) == 550
    assert not house.offered


async def test_a_forged_token_in_a_letter_names_no_thread(peer: MailPeer, house: RecordingHouse) -> None:
    assert await peer.post((PAYLOADS / "hostile_forged_thread.eml").read_bytes()) == 250
    [inbound] = house.kept
    assert inbound.thread is None
    assert inbound.authenticated is None
    assert not inbound.automatic


async def test_the_house_is_told_what_the_resident_wrote_and_what_was_folded(
    peer: MailPeer, house: RecordingHouse
) -> None:
    message = letter("Når er fristen?\n\n-- \nKari Nordmann\n", "m1")
    message["References"] = "<a@x.example> <b@x.example>"
    message["In-Reply-To"] = "<b@x.example>"
    assert await peer.post(message.as_bytes()) == 250
    [inbound] = house.kept
    assert inbound.text == "Når er fristen?"
    assert [part.rule for part in inbound.folded] == ["signature"]
    assert inbound.subject == "Spørsmål"
    assert inbound.sender_name == "Kari Nordmann"
    assert inbound.refs == ("<a@x.example>", "<b@x.example>")
    assert inbound.raw_type == "message/rfc822"
    assert inbound.raw.replace(b"\r\n", b"\n").rstrip() == message.as_bytes().rstrip()


async def test_machine_mail_is_marked_and_our_own_address_is_a_loop(peer: MailPeer, house: RecordingHouse) -> None:
    assert await peer.post((PAYLOADS / "absence_gmail.eml").read_bytes()) == 250
    assert await peer.post(letter("Hei", "m2").as_bytes(), sender="") == 250
    own = letter("Hei", "m3")
    own.replace_header("From", f"Fjordvik <{BYGGESAK}>")
    assert await peer.post(own.as_bytes()) == 250
    assert [inbound.automatic for inbound in house.kept] == ["auto_submitted", "null_sender", "from_ourselves"]


async def test_a_report_of_failure_about_anybody_elses_message_changes_nothing(
    peer: MailPeer, house: RecordingHouse, tmp_path: Path
) -> None:
    report = (PAYLOADS / "bounce_postfix.eml").read_bytes()
    assert await peer.post(report.replace(b"ORIGINAL", b"<o9.aaaaaaaaaaaaaaaa@fjordvik.example>"), sender="") == 250
    assert house.receipts == []
    ours = signer(tmp_path).message_id(POST, 9)
    assert await peer.post(report.replace(b"ORIGINAL", ours.encode()), sender="") == 250
    assert [(receipt.outbox, receipt.state) for receipt in house.receipts] == [(9, "failed")]


async def test_a_mail_without_a_usable_sender_is_kept_under_the_envelopes(
    peer: MailPeer, house: RecordingHouse
) -> None:
    assert await peer.post(b"Subject: Hei\r\n\r\nHei") == 250
    assert await peer.post(b"From: a@b@c\r\n\r\nHei", sender="") == 250
    assert [inbound.sender.value for inbound in house.kept] == [KARI, "unknown.sender@address.invalid"]


async def test_a_mail_over_the_limit_is_refused_and_one_under_it_is_read_off_the_loop(
    house: RecordingHouse, relay: Sink, tmp_path: Path
) -> None:
    listen = Listen(port=0, max_size=2_000_000)
    channel = EmailChannel(settings(relay.port, listen=listen), surroundings(tmp_path))
    async with running(channel, house):
        peer = MailPeer(channel, relay, tmp_path)
        line = b"Linje med tekst\r\n"
        assert await peer.post(b"From: a@b.example\r\n\r\n" + line * 130_000) == 552
        assert await peer.post(b"From: a@b.example\r\n\r\n" + line * 100_000) == 250
    [inbound] = house.kept
    assert len(inbound.text) == 200_000
    assert inbound.folded[-1].rule == "too_long"


async def test_too_many_large_mails_at_one_time_are_told_to_come_back(
    house: RecordingHouse, relay: Sink, tmp_path: Path
) -> None:
    channel = EmailChannel(settings(relay.port, listen=Listen(port=0, max_large=1)), surroundings(tmp_path))
    async with running(channel, house):
        assert channel.listening_on is not None
        host, port = channel.listening_on
        async with (
            aiosmtplib.SMTP(hostname=host, port=port) as first,
            aiosmtplib.SMTP(hostname=host, port=port) as second,
        ):
            await first.mail(KARI, options=["SIZE=2000000"])
            with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
                await second.mail(KARI, options=["SIZE=2000000"])
            assert refused.value.code == 452
            await second.mail(KARI, options=["SIZE=2000"])
            await second.rset()
            await first.rset()
            await second.mail(KARI, options=["SIZE=2000000"])


async def test_connections_over_the_limit_are_turned_away_at_once(
    house: RecordingHouse, relay: Sink, tmp_path: Path
) -> None:
    channel = EmailChannel(settings(relay.port, listen=Listen(port=0, max_connections=1)), surroundings(tmp_path))
    async with running(channel, house):
        assert channel.listening_on is not None
        host, port = channel.listening_on
        async with aiosmtplib.SMTP(hostname=host, port=port):
            with pytest.raises(aiosmtplib.SMTPConnectResponseError, match="421"):
                await aiosmtplib.SMTP(hostname=host, port=port).connect()
        await aiosmtplib.send(letter("Hei", "m1"), hostname=host, port=port)
    assert len(house.kept) == 1


async def test_a_connection_cut_within_a_mail_leaves_nothing_behind(peer: MailPeer, house: RecordingHouse) -> None:
    assert peer.channel.listening_on is not None
    reader, writer = await asyncio.open_connection(*peer.channel.listening_on)
    writer.write(f"EHLO x\r\nMAIL FROM:<{KARI}>\r\nRCPT TO:<{POST}>\r\nDATA\r\nFrom: {KARI}\r\n\r\nhalv".encode())
    await writer.drain()
    while b"354" not in await reader.readline():
        pass
    writer.transport.abort()
    assert await peer.post(letter("Hel", "m1").as_bytes()) == 250
    assert [inbound.text for inbound in house.offered] == ["Hel"]


async def test_bare_line_ends_cannot_smuggle_a_second_mail(peer: MailPeer, house: RecordingHouse) -> None:
    assert peer.channel.listening_on is not None
    reader, writer = await asyncio.open_connection(*peer.channel.listening_on)
    boss = "sjef@fjordvik.example"
    smuggled = f"\n.\nMAIL FROM:<{boss}>\r\nRCPT TO:<{POST}>\r\nDATA\r\nFrom: {boss}\r\n\r\nBetal!"
    body = f"From: {KARI}\r\n\r\nHei{smuggled}\r\n.\r\nQUIT\r\n"
    writer.write(f"EHLO x\r\nMAIL FROM:<{KARI}>\r\nRCPT TO:<{POST}>\r\nDATA\r\n{body}".encode())
    await reader.read()
    writer.close()
    await writer.wait_closed()
    assert [inbound.sender.value for inbound in house.kept] == [KARI]


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write a certificate for localhost and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    moment = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment.replace(year=moment.year - 1, day=1))
        .not_valid_after(moment.replace(year=moment.year + 1, day=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.fixture
async def encrypted(
    certificate: tuple[Path, Path], house: RecordingHouse, relay: Sink, tmp_path: Path
) -> AsyncIterator[EmailChannel]:
    listen = Listen(port=0, certificate=certificate[0], key=certificate[1], require_tls=True)
    channel = EmailChannel(settings(relay.port, listen=listen), surroundings(tmp_path))
    async with running(channel, house):
        yield channel


async def test_mail_comes_in_encrypted_and_where_it_is_required_only_so(
    encrypted: EmailChannel, certificate: tuple[Path, Path], house: RecordingHouse
) -> None:
    assert encrypted.listening_on is not None
    port = encrypted.listening_on[1]
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
        await aiosmtplib.send(letter("Åpent", "m1"), hostname="localhost", port=port, start_tls=False)
    await aiosmtplib.send(letter("Lukket", "m2"), hostname="localhost", port=port, start_tls=True, tls_context=trust)
    assert [inbound.text for inbound in house.kept] == ["Lukket"]


async def test_one_channel_can_send_to_another_over_verified_tls(
    encrypted: EmailChannel, certificate: tuple[Path, Path], house: RecordingHouse, tmp_path: Path
) -> None:
    assert encrypted.listening_on is not None
    accounts = [MailAccount(address="post@dalen.example", municipality="fjordvik")]
    to_us = Relay(host="localhost", port=encrypted.listening_on[1], tls="starttls", ca_file=certificate[0])
    sender = EmailChannel(EmailSettings(accounts=accounts, listen=Listen(port=0), relay=to_us), surroundings(tmp_path))
    other = RecordingHouse()
    async with running(sender, other):
        receipt = await sender.send(outbound(sender, Address("email", POST), "Fra Dalen"))
        assert [(finding.level) for finding in await sender.check() if "encrypted" in finding.text] == ["ok"]
    assert receipt.state == "sent"
    assert house.kept[0].automatic == "auto_submitted"


def test_a_certificate_that_is_not_there_stops_the_start_and_says_which_setting(tmp_path: Path) -> None:
    listen = Listen(port=0, certificate=tmp_path / "none.pem", key=tmp_path / "none.key")
    channel = EmailChannel(settings(25, listen=listen), surroundings(tmp_path))
    with pytest.raises(SettingsError, match=r"listen\.certificate"):
        asyncio.run(channel.run(RecordingHouse()))
