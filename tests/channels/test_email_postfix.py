"""A resident and the channel with a real Postfix between them, in both directions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiosmtplib
import pytest

from contactbot.channels.email import EmailChannel
from contactbot.channels.email.settings import EmailSettings, Listen, MailAccount, Relay
from contactbot.messages import Address
from tests.channels.house import RecordingHouse, outbound, running, surroundings
from tests.channels.test_email import KARI, POST, letter
from tests.patience import PATIENCE
from tests.peers.postfix import Postfix, free_port, postfix
from tests.peers.smtp import Sink, sink


@dataclass(frozen=True, slots=True)
class Town:
    """A municipality with its relay, and the mail server of its residents."""

    channel: EmailChannel
    house: RecordingHouse
    relay: Postfix
    residents: Sink

    async def write(self, text: str, external_id: str, recipient: str = POST) -> None:
        """Have a resident's mail program hand a mail to the relay."""
        await aiosmtplib.send(
            letter(text, external_id, recipient), hostname="127.0.0.1", port=self.relay.port, start_tls=False
        )


@pytest.fixture
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    protocol = getattr(request, "param", "smtp")
    house = RecordingHouse()
    port = free_port()
    settings = EmailSettings(
        accounts=[MailAccount(address=POST, municipality="fjordvik")],
        listen=Listen(port=0, protocol=protocol),
        relay=Relay(port=port, tls="none"),
    )
    channel = EmailChannel(settings, surroundings(tmp_path))
    async with sink() as residents, running(channel, house):
        assert channel.listening_on is not None
        transport = "lmtp:inet:127.0.0.1" if protocol == "lmtp" else "smtp:[127.0.0.1]"
        routes = {
            "fjordvik.example": f"{transport}:{channel.listening_on[1]}",
            "innbygger.example": f"smtp:[127.0.0.1]:{residents.port}",
        }
        async with postfix(port, routes) as relay:
            yield Town(channel, house, relay, residents)


@pytest.mark.parametrize("town", ["smtp", "lmtp"], indirect=True)
async def test_a_question_and_its_answer_travel_through_a_real_relay_and_the_reply_names_its_thread(town: Town) -> None:
    await town.write("Når åpner svømmehallen?", "q1")
    await town.house.seen(kept=1)
    asked = town.house.kept[0]
    assert (asked.text, asked.sender) == ("Når åpner svømmehallen?", Address("email", KARI))

    receipt = await town.channel.send(outbound(town.channel, Address("email", KARI), "Klokken 10.", outbox=7))
    assert receipt.state == "sent"
    answer = await town.residents.next()
    assert answer.text == "Klokken 10."
    assert answer.message["Message-ID"] == receipt.provider_id

    await town.write("Også på søndag?", "q2", recipient=str(answer.message["Reply-To"].addresses[0].addr_spec))
    await town.house.seen(kept=2)
    assert town.house.kept[1].thread == 1


async def test_mail_that_the_store_could_not_keep_waits_at_the_relay_and_is_kept_once(town: Town) -> None:
    town.house.busy = True
    await town.write("Er veien stengt?", "q1")
    await town.house.seen(offered=1)
    assert not town.house.kept
    town.house.busy = False
    async with asyncio.timeout(PATIENCE):
        while not town.house.kept:  # a mail the relay has not yet put aside is not flushed
            await town.relay.flush()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await town.house.seen(kept=1)
    assert [inbound.text for inbound in town.house.kept] == ["Er veien stengt?"]


async def test_a_real_relays_report_of_failure_finds_the_message_that_failed(town: Town) -> None:
    town.residents.refuse["RCPT"] = "550 5.1.1 No such resident"
    sent = await town.channel.send(outbound(town.channel, Address("email", KARI), "Klokken 10.", outbox=9))
    await town.house.seen(receipts=1)
    [receipt] = town.house.receipts
    assert (receipt.state, receipt.outbox, receipt.provider_id) == ("failed", 9, sent.provider_id)
    assert "5.1.1" in receipt.detail
    [note] = town.house.kept
    assert (note.automatic, note.thread) == ("delivery_report", 1)
    assert sent.provider_id in note.refs


async def test_a_mail_to_nobody_here_comes_back_to_its_sender(town: Town) -> None:
    await town.write("Hei", "q1", recipient="ukjent@fjordvik.example")
    report = await town.residents.next()
    assert report.message.get_content_type() == "multipart/report"
    assert not town.house.offered
