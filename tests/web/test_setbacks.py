"""What did not arrive is told to staff in their own language, whatever the other side calls it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.sms.twilio.outcomes import CAUSES_THAT_STAY
from contactbot.web.setbacks import cause

SAYS_NOTHING = {"empty_text", "unknown_error"}


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("5.1.1 smtp; 550 5.1.1 <kari@innbygger.example>: unknown mailbox", "e-postadressen finnes ikke"),
        ("550 5.2.2 mailbox full", "postkassen er full"),
        ("4.4.7 delivery time expired", "den lot seg ikke levere i tide"),
        ("550 2.1.1 odd", ""),
        ("550 5.9.9 odd", ""),
        ("unreachable_phone (30003)", "telefonen er av eller uten dekning"),
        ("opted_out (21610)", "mottakeren har sagt STOPP til meldinger herfra"),
        ("given up: it could not be delivered in time", "den lot seg ikke levere i tide"),
        ("the process ended while it was being sent", "tjenesten stoppet mens den ble sendt"),
        ("", ""),
    ],
)
def test_what_the_other_side_says_is_put_in_norwegian(detail: str, words: str) -> None:
    assert cause(detail) == words


@pytest.mark.parametrize("name", sorted(set(CAUSES_THAT_STAY.values()) - SAYS_NOTHING))
def test_every_lasting_refusal_of_a_text_message_has_words(name: str) -> None:
    assert cause(f"{name} (1)")


@given(st.text())
def test_any_detail_is_read_without_an_error(detail: str) -> None:
    assert isinstance(cause(detail), str)
