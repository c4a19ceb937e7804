"""The configuration: one TOML file and the environment, read once, typed, and refused with the key's name when wrong.

Environment variables win over the file: ``CONTACTBOT_SECRET``, ``CONTACTBOT_CHANNELS__EMAIL__RELAY_PASSWORD`` (two
underscores go one level down).
"""

import tomllib
from datetime import date, time
from importlib.metadata import entry_points
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from contactbot.errors import SettingsError

CHANNELS = "contactbot.channels"  # the entry points' group
SECRET_BYTES = 32  # the least a signing key may have, as long as SHA-256's output (RFC 2104 section 3)
BACKUP_KEY_CHARACTERS = 20  # the least a passphrase for backups may have; scrypt makes each guess cost
HIGHEST_PORT = 65535
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _interval(text: str) -> str:
    opens, _, closes = text.partition("-")
    time.fromisoformat(opens.strip())
    time.fromisoformat(closes.strip())
    return text


def _no_slash(text: str) -> str:
    return text.rstrip("/")


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise ValueError("write an address and a port, such as 127.0.0.1:8080")
    return text


Network = Annotated[str, AfterValidator(_network)]
Interval = Annotated[str, AfterValidator(_interval)]
BaseUrl = Annotated[str, AfterValidator(_no_slash)]


class Part(BaseModel):
    """A table of the file: unknown keys are errors, so a misspelt one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(Part):
    """When people answer, in the municipality's own time, as lists of intervals such as ``["08:00-15:30"]``."""

    mon: tuple[Interval, ...] = Field(("08:00-15:30",), description="Intervals on Mondays.")
    tue: tuple[Interval, ...] = Field(("08:00-15:30",), description="Intervals on Tuesdays.")
    wed: tuple[Interval, ...] = Field(("08:00-15:30",), description="Intervals on Wednesdays.")
    thu: tuple[Interval, ...] = Field(("08:00-15:30",), description="Intervals on Thursdays.")
    fri: tuple[Interval, ...] = Field(("08:00-15:30",), description="Intervals on Fridays.")
    sat: tuple[Interval, ...] = Field((), description="Intervals on Saturdays.")
    sun: tuple[Interval, ...] = Field((), description="Intervals on Sundays.")
    closed_days: tuple[date, ...] = Field((), description="Local closing days (dates) beside the public holidays.")


class MunicipalitySettings(Part):
    """One municipality that this installation serves; the table's name is its identifier."""

    name: str = Field(description="The name residents know, such as `Fjordvik kommune`.")
    country: str = Field("NO", description="ISO 3166 code; decides holidays, number plan, help lines and national ids.")
    main_language: str = Field(
        "nb", description="Language of answers when the resident's own form has none (nb, nn, en)."
    )
    time_zone: str = Field("Europe/Oslo", description="IANA time zone of opening hours and deadlines.")
    phone: str = Field("", description="The service desk's telephone number, as residents should see it.")
    email: str = Field("", description="The service desk's email address, as residents should see it.")
    website: str = Field("", description="Address of the municipality's website.")
    host: str = Field(
        "",
        description=(
            "Host name of the municipality's own public pages, such as `chat.fjordvik.example`, where the installation"
            " serves several; any other host gets the first municipality that names none, and where all do, a list of"
            " them."
        ),
    )
    hours: Hours = Field(default_factory=Hours, description="When people answer.")
    answer_within_working_days: int = Field(
        2, ge=0, le=60, description="Working days until a person has answered; residents are promised this time."
    )
    staff_shown: Literal["first_name", "role"] = Field(
        "first_name",
        description="How residents see who of the staff writes: by `first_name`, or only that it is a member of staff"
        " (`role`).",
    )
    safe_form: str = Field(
        "",
        pattern=r"^(https://\S+)?$",
        description=(
            "Address (https) of a form where residents can safely send national ids and the like; told to whoever "
            "wrote such a number."
        ),
    )
    masked_terms: tuple[str, ...] = Field(
        (),
        description=(
            "Words and phrases taken out of what residents write, as numbers are: of health, faith and other special "
            "categories (GDPR article 9), such as `schizofren*`; `*` stands for any ending. Staff may see "
            "the original with a reason."
        ),
    )
    teams: tuple[str, ...] = Field(
        ("Innbyggerservice",), min_length=1, description="Teams; the first takes what no other does."
    )
    secure_place: str = Field(
        "Altinn",
        min_length=1,
        description="Where residents read, signed in, what open channels never carry; notices name it.",
    )
    retention: dict[str, Annotated[int, Field(ge=0, le=36500)]] = Field(
        default_factory=dict,
        description=(
            "Days that a class of data is kept, such as `bot_conversations = 14`; classes, defaults and minimums: "
            "`contactbot privacy retention`."
        ),
    )


class DeliverySettings(Part):
    """How outgoing messages are tried."""

    workers: int = Field(20, ge=1, le=500, description="Messages on their way at the same time.")
    first_retry: float = Field(5, gt=0, description="Seconds until the second attempt; each further wait is doubled.")
    longest_retry: float = Field(900, gt=0, description="Seconds; no wait between attempts is longer.")
    give_up_after: float = Field(
        72, gt=0, description="Hours after which an undelivered message is given up and shown to staff."
    )
    resend_unknown_mail: bool = Field(
        default=True,
        description="Send a mail once more when a crash left it unknown whether it had left (same Message-ID).",
    )
    unread_minutes: float = Field(
        10,
        gt=0,
        description=(
            "Minutes a staff answer may stay unread in the web chat before it goes to the address the resident left."
        ),
    )


class ConversationSettings(Part):
    """How the bot behaves."""

    flood_messages: int = Field(
        30, ge=3, description="Messages from one address within five minutes after which the bot is silent."
    )
    flood_repeats: int = Field(
        8, ge=2, description="Equal messages from one address within five minutes after which the bot is silent."
    )
    thread_rest_hours: float = Field(
        24,
        gt=0,
        description=(
            "Hours of rest after which a new message on a remembering channel starts a new thread, "
            "when no case is open."
        ),
    )
    survey: bool = Field(default=True, description="Ask `fikk du svar?` when a case is closed.")


class KnowledgeSettings(Part):
    """How questions are matched with answers."""

    encoder: Path | None = Field(
        None,
        description=(
            "Folder of a sentence encoder (a BERT as sentence-transformers writes it: `config.json`, `vocab.txt`, "
            "`model.safetensors`) that counts beside words and letters. A question then costs some 10 ms of CPU, and "
            "each text of the base as much at the start. None: words and letters alone."
        ),
    )


class Settings(BaseSettings):
    """The whole configuration of one installation."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="CONTACTBOT_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    public_url: BaseUrl = Field(
        description="The address residents reach, without a trailing slash; webhook signatures are checked against it."
    )
    desk_url: BaseUrl = Field(
        "", description="The address staff reach when it differs; `/desk` and `/kb` then live only there."
    )
    listen: Annotated[str, AfterValidator(_host_and_port)] = Field(
        "127.0.0.1:8080", description="Address and port of the web server; TLS belongs to the proxy in front."
    )
    trusted_proxies: tuple[Network, ...] = Field(
        ("127.0.0.1", "::1"),
        description="Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed.",
    )
    data: Path = Field(Path("data"), description="Folder of the database and the channels' own files.")
    database: SecretStr = Field(
        SecretStr(""),  # it may hold a password
        description=(
            "Database URL; empty means an SQLite file in the data folder. `postgresql+psycopg://...` for PostgreSQL."
        ),
    )
    secret: SecretStr = Field(
        description=f"Key that signs tokens, at least {SECRET_BYTES} characters; `contactbot init` draws one."
    )
    backup_key: SecretStr = Field(
        SecretStr(""),
        description=(
            f"Key that backups are sealed with, at least {BACKUP_KEY_CHARACTERS} characters; empty: they are not "
            "sealed. Keep a copy of it where the backups are not: without it they cannot be read."
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe level that is logged."
    )
    municipalities: dict[str, MunicipalitySettings] = Field(
        min_length=1, description="The municipalities served, by identifier."
    )
    channels: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        repr=False,  # unread by any channel, and so with its secrets open
        exclude=True,
        description="One table per channel in use.",
    )
    delivery: DeliverySettings = Field(default_factory=DeliverySettings, description="Outgoing messages.")
    conversation: ConversationSettings = Field(default_factory=ConversationSettings, description="The bot.")
    kb: KnowledgeSettings = Field(default_factory=KnowledgeSettings, description="The matcher.")

    @property
    def database_url(self) -> str:
        """The database's URL, in the data folder when none is given."""
        return self.database.get_secret_value() or f"sqlite:///{(self.data / 'contactbot.db').absolute()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings names the parameters
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over what is given, which is the file."""
        return env_settings, init_settings


def load(path: Path) -> Settings:
    """Read the configuration.

    Raises SettingsError when the file is missing, is no TOML, or holds a wrong or misspelt key; the message names each.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no file {path}; 'contactbot init' writes one") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not readable as TOML: {error}") from error
    return from_values(content, str(path))


def from_values(content: dict[str, Any], source: str) -> Settings:
    """Return settings from nested values, such as a parsed file. Raises SettingsError naming each wrong key."""
    try:
        settings = Settings(**content)
    except ValidationError as error:
        raise SettingsError(_in_words(error, source)) from error
    if len(settings.secret.get_secret_value()) < SECRET_BYTES:
        raise SettingsError(
            f"{source}: secret must have at least {SECRET_BYTES} characters; 'contactbot init' draws one"
        )
    if 0 < len(settings.backup_key.get_secret_value()) < BACKUP_KEY_CHARACTERS:
        raise SettingsError(f"{source}: backup_key must have at least {BACKUP_KEY_CHARACTERS} characters, or be empty")
    known = {point.name for point in entry_points(group=CHANNELS)}
    unknown = sorted(set(settings.channels) - known)
    if unknown:
        raise SettingsError(
            f"{source}: channels.{unknown[0]}: there is no such channel; there are {', '.join(sorted(known))}"
        )
    return settings


def channel_settings(model: type[BaseModel], name: str, values: dict[str, Any]) -> BaseModel:
    """Return one channel's settings. Raises SettingsError naming each wrong key."""
    try:
        return model(**values)
    except ValidationError as error:
        raise SettingsError(_in_words(error, f"channels.{name}")) from error


def _in_words(error: ValidationError, source: str) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"])
        words = "no such setting; is it misspelt?" if problem["type"] == "extra_forbidden" else problem["msg"]
        words = words.removeprefix("Value error, ")  # pydantic's name for the ValueErrors of our own checks
        lines.append(f"{source}: {key}: {words}")
    return "\n".join(lines)
