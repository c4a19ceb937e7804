"""The channel without a wire: what is said in this process is received, and what is sent can be heard here.

It stands behind ``contactbot ask`` and ``contactbot talk`` and behind tests of the house, and it is the smallest
complete example of a channel.
"""

import asyncio
import itertools
import uuid
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from contactbot.channels.base import Abilities, Finding, House, Recipient, Surroundings
from contactbot.messages import Accepted, Account, Address, Inbound, Length, Outbound, Receipt


class LoopbackSettings(BaseModel):
    """What can be set for the channel without a wire."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = Field("loopback", min_length=1, description="Our own address on this channel; any word.")
    municipality: str = Field(
        "", description="The municipality its messages are for, by key. Empty: the only configured one."
    )
    length: Length = Field(Length.CHAT, description="Which of an entry's answers is given: sms, chat or full.")


class LoopbackChannel:
    """Say something with ``say`` and take what came back with ``hear`` (waits) or ``heard`` (does not)."""

    name: ClassVar[str] = "loopback"
    Settings: ClassVar[type[BaseModel]] = LoopbackSettings

    def __init__(self, settings: LoopbackSettings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._house: asyncio.Future[House] | None = None
        self._numbers = itertools.count(1)
        self._run = uuid.uuid4().hex
        self._heard: dict[str, deque[Outbound]] = defaultdict(deque)
        self._arrival = asyncio.Condition()

    @property
    def abilities(self) -> Abilities:
        """A conversation that remembers, in the configured length."""
        return Abilities(length=self._settings.length, scheme="loopback")

    @property
    def accounts(self) -> Sequence[Account]:
        """The one account, for the configured municipality or the only one there is."""
        return [Account(self.name, self._settings.account, self._municipality())]

    async def run(self, house: House) -> None:
        """Receive until cancelled; who already waits in ``say`` goes on."""
        self._arranged().set_result(house)
        house.started()
        try:
            await asyncio.Event().wait()
        finally:
            self._house = None

    async def say(self, text: str, session: str = "resident", external_id: str = "") -> Accepted:
        """Say something as a resident; returns after the house kept it and raises what the house raises."""
        house = await asyncio.shield(self._arranged())
        return await house.receive(
            Inbound(
                channel=self.name,
                account=self._settings.account,
                sender=Address("loopback", session),
                external_id=external_id or f"{self._run}-{next(self._numbers)}",
                text=text,
                received_at=self._surroundings.clock(),
                raw=text.encode("utf-8", "surrogatepass"),
                raw_type="text/plain; charset=utf-8",
            )
        )

    async def hear(self, session: str = "resident") -> Outbound:
        """Wait for the next message sent to a session."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: self._heard.get(session))
            return self._take(session)

    def heard(self, session: str = "resident") -> list[Outbound]:
        """Take all that was sent to a session and not taken yet."""
        return list(self._heard.pop(session, ()))

    async def send(self, outbound: Outbound) -> Receipt:
        """Lay the message where ``hear`` finds it: that is delivered."""
        async with self._arrival:
            self._heard[outbound.recipient.value].append(outbound)
            self._arrival.notify_all()
        return Receipt("delivered", outbox=outbound.id, provider_id=f"{self._run}-out-{outbound.id}")

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Nothing outlives the process here, so a doubtful message of an earlier one cannot be known."""
        return Receipt("unknown", outbox=outbound.id)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """None: there is no wire."""
        return ()

    def recipients(self) -> Sequence[Recipient]:
        """Name nobody: what is written comes straight to the house."""
        return ()

    async def check(self) -> Sequence[Finding]:
        """Find the one thing that can be wrong: whose messages these are."""
        names = self._surroundings.municipality_names
        if self._settings.municipality and self._settings.municipality not in names:
            return [_unknown_municipality(self._settings.municipality, names)]
        if not self._settings.municipality and len(names) != 1:
            return [
                Finding(
                    "error",
                    "channels.loopback.municipality is empty and there is more than one municipality: name one.",
                )
            ]
        return []

    def _municipality(self) -> str:
        return self._settings.municipality or next(iter(self._surroundings.municipality_names), "")

    def _arranged(self) -> "asyncio.Future[House]":
        if self._house is None:
            self._house = asyncio.get_running_loop().create_future()
        return self._house

    def _take(self, session: str) -> Outbound:
        waiting = self._heard[session]
        first = waiting.popleft()
        if not waiting:
            del self._heard[session]
        return first


def _unknown_municipality(key: str, names: Iterable[str]) -> Finding:
    level: Literal["error"] = "error"
    return Finding(
        level, f"channels.loopback.municipality names «{key}», which is not configured (known: {', '.join(names)})."
    )
