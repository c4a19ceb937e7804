"""The paths in MAIL and RCPT that are read at once are read as aiosmtpd reads them; all others it reads itself."""

import asyncio

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.email.listener import PLAIN_PATH


def by_aiosmtpd(loop: asyncio.AbstractEventLoop, argument: str) -> tuple[str | None, list[str]]:
    address, rest = SMTP(None, hostname="x", loop=loop)._getaddr(argument)
    return address, (rest or "").upper().split()


@given(st.from_regex(PLAIN_PATH, fullmatch=True))
def test_a_plain_path_is_read_as_aiosmtpd_reads_it(argument: str) -> None:
    with asyncio.Runner() as runner:
        read = PLAIN_PATH.fullmatch(argument)
        assert read is not None
        assert (read[1], read[2].upper().split()) == by_aiosmtpd(runner.get_loop(), argument)


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "<>",
        "a@b.example",
        '<"a b"@b.example>',
        "<a..b@c.example>",
        "<a@b.example> (x)",
        "<a@[192.0.2.1]>",
        "<å@b.no>",
    ],
)
def test_what_is_not_plain_is_left_to_aiosmtpd(argument: str) -> None:
    assert PLAIN_PATH.fullmatch(argument) is None


def test_a_plain_path_is_no_slow_pattern() -> None:
    assert PLAIN_PATH.fullmatch("<" + "a." * 50_000 + "@" + "b." * 50_000) is None
