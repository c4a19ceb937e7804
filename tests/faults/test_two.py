"""Two processes on one PostgreSQL, of which one stands still: what it was about is done by the other, and done once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Any

import aiohttp
import aiosmtplib
import psycopg
import pytest_asyncio
from sqlalchemy import make_url

from contactbot.channels.sms.channel import TEXTS
from contactbot.demo.town import KEY, MAILBOX, NUMBER, RELAY
from contactbot.failpoints import Point
from tests.faults import faults
from tests.faults.outcome import proven_on
from tests.faults.table import keep
from tests.faults.town import QUESTION, QUICK
from tests.faults.traps import Trap, lay
from tests.journeys.installation import LOOK, Installation, fill, installed
from tests.patience import PATIENCE
from tests.peers.browser import Browser
from tests.peers.postfix import free_port
from tests.peers.postgresql import Postgresql

CHANNELS = ("email", "sms", "webchat")  # an XMPP account is one process's at a time: its server knows one session of it

_QUICK = {name: value for name, value in QUICK.items() if "XMPP" not in name}
_REPORTS = (
    "SELECT count(*) FROM delivery_event e JOIN outbox o ON o.id = e.outbox WHERE e.state = 'sent' AND o.thread = ?"
)


@dataclass(slots=True)
class Pair:
    """Two processes with the same peers and the same database; ``house`` is the one that stands still."""

    house: Installation
    other: Installation
    url: str

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database; each ``?`` stands for a value."""
        plain = make_url(self.url).set(drivername="postgresql").render_as_string(hide_password=False)
        with closing(psycopg.connect(plain)) as database:
            return database.execute(statement.replace("?", "%s").encode(), values).fetchall()

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """Let the house do nothing at all."""
        os.kill(self.house.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.house.pid, signal.SIGCONT)

    async def let_go(self, house: Installation) -> None:
        """Take a process's traps away; it looks when a message comes by."""
        lay(house.folder / "traps", [])
        await Browser(house.client, house.url, KEY).say(QUESTION)

    async def until(self, look: Callable[[], Awaitable[bool]], what: str) -> None:
        """Look until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not await look():  # noqa: ASYNC110 - what is looked at cannot tell that it changed
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            told = f"{self.house.log()[-2000:]}\n{self.other.log()[-2000:]}"
            raise AssertionError(f"waited {PATIENCE:g} s in vain for {what}\n{told}") from None


class Three:
    """A resident on each channel whose peer may turn to either process."""

    def __init__(self, pair: Pair) -> None:
        self.key = token_hex(16)
        self.address = f"{self.key[:12]}@resident.example"
        self.phone = f"+479{randbelow(10**7):07d}"
        self.browser = Browser(pair.house.client, pair.other.url, KEY)
        self._pair = pair

    async def ask(self, house: Installation) -> None:
        """Hand the question in at one of the processes."""
        await asyncio.gather(self.ask_by_email(house), self.ask_by_sms(house), self.ask_by_webchat(house))

    async def ask_by_email(self, house: Installation) -> None:
        """Give it as the relay does."""
        mail = EmailMessage()
        mail["Authentication-Results"] = f"{RELAY}; dmarc=pass header.from=resident.example"
        mail["From"], mail["To"], mail["Subject"] = self.address, MAILBOX, "Bibliotek"
        mail["Message-ID"] = f"<{self.key}@resident.example>"
        mail.set_content(QUESTION)
        await aiosmtplib.send(mail, hostname="127.0.0.1", port=house.mail_port, start_tls=False)

    async def ask_by_sms(self, house: Installation) -> None:
        """Give it to the provider, which calls a webhook once."""
        self._pair.house.gateway.text_url = house.url + TEXTS
        with suppress(aiohttp.ClientError, TimeoutError):
            await self._pair.house.gateway.text_in(self.phone, NUMBER, QUESTION, sid=f"SM{self.key}")

    async def ask_by_webchat(self, house: Installation) -> None:
        """Say it, as the widget does."""
        self.browser = self.browser.at(house.url)
        await self.browser.say(QUESTION)
        self.browser = self.browser.at(self._pair.other.url)

    def thread(self, channel: str) -> int | None:
        """Return the thread of the question, if it is kept: there is at most one."""
        who = {"email": f"<{self.key}@resident.example>", "sms": f"SM{self.key}", "webchat": f"%{self.browser.key}"}
        rows = self._pair.rows("SELECT DISTINCT thread FROM accepted WHERE external_id LIKE ?", who[channel])
        assert len(rows) <= 1, f"{channel}: the question is in {len(rows)} threads"
        return rows[0][0] if rows else None

    async def answers(self) -> dict[str, int]:
        """Return how many answers each of them has got."""
        house = self._pair.house
        return {
            "email": len(house.mails_to(self.address)),
            "sms": len(house.texts_to(self.phone)),
            "webchat": (await self.browser.authors()).count("bot"),
        }

    async def have_answers(self) -> bool:
        """Whether everybody has one."""
        return all((await self.answers()).values())

    async def are_settled(self) -> bool:
        """Whether everybody has an answer and nothing is under way to them any more."""
        return await self.have_answers() and not self.states() & {"queued", "sending"}

    def states(self) -> set[str]:
        """Return the states of all answers to them."""
        rows = [self._pair.rows("SELECT state FROM outbox WHERE thread = ?", self.thread(one)) for one in CHANNELS]
        return {state for found in rows for (state,) in found}

    def reports(self) -> int:
        """Return how often somebody noted that an answer is sent."""
        return sum(self._pair.rows(_REPORTS, self.thread(one))[0][0] for one in CHANNELS)


@pytest_asyncio.fixture
async def pair(postgresql: Postgresql, tmp_path: Path) -> AsyncIterator[Pair]:
    """Run two processes; they must be able to stop in the end."""
    url = postgresql.migrated()
    await fill(url)
    (first := tmp_path / "first").mkdir(mode=0o700)
    (second := tmp_path / "second").mkdir(mode=0o700)
    (unused := tmp_path / "unused.db").touch()
    async with installed(first, unused, None) as house:
        other = Installation(
            second, f"http://127.0.0.1:{free_port()}", house.gateway, house.residents, free_port(), house.relay_port,
            None, None, house.client,
        )  # fmt: skip
        other.configure()
        house.gateway.reports = False
        try:
            for one in (house, other):
                one.command = (sys.executable, "-m", "tests.faults.serve")
                one.environment = {**_QUICK, "FAULTS": str(one.folder), "CONTACTBOT_DATABASE": url}
                await one.start()
            yield Pair(house, other, url)
            for one in (house, other):
                assert await one.stop() == 0, one.log()[-2000:]
        finally:
            await other.kill()


async def test_what_one_process_was_sending_when_it_stood_still_is_finished_by_the_other_and_not_sent_by_both(
    pair: Pair,
) -> None:
    three = Three(pair)
    lay(pair.other.folder / "traps", [Trap(Point.LEASING, "gather", 2)])  # so that the first one sends
    lay(pair.house.folder / "traps", [Trap(Point.TAKEN, "gather", len(CHANNELS) + 1)])
    await three.ask(pair.house)
    await pair.until(three.have_answers, "answers that are taken and not noted")
    with pair.standstill():
        await pair.let_go(pair.other)
        await pair.until(three.are_settled, "the other process to find out")
        known = three.reports()
    await pair.let_go(pair.house)

    async def both_have_told() -> bool:
        return three.reports() == known + len(CHANNELS)

    await pair.until(both_have_told, "what the first process knows, which changes nothing")
    keep(faults.PARTED, await proven_on(pair, three, CHANNELS))


async def test_what_a_peer_gives_to_both_since_the_first_stood_still_is_answered_once(pair: Pair) -> None:
    three = Three(pair)
    with pair.standstill():
        waiting = [asyncio.create_task(ask(pair.house)) for ask in (three.ask_by_email, three.ask_by_sms)]
        await three.ask(pair.other)
        await pair.until(three.are_settled, "answers from the other process")
        waiting.append(asyncio.create_task(three.browser.at(pair.house.url).say(QUESTION)))
    await asyncio.gather(*waiting)
    await pair.until(three.are_settled, "nothing under way")
    keep(faults.PASSED_ON, await proven_on(pair, three, CHANNELS))
