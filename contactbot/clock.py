"""The one place that asks what time it is. Everything else is told, in aware UTC."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present moment as aware UTC with microseconds."""
    return datetime.now(UTC)
