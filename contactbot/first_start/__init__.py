"""What ``contactbot init`` writes: a configuration, the first administrator, a systemd unit, a proxy example."""

import asyncio
import secrets
import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

from contactbot import settings as settings_
from contactbot.clock import now
from contactbot.errors import SettingsError
from contactbot.opening import opened
from contactbot.staff import password, store
from contactbot.staff.member import Role

CONFIGURATION: Final = "contactbot.toml"
UNIT: Final = "contactbot.service"
PROXY: Final = "nginx-example.conf"
FILES: Final = (CONFIGURATION, UNIT, PROXY)


@dataclass(frozen=True, slots=True)
class Answers:
    """The ten answers. An empty mailbox or number leaves that channel out."""

    name: str
    key: str
    language: str
    public_url: str
    website: str
    mailbox: str
    relay: str
    sms_number: str
    admin_email: str
    admin_password: str


def write_files(folder: Path, answers: Answers) -> list[Path]:
    """Write everything into ``folder``; nothing that exists is overwritten.

    Raises SettingsError when a file is there already, an answer cannot be used, or the password is too short.
    """
    try:
        hashed = password.hash_of(answers.admin_password)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    refuse_to_overwrite(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    try:
        for name, content in _contents(folder.absolute(), answers).items():
            written.append(folder / name)
            written[-1].touch(mode=0o600 if name == CONFIGURATION else 0o644)
            written[-1].write_text(content, "utf-8")
        settings = settings_.load(folder / CONFIGURATION)
        asyncio.run(_first_admin(settings, answers, hashed))
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written


def refuse_to_overwrite(folder: Path) -> None:
    """Raise SettingsError when one of the files is there already."""
    for path in (folder / name for name in FILES):
        if path.exists():
            raise SettingsError(f"{path} is there already; move it away or choose another folder")


def _contents(folder: Path, answers: Answers) -> dict[str, str]:
    program = shutil.which("contactbot") or f"{Path(sys.executable).parent / 'contactbot'}"
    values = {
        "name": _quoted(answers.name),
        "key": answers.key,
        "language": _quoted(answers.language),
        "public_url": _quoted(answers.public_url),
        "website": _quoted(answers.website),
        "secret": secrets.token_urlsafe(48),
        "backup_key": secrets.token_urlsafe(32),
        "host": urlsplit(answers.public_url).hostname,
        "folder": str(folder),
        "data": _quoted(str(folder / "data")),
        "program": program,
    }
    toml = _template(CONFIGURATION).substitute(values)
    if answers.mailbox:
        relay = urlsplit(f"//{answers.relay}")
        host = relay.hostname or ""
        local = host in ("localhost", "127.0.0.1", "::1")  # its certificate would be self-signed
        mail = {
            **values,
            "mailbox": _quoted(answers.mailbox),
            "relay_host": _quoted(host),
            "relay_port": relay.port or 25,
            "tls": "none" if local else "starttls",
        }
        toml += _template("email.toml").substitute(mail)
    if answers.sms_number:
        toml += _template("sms.toml").substitute(values, number=_quoted(answers.sms_number))
    return {
        CONFIGURATION: toml,
        UNIT: _template(UNIT).substitute(values),
        PROXY: _template(PROXY).substitute(values),
    }


def _template(name: str) -> Template:
    return Template(files("contactbot").joinpath("first_start").joinpath(name).read_text("utf-8"))


def _quoted(text: str) -> str:
    """Return the text as a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in escaped) + '"'


async def _first_admin(settings: settings_.Settings, answers: Answers, hashed: str) -> None:
    team = settings.municipalities[answers.key].teams[0]
    name = answers.admin_email.partition("@")[0]
    async with opened(settings, answers.key) as database:
        await database.write(store.add, answers.key, answers.admin_email, name, Role.ADMIN, hashed, team, now())
