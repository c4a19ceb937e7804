"""A house with all four channels and a desk, to which residents write without wires, and everything it has kept."""

import asyncio
import itertools
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from aiohttp.test_utils import BaseTestServer, TestServer
from argon2 import PasswordHasher

from contactbot import app
from contactbot.clock import now
from contactbot.house import House
from contactbot.kb import editing
from contactbot.messages import Address, Attachment, Inbound
from contactbot.settings import from_values
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.storage.tables import metadata
from contactbot.storage.transaction import Transaction
from contactbot.web import server
from tests.conversation.town import BASE, HERE

PASSWORD: Final = "a long enough password"
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the cost of a real hash is not tested
# What residents may write from, by channel: our account, the scheme of their address, and an address.
WAYS: Final = {
    "webchat": ("fjordvik", "webchat", "session-{}"),
    "email": ("post@fjordvik.example", "email", "kim{}@resident.example"),
    "sms": ("+4759440000", "tel", "+47999{:05}"),
    "xmpp": ("hei@chat.fjordvik.example", "xmpp", "kim{}@resident.example"),
}
NOWHERE: Final = 9  # a port where nobody listens: what is tested here needs no wire
CHANNELS: Final[dict[str, Any]] = {
    "webchat": {"accounts": [{"site": "fjordvik", "municipality": HERE}]},
    "email": {
        "accounts": [{"address": "post@fjordvik.example"}],
        "listen": {"port": 0},
        "relay": {"host": "127.0.0.1", "port": NOWHERE, "tls": "none"},
    },
    "sms": {
        "twilio": {
            "account_sid": f"AC{'0' * 32}", "auth_token": "0" * 32, "api_url": f"http://127.0.0.1:{NOWHERE}",
        },
        "numbers": [{"number": "+4759440000"}],
    },
    "xmpp": {
        "accounts": {
            "hei": {"jid": "hei@chat.fjordvik.example", "password": "x", "host": "127.0.0.1", "port": NOWHERE},
        },
        "first_pause": 300,
    },
}  # fmt: skip

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Said:
    """What a resident sends."""

    channel: str
    text: str
    resident: int = 1
    name: str = ""
    subject: str = ""
    file: str = ""


@dataclass(slots=True)
class Everywhere:
    """The running house in a thread of its own, so that tests without a loop may use it again and again."""

    house: House
    server: BaseTestServer
    loop: asyncio.AbstractEventLoop
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the house's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)

    def hears(self, said: Said) -> list[str]:
        """Let a resident write; return what the bot says to it, as it leaves."""
        return self.do(self._hears(said))

    async def _hears(self, said: Said) -> list[str]:
        account, scheme, address = WAYS[said.channel]
        files = (Attachment(said.file, "text/plain", b"content"),) if said.file else ()
        inbound = Inbound(
            said.channel, account, Address(scheme, address.format(said.resident)), f"<{next(self._numbers)}@x.example>",
            said.text, now(), raw=said.text.encode(), sender_name=said.name, subject=said.subject, attachments=files,
        )  # fmt: skip
        before = await self.house.database.read(_last_message)
        await self.house.receptions[said.channel].receive(inbound)
        words: list[str] = await self.house.database.read(_said_since, before)
        return words

    def stored(self) -> Iterator[tuple[str, str]]:
        """Yield where each text of the database stands, and the text; the bytes of originals and files apart."""
        return iter(self.do(self.house.database.read(_texts)))


def _last_message(tx: Transaction) -> int:
    return int(tx.value("SELECT coalesce(max(id), 0) FROM message"))


def _said_since(tx: Transaction, before: int) -> list[str]:
    rows = tx.rows("SELECT text FROM message WHERE id > :before AND author = 'bot' ORDER BY id", before=before)
    return [str(text) for (text,) in rows]


def _texts(tx: Transaction) -> list[tuple[str, str]]:
    tables = [(table.name, [column.name for column in table.columns]) for table in metadata.sorted_tables]
    tables = [(name, [column for column in columns if column != "bytes"]) for name, columns in tables]
    found = []
    for name, columns in (*tables, ("message_search", ["folded"])):
        for row in tx.rows(f"SELECT {', '.join(columns)} FROM {name}"):  # noqa: S608 - names of our own tables
            found += [
                (f"{name}.{column}", value)
                for column, value in zip(columns, row, strict=True)
                if isinstance(value, str)
            ]
    return found


def _settled(tx: Transaction, hashed: str) -> None:
    editing.take_in(tx, HERE, BASE, "operator", now())
    staff.add(tx, HERE, "ada@fjordvik.example", "Ada Berg", Role.ADMIN, hashed, "Innbyggerservice", now())


@contextmanager
def everywhere(url: str, folder: Path, **more: object) -> Iterator[Everywhere]:
    """Run the house until the block ends."""
    values = {
        "public_url": "http://127.0.0.1",
        "secret": "a secret that is long enough for tests",
        "data": folder,
        "database": url,
        "municipalities": {HERE: {"name": "Fjordvik kommune", "safe_form": "https://skjema.fjordvik.example/trygt"}},
        "channels": CHANNELS,
        **more,
    }
    started: list[Everywhere] = []
    ready = threading.Event()
    stop = asyncio.Event()

    async def live() -> None:
        async with app.running(from_values(values, "the test's configuration"), deliver=False) as house:
            await house.database.write(_settled, QUICK.hash(PASSWORD))
            async with TestServer(server.application(house)) as pages:
                started.append(Everywhere(house, pages, asyncio.get_running_loop()))
                ready.set()
                await stop.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        ready.wait()
        yield started[0]
    finally:
        if started:
            started[0].loop.call_soon_threadsafe(stop.set)
        thread.join()
