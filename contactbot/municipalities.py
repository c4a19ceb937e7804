"""The municipalities that the configuration describes."""

from collections.abc import Mapping
from datetime import time
from zoneinfo import ZoneInfo

from contactbot.municipality import Municipality
from contactbot.places import place
from contactbot.places.calendar import OpeningHours
from contactbot.settings import WEEKDAYS, Hours, MunicipalitySettings


def municipalities(described: Mapping[str, MunicipalitySettings], public_url: str) -> dict[str, Municipality]:
    """Return a municipality for each table of the configuration, under its key.

    Raises UnknownPlaceError for a country the house does not know.
    """
    return {key: _municipality(key, settings, public_url) for key, settings in described.items()}


def _municipality(key: str, settings: MunicipalitySettings, public_url: str) -> Municipality:
    where = place(settings.country)
    zone = ZoneInfo(settings.time_zone)
    return Municipality(
        id=key,
        name=settings.name,
        main_language=settings.main_language,
        zone=zone,
        place=where,
        hours=OpeningHours(_weekly(settings.hours), zone, frozenset(settings.hours.closed_days), where.holidays),
        answer_within_working_days=settings.answer_within_working_days,
        teams=settings.teams,
        privacy_url=f"{public_url}/personvern",
        phone=settings.phone,
        email=settings.email,
        website=settings.website,
    )


def _weekly(hours: Hours) -> dict[int, tuple[tuple[time, time], ...]]:
    return {number: tuple(_interval(text) for text in getattr(hours, name)) for number, name in enumerate(WEEKDAYS)}


def _interval(text: str) -> tuple[time, time]:
    opens, _, closes = text.partition("-")
    return time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())
