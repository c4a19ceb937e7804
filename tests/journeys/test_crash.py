"""kill -9 in the middle of every channel's exchange: nothing accepted is lost, and nothing is answered twice."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import aiosmtplib
import pytest
import pytest_asyncio

from contactbot.demo.gateway import Mishap
from contactbot.demo.prosody import Prosody
from contactbot.demo.town import KEY, MAILBOX, NUMBER
from tests.journeys.installation import Installation, installed, until
from tests.peers.prosody import Login, Resident, new_account

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


class Browser:
    """A widget's line to the server, with the identifiers that make saying something twice harmless."""

    def __init__(self, town: Installation) -> None:
        self._town = town
        self._key = str(uuid4())
        self._token = ""
        self.positions: dict[int, dict[str, Any]] = {}

    async def say(self) -> None:
        """Say hello and ask; return when the server has it. Raises ClientError, or AssertionError when the line ends."""
        url = f"{self._town.url}/chat/{KEY}/ws"
        async with self._town.client.ws_connect(url, headers={"Origin": self._town.url}) as line:
            await line.send_json({"type": "hello", "token": self._token, "after": 0})
            self._token = (await self._next(line, "ready"))["token"]
            await line.send_json({"type": "message", "id": self._key, "text": QUESTION})
            await self._next(line, "accepted")

    async def history(self) -> list[str]:
        """Return who said something, in order, as a page shows it that is opened anew."""
        url = f"{self._town.url}/chat/{KEY}/ws"
        async with self._town.client.ws_connect(url, headers={"Origin": self._town.url}) as line:
            await line.send_json({"type": "hello", "token": self._token, "after": 0})
            items = (await self._next(line, "messages"))["items"]
            return [item["author"] for item in items]

    async def _next(self, line: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
        while True:
            message = await line.receive(10)
            assert message.type is aiohttp.WSMsgType.TEXT, message
            frame: dict[str, Any] = json.loads(message.data)
            if frame["type"] == kind:
                return frame
