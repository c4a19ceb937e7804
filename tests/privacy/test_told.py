"""Residents are told what they write with, where to read more, and once what was taken out of their words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.privacy.everywhere import WAYS, Everywhere, Said, everywhere
from tests.test_masking import national_id

DANGER = "jeg vil ikke leve lenger, jeg har tenkt å ta livet mitt i kveld"
FORM = "https://skjema.fjordvik.example/trygt"
WHO = ("automatisk", "Fjordvik kommune", "MENNESKE", "/personvern")


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everywhere]:
    """Run one house for all of these tests: everybody in them is somebody new."""
    folder = tmp_path_factory.mktemp("told")
    file = folder / "contactbot.db"
    file.write_bytes(migrated_file.read_bytes())
    with everywhere(f"sqlite:///{file}", folder) as running:
        yield running


@pytest.mark.parametrize("channel", WAYS)
@pytest.mark.parametrize(
    ("resident", "text"),
    [(1, "når åpner biblioteket"), (2, "jeg lurer på arv fra utlandet"), (3, "hei"), (4, "STATUS"), (5, DANGER)],
)
def test_the_first_message_on_every_channel_says_that_a_bot_writes_and_where_to_read_more(
    house: Everywhere, channel: str, resident: int, text: str
) -> None:
    first = house.hears(Said(channel, text, resident))
    for words in WHO:
        assert words.casefold() in " ".join(first).casefold()
    if house.house.channels[channel].abilities.remembers:  # elsewhere a message without a reference is a new thread
        again = house.hears(Said(channel, "når åpner biblioteket", resident))
        assert "/personvern" not in " ".join(again), "once is enough"


def test_help_in_danger_comes_before_any_word_about_ourselves(house: Everywhere) -> None:
    (first, *_) = house.hears(Said("sms", DANGER, 30))
    assert first.index("113") < first.casefold().index("automatisk")


@pytest.mark.parametrize("channel", WAYS)
def test_a_resident_is_told_once_what_was_taken_out_and_where_to_send_it_safely(
    house: Everywhere, channel: str
) -> None:
    number = national_id()
    said = " ".join(house.hears(Said(channel, f"når åpner biblioteket? fødselsnummeret mitt er {number}", 40)))
    assert said.count("fjernet et fødselsnummer") == 1
    assert said.count(FORM) == 1
    assert number not in said
    assert number[6:] not in said
    assert "fjernet" not in " ".join(house.hears(Said(channel, "når åpner biblioteket", 40)))


def test_what_else_is_taken_out_is_told_too(house: Everywhere) -> None:
    said = " ".join(house.hears(Said("webchat", "når åpner biblioteket, kort 4111 1111 1111 1111", 41)))
    assert "fjernet sensitive tall" in said
