"""``contactbot db``: upgrade, backup, restore."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from contactbot.cli.options import DEFAULT, Config, load
from contactbot.storage import backup as backups
from contactbot.storage import folder, schema

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from contactbot.settings import Settings

app = typer.Typer(no_args_is_help=True)

Tombstones: TypeAlias = "Collection[tuple[str, str, datetime]]"


@app.callback()
def group() -> None:
    """Look after the database."""


@app.command()
def upgrade(config: Config = DEFAULT) -> None:
    """Bring the database to this version's schema; serve does it by itself."""
    settings = load(config)
    folder.make(settings.data)
    schema.upgrade(settings.database_url)
    print("The database is up to date.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")], config: Config = DEFAULT
) -> None:
    """Write a consistent copy of the whole database, while the service runs; sealed where a backup_key is set."""
    settings = load(config)
    key = settings.backup_key.get_secret_value()
    backups.backup(settings.database_url, file, key)
    print(f"Wrote {file} ({file.stat().st_size:,} bytes, {'sealed' if key else 'NOT sealed: set backup_key'}).")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that db backup wrote.")], config: Config = DEFAULT
) -> None:
    """Put a backup in place of the database; the service must be stopped. The old database is kept beside it."""
    settings = load(config)
    tombstones = asyncio.run(_tombstones(settings))
    kept = backups.restore(settings.database_url, file, settings.backup_key.get_secret_value())
    print(f"Restored {file}." + (f" The database that was there is now {kept}." if kept else ""))
    again = asyncio.run(_forget_again(settings, tombstones))
    print(f"Forgot {again} addresses again that had been forgotten since the backup was made.")


async def _tombstones(settings: "Settings") -> "Tombstones":
    """Return who has been forgotten by the database that is to be replaced; says so when it cannot tell."""
    from contactbot.clock import now
    from contactbot.privacy.erasures import store
    from contactbot.storage.database import open_database

    if not await asyncio.to_thread(schema.stands, settings.database_url):
        print("No database here can tell who has been forgotten since the backup was made: see docs/privacy.md.")
        return ()
    async with open_database(settings.database_url, now) as database:
        found: Tombstones = await database.read(store.tombstones)
        return found


async def _forget_again(settings: "Settings", tombstones: "Tombstones") -> int:
    from contactbot.clock import now
    from contactbot.privacy.erasures import forgetting, store
    from contactbot.storage.database import open_database

    await asyncio.to_thread(schema.upgrade, settings.database_url)
    async with open_database(settings.database_url, now) as database:
        await forgetting.go_on_all(database, now)
        buried = {*tombstones, *await database.read(store.tombstones)}
        return await forgetting.forget_again(database, buried, settings.secret.get_secret_value().encode(), now)
