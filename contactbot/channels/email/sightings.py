"""Whether our relay says anything of senders: noted as mail comes in, read by ``contactbot check`` in its process."""

from contextlib import suppress
from pathlib import Path


class Sightings:
    """The last thing seen, in a file of one word in the data folder; written only when it changes."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "email-authentication"
        self._last: bool | None = None

    def note(self, *, told: bool) -> None:
        """Note whether the mail at hand carried a result of our relay. What cannot be noted does no harm."""
        if told is not self._last:
            with suppress(OSError):
                self._file.write_text("told" if told else "silent", "ascii")
                self._last = told

    def last(self) -> bool | None:
        """Return whether the last mail carried a result; None before the first."""
        try:
            return self._file.read_text("ascii") == "told"
        except (OSError, ValueError):
            return None
