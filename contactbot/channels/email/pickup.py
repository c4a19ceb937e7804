"""Mail fetched from a mailbox that lives elsewhere, for municipalities whose own server cannot pass it on.

How far the mailbox was read is a cursor that the house stores with each message, in one transaction: UIDVALIDITY, UID
and the Message-ID. Flags and dates decide nothing, so a colleague who opens a mail in the same mailbox hides nothing
from us, and nothing in it is changed.
"""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, Self

import structlog

from contactbot.channels.backoff import Backoff
from contactbot.channels.base import House
from contactbot.channels.email import parse
from contactbot.channels.email.imap import Folder, Imap, ImapError, connected
from contactbot.channels.email.oauth import TokenError, Tokens
from contactbot.channels.email.reception import CHANNEL, Delivery, Reception
from contactbot.channels.email.settings import Mailbox
from contactbot.errors import StoreError, UnknownAccountError

_log = structlog.get_logger()
# After so many failures to fetch or keep one message, staff are told to look themselves, and the next is fetched.
_ATTEMPTS: Final = 3
# Well under the half hour after which servers hang up, and the minutes after which firewalls forget. Seconds.
_IDLE = 600.0
# Seconds between attempts to connect.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
_POSITION = re.compile(r"(\d{1,10}):(\d{1,10})(?: (<.+>))?")


@dataclass(frozen=True, slots=True)
class Position:
    """How far a mailbox was read: up to and with this message."""

    uidvalidity: int
    uid: int
    message_id: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> Self | None:
        """Return the position that a cursor names."""
        found = _POSITION.fullmatch(cursor or "")
        return cls(int(found[1]), int(found[2]), found[3] or "") if found else None

    def __str__(self) -> str:
        """Return the position as the house stores it."""
        return f"{self.uidvalidity}:{self.uid} {self.message_id}".rstrip()


class Pickup:
    """Follows one mailbox until cancelled, whatever happens to the server, the way to it, or a message.

    ``account`` is our address whose mailbox it is, and ``largest`` the bytes above which only a header is fetched.
    """

    def __init__(self, account: str, mailbox: Mailbox, house: House, reception: Reception, largest: int) -> None:
        self._account = account
        self._mailbox = mailbox
        self._tokens = Tokens(mailbox.oauth) if mailbox.oauth else None
        self._house = house
        self._reception = reception
        self._largest = largest
        self._backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        self._failures = Counter[tuple[int, int]]()

    async def run(self) -> None:
        """Follow the mailbox, and come back after every failure, sooner or later as often as it fails."""
        while True:
            try:
                async with connected(self._mailbox, self._mailbox.user or self._account, self._tokens) as imap:
                    await self._follow(imap)
            except (ImapError, TokenError, OSError, TimeoutError, StoreError) as error:
                _log.warning("mailbox not reached", channel=CHANNEL, host=self._mailbox.host, error=_told(error))
            except Exception as error:  # noqa: BLE001 - whatever broke, the mailbox is followed
                _log.error("mailbox not followed", channel=CHANNEL, host=self._mailbox.host, error=type(error).__name__)
            await asyncio.sleep(self._backoff.pause())

    async def _follow(self, imap: Imap) -> None:
        folder = await imap.examine(self._mailbox.folder)
        position = await self._begin(imap, folder)
        while True:
            for uid in await imap.above(position.uid):
                position = await self._take(imap, Position(folder.uidvalidity, uid))
            self._backoff.reset()
            await imap.wait(_IDLE, self._mailbox.poll)

    async def _begin(self, imap: Imap, folder: Folder) -> Position:
        """Find where to go on; at the very first start with the next message, or with the oldest where that is set."""
        known = Position.read(await self._house.cursor(self._account))
        if known is not None and known.uidvalidity == folder.uidvalidity:
            return known
        if known is not None:
            return await self._begin_again(imap, folder, known)
        begins = Position(folder.uidvalidity, 0) if self._mailbox.begin == "oldest" else await _newest(imap, folder)
        await self._house.note_cursor(self._account, str(begins))
        return begins

    async def _begin_again(self, imap: Imap, folder: Folder, known: Position) -> Position:
        """Find the last message taken in a mailbox that was numbered anew; where it is gone, say so to people."""
        uid = await imap.find(known.message_id) if known.message_id else 0
        if uid:
            return Position(folder.uidvalidity, uid, known.message_id)
        newest = await _newest(imap, folder)
        _log.error("mailbox numbered anew", channel=CHANNEL, host=self._mailbox.host)
        subject = "Postkassen er bygget om: se selv etter e-post som ikke er registrert her"
        await self._tell_people(newest, subject, "the mailbox was numbered anew, and the last message taken is gone")
        return newest

    async def _take(self, imap: Imap, position: Position) -> Position:
        """Take one message in; what cannot be fetched becomes a note to people, and never holds up the next."""
        key = (position.uidvalidity, position.uid)
        if self._failures[key] >= _ATTEMPTS:
            subject = "En e-post i postkassen kunne ikke hentes: les den der"
            await self._tell_people(position, subject, f"it could not be fetched or kept {_ATTEMPTS} times")
            return position
        try:
            return await self._fetched(imap, position)
        except Exception:  # nothing may hold up the next: not the server, and not what breaks here on what a mail says
            self._failures[key] += 1
            raise

    async def _fetched(self, imap: Imap, position: Position) -> Position:
        whole = await imap.size(position.uid) <= self._largest
        raw = await imap.fetch(position.uid, "" if whole else "HEADER")
        if raw is None:
            return position
        reason = "" if whole else f"it is larger than {self._largest} bytes; read it in the mailbox"
        position = Position(position.uidvalidity, position.uid, parse.message_id(raw))
        await self._deliver(Delivery("", (self._account,), raw, reason), position)
        return position

    async def _tell_people(self, position: Position, subject: str, reason: str) -> None:
        """Put a mail of our own in the place of what cannot be had."""
        identity = f"{position.uidvalidity}.{position.uid}.{self._account.replace('@', '.')}"
        raw = f"Message-ID: <{identity}@address.invalid>\r\nSubject: {subject}\r\n\r\n{reason}\r\n"
        await self._deliver(Delivery("", (self._account,), raw.encode(), reason), position)

    async def _deliver(self, delivery: Delivery, position: Position) -> None:
        """Hand a message over and return after the commit, however long the store is busy."""
        backoff = Backoff(0.5, 30.0)
        while True:
            try:
                return await self._reception.take(delivery, str(position))
            except (StoreError, UnknownAccountError) as error:
                _log.warning("mail not kept", channel=CHANNEL, error=type(error).__name__)
            await asyncio.sleep(backoff.pause())


async def _newest(imap: Imap, folder: Folder) -> Position:
    """Return the position of the last message that is there."""
    uid = folder.uidnext - 1
    header = await imap.fetch(uid, "HEADER") if uid else None
    return Position(folder.uidvalidity, uid, parse.message_id(header) if header else "")


def _told(error: BaseException) -> str:
    """Say what went wrong as far as it is safe to log: our own errors quote no mail."""
    return str(error) if isinstance(error, ImapError | TokenError) else type(error).__name__
