"""What search promises: the same finds on both engines, in the transaction that writes."""

import pytest

from contactbot.messages import Author
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage
from tests.storage.town import MONDAY, TOWN, thread_of

SAID = (
    "Når får jeg svar på søknaden?",
    "Min far søker om byggetillatelse",
    "ÅPNINGSTIDER på biblioteket",
    "Barnehageplass til søsken",
)


def said(tx: Transaction) -> list[int]:
    """Let a resident say things; return the messages."""
    thread = thread_of(tx, "Kari")
    return [threads.append(tx, TOWN, thread.id, NewMessage(Author.RESIDENT, text, "nb", MONDAY))[0] for text in SAID]


def found(tx: Transaction, wanted: str, municipality: str = TOWN) -> list[int]:
    """Search as the desk does."""
    return tx.dialect.find_messages(tx, municipality, wanted, 10)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("får", [0]),
        ("far", [1]),
        ("åpningstider", [2]),
        ("Åpning", [2]),
        ("barnehage", [3]),
        ("søknaden får", [0]),
        ("søk", [1, 0]),
        ("svar finnes ikke", []),
        ("", []),
    ],
)
async def test_words_are_found_as_norwegian_reads_them(database: Database, wanted: str, expected: list[int]) -> None:
    messages = await database.write(said)
    assert await database.read(found, wanted) == [messages[index] for index in expected]


@pytest.mark.parametrize(
    "typed", ['"', "får*", "får OR far", "NEAR(får)", "får' | 'far", "!far", ":*", "a:b", "\\", "-far"]
)
async def test_operators_of_the_engines_cannot_be_typed(database: Database, typed: str) -> None:
    messages = await database.write(said)
    results = await database.read(found, typed)
    assert messages[2] not in results
    assert messages[3] not in results


async def test_another_municipality_finds_nothing(database: Database) -> None:
    await database.write(said)
    assert await database.read(found, "far", "elsewhere") == []


async def test_what_is_erased_is_not_found(database: Database) -> None:
    messages = await database.write(said)
    await database.write(lambda tx: tx.dialect.unindex_messages(tx, [messages[1]]))
    assert await database.read(found, "far") == []
