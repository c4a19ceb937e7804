"""The privacy officer's page of one person: found only by a whole address and for a reason, shown, and forgotten."""

import json
import re

import pytest
from playwright.async_api import Page, expect

from contactbot.storage.transaction import Transaction
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import PASSWORD, Client, Letter, Town, text_of

LIV = "+4799999901"
REASON = "Innsyn, journal 12/26"
OFFICER = "ada@fjordvik.example"  # an admin may do what the privacy officer may


@pytest.fixture
async def ada(town: Town) -> Client:
    return await town.signed_in(OFFICER)


def asked(**more: str) -> dict[str, str]:
    return {"addresses": LIV, "reason": REASON, **more}


async def looked_up(client: Client, **more: str) -> str:
    return await text_of(await client.post("/privacy/people", data=asked(**more)))


def reference_in(page: str) -> str:
    found = re.search(r"Person ([0-9a-f-]{8,})", page)
    assert found is not None
    return found[1]


def _events(tx: Transaction) -> list[tuple[str, str, str, str]]:
    return [
        (kind, actor, subject, data)
        for kind, actor, subject, data in tx.rows(
            "SELECT kind, actor, subject, data FROM event WHERE kind LIKE 'person.%' OR kind LIKE 'erasure.%'"
            " ORDER BY seq"
        )
    ]


def _emptied(tx: Transaction) -> None:
    tx.execute("UPDATE ticket SET state = 'closed', archive = 'leave_out', closed_at = opened_at")


@pytest.mark.parametrize("spelling", ["99999901", "999 99 901", "+47 99 99 99 01", "0047 99999901", "tel:+4799999901"])
async def test_a_person_is_found_by_their_number_however_it_is_written(town: Town, ada: Client, spelling: str) -> None:
    await town.written("Det er et hull i veien")
    page = await looked_up(ada, addresses=spelling)
    assert LIV in page
    assert re.search(r"<dt>Meldinger</dt><dd>1</dd>", page)


async def test_a_person_is_found_by_the_number_of_their_case(town: Town, ada: Client) -> None:
    number = await town.written("Det er et hull i veien")
    assert LIV in await looked_up(ada, addresses=f"#{number}")


@pytest.mark.parametrize("spelling", ["9999990", "+479999990", "Kim Hansen", "hull i veien", "%", ""])
async def test_nobody_is_found_by_less_than_the_whole_address(town: Town, ada: Client, spelling: str) -> None:
    await town.written("Det er et hull i veien")
    answer = await ada.post("/privacy/people", data=asked(addresses=spelling))
    assert "Person " not in await text_of(answer, 422)


async def test_another_municipalitys_resident_is_nobody_here(town: Town, ada: Client) -> None:
    await town.written(Letter("Hei", municipality="nabovik"))
    assert "Ingen her har denne adressen" in await text_of(await ada.post("/privacy/people", data=asked()), 422)


async def test_a_search_needs_a_reason_and_the_reason_is_kept_without_naming_anybody(town: Town, ada: Client) -> None:
    await town.written("Det er et hull i veien")
    assert "Skriv hvorfor" in await text_of(await ada.post("/privacy/people", data=asked(reason="")), 422)
    reference = reference_in(await looked_up(ada, reason=f"{REASON}, ringte fra {LIV}"))
    ((kind, actor, subject, data),) = await town.house.database.read(_events)
    assert (kind, actor[:6], subject) == ("person.searched", "staff:", reference)
    assert REASON in data
    assert LIV not in data


async def test_a_search_that_finds_nobody_is_kept_too(town: Town, ada: Client) -> None:
    await ada.post("/privacy/people", data=asked())
    assert [kind for kind, *_ in await town.house.database.read(_events)] == ["person.searched"]


async def test_whoever_works_on_cases_does_not_reach_the_page(kari: Client) -> None:
    for path in ("/privacy/people", "/privacy/people/export", "/privacy/people/erasure"):
        assert (await kari.post(path, data=asked())).status == 403


async def test_the_export_is_a_download_that_no_browser_runs(town: Town, ada: Client) -> None:
    await town.written("<script>alert(1)</script> Det er et hull i veien")
    answer = await ada.post("/privacy/people/export", data=asked(**{"as": "html"}))
    text = await text_of(answer)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Det er et hull i veien" in text
    assert "<script" not in text
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="innsyn-')
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    lines = (await text_of(await ada.post("/privacy/people/export", data=asked(**{"as": "json"})))).splitlines()
    assert json.loads(lines[-1])["record"] == "total"
    assert [kind for kind, *_ in await town.house.database.read(_events)] == ["person.shown", "person.shown"]


async def test_internal_notes_are_given_only_when_asked_for(town: Town, ada: Client, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/notes", data={"text": "Per ser på det"})
    for more, given in (({}, False), ({"notes": "1"}, True)):
        text = await text_of(await ada.post("/privacy/people/export", data=asked(**{"as": "html"}, **more)))
        assert ("Per ser på det" in text) == given
        assert ("Internt notat, Kari Nes" in text) == given


async def test_nobody_is_forgotten_until_the_reference_is_typed(town: Town, ada: Client) -> None:
    await town.written("Det er et hull i veien")
    await town.house.database.write(_emptied)
    reference = reference_in(await looked_up(ada))
    answer = await ada.post("/privacy/people/erasure", data=asked(reference="noe annet"))
    assert "Referansen stemte ikke" in await text_of(answer, 422)
    assert reference in await looked_up(ada)
    receipt = await text_of(await ada.post("/privacy/people/erasure", data=asked(reference=reference, key="k")))
    assert "Kvittering 1 for sletting" in receipt
    assert LIV not in receipt
    assert "Ingen her har denne adressen" in await text_of(await ada.post("/privacy/people", data=asked()), 422)
    assert LIV not in str(await town.house.database.read(_events))


async def test_what_is_kept_is_said_before_and_after(town: Town, ada: Client) -> None:
    number = await town.written("Det er et hull i veien")
    page = await looked_up(ada)
    assert f"Sak {number}: Saken er ikke avsluttet" in page
    reference = reference_in(page)
    receipt = await text_of(await ada.post("/privacy/people/erasure", data=asked(reference=reference)))
    assert f"Sak {number}: Saken er ikke avsluttet" in receipt
    assert (await town.case(number)).messages[0].text == "Det er et hull i veien"


async def test_another_municipalitys_receipt_is_not_shown(town: Town, ada: Client) -> None:
    await town.written("Det er et hull i veien")
    reference = reference_in(await looked_up(ada))
    await ada.post("/privacy/people/erasure", data=asked(reference=reference))
    await town.house.database.write(lambda tx: tx.execute("UPDATE erasure SET municipality = 'nabovik'"))
    assert (await ada.get("/privacy/erasures/1")).status == 404


async def _look(page: Page, width: int) -> list[str]:
    await page.set_viewport_size({"width": width, "height": 900})
    found = await barriers(page)
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    return found


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_the_pages_have_no_barrier_and_work_without_scripts(town: Town, scripts: bool) -> None:  # noqa: FBT001 - an example
    number = await town.written("Det er et hull i veien")
    async with chromium() as browser:
        context = await browser.new_context(locale="nb-NO", java_script_enabled=scripts)
        page = await context.new_page()
        await page.goto(f"{town.url}/sign-in?next=/privacy/people")
        await page.fill("input[name=email]", OFFICER)
        await page.fill("input[name=password]", PASSWORD)
        await page.locator("main button[type=submit]").click()
        await page.fill("#addresses", f"#{number}")
        await page.fill("#reason", REASON)
        await page.get_by_role("button", name="Finn", exact=True).click()
        await expect(page.locator("#found-title")).to_be_visible()
        if scripts:
            assert [await _look(page, width) for width in (1440, 390)] == [[], []]
        reference = (await page.locator("#found-title").inner_text()).removeprefix("Person ")
        await page.fill("#reference", reference)
        await page.get_by_role("button", name="Slett personen").click()
        await expect(page.get_by_role("heading", name="Kvittering 1")).to_be_visible()
        if scripts:
            assert [await _look(page, width) for width in (1440, 390)] == [[], []]
        await context.close()
