"""What the resident wrote is told from what they quote; nothing of it is lost, and no text makes it slow."""

import json
import re
import time
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactbot.channels.email.explain import explain
from contactbot.quoted import SENT_BY_US, SIGNATURES, fold, refold
from tests.parts import reference

REPLIES = tomllib.loads((Path(__file__).parent / "payloads/email/replies.toml").read_text("utf-8"))["case"]
MEGABYTE = 1_000_000

CONTRADICTED = {
    "test_reply_and_quotation_splitter_share_line_0",
    "test_reply_and_quotation_splitter_share_line_1",
    "test_too_many_lines_0",
}


@pytest.mark.parametrize("case", REPLIES, ids=[case["name"] for case in REPLIES])
def test_the_residents_own_words_are_left_and_the_rules_are_named(case: dict[str, object]) -> None:
    folding = fold(str(case["body"]))
    assert folding.text == str(case["own"]).strip()
    assert [part.rule for part in folding.folded] == case["rules"]


@pytest.mark.parametrize(
    ("suite", "signatures_count", "size"), [("nordic", False, 9), ("talon_text", True, 45), ("talon_eml", True, 12)]
)
def test_the_shared_suites_are_read_as_they_expect(suite: str, size: int, *, signatures_count: bool) -> None:
    cases = sorted(reference(f"mail-replies/dev/{suite}").iterdir())
    wrong = [case.name for case in cases if not _reads(case, signatures_count=signatures_count)]
    assert len(cases) >= size
    assert set(wrong) <= CONTRADICTED


def test_three_cases_of_the_shared_suite_contradict_it_and_following_them_would_cut_peoples_words() -> None:
    """Show that 42 of 45 is all that can be had of ``talon_text`` without cutting anybody's own words.

    Cases 0, 1 and 2 of "splitter shares a line" are the same text byte for byte (upstream's test reassigned its
    variable, so that the export holds the last text three times). Case 2 expects "bla-bla - bla" to be the writer's,
    cases 0 and 1 expect it to be cut: no reader of texts can meet both, and the words are the writer's.

    "Too many lines" expects "Hi", on the line above the mark, to be cut. Upstream sets a limit of two lines for that
    test alone. By default the line above such a mark is kept, as the same text with the writer's line before it shows.
    """
    texts, expected = {}, {}
    for case in sorted(CONTRADICTED | {"test_reply_and_quotation_splitter_share_line_2"}):
        folder = reference(f"mail-replies/dev/talon_text/{case}")
        texts[case] = (folder / "in.txt").read_bytes()
        expected[case] = json.loads((folder / "case.json").read_text("utf-8"))["expected"]
    *shared, limited = sorted(texts)
    assert len({texts[case] for case in shared}) == 1
    assert [expected[case] for case in shared] == ["reply", "reply", "reply\nbla-bla - bla"]
    assert [fold(texts[case].decode()).text for case in shared] == ["reply\nbla-bla - bla"] * 3
    above_the_mark = texts[limited].decode().partition("-----")[0]
    assert fold(texts[limited].decode()).text == above_the_mark.strip() == "Test reply\nHi"
    assert expected[limited] == "Test reply"


def _reads(case: Path, *, signatures_count: bool) -> bool:
    explanation = explain((case / "in.txt").read_bytes())
    text = explanation["text"]
    if signatures_count:  # the suites disagree on signatures: talon's leave them with the text
        text = "\n\n".join([text, *(part["text"] for part in explanation["folded"] if part["rule"] in SIGNATURES)])
    expected = json.loads((case / "case.json").read_text("utf-8"))["expected"]
    return _evened(text) == _evened(expected)


def _evened(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return re.sub(r"\n{2,}", "\n\n", lines).strip("\n")


LINES = st.one_of(
    st.sampled_from([line for case in REPLIES for line in str(case["body"]).splitlines()]),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=60),
)


@given(st.lists(LINES, max_size=30).map("\n".join), st.lists(LINES, max_size=3))
@settings(max_examples=300, deadline=None)
def test_no_word_is_lost_whatever_is_folded(text: str, sent: list[str]) -> None:
    folding = fold(text, sent)
    kept = " ".join([folding.text, *(part.text for part in folding.folded)])
    assert Counter(re.findall(r"\w+", kept)) == Counter(re.findall(r"\w+", text))
    assert all(part.rule for part in folding.folded)


@given(st.text(st.characters(blacklist_characters=">:-—_=*#\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029："), max_size=200))
def test_a_text_without_any_mark_is_left_alone(text: str) -> None:
    folding = fold(text)
    rules = {part.rule for part in folding.folded}
    assert rules <= {"mobile_signature"}


ADVICE = (
    "Papiravfall hentes hver fjerde uke i Storgata. "
    "Neste henting er torsdag 15. januar, og dunken må stå ved veien før klokken 6."
)
OURS = f"Hei Kari!\n\n{ADVICE}\n\nHilsen Servicetorget"


def test_what_we_sent_is_folded_first_even_without_any_mark_and_wrapped_anew() -> None:
    reply = """Takk, og hva med glass?
Papiravfall hentes hver fjerde uke i Storgata. Neste henting er
torsdag 15. januar, og dunken må stå ved veien før
klokken 6."""
    folding = fold(reply, [OURS])
    assert folding.text == "Takk, og hva med glass?"
    assert [part.rule for part in folding.folded] == [SENT_BY_US]


def test_a_text_without_our_words_is_not_folded_once_more() -> None:
    text = "Se under.\n\n> dette har jeg skrevet selv"
    assert refold(text, [OURS]).text == text
    assert refold(f"Takk, og glass?\n{ADVICE}", [OURS]).text == "Takk, og glass?"


def test_a_choice_answered_with_our_own_words_stays_the_residents() -> None:
    assert fold("Hvordan søker jeg om barnehageplass?", ["1. Hvordan søker jeg om barnehageplass?"]).text != ""
    assert fold("Ja.\nHilsen Servicetorget", [OURS]).text == "Ja.\nHilsen Servicetorget"


def test_a_mail_that_holds_nothing_but_our_words_is_left_as_it_is() -> None:
    assert fold(ADVICE, [OURS]).text == ADVICE


HOSTILE = {
    "quotation marks on one line": "> " * (MEGABYTE // 2),
    "openers on one line": "On 1 " * (MEGABYTE // 5),
    "openers": "On 1\n" * (MEGABYTE // 5),
    "header fields": "From: a@b\n" * (MEGABYTE // 10),
    "dashes": "--\n" * (MEGABYTE // 3),
    "rules": "_____\n" * (MEGABYTE // 6),
    "rules and blanks": "_____\n\n\nx\n" * (MEGABYTE // 10),
    "one rule": "_" * MEGABYTE,
    "mobile signatures": "Sendt fra min iPhone\n" * (MEGABYTE // 21),
    "forwards": "- Forwarded message -\nx y z w\n" * (MEGABYTE // 30),
    "colons": ":" * MEGABYTE,
    "dates and addresses": "2014-10-17 11:28 <a@b\n" * (MEGABYTE // 22),
    "shared lines": ("a On 1 " + "x" * 380 + "wrote:\n") * (MEGABYTE // 394),
    "brackets": "<" * MEGABYTE,
    "wrapped": ("Den 5. jan. 2026\n" * 3 + "\n") * (MEGABYTE // 52),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_megabyte_takes_less_than_half_a_second(text: str) -> None:
    started = time.thread_time()
    fold(text, [OURS])
    assert time.thread_time() - started < 0.5


def test_a_very_long_quotation_is_folded_to_its_end_and_a_very_long_letter_is_kept_whole() -> None:
    block = "Fra: A <a@b.example>\nSendt: mandag 5. januar 2026 10:12\nEmne: Sak\n\n"
    assert fold("Hei\n\n" + block + "gammelt\n" * 10_000).text == "Hei"
    assert fold("nytt\n" * 10_000).text.count("nytt") == 10_000
