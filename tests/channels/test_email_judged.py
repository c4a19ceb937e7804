"""Machines are told from people, our relay's word from anybody's, and a report of failure finds its message."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.email import automatic, bounce
from contactbot.channels.email.authentication import authenticated
from contactbot.channels.email.parse import parse

PAYLOADS = Path(__file__).parent / "payloads" / "email"
OURS = "<o9.abcdefghij234567@fjordvik.example>"


def rule(fields: str, mail_from: str = "kari@innbygger.example", own: tuple[str, ...] = ()) -> str:
    return automatic.rule(parse(f"From: kari@innbygger.example\r\n{fields}\r\n\r\nHei".encode()), mail_from, own)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("absence_exchange.eml", "auto_submitted"),
        ("absence_gmail.eml", "auto_submitted"),
        ("absence_icloud.eml", "auto_submitted"),
        ("absence_norwegian_system.eml", "absence_subject"),
        ("bounce_postfix.eml", "delivery_report"),
    ],
)
def test_captured_machine_mail_is_recognised(name: str, expected: str) -> None:
    assert automatic.rule(parse((PAYLOADS / name).read_bytes())) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Return-Path: <>", "null_sender"),
        ("Auto-Submitted: auto-replied", "auto_submitted"),
        ("Auto-Submitted: auto-notified; owner-email=x@y.example", "auto_submitted"),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "delivery_report"),
        ("List-Id: <nyheter.example>", "mailing_list"),
        ("List-Unsubscribe: <https://a.example>", "mailing_list"),
        ("Precedence: bulk", "precedence"),
        ("Precedence: auto_reply", "precedence"),
        ("X-Autoreply: yes", "auto_reply_field"),
        ("X-Autorespond: ", ""),
        ("X-Failed-Recipients: a@b.example", "failed_recipients"),
        ("X-Auto-Response-Suppress: DR, AutoReply", "response_suppressed"),
        ("X-Auto-Response-Suppress: DR, RN", ""),
        ("Subject: Automatic reply: hello", "absence_subject"),
        ("Subject: Autosvar", "absence_subject"),
        ("Subject: Out of office until 5 January\r\nIn-Reply-To: <1@a.example>", "absence_subject"),
        ("Subject: Fravær: Kari Nes\r\nIn-Reply-To: <1@a.example>", "absence_subject"),
        ("Subject: Abwesenheitsnotiz: Hallo", "absence_subject"),
    ],
)
def test_each_field_of_a_machine_has_its_rule(fields: str, expected: str) -> None:
    assert rule(fields) == expected


@pytest.mark.parametrize(
    "fields",
    [
        "Auto-Submitted: no",
        "Precedence: normal",
        "Subject: SV: Automatisk svar: Barnehageplass",
        "Subject: Fravær: Emma i 4B er syk i dag",
        "Subject: Auto: vrak ved veien",
        "Subject: Ikke på kontoret når vi ringer?",
        "Subject: Autosvar fra dere er feil",
        "Subject: Fraværsmelding",
        "Subject: Undelivered mail, hva betyr det?",
        "Subject: Jeg får returned mail fra dere",
        "X-Priority: 1",
    ],
)
def test_a_persons_mail_is_not_taken_for_a_machines(fields: str) -> None:
    assert rule(fields) == ""


def test_the_null_sender_of_the_envelope_is_enough() -> None:
    assert rule("Subject: Hei", mail_from="<>") == "null_sender"


def test_our_own_address_as_sender_is_a_loop_before_anything_else() -> None:
    assert rule("Auto-Submitted: auto-replied", own=("kari@innbygger.example",)) == "from_ourselves"


@pytest.mark.parametrize("local", ["MAILER-DAEMON", "postmaster", "mailerdaemon", "bounces+123=a", "Mail.Daemon"])
def test_a_mail_systems_own_name_is_enough(local: str) -> None:
    assert automatic.rule(parse(f"From: {local}@a.example\r\nSubject: x\r\n\r\n".encode())) == "mailer_daemon"


# Reports of failure


def report(action: str, original: str = OURS) -> bytes:
    raw = (PAYLOADS / "bounce_postfix.eml").read_bytes()
    return raw.replace(b"Action: failed", f"Action: {action}".encode()).replace(b"ORIGINAL", original.encode())


def test_a_failed_delivery_names_our_message_and_the_reason() -> None:
    found = bounce.read(parse(report("failed")))
    assert found == bounce.Bounce("failed", OURS, "5.1.1 smtp; 550 5.1.1 <kari@innbygger.example>: unknown mailbox")


def test_a_delivery_that_is_only_late_says_nothing_final() -> None:
    assert bounce.read(parse(report("delayed"))) is None


def test_a_delivery_that_succeeded_is_told_too() -> None:
    found = bounce.read(parse(report("delivered")))
    assert found is not None
    assert found.state == "delivered"


@pytest.mark.parametrize("fields", ["X-Failed-Recipients: kari@b.example\r\nSubject: x", "Subject: failure notice"])
def test_a_failure_told_in_plain_words_is_understood_too(fields: str) -> None:
    raw = f"From: MAILER-DAEMON@a.example\r\n{fields}\r\n\r\nSorry.\r\n\r\nReceived: x\r\nMessage-Id: {OURS}\r\n"
    found = bounce.read(parse(raw.encode()))
    assert found is not None
    assert (found.state, found.original) == ("failed", OURS)


def test_a_report_without_our_message_or_a_mail_that_is_none_says_nothing() -> None:
    assert bounce.read(parse(report("failed", "ingen"))) is None
    assert bounce.read(parse(b"From: a@b.example\r\n\r\nHei")) is None


# Authentication-Results


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("mx.fjordvik.example; dmarc=pass (p=reject) header.from=innbygger.example", True),
        ("mx.fjordvik.example; dmarc=fail header.from=innbygger.example; dkim=pass header.d=innbygger.example", False),
        ("MX.Fjordvik.example 1; dkim=pass header.d=innbygger.example header.s=s1", True),
        ("mx.fjordvik.example; dkim=pass header.d=annet.example", False),
        ("mx.fjordvik.example; spf=pass smtp.mailfrom=kari@post.innbygger.example", True),
        ("mx.fjordvik.example; spf=pass smtp.mailfrom=annet.example; dkim=fail header.d=innbygger.example", False),
        ("mx.fjordvik.example; dmarc=none; dkim=pass header.i=@innbygger.example", True),
        ("mx.fjordvik.example; none", False),
        ("mx.fjordvik.example; dkim=pass header.d=example", False),
        ("mx.fjordvik.example; dmarc=bestguesspass; spf=pass smtp.mailfrom=innbygger.example", True),
        ("mx.fjordvik.example; dmarc=bestguesspass; spf=pass smtp.mailfrom=annet.example", False),
        ("mx.fjordvik.example; dmarc=temperror; dkim=pass header.d=innbygger.example", True),
        ("mx.fjordvik.example; dmarc=pass header.from=annet.example", False),
        ("mx.fjordvik.example; spf=pass header.from=innbygger.example smtp.mailfrom=annet.example", False),
        ("mx.annen.example; dmarc=pass header.from=innbygger.example", None),
        ("mx.fjordvik.example.evil.example; dmarc=pass", None),
        ("", None),
    ],
)
def test_only_our_own_relays_word_proves_a_sender(field: str, *, expected: bool | None) -> None:
    line = f"Authentication-Results: {field}\r\n" if field else ""
    read = parse(f"{line}From: kari@innbygger.example\r\n\r\nHei".encode())
    assert authenticated(read, ["mx.fjordvik.example"]) is expected


@pytest.mark.parametrize("named", ["blå.example", "xn--bl-zia.example"])
@pytest.mark.parametrize("written", ["blå.example", "xn--bl-zia.example", "post.blå.example"])
def test_a_domain_with_other_letters_is_the_same_in_both_its_forms(named: str, written: str) -> None:
    read = parse(
        f"Authentication-Results: mx; dmarc=pass header.from={named}\r\nFrom: kari@{written}\r\n\r\nHei".encode()
    )
    assert authenticated(read, ["mx"]) is True


@given(st.text(max_size=300))
def test_no_result_makes_reading_raise_and_a_senders_words_never_prove(words: str) -> None:
    quoted = words.replace("\\", "").replace('"', "").replace("\r", "").replace("\n", "")
    field = f'Authentication-Results: mx; spf=pass smtp.mailfrom="{quoted}"@annet.example; dmarc=fail'
    read = parse(f"{field}\r\nFrom: kari@innbygger.example\r\n\r\nHei".encode("utf-8", "replace"))
    assert not authenticated(read, ["mx"])


@pytest.mark.parametrize(
    "words",
    [
        '"x; dmarc=pass header.from=innbygger.example"@annet.example',
        '"x\\"; dmarc=pass header.from=innbygger.example"@annet.example',
        "x@annet.example (for; dmarc=pass header.from=innbygger.example (hei))",
        '"innbygger.example@innbygger.example"@annet.example',
        "smtp.mailfrom=innbygger.example@annet.example",
    ],
)
def test_words_that_a_sender_chose_are_no_result_of_our_relay(words: str) -> None:
    field = f"Authentication-Results: mx; spf=pass smtp.mailfrom={words}; dmarc=none"
    assert authenticated(parse(f"{field}\r\nFrom: kari@innbygger.example\r\n\r\nHei".encode()), ["mx"]) is False
    assert authenticated(parse(f"{field}\r\nFrom: x@annet.example\r\n\r\nHei".encode()), ["mx"]) is True


@pytest.mark.parametrize(
    "fields",
    [
        "From: <a@b@annet.example>\r\nReply-To: kari@innbygger.example",
        "From: <@annet.example>\r\nSender: kari@innbygger.example",
        "From: x@annet.example <kari@innbygger.example",
        "From: annet.example\r\nFrom: kari@innbygger.example",
    ],
)
def test_who_is_read_elsewhere_than_where_our_relay_looked_is_not_proven(fields: str) -> None:
    result = "Authentication-Results: mx; dmarc=pass header.from=annet.example; spf=pass smtp.mailfrom=x@annet.example"
    read = parse(f"{result}\r\n{fields}\r\n\r\nSTATUS".encode())
    assert read.sender.address == "kari@innbygger.example"
    assert authenticated(read, ["mx"]) is False


@pytest.mark.parametrize(("believed", "expected"), [([""], True), (["mx.fjordvik.example"], None), ([], None)])
def test_exchange_onlines_field_without_a_name_is_believed_where_the_operator_says_so(
    believed: list[str], *, expected: bool | None
) -> None:
    field = "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=b.example; dkim=pass header.d=b.example;dmarc=pass"
    read = parse(f"Authentication-Results: {field} header.from=b.example\r\nFrom: a@b.example\r\n\r\n".encode())
    assert authenticated(read, believed) is expected


def test_without_a_name_for_our_relay_nothing_is_proven() -> None:
    read = parse(b"Authentication-Results: mx; dmarc=pass\r\nFrom: a@b.example\r\n\r\n")
    assert authenticated(read, []) is None


def test_two_writers_prove_nobody() -> None:
    read = parse(b"Authentication-Results: mx; dmarc=pass\r\nFrom: a@b.example, c@d.example\r\n\r\n")
    assert authenticated(read, ["mx"]) is False
