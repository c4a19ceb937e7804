"""What an open web chat costs while nobody writes, and how soon many are answered: ``python -m bench.idle_chats``.

The service runs in its own process, with the demo's answers. ``CHATS`` browsers (5,000) open a socket and say hello;
the growth of the service's resident memory, over all of them, is what an idle chat costs. Then ``ASKING`` (500) talk
at once: each asks ``QUESTIONS`` (2) times, at a moment of its own in each ``PACE`` (15) seconds, as people do; the time
until the bot's answer is on the socket counts. At last all of them ask in one instant, which no town does: it says how
long the queue is that such a burst makes, and has no reach.
"""

import asyncio
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from bench.service import free_port, resident_mb, serving
from contactbot import app, settings
from contactbot.clock import now
from contactbot.demo import base
from contactbot.kb import editing

CHATS = int(os.environ.get("CHATS", "5000"))
ASKING = int(os.environ.get("ASKING", "500"))
QUESTIONS = int(os.environ.get("QUESTIONS", "2"))
PACE = float(os.environ.get("PACE", "15"))  # seconds between a conversation's questions
AT_ONCE = 50  # sockets that are opened at one time
REST = 3.0  # seconds after which what opening needed is given back
MOST_KB, MOST_SECONDS = 40.0, 1.0
PATIENCE = 120.0

Line = aiohttp.ClientWebSocketResponse


def main() -> None:
    """Print kB an idle chat, and the median and the 99th percentile of seconds to an answer."""
    with tempfile.TemporaryDirectory() as name:
        configuration = _configured(Path(name))
        asyncio.run(_fill(configuration))
        with serving(Path(name), configuration) as process:
            asyncio.run(_measure(process, configuration["public_url"]))


async def _measure(process: int, url: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as browser:
        warm = [await _opened(browser, url) for _ in range(AT_ONCE)]  # what only the first ones cost is none's
        before = resident_mb(process)
        lines: list[Line] = []
        while len(lines) < CHATS:
            lines += await asyncio.gather(*(_opened(browser, url) for _ in range(min(AT_ONCE, CHATS - len(lines)))))
        await asyncio.sleep(REST)
        each = (resident_mb(process) - before) * 1024 / CHATS
        print(f"{CHATS} idle chats: {each:.1f} kB each (at most {MOST_KB:.0f})", flush=True)
        took = await asyncio.gather(*(_talked(line, number) for number, line in enumerate(lines[:ASKING])))
        _tell(f"{ASKING} conversations at once", [one for each_took in took for one in each_took], reach=MOST_SECONDS)
        burst = await asyncio.gather(*(_asked(line, f"b{n}") for n, line in enumerate(lines[:ASKING])))
        _tell(f"{ASKING} questions in one instant", burst)
        for line in (*warm, *lines):
            line._response.close()  # noqa: SLF001 - five thousand farewells one after the other would be the benchmark


async def _opened(browser: aiohttp.ClientSession, url: str) -> Line:
    line = await browser.ws_connect(f"{url}/chat/fjordvik/ws", origin=url, autoping=True)
    await line.send_json({"type": "hello", "after": 0})
    ready = await line.receive_json()
    assert ready["type"] == "ready", ready
    return line


def _tell(what: str, took: list[float], reach: float | None = None) -> None:
    last = sorted(took)[int(len(took) * 0.99) - 1]
    aim = "" if reach is None else f" (under {reach:.0f})"
    print(f"{what}: median {statistics.median(took):.2f} s, 99th percentile {last:.2f} s{aim}", flush=True)


async def _talked(line: Line, number: int) -> list[float]:
    """Ask now and then; return the seconds to each answer."""
    took = []
    for turn in range(QUESTIONS):
        wait = random.Random(f"{number} {turn}").uniform(0, PACE)  # noqa: S311 - repeatable, nothing is secret
        await asyncio.sleep(wait)
        took.append(await _asked(line, f"q{number}-{turn}"))
        await asyncio.sleep(max(0.0, PACE - wait - took[-1]))
    return took


async def _asked(line: Line, key: str) -> float:
    """Ask, and return the seconds until the bot's answer is there."""
    dice = random.Random(key)  # noqa: S311 - repeatable, nothing is secret
    question = dice.choice(dice.choice(dice.choice(BASE).texts).ways_to_ask())
    started = time.perf_counter()
    await line.send_json({"type": "message", "id": key, "text": question})
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await line.receive_json()
            assert frame["type"] != "refused", frame
            if any(item["author"] == "bot" for item in frame.get("items", ())):
                return time.perf_counter() - started


BASE = base()


async def _fill(configuration: dict[str, Any]) -> None:
    async with app.running(settings.from_values(configuration, "the benchmark"), deliver=False) as house:
        await house.database.write(editing.take_in, "fjordvik", BASE, "operator", now())


def _configured(folder: Path) -> dict[str, Any]:
    port = free_port()
    return {
        "public_url": f"http://127.0.0.1:{port}",
        "listen": f"127.0.0.1:{port}",
        "data": str(folder / "data"),
        "secret": "x" * 40,
        "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
        "channels": {
            "webchat": {
                "accounts": [{"site": "fjordvik", "municipality": "fjordvik"}],
                "address_burst": 100_000,
                "address_per_minute": 1_000_000,
                "lines_per_address": 100_000,
            }
        },
    }


if __name__ == "__main__":
    main()
