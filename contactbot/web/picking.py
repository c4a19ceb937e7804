"""What forms send of cases that were ticked in a list, and of who shall have them. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from contactbot.handoff.sharing import Picked, Taker
from contactbot.handoff.store import LONGEST_NUMBER

MOST: Final = 100  # cases in one form: as many as a list shows
STAFF: Final = "staff:"
TEAM: Final = "team:"


def numbers(sent: Iterable[object]) -> Sequence[int]:
    """Return the numbers of the cases that were ticked."""
    return tuple(dict.fromkeys(int(one) for one in map(str, sent) if is_number(one)))[:MOST]


def picked(sent: Iterable[object]) -> Sequence[Picked]:
    """Return the cases that were ticked, each sent as ``number:holder`` with 0 for nobody."""
    parted = [str(one).partition(":") for one in sent]
    found = [
        Picked(int(number), int(holder) or None)
        for number, _, holder in parted
        if is_number(number) and is_number(holder)
    ]
    return tuple(dict.fromkeys(found))[:MOST]


def taker_of(sent: str) -> Taker:
    """Return who gets a case, sent as ``staff:number`` or ``team:name``; anything else is a team that is not there."""
    number = sent.removeprefix(STAFF)
    return Taker(staff=int(number)) if number != sent and is_number(number) else Taker(team=sent.removeprefix(TEAM))


def is_number(text: str) -> bool:
    """Say whether a text is a number of ours."""
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER


def cases(count: int) -> str:
    """Say how many cases."""
    return "1 sak" if count == 1 else f"{count} saker"
