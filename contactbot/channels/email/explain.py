"""What ``contactbot mail explain`` tells of one mail: what the resident wrote, and why the rest is not shown. Pure."""

import hashlib
import re
from typing import TypedDict

from contactbot import quoted
from contactbot.channels.email import automatic, charsets, parse

_FIELD = re.compile(rb"([A-Za-z][A-Za-z0-9-]{0,60}):")
# Fields that a program writes and no person copies into a body.
_TECHNICAL = frozenset(
    {b"message-id", b"mime-version", b"content-type", b"received", b"return-path", b"delivered-to", b"dkim-signature"}
)
_PERSONAL = frozenset({b"from", b"to", b"subject", b"date"})


class FoldedPart(TypedDict):
    """A part that is not shown, and the rule that said so."""

    text: str
    rule: str


class File(TypedDict):
    """A file that came along; ``size`` in bytes, ``sha256`` in hexadecimal."""

    name: str
    type: str
    size: int
    sha256: str


class Explanation(TypedDict):
    """Everything that is told of a mail."""

    text: str
    folded: list[FoldedPart]
    sender: str
    message_id: str
    references: list[str]
    automatic: bool
    rule: str
    attachments: list[File]


def explain(raw: bytes) -> Explanation:
    """Explain a whole message; where there are no headers, the bytes are taken for its text."""
    mail = parse.parse(raw if is_whole(raw) else b"")
    folding = quoted.fold(mail.text if is_whole(raw) else charsets.decode(raw))
    rule = automatic.rule(mail)
    return {
        "text": folding.text,
        "folded": [{"text": part.text, "rule": part.rule} for part in folding.folded],
        "sender": mail.sender.address,
        "message_id": mail.message_id,
        "references": list(mail.references),
        "automatic": bool(rule),
        "rule": rule,
        "attachments": [
            {
                "name": file.name,
                "type": file.media_type,
                "size": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in mail.attachments
        ],
    }


def is_whole(raw: bytes) -> bool:
    """Tell a message from a bare text: it begins with header fields, one of them a program's or two a letter's."""
    names = set[bytes]()
    for number, line in enumerate(raw.split(b"\n", 200)[:200]):
        if not line.strip():
            break
        field = _FIELD.match(line)
        if field:
            names.add(field[1].lower())
        elif not (line[:1] in b" \t" and names) and not (number == 0 and line.startswith(b"From ")):
            return False
    return bool(names & _TECHNICAL) or (b"from" in names and len(names & _PERSONAL) > 1)
