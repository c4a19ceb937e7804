"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from contactbot import settings as settings_
from contactbot.errors import SettingsError
from contactbot.settings import Settings

DEFAULT = Path("contactbot.toml")

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.", envvar="CONTACTBOT_CONFIG")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object per line.")]
MunicipalityOption = Annotated[
    str, typer.Option("--municipality", "-m", help="The municipality's identifier; needed when there are several.")
]


def the_municipality(settings: Settings, named: str) -> str:
    """Return the municipality meant: the named one, or the only one. Ends the command when that is unclear."""
    if named in settings.municipalities:
        return named
    known = ", ".join(settings.municipalities)
    if named:
        raise typer.BadParameter(f"there is no municipality {named}; there are {known}")
    if len(settings.municipalities) > 1:
        raise typer.BadParameter(f"say which municipality with --municipality: {known}")
    return next(iter(settings.municipalities))


def is_there(config: Path) -> bool:
    """Tell whether there is a configuration, for commands that do without one. Raises SettingsError for a named one."""
    if not config.exists() and config != DEFAULT:
        raise SettingsError(f"there is no file {config}; 'contactbot init' writes one")
    return config.exists()


def load(config: Path) -> Settings:
    """Read the configuration. Raises SettingsError."""
    return settings_.load(config)
