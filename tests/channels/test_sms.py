"""Text messages keep the contract, against a gateway that answers as Twilio's API does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from contactbot import clock
from contactbot.channels.base import Finding
from contactbot.channels.sms import SmsChannel, look_back
from contactbot.channels.sms.channel import REPORTS, TEXTS
from contactbot.channels.sms.settings import NumberSettings, PlainHttpSettings, SmsSettings, TwilioSettings
from contactbot.demo.gateway import Answer, Gateway, Mishap
from contactbot.demo.texts import Text, Texts
from contactbot.messages import Account, Address, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import Doorway, RecordingHouse, doorway, outbound, running, surroundings
from tests.patience import PATIENCE

NUMBER = "+4759440000"
PHONE = "+4799887766"
PAYLOADS = Path(__file__).parent / "payloads" / "sms"


@dataclass
class SmsPeer:
    """A resident's phone, through the gateway."""

    channel: SmsChannel
    gateway: Gateway
    house: RecordingHouse
    door: Doorway
    data: Path
    resident: Address = field(default_factory=lambda: Address("tel", PHONE))
    _heard: int = field(default=0)

    async def deliver(self, text: str, external_id: str) -> Verdict:
        answer = await self.gateway.text_in(PHONE, NUMBER, text, sid=_sid(external_id))
        if answer.status == 200:
            return Verdict.TAKEN
        return Verdict.LATER if answer.status >= 500 else Verdict.REFUSED

    async def tell(self, outbound: Outbound) -> Receipt:
        return await self.channel.send(outbound)

    async def heard(self) -> Heard:
        await self.gateway.texts.until(lambda: len(self._outgoing()) > self._heard)
        self._heard += 1
        return Heard(self._outgoing()[self._heard - 1])

    async def abuse(self) -> Mapping[str, str]:
        url = self.door.url + TEXTS
        form = {"MessageSid": _sid("x"), "From": PHONE, "To": NUMBER, "Body": "Hei"}
        many = {f"Field{number}": "" for number in range(300)} | form
        answers = {
            "wrong signature": await self.gateway.post(url, form, signature="bm90IHRoaXMgb25l"),
            "signature outside ASCII": await self.gateway.post(url, form, signature="æøå"),
            "another's report": await self.gateway.post(self.door.url + REPORTS, form, signature="x"),
            "no identity": await self.gateway.post(url, {"From": PHONE, "To": NUMBER, "Body": "Hei"}),
            "no sender": await self.gateway.post(url, form | {"From": " "}),
            "no status": await self.gateway.post(self.door.url + REPORTS, form),
            "hundreds of fields": await self.gateway.post(url, many),
            "NUL and control characters": await self.gateway.post(url, form | {"Body": "a\0\x1b[2J\x07b"}),
            "not UTF-8": await self._raw(b"Body=%ff%fe&MessageSid=%c3", "x"),
            "bytes that are no form": await self._raw(b"\xff\xfe\x00" * 100, "x"),
            "JSON": await self._raw(b'{"MessageSid": "SM1"}', "x"),
            "no signature": await self._raw(b"Body=Hei", None),
            "a megabyte": await self._raw(b"Body=" + b"a" * 1_000_000, "x"),
            "a megabyte without a length": await self._raw(_pieces(), "x"),
        }
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            answers["a GET"] = Answer(answer.status, await answer.text())
        clear = {200, 400, 403, 404, 405, 413}
        return {name: f"{each.status} {each.body}" if each.status in clear else "" for name, each in answers.items()}

    def misconfigured(self) -> SmsChannel:
        settings = _settings(self.gateway, api_url="https://api.twilio.com")
        return SmsChannel(settings, surroundings(self.data, "http://localhost:8080"))

    async def _raw(self, body: Any, signature: str | None) -> Answer:  # noqa: ANN401 - whatever aiohttp sends
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        url = self.door.url + TEXTS
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
            return Answer(answer.status, await answer.text())

    def _outgoing(self) -> list[str]:
        return [text.body for text in self.gateway.texts.of(PHONE) if not text.inbound]


@asynccontextmanager
async def sms(house: RecordingHouse, data: Path, **changes: Any) -> AsyncIterator[SmsPeer]:  # noqa: ANN401 - settings
    """Start a gateway and a running channel that know each other."""
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(doorway())
        gateway = await stack.enter_async_context(Gateway(numbers=(NUMBER,), text_url=door.url + TEXTS))
        channel = SmsChannel(_settings(gateway, **changes), surroundings(data, door.url))
        await door.mount(channel.routes())
        await stack.enter_async_context(running(channel, house))
        yield SmsPeer(channel, gateway, house, door, data)


@asynccontextmanager
async def hanging_up() -> AsyncIterator[str]:
    """Give the address of a server that reads a request and hangs up."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
async def peer(house: RecordingHouse, tmp_path: Path) -> AsyncIterator[SmsPeer]:
    async with sms(house, tmp_path) as phone:
        yield phone


class TestSms(ChannelContract):
    """The contract, by signed webhooks in and the provider's API out."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, tmp_path: Path) -> AsyncIterator[Peer]:
        async with sms(house, tmp_path) as phone:
            yield phone


# Receiving


@pytest.mark.parametrize("name", [path.stem for path in sorted(PAYLOADS.glob("text-*.form"))])
async def test_every_payload_with_its_signature_is_received(name: str, peer: SmsPeer, house: RecordingHouse) -> None:
    body = (PAYLOADS / f"{name}.form").read_bytes().strip()
    answer = await _post_payload(peer, TEXTS, body)
    assert answer == Answer(200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    [inbound] = house.kept
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    assert (inbound.external_id, inbound.text, inbound.account) == (form["MessageSid"], form["Body"], NUMBER)
    assert inbound.raw == body
    assert inbound.authenticated is None


@pytest.mark.parametrize(
    ("written", "known"),
    [
        (PHONE, PHONE),
        ("99 88 77 66", PHONE),
        ("+47 99887766", PHONE),
        ("+4758000000001", "+4758000000001"),
        ("2026", "2026"),
        ("Posten", "Posten"),
        ("whatsapp:+4799887766", "whatsapp:+4799887766"),
    ],
)
async def test_a_sender_has_one_form_and_is_never_refused_for_it(
    written: str, known: str, peer: SmsPeer, house: RecordingHouse
) -> None:
    assert (await peer.gateway.text_in(written, NUMBER, "Hei")).status == 200
    assert house.kept[0].sender == Address("tel", known)


@pytest.mark.parametrize(
    ("sender", "authenticated"),
    [("Posten", False), ("H2O AS", False), (PHONE, None), ("2026", None), ("whatsapp:+4799887766", None)],
)
async def test_a_name_that_no_answer_can_reach_is_not_answered(
    sender: str, peer: SmsPeer, house: RecordingHouse, *, authenticated: bool | None
) -> None:
    assert (await peer.gateway.text_in(sender, NUMBER, "Pakken din er klar")).status == 200
    assert house.kept[0].authenticated is authenticated


async def test_the_signature_is_of_our_public_address_whatever_the_request_claims(
    peer: SmsPeer, house: RecordingHouse
) -> None:
    form = {"MessageSid": _sid("x"), "From": PHONE, "To": NUMBER, "Body": "Hei"}
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    headers = {"X-Twilio-Signature": peer.gateway.sign("https://evil.example" + TEXTS, form), **forged}
    async with aiohttp.ClientSession() as session:
        async with session.post(peer.door.url + TEXTS, data=form, headers=headers) as answer:
            assert answer.status == 403
        right = {**forged, "X-Twilio-Signature": peer.gateway.sign(peer.door.url + TEXTS, form)}
        async with session.post(peer.door.url + TEXTS, data=form, headers=right) as answer:
            assert answer.status == 200
    assert len(house.kept) == 1


async def test_a_changed_word_or_a_dropped_blank_field_breaks_the_signature(
    peer: SmsPeer, house: RecordingHouse
) -> None:
    form = {"MessageSid": _sid("x"), "From": PHONE, "To": NUMBER, "Body": "Ja", "FromCity": ""}
    signature = peer.gateway.sign(peer.door.url + TEXTS, form)
    dropped = {name: value for name, value in form.items() if value}
    for changed in (form | {"Body": "Nei"}, dropped | {"X": "1"}):
        answer = await peer.gateway.post(peer.door.url + TEXTS, changed, signature=signature)
        assert answer.status == 403
        assert "public_url" in answer.body
    assert not house.offered


async def test_a_busy_answer_says_when_to_come_back(peer: SmsPeer, house: RecordingHouse) -> None:
    house.busy = True
    form = {"MessageSid": _sid("x"), "From": PHONE, "To": NUMBER, "Body": "Hei"}
    headers = {"X-Twilio-Signature": peer.gateway.sign(peer.door.url + TEXTS, form)}
    url = peer.door.url + TEXTS
    async with aiohttp.ClientSession() as session, session.post(url, data=form, headers=headers) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


async def test_pictures_come_with_the_text_unchanged(peer: SmsPeer, house: RecordingHouse) -> None:
    peer.gateway.pictures["ME1"] = ("image/png", b"\x89PNG\r\n" * 50_000)
    assert (await peer.gateway.text_in(PHONE, NUMBER, "Hull i veien", pictures=["ME1"])).status == 200
    [attachment] = house.kept[0].attachments
    assert (attachment.name, attachment.media_type) == ("ME1.png", "image/png")
    assert sha256(attachment.content).digest() == sha256(peer.gateway.pictures["ME1"][1]).digest()
    assert house.kept[0].unreadable == ""


async def test_a_picture_that_cannot_be_fetched_does_not_hold_up_the_words(
    peer: SmsPeer, house: RecordingHouse
) -> None:
    form = {"MessageSid": _sid("x"), "From": PHONE, "To": NUMBER, "Body": "Se her", "NumMedia": "1"}
    form |= {"MediaUrl0": peer.gateway.url + "/nothing"}
    assert (await peer.gateway.post(peer.door.url + TEXTS, form)).status == 200
    assert (house.kept[0].text, house.kept[0].unreadable) == ("Se her", "picture_not_fetched")


async def test_pictures_are_fetched_from_the_providers_own_host_only(peer: SmsPeer, house: RecordingHouse) -> None:
    visits: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        visits.append(request.path)
        return web.Response(body=b"secret", content_type="image/png")

    async with doorway() as inside:
        await inside.mount([web.get("/latest", serve)])
        form = {"MessageSid": _sid("x"), "From": PHONE, "To": NUMBER, "Body": "Se her", "NumMedia": "1"}
        answer = await peer.gateway.post(peer.door.url + TEXTS, form | {"MediaUrl0": f"{inside.url}/latest"})
    assert answer.status == 200
    assert (visits, house.kept[0].attachments, house.kept[0].unreadable) == ([], (), "picture_not_fetched")


# Catching up


async def test_what_came_while_the_channel_was_down_is_fetched_once_at_the_start(tmp_path: Path) -> None:
    house = RecordingHouse()
    house.cursors[NUMBER] = (clock.now() - timedelta(minutes=5)).isoformat()
    async with doorway() as door, Gateway(numbers=(NUMBER,), text_url=door.url + TEXTS) as gateway:
        missed = await gateway.keep(PHONE, NUMBER, "Er det noen der?")
        channel = SmsChannel(_settings(gateway), surroundings(tmp_path, door.url))
        await door.mount(channel.routes())
        async with running(channel, house):
            await house.seen(kept=1)
            assert (await gateway.text_in(PHONE, NUMBER, missed.body, sid=missed.sid)).status == 200
    [inbound] = house.kept
    assert (inbound.external_id, inbound.text) == (missed.sid, missed.body)
    assert inbound.received_at == missed.at.replace(microsecond=0)


async def test_pictures_of_a_missed_text_are_fetched_too(tmp_path: Path) -> None:
    house = RecordingHouse()
    house.cursors[NUMBER] = (clock.now() - timedelta(minutes=5)).isoformat()
    async with doorway() as door, Gateway(numbers=(NUMBER,), text_url=door.url + TEXTS) as gateway:
        gateway.pictures["ME1"] = ("image/jpeg", b"\xff\xd8")
        await gateway.keep(PHONE, NUMBER, "", pictures=["ME1"])
        channel = SmsChannel(_settings(gateway), surroundings(tmp_path, door.url))
        async with running(channel, house):
            await house.seen(kept=1)
    [inbound] = house.kept
    assert [(each.name, each.content) for each in inbound.attachments] == [("ME1.jpeg", b"\xff\xd8")]
    assert inbound.unreadable == ""


async def test_what_came_before_the_channel_was_ever_used_is_left_alone(tmp_path: Path) -> None:
    house = RecordingHouse()
    async with doorway() as door, Gateway(numbers=(NUMBER,), text_url=door.url + TEXTS) as gateway:
        await gateway.keep(PHONE, NUMBER, "Fra før vår tid")
        channel = SmsChannel(_settings(gateway), surroundings(tmp_path, door.url))
        await door.mount(channel.routes())
        async with running(channel, house):
            assert (await gateway.text_in(PHONE, NUMBER, "Hei")).status == 200
    assert [inbound.text for inbound in house.kept] == ["Hei"]


async def test_a_text_that_comes_a_moment_before_the_channel_runs_is_fetched(tmp_path: Path) -> None:
    house = RecordingHouse()
    async with doorway() as door, Gateway(numbers=(NUMBER,), text_url=door.url + TEXTS) as gateway:
        channel = SmsChannel(_settings(gateway), surroundings(tmp_path, door.url))
        await door.mount(channel.routes())
        assert (await gateway.text_in(PHONE, NUMBER, "Først i køen")).status == 503
        async with running(channel, house):
            await house.seen(kept=1)
    assert [inbound.text for inbound in house.kept] == ["Først i køen"]


async def test_a_text_the_provider_gave_up_is_fetched_when_the_store_serves_again(
    peer: SmsPeer, house: RecordingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_back, "LOOK_AGAIN", 0.01)
    house.busy = True
    assert await peer.deliver("Er veien stengt?", "m-1") is Verdict.LATER
    house.busy = False
    await house.seen(kept=1)
    assert [inbound.text for inbound in house.kept] == ["Er veien stengt?"]


# Sending


async def test_a_sent_text_carries_our_number_its_parts_and_the_reports_address(peer: SmsPeer) -> None:
    receipt = await peer.tell(outbound(peer.channel, peer.resident, "æøå " * 60, outbox=17))
    [text] = peer.gateway.texts.of(PHONE)
    assert receipt == Receipt("sent", outbox=17, provider_id=text.sid, segments=2)
    assert (text.sender, text.recipient) == (NUMBER, PHONE)
    assert text.status_callback == f"{peer.door.url}{REPORTS}?outbox=17"


async def test_reports_lead_from_sent_to_delivered(peer: SmsPeer, house: RecordingHouse) -> None:
    await peer.tell(outbound(peer.channel, peer.resident, "Hei", outbox=17))
    await peer.gateway.texts.until(lambda: peer.gateway.texts[-1].status == "delivered")
    await house.seen(receipts=1)
    assert house.receipts[-1] == Receipt("delivered", outbox=17, provider_id=peer.gateway.texts[-1].sid)


async def test_a_text_that_never_arrives_is_failed_with_the_reason(peer: SmsPeer, house: RecordingHouse) -> None:
    peer.gateway.dead.add(PHONE)
    await peer.tell(outbound(peer.channel, peer.resident, "Hei", outbox=17))
    await house.seen(receipts=1)
    assert (house.receipts[-1].state, house.receipts[-1].detail) == ("failed", "unreachable_phone (30003)")


@pytest.mark.parametrize(
    "order", [("delivered", "sent", "queued"), ("delivered", "delivered"), ("delivered", "failed")]
)
async def test_reports_out_of_order_never_lead_backwards(
    order: tuple[str, ...], peer: SmsPeer, house: RecordingHouse
) -> None:
    peer.gateway.reports = False
    await peer.tell(outbound(peer.channel, peer.resident, "Hei", outbox=17))
    for status in order:
        answer = await peer.gateway.report(peer.gateway.texts[-1].sid, status)
        assert answer is not None
        assert answer.status == 200
    assert [receipt.state for receipt in house.receipts] == ["delivered"]


async def test_a_report_the_store_could_not_take_is_news_when_it_comes_again(
    peer: SmsPeer, house: RecordingHouse
) -> None:
    peer.gateway.reports = False
    await peer.tell(outbound(peer.channel, peer.resident, "Hei", outbox=17))
    house.busy = True
    first = await peer.gateway.report(peer.gateway.texts[-1].sid, "delivered")
    house.busy = False
    second = await peer.gateway.report(peer.gateway.texts[-1].sid, "delivered")
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (503, 200)
    assert [receipt.state for receipt in house.receipts] == ["delivered"]


@pytest.mark.parametrize(
    ("mishap", "state", "detail", "retry_after"),
    [
        (Mishap.RATE_LIMITED, "retry", "rate_limited (20429)", 7.0),
        (Mishap.BROKEN, "retry", "provider_busy (500)", 30.0),
        (Mishap.UNAUTHORIZED, "retry", "not_authenticated (20003)", 300.0),
        (Mishap.OPTED_OUT, "failed", "opted_out (21610)", None),
    ],
)
async def test_a_refusal_says_whether_another_attempt_makes_sense(
    mishap: Mishap, state: str, detail: str, retry_after: float | None, peer: SmsPeer
) -> None:
    peer.gateway.misbehave(mishap)
    receipt = await peer.tell(outbound(peer.channel, peer.resident, "Hei"))
    assert (receipt.state, receipt.detail, receipt.retry_after) == (state, detail, retry_after)
    assert peer.gateway.texts.of(PHONE) == []


@pytest.mark.parametrize("mishap", [Mishap.DROPS, Mishap.PAGE])
async def test_no_usable_answer_and_no_text_at_the_provider_is_worth_another_attempt(
    mishap: Mishap, peer: SmsPeer
) -> None:
    peer.gateway.misbehave(mishap)
    receipt = await peer.tell(outbound(peer.channel, peer.resident, "Hei"))
    assert (receipt.state, receipt.retry_after) == ("retry", 30.0)
    assert await peer.channel.probe(outbound(peer.channel, peer.resident, "Hei")) is None


async def test_no_usable_answer_and_nobody_to_ask_is_unknown(house: RecordingHouse, tmp_path: Path) -> None:
    async with hanging_up() as url, sms(house, tmp_path, api_url=url) as phone:
        receipt = await phone.tell(outbound(phone.channel, phone.resident, "Hei", outbox=17))
    assert receipt == Receipt("unknown", 17, detail="no_answer (ServerDisconnectedError)")


async def test_a_text_taken_before_the_connection_was_cut_is_found_at_once(peer: SmsPeer) -> None:
    peer.gateway.misbehave(Mishap.DROPS_TAKEN)
    receipt = await peer.tell(outbound(peer.channel, peer.resident, "Hei"))
    assert receipt.state in {"sent", "delivered"}
    assert receipt.provider_id == peer.gateway.texts.of(PHONE)[0].sid


@pytest.mark.parametrize("mishap", [Mishap.HANGS, Mishap.HANGS_TAKEN])
async def test_an_answer_that_does_not_come_in_time_is_asked_about(
    mishap: Mishap, house: RecordingHouse, tmp_path: Path
) -> None:
    async with sms(house, tmp_path, timeout=0.2) as phone:
        phone.gateway.misbehave(mishap)
        receipt = await phone.tell(outbound(phone.channel, phone.resident, "Hei"))
        taken = mishap is Mishap.HANGS_TAKEN
        assert (receipt.state == "retry") is not taken
        assert len(phone.gateway.texts.of(PHONE)) == int(taken)


async def test_a_further_attempt_sends_nothing_when_the_provider_has_the_text(peer: SmsPeer) -> None:
    peer.gateway.misbehave(Mishap.BROKEN_TAKEN)
    first = await peer.tell(outbound(peer.channel, peer.resident, "Hei"))
    assert first.state == "retry"
    again = await peer.tell(replace(outbound(peer.channel, peer.resident, "Hei"), attempt=2))
    assert again.state in {"sent", "delivered"}
    assert len(peer.gateway.texts.of(PHONE)) == 1


async def test_the_same_words_of_an_earlier_row_are_not_taken_for_this_one(peer: SmsPeer) -> None:
    await peer.tell(outbound(peer.channel, peer.resident, "Takk!", outbox=1))
    later = replace(outbound(peer.channel, peer.resident, "Takk!", outbox=2), doubtful=True)
    assert await peer.channel.probe(later) is None
    receipt = await peer.tell(later)
    assert receipt.provider_id == peer.gateway.texts.of(PHONE)[1].sid


async def test_a_text_written_after_what_lies_at_the_provider_is_not_found_there(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with sms(house, tmp_path) as phone:
        await phone.gateway.texts.keep(replace(_sent("Hei"), at=clock.now() - timedelta(hours=1)))
        assert await phone.channel.probe(outbound(phone.channel, phone.resident, "Hei")) is None


async def test_other_words_to_the_same_number_are_another_text(peer: SmsPeer) -> None:
    await peer.gateway.texts.keep(_sent("Ja"))
    assert await peer.channel.probe(outbound(peer.channel, peer.resident, "Nei")) is None


async def test_two_texts_that_could_both_be_it_are_unknown(peer: SmsPeer) -> None:
    for _ in range(2):
        await peer.gateway.texts.keep(_sent("Hei"))
    found = await peer.channel.probe(outbound(peer.channel, peer.resident, "Hei"))
    assert found is not None
    assert (found.state, found.detail) == ("unknown", "ambiguous (2 like it at the provider)")


async def test_nothing_is_sent_while_the_provider_cannot_be_asked_about_a_doubtful_text(
    house: RecordingHouse, tmp_path: Path
) -> None:
    async with sms(house, tmp_path, api_url="http://127.0.0.1:9") as phone:
        message = outbound(phone.channel, phone.resident, "Hei")
        assert (await phone.channel.send(message)).state == "retry"
        assert (await phone.channel.send(replace(message, attempt=2))).detail == "cannot_ask"
        found = await phone.channel.probe(message)
        assert found is not None
        assert found.state == "unknown"


async def test_a_long_answer_is_cut_at_a_sentence_and_keeps_its_choices(house: RecordingHouse, tmp_path: Path) -> None:
    async with sms(house, tmp_path, max_segments=2) as phone:
        words = "Dette er en setning på norsk. " * 30
        labels = ("Ja", "Nei")
        receipt = await phone.tell(replace(outbound(phone.channel, phone.resident, words), choices=labels))
        assert receipt.segments == 2
        assert (await phone.heard()).text.endswith("på norsk. ...\n\n1. Ja\n2. Nei")


async def test_typography_is_rewritten_when_that_saves_parts(peer: SmsPeer) -> None:
    await peer.tell(outbound(peer.channel, peer.resident, "«Åpent» 9–15 – hilsen Ærlig…"))
    assert (await peer.heard()).text == '"Åpent" 9-15 - hilsen Ærlig...'


async def test_a_text_on_its_way_when_the_channel_ends_is_finished(house: RecordingHouse, tmp_path: Path) -> None:
    async with doorway() as door, Gateway(numbers=(NUMBER,), text_url=door.url + TEXTS) as gateway:
        channel = SmsChannel(_settings(gateway), surroundings(tmp_path, door.url))
        async with running(channel, house):
            sending = asyncio.create_task(channel.send(outbound(channel, Address("tel", PHONE), "Hei")))
            await gateway.texts.until(lambda: bool(gateway.texts))
        assert (await sending).state == "sent"
        assert channel._provider._session is None  # type: ignore[attr-defined] # nothing is left open


async def test_a_channel_that_does_not_run_sends_nothing_and_says_so(house: RecordingHouse, tmp_path: Path) -> None:
    async with sms(house, tmp_path) as phone:
        channel = SmsChannel(_settings(phone.gateway), surroundings(tmp_path, phone.door.url))
        assert (await channel.send(outbound(channel, phone.resident, "Hei"))).state == "retry"
        assert phone.gateway.requests == 0


async def test_a_gateway_with_a_journal_knows_its_texts_after_a_restart(house: RecordingHouse, tmp_path: Path) -> None:
    async with sms(house, tmp_path) as phone:
        phone.gateway.texts.journal = tmp_path / "texts.jsonl"
        await phone.tell(outbound(phone.channel, phone.resident, "Åpent «i dag» 🙂"))
        await phone.gateway.texts.until(lambda: phone.gateway.texts[-1].status == "delivered")
        with (tmp_path / "texts.jsonl").open("a") as journal:
            journal.write('{"sid": "SM')  # what kill -9 leaves
        assert list(Texts(tmp_path / "texts.jsonl")) == phone.gateway.phone(PHONE)


async def test_who_watches_the_phone_hears_of_every_change(peer: SmsPeer) -> None:
    async with aclosing(peer.gateway.changes()) as changes:
        await anext(changes)
        await peer.gateway.keep(PHONE, NUMBER, "Hei")
        async with asyncio.timeout(PATIENCE):
            await anext(changes)


# Being configured


@pytest.mark.parametrize(
    ("public_url", "word"),
    [
        ("http://kommune.example", "https"),
        ("https://localhost", "reached"),
        ("https://10.0.0.7", "reached"),
        ("https://kontakt", "reached"),
        ("https://min_kommune.example", "underscore"),
        ("https://kommune.example?a=1", "query"),
        ("kommune.example", "not a web address"),
    ],
)
async def test_check_finds_public_addresses_that_cannot_work(public_url: str, word: str, tmp_path: Path) -> None:
    async with Gateway() as gateway:
        settings = _settings(gateway, api_url="https://api.twilio.com")
        findings = await SmsChannel(settings, surroundings(tmp_path, public_url)).check()
    assert any(word in text for text in _errors(findings))


async def test_check_finds_wrong_credentials_numbers_and_webhooks(peer: SmsPeer) -> None:
    url = peer.door.url
    wrong_token = SmsChannel(_settings(peer.gateway, auth_token="0" * 32), surroundings(peer.data, url))
    assert any("auth_token" in text for text in _errors(await wrong_token.check()))
    misshapen = SmsChannel(_settings(peer.gateway, account_sid="SK1", auth_token="x"), surroundings(peer.data, url))
    assert len(_errors(await misshapen.check())) == 2
    foreign = SmsChannel(_settings(peer.gateway, number="+4759449999"), surroundings(peer.data, url))
    assert any("not a number of the account" in text for text in _errors(await foreign.check()))
    elsewhere = SmsChannel(_settings(peer.gateway), surroundings(peer.data, url.replace("127.0.0.1", "localhost")))
    assert any("webhook" in text for text in _errors(await elsewhere.check()))
    nonsense = SmsChannel(_settings(peer.gateway, number="+47 59"), surroundings(peer.data, url))
    assert any("international form" in text for text in _errors(await nonsense.check()))


async def test_check_warns_when_the_provider_would_try_once_only(peer: SmsPeer) -> None:
    assert [finding.level for finding in await peer.channel.check()] == ["warning"]
    peer.gateway.text_url += "#rc=5&rp=all"
    assert [finding.level for finding in await peer.channel.check()] == ["ok"]


async def test_check_says_so_when_the_provider_cannot_be_reached(tmp_path: Path) -> None:
    async with Gateway() as gateway:
        settings = _settings(gateway, api_url="http://127.0.0.1:9")
        findings = await SmsChannel(settings, surroundings(tmp_path, "http://127.0.0.1:8080")).check()
    assert any("no usable answer" in text for text in _errors(findings))


async def test_with_several_municipalities_each_number_must_name_its_own(tmp_path: Path) -> None:
    async with Gateway(numbers=(NUMBER,)) as gateway:
        around = replace(
            surroundings(tmp_path, "http://127.0.0.1:8080"),
            municipality_names={"fjordvik": "Fjordvik", "vestdal": "Vestdal"},
            countries={"fjordvik": "NO", "vestdal": "NO"},
        )
        named = SmsChannel(_settings(gateway, municipality="vestdal"), around)
        assert named.accounts == (Account("sms", NUMBER, "vestdal"),)
        assert any("must name one" in text for text in _errors(await SmsChannel(_settings(gateway), around).check()))


def test_every_setting_of_every_table_is_described() -> None:
    tables = (SmsSettings, TwilioSettings, PlainHttpSettings, NumberSettings)
    assert [key for table in tables for key, value in table.model_fields.items() if not value.description] == []


def test_secrets_never_show_in_the_settings(tmp_path: Path) -> None:
    settings = SmsSettings.model_validate(_table("AC" + "1" * 32, "2" * 32, "https://api.twilio.com"))
    assert "2" * 32 not in repr(SmsChannel(settings, surroundings(tmp_path)).__dict__) + repr(settings)


def _sid(external_id: str) -> str:
    return f"SM{sha256(external_id.encode()).hexdigest()[:32]}"


def _sent(words: str) -> Text:
    """Make a text of ours that the provider took a moment ago."""
    return Text(f"SM{uuid4().hex}", NUMBER, PHONE, words, inbound=False, status="sent", at=clock.now())


def _settings(gateway: Gateway, **changes: Any) -> SmsSettings:  # noqa: ANN401 - any setting
    table = _table(
        changes.pop("account_sid", gateway.account_sid),
        changes.pop("auth_token", gateway.auth_token),
        changes.pop("api_url", gateway.url),
    )
    table["twilio"]["timeout"] = changes.pop("timeout", 5.0)
    table["numbers"][0] |= {key: changes.pop(key) for key in ("number", "municipality") if key in changes}
    return SmsSettings.model_validate(table | changes)


def _table(account_sid: str, auth_token: str, api_url: str) -> dict[str, Any]:
    return {
        "twilio": {"account_sid": account_sid, "auth_token": auth_token, "api_url": api_url},
        "numbers": [{"number": NUMBER}],
    }


async def _post_payload(peer: SmsPeer, route: str, body: bytes) -> Answer:
    """Post captured bytes as they are, signed for this installation."""
    url = peer.door.url + route
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return await peer._raw(body, peer.gateway.sign(url, form))


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(1_000):
        yield b"a" * 1_000


def _errors(findings: Any) -> list[str]:  # noqa: ANN401 - a sequence of findings
    assert all(isinstance(finding, Finding) for finding in findings)
    return [finding.text for finding in findings if finding.level == "error"]
