"""What ``contactbot check`` finds: everything that would fail or surprise later, said before the start."""

import asyncio
import json
import socket
import tempfile
from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, StreamReader

from contactbot import app, wording
from contactbot.channels.base import Finding
from contactbot.channels.webchat import embedding
from contactbot.channels.webchat.settings import WebchatSettings
from contactbot.clock import now
from contactbot.errors import ContactbotError, StoreError
from contactbot.kb.encoder import Encoder, EncoderError
from contactbot.municipalities import municipalities
from contactbot.settings import Settings, channel_settings
from contactbot.storage import folder, schema
from contactbot.storage.dialect import dialect_for

POLICY = "Content-Security-Policy"
MOST_OF_A_PAGE = 1_048_576  # bytes that are read of a page to embed the chat on
PATIENCE = 20.0  # seconds that one channel's checks may take


async def check(settings: Settings, file: Path | None = None) -> list[Finding]:
    """Return what was found, errors first; ``file`` is the configuration, whose secrets are nobody else's."""
    findings = [*_addresses(settings), *_folder(settings), *_configuration(file), *_backups(settings)]
    findings += await asyncio.to_thread(_database, settings)
    findings += _listening(settings)
    try:
        wording.check()
        municipalities(settings.municipalities, settings.public_url)
        channels = app.channels(settings, now)
    except (ContactbotError, ValueError, LookupError) as error:  # hours; countries and time zones nobody knows
        return [Finding("error", str(error).strip("'")), *findings]
    if not channels:
        findings.append(Finding("warning", "no channel is configured: add [channels.webchat] or another one"))
    for name, channel in channels.items():
        findings += [Finding(f.level, f"{name}: {f.text}") for f in await _patiently(name, channel.check())]
        unknown = {a.municipality for a in channel.accounts} - set(settings.municipalities)
        findings += [Finding("error", f"{name}: there is no municipality {key!r}") for key in sorted(unknown)]
    findings += _languages(settings)
    findings += await asyncio.to_thread(_encoder, settings)
    order = {"error": 0, "warning": 1, "ok": 2}
    return sorted(findings, key=lambda finding: order[finding.level])


async def embed(settings: Settings, url: str) -> list[Finding]:
    """Fetch a page of another web site, and tell whether the chat can stand on it and what keeps it out."""
    chosen = channel_settings(WebchatSettings, "webchat", settings.channels.get("webchat", {}))
    accounts = cast("WebchatSettings", chosen).accounts
    if not accounts:
        return [Finding("error", "there is no web chat to embed: add [[channels.webchat.accounts]]")]
    chat = embedding.Chat(settings.public_url, {one.site: one.sites for one in accounts})
    try:
        async with ClientSession(timeout=ClientTimeout(PATIENCE)) as client, client.get(url) as answer:
            page = embedding.ForeignPage(
                str(answer.url),
                [part for header in answer.headers.getall(POLICY, ()) for part in header.split(",")],
                (await _beginning(answer.content)).decode(errors="replace"),
                answer.headers.get("Cross-Origin-Embedder-Policy", ""),
            )
            status = answer.status
    except (ClientError, TimeoutError, ValueError) as error:
        return [Finding("error", f"{url} could not be fetched ({type(error).__name__}: {error})")]
    if status >= HTTPStatus.BAD_REQUEST:
        return [Finding("error", f"{url} answers {status}: give the address of a page that residents see")]
    return embedding.findings(page, chat)


async def _beginning(body: StreamReader) -> bytes:
    """Read as much of a page as is looked at."""
    held = bytearray()
    while len(held) < MOST_OF_A_PAGE and (chunk := await body.read(MOST_OF_A_PAGE - len(held))):
        held += chunk
    return bytes(held)


def in_words(finding: Finding) -> str:
    """Return the finding as a line for people."""
    return f"{finding.level.upper():<8}{finding.text}"


def as_json(finding: Finding) -> str:
    """Return the finding as a line for programs."""
    return json.dumps({"level": finding.level, "text": finding.text}, ensure_ascii=False)


async def _patiently(name: str, checks: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(PATIENCE):
            return await checks
    except TimeoutError:
        return [Finding("error", f"{name} could not be checked within {PATIENCE:.0f} s: is its server reachable?")]
    except Exception as error:  # noqa: BLE001 - a check that breaks must not hide the others
        return [Finding("error", f"{name} could not be checked: {error!r}")]


def _addresses(settings: Settings) -> list[Finding]:
    findings = []
    for name, url in (("public_url", settings.public_url), ("desk_url", settings.desk_url)):
        if not url:
            continue
        parts = _parts(url)
        if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
            findings.append(Finding("error", f"{name} must be a whole address such as https://chat.kommune.example"))
        elif parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost"):
            findings.append(Finding("warning", f"{name} is http: what residents write can be read on the way"))
        elif parts.path not in ("", "/"):
            findings.append(Finding("error", f"{name} must not have a path ({parts.path})"))
    return findings


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an address, None for one that has a bracket left open or a port that cannot be."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _languages(settings: Settings) -> list[Finding]:
    return [
        Finding("error", f"municipalities.{key}.main_language must be one of {', '.join(wording.COMPLETE)}")
        for key, one in settings.municipalities.items()
        if one.main_language not in wording.COMPLETE
    ]


def _encoder(settings: Settings) -> list[Finding]:
    if settings.kb.encoder is None:
        return []
    try:
        found = Encoder.of(settings.kb.encoder)
    except EncoderError as error:
        return [Finding("warning", f"kb.encoder: {error}; words and letters alone are matched")]
    return [Finding("ok", f"kb.encoder: {settings.kb.encoder} gives vectors of {found.size} numbers")]


def _folder(settings: Settings) -> list[Finding]:
    if not settings.data.exists():
        return [_folder_to_come(settings.data)]
    if not _can_be_written_in(settings.data):
        return [Finding("error", f"data: {settings.data} is no folder that can be written to")]
    return [
        Finding("warning", f"others may open {path}: chmod {mode:o} it") for path, mode in folder.exposed(settings.data)
    ]


def _folder_to_come(data: Path) -> Finding:
    above = next(path for path in data.absolute().parents if path.exists())
    if not _can_be_written_in(above):
        return Finding("error", f"data: {data} cannot be made: {above} cannot be written to")
    return Finding("ok", f"the data folder {data} will be made at the first start")


def _can_be_written_in(place: Path) -> bool:
    """Tell whether something can be made in a folder, by making it: its mode says nothing to root."""
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix="checked-"):
            return True
    except OSError:
        return False


def _configuration(file: Path | None) -> list[Finding]:
    if file is None or not folder.is_exposed(file):
        return []
    return [Finding("warning", f"others may read the secrets in {file}: chmod {folder.FILE_MODE:o} it")]


def _backups(settings: Settings) -> list[Finding]:
    if settings.backup_key.get_secret_value():
        return []
    return [Finding("warning", "backups are not sealed: whoever gets one can read it; set backup_key")]


def _database(settings: Settings) -> list[Finding]:
    dialect = dialect_for(settings.database_url)
    if dialect.name == "sqlite" and not (settings.data / "contactbot.db").exists() and not settings.database:
        return [Finding("ok", "the database will be made at the first start")]
    try:
        version = schema.version_of(dialect)
        schema.refuse_newer(version)
    except StoreError as error:
        return [Finding("error", str(error))]
    except Exception as error:  # noqa: BLE001 - whatever the driver says is what the operator must know
        return [Finding("error", f"the database cannot be opened: {error}")]
    return (
        []
        if version == schema.newest()
        else [Finding("ok", "the database's schema will be brought up to date at the next start")]
    )


def _listening(settings: Settings) -> list[Finding]:
    host, _, port = settings.listen.rpartition(":")
    try:
        with socket.create_server((host, int(port))):
            return []
    except (OSError, ValueError) as error:
        words = f"listen: {settings.listen} cannot be listened on now ({error}); is the service running?"
        return [Finding("warning", words)]
