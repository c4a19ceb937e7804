"""What the house does by the clock: forward unread answers, forget to the end, delete what has had its time."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from contactbot.channels.base import Channel
from contactbot.clock import Clock
from contactbot.errors import StoreBusyError
from contactbot.messages import Address, Author
from contactbot.municipality import Municipality
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.privacy.erasures import forgetting
from contactbot.privacy.retention import job as retention
from contactbot.settings import Settings
from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads

log = structlog.get_logger()

EVERY = 30.0  # seconds between looks
DELETE_EVERY = timedelta(hours=1)


class Upkeep:
    """The recurring work of one process; several processes may run it at once, since every unit can be repeated."""

    def __init__(
        self,
        database: Database,
        municipalities: Mapping[str, Municipality],
        channels: Mapping[str, Channel],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._municipalities = municipalities
        self._channels = channels
        self._unread = timedelta(minutes=settings.delivery.unread_minutes)
        self._clock = clock
        self._deleted: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self.once()
            except StoreBusyError as error:
                log.warning("upkeep waits for the database", error=str(error))
            await asyncio.sleep(EVERY)

    async def once(self) -> None:
        """Do what is due now."""
        now = self._clock()
        schemes = {channel.abilities.scheme: name for name, channel in self._channels.items()}
        sessions = [name for name, channel in self._channels.items() if channel.abilities.scheme == "webchat"]
        for name in sessions:
            if await self._database.read(outbox.unread_answers, name, now - self._unread):  # mostly there is nothing
                await self._database.write(forward_unread, name, schemes, now - self._unread, now)
        await forgetting.go_on_all(self._database, self._clock)
        if self._deleted is None or now - self._deleted >= DELETE_EVERY:
            for municipality in self._municipalities.values():
                await retention.run(self._database, municipality, now)
            self._deleted = now


def forward_unread(tx: Transaction, channel: str, schemes: Mapping[str, str], before: datetime, now: datetime) -> int:
    """Queue unread staff answers of a chat for the address the resident left; return how many."""
    sent = 0
    for municipality, thread, message, position, left, subject in outbox.unread_answers(tx, channel, before):
        scheme, _, value = left.partition(":")
        other = schemes.get(scheme)
        if other is None or threads.service_account(tx, municipality, other) is None:
            continue
        to = threads.keep_address(tx, municipality, Address(scheme, value), "", now)
        if threads.address_by_id(tx, to).stopped_at is not None:
            continue
        epoch = threads.turn_epoch(tx, thread)
        parcel = Post("answer", Author.STAFF, epoch, now, subject=subject, to_address=to)
        outbox.post(tx, municipality, thread, other, (message, position), parcel)
        sent += 1
    return sent
