"""The municipalities that the configuration describes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

from contactbot.errors import SettingsError
from contactbot.municipality import Municipality
from contactbot.places import place
from contactbot.places.calendar import OpeningHours
from contactbot.places.place import Keep, Place
from contactbot.settings import WEEKDAYS, Hours, MunicipalitySettings


def municipalities(described: Mapping[str, MunicipalitySettings], public_url: str) -> dict[str, Municipality]:
    """Return a municipality for each table of the configuration, under its key.

    Raises UnknownPlaceError for a country the house does not know, SettingsError for a retention time it cannot have.
    """
    alone = len(described) == 1
    return {
        key: _municipality(key, settings, f"{public_url}/personvern{'' if alone else f'/{key}'}")
        for key, settings in described.items()
    }


def _municipality(key: str, settings: MunicipalitySettings, privacy_url: str) -> Municipality:
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
        names_staff=settings.staff_shown == "first_name",
        privacy_url=privacy_url,
        retention=_retention(key, settings.retention, where),
        secure_place=settings.secure_place,
        phone=settings.phone,
        email=settings.email,
        website=settings.website,
        safe_form=settings.safe_form,
        masked_terms=settings.masked_terms,
    )


def _retention(key: str, chosen: Mapping[str, int], where: Place) -> dict[str, Keep]:
    """Return how long each class of data is kept: the country's times, and where the municipality says so its own.

    Raises SettingsError for a class that does not exist and for a time that the law does not leave to choose.
    """
    named = f"municipalities.{key}.retention"
    table = dict(where.retention)
    for name, days in chosen.items():
        keep = table.get(name)
        if keep is None:
            raise SettingsError(f"{named}.{name}: there is no such class of data; there are {', '.join(table)}")
        if keep.days is None:
            raise SettingsError(f"{named}.{name}: no time can be set for this ({keep.basis})")
        if days < keep.least:
            raise SettingsError(f"{named}.{name}: at least {keep.least} days, not {days} ({keep.least_source})")
        table[name] = replace(keep, days=days)
    return table


def _weekly(hours: Hours) -> dict[int, tuple[tuple[time, time], ...]]:
    return {number: tuple(_interval(text) for text in getattr(hours, name)) for number, name in enumerate(WEEKDAYS)}


def _interval(text: str) -> tuple[time, time]:
    opens, _, closes = text.partition("-")
    return time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())
