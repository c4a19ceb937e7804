"""Editors save, publish, take back and import in whole steps, and nobody's words are written over unseen."""

import asyncio
from dataclasses import replace

import pytest

from contactbot.errors import ConflictError, NotFoundError
from contactbot.kb import editing, store
from contactbot.kb.editing import Edit
from contactbot.kb.entry import Entry, EntryText
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from tests.kb.samples import TAX, WASTE
from tests.storage.town import MONDAY, TOWN

PUBLISH, AS_DRAFTS = True, False
EDIT = Edit(TOWN, "staff:1", MONDAY, "Ny dag")
NEWER = replace(WASTE, texts=(EntryText("nb", "Når hentes søppelet?", full="Onsdag"),))


def published(tx: Transaction) -> dict[str, Entry]:
    return {entry.id: entry for entry in store.base(tx, TOWN).entries}


def events(tx: Transaction) -> list[str]:
    return [row[0] for row in tx.rows("SELECT kind FROM event WHERE kind LIKE 'entry.%' ORDER BY seq")]


async def test_residents_do_not_see_a_draft(database: Database) -> None:
    assert await database.write(editing.save, EDIT, WASTE, 0) == 1
    assert await database.read(published) == {}
    assert (await database.read(store.state, TOWN, WASTE.id)) == ("draft", None)


async def test_publishing_saves_and_shows_in_one_step(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    assert await database.read(published) == {WASTE.id: WASTE}
    assert await database.read(store.revision, TOWN) == 1


async def test_a_newer_draft_leaves_what_is_published(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    assert await database.write(editing.save, EDIT, NEWER, 1) == 2
    assert (await database.read(published))[WASTE.id] == WASTE
    assert (await database.read(store.entry, TOWN, WASTE.id)).texts == NEWER.texts


async def test_saving_over_a_version_one_has_not_seen_is_refused(database: Database) -> None:
    await database.write(editing.save, EDIT, WASTE, 0)
    await database.write(editing.save, EDIT, NEWER, 1)
    with pytest.raises(ConflictError):
        await database.write(editing.publish, EDIT, WASTE, 1)
    assert await database.read(published) == {}


async def test_of_two_who_save_at_once_one_is_told(database: Database) -> None:
    await database.write(editing.save, EDIT, WASTE, 0)
    others = [replace(WASTE, topic=topic) for topic in ("en", "to", "tre")]
    outcomes = await asyncio.gather(
        *(database.write(editing.save, EDIT, one, 1) for one in others), return_exceptions=True
    )
    assert [type(one) for one in outcomes].count(ConflictError) == 2


async def test_an_id_that_is_taken_is_refused_to_a_new_entry(database: Database) -> None:
    await database.write(editing.save, EDIT, WASTE, 0)
    with pytest.raises(ConflictError):
        await database.write(editing.save, EDIT, NEWER, 0)


async def test_saving_what_is_there_makes_no_version(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    assert await database.write(editing.publish, EDIT, WASTE, 1) == 1
    assert len(await database.read(store.versions, TOWN, WASTE.id)) == 1
    assert await database.read(store.revision, TOWN) == 1


async def test_an_earlier_version_comes_back_as_a_draft_above_the_newest(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    await database.write(editing.publish, EDIT, NEWER, 1)
    assert await database.write(editing.roll_back, EDIT, WASTE.id, 1) == 3
    assert (await database.read(store.entry, TOWN, WASTE.id)).texts == WASTE.texts
    assert (await database.read(published))[WASTE.id].texts == NEWER.texts


async def test_what_is_archived_is_not_given_and_comes_back_as_a_draft(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    await database.write(editing.archive, EDIT, WASTE.id)
    await database.write(editing.archive, EDIT, WASTE.id)
    assert await database.read(published) == {}
    assert await database.read(store.revision, TOWN) == 2
    await database.write(editing.bring_back, EDIT, WASTE.id)
    assert await database.read(store.state, TOWN, WASTE.id) == ("draft", None)
    assert await database.read(published) == {}


async def test_what_nobody_wrote_cannot_be_archived(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await database.write(editing.archive, EDIT, "nothing")


async def test_every_change_says_who_when_and_why(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    (version,) = await database.read(store.versions, TOWN, WASTE.id)
    assert (version.author, version.note, version.created_at) == ("staff:1", "Ny dag", MONDAY)
    assert version.author_name == "Ola Vik"
    assert await database.read(events) == ["entry.saved", "entry.published"]


# --- import ---


async def test_a_dry_run_tells_what_an_import_does_and_does_nothing(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    planned = await database.read(editing.plan, TOWN, (NEWER, TAX), PUBLISH)
    assert [(one.id, one.change, one.published) for one in planned] == [
        (WASTE.id, "changed", True),
        (TAX.id, "new", True),
    ]
    assert set(await database.read(published)) == {WASTE.id}
    assert await database.write(editing.take_in_reported, EDIT, (NEWER, TAX), PUBLISH) == planned
    assert (await database.read(published))[WASTE.id].texts == NEWER.texts


async def test_importing_twice_changes_nothing_the_second_time(database: Database) -> None:
    await database.write(editing.take_in_reported, EDIT, (WASTE, TAX), PUBLISH)
    revision = await database.read(store.revision, TOWN)
    again = await database.write(editing.take_in_reported, EDIT, (WASTE, TAX), PUBLISH)
    assert {one.change for one in again} == {"unchanged"}
    assert await database.read(store.revision, TOWN) == revision


async def test_an_import_as_drafts_leaves_residents_what_they_had(database: Database) -> None:
    await database.write(editing.publish, EDIT, WASTE, 0)
    done = await database.write(editing.take_in_reported, EDIT, (NEWER, TAX), AS_DRAFTS)
    assert [one.published for one in done] == [False, False]
    assert await database.read(published) == {WASTE.id: WASTE}


async def test_an_import_that_breaks_off_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        await database.write(broken_off)
    assert await database.read(store.shelf, TOWN) == ()


def broken_off(tx: Transaction) -> None:
    editing.take_in_reported(tx, EDIT, (WASTE, TAX), PUBLISH)
    raise RuntimeError("the machine stumbles")


async def test_a_draft_is_published_when_the_same_words_are_imported(database: Database) -> None:
    await database.write(editing.save, EDIT, WASTE, 0)
    (done,) = await database.write(editing.take_in_reported, EDIT, (WASTE,), PUBLISH)
    assert (done.change, done.published) == ("unchanged", True)
    assert set(await database.read(published)) == {WASTE.id}


# --- synonyms ---

POOL = ("store plasken", "svømmehallen")
NEST = ("kråkereiret", "biblioteket")


async def test_added_synonyms_hold_from_a_new_revision_on_and_once(database: Database) -> None:
    assert await database.write(editing.add_synonyms, EDIT, POOL) == 1
    assert await database.write(editing.add_synonyms, EDIT, POOL) == 1, "the same words again change nothing"
    assert (await database.read(store.base, TOWN)).synonyms == (POOL,)


async def test_synonyms_taken_out_stay_as_history_with_who_and_when(database: Database) -> None:
    await database.write(editing.add_synonyms, EDIT, POOL)
    (group,) = await database.read(store.own_synonyms, TOWN, 5)
    await database.write(editing.remove_synonyms, EDIT, group.id)
    assert await database.read(store.synonyms, TOWN) == ()
    (group,) = await database.read(store.own_synonyms, TOWN, 5)
    assert (group.words, group.added_at, group.removed_at) == (POOL, MONDAY, MONDAY)
    assert await database.read(store.own_synonyms, TOWN, 0) == ()
    with pytest.raises(ConflictError):
        await database.write(editing.remove_synonyms, EDIT, group.id)


async def test_of_two_who_change_the_same_synonyms_one_is_told(database: Database) -> None:
    await database.write(editing.add_synonyms, EDIT, POOL)
    (group,) = await database.read(store.own_synonyms, TOWN, 5)
    outcomes = await asyncio.gather(
        *(database.write(editing.change_synonyms, EDIT, group.id, (*POOL, name)) for name in ("badet", "plaskedammen")),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ConflictError) for one in outcomes) == 1
    assert len(await database.read(store.synonyms, TOWN)) == 1


async def test_setting_all_synonyms_leaves_those_that_stand_as_they_are(database: Database) -> None:
    await database.write(store.set_synonyms, TOWN, (POOL, NEST), "operator", MONDAY)
    before = {one.words: one.id for one in await database.read(store.own_synonyms, TOWN, 5)}
    await database.write(store.set_synonyms, TOWN, (POOL, ("huset", "samfunnshuset")), "operator", MONDAY)
    after = {one.words: one for one in await database.read(store.own_synonyms, TOWN, 5)}
    assert after[POOL].id == before[POOL]
    assert after[NEST].removed_at == MONDAY
    kinds = await database.read(lambda tx: tx.rows("SELECT kind FROM event WHERE kind LIKE 'synonyms.%' ORDER BY seq"))
    assert [kind for (kind,) in kinds] == ["synonyms.added"] * 2 + ["synonyms.removed", "synonyms.added"]
