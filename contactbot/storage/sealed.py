"""Files that only the holder of a key can read, written and read a piece at a time.

The stream is cut into pieces, each sealed with AES-256-GCM under a nonce that holds the piece's number and whether it
is the last (the STREAM construction: Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015), so pieces cannot be changed,
moved, left out or cut off unnoticed. The keys come from the passphrase by scrypt (RFC 7914).

A file is: MAGIC, 16 bytes of salt, 32 bytes that only the right key makes of these, then the pieces.
"""

import hashlib
import hmac
import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contactbot.errors import StoreError

MAGIC: Final = b"contactbot sealed 1\n"
PIECE: Final = 1 << 20  # bytes of plain text in each piece but the last
_SALT: Final = 16  # bytes, as NIST SP 800-132 asks
_PROOF: Final = 32
_TAG: Final = 16  # bytes that AES-GCM adds to a piece
_COST: Final = 1 << 17  # with 8 and 1: 128 MB and under a second, OWASP's advice for scrypt
_MEMORY: Final = 256 << 20  # bytes scrypt may take


class SealError(StoreError):
    """A sealed file cannot be opened: another key, or not what was written."""


def is_sealed(source: BinaryIO) -> bool:
    """Tell whether a file begins as ours do; it is read from its start again afterwards."""
    begins = source.read(len(MAGIC)) == MAGIC
    source.seek(0)
    return begins


def seal(source: BinaryIO, target: BinaryIO, key: str) -> None:
    """Write everything that ``source`` gives, sealed, to ``target``; a megabyte is held at a time."""
    salt = os.urandom(_SALT)
    cipher, proof = _keys(key, salt)
    target.write(MAGIC + salt + proof)
    number, piece = 0, _read(source, PIECE)
    while True:
        following = _read(source, PIECE) if len(piece) == PIECE else b""
        target.write(cipher.encrypt(_nonce(number, last=not following), piece, salt))
        if not following:
            return
        number, piece = number + 1, following


def unsealed(source: BinaryIO, key: str) -> Iterator[bytes]:
    """Yield what was sealed, piece by piece; each is proven before it is given, the end with the last.

    Raises SealError for another key, and for a file that is no longer what was written.
    """
    head = source.read(len(MAGIC) + _SALT + _PROOF)
    salt, proof = head[len(MAGIC) : -_PROOF], head[-_PROOF:]
    if not head.startswith(MAGIC) or len(salt) != _SALT:
        raise SealError("the file is cut short, or no sealed file")
    cipher, expected = _keys(key, salt)
    if not hmac.compare_digest(proof, expected):
        raise SealError("the key is not the one it was sealed with, or the beginning of the file was changed")
    number, piece = 0, _read(source, PIECE + _TAG)
    while True:
        following = _read(source, PIECE + _TAG) if len(piece) == PIECE + _TAG else b""
        try:
            yield cipher.decrypt(_nonce(number, last=not following), piece, salt)
        except InvalidTag:
            raise SealError(f"the file was changed or cut short after {number * PIECE:,} bytes") from None
        if not following:
            return
        number, piece = number + 1, following


def _keys(key: str, salt: bytes) -> tuple[AESGCM, bytes]:
    """Return the cipher, and what proves that the key is the right one without telling anything about it."""
    both = hashlib.scrypt(key.encode(), salt=salt, n=_COST, r=8, p=1, maxmem=_MEMORY, dklen=64)
    return AESGCM(both[:32]), hmac.digest(both[32:], MAGIC + salt, "sha256")


def _nonce(number: int, *, last: bool) -> bytes:
    """Return the 12 bytes of a piece: the key is new in every file, so its number alone makes them unique."""
    return number.to_bytes(11, "big") + bytes([last])


def _read(source: BinaryIO, size: int) -> bytes:
    """Read exactly so many bytes, or fewer at the end; a pipe gives them in smaller portions."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
