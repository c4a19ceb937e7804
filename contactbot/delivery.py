"""The one way out: lease, send, record. Sending happens outside any transaction.

A crash between leasing and recording leaves a parcel in ``sending``. The next start asks the peer about it where the
peer can be asked; where it cannot, the doubt is recorded and stays visible, and the message is sent once more if the
configuration says that a lost answer is worse than a double.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from contactbot import failpoints
from contactbot.channels.base import Channel
from contactbot.clock import Clock
from contactbot.errors import StoreBusyError
from contactbot.failpoints import Point
from contactbot.handoff import desk
from contactbot.marks import in_words
from contactbot.messages import Address, Author, DeliveryState, Outbound, Receipt
from contactbot.municipality import Municipality
from contactbot.outbox import store
from contactbot.outbox.parcel import Parcel, Standing, wait_before
from contactbot.privacy.erasures.erasure import SCHEME as NOBODY
from contactbot.settings import DeliverySettings
from contactbot.storage import events
from contactbot.storage.database import Database
from contactbot.storage.notices import session_topic
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.wording import say

log = structlog.get_logger()

LONGEST_CALL = 60.0  # seconds a channel may take for one message
LEASE = timedelta(seconds=3 * LONGEST_CALL)  # to send, to ask about it, and to write what came of it
SLOW_POLL = 5.0  # seconds; notices normally wake the loop at once
STORE_PAUSE = 1.0  # seconds to wait for a store that cannot serve
BATCH = 32  # parcels leased in one transaction

OPTED_OUT = "opted_out"  # how a channel's receipt begins when the peer knows of a STOP that we did not see

# If one of these does not arrive, nobody needs to do anything.
IDLE = ("stop", "survey", "smalltalk", "transcript_link", "transcript")

FINAL = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "failed": DeliveryState.FAILED,
    "unknown": DeliveryState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How one parcel is tried again: pauses in seconds, and whether a doubt nobody can settle is worth a double."""

    first_retry: float
    longest_retry: float
    resend: bool


class Delivery:
    """Sends what is in the outbox through the channels, in the order of each thread."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        municipalities: Mapping[str, Municipality],
        settings: DeliverySettings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._channels = channels
        self._municipalities = municipalities
        self._settings = settings
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._free = settings.workers
        self._freed = asyncio.Event()
        self._in_hand: set[int] = set()  # parcels this process is sending or asking about

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver while the context lasts; what is on its way when it ends is finished first."""
        async with asyncio.TaskGroup() as sending:
            loop = sending.create_task(self._run(sending), name="delivery")  # one that fails ends the house
            try:
                yield
            finally:
                loop.cancel()

    async def record(self, receipt: Receipt) -> None:
        """Record what a peer reports about a parcel, at once or later."""
        await self._database.jot(_record, receipt, self._clock(), dict(self._municipalities), mode="queue")

    async def _run(self, sending: asyncio.TaskGroup) -> None:
        alone = self._database.dialect.name == "sqlite"
        quiet = True
        with self._database.notices.listening(store.TOPIC) as woken:
            while True:
                try:
                    if quiet:
                        await self._recover(sending, everybody_else=alone)
                        alone = False
                    woken.clear()
                    while await self._send_ready(sending):
                        woken.clear()
                    quiet = not await self._wait(woken)
                except StoreBusyError as error:
                    log.warning("the outbox cannot be read now", error=str(error))
                    await asyncio.sleep(STORE_PAUSE)

    async def _send_ready(self, sending: asyncio.TaskGroup) -> bool:
        """Start sending what is ready; return whether there may be more right away."""
        limit = min(BATCH, self._free)
        if limit == 0:
            self._freed.clear()
            await self._freed.wait()
            return True
        await failpoints.reach(Point.LEASING)
        now = self._clock()
        parcels: list[Parcel] = await self._database.jot(
            store.lease, self._owner, now, now + LEASE, limit, mode="queue"
        )
        for parcel in parcels:
            self._free -= 1
            self._in_hand.add(parcel.id)
            sending.create_task(self._send(parcel), name=f"send {parcel.id}")
        return len(parcels) == limit

    async def _wait(self, woken: asyncio.Event) -> bool:
        """Wait until something may be ready; return whether a notice said so."""
        if woken.is_set():
            return True
        due: datetime | None = await self._database.glance(store.next_due)
        pause = SLOW_POLL if due is None else min(max((due - self._clock()).total_seconds(), 0.02), SLOW_POLL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await woken.wait()
        return woken.is_set()

    async def _send(self, parcel: Parcel) -> None:
        try:
            await failpoints.reach(Point.LEASED, parcel.channel)
            receipt = await self._attempt(parcel)
            await failpoints.reach(Point.TAKEN, parcel.channel)
            if receipt.state == "unknown" and self._may_probe(parcel):
                receipt = await self._ask(parcel) or Receipt("retry", parcel.id, detail="the peer has not got it")
            await self._until_kept(_settle, parcel, receipt)
        finally:
            self._in_hand.discard(parcel.id)
            self._free += 1
            self._freed.set()

    async def _until_kept(self, settle: Callable[..., None], parcel: Parcel, receipt: Receipt | None) -> None:
        """Write what became of a parcel, however long the store takes: forgetting it would mean sending it again."""
        while True:
            now, rules, known = self._clock(), self._rules(parcel), dict(self._municipalities)
            try:
                await self._database.jot(settle, parcel, receipt, now, rules, known, mode="queue")
            except StoreBusyError as error:
                log.warning("what became of a message cannot be kept now", outbox=parcel.id, error=str(error))
                await asyncio.sleep(STORE_PAUSE)
            else:
                await failpoints.reach(Point.SETTLED, parcel.channel)
                return

    async def _attempt(self, parcel: Parcel) -> Receipt:
        give_up_at = parcel.expires_at or parcel.created_at + timedelta(hours=self._settings.give_up_after)
        if give_up_at <= self._clock():
            return Receipt("failed", parcel.id, detail="given up: it could not be delivered in time")
        channel = self._channels.get(parcel.channel)
        if channel is None:
            return Receipt("retry", parcel.id, detail=f"the channel {parcel.channel} is not in use")
        if parcel.municipality not in self._municipalities:
            return Receipt("retry", parcel.id, detail=f"{parcel.municipality} is not in the configuration")
        try:
            async with asyncio.timeout(LONGEST_CALL):
                return await channel.send(self._outbound(parcel))
        except TimeoutError:
            return Receipt("unknown", parcel.id, detail="the channel took too long")
        except Exception:
            log.exception("a channel failed to send", channel=parcel.channel, outbox=parcel.id)
            return Receipt("unknown", parcel.id, detail="the channel failed; see the log")

    def _outbound(self, parcel: Parcel) -> Outbound:
        municipality = self._municipalities[parcel.municipality]
        return Outbound(
            id=parcel.id,
            account=parcel.account,
            recipient=Address(parcel.scheme, parcel.value),
            text=in_words(parcel.text, parcel.language),
            # Where our clock was ahead and is right again, a peer asked from that moment on would know of nothing.
            created_at=min(parcel.created_at, self._clock()),
            thread=parcel.thread,
            position=parcel.position,
            author=parcel.author,
            author_name=_author_name(parcel, municipality),
            markup=parcel.markup,
            purpose=parcel.purpose,
            language=parcel.language,
            subject=in_words(parcel.subject, parcel.language)
            or say(parcel.language, "mail_subject", name=municipality.name),
            choices=parcel.choices,
            in_reply_to=parcel.in_reply_to,
            refs=parcel.refs,
            attempt=parcel.attempts,
            doubtful=parcel.doubtful,
        )

    async def _recover(self, sending: asyncio.TaskGroup, *, everybody_else: bool) -> None:
        """Start finding out what became of parcels that were being sent by somebody who has gone.

        Whatever else is ready need not wait for peers that are slow to answer.
        """
        about = (self._owner, self._clock(), everybody_else, frozenset(self._in_hand))
        left: list[Parcel] = await self._database.jot(_left_behind, *about, mode="queue")
        for parcel in left:
            self._in_hand.add(parcel.id)
            sending.create_task(self._settle_left(parcel), name=f"recover {parcel.id}")

    async def _settle_left(self, parcel: Parcel) -> None:
        try:
            receipt = await self._ask(parcel)
            await failpoints.reach(Point.ASKED, parcel.channel)
            log.info("recovered a parcel", outbox=parcel.id, channel=parcel.channel, found=receipt and receipt.state)
            await self._until_kept(_settle_doubt, parcel, receipt)
        finally:
            self._in_hand.discard(parcel.id)

    async def _ask(self, parcel: Parcel) -> Receipt | None:
        channel = self._channels.get(parcel.channel)
        if channel is None or not self._may_probe(parcel):
            return Receipt("unknown", parcel.id, detail="the process ended while it was being sent")
        try:
            async with asyncio.timeout(LONGEST_CALL):
                return await channel.probe(self._outbound(parcel))
        except Exception:
            log.exception("a channel failed to ask its peer", channel=parcel.channel, outbox=parcel.id)
            return Receipt("unknown", parcel.id, detail="the peer could not be asked")

    def _rules(self, parcel: Parcel) -> Rules:
        resend = self._settings.resend_unknown_mail and not self._may_probe(parcel)
        return Rules(self._settings.first_retry, self._settings.longest_retry, resend)

    def _may_probe(self, parcel: Parcel) -> bool:
        channel = self._channels.get(parcel.channel)
        return channel is not None and channel.abilities.may_probe


def _author_name(parcel: Parcel, municipality: Municipality) -> str:
    if parcel.author == Author.BOT:
        return say(parcel.language, "bot_name")
    return municipality.signature(parcel.staff_name or "", parcel.language)


def _left_behind(
    tx: Transaction,
    owner: str,
    now: datetime,
    everybody_else: bool,  # noqa: FBT001 - a unit's arguments are positional
    in_hand: frozenset[int],
) -> list[Parcel]:
    """Take over what others left in ``sending``, so that only one process asks about it."""
    left = [one for one in store.stale(tx, owner, now, everybody_else=everybody_else) if one.id not in in_hand]
    for parcel in left:
        store.take_over(tx, parcel.id, owner, now + LEASE)
    return left


def _settle(
    tx: Transaction,
    parcel: Parcel,
    receipt: Receipt,
    at: datetime,
    rules: Rules,
    municipalities: Mapping[str, Municipality],
) -> None:
    """Write what an attempt led to: a final state, or another attempt later.

    A doubt about a peer that cannot be asked is kept and shown, and the message is sent once more if so configured.
    """
    failpoints.touch(Point.SETTLING, parcel.channel)
    now = store.standing(tx, parcel.id)
    receipt = _told_of(now, receipt)
    if receipt.state == "unknown" and rules.resend and not parcel.doubtful and not now.withdrawn:
        store.note(tx, now, DeliveryState.UNKNOWN, receipt, at)
        store.queue_again(tx, parcel.id, at, at, doubtful=True)
        return
    if receipt.state != "retry":
        _move(tx, now, FINAL[receipt.state], receipt, at, municipalities)
        return
    if now.withdrawn:
        _move(tx, now, DeliveryState.CANCELLED, receipt, at, municipalities)
        return
    wait = wait_before(parcel.attempts, rules.first_retry, rules.longest_retry)
    if receipt.retry_after is not None:
        wait = max(wait, timedelta(seconds=receipt.retry_after))
    store.note(tx, now, DeliveryState.QUEUED, receipt, at)
    store.queue_again(tx, parcel.id, at + wait, at, doubtful=parcel.doubtful)


def _settle_doubt(
    tx: Transaction,
    parcel: Parcel,
    receipt: Receipt | None,
    at: datetime,
    rules: Rules,
    municipalities: Mapping[str, Municipality],
) -> None:
    """Write what was found out about a parcel left in ``sending``: the peer has not got it, or something is known."""
    if receipt is None and not store.standing(tx, parcel.id).withdrawn:
        store.queue_again(tx, parcel.id, at, at, doubtful=parcel.doubtful)
        return
    _settle(tx, parcel, receipt or Receipt("retry", parcel.id), at, rules, municipalities)


def _record(tx: Transaction, receipt: Receipt, at: datetime, municipalities: Mapping[str, Municipality]) -> None:
    """Write a report that came later. Reports about nothing we sent are ignored."""
    found = store.find(tx, receipt)
    if found is not None and receipt.state in FINAL:
        now = store.standing(tx, found)
        _move(tx, now, FINAL[receipt.state], _told_of(now, receipt), at, municipalities)


def _told_of(now: Standing, receipt: Receipt) -> Receipt:
    """Return what may be kept of a report: peers name whom they refuse, and of somebody forgotten nothing is kept."""
    return replace(receipt, provider_id="", detail="") if now.scheme == NOBODY else receipt


def _move(
    tx: Transaction,
    now: Standing,
    state: DeliveryState,
    receipt: Receipt,
    at: datetime,
    municipalities: Mapping[str, Municipality],
) -> None:
    """Move a parcel, remember the identifier the peer knows it by, and make what was given up visible as work."""
    if not store.change(tx, now, state, receipt, at):
        return
    if receipt.provider_id:
        threads.add_refs(tx, now.municipality, now.thread, now.message, [receipt.provider_id], own=True)
    tx.wake(session_topic(now.scheme, now.value))
    events.record(
        tx, now.municipality, at, "delivery", f"delivery.{state}", thread=now.thread,
        data={"channel": now.channel},
    )  # fmt: skip
    if state == DeliveryState.FAILED and receipt.detail.startswith(OPTED_OUT):
        _obey_stop(tx, now, at, municipalities)
    silenced = state == DeliveryState.CANCELLED and now.author == Author.STAFF  # by a STOP: nothing else withdraws it
    lost = silenced or state in (DeliveryState.FAILED, DeliveryState.UNKNOWN)
    if lost and now.purpose not in IDLE and now.scheme != NOBODY:
        _show_as_work(tx, now, at, municipalities)


def _obey_stop(tx: Transaction, now: Standing, at: datetime, municipalities: Mapping[str, Municipality]) -> None:
    """Silence the address a parcel was for: the peer knows of a STOP that we did not see."""
    threads.set_stopped(tx, now.address, at)
    for thread in store.cancel_all(tx, now.address, at):
        desk.undelivered(tx, now.municipality, thread, at, _due(now, at, municipalities))


def _show_as_work(tx: Transaction, now: Standing, at: datetime, municipalities: Mapping[str, Municipality]) -> None:
    desk.undelivered(tx, now.municipality, now.thread, at, _due(now, at, municipalities))


def _due(now: Standing, at: datetime, municipalities: Mapping[str, Municipality]) -> datetime:
    here = municipalities.get(now.municipality)
    return at if here is None else here.due(at)
