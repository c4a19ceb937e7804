"""A municipality as the house knows it, with its country's rules. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from contactbot.masking import ALWAYS, Kind, Masked, mask
from contactbot.places.calendar import OpeningHours
from contactbot.places.place import Keep, Place
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
    retention: Mapping[str, Keep]
    secure_place: str
    phone: str = ""
    email: str = ""
    website: str = ""
    safe_form: str = ""
    masked_terms: tuple[str, ...] = ()
    names_staff: bool = True

    def shown_name(self, name: str) -> str:
        """Return what residents see of a member of staff's name: the first name, or "" where staff are not named."""
        return name.partition(" ")[0] if self.names_staff else ""

    def signature(self, name: str, language: str) -> str:
        """Return how a member of staff of that name signs what a resident reads in ``language``."""
        shown = self.shown_name(name)
        return say(language, "staff_name" if shown else "staff_unnamed", name=shown, municipality=self.name)

    def mask(self, text: str, kinds: Collection[Kind] = ALWAYS) -> Masked:
        """Take personal data of these kinds out of a text, and the words of the municipality's own list."""
        return mask(text, self.place, kinds, self.masked_terms)

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
