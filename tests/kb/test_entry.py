"""An entry survives being written and read, and a wrong one says where it is wrong."""

from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.kb.entry import (
    Entry,
    EntryError,
    EntryText,
    Kind,
    entries_from_jsonl,
    entries_to_jsonl,
    entry_from_json,
    entry_to_json,
)

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
days = st.none() | st.dates()
entry_texts = st.builds(EntryText, st.just("nb"), words, st.lists(words).map(tuple), st.text(), st.text(), st.text())
entries = st.builds(
    Entry,
    id=words,
    version=st.integers(1, 10**6),
    texts=entry_texts.map(lambda text: (text,)),
    topic=st.text(),
    kind=st.sampled_from(get_args(Kind)),
    valid_from=days,
    valid_to=days,
    tags=st.lists(words).map(tuple),
)


@given(entries)
def test_an_entry_read_back_is_the_entry_written(entry: Entry) -> None:
    assert entry_from_json(entry_to_json(entry)) == entry
    assert len(entries_to_jsonl([entry]).split("\n")) == 2


def test_the_flat_form_has_its_question_first_and_may_lack_an_answer() -> None:
    (entry,) = entries_from_jsonl('{"id": "a", "lang": "nb", "phrasings": ["Når?", "Hvilken dag?"]}\n')

    assert entry.texts == (EntryText("nb", "Når?", ("Hvilken dag?",)),)
    assert entry.text("nb").answer("sms") == ""


def test_flat_lines_with_one_id_are_the_languages_of_one_entry() -> None:
    (entry,) = entries_from_jsonl(
        '{"id": "a", "lang": "nb", "phrasings": ["Hva?"], "answer": "Ja"}\n\n'
        '{"id": "a", "lang": "en", "phrasings": ["What?"], "answer": "Yes"}\n'
    )

    assert entry.languages == ("nb", "en")
    assert entry.text("nn", ("en", "nb")).full == "Yes"
    assert entry.text("se").full == "Ja"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{", ""),
        ("[]", ""),
        ('{"lang": "nb", "phrasings": ["a"]}', "id"),
        ('{"id": 7, "lang": "nb", "phrasings": ["a"]}', "id"),
        ('{"id": "a", "lang": "nb", "phrasings": "a"}', "phrasings"),
        ('{"id": "a", "lang": "nb", "phrasings": []}', "phrasings"),
        ('{"id": "a", "texts": {}}', "texts"),
        ('{"id": "a", "texts": {"nb": {"sms": "x"}}}', "texts.nb.question"),
        ('{"id": "a", "texts": {"nb": {"question": "x", "smss": ""}}}', "texts.nb.smss"),
        ('{"id": "a", "kind": "guess", "texts": {"nb": {"question": "x"}}}', "kind"),
        ('{"id": "a", "valid_to": "31.12.2026", "texts": {"nb": {"question": "x"}}}', "valid_to"),
        ('{"id": "a", "version": true, "texts": {"nb": {"question": "x"}}}', "version"),
    ],
)
def test_bad_input_names_the_line_and_the_field(line: str, field: str) -> None:
    with pytest.raises(EntryError) as caught:
        entries_from_jsonl(f"\n{line}")

    assert (caught.value.line, caught.value.field) == (2, field)
    assert "line 2" in str(caught.value)


def test_the_same_language_of_one_id_twice_is_refused() -> None:
    line = '{"id": "a", "lang": "nb", "phrasings": ["x"]}'
    with pytest.raises(EntryError, match="used twice"):
        entries_from_jsonl([line, line])


def test_an_answer_holds_on_its_first_and_its_last_day() -> None:
    entry = Entry("a", 1, (EntryText("nb", "x"),), valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 3))

    assert [entry.valid_on(date(2026, 1, day)) for day in (1, 2, 3, 4)] == [False, True, True, False]


def test_a_length_that_is_not_written_borrows_the_nearest() -> None:
    text = EntryText("nb", "x", full="lang")

    assert text.answer("sms") == text.answer("chat") == "lang"
    assert EntryText("nb", "x", sms="kort", full="lang").answer("chat") == "lang"


@pytest.mark.parametrize("line", ["[" * 100_000, '{"id": 1' + "0" * 5_000 + "}", '{"id": "a"', "NaN,"])
def test_a_line_that_no_parser_takes_is_an_error_that_names_it(line: str) -> None:
    with pytest.raises(EntryError, match="not JSON") as caught:
        entries_from_jsonl(f"\n{line}\n")
    assert caught.value.line == 2


def test_a_file_in_another_encoding_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    file = tmp_path / "base.jsonl"
    flat = '{"id": "%s", "lang": "nb", "phrasings": ["Når åpner dere?"], "answer": "Klokka ti."}\n'
    file.write_bytes((flat % "a").encode() + (flat % "b").encode("latin-1"))
    with file.open(encoding="utf-8") as lines, pytest.raises(EntryError, match="not UTF-8"):
        entries_from_jsonl(lines)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0c"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    written = entries_to_jsonl([Entry("a", 1, (EntryText("nb", f"Når{separator}åpner dere?"),))])
    assert entries_from_jsonl(written)[0].texts[0].question == f"Når{separator}åpner dere?"
