"""Mail is read whatever it looks like: nothing raises, nothing is lost, and the same mail is known again."""

import hashlib
import re
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contactbot.channels.email import charsets, headers, html
from contactbot.channels.email.parse import Mail, parse
from contactbot.quoted import fold

PAYLOADS = Path(__file__).parent / "payloads" / "email"


def mail(fields: str, body: str | bytes = "Hei", charset: str = "utf-8") -> Mail:
    """Parse a mail of some header lines and a body."""
    words = body.encode(charset) if isinstance(body, str) else body
    return parse(fields.replace("\n", "\r\n").encode() + b"\r\n\r\n" + words)


# Reading anything

PIECES = st.sampled_from(
    [
        b"From: a@b.example\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/alternative; boundary*0=b\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/html; charset=utf-7\r\n",
        b'Content-Type: text/plain; charset="\x00"\r\n',
        b"Content-Type: text/plain; charset*=x''%FF\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1*=%A5.txt\r\n",
        b"Subject: =?utf-8?b?\xff?= =?x?q?=?=\r\n",
        b"References: <<a@b> <c d@e>\r\n",
        b"Date: Mon, 99 Foo 99999 99:99\r\n",
        b"Message-ID: <>\r\n",
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"begin 644 x\r\n",
    ]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=25).map(b"".join))
@settings(max_examples=400, deadline=None)
@example(b"")
@example(b"\x00\xff\xfe")
@example(
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 80
)
def test_no_bytes_make_reading_raise_and_every_text_can_be_stored(raw: bytes) -> None:
    read = parse(raw)
    assert read.external_id
    for words in (read.text, read.subject, read.sender.name, read.sender.address, *read.references, read.unreadable):
        words.encode("utf-8")
        assert "\0" not in words
    for attachment in read.attachments:
        attachment.name.encode("utf-8")
        assert attachment.name
        assert not re.search(r"[\x00-\x1f/\\]", attachment.name)


@given(st.text(), st.sampled_from(["", "utf-8", "x-unknown", "iso-8859-8-i", "punycode", "hex", "\ud800", "utf-16"]))
def test_a_charset_nobody_knows_never_raises(words: str, label: str) -> None:
    charsets.decode(words.encode("utf-8", "surrogatepass"), label).encode("utf-8")


def test_a_mail_divided_too_often_is_unreadable_and_keeps_its_sender() -> None:
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: multipart/x\r\n\r\n" * 500
    )
    read = parse(raw)
    assert read.unreadable
    assert read.sender.address == "a@b.example"


def test_a_header_without_end_is_not_read_to_its_end() -> None:
    read = parse(b"From: a@b.example\r\n" + b"X: y\r\n" * 500_000 + b"\r\nHei")
    assert read.unreadable
    assert read.sender.address == "a@b.example"


def test_words_sealed_by_pgp_or_a_signature_are_said_to_be_so() -> None:
    assert "encrypted" in mail("From: a@b.example", "-----BEGIN PGP MESSAGE-----\n\nhQ==").unreadable
    sealed = mail("Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "MII=")
    assert "signature" in sealed.unreadable
    assert [file.name for file in sealed.attachments] == ["smime.p7m"]


# Words and charsets


@pytest.mark.parametrize(
    ("label", "sent", "meant"),
    [
        ("utf-8", "Blåbær".encode(), "Blåbær"),
        ("iso-8859-1", "Blåbær".encode("latin-1"), "Blåbær"),
        ("iso-8859-1", b"\x93Hei\x94 \x96 \x80 5", "“Hei” – € 5"),
        ("us-ascii", "Blåbær".encode(), "Blåbær"),
        ("us-ascii", "Blåbær".encode("cp1252"), "Blåbær"),
        ("iso-8859-1", "Blåbær".encode(), "Blåbær"),
        ("utf-8", "Blåbær på tur".encode("cp1252"), "Blåbær på tur"),
        ("x-unknown", "Blåbær".encode(), "Blåbær"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("windows-1258", "Tiếng".encode("cp1258", "ignore"), "Ting"),
        ("iso-8859-8-i", "שלום".encode("iso-8859-8"), "שלום"),
        ("cp-850", "Blåbær".encode("cp850"), "Blåbær"),
        ("utf-16", "Blåbær".encode("utf-16"), "Blåbær"),
    ],
)
def test_a_body_is_decoded_as_it_was_meant(label: str, sent: bytes, meant: str) -> None:
    read = mail(f"From: a@b.example\nContent-Type: text/plain; charset={label}\nContent-Transfer-Encoding: 8bit", sent)
    assert read.text == meant


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ("=?utf-8?B?U8O4cHBlbA==?=", "Søppel"),
        ("=?iso-8859-1?Q?S=F8ppel_og_gr=E5vann?=", "Søppel og gråvann"),
        ("=?utf-8?b?w6bDuA==?= =?utf-8?b?w6U=?=", "æøå"),
        ("=?utf-8?b?w6bDuM?= =?utf-8?q?_og?=", "æø og"),
        ("=?utf-8*nb?q?S=C3=B8ppel?=", "Søppel"),
        ("Re: =?utf-8?q?S=C3=B8ppel?= i gata", "Re: Søppel i gata"),
        ("=?x-unknown?q?Hei?=", "Hei"),
        ("Søppel", "Søppel"),
        ("Hei\n på deg", "Hei på deg"),
        ("=?utf-8?q?uferdig", "=?utf-8?q?uferdig"),
    ],
)
def test_a_subject_is_decoded_as_it_was_meant(field: str, subject: str) -> None:
    assert mail(f"From: a@b.example\nSubject: {field}").subject == subject


def test_a_character_cut_in_two_between_encoded_words_is_made_whole() -> None:
    assert mail("Subject: =?utf-8?q?bl=C3?= =?utf-8?q?=A5b=C3=A6r?=").subject == "blåbær"


def test_html_alone_becomes_text_with_quotations_marked() -> None:
    page = (
        '<div dir="ltr">Når er <b>fristen</b>?</div><br><div class="gmail_quote"><div class="gmail_attr">'
        'man. 5. jan. 2026 kl. 10:12 skrev A &lt;<a href="mailto:a@b.no">a@b.no</a>&gt;:<br></div>'
        '<blockquote class="gmail_quote" style="border-left:1px solid">Hei<br>Kari</blockquote></div>'
    )
    read = mail("Content-Type: text/html; charset=utf-8", page)
    assert read.text.startswith("Når er fristen?\n\nman. 5. jan. 2026 kl. 10:12 skrev A <a@b.no>:\n")
    assert read.text.endswith("> Hei\n> Kari")
    assert read.html == page


def test_indented_words_are_not_taken_for_a_quotation() -> None:
    page = '<blockquote style="margin:0 0 0 40px;border:none;padding:0px">mitt eget</blockquote>'
    assert html.to_text(page) == "mitt eget"


def test_scripts_styles_and_hidden_words_are_no_text_and_links_tell_where_they_go() -> None:
    page = (
        "<style>p{}</style><script>x()</script><p style='display: none'>skjult</p>"
        "<p>Se <a href='https://a.example/b'>her</a></p><ul><li>en<li>to</ul>"
    )
    assert html.to_text(page) == "Se her (https://a.example/b)\n\n- en\n- to"


DEEP = ["<div>" * 200_000 + "hei", "<blockquote>" * 3_000 + "hei", "<" * 100_000 + " hei", "<p>" * 50_000 + "hei"]


@pytest.mark.parametrize("page", DEEP, ids=["divs", "blockquotes", "brackets", "paragraphs"])
def test_deeply_nested_or_broken_html_keeps_its_words(page: str) -> None:
    started = time.thread_time()
    assert "hei" in html.to_text(page)
    assert time.thread_time() - started < 1.5


# Parts and files


def test_files_keep_their_bytes_and_get_names_that_are_safe() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("Se vedlegg")
    content = bytes(range(256)) * 3
    message.add_attachment(content, "application", "pdf", filename="../../etc/søknad\u202efdp.exe")
    read = parse(message.as_bytes())
    [file] = read.attachments
    assert read.text == "Se vedlegg"
    assert file.content == content
    assert file.name == "søknad_fdp.exe"
    assert file.media_type == "application/pdf"


def test_a_file_without_a_name_gets_one_that_fits_its_kind() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("Se bilde")
    message.add_attachment(b"\xff\xd8", "image", "jpeg")
    assert [file.name for file in parse(message.as_bytes()).attachments] == ["attachment-1.jpg"]


def test_a_mail_within_a_mail_is_kept_byte_for_byte_as_a_file() -> None:
    inner = (
        b"From: x@y.example\r\nSubject: =?utf-8?q?B=C3=A5lbrenning?=\r\n"
        b"X-Odd:   two  spaces\r\n\r\nHei\r\n.\r\n\xe5\r\n"
    )
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSe under\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    )
    read = parse(raw)
    [file] = read.attachments
    assert read.text == "Se under"
    assert (file.name, file.media_type) == ("Bålbrenning.eml", "message/rfc822")
    assert hashlib.sha256(file.content).digest() == hashlib.sha256(inner).digest()


@pytest.mark.parametrize("name", sorted(path.name for path in PAYLOADS.glob("hostile_*.eml")))
def test_each_captured_hostile_mail_is_read_with_a_sender_or_a_reason(name: str) -> None:
    read = parse((PAYLOADS / name).read_bytes())
    assert read.sender.address or read.unreadable or read.text or read.attachments


def test_plain_words_win_over_the_same_words_in_html_and_both_are_kept() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("Hei")
    message.add_alternative("<p>Hei</p>", subtype="html")
    read = parse(message.as_bytes())
    assert read.text == "Hei"
    assert "<p>Hei</p>" in read.html


def test_words_after_a_picture_in_the_middle_are_not_lost() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("Først")
    message.add_attachment(b"\x89PNG", "image", "png", filename="kart.png", disposition="inline")
    message.add_attachment("Sist", subtype="plain", disposition="inline")
    assert parse(message.as_bytes()).text == "Først\n\nSist"


@pytest.mark.parametrize(
    "kind",
    [
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
        "application/pkcs7-mime",
        'application/octet-stream; name="smime.p7m"',
    ],
)
def test_encrypted_mail_is_kept_and_says_why_it_cannot_be_read(kind: str) -> None:
    read = mail(
        f"From: a@b.example\nContent-Type: {kind}", "--b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n--b--"
    )
    assert "encrypted" in read.unreadable
    assert read.attachments


def test_an_encrypted_mail_that_a_server_took_apart_is_known_too() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("")
    message.add_attachment(b"Version: 1", "application", "pgp-encrypted", filename="PGPMIME Versions Identification")
    message.add_attachment(b"-----BEGIN PGP MESSAGE-----", "application", "octet-stream", filename="encrypted.asc")
    assert "encrypted" in parse(message.as_bytes()).unreadable


def test_a_sealed_file_beside_words_leaves_the_words_readable() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("Se vedlegget")
    message.add_attachment(b"MII", "application", "octet-stream", filename="tilbud.p7m")
    assert parse(message.as_bytes()).unreadable == ""


# Senders and identity


@pytest.mark.parametrize(
    ("field", "address", "name"),
    [
        ("Kari Nordmann <Kari@Innbygger.example>", "kari@innbygger.example", "Kari Nordmann"),
        ('"Nordmann, Kari" <kari@b.example>', "kari@b.example", "Nordmann, Kari"),
        ("=?utf-8?q?Bj=C3=B8rg?= <b@b.example>", "b@b.example", "Bjørg"),
        ("kari@b.example (Kari)", "kari@b.example", "Kari"),
        ("kari@b.example, ola@b.example", "kari@b.example", ""),
        ("a@b@c", "a@b@c", ""),
        ("Bjørg <bjørg@blå.example>", "bjørg@blå.example", "Bjørg"),
        ('"kari@bank.example" <ola@b.example>', "ola@b.example", "kari@bank.example"),
        ("Kari", "", ""),
    ],
)
def test_the_sender_is_found_in_every_writing(field: str, address: str, name: str) -> None:
    read = mail(f"From: {field}")
    assert (read.sender.address, read.sender.name) == (address, name)


def test_a_sender_in_raw_8_bit_can_be_stored() -> None:
    read = parse("From: Bjørg <bjørg@b.example>\r\n\r\nHei".encode("latin-1"))
    assert read.sender == headers.Mailbox("bjørg@b.example", "Bjørg")


def test_two_writers_are_counted_and_the_first_usable_one_answers() -> None:
    read = mail("From: a@b@c, Kari <kari@b.example>")
    assert read.senders == 2
    assert read.sender.address == "kari@b.example"


def test_references_are_all_identifiers_oldest_first_each_once() -> None:
    read = mail("References: <a@x> <b\n @x>,<c@x>\nIn-Reply-To: <d@x> <a@x>")
    assert read.references == ("<a@x>", "<b@x>", "<c@x>", "<d@x>")


def test_references_that_a_program_encoded_are_read_back() -> None:
    assert mail("References: =?utf-8?q?=3Ca=40x=3E?=").references == ("<a@x>",)


def test_thousands_of_references_are_bounded_with_the_first_and_the_last_kept() -> None:
    read = mail("References: " + " ".join(f"<{n}@x>" for n in range(5_000)))
    assert len(read.references) == 100
    assert (read.references[0], read.references[-1]) == ("<0@x>", "<4999@x>")


def test_a_redelivered_mail_has_the_same_identity_though_its_trace_differs() -> None:
    fields = "From: a@b.example\nDate: Mon, 5 Jan 2026 10:12:00 +0100\nSubject: Hei"
    first = mail(f"Received: from x by y; now\n{fields}")
    second = mail(f"Received: from x by z; later\nX-Spam: no\n{fields}\nDelivered-To: p@q.example", "Hei\r\n")
    assert (first.external_id, first.fingerprint) == (second.external_id, second.fingerprint)
    assert first.external_id.startswith("sha256:")


@pytest.mark.parametrize(
    "changed",
    [
        "From: c@b.example\nSubject: Hei\n\nHei",
        "From: a@b.example\nSubject: Hallo\n\nHei",
        "From: a@b.example\nSubject: Hei\n\nHallo",
    ],
)
def test_another_writer_subject_or_body_is_another_mail(changed: str) -> None:
    original = parse(b"From: a@b.example\r\nSubject: Hei\r\n\r\nHei")
    assert parse(changed.replace("\n", "\r\n").encode()).fingerprint != original.fingerprint


def test_a_date_without_sense_is_none_and_one_with_sense_is_utc() -> None:
    assert mail("Date: i går").date is None
    moment = mail("Date: Mon, 5 Jan 2026 10:12:00 +0100").date
    assert moment is not None
    assert moment.isoformat() == "2026-01-05T09:12:00+00:00"


# Replies that are HTML alone

OUTLOOK = """<html><body><div class="elementToProof">Er det åpent på lørdag?</div>
<div id="ms-outlook-mobile-signature">Hent <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div>
<hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg"><font face="Calibri"><b>Fra:</b> Servicetorget
&lt;post@kommune.example&gt;<br><b>Sendt:</b> mandag 5. januar 2026 10:12<br><b>Til:</b> Kari<br><b>Emne:</b> SV: Tid
</font></div><div>Hei Kari</div></body></html>"""
APPLE = """<div>Er det åpent på lørdag?<div><br><blockquote type="cite"><div>5. jan. 2026 kl. 10:12 skrev Servicetorget
&lt;post@kommune.example&gt;:</div><br><div>Hei Kari</div></blockquote></div></div>"""
WORD = """<div class=WordSection1><p class=MsoNormal>Er det åpent på lørdag?<o:p></o:p></p><p class=MsoNormal>&nbsp;</p>
<div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>Fra:</b> Servicetorget
&lt;post@kommune.example&gt; <br><b>Sendt:</b> mandag 5. januar 2026 10:12<br><b>Til:</b> Kari<br><b>Emne:</b>
Tid</p></div>
<p class=MsoNormal>Hei</p></div>"""


@pytest.mark.parametrize("page", [OUTLOOK, APPLE, WORD], ids=["Outlook", "Apple Mail", "Word"])
def test_a_reply_in_html_alone_is_folded_like_one_in_plain_text(page: str) -> None:
    read = mail("Content-Type: text/html; charset=utf-8", page)
    assert fold(read.text).text == "Er det åpent på lørdag?"
