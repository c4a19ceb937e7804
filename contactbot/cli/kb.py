"""``contactbot kb``: the knowledge base in, out, and on trial."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from contactbot.cli.options import DEFAULT, Config, MunicipalityOption, load, the_municipality

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after the knowledge base."""


@app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="Entries as JSON lines.")],
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
) -> None:
    """Take entries in and publish them."""
    asyncio.run(_take_in(file, config, municipality))


async def _take_in(file: Path, config: Path, municipality: str) -> None:
    from contactbot.clock import now
    from contactbot.kb import editing
    from contactbot.kb.entry import entries_from_jsonl
    from contactbot.storage import schema
    from contactbot.storage.database import open_database

    settings = load(config)
    key = the_municipality(settings, municipality)
    await asyncio.to_thread(schema.upgrade, settings.database_url)
    async with open_database(settings.database_url, now) as database:
        await database.write(editing.take_in, key, entries_from_jsonl(file.read_text("utf-8-sig")), "operator", now())
