"""Words on the municipality's own list are nowhere but in the original, and danger told in them is still heard."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contactbot.storage.tables import metadata
from tests.conversation.town import HERE, Town, running

LISTED = ("hiv", "schizofren*", "ta livet av meg")


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house whose municipality has such a list."""
    towns = {HERE: {"name": "Fjordvik kommune", "masked_terms": LISTED}}
    async with running(sqlite_url, tmp_path, municipalities=towns) as started:
        yield started


async def test_a_listed_word_stands_in_no_table_and_is_told_once_without_being_repeated(town: Town) -> None:
    said = await town.ask("Gjelder tilskuddet til transport også meg som er Schizofren og har HIV?")
    assert "opplysninger fra meldingen din som ikke bør sendes her" in said
    for table in (one for one in metadata.sorted_tables if one.name != "blob"):  # which keeps the original
        for row in await town.house.database.read(lambda tx, name=table.name: tx.rows(f"SELECT * FROM {name}")):  # noqa: S608 - our own names
            assert not any(word in str(row).lower() for word in ("schizofren", "har hiv")), table.name
    assert "schizofren" not in said.lower()


async def test_danger_told_in_listed_words_is_still_heard(town: Town) -> None:
    outcome = await town.say("Jeg har tenkt å ta livet av meg i natt")
    assert outcome["outcome"] == "acute"
    assert (await town.ticket()).priority == "urgent"
    assert "ta livet av meg" not in (await town.ticket()).title
