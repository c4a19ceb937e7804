"""What every channel promises. A channel's tests subclass ``ChannelContract`` and bring a ``Peer``.

The peer is the other end of the wire, as real as can be had: an SMTP client, a gateway, an XMPP client, a WebSocket.
A subclass gives it with a fixture::

    class TestLoopback(ChannelContract):
        @pytest.fixture
        async def peer(self, house: RecordingHouse, tmp_path: Path) -> AsyncIterator[Peer]:
            async with running(channel, house):
                yield LoopbackPeer(channel, ...)
"""

import asyncio
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import BaseModel, ValidationError

import contactbot.channels
from contactbot.channels.base import ENTRY_POINT_GROUP, Channel
from contactbot.messages import Address, Outbound, Receipt
from tests.channels.house import RecordingHouse, outbound
from tests.patience import PATIENCE

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
NORWEGIAN = "Hei! Blåbærsyltetøy på Ærøya? Åpningstid: 9-15. Hører du æøå og ÆØÅ?"
EMOJI = "Takk for hjelpen 🙂👩‍👩‍👧 «hilsen» – Ærlig talt"
LONG = "Søppelet hentes hver onsdag, også i høytidene. " * 28  # about 1,300 characters: fits every channel whole


class Verdict(StrEnum):
    """What the peer was told about a message it delivered."""

    TAKEN = "taken"  # it may forget the message: SMTP 250, HTTP 2xx, a receipt, an echo
    LATER = "later"  # it shall come back: SMTP 4xx, HTTP 5xx, an error of the type "wait"
    REFUSED = "refused"  # it shall give up: SMTP 5xx, HTTP 4xx, an error of the type "cancel"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came to the resident: its words, and the choices that are buttons (none where they are words)."""

    text: str
    choices: tuple[str, ...] = ()

    def offers(self, labels: tuple[str, ...]) -> bool:
        """Tell whether each choice can be picked, by a button or by its number."""
        lines = self.text.splitlines()
        return self.choices == labels or all(
            f"{number}. {label}" in lines for number, label in enumerate(labels, start=1)
        )


class Peer(Protocol):
    """The other end of a channel's wire, with one resident on it."""

    @property
    def channel(self) -> Channel:
        """The channel under test, running."""

    @property
    def resident(self) -> Address:
        """The resident's address, as the house shall know it."""

    async def deliver(self, text: str, external_id: str) -> Verdict:
        """Hand over a message to the channel's account and return what the peer was told.

        Called again with the same ``external_id`` it is the same message, delivered once more as the protocol does it.
        """

    async def tell(self, outbound: Outbound) -> Receipt:
        """Have the channel send; where the channel reads the house's history, put the words there first."""

    async def heard(self) -> Heard:
        """Wait for the next message that came to the resident."""

    async def abuse(self) -> Mapping[str, str]:
        """Send everything hostile this wire can carry; give each payload's name and the answer it got, "" for none."""

    def misconfigured(self) -> Channel:
        """Make a channel with a wrong setting that its model cannot see, as an operator would get it wrong."""


class ChannelContract:
    """The promises, one test each. They hold for every channel and know none of them."""

    @pytest.fixture
    def house(self) -> RecordingHouse:
        return RecordingHouse()

    # Receiving

    async def test_a_message_is_received_with_its_words_sender_and_account(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        assert await _deliver(peer, NORWEGIAN, "m-1") is Verdict.TAKEN
        [inbound] = house.kept
        assert inbound.text.strip() == NORWEGIAN
        assert inbound.channel == peer.channel.name
        assert inbound.account in {account.address for account in peer.channel.accounts}
        assert inbound.sender == peer.resident
        assert inbound.sender.scheme == peer.channel.abilities.scheme
        assert inbound.external_id
        assert inbound.received_at.utcoffset() is not None
        assert inbound.raw

    async def test_emoji_and_typography_come_in_unharmed(self, peer: Peer, house: RecordingHouse) -> None:
        assert await _deliver(peer, EMOJI, "m-1") is Verdict.TAKEN
        assert house.kept[0].text.strip() == EMOJI

    async def test_a_message_is_acknowledged_only_after_it_was_kept(self, peer: Peer, house: RecordingHouse) -> None:
        house.hold()
        delivery = asyncio.create_task(peer.deliver("Når åpner biblioteket?", "m-1"))
        await house.seen(offered=1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not delivery.done()
        house.release()
        async with asyncio.timeout(PATIENCE):
            assert await delivery is Verdict.TAKEN
        assert len(house.kept) == 1

    async def test_while_the_store_is_busy_the_peer_is_told_to_come_back_and_its_message_arrives_once(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        house.busy = True
        assert await _deliver(peer, "Er veien stengt?", "m-1") is Verdict.LATER
        assert not house.kept
        house.busy = False
        assert await _deliver(peer, "Er veien stengt?", "m-1") is Verdict.TAKEN
        assert [inbound.text.strip() for inbound in house.kept] == ["Er veien stengt?"]

    async def test_an_unforeseen_error_while_receiving_is_a_request_to_come_back_and_the_channel_lives_on(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        house.failure = RuntimeError("the disk is on fire")
        assert await _deliver(peer, "Er veien stengt?", "m-1") is Verdict.LATER
        house.failure = None
        assert await _deliver(peer, "Er veien stengt?", "m-1") is Verdict.TAKEN
        assert len(house.kept) == 1

    async def test_a_message_to_an_account_nobody_configured_is_refused_for_good(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        house.known = frozenset()
        assert await _deliver(peer, "Hei", "m-1") is Verdict.REFUSED
        assert not house.kept

    async def test_the_same_message_delivered_twice_is_acknowledged_twice_and_kept_once(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        assert await _deliver(peer, "Hei igjen", "m-1") is Verdict.TAKEN
        assert await _deliver(peer, "Hei igjen", "m-1") is Verdict.TAKEN
        assert len(house.kept) == 1
        assert len({(inbound.account, inbound.external_id, inbound.fingerprint) for inbound in house.offered}) == 1

    async def test_the_same_words_in_two_messages_are_two_messages_of_one_sender(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        assert await _deliver(peer, "Hallo?", "m-1") is Verdict.TAKEN
        assert await _deliver(peer, "Hallo?", "m-2") is Verdict.TAKEN
        assert [inbound.sender for inbound in house.kept] == [peer.resident, peer.resident]

    async def test_hostile_payloads_get_a_clear_answer_and_the_channel_lives_on(
        self, peer: Peer, house: RecordingHouse
    ) -> None:
        async with asyncio.timeout(PATIENCE):
            answers = await peer.abuse()
        assert answers
        assert [name for name, answer in answers.items() if not answer] == []
        assert await _deliver(peer, "Er dere der ennå?", "m-after") is Verdict.TAKEN
        assert house.kept[-1].text.strip() == "Er dere der ennå?"

    # Sending

    @pytest.mark.parametrize("text", [NORWEGIAN, EMOJI, LONG], ids=["norwegian", "emoji", "long"])
    async def test_what_we_send_arrives_as_written_and_has_a_receipt(self, peer: Peer, text: str) -> None:
        receipt = await _tell(peer, outbound(peer.channel, peer.resident, text))
        assert receipt.state in {"sent", "delivered"}
        assert receipt.outbox == 1
        heard = await _heard(peer)
        assert heard.text.strip() == text.strip()

    async def test_messages_arrive_in_the_order_they_were_sent(self, peer: Peer) -> None:
        for number in range(1, 4):
            await _tell(peer, outbound(peer.channel, peer.resident, f"Melding {number}", outbox=number))
        assert [(await _heard(peer)).text.strip() for _ in range(3)] == ["Melding 1", "Melding 2", "Melding 3"]

    async def test_choices_reach_the_resident_so_that_each_can_be_picked(self, peer: Peer) -> None:
        labels = ("Avfall og gjenvinning", "Vann og avløp")
        await _tell(peer, replace(outbound(peer.channel, peer.resident, "Hva gjelder det?"), choices=labels))
        heard = await _heard(peer)
        assert "Hva gjelder det?" in heard.text
        assert heard.offers(labels)

    async def test_markdown_is_rendered_for_the_resident(self, peer: Peer) -> None:
        text = "Se **alle** satsene på [prissiden](https://kommune.example/priser):\n\n- voksen\n- barn"
        await _tell(peer, replace(outbound(peer.channel, peer.resident, text), markup="markdown"))
        heard = await _heard(peer)
        assert "**" not in heard.text
        assert "](" not in heard.text
        for word in ("alle", "prissiden", "kommune.example/priser", "voksen", "barn"):
            assert word in heard.text

    async def test_plain_text_is_never_read_as_markdown_or_html(self, peer: Peer) -> None:
        text = "Skriv **navn** i <felt> & send_til_oss"
        await _tell(peer, outbound(peer.channel, peer.resident, text))
        assert (await _heard(peer)).text.strip() == text

    async def test_a_peer_that_can_be_asked_knows_what_it_has(self, peer: Peer) -> None:
        if not peer.channel.abilities.may_probe:
            return
        message = outbound(peer.channel, peer.resident, "Er denne kommet frem?")
        await _tell(peer, message)
        await _heard(peer)
        async with asyncio.timeout(PATIENCE):
            receipt = await peer.channel.probe(message)
        assert receipt is not None
        assert receipt.state in {"sent", "delivered"}
        assert receipt.outbox == message.id

    # Living

    async def test_cancelling_run_ends_it_and_leaves_no_task_behind(self, peer: Peer) -> None:
        await _deliver(peer, "Hei", "m-1")
        mine = [task for task in asyncio.all_tasks() if _is_run_of(task, peer.channel)]
        assert len(mine) == 1
        mine[0].cancel()
        done, _ = await asyncio.wait(mine, timeout=PATIENCE)
        assert done
        assert mine[0].cancelled()
        await asyncio.sleep(0)
        assert [task.get_name() for task in asyncio.all_tasks() if _is_of_channels(task)] == []

    # Being configured

    async def test_whoever_else_handles_its_messages_is_named_for_the_privacy_papers(self, peer: Peer) -> None:
        """A host is what an agreement about processing can be looked up by."""
        for recipient in peer.channel.recipients():
            assert recipient.host
            assert "@" not in recipient.host, "a host, never a user or a password"

    async def test_check_finds_nothing_wrong_with_right_settings(self, peer: Peer) -> None:
        async with asyncio.timeout(PATIENCE):
            findings = await peer.channel.check()
        assert [finding.text for finding in findings if finding.level == "error"] == []

    async def test_check_finds_a_wrong_setting_and_says_what_to_do(self, peer: Peer) -> None:
        async with asyncio.timeout(PATIENCE):
            findings = await peer.misconfigured().check()
        errors = [finding.text for finding in findings if finding.level == "error"]
        assert errors
        assert all(len(text.split()) > 3 for text in errors)

    async def test_the_channel_is_found_by_its_entry_point(self, peer: Peer) -> None:
        project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
        named = project["entry-points"][ENTRY_POINT_GROUP][peer.channel.name]
        assert EntryPoint(peer.channel.name, named, ENTRY_POINT_GROUP).load() is type(peer.channel)

    async def test_settings_refuse_unknown_keys_and_describe_every_field(self, peer: Peer) -> None:
        model = type(peer.channel).Settings
        with pytest.raises(ValidationError, match="a_misspelt_key"):
            model.model_validate({"a_misspelt_key": 1})
        assert _undescribed(model) == []

    async def test_accounts_carry_the_channels_name_and_a_municipality(self, peer: Peer) -> None:
        assert peer.channel.accounts
        for account in peer.channel.accounts:
            assert account.channel == peer.channel.name
            assert account.municipality == "fjordvik"


async def _deliver(peer: Peer, text: str, external_id: str) -> Verdict:
    async with asyncio.timeout(PATIENCE):
        return await peer.deliver(text, external_id)


async def _tell(peer: Peer, message: Outbound) -> Receipt:
    async with asyncio.timeout(PATIENCE):
        return await peer.tell(message)


async def _heard(peer: Peer) -> Heard:
    async with asyncio.timeout(PATIENCE):
        return await peer.heard()


def _is_run_of(task: "asyncio.Task[object]", channel: Channel) -> bool:
    return task.get_name() == f"run {channel.name}"


def _is_of_channels(task: "asyncio.Task[object]") -> bool:
    folder = str(Path(contactbot.channels.__file__).parent)
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename.startswith(folder)


def _undescribed(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if not field.description]
