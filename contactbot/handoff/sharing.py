"""Who works on which case: one or many are given to a colleague or a team. Each function is a unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from contactbot.errors import NotFoundError
from contactbot.handoff import desk, store
from contactbot.handoff.desk import Actor
from contactbot.handoff.ticket import TicketState
from contactbot.staff import store as members
from contactbot.staff.member import Member, Role
from contactbot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Taker:
    """Who gets a case: a member of staff by number, or a team by name where that is None."""

    staff: int | None = None
    team: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """A case chosen in a list, and who had it there: None for nobody."""

    number: int
    holder: int | None


def workers(tx: Transaction, municipality: str) -> tuple[Member, ...]:
    """Return those of the municipality's staff who work on cases, by name."""
    return tuple(member for member in members.everybody(tx, municipality) if member.may(Role.STAFF))


def give(tx: Transaction, number: int, to: Taker, actor: Actor) -> None:
    """Give a case to a team, which leaves it to whoever takes it there, or to a member of staff.

    Raises NotFoundError for a case, team or member that is not there, and ConflictError for a closed case.
    """
    if to.staff is None:
        desk.assign(tx, number, to.team, actor)
    else:
        desk.give(tx, number, _worker(tx, actor.municipality, to.staff), actor)


def give_all(tx: Transaction, picked: Sequence[Picked], to: Taker, actor: Actor) -> list[int]:
    """Give several cases alike; return the numbers of those given.

    What is not there, was closed, or has got another holder meanwhile is left as it is. Raises NotFoundError for a team
    or member that is not there.
    """
    found = {one: store.by_number(tx, actor.municipality, one.number) for one in dict.fromkeys(picked)}
    given = [
        ticket.number
        for one, ticket in found.items()
        if ticket is not None and ticket.state != TicketState.CLOSED and ticket.assignee == one.holder
    ]
    for number in given:
        give(tx, number, to, actor)
    return given


def _worker(tx: Transaction, municipality: str, staff: int) -> Member:
    found = next((member for member in workers(tx, municipality) if member.id == staff), None)
    if found is None:
        raise NotFoundError(f"nobody with number {staff} works on cases here")
    return found
