"""What we send is the same on every attempt, threads in every mail program, and reads well as text and as HTML."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.email.compose import Letterhead, compose, references_of, return_address
from contactbot.channels.email.tokens import Signer
from contactbot.messages import Address, Attachment, Author, Outbound

SIGNER = Signer(b"a test installation's signing key")
HEAD = Letterhead("post@fjordvik.example", "Fjordvik kommune")
ANSWER = Outbound(
    id=7,
    account=HEAD.account,
    recipient=Address("email", "kari@innbygger.example"),
    text="Biblioteket åpner klokken 10.",
    created_at=datetime(2026, 1, 5, 9, 12, tzinfo=UTC),
    thread=123,
    position=2,
    language="nb",
    subject="Åpningstid",
    in_reply_to="<b@innbygger.example>",
    refs=("<a@innbygger.example>", "<o6.x@fjordvik.example>", "<b@innbygger.example>"),
)


def sent(outbound: Outbound, head: Letterhead = HEAD) -> EmailMessage:
    """Compose, put on the wire and read back."""
    message = message_from_bytes(compose(outbound, head, SIGNER).content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_every_attempt_gives_the_same_bytes() -> None:
    again = replace(ANSWER, attempt=2, doubtful=True, attachments=(Attachment("kart.pdf", "application/pdf", b"%PDF"),))
    assert compose(again, HEAD, SIGNER).content == compose(replace(again, attempt=3), HEAD, SIGNER).content
    assert sent(again)["Message-ID"] == sent(ANSWER)["Message-ID"]


def test_every_message_has_an_identity_of_its_own_that_we_know_again() -> None:
    first, second = (str(sent(replace(ANSWER, id=number))["Message-ID"]) for number in (7, 8))
    assert first != second
    assert SIGNER.outbox(HEAD.account, first) == 7
    assert SIGNER.outbox("post@annen.example", first) is None
    assert Signer(b"another key").outbox(HEAD.account, first) is None


def test_the_answer_refers_to_the_whole_thread_and_last_to_the_residents_mail() -> None:
    message = sent(ANSWER)
    assert message["In-Reply-To"] == "<b@innbygger.example>"
    assert str(message["References"]).split() == list(ANSWER.refs)


def test_long_identifiers_are_never_encoded_and_references_stay_under_998_characters() -> None:
    long = tuple(f"<{'A' * 81}{number}@eurprd01.prod.outlook.example>" for number in range(30))
    raw = compose(replace(ANSWER, refs=long, in_reply_to=long[-1]), HEAD, SIGNER).content
    message = message_from_bytes(raw, policy=policy.compat32)
    references = " ".join(str(message["References"]).split())
    assert b"=?utf-8?q?=3C" not in raw
    assert len("References: " + references) < 998
    assert references.split()[0] == long[0]
    assert references.split()[-1] == long[-1]
    assert max(len(line) for line in raw.split(b"\r\n")) < 998


def test_where_two_identifiers_do_not_fit_the_one_that_is_answered_is_kept() -> None:
    first, answered = (f"<{letter * 600}@a.example>" for letter in "xy")
    outbound = replace(ANSWER, refs=(first, "<b@a.example>", answered), in_reply_to=answered)
    assert references_of(outbound)[-1] == answered


@given(st.lists(st.text(max_size=40).map(lambda text: f"<{text}>"), max_size=60), st.text(max_size=20))
def test_whatever_identifiers_came_in_the_header_stays_one_line_of_identifiers(ids: list[str], last: str) -> None:
    references = references_of(replace(ANSWER, refs=tuple(ids), in_reply_to=last))
    assert len(" ".join(references)) < 998
    assert all(reference.isascii() and " " not in reference for reference in references)


def test_answers_come_to_a_signed_address_of_the_thread() -> None:
    address = sent(ANSWER)["Reply-To"].addresses[0].addr_spec
    local, _, domain = address.partition("@")
    mailbox, _, token = local.partition("+")
    assert (mailbox, domain) == ("post", "fjordvik.example")
    assert SIGNER.thread(HEAD.account, token) == 123
    assert SIGNER.thread(HEAD.account, token.upper()) == 123
    assert SIGNER.thread("byggesak@fjordvik.example", token) is None
    assert SIGNER.thread(HEAD.account, token.replace("t123", "t124")) is None


def test_the_municipality_signs_what_the_bot_writes_and_a_person_what_they_write() -> None:
    assert str(sent(ANSWER)["From"]) == f"{HEAD.name} <{HEAD.account}>"
    by_kari = replace(ANSWER, author=Author.STAFF, author_name="Kari i Fjordvik kommune")
    assert str(sent(by_kari)["From"]) == f"Kari i Fjordvik kommune <{HEAD.account}>"


def test_without_plus_addresses_answers_come_to_the_mailbox() -> None:
    head = replace(HEAD, plus_addresses=False)
    assert return_address(ANSWER, head, SIGNER) == HEAD.account


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "auto-replied"),
        ({"purpose": "receipt"}, "auto-replied"),
        ({"purpose": "survey"}, "auto-generated"),
        ({"purpose": "code"}, "auto-generated"),
        ({"in_reply_to": "", "refs": ()}, "auto-generated"),
        ({"author": Author.STAFF}, None),
    ],
)
def test_a_machine_says_that_it_is_one_and_a_person_does_not(changes: dict[str, object], expected: str | None) -> None:
    assert sent(replace(ANSWER, **changes))["Auto-Submitted"] == expected  # type: ignore[arg-type] # the table's own keys


def test_no_answer_looks_like_a_list_or_bulk_mail() -> None:
    names = [name.lower() for name in sent(ANSWER)]
    assert [name for name in names if name.startswith("list-") or name == "precedence"] == []


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Åpningstid", "Re: Åpningstid"),
        ("SV: Åpningstid", "SV: Åpningstid"),
        ("Re[2]: Åpningstid", "Re[2]: Åpningstid"),
        ("", "Fjordvik kommune"),
        ("Hei\r\nBcc: alle@innbygger.example", "Re: Hei Bcc: alle@innbygger.example"),
    ],
)
def test_the_subject_answers_once_and_cannot_carry_a_header(subject: str, expected: str) -> None:
    message = sent(replace(ANSWER, subject=subject))
    assert message["Subject"] == expected
    assert message["Bcc"] is None


def test_the_html_names_its_language_and_offers_choices_as_a_list() -> None:
    message = sent(replace(ANSWER, choices=("Avfall", "Vann <og> avløp")))
    page = part(message, "html")
    assert message["Content-Language"] == "nb"
    assert '<html lang="nb">' in page
    assert "<title>Re: Åpningstid</title>" in page
    assert "<ol><li>Avfall</li><li>Vann &lt;og&gt; avløp</li></ol>" in page
    assert "http" not in page
    assert part(message, "plain").endswith("1. Avfall\n2. Vann <og> avløp\n")


def test_plain_words_are_escaped_and_markdown_becomes_links() -> None:
    assert "&lt;b&gt;" in part(sent(replace(ANSWER, text="<b>")), "html")
    page = part(sent(replace(ANSWER, text="Se https://a.example/?b=1&c=2.\nHei")), "html")
    assert '<a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a>.<br>Hei' in page
    page = part(sent(replace(ANSWER, text="Se [siden](https://a.example)", markup="markdown")), "html")
    assert '<a href="https://a.example">siden</a>' in page


def test_files_arrive_with_their_bytes_whatever_they_are_called() -> None:
    files = (
        Attachment("søknad.pdf", "application/pdf", bytes(range(256))),
        Attachment("sak.eml", "message/rfc822", b"From: a\r\n\r\nhei"),
        Attachment("x\r\ny", "ikke en type", b"z"),
    )
    arrived = list(sent(replace(ANSWER, attachments=files)).iter_attachments())
    assert [file.get_payload(decode=True) for file in arrived] == [file.content for file in files]
    assert arrived[0].get_filename() == "søknad.pdf"
    assert arrived[1].get_content_type() == "application/octet-stream"


@pytest.mark.parametrize(
    "address", ["kari", "kari@b.example\r\nBcc: x@y.example", "kari nordmann@b.example", "@b.example"]
)
def test_an_address_that_cannot_be_written_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        compose(replace(ANSWER, recipient=Address("email", address)), HEAD, SIGNER)


@given(st.text(max_size=200))
def test_any_words_can_be_sent_and_read_back(words: str) -> None:
    message = sent(replace(ANSWER, text=words, subject=words))
    assert message["To"] == "kari@innbygger.example"
    clean = words.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    if "\0" not in words and clean == words:
        assert part(message, "plain").rstrip("\n") == clean.rstrip("\n")
