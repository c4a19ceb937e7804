"""Going on with a case on another channel: only a code proves that both addresses are one person's."""

import re
from datetime import timedelta

import pytest

from contactbot.conversation.commands import Command, CommandKind, parse
from contactbot.handoff import codes, desk
from contactbot.handoff.ticket import Reason
from contactbot.threads.thread import TurnOwner
from tests.conversation.town import HERE, Town

PERSON = "jeg vil snakke med et menneske"
PHONE, CHAT = "phone", "chat"


async def begun(town: Town, session: str = PHONE) -> None:
    """Let a resident begin a case on their first channel."""
    await town.ask(PERSON, session)


async def code(town: Town, session: str = PHONE) -> str:
    """Return the code that the first channel was sent."""
    found = re.search(r"er (\d{6})\.", (await town.hear(session)).text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("FORTSETT 1001", "1001"),
        ("fortsett med sak 1001", "1001"),
        ("Fortsett på saksnummer 1001, takk", "1001"),
        ("Hald fram med sak 1001", "1001"),
        ("fortset sak #1001", "1001"),
        ("Continue case 1001 please", "1001"),
    ],
)
def test_the_wish_to_go_on_is_read_in_each_language(text: str, reference: str) -> None:
    assert parse(text) == Command(CommandKind.CONTINUE, reference)


@pytest.mark.parametrize("text", ["fortsett", "fortsett slik", "kan jeg fortsette i barnehagen 2027", "hald fram"])
def test_a_wish_to_go_on_without_a_case_is_no_command(text: str) -> None:
    assert parse(text) is None


async def test_the_code_from_the_first_channel_joins_the_second_to_the_case(town: Town) -> None:
    await begun(town)
    assert "har vi nå sendt en kode" in await town.ask("FORTSETT 1001", CHAT)
    assert "Nå fortsetter sak 1001 her" in await town.ask(await code(town), CHAT)
    await town.say("Hunden min er også borte", CHAT)
    case = await town.case()
    assert [address.value for address in case.addresses] == [PHONE, CHAT]
    assert "Hunden min er også borte" in [message.text for message in case.messages]
    assert await town.tickets() == 1


async def test_who_has_the_case_answers_where_the_resident_went_on(town: Town) -> None:
    await begun(town)
    await town.do(desk.claim, 1001, town.actor())
    await town.ask("FORTSETT 1001", CHAT)
    await town.ask(await code(town), CHAT)
    assert {thread.turn_owner for thread in (await town.case()).threads} == {TurnOwner.STAFF}
    await town.do(desk.reply, 1001, "Hei, her er svaret", town.actor())
    assert (await town.hear(CHAT)).text == "Hei, her er svaret"


async def test_nothing_said_tells_whether_there_is_such_a_case(town: Town) -> None:
    await begun(town)
    there = await town.ask("FORTSETT 1001", CHAT)
    missing = await town.ask("FORTSETT 1002", "other")
    assert missing == there.replace("1001", "1002")
    assert await town.ask("123456", CHAT) == await town.ask("123456", "other")


async def test_a_case_of_the_same_address_needs_no_code(town: Town) -> None:
    await begun(town)
    assert "Sak 1001 er" in await town.ask("FORTSETT 1001", PHONE)


async def test_a_code_is_guessed_three_times_and_no_more(town: Town) -> None:
    await begun(town)
    await town.ask("FORTSETT 1001", CHAT)
    right = await code(town)
    for guess in (number for number in ("111111", "222222", "333333", "444444") if number != right):
        await town.ask(guess, CHAT)
    await town.ask(right, CHAT)
    assert [address.value for address in (await town.case()).addresses] == [PHONE]


async def test_an_old_code_joins_nothing(town: Town) -> None:
    await begun(town)
    await town.ask("FORTSETT 1001", CHAT)
    right = await code(town)
    town.watch.at += timedelta(minutes=16)
    assert "for gammel" in await town.ask(right, CHAT)
    assert len((await town.case()).threads) == 1


async def test_a_code_works_only_where_it_was_asked_for(town: Town) -> None:
    await begun(town)
    await town.ask("FORTSETT 1001", CHAT)
    await town.ask("FORTSETT 1002", "thief")
    await town.ask(await code(town), "thief")
    assert [address.value for address in (await town.case()).addresses] == [PHONE]


async def test_nobody_is_pestered_with_codes_of_their_case(town: Town) -> None:
    await begun(town)
    for thief in range(codes.MOST + 2):
        await town.ask("FORTSETT 1001", f"thief-{thief}")
    assert [bool(await code(town)) for _ in range(codes.MOST)] == [True] * codes.MOST
    assert await town.silent(PHONE)


async def test_one_address_cannot_have_codes_sent_to_everybody(town: Town) -> None:
    residents = [f"resident-{number}" for number in range(codes.MOST_ASKED + 2)]
    for number, session in enumerate(residents):
        await begun(town, session)
        await town.ask(f"FORTSETT {1001 + number}", "thief")
    assert [await town.silent(session) for session in residents] == [False] * codes.MOST_ASKED + [True] * 2


async def test_no_code_goes_to_an_address_that_asked_for_silence(town: Town) -> None:
    await begun(town)
    await town.ask("STOPP", PHONE)
    await town.ask("FORTSETT 1001", CHAT)
    assert await town.silent(PHONE)


async def test_no_code_goes_to_an_address_that_was_never_proven(town: Town) -> None:
    await begun(town)
    await town.house.database.write(
        lambda tx: tx.execute("UPDATE ticket SET reason = :reason WHERE number = 1001", reason=Reason.UNAUTHENTICATED)
    )
    await town.ask("FORTSETT 1001", CHAT)
    assert await town.silent(PHONE)


async def test_going_on_leaves_an_event_of_each_step(town: Town) -> None:
    await begun(town)
    await town.ask("FORTSETT 1001", CHAT)
    await town.ask(await code(town), CHAT)
    kinds = [(line.actor, line.kind) for line in (await town.case()).history if line.kind.startswith("ticket.")]
    assert kinds == [("bot", "ticket.opened"), ("bot", "ticket.code_sent"), ("resident", "ticket.joined")]
    assert (await town.case()).ticket.municipality == HERE
