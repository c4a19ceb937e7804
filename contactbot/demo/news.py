"""Who waits for something to happen, and is told when it has."""

import asyncio
from collections.abc import AsyncGenerator, Callable


class News:
    """A count of what has happened. ``tell`` wakes all who wait."""

    def __init__(self) -> None:
        self._count = 0
        self._told = asyncio.Condition()

    async def tell(self) -> None:
        """Wake who waits: something has happened."""
        self._count += 1
        async with self._told:
            self._told.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; it is looked at again at each news."""
        async with self._told:
            await self._told.wait_for(holds)

    async def changes(self) -> AsyncGenerator[None]:
        """Yield at once and then whenever something happened; close it with ``aclosing``."""
        seen = self._count
        while True:
            yield
            seen = await self._after(seen)

    async def _after(self, seen: int) -> int:
        await self.until(lambda: self._count != seen)
        return self._count
