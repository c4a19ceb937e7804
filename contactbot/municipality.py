"""A municipality as the house knows it: its settings together with its country's rules."""

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from contactbot.places import place
from contactbot.places.calendar import OpeningHours
from contactbot.places.place import Place
from contactbot.settings import WEEKDAYS, Hours, MunicipalitySettings
from contactbot.wording import say, spoken


@dataclass(frozen=True, slots=True)
class Municipality:
    """Who answers: name, language, place, opening hours and the time residents are promised."""

    id: str
    name: str
    main_language: str
    zone: ZoneInfo
    place: Place
    hours: OpeningHours
    answer_within_working_days: int
    teams: tuple[str, ...]
    privacy_url: str
    phone: str = ""
    email: str = ""
    website: str = ""

    def due(self, at: datetime) -> datetime:
        """Return when a person will have answered what comes in at ``at``."""
        return self.hours.add_working_days(at, self.answer_within_working_days)

    def in_words(self, key: str, at: datetime, language: str) -> str:
        """Return wording ``key`` with the local weekday, date and time of ``at`` filled in."""
        local = at.astimezone(self.zone)
        locale = spoken(language)
        return say(
            locale,
            key,
            weekday=format_date(local, "EEEE", locale=locale),
            date=format_date(local, "d. MMMM" if locale != "en" else "d MMMM", locale=locale),
            time=format_time(local, "HH.mm" if locale != "en" else "HH:mm", locale=locale),
        )

    def opening(self, at: datetime, language: str) -> tuple[bool, str]:
        """Say whether people are there, and in one sentence what that means for the resident."""
        if self.hours.is_open(at):
            return True, say(language, "open_now")
        return False, self.in_words("opens_at", self.hours.next_open(at), language)


def municipality(key: str, settings: MunicipalitySettings, public_url: str) -> Municipality:
    """Return the municipality that a table of the configuration describes.

    Raises UnknownPlaceError for a country the house does not know.
    """
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
    return {
        number: tuple(_interval(text) for text in getattr(hours, name)) for number, name in enumerate(WEEKDAYS)
    }


def _interval(text: str) -> tuple[time, time]:
    opens, _, closes = text.partition("-")
    return time.fromisoformat(opens.strip()), time.fromisoformat(closes.strip())
