"""Closed cases that nobody has made an archive decision about are found, and settled many at a time."""

import re

import pytest

from contactbot.handoff import archive
from contactbot.handoff.desk import Actor
from contactbot.handoff.ticket import Archive
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, PASSWORD, Client, Letter, Town, text_of
from tests.web.test_editor import words


@pytest.fixture
async def closed(town: Town, kari: Client) -> list[int]:
    """Return three cases that were closed, in the order of their last words."""
    numbers = [
        await town.written(Letter(f"Sak om {about}", address=f"+479999990{at}")) for at, about in enumerate("abc")
    ]
    for number in numbers:
        await kari.post(f"/desk/tickets/{number}/closure")
    return numbers


def offered(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'name="number" value="(\d+)"', page)]


async def test_cases_without_a_decision_have_a_view_with_the_oldest_first(
    town: Town, kari: Client, closed: list[int]
) -> None:
    still_open = await town.written(Letter("Sak som er åpen", address="+4799999909"))
    await kari.post(f"/desk/tickets/{closed[1]}/archive", data={"decision": "keep"})
    page = await text_of(await kari.get("/desk?view=undecided"))
    assert [int(number) for number in re.findall(r'id="row-(\d+)"', page)] == [closed[0], closed[2]]
    assert 'href="/desk/archive"' in page
    assert still_open not in offered(await text_of(await kari.get("/desk/archive")))


async def test_those_that_are_ticked_are_decided_alike_and_the_others_wait(
    town: Town, kari: Client, closed: list[int]
) -> None:
    page = await text_of(await kari.get("/desk/archive"))
    assert offered(page) == closed
    form = [("number", str(closed[0])), ("number", str(closed[2])), ("decision", "leave_out"), ("key", "k")]
    for _ in range(2):  # sent twice is done once, and told alike
        page = await text_of(await kari.post("/desk/archive", data=form))
        assert "2 saker er avgjort: skal ikke arkiveres." in words(page)
    assert offered(page) == [closed[1]]
    case = await town.case(closed[0])
    assert case.ticket.archive == Archive.LEAVE_OUT
    assert [line.staff_name for line in case.history if line.kind == "ticket.archive_decided"] == ["Kari Nes"]
    assert (await town.case(closed[1])).ticket.archive == Archive.UNDECIDED


async def test_what_somebody_else_settled_or_opened_again_is_skipped_and_told(
    town: Town, kari: Client, closed: list[int]
) -> None:
    ola = Actor(2, "Ola Vik", HERE, town.house.clock())
    await town.house.database.write(archive.decide, closed[0], Archive.KEEP, ola)
    await kari.post(f"/desk/tickets/{closed[1]}/closure", data={"_method": "DELETE"})
    form = [("number", str(number)) for number in (*closed, 999)] + [("decision", "leave_out")]
    page = words(await text_of(await kari.post("/desk/archive", data=form)))
    assert "1 sak er avgjort: skal ikke arkiveres. 3 saker ble hoppet over" in page
    assert (await town.case(closed[0])).ticket.archive == Archive.KEEP
    assert (await town.case(closed[1])).ticket.archive == Archive.UNDECIDED


@pytest.mark.parametrize(
    "form",
    [
        {"decision": "leave_out"},
        {"number": "1001"},
        {"number": "1001", "decision": "undecided"},
        {"number": "ni", "decision": "keep"},
        {"number": "9" * 30, "decision": "keep"},
    ],
)
async def test_a_form_that_decides_nothing_is_refused_in_words(kari: Client, form: dict[str, str]) -> None:
    assert "Kryss av minst én sak først." in await text_of(await kari.post("/desk/archive", data=form), 422)


async def test_an_address_made_up_by_somebody_tells_nothing(kari: Client) -> None:
    page = await text_of(await kari.get("/desk/archive?done=<b>&left=1&decision=keep"))
    assert 'role="status"' not in page


async def test_cases_of_another_municipality_are_neither_shown_nor_decided(town: Town, closed: list[int]) -> None:
    nils = await town.signed_in("nils@nabovik.example")
    assert offered(await text_of(await nils.get("/desk/archive"))) == []
    form = [("number", str(number)) for number in closed] + [("decision", "keep")]
    assert "Ingenting ble endret." in await text_of(await nils.post("/desk/archive", data=form))
    assert (await town.case(closed[0])).ticket.archive == Archive.UNDECIDED
    assert (await town.client().get("/desk/archive", allow_redirects=False)).status == 303


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("width", [1440, 360])
async def test_a_heap_of_cases_is_settled_by_keyboard(town: Town, width: int) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 800})
        await page.goto(f"{town.url}/sign-in?next=/desk?view=undecided")
        await page.fill("#email", "kari@fjordvik.example")
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.focus("a[href='/desk/archive']")
        await page.keyboard.press("Enter")
        await page.focus("[name=number] >> nth=0")
        await page.keyboard.press("Space")
        assert await barriers(page) == []
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        await page.focus("button[value=leave_out]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=1 sak er avgjort")
        assert await page.locator("[name=number]").count() == 2
        assert await barriers(page) == []
