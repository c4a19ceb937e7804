"""What our own filter thinks of a mail, as it wrote it into the header. Pure.

A verdict only ever silences us, so a stranger who forges one silences us towards themselves and gains nothing: the
fields are believed unless the operator names fewer. Their absence, or a verdict of "no", proves nothing.
"""

from collections.abc import Callable, Collection
from typing import Final, Literal

from contactbot.channels.email.parse import Mail

Field = Literal["x-spam-flag", "x-spam-status", "x-spam", "x-ms-exchange-organization-scl"]
# Exchange's spam confidence level: 5 and 6 are spam, 9 is surely spam (Microsoft, "Spam confidence level (SCL)").
_LOWEST_SCL: Final = 5


def _begins_with_yes(value: str) -> bool:
    return value.partition(",")[0].split()[:1] in (["yes"], ["true"])


def _is_high_level(value: str) -> bool:
    return value.isdecimal() and len(value) <= 2 and int(value) >= _LOWEST_SCL  # noqa: PLR2004 - no level has more digits


# SpamAssassin and amavis write the first two, Rspamd the third, Exchange the last.
FIELDS: Final[dict[Field, Callable[[str], bool]]] = {
    "x-spam-flag": _begins_with_yes,
    "x-spam-status": _begins_with_yes,
    "x-spam": _begins_with_yes,
    "x-ms-exchange-organization-scl": _is_high_level,
}


def verdict(mail: Mail, believed: Collection[Field]) -> str:
    """Return the first believed field that calls the mail spam, or an empty text."""
    for name, condemns in FIELDS.items():
        if name in believed and any(condemns(value.strip().lower()) for value in mail.fields.all(name)):
            return name
    return ""
