"""The XMPP channel: our accounts, and the house's questions passed on to the right one."""

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from aiohttp import web
from pydantic import BaseModel

from contactbot.channels.base import Abilities, Finding, House, Recipient, Surroundings
from contactbot.channels.xmpp.connection import Connection
from contactbot.channels.xmpp.errors import DisplacedError, XmppError
from contactbot.channels.xmpp.settings import AccountSettings, XmppSettings
from contactbot.channels.xmpp.stream import Stream, quieten
from contactbot.messages import Account, Length, Outbound, Receipt


class XmppChannel:
    """Residents write to an ordinary account on an XMPP server, and get their answers from it."""

    name: ClassVar[str] = "xmpp"
    Settings: ClassVar[type[BaseModel]] = XmppSettings

    def __init__(self, settings: XmppSettings, surroundings: Surroundings) -> None:
        quieten()
        self._settings = settings
        self._surroundings = surroundings
        self._abilities = Abilities(
            length=Length.CHAT,
            scheme="xmpp",
            may_probe=not all(access.component for access in settings.accounts.values()),
            strangers_per_hour=settings.strangers_per_hour,
            strangers_per_server=settings.strangers_per_server,
        )
        self._connections = {
            access.jid: Connection(self._account(access), access, settings, surroundings)
            for access in settings.accounts.values()
        }

    @property
    def abilities(self) -> Abilities:
        """A chat that remembers, whose server can be asked what it has unless it takes us for a component only."""
        return self._abilities

    @property
    def accounts(self) -> Sequence[Account]:
        """Our accounts, by their bare JIDs."""
        return [connection.account for connection in self._connections.values()]

    async def run(self, house: House) -> None:
        """Keep every account online until cancelled; one that cannot log in does not hold up the others."""
        unsettled = set(self._connections)

        def settle(jid: str) -> None:
            if jid in unsettled:
                unsettled.remove(jid)
                if not unsettled:
                    house.started()

        async with asyncio.TaskGroup() as group:
            for jid, connection in self._connections.items():
                group.create_task(connection.run(house, partial(settle, jid)), name=f"xmpp {jid}")

    async def send(self, outbound: Outbound) -> Receipt:
        """Send from the account the outbox row names."""
        connection = self._connections.get(outbound.account)
        if connection is None:
            return self._nobody(outbound)
        return await connection.send(outbound)

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Ask the archive of the account the outbox row names."""
        connection = self._connections.get(outbound.account)
        if connection is None:
            return self._nobody(outbound)
        return await connection.probe(outbound)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """None: the server is reached as a client."""
        return ()

    def recipients(self) -> Sequence[Recipient]:
        """Name the servers our accounts live on; a resident's own server has the messages too."""
        accounts = self._settings.accounts.values()
        hosts = ((access.host if not access.component else "") or access.jid.rpartition("@")[2] for access in accounts)
        return tuple(Recipient("xmpp_server", host) for host in dict.fromkeys(hosts))

    async def check(self) -> Sequence[Finding]:
        """Log in to every account, without presence, and see what its server offers."""
        return [finding for access in self._settings.accounts.values() for finding in await self._findings(access)]

    async def _findings(self, access: AccountSettings) -> list[Finding]:
        known = self._surroundings.municipality_names
        if self._account(access).municipality not in known:
            return [Finding("error", f"{access.jid}: set municipality to one of {', '.join(known)}.")]
        try:
            archived = await self._looked(access)
        except XmppError as error:
            return [Finding("error", f"{error}.")]
        if access.component:
            return [
                Finding(
                    "warning",
                    f"{access.jid}: connected as a component, which no server keeps messages for: what residents write "
                    "while contactbot is down comes back to them as an error. An ordinary account loses nothing.",
                )
            ]
        if archived:
            return [Finding("ok", f"{access.jid}: logged in over verified TLS; the server keeps an archive.")]
        return [
            Finding(
                "warning",
                f"{access.jid}: the server keeps no message archive (XEP-0313) for the account: turn it on. "
                "Without it, what residents write while contactbot is down can be lost, and doubtful answers stay so.",
            )
        ]

    async def _looked(self, access: AccountSettings) -> bool:
        """Log in, tell whether there is an archive, and leave.

        A component may be there once: where the running service is, its place proves what a login would.
        """
        stream = Stream(access, f"contactbot-check-{secrets.token_hex(6)}", "", lambda _message: None)
        try:
            await stream.open(self._settings.connect_seconds)
        except DisplacedError:
            if not access.component:
                raise
        else:
            return stream.archived
        finally:
            await stream.close()
        return False

    def _account(self, access: AccountSettings) -> Account:
        municipality = access.municipality
        if not municipality and len(self._surroundings.municipality_names) == 1:
            [municipality] = self._surroundings.municipality_names
        return Account(self.name, access.jid, municipality)

    def _nobody(self, outbound: Outbound) -> Receipt:
        return Receipt("failed", outbound.id, detail=f"{outbound.account} is no longer among channels.xmpp.accounts")
