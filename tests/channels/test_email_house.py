"""Email with a whole house behind it: our own words are known again, and no two machines answer each other for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from contactbot import app, clock
from contactbot.channels.email import EmailChannel
from contactbot.house import House
from contactbot.kb import editing
from contactbot.settings import from_values
from contactbot.storage import schema
from contactbot.storage.transaction import Transaction
from tests.channels.test_email import KARI, POST, letter
from tests.conversation.town import BASE
from tests.patience import PATIENCE
from tests.peers.postfix import free_port
from tests.peers.smtp import Mail, Sink, sink

QUESTION = "når åpner biblioteket"
ANSWER = "Biblioteket er åpent 10-19."


@dataclass(frozen=True, slots=True)
class Town:
    """A municipality's running house, and where its mail comes in."""

    house: House
    key: str

    @property
    def port(self) -> int:
        """Where mail comes in."""
        channel = self.house.channels["email"]
        assert isinstance(channel, EmailChannel)
        assert channel.listening_on is not None
        return channel.listening_on[1]

    async def take(self, message: EmailMessage) -> None:
        """Take a mail in by SMTP."""
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.port, start_tls=False)

    async def settled(self) -> None:
        """Return when nothing waits to be sent and every receipt is recorded."""
        async with asyncio.timeout(PATIENCE):
            while await self.value("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"):
                pass

    async def value(self, sql: str) -> object:
        """Return one value of the database."""
        return await self.house.database.read(_value, sql)


def _furnished(folder: Path) -> str:
    folder.mkdir(mode=0o700)
    url = f"sqlite:///{folder / 'contactbot.db'}"
    schema.upgrade(url)
    return url


def _value(tx: Transaction, sql: str) -> object:
    return tx.value(sql)


@asynccontextmanager
async def town(
    folder: Path, relay_port: int, *, key: str = "fjordvik", port: int = 0, **more: object
) -> AsyncIterator[Town]:
    url = await asyncio.to_thread(_furnished, folder)
    values = {
        "public_url": f"https://chat.{key}.example",
        "secret": "a secret that is long enough for tests",
        "data": folder,
        "database": url,
        "municipalities": {key: {"name": f"{key.title()} kommune"}},
        "channels": {
            "email": {
                "accounts": [{"address": f"post@{key}.example", "municipality": key}],
                "listen": {"port": port},
                "relay": {"port": relay_port, "tls": "none"},
                **more,
            }
        },
    }
    async with app.running(from_values(values, "the test's configuration"), clock.now) as house:
        await house.database.write(editing.take_in, key, BASE, "operator", clock.now())
        yield Town(house, key)


@pytest.fixture
async def relay() -> AsyncIterator[Sink]:
    async with sink() as running_sink:
        yield running_sink


async def test_our_own_words_coming_back_without_any_mark_are_folded(relay: Sink, tmp_path: Path) -> None:
    async with town(tmp_path / "a", relay.port) as here:
        await here.take(letter(QUESTION, "m1"))
        answer = await relay.next()
        assert ANSWER in answer.text
        await here.settled()
        reply = letter(f"Og når hentes søppelet?\n\n{answer.text}", "m2")
        reply["In-Reply-To"] = str(answer.message["Message-ID"])
        await here.take(reply)
        assert "Søppelet hentes på tirsdager." in (await relay.next()).text
        written = await here.value("SELECT text FROM message WHERE author = 'resident' ORDER BY id DESC LIMIT 1")
        assert written == "Og når hentes søppelet?"


def machines_answer(to: Mail) -> EmailMessage:
    """Answer a mail as a program does that says nowhere that it is one, with a question that the bot knows."""
    answer = letter(QUESTION, f"auto-{to.message['Message-ID'].strip('<>').partition('@')[0]}")
    answer["In-Reply-To"] = str(to.message["Message-ID"])
    return answer


async def test_a_machine_that_hides_what_it_is_gets_three_answers_and_then_a_person(
    relay: Sink, tmp_path: Path
) -> None:
    async with town(tmp_path / "a", relay.port) as here:
        await here.take(letter(QUESTION, "m1"))
        for _ in range(3):
            await here.take(machines_answer(await relay.next()))
        assert await here.value("SELECT reason FROM ticket") == "braked"
        for number in range(3):
            await here.take(letter(QUESTION, f"again-{number}"))
        assert await here.value("SELECT count(*) FROM outbox") == 3
        assert len(relay.mails) == 3
        assert {mail.recipients for mail in relay.mails} == {(KARI,)}


async def test_two_houses_that_write_to_each_other_fall_silent_at_once(tmp_path: Path) -> None:
    here_port, there_port = free_port(), free_port()
    async with (
        town(tmp_path / "a", there_port, port=here_port) as here,
        town(tmp_path / "b", here_port, key="dalen", port=there_port) as there,
    ):
        question = letter(QUESTION, "m1")
        question.replace_header("From", "post@dalen.example")
        question.replace_header("To", POST)
        await here.take(question)
        await here.settled()
        assert await here.value("SELECT count(*) FROM outbox WHERE state = 'sent'") == 1
        assert await there.value("SELECT count(*) FROM message WHERE kind = 'automatic'") == 1
        assert await there.value("SELECT count(*) FROM outbox") == 0


async def test_spam_and_an_absence_notice_are_not_answered(relay: Sink, tmp_path: Path) -> None:
    async with town(tmp_path / "a", relay.port) as here:
        spam = letter(QUESTION, "m1")
        spam["X-Spam-Flag"] = "YES"
        await here.take(spam)
        absence = letter("Jeg er tilbake på mandag. " + QUESTION, "m2")
        absence["Auto-Submitted"] = "auto-replied"
        await here.take(absence)
        assert await here.value("SELECT count(*) FROM outbox") == 0
        assert await here.value("SELECT reason FROM ticket") == "spam"
        assert await here.value("SELECT count(*) FROM ticket") == 1


async def test_more_new_addresses_than_the_mailbox_takes_up_are_kept_and_not_answered(
    relay: Sink, tmp_path: Path
) -> None:
    async with town(tmp_path / "a", relay.port, strangers_per_hour=3, strangers_per_server=2) as here:
        for number, server in enumerate(("cheap.example",) * 4 + ("other.example",) * 2):
            mail = letter(QUESTION, f"m{number}")
            mail.replace_header("From", f"s{number}@{server}")
            await here.take(mail)
        await here.settled()
        assert await here.value("SELECT count(*) FROM message WHERE author = 'resident'") == 6
        assert await here.value("SELECT count(*) FROM outbox WHERE state = 'sent'") == 3
        assert await here.value("SELECT reason FROM ticket") == "strangers"
