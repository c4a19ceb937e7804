"""kill -9 of the real process while texts are on their way in and out: none is lost and none is sent twice."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import Any

import pytest

from contactbot.channels.sms.channel import TEXTS
from contactbot.demo.gateway import Answer, Gateway, Mishap
from tests.patience import PATIENCE

NUMBER = "+4759440000"
PHONES = [f"+479988770{number}" for number in range(8)]


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation that can be started and killed over and over."""

    gateway: Gateway
    values: dict[str, Any]

    @asynccontextmanager
    async def process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the process; it is killed without notice when the block ends."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.channels.sms_process", json.dumps(self.values),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE):
                while (line := await process.stdout.readline()) != b"ready\n":
                    assert line, "the process ended before it was ready"
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def answers(self, phone: str, most: int = 1) -> list[str]:
        """Wait until a phone has so many answers, and return all it has."""
        async with asyncio.timeout(PATIENCE):
            await self.gateway.texts.until(lambda: len(self._answers(phone)) >= most)
        return self._answers(phone)

    def _answers(self, phone: str) -> list[str]:
        return [text.body for text in self.gateway.phone(phone) if not text.inbound]


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    with socket(AF_INET, SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with Gateway(numbers=(NUMBER,), text_url=url + TEXTS) as gateway:
        twilio = {"account_sid": gateway.account_sid, "auth_token": gateway.auth_token, "api_url": gateway.url}
        yield Installation(
            gateway,
            {
                "public_url": url,
                "listen": f"127.0.0.1:{port}",
                "data": str(tmp_path),
                "secret": "a key for tests that is long enough",
                "log_level": "error",
                "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
                "channels": {"sms": {"twilio": twilio, "numbers": [{"number": NUMBER}]}},
            },
        )


async def test_texts_on_their_way_in_are_each_answered_once(installation: Installation) -> None:
    gateway = installation.gateway
    async with installation.process() as process:
        await gateway.text_in(PHONES[0], NUMBER, "Hei")
        coming = [asyncio.create_task(gateway.text_in(phone, NUMBER, "Hei")) for phone in PHONES[1:5]]
        await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
        coming += [asyncio.create_task(gateway.text_in(phone, NUMBER, "Hei")) for phone in PHONES[5:]]
        for _ in range(10):
            await asyncio.sleep(0)
        process.kill()
        outcomes = await asyncio.gather(*coming, return_exceptions=True)
    assert {isinstance(outcome, Answer) for outcome in outcomes} == {True, False}, "some were answered and some cut off"
    async with installation.process():
        for phone in PHONES:
            assert len(await installation.answers(phone)) == 1
        await gateway.text_in(PHONES[0], NUMBER, "Hei igjen")
        await installation.answers(PHONES[0], 2)
    assert [len(installation._answers(phone)) for phone in PHONES] == [2] + [1] * (len(PHONES) - 1)


async def test_answers_on_their_way_out_arrive_once_whether_or_not_the_provider_took_them(
    installation: Installation,
) -> None:
    gateway = installation.gateway
    gateway.misbehave(Mishap.HANGS_TAKEN, Mishap.HANGS)
    async with installation.process():
        for phone in PHONES[:2]:
            assert (await gateway.text_in(phone, NUMBER, "Hei")).status == 200
        async with asyncio.timeout(PATIENCE):
            await gateway.texts.until(lambda: len(gateway.posted) == 2)
    assert [len(installation._answers(phone)) for phone in PHONES[:2]].count(1) == 1
    async with installation.process():
        for phone in PHONES[:2]:
            await installation.answers(phone)
        await gateway.text_in(PHONES[2], NUMBER, "Hei")
        await installation.answers(PHONES[2])
    assert [len(installation._answers(phone)) for phone in PHONES[:3]] == [1, 1, 1]
