"""What is done with one thing that came in: words are given to the house, receipts and errors are reported to it."""

import asyncio
import hashlib
import traceback
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from contactbot.channels.backoff import Backoff
from contactbot.channels.base import House, Surroundings
from contactbot.channels.xmpp.errors import HouseFailedError
from contactbot.channels.xmpp.identity import outbox_of
from contactbot.channels.xmpp.reading import Arrived, Bounced, Reading, Said, Typing
from contactbot.channels.xmpp.settings import XmppSettings
from contactbot.channels.xmpp.stream import Stream
from contactbot.channels.xmpp.writing import receipt, refusal
from contactbot.errors import StoreBusyError, UnknownAccountError
from contactbot.messages import Address, Inbound, Receipt

FIRST_WAIT = 0.2  # seconds until a busy store is asked again
LONGEST_WAIT = 30.0  # seconds; no wait for the store is longer
ATTEMPTS = 3  # at one call, when the house fails in a way nobody foresaw
MOST_ASIDE = 100  # messages the house fails at; one more and the intake waits, for then it is not the message

log = structlog.get_logger()
T = TypeVar("T")
Cursor = Callable[[], str | None]
"""Gives the place in the archive that may be stored with a message, at the moment it is asked."""


class Handling:
    """Handles what comes in for one account, until the house has it or has refused it.

    ``aside`` holds what the house failed at in a way nobody foresaw; it is tried again with ``retry_aside``.
    """

    def __init__(self, account: str, settings: XmppSettings, surroundings: Surroundings, house: House) -> None:
        self._account = account
        self._settings = settings
        self._surroundings = surroundings
        self._house = house
        self.aside: list[Said] = []

    def is_foreign(self, reading: Reading) -> bool:
        """Tell whether a receipt or an error is about something we never sent its sender."""
        return isinstance(reading, Arrived | Bounced) and self._outbox(reading) is None

    async def handle(self, stream: Stream, reading: Reading, cursor: Cursor) -> None:
        """Do what a reading asks for; return when it needs nothing more, or was set aside."""
        match reading:
            case Said():
                if not await self._accept(stream, reading, cursor):
                    log.error("xmpp message set aside", account=self._account)
                    self.aside.append(reading)
            case Arrived() | Bounced():
                await self._report(reading)
            case Typing():
                await self._hint(reading)

    async def retry_aside(self, stream: Stream) -> None:
        """Offer once more what the house failed at; what it takes now is not aside any more."""
        for said in tuple(self.aside):
            if await self._accept(stream, said, lambda: None, attempts=1):
                self.aside.remove(said)

    async def place(self) -> str:
        """Return the place in the archive that the house last stored, or "" for none."""
        return await self._patiently(lambda: self._house.cursor(self._account)) or ""

    async def keep_place(self, place: str) -> bool:
        """Have the house store the place in the archive without a message; return whether it did."""
        try:
            await self._patiently(lambda: self._house.note_cursor(self._account, place))
        except HouseFailedError:
            return False  # the next message, or the next check, brings it
        return True

    async def _accept(self, stream: Stream, said: Said, cursor: Cursor, attempts: int = ATTEMPTS) -> bool:
        """Give a message to the house and acknowledge it only when it is kept; return False when the house fails."""
        if len(said.text) > self._settings.max_characters:
            most = f"At most {self._settings.max_characters} characters are taken."
            stream.send(refusal(said, "modify", "not-acceptable", most))
            return True
        inbound = self._inbound(said)
        try:
            await self._patiently(lambda: self._house.receive(inbound, cursor()), attempts)
        except UnknownAccountError:
            log.error("xmpp account unknown to the house", account=self._account)  # noqa: TRY400 - it says it all
            stream.send(refusal(said, "cancel", "item-not-found", "Nobody reads messages at this address."))
        except HouseFailedError:
            return False
        else:
            if said.wants_receipt:
                stream.send(receipt(said))
        return True

    async def _report(self, reading: Arrived | Bounced) -> None:
        try:
            await self._patiently(lambda: self._house.receipt(self._outcome(reading)))
        except HouseFailedError:
            log.error("xmpp receipt not recorded", account=self._account)  # noqa: TRY400 - its cause is logged

    async def _hint(self, typing: Typing) -> None:
        try:
            await self._house.hint(Address("xmpp", typing.sender), "typing")
        except Exception as error:  # noqa: BLE001 - a lost hint does no harm, whatever the reason
            log.info("xmpp hint lost", account=self._account, **described(error))

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
                if failures >= attempts and len(self.aside) < MOST_ASIDE:
                    raise HouseFailedError("the house failed at one call; its log entry says where") from error
            await asyncio.sleep(backoff.pause())


def described(error: BaseException) -> dict[str, str]:
    """Say what kind of error it was and where it arose, without its words: they may be a resident's."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "where": where}
