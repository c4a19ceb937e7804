"""Fetching what came while we could not take it: providers give up a webhook within seconds, an outage lasts longer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from contactbot.channels.base import House
from contactbot.channels.sms.calls import log_unforeseen
from contactbot.channels.sms.provider import NotAnsweredError, Provider, ReceivedText
from contactbot.clock import Clock
from contactbot.errors import ContactbotError
from contactbot.messages import Account, Inbound

OVERLAP: Final = timedelta(hours=1)  # looked at again before the last text kept; the house knows by its id what it has
LOOK_AGAIN: Final = 60.0  # seconds from a missed text, or a failed look, to the next look
_LOG = structlog.get_logger()


@dataclass(slots=True)
class LookBack:
    """Looks at the start, and again after each text that was missed.

    ``reach`` limits how far back; zero never looks. ``inbound`` makes a message of a text.
    """

    provider: Provider
    accounts: tuple[Account, ...]
    inbound: Callable[[ReceivedText], Awaitable[Inbound]]
    clock: Clock
    reach: timedelta
    _missed: asyncio.Event = field(default_factory=asyncio.Event)
    _missed_since: datetime | None = None

    def note_missed(self) -> None:
        """Say that a text could not be taken now."""
        self._missed_since = self._missed_since or self.clock()
        self._missed.set()

    async def run(self, house: House) -> None:
        """Look, and look again, until cancelled."""
        while True:
            self._missed.clear()
            since = self._missed_since
            if await self._look(house):
                self._missed_since = None if self._missed_since == since else self._missed_since
                await self._missed.wait()
            await asyncio.sleep(LOOK_AGAIN)

    async def _look(self, house: House) -> bool:
        """Receive what was missed on every number; tell whether that could be done."""
        try:
            for account in self.accounts:
                await self._look_at(account, house)
        except (NotAnsweredError, ContactbotError) as error:
            _LOG.warning("missed texts cannot be looked for now", channel="sms", error=type(error).__name__)
            return False
        except Exception as error:  # noqa: BLE001 - a look that failed is tried again and ends nothing
            log_unforeseen(error)
            return False
        return True

    async def _look_at(self, account: Account, house: House) -> None:
        kept = await house.cursor(account.address)
        if kept is None:  # what lies at the provider is from before our time; what comes from now on is not
            await house.note_cursor(account.address, self.clock().isoformat())
        moments = [moment for moment in (_moment(kept), self._missed_since) if moment is not None]
        if not moments or not self.reach:
            return
        now = self.clock()  # a clock that was ahead left a moment that has not come yet
        since = max(min(*moments, now) - OVERLAP, now - self.reach)
        for text in await self.provider.received(account.address, since):
            inbound = await self.inbound(text)
            accepted = await house.receive(inbound, cursor=max(*moments, inbound.received_at).isoformat())
            if not accepted.duplicate:
                _LOG.info("a missed text was kept", channel="sms", thread=accepted.thread)


def _moment(cursor: str | None) -> datetime | None:
    return datetime.fromisoformat(cursor) if cursor else None
