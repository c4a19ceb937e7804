"""The language of a resident's page, what it says by itself in it, and addresses that keep it."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from aiohttp import web
from babel.dates import format_date

from contactbot.masking import mask
from contactbot.municipality import Municipality
from contactbot.wording import COMPLETE
from contactbot.wording.words import Words, read

LANGUAGES: Final = COMPLETE
_FOLDER: Final = Path(__file__).parent / "languages"


@cache
def words(language: str) -> Words:
    """Return what the pages say in a language; in the first there is for one that they do not speak."""
    known = language if language in LANGUAGES else LANGUAGES[0]
    own = read(_FOLDER, known)
    return Words(language, own["lang"], own)


class Speaking:
    """How one page speaks: in the language asked for by ``?lang=``, otherwise in the municipality's own.

    The browser's wishes are not asked: most name a form of the language that nobody chose, and a municipality has
    decided on its own. The others are one click away, and every link on the page keeps the one that was clicked.
    """

    def __init__(self, request: web.Request, town: Municipality) -> None:
        own = words(town.main_language)
        wanted = request.query.get("lang", "")
        self._path = request.path
        asked = {key: value for key, value in request.query.items() if key != "lang"}
        self._query = {key: mask(value, town.place).text for key, value in asked.items()}
        self._own = own.lang
        self.words = words(wanted) if wanted in LANGUAGES else own

    @property
    def others(self) -> list[tuple[str, str, str]]:
        """Every language of the pages: its code, what it calls itself, and this page's address in it."""
        return [(code, words(code)["name"], _with(self._path, {**self._query, "lang": code})) for code in LANGUAGES]

    def address(self, path: str) -> str:
        """Return the address of another page of ours, a fragment included, in the same language."""
        place, mark, fragment = path.partition("#")
        kept = {} if self.words.lang == self._own else {"lang": self.words.lang}
        return _with(place, kept) + mark + fragment

    def day(self, then: date, today: date) -> str:
        """Return a day as residents read it, with the year only where it is another than today's."""
        pattern = "d. MMMM" if self.words.lang != "en" else "d MMMM"
        return format_date(then, pattern if then.year == today.year else f"{pattern} y", locale=self.words.lang)


def _with(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
