"""An outgoing message as plain text, for the channels whose residents read plain text. Pure."""

from contactbot.markdown import to_plain
from contactbot.messages import Outbound


def plain_text(outbound: Outbound) -> str:
    """Render the words, then one line ``1. label`` for each choice: the number is what the resident may answer."""
    words = to_plain(outbound.text) if outbound.markup == "markdown" else outbound.text
    choices = "\n".join(f"{number}. {label}" for number, label in enumerate(outbound.choices, start=1))
    return "\n\n".join(part for part in (words, choices) if part)
