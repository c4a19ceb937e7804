"""The store alone: units of the message path a second, without parsing or matching: ``python -m bench.store``.

50 tasks receive messages as the engine does once it has decided, two units each: one reads the context, one writes
message, raw copy, event and reply into the outbox, committed with ``synchronous=FULL``. Beside it the same with one
transaction for each unit, as a store without group commit would keep them. The rounds alternate, the median counts.
"""

import asyncio
import itertools
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from contactbot import app, settings
from contactbot.channels.base import Abilities
from contactbot.clock import now
from contactbot.conversation import engine as engine_
from contactbot.conversation import steps
from contactbot.conversation.facts import Facts
from contactbot.conversation.outcome import Outcome, Reply
from contactbot.conversation.seen import Seen
from contactbot.conversation.understand import understand
from contactbot.house import House
from contactbot.messages import Address, Inbound, Length
from contactbot.storage import writer

TASKS = 50
MESSAGES = 1500  # per round
UNITS_EACH = 2  # one through the read door, one through the write door
ROUNDS = 3
REACH = 2000  # units a second
PER_RESIDENT = 10  # messages; then a new resident writes
ABILITIES = Abilities(length=Length.CHAT, scheme="loopback")
REPLY = Outcome("answer", "bench", (Reply("Biblioteket er åpent fra ti til nitten.", "answer"),))


def main() -> None:
    """Print units a second with and without group commit."""
    with tempfile.TemporaryDirectory() as name:
        grouped, alone = asyncio.run(_measured(Path(name)))
    print(f"grouped {grouped:>7.0f} units/s (reach {REACH})")
    print(f"alone   {alone:>7.0f} units/s, one transaction each: ratio {grouped / alone:.1f}", flush=True)


async def _measured(folder: Path) -> tuple[float, float]:
    values = {
        "public_url": "http://127.0.0.1", "data": folder, "secret": "x" * 40,
        "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}}, "channels": {"loopback": {}},
    }  # fmt: skip
    numbers = itertools.count()
    grouped, alone = [], []
    async with app.running(settings.from_values(values, "the benchmark"), deliver=False) as house:
        template = await _facts(house)
        for _ in range(ROUNDS):
            grouped.append(await _rate(house, template, numbers))
            with patch.object(writer, "GROUP_LIMIT", 1):
                alone.append(await _rate(house, template, numbers))
    return statistics.median(grouped), statistics.median(alone)


async def _rate(house: House, template: Facts, numbers: "itertools.count[int]") -> float:
    """Return units a second over all tasks."""
    started = time.perf_counter()
    with patch.object(engine_, "understand", _as_decided(template)), patch.object(steps, "decide", _always):
        await asyncio.gather(*(_resident(house, numbers) for _ in range(TASKS)))
    return UNITS_EACH * MESSAGES / (time.perf_counter() - started)


async def _resident(house: House, numbers: "itertools.count[int]") -> None:
    for _ in range(MESSAGES // TASKS):
        await house.engine.receive(_message(next(numbers)), ABILITIES)


def _message(number: int) -> Inbound:
    text = f"Når åpner biblioteket på lørdag? {number}"
    # Each of the tasks draws numbers in turn, so that its residents write one after the other.
    resident = Address("loopback", f"resident {number // (PER_RESIDENT * TASKS)}-{number % TASKS}")
    return Inbound("loopback", "loopback", resident, f"m-{number}", text, now(), raw=text.encode())


async def _facts(house: House) -> Facts:
    """Return the facts of one message, to be used for all."""
    kept: list[Facts] = []

    def keeping(*about: object) -> Facts:
        kept.append(understand(*about))  # type: ignore[arg-type]
        return kept[0]

    with patch.object(engine_, "understand", keeping):
        await house.engine.receive(_message(-1), ABILITIES)
    return kept[0]


def _as_decided(template: Facts) -> object:
    def facts(_inbound: Inbound, seen: Seen, *_: object) -> Facts:
        return replace(template, seen=seen, now=now())

    return facts


def _always(_facts: Facts) -> Outcome:
    return REPLY


if __name__ == "__main__":
    main()
