"""Words that a reader takes for the same are the same to the matcher."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.kb.normalise import LONGEST_WORD, fold, tokens, word


@pytest.mark.parametrize("written", ["Gågata på Røros", "gagata pa roros", "GAAGATA PAA ROEROS"])
def test_norwegian_letters_fold_to_how_a_phone_writes_them(written: str) -> None:
    assert fold(written) == "gagata pa roros"


def test_accents_and_width_do_not_matter() -> None:
    assert fold("ｃａｆé Ænes") == fold("cafe aenes")


@given(st.text())
def test_words_of_any_text_are_never_longer_than_is_looked_at(text: str) -> None:
    assert all(0 < len(token) <= LONGEST_WORD for token in tokens(text))


@given(st.text("abcdeæøåéio 12?-,"))
def test_capital_letters_and_punctuation_do_not_matter(text: str) -> None:
    assert tokens(text.upper()) == tokens(text) == tokens(f"«{text}»!")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hvordan", "korleis"),
        ("hvordan", "kossen"),
        ("ikke", "itj"),
        ("jeg", "eg"),
        ("skole", "skule"),
        ("skolen", "skulen"),
        ("sykehjem", "sjukeheim"),
        ("vannet", "vatnet"),
        ("søppel", "avfall"),
        ("åtte", "8"),
        ("parkeringsboten", "parkeringsbot"),
        ("husnr", "husnummer"),
        ("byggesøkn", "byggesøknad"),
        ("opplysingar", "opplysninger"),
        ("oppseiing", "oppsigelse"),
        ("cancel", "cancelled"),
    ],
)
def test_forms_dialects_and_synonyms_share_a_concept(one: str, other: str) -> None:
    assert word(*tokens(one)).concept == word(*tokens(other)).concept


def test_words_of_different_meaning_do_not() -> None:
    assert (
        len({word(token).concept for token in tokens("barnehage skole feier gravplass brøyting garasje terrasse")}) == 7
    )


def test_small_words_are_known_as_such() -> None:
    assert [word(token).small for token in tokens("Hvordan søker jeg?")] == [True, False, True]
