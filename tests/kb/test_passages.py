"""Where a long message asks."""

from hypothesis import given
from hypothesis import strategies as st

from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Index
from contactbot.kb.passages import MOST, passages

MAIL = (
    "Hei!\nVi kjøpte hus i Granlia i sommer og har vært svært fornøyde. Nå har det gått et halvt år, og hagen er blitt"
    " fin. Dunken har fått en stor sprekk i bunnen. Hvordan får vi en ny søppeldunk?\nMed vennlig hilsen Torunn Bakke"
)


def test_a_question_is_found_in_its_mail_with_the_sentence_before_it() -> None:
    assert passages(MAIL) == (
        "Dunken har fått en stor sprekk i bunnen. Hvordan får vi en ny søppeldunk?",
        "Hvordan får vi en ny søppeldunk?",
    )


def test_a_short_message_is_one_passage() -> None:
    assert passages("Hei! Hvordan får vi en ny søppeldunk?") == ()


@given(st.text())
def test_passages_are_few_and_say_something(text: str) -> None:
    found = passages(text)
    assert len(found) <= MOST
    assert all(found)


def test_a_mail_is_surer_for_its_question() -> None:
    base = [
        Entry(name, 1, (EntryText("nb", question),))
        for name, question in {
            "bin": "Hvordan får jeg en ny søppeldunk?", "garden": "Kan jeg brenne avfall i hagen?",
            "house": "Hvordan søker jeg om å bygge hus?", "tax": "Hva er eiendomsskatten på huset?",
        }.items()
    ]  # fmt: skip
    index = Index.build(base)
    story = MAIL.replace("Hvordan får vi en ny søppeldunk?", "Vi må få en ny søppeldunk.")
    asked, told = index.search(MAIL)[0], index.search(story)[0]
    assert asked.entry_id == told.entry_id == "bin"
    assert asked.probability > told.probability
