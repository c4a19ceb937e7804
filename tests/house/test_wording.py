"""What the bot says is whole in every complete language, and nothing is written that is never said."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from contactbot import wording
from contactbot.channels.webchat import wording as widget
from contactbot.privacy.retention.classes import CLASSES
from contactbot.web import about_bot, residents, security
from tests.house.source import PACKAGE, modules, texts, tracked, tree

WORDING = PACKAGE / "wording"
WIDGET = PACKAGE / "channels" / "webchat" / "languages"
PAGES = PACKAGE / "web" / "languages"
SHORTEST_PATTERN = 4  # letters that an f-string must hold to count as naming keys


def _keys(file: Path) -> dict[str, object]:
    return tomllib.loads(file.read_text("utf-8"))


def test_the_wording_is_whole() -> None:
    wording.check()


@pytest.mark.parametrize("language", wording.COMPLETE)
def test_every_sentence_has_words_in_each_complete_language(language: str) -> None:
    said = _keys(WORDING / f"{language}.toml")
    assert set(said) == set(_keys(WORDING / "nb.toml"))
    assert [key for key, words in said.items() if not str(words).strip()] == []


@pytest.mark.parametrize("language", widget.COMPLETE)
def test_the_widget_has_words_in_each_complete_language(language: str) -> None:
    said = _keys(WIDGET / f"{language}.toml")
    assert set(said) == set(_keys(WIDGET / "nb.toml"))
    assert [key for key, words in said.items() if not str(words).strip()] == []


@pytest.mark.parametrize("language", residents.LANGUAGES)
def test_the_residents_pages_have_words_in_each_language(language: str) -> None:
    said = _keys(PAGES / f"{language}.toml")
    assert set(said) == set(_keys(PAGES / "nb.toml"))
    assert [key for key, words in said.items() if not str(words).strip()] == []


# Keys that pages put together: of an error's status, and of a class of data.
COMPOSED = {
    *(f"error_{status}{end}" for status in security.WORDED for end in ("", "_why")),
    *(f"{part}_{one.name}" for part in ("kept", "from") for one in CLASSES if one.name not in about_bot.OF_STAFF),
}


@pytest.mark.parametrize("key", sorted(set(_keys(PAGES / "nb.toml")) - {"lang", "name", *about_bot.NAMES, *COMPOSED}))
def test_every_sentence_of_the_residents_pages_stands_on_one(key: str) -> None:
    in_code = any(f'"{key}"' in file.read_text("utf-8") for file in (PACKAGE / "web").glob("*.py"))
    assert in_code or any(f'"{key}"' in page for page in _pages())


@pytest.mark.parametrize("key", sorted(_keys(WORDING / "nb.toml")))
def test_every_sentence_is_said_somewhere(key: str) -> None:
    exact, patterns = _said_in_code()
    in_pages = any(f'"{key}"' in page or f"'{key}'" in page for page in _pages())
    assert key in exact or in_pages or any(pattern.fullmatch(key) for pattern in patterns)


def test_a_language_that_is_not_complete_holds_only_reviewed_sentences() -> None:
    for language in set(wording.languages()) - set(wording.COMPLETE):
        said = _keys(WORDING / f"{language}.toml")
        for key, words in said.items():
            reviewed = words if isinstance(words, dict) else said
            assert reviewed.get("reviewed_by"), f"{language}.toml: nobody has reviewed {key}"
            assert reviewed.get("reviewed_at"), f"{language}.toml: {key} lacks the day of its review"


def _said_in_code() -> tuple[set[str], list[re.Pattern[str]]]:
    exact: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for file in modules():
        exact |= {text for _, text in texts(file)}
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.JoinedStr):
                patterns += _pattern(node)
    return exact, patterns


def _pattern(node: ast.JoinedStr) -> list[re.Pattern[str]]:
    """Return what an f-string can become, when enough of it is fixed to mean something."""
    parts = [str(part.value) if isinstance(part, ast.Constant) else "" for part in node.values]
    if sum(map(len, parts)) < SHORTEST_PATTERN:
        return []
    return [re.compile("".join(re.escape(part) if part else r"\w+" for part in parts))]


def _pages() -> list[str]:
    return [file.read_text("utf-8") for file in tracked() if file.suffix == ".html" and file.is_relative_to(PACKAGE)]
