"""Bokmål, nynorsk, English and Sámi are told apart on short texts; other languages are named."""

import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.conversation.language import Detected, detect

SAMPLES = {
    "nb": (
        "Når åpner biblioteket på lørdag?",
        "Hvordan søker jeg om barnehageplass?",
        "jeg har ikke fått svar på søknaden min",
        "Hva koster det å leie kulturhuset?",
        "kan noen hjelpe meg med dette skjemaet",
        "hvor leverer jeg gamle batterier",
        "æ lure på ka tid dokker åpne i mårra",
        "Vannet er borte hjemme hos oss",
        "trenger jeg å søke om å bygge garasje",
        "hei jeg skal flytte til kommunen, hva må jeg gjøre?",
    ),
    "nn": (
        "Når opnar biblioteket på laurdag?",
        "Korleis søkjer eg om barnehageplass?",
        "eg har ikkje fått svar på søknaden min",
        "Kva kostar det å leige kulturhuset?",
        "kan nokon hjelpe meg med dette skjemaet",
        "kvar leverer eg gamle batteri",
        "Vatnet er borte heime hos oss",
        "treng eg å søkje om å byggje garasje",
        "Eg lurer på når skulen startar",
        "hei eg skal flytte til kommunen, kva må eg gjere?",
    ),
    "en": (
        "When does the library open on Saturday?",
        "How do I apply for kindergarten?",
        "I have not received an answer",
        "what does it cost to rent the hall",
        "can someone help me with this form",
        "where do I leave old batteries",
        "there is no water in our house",
        "do I need a permit to build a garage",
        "my bin was not emptied today",
        "hi i am moving to the municipality what do i do",
    ),
    "se": (
        "Goas girjerádju rahpasa lávvardaga?",
        "Mo ohcat mánáidgárdesaji?",
        "In leat ožžon vástádusa ohcamii",
        "Sáhtán go hupmat sámegillii?",
        "Gosa galggan váldit oktavuođa?",
        "Bures, mun dárbbašan veahki",
        "Maid máksá láigohit viesu?",
        "Mus lea jearaldat skuvlla birra",
    ),
    "sv": ("Hur ansöker jag om förskola?", "När öppnar biblioteket på lördag?", "jag har inte fått något svar från er"),
    "da": ("Hvordan ansøger jeg om en børnehaveplads?", "hvornår åbner jeres kontor på mandag?"),
    "de": ("Wann öffnet die Bibliothek am Samstag?", "Ich möchte einen Kindergartenplatz beantragen"),
    "pl": ("Kiedy jest otwarta biblioteka?", "Jak złożyć wniosek o przedszkole?", "nie mam wody w domu, co robić"),
    "uk": ("Коли відкривається бібліотека?", "Як подати заяву до дитячого садка?"),
    "ru": ("Когда открывается библиотека?",),
    "ar": ("متى تفتح المكتبة يوم السبت؟",),
    "fa": ("کتابخانه چه ساعتی باز می‌شود؟",),
    "ti": ("ቤት መጽሓፍቲ መዓስ ይኽፈት",),
    "so": ("Goorma ayay furan tahay maktabadda?", "Sidee baan u codsadaa xanaanada carruurta?"),
    "es": ("¿Cuándo abre la biblioteca el sábado?",),
    "fr": ("Quand est-ce que la bibliothèque ouvre le samedi ?",),
    "lt": ("Kada dirba biblioteka šeštadienį, ar galiu gauti pagalbą?",),
    "tr": ("Kütüphane cumartesi günü ne zaman açılıyor?",),
    "zh": ("图书馆什么时候开门",),
}


@pytest.mark.parametrize(("language", "text"), [(code, text) for code, texts in SAMPLES.items() for text in texts])
@pytest.mark.parametrize("default", ["nb", "nn", "en"])
def test_a_short_text_shows_its_language_whatever_the_default(language: str, text: str, default: str) -> None:
    assert detect(text, default).language == language


SHORT_TEXTS = [
    (code, text)
    for code, text in (
        line.split("\t") for line in (Path(__file__).parent / "corpus/languages.tsv").read_text("utf-8").splitlines()
    )
]
OURS = ("nb", "nn", "en", "se")


def recognised(codes: set[str]) -> float:
    """Return the share of the corpus in these languages that is told, whatever went before."""
    judged = [
        detect(text, default).language == code
        for code, text in SHORT_TEXTS
        if code in codes
        for default in ("nb", "nn", "en")
    ]
    return sum(judged) / len(judged)


def test_the_corpus_of_languages_is_large_enough_to_mean_something() -> None:
    counts = Counter(code for code, _ in SHORT_TEXTS)
    assert min(counts[code] for code in OURS) >= 15
    assert min(counts.values()) >= 4


@pytest.mark.parametrize("code", OURS)
def test_our_languages_are_told_apart_in_19_of_20_short_texts(code: str) -> None:
    assert recognised({code}) >= 0.95


def test_other_languages_are_recognised_in_9_of_10_short_texts() -> None:
    assert recognised({code for code, _ in SHORT_TEXTS} - set(OURS)) >= 0.9


def test_the_three_sami_languages_are_kept_apart() -> None:
    assert all(recognised({code}) >= 0.9 for code in ("se", "sma", "smj"))


@pytest.mark.parametrize("text", ["", "hello", "ok thanks", "🙂", "12345", "https://example.no/kva/korleis/ikkje"])
def test_under_three_words_the_conversations_language_goes_on(text: str) -> None:
    assert detect(text, "nn") == Detected("nn", sure=False)


def test_another_script_decides_at_once() -> None:
    assert detect("Привіт", "nb") == Detected("uk", sure=True)


def test_a_text_that_could_be_either_keeps_the_default() -> None:
    text = "er det mat til alle på fest"
    assert detect(text, "nn").language == "nn"
    assert detect(text, "nb").language == "nb"
    assert not detect(text, "nb").sure


def test_what_masking_left_says_nothing_about_the_language() -> None:
    assert detect("[••• national_id] [••• card_number] [••• account_number]", "nn") == Detected("nn", sure=False)


def test_a_message_takes_less_than_a_millisecond() -> None:
    texts = [text for texts in SAMPLES.values() for text in texts]
    began = time.perf_counter()
    for _ in range(5):
        for text in texts:
            detect(text, "nb")
    assert (time.perf_counter() - began) / (5 * len(texts)) < 0.001


@given(st.text(max_size=300), st.sampled_from(["nb", "nn", "en", "se"]))
def test_any_text_has_a_language(text: str, default: str) -> None:
    assert detect(text, default).language


def test_a_megabyte_is_judged_by_its_beginning() -> None:
    began = time.perf_counter()
    assert detect("Korleis søkjer eg om dette? " + "a" * 1_000_000, "nb").language == "nn"
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "text", ["Kan jeg få litt hjelp?", "Jeg lurer på en faktura", "Hva skjer på søndag?", "Hvem spør jeg om avgifter?"]
)
def test_words_that_both_written_forms_have_speak_for_neither(text: str) -> None:
    assert detect(text, "nb").language == "nb"
