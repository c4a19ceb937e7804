"""Personal data is taken out whole, near-misses stay, and masked text holds nothing more to mask."""

import random
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.masking import EVERYTHING, Kind, mark, mask, without_marks
from contactbot.places import place
from contactbot.places.no.national_ids import is_national_id

NORWAY = place("no")
NUMBERS = random.Random(2032)

FORMATS = (
    "{0}{1}", "{0} {1}", "{0}-{1}", "{0} - {1}", "{0}.{1}", "{0}/{1}", "{0}\u00a0{1}", "{0}\u202f{1}", "{0}–{1}",
    "{0}\n{1}", "{a}.{b}.{c} {1}", "{a} {b} {c} {1}", "{a}-{b}-{c}-{1}", "{a}.{b}.{c}-{1}", "{0} {d} {e}",
    "{a}{b} {c} {1}", "{0}\u200b{1}", "{a}.{b}.19{c} {1}", "{a}.{b}.{c}.{1}", "{0},{1}", "{0}_{1}", "{a}/{b}/{c} {1}",
)  # fmt: skip
AROUND = (
    "{}", "Fødselsnummeret mitt er {}.", "fnr {}", "Hei, jeg heter Kari ({}) og lurer på barnehageplass",
    "personnr:{}", "Sønnen min, {}, skal begynne på skolen", "ring meg på 99 99 99 99, {}", "{} er min d-nummer",
    "eg er fødd {} og bur i Storgata 3", "my national id is {}, thanks", "sak 2026/1234 gjelder {}", "id={};ok",
)  # fmt: skip
NEAR_MISSES = (
    "Saken har nummer 2026/12345", "org.nr 974 760 673", "organisasjonsnummer 974760673", "Telefon 22 40 00 40",
    "ring 99 99 99 99 eller 98 98 98 98", "kl. 08.00-15.30 fra 01.02.2026", "Kr 1 250 000,- for tomta",
    "gnr 12 bnr 345 snr 6", "KID 0123456789012", "faktura 100200300", "3111 Tønsberg", "den 24.12.2026 kl 12",
    "måleravlesning 12345678", "versjon 1.2.3.4.5.6.7.8.9.10.11", "ISBN 978-82-02-12345-6", "fra 2024 til 2026",
    "buss 101, 102 og 103", "tallet 12345678901", "lengde 59.2675 bredde 10.4076", "500 500 500 kroner",
    "regnr AB 12345", "10 000 meter på 28:15,36", "IP 192.168.100.200", "kl 11:45:30 12.05.2026",
    "referanse 99999999999", "skiltet viser 80 60 50 30 20 1", "uke 1 2 3 4 5 6 7 8 9 10", "01234567890 i kø",
    "2 x 4 x 48 tommer", "side 1-100", "postboks 1234, 0101 Oslo", "tlf +47 22 40 00 40",
)  # fmt: skip

# What residents write with many digits in it and none of it a person's number, each in several sentences.
EVERYDAY = tuple(
    around.format(number)
    for number in (
        "2026/18734", "987 654 321", "+47 900 12 345", "22 33 44 55", "24.12.2026", "kl 08.15-15.45", "1 249 000 kr",
        "gnr 45 bnr 1207", "7035 Trondheim", "4471 0092", "KID 2345676", "ordre 778812", "AB 12345", "51 timer",
        "12,5 %", "side 110 av 432", "300 000 innbyggere", "fra 2019 til 2025", "ISBN 82-02-12345-6",
    )
    for around in (
        "Saken gjelder {}.", "{}, stemmer det?", "Hei, jeg lurer på {} og når dere svarer", "Viser til {} i brevet",
        "{}", "Eg har fått {} i posten", "Naboen sier {}; er det riktig?", "Please check {} for me", "(ref. {})",
        "Det står {} på fakturaen min", "Kan dere endre {} til noe annet?",
    )
)  # fmt: skip


def national_id() -> str:
    """Draw a valid number by any of the rules, one in ten a hospital's FH-number."""
    while True:
        if NUMBERS.random() < 0.1 and is_national_id(drawn := f"{NUMBERS.randrange(8 * 10**10, 10**11)}"):
            return drawn
        day, month = NUMBERS.randint(1, 28), NUMBERS.randint(1, 12)
        offset = NUMBERS.choice((0, 0, 0, 40, 65, 80))
        digits = f"{day + NUMBERS.choice((0, 0, 40)):02}{month + offset:02}{NUMBERS.randint(0, 99):02}"
        digits += f"{NUMBERS.randint(0, 99_999):05}"
        if is_national_id(digits):
            return digits


def written(number: str, how: str) -> str:
    birth, rest = number[:6], number[6:]
    return how.format(birth, rest, a=number[:2], b=number[2:4], c=number[4:6], d=number[6:9], e=number[9:])


def corpus() -> Iterator[tuple[str, str]]:
    for how in FORMATS:
        for around in AROUND:
            for _ in range(2):
                number = national_id()
                yield around.format(written(number, how)), number


def off_by_one(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def test_every_national_id_in_every_format_is_masked() -> None:
    sentences = list(corpus())
    assert len(sentences) > 500
    for sentence, number in sentences:
        masked = mask(sentence, NORWAY)
        assert mark(Kind.NATIONAL_ID) in masked.text, sentence
        assert number[6:] not in masked.text, sentence
        assert not list(NORWAY.national_ids(masked.text)), sentence


def test_near_misses_stay() -> None:
    near_misses = [*NEAR_MISSES, *(f"Vårt nummer: {off_by_one(national_id())}" for _ in range(200))]
    wrong = [text for text in near_misses if mask(text, NORWAY).removed]
    assert not wrong


def test_a_number_of_eleven_random_digits_is_taken_for_a_national_id_no_oftener_than_its_checksum_lets_it() -> None:
    drawn = random.Random(11)
    accidents = sum(bool(mask(f"nummer {drawn.randrange(10**11):011}", NORWAY).removed) for _ in range(5000))
    # 1.06 % fit a date and, with the rule of 2032, both control digits; 0.17 % begin with 8 or 9 and fit them strictly.
    assert accidents / 5000 < 0.015


def test_of_the_whole_corpus_every_national_id_is_found_and_hardly_anything_else(
    record_property: Callable[[str, object], None],
) -> None:
    """Recall 100 %, precision at least 99 %: each sentence is counted once, right or wrong."""
    with_one = [mask(sentence, NORWAY).removed for sentence, _ in corpus()]
    without = [mask(text, NORWAY).removed for text in (*NEAR_MISSES, *EVERYDAY)]
    found = sum(any(one.kind is Kind.NATIONAL_ID for one in removed) for removed in with_one)
    wrong = sum(any(one.kind is Kind.NATIONAL_ID for one in removed) for removed in without)
    record_property("masking", f"{found} of {len(with_one)} found, {wrong} of {len(without)} wrongly masked")
    assert found == len(with_one) >= 500
    assert len(without) >= 200
    assert found / (found + wrong) >= 0.99


@pytest.mark.parametrize(
    "text",
    [
        "født 01.02.90, personnummer 12345",
        "de siste fem sifrene er 12345",
        "fnr 12345",
        "personnummeret mitt er: 12345",
        "fødselsnummer 01029012345",
        "FH-nummer 81234512345",
        "hjelpenummeret fra sykehuset var 912345 12345",
    ],
)
def test_an_announced_number_is_masked_even_in_part_or_mistyped(text: str) -> None:
    assert "12345" not in mask(text, NORWAY).text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("utbetal til 1234.56.78903", "utbetal til [••• account_number]"),
        ("Kontonummer: 12345678903", "Kontonummer: [••• account_number]"),
        ("konto\n1234 56 78903 takk", "konto\n[••• account_number] takk"),
        ("iban NO93 8601 1117 947", "iban [••• account_number]"),
        ("KID 12345678903", "KID 12345678903"),
        ("kontoen 12345678904", "kontoen 12345678904"),
        ("kort 4111 1111 1111 1111 utløper 12/28", "kort [••• card_number] utløper 12/28"),
        ("5555555555554444", "[••• card_number]"),
        ("5555555555554445", "5555555555554445"),
        ("amex 3782 822463 10005", "amex [••• card_number]"),
        ("bankkort 4222222222222", "bankkort [••• card_number]"),
        ("nummer 4222222222222", "nummer 4222222222222"),
    ],
)
def test_accounts_and_cards_need_their_check_digit_and_their_context(text: str, masked: str) -> None:
    assert mask(text, NORWAY).text == masked


def test_what_staff_need_is_masked_only_when_asked() -> None:
    text = "Jeg bor i Storgata 12B, ring 99 99 99 99 eller skriv til kari.nordmann@example.no"
    assert mask(text, NORWAY).text == text
    everything = mask(text, NORWAY, EVERYTHING)
    assert [found.kind for found in everything.removed] == [Kind.STREET_ADDRESS, Kind.PHONE, Kind.EMAIL]
    assert "Storgata" not in everything.text
    assert "@" not in everything.text


def test_a_term_with_a_star_stands_for_every_ending_and_no_other_beginning() -> None:
    text = "Diabetikere, diabetes og prediabetes"
    assert mask(text, NORWAY, terms=("diabet*",)).text == f"{mark(Kind.TERM)}, {mark(Kind.TERM)} og prediabetes"
    assert mask(text, NORWAY, terms=("*", " ", "")).text == text


def test_a_municipality_may_have_its_own_terms_masked() -> None:
    masked = mask("Jeg har Diabetes type 2 og diabetesmedisin", NORWAY, terms=("diabetes", "diabetes type 2"))
    assert masked.text == "Jeg har [••• term] og diabetesmedisin"


def test_removed_tells_where_in_the_given_text_and_never_the_words() -> None:
    text = "fnr 290296 00013 og kort 4111111111111111."
    masked = mask(text, NORWAY)
    assert [text[found.start : found.end] for found in masked.removed] == ["290296 00013", "4111111111111111"]
    assert "00013" not in repr(masked)


def test_a_matcher_may_read_the_text_without_marks() -> None:
    assert without_marks("fnr [••• national_id] takk") == "fnr   takk"


digits = st.text("0123456789 .-/\u00a0\n", max_size=80)
words = st.sampled_from(["konto ", "fnr ", "kort ", "personnummer ", "ring ", "[••• national_id]", " og ", "a@b.no "])
ids = st.builds(national_id)
texts = st.lists(st.one_of(digits, words, ids, st.text(max_size=20)), max_size=8).map("".join)


@given(texts)
def test_masked_text_holds_no_national_id_and_masking_again_changes_nothing(text: str) -> None:
    masked = mask(text, NORWAY)
    assert not list(NORWAY.national_ids(masked.text))
    assert mask(masked.text, NORWAY) == type(masked)(masked.text, ())


@given(texts)
def test_masking_everything_is_idempotent_and_spans_rebuild_the_text(text: str) -> None:
    masked = mask(text, NORWAY, EVERYTHING, terms=("og", "national_id"))
    assert mask(masked.text, NORWAY, EVERYTHING, terms=("og", "national_id")).removed == ()
    rebuilt, reached = "", 0
    for found in masked.removed:
        rebuilt += text[reached : found.start] + mark(found.kind)
        reached = found.end
    assert rebuilt + text[reached:] == masked.text


@pytest.mark.parametrize("piece", ["1 ", "a", "1", "1.a@", "fødselsnummer ", "Storgata ", "konto 1234.56.78903\n\n"])
def test_a_hundred_kilobytes_of_anything_are_masked_at_once(piece: str) -> None:
    began = time.perf_counter()
    mask(piece * (100_000 // len(piece)), NORWAY, EVERYTHING)
    assert time.perf_counter() - began < 5
