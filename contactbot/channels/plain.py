"""An outgoing message as plain text, for the channels whose residents read plain text. Pure."""

from contactbot.markdown import to_plain
from contactbot.messages import Author, Outbound


def plain_text(outbound: Outbound) -> str:
    """Render the words, then the choices."""
    return "\n\n".join(part for part in (words_of(outbound), choices_of(outbound)) if part)


def signed_text(outbound: Outbound) -> str:
    """Render words, choices and signature, where nothing else shows which person writes."""
    return "\n\n".join(part for part in (words_of(outbound), ending_of(outbound)) if part)


def ending_of(outbound: Outbound) -> str:
    """Render what must not be lost when words are cut: the choices, and the name of the member of staff who writes."""
    signature = f"– {outbound.author_name}" if outbound.author is Author.STAFF and outbound.author_name else ""
    return "\n\n".join(part for part in (choices_of(outbound), signature) if part)


def words_of(outbound: Outbound) -> str:
    """Render the words alone."""
    return to_plain(outbound.text) if outbound.markup == "markdown" else outbound.text


def choices_of(outbound: Outbound) -> str:
    """Render one line ``1. label`` for each choice: the number is what the resident may answer."""
    return "\n".join(f"{number}. {label}" for number, label in enumerate(outbound.choices, start=1))
