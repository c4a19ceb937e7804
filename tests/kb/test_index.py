"""The index finds what was meant, says how sure it is, and takes an edit in without being built anew."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactbot.kb.confidence import WEAK_AT_MOST
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Candidate, Index
from contactbot.kb.matching import ANSWER_AT, Answer, Choices, HandOff, decide

QUESTIONS = {
    "kindergarten": ("Hvordan søker jeg om barnehageplass?", "Når er fristen for å søke barnehage?"),
    "kindergarten-price": ("Hva koster en plass i barnehagen?", "Foreldrebetaling i barnehage"),
    "waste": ("Når tømmes søppelet?", "Hvilken dag hentes avfallet?"),
    "library": ("Når er biblioteket åpent?", "Åpningstider på biblioteket"),
    "property-tax": ("Hvor mye betaler jeg i eiendomsskatt?", "Klage på eiendomsskatten"),
    "chimney": ("Når kommer feieren?", "Feiing av pipe"),
    "leash": ("Når er det båndtvang?", "Må hunden gå i bånd?"),
    "care-home": ("Hvordan søker vi om plass på sykehjem?", "Langtidsplass for eldre"),
}


def entry(name: str, *phrasings: str, version: int = 1, answer: str = "") -> Entry:
    return Entry(name, version, (EntryText("nb", phrasings[0], phrasings[1:], chat=answer),))


def base() -> list[Entry]:
    return [entry(name, *phrasings) for name, phrasings in QUESTIONS.items()]


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.build(base())


def first(found: tuple[Candidate, ...]) -> str | None:
    return found[0].entry_id if found else None


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_editors_own_words_find_their_entry_and_are_answered(index: Index, name: str) -> None:
    for phrasing in QUESTIONS[name]:
        found = index.search(phrasing)
        assert first(found) == name
        assert found[0].phrasing == phrasing


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("nar er biblioteket apent", "library"),
        ("ka tid kjæm feiarn", "chimney"),
        ("korleis søkjer me om plass på sjukeheim", "care-home"),
        ("når hentes bosset", "waste"),
        ("barnehgaeplass søke", "kindergarten"),
        ("EIENDOMSKATT KLAGE", "property-tax"),
        ("sykehjemsplass", "care-home"),
        ("bånntvang?", "leash"),
    ],
)
def test_dialect_nynorsk_compounds_and_typos_find_the_entry(index: Index, asked: str, name: str) -> None:
    assert first(index.search(asked)) == name


@pytest.mark.parametrize("asked", ["", "?!", "🙂", "når", "hvordan", "Hva er hovedstaden i Australia?", "pris"])
def test_nothing_is_answered_to_what_nobody_wrote_about(index: Index, asked: str) -> None:
    assert not isinstance(decide(index.search(asked)), Answer)


def test_one_small_or_half_matching_word_is_never_enough() -> None:
    index = Index.build(base())
    for asked in ("når skal jeg?", "kan dere hjelpe meg med bibelen", "plass"):
        assert all(one.probability < ANSWER_AT for one in index.search(asked))


def test_probabilities_fall_from_the_first_candidate_and_stay_within_bounds(index: Index) -> None:
    for asked in ("plass i barnehagen", "når", "søke plass"):
        sure = [one.probability for one in index.search(asked)]
        assert sure == sorted(sure, reverse=True)
        assert all(0.0 <= one <= 1.0 for one in sure)


def test_a_candidate_names_the_words_that_matched(index: Index) -> None:
    found = index.search("eiendomsskat klage")

    assert ("eiendomsskat", "eiendomsskatten") in found[0].words
    assert found[0].features["kernel"] > 0


def test_the_words_of_the_answer_help_to_find_it() -> None:
    index = Index.build([*base(), entry("pool", "Svømmehallen", answer="Boblebad og sklie for de minste.")])

    assert first(index.search("boblebad")) == "pool"


def test_a_word_of_the_phrasing_and_one_of_the_answer_are_more_than_one_weak_word() -> None:
    told = Index.build([*base(), entry("allowance", "Hvem får bostøtte?", answer="Du søker hos Husbanken hver måned.")])
    untold = Index.build([*base(), entry("allowance", "Hvem får bostøtte?")])

    assert told.search("Hvordan søker jeg på bostøtte?")[0].probability > WEAK_AT_MOST
    assert untold.search("Hvordan søker jeg på bostøtte?")[0].probability <= WEAK_AT_MOST


def test_a_municipalitys_own_synonyms_count() -> None:
    asked = "Hvor er Kråkereiret?"
    plain, told = (Index.build(base(), synonyms=groups) for groups in ((), [("kråkereiret", "biblioteket")]))

    assert first(plain.search(asked)) != "library"
    assert first(told.search(asked)) == "library"


def test_only_what_is_valid_today_is_found() -> None:
    old = Entry("old", 1, (EntryText("nb", "Julemarked på torget"),), valid_to=date(2026, 1, 6))
    index = Index.build([*base(), old], today=date(2026, 1, 7))

    assert "old" not in {one.entry_id for one in index.search("julemarked på torget")}


def test_the_text_in_the_residents_language_is_named() -> None:
    both = Entry("library", 1, (EntryText("nb", "Bibliotek åpent"), EntryText("en", "Library opening hours")))
    index = Index.build([both])

    assert index.search("bibliotek", "en")[0].language == "en"
    assert index.search("bibliotek", "se")[0].language == "nb"


def test_an_edit_is_seen_by_the_next_search_and_raises_the_revision() -> None:
    index = Index.build(base())
    before = index.revision

    index.changed(entry("library", "Når er folkeboksamlingen tilgjengelig?", version=2))

    assert index.revision > before
    assert index.search("folkeboksamlingen")[0].version == 2
    index.without("library")
    index.without("never there")
    assert "library" not in {one.entry_id for one in index.search("folkeboksamlingen")}


names = st.sampled_from(sorted(QUESTIONS))
texts = st.sampled_from(sorted(text for texts in QUESTIONS.values() for text in texts))
edits = st.lists(st.tuples(names, st.none() | st.lists(texts, min_size=1, max_size=3)), max_size=8)


@settings(deadline=None, max_examples=40)
@given(edits=edits, asked=texts)
def test_edits_one_by_one_equal_building_anew(edits: list[tuple[str, list[str] | None]], asked: str) -> None:
    kept = {one.id: one for one in base()}
    edited = Index.build(kept.values())
    for name, phrasings in edits:
        if phrasings is None:
            kept.pop(name, None)
            edited.without(name)
        else:
            kept[name] = entry(name, *phrasings)
            edited.changed(kept[name])

    anew = Index.build(kept.values()).search(asked)
    found = edited.search(asked)
    assert [one.entry_id for one in found] == [one.entry_id for one in anew]
    assert [one.probability for one in found] == pytest.approx([one.probability for one in anew], abs=1e-4)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_may_be_asked_and_gives_the_same_twice(asked: str) -> None:
    index = Index.build(base())

    assert index.search(asked) == index.search(asked)


MEANT = {
    "biblioteket": {"library"},
    "eiendomsskatt": {"property-tax"},
    "barnehageplass": {"kindergarten", "kindergarten-price"},
    "sykehjem": {"care-home"},
}


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(sorted(MEANT)),
    st.integers(1, 8),
    st.sampled_from("aeiorstn"),
)
def test_one_wrong_letter_in_a_long_word_is_forgiven(right: str, at: int, letter: str) -> None:
    index = Index.build(base())
    wrong = right[:at] + letter + right[at + 1 :]

    assert first(index.search(wrong)) in MEANT[right]


def test_searches_go_on_while_an_edit_is_made() -> None:
    index = Index.build(base())
    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(index.search, "når er biblioteket åpent") for _ in range(40)]
        changes = [pool.submit(index.changed, entry("chimney", f"Feiing nummer {number}")) for number in range(20)]
        assert all(first(search.result()) == "library" for search in searches)
        assert all(change.result() is None for change in changes)


def candidates(*sure: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(f"e{at}", 1, "nb", one, "x") for at, one in enumerate(sure))


def test_the_decision_follows_the_probability() -> None:
    assert isinstance(decide(()), HandOff)
    assert isinstance(decide(candidates(0.05)), HandOff)
    assert isinstance(decide(candidates(ANSWER_AT)), Answer)
    offered = decide(candidates(0.5, 0.3, 0.2, 0.19))
    assert isinstance(offered, Choices)
    assert len(offered.candidates) == 3


def test_a_letter_wrong_in_a_short_word_leaves_it_readable(index: Index) -> None:
    for mistyped in ("hudnen i båmd", "hunen i bnåd", "hunnden i båndd"):
        assert first(index.search(mistyped)) == "leash"


def test_a_word_that_is_taken_out_is_no_longer_read_into_others() -> None:
    edited = Index.build([*base(), entry("extra", "pipefeiing")])
    edited.without("extra")
    anew = Index.build(base())
    assert edited.search("pipe feiing i år") == anew.search("pipe feiing i år")


@pytest.mark.parametrize("asked", ["barnehage", "Barnehage?", "barnehagen"])
def test_one_word_that_several_entries_share_is_never_enough_for_an_answer(index: Index, asked: str) -> None:
    found = index.search(asked)
    assert first(found) in ("kindergarten", "kindergarten-price")
    assert not isinstance(decide(found), Answer)


def test_what_was_asked_before_changes_no_answer() -> None:
    asked, fresh = Index.build(base()), Index.build(base())
    for phrasings in QUESTIONS.values():
        for phrasing in phrasings:
            asked.search(phrasing)

    for text in ("plass i barnehagen", "nar tommes sopla", "klage på skatten"):
        assert asked.search(text) == fresh.search(text)


def test_each_candidate_tells_its_own_reasons_whenever_it_is_asked(index: Index) -> None:
    found = index.search("pris på barnehageplass")
    before = [(one.words, one.features) for one in found]
    index.search("når tømmes søppelet")

    assert [(one.words, one.features) for one in found] == before
    assert len({str(one.features) for one in found}) == len(found)
