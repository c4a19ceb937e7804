"""How an answer will look to residents, and what its text message costs. Pure."""

from dataclasses import dataclass

from contactbot import markdown
from contactbot.channels.sms.composing import gsm_safe
from contactbot.channels.sms.segments import JOINED, SINGLE, cost, is_gsm7
from contactbot.kb.entry import EntryText


@dataclass(frozen=True, slots=True)
class SmsPreview:
    """A text message: its words, parts, room left in the last part, and the signs that make it dear.

    ``alphabet`` is gsm7 or ucs2; ``room`` counts septets or UTF-16 units; ``dear`` are signs outside GSM's alphabet.
    """

    text: str
    segments: int
    units: int
    room: int
    alphabet: str
    dear: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Previews:
    """One language of an entry in every length; ``borrowed`` names the lengths that use another one's text."""

    language: str
    sms: SmsPreview
    chat: str
    full: str
    borrowed: frozenset[str]


def previews(text: EntryText) -> Previews:
    """Return how the texts of one language look; chat and full are Markdown."""
    borrowed = frozenset(length for length in ("sms", "chat", "full") if not getattr(text, length))
    return Previews(text.language, sms(text), text.answer("chat"), text.answer("full"), borrowed)


def sms(text: EntryText) -> SmsPreview:
    """Return the text message as it is sent: typography is made plain where that saves parts."""
    words = gsm_safe(text.sms or markdown.to_plain(text.answer("sms")))
    price = cost(words)
    whole = SINGLE[price.alphabet] if price.segments == 1 else JOINED[price.alphabet] * price.segments
    dear = tuple(dict.fromkeys(sign for sign in words if not is_gsm7(gsm_safe(sign))))
    return SmsPreview(words, price.segments, price.units, max(0, whole - price.units), price.alphabet, dear)
