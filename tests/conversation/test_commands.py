"""A command is heard in every language and only where it is one; a choice is picked by number or by words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.conversation.commands import NONE_OF_THEM, Command, CommandKind, choice, parse

LABELS = ("Søke barnehageplass", "Bytte barnehage", "Betaling for SFO")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((word, CommandKind.STOP) for word in ("STOP", "Stopp!", " stopp. ", "AVSLUTT", "slutt", "Stans", "END")),
        *(
            (word, CommandKind.STOP)
            for word in ("UNSUBSCRIBE", "quit", "Cancel", "STOPALL", "Ikke send meg flere meldinger")
        ),
        *((word, CommandKind.START) for word in ("START", "start", "Unstop")),
        *((word, CommandKind.HELP) for word in ("HJELP", "hjelp!", "Help", "INFO")),
        *((word, CommandKind.WHY) for word in ("HVORFOR", "hvorfor?", "Kvifor", "WHY?", "hvorfor svarte du det?")),
        *((word, CommandKind.DELETE) for word in ("SLETT", "delete", "slett meg", "Glem meg", "delete my data")),
        *(
            (word, CommandKind.PERSON)
            for word in ("Hvem kan jeg snakke med?", "Kven kan eg snakke med?", "Who can I talk to?")
        ),
        *((word, CommandKind.PERSON) for word in ("menneske", "Person", "saksbehandler", "human", "agent please")),
    ],
)
def test_a_word_that_is_the_whole_message_is_a_command(text: str, kind: CommandKind) -> None:
    assert parse(text) == Command(kind)


@pytest.mark.parametrize(
    "text",
    [
        "hvorfor er veien stengt",
        "kvifor er biblioteket stengt i dag?",
        "why is the road closed",
        "når slutter skolen",
        "kan jeg stoppe abonnementet på avfallskalender",
        "stopp bussen ved rådhuset?",
        "hjelp til å fylle ut skjema for barnehage",
        "slett trær i veikanten",
        "start på skoleåret",
        "hvilken person har ansvar for byggesak",
        "hvem kan jeg snakke med om skilsmisse?",
        "hvor mange personer kan bo i en bolig",
        "trenger jeg saksbehandler til byggesøknad",
        "jeg vil ikke snakke med et menneske",
        "status på søknaden min",
        "hva er status på byggesøknaden",
        "hva er status for utbygging av skolen",
        "no",
        "en",
        "norsk kurs for innvandrere",
        "språkkafé på biblioteket",
        "",
        "   ",
    ],
)
def test_a_question_is_no_command(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "kan jeg få snakke med et menneske",
        "eg vil prate med ein person",
        "can I talk to a real person",
        "æ vil snakk me nån",
        "snakke med noen",
        "Hei, kan eg få snakka med nokon som kan byggesak?",
        "jeg vil ikke snakke med en robot",
        "gi meg et menneske!",
        "kan noen ringe meg?",
        "sett meg over til en saksbehandler",
        "I need to speak to someone please",
        "trenger å få kontakt med saksbehandleren min",
        "jeg vil ha et ordentlig menneske",
        "Connect me to a human",
        "kan jeg få snake med en persson",
        "Hei. Jeg skjønner ikke dette. Kan jeg få prate med en ansatt?",
    ],
)
def test_a_wish_for_a_person_is_heard_inside_a_short_sentence(text: str) -> None:
    assert parse(text) == Command(CommandKind.PERSON)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("STATUS 2026-17", "2026-17"),
        ("status 42", "42"),
        ("Status på sak F-1042?", "F-1042"),
        ("status", ""),
        ("Hva er status på saken min 1001?", "1001"),
        ("hei, hva er status på saken min?", ""),
        ("status på saken", ""),
        ("what is the status of my case", ""),
        ("Kan jeg få status på sak 17, takk", "17"),
    ],
)
def test_status_names_its_ticket(text: str, reference: str) -> None:
    assert parse(text) == Command(CommandKind.STATUS, reference)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("SPRÅK", ""),
        ("spraak nn", "nn"),
        ("SPRÅK nynorsk", "nn"),
        ("LANGUAGE en", "en"),
        ("nynorsk", "nn"),
        ("in English please", "en"),
        ("kan du svare på engelsk?", "en"),
        ("Kan dere svare på nynorsk?", "nn"),
        ("Ønsker svar på engelsk", "en"),
        ("språk no", "nb"),
        ("samisk", "se"),
    ],
)
def test_a_language_is_asked_for_by_code_or_by_name(text: str, language: str) -> None:
    assert parse(text) == Command(CommandKind.LANGUAGE, language)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("2", 1), ("2.", 1), ("(2)", 1), ("nr 2", 1), ("Nummer to", 1), ("to", 1), ("second", 1), ("den andre", 1),
        ("toeren", 1), ("2️⃣", 1), ("alternativ 3 takk", 2), ("ein", 0), ("første", 0), ("den siste", 2),
        ("bytte", 1), ("Bytte barnehge", 1), ("sfo", 2), ("betalling", 2), ("jeg vil søke barnehageplass", 0),
        ("ingen av disse", NONE_OF_THEM), ("nei", NONE_OF_THEM), ("none of them", NONE_OF_THEM),
        ("noko anna", NONE_OF_THEM),
    ],
)  # fmt: skip
def test_a_choice_is_picked_by_number_by_word_or_by_label(text: str, index: int) -> None:
    assert choice(text, LABELS) == index


@pytest.mark.parametrize("text", ["4", "0.5", "barnehage", "hvor er legevakten", "", "9" * 5_000, "2 og 3"])
def test_what_fits_no_single_choice_picks_nothing(text: str) -> None:
    assert choice(text, LABELS) is None


@pytest.mark.parametrize(
    ("text", "index"), [("Ja", 0), ("ja takk!", 0), ("Delvis", 1), ("nei", 2), ("Nei takk", 2), ("3", 2)]
)
def test_yes_and_no_are_answers_where_they_were_offered(text: str, index: int) -> None:
    assert choice(text, ("ja", "delvis", "nei")) == index


def test_yes_picks_the_only_choice() -> None:
    assert choice("ja", LABELS[:1]) == 0
    assert choice("ja takk", (*LABELS[:1], "Noe annet – gi meg en person"), offers=1) == 0
    assert choice("ja", (*LABELS[:2], "Noe annet – gi meg en person"), offers=2) is None
    assert choice("ja", LABELS) is None
    assert choice("2", ()) is None


@given(st.text(max_size=500))
def test_any_text_is_read_without_an_error(text: str) -> None:
    parse(text)
    index = choice(text, LABELS)
    assert index is None or -1 <= index < len(LABELS)
