"""A town under faults: the installation, the real peers around it, and four residents who each ask one thing."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import localtime
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Any

import aiohttp
import aiosmtplib

from contactbot.demo.prosody import Prosody
from contactbot.demo.town import KEY, MAILBOX, NUMBER
from tests.faults.traps import Trap, lay, leave
from tests.journeys.installation import LOOK, Installation, installed
from tests.patience import PATIENCE
from tests.peers.browser import Browser
from tests.peers.postfix import Postfix, free_port, postfix
from tests.peers.prosody import Login, Resident, new_account
from tests.peers.wire import Wire, wire

QUESTION = "Når har biblioteket åpent?"
CHANNELS = ("email", "sms", "xmpp", "webchat")
# What an operator may set anyway, so that nothing waits longer than a test can.
QUICK = {
    "CONTACTBOT_DELIVERY__FIRST_RETRY": "0.1",
    "CONTACTBOT_DELIVERY__LONGEST_RETRY": "0.5",
    "CONTACTBOT_CHANNELS__XMPP__FIRST_PAUSE": "0.1",
    "CONTACTBOT_CHANNELS__XMPP__LONGEST_PAUSE": "0.5",
    "CONTACTBOT_CHANNELS__SMS__TWILIO__TIMEOUT": "2",
}


@dataclass(slots=True)
class Town:
    """``relay`` is the line to the Postfix our mail leaves through; residents hand theirs in at that Postfix itself."""

    house: Installation
    server: Prosody
    relay: Wire
    postfix: Postfix

    def trap(self, *traps: Trap) -> None:
        """Set these traps at the failpoints, and take away those that are there."""
        lay(self.house.folder / "traps", traps)

    def set_clock(self, seconds: float) -> None:
        """Let the house's clock be wrong by this much."""
        leave(self.house.folder / "clock", str(seconds))

    @contextmanager
    def wrong_clock(self, seconds: float) -> Iterator[None]:
        """Let the house's clock be wrong by this much."""
        self.set_clock(seconds)
        try:
            yield
        finally:
            self.set_clock(0)

    async def heal(self) -> None:
        """Put right what a test may have left when it failed, so that the next one fails only by its own fault."""
        self.trap()
        self.set_clock(0)
        await self.relay.up()
        if not self.house.is_running:
            await self.house.start()

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database, beside the running process."""
        with closing(sqlite3.connect(self.house.folder / "contactbot.db", timeout=PATIENCE)) as database:
            return database.execute(statement, values).fetchall()

    def is_carried(self) -> bool:
        """Tell whether Postfix has brought everything it was given."""
        folders = (self.postfix.folder / "queue" / name for name in ("maildrop", "incoming", "active", "deferred"))
        return not any(path.is_file() for folder in folders for path in folder.rglob("*"))

    async def until(self, look: Callable[[], Awaitable[bool]], what: str) -> None:
        """Look until something is so, and have Postfix try again meanwhile what it would let wait."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await look():
                    await self.postfix.flush()
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            told = f"{self.house.log()[-2000:]}\n{self.postfix.log()[-2000:]}"
            raise AssertionError(f"waited {PATIENCE:g} s in vain for {what}\n{told}") from None

    @asynccontextmanager
    async def four(self) -> AsyncIterator["Four"]:
        """Have four residents nobody has heard of."""
        assert self.house.bot is not None
        login = await asyncio.to_thread(new_account, self.server, "eva")
        four = Four(self, login)
        await four.connect()
        try:
            yield four
        finally:
            await four.close()


class Four:
    """A resident on each channel. Each hands in the same question as often as its own peer does."""

    def __init__(self, town: Town, login: Login) -> None:
        self.key = token_hex(16)
        self.address = f"{self.key[:12]}@resident.example"
        self.phone = f"+479{randbelow(10**7):07d}"
        self.browser = Browser(town.house.client, town.house.url, KEY)
        self._town = town
        self._login = login
        self._written_at = localtime()
        self._heard: list[str] = []
        self._resident = Resident(town.server, login)

    async def connect(self) -> None:
        """Come online, also again after the XMPP server was away."""
        self._heard += self._resident.words()
        await self._resident.close()
        self._resident = Resident(self._town.server, self._login)
        await self._resident.connect()

    async def close(self) -> None:
        """Go offline."""
        await self._resident.close()

    async def ask(self, channels: Iterable[str] = CHANNELS) -> None:
        """Hand the question in on some channels; return when each peer has done its part."""
        await asyncio.gather(*(getattr(self, f"ask_by_{channel}")() for channel in channels))

    async def ask_by_email(self) -> None:
        """Give it to Postfix, which brings it when it can."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.address, MAILBOX, "Bibliotek"
        mail["Message-ID"], mail["Date"] = f"<{self.key}@resident.example>", self._written_at
        mail.set_content(QUESTION)
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=self._town.postfix.port, start_tls=False)

    async def ask_by_sms(self) -> None:
        """Give it to the provider, which calls our webhook once."""
        with suppress(aiohttp.ClientError, TimeoutError):
            await self._town.house.gateway.text_in(self.phone, NUMBER, QUESTION, sid=f"SM{self.key}")

    async def ask_by_xmpp(self) -> None:
        """Give it to the XMPP server, which keeps it."""
        assert self._town.house.bot is not None
        self._resident.say(self._town.house.bot.jid, QUESTION, self.key)

    async def ask_by_webchat(self) -> None:
        """Say it, and say it again until it is accepted, as the widget does."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(aiohttp.ClientError, TimeoutError):
                    return await self.browser.say(QUESTION)
                await asyncio.sleep(LOOK)

    async def answers(self) -> dict[str, int]:
        """Return how many answers each of them has got."""
        house = self._town.house
        return {
            "email": len(house.mails_to(self.address)),
            "sms": len(house.texts_to(self.phone)),
            "xmpp": len(self._heard) + len(self._resident.words()),
            "webchat": (await self.browser.authors()).count("bot"),
        }

    async def answered(self, channels: Iterable[str] = CHANNELS) -> None:
        """Wait until everybody has an answer and nothing is under way to them any more."""
        wanted = set(channels)

        async def all_answered() -> bool:
            return all(count for channel, count in (await self.answers()).items() if channel in wanted)

        await self._town.until(all_answered, f"answers to {wanted}")
        await self.settled(wanted)

    async def settled(self, channels: Iterable[str] = CHANNELS) -> None:
        """Wait until the questions are kept, and nothing is under way, neither here nor at the relay."""
        wanted = set(channels)

        async def all_settled() -> bool:
            return all(self.thread(one) and not self._under_way(one) for one in wanted) and self._town.is_carried()

        await self._town.until(all_settled, f"the end of all that concerns {wanted}")

    def thread(self, channel: str) -> int | None:
        """Return the thread of the question, if it is kept: there is at most one."""
        if channel == "webchat":
            rows = self._town.rows("SELECT DISTINCT thread FROM accepted WHERE instr(external_id, ?)", self.browser.key)
        else:
            who = {"email": self.address, "sms": self.phone, "xmpp": self._login.jid}[channel]
            rows = self._town.rows(
                "SELECT t.id FROM thread t JOIN address a ON a.id = t.address WHERE a.value = ?", who
            )
        assert len(rows) <= 1, f"{channel}: the question is in {len(rows)} threads"
        return rows[0][0] if rows else None

    def attempts(self, channel: str) -> int:
        """Return how often the answer has been tried."""
        rows = self._town.rows("SELECT max(attempts) FROM outbox WHERE thread = ?", self.thread(channel))
        return rows[0][0] or 0

    def _under_way(self, channel: str) -> bool:
        states = "SELECT state FROM outbox WHERE thread = ? AND state IN ('held', 'queued', 'sending')"
        return bool(self._town.rows(states, self.thread(channel)))


@asynccontextmanager
async def settled_town(folder: Path, furnished: Path, server: Prosody) -> AsyncIterator[Town]:
    """Run an installation with all its peers; it runs when it is given, and must be able to stop in the end."""
    port = free_port()
    async with wire(port) as line, installed(folder, furnished, server, line.port) as house:
        house.command = (sys.executable, "-m", "tests.faults.serve")
        house.environment = {**QUICK, "FAULTS": str(folder)}
        routes = {
            "fjordvik.example": f"smtp:[127.0.0.1]:{house.mail_port}",
            "resident.example": f"smtp:[127.0.0.1]:{house.residents.port}",
        }
        house.gateway.reports = False  # tests report themselves; what was reported need not be asked about
        async with postfix(port, routes) as relay:
            await house.start()
            yield Town(house, server, line, relay)
            assert await house.stop() == 0, house.log()[-2000:]
