"""What ``docs/delivery.md`` promises of everything that leaves the house, with peers whose answers the tests write."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contactbot import delivery as delivery_
from contactbot.channels.base import Abilities
from contactbot.delivery import Delivery
from contactbot.errors import StoreBusyError
from contactbot.handoff import desk
from contactbot.handoff.ticket import Reason, TicketState
from contactbot.messages import Address, Author, Length, Outbound, Receipt
from contactbot.outbox import store as outbox
from contactbot.privacy.erasures import forgetting
from contactbot.privacy.erasures.erasure import Order
from contactbot.settings import DeliverySettings
from contactbot.storage.transaction import Transaction
from tests.conversation.town import HERE, Town, running
from tests.patience import PATIENCE

QUESTION = "når åpner biblioteket"
PERSON = "jeg vil snakke med et menneske"


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that comes when the test says so."""

    until: asyncio.Event
    receipt: Receipt


Answer = Receipt | Exception | asyncio.Event | Held


class Peer:
    """A channel that answers what the test wrote, then that it was sent; an event is an answer that does not come."""

    name = "loopback"

    def __init__(self, *answers: Answer, probes: Sequence[Answer | None] | None = None) -> None:
        self.answers = deque(answers)
        self.probes = None if probes is None else deque(probes)
        self.sent: list[Outbound] = []
        self.asked: list[int] = []

    @property
    def abilities(self) -> Abilities:
        """May be asked where the test wrote what it would say."""
        return Abilities(length=Length.CHAT, scheme="loopback", may_probe=self.probes is not None)

    async def send(self, outbound: Outbound) -> Receipt:
        """Give the next answer."""
        self.sent.append(outbound)
        return await _given(self.answers.popleft() if self.answers else Receipt("sent")) or Receipt("sent")

    async def probe(self, outbound: Outbound) -> Receipt | None:
        """Say whether it has the message."""
        self.asked.append(outbound.id)
        return await _given(self.probes.popleft() if self.probes else None)


async def _given(answer: Answer | None) -> Receipt | None:
    if isinstance(answer, asyncio.Event):
        await answer.wait()
        return Receipt("sent")
    if isinstance(answer, Held):
        await answer.until.wait()
        return answer.receipt
    if isinstance(answer, Exception):
        raise answer
    return answer


class Moody:
    """A database that cannot serve the named units as often as said."""

    def __init__(self, database: Any, **refusals: int) -> None:  # noqa: ANN401 - any database
        self._database = database
        self.refusals = refusals

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the database has it
        return getattr(self._database, name)

    async def write(self, unit: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any unit
        """Refuse, or write."""
        self._refuse(unit)
        return await self._database.write(unit, *arguments, **more)

    async def jot(self, unit: Callable[..., Any], *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - any unit
        """Refuse, or write briefly."""
        self._refuse(unit)
        return await self._database.jot(unit, *arguments, **more)

    async def read(self, unit: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - any unit
        """Refuse, or read."""
        self._refuse(unit)
        return await self._database.read(unit, *arguments)

    def _refuse(self, unit: Callable[..., Any]) -> None:
        if self.refusals.get(unit.__name__, 0):
            self.refusals[unit.__name__] -= 1
            raise StoreBusyError("the disk is full")


class Broken(Moody):
    """A database with a fault that nobody foresaw."""

    @property
    def notices(self) -> Any:  # noqa: ANN401 - never there
        """Break."""
        raise RuntimeError("bug")


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house that itself sends nothing."""
    async with running(sqlite_url, tmp_path, deliver=False) as started:
        yield started


@pytest.fixture
async def town_on_both(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run such a house once for each engine."""
    async with running(database_url, tmp_path, deliver=False) as started:
        yield started


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_, "STORE_PAUSE", 0.0)


def sender(town: Town, peer: Peer, database: Any = None, **settings: Any) -> Delivery:  # noqa: ANN401 - any database or setting
    """Return a delivery through the peer."""
    channels: Any = {"loopback": peer}
    known = town.house.municipalities
    return Delivery(database or town.house.database, channels, known, DeliverySettings(**settings), town.watch)


@asynccontextmanager
async def delivering(town: Town, peer: Peer, **settings: Any) -> AsyncIterator[Delivery]:  # noqa: ANN401 - any setting
    """Deliver through the peer while the context lasts."""
    delivery = sender(town, peer, **settings)
    async with delivery.running():
        yield delivery


async def killed(town: Town, peer: Peer) -> None:
    """Deliver until the peer has been given something, then end as a process that is killed: nothing is recorded."""

    async def work() -> None:
        async with sender(town, peer).running():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await until(lambda: bool(peer.sent))
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert "sending" in await states(town)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for is seen, not told
            await asyncio.sleep(0)


async def states(town: Town) -> list[str]:
    """Return the state of every parcel, in the order they were written."""
    rows = await town.house.database.read(lambda tx: tx.rows("SELECT state FROM outbox ORDER BY id"))
    return [str(row[0]) for row in rows]


async def settled(town: Town, *expected: str) -> None:
    """Wait until the parcels are in these states."""
    async with asyncio.timeout(PATIENCE):
        while (found := await states(town)) != list(expected):
            pass
    assert found == list(expected)


async def column(town: Town, name: str, number: int = 1) -> Any:  # noqa: ANN401 - whatever the column holds
    """Return a column of a parcel."""
    return await town.house.database.read(_column, name, number)


def _column(tx: Transaction, name: str, number: int) -> Any:  # noqa: ANN401 - as above
    names = ("state", "doubtful", "attempts", "detail", "provider_id")
    row = tx.row("SELECT state, doubtful, attempts, detail, provider_id FROM outbox WHERE id = :id", id=number)
    return dict(zip(names, row or (), strict=True))[name]


async def later(town: Town, delay: timedelta) -> None:
    """Let time pass and the delivery see it."""
    town.watch.at += delay
    town.house.database.notices.announce([outbox.TOPIC])


# States


async def test_what_is_queued_is_sent_with_its_words_account_and_identity(town_on_both: Town) -> None:
    peer = Peer(Receipt("sent", provider_id="p-1"))
    await town_on_both.channel.say(QUESTION)
    async with delivering(town_on_both, peer):
        await settled(town_on_both, "sent")
    [out] = peer.sent
    assert "10-19" in out.text
    assert (out.account, out.recipient.value, out.attempt, out.doubtful) == ("loopback", "resident", 1, False)
    assert await column(town_on_both, "provider_id") == "p-1"


async def test_what_the_peer_refuses_for_good_becomes_a_case_for_staff(town: Town) -> None:
    await town.channel.say(QUESTION)
    async with delivering(town, Peer(Receipt("failed", detail="no such number"))):
        await settled(town, "failed")
    assert (await town.ticket()).reason == Reason.UNDELIVERED
    assert await column(town, "detail") == "no such number"


async def test_small_talk_that_does_not_arrive_is_nobodys_work(town: Town) -> None:
    await town.channel.say("hei")
    async with delivering(town, Peer(Receipt("failed"))):
        await settled(town, "failed")
    assert await town.tickets() == 0


async def test_a_failed_delivery_adds_to_the_open_case_and_the_history_does_not_say_the_resident_wrote(
    town: Town,
) -> None:
    await town.channel.say(PERSON)
    async with delivering(town, Peer(Receipt("failed"))):
        await settled(town, "failed")
    assert await town.tickets() == 1
    kinds = [(line.actor, line.kind) for line in (await town.case()).history]
    assert ("delivery", "ticket.undelivered") in kinds
    assert ("resident", "ticket.written") not in kinds


async def test_each_pause_between_attempts_is_doubled_up_to_the_longest(town: Town) -> None:
    await town.channel.say(QUESTION)
    peer = Peer(*[Receipt("retry")] * 4)
    waits = []
    async with delivering(town, peer, first_retry=10, longest_retry=30):
        for attempt in range(1, 5):
            await _tried(town, attempt)
            due = await town.house.database.read(outbox.next_due)
            waits.append(round((due - town.watch.at).total_seconds()))
            await later(town, timedelta(seconds=31))
        await settled(town, "sent")
    assert waits == [10, 20, 30, 30]
    assert [out.attempt for out in peer.sent] == [1, 2, 3, 4, 5]


async def test_a_peer_that_asks_for_a_longer_pause_gets_it(town: Town) -> None:
    await town.channel.say(QUESTION)
    async with delivering(town, Peer(Receipt("retry", retry_after=3600)), first_retry=5):
        await settled(town, "queued")
        await until(lambda: True)
        due = await _due(town)
    assert due - town.watch.at >= timedelta(seconds=3600)


async def _tried(town: Town, attempts: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await column(town, "attempts") != attempts or await column(town, "state") != "queued":
            pass


async def _due(town: Town) -> Any:  # noqa: ANN401 - a moment, or None
    async with asyncio.timeout(PATIENCE):
        while await column(town, "attempts") == 0 or await column(town, "state") != "queued":
            pass
    return await town.house.database.read(outbox.next_due)


@pytest.mark.parametrize("author", ["bot", "staff"])
async def test_what_cannot_be_delivered_in_time_is_given_up_and_becomes_work(town: Town, author: str) -> None:
    await town.channel.say(QUESTION if author == "bot" else PERSON)
    if author == "staff":
        async with delivering(town, Peer()):
            await settled(town, "sent")
        await town.do(desk.reply, 1001, "Her er svaret.", town.actor())
    peer = Peer(Receipt("retry"))
    async with delivering(town, peer, give_up_after=72):
        await until(lambda: len(peer.sent) == 1)
        await _due(town) if author == "bot" else await settled(town, "sent", "queued")
        await later(town, timedelta(hours=73))
        await settled(town, *(["failed"] if author == "bot" else ["sent", "failed"]))
    assert len(peer.sent) == 1
    assert "in time" in await column(town, "detail", 1 if author == "bot" else 2)
    assert (await town.ticket()).unread


# Doubts


async def test_a_doubt_that_nobody_can_settle_is_sent_once_more_and_stays_visible(town_on_both: Town) -> None:
    peer = Peer(Receipt("unknown", detail="the line broke after the dot"))
    await town_on_both.channel.say(QUESTION)
    async with delivering(town_on_both, peer):
        await settled(town_on_both, "sent")
    assert [(out.id, out.doubtful) for out in peer.sent] == [(1, False), (1, True)]
    assert await column(town_on_both, "doubtful") == 1
    events = await town_on_both.house.database.read(lambda tx: tx.rows("SELECT state FROM delivery_event ORDER BY id"))
    assert ("unknown",) in events
    shown = await town_on_both.house.database.read(lambda tx: outbox.states_of(tx, (1,)))
    assert "twice" in shown[0][2]


async def test_a_second_doubt_is_final_and_becomes_work(town: Town) -> None:
    peer = Peer(Receipt("unknown"), Receipt("unknown"))
    await town.channel.say(QUESTION)
    async with delivering(town, peer):
        await settled(town, "unknown")
    assert len(peer.sent) == 2
    assert (await town.ticket()).reason == Reason.UNDELIVERED


async def test_where_a_double_is_worse_than_a_loss_a_doubt_is_final_at_once(town: Town) -> None:
    peer = Peer(Receipt("unknown"))
    await town.channel.say(QUESTION)
    async with delivering(town, peer, resend_unknown_mail=False):
        await settled(town, "unknown")
    assert len(peer.sent) == 1


async def test_a_channel_that_breaks_leaves_a_doubt_and_not_a_dead_house(town: Town) -> None:
    peer = Peer(RuntimeError("bug"))
    await town.channel.say(QUESTION)
    async with delivering(town, peer):
        await settled(town, "sent")
    assert [out.doubtful for out in peer.sent] == [False, True]


async def test_a_peer_that_can_be_asked_is_asked_and_believed(town: Town) -> None:
    peer = Peer(Receipt("unknown"), probes=[Receipt("delivered", provider_id="p-7")])
    await town.channel.say(QUESTION)
    async with delivering(town, peer):
        await settled(town, "delivered")
    assert (len(peer.sent), peer.asked) == (1, [1])


async def test_a_peer_that_has_not_got_it_gets_it_again_later(town: Town) -> None:
    peer = Peer(Receipt("unknown"), probes=[None])
    await town.channel.say(QUESTION)
    async with delivering(town, peer, first_retry=10):
        await _due(town)
        await later(town, timedelta(seconds=11))
        await settled(town, "sent")
    assert len(peer.sent) == 2


# Crashes


async def test_after_a_crash_while_sending_a_peer_that_has_it_is_not_sent_it_again(town: Town) -> None:
    await town.channel.say(QUESTION)
    await killed(town, Peer(asyncio.Event()))
    peer = Peer(probes=[Receipt("sent")])
    async with delivering(town, peer):
        await settled(town, "sent")
    assert (peer.sent, peer.asked) == ([], [1])


async def test_after_a_crash_while_sending_a_peer_that_has_not_got_it_is_sent_it(town: Town) -> None:
    await town.channel.say(QUESTION)
    await killed(town, Peer(asyncio.Event()))
    peer = Peer(probes=[None])
    async with delivering(town, peer):
        await settled(town, "sent")
    assert len(peer.sent) == 1


async def test_after_a_crash_while_sending_mail_it_is_sent_once_more_with_the_doubt_kept(town: Town) -> None:
    await town.channel.say(QUESTION)
    await killed(town, Peer(asyncio.Event()))
    peer = Peer()
    async with delivering(town, peer):
        await settled(town, "sent")
    assert [(out.id, out.doubtful) for out in peer.sent] == [(1, True)]


async def test_a_second_crash_on_a_resent_mail_leaves_it_unknown_and_never_sends_it_a_third_time(town: Town) -> None:
    await town.channel.say(QUESTION)
    await killed(town, Peer(asyncio.Event()))
    async with delivering(town, Peer()):
        await settled(town, "sent")
    await town.house.database.write(lambda tx: tx.execute("UPDATE outbox SET state = 'sending', lease_owner = 'gone'"))
    peer = Peer()
    async with delivering(town, peer):
        await settled(town, "unknown")
    assert peer.sent == []


async def test_a_new_house_on_the_same_database_sends_what_the_old_one_left(sqlite_url: str, tmp_path: Path) -> None:
    async with running(sqlite_url, tmp_path, deliver=False) as before:
        await before.channel.say(QUESTION)
        await before.channel.say("hei", "another")
        await killed(before, Peer(asyncio.Event(), asyncio.Event()))
    async with running(sqlite_url, tmp_path, deliver=True) as after:
        assert "10-19" in (await after.hear()).text
        assert (await after.hear("another")).text
        assert await after.silent()


async def test_recovery_waits_for_no_slow_peer_before_it_sends_to_others(town: Town) -> None:
    await town.channel.say(QUESTION)
    await killed(town, Peer(asyncio.Event()))
    await town.channel.say(QUESTION, "another")
    answer = asyncio.Event()
    peer = Peer(probes=[answer])
    async with delivering(town, peer):
        await settled(town, "sending", "sent")
        answer.set()
        await settled(town, "sent", "sent")
    assert [out.recipient.value for out in peer.sent] == ["another"]


async def test_what_this_process_is_still_sending_is_never_taken_for_left_behind(town: Town) -> None:
    answer = asyncio.Event()
    peer = Peer(answer, probes=[])
    await town.channel.say(QUESTION)
    async with delivering(town, peer) as delivery:
        await until(lambda: bool(peer.sent))
        town.watch.at += timedelta(hours=1)  # the lease is long over
        async with asyncio.TaskGroup() as group:
            await delivery._recover(group, everybody_else=False)
        assert peer.asked == []
        answer.set()
        await settled(town, "sent")


# Order and urgency


async def test_a_thread_gets_its_messages_one_after_the_other_and_others_do_not_wait(town: Town) -> None:
    answer = asyncio.Event()
    peer = Peer(answer)
    await town.channel.say(QUESTION)
    await town.channel.say("hei")
    async with delivering(town, peer):
        await until(lambda: bool(peer.sent))
        await town.channel.say("takk", "another")
        await settled(town, "sending", "queued", "sent")
        answer.set()
        await settled(town, "sent", "sent", "sent")
    assert [out.recipient.value for out in peer.sent] == ["resident", "another", "resident"]


async def test_a_message_that_waits_to_be_tried_again_holds_back_the_next_of_its_thread(town: Town) -> None:
    peer = Peer(Receipt("retry"))
    await town.channel.say(QUESTION)
    await town.channel.say("hei")
    async with delivering(town, peer, first_retry=10):
        await _due(town)
        assert len(peer.sent) == 1
        await later(town, timedelta(seconds=11))
        await settled(town, "sent", "sent")
    assert ["10-19" in out.text for out in peer.sent] == [True, True, False]


async def test_help_in_danger_overtakes_what_waits_in_its_own_thread(town: Town) -> None:
    peer = Peer(Receipt("retry"))
    await town.channel.say(QUESTION)
    async with delivering(town, peer, first_retry=1000):
        await _due(town)
        await town.channel.say("jeg vil ta livet mitt")
        await settled(town, "queued", "sent")
    assert peer.sent[-1].purpose == "acute"


async def test_a_house_with_something_in_flight_does_not_ask_the_outbox_again_and_again(town: Town) -> None:
    answer = asyncio.Event()
    peer = Peer(answer)
    await town.channel.say(QUESTION)
    await town.channel.say("hei")
    async with delivering(town, peer):
        await until(lambda: bool(peer.sent))
        assert await town.house.database.read(outbox.next_due) is None
        answer.set()
        await settled(town, "sent", "sent")


# The fence and STOP


async def test_what_the_bot_had_queued_is_cancelled_when_a_person_takes_the_turn(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.channel.say(QUESTION)
    await town.do(desk.claim, 1001, town.actor())
    peer = Peer()
    async with delivering(town, peer):
        await settled(town, "sent", "cancelled")
    assert [out.purpose for out in peer.sent] == ["receipt"]


async def test_an_answer_on_its_way_when_a_person_takes_the_turn_is_not_tried_again_and_blocks_nothing(
    town_on_both: Town,
) -> None:
    town, answer = town_on_both, asyncio.Event()
    peer = Peer(Receipt("sent"), Held(answer, Receipt("retry")))
    await town.channel.say(PERSON)
    await town.channel.say(QUESTION)
    async with delivering(town, peer):
        await until(lambda: len(peer.sent) == 2)
        await town.do(desk.reply, 1001, "Hei, jeg er Kari.", town.actor())
        answer.set()
        await settled(town, "sent", "cancelled", "sent")
    assert [out.author for out in peer.sent] == ["bot", "bot", "staff"]


async def test_a_case_that_staff_open_again_withdraws_what_the_bot_had_queued_and_nothing_is_held_up(
    town_on_both: Town,
) -> None:
    town = town_on_both
    await _closed(town, survey=False)
    await town.channel.say(QUESTION)
    await town.do(desk.reopen, 1001, town.actor())
    await town.do(desk.reply, 1001, "Hei, jeg er Kari.", town.actor())
    peer = Peer()
    async with delivering(town, peer):
        await settled(town, "sent", "cancelled", "sent")
    assert [out.author for out in peer.sent] == ["bot", "staff"]


async def test_a_case_that_the_resident_opens_again_withdraws_it_as_well(town: Town) -> None:
    await _closed(town, survey=True)
    await town.channel.say("takk")
    await town.channel.say("nei")
    await town.do(desk.reply, 1001, "Hei, jeg er Kari.", town.actor())
    async with delivering(town, Peer()):
        await settled(town, "sent", "sent", "cancelled", "sent", "sent")


async def _closed(town: Town, *, survey: bool) -> None:
    """Have a case that somebody has taken and closed."""
    await town.channel.say(PERSON)
    await town.do(desk.claim, 1001, town.actor())
    actor = town.actor()
    await town.house.database.write(lambda tx: desk.close(tx, 1001, actor, survey=survey))


async def test_what_the_bot_answered_before_it_asked_for_a_person_still_leaves_and_so_does_the_promise(
    town: Town,
) -> None:
    peer = Peer(Receipt("retry"))
    await town.channel.say(QUESTION)
    async with delivering(town, peer, first_retry=10):
        await _due(town)
        await town.channel.say(PERSON)
        await later(town, timedelta(seconds=11))
        await settled(town, "sent", "sent")
    assert [out.purpose for out in peer.sent] == ["answer", "answer", "receipt"]


async def test_stop_cancels_what_is_queued_and_what_would_be_tried_again(town: Town) -> None:
    answer = asyncio.Event()
    peer = Peer(Held(answer, Receipt("retry")))
    await town.channel.say(QUESTION)
    await town.channel.say("hei")
    async with delivering(town, peer):
        await until(lambda: bool(peer.sent))
        await town.channel.say("STOPP")
        answer.set()
        await settled(town, "cancelled", "cancelled", "sent")
    assert [out.purpose for out in peer.sent] == ["answer", "stop"]


@pytest.mark.parametrize("on_its_way", [False, True])
async def test_what_staff_said_and_a_stop_kept_back_is_work_again(town_on_both: Town, *, on_its_way: bool) -> None:
    town, answer = town_on_both, asyncio.Event()
    peer = Peer(Receipt("sent"), Held(answer, Receipt("retry")))
    await town.channel.say(PERSON)
    await town.do(desk.reply, 1001, "Her er svaret.", town.actor())
    if on_its_way:
        async with delivering(town, peer):
            await until(lambda: len(peer.sent) == 2)
            await town.channel.say("STOPP")
            answer.set()
            await settled(town, "sent", "cancelled", "sent")
    else:
        await town.channel.say("STOPP")
    case = await town.case()
    assert case.ticket.state == TicketState.OPEN
    assert "ticket.undelivered" in [line.kind for line in case.history]


async def test_a_peer_that_knows_of_a_stop_silences_the_address_and_all_that_is_queued_for_it(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.channel.say("hei")
    peer = Peer(Receipt("failed", detail="opted_out 21610"))
    async with delivering(town, peer):
        await settled(town, "failed", "cancelled")
    stopped = await town.house.database.read(lambda tx: tx.value("SELECT stopped_at FROM address"))
    assert stopped is not None
    assert len(peer.sent) == 1


# Reports


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (["delivered"], "delivered"),
        (["delivered", "sent"], "delivered"),
        (["delivered", "delivered"], "delivered"),
        (["delivered", "failed"], "delivered"),
        (["delivered", "unknown"], "delivered"),
        (["failed", "delivered"], "delivered"),
        (["sent", "sent"], "sent"),
        (["failed", "sent"], "failed"),
        (["unknown"], "sent"),
    ],
)
async def test_reports_move_a_message_forward_only(town: Town, reports: list[Any], state: str) -> None:
    await town.channel.say(QUESTION)
    async with delivering(town, Peer(Receipt("sent", provider_id="p-1"))) as delivery:
        await settled(town, "sent")
        for report in reports:
            await delivery.record(Receipt(report, provider_id="p-1"))
    assert await states(town) == [state]
    kept = await town.house.database.read(lambda tx: tx.value("SELECT count(*) FROM delivery_event"))
    assert kept == 1 + len(reports)


async def test_reports_about_nothing_of_ours_change_nothing(town: Town) -> None:
    await town.channel.say(QUESTION)
    async with delivering(town, Peer()) as delivery:
        await settled(town, "sent")
        for stray in (Receipt("failed", 4711), Receipt("failed", provider_id="strange"), Receipt("failed")):
            await delivery.record(stray)
    assert await states(town) == ["sent"]


async def test_a_report_that_comes_before_the_answer_of_the_peer_is_not_undone_by_it(town: Town) -> None:
    answer = asyncio.Event()
    peer = Peer(answer)
    await town.channel.say(QUESTION)
    async with delivering(town, peer) as delivery:
        await until(lambda: bool(peer.sent))
        await delivery.record(Receipt("delivered", 1))
        answer.set()
    assert await states(town) == ["delivered"]


async def test_a_report_about_a_message_that_waits_to_be_resent_saves_the_double(town: Town) -> None:
    peer = Peer(Receipt("unknown"), probes=[None])
    await town.channel.say(QUESTION)
    async with delivering(town, peer, first_retry=10) as delivery:
        await _due(town)
        await delivery.record(Receipt("delivered", 1))
        await later(town, timedelta(seconds=11))
        await town.channel.say(QUESTION, "another")
        await settled(town, "delivered", "sent")
    assert [out.recipient.value for out in peer.sent] == ["resident", "another"]


# A store that cannot serve, a configuration that has changed


async def test_what_became_of_a_message_is_written_however_long_the_store_takes(town: Town) -> None:
    peer = Peer()
    await town.channel.say(QUESTION)
    database = Moody(town.house.database, _settle=3)
    async with sender(town, peer, database).running():
        await settled(town, "sent")
    assert len(peer.sent) == 1
    assert database.refusals == {"_settle": 0}


@pytest.mark.parametrize("unit", ["_left_behind", "lease", "next_due", "refs_of"])
async def test_a_store_that_cannot_serve_for_a_while_ends_nothing(town: Town, unit: str) -> None:
    peer = Peer()
    await town.channel.say(QUESTION)
    database = Moody(town.house.database, **{unit: 2})
    async with sender(town, peer, database, first_retry=0.001, longest_retry=0.001).running():
        async with asyncio.timeout(PATIENCE):
            while await states(town) != ["sent"]:
                await later(town, timedelta(seconds=1))
    assert len(peer.sent) == 1


async def test_what_is_queued_for_a_channel_or_municipality_no_longer_configured_waits(town: Town) -> None:
    await town.channel.say(QUESTION)
    delivery = sender(town, Peer())
    delivery._channels = {}
    async with delivery.running():
        await _due(town)
    assert "not in use" in await _last_detail(town)
    delivery = sender(town, peer := Peer())
    delivery._municipalities = {}
    await later(town, timedelta(hours=1))
    async with delivery.running():
        async with asyncio.timeout(PATIENCE):
            while "configuration" not in await _last_detail(town):
                pass
    assert peer.sent == []
    assert await states(town) == ["queued"]


async def test_a_report_for_a_municipality_no_longer_configured_is_kept_and_becomes_work(town: Town) -> None:
    await town.channel.say(QUESTION)
    async with delivering(town, Peer()) as delivery:
        await settled(town, "sent")
        delivery._municipalities = {}
        await delivery.record(Receipt("failed", 1))
    assert await states(town) == ["failed"]
    assert await town.tickets() == 1


async def _last_detail(town: Town) -> str:
    found = await town.house.database.read(
        lambda tx: tx.value("SELECT detail FROM delivery_event ORDER BY id DESC LIMIT 1")
    )
    return str(found or "")


async def test_a_delivery_that_breaks_in_an_unforeseen_way_ends_the_house_instead_of_going_silent(town: Town) -> None:
    with pytest.raises(ExceptionGroup):
        async with sender(town, Peer(), Broken(town.house.database)).running():
            await asyncio.Event().wait()


async def test_a_closing_house_finishes_what_is_on_its_way(town: Town) -> None:
    answer = asyncio.Event()
    peer = Peer(answer)
    await town.channel.say(QUESTION)
    async with delivering(town, peer):
        await until(lambda: bool(peer.sent))
        asyncio.get_running_loop().call_soon(answer.set)
    assert await states(town) == ["sent"]


async def test_staff_write_under_their_first_name_and_municipality(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.do(desk.reply, 1001, "Hei", replace(town.actor(), municipality=HERE))
    peer = Peer()
    async with delivering(town, peer):
        await settled(town, "sent", "sent")
    assert [out.author_name for out in peer.sent] == ["Automatisk svar", "Kari i Fjordvik kommune"]


async def test_where_the_municipality_names_no_staff_residents_see_the_role_alone(
    sqlite_url: str, tmp_path: Path
) -> None:
    here = {"name": "Fjordvik kommune", "staff_shown": "role"}
    async with running(sqlite_url, tmp_path, deliver=False, municipalities={HERE: here}) as town:
        await town.channel.say(PERSON)
        await town.do(desk.reply, 1001, "Hei", replace(town.actor(), municipality=HERE))
        peer = Peer()
        async with delivering(town, peer):
            await settled(town, "sent", "sent")
        assert peer.sent[-1].author_name == "Medarbeider i Fjordvik kommune"
        spoken = await town.house.receptions["loopback"].history(Address("loopback", "resident"), 0)
        assert [one.author_name for one in spoken if one.author == Author.STAFF] == [""]


# Somebody who was forgotten


@pytest.mark.parametrize("state", ["sent", "retry", "failed", "unknown"])
async def test_what_a_peer_tells_of_somebody_forgotten_meanwhile_is_not_kept_and_nobodys_work(
    town_on_both: Town,
    state: Any,  # noqa: ANN401 - a receipt's state
) -> None:
    town, answer = town_on_both, asyncio.Event()
    told = Receipt(state, provider_id="p-1", detail="550 resident@example.org unknown")
    peer = Peer(Held(answer, told))
    await town.channel.say(QUESTION)
    now = town.watch()
    async with delivering(town, peer) as delivery:
        await until(lambda: bool(peer.sent))
        await forgetting.forget(town.house.database, Order(HERE, (1,), "operator", now, now, b"k" * 32), town.watch)
        answer.set()
        await settled(town, {"retry": "cancelled"}.get(state, state))
        await delivery.record(Receipt("failed", 1, "p-1", "550 resident@example.org unknown"))
    kept = await town.house.database.read(_told)
    assert not any("550" in text or "p-1" in text for text in kept)
    assert await town.tickets() == 0


async def test_what_a_peer_says_stands_with_the_message_and_in_no_event(town: Town) -> None:
    await town.channel.say(QUESTION)
    async with delivering(town, Peer(Receipt("failed", detail="550 resident@example.org unknown"))):
        await settled(town, "failed")
    events = await town.house.database.read(lambda tx: tx.rows("SELECT data FROM event"))
    assert not any("550" in str(data) for data in events)


def _told(tx: Transaction) -> list[str]:
    """Return everything in which something of a report could have been kept."""
    return [
        str(row)
        for row in (
            *tx.rows("SELECT detail, provider_id FROM outbox"),
            *tx.rows("SELECT detail FROM delivery_event"),
            *tx.rows("SELECT ref FROM message_ref"),
            *tx.rows("SELECT data FROM event"),
        )
    ]
