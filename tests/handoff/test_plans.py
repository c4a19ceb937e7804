"""What a look at the desk asks of the store: nothing that reads all cases there ever were."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from contactbot.handoff import store
from contactbot.handoff.ticket import Filter, Holder
from contactbot.storage import schema
from contactbot.storage.dialect import Sqlite
from contactbot.storage.transaction import Transaction

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
NARROWED = [Filter(), Filter(team="Teknisk drift", channel="sms"), Filter(holder=Holder.ME)]
SORT = "USE TEMP B-TREE FOR ORDER BY"


@pytest.fixture
def connection(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    """Return a connection to an empty database: which index serves is decided by the schema alone."""
    schema.upgrade(sqlite_url)
    with closing(Sqlite(sqlite_url).connect()) as opened:
        yield opened


def plan_of(connection: sqlite3.Connection, look: Callable[[Transaction], object]) -> dict[str, list[str]]:
    """Return the steps that SQLite takes for what a unit asks, by the part of the statement that takes them."""
    heard: list[str] = []
    connection.set_trace_callback(heard.append)
    look(Transaction(connection, Sqlite("")))
    connection.set_trace_callback(None)
    (said,) = heard
    parts, steps = {0: "WHOLE"}, defaultdict(list)
    for number, within, _, step in connection.execute(f"EXPLAIN QUERY PLAN {said}"):
        parts[number] = step.rstrip(" 0123456789")
        steps[parts[within]].append(step)
    return steps


@pytest.mark.parametrize("narrowed", NARROWED)
def test_the_counts_of_the_views_read_indexes_of_what_is_under_way_and_of_what_is_undecided(
    connection: sqlite3.Connection, narrowed: Filter
) -> None:
    plan = plan_of(connection, lambda tx: store.counts(tx, "fjordvik", 1, NOW, narrowed))
    assert plan["WHOLE"][0] == "SEARCH k USING COVERING INDEX ix_ticket_desk (municipality=? AND state=?)"
    assert [step.replace("COVERING ", "") for step in plan["CO-ROUTINE undecided"]][:1] == [
        "SEARCH k USING INDEX ix_ticket_undecided (municipality=? AND state=?)"
    ]
    assert SORT not in plan["CO-ROUTINE undecided"]


@pytest.mark.parametrize("narrowed", NARROWED)
@pytest.mark.parametrize("name", store.VIEWS)
def test_a_view_finds_its_cases_by_index_and_sorts_no_closed_ones(
    connection: sqlite3.Connection, name: str, narrowed: Filter
) -> None:
    plan = plan_of(connection, lambda tx: store.view(tx, "fjordvik", name, 1, NOW, 100, narrowed))
    assert not [step for steps in plan.values() for step in steps if step.startswith("SCAN")]
    assert (SORT in plan["LIST SUBQUERY"]) == (name not in {"closed", "undecided"})
