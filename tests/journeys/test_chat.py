"""A resident with the chat on the municipality's page, and a member of staff at the desk, each in a real browser."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, FrameLocator, Page, ViewportSize, expect

from contactbot.demo.town import PASSWORD
from tests.journeys.installation import Installation, reference

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZE = ViewportSize(width=1280, height=900)


@asynccontextmanager
async def opened(browser: Browser, address: str) -> AsyncIterator[Page]:
    """Open a page in a browser of its own; nothing may go wrong in its console."""
    context = await browser.new_context(viewport=SIZE, locale="nb-NO")
    page = await context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    await page.goto(address)
    yield page
    await context.close()
    assert problems == []


async def say(chat: FrameLocator, text: str) -> None:
    await chat.locator("#text").fill(text)
    await chat.locator("#send").click()


async def conversation(chat: FrameLocator) -> list[str]:
    """Return what stands in the chat: each message with who said it."""
    return [re.sub(r"\s+", " ", text) for text in await chat.locator("#list .say .bubble").all_inner_texts()]


async def test_a_resident_chooses_asks_for_a_person_and_hears_from_them_by_name(
    town: Installation, browser: Browser
) -> None:
    async with opened(browser, f"{town.url}/") as page:
        await page.get_by_role("button", name="Chat med oss").click()
        resident = page.frame_locator("iframe")
        said = resident.locator("#list .say")
        await say(resident, "barnehage")
        choice = resident.locator(".choice").first
        wanted = await choice.inner_text()
        await choice.click()
        await expect(said).to_have_count(4)
        assert (await conversation(resident))[2] == wanted

        await resident.get_by_role("button", name="Snakk med en person").click()
        await expect(said).to_have_count(6)
        number = reference((await conversation(resident))[-1])

        async with opened(browser, f"{town.url}/sign-in?next=/desk") as kari:
            await kari.get_by_label("E-postadresse").fill("kari@fjordvik.example")
            await kari.get_by_label("Passord").fill(PASSWORD)
            await kari.get_by_role("button", name="Logg inn").click()
            await kari.locator("#views a", has_text="Ufordelt").click()
            await kari.locator(f"#row-{number}").click()
            await expect(kari.locator("#conversation")).to_contain_text(wanted)
            await kari.get_by_role("button", name="Ta saken").click()
            await expect(kari.get_by_text("Du har saken")).to_be_visible()
            await kari.locator("#reply").fill("Hei! Jeg ser på det nå.")
            await expect(resident.locator("#status")).to_have_text("Kari skriver …")
            await kari.get_by_role("button", name="Send svar").click()

            await expect(said).to_have_count(7)
            await expect(said.last).to_contain_text("Hei! Jeg ser på det nå.")
            await expect(said.last.locator(".name")).to_contain_text("Kari")

            await resident.locator("#text").press_sequentially("Tusen")
            await expect(kari.locator("#resident-writing")).to_have_text("Innbyggeren skriver …")
            await kari.locator("#views a", has_text="Mine").click()  # fetches the page anew
            await kari.locator(f"#row-{number}").click()
            await expect(kari.locator("#resident-writing")).to_have_text("Innbyggeren skriver …")
            await say(resident, "Tusen takk")
            await expect(kari.locator("#conversation")).to_contain_text("Tusen takk")

        before = await conversation(resident)
        assert len(before) == 8
        await page.reload()
        await page.get_by_role("button", name="Chat med oss").click()
        await expect(said).to_have_count(8)
        assert await conversation(resident) == before


async def _delete(page: Page) -> str:
    """Press the button that deletes, and return the code that is asked for."""
    await page.locator("#menu summary").click()
    await page.get_by_role("button", name="Slett samtalen").click()
    asked = page.locator("#list .bot .bubble").last
    await expect(asked).to_contain_text("bekrefte")
    found = re.search(r"SLETT (\d{6})", await asked.inner_text())
    assert found is not None
    return found[1]


async def test_a_deleted_conversation_leaves_the_open_page_at_once_and_another_begins(
    town: Installation, browser: Browser
) -> None:
    async with opened(browser, f"{town.url}/chat/fjordvik") as page:
        bubbles = page.locator("#list .say .bubble")
        await page.fill("#text", "barnehage")
        await page.locator("#send").click()
        await expect(bubbles).to_have_count(2)
        code = await _delete(page)
        await page.fill("#text", code)
        await page.locator("#send").click()
        await expect(bubbles).to_have_count(1)
        await expect(bubbles).to_contain_text("er slettet")
        await page.fill("#text", "hei igjen")
        await page.locator("#send").click()
        await expect(bubbles).to_have_count(3)
        await page.reload()
        await expect(bubbles).to_have_count(3)
        assert "barnehage" not in " ".join(await bubbles.all_inner_texts())


async def test_whoever_deletes_a_conversation_that_is_a_case_is_told_what_stays_and_why(
    town: Installation, browser: Browser
) -> None:
    async with opened(browser, f"{town.url}/chat/fjordvik") as page:
        bubbles = page.locator("#list .say .bubble")
        await page.get_by_role("button", name="Snakk med en person").click()
        await expect(bubbles).to_have_count(2)
        code = await _delete(page)
        await page.fill("#text", code)
        await page.locator("#send").click()
        last = page.locator("#list .bot .bubble").last
        await expect(last).to_contain_text("vurdere om den skal arkiveres")
        await expect(last).to_contain_text("Saksnummer")
        assert await bubbles.count() == 6


async def test_a_conversation_comes_by_mail_once_its_link_is_followed(town: Installation, browser: Browser) -> None:
    address = "chat.mail@resident.example"
    async with opened(browser, f"{town.url}/chat/fjordvik") as page:
        await page.fill("#text", "barnehage")
        await page.locator("#send").click()
        await expect(page.locator("#list .say .bubble")).to_have_count(2)
        await page.locator("#menu summary").click()
        await page.get_by_label("E-postadresse", exact=True).fill(address)
        await page.get_by_role("button", name="Send lenken").click()
        [first] = await town.mails(address)
        assert "barnehage" not in first.text
        assert first.message["Auto-Submitted"] == "auto-generated"
        link = re.search(rf"{town.url}/chat/fjordvik/mail/\S+", first.text)
        assert link is not None
        await page.goto(link[0])
        await page.get_by_role("button", name="Send meg samtalen").click()
        _, second = await town.mails(address, 2)
        assert second.message["Subject"] == "Samtale med Fjordvik kommune"
        assert "Du:\nbarnehage" in second.text.replace("\r\n", "\n")
        assert second.message["Message-ID"] != first.message["Message-ID"]
