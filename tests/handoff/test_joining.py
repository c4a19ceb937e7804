"""Joining conversations to a case and parting them again loses nothing and can be undone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import desk, joining
from contactbot.handoff.claims import MOST, numbers_named
from contactbot.handoff.ticket import TicketState
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import TurnOwner
from tests.conversation.town import Town

PERSON = "jeg vil snakke med et menneske"


@pytest.fixture
async def two(town: Town) -> Town:
    """Have two residents' cases, 1001 and 1002."""
    await town.channel.say(PERSON, "first")
    await town.channel.say(PERSON, "second")
    return town


async def addresses(town: Town, number: int = 1001) -> list[str]:
    """Return who writes in a case."""
    return [address.value for address in (await town.case(number)).addresses]


async def second_thread(town: Town) -> int:
    """Return the second resident's conversation."""
    return (await town.case(1002)).threads[0].id


async def test_a_joined_cases_conversation_is_read_in_the_other_and_its_new_messages_reach_it(two: Town) -> None:
    await two.do(joining.join, 1001, 1002, two.actor())
    await two.channel.say("en ting til", "second")
    assert await addresses(two) == ["first", "second"]
    assert ((await two.ticket(1002)).state, await two.tickets()) == (TicketState.CLOSED, 2)
    await two.do(desk.reply, 1001, "svar til begge spørsmål", two.actor())
    assert [m.text for m in (await two.case(1002)).messages][-1] == "svar til begge spørsmål"


async def test_a_message_for_a_joined_case_opens_the_case_that_has_it_when_both_are_closed(two: Town) -> None:
    await two.do(joining.join, 1001, 1002, two.actor())
    await two.house.database.write(lambda tx: desk.close(tx, 1001, two.actor(), survey=False))
    await two.channel.say(PERSON, "second")
    assert [(await two.ticket(number)).state for number in (1001, 1002)] == [TicketState.CLOSED] * 2
    assert await addresses(two, 1003) == ["second"]


async def test_undone_the_conversation_is_back_where_it_came_from_with_what_was_written_since(two: Town) -> None:
    thread = await second_thread(two)
    await two.do(joining.join, 1001, 1002, two.actor())
    await two.channel.say("skrevet etterpå", "second")
    await two.channel.say("også etterpå", "first")
    back = await two.house.database.write(joining.part, 1001, thread, two.actor())
    assert (back, (await two.ticket(1002)).state) == (1002, TicketState.OPEN)
    assert (await addresses(two), await addresses(two, 1002)) == (["first"], ["second"])
    assert "skrevet etterpå" in [message.text for message in (await two.case(1002)).messages]
    assert "også etterpå" in [message.text for message in (await two.case(1001)).messages]
    await two.channel.say("og nå", "second")
    assert "og nå" in [message.text for message in (await two.case(1002)).messages]


async def test_both_histories_tell_of_the_join_and_of_its_undoing(two: Town) -> None:
    thread = await second_thread(two)
    await two.do(joining.join, 1001, 1002, two.actor())
    await two.do(joining.part, 1001, thread, two.actor())
    told = {n: [line.kind for line in (await two.case(n)).history if "received" not in line.kind] for n in (1001, 1002)}
    assert told[1001] == ["ticket.opened", "ticket.joined", "ticket.parted"]
    assert told[1002] == ["ticket.opened", "ticket.joined_into", "ticket.reopened"]


async def test_a_case_that_was_closed_before_it_was_joined_stays_closed_when_it_is_parted(two: Town) -> None:
    thread = await second_thread(two)
    await two.house.database.write(lambda tx: desk.close(tx, 1002, two.actor(), survey=False))
    await two.do(joining.join, 1001, 1002, two.actor())
    await two.do(joining.part, 1001, thread, two.actor())
    assert (await two.ticket(1002)).state == TicketState.CLOSED


async def test_a_case_answers_for_what_the_joined_one_still_owed(two: Town) -> None:
    first, second = await two.ticket(1001), await two.ticket(1002)
    await two.do(desk.claim, 1002, two.actor(two.ola))
    await two.house.database.write(lambda tx: desk.close(tx, 1001, two.actor(), survey=False))
    await two.do(joining.join, 1001, 1002, two.actor())
    ticket = await two.ticket(1001)
    assert (ticket.state, ticket.due_at, ticket.assignee) == (TicketState.OPEN, second.due_at, two.ola)
    assert ticket.due_at >= first.due_at
    assert {thread.turn_owner for thread in (await two.case(1001)).threads} == {TurnOwner.STAFF}


async def test_who_has_the_case_has_the_turn_in_the_joined_conversation_and_the_bot_is_fenced_off(two: Town) -> None:
    await two.do(desk.claim, 1001, two.actor())
    before = (await two.case(1002)).threads[0].turn_epoch
    await two.do(joining.join, 1001, 1002, two.actor())
    joined = (await two.case(1002)).threads[0]
    assert (joined.turn_owner, joined.turn_epoch > before) == (TurnOwner.STAFF, True)
    await two.do(joining.part, 1001, joined.id, two.actor())
    assert (await two.case(1002)).threads[0].turn_owner == TurnOwner.WAITING


async def test_a_conversation_that_had_no_case_gets_its_own_when_it_is_parted(two: Town) -> None:
    await two.channel.say("når åpner biblioteket", "third")
    thread = await two.house.database.read(lambda tx: tx.value("SELECT max(id) FROM thread"))
    ticket = await two.ticket(1001)

    def go_on(tx: Transaction) -> None:
        found = threads.thread_by_id(tx, ticket.municipality, thread)
        assert found is not None
        joining.go_on_here(tx, ticket, found, two.watch())

    await two.house.database.write(go_on)
    assert await two.house.database.write(joining.part, 1001, thread, two.actor()) == 1003
    assert ((await two.ticket(1003)).state, await addresses(two, 1003)) == (TicketState.OPEN, ["third"])


async def test_a_case_keeps_its_last_conversation(two: Town) -> None:
    with pytest.raises(ConflictError, match="no other conversation"):
        await two.do(joining.part, 1002, await second_thread(two), two.actor())


@pytest.mark.parametrize("other", [1001, 1002])
async def test_what_is_joined_already_is_not_joined_again(two: Town, other: int) -> None:
    await two.do(joining.join, 1001, 1002, two.actor())
    with pytest.raises(ConflictError, match="already"):
        await two.do(joining.join, 1001, other, two.actor())


async def test_what_is_not_there_is_neither_joined_nor_parted(two: Town) -> None:
    with pytest.raises(NotFoundError):
        await two.do(joining.join, 1001, 1009, two.actor())
    with pytest.raises(NotFoundError):
        await two.do(joining.part, 1001, await second_thread(two), two.actor())


async def test_a_case_somebody_names_is_a_hint_until_it_is_joined(two: Town) -> None:
    await two.channel.say("dette gjelder sak 1001", "second")
    claimed = await two.house.database.read(
        lambda tx: joining.claimed(tx, desk.case(tx, two.actor().municipality, 1002))
    )
    assert [ticket.number for ticket in claimed] == [1001]
    assert await addresses(two, 1001) == ["first"]
    await two.do(joining.join, 1002, 1001, two.actor())
    assert not await two.house.database.read(
        lambda tx: joining.claimed(tx, desk.case(tx, two.actor().municipality, 1002))
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Sak 1001", (1001,)),
        ("Gjelder saksnummer: 1001.", (1001,)),
        ("Re: [#1002] og sak nr. 1001", (1002, 1001)),
        ("fortsett med sak 1001, fortsett 1001", (1001,)),
        ("Vedtak i sak 2026/1001", ()),
        ("Jeg bor i Storgata 1001", ()),
        ("&#1001; 1001", ()),
    ],
)
def test_only_a_number_that_is_called_a_case_is_one(text: str, numbers: tuple[int, ...]) -> None:
    assert numbers_named(text) == numbers


@given(st.text(alphabet="sak #1234567890 \nnr.", max_size=400))
def test_any_text_names_few_and_short_numbers(text: str) -> None:
    found = numbers_named(text)
    assert len(found) == len(set(found)) <= MOST
    assert all(number < 10**9 for number in found)
