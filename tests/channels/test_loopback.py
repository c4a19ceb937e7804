"""The channel without a wire keeps the contract, and its waiting is fair."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from contactbot.channels.loopback import LoopbackChannel, LoopbackSettings
from contactbot.channels.plain import plain_text
from contactbot.errors import StoreBusyError, UnknownAccountError
from contactbot.messages import Address, Outbound, Receipt
from tests.channels.contract import ChannelContract, Heard, Peer, Verdict
from tests.channels.house import RecordingHouse, outbound, running, surroundings
from tests.patience import PATIENCE


class LoopbackPeer:
    """The other end of a channel that has no wire: the caller."""

    resident = Address("loopback", "kari")

    def __init__(self, channel: LoopbackChannel, data: Path) -> None:
        self.channel = channel
        self._data = data

    async def deliver(self, text: str, external_id: str) -> Verdict:
        try:
            await self.channel.say(text, session="kari", external_id=external_id)
        except UnknownAccountError:
            return Verdict.REFUSED
        except (StoreBusyError, RuntimeError):
            return Verdict.LATER
        return Verdict.TAKEN

    async def tell(self, outbound: Outbound) -> Receipt:
        return await self.channel.send(outbound)

    async def heard(self) -> Heard:
        return Heard(plain_text(await self.channel.hear("kari")))

    async def abuse(self) -> Mapping[str, str]:
        hostile = {"NUL": "a\0b", "lone surrogate": "a\ud800b", "a megabyte": "å" * 1_000_000, "nothing": ""}
        return {name: (await self.deliver(text, f"hostile {name}")).value for name, text in hostile.items()}

    def misconfigured(self) -> LoopbackChannel:
        return LoopbackChannel(LoopbackSettings(municipality="narnia"), surroundings(self._data))


@pytest.fixture
def channel(tmp_path: Path) -> LoopbackChannel:
    return LoopbackChannel(LoopbackSettings(), surroundings(tmp_path))


class TestLoopback(ChannelContract):
    """The contract, said and heard in one process."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, channel: LoopbackChannel, tmp_path: Path) -> AsyncIterator[Peer]:
        async with running(channel, house):
            yield LoopbackPeer(channel, tmp_path)


async def test_what_is_said_before_the_channel_runs_is_received_when_it_does(channel: LoopbackChannel) -> None:
    house = RecordingHouse()
    early = asyncio.create_task(channel.say("Er noen der?"))
    await asyncio.sleep(0)
    async with running(channel, house), asyncio.timeout(PATIENCE):
        await early
    assert [inbound.text for inbound in house.kept] == ["Er noen der?"]


async def test_sessions_hear_only_their_own_messages(channel: LoopbackChannel) -> None:
    for outbox, session in enumerate(("a", "b", "a"), start=1):
        await channel.send(outbound(channel, Address("loopback", session), f"til {session}", outbox))
    assert [message.id for message in channel.heard("a")] == [1, 3]
    assert channel.heard("a") == []
    assert [message.id for message in channel.heard("b")] == [2]


async def test_two_messages_said_without_an_identity_are_two(channel: LoopbackChannel) -> None:
    house = RecordingHouse()
    async with running(channel, house):
        await channel.say("Hei")
        await channel.say("Hei")
    assert len(house.kept) == 2
