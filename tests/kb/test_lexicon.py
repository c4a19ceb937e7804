"""A listed word with a letter wrong is that word, where the base has nothing like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Index
from contactbot.kb.lexicon import mended
from contactbot.kb.normalise import listed, tokens


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("sykehjme", "sykehjem"),
        ("snørydidng", "snørydding"),
        ("sønadsfrist", "søknadsfrist"),
        ("ejg", "jeg"),
        ("nra", "når"),
    ],
)
def test_a_letter_wrong_in_a_long_word_and_two_swapped_in_a_short_one_are_mended(written: str, read: str) -> None:
    assert (mended(*tokens(written)),) == tokens(read)


@pytest.mark.parametrize("written", ["feber", "lønn", "hallen", "b2", "12", "x", "folkebad", "halsen"])
def test_what_may_well_be_another_word_stays_as_it_is(written: str) -> None:
    assert (mended(*tokens(written)),) == tokens(written)


@given(st.sampled_from(sorted(listed())))
def test_a_listed_word_is_never_mended(token: str) -> None:
    assert mended(token) == token


@given(st.text(max_size=30))
def test_any_text_can_be_mended_and_then_stays(text: str) -> None:
    once = [mended(token) for token in tokens(text)]
    assert [mended(token) for token in once] == once


def test_a_mistyped_synonym_finds_the_word_of_the_base() -> None:
    index = Index.build([entry("tom", "Når tømmes dunken?"), entry("sko", "Når begynner skolen?")])
    assert index.search("søppelkassse")[0].entry_id == "tom"


def test_a_word_of_the_base_goes_before_a_listed_one() -> None:
    index = Index.build([entry("a", "Hvor er hossenveien?"), entry("b", "Hva gjør jeg med hosten?")])
    assert index.search("hosten")[0].entry_id == "b"


def entry(name: str, question: str) -> Entry:
    return Entry(name, 1, (EntryText("nb", question),))
