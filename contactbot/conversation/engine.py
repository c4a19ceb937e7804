"""The one way in: a message is read against what stands, understood, decided and written in one transaction."""

import asyncio
import hashlib
import itertools
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial

import structlog

from contactbot import failpoints
from contactbot.channels.base import Abilities
from contactbot.clock import Clock
from contactbot.conversation import effects, steps, store
from contactbot.conversation.crowd import Crowd
from contactbot.conversation.facts import Facts, Limits
from contactbot.conversation.knowledge import Bases
from contactbot.conversation.outcome import Outcome, Work
from contactbot.conversation.seen import Seen
from contactbot.conversation.understand import Moment, understand
from contactbot.errors import ContactbotError
from contactbot.failpoints import Point
from contactbot.handoff.strangers import store as strangers
from contactbot.handoff.ticket import Reason
from contactbot.kb import store as kb
from contactbot.messages import Accepted, Address, Inbound
from contactbot.municipality import Municipality
from contactbot.privacy.erasures import store as erasures
from contactbot.settings import Settings
from contactbot.storage import blobs
from contactbot.storage.database import Database
from contactbot.storage.notices import session_topic
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import Thread

log = structlog.get_logger()

ATTEMPTS = 5  # how often a message is read and understood anew when something changed meanwhile
FROM_THE_BASE = ("answer", "choices")  # outcomes that what changed since may have made wrong
LARGE = 20_000  # characters from which understanding leaves the event loop
BULKY = 100_000  # bytes from which writing does: to hash and to store them takes longer than a change of threads


class ChangedError(ContactbotError):
    """The thread or the knowledge base changed between reading and writing; read again."""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a message."""

    accepted: Accepted
    outcome: Outcome | None


class Codes:
    """Unforeseeable six-digit codes from one secret: asking the system for each would cost half a millisecond."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._drawn = itertools.count()

    def draw(self) -> str:
        """Return the next code, 100000 to 999999."""
        digest = hashlib.blake2b(next(self._drawn).to_bytes(8), digest_size=8, key=self._key)
        return str(100_000 + int.from_bytes(digest.digest()) % 900_000)


class Engine:
    """Receives messages of every channel."""

    def __init__(
        self,
        database: Database,
        municipalities: Mapping[str, Municipality],
        bases: Bases,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._municipalities = municipalities
        self._bases = bases
        self._settings = settings.conversation
        self._clock = clock
        self._give_up = timedelta(hours=settings.delivery.give_up_after)
        self._key = settings.secret.get_secret_value().encode()
        self._limits_of = cache(partial(Limits, self._settings.flood_messages, self._settings.flood_repeats))
        self._codes = Codes()
        self._crowd = Crowd(lambda: clock().timestamp())
        self._senders: dict[Address, tuple[asyncio.Lock, int]] = {}

    async def receive(self, inbound: Inbound, abilities: Abilities, cursor: str | None = None) -> Received:
        """Take a message in; return after the commit.

        Raises UnknownAccountError, and StoreBusyError when nothing could be kept.
        """
        await failpoints.reach(Point.ARRIVED, inbound.channel)
        async with self._in_order(inbound.sender):
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return await self._once(inbound, abilities, cursor, give_up=attempt == ATTEMPTS)
                except ChangedError:
                    log.debug("read again", channel=inbound.channel, attempt=attempt)
        raise AssertionError("the last attempt does not look for changes")

    async def _once(self, inbound: Inbound, abilities: Abilities, cursor: str | None, *, give_up: bool) -> Received:
        now = self._clock()
        about = (inbound, abilities, now, self._settings, self._municipalities)
        seen: Seen = await self._database.glance(store.load_context, *about)
        knowledge = await self._bases.current(seen.municipality, seen.kb_revision)
        if knowledge.revision != seen.kb_revision:
            seen = replace(seen, kb_revision=knowledge.revision)
        if seen.stranger and not await self._has_room(inbound, abilities, seen, now):
            seen = replace(seen, crowded=True)
        moment = Moment(now, self._codes.draw(), self._limits_of(abilities.automatic_per_hour))
        read = (inbound, seen, self._municipalities[seen.municipality], abilities.length, knowledge, moment)
        large = len(inbound.text) + sum(len(part.text) for part in inbound.folded) > LARGE
        slow = large or knowledge.index.is_slow
        facts = await asyncio.to_thread(understand, *read) if slow else understand(*read)
        outcome = steps.decide(facts)
        if give_up and outcome.label in FROM_THE_BASE:
            outcome = _too_busy(facts)
        contents = (inbound.raw, *(file.content for file in inbound.attachments))
        for content in contents:
            await blobs.keep_large(self._database, seen.municipality, content, now)
        await failpoints.reach(Point.UNDERSTOOD, inbound.channel)
        door = self._database.write if large or sum(map(len, contents)) > BULKY else self._database.jot
        accepted: Accepted = await door(_handle, inbound, facts, outcome, self._give_up, cursor, self._key, give_up)
        await failpoints.reach(Point.COMMITTED, inbound.channel)
        return Received(accepted, None if accepted.duplicate else outcome)

    async def _has_room(self, inbound: Inbound, abilities: Abilities, seen: Seen, now: datetime) -> bool:
        """Tell whether one more stranger is taken up, on this account now and before the start."""
        if not self._crowd.remembers(inbound):
            most, since = abilities.strangers_per_hour, now - timedelta(hours=1)
            before = await self._database.read(strangers.taken_up, seen.municipality, seen.account, since, most)
            self._crowd.recall(inbound, abilities, before)
        return self._crowd.has_room(inbound, abilities)

    @asynccontextmanager
    async def _in_order(self, sender: Address) -> AsyncIterator[None]:
        """Handle one sender's messages one after the other, in the order they came."""
        lock, waiting = self._senders.get(sender, (asyncio.Lock(), 0))
        self._senders[sender] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._senders.pop(sender)
            if waiting > 1:
                self._senders[sender] = (lock, waiting - 1)


def _handle(  # noqa: PLR0913 - a unit's arguments are positional
    tx: Transaction,
    inbound: Inbound,
    facts: Facts,
    outcome: Outcome,
    give_up_after: timedelta,
    cursor: str | None,
    key: bytes,
    give_up: bool,  # noqa: FBT001 - as above
) -> Accepted:
    """Accept the message once, check that nothing moved since it was read, and write everything it leads to."""
    duplicate = threads.already_accepted(tx, facts.seen.account, inbound)
    if cursor is not None:
        store.set_cursor(tx, inbound.channel, inbound.account, cursor)
    if duplicate is not None:
        return duplicate
    facts = _fresh(tx, inbound, facts, give_up=give_up)
    thread, accepted = effects.keep_message(tx, inbound, facts, outcome, key)
    effects.carry_out(tx, thread, inbound, facts, outcome, give_up_after)
    tx.wake(session_topic(inbound.sender.scheme, inbound.sender.value))
    failpoints.touch(Point.WRITING, inbound.channel)
    return accepted


def _fresh(tx: Transaction, inbound: Inbound, facts: Facts, *, give_up: bool) -> Facts:
    """Compare what was read with what stands. Raises ChangedError, but on the last attempt takes what stands."""
    seen = facts.seen
    if seen.thread is not None:
        if store.stands(tx, seen.thread, seen.kb_revision):
            return facts
        gone = not give_up or erasures.is_nobodys(tx, seen.thread.id)
        thread = None if gone else threads.thread_by_id(tx, seen.municipality, seen.thread.id)
    else:
        thread = _begun_meanwhile(tx, inbound, seen)
        if thread is None and kb.revision(tx, seen.municipality) == seen.kb_revision:
            return facts
    if not give_up:
        raise ChangedError("the conversation or the knowledge base changed meanwhile")
    return replace(facts, seen=replace(seen, thread=thread))


def _begun_meanwhile(tx: Transaction, inbound: Inbound, seen: Seen) -> Thread | None:
    """Return a thread that another message of the sender, perhaps in another process, began since; where remembered."""
    if seen.latest_thread is None:
        return None
    if threads.latest_thread(tx, seen.municipality, seen.account, inbound.sender) == seen.latest_thread:
        return None
    address = threads.find_address(tx, seen.municipality, inbound.sender)
    return None if address is None else threads.running_thread(tx, seen.account, address.id)


def _too_busy(facts: Facts) -> Outcome:
    """Return the hand-off of a message whose conversation kept changing."""
    work = Work(Reason.BUSY, facts.text[: steps.TITLE] or "…")
    return replace(steps.hand_off(facts), rule="kept changing", work=work)
