"""A trial shows exactly what a resident would get, on channels of every length."""

from datetime import UTC, date, datetime

import pytest

from contactbot.conversation.knowledge import build
from contactbot.conversation.trial import NUMBER, Trial, try_out
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.store import Base
from contactbot.messages import Length
from contactbot.municipalities import municipalities
from contactbot.settings import MunicipalitySettings

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOWN = municipalities({"fjordvik": MunicipalitySettings(name="Fjordvik kommune")}, "https://x.example")["fjordvik"]
PRICE = Entry("pris", 3, (EntryText("nb", "Hva koster en barnehageplass?", ("pris barnehage",), full="**1200** kr"),))
PLACE = Entry("plass", 1, (EntryText("nb", "Hvordan søker jeg om barnehageplass?", full="I portalen."),))
KNOWLEDGE = build(Base(1, (PRICE, PLACE), ()), date(2026, 3, 2))


def trial(text: str) -> Trial:
    return try_out(text, KNOWLEDGE, TOWN, MONDAY)


def test_a_question_gets_the_editors_words_and_every_reason() -> None:
    found = trial("hva koster en barnehageplass?")
    assert (found.label, found.answered, found.language) == ("answer", ("pris",), "nb")
    assert (found.candidates[0].entry_id, found.candidates[0].version) == ("pris", 3)
    assert found.candidates[0].phrasing
    assert found.candidates[0].words
    assert [one.length for one in found.results] == list(Length)


def test_a_text_message_that_borrows_a_longer_answer_is_plain() -> None:
    texts = {one.length: (one.text, one.markup) for one in trial("hva koster en barnehageplass?").results}
    assert texts[Length.SMS] == ("1200 kr", "plain")
    assert texts[Length.FULL] == ("**1200** kr", "markdown")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("hei", "smalltalk"),
        ("jeg vil ta livet mitt", "acute"),
        ("snakk med en person", "handoff"),
        ("STOPP", "command"),
    ],
)
def test_what_comes_before_answers_comes_before_them_here_too(text: str, label: str) -> None:
    assert trial(text).label == label


def test_a_hand_off_shows_a_number_that_can_be_read() -> None:
    assert all(NUMBER in one.text for one in trial("snakk med en person").results)


def test_what_should_not_be_kept_is_masked_in_a_trial() -> None:
    assert "01010750160" not in repr(trial("mitt nummer er 01010750160"))


def test_nothing_at_all_is_no_error() -> None:
    assert trial("").label == "handoff"
