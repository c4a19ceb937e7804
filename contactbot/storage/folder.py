"""The data folder and what lies in it: for the service's own user only."""

import fcntl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contactbot.errors import StoreBusyError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
_OTHERS: Final = 0o077  # the bits that let group and everybody in


def make(folder: Path) -> None:
    """Make the folder for the service's own user; one that is there keeps its mode, which ``exposed`` tells of."""
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)


def make_file(file: Path) -> None:
    """Make an empty file for the service's own user, unless it is there."""
    file.touch(mode=FILE_MODE)


@contextmanager
def served(folder: Path) -> Iterator[None]:
    """Hold the folder for one service; the system lets go of it when the process ends, however it does.

    Raises StoreBusyError while another process holds it.
    """
    make(folder)
    make_file(file := folder / "serving.lock")
    with file.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusyError(
                f"another service runs on {folder}; stop it first, or let several share a PostgreSQL database"
            ) from None
        yield


def exposed(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the folder if others may open it, and then each thing in it that they may, with the mode it should have.

    Into a folder that is closed nobody else gets, whatever the modes of what is inside.
    """
    if not folder.exists() or not is_exposed(folder):
        return
    for path in (folder, *sorted(folder.rglob("*"))):
        if not path.is_symlink() and is_exposed(path):
            yield path, FOLDER_MODE if path.is_dir() else FILE_MODE


def is_exposed(path: Path) -> bool:
    """Tell whether others than the owner may open this file or folder; one that has meanwhile gone is no danger."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except FileNotFoundError:
        return False
