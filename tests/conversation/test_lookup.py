"""What is found for a message on the sample base: several questions, and questions that hang on the answer before."""

import pytest

from contactbot import demo
from contactbot.conversation.lookup import Base, Found, Part, Search, look_up
from contactbot.kb.index import Index
from contactbot.kb.matching import Answer, Candidate, Choices, HandOff
from contactbot.messages import Length

ENTRIES = {entry.id: entry for entry in demo.base()}
INDEX = Index.build(ENTRIES.values())

# The entry answered with before, what is written then, and the entry that is meant.
FOLLOW_UPS = (
    ("bibliotek-apningstider", "og i romjula?", "bibliotek-apningstider"),
    ("barnehage-soknad", "hva koster det?", "barnehage-pris"),
    ("barnehage-soknad", "ka koste det", "barnehage-pris"),
    ("barnehage-soknad", "når er fristen?", "barnehage-frist"),
    ("barnehage-soknad", "how much is it", "barnehage-pris"),
    ("bibliotek-apningstider", "og på lørdager?", "bibliotek-apningstider"),
    ("bibliotek-apningstider", "what about saturdays?", "bibliotek-apningstider"),
    ("svommehall", "hva koster det", "svommehall"),
    ("svommehall", "er det gratis for barn?", "svommehall"),
    ("avfall-ny-dunk", "hva koster det?", "avfall-gebyr"),
    ("avfall-hentedager", "gjelder det for hytter også?", "avfall-hytterenovasjon"),
    ("avfall-hentedager", "hva med hytta?", "avfall-hytterenovasjon"),
    ("sfo", "hva koster det?", "sfo"),
    ("sfo", "hva med kulturskolen?", "kulturskole"),
    ("vei-parkering", "hva koster det?", "vei-parkering"),
    ("avfall-gjenvinningsstasjon", "og hva koster det?", "avfall-gjenvinningsstasjon"),
    ("kulturskole", "når er fristen", "kulturskole"),
    ("trygghetsalarm", "ka koste det", "trygghetsalarm"),
    ("vigsel", "koster det noe?", "vigsel"),
    ("natur-batplass", "hva er prisen?", "natur-batplass"),
    ("vei-parkeringsbot", "hvordan klager jeg?", "vei-parkeringsbot"),
    ("bostotte", "når er fristen?", "bostotte"),
    ("sykehjemsplass", "hva koster det?", "sykehjemsplass"),
    ("brann-feiing", "må jeg betale for det?", "brann-feiing"),
    ("avfall-farlig-avfall", "er det gratis?", "avfall-farlig-avfall"),
    ("leie-idrettshall", "kva kostar det?", "leie-idrettshall"),
    ("natur-bandtvang", "gjelder det hele året?", "natur-bandtvang"),
    ("fastlege-bytte", "hvor mange ganger kan jeg gjøre det?", "fastlege-bytte"),
)
# What stands by itself, whatever was answered before: the last answer must not swallow it.
BY_THEMSELVES = (
    ("bibliotek-apningstider", "Hvordan søker jeg om barnehageplass?"),
    ("bibliotek-apningstider", "når kommer feieren"),
    ("bibliotek-apningstider", "veien er ikke brøytet"),
    ("bibliotek-apningstider", "hvordan melder jeg flytting?"),
    ("bibliotek-apningstider", "do you have a map of toilets"),
    ("barnehage-soknad", "når er svømmehallen åpen"),
    ("barnehage-soknad", "hva koster kinobillett"),
    ("barnehage-soknad", "where can i get a vaccine"),
    ("barnehage-soknad", "er det noen som kan hjelpe meg med arven"),
    ("avfall-hentedager", "er det båndtvang nå?"),
    ("avfall-hentedager", "og hvor er rådhuset"),
    ("avfall-hentedager", "kan jeg brenne bål?"),
    ("leie-idrettshall", "jeg vil klage på et vedtak"),
    ("natur-batplass", "hvor ligger legevakten"),
    ("kino", "jeg trenger hjelp med gjeld"),
    ("svommehall", "hva koster en trygghetsalarm"),
    ("svommehall", "hva med båndtvang?"),
    ("svommehall", "hva er meningen med livet"),
    ("sfo", "når er biblioteket åpent"),
    ("pass", "jeg har mistet hunden min"),
)


def search(text: str) -> tuple[Candidate, ...]:
    """Search as understanding does."""
    return INDEX.search(text, "nb", 5)


def base(searching: Search, language: str = "nb", length: Length = Length.CHAT) -> Base:
    """Return the sample base."""
    return Base(searching, lambda name: ENTRIES[name].text(language) if name in ENTRIES else None, length)


def found(text: str, before: str = "", length: Length = Length.CHAT, subject: str = "") -> Found:
    """Look a message up after an answer."""
    language = "en" if text.isascii() and " is " in text else "nb"
    return look_up(base(search, language, length), text, subject, before)


def given(one: Found) -> list[str]:
    """Return the entries that are answered or offered."""
    match one.decision:
        case Answer(candidate):
            return [candidate.entry_id]
        case Choices(candidates):
            return [candidate.entry_id for candidate in candidates]
        case HandOff():
            return []


@pytest.mark.parametrize(("before", "text", "meant"), FOLLOW_UPS)
def test_a_question_that_hangs_on_the_last_answer_is_understood_with_it(before: str, text: str, meant: str) -> None:
    assert meant in given(found(text, before))


def test_most_of_them_are_answered_at_once() -> None:
    answered = [isinstance(found(text, before).decision, Answer) for before, text, _ in FOLLOW_UPS]
    assert sum(answered) >= len(FOLLOW_UPS) * 0.7


@pytest.mark.parametrize(("before", "text"), BY_THEMSELVES)
def test_a_question_of_its_own_is_found_as_if_nothing_had_been_said_before(before: str, text: str) -> None:
    assert found(text, before) == found(text)


def test_a_question_that_names_nothing_is_never_answered_from_one_weak_word() -> None:
    assert not isinstance(found("hvor lang tid tar det", "vei-graving").decision, Answer)


def test_each_question_of_several_gets_its_own_answer_in_order() -> None:
    both = found("Hva koster kulturskolen? Hvor leverer jeg farlig avfall?")
    assert [part.answer and part.answer.entry_id for part in both.parts] == ["kulturskole", "avfall-farlig-avfall"]


def test_two_questions_that_one_entry_answers_are_one() -> None:
    assert found("Når er svømmehallen åpen? Hva koster svømmehallen?").parts == ()


def test_a_clause_that_is_not_sure_leaves_the_sentence_whole() -> None:
    assert found("Når er svømmehallen åpen, og hva er meningen med livet?").parts == ()


def test_what_is_not_known_stands_beside_what_is() -> None:
    parts = found("Når er svømmehallen åpen? Hvor bor julenissen egentlig hen?").parts
    assert [part.answer is not None for part in parts] == [True, False]


def test_no_more_than_four_questions_are_searched_for() -> None:
    searched: list[str] = []

    def counting(text: str) -> tuple[Candidate, ...]:
        searched.append(text)
        return search(text)

    things = ("svømmehallen", "biblioteket", "gjenvinningsstasjonen", "rådhuset", "kinoen", "ungdomsklubben")
    parts = look_up(base(counting), " ".join(f"Når er {thing} åpen?" for thing in things)).parts
    assert len(searched) == 4
    assert parts[-1] == Part("Når er ungdomsklubben åpen?", HandOff())


def test_one_question_is_searched_for_once() -> None:
    searched: list[str] = []

    def counting(text: str) -> tuple[Candidate, ...]:
        searched.append(text)
        return search(text)

    look_up(base(counting), "Når er svømmehallen åpen?")
    assert searched == ["Når er svømmehallen åpen?"]


def test_a_subject_helps_where_the_text_is_not_sure() -> None:
    assert given(found("Når kan jeg komme innom?", subject="Biblioteket åpningstider")) != []


def answered(text: str) -> list[str]:
    """Return the entries that answer the questions of a message, "" for what is left."""
    one = found(text)
    return [part.answer.entry_id if part.answer else "" for part in one.parts] or given(one)


def test_what_hangs_on_a_question_of_the_same_message_is_understood_with_it() -> None:
    assert answered("Hvordan søker vi om barnehageplass, og hva koster det?") == ["barnehage-soknad", "barnehage-pris"]
    assert answered("Når er biblioteket åpent? Og hvor lenge?") == ["bibliotek-apningstider"]


def test_what_hangs_on_it_with_a_thing_of_its_own_is_never_swallowed() -> None:
    assert "" in answered(
        "Når er biblioteket åpent? Hvordan blir jeg kulturminister? Kan jeg også adoptere en elefant?"
    )


def test_the_sentence_before_a_question_helps_only_where_it_is_needed() -> None:
    message = "Hvor ligger kinoen? Far har demens. Hvordan søker vi om plass? Er det båndtvang nå?"
    assert answered(message)[-1] == "natur-bandtvang"
    assert [part.text for part in found(message).parts][1] == "Hvordan søker vi om plass?"


def test_a_subject_that_says_only_that_somebody_writes_is_not_searched_for() -> None:
    searched: list[str] = []

    def counting(text: str) -> tuple[Candidate, ...]:
        searched.append(text)
        return search(text)

    for subject in ("Spørsmål til kommunen", "SV: henvendelse", "Haster!", "Question"):
        look_up(base(counting), "Når kan jeg komme innom?", subject)
    assert set(searched) == {"Når kan jeg komme innom?"}
    look_up(base(counting), "Når kan jeg komme innom?", "Spørsmål om biblioteket")
    assert searched[-1] == "Spørsmål om biblioteket. Når kan jeg komme innom?"


@pytest.mark.parametrize(
    ("waiting", "text", "meant"),
    [
        ("barnehage", "og fristen?", ["barnehage-frist"]),
        ("pass", "hvor fornyer jeg det", ["pass"]),
        ("barnehage", "når er biblioteket åpent", ["bibliotek-apningstider"]),
    ],
)
def test_a_question_that_hangs_on_one_that_choices_were_offered_for_is_understood_with_it(
    waiting: str, text: str, meant: list[str]
) -> None:
    assert given(look_up(base(search), text, waiting=waiting)) == meant
