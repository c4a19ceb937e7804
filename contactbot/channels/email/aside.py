"""Large files taken out of a mail before it is parsed, piece by piece. Pure.

The standard parser and decoder handle a file of 20 MB in single calls that hold the interpreter for a tenth of a second
each; whatever thread they run in, nobody else is served meanwhile. Here no call sees more than a piece.
"""

import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

# What one call looks at, a multiple of four. Bytes.
_PIECE: Final = 1 << 18
# A file shorter than this stays where it is. Bytes of base64.
_SMALLEST: Final = 1 << 16
_LONGEST_HEADER = 20_000  # between the field that announces base64 and the blank line
_ANNOUNCED = re.compile(rb"content-transfer-encoding[ \t]{0,9}:[ \t]{0,9}base64", re.IGNORECASE)
_OVERLAP = 64  # longer than what announces a file
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_OTHER = re.compile(rb"[^A-Za-z0-9+/=\r\n]")
# Of 36 bytes, so that no padding ends it: what follows a file in its part also follows its mark, and spoils it.
_MARK: Final = b"contactbot has set file %06d aside"
_LINE_ENDS: Final = b"\r\n"


@dataclass(frozen=True, slots=True)
class Lean:
    """A mail whose large files are replaced by marks; ``files`` gives each mark's content."""

    raw: bytes
    files: dict[bytes, bytes] = field(default_factory=dict)


def without_large_files(raw: bytes) -> Lean:
    """Take the large files in base64 out of a mail; what looks odd in any way stays in."""
    kept: list[bytes] = []
    files: dict[bytes, bytes] = {}
    done = 0
    for start, end in _runs(raw):
        content = _decoded(raw, start, end)
        if content is not None:
            mark = _MARK % len(files)
            files[mark] = content
            kept += [raw[done:start], b64encode(mark) + _LINE_ENDS]
            done = end
    return Lean(b"".join([*kept, raw[done:]]), files) if files else Lean(raw)


def _runs(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each long run of base64 begins and ends, after a field that announces it."""
    at = 0
    while (announced := _search(_ANNOUNCED, raw, at)) >= 0:
        blank = _BLANK_LINE.search(raw, announced, announced + _LONGEST_HEADER)
        at = announced + 1
        if blank is None:
            continue
        start = blank.end()
        other = _search(_OTHER, raw, start)
        end = len(raw) if other < 0 else max(raw.rfind(b"\n", start, other) + 1, start)
        if end - start >= _SMALLEST:
            yield start, end
        at = max(end, at)


def _search(pattern: "re.Pattern[bytes]", raw: bytes, at: int) -> int:
    """Return where a pattern is first found, or -1, a piece at a time."""
    while at < len(raw):
        found = pattern.search(raw, at, at + _PIECE + _OVERLAP)
        if found:
            return found.start()
        at += _PIECE
    return -1


def _decoded(raw: bytes, start: int, end: int) -> bytes | None:
    """Decode a run; None where it is not plainly one file, or an empty one."""
    content, rest = BytesIO(), b""
    for at in range(start, end, _PIECE):
        letters = rest + raw[at : min(at + _PIECE, end)].translate(None, _LINE_ENDS)
        whole = len(letters) if at + _PIECE >= end else len(letters) - len(letters) % 4
        letters, rest = letters[:whole], letters[whole:]
        if b"=" in letters.rstrip(b"=") or (letters.endswith(b"=") and at + _PIECE < end):
            return None  # padding in the middle: several files in a row, or none
        try:
            content.write(a2b_base64(letters))
        except Error:
            return None
    return content.getvalue() or None
