"""A member of staff, and what each role may do. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

SESSION_LIFE = timedelta(hours=12)  # a working day; then one signs in again
SESSION_REST = timedelta(hours=2)  # without any request
ATTEMPTS = 10  # wrong passwords for one name
ATTEMPT_WINDOW = timedelta(minutes=15)  # within which they count


class Role(StrEnum):
    """What somebody is here for."""

    STAFF = "staff"  # works on cases
    EDITOR = "editor"  # also edits the knowledge base
    PRIVACY = "privacy"  # the privacy officer: sees who saw what, and what is kept, but works on no cases
    ADMIN = "admin"  # also manages people and settings


# What each role may do: whoever watches over the cases does not work on them.
MAY: Mapping[Role, frozenset[Role]] = {
    Role.STAFF: frozenset({Role.STAFF}),
    Role.EDITOR: frozenset({Role.STAFF, Role.EDITOR}),
    Role.PRIVACY: frozenset({Role.PRIVACY}),
    Role.ADMIN: frozenset(Role),
}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may sign in."""

    id: int
    municipality: str
    email: str
    name: str
    role: Role
    shortcuts: bool
    team_name: str | None = None

    def may(self, role: Role) -> bool:
        """Whether this member may do what ``role`` is for."""
        return role in MAY[self.role]
