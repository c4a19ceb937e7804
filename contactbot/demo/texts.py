"""The texts a gateway has carried, in order, and the news of them; kept in a file when one is named."""

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path

from contactbot.demo.news import News


@dataclass(frozen=True, slots=True)
class Text:
    """One text as the gateway keeps it; ``status`` and ``error_code`` are Twilio's words."""

    sid: str
    sender: str
    recipient: str
    body: str
    inbound: bool
    status: str
    at: datetime
    status_callback: str = ""
    error_code: int | None = None
    media: tuple[str, ...] = ()


@dataclass(slots=True)
class Texts:
    """All texts, oldest first. ``journal`` is a file with one JSON line for each change; it outlives the process."""

    journal: Path | None = None
    _texts: dict[str, Text] = field(default_factory=dict)
    _news: News = field(default_factory=News)

    def __post_init__(self) -> None:
        if self.journal is not None and self.journal.exists():
            for line in self.journal.read_text("utf-8", "replace").splitlines():
                with suppress(ValueError):  # a process that was killed may have left half a line
                    text = _read(line)
                    self._texts[text.sid] = text

    def __iter__(self) -> Iterator[Text]:
        return iter(self._texts.values())

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: int) -> Text:
        return list(self._texts.values())[index]

    def find(self, sid: str) -> Text | None:
        """Return the text with an identifier."""
        return self._texts.get(sid)

    def of(self, number: str) -> list[Text]:
        """Return what a phone shows: all texts from and to its number, oldest first."""
        return [text for text in self if number in (text.sender, text.recipient)]

    async def keep(self, text: Text) -> None:
        """Keep a new text, or the new state of one, and tell who waits."""
        self._texts[text.sid] = text
        if self.journal is not None:
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(_line(text))
        await self.tell()

    async def tell(self) -> None:
        """Wake who waits: something has happened."""
        await self._news.tell()

    async def move(self, sid: str, status: str, error_code: int | None) -> Text:
        """Give a text a new status. Raises KeyError when there is no such text."""
        text = replace(self._texts[sid], status=status, error_code=error_code)
        await self.keep(text)
        return text

    def changes(self) -> AsyncGenerator[None]:
        """Yield at once and then whenever something changed; close it with ``aclosing``."""
        return self._news.changes()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        await self._news.until(holds)


def _line(text: Text) -> str:
    return json.dumps(asdict(text) | {"at": text.at.isoformat()}, ensure_ascii=False) + "\n"


def _read(line: str) -> Text:
    fields = json.loads(line)
    return Text(**fields | {"at": datetime.fromisoformat(fields["at"]), "media": tuple(fields["media"])})
