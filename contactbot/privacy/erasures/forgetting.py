"""Forgetting a person: one unit parts them from what they wrote, then small units take the words away.

After the first unit nobody finds the person's conversations any more, and what they write from then on is a
conversation of its own. How far it has come stands in the ``erasure`` row, which each unit writes in its own
transaction: after a crash the next unit, or the next start of the service, goes on where the last one ended.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from contactbot.clock import Clock
from contactbot.errors import NotFoundError
from contactbot.privacy.erasures import store
from contactbot.privacy.erasures.erasure import NO_MESSAGES, Erasure, Kept, Order, tombstone
from contactbot.storage import blobs, events
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction

BATCH: Final = 500  # messages and threads that one unit looks at: some milliseconds of the writer
PAGE: Final = 2_000  # addresses read at a time when a backup has been restored


async def forget(database: Database, order: Order, clock: Clock, limit: int = BATCH) -> Erasure:
    """Forget somebody, to the end; return the receipt. Raises NotFoundError when there is nobody left to forget."""
    number = await database.write(begin, order)
    return await go_on(database, order.municipality, number, clock, limit)


async def go_on(database: Database, municipality: str, number: int, clock: Clock, limit: int = BATCH) -> Erasure:
    """Bring a forgetting to its end, unit by unit; return the receipt."""
    while not (done := await database.write(step, municipality, number, clock(), limit)).finished_at:
        pass
    finished: Erasure = done
    return finished


async def go_on_all(database: Database, clock: Clock) -> int:
    """Bring to their end what a crash, or a resident's own wish, left; return how many."""
    left: Sequence[tuple[str, int]] = await database.read(store.unfinished)
    for municipality, number in left:
        await go_on(database, municipality, number, clock)
    return len(left)


def begin(tx: Transaction, order: Order) -> int:
    """Part somebody from what they wrote; return the number of the forgetting.

    Raises NotFoundError when none of the addresses is anybody's.
    """
    rows = [row for number in order.addresses if (row := store.address(tx, order.municipality, number))]
    if not rows:
        raise NotFoundError("nobody here has these addresses; they may have been forgotten already")
    cases = [case for case in store.cases_of(tx, order.addresses) if case.duty is not None]
    kept = list(dict.fromkeys(Kept.case(case.number, case.duty) for case in cases if case.duty is not None))
    if any(row.stopped_at for row in rows):
        kept.append(NO_MESSAGES)
    stays = {(case.address, case.thread) for case in cases}
    stays.update(store.begun_after(tx, order.addresses, order.until))
    gone = 0
    for row in rows:
        store.bury(tx, order.municipality, tombstone(order.key, order.municipality, row.address), order.until)
        gone += store.part(tx, order, row, sorted(thread for address, thread in stays if address == row.id))
    number = store.begin(tx, order, gone, kept)
    events.record(
        tx, order.municipality, order.at, order.actor, "erasure.begun", subject=str(number),
        data={"addresses": len(rows), "kept": len(kept)},
    )  # fmt: skip
    return number


def step(tx: Transaction, municipality: str, number: int, at: datetime, limit: int) -> Erasure:
    """Take the next words away, or when none are left the bytes, or when none are left end; return where it stands.

    Looks at no more than ``limit`` messages and threads. Raises NotFoundError for a forgetting that has not begun.
    """
    erasure = state_of(tx, municipality, number)
    if erasure.finished_at is None and take_words(tx, erasure, limit):
        _last_of_all(tx, state_of(tx, municipality, number), at, limit)
    return state_of(tx, municipality, number)


def take_words(tx: Transaction, erasure: Erasure, limit: int) -> bool:
    """Take the words of at most ``limit`` messages and threads away; return whether none are left."""
    erased, position, left = Counter(erasure.erased), erasure.position, limit
    while left > 0 and (thread := store.next_thread(tx, erasure)) is not None:
        messages = store.next_messages(tx, thread, position if thread == erasure.thread else 0, left)
        if messages:
            erased += store.empty_messages(tx, [message for message, _ in messages])
        left -= len(messages) + 1
        if left < 0:  # there may be more in this thread
            erasure, position = replace(erasure, thread=thread), messages[-1][1]
        else:
            erased += store.empty_thread(tx, erasure.municipality, thread)
            erasure, position = replace(erasure, thread=thread + 1), 0
    store.note(tx, erasure.id, erasure.thread, position, erased)
    return left == limit


def _last_of_all(tx: Transaction, erasure: Erasure, at: datetime, limit: int) -> None:
    """Delete the bytes that nobody refers to any more; when none are left, end."""
    swept = blobs.sweep_small(tx, limit)
    erased = Counter(erasure.erased) + Counter(blob=swept)
    if swept < limit:
        erased += store.empty_contacts(tx, erasure.municipality, erasure.addresses)
        store.finish(tx, erasure.id, at)
        events.record(
            tx, erasure.municipality, at, erasure.actor, "erasure.finished", subject=str(erasure.id),
            data={"erased": dict(sorted(erased.items())), "kept": [list(one) for one in erasure.kept]},
        )  # fmt: skip
    store.note(tx, erasure.id, erasure.thread, erasure.position, erased)


def state_of(tx: Transaction, municipality: str, number: int) -> Erasure:
    """Return a forgetting as it stands. Raises NotFoundError."""
    found = store.erasure(tx, municipality, number)
    if found is None:
        raise NotFoundError(f"there is no receipt {number} here")
    return found


# --- after a restored backup ---


async def forget_again(
    database: Database, tombstones: Collection[tuple[str, str, datetime]], key: bytes, clock: Clock
) -> int:
    """Forget whom a restored backup has brought back; return how many addresses it was.

    Only what had been begun when they were forgotten goes: what they wrote later was theirs to keep.
    """
    await database.write(_bury_all, tombstones)
    forgotten = {(municipality, name): at for municipality, name, at in tombstones}
    last, again = 0, 0
    while page := await database.read(store.addresses_after, last, PAGE):
        last = page[-1][0]
        for number, municipality, address in page:
            until = forgotten.get((municipality, tombstone(key, municipality, address)))
            if until is not None and await database.read(store.has_words_until, number, until):
                await forget(database, Order(municipality, (number,), "operator", clock(), until, key), clock)
                again += 1
    return again


def _bury_all(tx: Transaction, tombstones: Collection[tuple[str, str, datetime]]) -> None:
    for municipality, name, at in tombstones:
        store.bury(tx, municipality, name, at)
