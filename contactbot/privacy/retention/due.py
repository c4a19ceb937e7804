"""What a unit of retention is asked to do, and what it says it did. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Due:
    """Everything of a class whose clock started before a moment, of which one unit looks at ``limit`` rows.

    ``masked`` takes out of a text what nobody needs once its sender is gone. ``cursor`` is where the unit before came
    to, 0 at the beginning of a run.
    """

    municipality: str
    before: datetime
    now: datetime
    limit: int
    masked: Callable[[str], str]
    cursor: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What one unit deleted or emptied, in rows by table; ``more`` says that another unit has to go on."""

    deleted: Mapping[str, int]
    more: bool = False
    cursor: int = 0
