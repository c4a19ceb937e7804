"""Why an answer was given, in the words people wrote rather than in the matcher's folded ones. Pure."""

import re
from typing import Final

from contactbot.kb.matching import Candidate
from contactbot.kb.normalise import tokens, word

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def matched_words(candidate: Candidate, text: str) -> tuple[tuple[str, str], ...]:
    """Return each word of ``text`` that spoke for the candidate, with the word of its wording it came nearest.

    Words that only carry the sentence ("hva", "how") are named where there are no others.
    """
    written, wording = _as_written(text), _as_written(candidate.phrasing)
    own = [pair for pair in candidate.words if pair[0] in written]
    telling = [pair for pair in own if not word(pair[0]).small]
    return tuple((written[asked], wording.get(found, found)) for asked, found in telling or own)


def _as_written(text: str) -> dict[str, str]:
    """Return a text's words by the form the matcher knows them by; of several spellings of one word, the first."""
    found: dict[str, str] = {}
    for match in _WORD.finditer(text):
        for token in tokens(match[0])[:1]:
            found.setdefault(word(token).form, match[0])
    return found
