"""What residents are answered from follows what editors publish, without building it anew."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random

import pytest

from contactbot.clock import now
from contactbot.conversation import knowledge
from contactbot.conversation.knowledge import FEW, Bases
from contactbot.demo import base
from contactbot.kb import editing, store
from contactbot.kb.editing import Edit
from contactbot.kb.entry import Entry, EntryText
from contactbot.municipalities import municipalities
from contactbot.settings import MunicipalitySettings
from contactbot.storage.database import Database, open_database
from tests.storage.town import MONDAY, TOWN, founded

KNOWN = municipalities({TOWN: MunicipalitySettings(name="Fjordvik kommune")}, "https://chat.example")
EDIT = Edit(TOWN, "operator", MONDAY, "")
SAMPLE = base()[:30]
ASKED = [way for entry in SAMPLE for way in entry.texts[0].ways_to_ask()[:2]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open a database with thirty published answers."""
    async with open_database(database_url, now) as opened:
        await opened.write(founded)
        await opened.write(editing.take_in, TOWN, SAMPLE, "operator", MONDAY)
        yield opened


@pytest.fixture
def bases(database: Database) -> Bases:
    """Return what answers from the database."""
    return Bases(database, KNOWN, lambda: MONDAY)


async def edited(database: Database, dice: Random) -> int:
    """Change the base somehow; return its revision."""
    entry = dice.choice(SAMPLE)
    latest: Entry = await database.read(store.entry, TOWN, entry.id)
    phrasing = EntryText("nb", f"Hva med {dice.randrange(1000)}?", (f"om {dice.choice(ASKED)}",), full="Slik.")
    if dice.random() < 0.4:
        await database.write(editing.archive, EDIT, entry.id)
    elif (await database.read(store.state, TOWN, entry.id))[0] != "archived":
        expired = date(2026, 1, 1) if dice.random() < 0.3 else None
        new = replace(entry, texts=(*entry.texts[:1], phrasing)[dice.randrange(2) :], valid_to=expired)
        await database.write(editing.publish, EDIT, new, latest.version)
    revision: int = await database.read(store.revision, TOWN)
    return revision


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_edits_answers_are_found_as_if_all_were_built_anew(database: Database, seed: int) -> None:
    dice = Random(seed)
    bases = Bases(database, KNOWN, lambda: MONDAY)
    await bases.current(TOWN, 0)
    for _ in range(8):
        for _ in range(dice.randint(1, 3)):
            revision = await edited(database, dice)
        ours = await bases.current(TOWN, revision)
        anew = await Bases(database, KNOWN, lambda: MONDAY).current(TOWN, revision)
        assert ours.entries == anew.entries
        for question in dice.sample(ASKED, 12):
            found, expected = (one.index.search(question, "nb", 3) for one in (ours, anew))
            assert found[0].entry_id == expected[0].entry_id
            # Of rows equally far, the last to be looked at may be another: scores are added up in another order.
            assert found[0].probability == pytest.approx(expected[0].probability, abs=0.05)


async def test_a_publication_is_taken_in_without_building_anew(
    database: Database, bases: Bases, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await bases.current(TOWN, 0)
    monkeypatch.delattr(knowledge, "build")
    new = Entry("kulelys", 1, (EntryText("nb", "Hvor finner jeg kulelys?", full="På lageret."),))
    await database.write(editing.publish, EDIT, new, 0)
    after = await bases.current(TOWN, before.revision + 1)
    assert after.index.search("kulelys", "nb")[0].entry_id == "kulelys"
    assert "kulelys" not in before.entries  # who reads it now is not disturbed
    assert all(one.entry_id != "kulelys" for one in before.index.search("kulelys", "nb"))


async def test_many_new_answers_at_once_are_all_found(database: Database, bases: Bases) -> None:
    before = await bases.current(TOWN, 0)
    many = [Entry(f"ny-{n}", 1, (EntryText("nb", f"Hva er greie{n}?", full="Det."),)) for n in range(FEW + 1)]
    await database.write(editing.take_in, TOWN, many, "operator", MONDAY)
    after = await bases.current(TOWN, before.revision + 1)
    assert len(after.entries) == len(before.entries) + FEW + 1
    assert after.index.search("greie7", "nb")[0].entry_id == "ny-7"


async def test_an_answer_that_is_valid_from_tomorrow_is_found_tomorrow(database: Database) -> None:
    clock = [MONDAY]
    bases = Bases(database, KNOWN, lambda: clock[0])
    await bases.current(TOWN, 0)
    text = EntryText("nb", "Hvor finner jeg kulelys?", full="På lageret.")
    later = Entry("kulelys", 1, (text,), valid_from=date(2026, 3, 3))
    await database.write(editing.publish, EDIT, later, 0)
    revision = await database.read(store.revision, TOWN)
    assert "kulelys" not in (await bases.current(TOWN, revision)).entries
    clock[0] = datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert "kulelys" in (await bases.current(TOWN, revision)).entries
