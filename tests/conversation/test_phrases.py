"""The phrase language that the tables are written in does what its table of operators says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.conversation.phrases import _TOKEN, PhraseBook, Reading, _unleet, fold, is_misspelt


def holds(phrase: str, text: str) -> bool:
    book = PhraseBook([phrase], {"animal": ["hund", "katt*"], "all": ["<animal>", "sau"]}, fillers=["bare", "er"])
    return any(book.look(book.read(text)).find())


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("min hund", "Her er MIN  hund!"),
        ("min hund", "min bare hund"),
        ("min <all>", "min sau"),
        ("min <all>", "min kattunge"),
        ("hund|katt bjeffer", "katt bjeffer"),
        ("min [store] hund", "min store hund"),
        ("min [store] hund", "min hund"),
        ("[min] hund", "hund"),
        ("min .. hund", "min gamle, grå og snille hund"),
        ("^ hund", "Ja. Hund!"),
        ("hund $", "en hund. Ja"),
        ("& hund bjeffer natt", "om natt så bjeffer en hund"),
        ("bjeffer", "bjefer"),
        ("bjeffer", "bejffer"),
        ("åtte dør", "aatte doer"),
        ("han er|e sint", "han er sint"),
        ("selvmord", "s3lvmord"),
        ("kom ikke", "kom…\nikke"),
        ("skjema* virker", "skjemaet virker"),
    ],
)
def test_a_phrase_is_found(phrase: str, text: str) -> None:
    assert holds(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("min hund", "min. Hund"),
        ("min hund", "min din hund"),
        ("min .. hund", "min en to tre fire fem hund"),
        ("^ hund", "en hund"),
        ("hund $", "hund bjeffer"),
        ("& hund bjeffer", "hund. bjeffer"),
        ("=bjeffer", "bjefer"),
        ("smell", "spell"),
        ("hund", "bund"),
        ("& hund hund", "hund"),
    ],
)
def test_a_phrase_is_not_found(phrase: str, text: str) -> None:
    assert not holds(phrase, text)


@pytest.mark.parametrize("phrase", ["<nothing>", "[hund]", "", "..", "e@post", "hund|e@post"])
def test_a_phrase_that_can_never_be_right_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"phrase|list|one word"):
        PhraseBook([phrase], {})


def test_gets_and_father_stay_apart_although_folding_drops_the_ring() -> None:
    assert fold("får") != fold("far")
    assert fold("slår") == fold("slar")


def test_long_words_may_hold_two_errors_and_five_letters_only_a_slip() -> None:
    assert is_misspelt("selvmorsdtanker", "selvmordstanker")
    assert is_misspelt("livte", "livet")
    assert not is_misspelt("livat", "livet")


def test_four_letters_may_be_swapped_or_doubled_and_the_first_two_of_six_swapped() -> None:
    assert is_misspelt("hist", "hits")
    assert is_misspelt("hiits", "hits")
    assert not is_misspelt("hit", "hits")
    assert not is_misspelt("bits", "hits")
    book = PhraseBook(["kutter meg", "hits me"], {})
    assert book.repairs("uktter") == ["kutter"]
    assert book.repairs("lutter") == []
    assert book.repairs("ihts") == []


def test_a_spelling_stands_for_its_word_and_for_itself() -> None:
    book = PhraseBook(["skader seg", "vekk meg"], {}, spellings={"seg": ["sæ"], "borte": ["vekk"]})
    assert [found.phrase for found in book.look(book.read("ho skader sæ")).find()] == ["skader seg"]
    assert [found.phrase for found in book.look(book.read("vekk mæ")).find()] == []
    assert [found.phrase for found in book.look(book.read("vekk meg")).find()] == ["vekk meg"]


def test_an_ordinary_word_is_never_taken_for_a_misspelt_one() -> None:
    alert = PhraseBook(["choking"], {})
    calm = PhraseBook(["choking"], {}, ordinary=["cooking"])
    assert any(alert.look(alert.read("cooking")).find())
    assert not any(calm.look(calm.read("cooking")).find())
    assert any(calm.look(calm.read("chokingg")).find())


@given(st.text(max_size=200))
def test_any_text_is_read_in_one_order(text: str) -> None:
    tokens = PhraseBook(["hund"], {}).read(text)
    positions = [token.position for token in tokens]
    assert positions == sorted(set(positions))


PHRASES = ("min hund", "katt* bjeffer", "[min] sau", "slutt $", "& hund bjeffer natt")
SAID = st.lists(st.sampled_from(["min", "hund", "hunnd", "katten", "bjefer", "sau", "natt", "slutt", "og", "er", "."]))


@given(SAID)
def test_a_text_of_which_no_phrase_is_expected_holds_none(words: list[str]) -> None:
    book, text = PhraseBook(PHRASES, {}, fillers=["er"]), " ".join(words)
    reading = Reading.of(text)
    held = {found.phrase for found in book.look(book.read(text)).find()}
    assert book.may_hold(reading) or not held
    for phrase in held:
        assert book.may_hold(reading, {phrase})


@given(SAID)
def test_a_word_of_no_phrase_is_told_from_the_words_alone(words: list[str]) -> None:
    book = PhraseBook(["min hund", "hund bjeffer"], {}, fillers=["er"])
    reading, without = Reading.of(" ".join([*words, "rabarbra"])), Reading.of("min hund er")
    assert not book.has_words_for(reading, 3)
    assert book.has_words_for(without, 0)


@given(st.text(max_size=200))
def test_a_text_is_folded_word_by_word_as_it_is_in_one(text: str) -> None:
    assert Reading.of(text).words == [_unleet(word) for word in _TOKEN.findall(fold(text))]
