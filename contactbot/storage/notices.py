"""Notices that something changed. They wake a reader, who then looks: a lost one costs a slow poll, never a row."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager


def session_topic(scheme: str, value: str) -> str:
    """Return the notice topic of one resident's address."""
    return f"session:{scheme}:{value}"


class Notices:
    """Topics within one process. ``announce`` is called on the event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._hearing: dict[str, Callable[[str], None]] = {}

    def announce(self, topics: Iterable[str]) -> None:
        """Wake everybody who waits for one of the topics, and pass on what follows a name that somebody hears."""
        for topic in topics:
            for waiting in self._waiting.get(topic, ()):
                waiting.set()
            name, _, words = topic.partition(" ")
            if words and name in self._hearing:
                self._hearing[name](words)

    def hear(self, name: str, listener: Callable[[str], None]) -> None:
        """Call the listener, on the event loop, with the words of each notice ``name words``: hints kept nowhere."""
        self._hearing[name] = listener

    @contextmanager
    def listening(self, *topics: str) -> Iterator[asyncio.Event]:
        """Give an event that is set by each notice; the listener clears it before it looks."""
        woken = asyncio.Event()
        for topic in topics:
            self._waiting[topic].add(woken)
        try:
            yield woken
        finally:
            for topic in topics:
                self._waiting[topic].discard(woken)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    async def changes(self, *topics: str, poll: float) -> AsyncIterator[None]:
        """Yield at once, and then after each notice or every ``poll`` seconds."""
        with self.listening(*topics) as woken:
            while True:
                woken.clear()
                yield
                try:
                    async with asyncio.timeout(poll):
                        await woken.wait()
                except TimeoutError:
                    continue
