"""Each thing staff do leaves its state and its event in one transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import desk
from contactbot.handoff.ticket import Reason, TicketState
from contactbot.messages import Author
from contactbot.storage.transaction import Transaction
from contactbot.threads.thread import TurnOwner
from tests.conversation.town import MONDAY, Town

PERSON = "jeg vil snakke med et menneske"


async def kinds(town: Town, number: int = 1001) -> list[tuple[str, str]]:
    """Return who did what to a case."""
    return [(line.actor, line.kind) for line in (await town.case(number)).history if line.kind.startswith("ticket.")]


async def close(town: Town, number: int = 1001, *, survey: bool = False) -> None:
    """Close a case."""
    await town.house.database.write(lambda tx: desk.close(tx, number, town.actor(), survey=survey))


async def surveys(town: Town) -> int:
    """Return how often somebody was asked how it went."""
    found: int = await town.house.database.read(
        lambda tx: tx.value("SELECT count(*) FROM outbox WHERE purpose = 'survey'")
    )
    return found


async def turn(town: Town, number: int = 1001) -> TurnOwner:
    """Return whose turn it is."""
    return (await town.case(number)).threads[0].turn_owner


@pytest.mark.parametrize(
    ("unit", "arguments", "kind"),
    [
        (desk.claim, (), "ticket.claimed"),
        (desk.release, (), "ticket.released"),
        (desk.assign, ("Teknisk drift",), "ticket.moved"),
        (desk.reply, ("Hei",), "ticket.answered"),
        (desk.note, ("Ring henne",), "ticket.noted"),
        (desk.reopen, (), "ticket.reopened"),
    ],
)
async def test_each_act_leaves_an_event_with_who_did_it(
    town: Town,
    unit: Any,  # noqa: ANN401 - any unit of the desk
    arguments: tuple[str, ...],
    kind: str,
) -> None:
    await town.channel.say(PERSON)
    await town.do(unit, 1001, *arguments, town.actor())
    assert (f"staff:{town.kari}", kind) in await kinds(town)


async def test_taking_releasing_and_moving_say_whose_turn_it_is(town: Town) -> None:
    await town.channel.say(PERSON)
    assert await turn(town) == TurnOwner.WAITING
    await town.do(desk.claim, 1001, town.actor())
    assert (await turn(town), (await town.ticket()).assignee) == (TurnOwner.STAFF, town.kari)
    await town.do(desk.release, 1001, town.actor())
    assert (await turn(town), (await town.ticket()).assignee) == (TurnOwner.WAITING, None)
    await town.do(desk.claim, 1001, town.actor(town.ola))
    await town.do(desk.assign, 1001, "Teknisk drift", town.actor())
    assert (await turn(town), (await town.ticket()).assignee) == (TurnOwner.WAITING, None)
    assert (await town.ticket()).team_name == "Teknisk drift"


@pytest.mark.parametrize(
    ("unit", "arguments"),
    [
        (desk.claim, ()),
        (desk.release, ()),
        (desk.reply, ("Hei",)),
        (desk.note, ("Hei",)),
        (desk.assign, ("Teknisk drift",)),
    ],
)
async def test_a_case_of_another_municipality_does_not_exist(
    town: Town,
    unit: Any,  # noqa: ANN401 - any unit of the desk
    arguments: tuple[str, ...],
) -> None:
    await town.channel.say(PERSON)
    stranger = desk.Actor(town.kari, "Kari", "elsewhere", town.watch())
    with pytest.raises(NotFoundError):
        await town.do(unit, 1001, *arguments, stranger)


@pytest.mark.parametrize("unit", [desk.reply, desk.note])
@pytest.mark.parametrize("text", ["", "  \n"])
async def test_empty_words_are_refused_and_change_nothing(town: Town, unit: Any, text: str) -> None:  # noqa: ANN401 - as above
    await town.channel.say(PERSON)
    before = await town.ticket()
    with pytest.raises(ConflictError):
        await town.do(unit, 1001, text, town.actor())
    assert await town.ticket() == before


async def test_a_reply_refused_because_of_stop_leaves_no_trace(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.channel.say("STOPP")
    before, history = await town.ticket(), await kinds(town)
    with pytest.raises(ConflictError, match="no messages"):
        await town.do(desk.reply, 1001, "Hei", town.actor())
    assert (await town.ticket(), await kinds(town)) == (before, history)


async def test_a_form_sent_twice_answers_once(town: Town) -> None:
    await town.channel.say(PERSON)
    first = await town.house.database.write(desk.reply, 1001, "Hei", town.actor(), key="form")
    again = await town.house.database.write(desk.reply, 1001, "Hei", town.actor(), key="form")
    assert first == again
    assert [message.author for message in (await town.case()).messages].count(Author.STAFF) == 1


async def test_an_answer_to_an_answered_case_opens_it_again_with_a_new_time(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.do(desk.reply, 1001, "Send oss papirene.", town.actor())
    town.watch.at += timedelta(days=7)
    await town.channel.say("her kommer de")
    case = await town.ticket()
    assert (case.state, case.unread) == (TicketState.OPEN, True)
    assert case.due_at > town.watch.at


async def test_writing_again_does_not_move_the_time_of_an_open_case(town: Town) -> None:
    await town.channel.say(PERSON)
    due = (await town.ticket()).due_at
    town.watch.at += timedelta(days=1)
    await town.channel.say("det gjelder gjerdet til naboen")
    assert (await town.ticket()).due_at == due


async def test_danger_in_an_open_case_makes_it_urgent_and_due_now(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.channel.say("jeg vil ta livet mitt")
    case = await town.ticket()
    assert (case.priority, case.due_at <= town.watch()) == ("urgent", True)


async def test_a_reply_to_a_closed_case_opens_it_and_takes_the_turn(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.do(desk.claim, 1001, town.actor())
    await close(town)
    assert await turn(town) == TurnOwner.BOT
    await town.do(desk.reply, 1001, "Én ting til.", town.actor())
    case = await town.ticket()
    assert (case.state, case.closed_at, await turn(town)) == (TicketState.WAITING, None, TurnOwner.STAFF)


async def test_a_new_wish_after_a_closed_case_is_a_new_case(town: Town) -> None:
    await town.channel.say(PERSON)
    await close(town)
    await town.channel.say(PERSON)
    assert await town.tickets() == 2
    assert (await town.ticket()).state == TicketState.CLOSED


async def test_closing_gives_the_turn_to_the_bot_and_twice_is_once(town: Town) -> None:
    await town.channel.say(PERSON)
    for _ in range(2):
        await close(town, survey=True)
    assert [kind for _, kind in await kinds(town)].count("ticket.closed") == 1
    assert (await turn(town), await surveys(town)) == (TurnOwner.BOT, 1)


async def test_the_turn_stays_with_people_while_another_case_of_the_conversation_is_open(town: Town) -> None:
    await town.channel.say(PERSON)
    await close(town)
    await town.channel.say(PERSON)
    await town.do(desk.reopen, 1001, town.actor())
    await town.do(desk.claim, 1001, town.actor())
    await close(town, 1002)
    assert await turn(town) is TurnOwner.STAFF
    assert (await town.say("når åpner biblioteket"))["outcome"] == "silent"
    await town.do(desk.release, 1001, town.actor())
    assert await turn(town) is TurnOwner.WAITING
    await close(town, 1001)
    assert await turn(town) is TurnOwner.BOT


async def test_a_case_that_is_opened_again_is_due_anew_where_its_time_has_passed(town: Town) -> None:
    await town.channel.say(PERSON)
    told = (await town.ticket(1001)).due_at
    await close(town)
    await town.do(desk.reopen, 1001, town.actor(), told + timedelta(days=9))
    assert (await town.ticket(1001)).due_at == told
    await close(town)
    town.watch.at = told + timedelta(days=1)
    await town.do(desk.reopen, 1001, town.actor(), told + timedelta(days=9))
    assert (await town.ticket(1001)).due_at == told + timedelta(days=9)


async def test_a_case_is_asked_about_once_however_often_it_is_closed(town: Town) -> None:
    await town.channel.say(PERSON)
    await close(town, survey=True)
    await town.do(desk.reopen, 1001, town.actor())
    town.watch.at += timedelta(days=60)
    await close(town, survey=True)
    assert await surveys(town) == 1


@pytest.mark.parametrize(("days", "asked"), [(29, 1), (31, 2)])
async def test_nobody_is_asked_about_another_case_within_thirty_days(town: Town, days: int, asked: int) -> None:
    for number in (1001, 1002):
        await town.channel.say(PERSON)
        await close(town, number, survey=True)
        town.watch.at += timedelta(days=days)
    assert await surveys(town) == asked


@pytest.mark.parametrize("text", ["jeg vil ta livet mitt"])
async def test_nobody_in_danger_is_asked_how_it_went(town: Town, text: str) -> None:
    await town.channel.say(text)
    await close(town, survey=True)
    assert await surveys(town) == 0


async def test_a_no_reopens_with_the_time_that_the_resident_is_told(town: Town) -> None:
    await town.channel.say(PERSON)
    await close(town, survey=True)
    town.watch.at += timedelta(hours=3)
    await town.channel.say("3")
    case = await town.ticket()
    assert case.state == TicketState.OPEN
    assert ("resident", "ticket.rated") in await kinds(town)
    assert case.due_at == town.house.municipalities["fjordvik"].due(town.watch.at)


@pytest.mark.parametrize("channel", desk.REGISTERED_CHANNELS)
async def test_what_came_by_phone_letter_or_counter_is_a_case_like_any_other(town: Town, channel: str) -> None:
    due = MONDAY + timedelta(days=2)
    number = await town.do(desk.register, channel, "", "Per", "", "Lyset i gata er borte", due, "normal", town.actor())
    case = await town.case(int(str(number)))
    assert (case.ticket.reason, case.ticket.source, case.ticket.due_at) == (Reason.REGISTERED, channel, due)
    assert case.ticket.title == "Lyset i gata er borte"
    await town.do(desk.reply, case.ticket.number, "Ringt tilbake", town.actor())
    waiting = await town.house.database.read(lambda tx: tx.value("SELECT count(*) FROM outbox"))
    assert waiting == 0


async def test_two_anonymous_contacts_are_two_people(town: Town) -> None:
    for _ in range(2):
        await town.do(desk.register, "phone", "", "", "", "Hull i veien", MONDAY, "normal", town.actor())
    assert (await town.case()).earlier == ()


@pytest.mark.parametrize(("channel", "text"), [("fax", "Hei"), ("phone", " ")])
async def test_a_contact_needs_a_known_channel_and_words(town: Town, channel: str, text: str) -> None:
    with pytest.raises(ConflictError):
        await town.do(desk.register, channel, "", "", "", text, MONDAY, "normal", town.actor())


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (
            datetime(2026, 3, 27, 12, tzinfo=UTC),
            datetime(2026, 3, 31, 13, 30, tzinfo=UTC),
        ),  # the night with a lost hour
        (datetime(2026, 4, 1, 12, tzinfo=UTC), datetime(2026, 4, 8, 13, 30, tzinfo=UTC)),  # Easter
        (
            datetime(2026, 10, 23, 12, tzinfo=UTC),
            datetime(2026, 10, 27, 14, 30, tzinfo=UTC),
        ),  # the night with two hours
        (datetime(2026, 12, 23, 12, tzinfo=UTC), datetime(2026, 12, 28, 14, 30, tzinfo=UTC)),  # Christmas and a Sunday
    ],
)
async def test_the_promised_time_is_a_closing_time_across_holidays_and_clock_changes(
    town: Town, asked: datetime, due: datetime
) -> None:
    town.watch.at = asked
    await town.channel.say(PERSON)
    assert (await town.ticket()).due_at == due


async def test_a_case_is_opened_without_reading_every_event_of_the_house(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.say(PERSON)
    asked: list[str] = []
    real = Transaction.all

    def noted(tx: Transaction, shape: type[Any], statement: str, **values: Any) -> Any:  # noqa: ANN401 - any statement
        asked.append(statement)
        return real(tx, shape, statement, **values)

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "all", noted)
        await town.case()
    [history] = [statement for statement in asked if "FROM event e" in statement]
    plan = await town.house.database.read(lambda tx: tx.rows(f"EXPLAIN QUERY PLAN {history}", ticket=1))
    assert not [step for *_, step in plan if step.startswith("SCAN e")]
