"""Plain text for channels that show neither Markdown nor who writes."""

from dataclasses import replace
from datetime import UTC, datetime

from contactbot.channels.plain import ending_of, plain_text, signed_text
from contactbot.channels.sms.composing import compose
from contactbot.messages import Address, Author, Outbound

WRITTEN = Outbound(
    7, "+4790000000", Address("tel", "+4791111111"), "Vi kommer i morgen.", datetime(2026, 1, 5, tzinfo=UTC), 1, 2,
    author=Author.STAFF, author_name="Kari i Fjordvik kommune",
)  # fmt: skip
SAID = replace(WRITTEN, author=Author.BOT, author_name="Automatisk svar", choices=("Ja", "Nei"))


def test_what_a_person_writes_ends_with_their_name() -> None:
    assert signed_text(WRITTEN) == "Vi kommer i morgen.\n\n– Kari i Fjordvik kommune"
    assert plain_text(WRITTEN) == "Vi kommer i morgen."


def test_the_bot_signs_nothing_and_a_name_that_is_not_told_is_left_out() -> None:
    assert signed_text(SAID) == "Vi kommer i morgen.\n\n1. Ja\n2. Nei"
    assert signed_text(replace(WRITTEN, author_name="")) == "Vi kommer i morgen."


def test_a_name_is_never_cut_from_a_long_text_message() -> None:
    cut = compose("Dette er en lang setning om brøyting. " * 40, ending_of(WRITTEN), most_segments=2)
    assert cut.cut
    assert cut.text.endswith("- Kari i Fjordvik kommune")
