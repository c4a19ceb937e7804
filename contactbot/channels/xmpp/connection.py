"""One account kept online: stream after stream, with pauses between them that a server can live with."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from slixmpp.jid import JID, InvalidJID

from contactbot.channels.backoff import Backoff
from contactbot.channels.base import House, Surroundings
from contactbot.channels.xmpp.errors import DisplacedError, LoginError, UntrustedError, XmppError
from contactbot.channels.xmpp.handling import described
from contactbot.channels.xmpp.identity import stanza_id
from contactbot.channels.xmpp.intake import Intake
from contactbot.channels.xmpp.settings import AccountSettings, XmppSettings
from contactbot.channels.xmpp.stream import Session, Stream
from contactbot.channels.xmpp.writing import LARGEST, answer, fits
from contactbot.messages import Account, Outbound, Receipt

STEADY = 60.0  # seconds a stream must have lasted for the next pause to be the first one again
RECONNECT_SECONDS = 30.0  # how long a question about a message waits for a stream
CLOCK_SKEW = timedelta(minutes=5)  # by which the server's clock may be behind ours
PROBE_PAGES = 20  # pages of 50 messages with one resident that are searched for one of ours

log = structlog.get_logger()


class Connection:
    """Receives for one account and sends from it."""

    def __init__(
        self, account: Account, access: AccountSettings, settings: XmppSettings, surroundings: Surroundings
    ) -> None:
        self.account = account
        self.access = access
        self._settings = settings
        self._surroundings = surroundings
        self._resource = _resource()
        self._backoff = Backoff(settings.first_pause, settings.longest_pause)
        self._stream: Stream | None = None
        self._session: Session | None = None  # of the last stream, where the server still holds it
        self._online = asyncio.Event()

    async def run(self, house: House, settled: Callable[[], None]) -> None:
        """Stay online until cancelled; call ``settled`` when present, or when the first attempt has failed."""
        intake = Intake(self.account.address, self._settings, self._surroundings, house)
        while True:
            began = asyncio.get_running_loop().time()
            error = await self._live(intake, settled)
            settled()
            if asyncio.get_running_loop().time() - began >= STEADY:
                self._backoff.reset()
            pause = self._pause(error)
            log.warning(
                "xmpp offline", account=self.account.address, reason=str(error), retry_in_seconds=round(pause, 1)
            )
            await asyncio.sleep(pause)

    async def send(self, outbound: Outbound) -> Receipt:
        """Give a message to the server: ``sent`` once it acknowledged, ``retry`` while we are offline.

        Every attempt but the first asks the archive before it sends. So ``retry`` is right also when a stream was lost
        under a message, and a crash in between says nothing twice. Without an archive that is ``unknown``.
        """
        recipient = _bare(outbound.recipient.value)
        if not recipient or recipient != outbound.recipient.value:
            return Receipt("failed", outbound.id, detail="the address is not a bare JID")
        if outbound.attachments:
            return Receipt("failed", outbound.id, detail="files cannot be sent over XMPP; send them by email")
        stanza = answer(outbound, self._identity(outbound))
        if not fits(stanza):
            return Receipt("failed", outbound.id, detail=f"longer than {LARGEST} bytes")
        stream = self._stream
        if stream is None or stream.lost.done():
            return Receipt("retry", outbound.id, detail="not connected to the XMPP server")
        try:
            if stream.archived and self._may_have_left(outbound) and await self._search(stream, outbound):
                return self._sent(outbound)
            bounced = await stream.deliver(stanza, self._settings.ack_seconds)
        except XmppError as error:
            return Receipt("retry" if stream.archived else "unknown", outbound.id, detail=str(error))
        if bounced is None:
            return self._sent(outbound)
        # Also a temporary error is final: the archive has our copy, so a later attempt would take it for sent.
        return Receipt("failed", outbound.id, provider_id=bounced.key, detail=bounced.condition)

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Look for a message in our own archive: ``sent`` when there, None when not, else ``unknown``."""
        try:
            async with asyncio.timeout(RECONNECT_SECONDS):
                found = await self._searched(outbound)
        except TimeoutError:
            found = None
        if found is None:
            return Receipt("unknown", outbound.id, detail="the account's archive could not be asked")
        return self._sent(outbound) if found else None

    async def _live(self, intake: Intake, settled: Callable[[], None]) -> XmppError:
        """Open a stream and work on it until it is lost; return why."""
        try:
            stream = Stream(
                self.access, self._resource, self._title(), lambda message: intake.offer(stream, message), self._session
            )
        except XmppError as error:
            return error
        try:
            await stream.open(self._settings.connect_seconds)
            log.info("xmpp online", account=self.account.address, archive=stream.archived, resumed=stream.resumed)
            self._stream = stream
            self._online.set()
            return await self._work(intake, stream, settled)
        except XmppError as error:
            return error
        finally:
            self._stream = None
            self._online.clear()
            self._session = stream.session() or self._session
            await stream.close()

    async def _work(self, intake: Intake, stream: Stream, settled: Callable[[], None]) -> XmppError:
        """Let the intake work until the stream is lost; a fault of ours ends the stream, not the process."""
        work = asyncio.create_task(intake.work(stream, settled), name="xmpp intake")
        try:
            ends: list[asyncio.Future[Any]] = [work, stream.lost]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return stream.lost.result() if stream.lost.done() else _failure(work)
        finally:
            work.cancel()
            await asyncio.wait({work})

    def _pause(self, error: XmppError) -> float:
        """Return the seconds until the next attempt: many where coming back soon would look like an attack."""
        if isinstance(error, DisplacedError):
            self._resource, self._session = _resource(), None
        if isinstance(error, DisplacedError | LoginError | UntrustedError):
            return self._backoff.long_pause()
        return self._backoff.pause()

    async def _searched(self, outbound: Outbound) -> bool | None:
        """Tell whether our archive has a message, asking one stream after the other until one answers."""
        while True:
            stream = await self._available()
            if not stream.archived:
                return None
            with suppress(XmppError):
                return await self._search(stream, outbound)

    async def _available(self) -> Stream:
        while self._stream is None or self._stream.lost.done():
            self._online.clear()
            await self._online.wait()
        return self._stream

    async def _search(self, stream: Stream, outbound: Outbound) -> bool | None:
        """Tell whether our archive has a message; None when there is too much to search."""
        identity, after = self._identity(outbound), ""
        for _ in range(PROBE_PAGES):
            page = await stream.page(after, outbound.created_at - CLOCK_SKEW, outbound.recipient.value)
            if any(entry.message.get("id") == identity for entry in page.entries):
                return True
            if page.complete:
                return False
            after = page.last
        return None

    @staticmethod
    def _may_have_left(outbound: Outbound) -> bool:
        return outbound.doubtful or outbound.attempt > 1

    def _sent(self, outbound: Outbound) -> Receipt:
        return Receipt("sent", outbound.id, provider_id=self._identity(outbound))

    def _identity(self, outbound: Outbound) -> str:
        return stanza_id(outbound.id, self.account.address, outbound.recipient.value, self._surroundings.secret)

    def _title(self) -> str:
        return self._surroundings.municipality_names.get(self.account.municipality, "")


def _failure(work: "asyncio.Task[None]") -> XmppError:
    error = work.exception()
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, XmppError):
        return error
    log.error("xmpp intake failed", **(described(error) if error is not None else {}))
    return XmppError("our own intake failed; the log entry before this one says where")


def _resource() -> str:
    """Draw a resource nobody else has: two processes under one full JID would throw each other out for ever."""
    return f"contactbot-{secrets.token_hex(6)}"


def _bare(text: str) -> str:
    try:
        jid = JID(text)
    except InvalidJID:
        return ""
    return jid.bare if not jid.resource else ""
