"""What the bot is and how it decides, told from the running configuration: one source for the page and for its JSON.

Public registers of algorithms (Amsterdam's and Helsinki's) ask for the same: purpose, data, logic, people, contact.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

import phonenumbers
from babel.dates import get_day_names

from contactbot.conversation.understand import Knowledge
from contactbot.house import House
from contactbot.messages import Account
from contactbot.municipality import Municipality
from contactbot.privacy.facts import LABELS, ChannelInUse, Kept, facts
from contactbot.settings import WEEKDAYS, Hours
from contactbot.web.residents import words
from contactbot.wording.words import Words

NAMES: Final = LABELS
# Classes of data that hold nothing of residents; their times stand in the privacy papers.
OF_STAFF: Final = ("sessions", "sign_in_attempts", "form_keys", "staff_accounts", "knowledge_versions")


@dataclass(frozen=True, slots=True)
class WayIn:
    """One of our addresses as residents see it: what to call it, how to show it, and where a click leads."""

    channel: str
    name: str
    shown: str
    link: str


@dataclass(frozen=True, slots=True)
class HowSure:
    """How sure the bot must be on a channel, in percent, to answer and to offer so many choices at most."""

    name: str
    answers_from_percent: int
    choices_from_percent: int
    most_choices: int


@dataclass(frozen=True, slots=True)
class Supplier:
    """Somebody who handles the messages of a channel; ``name`` is "" where the configuration does not tell it."""

    channel: str
    name: str
    outside_eea: bool


@dataclass(frozen=True, slots=True)
class AboutBot:
    """Everything that is told. Days are calendar days unless named otherwise."""

    municipality: str
    software: str
    kind: str
    language_model: bool
    learns_by_itself: bool
    answers: int
    answers_by_language: Mapping[str, int]
    revision: int
    channels: tuple[HowSure, ...]
    opening_hours: tuple[tuple[str, str], ...]
    answered_within_working_days: int
    kept: tuple[Kept, ...]
    suppliers: tuple[Supplier, ...]
    safe_form: str
    masked_terms: int
    asks_how_it_went: bool
    contact: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return asdict(self)


def about_bot(house: House, town: Municipality, knowledge: Knowledge) -> AboutBot:
    """Return what is to be told of a municipality's bot, from what runs now; the privacy papers tell the same."""
    stands = facts(house.settings, town, house.channels)
    configured = house.settings.municipalities[town.id]
    contact = {"phone": town.phone, "email": town.email, "website": town.website}
    return AboutBot(
        municipality=town.name,
        software=f"contactbot {version('contactbot')}",
        kind="answers written by editors, found by likeness of words",
        language_model=False,
        learns_by_itself=False,
        answers=len(knowledge.entries),
        answers_by_language=_by_language(knowledge),
        revision=knowledge.revision,
        channels=tuple(_how_sure(channel) for channel in stands.channels if channel.name in NAMES),
        opening_hours=tuple(opening_hours(configured.hours, words(town.main_language))),
        answered_within_working_days=town.answer_within_working_days,
        kept=tuple(one for one in stands.retention if one.name not in OF_STAFF),
        suppliers=tuple(
            Supplier(channel.label, one.name, one.outside_eea)
            for channel in stands.channels
            for one in channel.recipients
        ),
        safe_form=stands.safe_form,
        masked_terms=stands.masked_terms,
        asks_how_it_went=stands.survey,
        contact={name: value for name, value in contact.items() if value},
    )


def _how_sure(channel: ChannelInUse) -> HowSure:
    return HowSure(channel.label, channel.answers_from_percent, channel.choices_from_percent, channel.most_choices)


def ways_in(house: House, town: Municipality) -> tuple[WayIn, ...]:
    """Return every address of the municipality that residents may write to, the web chat first."""
    order = list(NAMES)
    found = [
        _way(account)
        for channel in house.channels.values()
        for account in channel.accounts
        if account.municipality == town.id and account.kind == "service" and account.channel in NAMES
    ]
    return tuple(sorted(found, key=lambda way: order.index(way.channel)))


def opening_hours(hours: Hours, spoken: Words) -> Iterator[tuple[str, str]]:
    """Yield runs of days with the same hours, such as ``mandag–fredag`` and ``08.00–15.30``."""
    runs: list[tuple[str, str, str]] = []
    days = get_day_names("wide", locale=spoken.lang)
    for number, name in enumerate(WEEKDAYS):
        day, words = days[number], _intervals(getattr(hours, name)) or spoken["closed"]
        if runs and runs[-1][2] == words:
            runs[-1] = (runs[-1][0], day, words)
        else:
            runs.append((day, day, words))
    for first, last, words in runs:
        yield (first if first == last else f"{first}–{last}"), words


def _intervals(intervals: tuple[str, ...]) -> str:
    return ", ".join(one.replace(" ", "").replace(":", ".").replace("-", "–") for one in intervals)


def _way(account: Account) -> WayIn:
    shown, link = account.address, f"{account.channel}:{account.address}"
    match account.channel:
        case "webchat":
            shown, link = "Åpne nettpraten", f"/chat/{quote(account.address)}"
        case "email":
            link = f"mailto:{account.address}"
        case "sms":
            shown = spaced(account.address)
    return WayIn(account.channel, NAMES[account.channel], shown, link)


def _by_language(knowledge: Knowledge) -> dict[str, int]:
    counts: dict[str, int] = {}
    for entry in knowledge.entries.values():
        for language in entry.languages:
            counts[language] = counts.get(language, 0) + 1
    return counts


def spaced(number: str) -> str:
    """Return an E.164 number with spaces where its country has them; a short code as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:  # a short code
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
