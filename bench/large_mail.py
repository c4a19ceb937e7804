"""The longest stall of the event loop while large mails come in at once: ``python -m bench.large_mail``.

A whole house in this process; its senders in another, five mails of 20 MB at one time over SMTP, each with a file. A
ticker on the house's loop says how late it was ever called; another, in a process that does nothing else, says how late
the machine itself made it meanwhile. ``MAILS`` and ``MEGABYTES`` change the load.
"""

import asyncio
import os
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from contactbot import app, settings
from contactbot.channels.email import EmailChannel
from contactbot.clock import now
from contactbot.storage import schema
from contactbot.storage.transaction import Transaction

MAILS = int(os.environ.get("MAILS", "5"))
MEGABYTES = int(os.environ.get("MEGABYTES", "20"))
MAILBOX = "post@fjordvik.example"
TICK = 0.002  # seconds
REACH = 50.0  # milliseconds


def main() -> None:
    """Print the longest stall, how long all mails took, and that each was kept."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> None:
    url = f"sqlite:///{folder / 'contactbot.db'}"
    await asyncio.to_thread(schema.upgrade, url)
    loaded = settings.from_values(_configuration(folder, url), "the benchmark")
    async with app.running(loaded, now) as house:
        channel = house.channels["email"]
        assert isinstance(channel, EmailChannel)
        await asyncio.sleep(1)
        assert channel.listening_on is not None
        await _sent(channel.listening_on[1], mails=1, size=1_000)  # what the first mail ever loads is not counted
        started = time.perf_counter()
        alone = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.large_mail", "tick", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        stall = await _longest_stall(_sent(channel.listening_on[1], MAILS, MEGABYTES * 1_000_000))
        took = time.perf_counter() - started
        machine = float((await alone.communicate(b""))[0])
        kept: int = await house.database.read(_kept)
    assert kept == MAILS + 1, f"{kept - 1} of {MAILS} mails were kept"
    print(f"{MAILS} mails of {MEGABYTES} MB at once, all kept in {took:.1f} s")
    print(f"longest stall {stall:.0f} ms (under {REACH:.0f}); of a process that did nothing {machine:.0f} ms")


async def _longest_stall(work: Any) -> float:  # noqa: ANN401 - any awaitable
    """Return how late, in milliseconds, a ticker was ever called while the work ran."""
    worst, task = 0.0, asyncio.ensure_future(work)
    while not task.done():
        started = time.perf_counter()
        await asyncio.sleep(TICK)
        worst = max(worst, time.perf_counter() - started - TICK)
    task.result()
    return worst * 1000


async def _tick() -> None:
    """Tick until the input ends, and print the longest stall."""
    print(await _longest_stall(asyncio.to_thread(sys.stdin.read)))


async def _sent(port: int, mails: int, size: int) -> None:
    command = [sys.executable, "-m", "bench.large_mail", "send", str(port), str(mails), str(size)]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL)
    assert await process.wait() == 0


def _send(port: int, mails: int, size: int) -> None:
    """Hand over all mails at one time, each on a connection of its own."""
    senders = [threading.Thread(target=_send_one, args=(port, f"{number}-{size}", size)) for number in range(mails)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()


def _send_one(port: int, name: str, size: int) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"kari-{name}@resident.example", MAILBOX, "Bilder av veien"
    message["Message-ID"] = f"<{name}@resident.example>"
    message["Date"] = "Sun, 22 Nov 2026 12:00:00 +0100"
    message.set_content("Her er bildene jeg snakket om. Hvem skal jeg sende dem til?")
    message.add_attachment(os.urandom(size * 3 // 4), "image", "jpeg", filename="vei.jpg")
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as smtp:
        smtp.send_message(message)


def _kept(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM message WHERE author = 'resident'"))


def _configuration(folder: Path, url: str) -> dict[str, Any]:
    return {
        "public_url": "https://chat.fjordvik.example",
        "data": folder,
        "database": url,
        "secret": "x" * 40,
        "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
        "channels": {
            "email": {
                "accounts": [{"address": MAILBOX, "municipality": "fjordvik"}],
                "listen": {"port": 0, "max_large": MAILS},
                "relay": {"port": 9, "tls": "none"},
            }
        },
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["send"]:
        _send(*map(int, sys.argv[2:]))
    elif sys.argv[1:2] == ["tick"]:
        asyncio.run(_tick())
    else:
        main()
