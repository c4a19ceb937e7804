"""What is answered, offered and handed off, by what an answer costs where it is read."""

import pytest

from contactbot.kb.confidence import SHARED_AT_LEAST, SHARED_AT_MOST, WEAK_AT_MOST
from contactbot.kb.matching import THRESHOLDS, Answer, Candidate, Choices, HandOff, decide
from contactbot.messages import Length


def candidates(*probabilities: float) -> tuple[Candidate, ...]:
    """Return candidates with these probabilities, best first."""
    return tuple(Candidate(f"e{number}", 1, "nb", one, "") for number, one in enumerate(probabilities))


@pytest.mark.parametrize("length", list(Length))
def test_one_weak_word_is_never_an_answer_on_any_channel(length: Length) -> None:
    assert not isinstance(decide(candidates(WEAK_AT_MOST), length), Answer)


@pytest.mark.parametrize("length", list(Length))
def test_what_one_word_leaves_open_between_several_is_never_an_answer_on_any_channel(length: Length) -> None:
    assert isinstance(decide(candidates(SHARED_AT_MOST, SHARED_AT_LEAST), length), Choices)


@pytest.mark.parametrize("length", list(Length))
def test_what_is_sure_is_answered_on_every_channel(length: Length) -> None:
    assert isinstance(decide(candidates(0.93, 0.3), length), Answer)


def test_a_mail_in_much_doubt_goes_to_a_person_where_a_chat_offers_a_choice() -> None:
    doubtful = candidates(0.3, 0.2)
    assert isinstance(decide(doubtful, Length.CHAT), Choices)
    assert isinstance(decide(doubtful, Length.FULL), HandOff)


def test_a_text_message_offers_fewer_choices_than_a_chat() -> None:
    several = candidates(0.6, 0.2, 0.1, 0.1)
    offered = {length: decide(several, length) for length in Length}
    counts = {length: len(one.candidates) for length, one in offered.items() if isinstance(one, Choices)}
    assert counts == {length: THRESHOLDS[length].most_choices for length in Length}
