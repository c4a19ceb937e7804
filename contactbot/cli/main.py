"""The command ``contactbot`` and its groups."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from contactbot.cli import ask, db, kb, mail, papers, privacy, retention, running, staff
from contactbot.errors import ContactbotError

app = typer.Typer(
    name="contactbot",
    help="The contact service of a municipality.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(db.app, name="db", help="The database: upgrade, backup, restore.")
app.add_typer(kb.app, name="kb", help="The knowledge base: import, export, try, evaluate.")
app.add_typer(mail.app, name="mail", help="Mail, as the email channel reads it.")
app.add_typer(privacy.app, name="privacy", help="Residents' privacy: what is held, and the papers.")
privacy.app.command("dpia")(papers.dpia)
privacy.app.command("retention")(retention.retention)
app.add_typer(staff.app, name="staff", help="The people who may sign in.")
app.command("ask")(ask.ask)
app.command("talk")(ask.talk)
app.command("init")(running.init)
app.command("demo")(running.demo)
app.command("serve")(running.serve)
app.command("check")(running.check)

Config = Annotated[Path, typer.Option(help="The configuration.", envvar="CONTACTBOT_CONFIG")]


def main() -> None:
    """Run a command; expected errors are one line on standard error and exit status 1."""
    try:
        app()
    except ContactbotError as error:
        sys.stderr.write(f"contactbot: {error}\n")
        raise SystemExit(1) from None
