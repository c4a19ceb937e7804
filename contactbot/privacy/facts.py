"""What the running configuration means for residents' privacy: the one source of the papers and of the public pages.

Everything is a plain value, so a later edition can be compared with an earlier one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from contactbot.channels.base import Channel
from contactbot.kb.matching import THRESHOLDS
from contactbot.municipality import Municipality
from contactbot.privacy.retention import classes
from contactbot.settings import Settings

LABELS: Final = {"webchat": "Nettprat", "email": "E-post", "sms": "SMS", "xmpp": "XMPP"}
ON_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost", "")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who handles messages for us; ``name`` and ``country`` are "" where only the municipality knows them."""

    service: str
    host: str
    name: str
    country: str
    outside_eea: bool


@dataclass(frozen=True, slots=True)
class ChannelInUse:
    """A channel the municipality has an address on, and how sure the bot must be there (percent) to answer or offer."""

    name: str
    label: str
    addresses: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    answers_from_percent: int
    choices_from_percent: int
    most_choices: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How long a class of data is kept; ``days`` is None where something else than time decides."""

    name: str
    label: str
    days: int | None
    starts: str
    remains: str
    basis: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A municipality's service as it runs. Truth values are conditions that measures and risks name.

    ``masked_terms`` is how many words the municipality's own list has; the words themselves are nobody else's.
    """

    municipality: str
    contact: tuple[tuple[str, str], ...]
    software: str
    public_url: str
    channels: tuple[ChannelInUse, ...]
    retention: tuple[Kept, ...]
    answer_within_working_days: int
    safe_form: str
    masked_terms: int
    database: Literal["sqlite", "postgresql"]
    database_host: str
    shared_with: tuple[str, ...]
    survey: bool
    backups_sealed: bool
    web_encrypted: bool
    desk_apart: bool
    mail_encrypted: bool
    senders_proven: bool

    @property
    def webchat(self) -> bool:
        """Whether residents can write in the web chat."""
        return any(channel.name == "webchat" for channel in self.channels)

    @property
    def shared(self) -> bool:
        """Whether other municipalities are served by the same installation."""
        return bool(self.shared_with)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Everybody who handles messages for us, each once."""
        return tuple(dict.fromkeys(one for channel in self.channels for one in channel.recipients))

    @property
    def outside_eea(self) -> tuple[str, ...]:
        """The recipients that are known to be seated where another law than ours protects personal data."""
        return tuple(one.name or one.host for one in self.recipients if one.outside_eea)

    def kept(self, name: str) -> Kept:
        """Return how long a class of data is kept. Raises LookupError."""
        return next(one for one in self.retention if one.name == name)

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return asdict(self)


def facts(settings: Settings, town: Municipality, channels: Mapping[str, Channel]) -> Facts:
    """Return what is to be told of a municipality's service."""
    contact = (("phone", town.phone), ("email", town.email), ("website", town.website))
    mail = settings.channels.get("email", {})
    postgresql = settings.database_url.startswith("postgresql")
    return Facts(
        municipality=town.name,
        contact=tuple((way, value) for way, value in contact if value),
        software=f"contactbot {version('contactbot')}",
        public_url=settings.public_url,
        channels=tuple(_channels(town, channels)),
        retention=tuple(_kept(row) for row in classes.table(town)),
        answer_within_working_days=town.answer_within_working_days,
        safe_form=town.safe_form,
        masked_terms=len(town.masked_terms),
        database="postgresql" if postgresql else "sqlite",
        database_host=(urlsplit(settings.database_url).hostname or "") if postgresql else "",
        shared_with=tuple(one.name for key, one in settings.municipalities.items() if key != town.id),
        survey=settings.conversation.survey,
        backups_sealed=bool(settings.backup_key.get_secret_value()),
        web_encrypted=settings.public_url.startswith("https:"),
        desk_apart=settings.desk_url not in ("", settings.public_url),
        mail_encrypted=_mail_encrypted(mail, town.id),
        senders_proven=bool(mail.get("authserv_ids")),
    )


def _channels(town: Municipality, channels: Mapping[str, Channel]) -> Iterable[ChannelInUse]:
    order = [*LABELS, *channels]
    for name, channel in sorted(channels.items(), key=lambda pair: order.index(pair[0])):
        addresses = tuple(account.address for account in channel.accounts if account.municipality == town.id)
        if addresses:
            recipients = tuple(
                Recipient(one.service, one.host, one.name, one.country, _is_abroad(one.country, town))
                for one in channel.recipients()
            )
            limits = THRESHOLDS[channel.abilities.length]
            yield ChannelInUse(
                name, LABELS.get(name, name), addresses, recipients,
                round(limits.answer * 100), round(limits.choices * 100), limits.most_choices,
            )  # fmt: skip


def _is_abroad(country: str, town: Municipality) -> bool:
    return bool(country) and country not in town.place.one_law_for_data


def _kept(row: classes.Row) -> Kept:
    return Kept(row.data.name, row.data.title, row.keep.days, row.data.starts, row.data.remains, row.keep.basis)


def _mail_encrypted(mail: Mapping[str, Any], key: str) -> bool:
    """Tell whether mail is handed on over verified TLS only; of what a relay does with it nothing is known."""
    relay = mail.get("relay", {})
    if relay.get("tls", "starttls") in ("starttls", "tls"):
        return True
    own = [account for account in mail.get("accounts", ()) if account.get("municipality", key) in (key, "")]
    return bool(own) and all(account.get("require_tls") for account in own)
