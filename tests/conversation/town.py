"""A whole house with the channel without a wire, a small base of answers, and a clock that tests move."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contactbot import app
from contactbot.channels.loopback import LoopbackChannel
from contactbot.handoff import desk
from contactbot.handoff.ticket import Ticket
from contactbot.house import House
from contactbot.kb import editing
from contactbot.kb.entry import Entry, EntryText
from contactbot.messages import Outbound
from contactbot.settings import from_values
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from contactbot.storage.unit import Unit
from contactbot.threads.thread import Message
from tests.patience import PATIENCE

HERE = "fjordvik"
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # ten o'clock in Oslo, an ordinary working day


@dataclass(slots=True)
class Watch:
    """A clock that stands still until a test moves it."""

    at: datetime = MONDAY
    drawn: int = field(default=0)

    def __call__(self) -> datetime:
        """Return the moment, a microsecond later each time so that order can be told."""
        self.drawn += 1
        return self.at + timedelta(microseconds=self.drawn)


def entry(key: str, question: str, phrasings: tuple[str, ...], answer: str, english: str = "") -> Entry:
    """Return an answer in bokmål, and in English where that is given."""
    texts = [EntryText("nb", question, phrasings, sms=answer, chat=answer, full=answer)]
    if english:
        texts.append(EntryText("en", f"{question} (en)", (english,), sms=f"{answer} EN", chat=f"{answer} EN"))
    return Entry(key, 1, tuple(texts), owner="Teknisk drift")


BASE = (
    entry(
        "bibliotek", "Når er biblioteket åpent?",
        ("åpningstider bibliotek", "når åpner biblioteket", "hvor lenge har biblioteket åpent"),
        "Biblioteket er åpent 10-19.", "when does the library open",
    ),
    entry(
        "brøyting", "Hvorfor er ikke veien brøytet?",
        ("veien er ikke brøytet", "når kommer brøytebilen", "det er ikke måkt snø i gata"),
        "Vi brøyter fra klokka fem.",
    ),
    entry(
        "renovasjon-dager", "Når hentes søppelet?",
        ("hentedag søppel", "når tømmer dere søppeldunken", "hvilken dag hentes avfallet"),
        "Søppelet hentes på tirsdager.",
    ),
    entry(
        "renovasjon-ikke-hentet", "Søppelet ble ikke hentet",
        ("søppelet ble ikke hentet", "dere glemte søppeldunken min", "avfallet står igjen etter hentedag"),
        "Meld fra til oss.",
    ),
)  # fmt: skip


@dataclass(slots=True)
class Town:
    """The running house and what residents and staff do with it."""

    house: House
    watch: Watch
    kari: int
    ola: int

    @property
    def channel(self) -> LoopbackChannel:
        """The channel without a wire."""
        channel = self.house.channels["loopback"]
        assert isinstance(channel, LoopbackChannel)
        return channel

    async def say(self, text: str, session: str = "resident", external_id: str = "") -> dict[str, object]:
        """Say something; return what the house made of it."""
        accepted = await self.channel.say(text, session, external_id)
        return (await self._message(accepted.message)).outcome

    async def hear(self, session: str = "resident") -> Outbound:
        """Return the next message a resident gets."""
        return await self.channel.hear(session)

    async def ask(self, text: str, session: str = "resident") -> str:
        """Say something and return the reply's words."""
        await self.say(text, session)
        return (await self.hear(session)).text

    async def silent(self, session: str = "resident") -> bool:
        """Whether nothing has come for a resident once everything on its way has arrived."""
        async with asyncio.timeout(PATIENCE):
            while await self.house.database.read(_waiting):
                pass
        return not self.channel.heard(session)

    async def ticket(self, number: int = 1001) -> Ticket:
        """Return a ticket."""
        found: Ticket = await self.house.database.read(desk.get, HERE, number)
        return found

    async def tickets(self) -> int:
        """Return how many tickets there are."""
        count: int = await self.house.database.read(lambda tx: tx.value("SELECT count(*) FROM ticket"))
        return count

    async def case(self, number: int = 1001) -> desk.Case:
        """Return a case with its conversation."""
        found: desk.Case = await self.house.database.read(desk.case, HERE, number)
        return found

    def actor(self, who: int | None = None) -> desk.Actor:
        """Return a member of staff who acts now."""
        return desk.Actor(who or self.kari, "Kari Nes", HERE, self.watch())

    async def do(self, unit: Unit, *arguments: object) -> object:
        """Run a unit of the desk."""
        return await self.house.database.write(unit, *arguments)

    async def _message(self, number: int) -> Message:
        found: Message = await self.house.database.read(_message_by_id, number)
        return found


def _message_by_id(tx: Transaction, number: int) -> Message:
    found = tx.one(
        Message,
        "SELECT id, thread, position, author, kind, text, markup, language, choices, key, outcome, created_at"
        " FROM message WHERE id = :id",
        id=number,
    )
    assert found is not None
    return found


def _member(tx: Transaction, name: str, at: datetime) -> int:
    email = f"{name}@x.example"
    known = staff.password_of(tx, email)  # a house that runs on the database of an earlier one has them
    return known[0] if known is not None else staff.add(tx, HERE, email, name.title(), Role.STAFF, "-", "", at)


def _waiting(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"))


@asynccontextmanager
async def running(url: str, folder: Path, *, deliver: bool = True, **more: object) -> AsyncIterator[Town]:
    """Run the house on a database that has the schema."""
    watch = Watch()
    settings = from_values(
        {
            "public_url": "https://chat.fjordvik.example",
            "secret": "a secret that is long enough for tests",
            "data": folder,
            "database": url,
            "municipalities": {HERE: {"name": "Fjordvik kommune", "teams": ["Innbyggerservice", "Teknisk drift"]}},
            "channels": {"loopback": {}},
            **more,
        },
        "the test's configuration",
    )
    async with app.running(settings, watch, deliver=deliver) as house:
        await house.database.write(editing.take_in, HERE, BASE, "operator", watch())
        people = [await house.database.write(_member, name, watch()) for name in ("kari", "ola")]
        yield Town(house, watch, *people)
