"""What ``contactbot init`` writes: a configuration, the first administrator, a systemd unit, a proxy example."""

import asyncio
import secrets
import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from contactbot import settings as settings_
from contactbot.clock import now
from contactbot.errors import SettingsError
from contactbot.staff import password, store
from contactbot.staff.member import Role
from contactbot.storage import folder as data_folder
from contactbot.storage import installation, schema
from contactbot.storage.database import open_database


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
    folder.mkdir(parents=True, exist_ok=True)
    contents = _contents(folder.absolute(), answers)
    for name in contents:
        if (folder / name).exists():
            raise SettingsError(f"{folder / name} is there already; move it away or choose another folder")
    written = []
    for name, content in contents.items():
        path = folder / name
        path.touch(mode=0o600 if name.endswith(".toml") else 0o644)
        path.write_text(content, "utf-8")
        written.append(path)
    try:
        settings = settings_.load(folder / "contactbot.toml")
        asyncio.run(_first_admin(settings, answers, hashed))
    except SettingsError:
        for path in written:
            path.unlink()
        raise
    return written


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
        "host": answers.public_url.partition("://")[2],
        "folder": str(folder),
        "data": _quoted(str(folder / "data")),
        "program": program,
    }
    toml = _template("contactbot.toml").substitute(values)
    if answers.mailbox:
        host, _, port = answers.relay.partition(":")
        local = host in (
            "localhost",
            "127.0.0.1",
            "::1",
        )  # its certificate would be self-signed
        mail = {
            **values,
            "mailbox": _quoted(answers.mailbox),
            "relay_host": _quoted(host),
            "relay_port": port or "25",
            "tls": "none" if local else "starttls",
        }
        toml += _template("email.toml").substitute(mail)
    if answers.sms_number:
        toml += _template("sms.toml").substitute(values, number=_quoted(answers.sms_number))
    return {
        "contactbot.toml": toml,
        "contactbot.service": _template("contactbot.service").substitute(values),
        "nginx-example.conf": _template("nginx-example.conf").substitute(values),
    }


def _template(name: str) -> Template:
    return Template(files("contactbot").joinpath("first_start").joinpath(name).read_text("utf-8"))


def _quoted(text: str) -> str:
    """Return the text as a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in escaped) + '"'


async def _first_admin(settings: settings_.Settings, answers: Answers, hashed: str) -> None:
    data_folder.make(settings.data)
    await asyncio.to_thread(schema.upgrade, settings.database_url)
    one = settings.municipalities[answers.key]
    member = installation.Member(answers.key, one.name, one.country, one.main_language, one.time_zone, one.teams)
    async with open_database(settings.database_url, now) as database:
        await database.write(installation.write, [member], [])
        await database.write(
            store.add, answers.key, answers.admin_email, answers.admin_email.partition("@")[0], Role.ADMIN, hashed,
            one.teams[0], now(),
        )  # fmt: skip
