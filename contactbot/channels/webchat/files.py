"""Files that residents send to a person: which are taken, and under what name and type they are kept. Pure.

The type is told from the name and proven by the first bytes; what the browser declares is not believed. Staff only ever
get a file as a download in a sandbox.
"""

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from contactbot.channels.webchat.frames import RefusedError
from contactbot.messages import Attachment

LONGEST_NAME: Final = 100  # characters that are kept, the ending among them


@dataclass(frozen=True, slots=True)
class FileType:
    """A media type and what its files hold at ``offset``, one of ``signatures``; none for plain text."""

    media_type: str
    signatures: tuple[bytes, ...] = ()
    offset: int = 0


_ZIP = (b"PK\x03\x04",)
_OFFICE = "application/vnd.openxmlformats-officedocument"
TYPES: Final[Mapping[str, FileType]] = {
    "pdf": FileType("application/pdf", (b"%PDF-",)),
    "jpg": FileType("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": FileType("image/jpeg", (b"\xff\xd8\xff",)),
    "png": FileType("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "webp": FileType("image/webp", (b"WEBP",), 8),
    "heic": FileType("image/heic", (b"ftyp",), 4),
    "txt": FileType("text/plain"),
    "docx": FileType(f"{_OFFICE}.wordprocessingml.document", _ZIP),
    "xlsx": FileType(f"{_OFFICE}.spreadsheetml.sheet", _ZIP),
    "odt": FileType("application/vnd.oasis.opendocument.text", _ZIP),
    "ods": FileType("application/vnd.oasis.opendocument.spreadsheet", _ZIP),
}


def taken(name: str, content: bytes, endings: Collection[str]) -> Attachment:
    """Return a file as it is kept. Raises RefusedError ``file_type`` when it is empty or none of these kinds."""
    shown = safe_name(name)
    ending = shown.rpartition(".")[2].lower()
    kind = TYPES.get(ending) if ending in endings else None
    if kind is None or not content or not _is(kind, content):
        raise RefusedError("file_type")
    return Attachment(shown, kind.media_type, content)


def safe_name(name: str) -> str:
    """Return a name without folders and without signs nobody sees, which could turn its ending round."""
    last = name.replace("\\", "/").rpartition("/")[2]
    visible = "".join(sign for sign in unicodedata.normalize("NFC", last) if unicodedata.category(sign)[0] != "C")
    stem, dot, ending = visible.strip(" .").rpartition(".")
    return f"{stem[: LONGEST_NAME - len(ending[:10]) - 1]}{dot}{ending[:10]}"


def _is(kind: FileType, content: bytes) -> bool:
    if not kind.signatures:
        return b"\0" not in content
    return any(content.startswith(signature, kind.offset) for signature in kind.signatures)
