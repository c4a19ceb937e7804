"""Joining cases at the desk, without any JavaScript, and nobody of another municipality takes part in it."""

import pytest

from contactbot.handoff.ticket import TicketState
from tests.web.conftest import HERE, THERE, Client, Letter, Town, text_of


@pytest.fixture
async def two(town: Town) -> tuple[int, int]:
    """Have one resident's cases by SMS and by email."""
    first = await town.written(Letter("Søknad om barnehage"))
    mail = Letter("Gjelder sak 1001", channel="email", scheme="email", address="kim@example.org")
    return first, await town.written(mail)


async def opened(client: Client, number: int) -> str:
    return await text_of(await client.get(f"/desk/tickets/{number}"))


async def test_a_case_shows_its_conversations_and_takes_in_those_of_another(
    town: Town, kari: Client, two: tuple[int, int]
) -> None:
    first, second = two
    answer = await kari.post(f"/desk/tickets/{first}/threads", data={"other": f"#{second}"})
    page = await text_of(answer)
    assert answer.status == 200
    for part in (
        "E-post: Kim Hansen",
        "SMS: Kim Hansen",
        "Gjelder sak 1001",
        f"Kari Nes koblet sak {second} til saken",
    ):
        assert part in page
    assert (await town.case(second)).ticket.state == TicketState.CLOSED
    assert f"Kari Nes koblet saken til sak {first}" in await opened(kari, second)


async def test_what_was_joined_is_parted_again_by_one_button(town: Town, kari: Client, two: tuple[int, int]) -> None:
    first, second = two
    await kari.post(f"/desk/tickets/{first}/threads", data={"other": str(second)})
    thread = (await town.case(second)).threads[0].id
    page = await text_of(await kari.post(f"/desk/tickets/{first}/threads/{thread}"))
    assert f"koblet en samtale fra; den er i sak {second}" in page
    assert "Koble fra samtalen" not in page
    assert (await town.case(second)).ticket.state == TicketState.OPEN


async def test_a_case_that_a_resident_names_is_a_hint_with_a_warning_and_joins_nothing(
    town: Town, kari: Client, two: tuple[int, int]
) -> None:
    first, second = two
    page = await opened(kari, second)
    assert "Innbyggeren skriver at det gjelder" in page
    assert f"Koble sak {first} hit" in page
    assert len((await town.case(first)).threads) == 1


@pytest.mark.parametrize(("other", "status"), [("", 422), ("9999", 422), ("x", 422), ("1001", 409)])
async def test_what_cannot_be_joined_is_said_and_changes_nothing(
    town: Town, kari: Client, two: tuple[int, int], other: str, status: int
) -> None:
    answer = await kari.post(f"/desk/tickets/{two[0]}/threads", data={"other": other})
    assert (answer.status, "Ikke koblet" in await answer.text()) == (status, True)
    assert len((await town.case(two[0])).threads) == 1


async def test_the_last_conversation_of_a_case_stays(town: Town, kari: Client, two: tuple[int, int]) -> None:
    thread = (await town.case(two[0])).threads[0].id
    answer = await kari.post(f"/desk/tickets/{two[0]}/threads/{thread}")
    assert (answer.status, "Lukk saken i stedet" in await answer.text()) == (409, True)


async def test_a_neighbours_case_can_be_neither_joined_nor_seen_nor_claimed(town: Town, kari: Client) -> None:
    theirs = await town.written(Letter("Hemmelig hos naboen", municipality=THERE))
    ours = await town.written(Letter(f"Gjelder sak {theirs + 1}", address="+4799999911"))
    await town.written(Letter("Andre sak hos naboen", municipality=THERE, address="+4799999912"))
    page = await opened(kari, ours)
    answer = await kari.post(f"/desk/tickets/{ours}/threads", data={"other": str(theirs + 1)})
    assert "Andre sak hos naboen" not in page + await answer.text()
    assert (answer.status, len((await town.case(ours, HERE)).threads)) == (422, 1)
