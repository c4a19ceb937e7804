"""The XMPP channel as an external component (XEP-0114) of a real server behaves as it does as a client."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError

from contactbot.channels.xmpp import XmppChannel, XmppSettings
from contactbot.demo.prosody import Prosody
from contactbot.messages import Address, Outbound
from tests.channels.contract import ChannelContract, Peer
from tests.channels.house import RecordingHouse, running, surroundings
from tests.channels.house import outbound as answer
from tests.channels.test_xmpp import Installation, XmppPeer, live
from tests.peers.prosody import CLIENT, Login, Resident, chat, new_account, online, running_prosody

DOMAIN, SECRET = "kontakt.localhost", "componentsecret"
OURS = f"hei@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Component(Installation):
    """A server that expects a component, and what it takes to be it."""

    def channel(
        self, settings: Mapping[str, float] | None = None, password: str = "", *, more: tuple[Login, ...] = ()
    ) -> XmppChannel:
        """Make the channel as a new process would."""
        del more
        account = {
            "jid": self.bot.jid, "password": password or self.bot.password, "component": True, "host": "127.0.0.1",
            "port": self.server.component_port,
        }  # fmt: skip
        values = {"accounts": {"ours": account}, "first_pause": 0.05, "longest_pause": 0.4, **(settings or {})}
        return XmppChannel(XmppSettings.model_validate(values), surroundings(self.data))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    with running_prosody(tmp_path_factory.mktemp("component"), components={DOMAIN: SECRET}) as prosody:
        yield prosody


@pytest.fixture
def ours(server: Prosody, tmp_path: Path) -> Component:
    return Component(server, Login(OURS, SECRET), tmp_path)


@pytest.fixture
def house() -> RecordingHouse:
    return RecordingHouse()


@pytest.fixture
async def kari(server: Prosody) -> AsyncIterator[Resident]:
    async with online(server, new_account(server, "kari")) as resident:
        yield resident


class TestComponent(ChannelContract):
    """The contract, over a real server that takes us for a part of itself."""

    @pytest.fixture
    async def peer(self, house: RecordingHouse, ours: Component, kari: Resident) -> AsyncIterator[Peer]:
        channel = ours.channel()
        async with running(channel, house):
            yield XmppPeer(ours, channel, kari, house)


def to(resident: str, channel: XmppChannel, text: str = "Hei") -> Outbound:
    return answer(channel, Address("xmpp", resident), text, 1)


async def test_a_message_is_kept_and_acknowledged_and_its_answer_is_delivered(
    ours: Component, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house) as channel:
        kari.say(OURS, "Når åpner biblioteket?", "q-1")
        assert await kari.answer_to("q-1") == "receipt"
        [kept] = house.kept
        assert (kept.text, kept.sender.value, kept.account) == ("Når åpner biblioteket?", kari.jid, OURS)
        receipt = await channel.send(to(kari.jid, channel, "Klokka ni"))
        assert receipt.state == "sent"
        heard = await kari.heard()
        assert heard.findtext(f"{{{CLIENT}}}body") == "Klokka ni"
        assert heard.get("from") == OURS
        await house.seen(receipts=1)
        assert [(one.state, one.outbox) for one in house.receipts] == [("delivered", 1)]


async def test_a_message_that_comes_back_is_tied_to_its_parcel(
    ours: Component, house: RecordingHouse, kari: Resident
) -> None:
    del kari
    async with live(ours, house) as channel:
        receipt = await channel.send(to("nobody@localhost", channel))
        assert (receipt.state, receipt.outbox, receipt.detail) == ("failed", 1, "service-unavailable")


async def test_an_address_of_our_domain_that_nobody_reads_says_so(
    ours: Component, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house):
        kari.say(f"ingen@{DOMAIN}", "Hei", "q-2")
        assert await kari.answer_to("q-2") == "cancel item-not-found"
    assert not house.kept


async def test_residents_may_have_us_as_a_contact_and_see_the_opening_hours(
    ours: Component, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house, check_seconds=0.2):
        shown = asyncio.create_task(kari.shown_of(OURS))
        kari.subscribe(OURS)
        assert await shown == ("", "Vi svarer nå.")
        shown = asyncio.create_task(kari.shown_of(OURS))
        house.is_open = False
        assert await shown == ("away", "Vi svarer i morgen fra klokken 9.")


async def test_what_is_written_while_we_are_down_comes_back_to_the_resident(
    ours: Component, house: RecordingHouse, kari: Resident
) -> None:
    async with live(ours, house):
        pass
    kari.send(chat(OURS, "Hei", "q-3"))
    assert (await kari.answer_to("q-3")).startswith("wait ")


async def test_a_wrong_secret_is_named_by_the_check_and_a_right_one_warned_of(ours: Component) -> None:
    [wrong] = await ours.channel(password="wrong").check()
    assert (wrong.level, "refuses the login" in wrong.text) == ("error", True)
    [right] = await ours.channel().check()
    assert (right.level, "comes back to them" in right.text) == ("warning", True)


def test_a_component_is_not_reached_over_an_open_line() -> None:
    account = {"jid": OURS, "password": SECRET, "component": True, "host": "chat.example.org"}
    with pytest.raises(ValidationError, match="not encrypted"):
        XmppSettings.model_validate({"accounts": {"ours": account}})
