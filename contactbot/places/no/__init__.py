"""Norway, as the rest of the house sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from contactbot.places.no.accounts import account_numbers
from contactbot.places.no.addresses import street_addresses
from contactbot.places.no.help_lines import help_lines
from contactbot.places.no.holidays import PublicHolidays
from contactbot.places.no.national_ids import national_ids
from contactbot.places.no.phones import normalise_phone, phones
from contactbot.places.no.retention import NEVER_OPEN, RETENTION
from contactbot.places.place import Clock, Place

_HOLIDAYS: Final = PublicHolidays()
# The European Economic Area: the members of the Union, and Iceland, Liechtenstein and Norway (EEA agreement, GDPR).
_EEA: Final = frozenset((
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
))  # fmt: skip

PLACE: Final = Place(
    country="no",
    zone=ZoneInfo("Europe/Oslo"),
    languages=("nb", "nn", "se", "en"),
    holidays=_HOLIDAYS,
    holiday_name=_HOLIDAYS.name,
    clocks={
        # A provisional reply is due when an answer takes longer than a month; staff are warned at day 21.
        "answer": Clock(months=1, warn_after_days=21, source="forvaltningsloven § 11 a"),
        # No answer to an access request in five working days is a refusal that can be appealed.
        "access_request": Clock(working_days=5, warn_after_days=3, source="offentleglova §§ 29 og 32"),
    },
    help_lines=help_lines,
    retention=RETENTION,
    never_open=NEVER_OPEN,
    papers=Path(__file__).parent / "papers",
    one_law_for_data=_EEA,
    normalise_phone=normalise_phone,
    national_ids=national_ids,
    account_numbers=account_numbers,
    phones=phones,
    street_addresses=street_addresses,
)
