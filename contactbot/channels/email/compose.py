"""An answer as a mail: the same bytes on every attempt, readable as text and as accessible HTML. Pure."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

from contactbot.channels.email import mime
from contactbot.channels.email.tokens import Signer
from contactbot.channels.plain import plain_text
from contactbot.markdown import to_html
from contactbot.messages import Attachment, Author, Outbound

# RFC 5322, 2.1.1: no line over 998 octets. Applied to all of References, so that no relay need fold it.
_LONGEST_LINE = 998
_LONGEST_SUBJECT = 200
_ID = re.compile(r"<[!-;=?-~]{3,900}>")
_REPLIED = re.compile(r"(?:re|sv|svar|aw|antw|vs|fw|fwd|odp|ynt|hs|res|rv)\s?(?:\[\d{1,3}\])?\s?:", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8}){0,3}")
_MEDIA_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]{0,126})/([a-z0-9][a-z0-9!#$&^_.+-]{0,126})")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]{1,2000}(?<![.,;:!?)\]'»])")
# What stands in a resident's thread and answers no mail of theirs: we asked, or a channel beside this one did.
_UNASKED: Final = frozenset({"survey", "code"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
# Read well at arm's length and on a phone: 16 px, 1.5 lines, short lines (WCAG 2.2, 1.4.8 and 1.4.12).
_STYLE: Final = (
    "margin:0;padding:16px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;max-width:40em"
)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: our account, its display name, and whether answers may come to plus-addresses of it."""

    account: str
    name: str
    delimiter: str = "+"
    plus_addresses: bool = True


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it leaves: all its bytes, the Message-ID in them, and the domain of the address that it is from."""

    message_id: str
    domain: str
    content: bytes


def compose(outbound: Outbound, head: Letterhead, signer: Signer) -> Letter:
    """Write the mail. Raises ValueError where the recipient cannot be written as an address."""
    message_id = signer.message_id(head.account, outbound.id)
    fields = (
        *_correspondents(outbound, head, signer),
        mime.field("Subject", mime.text(_subject(outbound, head))),
        mime.field("Date", [format_datetime(outbound.created_at)]),
        mime.field("Message-ID", [message_id]),
        *_references(outbound),
        *_declarations(outbound),
        mime.field("MIME-Version", ["1.0"]),
    )
    content = b"".join(fields) + _body(outbound, _subject(outbound, head))
    return Letter(message_id, head.account.rpartition("@")[2], content)


def return_address(outbound: Outbound, head: Letterhead, signer: Signer) -> str:
    """Return where answers and reports of failure shall come."""
    if not head.plus_addresses:
        return head.account
    return signer.reply_address(head.account, outbound.thread, head.delimiter)


def _correspondents(outbound: Outbound, head: Letterhead, signer: Signer) -> Iterator[bytes]:
    person = outbound.author_name if outbound.author is Author.STAFF else ""
    yield mime.field("From", mime.address(head.account, _one_line(person or head.name)))
    yield mime.field("To", mime.address(outbound.recipient.value))
    yield mime.field("Reply-To", mime.address(return_address(outbound, head, signer), _one_line(head.name)))


def _one_line(words: str) -> str:
    return " ".join(_CONTROL.sub(" ", words).split())


def _subject(outbound: Outbound, head: Letterhead) -> str:
    subject = _one_line(outbound.subject)[:_LONGEST_SUBJECT].rstrip()
    if not subject:
        return _one_line(head.name)
    return subject if not outbound.in_reply_to or _REPLIED.match(subject) else f"Re: {subject}"


def _references(outbound: Outbound) -> Iterator[bytes]:
    """Name the resident's last mail and all of the thread's: the first and as many of the last as a line holds.

    An identifier is never encoded: no mail program reads that back, and the thread breaks.
    """
    if _ID.fullmatch(outbound.in_reply_to):
        yield mime.field("In-Reply-To", [outbound.in_reply_to])
    references = references_of(outbound)
    if references:
        yield mime.field("References", references)


def references_of(outbound: Outbound) -> tuple[str, ...]:
    """Return the identifiers for References, oldest first, together under 998 characters.

    Where not all fit, the mail that is answered goes before the one that began the thread, and that before the others.
    """
    unique = dict.fromkeys([*(ref for ref in outbound.refs if ref != outbound.in_reply_to), outbound.in_reply_to])
    known = [ref for ref in unique if _ID.fullmatch(ref)]
    left = _LONGEST_LINE - len("References:")
    kept = set[str]()
    for reference in (*known[-1:], *known[:1], *reversed(known[1:-1])):
        if reference not in kept:
            left -= len(" ") + len(reference)
            if left <= 0:
                break
            kept.add(reference)
    return tuple(reference for reference in known if reference in kept)


def _declarations(outbound: Outbound) -> Iterator[bytes]:
    """Say that a machine wrote it (RFC 3834), and ask Exchange not to answer by itself; people's mail does not."""
    if outbound.author is not Author.STAFF:
        is_answer = bool(outbound.in_reply_to) and outbound.purpose not in _UNASKED
        yield mime.field("Auto-Submitted", ["auto-replied" if is_answer else "auto-generated"])
        yield mime.field("X-Auto-Response-Suppress", ["All"])
    if _LANGUAGE.fullmatch(outbound.language):
        yield mime.field("Content-Language", [outbound.language])


def _body(outbound: Outbound, title: str) -> bytes:
    """Write the text, the same as HTML, and the files; boundaries are derived, so that a resend is the same mail."""
    text = mime.words(plain_text(outbound) + "\n", "plain")
    said = mime.multipart(
        "alternative", f"=_alternative-{outbound.id}", [text, mime.words(_page(outbound, title), "html")]
    )
    if not outbound.attachments:
        return said
    files = [mime.file(one.content, _media_type(one), _one_line(one.name)) for one in outbound.attachments]
    return mime.multipart("mixed", f"=_mixed-{outbound.id}", [said, *files])


def _media_type(attachment: Attachment) -> str:
    """Return what the file is said to be; a message is not opened by the mail program that gets it."""
    kind = _MEDIA_TYPE.fullmatch(attachment.media_type.lower())
    return kind[0] if kind and kind[1] not in ("message", "multipart") else "application/octet-stream"


def _page(outbound: Outbound, title: str) -> str:
    """Write the HTML: language, title and real lists for those who hear it; no image, script or outside address."""
    language = f' lang="{outbound.language}"' if _LANGUAGE.fullmatch(outbound.language) else ""
    words = to_html(outbound.text) if outbound.markup == "markdown" else _paragraphs(outbound.text)
    choices = "".join(f"<li>{html.escape(label)}</li>" for label in outbound.choices)
    offered = f"<ol>{choices}</ol>" if choices else ""
    return (
        f'<!doctype html>\n<html{language}><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title></head>\n"
        f'<body style="{_STYLE}">\n{words}\n{offered}\n</body></html>\n'
    )


def _paragraphs(text: str) -> str:
    blocks = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "\n".join(f"<p>{_linked(html.escape(block))}</p>" for block in blocks if block.strip())


def _linked(escaped: str) -> str:
    """Make web addresses links: not every mail program does, and a screen reader lists links."""
    return _WEB_ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', escaped).replace("\n", "<br>")
