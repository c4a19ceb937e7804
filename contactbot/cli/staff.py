"""``contactbot staff``: the people who may sign in."""

import asyncio
import sys
from typing import Annotated

import typer

from contactbot.cli.options import DEFAULT, Config, MunicipalityOption, load, the_municipality
from contactbot.clock import now
from contactbot.errors import SettingsError
from contactbot.first_start import problems
from contactbot.opening import opened
from contactbot.settings import Settings
from contactbot.staff import password, store
from contactbot.staff.member import Role

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Manage the people who may sign in."""


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="The address they sign in with.")],
    name: Annotated[str, typer.Option(help="Their name; residents see the first one.")],
    role: Annotated[Role, typer.Option(help="What they are here for.")] = Role.STAFF,
    team: Annotated[str, typer.Option(help="Their team, as the configuration names it.")] = "",
    password_stdin: Annotated[  # noqa: FBT002 - typer's way to say a flag
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
) -> None:
    """Add somebody who may sign in. The password is asked for and never given as an argument."""
    wrong = problems.email(email) or (problems.name(name.strip()) and "Write the name in --name.")
    if wrong:
        raise typer.BadParameter(wrong)
    if password_stdin:
        secret = sys.stdin.readline().rstrip("\n")
    else:
        secret = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    asyncio.run(_add(config, municipality, email, name, role, team, secret))
    print(f"{email} may sign in as {role}.")


async def _add(config: "Config", municipality: str, email: str, name: str, role: Role, team: str, secret: str) -> None:
    settings = load(config)
    key = the_municipality(settings, municipality)
    try:
        hashed = await asyncio.to_thread(password.hash_of, secret)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    async with opened(settings, key) as database:
        await database.write(store.add, key, email, name.strip(), role, hashed, _team(settings, key, team), now())


def _team(settings: Settings, key: str, named: str) -> str:
    """Return the team meant: the named one, or the first. Raises SettingsError."""
    teams = settings.municipalities[key].teams
    if named and named not in teams:
        raise SettingsError(f"there is no team {named}; there are {', '.join(teams)}")
    return named or teams[0]
