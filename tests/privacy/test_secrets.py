"""Passwords and keys are seen nowhere, however things fail: not in logs, errors, papers, copies or process lists."""

import asyncio
import base64
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import aiosmtplib
import pytest
from pydantic import BaseModel, SecretStr
from typer.testing import CliRunner

from contactbot import settings
from contactbot.cli.main import app
from contactbot.demo.gateway import Gateway
from contactbot.settings import CHANNELS, Settings
from tests.journeys.installation import until
from tests.peers.postfix import free_port
from tests.peers.prosody import new_account, running_prosody
from tests.peers.smtp import sink

PROGRAM = Path(sys.executable).with_name("contactbot")
MARK = "Merket-hemmelighet-som-ingen-skal-se"
RIGHT = "det riktige passordet"


def marked(name: str) -> str:
    """Return a secret that is found again wherever it leaks to."""
    return f"{MARK}-{name}"


SECRETS: dict[str, str] = {}  # every marked secret of both configurations, by the path of its setting


def secret(path: str) -> str:
    SECRETS[path] = marked(path.replace(".", "-"))
    return SECRETS[path]


COMMON: dict[str, Any] = {
    "secret": secret("secret"),
    "backup_key": secret("backup_key"),
    "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
}
OAUTH = {"token_url": "https://127.0.0.1:9/token", "client_id": "contactbot"}
# What the service really runs with; peers refuse each of these.
RUN: dict[str, Any] = {
    "webchat": {"accounts": [{"site": "fjordvik", "municipality": "fjordvik"}]},
    "email": {
        "accounts": [{"address": "post@fjordvik.example"}],
        "relay": {"tls": "none", "user": "contactbot", "password": secret("channels.email.relay.password")},
    },
    "sms": {
        "twilio": {"account_sid": f"AC{'0' * 32}", "auth_token": secret("channels.sms.twilio.auth_token")},
        "numbers": [{"number": "+4759440000"}],
    },
    "xmpp": {"accounts": {"bot": {"password": secret("channels.xmpp.accounts.password")}}},
}
# What cannot stand beside it: other ways to the same peers, and a database that is not there.
OTHER: dict[str, Any] = {
    "email": {
        "accounts": [
            {
                "address": "post@fjordvik.example",
                "mailbox": {
                    "host": "127.0.0.1", "port": 9, "tls": "none",
                    "password": secret("channels.email.accounts.mailbox.password"),
                },
            },
            {
                "address": "to@fjordvik.example",
                "mailbox": {
                    "host": "127.0.0.1", "port": 9, "tls": "none",
                    "oauth": {**OAUTH, "client_secret": secret("channels.email.accounts.mailbox.oauth.client_secret")},
                },
            },
        ],
        "listen": {"port": 0},
        "relay": {
            "port": 9, "tls": "none", "user": "contactbot",
            "oauth": {**OAUTH, "client_secret": secret("channels.email.relay.oauth.client_secret")},
        },
    },
    "sms": {
        "plain_http": {
            "url": "http://127.0.0.1:9/texts",
            "token": secret("channels.sms.plain_http.token"),
            "secret": secret("channels.sms.plain_http.secret"),
        },
        "numbers": [{"number": "+4759440000"}],
    },
}  # fmt: skip
DATABASE = f"postgresql+psycopg://contactbot:{secret('database')}@127.0.0.1:9/contactbot"


def test_every_secret_setting_is_marked_here() -> None:
    assert set(SECRETS) == set(_secret_settings())


def _secret_settings() -> Iterator[str]:
    yield from _secrets_of(Settings, ())
    for point in entry_points(group=CHANNELS):
        yield from _secrets_of(point.load().Settings, ("channels", point.name))


def _secrets_of(kind: object, path: tuple[str, ...]) -> Iterator[str]:
    if kind is SecretStr:
        yield ".".join(path)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from _secrets_of(field.annotation, (*path, name))
    else:
        for part in getattr(kind, "__args__", ()):
            yield from _secrets_of(part, path)


def spellings(word: str) -> Iterator[bytes]:
    """Yield how a secret may stand in bytes: plain, in an address, in hexadecimal digits, and within base64."""
    plain = word.encode()
    yield plain
    yield quote(word).encode()
    yield plain.hex().encode()
    for shift in range(3):  # wherever its first byte falls in a group of three
        yield base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]


def leaks(where: str, content: bytes) -> list[str]:
    return [
        f"{name} in {where}" for name, word in SECRETS.items() if any(one in content for one in spellings(word))
    ]  # fmt: skip


def written(folder: Path, channels: dict[str, Any], **more: object) -> Path:
    """Write a configuration outside the data folder and return its file."""
    values = {**COMMON, "data": str(folder / "data"), "channels": channels, "public_url": "http://127.0.0.1", **more}
    file = folder / "contactbot.json"
    file.write_text(json.dumps(values), "utf-8")
    toml = folder / "contactbot.toml"
    toml.write_text("".join(f"{key} = {_toml(value)}\n" for key, value in values.items()), "utf-8")
    file.unlink()
    return toml


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


@asynccontextmanager
async def refused(folder: Path) -> AsyncIterator[tuple[Path, dict[str, int]]]:
    """Run peers that refuse our passwords, and give a configuration that reaches them with the ports it uses."""
    with running_prosody(folder / "prosody") as server:
        bot = await asyncio.to_thread(new_account, server, "bot")
        async with Gateway(numbers=("+4759440000",)) as gateway, sink() as relay:
            relay.login = (b"contactbot", RIGHT.encode())
            ports = {"web": free_port(), "mail": free_port()}
            channels = json.loads(json.dumps(RUN))
            channels["email"]["listen"] = {"port": ports["mail"]}
            channels["email"]["relay"]["port"] = relay.port
            channels["sms"]["twilio"]["api_url"] = gateway.url
            reach = {"jid": bot.jid, "host": "127.0.0.1", "port": server.port, "ca_file": str(server.certificate)}
            channels["xmpp"]["accounts"]["bot"] |= reach
            web = f"127.0.0.1:{ports['web']}"
            yield written(folder, channels, listen=web, public_url=f"http://{web}", log_level="debug"), ports


async def test_no_secret_is_seen_anywhere_however_things_fail(tmp_path: Path) -> None:
    (tmp_path / "prosody").mkdir()
    seen: dict[str, bytes] = {}
    async with refused(tmp_path) as (config, ports):
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                PROGRAM, "serve", "--config", config, stdout=output, stderr=output
            )
        try:
            await _everything_fails(tmp_path, log, ports)
            seen["process list"] = _command_line(process.pid)
            seen |= {page: await _page(ports["web"], page) for page in ("/healthz", "/", "/slik-virker-boten.json")}
        finally:
            process.terminate()
            await process.wait()
        seen["log"] = log.read_bytes()
        for command in (
            ("check",), ("check", "--json"), ("privacy", "dpia", "--out", str(tmp_path / "papers")),
            ("privacy", "retention"), ("privacy", "show", "kim@resident.example", "--json"),
            ("db", "backup", str(tmp_path / "copy")), ("db", "restore", str(tmp_path / "log")),
        ):  # fmt: skip
            seen[" ".join(command)] = await asyncio.to_thread(_said, config, *command)
    for needed in (b"mail not sent", b"xmpp offline", b"Traceback"):
        assert needed in seen["log"], "what should fail did not"
    for path in (*(tmp_path / "data").rglob("*"), *(tmp_path / "papers").iterdir(), tmp_path / "copy"):
        if path.is_file():
            seen[str(path)] = path.read_bytes()
    assert [leak for where, content in seen.items() for leak in leaks(where, content)] == []


async def _everything_fails(folder: Path, log: Path, ports: dict[str, int]) -> None:
    """Have a mail answered through a relay that refuses us, and a page asked for whose table is gone."""
    for said in (b"listening", b"xmpp offline"):
        await until(partial(_logged, log, said), f"{said!r} in the log")
    await aiosmtplib.send(
        b"From: kim@resident.example\r\nTo: post@fjordvik.example\r\nSubject: Hei\r\nMessage-ID: <1@resident.example>"
        b"\r\n\r\nEr det noen som kan hjelpe meg med noe ingen vet?\r\n",
        sender="kim@resident.example", recipients=["post@fjordvik.example"], hostname="127.0.0.1", port=ports["mail"],
    )  # fmt: skip
    await until(partial(_logged, log, b"mail not sent"), "the relay's refusal")
    with closing(sqlite3.connect(folder / "data" / "contactbot.db")) as connection, connection:
        connection.execute("ALTER TABLE answer_given RENAME TO taken_away")
    await _page(ports["web"], "/")
    await until(partial(_logged, log, b"Traceback"), "an error nobody foresaw")


def _logged(log: Path, words: bytes) -> bool:
    return words in log.read_bytes()


def _command_line(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


async def _page(port: int, path: str) -> bytes:
    async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}{path}") as answer:
        return await answer.read()


def _said(config: Path, *arguments: str) -> bytes:
    """Return what a command prints, on either stream."""
    command = [str(PROGRAM), *arguments, "--config", str(config)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own program
    return done.stdout + done.stderr


@pytest.mark.parametrize("command", [("check",), ("serve",), ("db", "upgrade")])
def test_other_providers_and_a_database_that_is_not_there_tell_nothing_either(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = _said(written(tmp_path, OTHER, database=DATABASE), *command)
    assert said
    assert leaks(" ".join(command), said) == []


def test_a_secret_that_is_refused_is_not_repeated(tmp_path: Path) -> None:
    for key in ("secret", "backup_key"):
        config = written(tmp_path, {}, **{key: MARK[:8]})
        result = CliRunner().invoke(app, ["check", "--config", str(config)])
        assert MARK[:8] not in f"{result.output}{result.exception}"


def test_no_secret_shows_in_what_a_debugger_prints(tmp_path: Path) -> None:
    loaded = settings.load(written(tmp_path, RUN, database=DATABASE))
    for shown in (repr(loaded), str(loaded), loaded.model_dump_json()):
        assert leaks("settings", shown.encode()) == []
