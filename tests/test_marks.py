"""Marks of what was taken out, as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.marks import in_words
from contactbot.masking import Kind, mark
from contactbot.wording import COMPLETE


@pytest.mark.parametrize("language", [*COMPLETE, "se"])
@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_words_in_every_language(kind: Kind, language: str) -> None:
    shown = in_words(f"a {mark(kind)} b", language)
    assert "•••" not in shown
    assert shown.startswith("a [")
    assert shown.endswith("] b")


def test_what_a_resident_typed_like_a_mark_is_left_alone() -> None:
    assert in_words("[••• hemmelig]", "nb") == "[••• hemmelig]"


@given(st.text().filter(lambda text: "•••" not in text))
def test_a_text_without_marks_is_not_touched(text: str) -> None:
    assert in_words(text, "nb") == text
