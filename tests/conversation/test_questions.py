"""How questions are told apart, and which of them hang on the one before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.conversation.questions import LONGEST, asked, leaning, quoted, sides, subject

WHEN, PRICE = "Når er biblioteket åpent?", "Hva koster kulturskolen?"


def texts(message: str) -> list[str]:
    """Return a message's questions."""
    return [question.text for question in asked(message)]


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (f"{WHEN} {PRICE}", [WHEN, PRICE]),
        (f"{WHEN}{PRICE}", [WHEN, PRICE]),
        (f"Hei, jeg bor på Nes. {WHEN} {PRICE} Hilsen Kari", [WHEN, PRICE]),
        (f"Hei!\n\nTo ting:\n1. {WHEN}\n2) {PRICE}\n\nMvh Kari", [WHEN, PRICE]),
        (f"- {WHEN}\n- {PRICE}\n- Kan dere hjelpe meg?", [WHEN, PRICE]),
        (
            "Når åpner biblioteket. Hva koster kulturskolen. Takk",
            ["Når åpner biblioteket.", "Hva koster kulturskolen."],
        ),
        (
            "Where is the library? How do I get a parking permit?",
            ["Where is the library?", "How do I get a parking permit?"],
        ),
        ("Kva tid opnar biblioteket? Korleis søkjer eg SFO?", ["Kva tid opnar biblioteket?", "Korleis søkjer eg SFO?"]),
        (f"Jeg har flyttet. Hva gjør jeg? {WHEN}", ["Jeg har flyttet. Hva gjør jeg?", WHEN]),
        (f"Hvordan søker jeg om SFO? Hva koster det? {WHEN}", ["Hvordan søker jeg om SFO? Hva koster det?", WHEN]),
    ],
)
def test_each_question_of_a_message_is_found_with_what_it_needs(message: str, found: list[str]) -> None:
    assert texts(message) == found


@pytest.mark.parametrize(
    "message",
    [
        "Jeg har flyttet. Hva gjør jeg?",
        "Hei, jeg bor på Nes. Når er biblioteket åpent?",
        "Når er biblioteket åpent? Kan dere hjelpe meg?",
        "Når åpner biblioteket lørdag 3. mai?",
        "Når åpner biblioteket kl. ti f.eks. i morgen?",
        "Hvordan klager jeg på parkeringsbot? Hva er fristen?",
        "Hvordan søker jeg om SFO, og hva koster det?",
        "Når tømmes søpla, og hvilken dag er det papir?",
        "veien er full av hull",
        "???",
        "?",
        "",
    ],
)
def test_what_is_one_question_stays_as_it_was_written(message: str) -> None:
    assert texts(message) == [message]


def test_clauses_that_each_name_their_own_thing_may_be_questions_of_their_own() -> None:
    assert asked("Når er biblioteket åpent, og hva koster kulturskolen?")[0].clauses == (
        "Når er biblioteket åpent",
        "hva koster kulturskolen?",
    )
    assert asked("Hvordan søker jeg om SFO, og hva koster det?")[0].clauses == ()
    assert asked("Jeg bor i Granlia, når kommer feieren?")[0].clauses == ()


@pytest.mark.parametrize(
    "message",
    [
        "hva koster det?", "ka koste det", "kva kostar det?", "how much is it", "er det gratis?", "og på lørdager?",
        "og åpningstiden?", "når er fristen", "hvor søker jeg?", "kven kan søkje?", "what about sundays?",
        "must I pay for it?", "hvor lenge varer det", "må jeg betale?",
    ],
)  # fmt: skip
def test_a_question_that_names_nothing_hangs_on_the_one_before(message: str) -> None:
    found = leaning(message)
    assert found is not None
    assert found.bound


@pytest.mark.parametrize(
    "message",
    ["gjelder det for hytter også?", "hva med hytter?", "enn hytter?", "what about cabins", "kan hytter få det?"],
)
def test_what_goes_on_with_a_word_of_its_own_keeps_that_word(message: str) -> None:
    found = leaning(message)
    assert found is not None
    assert len(found.own) == 1


@pytest.mark.parametrize(
    "message",
    [
        WHEN, PRICE, "når går bussen", "hvor ligger legevakten", "jeg trenger hjelp med gjeld", "veien er ikke brøytet",
        "og når kommer feieren med regningen sin til oss?", "how do I apply for kindergarten", "",
        "Hvor mye koster det å leie idrettshall?",
    ],
)  # fmt: skip
def test_what_names_its_own_thing_stands_by_itself(message: str) -> None:
    assert leaning(message) is None


def test_the_subject_of_an_entry_is_what_its_wordings_have_in_common() -> None:
    ways = ("Hvordan søker jeg om barnehageplass?", "søknad barnehage", "plass i barnehagen", "når søker man barnehage")
    assert subject(ways[0], ways) == ("barnehageplass",)
    assert subject("Hva koster det?", ("hva koster det",)) == ()


@given(st.text(max_size=300))
def test_any_text_has_at_least_one_question_and_none_is_made_up(text: str) -> None:
    found = texts(text)
    assert found
    written = "".join(text.split())
    assert all("".join(one.split()) in written or len(found) > 1 for one in found)
    assert all(len(quoted(one)) <= LONGEST for one in found)


@pytest.mark.parametrize(
    ("text", "plain"), [("er det gratis?", "hva koster det?"), ("is it free?", "what is the cost?")]
)
def test_whether_a_thing_is_free_asks_for_its_price(text: str, plain: str) -> None:
    assert set(sides(plain)) <= set(sides(text))
