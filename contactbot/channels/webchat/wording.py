"""What the widget itself says, in each language; one that is not complete falls back to the first, marked as such."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "languages"
COMPLETE = ("nb", "nn", "en")  # these say everything; tests hold them to it
LANGUAGES = (*COMPLETE, "se")


@dataclass(frozen=True, slots=True)
class Words:
    """One language's sentences. ``language`` was asked for; ``lang`` is what the sentences are written in."""

    language: str
    lang: str
    sentences: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        """Return a sentence as it stands, with its ``{holes}``."""
        return self.sentences[key]

    def say(self, key: str, **values: object) -> str:
        """Return a sentence with its holes filled."""
        return self.sentences[key].format(**values)


@cache
def words(language: str) -> Words:
    """Return a language's sentences. Raises KeyError for a language that is not among LANGUAGES."""
    if language not in LANGUAGES:
        raise KeyError(language)
    own = {key: str(value) for key, value in tomllib.loads((_FOLDER / f"{language}.toml").read_text("utf-8")).items()}
    if language in COMPLETE:
        return Words(language, own["lang"], own)
    return Words(language, COMPLETE[0], {**words(COMPLETE[0]).sentences, "name": own["name"]})


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
