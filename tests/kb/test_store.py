"""The store of entries: versions stay, one is published, and each municipality has its own."""

from datetime import timedelta
from functools import partial

import pytest

from contactbot.errors import NotFoundError
from contactbot.kb import store
from contactbot.messages import Address
from contactbot.storage import installation
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from tests.kb.samples import TAX, WASTE
from tests.storage.town import MONDAY, TOWN, answer, thread_of

OTHER = "nabovik"


def neighbours(tx: Transaction) -> None:
    town = installation.Member(OTHER, "Nabovik kommune", "NO", "nn", "Europe/Oslo", ("Servicetorget",))
    installation.write(tx, [town], [])


async def test_every_version_stays_readable(database: Database) -> None:
    for _ in range(3):
        await database.write(store.save, TOWN, WASTE, "operator", MONDAY)
    history = await database.read(store.versions, TOWN, WASTE.id)
    assert [one.version for one in history] == [3, 2, 1]
    assert [(await database.read(store.entry, TOWN, WASTE.id, one.version)).version for one in history] == [3, 2, 1]


async def test_a_content_is_kept_word_for_word(database: Database) -> None:
    await database.write(store.save, TOWN, WASTE, "operator", MONDAY)
    assert await database.read(store.entry, TOWN, WASTE.id) == WASTE


async def test_what_is_not_published_is_not_found_as_published(database: Database) -> None:
    await database.write(store.save, TOWN, WASTE, "operator", MONDAY)
    with pytest.raises(NotFoundError):
        await database.read(store.published, TOWN, WASTE.id)
    await database.write(store.publish, TOWN, WASTE.id, 1, "operator", MONDAY)
    await database.write(store.save, TOWN, WASTE, "operator", MONDAY + timedelta(days=1))
    assert await database.read(store.published, TOWN, WASTE.id) == (WASTE, MONDAY)


async def test_a_version_that_is_not_there_cannot_be_published(database: Database) -> None:
    await database.write(store.save, TOWN, WASTE, "operator", MONDAY)
    with pytest.raises(NotFoundError):
        await database.write(store.publish, TOWN, WASTE.id, 2, "operator", MONDAY)


async def test_each_municipality_has_its_own_entries(database: Database) -> None:
    await database.write(neighbours)
    await database.write(store.save, TOWN, WASTE, "operator", MONDAY)
    await database.write(store.save, OTHER, TAX, "operator", MONDAY)
    await database.write(store.publish, TOWN, WASTE.id, 1, "operator", MONDAY)
    assert [one.entry.id for one in await database.read(store.shelf, OTHER)] == [TAX.id]
    assert (await database.read(store.base, OTHER)).entries == ()
    assert await database.read(store.revision, OTHER) == 0
    assert not await database.read(store.exists, OTHER, WASTE.id)
    with pytest.raises(NotFoundError):
        await database.read(store.entry, OTHER, WASTE.id)


async def test_answers_given_are_counted_from_a_day_on(database: Database) -> None:
    await database.write(given)
    assert await database.read(store.uses, TOWN, MONDAY) == {"avfall-dager": 2, "skatt": 1}
    assert await database.read(store.uses, TOWN, MONDAY + timedelta(days=1)) == {}
    assert await database.read(store.uses, OTHER, MONDAY) == {}


async def test_what_residents_think_of_an_answer_is_counted_and_their_last_word_counts(database: Database) -> None:
    await database.write(given)
    for helpful, comment in ((True, ""), (False, "Gjelder det hytta?"), (False, "")):
        unit = partial(store.rate, helpful=helpful, comment=comment)
        assert await database.write(unit, TOWN, Address("loopback", "kim"), 1, MONDAY)
    assert await database.write(
        partial(store.rate, helpful=True, comment=""), TOWN, Address("loopback", "kim"), 3, MONDAY
    )
    rated = await database.read(store.ratings, TOWN, WASTE.id, MONDAY, 5)
    assert (rated.helpful, rated.unhelpful) == (1, 1)
    assert [(one.text, one.helpful, one.version) for one in rated.comments] == [("Gjelder det hytta?", False, 1)]
    assert await database.read(store.ratings, TOWN, TAX.id, MONDAY, 5) == store.Ratings(0, 0)


async def test_nobody_rates_an_answer_that_was_not_given_to_them(database: Database) -> None:
    await database.write(given)
    unit = partial(store.rate, helpful=True, comment="Bra")
    assert not await database.write(unit, TOWN, Address("loopback", "kim"), 4, MONDAY)
    assert not await database.write(unit, TOWN, Address("loopback", "ola"), 1, MONDAY)
    assert not await database.write(unit, OTHER, Address("loopback", "kim"), 1, MONDAY)
    assert await database.read(store.ratings, TOWN, WASTE.id, MONDAY, 5) == store.Ratings(0, 0)


def given(tx: Transaction) -> None:
    """Let the bot have answered three times."""
    thread = thread_of(tx, "kim")
    for entry in (WASTE.id, TAX.id, WASTE.id):
        answer(tx, thread, "Tirsdag.")
        message = tx.value("SELECT max(id) FROM message")
        threads.show(tx, thread.id, message)
        tx.insert(
            "answer_given", municipality=TOWN, message=message, entry=entry, entry_version=1, language="nb",
            confidence="0.9", rule="sure",
        )  # fmt: skip
