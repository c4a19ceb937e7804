"""An outgoing message as plain text, for the channels whose residents read plain text. Pure."""

from contactbot.markdown import to_plain
from contactbot.messages import Outbound


def plain_text(outbound: Outbound) -> str:
    """Render the words, then the choices."""
    return "\n\n".join(part for part in (words_of(outbound), choices_of(outbound)) if part)


def words_of(outbound: Outbound) -> str:
    """Render the words alone."""
    return to_plain(outbound.text) if outbound.markup == "markdown" else outbound.text


def choices_of(outbound: Outbound) -> str:
    """Render one line ``1. label`` for each choice: the number is what the resident may answer."""
    return "\n".join(f"{number}. {label}" for number, label in enumerate(outbound.choices, start=1))
