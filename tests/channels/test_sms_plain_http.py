"""Text messages keep the contract over a gateway that speaks plain JSON: the provider port is not Twilio's shape."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from contactbot import clock
from contactbot.channels.sms import SmsChannel
from contactbot.channels.sms.channel import REPORTS, TEXTS
from contactbot.channels.sms.plain_http.webhooks import ID, SIGNATURE, TIMESTAMP, sign
from contactbot.channels.sms.settings import SmsSettings
from contactbot.messages import Address, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import Doorway, RecordingHouse, doorway, outbound, running, surroundings

NUMBER = "+4759440000"
PHONE = "+4799887766"
TOKEN = secrets.token_hex(16)
SECRET = secrets.token_hex(16)


@dataclass
class PlainGateway:
    """The smallest gateway that does what docs/channels/sms.md asks of one."""

    door: Doorway
    taken: dict[str, dict[str, str]] = field(default_factory=dict)
    arrivals: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    refusals: list[int] = field(default_factory=list)
    forgetful: bool = False

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/texts", self._take), web.get("/texts", self._find)]

    async def _take(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.json_response({}, status=401)
        if self.refusals:
            return web.Response(status=self.refusals.pop(0), text="<html>", headers={"Retry-After": "9"})
        text: dict[str, str] = await request.json()
        if text["reference"] not in self.taken:
            self.taken[text["reference"]] = text | {"id": f"g-{len(self.taken) + 1}"}
            self.arrivals.put_nowait(text["text"])
        if self.forgetful and request.transport is not None:
            request.transport.close()
        return web.json_response({"id": self.taken[text["reference"]]["id"]}, status=201)

    async def _find(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.json_response({}, status=401)
        text = self.taken.get(request.query["reference"])
        if text is None:
            return web.json_response({}, status=404)
        return web.json_response({"id": text["id"], "state": "delivered"})


@dataclass
class PlainPeer:
    """A resident's phone, through a plain gateway."""

    channel: SmsChannel
    gateway: PlainGateway
    door: Doorway
    data: Path
    resident: Address = field(default_factory=lambda: Address("tel", PHONE))

    async def deliver(self, text: str, external_id: str) -> Verdict:
        status, _ = await self.call(TEXTS, {"id": external_id, "from": PHONE, "to": NUMBER, "text": text})
        if status == 200:
            return Verdict.TAKEN
        return Verdict.LATER if status >= 500 else Verdict.REFUSED

    async def tell(self, outbound: Outbound) -> Receipt:
        return await self.channel.send(outbound)

    async def heard(self) -> Heard:
        return Heard(await self.gateway.arrivals.get())

    async def abuse(self) -> Mapping[str, str]:
        text = {"id": "x", "from": PHONE, "to": NUMBER, "text": "Hei"}
        answers = {
            "no signature": await self.call(TEXTS, text, {SIGNATURE: ""}),
            "another's signature": await self.call(TEXTS, text, {SIGNATURE: sign("no", "x", "0", b"")}),
            "a signature outside ASCII": await self.call(TEXTS, text, {SIGNATURE: "v1,\u00e6"}),
            "an old call": await self.call(TEXTS, text, age=timedelta(minutes=6)),
            "a call from the future": await self.call(TEXTS, text, age=timedelta(minutes=-6)),
            "a time that is no number": await self.call(TEXTS, text, {TIMESTAMP: "now"}),
            "no JSON": await self.call(TEXTS, b"\xff\xfe"),
            "deep JSON": await self.call(TEXTS, b"[" * 50_000),
            "a list": await self.call(TEXTS, b"[]"),
            "a text that is a number": await self.call(TEXTS, text | {"text": 1}),
            "no identity": await self.call(TEXTS, {"from": PHONE, "to": NUMBER, "text": "Hei"}),
            "a megabyte": await self.call(TEXTS, text | {"text": "a" * 1_000_000}),
            "an unknown state": await self.call(REPORTS, {"id": "x", "reference": "1.1", "state": "lost"}),
            "a foreign reference": await self.call(REPORTS, {"id": "x", "reference": "æ", "state": "sent"}),
            "NUL and half an emoji": await self.call(TEXTS, text | {"text": "a\0\ud83d"}),
        }
        clear = {200, 400, 403, 413}
        return {name: f"{status} {body}" if status in clear else "" for name, (status, body) in answers.items()}

    def misconfigured(self) -> SmsChannel:
        return SmsChannel(_settings(self.gateway.door.url, token="wrong" * 4), surroundings(self.data, self.door.url))

    async def call(
        self,
        route: str,
        body: dict[str, Any] | bytes,
        changed: Mapping[str, str] | None = None,
        age: timedelta = timedelta(0),
    ) -> tuple[int, str]:
        """Post to our webhook, signed unless headers are changed."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        timestamp = str(int((clock.now() - age).timestamp()))
        headers = {ID: "call-1", TIMESTAMP: timestamp, SIGNATURE: sign(SECRET, "call-1", timestamp, content)}
        headers |= changed or {}
        url = self.door.url + route
        async with aiohttp.ClientSession() as session, session.post(url, data=content, headers=headers) as answer:
            return answer.status, await answer.text()


@asynccontextmanager
async def plain(house: RecordingHouse, data: Path) -> AsyncIterator[PlainPeer]:
    """Start a plain gateway and a running channel that know each other."""
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(doorway())
        gateway = PlainGateway(await stack.enter_async_context(doorway()))
        await gateway.door.mount(gateway.routes())
        channel = SmsChannel(_settings(gateway.door.url), surroundings(data, door.url))
        await door.mount(channel.routes())
        await stack.enter_async_context(running(channel, house))
        yield PlainPeer(channel, gateway, door, data)


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
async def peer(house: RecordingHouse, tmp_path: Path) -> AsyncIterator[PlainPeer]:
    async with plain(house, tmp_path) as phone:
        yield phone


class TestSmsOverPlainHttp(ChannelContract):
    """The contract, over JSON both ways."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, tmp_path: Path) -> AsyncIterator[Peer]:
        async with plain(house, tmp_path) as phone:
            yield phone


async def test_an_attempt_whose_answer_was_lost_is_made_again_and_arrives_once(peer: PlainPeer) -> None:
    message = outbound(peer.channel, peer.resident, "Hei", outbox=17)
    peer.gateway.forgetful = True
    first = await peer.channel.send(message)
    assert (first.state, first.detail) == ("retry", "no_answer (ServerDisconnectedError)")
    peer.gateway.forgetful = False
    assert await peer.channel.send(replace(message, attempt=2)) == Receipt("delivered", 17, "g-1", segments=1)
    assert len(peer.gateway.taken) == 1


async def test_a_text_is_found_by_its_reference_and_never_by_its_words(peer: PlainPeer) -> None:
    message = outbound(peer.channel, peer.resident, "Takk!", outbox=1)
    await peer.channel.send(message)
    assert await peer.channel.probe(replace(message, id=2)) is None
    found = await peer.channel.probe(message)
    assert found is not None
    assert found.provider_id == "g-1"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (410, Receipt("failed", 1, detail="opted_out (410)")),
        (422, Receipt("failed", 1, detail="refused (422)")),
        (401, Receipt("retry", 1, detail="provider_busy (401)", retry_after=9.0)),
        (429, Receipt("retry", 1, detail="provider_busy (429)", retry_after=9.0)),
        (503, Receipt("retry", 1, detail="provider_busy (503)", retry_after=9.0)),
    ],
)
async def test_a_refusal_says_whether_another_attempt_makes_sense(
    status: int, expected: Receipt, peer: PlainPeer
) -> None:
    peer.gateway.refusals.append(status)
    assert await peer.channel.send(outbound(peer.channel, peer.resident, "Hei")) == expected


async def test_calls_that_are_old_or_signed_by_another_are_refused(peer: PlainPeer, house: RecordingHouse) -> None:
    text = {"id": "x", "from": PHONE, "to": NUMBER, "text": "Hei"}
    old, _ = await peer.call(TEXTS, text, age=timedelta(minutes=6))
    unsigned, _ = await peer.call(TEXTS, text, {SIGNATURE: sign("another secret", "call-1", "0", b"")})
    assert (old, unsigned) == (403, 403)
    assert not house.offered


async def test_reports_carry_the_reference_back(peer: PlainPeer, house: RecordingHouse) -> None:
    await peer.channel.send(outbound(peer.channel, peer.resident, "Hei", outbox=17))
    [reference] = peer.gateway.taken
    report = {"id": "g-1", "reference": reference, "state": "failed", "detail": "no such phone"}
    assert await peer.call(REPORTS, report) == (200, "")
    assert house.receipts == [Receipt("failed", 17, "g-1", "no such phone")]


async def test_check_tells_a_wrong_token_from_a_gateway_that_is_not_there(peer: PlainPeer) -> None:
    gone = SmsChannel(_settings("http://127.0.0.1:9"), surroundings(peer.data, peer.door.url))
    [wrong_token], [not_there] = await peer.misconfigured().check(), await gone.check()
    assert "401" in wrong_token.text
    assert "gives no answer" in not_there.text


def test_exactly_one_provider_may_be_named() -> None:
    twilio = {"account_sid": "AC1", "auth_token": "x"}
    table = _table("https://gateway.example")
    for wrong in (table | {"twilio": twilio}, {"numbers": table["numbers"]}):
        with pytest.raises(ValueError, match="exactly one provider"):
            SmsSettings.model_validate(wrong)


def _settings(url: str, token: str = TOKEN) -> SmsSettings:
    return SmsSettings.model_validate(_table(url, token))


def _table(url: str, token: str = TOKEN) -> dict[str, Any]:
    return {
        "plain_http": {"url": f"{url}/texts", "token": token, "secret": SECRET, "timeout": 2.0},
        "numbers": [{"number": NUMBER}],
    }
