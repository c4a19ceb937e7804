"""The composer asks what kind of content it is, and lets nothing leave openly that may not."""

import pytest
from playwright.async_api import expect

from contactbot.handoff.content import Content
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import PASSWORD, Client, Letter, Town, text_of

DECISION = "Søknaden din om bostøtte er innvilget."
RESERVED = [content.value for content in Content if content != Content.ORDINARY]


async def leaving(town: Town) -> list[str]:
    """Return the words of what waits to leave."""
    return [
        row[0]
        for row in await town.house.database.read(
            lambda tx: tx.rows("SELECT m.text FROM outbox o JOIN message m ON m.id = o.message ORDER BY o.id")
        )
    ]


async def send(town: Town, kari: Client, number: int, **fields: str) -> tuple[int, str]:
    """Send a reply having seen everything; return status and page."""
    newest = max(message.id for message in (await town.case(number)).messages)
    form = {"text": DECISION, "seen": str(newest), **fields}
    answer = await kari.post(f"/desk/tickets/{number}/replies", data=form)
    return answer.status, await answer.text()


@pytest.mark.parametrize("channel", ["sms", "email", "webchat"])
@pytest.mark.parametrize("content", [*RESERVED, "forged"])
async def test_it_is_refused_with_what_was_written_and_chosen_kept(
    town: Town, kari: Client, channel: str, content: str
) -> None:
    number = await town.written(Letter("Når får jeg svar?", channel=channel))
    status, page = await send(town, kari, number, content=content)
    assert status == 422
    assert "Ikke sendt" in page
    assert f">{DECISION}</textarea>" in page
    assert f'<option value="{content if content in RESERVED else "shielded"}" selected>' in page
    assert await leaving(town) == []


async def test_a_notice_only_leaves_instead_and_the_content_is_shown_to_staff(town: Town, kari: Client) -> None:
    number = await town.written("Når får jeg svar?")
    status, page = await send(town, kari, number, content="decision", then="announce")
    assert status == 200
    [words] = await leaving(town)
    assert "Altinn" in words
    assert DECISION not in words
    assert "Vedtak, ikke sendt herfra" in page
    assert "sendte bare varsel: vedtak" in page


async def test_a_national_id_in_the_record_is_masked(town: Town, kari: Client) -> None:
    number = await town.written("Når får jeg svar?")
    await send(town, kari, number, content="decision", then="announce", text="Vedtak for 15076500565.")
    assert all("15076500565" not in message.text for message in (await town.case(number)).messages)


async def test_an_ordinary_answer_needs_no_notice(town: Town, kari: Client) -> None:
    number = await town.written("Når får jeg svar?")
    status, page = await send(town, kari, number, then="announce")
    assert status == 422
    assert "Velg først hva slags innhold det er" in page
    assert await leaving(town) == []


async def test_without_a_choice_a_reply_is_ordinary(town: Town, kari: Client) -> None:
    number = await town.written("Når får jeg svar?")
    await send(town, kari, number, text="I morgen.")
    assert await leaving(town) == ["I morgen."]


async def test_the_composer_says_which_rule_it_is_and_where_the_resident_reads(town: Town, kari: Client) -> None:
    number = await town.written("Når får jeg svar?")
    page = await text_of(await kari.get(f"/desk/tickets/{number}"))
    for source in town.house.municipalities["fjordvik"].place.never_open.values():
        assert source in page


async def test_the_choice_is_kept_like_the_text_and_hides_what_may_not_be_done(town: Town) -> None:
    number = await town.written("Når får jeg svar?")
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="nb-NO")
        await page.goto(f"{town.url}/sign-in?next=/desk/tickets/{number}")
        await page.fill("input[name=email]", "kari@fjordvik.example")
        await page.fill("input[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Send svar")).to_be_visible()
        await expect(page.get_by_role("button", name="Send bare varsel")).to_be_hidden()
        await page.fill("#reply", DECISION)
        await page.select_option("#content", "decision")
        await page.reload()
        await expect(page.locator("#reply")).to_have_value(DECISION)
        await expect(page.locator("#content")).to_have_value("decision")
        await expect(page.get_by_role("button", name="Send svar")).to_be_hidden()
        assert await barriers(page) == []
        await page.locator("#reply").press("Control+Enter")
        await expect(page.locator("#problem")).to_contain_text("Ikke sendt")
        await page.get_by_role("button", name="Send bare varsel").click()
        await expect(page.locator("#conversation")).to_contain_text("Vedtak, ikke sendt herfra")
        await expect(page.locator("#content")).to_have_value("ordinary")
    assert DECISION not in "".join(await leaving(town))
