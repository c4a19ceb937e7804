"""What is wrong with an answer to one of the ten questions: a sentence, or "" when it can be used."""

import re
from typing import Final
from urllib.parse import urlsplit

from contactbot import wording

_KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_EMAIL: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")
_SMS: Final = re.compile(r"\+[1-9]\d{6,14}|\d{3,6}")  # ITU-T E.164 (fifteen digits at most), or a short code
_RELAY: Final = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:]+\])(?::(\d{1,5}))?")
_HIGHEST_PORT: Final = 65535


def name(given: str) -> str:
    """Say what is wrong with a name: it is what residents read."""
    return "" if given else "Write the name residents know, such as Fjordvik kommune."


def key(given: str) -> str:
    """Say what is wrong with an identifier: it stands in addresses and table names."""
    return "" if _KEY.fullmatch(given) else "Use only the letters a to z, digits and hyphens, such as fjordvik."


def language(given: str) -> str:
    """Say what is wrong with a language: only these have every word the bot says."""
    return "" if given in wording.COMPLETE else f"Write one of {', '.join(wording.COMPLETE)}."


def origin(given: str) -> str:
    """Say what is wrong with the address of a web site, which must be whole and without a path."""
    try:
        parts = urlsplit(given)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket that is open
        return "Write a whole address, such as https://chat.kommune.example."
    if not is_whole or re.search(r"\s", given):
        return "Write a whole address, such as https://chat.kommune.example."
    return "" if parts.path in ("", "/") and not parts.query else "Write the address without a path after the name."


def email(given: str) -> str:
    """Say what is wrong with an email address."""
    return "" if _EMAIL.fullmatch(given) else "Write an email address, such as kari@kommune.example."


def mailbox(given: str) -> str:
    """Say what is wrong with the residents' mailbox; there need be none."""
    return email(given) if given else ""


def relay(given: str) -> str:
    """Say what is wrong with a relay's host and port."""
    found = _RELAY.fullmatch(given)
    right = found is not None and 0 < int(found[1] or 25) <= _HIGHEST_PORT
    return "" if right else "Write a host and a port, such as mail.kommune.example:587."


def sms_number(given: str) -> str:
    """Say what is wrong with an SMS number; there need be none."""
    right = not given or _SMS.fullmatch(given)
    return "" if right else "Write the number with + and the country's code, without spaces, such as +4759440000."
