"""Two municipalities with staff, residents and a running web server, for the tests of the pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from contactbot import app
from contactbot.clock import now
from contactbot.handoff import desk
from contactbot.handoff.ticket import NewTicket, Priority, Reason
from contactbot.house import House
from contactbot.messages import Account, Address, Author
from contactbot.settings import Settings, from_values
from contactbot.staff import password
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.storage import installation
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage
from contactbot.web import server

PASSWORD = "a long enough password"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the cost of a real hash is not what is tested
HERE, THERE = "fjordvik", "nabovik"
PEOPLE = {
    "kari@fjordvik.example": ("Kari Nes", Role.STAFF, HERE),
    "ola@fjordvik.example": ("Ola Vik", Role.EDITOR, HERE),
    "ada@fjordvik.example": ("Ada Berg", Role.ADMIN, HERE),
    "nils@nabovik.example": ("Nils Nabo", Role.STAFF, THERE),
}
Client: TypeAlias = "TestClient[web.Request, web.Application]"


@dataclass(slots=True)
class Watch:
    """A clock that tests can move."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        """Return the moment the house believes it to be."""
        return now() + self.ahead


@dataclass(slots=True)
class Town:
    """The running house, its web server, and what tests do with both."""

    house: House
    server: TestServer
    watch: Watch
    clients: list[Client]

    @property
    def url(self) -> str:
        """Where the server is."""
        return str(self.server.make_url("")).rstrip("/")

    def client(self, **headers: str) -> Client:
        """Return a browser nobody has signed in with."""
        client = TestClient(self.server, cookie_jar=CookieJar(unsafe=True), headers=headers)
        self.clients.append(client)
        return client

    async def signed_in(self, email: str = "kari@fjordvik.example") -> Client:
        """Return a browser that somebody has signed in with."""
        client = self.client()
        answer = await client.post("/sign-in", data={"email": email, "password": PASSWORD}, allow_redirects=False)
        assert answer.status == 303, await answer.text()
        return client

    async def written(self, letter: "Letter | str") -> int:
        """Let a resident write what goes to a person; return the case's number."""
        wanted = Letter(letter) if isinstance(letter, str) else letter
        return int(await self.house.database.write(_written, wanted, self.house.clock()))

    async def case(self, number: int, municipality: str = HERE) -> desk.Case:
        """Return a case as it stands."""
        found: desk.Case = await self.house.database.read(desk.case, municipality, number)
        return found


@dataclass(frozen=True, slots=True)
class Letter:
    """What a resident writes."""

    text: str
    name: str = "Kim Hansen"
    channel: str = "sms"
    scheme: str = "tel"
    address: str = "+4799999901"
    municipality: str = HERE
    team: str = ""
    priority: Priority = "normal"
    due_in: timedelta = timedelta(days=2)


def _written(tx: Transaction, letter: Letter, at: datetime) -> int:
    account, _ = threads.account_of(tx, letter.channel, f"{letter.channel}:{letter.municipality}")
    address = threads.keep_address(tx, letter.municipality, Address(letter.scheme, letter.address), letter.name, at)
    thread = threads.running_thread(tx, account, address) or threads.open_thread(
        tx, letter.municipality, account, address, letter.channel, "", "nb", at
    )
    threads.append(tx, letter.municipality, thread.id, NewMessage(Author.RESIDENT, letter.text, "nb", at))
    new = NewTicket(
        letter.text[:60],
        Reason.UNSURE,
        letter.channel,
        at,
        at + letter.due_in,
        team=letter.team,
        priority=letter.priority,
    )
    return desk.hand_off(tx, thread, new).number


def configuration(data: Path, **more: object) -> Settings:
    """Return the configuration of the two municipalities."""
    return from_values(
        {
            "public_url": "http://127.0.0.1",
            "data": data,
            "secret": "a secret that is long enough for tests",
            "municipalities": {
                HERE: {"name": "Fjordvik kommune", "teams": ["Innbyggerservice", "Teknisk drift"]},
                THERE: {"name": "Nabovik kommune", "teams": ["Servicetorget"]},
            },
            **more,
        },
        "the test's configuration",
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Town]:
    """Run a house with its web server on a port of this machine."""
    watch = Watch()
    async with app.running(settings, watch, deliver=False) as house:
        await house.database.write(_settled, QUICK.hash(PASSWORD), now())
        test_server = TestServer(server.application(house))
        async with test_server:
            town = Town(house, test_server, watch, [])
            try:
                yield town
            finally:
                for client in town.clients:
                    await client.session.close()


def _settled(tx: Transaction, hashed: str, at: datetime) -> None:
    for email, (name, role, municipality) in PEOPLE.items():
        team = "Innbyggerservice" if municipality == HERE else "Servicetorget"
        staff.add(tx, municipality, email, name, role, hashed, team, at)
    places = [
        Account(channel, f"{channel}:{key}", key) for channel in ("sms", "email", "webchat") for key in (HERE, THERE)
    ]
    installation.write(tx, [], places)


@pytest.fixture(autouse=True)
def quick_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify cheap hashes cheaply, those of nobody too."""
    monkeypatch.setattr(password, "_HASHER", QUICK)
    password.nobody.cache_clear()


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run the two municipalities."""
    async with running(configuration(tmp_path, database=sqlite_url)) as started:
        yield started


@pytest.fixture
async def either_town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run the two municipalities, once on each engine."""
    async with running(configuration(tmp_path, database=database_url)) as started:
        yield started


@pytest.fixture
async def kari(town: Town) -> Client:
    """Return the browser that Kari, who works on cases, has signed in with."""
    return await town.signed_in()


async def text_of(answer: ClientResponse, status: int = 200) -> str:
    """Return a page, having checked its status."""
    text = await answer.text()
    assert answer.status == status, text
    return text
