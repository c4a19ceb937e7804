"""Every setting is documented: what it means, its unit, its default."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points

import pytest
from pydantic import BaseModel

from contactbot.settings import CHANNELS, Settings
from contactbot.settings_page import page
from tests.house.source import ROOT

SHORTEST = 8  # letters of a description that says something


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in _within(field.annotation):
            yield from _models(inner)


def _within(kind: object) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in getattr(kind, "__args__", ()):
        yield from _within(part)


MODELS = [
    inner
    for model in (Settings, *(point.load().Settings for point in entry_points(group=CHANNELS)))
    for inner in _models(model)
]


def test_the_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == page(), "run 'make docs'"


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_every_setting_has_a_meaning_and_is_on_the_page(model: type[BaseModel]) -> None:
    text = page()
    for name, field in model.model_fields.items():
        meaning = field.description or ""
        assert len(meaning) >= SHORTEST, f"{model.__name__}.{name} has no meaning"
        assert meaning.rstrip().endswith("."), f"{model.__name__}.{name}: a meaning is a sentence"
        assert meaning.replace("|", "\\|") in text


@pytest.mark.parametrize("model", MODELS, ids=[model.__name__ for model in MODELS])
def test_a_misspelt_key_is_an_error(model: type[BaseModel]) -> None:
    assert model.model_config.get("extra") == "forbid"


def test_every_channel_has_its_table() -> None:
    for point in entry_points(group=CHANNELS):
        assert re.search(rf"^## `\[channels\.{point.name}\]`$", page(), re.MULTILINE)
