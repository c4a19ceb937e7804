"""What comes from outside ends up in headers and addresses: whatever it is, it stays a value there."""

from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from contactbot.storage.feed import _place
from contactbot.web.files import _disposition
from contactbot.web.sign_in import _onwards

TRAPS = (
    "https://evil.example/desk",
    "//evil.example/desk",
    "/\\evil.example",
    "/desk@evil.example",
    "\t//evil.example",
)


@given(st.text())
@example("//evil.example/desk")
@example("/\t/evil.example/desk")
@example("/desk/../../evil")
@example("/desk\r\nSet-Cookie: a=b")
@example("/desk/\r\nSet-Cookie: a=b")
@example("/desk/\\evil.example")
def test_after_signing_in_one_stays_here(wanted: str) -> None:
    onwards = _onwards(wanted)
    parts = urlsplit(onwards)
    assert parts.netloc == parts.scheme == ""
    assert onwards.startswith(("/desk", "/kb", "/raw"))
    assert not set(onwards) & set("\r\n\t\\")


def test_known_traps_lead_home() -> None:
    assert {_onwards(trap) for trap in TRAPS} == {"/desk"}


@given(st.text())
@example('vedlegg".exe\r\nX: y')
@example("æøå 😀.pdf")
@example("\ud800")
def test_a_files_name_is_one_header_value(name: str) -> None:
    value = _disposition(name)
    assert value.startswith('attachment; filename="')
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2


@given(st.text(), st.text(alphabet="0123456789abcdef-", min_size=1, max_size=12))
@example("0-0-0", "0")
@example("0-٣-0", "0")
@example("0-18446744073709551616-0", "0")
def test_a_cursor_is_a_place_or_nothing(cursor: str, epoch: str) -> None:
    place = _place(cursor, epoch)
    assert place is None or all(0 <= part < 2**63 for part in place)


@given(
    st.integers(0, 10**18 - 1), st.integers(0, 10**18 - 1), st.text(alphabet="0123456789abcdef", min_size=1, max_size=8)
)
def test_our_own_cursors_lead_back(xid: int, seq: int, epoch: str) -> None:
    assert _place(f"{epoch}-{xid}-{seq}", epoch) == (xid, seq)
