"""Where a long message asks: the sentences of a mail that are questions, each with what was told before it."""

import re
from collections.abc import Iterator
from typing import Final

from contactbot.kb.normalise import tokens

LONG: Final = 25
"""Words from which a message is more than its question: a greeting, a story, a signature."""
MOST: Final = 4
"""Passages that are looked at: each costs a search."""

_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")


def passages(text: str) -> tuple[str, ...]:
    """Return the passages of a long message that ask something, none of a short one."""
    if len(tokens(text)) < LONG:
        return ()
    return tuple(dict.fromkeys(_asking([part for part in _END.split(text) if part.strip()])))[:MOST]


def _asking(sentences: list[str]) -> Iterator[str]:
    for before, sentence in zip(["", *sentences], sentences, strict=False):
        if sentence.endswith("?"):
            yield f"{before} {sentence}".strip()
            yield sentence
