"""Files that commands are given. One that is missing or closed raises OSError, which ``main`` tells in a sentence."""

from pathlib import Path
from typing import TYPE_CHECKING

from contactbot.errors import ContactbotError

if TYPE_CHECKING:
    from contactbot.kb.entry import Entry


def text_of(file: Path) -> str:
    """Return the text of a file, without a byte order mark. Raises ContactbotError when it is not UTF-8."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ContactbotError(f"{file}: not text in UTF-8") from None


def entries_of(file: Path) -> tuple["Entry", ...]:
    """Return the entries of a pack. Raises ContactbotError when its ending is unknown or one of them is wrong."""
    from contactbot.kb import packs
    from contactbot.kb.entry import EntryError

    try:
        return packs.read(file.name, file.read_bytes())
    except EntryError as error:
        raise ContactbotError(f"{file}: {error}") from error


def entries_to_try(file: Path) -> tuple["Entry", ...]:
    """Return entries for a trial: what is no pack by its ending is read as JSON lines, which may be none."""
    from contactbot.kb import packs
    from contactbot.kb.entry import EntryError, entries_from_jsonl

    if file.suffix.lower() in packs.FORMS and file.suffix.lower() != ".jsonl":
        return entries_of(file)
    try:
        return entries_from_jsonl(text_of(file).split("\n"))
    except EntryError as error:
        raise ContactbotError(f"{file}: {error}") from error
