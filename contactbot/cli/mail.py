"""``contactbot mail``: a mail as the email channel reads it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from contactbot.channels.email.explain import explain as explain_mail

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Read mail as the email channel does."""


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="A mail as it was received (.eml), or - for standard input.")],
) -> None:
    """Print as JSON what the resident wrote, what was folded and why, and whether a machine wrote it."""
    raw = typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
    print(json.dumps(explain_mail(raw), ensure_ascii=False))
