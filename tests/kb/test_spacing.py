"""Words joined or split otherwise than the base writes them are still its words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.kb.spacing import spaced

BASE = frozenset(("barnehageplass", "soknad", "skole", "lege", "tommes", "eldre", "ska", "legg"))
LETTERS = st.text("abehnrs ", min_size=1)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("barnehage plass", "barnehageplass"),
        ("skolesoknad", "skole soknad"),
        ("nartommes", "nar tommes"),
        ("skole lege", "skole lege"),
        ("skolekatt", "skolekatt"),
        ("barnehageplass", "barnehageplass"),
        ("tommes2", "tommes2"),
        ("skolel ege", "skole lege"),
        ("skol elege", "skole lege"),
        ("tomme snar", "tommes nar"),
        ("skolek att", "skolek att"),
        ("skole7 lege", "skole7 lege"),
        ("skal egg", "skal egg"),
    ],
)
def test_words_are_joined_and_split_as_the_base_has_them_and_only_so(written: str, read: str) -> None:
    assert list(spaced(written.split(), BASE)) == read.split()


@given(LETTERS, st.frozensets(st.text("abehnrs", min_size=1)))
def test_no_letter_is_lost_and_none_is_out_of_its_order(text: str, base: frozenset[str]) -> None:
    assert "".join(spaced(text.split(), base)) == "".join(text.split())


@given(LETTERS)
def test_words_that_the_base_has_stay_as_they_are(text: str) -> None:
    words = text.split()
    assert list(spaced(words, frozenset(words))) == words
