"""Greetings, thanks, insults and the like, when nothing else is in the message."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from contactbot.conversation.phrases import PhraseBook, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping


class SmallTalk(StrEnum):
    """The kinds of messages that ask nothing."""

    GREETING = "greeting"
    THANKS = "thanks"
    BYE = "bye"
    INSULT = "insult"
    EMOJI = "emoji"
    COMPLIMENT = "compliment"
    BOT_QUESTION = "bot_question"
    OPENER = "opener"
    MISSED = "missed"


# Longer messages hold something to answer, or at least to read.
_LONGEST: Final = 200
_SMILEY: Final = re.compile(r"(?<!\w)(?:[:;=8]['^-]?[)(\]\[dpo/|*3]|<3+|xd+|\^\^|:'\()(?!\w)", re.IGNORECASE)
_SMILEY_WORD: Final = 3  # letters: what a smiley leaves of itself in a reading ("xdd") is no longer
_PICTURE_CATEGORIES: Final = frozenset({"So", "Sk"})

_TABLE: Final[Mapping[str, Any]] = tomllib.loads((files(__package__) / "smalltalk.toml").read_text("utf-8"))
_KIND_OF: Final = {phrase: SmallTalk(kind) for kind, phrases in _TABLE["kinds"].items() for phrase in phrases}
_ORDER: Final = tuple(SmallTalk(kind) for kind in _TABLE["kinds"])
_BOOK: Final = PhraseBook([*_KIND_OF, *_TABLE["beside"]["names"]], _TABLE["lists"], _TABLE["fillers"])


def smalltalk(text: str | Reading) -> SmallTalk | None:
    """Return what kind of small talk a message is, or None when it says anything else."""
    reading = Reading.of(text)
    if len(reading.text) > _LONGEST:
        return None
    if not _BOOK.has_words_for(reading, _SMILEY_WORD):  # no phrase here has a gap that another word could fill
        return None
    words, smileys = _SMILEY.subn(" ", reading.text)
    tokens = _BOOK.read(words if smileys else reading)
    if not tokens:
        return SmallTalk.EMOJI if _is_picture(words, smileys) else None
    kinds: set[SmallTalk] = set()
    covered: set[int] = set()
    for found in _BOOK.look(tokens).find():
        covered.update(range(found.start, found.end + 1))
        if found.phrase in _KIND_OF:
            kinds.add(_KIND_OF[found.phrase])
    if any(token.position not in covered for token in tokens):
        return None
    return next((kind for kind in _ORDER if kind in kinds), None)


def _is_picture(wordless: str, smileys: int) -> bool:
    """Tell whether a text without smileys holds pictures only: no letter, no digit, no mere punctuation."""
    if any(char.isalnum() for char in wordless):
        return False
    return smileys > 0 or any(unicodedata.category(char) in _PICTURE_CATEGORIES for char in wordless)
