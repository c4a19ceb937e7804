"""From a mail on the wire to the house: read, judge, hand over, and only then let the sender forget it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from contactbot import quoted
from contactbot.channels.base import House
from contactbot.channels.email import authentication, automatic, bounce, headers, parse, spam
from contactbot.channels.email.addresses import AddressBook, Recipient
from contactbot.channels.email.bounce import Bounce
from contactbot.channels.email.parse import Mail
from contactbot.channels.email.sightings import Sightings
from contactbot.errors import StoreError, UnknownAccountError
from contactbot.messages import Address, Folded, Inbound, Receipt
from contactbot.quoted import Folding

_log = structlog.get_logger()
CHANNEL = "email"
# A sender must be named to be stored; the domain is reserved for addresses that do not exist (RFC 2606).
NOBODY = "unknown.sender@address.invalid"
# What a person writes is shorter; the rest is kept, folded. Characters.
_LONGEST_TEXT = 200_000
# Each thread may hold a mail and all that was read from it.
_LARGE_AT_ONCE = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail as it came: the envelope and the bytes, and why those are not the whole mail, or ""."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """What one reading of a mail found: its parts, the resident's own words, and a report of failure if it is one."""

    mail: Mail
    folding: Folding
    report: Bounce | None


@dataclass(frozen=True, slots=True)
class Trust:
    """Whose word is believed about a sender: our relay's names, our filter's fields, and whether silence will do."""

    authserv_ids: tuple[str, ...] = ()
    spam_fields: frozenset[spam.Field] = frozenset(spam.FIELDS)
    answers_unproven: bool = True

    def proves(self, mail: Mail, sightings: Sightings) -> bool | None:
        """Say whether the sender's address is proven; None where nothing can be told and that is good enough."""
        proven = authentication.authenticated(mail, self.authserv_ids)
        if mail.senders and self.authserv_ids:
            sightings.note(told=proven is not None)
        return False if proven is None and not self.answers_unproven else proven


@dataclass(frozen=True, slots=True)
class Reception:
    """Reads mail and hands it to the house; large mail is read in threads, few at a time."""

    house: House
    book: AddressBook
    trust: Trust
    now: Callable[[], datetime]
    sightings: Sightings
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE_AT_ONCE))

    async def take(self, delivery: Delivery, cursor: str | None = None) -> None:
        """Return when the house has the mail, and a failed delivery it reports; raise what the house raises.

        A mail to several of our addresses is one message of each municipality, on the first account named. Doing
        this again after a failure half-way does no harm: the house takes each message once. ``cursor`` is stored with
        the message.
        """
        read = await self._read(delivery)
        for recipients in self._by_municipality(delivery, read.mail):
            await self._hand_over(delivery, read, recipients, cursor)
        if read.report is not None and (row := self.book.outbox(read.report.original)) is not None:
            await self.house.receipt(Receipt(read.report.state, row, read.report.original, read.report.detail))

    async def _hand_over(
        self, delivery: Delivery, read: _Read, recipients: list[Recipient], cursor: str | None
    ) -> None:
        """Give the house the mail; where that breaks on what the mail says, its bytes alone, for people to read."""
        try:
            await self.house.receive(self._inbound(delivery, read, recipients), cursor)
        except (StoreError, UnknownAccountError):
            raise
        except Exception as error:  # noqa: BLE001 - no mail may keep the next from coming in
            _log.error("mail not handled", channel=CHANNEL, error=type(error).__name__, size=len(delivery.raw))
            kept = _unread(delivery.raw, error)
            await self.house.receive(self._inbound(delivery, kept, recipients), cursor)

    async def _read(self, delivery: Delivery) -> _Read:
        if len(delivery.raw) <= parse.LARGE:
            read = _read(delivery.raw)
        else:
            async with self.large:
                read = await asyncio.to_thread(_read, delivery.raw)
        if delivery.unreadable:
            return replace(read, mail=replace(read.mail, unreadable=delivery.unreadable))
        return read

    def _by_municipality(self, delivery: Delivery, mail: Mail) -> list[list[Recipient]]:
        """Group our addresses; a token in To or Cc counts for its account where the relay changed the envelope."""
        groups: dict[str, list[Recipient]] = {}
        for recipient in self.book.find_all(delivery.recipients):
            groups.setdefault(recipient.account.municipality, []).append(recipient)
        for recipient in self.book.find_all(_visible_recipients(mail)):
            if recipient.thread is not None and recipient.account.municipality in groups:
                groups[recipient.account.municipality].append(recipient)
        return list(groups.values())

    def _inbound(self, delivery: Delivery, read: _Read, recipients: list[Recipient]) -> Inbound:
        mail = read.mail
        ours = [recipient.account.address for recipient in recipients]
        others = [address for address in _visible_recipients(mail) if self.book.find(address) is None]
        sender = mail.sender.address if headers.is_usable(mail.sender.address) else _envelope_sender(delivery)
        text, folded = _bounded(read.folding)
        reported = (read.report.original,) if read.report else ()
        return Inbound(
            channel=CHANNEL,
            account=ours[0],
            sender=Address(CHANNEL, sender),
            sender_name=mail.sender.name[:200],
            recipients=tuple(Address(CHANNEL, address) for address in dict.fromkeys(ours + others)),
            external_id=mail.external_id,
            fingerprint=mail.fingerprint,
            raw=delivery.raw,
            raw_type="message/rfc822",
            subject=mail.subject,
            text=text,
            folded=folded,
            attachments=mail.attachments,
            received_at=self.now(),
            refs=tuple(dict.fromkeys(mail.references + reported)),
            thread=next((recipient.thread for recipient in recipients if recipient.thread is not None), None),
            automatic=self._automatic(delivery, mail),
            authenticated=self.trust.proves(mail, self.sightings),
            unreadable=mail.unreadable,
            spam=spam.verdict(mail, self.trust.spam_fields),
        )

    def _automatic(self, delivery: Delivery, mail: Mail) -> str:
        own = {mail.sender.address} if self.book.find(mail.sender.address) else set[str]()
        is_our_message = self.book.outbox(mail.message_id) is not None
        return automatic.rule(mail, delivery.mail_from, own, is_our_message=is_our_message)


def _read(raw: bytes) -> _Read:
    try:
        mail = parse.parse(raw)
        return _Read(mail, quoted.fold(mail.text), bounce.read(mail))
    except Exception as error:  # noqa: BLE001 - whatever breaks here, the mail is kept and people read it
        return _unread(raw, error)


def _unread(raw: bytes, error: Exception) -> _Read:
    reason = f"it could not be handled ({type(error).__name__})"
    return _Read(parse.unread(raw, reason), Folding(""), None)


def _visible_recipients(mail: Mail) -> list[str]:
    return [box.address for box in headers.mailboxes(mail.fields.raw("to", "cc", "delivered-to"))][:100]


def _envelope_sender(delivery: Delivery) -> str:
    sender = delivery.mail_from.strip("<>").lower()
    return sender if headers.is_usable(sender) else NOBODY


def _bounded(folding: Folding) -> tuple[str, tuple[Folded, ...]]:
    text, rest = folding.text[:_LONGEST_TEXT], folding.text[_LONGEST_TEXT:]
    return text, (*folding.folded, Folded(rest, "too_long")) if rest else folding.folded
