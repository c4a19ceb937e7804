"""What a text costs and how an answer becomes one: the GSM alphabet, typography and cuts."""

from string import ascii_letters

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contactbot.channels.sms.composing import CUT_MARK, compose, gsm_safe
from contactbot.channels.sms.segments import BASIC, EXTENDED, Cost, cost, is_gsm7

NORWEGIAN = "abcdefghijklmnopqrstuvwxyzæøåÆØÅ .,?!\n1234567890-"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Cost("gsm7", 0, 1)),
        ("å" * 160, Cost("gsm7", 160, 1)),
        ("å" * 161, Cost("gsm7", 161, 2)),
        ("å" * 306, Cost("gsm7", 306, 2)),
        ("å" * 307, Cost("gsm7", 307, 3)),
        ("€" * 80, Cost("gsm7", 160, 1)),
        ("€" * 81, Cost("gsm7", 162, 2)),
        ("a" * 152 + "€" + "a" * 151, Cost("gsm7", 305, 2)),
        ("a" * 152 + "€" + "a" * 152, Cost("gsm7", 306, 3)),  # the escape and its character stay together
        ("č" * 70, Cost("ucs2", 70, 1)),
        ("č" * 71, Cost("ucs2", 71, 2)),
        ("č" * 66 + "🙂" + "č" * 66, Cost("ucs2", 134, 3)),  # so do the halves of an emoji
        ("🙂" * 35, Cost("ucs2", 70, 1)),
        ("🙂" * 36, Cost("ucs2", 72, 2)),
    ],
)
def test_parts_are_counted_as_the_networks_do(text: str, expected: Cost) -> None:
    assert cost(text) == expected


def test_the_alphabet_is_the_standards_own() -> None:
    assert len(BASIC) == 127  # 128 places, one of which is the escape
    assert len(EXTENDED) == 10
    assert all(character in BASIC for character in "æøåÆØÅäöüÄÖÜéÉèà§¤" + ascii_letters)
    assert not any(character in BASIC or character in EXTENDED for character in "«»–’“”…áčđŋšŧžâêô`ç\u00a0\t")


@given(st.text(st.characters(codec="utf-8")))
def test_parts_hold_the_text_and_are_not_wasted(text: str) -> None:
    counted = cost(text)
    single, joined = (160, 153) if counted.alphabet == "gsm7" else (70, 67)
    if counted.units <= single:
        assert counted.segments == 1
    else:
        assert counted.units <= counted.segments * joined
        assert counted.units > (counted.segments - 1) * (joined - 1)  # at most one unit is lost in a part


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("«Åpent» 9–15 – kom’an", '"Åpent" 9-15 - kom\'an'),
        ("kr\u00a01\u202f250", "kr 1 250"),
        ("• melk\n• brød …", "- melk\n- brød ..."),
        ("sam\u00adarbeid\u200b", "samarbeid"),
        ("A\u030asmund", "Åsmund"),
        ("linje 1\r\nlinje 2", "linje 1\nlinje 2"),
        ("Čáhcesuolu «brev» – 9–15", "Čáhcesuolu «brev» – 9–15"),  # costs UCS-2 all the same: nothing is gained
        ("Supert 🙂 «hei»", "Supert 🙂 «hei»"),
        ("fôr og idé og là", "fôr og idé og là"),
    ],
)
def test_typography_is_rewritten_only_where_it_saves_and_letters_never(written: str, sent: str) -> None:
    assert gsm_safe(written) == sent


@given(st.text(NORWEGIAN + "«»–—“”’…\u00a0"))
def test_norwegian_letters_survive_rewriting(text: str) -> None:
    safe = gsm_safe(text)
    assert is_gsm7(safe)
    assert [letter for letter in safe if letter.isalpha()] == [letter for letter in text if letter.isalpha()]
    assert gsm_safe(safe) == safe


@given(
    st.text(st.characters(codec="utf-8"), max_size=1500),
    st.sampled_from(["", "1. Ja\n2. Nei", "1. " + "x" * 900]),
    st.integers(1, 5),
)
@example("x" * 2000, "", 1)
@example("🙂" * 400, "1. Ja\n2. Nei", 2)
@example("č" + "a" * 400, "", 3)  # the words are UCS-2 whole, and GSM once the first letter is all that ... stays
def test_a_text_never_costs_more_than_it_may(words: str, choices: str, most: int) -> None:
    body = compose(words, choices, most)
    whole = gsm_safe(_joined(words, choices))
    assert cost(body.text).segments == body.segments <= most
    assert (CUT_MARK in body.text) if body.cut else body.text == whole
    assert body.cut is (cost(whole).segments > most)


@given(st.integers(1, 400), st.integers(1, 4))
def test_a_cut_is_after_a_sentence_where_there_is_one_near(length: int, most: int) -> None:
    words = ("Setningen er kort. " * length).strip()
    body = compose(words, "", most)
    assert body.text == words if not body.cut else body.text.endswith(f"kort.{CUT_MARK}")


def test_a_cut_in_one_long_sentence_is_between_words() -> None:
    words = "ord" + " fortsettelse" * 60
    body = compose(words, "", 2)
    assert body.text.removesuffix(CUT_MARK).endswith(" fortsettelse")
    assert words.startswith(body.text.removesuffix(CUT_MARK))


def test_abbreviations_and_decimals_are_not_ends_of_sentences() -> None:
    words = "Gebyret er kr 1.250.000 fra kl. 9 el. " + "a" * 80 + " " + "b" * 100
    assert compose(words, "", 1).text == words.rpartition(" ")[0] + CUT_MARK


@pytest.mark.parametrize("before", range(8))
def test_an_emoji_sequence_is_not_left_open_by_a_cut(before: int) -> None:
    body = compose("č" * before + "👩‍👩‍👧" * 40, "", 1)
    assert not body.text.removesuffix(CUT_MARK).endswith("\u200d")


def _joined(words: str, choices: str) -> str:
    return (words + (f"\n\n{choices}" if choices else "")).strip()
