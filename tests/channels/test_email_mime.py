"""What we write into a mail, another program's parser reads as it was meant, and no line is longer than SMTP allows."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.email import mime

# One line, as subjects and names are once control characters are out.
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300).map(
    lambda line: " ".join(line.split())
)
FILE_NAMES = LINES.filter(bool)


def read(mail: bytes) -> EmailMessage:
    message = message_from_bytes(mail, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def in_a_mail(field: bytes) -> EmailMessage:
    """Read back a field and see that it is one field of lines that SMTP carries."""
    message = read(field + b"\r\n")
    assert len(message.keys()) == 1
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))
    return message


@given(LINES)
def test_any_subject_is_read_back(line: str) -> None:
    field = mime.field("Subject", mime.text(line))
    assert in_a_mail(field)["Subject"] == line
    assert field.isascii()


@given(LINES)
def test_any_name_is_read_back_beside_its_address(name: str) -> None:
    field = mime.field("From", mime.address("post@fjordvik.example", name))
    assert [box.addr_spec for box in in_a_mail(field)["From"].addresses] == ["post@fjordvik.example"]
    # The newer parser of Python 3.11 keeps the blank between two encoded words, which RFC 2047 says is none.
    words = parseaddr(message_from_bytes(field)["From"])[0]
    assert str(make_header(decode_header(words))) == name


@pytest.mark.parametrize("name", ["Kari Nordmann", "Nordmann, Kari", 'Kari "Ka" \\ N.', "=?utf-8?q?x?=", "Kåre, ås"])
def test_names_with_a_meaning_in_a_header_have_none(name: str) -> None:
    boxes = in_a_mail(mime.field("From", mime.address("a@b.example", name)))["From"].addresses
    assert [(box.display_name, box.addr_spec) for box in boxes] == [(name, "a@b.example")]


@pytest.mark.parametrize("address", ["kari@b.example", "kari.n+x@b-c.example", '"a,b"@b.example', "kari@[192.0.2.1]"])
def test_an_address_is_read_back(address: str) -> None:
    value = address.replace('"', "")
    assert in_a_mail(mime.field("To", mime.address(value)))["To"].addresses[0].addr_spec == address


def test_an_address_in_other_letters_stands_as_it_is() -> None:
    assert mime.field("To", mime.address("kåre@ås.example")) == "To: kåre@ås.example\r\n".encode()


@pytest.mark.parametrize(
    "address", ["a@b>c.example", "a@b,c@d.example,", "a@b.example\n", "a@(b)", "a b@c.example", "a@"]
)
def test_an_address_that_would_end_its_field_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        mime.address(address)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=500))
def test_any_text_is_read_back_to_the_letter(text: str) -> None:
    entity = mime.words(text, "plain")
    assert (read(entity).get_payload(decode=True) or b"") == text.replace("\n", "\r\n").encode()
    assert entity.isascii()
    assert max(len(line) for line in entity.split(b"\r\n")) <= 78


@given(FILE_NAMES, st.binary(max_size=200))
def test_any_file_arrives_with_its_bytes_and_its_name(name: str, content: bytes) -> None:
    entity = mime.file(content, "application/pdf", name)
    message = read(entity)
    assert message.get_payload(decode=True) == content
    assert message.get_filename() == name
    assert max(len(line) for line in entity.split(b"\r\n")) <= 78


def test_a_field_is_folded_between_words_only() -> None:
    long = "<" + "a" * 200 + "@b.example>"
    assert mime.field("References", ["<a@b>", long, "<c@d>"]) == f"References: <a@b>\r\n {long}\r\n <c@d>\r\n".encode()
