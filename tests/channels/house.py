"""A house for testing channels: it keeps what it is given, once, and can be told to be busy, slow or broken."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import Literal

from aiohttp import web

from contactbot import clock
from contactbot.channels.base import Channel, Opening, Surroundings
from contactbot.errors import StoreBusyError, UnknownAccountError
from contactbot.messages import (
    Accepted,
    Account,
    Address,
    Author,
    Inbound,
    MailText,
    Markup,
    Outbound,
    Rating,
    Receipt,
    Spoken,
    Standing,
)
from tests.patience import PATIENCE

MOST_TRANSCRIPTS = 3  # of one conversation


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint a channel passed on."""

    sender: Address
    kind: Literal["typing", "read"]
    position: int


class RecordingHouse:
    """The House port with a memory.

    ``offered`` is every Inbound in the order it came, ``kept`` those that were new; they are identified as the real
    house does, by (account, external id, fingerprint). Set ``busy`` for a store that cannot serve now, ``failure`` for
    one that breaks in an unforeseen way, ``known`` to the accounts that are configured (None: all).
    """

    def __init__(self) -> None:
        self.offered: list[Inbound] = []
        self.kept: list[Inbound] = []
        self.receipts: list[Receipt] = []
        self.hints: list[Hint] = []
        self.left: list[tuple[Address, Address]] = []
        self.standings: dict[Address, Standing] = {}
        self.ratings: list[tuple[int, bool, str]] = []
        self.ended: list[Address] = []
        self.has_mail = True
        self.asked: list[tuple[Address, Address, str, MailText]] = []
        self.mailed: dict[str, MailText] = {}
        self.share_left = True
        self.cursors: dict[str, str] = {}
        self.ready = asyncio.Event()
        self.busy = False
        self.failure: Exception | None = None
        self.known: frozenset[tuple[str, str]] | None = None
        self.is_open = True
        self._identities: dict[tuple[str, str, str], Accepted] = {}
        self._threads: dict[Address, int] = {}
        self._spoken: dict[Address, list[Spoken]] = defaultdict(list)
        self._bells: dict[Address, set[asyncio.Event]] = defaultdict(set)
        self._gate = asyncio.Event()
        self._gate.set()
        self._arrivals = asyncio.Condition()

    def started(self) -> None:
        """Note that the channel receives."""
        self.ready.set()

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        """Keep a message as the real house does: once, after the commit (which ``hold`` can put off)."""
        self.offered.append(inbound)
        await self._ring()
        await self._gate.wait()
        self._serve()
        if self.known is not None and (inbound.channel, inbound.account) not in self.known:
            raise UnknownAccountError(f"nobody configured {inbound.channel}:{inbound.account}")
        accepted = self._keep(inbound)
        if cursor is not None:
            self.cursors[inbound.account] = cursor
        await self._ring()
        return accepted

    async def receipt(self, receipt: Receipt) -> None:
        """Note what became of a message."""
        self._serve()
        self.receipts.append(receipt)
        await self._ring()

    async def cursor(self, account: str) -> str | None:
        """Return the cursor stored with the last message of this account."""
        self._serve()
        return self.cursors.get(account)

    async def note_cursor(self, account: str, cursor: str) -> None:
        """Store where an account is read from."""
        self._serve()
        self.cursors[account] = cursor

    async def history(self, session: Address, after: int) -> Sequence[Spoken]:
        """Return what was said in a session, above a position."""
        self._serve()
        return [spoken for spoken in self._spoken[session] if spoken.position > after]

    async def changes(self, session: Address) -> AsyncIterator[None]:
        """Yield at once and then whenever the session's history grew."""
        bell = asyncio.Event()
        self._bells[session].add(bell)
        try:
            while True:
                yield
                await bell.wait()
                bell.clear()
        finally:
            self._bells[session].discard(bell)

    async def hint(self, sender: Address, kind: Literal["typing", "read"], position: int = 0) -> None:
        """Note a hint."""
        self.hints.append(Hint(sender, kind, position))
        await self._ring()

    async def leave_address(self, session: Address, address: Address) -> None:
        """Note where a resident may be reached."""
        self.left.append((session, address))
        await self._ring()

    def sends_mail(self, account: str) -> bool:
        """Say whether there is mail, as the test says."""
        del account
        return self.has_mail

    async def ask_for_transcript(self, account: str, session: Address, to: Address, key: str, mail: MailText) -> bool:
        """Note who wants a conversation where; at most three times for each."""
        del account
        self._serve()
        if not self._spoken[session] or sum(one[0] == session for one in self.asked) >= MOST_TRANSCRIPTS:
            return False
        self.asked.append((session, to, key, mail))
        return True

    async def transcript_for(self, account: str, key: str) -> Address | None:
        """Return whose conversation a link is for."""
        del account
        self._serve()
        return next((session for session, _, known, _ in self.asked if known == key), None)

    async def send_transcript(self, account: str, key: str, mail: MailText) -> Literal["sent", "later", "gone"]:
        """Note the mail with the conversation, the first for each link."""
        if await self.transcript_for(account, key) is None:
            return "gone"
        if not self.share_left:
            return "later"
        self.mailed.setdefault(key, mail)
        return "sent"

    async def leave(self, session: Address) -> None:
        """Note who ended their conversation."""
        self._serve()
        self.ended.append(session)
        await self._ring()

    async def standing(self, session: Address) -> Standing:
        """Return how a session's conversation stands, as the test says."""
        self._serve()
        return self.standings.get(session, Standing())

    def stand(self, session: Address, standing: Standing) -> None:
        """Say how a session's conversation stands from now on."""
        self.standings[session] = standing
        for bell in self._bells[session]:
            bell.set()

    async def rate(self, account: str, session: Address, position: int, *, helpful: bool, comment: str) -> bool:
        """Note what a resident thinks of an answer."""
        del account
        self._serve()
        spoken = self._spoken[session]
        at = next((at for at, one in enumerate(spoken) if one.position == position and one.rating), None)
        if at is None:
            return False
        spoken[at] = replace(spoken[at], rating="helpful" if helpful else "unhelpful")
        self.ratings.append((position, helpful, comment))
        return True

    def opening(self, account: str, language: str) -> Opening:
        """Say whether people are there."""
        del account, language
        return Opening(self.is_open, "Vi svarer nå." if self.is_open else "Vi svarer i morgen fra klokken 9.")

    def hold(self) -> None:
        """Let every ``receive`` wait before its commit until ``release``."""
        self._gate.clear()

    def release(self) -> None:
        """Let those that wait commit."""
        self._gate.set()

    def say(  # noqa: PLR0913 - what a message shows
        self,
        session: Address,
        text: str,
        *,
        author: Author = Author.BOT,
        markup: Markup = "plain",
        choices: tuple[str, ...] = (),
        rating: Rating = "",
        asks_why: bool = False,
    ) -> Spoken:
        """Put an answer into a session's history, as the real house does when it is written to the outbox."""
        spoken = Spoken(
            position=len(self._spoken[session]) + 1,
            author=author,
            author_name="Ola" if author is Author.STAFF else "",
            text=text,
            at=clock.now(),
            markup=markup,
            choices=choices,
            rating=rating,
            asks_why=asks_why,
        )
        self._tell(session, spoken)
        return spoken

    async def seen(self, *, offered: int = 0, kept: int = 0, receipts: int = 0, hints: int = 0) -> None:
        """Wait until at least so many arrived; TimeoutError after ``PATIENCE`` seconds."""

        def arrived() -> bool:
            return (
                len(self.offered) >= offered
                and len(self.kept) >= kept
                and len(self.receipts) >= receipts
                and len(self.hints) >= hints
            )

        async with asyncio.timeout(PATIENCE), self._arrivals:
            await self._arrivals.wait_for(arrived)

    def _serve(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.busy:
            raise StoreBusyError("the store cannot serve now; try again later")

    def _keep(self, inbound: Inbound) -> Accepted:
        identity = (inbound.account, inbound.external_id, inbound.fingerprint)
        if identity in self._identities:
            return replace(self._identities[identity], duplicate=True)
        self.kept.append(inbound)
        thread = inbound.thread or self._threads.setdefault(inbound.sender, len(self._threads) + 1)
        spoken = Spoken(
            position=len(self._spoken[inbound.sender]) + 1,
            author=Author.RESIDENT,
            author_name=inbound.sender_name,
            text=inbound.text,
            at=inbound.received_at,
            key=inbound.external_id,
            attachments=tuple(attachment.name for attachment in inbound.attachments),
        )
        self._tell(inbound.sender, spoken)
        self._identities[identity] = Accepted(len(self.kept), thread, spoken.position)
        return self._identities[identity]

    def _tell(self, session: Address, spoken: Spoken) -> None:
        self._spoken[session].append(spoken)
        for bell in self._bells[session]:
            bell.set()

    async def _ring(self) -> None:
        async with self._arrivals:
            self._arrivals.notify_all()


class Doorway:
    """A web server for a channel's routes whose address is known before the channel is made."""

    def __init__(self, listener: socket) -> None:
        self._listener = listener
        self._runner: web.AppRunner | None = None
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def mount(self, routes: Iterable[web.AbstractRouteDef], client_max_size: int = 1_048_576) -> None:
        """Serve these routes from now on; ``client_max_size`` is in bytes."""
        app = web.Application(client_max_size=client_max_size)
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def close(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._listener.close()


@asynccontextmanager
async def doorway() -> AsyncIterator[Doorway]:
    """Hold a port of 127.0.0.1 and close it at the end."""
    listener = socket(AF_INET, SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    door = Doorway(listener)
    try:
        yield door
    finally:
        await door.close()


@asynccontextmanager
async def running(channel: Channel, house: RecordingHouse) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a channel until the block ends; the block starts when the channel says that it receives."""
    task: asyncio.Task[None] = asyncio.create_task(_run(channel, house), name=f"run {channel.name}")
    ready = asyncio.create_task(house.ready.wait())
    try:
        await asyncio.wait({task, ready}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        assert house.ready.is_set(), f"{channel.name} did not say that it receives within {PATIENCE} s"
        yield task
    finally:
        ready.cancel()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _run(channel: Channel, house: RecordingHouse) -> None:
    await channel.run(house)


def surroundings(data: Path, public_url: str = "https://kommune.example") -> Surroundings:
    """Give what a channel is told about a test installation with one municipality, key ``fjordvik``."""
    return Surroundings(
        public_url=public_url,
        secret=b"a test installation's signing key",
        data=data,
        clock=clock.now,
        municipality_names={"fjordvik": "Fjordvik kommune"},
        countries={"fjordvik": "NO"},
    )


def account(channel: Channel) -> Account:
    """Return the channel's first account."""
    return channel.accounts[0]


def outbound(channel: Channel, recipient: Address, text: str, outbox: int = 1) -> Outbound:
    """Make an answer of the bot in plain text; vary it with ``dataclasses.replace``."""
    return Outbound(
        id=outbox,
        account=account(channel).address,
        recipient=recipient,
        text=text,
        created_at=clock.now(),
        thread=1,
        position=2,
    )
