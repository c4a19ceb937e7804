"""What the bot itself says, one TOML file per language.

Bokmål, nynorsk and English are complete or the start stops. A language with fewer words (Northern Sámi) holds only keys
that a named person has reviewed; the rest falls back to the first complete language, and ``say`` tells which was used.
"""

import tomllib
from functools import cache
from importlib.resources import files
from string import Formatter

from babel import Locale

from contactbot.errors import SettingsError

COMPLETE = ("nb", "nn", "en")


class WordingError(SettingsError):
    """A wording file lacks a key or uses a value that the others do not."""


@cache
def languages() -> tuple[str, ...]:
    """Return every language there is a file for, the complete ones first."""
    there = {file.name.removesuffix(".toml") for file in files(__name__).iterdir() if file.name.endswith(".toml")}
    return (*COMPLETE, *sorted(there - set(COMPLETE)))


def say(language: str, key: str, /, **values: object) -> str:
    """Return the words for ``key`` with the values filled in, in ``language`` or else the first complete one.

    Raises WordingError for a key that does not exist.
    """
    words = _words(language).get(key) or _words(COMPLETE[0]).get(key)
    if words is None:
        raise WordingError(f"there is no wording {key!r}")
    return words.format(**values)


def spoken(language: str) -> str:
    """Return the complete language that serves for ``language``: itself, or the first."""
    return language if language in COMPLETE else COMPLETE[0]


def language_name(code: str, language: str) -> str:
    """Return what a language is called in ``language``, or its code where nobody has named it."""
    ours = _words(spoken(language)).get(f"language_{code}")
    return ours or str(Locale(spoken(language)).languages.get(code, code))


def check() -> None:
    """Compare the files. Raises WordingError naming what is missing or differs."""
    first = _words(COMPLETE[0])
    for language in languages():
        words = _words(language)
        missing = set(first) - set(words)
        if language in COMPLETE and missing:
            raise WordingError(f"wording/{language}.toml lacks {', '.join(sorted(missing))}")
        for key in set(words) & set(first):
            if _fields(words[key]) != _fields(first[key]):
                raise WordingError(f"wording/{language}.toml: {key} must use the values {sorted(_fields(first[key]))}")


@cache
def _words(language: str) -> dict[str, str]:
    file = files(__name__).joinpath(f"{language}.toml")
    if not file.is_file():
        return {}
    content = tomllib.loads(file.read_text("utf-8"))
    return {
        key: value if isinstance(value, str) else str(value["text"])
        for key, value in content.items()
        if key not in ("reviewed_by", "reviewed_at")
    }


def _fields(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name}
