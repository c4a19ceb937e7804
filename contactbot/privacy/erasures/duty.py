"""What may not be forgotten yet: a case that people work on, or that the archive has not decided about or received.

The right to erasure ends where the law demands the keeping (GDPR article 17 no. 3 b and d); once the archive has its
copy, or has said that it wants none, nothing speaks for keeping ours.
"""

from datetime import datetime
from enum import StrEnum

from contactbot.handoff.ticket import TicketState


class Duty(StrEnum):
    """Why a case stays, and so until when."""

    OPEN = "open"  # until people have closed it
    UNDECIDED = "undecided"  # until somebody has decided whether the archive shall have it
    UNARCHIVED = "unarchived"  # until the archive has received it


def duty_of(state: TicketState, archive: str, archived_at: datetime | None) -> Duty | None:
    """Return the duty to keep a case, None when it may be forgotten."""
    if state != TicketState.CLOSED:
        return Duty.OPEN
    if archive == "undecided":
        return Duty.UNDECIDED
    if archive == "keep" and archived_at is None:
        return Duty.UNARCHIVED
    return None
