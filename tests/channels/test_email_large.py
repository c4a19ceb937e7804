"""Large mail is read in pieces, and what comes of it is what would come of it in one."""

import asyncio
import base64
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactbot.channels.email import aside, parse
from contactbot.channels.email.aside import without_large_files
from contactbot.channels.email.listener import _PIECE
from tests.channels.house import RecordingHouse
from tests.channels.test_email import POST, MailPeer, house, letter, peer, relay

__all__ = ["house", "peer", "relay"]  # fixtures

LARGE = bytes(range(256)) * 2_000  # half a megabyte


def with_files(*files: bytes) -> EmailMessage:
    message = letter("Se vedlegg.", "m1")
    for number, content in enumerate(files):
        message.add_attachment(content, "image", "jpeg", filename=f"{number}.jpg")
    return message


def read(raw: bytes, monkeypatch: pytest.MonkeyPatch, *, in_pieces: bool) -> parse.Mail:
    with monkeypatch.context() as patch:
        patch.setattr(parse, "LARGE", 0 if in_pieces else 1 << 40)
        return parse.parse(raw)


def same(one: parse.Mail, other: parse.Mail) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("text", "html", "attachments", "fingerprint", "external_id", "unreadable", "subject", "sender")
    )


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_a_mail_with_large_files_is_read_as_it_is_without_setting_them_aside(
    line_end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = with_files(LARGE, b"liten", LARGE[::-1] + b"x", LARGE[:-1]).as_bytes().replace(b"\n", line_end)
    lean = without_large_files(raw)
    assert (len(lean.files), len(lean.raw) < 10_000) == (3, True)
    in_pieces = read(raw, monkeypatch, in_pieces=True)
    assert same(in_pieces, read(raw, monkeypatch, in_pieces=False))
    assert [file.content for file in in_pieces.attachments] == [LARGE, b"liten", LARGE[::-1] + b"x", LARGE[:-1]]


def test_a_forwarded_mail_with_a_large_file_is_kept_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    outer = letter("Se under.", "m2")
    outer.add_attachment(with_files(LARGE))
    raw = outer.as_bytes()
    assert without_large_files(raw).files
    in_pieces = read(raw, monkeypatch, in_pieces=True)
    assert same(in_pieces, read(raw, monkeypatch, in_pieces=False))
    assert base64.b64encode(LARGE[:30]) in in_pieces.attachments[0].content


def test_a_text_that_only_looks_like_a_file_keeps_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "Content-Transfer-Encoding: base64\n\n" + ("ord" * 20 + "\n") * 3_000
    raw = letter(words, "m3").as_bytes()
    assert same(read(raw, monkeypatch, in_pieces=True), read(raw, monkeypatch, in_pieces=False))


@given(
    st.lists(
        st.sampled_from([b"QUJD", b"QQ==", b"\r\n", b"\n", b"\r\n\r\n", b"--b\r\n", b"=", b"Q", b"\xff", b" ", b"-"])
    )
)
@settings(max_examples=200, deadline=None)
def test_whatever_stands_where_a_file_should_nothing_else_comes_of_it(pieces: list[bytes]) -> None:
    head = b"From: a@b.example\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = head + b"".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aside, "_SMALLEST", 4)
        patch.setattr(aside, "_PIECE", 8)
        assert same(read(raw, patch, in_pieces=True), read(raw, patch, in_pieces=False))


# On the wire


@pytest.mark.parametrize(
    "body",
    [
        "",
        ".",
        "..",
        "\r\n",
        "\r\n\r\n.",
        ".\r\n..\r\n...\r\n",
        ("." * 70 + "\r\n") * 5_000,
        "x" * (_PIECE - 2) + "\r\n..\r\n" + "y" * _PIECE + "\r\n.",
        "\r\n" * 600,
    ],
    ids=range(9),
)
async def test_a_mail_comes_in_as_it_was_sent_wherever_it_is_cut(
    peer: MailPeer, house: RecordingHouse, body: str
) -> None:
    raw = f"From: kari@innbygger.example\r\n\r\n{body}".encode()
    assert await peer.post(raw) == 250
    expected = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    assert house.kept[0].raw == expected


@given(st.lists(st.sampled_from(["\r\n", ".", "x", "\r", "\n"]), max_size=12), st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_no_cut_between_packets_changes_a_mail(pieces: list[str], size: int) -> None:
    body = "".join(pieces)
    wire = (body + "\r\n").replace("\r\n.", "\r\n..").encode()
    wire = (b"." + wire if wire.startswith(b".") else wire) + b".\r\n"
    if b"\r\n.\r\n" in b"\r\n" + wire[:-3]:
        return  # a bare line end before a dot: no sender writes it, and where the mail ends is then another matter
    assert asyncio.run(_read_in_packets(wire, size)) == (body + "\r\n").encode()


async def _read_in_packets(wire: bytes, size: int) -> bytes | None:
    from contactbot.channels.email.listener import _Connection  # noqa: PLC0415 - only its reading is under test

    class Reading(_Connection):
        def __init__(self, reader: asyncio.StreamReader) -> None:
            self._reader = reader

    class _Listener:
        class settings:  # noqa: N801 - stands for the attribute
            max_size = 1_000

    reader = asyncio.StreamReader(limit=8)
    reading = Reading(reader)
    reading._listener = _Listener()  # type: ignore[assignment]
    task = asyncio.ensure_future(reading._mail())
    for at in range(0, len(wire), size):
        reader.feed_data(wire[at : at + size])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    async with asyncio.timeout(2):
        return await task


async def test_commands_after_a_mail_are_still_understood(peer: MailPeer, house: RecordingHouse) -> None:
    assert peer.channel.listening_on is not None
    reader, writer = await asyncio.open_connection(*peer.channel.listening_on)
    mail = (
        f"MAIL FROM:<kari@innbygger.example>\r\nRCPT TO:<{POST}>\r\nDATA\r\nFrom: a@b.example\r\n\r\nHei {{}}\r\n.\r\n"
    )
    writer.write(("EHLO x\r\n" + mail.format(1) + mail.format(2) + "QUIT\r\n").encode())
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert said.count(b"250 2.0.0 Kept") == 2
    assert [inbound.text for inbound in house.kept] == ["Hei 1", "Hei 2"]
