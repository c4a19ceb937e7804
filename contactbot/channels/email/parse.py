"""Mail as bytes to mail as we understand it. Pure; never raises on any bytes: at worst ``unreadable`` says why.

Nothing is refused for being broken. What cannot be read goes to staff with the raw copy.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from types import MappingProxyType
from typing import Final

from contactbot.channels.email import aside, charsets, headers, html
from contactbot.channels.email.aside import Lean
from contactbot.channels.email.headers import Fields, Mailbox
from contactbot.messages import Attachment

# The standard parser recurses once per level and asks every open level about every line, so deeper or more divided mail
# is not parsed. Real mail has under ten levels; 500 parts is an album of pictures.
_MOST_MULTIPARTS = 100
_MOST_PARTS = 1_000
# Above this a mail is read off the event loop: parsing takes about 20 ms per MB. Bytes.
LARGE = 256 * 1024
# Postfix keeps 100 kB of header fields; more are nobody's honest mail. Bytes.
_LONGEST_HEADER = 200_000
_HEADER_END = re.compile(rb"\r?\n\r?\n|\r\r")
_PIECE = 256 * 1024
# What no relay on the way adds or changes, with its folded lines (RFC 5322, 2.2.3).
_LASTING_FIELD = re.compile(rb"^(?:from|date|subject|message-id)[ \t]*:.*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)
_UNSAFE_IN_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]+')
_LONGEST_NAME = 150
_EXTENSIONS: Final = {
    "message/rfc822": ".eml",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "application/pdf": ".pdf",
    "application/ms-tnef": ".dat",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/heic": ".heic",
}
_ENCRYPTED: Final = "encrypted, and the key is not ours"
_PGP: Final = "-----BEGIN PGP MESSAGE-----"
# The second is left where a server on the way took the first apart (Exchange does).
_SEALED: Final = frozenset(
    {"multipart/encrypted", "application/pgp-encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_SEALED_BY_SIGNATURE: Final = "wrapped in its signature; the words are in the attached file"
_ENDLESS_HEADER: Final = "its header is longer than any honest one"
_TOO_DIVIDED: Final = "divided into more parts than a mail can honestly have"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. Identifiers carry their angle brackets; texts are clean of NUL and lone surrogates.

    ``message_id`` is as sent or empty; ``external_id`` always identifies the mail. ``references`` are all identifiers
    in References and In-Reply-To, oldest first. ``text`` is the whole body, quotations included. ``fields`` gives every
    other field to those who judge the mail, ``media_type`` what the whole is declared to be. ``senders`` is how many
    From names, 0 where ``sender`` had to be taken from another field.
    """

    fields: Fields
    media_type: str
    sender: Mailbox
    senders: int
    message_id: str
    external_id: str
    references: tuple[str, ...]
    subject: str
    date: datetime | None
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    fingerprint: str
    unreadable: str = ""


def parse(raw: bytes) -> Mail:
    """Read a whole message (RFC 5322 and MIME)."""
    lean = aside.without_large_files(raw) if len(raw) > LARGE else Lean(raw)
    if lean.raw.lower().count(b"multipart/") > _MOST_MULTIPARTS:
        return _mail(raw, _headers_only(raw), _Body(), "", _TOO_DIVIDED)
    if _header_end(raw) > _LONGEST_HEADER:
        return _mail(raw, _headers_only(raw), _Body(), "", _ENDLESS_HEADER)
    try:
        root, body, text = _followed(lean)
        if body.aside:  # what was set aside stood inside another file, which is kept byte for byte
            root, body, text = _followed(Lean(raw))
    except Exception as error:  # noqa: BLE001 - whatever breaks here, the mail is kept and staff see why
        reason = f"its structure cannot be followed ({type(error).__name__})"
        return _mail(raw, _headers_only(raw), _Body(), "", reason)
    return _mail(raw, root, body, text, body.unreadable or (_ENCRYPTED if _PGP in text else ""))


def _followed(lean: Lean) -> tuple[Message, "_Body", str]:
    root = _PARSER.parsebytes(lean.raw)
    body = _Body(lean.files)
    body.read(root)
    return root, body, body.text()


def message_id(raw: bytes) -> str:
    """Return a message's identifier with its angle brackets, or an empty text; only the header is looked at."""
    return next(iter(_message_ids(Fields.of(_headers_only(raw)))), "")


def unread(raw: bytes, reason: str) -> Mail:
    """Return a mail of which nothing is known but its bytes, told apart by its body and what stays of its header."""
    start, end = _body(raw)
    hashed = hashlib.sha256(memoryview(raw)[start:end])
    for field in _LASTING_FIELD.findall(raw, 0, start):
        hashed.update(b"\0" + b" ".join(field.split()))
    digest = hashed.hexdigest()
    nobody = Mailbox("")
    return Mail(Fields({}), "text/plain", nobody, 0, "", f"sha256:{digest}", (), "", None, "", "", (), digest, reason)


def _mail(raw: bytes, root: Message, body: "_Body", text: str, unreadable: str) -> Mail:
    fields = Fields.of(root)
    message_id = next(iter(_message_ids(fields)), fields.first("message-id")[:998])
    fingerprint = _fingerprint(raw, fields)
    written_from = fields.raw("from")
    senders = headers.mailboxes(written_from)
    sender = _sender(fields, senders)
    return Mail(
        fields=fields,
        media_type=root.get_content_type(),
        sender=sender,
        senders=max(len(senders), len(written_from)) if sender in senders else 0,
        message_id=message_id,
        # Not a hash of the raw bytes: trace headers differ when the same mail is delivered again.
        external_id=message_id or f"sha256:{fingerprint}",
        references=headers.identifiers(fields.all("references", "in-reply-to")),
        subject=fields.first("subject")[:998],
        date=headers.date(fields.first("date")),
        text=text,
        html=charsets.clean("\n".join(body.html)),
        attachments=tuple(body.attachments),
        fingerprint=fingerprint,
        unreadable=unreadable,
    )


def _sender(fields: Fields, senders: tuple[Mailbox, ...]) -> Mailbox:
    """Choose the first usable address of From; else of Sender or Reply-To; else what stands there."""
    fallbacks = headers.mailboxes(fields.raw("sender", "reply-to"))
    usable = [box for box in senders + fallbacks if headers.is_usable(box.address)]
    return (usable or [*senders, Mailbox("")])[0]


def _message_ids(fields: Fields) -> tuple[str, ...]:
    """Return the identifiers in the first field that should hold one."""
    return headers.identifiers(fields.all("message-id")[:1])


def _fingerprint(raw: bytes, fields: Fields) -> str:
    """Hash what stays the same on redelivery: From, Date, Subject, and the MIME body with line ends of one kind."""
    digest = hashlib.sha256()
    for name in ("from", "date", "subject"):
        field = " ".join(" ".join(fields.raw(name)).split())
        digest.update(name.encode() + b"\0" + field.encode("utf-8", "surrogateescape") + b"\0")
    for piece in _pieces_with_one_line_end(raw, *_body(raw)):
        digest.update(piece)
    return digest.hexdigest()


def _pieces_with_one_line_end(raw: bytes, start: int, stop: int) -> Iterator[bytes]:
    """Yield the bytes with LF for every line end, in pieces, so that a large mail never holds the interpreter long."""
    while start < stop:
        end = min(start + _PIECE, stop)
        end += raw[end - 1 : end + 1] == b"\r\n" and end < stop
        yield raw[start:end].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        start = end


def _body(raw: bytes) -> tuple[int, int]:
    """Return where the body begins and ends, blanks at its end left out; nothing is copied."""
    blank = _HEADER_END.search(raw)
    start, end = (blank.end() if blank else len(raw)), len(raw)
    while end > start:
        piece = raw[max(start, end - _PIECE) : end]
        end -= len(piece) - len(piece.rstrip())
        if piece.strip():
            break
    return start, end


def _header_end(raw: bytes) -> int:
    blank = _HEADER_END.search(raw)
    return blank.start() if blank else len(raw)


class _Part(Message):
    """A part whose enclosed messages stay closed, so that they can be kept byte for byte."""

    def get_content_type(self) -> str:
        """Tell the parser that messages in messages are plain bytes."""
        declared = super().get_content_type()
        return (
            declared.replace("message/", "application/x-message-", 1) if declared.startswith("message/") else declared
        )

    @property
    def declared_type(self) -> str:
        """The type as the sender gave it."""
        return super().get_content_type()


_PARSER: Final = BytesParser(_Part, policy=policy.compat32)


def _headers_only(raw: bytes) -> Message:
    try:
        return _PARSER.parsebytes(raw[: min(_header_end(raw), _LONGEST_HEADER)], headersonly=True)
    except Exception:  # noqa: BLE001 - a mail without a readable header is kept too
        return _Part()


@dataclass(frozen=True, slots=True)
class _Words:
    """One part of the body: plain text or HTML."""

    words: str
    is_html: bool = False

    def as_text(self) -> str:
        return html.to_text(self.words) if self.is_html else self.words


class _Body:
    """What the walk over the parts finds: words, files, and why words could not be read.

    ``aside`` are the contents that were taken out and have not yet been met, by their marks.
    """

    def __init__(self, files: Mapping[bytes, bytes] = MappingProxyType({})) -> None:
        self.aside = dict(files)
        self.words: list[_Words] = []
        self.html: list[str] = []
        self.attachments: list[Attachment] = []
        self.unreadable = ""
        self._parts = 0

    def text(self) -> str:
        """Return the words of all parts; HTML as text where nothing plain says the same."""
        texts = [charsets.clean(piece.as_text()).strip("\r\n") for piece in self.words]
        return "\n\n".join(text for text in texts if text.strip()).replace("\r\n", "\n").replace("\r", "\n")

    def read(self, part: Message, *, report: bool = False) -> None:
        """Take in a part and what is in it, in the order of the mail."""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            self.unreadable = _TOO_DIVIDED
            return
        kind = _declared(part)
        if kind in _SEALED or (self._parts == 1 and _is_sealed_file(part)):
            self.unreadable = _SEALED_BY_SIGNATURE if _is_signed(part) else _ENCRYPTED
        children = part.get_payload()
        if isinstance(children, list):
            self._read_children(kind, [child for child in children if isinstance(child, Message)])
        elif kind == "text/plain" and not _is_file(part) and not (report and self.words):
            self.words.append(_Words(self._decoded(part)))
        elif kind == "text/html" and not _is_file(part):
            self.words.append(_Words(self._decoded(part), is_html=True))
            self.html.append(self.words[-1].words)
        else:
            self._attach(part, kind)

    def _read_children(self, kind: str, children: list[Message]) -> None:
        start = len(self.words)
        for child in children:
            self.read(child, report=kind == "multipart/report")
        if kind == "multipart/alternative":
            self.words[start:] = _one_of(self.words[start:])

    def _attach(self, part: Message, kind: str) -> None:
        content = self._content(part)
        if content or part.get_filename():
            self.attachments.append(Attachment(_name(part, kind, len(self.attachments) + 1), kind, content))

    def _content(self, part: Message) -> bytes:
        content = _content(part)
        return self.aside.pop(content, content)

    def _decoded(self, part: Message) -> str:
        charset = part.get_param("charset", "")
        label = str(charset[2] if isinstance(charset, tuple) else charset or "")
        return charsets.decode(self._content(part), label)


def _one_of(alternatives: list[_Words]) -> list[_Words]:
    """Choose the plain text where it holds words, otherwise the last, which is the richest (RFC 2046, 5.1.4)."""
    plain = [piece for piece in alternatives if not piece.is_html and piece.words.strip()]
    return plain[:1] or alternatives[-1:]


def _declared(part: Message) -> str:
    kind = part.declared_type if isinstance(part, _Part) else part.get_content_type()
    return charsets.decode_escaped(kind)


def _is_signed(part: Message) -> bool:
    """Tell a signed S/MIME mail of the opaque kind, whose words are in the file, from an encrypted one."""
    return str(part.get_param("smime-type", "")).lower() == "signed-data"


def _is_sealed_file(part: Message) -> bool:
    """Tell S/MIME by the file's name, where a server on the way made its type a plain one (RFC 8551, 3.2.1)."""
    return _declared_name(part).lower().endswith(".p7m")


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_declared_name(part))


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _declared_name(part: Message) -> str:
    for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        value = part.get_param(parameter, "", field)
        if isinstance(value, tuple):  # RFC 2231: (charset, language, text)
            value = charsets.decode(value[2].encode("latin-1", "replace"), value[0] or "utf-8")
        if value and str(value).strip():
            return headers.text(str(value))
    return ""


def _name(part: Message, kind: str, number: int) -> str:
    """Make a name that is safe to show and to save: no path, no control or direction characters, never empty."""
    name = _UNSAFE_IN_NAME.sub("_", _declared_name(part).replace("\\", "/").rpartition("/")[2]).strip(" ._")
    if not name:
        enclosed = Fields.of(_headers_only(_content(part))).first("subject") if kind == "message/rfc822" else ""
        name = _UNSAFE_IN_NAME.sub("_", enclosed).strip(" ._")[:_LONGEST_NAME] or f"attachment-{number}"
        name += _EXTENSIONS.get(kind, "")
    stem, dot, extension = name.rpartition(".")
    if len(name) > _LONGEST_NAME and dot:
        return f"{stem[: _LONGEST_NAME - 1 - len(extension[:20])]}.{extension[:20]}"
    return name[:_LONGEST_NAME]
