"""Email as a channel of the house."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import ClassVar

from aiohttp import web
from pydantic import BaseModel

from contactbot.channels.base import Abilities, Finding, House, Recipient, Surroundings
from contactbot.channels.email import check
from contactbot.channels.email.addresses import AddressBook
from contactbot.channels.email.compose import Letter, Letterhead, compose, return_address
from contactbot.channels.email.dkim import DkimSigner
from contactbot.channels.email.listener import Listener
from contactbot.channels.email.pickup import Pickup
from contactbot.channels.email.reception import CHANNEL, Reception, Trust
from contactbot.channels.email.sender import Envelope, Sender, only_encrypted
from contactbot.channels.email.settings import EmailSettings, MailAccount
from contactbot.channels.email.sightings import Sightings
from contactbot.channels.email.tokens import Signer
from contactbot.messages import Account, Length, Outbound, Receipt


class EmailChannel:
    """Mail in by SMTP or LMTP from the municipality's relay, and out through it."""

    name: ClassVar[str] = CHANNEL
    Settings: ClassVar[type[BaseModel]] = EmailSettings

    def __init__(self, settings: EmailSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._signer = Signer(surroundings.secret)
        self._accounts = tuple(
            Account(CHANNEL, account.address, self._municipality(account), account.kind)
            for account in settings.accounts
        )
        self._book = AddressBook(
            {account.address: account for account in self._accounts}, self._signer, settings.delimiter
        )
        dkim = DkimSigner.load(settings.dkim.selector, settings.dkim.key) if settings.dkim else None
        self._sender = Sender(settings.relay, dkim)
        self._encrypted = Sender(only_encrypted(settings.relay), dkim)
        self._need_tls = frozenset(account.address for account in settings.accounts if account.require_tls)
        self._letterheads = {account.address: self._letterhead(account) for account in settings.accounts}
        self._listener: Listener | None = None

    @property
    def abilities(self) -> Abilities:
        """Full answers; a new mail without a reference is a new thread; a relay cannot be asked what it has."""
        return Abilities(
            length=Length.FULL,
            scheme="email",
            remembers=False,
            may_probe=False,
            automatic_per_hour=self._settings.automatic_per_hour,
            strangers_per_hour=self._settings.strangers_per_hour,
            strangers_per_server=self._settings.strangers_per_server,
        )

    @property
    def accounts(self) -> Sequence[Account]:
        """Our mailboxes."""
        return self._accounts

    @property
    def listening_on(self) -> tuple[str, int] | None:
        """Where mail comes in, host and port, while the channel runs."""
        return self._listener.address if self._listener else None

    async def run(self, house: House) -> None:
        """Take mail in until cancelled."""
        settings = self._settings
        trust = Trust(tuple(settings.authserv_ids), frozenset(settings.spam_fields), settings.unproven == "answer")
        reception = Reception(house, self._book, trust, self._surroundings.clock, Sightings(self._surroundings.data))
        try:
            async with AsyncExitStack() as stack:
                if settings.listens:
                    listener = Listener(settings.listen, self._hostname, self._book, reception)
                    self._listener = await stack.enter_async_context(listener)
                pickups = await stack.enter_async_context(asyncio.TaskGroup())
                for pickup in self._pickups(house, reception):
                    pickups.create_task(pickup.run())
                house.started()
                await asyncio.Event().wait()
        finally:
            self._listener = None
            await self._sender.close()
            await self._encrypted.close()

    async def send(self, outbound: Outbound) -> Receipt:
        """Hand one answer to the relay."""
        head = self._letterheads.get(outbound.account) or self._letterheads[self._accounts[0].address]
        try:
            letter = await self._letter(outbound, head)
        except ValueError as error:
            return Receipt("failed", outbox=outbound.id, detail=str(error))
        envelope = Envelope(return_address(outbound, head, self._signer), outbound.recipient.value)
        sender = self._encrypted if head.account in self._need_tls else self._sender
        return await sender.send(outbound.id, letter, envelope)

    async def _letter(self, outbound: Outbound, head: Letterhead) -> Letter:
        if outbound.attachments:  # 10 MB are 50 ms of base 64
            return await asyncio.to_thread(compose, outbound, head, self._signer)
        return compose(outbound, head, self._signer)

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Say that nobody can be asked: SMTP has no such question."""
        return Receipt("unknown", outbox=outbound.id, detail="a mail relay cannot be asked what it took")

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Mail needs no web pages."""
        return ()

    def recipients(self) -> Sequence[Recipient]:
        """Name the relay, through which mail comes and goes, and where mailboxes live that it is fetched from."""
        mailboxes = [account.mailbox.host for account in self._settings.accounts if account.mailbox is not None]
        hosts = dict.fromkeys([self._settings.relay.host, *mailboxes])
        return tuple(Recipient("mail_relay", host) for host in hosts)

    async def check(self) -> Sequence[Finding]:
        """Look at accounts, relay, listener and threading."""
        return await check.findings(
            self._settings, self._surroundings, self._accounts, list(self._letterheads.values())
        )

    def _pickups(self, house: House, reception: Reception) -> Iterator[Pickup]:
        """Yield a pickup for each account whose mailbox lives elsewhere."""
        for account in self._settings.accounts:
            mailbox = account.mailbox
            if mailbox is not None:
                yield Pickup(account.address, mailbox, house, reception, self._settings.listen.max_size)

    @property
    def _hostname(self) -> str:
        return self._settings.relay.hello or self._accounts[0].address.rpartition("@")[2]

    def _municipality(self, account: MailAccount) -> str:
        """Return the key of the account's municipality; where there is one only, it need not be named."""
        keys = list(self._surroundings.municipality_names)
        return account.municipality or (keys[0] if len(keys) == 1 else "")

    def _letterhead(self, account: MailAccount) -> Letterhead:
        names = self._surroundings.municipality_names
        return Letterhead(
            account=account.address,
            name=account.name or names.get(self._municipality(account), account.address),
            delimiter=self._settings.delimiter,
            plus_addresses=self._settings.plus_addresses,
        )
