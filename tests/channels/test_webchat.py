"""The web chat keeps the contract, resumes without loss, and lets no stranger in."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from contactbot.channels.webchat import WebchatChannel
from contactbot.channels.webchat.settings import Settings
from contactbot.messages import Address, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import PATIENCE, Doorway, RecordingHouse, doorway, running, surroundings

PAYLOADS = Path(__file__).parent / "payloads" / "webchat"
SITE = {"site": "fjordvik", "municipality": "fjordvik", "sites": ["https://www.fjordvik.example"]}


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"accounts": [SITE], **changes})


@dataclass
class Chat:
    """A running web chat and a browser's HTTP client."""

    channel: WebchatChannel
    house: RecordingHouse
    url: str
    client: ClientSession

    @property
    def path(self) -> str:
        return f"{self.url}/chat/fjordvik"

    async def socket(self, origin: str = "") -> ClientWebSocketResponse:
        return await self.client.ws_connect(f"{self.path}/ws", headers={"Origin": origin or self.url})

    async def greet(self, token: str = "", after: int = 0) -> tuple[ClientWebSocketResponse, str]:
        """Open a socket, say hello and return it with its token."""
        line = await self.socket()
        ready = await ask(line, {"type": "hello", "token": token, "after": after})
        assert ready["type"] == "ready"
        return line, ready["token"]

    async def post(self, frame: object, token: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self.client.post(f"{self.path}/messages", json=frame, headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def chatting(house: RecordingHouse, data: Path, **changes: object) -> AsyncIterator[Chat]:
    async with doorway() as door, ClientSession() as client:
        channel = WebchatChannel(settings(**changes), surroundings(data, door.url))
        await mount(door, channel)
        async with running(channel, house):
            yield Chat(channel, house, door.url, client)


async def mount(door: Doorway, channel: WebchatChannel) -> None:
    await door.mount(channel.routes())


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
async def chat(house: RecordingHouse, tmp_path: Path) -> AsyncIterator[Chat]:
    async with chatting(house, tmp_path) as chat:
        yield chat


def session_of(token: str) -> Address:
    return Address("webchat", token.partition(".")[0])


async def take(line: ClientWebSocketResponse) -> dict[str, Any]:
    """Return the next frame of the server's."""
    message = await line.receive(PATIENCE)
    assert message.type is WSMsgType.TEXT, message
    frame: dict[str, Any] = json.loads(message.data)
    return frame


async def ask(line: ClientWebSocketResponse, frame: object, answer: str = "") -> dict[str, Any]:
    """Send a frame and return the answer to it, leaving pushed messages aside."""
    await line.send_str(json.dumps(frame))
    while True:
        taken = await take(line)
        if taken["type"] == answer or (not answer and taken["type"] != "messages"):
            return taken


async def items(line: ClientWebSocketResponse, number: int) -> list[dict[str, Any]]:
    """Return so many messages of the conversation, as they came."""
    found: list[dict[str, Any]] = []
    while len(found) < number:
        taken = await take(line)
        if taken["type"] == "messages":
            found += taken["items"]
    return found


def say(text: str, key: str = "a1") -> dict[str, str]:
    return {"type": "message", "id": key, "text": text}


# The contract


class _Reader(HTMLParser):
    """Reads the HTML of an answer as a person sees it: words, and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.text += f" {dict(attrs)['href']} "


def read(item: Mapping[str, Any]) -> str:
    if "html" not in item:
        return str(item["text"])
    reader = _Reader()
    reader.feed(item["html"])
    return reader.text


@dataclass
class WebchatPeer:
    """A resident's browser: a WebSocket with one conversation."""

    chat: Chat
    line: ClientWebSocketResponse
    token: str
    data: Path
    _heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def channel(self) -> WebchatChannel:
        return self.chat.channel

    @property
    def resident(self) -> Address:
        return session_of(self.token)

    async def deliver(self, text: str, external_id: str) -> Verdict:
        await self.line.send_str(json.dumps(say(text, external_id)))
        while True:
            frame = await self._take()
            match frame:
                case {"type": "accepted", "id": key} if key == external_id:
                    return Verdict.TAKEN
                case {"type": "refused", "code": "busy" | "flood" | "starting"}:
                    return Verdict.LATER
                case {"type": "refused"}:
                    return Verdict.REFUSED
                case _:
                    self._keep(frame)

    async def tell(self, outbound: Outbound) -> Receipt:
        self.chat.house.say(outbound.recipient, outbound.text, markup=outbound.markup, choices=outbound.choices)
        return await self.channel.send(outbound)

    async def heard(self) -> Heard:
        while not self._heard:
            self._keep(await self._take())
        item = self._heard.pop(0)
        return Heard(read(item), tuple(item.get("choices", ())))

    async def abuse(self) -> Mapping[str, str]:
        answers: dict[str, str] = {}
        for name, payload in hostile_frames():
            line, _ = await self.chat.greet()
            await (line.send_bytes(payload) if isinstance(payload, bytes) else line.send_str(payload))
            answers[name] = json.dumps(await take(line))
            await line.close()
        return answers

    def misconfigured(self) -> WebchatChannel:
        wrong = settings(accounts=[{**SITE, "municipality": "narnia", "crest": "/nowhere/crest.svg"}])
        return WebchatChannel(wrong, surroundings(self.data))

    async def _take(self) -> dict[str, Any]:
        return await take(self.line)

    def _keep(self, frame: Mapping[str, Any]) -> None:
        if frame["type"] == "messages":
            self._heard += [item for item in frame["items"] if item["author"] != "resident"]


class TestWebchat(ChannelContract):
    """The contract, over a WebSocket."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, tmp_path: Path) -> AsyncIterator[Peer]:
        async with chatting(house, tmp_path, address_burst=1000, session_burst=1000) as chat:
            line, token = await chat.greet()
            yield WebchatPeer(chat, line, token, tmp_path)


def hostile_frames() -> Iterator[tuple[str, str | bytes]]:
    """Frames no widget sends, captured and made."""
    for row in (PAYLOADS / "hostile.jsonl").read_text("utf-8").splitlines():
        case = json.loads(row)
        yield case["name"], case["frame"]
    yield "a megabyte", json.dumps(say("å" * 1_000_000), ensure_ascii=False)
    yield "deep nesting", "[" * 20_000
    yield "a huge number", '{"type":"read","position":' + "9" * 10_000 + "}"
    yield "bytes that are no text", b"\xff\xfe\x00"
    yield "bytes", json.dumps(say("Hei")).encode()
