"""Signing our mail (DKIM, RFC 6376; Ed25519 as in RFC 8463), for municipalities whose relay does not.

Relaxed canonicalisation of header and body, so that a relay may fold anew. No time stands in the signature: a resend is
the same mail, byte for byte. Where the relay signs, leave this out.
"""

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from contactbot.errors import SettingsError

# RFC 6376, 5.4.1, and what says who answers whom and that a machine does. From is named once more than it is there,
# so that a second one added on the way breaks the signature (8.15).
_SIGNED: Final = (
    *("from", "from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
    *("auto-submitted", "mime-version", "content-type", "content-transfer-encoding", "content-language"),
)
_WEAKEST_RSA = 1024  # bits (RFC 8301, 3.2)
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r]|\r(?!\n)|\r\n[ \t])*)\r\n")
_BLANKS = re.compile(rb"[ \t]+")
_LINE_END_BLANKS = re.compile(rb"[ \t]+(?=\r\n)")


class DkimSigner:
    """Signs with one private key, whose public half stands in DNS under ``selector._domainkey.`` and the domain."""

    def __init__(self, selector: str, key: RSAPrivateKey | Ed25519PrivateKey) -> None:
        self._selector = selector
        self._key = key

    @classmethod
    def load(cls, selector: str, file: Path) -> Self:
        """Read the key from a PEM file. Raises SettingsError where it cannot be used."""
        try:
            key = load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsError(
                f"channels.email.dkim.key cannot be used ({error}); check the PEM file and who may read it"
            ) from error
        if isinstance(key, RSAPrivateKey) and key.key_size >= _WEAKEST_RSA:
            return cls(selector, key)
        if isinstance(key, Ed25519PrivateKey):
            return cls(selector, key)
        raise SettingsError("channels.email.dkim.key must be RSA of 1024 bits or more (2048 is usual) or Ed25519")

    def sign(self, mail: bytes, domain: str) -> bytes:
        """Return the mail with its signature on top; its lines end with CR LF, as they go over the wire."""
        header, _, body = mail.partition(b"\r\n\r\n")
        fields = [(name.lower(), value) for name, value in _FIELD.findall(header + b"\r\n")]
        named = [name.encode() for name in _named(fields)]
        algorithm = "rsa-sha256" if isinstance(self._key, RSAPrivateKey) else "ed25519-sha256"
        digest = b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        tags = (
            f" v=1; a={algorithm}; c=relaxed/relaxed; d={domain};\r\n\ts={self._selector};"
            f" h={b':'.join(named).decode()};\r\n\tbh={digest};\r\n\tb="
        ).encode()
        signed = b"".join(_chosen(fields, named)) + relaxed_field(b"dkim-signature", tags).removesuffix(b"\r\n")
        signature = b64encode(self._signature(signed))
        folded = b"\r\n\t ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
        return b"DKIM-Signature:" + tags + folded + b"\r\n" + mail

    def _signature(self, signed: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(signed, PKCS1v15(), SHA256())
        return self._key.sign(hashlib.sha256(signed).digest())


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """Write a field as RFC 6376, 3.4.2 says: lower case, unfolded, each run of blanks one blank, none at the ends."""
    return name.lower() + b":" + _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" \t") + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """Write a body as RFC 6376, 3.4.4 says: blanks as in fields, no blanks at line ends, no empty lines at the end."""
    lines = _BLANKS.sub(b" ", _LINE_END_BLANKS.sub(b"", body + b"\r\n")).rstrip(b"\r\n")
    return lines + b"\r\n" if lines else b""


def _named(fields: list[tuple[bytes, bytes]]) -> list[str]:
    """Return the names for h=: those that are there, and From once more."""
    there = {name.decode("ascii") for name, _ in fields}
    return [name for name in _SIGNED if name in there]


def _chosen(fields: list[tuple[bytes, bytes]], named: list[bytes]) -> list[bytes]:
    """Return the named fields in canonical form, the lowest first of each name (5.4.2); one too many is nothing."""
    left = {name: [value for field, value in fields if field == name] for name in named}
    return [relaxed_field(name, left[name].pop()) for name in named if left[name]]
