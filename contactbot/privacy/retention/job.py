"""Deletes what has had its time, in units so small that nobody's message waits for them.

A run over a class goes on where the last unit committed: its place and what it has deleted so far stand in the same
transaction as the deletion. When it has deleted something, its end leaves an event with the numbers.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from contactbot.masking import EVERYTHING
from contactbot.municipality import Municipality
from contactbot.privacy.retention import store
from contactbot.privacy.retention.classes import CLASSES, Row, table
from contactbot.privacy.retention.due import Due
from contactbot.privacy.retention.store import Run
from contactbot.storage import events
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction

BATCH = 200  # rows that one unit looks at: some 15 ms of the writer where they are conversations
UNITS = {data.name: data.unit for data in CLASSES if data.unit is not None}


async def run(database: Database, municipality: Municipality, now: datetime, limit: int = BATCH) -> None:
    """Delete everything of a municipality that is due."""
    for row in table(municipality):
        if row.data.name in UNITS and row.keep.days is not None:
            await _run_class(database, municipality, row, now, limit)


async def _run_class(database: Database, municipality: Municipality, row: Row, now: datetime, limit: int) -> None:
    before = now - timedelta(days=row.keep.days or 0)
    while await database.write(delete_some, municipality, row.data.name, before, now, limit):
        pass


def delete_some(
    tx: Transaction, municipality: Municipality, name: str, before: datetime, now: datetime, limit: int
) -> bool:
    """Delete some of a class whose clock started before a moment; return whether another unit has to go on."""
    last = store.runs(tx, municipality.id).get(name)
    run = Run(name, now, None, 0, {}) if last is None or last.finished_at is not None else last
    step = UNITS[name](tx, Due(municipality.id, before, now, limit, partial(_masked, municipality), run.cursor))
    run = replace(run, cursor=step.cursor, deleted=store.total(run.deleted, step.deleted))
    store.keep_run(tx, municipality.id, run if step.more else replace(run, finished_at=now))
    if run.deleted and not step.more:
        proof: dict[str, object] = {"deleted": run.deleted, "before": before.isoformat(timespec="seconds")}
        events.record(tx, municipality.id, now, "upkeep", "retention.ran", subject=name, data=proof)
    return step.more


def _masked(municipality: Municipality, text: str) -> str:
    """Return a question as it is kept when nobody knows any more who asked: without telephone numbers and addresses."""
    return municipality.mask(text, EVERYTHING).text
