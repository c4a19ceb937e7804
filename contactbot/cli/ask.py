"""``contactbot ask`` and ``talk``: whole conversations on the channel without a wire."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer

from contactbot import settings as settings_
from contactbot.channels.loopback import LoopbackChannel
from contactbot.cli.files import entries_to_try
from contactbot.cli.options import DEFAULT, Config, Json, MunicipalityOption, is_there, the_municipality
from contactbot.clock import now
from contactbot.house import House
from contactbot.kb import editing
from contactbot.kb import store as kb
from contactbot.kb.entry import Entry
from contactbot.markdown import to_plain
from contactbot.messages import Accepted, Author, Length
from contactbot.settings import Settings
from contactbot.storage.database import open_database
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import Message

AT_ONCE = 16  # questions under way at the same time; the answers keep the questions' order

Base = Annotated[
    Path | None,
    typer.Option("--kb", help="Take entries from this file (JSON lines, or another pack) instead of the database."),
]
LengthOption = Annotated[Length, typer.Option(help="The length of answers.")]

SILENT: Final[Mapping[str, Any]] = MappingProxyType(
    {"outcome": "silent", "answered": [], "entries": [], "confidence": 0.0, "language": ""}
)
"""What becomes of a turn without words: nobody says anything."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one turn."""

    text: str
    outcome: Mapping[str, Any]
    replies: tuple[Message, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the turn as one object."""
        return {
            "outcome": self.outcome["outcome"],
            "answered": self.outcome["answered"],
            "entries": self.outcome["entries"],
            "confidence": self.outcome["confidence"],
            "language": self.outcome["language"],
            "reply": self.reply,
        }

    @property
    def reply(self) -> str:
        """All that was said, choices numbered, as a text channel shows it."""
        return "\n\n".join(_as_text(reply) for reply in self.replies)


def ask(
    question: Annotated[str, typer.Argument(help="A question, or - for one per line on standard input.")],
    kb_file: Base = None,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    length: LengthOption = Length.CHAT,
    as_json: Json = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Ask the bot. Each question is a thread of its own; a line with a JSON array of strings is one of several turns.

    Nothing is kept: the conversation runs in a house of its own, with the answers of the database or of --kb.
    """
    if not question.strip():
        _nothing_asked(as_json=as_json)
        return
    lines = (line.rstrip("\n") for line in iter(sys.stdin.readline, "")) if question == "-" else iter([question])
    asyncio.run(_ask_all(lines, kb_file, config, municipality, length, as_json=as_json))


def talk(
    kb_file: Base = None,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    length: LengthOption = Length.CHAT,
) -> None:
    """Hold a conversation in the terminal; an empty line or Ctrl-D ends it."""
    asyncio.run(_talk(kb_file, config, municipality, length))


def _nothing_asked(*, as_json: bool) -> None:
    """Say that there is nothing to answer; a program is told that nothing was said. Raises BadParameter."""
    if not as_json:
        raise typer.BadParameter("there is no question; write one between the quotes, or - for one per line")
    _print([Asked("", SILENT, ())], several=False, as_json=True)


async def _ask_all(
    lines: Iterator[str], kb_file: Path | None, config: Path, municipality: str, length: Length, *, as_json: bool
) -> None:
    """Answer lines as they come, several at a time and in order: a program that waits for an answer gets it."""
    asked: asyncio.Queue[tuple[str, asyncio.Task[list[Asked]]] | None] = asyncio.Queue(AT_ONCE)
    async with _house(kb_file, config, municipality, length) as house, asyncio.TaskGroup() as group:
        group.create_task(_read(lines, house, group, asked))
        while (item := await asked.get()) is not None:
            line, turns = item
            _print(await turns, several=_several(line) is not None, as_json=as_json)


async def _read(
    lines: Iterator[str],
    house: House,
    group: asyncio.TaskGroup,
    asked: "asyncio.Queue[tuple[str, asyncio.Task[list[Asked]]] | None]",
) -> None:
    number = 0
    while (line := await asyncio.to_thread(next, lines, None)) is not None:
        if line.strip():
            number += 1
            await asked.put((line, group.create_task(_turns(house, line, f"line-{number}"))))
    await asked.put(None)


async def _turns(house: House, line: str, session: str) -> list[Asked]:
    texts = _several(line) or [line]
    return [await turn(house, text, session) for text in texts]


def _several(line: str) -> list[str] | None:
    """Return the turns of a line that is a JSON array of strings, None for any other line."""
    try:
        parsed = json.loads(line) if line.lstrip().startswith("[") else None
    except (json.JSONDecodeError, RecursionError):
        return None
    return parsed if isinstance(parsed, list) and parsed and all(isinstance(turn, str) for turn in parsed) else None


async def turn(house: House, text: str, session: str) -> Asked:
    """Say one thing as a resident; return what became of it."""
    if not text.strip():
        return Asked(text, SILENT, ())
    channel = house.channels["loopback"]
    assert isinstance(channel, LoopbackChannel)  # noqa: S101 - narrows the type
    accepted = await channel.say(text, session)
    outcome, replies = await house.database.read(_after, accepted)
    return Asked(text, outcome, replies)


def _after(tx: Transaction, accepted: Accepted) -> tuple[dict[str, Any], tuple[Message, ...]]:
    messages = threads.last_messages(tx, accepted.thread, 20)
    said = next(message for message in messages if message.id == accepted.message)
    return said.outcome, tuple(m for m in messages if m.author == Author.BOT and m.position > said.position)


def _as_text(reply: Message) -> str:
    words = to_plain(reply.text) if reply.markup == "markdown" else reply.text
    return "\n".join([words, *(f"{number}. {label}" for number, label in enumerate(reply.choices, start=1))])


def _print(turns: list[Asked], *, several: bool, as_json: bool) -> None:
    if as_json:
        objects = [turn.as_json() for turn in turns]
        print(json.dumps(objects if several else objects[0], ensure_ascii=False), flush=True)
        return
    for turn in turns:
        found = turn.as_json()
        print(f"> {turn.text}\n{turn.reply}\n  [{found['outcome']}, {found['confidence']:.2f}, {found['language']}]\n")


async def _talk(kb_file: Path | None, config: Path, municipality: str, length: Length) -> None:
    async with _house(kb_file, config, municipality, length) as house:
        print(f"{next(iter(house.municipalities.values())).name}. En tom linje avslutter / an empty line ends.\n")
        while line := (await asyncio.to_thread(_line)).strip():
            asked = await turn(house, line, "terminal")
            print(f"\n{asked.reply}\n")


def _line() -> str:
    try:
        return input("> ")
    except EOFError:
        return ""


@asynccontextmanager
async def _house(kb_file: Path | None, config: Path, municipality: str, length: Length) -> AsyncIterator[House]:
    """Run a house in a folder of its own that is gone afterwards."""
    from contactbot import app, demo

    stands = is_there(config)
    configured = settings_.load(config) if stands else demo.settings(Path(tempfile.gettempdir()))
    key = the_municipality(configured, municipality)
    entries = await _entries(kb_file, configured, key, from_database=stands)
    with tempfile.TemporaryDirectory(prefix="contactbot-") as folder:
        own = {
            "public_url": configured.public_url,
            "secret": configured.secret.get_secret_value(),
            "data": folder,
            "municipalities": {key: configured.municipalities[key].model_dump()},
            "conversation": configured.conversation.model_dump(),
            "channels": {"loopback": {"length": length.value}},
        }
        async with app.running(settings_.from_values(own, "ask"), deliver=False) as house:
            await house.database.write(editing.take_in, key, entries, "operator", now())
            yield house


async def _entries(kb_file: Path | None, configured: Settings, key: str, *, from_database: bool) -> tuple[Entry, ...]:
    if kb_file is not None:
        return entries_to_try(kb_file)
    if not from_database:
        from contactbot import demo

        return demo.base()
    async with open_database(configured.database_url, now) as database:
        base: kb.Base = await database.read(kb.base, key)
        return base.entries
