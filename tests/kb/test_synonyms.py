"""Names of several words, those that are shipped and a municipality's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Index
from contactbot.kb.normalise import Word, tokens, word
from contactbot.kb.synonyms import Synonyms, shipped_groups, with_own

OWN = Synonyms.of([("si opp", "slutte"), ("mat hjem", "middag levert på døra")])


def words(text: str) -> list[Word]:
    """Return the words of a text, without their synonyms."""
    return list(map(word, tokens(text)))


def concepts(told: list[Word]) -> set[int]:
    """Return what words mean."""
    return {one.concept for one in told}


def always(_: int) -> bool:
    """Tell that the base has any meaning."""
    return True


def never(_: int) -> bool:
    """Tell that the base has no meaning."""
    return False


def test_a_phrase_means_what_a_word_of_its_group_means() -> None:
    asked, told = OWN.asked(words("slutte"), always), OWN.asked(words("si opp"), always)
    assert concepts(asked) == concepts(told)


def test_small_words_may_stand_within_a_phrase() -> None:
    assert concepts(OWN.asked(words("få middag levert til døra"), always)) >= concepts(
        OWN.asked(words("mat hjem"), always)
    )


def test_words_in_another_order_are_no_phrase() -> None:
    assert OWN.asked(words("opp si"), always) == words("opp si")


def test_a_phrase_of_a_question_stays_as_it_is_where_the_base_has_no_such_meaning() -> None:
    assert OWN.asked(words("mat hjem"), never) == words("mat hjem")


def test_a_text_of_the_base_keeps_the_words_of_its_phrases() -> None:
    told = {one.form for one in OWN.told(words("si opp plassen"))}
    assert told > {"si", "opp", "plassen"}


def test_groups_that_share_a_word_are_one() -> None:
    both = Synonyms.of([("bil", "kjerre"), ("kjerre", "doning")])
    assert len({both.asked(words(text), always)[0].concept for text in ("bil", "kjerre", "doning")}) == 1


def test_a_municipalitys_own_phrases_count() -> None:
    base = [
        Entry("pool", 1, (EntryText("nb", "Når er svømmehallen åpen?"),)),
        Entry("mayor", 1, (EntryText("nb", "Hvem er ordfører?"),)),
    ]
    told = Index.build(base, synonyms=[("store plasken", "svømmehallen")])
    assert told.search("hvor lenge er store plasken oppe")[0].entry_id == "pool"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("Kan jeg si fra meg plassen, hun trenger ikke plassen lenger", "Hvordan slutte i barnehagen?"),
        ("p-bot", "Klage på parkeringsgebyr"),
        ("kan mor få mat hjem", "Matombringing"),
        ("låne krykker", "Hjelpemidler"),
        ("ha boka lenger", "Forlenge lån"),
        ("sønnen min blir plaget av andre", "Mobbing"),
        ("my son is picked on", "Bullying at school"),
        ("knapp rundt halsen", "Trygghetsalarm"),
        ("jeg vil skille ut en tomt", "Fradeling av tomt"),
        ("blått skilt til bilen", "HC-kort"),
        ("det kommer ikke en dråpe i springen", "Vannstans"),
        ("hva er bunnfradraget", "Slik regnes eiendomsskatten ut"),
        ("føler meg deprimert", "Psykisk helse"),
        ("påkjørt rådyr", "Viltnemnda"),
        ("mánáidgárdi", "Barnehage"),
    ],
)
def test_what_residents_say_finds_what_municipalities_write(asked: str, meant: str) -> None:
    others = ("Åpningstider på rådhuset", "Søke skjenkebevilling", "Brøyting av veier", "Kommunale avgifter")
    base = [Entry(text, 1, (EntryText("nb", text),)) for text in (meant, *others)]
    assert Index.build(base).search(asked)[0].entry_id == meant


def test_every_shipped_name_can_be_found() -> None:
    shipped = with_own(())
    for group in shipped_groups():
        for name in group:
            told = [one for one in words(name) if not one.small]
            assert told, f"{name!r} of {group} is made of small words only"
            known = shipped.asked(words(name), always)
            assert known != words(name) or told[0].concept in shipped.concepts, f"{name!r} is not read as a name"


def test_no_name_is_shipped_in_two_groups() -> None:
    seen: dict[str, str] = {}
    for group in shipped_groups():
        for name in group:
            assert name not in seen, f"{name!r} stands in the groups of {seen[name]!r} and {group[0]!r}"
            seen[name] = group[0]


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert len({one.form for one in with_own(()).asked(words(text), always)}) <= len(words(text))
