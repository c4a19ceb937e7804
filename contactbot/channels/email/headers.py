"""Header fields as people sent them: encoded words, 8-bit bytes, addresses and identifiers. Pure; never raises.

The standard library's header classes are not used on what comes in: they raise on some hostile fields and drop
addresses such as ``a@b@c``.
"""

import binascii
import quopri
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Self

from contactbot.channels.email import charsets

# A field longer than this is hostile; what stands after is not looked at. Characters.
_LONGEST = 100_000
_LONGEST_ADDRESSES = 20_000
# As many identifiers as are worth storing from one mail.
_MOST_IDS = 100
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bqBQ])\?([^?\r\n]*)\?=")
_ID = re.compile(r"<([^<>]{1,998})>")
_SPACE = re.compile(r"\s+")
_COMMENT = re.compile(r"\([^()]{0,998}\)")
_BARE_ADDRESS = re.compile(r"[^\s<>,;:\"'()\[\]]{1,320}@[^\s<>,;:\"'()\[\]]{1,255}")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name its owner gave it. ``address`` is lower case and may be malformed, as it came."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """A header: the values of its fields as they stand, in order from the top, by name in lower case."""

    values: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, part: Message) -> Self:
        """Sort the fields of a message, of which forty are asked for by name."""
        values: dict[str, list[str]] = {}
        for name, value in part.raw_items():
            values.setdefault(name.lower(), []).append(str(value))
        return cls(values)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def raw(self, *names: str) -> list[str]:
        """Return the values of all fields of those names, undecoded."""
        return [value for name in names for value in self.values.get(name, ())]

    def all(self, *names: str) -> list[str]:
        """Return the values of all fields of those names, decoded and unfolded."""
        return [text(value) for value in self.raw(*names)]

    def first(self, name: str) -> str:
        """Return the first value of that name, decoded and unfolded, or an empty text."""
        values = self.values.get(name)
        return text(values[0]) if values else ""


def text(value: str) -> str:
    """Decode encoded words (RFC 2047), also where adjacent words share one multi-byte character, and raw 8-bit."""
    value = value[:_LONGEST]
    if value.isascii() and "=?" not in value:  # as most are
        return " ".join(value.replace("\x00", "").split())
    pieces: list[str] = []
    run: tuple[str, bytearray] | None = None
    end = 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[end : word.start()]
        charset, data = word[1].partition("*")[0].lower(), _encoded_bytes(word[2], word[3])
        if run and (between.strip() or run[0] != charset):
            pieces.append(charsets.decode(bytes(run[1]), run[0]))
            run = None
        if not end or between.strip():
            pieces.append(charsets.decode_escaped(between))
        run = (charset, (run[1] if run else bytearray()) + data)
        end = word.end()
    if run:
        pieces.append(charsets.decode(bytes(run[1]), run[0]))
    pieces.append(charsets.decode_escaped(value[end:]))
    return _SPACE.sub(" ", "".join(pieces)).strip()


def _encoded_bytes(encoding: str, body: str) -> bytes:
    data = body.encode("ascii", "surrogateescape") if _is_bytes(body) else body.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(data.replace(b"_", b" "), header=False)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


def _is_bytes(body: str) -> bool:
    return all(char < "\x80" or "\udc80" <= char <= "\udcff" for char in body)


def identifiers(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the message identifiers in the fields, each once, in order, with angle brackets.

    Spaces that a mail program folded into an identifier are taken out. Of very many the first and the last are kept.
    """
    found: dict[str, None] = {}
    for field in fields:
        for match in _ID.finditer(field):
            found.setdefault(f"<{_SPACE.sub('', match[1])}>")
    ids = [identifier for identifier in found if identifier != "<>"]
    return tuple(ids if len(ids) <= _MOST_IDS else [ids[0], *ids[1 - _MOST_IDS :]])


def mailboxes(raw_fields: Sequence[str]) -> tuple[Mailbox, ...]:
    """Return the addresses of the (undecoded) fields in order; names decoded after the structure is known."""
    found: list[Mailbox] = []
    for field in raw_fields:
        found += [box for piece in _pieces(field[:_LONGEST_ADDRESSES]) if (box := _mailbox(piece))]
    return tuple(found)


def _pieces(field: str) -> list[str]:
    """Split at commas and semicolons that stand outside quotes and angle brackets."""
    if "," not in field and ";" not in field:
        return [field]
    pieces: list[str] = []
    piece: list[str] = []
    quoted = angled = False
    for char in field:
        if char == '"' and not angled:
            quoted = not quoted
        elif char in "<>" and not quoted:
            angled = char == "<"
        if char in ",;" and not quoted and not angled:
            pieces.append("".join(piece))
            piece = []
        else:
            piece.append(char)
    return [*pieces, "".join(piece)]


def _mailbox(piece: str) -> Mailbox | None:
    before, opened, rest = piece.rpartition("<")
    if opened:
        address, name = rest.partition(">")[0], before
    else:
        plain = _COMMENT.sub(" ", piece)
        found = _BARE_ADDRESS.search(plain) or _BARE_ADDRESS.search(text(piece))
        address, name = (found[0] if found else ""), " ".join(note[1:-1] for note in _COMMENT.findall(piece))
    address = _SPACE.sub("", text(address)).removeprefix("mailto:").strip("\"'.")
    if "@" not in address:
        return None
    return Mailbox(address.lower(), text(name).strip().strip("\"'").replace('\\"', '"').strip())


def is_usable(address: str) -> bool:
    """Whether mail can be sent to the address: one at sign, a dotted or local domain, no blanks or controls."""
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and "@" not in local and address.isprintable() and " " not in address


def date(value: str) -> datetime | None:
    """Return the Date field as aware UTC, or None where it makes no sense."""
    try:
        moment = parsedate_to_datetime(value[:200])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
