"""The statements about staff and their sessions."""

from datetime import datetime

from contactbot.errors import ConflictError
from contactbot.staff.member import ATTEMPT_WINDOW, SESSION_REST, Member, Role
from contactbot.storage.transaction import Transaction

MEMBER = "s.id, s.municipality, s.email, s.name, s.role, s.shortcuts, g.name AS team_name"
MEMBER_FROM = " FROM staff s LEFT JOIN team g ON g.id = s.team"


def add(  # noqa: PLR0913 - the columns of one row
    tx: Transaction, municipality: str, email: str, name: str, role: Role, password_hash: str, team: str, at: datetime
) -> int:
    """Add somebody who may sign in; return the id. Raises ConflictError when the email address is taken."""
    email = email.strip().casefold()
    if tx.value("SELECT id FROM staff WHERE email = :email", email=email) is not None:
        raise ConflictError(f"somebody with the address {email} is there already")
    team_id = tx.value(
        "SELECT id FROM team WHERE municipality = :municipality AND name = :team", municipality=municipality, team=team
    )
    return tx.insert(
        "staff", municipality=municipality, email=email, name=name, role=role, password_hash=password_hash,
        team=team_id, created_at=at,
    )  # fmt: skip


def set_password(tx: Transaction, staff: int, password_hash: str) -> None:
    """Change a password; every session of the member ends."""
    tx.execute("UPDATE staff SET password_hash = :hash WHERE id = :id", hash=password_hash, id=staff)
    tx.execute("DELETE FROM session WHERE staff = :id", id=staff)


def set_shortcuts(tx: Transaction, staff: int, on: bool) -> None:  # noqa: FBT001 - a unit's arguments are positional
    """Switch the member's keyboard shortcuts on or off (WCAG 2.1.4)."""
    tx.execute("UPDATE staff SET shortcuts = :on WHERE id = :id", on=on, id=staff)


def password_of(tx: Transaction, email: str) -> tuple[int, str] | None:
    """Return id and password hash of somebody who may sign in."""
    found = tx.row(
        "SELECT id, password_hash FROM staff WHERE email = :email AND disabled_at IS NULL",
        email=email.strip().casefold(),
    )
    return None if found is None else (int(found[0]), str(found[1]))


def everybody(tx: Transaction, municipality: str) -> tuple[Member, ...]:
    """Return the municipality's staff by name."""
    return tuple(
        tx.all(
            Member,
            f"SELECT {MEMBER}{MEMBER_FROM} WHERE s.municipality = :municipality AND s.disabled_at IS NULL"
            " ORDER BY s.name",
            municipality=municipality,
        )
    )


def failures(tx: Transaction, email: str, now: datetime) -> int:
    """Return how many wrong passwords were tried for this name lately, since the last right one."""
    return int(
        tx.value(
            "SELECT count(*) FROM sign_in_attempt WHERE email = :email AND succeeded = 0 AND at > :since AND at >"
            " coalesce((SELECT max(at) FROM sign_in_attempt WHERE email = :email AND succeeded = 1), '')",
            email=email.strip().casefold(),
            since=now - ATTEMPT_WINDOW,
        )
    )


def note_attempt(tx: Transaction, email: str, at: datetime, succeeded: bool) -> None:  # noqa: FBT001 - a unit's arguments are positional
    """Keep that somebody tried to sign in."""
    tx.insert("sign_in_attempt", email=email.strip().casefold(), at=at, succeeded=succeeded)


def open_session(tx: Transaction, staff: int, token_hash: str, at: datetime, expires_at: datetime) -> None:
    """Keep a session under the hash of its token."""
    tx.execute(
        "INSERT INTO session (municipality, token_hash, staff, created_at, seen_at, expires_at)"
        " SELECT municipality, :hash, id, :at, :at, :expires_at FROM staff WHERE id = :staff",
        hash=token_hash,
        staff=staff,
        at=at,
        expires_at=expires_at,
    )


def member_of_session(tx: Transaction, token_hash: str, now: datetime) -> Member | None:
    """Return who a session belongs to, while it lasts."""
    return tx.one(
        Member,
        f"SELECT {MEMBER}{MEMBER_FROM} JOIN session x ON x.staff = s.id"
        " WHERE x.token_hash = :hash AND x.expires_at > :now AND x.seen_at > :rest AND s.disabled_at IS NULL",
        hash=token_hash,
        now=now,
        rest=now - SESSION_REST,
    )


def touch_session(tx: Transaction, token_hash: str, now: datetime) -> None:
    """Note that a session is in use."""
    tx.execute("UPDATE session SET seen_at = :now WHERE token_hash = :hash", now=now, hash=token_hash)


def end_session(tx: Transaction, token_hash: str) -> None:
    """End a session."""
    tx.execute("DELETE FROM session WHERE token_hash = :hash", hash=token_hash)
