"""The desk in a real browser: by keyboard alone, live, and without barriers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal, TypeAlias, cast

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from contactbot.channels.sms import SmsChannel
from contactbot.channels.sms.settings import SmsSettings
from contactbot.handoff.ticket import TicketState
from contactbot.messages import Author
from tests.channels.house import surroundings
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, PASSWORD, Letter, Town

SIGNED = len("\n\n– Kari i Fjordvik kommune")  # what the channel puts below what Kari writes

Scheme: TypeAlias = Literal["light", "dark"]
WIDTHS = (1440, 1024, 390, 320)  # CSS pixels
PROVOKED = (  # what tests bring about themselves
    "Failed to load resource: net::ERR_FAILED",
    "Failed to load resource: the server responded with a status of 409 (Conflict)",
)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open a page that fails the test when anything goes wrong in its console."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="nb-NO")
    opened = await context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    yield opened
    await context.close()
    assert [problem for problem in problems if problem not in PROVOKED] == []


async def signed_in(page: Page, town: Town, path: str = "/desk") -> None:
    await page.goto(f"{town.url}/sign-in?next={path}")
    await expect(page.locator("input[name=email]")).to_be_focused()  # what is typed before that reaches no field
    await page.keyboard.type("kari@fjordvik.example")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#panes, .contact-form")


async def test_a_case_is_worked_by_keyboard_alone(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town)
    for key in ("j", "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("#case-title")).to_contain_text("Det er et hull i veien")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Ta saken")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Du har saken")).to_be_visible()
    await page.keyboard.press("r")
    await page.keyboard.type("Vi fyller hullet i dag.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#conversation")).to_contain_text("Vi fyller hullet i dag.")
    await page.keyboard.press("x")
    await page.keyboard.type("Per drar i ettermiddag.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".bubble[data-kind=note]")).to_contain_text("Per drar i ettermiddag.")
    for key in ("Tab", "Tab"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("button", name="Lukk saken")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Åpne igjen")).to_be_visible()
    case = await town.case(number)
    assert (case.ticket.state, case.ticket.assignee_name) == (TicketState.CLOSED, "Kari Nes")
    assert [(one.kind, one.text) for one in case.messages if one.author == Author.STAFF] == [
        ("message", "Vi fyller hullet i dag."),
        ("note", "Per drar i ettermiddag."),
    ]


async def test_shortcuts_can_be_switched_off(town: Town, page: Page) -> None:
    await town.written("Det er et hull i veien")
    await signed_in(page, town)
    await page.keyboard.press("?")
    await page.get_by_role("button", name="Slå av hurtigtaster").press("Enter")
    await page.wait_for_selector("body[data-shortcuts='0']")
    await page.keyboard.press("s")
    await expect(page.locator("#search")).not_to_be_focused()
    await page.get_by_role("button", name="Hurtigtaster").press("Enter")
    await page.get_by_role("button", name="Slå på hurtigtaster").press("Enter")
    await page.wait_for_selector("body[data-shortcuts='1']")
    await page.keyboard.press("s")
    await expect(page.locator("#search")).to_be_focused()


async def test_what_residents_write_appears_by_itself_and_the_draft_stays(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town, f"/desk/tickets/{number}")
    await page.keyboard.press("r")
    await page.keyboard.type("Vi kommer")
    await town.written("Skynd dere!")
    await expect(page.locator("#conversation")).to_contain_text("Skynd dere!")
    await expect(page.locator("#newer")).to_contain_text("Innbyggeren har skrevet igjen")
    await expect(page.locator("#reply")).to_have_value("Vi kommer")
    await expect(page.locator("#reply")).to_be_focused()
    await town.written(Letter("Gatelyset er mørkt", address="+4799999902"))
    await expect(page.locator("#list")).to_contain_text("Gatelyset er mørkt")
    await page.reload()
    await expect(page.locator("#reply")).to_have_value("Vi kommer")


async def test_where_no_websocket_gets_through_the_page_is_live_by_polling(town: Town, page: Page) -> None:
    await page.route_web_socket("**/desk/live*", lambda socket: socket.close())
    await signed_in(page, town)
    for n in range(2):
        await town.written(Letter(f"Gatelys nummer {n} er mørkt", address=f"+479999990{n}"))
        await expect(page.locator("#list")).to_contain_text(f"Gatelys nummer {n} er mørkt")


async def test_the_list_does_not_move_under_the_pointer(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town)
    await page.hover(f"#row-{number}")
    urgent = await town.written(Letter("Gatelyset er mørkt", address="+4799999902", priority="urgent"))
    await expect(page.get_by_role("button", name="Listen er endret – vis")).to_be_visible()
    await expect(page.locator(f"#row-{urgent}")).to_have_count(0)
    await page.get_by_role("button", name="Listen er endret – vis").click()
    await expect(page.locator(f"#row-{urgent}")).to_be_visible()


async def test_a_reply_that_cannot_leave_is_kept_and_leaves_once_later(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town, f"/desk/tickets/{number}")
    await page.route("**/replies*", lambda route: route.abort())
    await page.fill("#reply", "Vi kommer")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#send-problem")).to_contain_text("Teksten er beholdt")
    await page.unroute("**/replies*")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#conversation")).to_contain_text("Vi kommer")
    case = await town.case(number)
    assert [one.text for one in case.messages if one.author == Author.STAFF] == ["Vi kommer"]


async def test_that_a_colleague_took_the_case_is_said_above_what_one_writes(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town, f"/desk/tickets/{number}")
    await page.fill("#reply", "Vi kommer")
    ola = await town.signed_in("ola@fjordvik.example")
    await ola.post(f"/desk/tickets/{number}/claim")
    await expect(page.locator("#holder")).to_contain_text("Ola Vik har saken. Avtal med Ola Vik før du svarer.")
    await expect(page.locator("#reply")).to_have_value("Vi kommer")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#problem")).to_contain_text("Ikke sendt: Ola Vik tok saken")
    await expect(page.locator("#reply")).to_have_value("Vi kommer")
    assert await barriers(page) == []


async def test_a_case_is_closed_by_its_shortcut(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town, f"/desk/tickets/{number}")
    await page.keyboard.press("Shift+C")
    await expect(page.locator("#case-head")).to_contain_text("Åpne igjen")
    await page.keyboard.press("Shift+C")  # a closed case has nothing to close
    await expect(page.locator("#case-head")).to_contain_text("Åpne igjen")


async def test_text_messages_are_counted_while_they_are_written(town: Town, page: Page) -> None:
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town, f"/desk/tickets/{number}")
    for text, words in {
        "æøå": f"{3 + SIGNED} tegn med navnet ditt, 1 SMS.",
        "€": f"{2 + SIGNED} tegn med navnet ditt, 1 SMS.",
        "a" * (160 - SIGNED): "160 tegn med navnet ditt, 1 SMS.",
        "a" * (161 - SIGNED): "161 tegn med navnet ditt, 2 SMS.",
        "«nei» – ja…": f"{13 + SIGNED} tegn med navnet ditt, 1 SMS.",
        "«nei» 😀": f"{8 + SIGNED} tegn med navnet ditt, 1 SMS. Tegnet « » 😀 gjør hver SMS kortere.",
        "😀" * 36: f"{72 + SIGNED} tegn med navnet ditt, 2 SMS.",
    }.items():
        await page.fill("#reply", text)
        await expect(page.locator("#segments")).to_contain_text(words)


async def test_what_a_text_message_costs_is_said_before_it_is_sent(town: Town, page: Page, tmp_path: Path) -> None:
    gateway = {"url": "http://127.0.0.1:1", "token": "t" * 16, "secret": "s" * 24}
    numbers = [{"number": "+4759440000", "municipality": HERE}]
    settings = SmsSettings.model_validate({"plain_http": gateway, "numbers": numbers, "segment_price": 0.65})
    channels = cast("dict[str, object]", town.house.channels)
    channels["sms"] = SmsChannel(settings, surroundings(tmp_path))
    number = await town.written("Det er et hull i veien")
    await signed_in(page, town, f"/desk/tickets/{number}")
    await expect(page.locator("#segments")).to_contain_text("koster 0,65 kr")
    await page.fill("#reply", "a" * (161 - SIGNED))
    await expect(page.locator("#segments")).to_contain_text("161 tegn med navnet ditt, 2 SMS, 1,30 kr.")


@pytest.mark.parametrize("width", WIDTHS)
async def test_no_page_of_the_desk_has_barriers(town: Town, browser: Browser, width: int) -> None:
    number = await town.written("Det er et hull i veien")
    await town.written(Letter("Hjelp", address="+4799999902", priority="urgent"))
    context = await browser.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce")
    try:
        await _look_for_barriers(context, town, number, ["light", "dark"] if width == WIDTHS[0] else ["light"])
    finally:
        await context.close()


async def _look_for_barriers(context: BrowserContext, town: Town, number: int, schemes: list[Scheme]) -> None:
    page = await context.new_page()
    await page.goto(f"{town.url}/sign-in")
    assert await barriers(page) == []
    await signed_in(page, town)
    await page.goto(f"{town.url}/desk/tickets/{number}")
    await page.fill("#reply", "Vi kommer.")
    await page.get_by_role("button", name="Send svar").click()
    await expect(page.locator("#conversation")).to_contain_text("Vi kommer.")
    for path in ("/desk", f"/desk/tickets/{number}", "/desk/contacts", "/desk?view=closed", "/desk/tickets/9"):
        await page.goto(town.url + path)
        for scheme in schemes:
            await page.emulate_media(color_scheme=scheme)
            assert await barriers(page) == [], f"{path} in {scheme}"
        sideways = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert sideways == 0, f"{path} scrolls sideways"
    await page.goto(f"{town.url}/desk/tickets/{number}")
    await page.locator("#kind-note").check()
    assert await barriers(page) == []
