"""An answer as a mail: the same bytes on every attempt, readable as text and as accessible HTML. Pure."""

import html
import re
from dataclasses import dataclass
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import BaseHeader, Group, HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Final

from contactbot.channels.email.tokens import Signer
from contactbot.channels.plain import plain_text
from contactbot.markdown import to_html
from contactbot.messages import Author, Outbound

# RFC 5322, 2.1.1: no line over 998 octets. Applied to all of References, so that no relay need fold it.
_LONGEST_LINE = 998
_LONGEST_SUBJECT = 200
_ID = re.compile(r"<[!-;=?-~]{3,900}>")
_REPLIED = re.compile(r"(?:re|sv|svar|aw|antw|vs|fw|fwd|odp|ynt|hs|res|rv)\s?(?:\[\d{1,3}\])?\s?:", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8}){0,3}")
_MEDIA_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]{0,126})/([a-z0-9][a-z0-9!#$&^_.+-]{0,126})")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"]{1,2000}(?<![.,;:!?)\]'»])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
# Read well at arm's length and on a phone: 16 px, 1.5 lines, short lines (WCAG 2.2, 1.4.8 and 1.4.12).
_STYLE: Final = (
    "margin:0;padding:16px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;max-width:40em"
)
_FIELDS_OF_IDS: Final = frozenset({"message-id", "in-reply-to", "references"})


class _Fields(HeaderRegistry):
    """The standard registry, which makes a class anew for every field of every mail; ours are few and the same."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        kind = self._made.get(name)
        if kind is None:
            kind = self._made[name] = super().__getitem__(name)
        return kind


class _Policy(EmailPolicy):
    """The SMTP policy, but identifiers stay as they are.

    The standard library writes an identifier that is longer than a line as an RFC 2047 encoded word, which no mail
    program reads back: Outlook's 81 characters were enough to break the thread.
    """

    def fold(self, name: str, value: str) -> str:
        """Fold a field for text output."""
        return self._ids(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """Fold a field for the wire."""
        return self._ids(name, value).encode("ascii") or super().fold_binary(name, value)

    def _ids(self, name: str, value: str) -> str:
        if name.lower() not in _FIELDS_OF_IDS:
            return ""
        return f"{name}: {(self.linesep + ' ').join(str(value).split())}{self.linesep}"


POLICY: Final = _Policy(linesep="\r\n", raise_on_defect=False, cte_type="7bit", header_factory=_Fields())


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes: our account, its display name, and whether answers may come to plus-addresses of it."""

    account: str
    name: str
    delimiter: str = "+"
    plus_addresses: bool = True


def compose(outbound: Outbound, head: Letterhead, signer: Signer) -> EmailMessage:
    """Make the mail. Raises ValueError where the recipient cannot be written as an address."""
    message = EmailMessage(policy=POLICY)
    person = outbound.author_name if outbound.author is Author.STAFF else ""
    message["From"] = _address(head.account, person or head.name)
    message["To"] = _address(outbound.recipient.value)
    message["Subject"] = _subject(outbound, head)
    message["Date"] = format_datetime(outbound.created_at)
    message["Message-ID"] = signer.message_id(head.account, outbound.id)
    message["Reply-To"] = _address(return_address(outbound, head, signer), head.name)
    _refer(message, outbound)
    _declare_automatic(message, outbound)
    _write(message, outbound, _subject(outbound, head))
    if _LANGUAGE.fullmatch(outbound.language):
        message["Content-Language"] = outbound.language
    return message


def return_address(outbound: Outbound, head: Letterhead, signer: Signer) -> str:
    """Return where answers and reports of failure shall come."""
    if not head.plus_addresses:
        return head.account
    return signer.reply_address(head.account, outbound.thread, head.delimiter)


def _address(value: str, name: str = "") -> HeaderAddress | Group:
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or not value.isprintable() or " " in value:
        raise ValueError("the recipient's address cannot be written in a mail")
    return HeaderAddress(_CONTROL.sub(" ", name), local, domain)


def _subject(outbound: Outbound, head: Letterhead) -> str:
    subject = " ".join(_CONTROL.sub(" ", outbound.subject).split())[:_LONGEST_SUBJECT]
    if not subject:
        return head.name
    return subject if not outbound.in_reply_to or _REPLIED.match(subject) else f"Re: {subject}"


def _refer(message: EmailMessage, outbound: Outbound) -> None:
    """Name the resident's last mail and all of the thread's: the first and as many of the last as a line holds."""
    if _ID.fullmatch(outbound.in_reply_to):
        message["In-Reply-To"] = outbound.in_reply_to
    references = references_of(outbound)
    if references:
        message["References"] = " ".join(references)


def references_of(outbound: Outbound) -> tuple[str, ...]:
    """Return the identifiers for References, oldest first, together under 998 characters."""
    unique = dict.fromkeys([*(ref for ref in outbound.refs if ref != outbound.in_reply_to), outbound.in_reply_to])
    known = [ref for ref in unique if _ID.fullmatch(ref)]
    left = _LONGEST_LINE - len("References: ") - len("".join(known[:1]))
    last: list[str] = []
    for reference in reversed(known[1:]):
        left -= len(reference) + 1
        if left <= 0:
            break
        last.append(reference)
    return (*known[:1], *reversed(last))


def _declare_automatic(message: EmailMessage, outbound: Outbound) -> None:
    """Say that a machine wrote it (RFC 3834), and ask Exchange not to answer by itself; people's mail does not."""
    if outbound.author is Author.STAFF:
        return
    is_answer = bool(outbound.in_reply_to) and outbound.purpose != "receipt"
    message["Auto-Submitted"] = "auto-replied" if is_answer else "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"


def _write(message: EmailMessage, outbound: Outbound, title: str) -> None:
    """Put in the text, the same as HTML, and the files; boundaries are derived, so that a resend is the same mail."""
    message.set_content(plain_text(outbound) + "\n", charset="utf-8", cte="quoted-printable")
    message.add_alternative(_page(outbound, title), subtype="html", charset="utf-8", cte="quoted-printable")
    message.set_boundary(f"=_alternative-{outbound.id}")
    for attachment in outbound.attachments:
        kind = _MEDIA_TYPE.fullmatch(attachment.media_type.lower())
        maintype, subtype = (
            (kind[1], kind[2]) if kind and kind[1] not in ("message", "multipart") else ("application", "octet-stream")
        )
        message.add_attachment(
            attachment.content, maintype, subtype, filename=_CONTROL.sub(" ", attachment.name), cte="base64"
        )
    if outbound.attachments:
        message.set_boundary(f"=_mixed-{outbound.id}")


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
