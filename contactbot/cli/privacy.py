"""``contactbot privacy``: what is held of people, for how long, and the papers about it."""

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look after residents' privacy."""
