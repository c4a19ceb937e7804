"""What masking took out is read in words, on every page, in the page's language."""

from types import SimpleNamespace

from markupsafe import Markup

from contactbot.masking import Kind, mark
from contactbot.web.templating import environment

TEXT = f"Mitt nummer er {mark(Kind.NATIONAL_ID)} <3"


def rendered(template: str, **values: object) -> str:
    """Render a template's source as a page does."""
    return environment.from_string(template).render(text=TEXT, **values)


def test_staff_read_what_was_taken_out_in_words_and_the_rest_stays_escaped() -> None:
    assert rendered("{{ text }}") == "Mitt nummer er [fødselsnummer fjernet] &lt;3"


def test_residents_read_it_in_the_pages_language() -> None:
    english = SimpleNamespace(words=SimpleNamespace(lang="en"))
    assert "[national identity number removed]" in rendered("{{ text }}", speaking=english)


def test_markup_stays_markup() -> None:
    bold = Markup("<b>{}</b>").format(TEXT)
    assert rendered("{{ bold }}", bold=bold) == "<b>Mitt nummer er [fødselsnummer fjernet] &lt;3</b>"
    assert "<em>" in rendered("{{ '*[••• phone]*'|markdown }}")
