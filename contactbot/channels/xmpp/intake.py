"""What comes in for one account: in order, once, and never more in memory than is allowed.

The same messages come from two sources, the live stream and the account's archive. While the intake is *level* with
the archive it takes live messages from a short queue. After a new stream, or when the queue is full, it is *behind*: it
lets go of live messages that the archive has too, and reads the archive on from the last message it handled. So an
outage, a flood and a busy store are one case, and the order is the archive's.
"""

import asyncio
import hashlib
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from xml.etree.ElementTree import Element

import structlog

from contactbot.channels.backoff import Backoff
from contactbot.channels.base import House, Surroundings
from contactbot.channels.xmpp.errors import ExpiredError, HouseFailedError
from contactbot.channels.xmpp.identity import outbox_of
from contactbot.channels.xmpp.reading import Arrived, Bounced, Reading, Said, Typing, read
from contactbot.channels.xmpp.settings import XmppSettings
from contactbot.channels.xmpp.stream import Presence, Stream
from contactbot.channels.xmpp.writing import receipt, refusal
from contactbot.errors import StoreBusyError, UnknownAccountError
from contactbot.messages import Address, Inbound, Receipt
from contactbot.wording import COMPLETE

FIRST_WAIT = 0.2  # seconds until a busy store is asked again
LONGEST_WAIT = 30.0  # seconds; no wait for the store is longer
ATTEMPTS = 3  # at one call, when the house fails in a way nobody foresaw
MOST_ASIDE = 100  # messages the house fails at; one more and the intake waits, for then it is not the message

log = structlog.get_logger()
T = TypeVar("T")


class Intake:
    """Takes in what one account receives, over one stream after the other."""

    def __init__(self, account: str, settings: XmppSettings, surroundings: Surroundings, house: House) -> None:
        self._account = account
        self._settings = settings
        self._surroundings = surroundings
        self._house = house
        self._live: deque[Reading] = deque()
        self._aside: deque[Said] = deque()
        self._bell = asyncio.Event()
        self._level = False
        self._missed = False  # a live message was let go since the archive was last asked
        self._read_to: str | None = None  # the archive's id of the last message handled; None: the house knows
        self._next_check = 0.0
        self._shown: Presence | None = None  # what the server was last told of us on this stream

    def offer(self, stream: Stream, message: Element) -> None:
        """Take note of a stanza that came in live; never waits."""
        reading = read(message, self._account)
        if reading is None or (isinstance(reading, Bounced) and stream.bounced(reading)) or self._is_foreign(reading):
            return
        if isinstance(reading, Said) and reading.archive_id and stream.archived and not self._level:
            self._missed = True
        elif len(self._live) < self._settings.waiting:
            self._live.append(reading)
        else:
            self._overflow(stream, reading)
        self._bell.set()

    async def work(self, stream: Stream, present: Callable[[], None]) -> None:
        """Handle what the archive holds, show presence and call ``present``, then handle what comes, until cancelled.

        Raises XmppError when the stream is lost.
        """
        await self._begin()
        await self._catch_up(stream)
        self._shown = None
        self._show_presence(stream)
        self._level = False  # something may have come between the archive's last answer and our presence
        await self._catch_up(stream)
        present()
        while True:
            if asyncio.get_running_loop().time() >= self._next_check:
                await self._check(stream)
            elif self._live:
                await self._handle(stream, self._live[0])
                self._passed(self._live.popleft())
            elif not self._level:
                await self._catch_up(stream)
            else:
                await self._rest()

    def _show_presence(self, stream: Stream) -> None:
        """Show that we are here, and when people are, where that is not shown yet."""
        hours = {language: self._house.opening(self._account, language) for language in COMPLETE}
        presence = Presence(all(one.open for one in hours.values()), {key: one.sentence for key, one in hours.items()})
        if presence != self._shown:
            stream.show_presence(presence)
            self._shown = presence

    # Keeping level

    async def _begin(self) -> None:
        self._level = False
        self._live = deque(one for one in self._live if not (isinstance(one, Said) and one.archive_id))
        self._plan_check()
        if self._read_to is None:
            self._read_to = await self._patiently(lambda: self._house.cursor(self._account)) or ""

    async def _catch_up(self, stream: Stream) -> None:
        """Handle all the archive holds after the last message handled; then we are level."""
        complete = not stream.archived
        while not complete:
            self._missed = False
            since = None if self._read_to else self._surroundings.clock() - timedelta(days=self._settings.history_days)
            try:
                page = await stream.page(self._read_to or "", since)
            except ExpiredError:
                self._read_to = ""
                continue
            for entry in page.entries:
                reading = read(entry.message, self._account, entry.id, entry.at)
                if reading is not None and not self._is_foreign(reading):
                    await self._handle(stream, reading)
                self._read_to = entry.id
            complete = page.complete and not self._missed
        self._level = True

    def _passed(self, reading: Reading) -> None:
        """Go on in the archive behind a live message: with the highest priority we miss none before it."""
        if isinstance(reading, Said) and reading.archive_id:
            self._read_to = reading.archive_id

    async def _check(self, stream: Stream) -> None:
        """Now and then see that the stream is alive and nothing was missed, and try again what was set aside."""
        self._plan_check()
        self._show_presence(stream)
        if stream.archived:
            self._level = False
        else:
            await stream.ping()
        for _ in range(len(self._aside)):
            await self._accept(stream, self._aside.popleft(), attempts=1)

    async def _rest(self) -> None:
        self._bell.clear()
        try:
            async with asyncio.timeout_at(self._next_check):
                await self._bell.wait()
        except TimeoutError:
            return

    def _plan_check(self) -> None:
        self._next_check = asyncio.get_running_loop().time() + self._settings.check_seconds

    def _overflow(self, stream: Stream, reading: Reading) -> None:
        """Let go of what the archive has; refuse for now what nobody else keeps."""
        if isinstance(reading, Said) and not (reading.archive_id and stream.archived):
            stream.send(refusal(reading, "wait", "resource-constraint", "Too many messages at once: try again later."))
        else:
            self._level, self._missed = not stream.archived, True

    # One thing that came in

    async def _handle(self, stream: Stream, reading: Reading) -> None:
        try:
            match reading:
                case Said():
                    await self._accept(stream, reading)
                case Arrived() | Bounced():
                    await self._patiently(lambda: self._house.receipt(self._outcome(reading)))
                case Typing():
                    await self._hint(reading)
        except HouseFailedError:
            log.error("xmpp receipt not recorded", account=self._account)  # noqa: TRY400 - its cause is logged

    async def _hint(self, typing: Typing) -> None:
        try:
            await self._house.hint(Address("xmpp", typing.sender), "typing")
        except Exception as error:  # noqa: BLE001 - a lost hint does no harm, whatever the reason
            log.info("xmpp hint lost", account=self._account, **described(error))

    async def _accept(self, stream: Stream, said: Said, attempts: int = ATTEMPTS) -> None:
        """Give a message to the house, and acknowledge it only when it is kept."""
        if len(said.text) > self._settings.max_characters:
            most = f"At most {self._settings.max_characters} characters are taken."
            stream.send(refusal(said, "modify", "not-acceptable", most))
            return
        # While a message is set aside the durable cursor stays before it, so that a restart reads it again.
        cursor = said.archive_id if said.archive_id and not self._aside else None
        inbound = self._inbound(said)
        try:
            await self._patiently(lambda: self._house.receive(inbound, cursor), attempts)
        except UnknownAccountError:
            log.error("xmpp account unknown to the house", account=self._account)  # noqa: TRY400 - it says it all
            stream.send(refusal(said, "cancel", "item-not-found", "Nobody reads messages at this address."))
        except HouseFailedError:
            log.error("xmpp message set aside", account=self._account)  # noqa: TRY400 - its cause is logged
            self._aside.append(said)
        else:
            if said.wants_receipt:
                stream.send(receipt(said))

    def _inbound(self, said: Said) -> Inbound:
        now = self._surroundings.clock()
        return Inbound(
            channel="xmpp",
            account=self._account,
            sender=Address("xmpp", said.sender),
            external_id=said.identity,
            text=said.text,
            received_at=min(now, said.sent_at or now),
            # With it, a client that uses an id twice for different words loses none of them.
            fingerprint=hashlib.sha256(said.text.encode()).hexdigest(),
            raw=said.raw,
            raw_type="application/xmpp+xml",  # RFC 3923
            recipients=(Address("xmpp", self._account),),
            sender_name=said.nick,
            subject=said.subject,
            folded=said.folded,
            refs=said.refs,
            automatic=said.automatic,
            authenticated=True,  # the server stamps the sender (RFC 6120 section 8.1.2.1)
            unreadable=said.unreadable,
            corrects=said.corrects,
        )

    def _outcome(self, reading: Arrived | Bounced) -> Receipt:
        outbox = self._outbox(reading)
        if isinstance(reading, Bounced):
            return Receipt("failed", outbox, provider_id=reading.key, detail=reading.condition)
        return Receipt("delivered", outbox, provider_id=reading.key)

    def _is_foreign(self, reading: Reading) -> bool:
        """Tell whether a receipt or an error is about something we never sent its sender."""
        return isinstance(reading, Arrived | Bounced) and self._outbox(reading) is None

    def _outbox(self, reading: Arrived | Bounced) -> int | None:
        return outbox_of(reading.key, self._account, reading.sender, self._surroundings.secret)

    async def _patiently(self, call: Callable[[], Awaitable[T]], attempts: int = ATTEMPTS) -> T:
        """Ask the house until it can serve. Raises HouseFailedError, and UnknownAccountError at once."""
        backoff = Backoff(FIRST_WAIT, LONGEST_WAIT)
        failures = 0
        while True:
            try:
                return await call()
            except UnknownAccountError:
                raise
            except StoreBusyError:
                log.warning("store busy, xmpp waits", account=self._account)
            except Exception as error:
                failures += 1
                log.error("house failed", account=self._account, attempt=failures, **described(error))  # noqa: TRY400 - no traceback: its lines and locals may hold what was said
                if failures >= attempts and len(self._aside) < MOST_ASIDE:
                    raise HouseFailedError("the house failed at one call; its log entry says where") from error
            await asyncio.sleep(backoff.pause())


def described(error: BaseException) -> dict[str, str]:
    """Say what kind of error it was and where it arose, without its words: they may be a resident's."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "where": where}
