"""Acute danger is seen before anything else, and what only sounds like it is left alone."""

import json
import math
import re
import time
import warnings
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.conversation import safety
from contactbot.conversation.phrases import Look, PhraseBook, Reading, Token, _places, fold
from contactbot.conversation.safety import LIKENESS, ORDINARY, RULES, DangerKind, assess, by_table
from contactbot.demo.town import base

CORPUS = Path(__file__).parent / "corpus"
ACUTE = [
    (kind, text)
    for kind, _, text in (line.split("\t") for line in (CORPUS / "acute.tsv").read_text("utf-8").splitlines())
]
EVERYDAY = (CORPUS / "everyday.txt").read_text("utf-8").splitlines()
LOOKALIKES = [line.split("\t")[1] for line in (CORPUS / "lookalikes.tsv").read_text("utf-8").splitlines()]

DEVELOPMENT = Path(__file__).parents[3] / "shared/matching/dev"
ABOUT_DANGER = {"barnevern", "krisesenter", "psykisk-helse"}
"""Entries of the sample base whose phrasings tell of danger."""

PLAIN = {
    DangerKind.SUICIDE: (
        "jeg vil dø",
        "eg vil døy",
        "æ vil dø",
        "Jeg vil ikke leve",
        "jeg orker ikke leve lenger",
        "selvmord",
        "eg vil ikkje leve meir",
        "vil ta livet mitt",
        "jeg skal ta livet av meg",
        "i want to die",
        "Jeg vil drepe meg selv",
        "I want to kill myself",
        "jeg har lyst til å dø",
        "jeg tenker på selvmord",
        "sjølvmord",
        "jeg har selvmordstanker",
        "jeg har tatt en overdose",
        "jeg skal henge meg",
        "jeg skal hoppe fra brua",
        "suicidal",
        "vil ikke leve mer",
        "kan ikke leve videre",
        "bare drep meg",
        "ingenting å leve for",
        "hvorfor skal jeg leve",
        "fortjener ikke å leve",
        "tired of being alive",
        "jegvil dø",
        "datteren min skader seg selv",
        "på søndag tar jeg livet mitt",
    ),
    DangerKind.CHILD: (
        "pappa slår meg",
        "mamma slår meg",
        "faren min slår meg",
        "far min slår meg",
        "stefaren min tar på meg",
        "mora mi slår meg",
        "my dad hits me",
        "my mother beats me",
        "jeg blir slått hjemme",
        "eg blir slått heime",
        "naboen slår barna sine",
        "barnet blir mishandlet",
        "barnet mitt er forsvunnet",
        "pappa banker meg",
        "jeg er redd for pappa",
        "mannen min slår barna",
        "et barn blir misbrukt",
        "broren min voldtar meg",
        "fostermora mi slår og kjefter",
        "noen har kidnappa barnet mitt",
        "kan ikke finne datteren min",
        "guten min kom ikkje heim",
        "vi blir slått med belte",
        "my 4 year old is gone",
    ),
}


WORDS = sorted({word for text in (*(text for _, text in ACUTE), *LOOKALIKES) for word in text.split()})


def look_for_all(book: PhraseBook, words: Sequence[Token]) -> Look:
    """Return a look that tries every phrase of the book that has all its items, with no index before it."""
    meanings = {word.word: book._meaning(word.word, fuzzy=True) for word in words}
    places = _places(words, meanings, book._phrases)
    return Look({one.phrase: one for one in book._phrases if one.needed <= places.keys()}, places)


def by_every_rule(text: str) -> tuple[str, str] | None:
    """Return the rule and the words by which a text is acute, trying all rules one after the other."""
    words = safety.words_of(text)
    idioms = [range(found.start, found.end + 1) for found in look_for_all(safety._IDIOMS, words).find()]
    tokens = [word for word in words if not any(word.position in idiom for idiom in idioms)]
    look = look_for_all(safety._BOOK, tokens)
    for rule in RULES:
        found = safety._first(rule, look, safety._Sentences(tokens))
        if found is not None:
            return rule.id, safety._evidence(tokens, found)
    return None


@given(st.sampled_from([*LOOKALIKES, *(text for _, text in ACUTE)]), st.lists(st.sampled_from(WORDS), max_size=8))
def test_the_index_changes_no_verdict(text: str, more: list[str]) -> None:
    for said in (text, f"{text} {' '.join(more)}", f"{' '.join(more)} {text}. {' '.join(reversed(more))}"):
        danger = by_table(said)
        assert by_every_rule(said) == (None if danger is None else (danger.rule, danger.evidence))


@given(st.lists(st.sampled_from(WORDS), max_size=20))
def test_a_text_that_was_read_before_is_judged_the_same(words: list[str]) -> None:
    text = " ".join(words)
    assert assess(Reading.of(text)) == assess(text)


def listed(missed: Sequence[object]) -> str:
    return "\n".join(map(str, missed))


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(ACUTE) >= 4_900
    assert len(LOOKALIKES) >= 6_900
    assert len(EVERYDAY) >= 400


def test_at_least_95_percent_of_acute_messages_are_caught() -> None:
    missed = [text for _, text in ACUTE if assess(text) is None]
    assert len(missed) <= 0.05 * len(ACUTE), listed(missed)


def test_no_message_about_suicide_or_a_child_is_missed() -> None:
    missed = [text for kind, text in ACUTE if kind in {"suicide", "child"} and assess(text) is None]
    assert not missed, listed(missed)


def test_at_least_97_percent_of_look_alikes_are_left_alone() -> None:
    wrong = [(text, danger) for text in LOOKALIKES if (danger := assess(text)) is not None]
    assert len(wrong) <= 0.03 * len(LOOKALIKES), listed(wrong)


def test_the_kind_is_right_for_at_least_95_percent_of_what_is_caught() -> None:
    wrong = [(kind, danger) for kind, text in ACUTE if (danger := assess(text)) is not None and danger.kind != kind]
    assert len(wrong) <= 0.05 * len(ACUTE), listed(wrong)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PLAIN.items() for text in texts])
def test_a_plain_message_is_seen_however_it_is_typed(kind: DangerKind, text: str) -> None:
    plain = text.translate(str.maketrans("åøæÅØÆ", "aoeAOE"))
    for typed in (
        text,
        text.upper(),
        f"Hei. {text}!!!",
        f"{text}…",
        plain,
        f"hei\n\n{text}\n\nmvh Kari",
        f"  {text} 😢",
    ):
        danger = assess(typed)
        assert danger is not None, typed
        assert danger.kind in {kind, DangerKind.VIOLENCE}, (typed, danger)


DIALECTS = (
    {"jeg": "æ", "eg": "æ", "ikke": "itj", "meg": "mæ", "er": "e", "skal": "ska"},
    {"jeg": "eg", "ikke": "ikkje", "hjemme": "heime", "lenger": "meir"},
    {"jeg": "jæ", "meg": "mei", "er": "e", "og": "å"},
    {"jeg": "jg", "ikke": "ikk", "meg": "mg"},
)


def spoken(text: str, dialect: dict[str, str]) -> str:
    return re.sub(r"\w+", lambda word: dialect.get(word[0].lower(), word[0]), text)


def slipped(text: str) -> Iterator[str]:
    """Yield a text with a letter in the middle of one of its longer words lost, doubled or swapped with the next.

    Not where the slip makes "ae" or "oe": those are read as the one letter they stand for.
    """
    for word in re.finditer(r"\w{6,}", text):
        at = sum(word.span()) // 2
        for typed in (
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        ):
            if typed.count("ae") + typed.count("oe") == text.count("ae") + text.count("oe"):
                yield typed


@pytest.mark.parametrize("text", [text for texts in PLAIN.values() for text in texts])
def test_no_plain_message_is_lost_in_dialect_in_slips_or_among_other_words(text: str) -> None:
    typed = [
        *(spoken(text, dialect) for dialect in DIALECTS),
        *slipped(text),
        text.replace("å", "aa").replace("ø", "oe").replace("æ", "ae"),
        f"Hei.{text}.Hjelp",
        f"hei,{text},takk",
        f"hei når tømmes søppelet hos oss og {text}",
        f"{text} og når åpner biblioteket i morgen",
        f"takk for svar om barnehageplassen men {text} mvh Kari Nordmann",
    ]
    missed = [one for one in typed if assess(one) is None]
    assert not missed, listed(missed)


@pytest.mark.parametrize(
    "glued",
    [
        "jegorkerikkeleve",
        "jegvildø",
        "vilikkelevemer",
        "iwanttodie",
        "jeg vilta livetmitt",
        "pappaslårmeg",
        "mydadhitsme",
    ],
)
def test_no_plain_message_is_lost_for_want_of_a_space(glued: str) -> None:
    assert assess(glued) is not None


@pytest.mark.parametrize(
    "word", ["ikkevoldelig", "kantine", "handelsstand", "viljestyrke", "pappaperm", "farmasøyt", "mammografi"]
)
def test_a_word_of_its_own_is_not_taken_apart(word: str) -> None:
    assert not safety._GLUED.parts(fold(word))


@pytest.mark.parametrize(
    "slipped", ["pap aslår meg", "jegs kal hoppe fra brua", "my mo mbeats me", "my stepda dtouches me", "mamma slær mæ"]
)
def test_no_plain_message_is_lost_for_a_space_that_slipped_by_a_letter(slipped: str) -> None:
    assert assess(slipped) is not None


@given(st.lists(st.sampled_from(sorted(safety._BOOK.words)), max_size=20))
def test_spaces_between_known_words_stay_where_they_are(words: list[str]) -> None:
    reading = Reading(" ".join(words), (tuple(words),), frozenset(words))
    assert safety._GLUED._put_back(reading) is reading


@given(st.lists(st.sampled_from(["jeg", "ikke", "leve", "vil", "meg", "slår", "pappa"]), min_size=2, max_size=10))
def test_what_is_taken_apart_is_what_was_glued(words: list[str]) -> None:
    glued = "".join(map(fold, words))
    assert "".join(safety._GLUED.parts(glued) or [glued]) == glued


def said(*parts: tuple[str, ...]) -> list[str]:
    """Return each way to say a sentence whose parts have several wordings."""
    return [" ".join(" ".join(words).split()) for words in product(*parts)]


EVERY_PLAIN_WORDING = {
    DangerKind.SUICIDE: [
        *said(
            ("jeg", "eg", "æ", ""),
            ("orker", "orkar", "orka", "vil", "klarer", "greier", "gidder"),
            ("ikke", "ikkje", "itj"),
            ("leve", "leva", "være her", "vere her"),
            ("", "mer", "meir", "lenger"),
        ),
        *said(
            ("jeg", "eg", "æ"),
            ("vil", "har lyst til å", "ønsker å", "kommer til å", "kjem til å", "tenker på å"),
            ("dø", "døy", "ta livet mitt", "ta selvmord", "henge meg", "hoppe fra brua", "ta alle pillene mine"),
            ("", "i kveld"),
        ),
        *said(
            ("I",),
            ("want to die", "wanna kill myself", "dont want to be here", "feel suicidal", "want to end it all"),
            ("", "anymore", "please help"),
        ),
        *said(
            ("sønnen min", "dattera mi", "mannen min", "mamma", "en venn", "en elev"),
            ("vil", "sier hun vil", "truer med å", "snakker om å"),
            ("ta livet sitt", "ta livet av seg", "begå selvmord", "hoppe fra brua"),
        ),
    ],
    DangerKind.CHILD: [
        *said(
            ("pappa", "mamma", "faren min", "mora mi", "stefar", "onkel", "kjæresten til mamma", "foreldrene mine"),
            ("slår", "slo", "banker", "sparker", "lugger", "dytter", "mishandler"),
            ("meg", "oss", "lillebroren min"),
            ("", "hver dag", "når han er full"),
        ),
        *said(
            ("bestefar", "onkelen min", "læreren min", "treneren min", "en voksen mann"),
            ("tar på meg", "rører meg der jeg ikke vil", "kommer inn til meg om natta", "ber om nakenbilder"),
        ),
        *said(
            ("jeg", "eg"),
            ("er redd for", "er livredd for"),
            ("pappa", "mamma", "stefar", "å gå hjem", "å være hjemme"),
        ),
        *said(
            ("jeg", "eg", "æ"),
            ("tør ikke gå hjem", "tør ikkje gå heim", "er låst inne på rommet mitt", "får ikke mat hjemme"),
            ("", "hjelp", "hva gjør jeg"),
        ),
        *said(("pappa", "mamma", "foreldrene mine"), ("er fulle", "drikker hele tiden", "har låst meg ute", "slåss")),
        *said(("my dad", "my mom", "my uncle"), ("hits me", "beats me", "touches me", "drinks all the time")),
    ],
}


@pytest.mark.parametrize("kind", EVERY_PLAIN_WORDING)
def test_no_plain_wording_of_suicide_or_of_a_child_at_home_is_missed(kind: DangerKind) -> None:
    wrong = [
        (text, danger) for text in EVERY_PLAIN_WORDING[kind] if (danger := assess(text)) is None or danger.kind != kind
    ]
    missed = [text for text, danger in wrong if danger is None]
    assert not missed, listed(missed)
    assert len(wrong) <= 0.02 * len(EVERY_PLAIN_WORDING[kind]), listed(wrong)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (DangerKind.FIRE, "det lukter gass i hele blokka"),
        (DangerKind.FIRE, "gass lekkasje i kjelleren"),
        (DangerKind.FIRE, "brann i tredje etasje, folk står på balkongen"),
        (DangerKind.SUICIDE, "jeg har tatt en overdose"),
        (DangerKind.MEDICAL, "kompisen min har tatt overdose og våkner ikke"),
        (DangerKind.MEDICAL, "faren min med demens har ikke kommet hjem"),
        (DangerKind.MEDICAL, "har kuttet meg dypt med motorsag"),
        (DangerKind.THREAT, "jeg skal drepe saksbehandleren min"),
        (DangerKind.VIOLENCE, "datteren min blir slått av samboeren sin"),
        (DangerKind.VIOLENCE, "jeg ble slått ned på byen"),
        (DangerKind.CHILD, "naboen slår ungen sin"),
    ],
)
def test_the_help_that_is_named_fits_what_is_told(kind: DangerKind, text: str) -> None:
    danger = assess(text)
    assert danger is not None
    assert danger.kind == kind


def test_a_row_is_called_off_where_the_classifier_is_sure_but_a_certain_one_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = "det brenner i huset til naboen"
    assert assess(told) is not None
    monkeypatch.setattr(safety._CLASSIFIER, "ordinary", math.inf)
    assert assess(told) is None
    assert assess("jeg orker virkelig ikke leve lenger nå") is not None
    assert assess("det brenner") is not None, "too few words to doubt"


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("jeg er 14 år og vil ikke leve", True),
        ("Hei jeg er en jente på 12 og blir slått hjemme", True),
        ("jeg går i 7. klasse og vil dø", True),
        ("I'm 13 and I want to die", True),
        ("pappa slår meg", True),
        ("mannen min slår meg", False),
        ("sønnen min på 14 år sier at han vil dø", False),
        ("jeg er 45 år og vil ikke leve", False),
        ("naboen slår barna sine", False),
    ],
)
def test_a_child_who_writes_is_known_as_one(text: str, *, minor: bool) -> None:
    danger = assess(text)
    assert danger is not None
    assert danger.minor == minor


def test_no_everyday_phrasing_of_the_sample_base_is_an_alarm() -> None:
    phrasings = [
        phrasing
        for entry in base()
        if entry.id not in ABOUT_DANGER
        for text in entry.texts
        for phrasing in (text.question, *text.phrasings)
    ]
    assert len(phrasings) > 3_000
    wrong = [(phrasing, danger) for phrasing in phrasings if (danger := assess(phrasing)) is not None]
    assert not wrong, listed(wrong)


def test_no_everyday_question_to_a_municipality_is_an_alarm() -> None:
    wrong = [(text, danger) for text in EVERYDAY if (danger := assess(text)) is not None]
    assert not wrong, listed(wrong)


def test_questions_to_a_bank_and_a_home_assistant_are_left_alone() -> None:
    files = sorted(DEVELOPMENT.glob("*/queries.jsonl"))
    if not files:
        warnings.warn(
            f"no shared development sets at {DEVELOPMENT}: nothing was checked", ResourceWarning, stacklevel=1
        )
    # Each once: the sets of one and of five phrasings ask the same questions.
    texts = {json.loads(line)["text"] for file in files for line in file.read_text("utf-8").splitlines()}
    wrong = [(text, danger) for text in texts if (danger := assess(text)) is not None]
    assert len(wrong) <= len(texts) / 1_000, listed(wrong)


@pytest.mark.parametrize("word", ["hæ?", "he", "han", "hun", "meg", "hjelp", "barn", "cooking", "pappa"])
def test_one_everyday_word_is_no_alarm(word: str) -> None:
    assert assess(word) is None


@pytest.mark.parametrize(
    ("alone", "about_a_form"),
    [("Jeg gir opp.", "Jeg gir opp. Skjemaet virker ikke"), ("Eg gir opp!", "Eg gir opp! Nettsida verkar ikkje.")],
)
def test_giving_up_is_an_alarm_unless_the_message_says_on_what(alone: str, about_a_form: str) -> None:
    assert assess(alone) is not None
    assert assess(about_a_form) is None


def test_the_ordinary_words_are_folded_and_stand_in_order() -> None:
    assert list(ORDINARY) == sorted(set(ORDINARY))
    assert all(fold(word) == word for word in ORDINARY)


def test_a_danger_names_its_rule_and_its_words() -> None:
    danger = assess("Hei! Jeg orker ikke leve lenger.")
    assert danger is not None
    assert danger.rule in {rule.id for rule in RULES}
    assert "ikke leve" in danger.evidence


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PLAIN.items() for text in texts])
def test_a_plain_message_is_seen_by_the_table_alone(kind: DangerKind, text: str) -> None:
    danger = by_table(text)
    assert danger is not None
    assert danger.kind in {kind, DangerKind.VIOLENCE}


def test_what_the_table_does_not_see_the_last_rule_names_with_its_words() -> None:
    seen = [(text, danger) for _, text in ACUTE if by_table(text) is None and (danger := assess(text)) is not None]
    assert seen
    for text, danger in seen:
        assert danger.rule == LIKENESS, text
        assert danger.evidence, text


def test_danger_deep_in_a_long_mail_is_seen() -> None:
    mail = "Jeg lurer på når søppelet hentes i gata vår. " * 2_000
    assert assess(f"{mail}Jeg vil ikke leve lenger. {mail}") is not None


def test_every_rule_says_what_it_is_about_and_has_its_own_id() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.about.endswith(".") for rule in RULES)


@pytest.mark.parametrize(
    "piece", ["pappa ikke ", "a", "barn natt ", ". ", "jeg vil ikke leve i kø ", "'", "a-", "dø av "]
)
def test_a_megabyte_of_anything_is_read_in_bounded_time(piece: str) -> None:
    began = time.perf_counter()
    assess(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - began < 20


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assess(text)
