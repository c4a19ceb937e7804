"""What we sign another program's verifier finds true, and nothing that matters can be changed on the way."""

import base64
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from contactbot.channels.email import EmailChannel
from contactbot.channels.email.dkim import DkimSigner, relaxed_body, relaxed_field
from contactbot.channels.email.settings import Dkim
from contactbot.errors import SettingsError
from contactbot.messages import Address, Attachment
from tests.channels.house import RecordingHouse, outbound, running, surroundings
from tests.channels.test_email import KARI, relay, settings
from tests.parts import missing
from tests.peers.smtp import Sink

__all__ = ["relay"]  # a fixture

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
# dkimpy, as Debian packs it: it asks for the public key where we say it is, instead of DNS.
VERIFIER = """\
import sys, dkim
name, record = sys.argv[1].encode(), sys.argv[2].encode()
answer = lambda asked, timeout=5: record if asked.rstrip(b".") == name else None
print("pass" if dkim.verify(sys.stdin.buffer.read(), dnsfunc=answer) else "fail")
"""


def verified(mail: bytes, record: str) -> bool:
    name = "tjeneste._domainkey.fjordvik.example"
    command = ["/usr/bin/python3", "-c", VERIFIER, name, record]
    said = subprocess.run(command, input=mail, capture_output=True, check=False)  # noqa: S603 - our own words
    if b"No module named" in said.stderr or not Path(command[0]).exists():
        missing("dkimpy", "apt-get install python3-dkim (make test does it, as root on Debian)")
    assert said.returncode == 0, said.stderr.decode("utf-8", "replace")
    return said.stdout.strip() == b"pass"


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def record(key: PrivateKey) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        public = key.public_key().public_bytes_raw()
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def written(key: PrivateKey, folder: Path) -> Path:
    file = folder / "dkim.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file


async def sent(relay: Sink, folder: Path, key: PrivateKey) -> bytes:
    """Return an answer with all it may hold, as the relay got it."""
    configured = settings(relay.port).model_copy(update={"dkim": Dkim(selector="tjeneste", key=written(key, folder))})
    channel = EmailChannel(configured, surroundings(folder))
    answer = replace(
        outbound(channel, Address("email", KARI), ".\n..prikker  og  blanke \t\n\nog så litt til  \n\n\n"),
        subject="Åpningstider for svømmehallen, biblioteket og alle de andre stedene som folk spør oss om i julen",
        in_reply_to="<q@innbygger.example>",
        refs=tuple(f"<{'x' * 70}{number}@innbygger.example>" for number in range(5)),
        attachments=(Attachment("plan.pdf", "application/pdf", bytes(range(256)) * 20),),
    )
    async with running(channel, RecordingHouse()):
        for _ in range(2):
            assert (await channel.send(answer)).state == "sent"
    first, again = relay.mails
    assert first.content == again.content, "a resend is the same mail"
    return first.content


@pytest.mark.parametrize("make", [rsa_key, ed25519.Ed25519PrivateKey.generate], ids=["rsa", "ed25519"])
async def test_our_signature_is_found_true_and_a_change_of_anything_that_matters_breaks_it(
    relay: Sink, tmp_path: Path, make: Callable[[], PrivateKey]
) -> None:
    key = make()
    mail = await sent(relay, tmp_path, key)
    assert verified(mail, record(key))
    assert verified(b"Received: from a by b; today\r\n" + mail, record(key))
    for old, new in (
        (b"From: ", b"From: Sjef "),
        (b"Subject: ", b"Subject: Haster "),
        (b"Auto-Submitted: auto", b"Auto-Submitted: no-auto"),
        (b"Content-Type: text/html", b"Content-Type: text/x-html"),
    ):
        assert mail.replace(old, new, 1) != mail
        assert not verified(mail.replace(old, new, 1), record(key)), old
    assert not verified(mail.replace(b"DKIM", b"From: sjef@fjordvik.example\r\nDKIM", 1), record(key))


def test_canonical_forms_are_those_of_the_standards_own_example() -> None:
    # RFC 6376, 3.4.5
    assert relaxed_field(b"A", b" X") == b"a:X\r\n"
    assert relaxed_field(b"B", b" Y\t\r\n\tZ  ") == b"b:Y Z\r\n"
    assert relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"
    assert relaxed_body(b"") == b""
    assert relaxed_body(b"\r\n\r\n") == b""


def test_a_key_that_cannot_be_used_stops_the_start_and_says_which_setting(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nei")
    for file in (tmp_path / "none.pem", broken, written(ec.generate_private_key(ec.SECP256R1()), tmp_path)):
        with pytest.raises(SettingsError, match=r"channels\.email\.dkim\.key"):
            DkimSigner.load("tjeneste", file)
