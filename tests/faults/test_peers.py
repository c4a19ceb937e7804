"""Peers that are away, refuse, take and do not say so, or say everything twice."""

import asyncio

import pytest

from contactbot.demo.gateway import Mishap
from contactbot.failpoints import Point
from tests.faults import faults
from tests.faults.outcome import proven_on
from tests.faults.table import keep
from tests.faults.town import Town
from tests.faults.traps import Trap

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRIES = 4  # enough to see that it goes on trying
PATIENCE_OF_THE_HOUSE = 72 * 3600.0  # seconds, the default of delivery.give_up_after


async def test_a_relay_that_is_down_for_long_gets_the_mail_once_it_is_back(town: Town) -> None:
    async with town.four() as four:
        await town.relay.down()
        await four.ask(["email"])
        await town.until(lambda: _tried(four.attempts("email")), "several attempts")
        await town.relay.up()
        await four.answered(["email"])
        keep(faults.DOWN, await proven_on(town, four, ["email"]))


async def test_a_mail_that_cannot_leave_in_time_becomes_a_case(town: Town) -> None:
    async with town.four() as four:
        await town.relay.down()
        await four.ask(["email"])
        await town.until(lambda: _tried(four.attempts("email")), "several attempts")
        with town.wrong_clock(PATIENCE_OF_THE_HOUSE + 60):
            await four.settled(["email"])
        await town.relay.up()
        keep(faults.GIVEN_UP, await proven_on(town, four, ["email"]))


async def test_a_mail_is_sent_again_under_its_name_when_the_relay_dies_before_its_answer(town: Town) -> None:
    async with town.four() as four:
        town.relay.fatal = b"queued as"
        await four.ask(["email"])
        await four.answered(["email"])
        keep(faults.DIED, await proven_on(town, four, ["email"]))


async def test_an_answer_outlives_the_xmpp_server(town: Town) -> None:
    async with town.four() as four:
        town.trap(Trap(Point.LEASED, "gather", 2))
        await four.ask(["xmpp"])
        await town.until(lambda: _tried(four.attempts("xmpp"), 1), "an answer about to leave")
        await asyncio.to_thread(town.server.kill)
        await asyncio.to_thread(town.server.start)
        town.trap()
        await four.connect()
        await four.answered(["xmpp"])
        keep(faults.RESTARTED, await proven_on(town, four, ["xmpp"]))


@pytest.mark.parametrize("mishap", faults.TWILIO)
async def test_a_text_is_sent_once_whatever_the_provider_answers(town: Town, mishap: Mishap) -> None:
    async with town.four() as four:
        town.house.gateway.misbehave(mishap)
        await four.ask(["sms"])
        await town.until(lambda: _tried(four.attempts("sms"), 1), "the first attempt")
        await town.until(lambda: _tried(len(town.house.gateway.posted), 1), "the mishap")
        with town.wrong_clock(10 if mishap is Mishap.RATE_LIMITED else 0):  # it asks for 7 s
            await four.answered(["sms"])
        keep(faults.TWILIO[mishap], await proven_on(town, four, ["sms"]))


async def test_what_a_peer_gives_twice_is_answered_once(town: Town) -> None:
    async with town.four() as four:
        await four.ask()
        await four.ask()
        await four.answered()
        keep(faults.REPEATED, await proven_on(town, four))


async def test_reports_that_come_twice_and_backwards_change_nothing(town: Town) -> None:
    async with town.four() as four:
        await four.ask(["sms"])
        await four.answered(["sms"])
        [sid] = [text.sid for text in town.house.gateway.phone(four.phone) if not text.inbound]
        for status in ("sent", "delivered", "delivered", "sent", "queued"):
            answer = await town.house.gateway.report(sid, status)
            assert answer is not None
            assert answer.status == 200
        assert town.rows("SELECT state FROM outbox WHERE thread = ?", four.thread("sms")) == [("delivered",)]
        keep(faults.REORDERED, await proven_on(town, four, ["sms"]))


async def _tried(count: int, wanted: int = TRIES) -> bool:
    return count >= wanted
