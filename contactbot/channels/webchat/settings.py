"""What an operator says about the web chat."""

import re
from datetime import tzinfo
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contactbot.channels.webchat.files import TYPES
from contactbot.channels.webchat.wording import LANGUAGES
from contactbot.places import UnknownPlaceError, place
from contactbot.settings import Network

RESERVED_SITES = frozenset({"static"})  # a path of our own under /chat


def _origin(value: str) -> str:
    parts = urlsplit(value)
    port = f":{parts.port}" if parts.port else ""
    origin = f"{parts.scheme}://{parts.hostname}{port}"
    if parts.scheme not in ("http", "https") or value.rstrip("/").lower() != origin:
        raise ValueError(f"{value!r} is not an origin; write scheme and host only, such as https://www.kommune.example")
    return origin


def _site(value: str) -> str:
    if value in RESERVED_SITES:
        raise ValueError(f"{value!r} is a path of the web chat itself; choose another site key")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


def _language(value: str) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"{value!r} is not among {', '.join(LANGUAGES)}")
    return value


def _time_zone(value: str) -> str:
    if value and value not in available_timezones():
        raise ValueError(f"{value!r} is not an IANA time zone")
    return value


def _file_ending(value: str) -> str:
    if value not in TYPES:
        raise ValueError(f"{value!r} is not among {', '.join(sorted(TYPES))}")
    return value


FileEnding = Annotated[str, AfterValidator(_file_ending)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Origin = Annotated[str, AfterValidator(_origin)]
Language = Annotated[str, AfterValidator(_language)]


class Site(BaseModel):
    """One chat: its key, whose it is, where it may be embedded and how it looks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"), AfterValidator(_site)] = Field(
        description="Key in the address of the chat (/chat/KEY) and in the embed script's data-site. Required."
    )
    municipality: str = Field(description="Key of the municipality that answers here. Required.")
    sites: list[Origin] = Field(
        default_factory=list,
        description="Origins that may embed the chat, such as https://www.kommune.example. Default: only our own.",
    )
    title: str = Field(default="", max_length=60, description="Name in the header. Default: the municipality's name.")
    welcome: dict[Language, str] = Field(
        default_factory=dict, description="First words to the resident, by language. Default: the widget's own words."
    )
    brand: Colour = Field(default="#1d4f73", description="Colour of the header, #rrggbb. Default #1d4f73 (deep blue).")
    accent: Colour | None = Field(
        default=None,
        description="Colour of buttons and links, #rrggbb; darkened or lightened until it can be read. Default: brand.",
    )
    crest: Path | None = Field(
        default=None, description="Image file (.svg or .png) for the header. Default: a plain shield."
    )
    languages: list[Language] = Field(
        default=["nb", "nn", "en"],
        min_length=1,
        description="Languages a resident may choose, the first being the default: nb, nn, en, se. Default nb, nn, en.",
    )
    privacy_url: str = Field(
        default="/personvern",
        pattern=r"^(https?://|/)",
        description="Address of the privacy statement. Default /personvern.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="",
        description="IANA time zone of the times shown. Default: the first zone of the municipality's country.",
    )
    sensitive_pattern: Annotated[str, AfterValidator(_pattern)] = Field(
        default=r"(?<!\d)\d{6}[ .-]?\d{5}(?!\d)",
        description="Regular expression (JavaScript and Python alike) of what a resident is warned of before sending; "
        "empty = no warning. Default: eleven digits, perhaps parted after the sixth.",
    )

    def zone(self, country: str) -> tzinfo:
        """Return the zone of the times shown; ``country`` is the municipality's ISO 3166 code."""
        if self.time_zone:
            return ZoneInfo(self.time_zone)
        try:
            return place(country).zone
        except UnknownPlaceError:
            return ZoneInfo("UTC")


class WebchatSettings(BaseModel):
    """The table ``[channels.webchat]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: list[Site] = Field(default_factory=list, description="The chats, one table each. Default: none.")
    text_limit: int = Field(
        default=4000, ge=100, le=20_000, description="Longest message, in characters. Default 4000."
    )
    frame_limit: int = Field(
        default=65_536, ge=4096, le=1_048_576, description="Largest frame or form, in bytes. Default 65536."
    )
    file_limit: int = Field(
        default=10_485_760,
        ge=0,
        le=52_428_800,
        description="Largest file a resident may send to a person, in bytes; 0 = no files. Default 10485760 (10 MB).",
    )
    file_types: list[FileEnding] = Field(
        default=sorted(TYPES),
        description=f"Endings of the files that are taken, of {', '.join(sorted(TYPES))}. Default: all of them.",
    )
    session_days: float = Field(
        default=21,
        gt=0,
        le=365,
        description=(
            "How long a conversation's token is valid, in days; no longer than the municipality's retention of"
            " `bot_conversations`, after which there is nothing to come back to. Default 21."
        ),
    )
    heartbeat: float = Field(
        default=25, gt=0, le=120, description="Time between signs of life on an idle line, in seconds. Default 25."
    )
    send_timeout: float = Field(
        default=15,
        gt=0,
        le=120,
        description="A browser that takes nothing for this long is dropped, in seconds. Default 15.",
    )
    session_burst: int = Field(default=15, ge=1, description="Messages a conversation may send at once. Default 15.")
    session_per_minute: float = Field(
        default=20, gt=0, description="Messages a conversation may send in the long run, per minute. Default 20."
    )
    address_burst: int = Field(
        default=120,
        ge=1,
        description="Messages and new conversations one network address may send at once. Default 120.",
    )
    address_per_minute: float = Field(
        default=120, gt=0, description="The same in the long run, per minute. Default 120."
    )
    lines_per_address: int = Field(
        default=60, ge=1, description="Open lines (sockets and streams) per network address. Default 60."
    )
    trusted_proxies: list[Network] = Field(
        default=["127.0.0.0/8", "::1/128"],
        description="Networks whose X-Forwarded-For is believed. Default: this machine.",
    )

    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the trusted networks, parsed."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)
