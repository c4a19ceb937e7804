"""``contactbot db``: upgrade, backup, restore."""

from pathlib import Path
from typing import Annotated

import typer

from contactbot.cli.options import DEFAULT, Config, load
from contactbot.storage import backup as backups
from contactbot.storage import folder, schema

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after the database."""


@app.command()
def upgrade(config: Config = DEFAULT) -> None:
    """Bring the database to this version's schema; ``serve`` does it by itself."""
    settings = load(config)
    folder.make(settings.data)
    schema.upgrade(settings.database_url)
    print("The database is up to date.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")], config: Config = DEFAULT
) -> None:
    """Write a consistent copy of the whole database, while the service runs; sealed where a ``backup_key`` is set."""
    settings = load(config)
    key = settings.backup_key.get_secret_value()
    backups.backup(settings.database_url, file, key)
    print(f"Wrote {file} ({file.stat().st_size:,} bytes, {'sealed' if key else 'NOT sealed: set backup_key'}).")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that ``db backup`` wrote.")], config: Config = DEFAULT
) -> None:
    """Put a backup in place of the database; the service must be stopped. The old database is kept beside it."""
    settings = load(config)
    kept = backups.restore(settings.database_url, file, settings.backup_key.get_secret_value())
    print(f"Restored {file}." + (f" The database that was there is now {kept}." if kept else ""))
