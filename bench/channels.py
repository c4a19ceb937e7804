"""Messages per second through each channel, beside the bare library, in the same run: ``python -m bench.channels``.

Ours: a question accepted, matched among 1,000 entries, committed with ``synchronous=FULL`` and its reply queued, while
delivery runs to a local sink. Bare: the same library keeping each message in one fsynced transaction, in a thread,
without grouping (``bench/bare.py``). 50 connections; every tenth message comes from a new resident. The first thousand
messages of a process are slower, since caches fill and Python specialises its bytecode: both are warmed up first. The
rounds alternate, the median of the ratios counts. On a machine that others use as well, the CPU time of ours per
message, sending included, says more than the rates.
"""

import asyncio
import json
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
from twilio.request_validator import RequestValidator

from bench.service import cpu, free_port, port_of, resident_mb, running, serving
from contactbot import app, settings
from contactbot.clock import now
from contactbot.demo import base
from contactbot.kb import editing
from contactbot.kb.entry import Entry, EntryText

CONNECTIONS = 50
MESSAGES = int(os.environ.get("MESSAGES", "1500"))  # per round
ROUNDS = int(os.environ.get("ROUNDS", "3"))
WARM_UP = int(os.environ.get("WARM_UP", "1000"))  # messages before the first round, not counted
ENTRIES = 1000
IDLE = 20  # CPU milliseconds in half a second
NUMBER, MAILBOX, SID, TOKEN = "+4759440000", "post@fjordvik.example", f"AC{'0' * 32}", "1" * 32
REACH = {"smtp": 0.5, "lmtp": 0.5, "sms": 0.35, "webchat": 0.35}

Client = Callable[[int, str, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Round:
    """One round: messages a second of both, and the CPU milliseconds that one message cost ours."""

    ours: float
    bare: float
    cost: float


def main() -> None:
    """Print a line per channel: messages a second of ours, of the bare library, and the ratio."""
    print(f"{WARM_UP} messages to warm up, then {ROUNDS} rounds of {MESSAGES} each")
    with tempfile.TemporaryDirectory() as name, running("bench.sinks", SID, TOKEN, NUMBER) as sinks:
        folder, where = Path(name), json.loads(sinks.readline())
        asyncio.run(fill(configured(folder, where)))
        print(f"{'channel':<10}{'ours/s':>9}{'bare/s':>9}{'ratio':>8}{'reach':>8}{'ours CPU ms':>13}{'ours MB':>9}")
        for channel in REACH:
            _print(channel, *_measured(channel, folder, where))
    print("resident memory of ours under 200 MB")


def _measured(channel: str, folder: Path, where: dict[str, Any]) -> tuple[list[Round], float]:
    """Return the rounds of a channel, and the memory of ours after them in megabytes."""
    client = CLIENTS[channel]
    configuration = configured(folder, where)
    listen = configuration["channels"]["email"]["listen"]
    if channel == "lmtp":
        listen["protocol"] = "lmtp"
    port = listen["port"] if channel in ("smtp", "lmtp") else port_of(configuration)
    with running("bench.bare", channel, str(folder)) as peer, serving(folder, configuration) as process:
        bare_port = int(peer.readline())
        asyncio.run(_rate(client, bare_port, f"bare-{channel}-warm", WARM_UP))
        asyncio.run(_rate(client, port, f"ours-{channel}-warm", WARM_UP))
        rounds = []
        for number in range(ROUNDS):
            bare = asyncio.run(_rate(client, bare_port, f"bare-{channel}-{number}", MESSAGES))
            _until_idle(process)
            spent = cpu(process)
            ours = asyncio.run(_rate(client, port, f"ours-{channel}-{number}", MESSAGES))
            _until_idle(process)
            rounds.append(Round(ours, bare, (cpu(process) - spent) / MESSAGES))
        return rounds, resident_mb(process)


def _print(channel: str, rounds: list[Round], resident: float) -> None:
    ours, bare, cost = (statistics.median(getattr(one, of) for one in rounds) for of in ("ours", "bare", "cost"))
    ratio = statistics.median(one.ours / one.bare for one in rounds)
    row = f"{channel:<10}{ours:>9.0f}{bare:>9.0f}{ratio:>8.2f}{REACH[channel]:>8.2f}{cost:>13.2f}{resident:>9.0f}"
    print(row, flush=True)


async def _rate(client: Client, port: int, name: str, messages: int) -> float:
    """Return messages per second over all connections."""
    share = messages // CONNECTIONS
    started = time.perf_counter()
    await asyncio.gather(*(client(port, f"{name}-{number}", share) for number in range(CONNECTIONS)))
    return share * CONNECTIONS / (time.perf_counter() - started)


async def _smtp(port: int, name: str, share: int, kind: type[aiosmtplib.SMTP] = aiosmtplib.SMTP) -> None:
    async with kind(hostname="127.0.0.1", port=port, start_tls=False) as client:
        for number in range(share):
            message = EmailMessage()
            sender = f"{name}-{number // 10}@resident.example"
            message["From"], message["To"], message["Subject"] = sender, MAILBOX, "Spørsmål"
            message["Message-ID"] = f"<{name}.{number}@resident.example>"
            message["Date"] = "Sun, 22 Nov 2026 12:00:00 +0100"
            message.set_content(f"{question(name, number)}\n\nHilsen {name}\n")
            await client.send_message(message)


async def _lmtp(port: int, name: str, share: int) -> None:
    await _smtp(port, name, share, _Lmtp)


class _Lmtp(aiosmtplib.SMTP):
    """A client that greets as LMTP asks (RFC 2033, 4.1); with one recipient all else is as in SMTP."""

    async def ehlo(self, **_: object) -> aiosmtplib.SMTPResponse:
        """Say LHLO."""
        response = await self.execute_command(b"LHLO", b"bench.example")
        self.last_ehlo_response = response
        return response


async def _sms(port: int, name: str, share: int) -> None:
    bare = name.startswith("bare")
    url = f"http://127.0.0.1:{port}/{'inbound' if bare else 'channels/sms/inbound'}"
    validator = RequestValidator(TOKEN)
    async with aiohttp.ClientSession() as session:
        for number in range(share):
            form = {
                "AccountSid": SID,
                "MessageSid": f"SM{abs(hash((name, number))):032x}"[:34],
                "To": NUMBER,
                "From": f"+479{abs(hash((name, number // 10))) % 10_000_000:07}",
                "Body": question(name, number),
                "NumMedia": "0",
            }
            headers = {"X-Twilio-Signature": validator.compute_signature(url, form)}
            async with session.post(url, data=form, headers=headers) as response:
                assert response.status == 200, await response.text()


async def _webchat(port: int, name: str, share: int) -> None:
    bare = name.startswith("bare")
    url = f"http://127.0.0.1:{port}/{'ws' if bare else 'chat/fjordvik/ws'}"
    origin = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        for start in range(0, share, 10):
            async with session.ws_connect(url, origin=origin) as line:
                if not bare:
                    await line.send_json({"type": "hello", "after": 0})
                for number in range(start, min(start + 10, share)):
                    await line.send_json({"type": "message", "id": f"{name}-{number}", "text": question(name, number)})
                    await _accepted(line, bare=bare)


async def _accepted(line: aiohttp.ClientWebSocketResponse, *, bare: bool) -> None:
    while True:
        frame = await line.receive_str()
        if bare or json.loads(frame)["type"] == "accepted":
            return
        assert json.loads(frame)["type"] != "refused", frame


CLIENTS: dict[str, Client] = {"smtp": _smtp, "lmtp": _lmtp, "sms": _sms, "webchat": _webchat}


def question(name: str, number: int) -> str:
    """Return a question as residents write them: one of many, in any language, with words of their own around it."""
    dice = random.Random(f"{name}-{number}")  # noqa: S311 - repeatable, nothing is secret
    ways = dice.choice(dice.choice(ENTRIES_OF_BASE).texts).ways_to_ask()
    return f"{dice.choice(BEFORE)} {dice.choice(ways)} {' '.join(dice.sample(AROUND, 3))}"


BEFORE = ("Hei!", "Hei,", "God dag.", "Heisann", "Jeg lurer på noe:", "Spørsmål:", "Hello,", "")
AROUND = (
    *("bestemor", "naboen", "hytta", "hunden", "bilen", "Grend3", "Grend7", "på mandag", "i helga", "snart", "igjen"),
    *("egentlig", "ungene", "leiligheten", "garasjen", "båten", "sykkelen", "Storgata 17", "2027", "takk", "mvh Kari"),
)


ENTRIES_OF_BASE = base()


def entries() -> Iterator[Entry]:
    """Yield a base of the benchmark's size: the sample answers, again and again for other places."""
    for number in range(ENTRIES):
        entry, copy = ENTRIES_OF_BASE[number % len(ENTRIES_OF_BASE)], number // len(ENTRIES_OF_BASE)
        texts = tuple(_of(text, copy) for text in entry.texts)
        yield entry if copy == 0 else replace(entry, id=f"{entry.id}-{copy}", texts=texts)


def _of(text: EntryText, copy: int) -> EntryText:
    place = f"Grend{copy}"
    phrasings = tuple(f"{one} {place}" for one in text.phrasings[:2])
    return replace(text, question=f"{text.question} {place}", phrasings=phrasings)


async def fill(configuration: dict[str, Any]) -> None:
    """Put the benchmark's entries into the database of a configuration."""
    loaded = settings.from_values({**configuration, "channels": {}}, "the benchmark")
    async with app.running(loaded, deliver=False) as house:
        await house.database.write(editing.take_in, "fjordvik", list(entries()), "operator", now())


def configured(folder: Path, where: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the service, which sends to the sinks at these ports."""
    web_port, mail_port = free_port(), free_port()
    return {
        "public_url": f"http://127.0.0.1:{web_port}",
        "listen": f"127.0.0.1:{web_port}",
        "data": str(folder / "data"),
        "secret": "x" * 40,
        "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
        "channels": {
            "webchat": {
                "accounts": [{"site": "fjordvik", "municipality": "fjordvik"}],
                "address_burst": 100_000,
                "address_per_minute": 1_000_000,
                "session_burst": 1000,
                "lines_per_address": 1000,
            },
            "sms": {
                "twilio": {"account_sid": SID, "auth_token": TOKEN, "api_url": where["gateway"]},
                "numbers": [{"number": NUMBER, "municipality": "fjordvik"}],
            },
            "email": {
                "accounts": [{"address": MAILBOX, "municipality": "fjordvik"}],
                "strangers_per_hour": 1_000_000,  # each resident here is a stranger, and is to be answered
                "strangers_per_server": 1_000_000,
                "automatic_per_hour": 1_000_000,
                "listen": {"port": mail_port},
                "relay": {"port": where["mail"], "tls": "none"},
            },
        },
    }  # fmt: skip


def _until_idle(process: int) -> None:
    """Return when a process has done little for a moment, so that what it still had to send counts as well."""
    before = -1.0
    while (after := cpu(process)) - before > IDLE:
        before = after
        threading.Event().wait(0.5)


if __name__ == "__main__":
    main()
