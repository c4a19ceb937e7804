"""The stanzas we send: answers, receipts and refusals. Pure."""

import re
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from contactbot.channels.plain import signed_text
from contactbot.channels.xmpp.reading import CHAT_STATES, CLIENT, MARKERS, RECEIPTS, STABLE_IDS, STANZA_ERRORS, Said
from contactbot.messages import Outbound

HINTS = "urn:xmpp:hints"
QUICK = "urn:xmpp:tmp:quick-response"
LARGEST = 60_000  # bytes; servers of today take 64 KiB or more, and one that is given more ends the stream

WIDEST = 6  # bytes that one character may need: a quotation mark is written &quot;

# What XML 1.0 (section 2.2) cannot carry, not even escaped: one such character would end the stream for everybody.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def answer(outbound: Outbound, identity: str) -> Element:
    """Make the stanza of an outgoing message, to the bare JID: all the resident's clients get it.

    It carries its stable id (XEP-0359), asks for a receipt (XEP-0184) and a marker (XEP-0333), and asks the archives to
    keep it (XEP-0334), ours so that it can be asked about. It says that we write no more (XEP-0085). Clients that can
    show choices as buttons (XEP-0439).
    """
    message = Element(f"{{{CLIENT}}}message", {"type": "chat", "to": outbound.recipient.value, "id": identity})
    SubElement(message, f"{{{CLIENT}}}body").text = xml_text(signed_text(outbound))
    SubElement(message, f"{{{STABLE_IDS}}}origin-id", {"id": identity})
    SubElement(message, f"{{{RECEIPTS}}}request")
    SubElement(message, f"{{{MARKERS}}}markable")
    SubElement(message, f"{{{CHAT_STATES}}}active")
    for number, label in enumerate(outbound.choices, start=1):
        SubElement(message, f"{{{QUICK}}}response", {"value": str(number), "label": xml_text(label)})
    SubElement(message, f"{{{HINTS}}}store")
    return message


def receipt(said: Said) -> Element:
    """Make the receipt for a message that is kept (XEP-0184), to the client that sent it."""
    message = Element(f"{{{CLIENT}}}message", {"type": said.kind, "to": said.reply_to})
    SubElement(message, f"{{{RECEIPTS}}}received", {"id": said.key})
    SubElement(message, f"{{{HINTS}}}store")
    return message


def refusal(said: Said, kind: Literal["wait", "cancel", "modify"], condition: str, text: str) -> Element:
    """Make the error that tells a sender why a message was not taken (RFC 6120 section 8.3)."""
    message = Element(f"{{{CLIENT}}}message", {"type": "error", "to": said.reply_to})
    if said.key:
        message.set("id", said.key)
    error = SubElement(message, f"{{{CLIENT}}}error", {"type": kind})
    SubElement(error, f"{{{STANZA_ERRORS}}}{condition}")
    SubElement(error, f"{{{STANZA_ERRORS}}}text").text = text
    return message


def fits(message: Element) -> bool:
    """Tell whether any server takes a stanza; only one that may be too large is written out to be measured."""
    characters = sum(_characters(element) for element in message.iter())
    return characters * WIDEST <= LARGEST or len(tostring(message, encoding="utf-8")) <= LARGEST


def _characters(element: Element) -> int:
    """Count what an element without its children is written with: its name twice, its words and its attributes."""
    attributes = sum(len(name) + len(value) + len('=""') for name, value in element.items())
    return 2 * len(element.tag) + len(element.text or "") + attributes


def xml_text(text: str) -> str:
    """Drop the characters XML cannot carry."""
    return _NOT_XML.sub("", text)
