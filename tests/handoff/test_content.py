"""What the law keeps from open channels never leaves on one: a notice does, and the content stays with staff."""

import pytest

from contactbot.errors import ConflictError, NotAllowedError
from contactbot.handoff import desk
from contactbot.handoff.content import Content, OpenChannelError, Reserved
from contactbot.handoff.ticket import TicketState
from contactbot.messages import Address, Author
from tests.conversation.town import HERE, Town

PERSON = "jeg vil snakke med et menneske"
DECISION = "Søknaden din om bostøtte er innvilget."
RESERVED = [content for content in Content if content != Content.ORDINARY]


def reserved(content: Content = Content.DECISION, text: str = DECISION) -> Reserved:
    """Return content for the resident to read where they sign in."""
    return Reserved(content, text, "Fjordvik kommune", "Altinn")


async def leaving(town: Town) -> list[tuple[str, str]]:
    """Return purpose and words of what staff have in the outbox."""
    return [
        (row[0], row[1])
        for row in await town.house.database.read(
            lambda tx: tx.rows(
                "SELECT o.purpose, m.text FROM outbox o JOIN message m ON m.id = o.message WHERE o.author = 'staff'"
            )
        )
    ]


@pytest.mark.parametrize("content", RESERVED)
async def test_the_desk_itself_refuses_to_send_it_and_nothing_changes(town: Town, content: Content) -> None:
    await town.channel.say(PERSON)
    before = await town.case()
    with pytest.raises(OpenChannelError):
        await town.do(desk.reply, 1001, DECISION, town.actor(), content)
    assert await town.case() == before
    assert issubclass(OpenChannelError, NotAllowedError)


@pytest.mark.parametrize("content", RESERVED)
async def test_a_notice_says_where_to_read_and_nothing_of_what_it_is(town: Town, content: Content) -> None:
    await town.channel.say(PERSON)
    await town.do(desk.announce, 1001, reserved(content), town.actor())
    [(purpose, words)] = await leaving(town)
    assert purpose == "notice"
    assert "Altinn" in words
    assert "Fjordvik kommune" in words
    assert "bostøtte" not in words
    assert "vedtak" not in words.lower()
    assert (await town.ticket()).state == TicketState.WAITING


async def test_every_class_gives_the_same_notice_so_that_it_does_not_tell_which_it_was(town: Town) -> None:
    for number, content in enumerate(RESERVED):
        await town.channel.say(PERSON, f"resident {number}")
        await town.do(desk.announce, 1001 + number, reserved(content), town.actor())
    assert len({words for _, words in await leaving(town)}) == 1


async def test_the_notice_is_in_the_residents_language(town: Town) -> None:
    await town.channel.say("I want to talk to a human being please")
    await town.do(desk.announce, 1001, reserved(), town.actor())
    [(_, words)] = await leaving(town)
    assert "sign in" in words


async def test_the_content_is_kept_for_staff_only_with_an_event(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.do(desk.announce, 1001, reserved(), town.actor())
    case = await town.case()
    [kept] = [message for message in case.messages if message.kind == "note"]
    assert (kept.text, kept.outcome, kept.author) == (DECISION, {"content": "decision"}, Author.STAFF)
    [event] = [line for line in case.history if line.kind == "ticket.announced"]
    assert event.data["content"] == "decision"
    seen = await town.house.receptions["loopback"].history(Address("loopback", "resident"), 0)
    assert DECISION not in [said.text for said in seen]


async def test_after_stop_not_even_a_notice_leaves(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.channel.say("STOPP")
    with pytest.raises(ConflictError):
        await town.do(desk.announce, 1001, reserved(), town.actor())
    assert await leaving(town) == []
    assert not [message for message in (await town.case()).messages if message.kind == "note"]


@pytest.mark.parametrize("wrong", [reserved(text="  "), reserved(Content.ORDINARY)])
async def test_a_notice_is_of_something_that_may_not_be_sent(town: Town, wrong: Reserved) -> None:
    await town.channel.say(PERSON)
    with pytest.raises(ConflictError):
        await town.do(desk.announce, 1001, wrong, town.actor())


async def test_what_was_told_at_the_counter_can_be_entered_whatever_it_is(town: Town) -> None:
    at = town.watch()
    number = await town.do(desk.register, "counter", "", "Kim", "", "Fikk jeg ja?", at, "normal", town.actor())
    await town.do(desk.reply, number, DECISION, town.actor(), Content.DECISION)
    assert (await town.case(int(str(number)))).messages[-1].text == DECISION
    with pytest.raises(ConflictError):
        await town.do(desk.announce, number, reserved(), town.actor())
    assert await leaving(town) == []
    assert (await town.house.database.read(desk.get, HERE, number)).state == TicketState.WAITING
