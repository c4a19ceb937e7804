"""The configuration is read once, and refused with the key's name when it cannot be used."""

from pathlib import Path
from typing import Any

import pytest

from contactbot.errors import SettingsError
from contactbot.settings import from_values, load

RIGHT: dict[str, Any] = {
    "public_url": "https://chat.fjordvik.example/",
    "secret": "x" * 32,
    "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
}


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    settings = from_values(RIGHT | {"data": tmp_path}, "test")
    assert settings.public_url == "https://chat.fjordvik.example"
    assert settings.database_url == f"sqlite:///{tmp_path / 'contactbot.db'}"
    assert settings.municipalities["fjordvik"].main_language == "nb"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"publik_url": "x"}, "publik_url"),
        ({"delivery": {"worker": 3}}, "delivery.worker"),
        ({"delivery": {"workers": 0}}, "delivery.workers"),
        ({"secret": "short"}, "secret"),
        ({"municipalities": {}}, "municipalities"),
        ({"municipalities": {"f": {"name": "F", "hours": {"mon": ["8-16"]}}}}, "hours.mon"),
        ({"channels": {"telegram": {}}}, "channels.telegram"),
        ({"log_level": "loud"}, "log_level"),
        ({"trusted_proxies": ["10.0.0.1", "proxy.example"]}, "trusted_proxies.1"),
    ],
)
def test_a_wrong_key_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        from_values(RIGHT | wrong, "test")


def test_an_error_never_shows_a_secret() -> None:
    with pytest.raises(SettingsError) as error:
        from_values(RIGHT | {"secret": "hunter2"}, "test")
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(("content", "words"), [(None, "init"), (b"a = ", "TOML"), (b"\xff", "TOML")])
def test_a_file_that_cannot_be_read_is_said_in_words(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "contactbot.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        load(file)


def test_the_environment_wins_over_the_file_also_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACTBOT_SECRET", "y" * 40)
    monkeypatch.setenv("CONTACTBOT_DELIVERY__WORKERS", "7")
    settings = from_values(RIGHT | {"delivery": {"first_retry": 9}}, "test")
    assert settings.secret.get_secret_value() == "y" * 40
    assert (settings.delivery.workers, settings.delivery.first_retry) == (7, 9)
