"""A mail that cannot be handled becomes work with its raw copy, and the next mail comes in as if nothing had been."""

from collections.abc import Callable
from pathlib import Path

import pytest

from contactbot import quoted
from contactbot.channels.email import EmailChannel, parse, reception
from contactbot.channels.email.settings import EmailSettings
from contactbot.messages import Accepted, Address, Inbound
from tests.channels.house import RecordingHouse, running, surroundings
from tests.channels.test_email import KARI, MailPeer, house, letter, peer, relay, settings
from tests.peers.smtp import Sink

__all__ = ["house", "peer", "relay"]  # fixtures


def broken_at(words: str, whole: Callable[[str], object]) -> Callable[[str], object]:
    """Return the function, made to raise where it meets certain words."""

    def breaks(text: str) -> object:
        if words in text:
            raise ValueError(words)
        return whole(text)

    return breaks


async def test_a_mail_that_the_parser_breaks_on_is_kept_with_its_raw_copy_and_the_next_is_read(
    peer: MailPeer, house: RecordingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(raw: bytes) -> parse.Mail:
        if b"Gift" in raw:
            raise RecursionError
        return whole(raw)

    whole = parse.parse
    monkeypatch.setattr(parse, "parse", breaks)
    assert await peer.post(letter("Gift", "m1").as_bytes()) == 250
    assert await peer.post(letter("Gift", "m1").as_bytes()) == 250
    assert await peer.post(letter("Når åpner svømmehallen?", "m2").as_bytes()) == 250
    poisoned, next_one = house.kept
    assert (poisoned.text, poisoned.unreadable) == ("", "it could not be handled (RecursionError)")
    assert (poisoned.sender, poisoned.authenticated) == (Address("email", KARI), False)
    assert b"Gift" in poisoned.raw
    assert (next_one.text, next_one.unreadable) == ("Når åpner svømmehallen?", "")


@pytest.mark.parametrize(("module", "name"), [(quoted, "fold")])
async def test_so_is_a_mail_that_any_later_reader_breaks_on(
    peer: MailPeer, house: RecordingHouse, monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    monkeypatch.setattr(module, name, broken_at("Gift", getattr(module, name)))
    assert await peer.post(letter("Gift", "m1").as_bytes()) == 250
    assert await peer.post(letter("Hei", "m2").as_bytes()) == 250
    assert [inbound.unreadable for inbound in house.kept] == ["it could not be handled (ValueError)", ""]


class FragileHouse(RecordingHouse):
    """A house that breaks on what a mail says."""

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        if "Gift" in inbound.text:
            raise KeyError("Gift")
        return await super().receive(inbound, cursor)


async def test_a_mail_that_the_house_itself_breaks_on_is_offered_once_more_without_its_words(
    relay: Sink, tmp_path: Path
) -> None:
    fragile = FragileHouse()
    channel = EmailChannel(settings(relay.port), surroundings(tmp_path))
    async with running(channel, fragile):
        peer = MailPeer(channel, relay, tmp_path)
        assert await peer.post(letter("Gift", "m1").as_bytes()) == 250
        assert await peer.post(letter("Hei", "m2").as_bytes()) == 250
    assert [inbound.unreadable for inbound in fragile.kept] == ["it could not be handled (KeyError)", ""]
    assert b"Gift" in fragile.kept[0].raw


# Spam, and senders of whom nothing is known


@pytest.mark.parametrize(
    ("field", "spam"),
    [
        ("X-Spam-Flag: YES", "x-spam-flag"),
        ("X-Spam-Flag: NO", ""),
        ("X-Spam-Status: Yes, score=7.1 required=5.0 tests=BAYES_99", "x-spam-status"),
        ("X-Spam-Status: No, score=0.1 required=5.0", ""),
        ("X-Spam: Yes", "x-spam"),
        ("X-MS-Exchange-Organization-SCL: 9", "x-ms-exchange-organization-scl"),
        ("X-MS-Exchange-Organization-SCL: 5", "x-ms-exchange-organization-scl"),
        ("X-MS-Exchange-Organization-SCL: 1", ""),
        ("X-MS-Exchange-Organization-SCL: -1", ""),
        ("X-MS-Exchange-Organization-SCL: 99999", ""),
        ("X-Spam-Flag:", ""),
    ],
)
async def test_our_filters_verdict_reaches_the_house(
    peer: MailPeer, house: RecordingHouse, field: str, spam: str
) -> None:
    assert await peer.post(f"{field}\r\n".encode() + letter("Vinn en bil", "m1").as_bytes()) == 250
    assert [inbound.spam for inbound in house.kept] == [spam]


async def judged(house: RecordingHouse, configured: EmailSettings, folder: Path, relay: Sink, raw: bytes) -> Inbound:
    channel = EmailChannel(configured, surroundings(folder))
    house.ready.clear()
    async with running(channel, house):
        assert await MailPeer(channel, relay, folder).post(raw) == 250
    return house.kept[0]


async def test_an_operator_may_believe_fewer_fields(house: RecordingHouse, relay: Sink, tmp_path: Path) -> None:
    fewer = settings(relay.port).model_copy(update={"spam_fields": ["x-spam"]})
    raw = b"X-Spam-Flag: YES\r\n" + letter("Hei", "m1").as_bytes()
    assert (await judged(house, fewer, tmp_path, relay, raw)).spam == ""


@pytest.mark.parametrize(("unproven", "proven"), [("answer", None), ("people", False)])
async def test_what_becomes_of_a_sender_of_whom_the_relay_says_nothing_is_a_setting(
    house: RecordingHouse, relay: Sink, tmp_path: Path, unproven: str, *, proven: bool | None
) -> None:
    decided = settings(relay.port).model_copy(update={"unproven": unproven})
    assert (await judged(house, decided, tmp_path, relay, letter("Hei", "m1").as_bytes())).authenticated is proven


async def test_check_says_where_the_relay_tells_nothing_of_senders(
    house: RecordingHouse, relay: Sink, tmp_path: Path
) -> None:
    told = settings(relay.port).model_copy(update={"authserv_ids": ["mx.fjordvik.example"]})
    channel = EmailChannel(told, surroundings(tmp_path))

    async def said() -> list[str]:
        return [finding.level for finding in await channel.check() if "mx.fjordvik.example" in finding.text]

    assert await said() == []
    raw = letter("Hei", "m1").as_bytes()
    await judged(house, told, tmp_path, relay, raw)
    assert await said() == ["warning"]
    result = b"Authentication-Results: mx.fjordvik.example; dmarc=pass\r\n"
    await judged(house, told, tmp_path, relay, result + letter("Hei", "m2").as_bytes())
    assert await said() == ["ok"]
    unnamed = EmailChannel(settings(relay.port), surroundings(tmp_path))
    assert [one.level for one in await unnamed.check() if "authserv_ids" in one.text] == ["warning"]


async def test_a_mail_that_names_no_sender_proves_nobody(peer: MailPeer, house: RecordingHouse) -> None:
    assert await peer.post(b"Subject: Hei\r\n\r\nHei") == 250
    assert house.kept[0].authenticated is False


def test_reading_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "parse", None)
    assert reception._read(b"From: a@b.example\r\n\r\nHei").mail.unreadable


def test_mails_nobody_can_read_are_told_apart_by_more_than_their_body() -> None:
    per, kari = (f"From: {name}@b.example\r\nSubject: Hei\r\n\r\n".encode() for name in ("per", "kari"))
    again = b"Received: from a by b\r\n" + per.replace(b"\r\n", b"\n")
    first, other, same = (parse.unread(raw, "for this test") for raw in (per, kari, again))
    assert first.external_id != other.external_id
    assert (first.external_id, first.fingerprint) == (same.external_id, same.fingerprint)
