"""From an answer to the body of one text message: cheaper typography where it helps, and a length that fits. Pure."""

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from contactbot.channels.sms.segments import cost, is_gsm7

# Typography outside the GSM alphabet and its plain forms. No letter stands here: a name keeps every accent it has.
PLAIN_FORMS: Final = str.maketrans(
    {
        **dict.fromkeys("«»“”„‟", '"'),
        **dict.fromkeys("‘’‚‛′", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\t", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
        "…": "...",
        "•": "-",
    }
)
CUT_MARK: Final = " ..."
SENTENCE_END: Final = re.compile(r"[.!?](?=\s+(\S))|\n")  # and the character that the next sentence begins with
LEAST_KEPT: Final = 0.5  # share of the room a cut at a sentence's end must leave used; else the cut is between words
JOINERS: Final = "\u200d\ufe0e\ufe0f"  # what binds emoji together: nothing stands after it once the text is cut


@dataclass(frozen=True, slots=True)
class Body:
    """The words as they are sent, the parts they cost, and whether some of the answer had to be left out."""

    text: str
    segments: int
    cut: bool


def compose(words: str, choices: str, most_segments: int) -> Body:
    """Join words and the lines of choices into at most ``most_segments`` parts; only the words are ever cut."""
    tail = f"\n\n{choices}" if choices else ""
    whole = gsm_safe(f"{words}{tail}".strip())
    if (segments := cost(whole).segments) <= most_segments:
        return Body(whole, segments, cut=False)
    if cost(gsm_safe(CUT_MARK + tail)).segments > most_segments:
        words, tail = words + tail, ""
    text = gsm_safe(_cut(words, tail, most_segments))
    return Body(text, cost(text).segments, cut=True)


def gsm_safe(text: str) -> str:
    """Rewrite typography with plain characters when that makes the text fit the GSM alphabet; else leave it be."""
    composed = normalize("NFC", text.replace("\r\n", "\n"))
    plain = composed.translate(PLAIN_FORMS)
    return plain if is_gsm7(plain) else composed


def _cut(words: str, tail: str, most_segments: int) -> str:
    room = _longest(words, tail, most_segments)
    kept = words[:room]
    ends = [found.end() for found in SENTENCE_END.finditer(words) if found.end() <= room and _ends(found[1])]
    if ends and ends[-1] >= room * LEAST_KEPT:
        kept = words[: ends[-1]]
    elif (space := kept.rfind(" ")) > 0:
        kept = kept[:space]
    return kept.rstrip().rstrip(JOINERS) + CUT_MARK + tail


def _ends(following: str | None) -> bool:
    """Tell a sentence's end from an abbreviation's, which a small letter or a number follows."""
    return following is None or not (following.islower() or following.isdigit())


def _longest(words: str, tail: str, most_segments: int) -> int:
    """Find the most characters of ``words`` that fit together with the mark and the tail, by halving."""
    fits, too_many = 0, len(words) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if cost(gsm_safe(words[:middle] + CUT_MARK + tail)).segments <= most_segments:
            fits = middle
        else:
            too_many = middle
    return fits
