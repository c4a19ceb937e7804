"""What an address may be kept as, however somebody spells it. Pure."""

import re
from collections.abc import Callable
from typing import Final

from contactbot.messages import Address

SESSION: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)  # what a chat's token begins with, which is its address
CASE: Final = re.compile(r"#?\s*(\d{1,9})")
NUMBER: Final = re.compile(r"[+\d][\d\s().\u00a0/-]{4,}")
MAILBOX: Final = re.compile(r"[^\s@]+@[^\s@]+")
URI: Final = re.compile(r"(mailto|email|tel|sms|xmpp|webchat|phone|letter|counter|loopback):(.+)", re.IGNORECASE)
SCHEMES: Final = {"mailto": "email", "sms": "tel"}


def addresses(text: str, normalise_phone: Callable[[str], str]) -> tuple[Address, ...]:
    """Return the addresses that a text may stand for: equal ones only, never similar ones.

    A mailbox may be a JID too; a number may have been written down by staff as it was told, so it is looked for in
    each of its forms without spaces.
    """
    wanted = text.strip()
    named = URI.fullmatch(wanted)
    if named is not None:
        scheme = named[1].lower()
        return _named(SCHEMES.get(scheme, scheme), named[2].strip(), normalise_phone)
    found: list[Address] = []
    if MAILBOX.fullmatch(wanted):
        found += [Address("email", wanted), Address("xmpp", wanted.partition("/")[0])]
    if NUMBER.fullmatch(wanted):
        found += _numbers(wanted, normalise_phone)
    if SESSION.fullmatch(wanted.partition(".")[0]):
        found.append(Address("webchat", wanted.partition(".")[0]))
    found += [Address(scheme, wanted) for scheme in ("loopback", "letter", "counter")]
    return tuple(found)


def case_number(text: str) -> int | None:
    """Return the case's number that a text may be: «#1042» always, «1042» when it is too short for a telephone's."""
    found = CASE.fullmatch(text.strip())
    if found is None or (not text.strip().startswith("#") and len(found[1]) > LONGEST_BARE):
        return None
    return int(found[1])


LONGEST_BARE: Final = 7  # digits of a case's number without its sign; a telephone's has eight


def squeezed(value: str) -> str:
    """Return an address as it is compared: without spaces and signs between digits, and without case."""
    kept = value.strip().casefold()
    return re.sub(r"[\s().\u00a0/-]", "", kept) if NUMBER.fullmatch(kept) else kept


def _named(scheme: str, value: str, normalise_phone: Callable[[str], str]) -> tuple[Address, ...]:
    if scheme in ("tel", "phone"):
        return tuple(one for one in _numbers(value, normalise_phone) if one.scheme == scheme)
    if scheme == "webchat":
        value = value.partition(".")[0]
    return (Address(scheme, value),)


def _numbers(value: str, normalise_phone: Callable[[str], str]) -> list[Address]:
    normal = normalise_phone(value)
    forms = dict.fromkeys((normal, squeezed(value), *(normal[cut:] for cut in (1, 3) if normal.startswith("+"))))
    return [Address("tel", normal), *(Address("phone", form) for form in forms)]
