"""An installation as an operator has it: the real process `contactbot serve`, and the real peers around it."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from contactbot.channels.sms.channel import TEXTS
from contactbot.clock import now
from contactbot.demo import town
from contactbot.demo.gateway import Gateway
from contactbot.demo.prosody import Prosody
from contactbot.kb import editing
from contactbot.staff import password
from contactbot.staff import store as staff
from contactbot.storage import installation as rows
from contactbot.storage import schema
from contactbot.storage.database import open_database
from contactbot.storage.transaction import Transaction
from tests.patience import PATIENCE
from tests.peers.postfix import free_port
from tests.peers.prosody import Login, new_account
from tests.peers.smtp import Mail, Sink, sink

LOOK = 0.03  # seconds between looks at what cannot tell that it changed
REFERENCE = re.compile(r"\b1\d{3}\b")  # the number of a case, as residents are told it

Found = TypeVar("Found")


async def until(look: Callable[[], Found], what: str) -> Found:
    """Look until something is there, and return it; fail with ``what`` was waited for."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := look()):  # noqa: ASYNC110 - what is looked at cannot tell that it changed
                await asyncio.sleep(LOOK)
            return found
    except TimeoutError:
        raise AssertionError(f"waited {PATIENCE:g} s in vain for {what}") from None


async def furnish(file: Path) -> None:
    """Make the database of an installation that has answers and staff, and nothing else."""
    url = f"sqlite:///{file}"
    await asyncio.to_thread(schema.upgrade, url)
    await fill(url)


async def fill(url: str) -> None:
    """Put answers and staff into a database that has the schema."""
    async with open_database(url, now) as database:
        await database.write(_furnished, password.hash_of(town.PASSWORD))


def _furnished(tx: Transaction, hashed: str) -> None:
    rows.write(tx, [rows.Member(town.KEY, "Fjordvik kommune", "NO", "nb", "Europe/Oslo", town.TEAMS)], [])
    editing.take_in(tx, town.KEY, town.base(), "operator", now())
    for person in town.PEOPLE:
        staff.add(tx, town.KEY, person.email, person.name, person.role, hashed, person.team, now())


@dataclass(slots=True)
class Installation:
    """One installation that can be started, stopped and killed; it is what it was when it starts again.

    ``mail_port`` is where it takes mail in, and ``relay_port`` the relay its own mail leaves through. ``command`` runs
    ``contactbot``, with ``environment`` beside our own.
    """

    folder: Path
    url: str
    gateway: Gateway
    residents: Sink
    mail_port: int
    relay_port: int
    server: Prosody | None
    bot: Login | None
    client: aiohttp.ClientSession
    command: Sequence[str] = (str(Path(sys.executable).with_name("contactbot")),)
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: asyncio.subprocess.Process | None = None

    def configure(self) -> None:
        """Write the configuration as a file."""
        ports = town.Ports(
            web=int(self.url.rpartition(":")[2]),
            mail_in=self.mail_port,
            mail_out=self.relay_port,
            gateway_url=self.gateway.url,
        )
        twilio = (self.gateway.account_sid, self.gateway.auth_token)
        values = town.values(self.folder, ports, secret="for journeys only, " * 3, twilio=twilio, xmpp=self._xmpp())
        values["log_level"] = "info"
        lines = (f"{key} = {_toml(value)}" for key, value in values.items())
        (self.folder / "contactbot.toml").write_text("\n".join(lines), "utf-8")

    def _xmpp(self) -> dict[str, Any] | None:
        if self.server is None or self.bot is None:
            return None
        reach = {"host": "127.0.0.1", "port": self.server.port, "ca_file": str(self.server.certificate)}
        return {"jid": self.bot.jid, "password": self.bot.password, **reach}

    async def start(self) -> None:
        """Start the process and return when it is ready."""
        process = await self.launch()
        async with asyncio.timeout(PATIENCE):
            while not await self._is_ready():
                assert process.returncode is None, f"the process ended: {self.log()[-2000:]}"
                await asyncio.sleep(LOOK)

    async def launch(self) -> asyncio.subprocess.Process:
        """Start the process and return at once."""
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, "serve", "--config", self.folder / "contactbot.toml",
                stdout=log, stderr=log, env={**os.environ, **self.environment},
            )  # fmt: skip
        return self._process

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def died(self) -> int:
        """Wait until the process has ended by itself, and return its exit status; a signal's is below zero."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def kill(self) -> None:
        """End the process without notice, as a power cut does."""
        if self._process is not None and self.is_running:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """Ask the process to end, and return its exit status."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    def log(self) -> str:
        """Return what the process has logged, for a failing test to show."""
        return (self.folder / "log").read_text("utf-8", "replace")

    async def _is_ready(self) -> bool:
        try:
            async with self.client.get(f"{self.url}/healthz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def texts(self, phone: str, count: int = 1) -> list[str]:
        """Wait until a phone has got so many texts, and return all it has."""
        await until(lambda: len(self.texts_to(phone)) >= count, f"text {count} to {phone}")
        return self.texts_to(phone)

    async def mails(self, address: str, count: int = 1) -> list[Mail]:
        """Wait until a resident has got so many mails, and return all they have."""
        await until(lambda: len(self.mails_to(address)) >= count, f"mail {count} to {address}")
        return self.mails_to(address)

    def texts_to(self, phone: str) -> list[str]:
        """Return the texts a phone has got, oldest first."""
        return [text.body for text in self.gateway.phone(phone) if not text.inbound]

    def mails_to(self, address: str) -> list[Mail]:
        """Return the mails a resident has got, oldest first."""
        return [mail for mail in self.residents.mails if address in mail.recipients]

    @asynccontextmanager
    async def signed_in(self, email: str = "kari@fjordvik.example") -> AsyncIterator["Clerk"]:
        """Sign somebody of the staff in."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            clerk = Clerk(self.url, client)
            form = {"email": email, "password": town.PASSWORD}
            assert await clerk.post("/sign-in", form) == 303
            yield clerk


@dataclass(slots=True)
class Clerk:
    """Somebody of the staff, with a browser that runs no scripts."""

    url: str
    client: aiohttp.ClientSession
    page: str = field(default="", repr=False)

    async def post(self, path: str, form: Mapping[str, str]) -> int:
        """Send a form; the page that comes back is kept."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        async with self.client.post(self.url + path, data=form, allow_redirects=False, headers=headers) as answer:
            self.page = unescape(await answer.text())
            return answer.status

    async def get(self, path: str) -> str:
        """Return a page as text."""
        async with self.client.get(self.url + path) as answer:
            assert answer.status == 200, (path, answer.status)
            self.page = unescape(await answer.text())
            return self.page

    async def case(self, number: int) -> str:
        """Return a case's page as text."""
        return await self.get(f"/desk/tickets/{number}")

    async def until_shown(self, number: int, words: str) -> str:
        """Wait until a case's page holds some words, and return it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while words not in await self.case(number):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise AssertionError(f"case {number} does not show {words!r}") from None
        return self.page

    async def claim(self, number: int) -> int:
        """Take a case; return the status."""
        return await self.post(f"/desk/tickets/{number}/claim", {})

    async def reply(self, number: int, text: str) -> None:
        """Answer the resident."""
        page = await self.case(number)
        form = {name: _field(page, name) for name in ("key", "seen")}
        assert await self.post(f"/desk/tickets/{number}/replies", {**form, "text": text}) == 303, self.page

    async def close(self, number: int) -> None:
        """Close a case."""
        assert await self.post(f"/desk/tickets/{number}/closure", {}) == 303


def reference(text: str) -> int:
    """Return the number of the case that a resident was told of."""
    found = REFERENCE.search(text)
    assert found is not None, f"no case is named in {text!r}"
    return int(found[0])


@asynccontextmanager
async def installed(
    folder: Path, furnished: Path, server: Prosody | None, relay_port: int = 0
) -> AsyncIterator[Installation]:
    """Make an installation and its peers; with a ``relay_port`` its mail leaves there, else straight to residents."""
    await asyncio.to_thread(shutil.copy, furnished, folder / "contactbot.db")
    url = f"http://127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(Gateway(numbers=(town.NUMBER,), text_url=url + TEXTS))
        residents = await stack.enter_async_context(sink())
        client = await stack.enter_async_context(aiohttp.ClientSession())
        bot = None if server is None else await asyncio.to_thread(new_account, server, "bot")
        installation = Installation(
            folder, url, gateway, residents, free_port(), relay_port or residents.port, server, bot, client
        )
        installation.configure()
        stack.push_async_callback(installation.kill)
        yield installation


def _field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found is not None, f"the page has no field {name}"
    return found[1]


def _toml(value: object) -> str:
    """Write a value as TOML does in one line."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_toml(one) for one in value) + "]"
        case Path():
            return json.dumps(str(value))
    return json.dumps(value, ensure_ascii=False)
