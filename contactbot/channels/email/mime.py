"""A mail as bytes, written field by field: ASCII but for addresses that are not (RFC 6532), CR LF at line ends. Pure.

The standard library's message classes take a millisecond for a short answer, since they parse every field they are
given; and what they write changes with the version of Python, while a resend must be the same mail byte for byte.
"""

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote

_CRLF: Final = b"\r\n"
# Wanted of a line (RFC 5322, 2.1.1), without its end. Characters.
_LINE: Final = 78
# An encoded word has at most 75 characters (RFC 2047, 2): 45 bytes are 60 in base 64, and the frame takes 12.
_ENCODED_BYTES: Final = 45
# Of a parameter's value on one line (RFC 2231, 3). Characters.
_PARAMETER: Final = 60
_BASE64_LINE: Final = 76
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]+")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*|\[[A-Za-z0-9.:]+\]")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+\-.^_`{|}~]+")
_PERCENT_AT_END = re.compile(r"%.?\Z")


def field(name: str, words: Iterable[str]) -> bytes:
    """Write a header field, folded between its words; a word that is longer than a line stays whole."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return ("\r\n".join(lines) + "\r\n").encode()


def text(value: str) -> list[str]:
    """Return the words of free text, such as a subject; encoded where they are not plain ASCII (RFC 2047)."""
    return value.split(" ") if _is_plain(value) else list(_encoded(value))


def address(value: str, name: str = "") -> list[str]:
    """Return the words of an address with the name of its owner. Raises ValueError where it cannot be written."""
    local, at, domain = value.rpartition("@")
    is_named = local and at and domain and value.isprintable() and " " not in value
    if not is_named or (domain.isascii() and not _DOMAIN.fullmatch(domain)):
        raise ValueError("the recipient's address cannot be written in a mail")
    if local.isascii() and not _DOT_ATOM.fullmatch(local):
        local = _quoted(local)
    return [*_phrase(name), f"<{local}@{domain}>"] if name else [f"{local}@{domain}"]


def words(value: str, subtype: str) -> bytes:
    """Return text as an entity, quoted-printable in UTF-8 (RFC 2045, 6.7)."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    return (
        field("Content-Type", [f"text/{subtype};", 'charset="utf-8"'])
        + field("Content-Transfer-Encoding", ["quoted-printable"])
        + _CRLF
        + b2a_qp(lines).replace(b"\n", _CRLF)
    )


def file(content: bytes, media_type: str, name: str) -> bytes:
    """Return a file as an entity in base 64, to be saved rather than shown."""
    encoded = b64encode(content)
    return (
        field("Content-Type", [media_type])
        + field("Content-Transfer-Encoding", ["base64"])
        + field("Content-Disposition", ["attachment;", *_parameter("filename", name)])
        + _CRLF
        + b"".join(encoded[at : at + _BASE64_LINE] + _CRLF for at in range(0, len(encoded), _BASE64_LINE))
    )


def multipart(subtype: str, boundary: str, entities: Iterable[bytes]) -> bytes:
    """Return entities as one. The boundary must be one that stands in none of them, such as one with ``=_``."""
    between = f"--{boundary}".encode()
    parts = b"".join(between + _CRLF + entity + _CRLF for entity in entities)
    head = field("Content-Type", [f"multipart/{subtype};", f'boundary="{boundary}"'])
    return head + _CRLF + parts + between + b"--\r\n"


def _is_plain(value: str) -> bool:
    return value.isascii() and value.isprintable() and "=?" not in value


def _encoded(value: str) -> Iterator[str]:
    """Yield encoded words, each of whole characters."""
    chunk = b""
    for char in value:
        more = char.encode("utf-8", "replace")
        if len(chunk) + len(more) > _ENCODED_BYTES:
            yield _encoded_word(chunk)
            chunk = b""
        chunk += more
    yield _encoded_word(chunk)


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{b64encode(chunk).decode()}?="


def _phrase(name: str) -> list[str]:
    """Return a name as atoms, as a quoted text, or encoded (RFC 5322, 3.2.5)."""
    if not _is_plain(name):
        return list(_encoded(name))
    return name.split() if _ATOMS.fullmatch(name) else [_quoted(name)]


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parameter(name: str, value: str) -> list[str]:
    """Return a parameter; with its charset, and in numbered pieces, where it needs that (RFC 2231, 3 and 4)."""
    if len(value) <= _PARAMETER and _TOKEN.fullmatch(value):
        return [f'{name}="{value}"']
    left = f"utf-8''{quote(value, safe='', errors='replace')}"
    pieces: list[str] = []
    while left:
        piece = _PERCENT_AT_END.sub("", left[:_PARAMETER]) if len(left) > _PARAMETER else left
        pieces.append(piece)
        left = left[len(piece) :]
    if len(pieces) == 1:
        return [f"{name}*={pieces[0]}"]
    last = len(pieces) - 1
    return [f"{name}*{number}*={piece}{'' if number == last else ';'}" for number, piece in enumerate(pieces)]
