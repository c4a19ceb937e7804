"""A member of staff, and what each role may do. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

SESSION_LIFE = timedelta(hours=12)  # a working day; then one signs in again
SESSION_REST = timedelta(hours=2)  # without any request
ATTEMPTS = 10  # wrong passwords for one name
ATTEMPT_WINDOW = timedelta(minutes=15)  # within which they count


class Role(StrEnum):
    """What somebody is here for; each role may do what those before it may."""

    STAFF = "staff"  # works on cases
    EDITOR = "editor"  # also edits the knowledge base
    ADMIN = "admin"  # also manages people and settings


ORDER = (Role.STAFF, Role.EDITOR, Role.ADMIN)


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
        return ORDER.index(self.role) >= ORDER.index(role)
