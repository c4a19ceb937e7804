"""However the relay behaves, the receipt says honestly what is known, and a mail is never given to it twice unseen."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from pydantic import SecretStr

from contactbot.channels.email import EmailChannel
from contactbot.channels.email.settings import Listen, Relay
from contactbot.messages import Address, Outbound
from tests.channels.house import RecordingHouse, outbound, running, surroundings
from tests.channels.test_email import KARI, relay, settings
from tests.channels.test_email_receive import certificate
from tests.peers.postfix import free_port
from tests.peers.smtp import Sink, sink

__all__ = ["certificate", "relay"]  # fixtures


@pytest.fixture
async def channel(relay: Sink, tmp_path: Path) -> AsyncIterator[EmailChannel]:
    made = EmailChannel(settings(relay.port), surroundings(tmp_path))
    async with running(made, RecordingHouse()):
        yield made


def answer(channel: EmailChannel, outbox: int = 1) -> Outbound:
    return outbound(channel, Address("email", KARI), "Hei", outbox)


async def test_many_answers_use_one_connection(channel: EmailChannel, relay: Sink) -> None:
    receipts = await asyncio.gather(*(channel.send(answer(channel, outbox)) for outbox in range(1, 6)))
    assert {receipt.state for receipt in receipts} == {"sent"}
    assert relay.connections == 1
    assert len(relay.mails) == 5


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("code", "state"), [("451 4.3.0 later", "retry"), ("550 5.7.1 never", "failed")])
async def test_a_refusal_is_for_now_or_for_good_as_its_code_says_and_the_next_mail_goes(
    channel: EmailChannel, relay: Sink, command: str, code: str, state: str
) -> None:
    relay.refuse[command] = code
    receipt = await channel.send(answer(channel))
    assert (receipt.state, receipt.outbox) == (state, 1)
    assert code[:3] in receipt.detail
    relay.refuse.clear()
    assert (await channel.send(answer(channel, 2))).state == "sent"
    assert relay.connections == 1


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
async def test_a_relay_that_hangs_up_before_it_has_the_mail_never_took_it(
    channel: EmailChannel, relay: Sink, command: str
) -> None:
    relay.hang_up_at = command
    assert (await channel.send(answer(channel))).state == "retry"
    relay.hang_up_at = ""
    assert (await channel.send(answer(channel, 2))).state == "sent"


async def test_a_relay_that_dies_between_the_mail_and_its_answer_leaves_it_unknown_and_a_resend_is_the_same_mail(
    channel: EmailChannel, relay: Sink
) -> None:
    relay.hang_up_at = "DOT"
    first = await channel.send(answer(channel))
    assert first.state == "unknown"
    relay.hang_up_at = ""
    again = await channel.send(replace(answer(channel), attempt=2, doubtful=True))
    assert again.state == "sent"
    assert again.provider_id == first.provider_id
    taken, resent = relay.mails
    assert taken.message["Message-ID"] == resent.message["Message-ID"]


async def test_a_kept_connection_that_the_relay_has_closed_meanwhile_costs_no_attempt(tmp_path: Path) -> None:
    port = free_port()
    made = EmailChannel(settings(port), surroundings(tmp_path))
    async with running(made, RecordingHouse()):
        async with sink(port) as first:
            assert (await made.send(answer(made))).state == "sent"
            assert len(first.mails) == 1
        async with sink(port) as second:
            assert (await made.send(answer(made, 2))).state == "sent"
            assert len(second.mails) == 1


async def test_a_relay_that_is_down_is_tried_again_later(tmp_path: Path) -> None:
    made = EmailChannel(settings(free_port()), surroundings(tmp_path))
    receipt = await made.send(answer(made))
    assert (receipt.state, receipt.outbox) == ("retry", 1)


async def test_a_relay_without_the_encryption_that_is_required_gets_nothing(relay: Sink, tmp_path: Path) -> None:
    wanted = settings(relay.port).model_copy(update={"relay": Relay(port=relay.port, tls="starttls")})
    made = EmailChannel(wanted, surroundings(tmp_path))
    assert (await made.send(answer(made))).state == "retry"
    assert relay.mails == []


@pytest.mark.parametrize("tls", ["none", "opportunistic"])
async def test_a_mailbox_that_requires_tls_sends_nothing_unencrypted_while_the_others_go_on(
    relay: Sink, tmp_path: Path, tls: Literal["none", "opportunistic"]
) -> None:
    lax = settings(relay.port)
    strict = lax.accounts[0].model_copy(update={"address": "barnevern@fjordvik.no", "require_tls": True})
    wanted = lax.model_copy(update={"accounts": [*lax.accounts, strict], "relay": Relay(port=relay.port, tls=tls)})
    made = EmailChannel(wanted, surroundings(tmp_path))
    refused = await made.send(replace(answer(made), account=strict.address))
    assert (refused.state, relay.mails) == ("retry", [])
    assert "STARTTLS" in refused.detail, "staff and operators read why"
    assert (await made.send(answer(made, 2))).state == "sent"
    assert "error" in await levels(made, "the relay 127.0.0.1")


async def test_a_certificate_nobody_vouches_for_is_no_encryption_where_tls_is_required(
    relay: Sink, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    relay.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    relay.tls.load_cert_chain(*certificate)
    lax = settings(relay.port)
    strict = [account.model_copy(update={"require_tls": True}) for account in lax.accounts]
    for ca_file, state in ((None, "retry"), (certificate[0], "sent")):
        reached = Relay(host="localhost", port=relay.port, tls="opportunistic", ca_file=ca_file)
        made = EmailChannel(lax.model_copy(update={"accounts": strict, "relay": reached}), surroundings(tmp_path))
        assert (await made.send(answer(made))).state == state
    assert len(relay.mails) == 1


async def test_the_relays_user_signs_in_and_a_wrong_password_is_for_the_operator_to_mend(
    relay: Sink, tmp_path: Path
) -> None:
    relay.login = (b"contactbot", b"hemmelig")
    for password, state, level in (("hemmelig", "sent", "ok"), ("feil", "retry", "error")):
        signed_in = Relay(port=relay.port, tls="none", user="contactbot", password=SecretStr(password))
        made = EmailChannel(settings(relay.port).model_copy(update={"relay": signed_in}), surroundings(tmp_path))
        assert (await made.send(answer(made))).state == state
        assert level in await levels(made, "the relay 127.0.0.1")
        assert all(password not in finding.text for finding in await made.check())
    assert len(relay.mails) == 1


async def test_a_cancelled_send_does_not_spoil_the_next(channel: EmailChannel, relay: Sink) -> None:
    task = asyncio.create_task(channel.send(answer(channel)))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await channel.send(answer(channel, 2))).state == "sent"
    assert relay.mails[-1].message["Message-ID"] != ""


async def test_an_address_that_cannot_be_written_fails_at_once(channel: EmailChannel, relay: Sink) -> None:
    broken = replace(answer(channel), recipient=Address("email", "unknown"))
    assert (await channel.send(broken)).state == "failed"
    assert relay.mails == []


async def test_dots_and_long_lines_arrive_as_they_were_written(channel: EmailChannel, relay: Sink) -> None:
    text = ".\n..\n.slutt\n" + "ord " * 1_000 + "\nFrom her"
    assert (await channel.send(replace(answer(channel), text=text))).state == "sent"
    assert (await relay.next()).text == text


async def test_reports_of_failure_come_to_the_thread_and_a_non_ascii_resident_is_reached(
    channel: EmailChannel, relay: Sink
) -> None:
    written = replace(answer(channel), recipient=Address("email", "bjørg@innbygger.example"))
    assert (await channel.send(written)).state == "sent"
    mail = await relay.next()
    assert mail.recipients == ("bjørg@innbygger.example",)
    assert mail.sender.startswith("post+t1.")


# What check says


async def levels(channel: EmailChannel, word: str) -> list[str]:
    return [finding.level for finding in await channel.check() if word in finding.text]


async def test_check_warns_when_the_relay_would_refuse_the_answers(channel: EmailChannel, relay: Sink) -> None:
    assert await levels(channel, "takes answers to post+...") == ["ok"]
    relay.refuse["RCPT"] = "550 5.1.1 no"
    assert await levels(channel, "threading cannot work") == ["warning", "warning"]
    assert relay.mails == []


async def test_check_warns_when_threading_rests_on_message_ids_alone(relay: Sink, tmp_path: Path) -> None:
    made = EmailChannel(settings(relay.port).model_copy(update={"plus_addresses": False}), surroundings(tmp_path))
    assert await levels(made, "Message-ID only") == ["warning"]


async def test_the_only_municipality_need_not_be_named(relay: Sink, tmp_path: Path) -> None:
    made = EmailChannel(settings(relay.port, municipality=""), surroundings(tmp_path))
    assert {account.municipality for account in made.accounts} == {"fjordvik"}
    assert (await made.send(answer(made))).state == "sent"
    assert str(relay.mails[0].message["From"]).startswith("Fjordvik kommune <")


async def test_check_names_an_unreachable_relay_and_a_port_that_somebody_holds(relay: Sink, tmp_path: Path) -> None:
    made = EmailChannel(settings(free_port(), listen=Listen(port=relay.port)), surroundings(tmp_path))
    found = [finding.text for finding in await made.check() if finding.level == "error"]
    assert any("the relay 127.0.0.1" in text for text in found)
    assert any("cannot listen on" in text for text in found)


async def test_check_knows_its_own_listener(channel: EmailChannel, relay: Sink, tmp_path: Path) -> None:
    assert channel.listening_on is not None
    same = EmailChannel(settings(relay.port, listen=Listen(port=channel.listening_on[1])), surroundings(tmp_path))
    assert await levels(same, "where contactbot runs") == ["ok"]
