"""The command ``contactbot`` and its groups."""

import sys

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
app.add_typer(kb.app, name="kb", help="The knowledge base: import, export, try, evaluate, synonyms.")
app.add_typer(mail.app, name="mail", help="Mail, as the email channel reads it.")
app.add_typer(privacy.app, name="privacy", help="Residents' privacy: show, forget, retention, and the papers.")
privacy.app.command("dpia")(papers.dpia)
privacy.app.command("retention")(retention.retention)
app.add_typer(staff.app, name="staff", help="The people who may sign in: add.")
app.command("ask")(ask.ask)
app.command("talk")(ask.talk)
app.command("init")(running.init)
app.command("demo")(running.demo)
app.command("serve")(running.serve)
app.command("check")(running.check)


def main() -> None:
    """Run a command.

    The exit status is 0 when it is done, 1 when it cannot be done, which one sentence on standard error explains (a
    file that is missing or wrong, too), and 2 when the command line itself is wrong.
    """
    try:
        app()
    except ContactbotError as error:
        said = str(error)
    except OSError as error:
        if error.filename is None:  # no file that somebody named: a mistake of ours, told in full
            raise
        said = f"{error.filename} cannot be used: {error.strerror}"
    else:
        return
    sys.stderr.write(f"contactbot: {said}\n")
    raise SystemExit(1)
