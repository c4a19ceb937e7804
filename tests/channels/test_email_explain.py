"""What is told of a mail on the command line."""

import hashlib
import json
from email.message import EmailMessage

import pytest

from contactbot.channels.email.explain import explain, is_whole


def test_everything_is_told_and_can_be_written_as_json() -> None:
    message = EmailMessage()
    message["From"] = "Kari <kari@innbygger.example>"
    message["Message-ID"] = "<m1@innbygger.example>"
    message["References"] = "<a@x.example>"
    message["In-Reply-To"] = "<b@x.example>"
    message.set_content("Når åpner dere?\n\nman. 5. jan. 2026 kl. 10:12 skrev A <a@b.no>:\n> Hei\n")
    message.add_attachment(b"%PDF", "application", "pdf", filename="kart.pdf")
    told = explain(message.as_bytes())
    assert json.loads(json.dumps(told)) == {
        "text": "Når åpner dere?",
        "folded": [{"text": "man. 5. jan. 2026 kl. 10:12 skrev A <a@b.no>:\n> Hei", "rule": "attribution"}],
        "sender": "kari@innbygger.example",
        "message_id": "<m1@innbygger.example>",
        "references": ["<a@x.example>", "<b@x.example>"],
        "automatic": False,
        "rule": "",
        "attachments": [
            {
                "name": "kart.pdf",
                "type": "application/pdf",
                "size": 4,
                "sha256": hashlib.sha256(b"%PDF").hexdigest(),
            }
        ],
    }


def test_a_bare_text_is_taken_for_the_body() -> None:
    told = explain("Når åpner dere?\n\n-- \nKari\n".encode())
    assert (told["text"], told["sender"], told["automatic"]) == ("Når åpner dere?", "", False)


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (b"From: a@b\nSubject: x\n\nHei", True),
        (b"From a@b Mon Jan 5\nReceived: x\n\nHei", True),
        (b"Message-ID: <a>\n\n", True),
        (b"Hei\n\nFrom: a@b\nSubject: x", False),
        (b"Fra: Torget\nTil: Stasjonen\nstemmer det?", False),
        (b"Sak: 12\n\nHei", False),
        (b"", False),
    ],
)
def test_a_message_is_told_from_a_bare_text(raw: bytes, *, whole: bool) -> None:
    assert is_whole(raw) is whole
