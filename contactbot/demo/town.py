"""Fjordvik kommune, which does not exist: its configuration, its answers and its people."""

import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from contactbot.kb.entry import Entry, entries_from_jsonl
from contactbot.settings import Settings, from_values
from contactbot.staff.member import Role

KEY = "fjordvik"
NUMBER = "+4759440000"
MAILBOX = "post@fjordvik.example"
BOT = "fjordvik@localhost"
BLUE = "#0062ba"  # the accent of the pages' theme
RELAY = "relay.fjordvik.example"  # the name under which our relay says that a sender is proven


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works for the demo's municipality."""

    email: str
    name: str
    role: Role
    team: str


PEOPLE = (
    Person("kari@fjordvik.example", "Kari Nes", Role.STAFF, "Innbyggerservice"),
    Person("ola@fjordvik.example", "Ola Vik", Role.EDITOR, "Innbyggerservice"),
    Person("ada@fjordvik.example", "Ada Berg", Role.ADMIN, "Innbyggerservice"),
    Person("pia@fjordvik.example", "Pia Lie", Role.PRIVACY, "Dokumentsenteret"),
)
PASSWORD = "fjordvik-demo-2026"  # noqa: S105 - printed at the demo's start; the demo listens on this machine only

# The owners that the sample answers name; the first takes what nobody else does.
TEAMS = (
    "Innbyggerservice",
    "Barnevernet",
    "Boligkontoret",
    "Brann og redning",
    "Dokumentsenteret",
    "Eiendomsskattekontoret",
    "Flyktningtjenesten",
    "Helse og mestring",
    "Kultur og fritid",
    "NAV Fjordvik",
    "Natur og friluftsliv",
    "Næring",
    "Oppvekst",
    "Personalavdelingen",
    "Plan og byggesak",
    "Politisk sekretariat",
    "Teknisk drift",
    "Økonomiavdelingen",
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo's parts listen on 127.0.0.1; 0 lets the system choose."""

    web: int = 8080
    mail_in: int = 0
    mail_out: int = 0
    gateway_url: str = "http://127.0.0.1:1"


def base() -> tuple[Entry, ...]:
    """Return the sample answers."""
    folder = files("contactbot.demo").joinpath("base")
    parts = sorted((file for file in folder.iterdir() if file.name.endswith(".jsonl")), key=lambda file: file.name)
    return tuple(entry for part in parts for entry in entries_from_jsonl(part.read_text("utf-8")))


def settings(
    data: Path,
    ports: Ports | None = None,
    *,
    secret: str = "",
    twilio: tuple[str, str] | None = None,
    xmpp: dict[str, Any] | None = None,
) -> Settings:
    """Return the demo's configuration; without ports it is only a municipality, without channels."""
    return from_values(values(data, ports, secret=secret, twilio=twilio, xmpp=xmpp), "the demo's configuration")


def values(
    data: Path,
    ports: Ports | None = None,
    *,
    secret: str = "",
    twilio: tuple[str, str] | None = None,
    xmpp: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the configuration as it would stand in a file."""
    content: dict[str, Any] = {
        "public_url": f"http://127.0.0.1:{ports.web if ports else 8080}",
        "listen": f"127.0.0.1:{ports.web if ports else 8080}",
        "data": data,
        "secret": secret or secrets.token_urlsafe(32),
        "municipalities": {
            KEY: {
                "name": "Fjordvik kommune",
                "phone": "75 99 00 00",
                "email": MAILBOX,
                "website": "https://www.fjordvik.example",
                "teams": TEAMS,
            }
        },
    }
    if ports is not None and twilio is not None:
        content["channels"] = _channels(ports, twilio, xmpp)
    return content


def _channels(ports: Ports, twilio: tuple[str, str], xmpp: dict[str, Any] | None) -> dict[str, Any]:
    channels: dict[str, Any] = {
        "webchat": {"accounts": [{"site": KEY, "municipality": KEY, "title": "Fjordvik kommune", "brand": BLUE}]},
        "sms": {
            "twilio": {"account_sid": twilio[0], "auth_token": twilio[1], "api_url": ports.gateway_url},
            "numbers": [{"number": NUMBER, "municipality": KEY}],
        },
        "email": {
            "accounts": [{"address": MAILBOX, "municipality": KEY}],
            "listen": {"port": ports.mail_in},
            "relay": {"port": ports.mail_out, "tls": "none"},
            "authserv_ids": [RELAY],
        },
    }
    if xmpp is not None:
        channels["xmpp"] = {"accounts": {KEY: xmpp | {"municipality": KEY}}}
    return channels
