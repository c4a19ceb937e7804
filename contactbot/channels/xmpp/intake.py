"""What comes in for one account: each sender's in order, once, and never more in memory than is allowed.

The same messages come from two sources, the live stream and the account's archive. While the intake is *level* with
the archive it takes live messages from a short queue. After a new stream, or when the queue is full, it is *behind*: it
lets go of live messages that the archive has too, and reads the archive on from the last message it took. So an
outage, a flood, a busy store and a message to another client of ours are one case, and the order is the archive's.

Messages of different senders are handled side by side, so that they share the store's commits. The place that is stored
in the house, and from which a new stream goes on, is the one before the first message that is not finished.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from xml.etree.ElementTree import Element

from contactbot.channels.base import House, Surroundings
from contactbot.channels.xmpp.errors import ExpiredError
from contactbot.channels.xmpp.handling import Handling
from contactbot.channels.xmpp.lanes import Lanes
from contactbot.channels.xmpp.progress import Progress, Taken
from contactbot.channels.xmpp.reading import Bounced, Reading, Said, is_copy, read
from contactbot.channels.xmpp.settings import XmppSettings
from contactbot.channels.xmpp.stream import Presence, Stream
from contactbot.channels.xmpp.writing import refusal
from contactbot.wording import COMPLETE


class Intake:
    """Takes in what one account receives, over one stream after the other."""

    def __init__(self, account: str, settings: XmppSettings, surroundings: Surroundings, house: House) -> None:
        self._account = account
        self._settings = settings
        self._surroundings = surroundings
        self._house = house
        self._handling = Handling(account, settings, surroundings, house)
        self._progress = Progress("")
        self._knows_place = False  # until the house has told where the archive was read to
        self._live: deque[Reading] = deque()
        self._bell = asyncio.Event()  # something came in
        self._moved = asyncio.Event()  # something is finished
        self._level = False
        self._missed = False  # a live message was let go since the archive was last asked
        self._next_check = 0.0
        self._stored = ""  # the place the house was last given
        self._shown: Presence | None = None  # what the server was last told of us on this stream

    def offer(self, stream: Stream, message: Element) -> None:
        """Take note of a stanza that came in live; never waits."""
        if stream.archived and is_copy(message, self._account):
            self._level, self._missed = False, True
            self._bell.set()
        reading = read(message, self._account)
        bounced = isinstance(reading, Bounced) and stream.bounced(reading)
        if reading is None or bounced or self._handling.is_foreign(reading):
            return
        if isinstance(reading, Said) and reading.archive_id and stream.archived and not self._level:
            self._missed = True
        elif len(self._live) + len(self._progress) < self._settings.waiting:
            self._live.append(reading)
        else:
            self._overflow(stream, reading)
        self._bell.set()

    async def work(self, stream: Stream, present: Callable[[], None]) -> None:
        """Handle what the archive holds, show presence and call ``present``, then handle what comes, until cancelled.

        Raises XmppError, in a group, when the stream is lost.
        """
        await self._begin()
        async with asyncio.TaskGroup() as group:
            lanes = Lanes(group, self._settings.side_by_side)
            await self._catch_up(stream, lanes)
            await self._until_finished()
            self._shown = None
            self._show_presence(stream)
            self._level = False  # something may have come between the archive's last answer and our presence
            await self._catch_up(stream, lanes)
            await self._until_finished()
            present()
            while True:
                if asyncio.get_running_loop().time() >= self._next_check:
                    await self._check(stream)
                elif self._live:
                    self._take_live(stream, lanes)
                elif not self._level:
                    await self._catch_up(stream, lanes)
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
        """Go back to where everything is finished; what no archive will give again stays in hand."""
        self._level = False
        live = (one for one in self._live if not (isinstance(one, Said) and one.archive_id))
        self._live = deque((*self._progress.turn_back(), *live))
        self._plan_check()
        if not self._knows_place:
            self._stored = await self._handling.place()
            self._progress, self._knows_place = Progress(self._stored), True

    async def _catch_up(self, stream: Stream, lanes: Lanes) -> None:
        """Take all the archive holds after the last message taken; then we are level."""
        complete = not stream.archived
        while not complete:
            self._missed = False
            place = self._progress.taken_to
            since = None if place else self._surroundings.clock() - timedelta(days=self._settings.history_days)
            try:
                page = await stream.page(place, since)
            except ExpiredError:
                self._progress.forget_place()
                continue
            for entry in page.entries:
                await self._until_room()
                reading = read(entry.message, self._account, entry.id, entry.at)
                self._take(stream, lanes, reading, entry.id)
            complete = page.complete and not self._missed
        self._level = True

    async def _check(self, stream: Stream) -> None:
        """Now and then see that the stream is alive and nothing was missed, and try again what was set aside."""
        self._plan_check()
        self._show_presence(stream)
        if stream.archived:
            self._level = False
        else:
            await stream.ping()
        await self._handling.retry_aside(stream)
        place = self._progress.finished_to
        if place != self._stored and not self._handling.aside and await self._handling.keep_place(place):
            self._stored = place

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

    def _take_live(self, stream: Stream, lanes: Lanes) -> None:
        """Go on in the archive with a live message: with the highest priority we miss none before it."""
        reading = self._live.popleft()
        self._take(stream, lanes, reading, reading.archive_id if isinstance(reading, Said) else "")

    def _take(self, stream: Stream, lanes: Lanes, reading: Reading | None, archive_id: str) -> None:
        """Have something handled after what its sender wrote before."""
        taken = self._progress.take(archive_id, reading)
        if reading is None or self._handling.is_foreign(reading):
            self._finish(taken)
        else:
            lanes.add((type(reading), reading.sender), partial(self._handle, stream, taken, reading))

    async def _handle(self, stream: Stream, taken: Taken, reading: Reading) -> None:
        await self._handling.handle(stream, reading, lambda: self._cursor(taken))
        self._finish(taken)

    def _finish(self, taken: Taken) -> None:
        self._progress.finish(taken)
        self._moved.set()

    def _cursor(self, taken: Taken) -> str | None:
        """Return what may be stored; while a message is set aside the house's place stays before it, for a restart."""
        if self._handling.aside:
            return None
        self._stored = self._progress.cursor(taken)
        return self._stored or None

    async def _until_room(self) -> None:
        """Wait until one more may be taken."""
        while len(self._progress) >= self._settings.waiting:
            self._moved.clear()
            await self._moved.wait()

    async def _until_finished(self) -> None:
        """Wait until all that was taken is finished."""
        while len(self._progress):
            self._moved.clear()
            await self._moved.wait()
