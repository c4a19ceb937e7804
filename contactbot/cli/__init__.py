"""The commands, for people at a terminal and for programs (``--json``: one object per line)."""

from contactbot.cli.main import main

__all__ = ["main"]
