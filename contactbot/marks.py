"""The marks that masking leaves, as people read them: "[fødselsnummer fjernet]" in the reader's language. Pure."""

import re
from typing import Final

from contactbot.masking import Kind, mark
from contactbot.wording import say

_KINDS: Final = {mark(kind): kind for kind in Kind}
_MARK: Final = re.compile("|".join(map(re.escape, _KINDS)))


def in_words(text: str, language: str) -> str:
    """Return a masked text as it is shown: what was taken out is named, in ``language`` or else the main one.

    For what is read only: what is stored and searched keeps the marks.
    """
    if "•••" not in text:
        return text
    return _MARK.sub(lambda found: f"[{say(language, f'removed_{_KINDS[found[0]]}')}]", text)
