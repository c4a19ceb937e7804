"""Times as staff read them: relative, with the exact one beside. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from babel.dates import format_date

LOCALE = "nb"
SOON = timedelta(hours=24)  # a deadline this near is marked
WEEK = 7  # days: within it a weekday says more than a date

Urgency = Literal["late", "soon", "later"]


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline in words; ``urgency`` decides its icon and colour, and the words alone are enough."""

    words: str
    urgency: Urgency


def exact(at: datetime, zone: tzinfo) -> str:
    """Return weekday, date and time in full, such as ``mandag 2. november 2026 kl. 14.05``."""
    local = at.astimezone(zone)
    return f"{format_date(local, 'EEEE d. MMMM y', locale=LOCALE)} kl. {local:%H.%M}"


def relative(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Return the time as short as it is clear: ``i dag 14.05``, ``i går 09.00``, ``fre. 14.05``, ``3. nov. 14.05``."""
    local = at.astimezone(zone)
    return f"{day(local.date(), now.astimezone(zone).date(), short=True)} {local:%H.%M}"


def day(then: date, today: date, *, short: bool = False) -> str:
    """Return a day as seen from today, with the year only where it is another."""
    away = (then - today).days
    near = {-1: "i går", 0: "i dag", 1: "i morgen"}.get(away)
    if near is not None:
        return near
    if abs(away) < WEEK:
        return format_date(then, "EEE" if short else "EEEE d. MMMM", locale=LOCALE)
    month = "MMM" if short else "MMMM"
    return format_date(then, f"d. {month}" if then.year == today.year else f"d. {month} y", locale=LOCALE)


def due(at: datetime, now: datetime, zone: tzinfo) -> Due:
    """Say a deadline as seen from now."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    if at <= now:
        return Due(f"Over frist ({_passed(now - at)})", "late")
    if local.date() == today:
        return Due(f"Frist i dag {local:%H.%M}", "soon")
    words = f"Frist {day(local.date(), today, short=True)}"
    return Due(words, "soon" if at - now <= SOON else "later")


def _passed(time: timedelta) -> str:
    if time < timedelta(hours=1):
        return f"{max(1, time // timedelta(minutes=1))} min"
    if time < timedelta(days=1):
        hours = time // timedelta(hours=1)
        return f"{hours} {'time' if hours == 1 else 'timer'}"
    days = time // timedelta(days=1)
    return f"{days} {'dag' if days == 1 else 'dager'}"
