"""kill -9 in the middle of every channel's exchange: nothing accepted is lost, and nothing is answered twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import pytest_asyncio

from contactbot.demo.gateway import Mishap
from contactbot.demo.prosody import Prosody
from contactbot.demo.town import KEY, MAILBOX, NUMBER
from tests.journeys.installation import LOOK, Installation, installed, until
from tests.patience import PATIENCE
from tests.peers.browser import Browser
from tests.peers.prosody import Resident, new_account

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUESTION = "Når har biblioteket åpent?"
PHONES = [f"+479999972{number}" for number in range(4)]
ADDRESSES = [f"kim{number}@resident.example" for number in range(4)]


@pytest_asyncio.fixture(loop_scope="session")
async def town(tmp_path: Path, furnished: Path, prosody: Prosody) -> AsyncIterator[Installation]:
    """Make an installation of this test's own, not yet started, whose mail goes straight to the residents."""
    async with installed(tmp_path, furnished, prosody) as installation:
        yield installation


async def write(town: Installation, address: str) -> None:
    """Hand in a mail; the same one each time, as a relay does that tries again."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = address, MAILBOX, "Bibliotek"
    mail["Date"], mail["Message-ID"] = "Mon, 02 Nov 2026 12:00:00 +0100", f"<the-only.{address}>"
    mail.set_content(QUESTION)
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=town.mail_port, start_tls=False)


async def until_shown(browser: Browser) -> None:
    """Wait until a page that is opened anew shows the question and its answer, each once."""
    async with asyncio.timeout(PATIENCE):
        while (authors := await browser.authors()) != ["resident", "bot"]:
            assert authors in (["resident"], []), authors
            await asyncio.sleep(LOOK)


async def test_what_is_on_its_way_in_on_every_channel_is_answered_once(town: Installation, prosody: Prosody) -> None:
    assert town.bot is not None
    login = await asyncio.to_thread(new_account, prosody, "per")
    per = Resident(prosody, login)
    await per.connect()
    browsers = [Browser(town.client, town.url, KEY) for _ in range(4)]
    await town.start()
    # Each is asked again, as its own peer does, until it is accepted; texts are looked for at the provider.
    asked: list[Callable[[], Coroutine[Any, Any, None]]] = [
        *(partial(write, town, one) for one in ADDRESSES),
        *(partial(one.say, QUESTION) for one in browsers),
    ]
    for number in range(4):
        per.say(town.bot.jid, f"{QUESTION} ({number})", f"per-{number}")
    coming = [asyncio.ensure_future(one()) for one in asked]
    texts = [asyncio.ensure_future(town.gateway.text_in(phone, NUMBER, QUESTION)) for phone in PHONES]
    await asyncio.wait([*coming, *texts], return_when=asyncio.FIRST_COMPLETED)
    await town.kill()
    answered = len(per.words()) + len(town.residents.mails) + sum(len(town.texts_to(phone)) for phone in PHONES)
    assert answered < 12, "it was killed in the middle"
    outcomes = await asyncio.gather(*coming, return_exceptions=True)
    await asyncio.gather(*texts, return_exceptions=True)

    await town.start()
    for one, outcome in zip(asked, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            await one()
    await write(town, ADDRESSES[0])
    for phone in PHONES:
        await town.texts(phone)
    for address in ADDRESSES:
        await town.mails(address)
    await until(lambda: len(per.words()) >= 4, "the answers over XMPP")
    for browser in browsers:
        await until_shown(browser)

    assert await town.stop() == 0, "what is on its way is finished first, so what is there now is all"
    assert [len(town.texts_to(phone)) for phone in PHONES] == [1] * 4
    assert [len(town.mails_to(address)) for address in ADDRESSES] == [1] * 4
    assert len(per.words()) == 4
    await per.close()
    with closing(sqlite3.connect(town.folder / "contactbot.db")) as database:
        rows = database.execute("SELECT author, count(*) FROM message GROUP BY author ORDER BY author").fetchall()
    assert rows == [("bot", 16), ("resident", 16)]


async def test_an_answer_that_may_have_left_is_asked_about_or_said_to_be_in_doubt(town: Installation) -> None:
    town.gateway.misbehave(Mishap.HANGS_TAKEN, Mishap.HANGS)
    town.residents.mute = True
    await town.start()
    for phone in PHONES[:2]:
        await town.gateway.text_in(phone, NUMBER, QUESTION)
    await write(town, ADDRESSES[0])
    await until(lambda: len(town.gateway.posted) == 2 and town.mails_to(ADDRESSES[0]), "three answers on their way")
    await town.kill()

    town.residents.mute = False
    await town.start()
    for phone in PHONES[:2]:
        await town.texts(phone)
    await town.mails(ADDRESSES[0], 2)
    await town.kill()
    await town.start()
    assert await town.stop() == 0
    assert [len(town.texts_to(phone)) for phone in PHONES[:2]] == [1, 1], "the provider was asked"
    first, second = town.mails_to(ADDRESSES[0])
    assert first.message["Message-ID"] == second.message["Message-ID"], "mail programs show it once"
    assert first.content == second.content
    with closing(sqlite3.connect(town.folder / "contactbot.db")) as database:
        states = database.execute(
            "SELECT e.state FROM delivery_event e JOIN outbox o ON o.id = e.outbox WHERE o.channel = 'email'"
        ).fetchall()
    assert ("unknown",) in states, "the doubt stays visible"
