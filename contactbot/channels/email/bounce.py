"""Delivery status notifications: which message of ours did not arrive, and why (RFC 3464). Pure."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Literal

from contactbot.channels.email import charsets, headers
from contactbot.channels.email.headers import Fields
from contactbot.channels.email.parse import Mail

_FIELD = re.compile(r"^([A-Za-z-]{3,40}):[ \t]*(.*)$")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
# As qmail and its children begin them; a mere delay has another subject.
_FAILURE_NOTICE = re.compile(r"failure notice|undelivered mail|returned mail|mail delivery failed", re.IGNORECASE)
_RETURNED = re.compile(r"^[> \t]{0,9}message-id:[ \t]{0,9}(<[^<>\s]{3,998}>)", re.IGNORECASE | re.MULTILINE)
_LONGEST_DETAIL = 300


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a mail system says of one message: ``original`` is the Message-ID of ours, with angle brackets."""

    state: Literal["failed", "delivered"]
    original: str
    detail: str


def read(mail: Mail) -> Bounce | None:
    """Read a report, or return None where it is none, says nothing final, or does not name the message."""
    if mail.media_type != "multipart/report":
        return _unstructured(mail)
    fields = _fields(mail)
    state = _state(fields)
    original = _original(mail)
    if state is None or not original:
        return None
    detail = charsets.clean(f"{fields.get('status', '')} {fields.get('diagnostic-code', '')}").strip()
    return Bounce(state, original, detail[:_LONGEST_DETAIL])


def _unstructured(mail: Mail) -> Bounce | None:
    """Read a failure as mail systems wrote it before RFC 3464, and some still do: with the header in the text."""
    if "x-failed-recipients" not in mail.fields and not _FAILURE_NOTICE.match(mail.subject):
        return None
    returned = _RETURNED.search(mail.text)
    return Bounce("failed", returned[1], mail.subject[:_LONGEST_DETAIL]) if returned else None


def _state(fields: dict[str, str]) -> Literal["failed", "delivered"] | None:
    action = fields.get("action", "").lower()
    if action == "failed" or (not action and fields.get("status", "").startswith("5.")):
        return "failed"
    return "delivered" if action == "delivered" else None


def _fields(mail: Mail) -> dict[str, str]:
    """Return the fields of the report's machine part; of several recipients the first that failed."""
    for attachment in mail.attachments:
        if attachment.media_type == "message/delivery-status":
            groups = [_group(text) for text in re.split(r"\r?\n[ \t]*\r?\n", charsets.decode(attachment.content))]
            recipients = [group for group in groups if "action" in group or "status" in group]
            failed = [group for group in recipients if group.get("action", "").lower() == "failed"]
            return next(iter(failed or recipients), {})
    return {}


def _group(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        field = _FIELD.match(line[:2000])
        if field:
            name = field[1].lower()
            found.setdefault(name, field[2].strip())
        elif name and line[:1] in " \t":
            found[name] += " " + line.strip()
    if status := _STATUS.search(found.get("status", "")):
        found["status"] = status[0]
    return found


def _original(mail: Mail) -> str:
    """Return the Message-ID of the returned message or headers; else what the report answers to."""
    for attachment in mail.attachments:
        if attachment.media_type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            returned = message_from_bytes(attachment.content[:100_000], policy=policy.compat32)
            ids = headers.identifiers(Fields.of(returned).all("message-id"))
            if ids:
                return ids[0]
    return mail.references[-1] if mail.references else ""
