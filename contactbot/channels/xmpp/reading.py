"""What a message stanza says to us. Pure: an XML element in, a small value out, the same from the wire and the archive.

RFC 6121 and the extensions XEP-0085 (typing), 0184 (receipts), 0203 (delay), 0308 (corrections), 0333 (markers), 0359
(stable ids), 0380 (encryption hints), 0428 (fallback text) and 0461 (replies).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from slixmpp.jid import JID, InvalidJID

from contactbot.messages import Folded

CLIENT = "jabber:client"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
STABLE_IDS = "urn:xmpp:sid:0"
DELAY = "urn:xmpp:delay"
CHAT_STATES = "http://jabber.org/protocol/chatstates"
REPLY = "urn:xmpp:reply:0"
FALLBACK = "urn:xmpp:fallback:0"
CORRECTION = "urn:xmpp:message-correct:0"
NICK = "http://jabber.org/protocol/nick"
STANZA_ERRORS = "urn:ietf:params:xml:ns:xmpp-stanzas"
CARBONS = "urn:xmpp:carbons:2"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ENCRYPTIONS = {
    "{eu.siacs.conversations.axolotl}encrypted": "OMEMO",
    "{urn:xmpp:omemo:2}encrypted": "OMEMO",
    "{urn:xmpp:openpgp:0}openpgp": "OpenPGP",
    "{jabber:x:encrypted}x": "OpenPGP",
}
LONGEST_ID = 200  # characters; clients use at most 64, longer ones are hashed


@dataclass(frozen=True, slots=True)
class Said:
    """Words of a resident. ``reply_to`` is the full JID they wrote from and ``key`` their own id for the message.

    ``identity`` is the same for every copy of the message: from the wire, from the archive, or sent again by a client
    that lost its stream. ``corrects`` is the sender's id of the message whose words these replace, or "".
    ``archive_id`` is our archive's id for this copy, or ""; ``sent_at`` is set for delayed ones.
    """

    sender: str
    reply_to: str
    kind: str
    key: str
    text: str
    raw: bytes
    identity: str = ""
    archive_id: str = ""
    sent_at: datetime | None = None
    subject: str = ""
    nick: str = ""
    folded: tuple[Folded, ...] = ()
    refs: tuple[str, ...] = ()
    wants_receipt: bool = False
    unreadable: str = ""
    automatic: str = ""
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A resident's client has a message of ours: it sent a receipt (XEP-0184) or a marker (XEP-0333)."""

    sender: str
    key: str


@dataclass(frozen=True, slots=True)
class Bounced:
    """A message of ours came back; ``condition`` is the error's name (RFC 6120 section 8.3.3)."""

    sender: str
    key: str
    condition: str


@dataclass(frozen=True, slots=True)
class Typing:
    """A resident is writing to us."""

    sender: str


Reading = Said | Arrived | Bounced | Typing


def read(message: Element, account: str, archive_id: str = "", sent_at: datetime | None = None) -> Reading | None:
    """Tell what a stanza to ``account`` (a bare JID) says, or None when it says nothing to us.

    Not read are group chats and headlines, what we sent ourselves (other clients of the account, carbon copies), and
    stanzas without words. ``archive_id`` and ``sent_at`` come with a copy from the archive.
    """
    sender = _jid(message.get("from", ""))
    if sender is None or sender.bare == account:
        return None
    kind = message.get("type", "normal")
    if kind == "error":
        return _bounced(message, sender)
    if kind not in ("chat", "normal"):
        return None
    body, unreadable = _body(message), _unreadable(message)
    if body.strip() or unreadable:
        kept = (archive_id or _archive_id(message, account), sent_at or _delayed(message, account))
        return _said(message, sender, body, unreadable, kept)
    return _signal(message, sender)


def is_copy(message: Element, account: str) -> bool:
    """Tell whether our server copies to us what came to another client of ours (XEP-0280); others' copies are lies."""
    return message.get("from") == account and message.find(f"{{{CARBONS}}}received") is not None


def _said(message: Element, sender: JID, body: str, unreadable: str, kept: tuple[str, datetime | None]) -> Said:
    text, folded = _without_fallback(message, body)
    archive_id, sent_at = kept
    key = message.get("id", "")
    return Said(
        sender=sender.bare,
        reply_to=sender.full,
        kind=message.get("type", "normal"),
        key=key,
        text="" if unreadable else text,
        raw=_raw(message),
        identity=_identity(message, sender.bare, archive_id),
        archive_id=archive_id,
        sent_at=sent_at,
        subject=_child_text(message, CLIENT, "subject"),
        nick=_child_text(message, NICK, "nick"),
        folded=() if unreadable else folded,
        refs=tuple(_refs(message)),
        wants_receipt=bool(key) and message.find(f"{{{RECEIPTS}}}request") is not None,
        unreadable=unreadable,
        automatic="" if sender.local else "sent by a server, not by a person (a JID without a local part)",
        corrects=_named(message, f"{{{CORRECTION}}}replace"),
    )


def _raw(message: Element) -> bytes:
    """Write the stanza out; of one nested deeper than Python can write, only its own attributes and words."""
    try:
        written: str = tostring(message, encoding="unicode")  # half the work of writing the bytes piece by piece
    except RecursionError:
        shallow = Element(message.tag, message.attrib)
        SubElement(shallow, f"{{{CLIENT}}}body").text = _body(message)
        written = tostring(shallow, encoding="unicode")
    return written.encode()


def _identity(message: Element, sender: str, archive_id: str) -> str:
    """Prefer the sender's stable id: a client that lost its stream sends again with it, and the archive keeps it."""
    origin = message.find(f"{{{STABLE_IDS}}}origin-id")
    stable = origin.get("id", "") if origin is not None else ""
    if stable:
        return f"{sender}#{_short(stable)}"
    if archive_id:
        return _short(archive_id)
    key = message.get("id", "")
    return f"{sender}#{_short(key)}" if key else hashlib.sha256(_raw(message)).hexdigest()


def _short(identity: str) -> str:
    return identity if len(identity) <= LONGEST_ID else hashlib.sha256(identity.encode()).hexdigest()


def _archive_id(message: Element, account: str) -> str:
    """Return the id our own archive gave; ids by others are their senders' words (XEP-0359 section 3.2)."""
    for stamp in message.iterfind(f"{{{STABLE_IDS}}}stanza-id"):
        by = _jid(stamp.get("by", ""))
        if by is not None and by.full == account:
            return stamp.get("id", "")
    return ""


def _body(message: Element) -> str:
    bodies = message.findall(f"{{{CLIENT}}}body")
    plain = [body for body in bodies if body.get(XML_LANG) is None]
    return next((body.text for body in (*plain, *bodies) if body.text), "")


def _unreadable(message: Element) -> str:
    for tag, name in ENCRYPTIONS.items():
        sealed = message.find(tag)
        if sealed is not None and not _is_key_exchange(sealed):
            return f"encrypted with {name}"
    return "encrypted with OTR" if _body(message).startswith("?OTR") else ""


def _is_key_exchange(sealed: Element) -> bool:
    """Tell whether an OMEMO element carries keys and no words (XEP-0384 section 5.5)."""
    namespace, _, name = sealed.tag[1:].partition("}")
    return name == "encrypted" and sealed.find(f"{{{namespace}}}payload") is None


def _without_fallback(message: Element, body: str) -> tuple[str, tuple[Folded, ...]]:
    """Take out the quotation a replying client puts before the words for clients that do not know replies."""
    for fallback in message.iterfind(f"{{{FALLBACK}}}fallback[@for='{REPLY}']"):
        part = fallback.find(f"{{{FALLBACK}}}body")
        span = _span(part, len(body)) if part is not None else None
        if span is not None and (words := body[: span[0]] + body[span[1] :]).strip():
            return words, (Folded(body[span[0] : span[1]], "quotation marked by the resident's client (XEP-0461)"),)
    return body, ()


def _span(part: Element, length: int) -> tuple[int, int] | None:
    """Return start and end in characters of the body, or None when they make no sense."""
    try:
        start, end = int(part.get("start", "0")), int(part.get("end", str(length)))
    except ValueError:
        return None
    return (start, end) if 0 <= start < end <= length else None


def _refs(message: Element) -> Iterator[str]:
    for tag in (f"{{{REPLY}}}reply", f"{{{CORRECTION}}}replace"):
        if named := _named(message, tag):
            yield named


def _named(message: Element, tag: str) -> str:
    """Return the id of the message that a child names, or ""."""
    found = message.find(tag)
    return "" if found is None else _short(found.get("id", ""))


def _delayed(message: Element, account: str) -> datetime | None:
    """Return when a stored message was sent, if our own server says so; anybody can write a delay of others."""
    ours = {account, account.partition("@")[2]}
    for delay in message.iterfind(f"{{{DELAY}}}delay"):
        if delay.get("from") in ours:
            return moment(delay.get("stamp", ""))
    return None


def moment(stamp: str) -> datetime | None:
    """Parse a time stamp (XEP-0082) as aware UTC, or None."""
    try:
        parsed = datetime.fromisoformat(stamp)
        return parsed.astimezone(UTC) if parsed.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _signal(message: Element, sender: JID) -> Reading | None:
    for tag in (f"{{{RECEIPTS}}}received", *(f"{{{MARKERS}}}{name}" for name in ("displayed", "acknowledged"))):
        found = message.find(tag)
        if found is not None and found.get("id"):
            return Arrived(sender.bare, found.get("id", ""))
    if message.find(f"{{{CHAT_STATES}}}composing") is not None:
        return Typing(sender.bare)
    return None


def _bounced(message: Element, sender: JID) -> Bounced | None:
    error = message.find(f"{{{CLIENT}}}error")
    if error is None or not message.get("id"):
        return None
    conditions = [child.tag for child in error if child.tag.startswith(f"{{{STANZA_ERRORS}}}")]
    names = [tag.rpartition("}")[2] for tag in conditions if not tag.endswith("}text")]
    condition = names[0] if names else "undefined-condition"
    return Bounced(sender.bare, message.get("id", ""), condition)


def _child_text(message: Element, namespace: str, name: str) -> str:
    return (message.findtext(f"{{{namespace}}}{name}") or "").strip()


def _jid(text: str) -> JID | None:
    try:
        return JID(text) if text else None
    except InvalidJID:
        return None
