"""The privacy officer sees who saw what and how long what is kept; nobody else does, and the officer sees no case."""

import csv
import io
from datetime import timedelta

import pytest

from contactbot.handoff.accesses import store as accesses
from contactbot.handoff.accesses.access import APART, Wanted
from contactbot.privacy.retention import job
from contactbot.staff import store as staff
from contactbot.staff.member import Role
from contactbot.storage import blobs
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.originals import store as originals
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, PASSWORD, QUICK, THERE, Client, Letter, Town, text_of

PIA = "pia@fjordvik.example"
PAGES = ("/privacy/accesses", "/privacy/retention")


async def officer(town: Town, email: str = PIA, municipality: str = HERE) -> Client:
    """Return the browser of a privacy officer."""
    hashed, at = QUICK.hash(PASSWORD), town.house.clock()
    await town.house.database.write(staff.add, municipality, email, "Pia Ombud", Role.PRIVACY, hashed, "", at)
    return await town.signed_in(email)


async def looks(town: Town, wanted: Wanted = Wanted()) -> list[tuple[str, int, str, str, str]]:  # noqa: B008 - it is frozen
    """Return who looked at which case, at what of it, with what to do there and for what reason, newest first."""
    found = await town.house.database.read(accesses.find, HERE, wanted, 100)
    return [(one.staff_name, one.number, one.what, one.relation, one.reason) for one in found]


def _bring(tx: Transaction, town: Town, number: int) -> int:
    """Give a case's first message a raw copy and an attachment; return the message."""
    thread = tx.value(
        "SELECT x.thread FROM ticket_thread x JOIN ticket k ON k.id = x.ticket WHERE k.number = :number", number=number
    )
    message = threads.messages_of(tx, HERE, thread)[0].id
    name = blobs.keep_rest(tx, HERE, b"bytes", town.house.clock())
    originals.keep_raw(tx, HERE, message, "text/plain", name, 5)
    originals.keep_attachment(tx, HERE, message, "brev.txt", "text/plain", 5, name)
    return message


# --- what is noted ---


async def test_whoever_opens_a_case_is_noted_once_an_hour_with_what_they_have_to_do_with_it(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    kari, ola = await town.signed_in(), await town.signed_in("ola@fjordvik.example")
    for _ in range(3):
        await kari.get(f"/desk/tickets/{number}")
    await ola.get(f"/desk/tickets/{number}")
    assert await looks(town) == [("Ola Vik", number, "case", "team", ""), ("Kari Nes", number, "case", "team", "")]
    await kari.post(f"/desk/tickets/{number}/claim")
    town.watch.ahead = APART + timedelta(minutes=1)
    await kari.get(f"/desk/tickets/{number}")
    assert (await looks(town))[0] == ("Kari Nes", number, "case", "own", "")


async def test_a_look_at_what_is_neither_ones_own_nor_the_teams_says_so(town: Town) -> None:
    number = await town.written(Letter("Gatelyset er mørkt", team="Teknisk drift"))
    await (await town.signed_in()).get(f"/desk/tickets/{number}")
    assert await looks(town) == [("Kari Nes", number, "case", "other", "")]


async def test_every_look_at_an_original_is_noted_with_its_reason_and_a_file_once_an_hour(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    message = await town.house.database.write(_bring, town, number)
    kari = await town.signed_in()
    for reason in ("utydelig", "sjekker tall"):
        path = f"/raw/tickets/{number}/messages/{message}/original"
        assert (await kari.post(path, data={"reason": reason})).status == 200
    for _ in range(2):
        path = f"/raw/tickets/{number}/messages/{message}/files/{blobs.sha256(b'bytes')}"
        assert (await kari.get(path)).status == 200
    assert [(what, reason) for _, _, what, _, reason in await looks(town)] == [
        ("file", ""),
        ("original", "sjekker tall"),
        ("original", "utydelig"),
    ]


async def test_a_look_wakes_no_live_page(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    before = await town.house.database.read(lambda tx: tx.value("SELECT max(seq) FROM event"))
    await (await town.signed_in()).get(f"/desk/tickets/{number}")
    assert await town.house.database.read(lambda tx: tx.value("SELECT max(seq) FROM event")) == before


async def test_the_looks_are_found_by_case_person_member_and_time(either_town: Town) -> None:
    town = either_town
    first = await town.written("Det er et hull i veien")
    second = await town.written(Letter("Gatelyset er mørkt", address="+4799999902"))
    kari = await town.signed_in()
    for number in (first, second):
        await kari.get(f"/desk/tickets/{number}")
    now = town.house.clock()
    [mine] = {
        one.staff for one in await town.house.database.read(accesses.find, HERE, Wanted(number=first), 9)
    }  # fmt: skip
    for wanted, numbers in (
        (Wanted(number=first), [first]),
        (Wanted(address="+4799999902"), [second]),
        (Wanted(address="+4799999902", number=first), []),
        (Wanted(staff=mine), [second, first]),
        (Wanted(staff=mine + 1), []),
        (Wanted(since=now), []),
        (Wanted(since=now - timedelta(hours=1), until=now), [second, first]),
    ):
        assert [number for _, number, *_ in await looks(town, wanted)] == numbers, wanted


async def test_the_persons_own_export_can_go_through_them_page_by_page(either_town: Town) -> None:
    town = either_town
    number = await town.written("Det er et hull i veien")
    for email in ("kari@fjordvik.example", "ola@fjordvik.example"):
        await (await town.signed_in(email)).get(f"/desk/tickets/{number}")
    address = await town.house.database.read(lambda tx: tx.value("SELECT max(address) FROM thread"))
    names, after = [], 0
    while page := await town.house.database.read(accesses.accesses_for, HERE, [address], after, 1):
        names.append(page[0].staff_name)
        after = page[0].id
    assert names == ["Kari Nes", "Ola Vik"]
    assert await town.house.database.read(accesses.accesses_for, HERE, [], 0, 1) == ()


# --- the pages ---


@pytest.mark.parametrize("path", PAGES)
async def test_only_the_officer_and_an_administrator_see_the_pages(town: Town, path: str) -> None:
    for email, status in (("kari", 403), ("ola", 403), ("ada", 200)):
        assert (await (await town.signed_in(f"{email}@fjordvik.example")).get(path)).status == status
    assert (await (await officer(town)).get(path)).status == 200
    assert (await town.client().get(path, allow_redirects=False)).status == 303


async def test_the_officer_begins_at_their_own_page_and_sees_no_case(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    pia = await officer(town)
    answer = await pia.get("/desk")
    assert answer.url.path == "/privacy/accesses"
    for path in (f"/desk/tickets/{number}", "/desk/contacts", "/kb"):
        assert (await pia.get(path)).status == 403


async def test_the_page_finds_by_a_number_as_people_write_it(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    await (await town.signed_in()).get(f"/desk/tickets/{number}")
    pia = await officer(town)
    found = await text_of(await pia.post("/privacy/accesses", data={"address": "999 99 901"}))
    assert f"<td>{number}</td>" in found
    assert "1 innsyn." in found
    other = await text_of(await pia.post("/privacy/accesses", data={"address": "999 99 902"}))
    assert "Ingen innsyn passer" in other


async def test_days_are_the_municipalitys_and_both_are_included(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    await (await town.signed_in()).get(f"/desk/tickets/{number}")
    pia = await officer(town)
    zone = town.house.municipalities[HERE].zone
    today = town.house.clock().astimezone(zone).date()
    for since, until, found in ((today, today, True), (today + timedelta(days=1), "", False)):
        page = await text_of(await pia.post("/privacy/accesses", data={"since": str(since), "until": str(until)}))
        assert (f"<td>{number}</td>" in page) is found


@pytest.mark.parametrize("form", [{"number": "abc"}, {"number": "²"}, {"since": "i går"}, {"staff": "x"}])
async def test_what_cannot_be_read_is_said(town: Town, form: dict[str, str]) -> None:
    pia = await officer(town)
    assert 'role="alert"' in await text_of(await pia.post("/privacy/accesses", data=form), 422)


async def test_the_file_holds_the_same_and_no_spreadsheet_runs_it(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    message = await town.house.database.write(_bring, town, number)
    path = f"/raw/tickets/{number}/messages/{message}/original"
    await (await town.signed_in()).post(path, data={"reason": "=HYPERLINK(1)"})
    answer = await (await officer(town)).post("/privacy/accesses", data={"as": "csv"})
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    [head, line] = csv.reader(io.StringIO((await answer.read()).decode("utf-8-sig")), delimiter=";")
    assert head[:3] == ["tidspunkt", "ansatt", "sak"]
    assert line[1:] == ["Kari Nes", str(number), "En original", str(message), "Teamets sak", "'=HYPERLINK(1)"]


async def test_another_municipality_is_not_seen(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    await (await town.signed_in()).get(f"/desk/tickets/{number}")
    pia = await officer(town, "per@nabovik.example", THERE)
    for form in ({"number": ""}, {"address": "+4799999901"}, {"number": str(number)}):
        assert "Ingen innsyn passer" in await text_of(await pia.post("/privacy/accesses", data=form))


async def test_the_retention_page_shows_the_table_and_what_was_deleted(town: Town) -> None:
    await town.signed_in()
    later = town.house.clock() + timedelta(days=2)
    await job.run(town.house.database, town.house.municipalities[HERE], later)
    page = await text_of(await (await officer(town)).get("/privacy/retention"))
    assert "bot_conversations" in page
    assert "1 innlogginger" in page


async def test_a_closed_case_without_a_decision_is_counted_until_somebody_decides(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    kari, pia = await town.signed_in(), await officer(town)
    await kari.post(f"/desk/tickets/{number}/closure")
    assert "1 lukket sak mangler arkivvurdering" in await text_of(await pia.get("/privacy/retention"))
    await kari.post(f"/desk/tickets/{number}/archive", data={"decision": "leave_out"})
    assert "mangler arkivvurdering" not in await text_of(await pia.get("/privacy/retention"))


async def test_the_pages_have_no_barriers_and_fit_a_phone(town: Town) -> None:
    number = await town.written("Det er et hull i veien")
    await (await town.signed_in()).get(f"/desk/tickets/{number}")
    await officer(town)
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 800})
        await page.goto(f"{town.url}/sign-in")
        await page.fill("input[name=email]", PIA)
        await page.fill("input[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".privacy-page")
        for path in PAGES:
            await page.goto(town.url + path)
            assert await barriers(page) == [], path
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
