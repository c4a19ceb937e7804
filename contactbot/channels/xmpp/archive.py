"""One page of a message archive (XEP-0313, paged by XEP-0059) as plain values. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from contactbot.channels.xmpp.reading import CLIENT, DELAY, moment

MAM = "urn:xmpp:mam:2"
FORWARD = "urn:xmpp:forward:0"
RSM = "http://jabber.org/protocol/rsm"
PAGE = 50  # messages asked for at once; Prosody gives no more


@dataclass(frozen=True, slots=True)
class Archived:
    """One message of the archive: its id there, when the server took it, and the stanza as it was sent."""

    id: str
    at: datetime | None
    message: Element


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in the archive's order. ``last`` is where the next page starts, ``complete`` says there is none."""

    entries: tuple[Archived, ...]
    last: str
    complete: bool


def page(results: Iterable[Element], answer: Element, account: str) -> Page:
    """Put a page together from its result stanzas and the final answer; only our own archive is believed."""
    ours = (stanza for stanza in results if stanza.get("from", account) == account)
    entries = tuple(entry for stanza in ours for entry in _entries(stanza))
    fin = answer.find(f"{{{MAM}}}fin")
    last = fin.findtext(f"{{{RSM}}}set/{{{RSM}}}last") if fin is not None else None
    complete = fin is None or fin.get("complete") == "true" or not last
    return Page(entries, last or "", complete)


def _entries(stanza: Element) -> Iterable[Archived]:
    for result in stanza.iterfind(f"{{{MAM}}}result"):
        forwarded = result.find(f"{{{FORWARD}}}forwarded")
        message = forwarded.find(f"{{{CLIENT}}}message") if forwarded is not None else None
        if forwarded is not None and message is not None:
            delay = forwarded.find(f"{{{DELAY}}}delay")
            at = moment(delay.get("stamp", "")) if delay is not None else None
            yield Archived(result.get("id", ""), at, message)
