"""What the widget itself says, in each language; one that is not complete falls back to the first, marked as such."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from contactbot.messages import Author, Spoken
from contactbot.wording.words import Words, read

_FOLDER = Path(__file__).parent / "languages"
COMPLETE = ("nb", "nn", "en")  # these say everything; tests hold them to it
LANGUAGES = (*COMPLETE, "se")


@cache
def words(language: str) -> Words:
    """Return a language's sentences. Raises KeyError for a language that is not among LANGUAGES."""
    if language not in LANGUAGES:
        raise KeyError(language)
    own = read(_FOLDER, language)
    if language in COMPLETE:
        return Words(language, own["lang"], own)
    return Words(language, COMPLETE[0], {**words(COMPLETE[0]).sentences, "name": own["name"]})


def clock(at: datetime, said: Words) -> str:
    """Return the time of day as the language writes it."""
    return f"{at:%H}{said['time_mark']}{at:%M}"


def who(spoken: Spoken, said: Words) -> str:
    """Return who said something, so that bot and person are told apart by name."""
    match spoken.author:
        case Author.RESIDENT:
            return said["you"]
        case Author.BOT:
            return spoken.author_name or said["bot"]
        case Author.STAFF:
            return f"{spoken.author_name}, {said['staff']}" if spoken.author_name else said["staff_unnamed"]


def preferred(header: str, available: Sequence[str]) -> str | None:
    """Return the first available language of an Accept-Language header (RFC 9110 §12.5.4); ``no`` means ``nb``."""
    wishes = sorted((_wish(part) for part in header[:500].split(",")), key=lambda wish: -wish[1])
    for tag, weight in wishes:
        if weight > 0 and tag in available:
            return tag
    return None


def _wish(part: str) -> tuple[str, float]:
    tag, _, quality = part.partition(";q=")
    primary = tag.strip().lower().partition("-")[0]
    try:
        weight = float(quality) if quality else 1.0
    except ValueError:
        weight = 0.0
    return "nb" if primary == "no" else primary, weight
