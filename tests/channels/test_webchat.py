"""The web chat keeps the contract, resumes without loss, and lets no stranger in."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import hypothesis
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, FormData, WSMsgType
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contactbot.brake import Brake
from contactbot.channels.webchat import WebchatChannel, frames, theme
from contactbot.channels.webchat.exchange import MAILS_AT_ONCE, STATUS, reachable
from contactbot.channels.webchat.files import safe_name
from contactbot.channels.webchat.frames import Message, RefusedError
from contactbot.channels.webchat.origin import caller
from contactbot.channels.webchat.settings import WebchatSettings
from contactbot.channels.webchat.wording import COMPLETE, LANGUAGES, preferred, words
from contactbot.messages import Address, Attachment, Author, MailText, Outbound, Receipt, Standing
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import Doorway, RecordingHouse, doorway, running, surroundings
from tests.patience import PATIENCE

PAYLOADS = Path(__file__).parent / "payloads" / "webchat"
SITE = {"site": "fjordvik", "municipality": "fjordvik", "sites": ["https://www.fjordvik.example"]}


def settings(**changes: object) -> WebchatSettings:
    return WebchatSettings.model_validate({"accounts": [SITE], **changes})


@dataclass
class Chat:
    """A running web chat and a browser's HTTP client."""

    channel: WebchatChannel
    house: RecordingHouse
    url: str
    client: ClientSession
    lines: list[ClientWebSocketResponse] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"{self.url}/chat/fjordvik"

    async def socket(self, origin: str = "", site: str = "fjordvik") -> ClientWebSocketResponse:
        url = f"{self.url}/chat/{site}/ws"
        line = await self.client.ws_connect(url, headers={"Origin": origin or self.url})
        self.lines.append(line)
        return line

    async def hang_up(self) -> None:
        for line in self.lines:
            await line.close()

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
        chat = Chat(channel, house, door.url, client)
        async with running(channel, house):
            yield chat
        await chat.hang_up()


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


# Resuming


async def test_after_a_lost_line_every_message_comes_once_and_in_order(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    first = await items(line, 1)
    await line.close()
    for number in range(120):
        chat.house.say(session_of(token), f"Svar {number}")
    line, _ = await chat.greet(token, after=first[-1]["position"])
    shown = await items(line, 120)
    assert [item["text"] for item in shown] == [f"Svar {number}" for number in range(120)]
    positions = [item["position"] for item in first + shown]
    assert positions == sorted(set(positions))


async def test_when_the_house_cannot_be_read_the_browser_is_told_to_come_back_and_lacks_nothing(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    await items(line, 1)
    chat.house.busy = True
    chat.house.say(session_of(token), "Ja?")
    assert (await line.receive(PATIENCE)).type is WSMsgType.CLOSE
    assert line.close_code == aiohttp.WSCloseCode.TRY_AGAIN_LATER
    chat.house.busy = False
    line, _ = await chat.greet(token, after=1)
    assert [item["text"] for item in await items(line, 1)] == ["Ja?"]


async def test_answers_said_while_the_line_is_open_are_pushed(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    assert (await items(line, 1))[0]["key"] == "k1"
    chat.house.say(session_of(token), "Ja?")
    assert [item["text"] for item in await items(line, 1)] == ["Ja?"]


async def test_after_a_restart_with_the_same_secret_the_conversation_goes_on(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with chatting(house, tmp_path) as before:
        line, token = await before.greet()
        await ask(line, say("Hei", "k1"), "accepted")
    async with chatting(house, tmp_path) as after:
        line, same = await after.greet(token)
        assert same == token
        assert [item["text"] for item in await items(line, 1)] == ["Hei"]


async def test_an_answer_that_leaves_after_the_residents_next_message_still_comes_once(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    await items(line, 1)
    session = session_of(token)
    late = chat.house.say(session, "Svar på det første")
    chat.house._spoken[session].remove(late)  # as while it waits in the outbox: it has a position and is not yet seen
    chat.house._tell(session, replace(late, position=3, author=Author.RESIDENT, text="Og en ting til"))
    assert [item["position"] for item in await items(line, 1)][-1] == 3
    chat.house._spoken[session].insert(1, late)
    chat.house._tell(session, replace(late, position=4, text="Svar på det andre"))
    assert [item["position"] for item in await items(line, 2)] == [2, 4]


async def test_a_second_hello_on_the_same_line_brings_nothing_twice(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    shown = await items(line, 1)
    await ask(line, {"type": "hello", "token": token, "after": shown[-1]["position"]}, "ready")
    chat.house.say(session_of(token), "Ja?")
    assert [item["text"] for item in await items(line, 1)] == ["Ja?"]


async def test_two_conversations_never_hear_each_other(chat: Chat) -> None:
    one, first = await chat.greet()
    other, second = await chat.greet()
    assert session_of(first) != session_of(second)
    chat.house.say(session_of(first), "Til den ene")
    chat.house.say(session_of(second), "Til den andre")
    assert [item["text"] for item in await items(one, 1)] == ["Til den ene"]
    assert [item["text"] for item in await items(other, 1)] == ["Til den andre"]


async def test_a_stopping_service_says_goodbye_so_that_browsers_come_back(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with doorway() as door, ClientSession() as client:
        channel = WebchatChannel(settings(), surroundings(tmp_path, door.url))
        await mount(door, channel)
        async with running(channel, house):
            line, _ = await Chat(channel, house, door.url, client).greet()
            farewell = asyncio.create_task(line.receive(PATIENCE))
            await asyncio.sleep(0)
        assert (await farewell).type in {WSMsgType.CLOSE, WSMsgType.CLOSING}
        assert line.close_code == aiohttp.WSCloseCode.GOING_AWAY
        status, refused = await Chat(channel, house, door.url, client).post({"type": "hello"})
        assert (status, refused["code"]) == (503, "starting")


# Where no WebSocket passes


async def test_an_event_stream_with_posts_carries_the_same_conversation(chat: Chat) -> None:
    _, ready = await chat.post({"type": "hello"})
    token = ready["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    async with chat.client.get(f"{chat.path}/events", headers=bearer) as stream:
        assert stream.content_type == "text/event-stream"
        assert await chat.post(say("Hei", "k1"), token) == (200, {"type": "accepted", "id": "k1", "position": 1})
        chat.house.say(session_of(token), "Ja?")
        assert [item["text"] for item in await events(stream, 2)] == ["Hei", "Ja?"]
    async with chat.client.get(f"{chat.path}/events", headers={**bearer, "Last-Event-ID": "1"}) as stream:
        assert [item["text"] for item in await events(stream, 1)] == ["Ja?"]


async def events(stream: aiohttp.ClientResponse, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < number:
        row = (await asyncio.wait_for(stream.content.readline(), PATIENCE)).decode()
        if row.startswith("data: "):
            found += json.loads(row.removeprefix("data: "))["items"]
    return found


async def test_polling_asks_for_what_is_new(chat: Chat) -> None:
    _, ready = await chat.post({"type": "hello"})
    token = ready["token"]
    await chat.post(say("Hei", "k1"), token)
    chat.house.say(session_of(token), "Ja?")
    async with chat.client.get(f"{chat.path}/messages?after=1", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert [item["text"] for item in (await answer.json())["items"]] == ["Ja?"]


@pytest.mark.parametrize(
    ("frame", "status", "code"),
    [
        (say("å" * 4001), 422, "too_long"),
        (say(" \n"), 422, "empty"),
        (say("a" * 70_000), 413, "too_big"),
        ({"type": "desk"}, 400, "frame"),
        ({"type": "address", "value": "nobody"}, 422, "bad_address"),
    ],
)
async def test_each_refusal_has_its_status_a_code_and_words(chat: Chat, frame: object, status: int, code: str) -> None:
    _, ready = await chat.post({"type": "hello"})
    answered, refused = await chat.post(frame, ready["token"])
    assert (answered, refused["code"]) == (status, code)
    assert len(refused["text"].split()) > 3
    assert not chat.house.offered


async def test_a_busy_house_says_when_to_come_back(chat: Chat) -> None:
    _, ready = await chat.post({"type": "hello"})
    chat.house.busy = True
    async with chat.client.post(
        f"{chat.path}/messages", json=say("Hei"), headers={"Authorization": f"Bearer {ready['token']}"}
    ) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0


# Strangers


async def test_a_socket_of_a_foreign_page_is_refused(chat: Chat) -> None:
    for origin in (
        "https://evil.example",
        "null",
        f"{chat.url}.evil.example",
        "https://www.fjordvik.example.evil.example",
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await chat.socket(origin)
        assert refused.value.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await chat.client.ws_connect(f"{chat.path}/ws")


async def test_a_site_in_the_settings_may_open_a_socket(chat: Chat) -> None:
    line = await chat.socket("https://www.fjordvik.example")
    assert (await ask(line, {"type": "hello"}))["type"] == "ready"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_post_from_a_foreign_page_is_refused(chat: Chat, headers: dict[str, str]) -> None:
    assert (await chat.post({"type": "hello"}, **headers))[0] == 403
    async with chat.client.post(chat.path, data={"text": "Hei"}, headers=headers) as answer:
        assert answer.status == 403
    assert not chat.house.offered


async def test_a_token_of_another_site_a_forged_one_and_an_old_one_open_nothing(
    house: RecordingHouse, tmp_path: Path
) -> None:
    accounts = [SITE, {**SITE, "site": "havn"}]
    async with chatting(house, tmp_path, accounts=accounts) as chat:
        _, token = await chat.greet()
        line = await chat.socket(site="havn")
        identity, issued, mac = token.split(".")
        for wrong in (
            token,
            f"{identity}.{issued}.{'A' * 22}",
            f"{'A' * 22}.{issued}.{mac}",
            f"{identity}.1.{mac}",
            "x",
        ):
            refused = await ask(line, {"type": "hello", "token": wrong})
            assert refused["code"] == "session", wrong
    async with chatting(house, tmp_path, session_days=1e-9) as chat:
        line = await chat.socket()
        assert (await ask(line, {"type": "hello", "token": token}))["code"] == "session"


async def test_before_hello_nothing_is_obeyed(chat: Chat) -> None:
    line = await chat.socket()
    assert (await ask(line, say("Hei")))["code"] == "session"
    assert not chat.house.offered


async def test_an_unknown_site_is_not_there(chat: Chat) -> None:
    for path in (
        "/chat/narnia",
        "/chat/narnia/messages",
        "/chat/narnia/ws",
        "/chat/narnia/theme.css",
        "/chat/static/x.js",
    ):
        async with chat.client.get(chat.url + path) as answer:
            assert answer.status == 404, path


# Floods, and browsers that do not read


async def test_a_flood_from_one_conversation_is_braked_in_words_and_others_go_on(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with chatting(house, tmp_path, session_burst=3, session_per_minute=1) as chat:
        line, _ = await chat.greet()
        replies = [await ask(line, say("Hei", f"k{number}")) for number in range(5)]
        assert [reply["type"] for reply in replies] == ["accepted"] * 3 + ["refused"] * 2
        assert replies[4]["code"] == "flood"
        assert replies[4]["retry_after"] > 0
        other, _ = await chat.greet()
        assert (await ask(other, say("Hei")))["type"] == "accepted"


async def test_a_flood_from_one_network_address_is_braked_over_all_its_conversations(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with chatting(house, tmp_path, address_burst=4, address_per_minute=1) as chat:
        replies = [await chat.post({"type": "hello"}, **{"X-Forwarded-For": "203.0.113.7"}) for _ in range(6)]
        assert [status for status, _ in replies] == [200] * 4 + [429] * 2
        assert (await chat.post({"type": "hello"}, **{"X-Forwarded-For": "203.0.113.8"}))[0] == 200


async def test_too_many_lines_from_one_address_are_refused(house: RecordingHouse, tmp_path: Path) -> None:
    async with chatting(house, tmp_path, lines_per_address=2) as chat:
        first, _ = await chat.greet()
        second, _ = await chat.greet()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await chat.socket()
        assert refused.value.status == 429
        await first.close()
        await until(lambda: chat.channel._lines._per_address["127.0.0.1"] < 2)
        third, _ = await chat.greet()
        assert not second.closed
        assert not third.closed


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that nobody announces."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - the server's own bookkeeping rings no bell
            await asyncio.sleep(0.01)


async def test_a_socket_that_floods_frames_is_closed(chat: Chat) -> None:
    line, _ = await chat.greet()
    for _ in range(80):
        await line.send_str('{"type":"ping"}')
    while (message := await line.receive(PATIENCE)).type is WSMsgType.TEXT:
        pass
    assert message.type is WSMsgType.CLOSE
    assert line.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_browser_that_never_reads_is_dropped_and_the_others_are_served(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with chatting(house, tmp_path, send_timeout=0.2) as chat:
        other, _ = await chat.greet()
        _, ready = await chat.post({"type": "hello"})
        for number in range(3000):
            chat.house.say(session_of(ready["token"]), f"{number} " + "lang tekst " * 1000)
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(chat.url).port or 0, limit=2**10)
        await handshake(reader, writer, chat.url)
        writer.write(masked(json.dumps({"type": "hello", "token": ready["token"]}).encode()))
        await until(lambda: len(chat.channel._lines._sockets) == 2)
        await until(lambda: len(chat.channel._lines._sockets) == 1)
        assert (await ask(other, {"type": "ping"}))["type"] == "pong"
        writer.close()


async def handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str) -> None:
    """Open a WebSocket by hand (RFC 6455 §4.1), so that nobody reads it."""
    head = (
        f"GET /chat/fjordvik/ws HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nOrigin: {url}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(head.encode())
    await reader.readuntil(b"\r\n\r\n")


def masked(payload: bytes) -> bytes:
    """Frame a text as a browser does, with a mask of zeros (RFC 6455 §5.2)."""
    return b"\x81" + bytes([0x80 | 126]) + len(payload).to_bytes(2, "big") + bytes(4) + payload


# The page without JavaScript


async def test_the_page_has_a_strict_policy_and_names_who_may_frame_it(chat: Chat) -> None:
    for query, ancestors in (("", "'none'"), ("?frame=1", "'self' https://www.fjordvik.example")):
        async with chat.client.get(chat.path + query) as answer:
            policy = answer.headers["Content-Security-Policy"]
            text = await answer.text()
        assert f"frame-ancestors {ancestors}" in policy
        assert "unsafe" not in policy
        assert "Set-Cookie" not in answer.headers
        assert not re.search(r"<style|\son\w+=|\sstyle=|javascript:", text)
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "accepted", "lang", "chosen", "offers"),
    [
        ("", "nb", "nb", "", 0),
        ("?page=nn", "nn-NO,nn", "nn", "", 0),
        ("?page=de", "en-GB", "nb", "", 1),
        ("?lang=en", "nb", "en", "en", 0),
        ("?lang=xx", "", "nb", "", 0),
    ],
)
async def test_the_page_speaks_the_chosen_language_else_its_hosts_and_offers_the_browsers(
    chat: Chat, query: str, accepted: str, lang: str, chosen: str, offers: int
) -> None:
    async with chat.client.get(chat.path + query, headers={"Accept-Language": accepted}) as answer:
        text = await answer.text()
    assert f'<html lang="{lang}"' in text
    assert f'"chosen": "{chosen}"' in text
    assert text.count('class="offer"') == offers


async def test_a_form_sent_twice_is_one_message(chat: Chat) -> None:
    async with chat.client.get(chat.path) as answer:
        fields = dict(
            re.findall(r'name="(token|key)" value="([^"]+)"', (await answer.text()).split('id="composer"')[1])
        )
    for _ in range(2):
        async with chat.client.post(chat.path, data={**fields, "text": "Hei\r\nder"}, allow_redirects=False) as answer:
            assert answer.status == 303
            assert answer.headers["Location"].startswith("/chat/fjordvik/s/")
    assert [inbound.text for inbound in chat.house.kept] == ["Hei\nder"]


@pytest.mark.parametrize("failure", [None, RuntimeError("the disk is full")], ids=["busy", "broken"])
async def test_a_form_the_house_cannot_take_is_shown_again_with_its_words(
    chat: Chat, failure: Exception | None
) -> None:
    chat.house.busy = True
    chat.house.failure = failure
    async with chat.client.post(chat.path, data={"text": "Viktig <spørsmål>"}) as answer:
        assert answer.status == 503
        assert "Viktig &lt;spørsmål&gt;" in await answer.text()


async def test_a_form_that_is_too_big_or_broken_is_refused_in_words(chat: Chat) -> None:
    for body, status in (
        (b"text=" + b"a" * 100_000, 413),
        (b"text=\xff\xfe", 400),
        (b"a=1&" * 50, 400),
        (b"text=", 422),
    ):
        async with chat.client.post(chat.path, data=body) as answer:
            assert answer.status == status
            assert "text/html" in answer.headers["Content-Type"]
    assert not chat.house.offered


async def test_a_page_with_a_wrong_token_shows_nobodys_conversation(chat: Chat) -> None:
    async with chat.client.get(f"{chat.path}/s/AAAAAAAAAAAAAAAAAAAAAA.1.AAAAAAAAAAAAAAAAAAAAAA") as answer:
        assert answer.status == 401
        assert "Start en ny samtale" in await answer.text()


async def test_the_transcript_tells_who_said_what_and_when(chat: Chat) -> None:
    _, ready = await chat.post({"type": "hello"})
    token = ready["token"]
    await chat.post(say("Hei"), token)
    chat.house.say(session_of(token), "**Ja?**", markup="markdown", choices=("A", "B"))
    chat.house.say(session_of(token), "Hei, Ola her", author=Author.STAFF)
    async with chat.client.get(f"{chat.path}/transcript", headers={"Authorization": f"Bearer {token}"}) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        text = await answer.text()
    assert text.startswith("Samtale med Fjordvik kommune\r\n")
    assert re.search(r"\d\d\.\d\d\.\d{4} \d\d\.\d\d Du:\r\nHei\r\n", text)
    assert "Automatisk svar:\r\nJa?\r\n- A\r\n- B\r\n" in text
    assert "Ola, medarbeider:\r\nHei, Ola her\r\n" in text


# The conversation by mail


async def asked(chat: Chat, value: str = "kari@resident.example") -> tuple[str, MailText]:
    """Ask for the conversation by mail; return the link's key and the mail it stands in."""
    line, _ = await chat.greet()
    await ask(line, say("Hva koster det?"), "accepted")
    await ask(line, {"type": "transcript", "value": value, "language": "nn"}, "asked")
    session, to, key, mail = chat.house.asked[-1]
    assert (session, to) == (chat.house.kept[-1].sender, Address("email", value))
    return key, mail


async def test_a_link_is_mailed_in_the_residents_language_without_a_word_of_the_conversation(chat: Chat) -> None:
    key, mail = await asked(chat)
    assert f"{chat.path}/mail/{key}?lang=nn" in mail.text
    assert "Hva koster" not in mail.text + mail.subject
    assert (mail.language, "Lenkja" in mail.text or "lenkja" in mail.text) == ("nn", True)


async def test_looking_at_the_link_sends_nothing_and_its_button_sends_the_whole_conversation(chat: Chat) -> None:
    key, _ = await asked(chat)
    async with chat.client.get(f"{chat.path}/mail/{key}") as page:
        assert page.status == 200
        assert "Send meg samtalen" in await page.text()
        assert page.headers["Cache-Control"] == "no-store"
    assert chat.house.mailed == {}
    for _ in range(2):
        async with chat.client.post(f"{chat.path}/mail/{key}") as page:
            assert "er på vei" in await page.text()
    [mail] = chat.house.mailed.values()
    assert mail.subject == "Samtale med Fjordvik kommune"
    assert "Du:\nHva koster det?" in mail.text


async def test_a_foreign_page_cannot_press_the_links_button(chat: Chat) -> None:
    key, _ = await asked(chat)
    async with chat.client.post(f"{chat.path}/mail/{key}", headers={"Origin": "https://evil.example"}) as page:
        assert page.status == 403
    assert chat.house.mailed == {}


async def test_a_dead_link_and_an_address_that_has_had_its_share_are_told_in_words(chat: Chat) -> None:
    key, _ = await asked(chat)
    async with chat.client.get(f"{chat.path}/mail/{key}x") as page:
        assert (page.status, "virker ikke lenger" in await page.text()) == (410, True)
    chat.house.share_left = False
    async with chat.client.post(f"{chat.path}/mail/{key}") as page:
        assert (page.status, page.headers["Retry-After"]) == (429, "3600")


@pytest.mark.parametrize("value", ["", "99 99 99 99", "kari", "a@b", "a@b.no\nBcc: c@d.no", "x" * 250 + "@b.no"])
async def test_only_a_mail_address_is_written_to(chat: Chat, value: str) -> None:
    line, _ = await chat.greet()
    await ask(line, say("Hei"), "accepted")
    reply = await ask(line, {"type": "transcript", "value": value}, "refused")
    assert reply["code"] in ("bad_mail", "frame")
    assert chat.house.asked == []


async def test_without_a_mailbox_the_choice_is_not_there_and_is_refused(chat: Chat) -> None:
    async with chat.client.get(chat.path) as page:
        assert "Få samtalen på e-post" in await page.text()
    chat.house.has_mail = False
    async with chat.client.get(chat.path) as page:
        assert "Få samtalen på e-post" not in await page.text()
    line, _ = await chat.greet()
    assert (await ask(line, {"type": "transcript", "value": "a@b.no"}, "refused"))["code"] == "no_mail"


async def test_a_network_address_may_ask_for_five_links_at_once_over_all_its_conversations(chat: Chat) -> None:
    for number in range(MAILS_AT_ONCE):
        await asked(chat, f"{number}@resident.example")
    line, _ = await chat.greet()
    await ask(line, say("Hei"), "accepted")
    reply = await ask(line, {"type": "transcript", "value": "a@b.no"}, "refused")
    assert reply["code"] == "asked_enough"
    assert len(chat.house.asked) == MAILS_AT_ONCE


async def test_files_are_packed_kept_by_their_version_and_never_sent_twice(chat: Chat) -> None:
    async with chat.client.get(chat.path) as page:
        [script] = re.findall(r'src="(/chat/static/widget\.js\?v=\w+)"', await page.text())
    async with chat.client.get(chat.url + script) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Encoding"] == "gzip"
        tag = answer.headers["ETag"]
    async with chat.client.get(chat.url + script, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304


# What is left to the house, and what the house is told


async def test_typing_reading_and_an_address_reach_the_house(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, {"type": "typing"}, "ok")
    await ask(line, {"type": "read", "position": 3}, "ok")
    await ask(line, {"type": "address", "value": " 99 99 99 99 "}, "noted")
    assert [(hint.kind, hint.position) for hint in chat.house.hints] == [("typing", 0), ("read", 3)]
    assert chat.house.left == [(session_of(token), Address("tel", "+4799999999"))]


async def test_the_end_of_a_conversation_reaches_the_house(chat: Chat) -> None:
    line, token = await chat.greet()
    await ask(line, {"type": "end"}, "ok")
    assert chat.house.ended == [session_of(token)]


async def test_a_language_is_passed_on_only_when_the_resident_chose_it(chat: Chat) -> None:
    line, _ = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    await ask(line, {**say("Hello", "k2"), "language": "en"}, "accepted")
    assert [inbound.language for inbound in chat.house.kept] == ["", "en"]


# Files, and how the conversation stands

PDF = b"%PDF-1.7\n..."


async def upload(chat: Chat, token: str, name: str, content: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
    form = FormData(fields)
    form.add_field("file", content, filename=name, content_type="text/html")
    headers = {"Authorization": f"Bearer {token}"}
    async with chat.client.post(f"{chat.path}/files", data=form, headers=headers) as answer:
        return answer.status, await answer.json()


async def with_people(chat: Chat) -> str:
    """Return the token of a conversation that people have."""
    line, token = await chat.greet()
    await ask(line, say("Hei", "k1"), "accepted")
    chat.house.stand(chat.house.kept[0].sender, Standing(with_people=True))
    return token


async def test_a_file_is_taken_only_when_people_have_the_conversation(tmp_path: Path) -> None:
    async with chatting(RecordingHouse(), tmp_path) as chat:
        _, token = await chat.greet()
        status, refused = await upload(chat, token, "brev.pdf", PDF)
        assert (status, refused["code"]) == (403, "no_files")
        assert chat.house.offered == []
        token = await with_people(chat)
        status, accepted = await upload(chat, token, "brev.pdf", PDF, key="f1")
        assert (status, accepted["type"]) == (200, "accepted")
        assert await upload(chat, token, "brev.pdf", PDF, key="f1") == (200, accepted)
        kept = chat.house.kept[-1]
        assert (kept.text, kept.attachments) == ("Fil: brev.pdf", (Attachment("brev.pdf", "application/pdf", PDF),))


async def test_where_files_are_switched_off_none_is_taken(tmp_path: Path) -> None:
    async with chatting(RecordingHouse(), tmp_path, file_limit=0) as chat:
        status, refused = await upload(chat, await with_people(chat), "brev.pdf", PDF)
        assert (status, refused["code"]) == (403, "no_files")
        assert len(chat.house.kept) == 1


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("brev.exe", b"MZ", 415, "file_type"),
        ("brev.pdf", b"MZ not a PDF", 415, "file_type"),
        ("brev", PDF, 415, "file_type"),
        ("tom.txt", b"", 415, "file_type"),
        ("stor.txt", b"a" * 2001, 413, "file_too_big"),
        ("enorm.txt", b"a" * 90_000, 413, "file_too_big"),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes, status: int, code: str
) -> None:
    async with chatting(RecordingHouse(), tmp_path, file_limit=2000) as chat:
        token = await with_people(chat)
        answered, refused = await upload(chat, token, name, content)
        assert (answered, refused["code"]) == (status, code)
        assert refused["text"]
        assert len(chat.house.kept) == 1


async def test_a_form_without_a_file_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    async with chatting(RecordingHouse(), tmp_path) as chat:
        headers = {"Authorization": f"Bearer {await with_people(chat)}"}
        async with chat.client.post(f"{chat.path}/files", data=b"{}", headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "frame")
        form = FormData({"key": "k"}, default_to_multipart=True)
        async with chat.client.post(f"{chat.path}/files", data=form, headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (415, "file_type")


async def test_files_count_towards_the_flood_limit_of_their_conversation(tmp_path: Path) -> None:
    async with chatting(RecordingHouse(), tmp_path, session_burst=2) as chat:
        token = await with_people(chat)
        codes = [(await upload(chat, token, "brev.pdf", PDF))[0] for _ in range(2)]
        assert codes == [200, 429]


async def test_a_browser_is_told_how_the_conversation_stands_and_who_writes(tmp_path: Path) -> None:
    async with chatting(RecordingHouse(), tmp_path) as chat:
        line, _ = await chat.greet()
        await ask(line, say("Hei", "k1"), "accepted")
        sender = chat.house.kept[0].sender
        chat.house.stand(sender, Standing(with_people=True, writing="Ola"))
        async with asyncio.timeout(PATIENCE):
            told = await line.receive_json()
            while "standing" not in told:
                told = await line.receive_json()
        assert told["standing"] == {"people": True, "ended": False, "writing": "Ola", "place": None}


@pytest.mark.parametrize(("is_open", "place"), [(True, 1), (False, None)])
async def test_a_place_in_the_queue_is_told_only_while_people_are_there(
    tmp_path: Path, *, is_open: bool, place: int | None
) -> None:
    house = RecordingHouse()
    house.is_open = is_open
    async with chatting(house, tmp_path) as chat:
        line, _ = await chat.greet()
        await ask(line, say("Hei", "k1"), "accepted")
        house.stand(house.kept[0].sender, Standing(with_people=True, place=1))
        async with asyncio.timeout(PATIENCE):
            told = await line.receive_json()
            while "standing" not in told:
                told = await line.receive_json()
        assert told["standing"]["people"] is True
        assert told["standing"]["place"] == place


@hypothesis.settings(deadline=None)  # a shared machine may stall
@given(st.text(), st.sampled_from(["", ".pdf", "/../x.PDF", "\u202efdp.exe", "\0.txt"]))
def test_a_files_name_is_short_and_leads_nowhere(stem: str, end: str) -> None:
    name = safe_name(stem + end)
    assert len(name) <= 100
    assert not set(name) & set("/\\\0\n\r\u202e")


# Pure parts


@hypothesis.settings(deadline=None)  # a shared machine may stall
@given(st.text())
def test_any_text_is_a_frame_or_refused(raw: str) -> None:
    with suppress(RefusedError):
        assert frames.parse(raw, 4000)


@hypothesis.settings(deadline=None)  # a shared machine may stall
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda s: (
            st.lists(s)
            | st.dictionaries(
                st.sampled_from(["type", "id", "text", "token", "after", "position", "value", "language", "helpful"])
                | st.text(),
                s,
            )
        ),
    ),
    st.sampled_from(["hello", "message", "typing", "read", "address", "rate", "ping"]),
)
def test_any_object_of_a_known_type_is_a_frame_or_refused(data: object, kind: str) -> None:
    whole = {**data, "type": kind} if isinstance(data, dict) else data
    try:
        frame = frames.parse(json.dumps(whole), 4000)
    except RefusedError:
        return
    assert not isinstance(frame, Message) or 0 < len(frame.text) <= 4000


@hypothesis.settings(deadline=None)  # a shared machine may stall
@given(st.text(min_size=1))
def test_what_a_resident_wrote_survives_the_frame_as_it_is(text: str) -> None:
    words_ = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if words_.strip("\0") and len(words_) <= 4000:
        assert frames.parse(json.dumps(say(text)), 4000) == Message("a1", words_)
    encoded = frames.encode({"type": "messages", "text": text})
    assert json.loads(encoded.encode()) == {"type": "messages", "text": text}


@hypothesis.settings(deadline=None)  # a shared machine may stall
@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True), st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_any_two_colours_become_a_theme_that_can_be_read(brand: str, accent: str) -> None:
    for palette, surfaces in (
        (theme.light_palette(brand, accent), ("#ffffff", "#f3f5f7")),
        (theme.dark_palette(brand, accent), ("#20272f", "#14191f")),
    ):
        for ground, text in (("brand", "on-brand"), ("accent", "on-accent"), ("own", "on-own")):
            assert theme.contrast(palette[ground], palette[text]) >= theme.TEXT_CONTRAST
        for surface in surfaces:
            assert theme.contrast(palette["accent"], surface) >= theme.TEXT_CONTRAST


def test_the_brake_allows_a_burst_then_a_rate_and_forgives_with_time() -> None:
    now = [0.0]
    brake = Brake(2, 60, lambda: now[0])
    assert [brake.wait("a") for _ in range(3)] == [0, 0, 1.0]
    assert brake.wait("b") == 0
    now[0] = 1.0
    assert brake.wait("a") == 0


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("Kari.Nordmann@Example.COM", Address("email", "Kari.Nordmann@example.com")),
        ("999 99 999", Address("tel", "+4799999999")),
        ("+46 70 123 45 67", Address("tel", "+46701234567")),
        ("kari", None),
        ("kari@localhost", None),
        ("a@b@c.example", None),
        ("kari@example.com\r\nBcc: x@example.com", None),
        ("Kari <kari@example.com>", None),
        ("ring 99999999", None),
        ("12", None),
        ("", None),
    ],
)
def test_a_left_address_is_read_as_people_write_it(value: str, address: Address | None) -> None:
    assert reachable(value, "NO") == address


def test_only_a_trusted_proxy_is_believed_about_who_calls() -> None:
    proxies = settings().proxies()
    assert caller("127.0.0.1", "198.51.100.1, 203.0.113.7", proxies) == "203.0.113.7"
    assert caller("127.0.0.1", "203.0.113.7, 127.0.0.2", proxies) == "203.0.113.7"
    assert caller("203.0.113.9", "198.51.100.1", proxies) == "203.0.113.9"
    assert caller("127.0.0.1", "2001:db8:1:2:3::4", proxies) == "2001:db8:1:2::/64"
    assert caller(None, "", proxies) == ""


@pytest.mark.parametrize("language", COMPLETE)
def test_every_language_says_everything_with_the_same_holes(language: str) -> None:
    first, other = words(COMPLETE[0]).sentences, words(language).sentences
    assert other.keys() == first.keys()
    for key, sentence in other.items():
        assert sorted(re.findall(r"{\w*}", sentence)) == sorted(re.findall(r"{\w*}", first[key])), key


def test_every_refusal_has_its_words_and_its_status() -> None:
    for code, status in STATUS.items():
        assert words("nb").say(f"refused_{code}", limit=4000, megabytes=10, types="pdf")
        assert 400 <= status < 600


def test_a_language_without_reviewed_sentences_falls_back_and_says_so() -> None:
    sami = words("se")
    assert (sami.language, sami.lang, sami["name"]) == ("se", "nb", "Davvisámegiella")
    assert sami["send"] == words("nb")["send"]
    assert set(LANGUAGES) - set(COMPLETE) == {"se"}


def test_the_browsers_wish_is_understood_in_its_order() -> None:
    assert preferred("en-GB,en;q=0.9,no;q=0.8", ["nb", "nn", "en"]) == "en"
    assert preferred("de, no;q=0.8", ["nb", "nn"]) == "nb"
    assert preferred("de;q=x, *", ["nb"]) is None
    assert preferred("", ["nb"]) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"site": "Fjord vik"},
        {"site": "static"},
        {"sites": ["https://www.fjordvik.example/path"]},
        {"sites": ["*"]},
        {"brand": "blue"},
        {"languages": ["xx"]},
        {"time_zone": "Europe/Fjordvik"},
        {"privacy_url": "javascript:alert(1)"},
        {"sensitive_pattern": "("},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(accounts=[{**SITE, **wrong}])


async def test_the_whole_widget_weighs_little(chat: Chat) -> None:
    weights = {path: await weight(chat, path) for path in ("/chat/embed.js", "/chat/fjordvik?frame=1&page=nb")}
    async with chat.client.get(f"{chat.path}?frame=1") as page:
        parts = re.findall(r'(?:src|href)="(/chat/[^"]+\.(?:js|css)\?v=\w+)"', await page.text())
    assert len(parts) == 3
    weights |= {path: await weight(chat, path) for path in parts}
    assert weights["/chat/embed.js"] <= 2048
    assert sum(weights.values()) < 30_000, weights


async def weight(chat: Chat, path: str) -> int:
    """Return the bytes that go over the wire."""
    async with chat.client.get(chat.url + path, headers={"Accept-Encoding": "gzip"}) as answer:
        return int(answer.headers["Content-Length"])
