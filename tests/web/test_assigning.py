"""The inbox narrowed by an address one can share, and cases given to colleagues and teams, one or many at once."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from contactbot.handoff import desk
from contactbot.handoff.desk import Actor
from contactbot.staff import store as members
from contactbot.storage.transaction import Transaction
from contactbot.threads.thread import TurnOwner
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, PASSWORD, Client, Letter, Town, text_of
from tests.web.test_editor import words


def listed(page: str) -> set[int]:
    return {int(number) for number in re.findall(r'id="row-(\d+)"', page)}


def offered(page: str) -> list[str]:
    return re.findall(r'name="number" value="([\d:]+)"', page)


async def number_of(town: Town, name: str) -> int:
    """Return the member of staff with this name."""
    everybody = await town.house.database.read(members.everybody, HERE)
    return next(int(member.id) for member in everybody if member.name == name)


@pytest.fixture
async def cases(town: Town) -> list[int]:
    """Return three cases: two on text message, of which the second is another team's, and one by email."""
    return [
        await town.written(Letter("Sak om a", address="+4799999900")),
        await town.written(Letter("Sak om b", address="+4799999901", team="Teknisk drift")),
        await town.written(Letter("Sak om c", channel="email", scheme="email", address="kim@example.com")),
    ]


# --- the list ---


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {0, 1, 2}),
        ("?team=Teknisk+drift", {1}),
        ("?channel=sms", {0, 1}),
        ("?team=Innbyggerservice&channel=sms", {0}),
        ("?holder=me", {0}),
        ("?holder=nobody", {1, 2}),
        ("?holder=nobody&channel=email", {2}),
        ("?q=sak&channel=email", {2}),
        ("?q=sak&holder=me", {0}),
        ("?view=mine&holder=nobody", {0}),  # the view itself says who has its cases
        ("?team=&channel=&holder=&q=", {0, 1, 2}),  # as a form without JavaScript sends what was not chosen
    ],
)
async def test_an_address_narrows_the_list(kari: Client, cases: list[int], query: str, expected: set[int]) -> None:
    await kari.post(f"/desk/tickets/{cases[0]}/claim")
    assert listed(await text_of(await kari.get(f"/desk{query}"))) == {cases[at] for at in expected}


async def test_lists_and_counts_are_narrowed_alike_on_both_engines(either_town: Town) -> None:
    kari = await either_town.signed_in()
    first = await either_town.written(Letter("Sak om a", address="+4799999900"))
    second = await either_town.written(Letter("Sak om b", address="+4799999901", team="Teknisk drift"))
    for query, expected in (
        ("?team=Teknisk+drift&channel=sms&holder=nobody", {second}), ("?q=sak&team=Innbyggerservice", {first}),
    ):  # fmt: skip
        page = await text_of(await kari.get(f"/desk{query}"))
        assert listed(page) == expected
        assert re.search(r'id="view-open"(?:(?!</a>).)*class="count"[^>]*>1<', page, re.DOTALL)
    form = [("number", f"{number}:0") for number in (first, second)] + [("to", "team:Teknisk drift")]
    assert "2 saker er gitt til Teknisk drift." in words(await text_of(await kari.post("/desk/assignments", data=form)))


async def test_the_counts_are_of_what_the_views_would_show_for_the_same_team(kari: Client, cases: list[int]) -> None:
    await kari.post(f"/desk/tickets/{cases[0]}/claim")
    page = await text_of(await kari.get("/desk?team=Teknisk+drift&holder=nobody"))
    links = {
        view: (href, int(count))
        for view, href, count in re.findall(
            r'id="view-(\w+)" href="([^"]+)"(?:(?!</a>).)*class="count"[^>]*>(\d+)', page, re.DOTALL
        )
    }
    assert {view: count for view, (_, count) in links.items()} == {
        "mine": 0, "unassigned": 1, "open": 1, "waiting": 0, "late": 0, "undecided": 0,
    }  # fmt: skip
    assert parse_qs(urlsplit(links["mine"][0].replace("&amp;", "&")).query) == {
        "view": ["mine"], "team": ["Teknisk drift"],
    }  # fmt: skip


async def test_a_case_is_opened_worked_on_and_left_in_the_narrowed_list(kari: Client, cases: list[int]) -> None:
    query = "?view=unassigned&channel=sms"
    page = await text_of(await kari.get(f"/desk/tickets/{cases[0]}{query}"))
    assert listed(page) == {cases[0], cases[1]}
    for address in (f"/desk/tickets/{cases[1]}", f"/desk/tickets/{cases[0]}/claim", "/desk"):
        assert f'"{address}{query.replace("&", "&amp;")}"' in page
    answer = await kari.post(f"/desk/tickets/{cases[0]}/claim{query}", allow_redirects=False)
    assert answer.headers["Location"] == f"/desk/tickets/{cases[0]}{query}"


async def test_an_empty_narrowed_list_says_how_to_see_all(kari: Client, cases: list[int]) -> None:
    assert cases
    page = await text_of(await kari.get("/desk?view=waiting&channel=letter"))
    assert "Ingen saker passer filteret" in page
    assert '<a class="ds-link" href="/desk?view=waiting">Fjern filteret</a> for å se alle' in page


@pytest.mark.parametrize("query", ["team=Servicetorget", "channel=pigeon", "holder=somebody"])
@pytest.mark.parametrize("page", ["/desk", "/desk/assignments"])
async def test_an_unknown_filter_is_not_found(kari: Client, page: str, query: str) -> None:
    assert (await kari.get(f"{page}?{query}")).status == 404


# --- who gets a case ---


async def test_a_case_is_given_to_a_colleague_whoever_had_it(town: Town, kari: Client, cases: list[int]) -> None:
    ola = await number_of(town, "Ola Vik")
    await kari.post(f"/desk/tickets/{cases[0]}/claim")
    page = words(await text_of(await kari.post(f"/desk/tickets/{cases[0]}/assignment", data={"to": f"staff:{ola}"})))
    assert "Kari Nes ga saken til Ola Vik" in page
    case = await town.case(cases[0])
    assert case.ticket.assignee == ola
    given = next(line for line in case.history if line.kind == "ticket.given")
    assert "Ola" not in str(given.data), "a name in the history would outlive the member's leaving"
    assert {thread.turn_owner for thread in case.threads} == {TurnOwner.STAFF}  # the bot is silent from now on


async def test_a_closed_case_is_given_to_nobody(town: Town, kari: Client, cases: list[int]) -> None:
    ola = await number_of(town, "Ola Vik")
    await kari.post(f"/desk/tickets/{cases[0]}/closure")
    given = await kari.post(f"/desk/tickets/{cases[0]}/assignment", data={"to": f"staff:{ola}"})
    assert "Saken er lukket" in await text_of(given, 409)
    assert 'id="to"' not in await text_of(await kari.get(f"/desk/tickets/{cases[0]}"))
    assert (await town.case(cases[0])).ticket.assignee is None


@pytest.mark.parametrize("to", ["", "staff:", "staff:9999", "staff:-1", "team:Servicetorget", "Ola"])
async def test_a_case_is_given_to_nobody_who_is_not_there(kari: Client, cases: list[int], to: str) -> None:
    assert (await kari.post(f"/desk/tickets/{cases[0]}/assignment", data={"to": to})).status == 404


async def test_nobody_is_offered_who_works_on_no_cases_here(town: Town, kari: Client, cases: list[int]) -> None:
    await town.house.database.write(_privacy_officer)
    page = await text_of(await kari.get(f"/desk/tickets/{cases[0]}"))
    assert "Ola Vik" in page
    assert "Pia Vern" not in page
    assert "Nils Nabo" not in page
    pia = await number_of(town, "Pia Vern")
    assert (await kari.post(f"/desk/tickets/{cases[0]}/assignment", data={"to": f"staff:{pia}"})).status == 404


def _privacy_officer(tx: Transaction) -> None:
    tx.insert(
        "staff", municipality=HERE, email="pia@fjordvik.example", name="Pia Vern", role="privacy", password_hash="",
        created_at="2026-11-02T08:00:00.000000+00:00",
    )  # fmt: skip


# --- many at once ---


async def test_those_that_are_ticked_are_given_alike_and_the_others_stay(
    town: Town, kari: Client, cases: list[int]
) -> None:
    page = await text_of(await kari.get("/desk/assignments?channel=sms"))
    assert offered(page) == [f"{cases[0]}:0", f"{cases[1]}:0"]
    ola = await number_of(town, "Ola Vik")
    form = [("number", one) for one in offered(page)] + [("to", f"staff:{ola}"), ("key", "k")]
    for _ in range(2):  # sent twice is done once, and told alike
        page = await text_of(await kari.post("/desk/assignments?channel=sms", data=form))
        assert "2 saker er gitt til Ola Vik." in words(page)
    assert offered(page) == [f"{cases[0]}:{ola}", f"{cases[1]}:{ola}"]
    held = [(await town.case(number)).ticket.assignee for number in cases]
    assert held == [ola, ola, None]


async def test_many_are_moved_to_a_team_where_anybody_may_take_them(town: Town, kari: Client, cases: list[int]) -> None:
    form = [("number", f"{number}:0") for number in cases] + [("to", "team:Teknisk drift")]
    assert "3 saker er gitt til Teknisk drift." in words(await text_of(await kari.post("/desk/assignments", data=form)))
    assert {(await town.case(number)).ticket.team_name for number in cases} == {"Teknisk drift"}


async def test_what_somebody_took_or_closed_meanwhile_is_skipped_and_told(
    town: Town, kari: Client, cases: list[int]
) -> None:
    ola = await number_of(town, "Ola Vik")
    await town.house.database.write(desk.claim, cases[0], Actor(ola, "Ola Vik", HERE, town.house.clock()))
    await kari.post(f"/desk/tickets/{cases[1]}/closure")
    kari_nes = await number_of(town, "Kari Nes")
    form = [("number", f"{number}:0") for number in (*cases, 999)] + [("to", f"staff:{kari_nes}")]
    page = words(await text_of(await kari.post("/desk/assignments", data=form)))
    assert "1 sak er gitt til Kari Nes. 3 saker ble hoppet over" in page
    assert [(await town.case(number)).ticket.assignee for number in cases] == [ola, None, kari_nes]


@pytest.mark.parametrize(
    "form", [{"to": "team:Teknisk drift"}, {"number": "1001:0"}, {"number": "1001", "to": "staff:1"}, {"number": "x:y"}]
)
async def test_a_form_that_gives_nothing_is_refused_in_words(kari: Client, form: dict[str, str]) -> None:
    assert "Kryss av minst én sak" in await text_of(await kari.post("/desk/assignments", data=form), 422)


async def test_all_can_be_ticked_without_javascript(kari: Client, cases: list[int]) -> None:
    page = await text_of(await kari.get("/desk/assignments?all=1"))
    assert len(re.findall(r"<input[^>]* checked>", page)) == len(cases)


async def test_cases_of_another_municipality_are_neither_shown_nor_given(town: Town, cases: list[int]) -> None:
    nils = await town.signed_in("nils@nabovik.example")
    assert offered(await text_of(await nils.get("/desk/assignments"))) == []
    form = [("number", f"{number}:0") for number in cases] + [("to", "team:Servicetorget")]
    assert "Ingenting ble endret." in await text_of(await nils.post("/desk/assignments", data=form))
    assert (await town.client().get("/desk/assignments", allow_redirects=False)).status == 303


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize("width", [1440, 360])
async def test_a_list_is_narrowed_and_shared_out_by_keyboard(town: Town, width: int) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 800})
        await page.goto(f"{town.url}/sign-in?next=/desk")
        await page.fill("#email", "kari@fjordvik.example")
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#filter")
        await page.keyboard.press("f")
        await page.keyboard.type("Tek")  # a select takes the option that begins so
        await page.focus("#filter-show")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/desk?team=Teknisk+drift")
        assert await page.locator(".row-link").count() == 1
        assert await page.text_content("#said") == "1 sak i listen."
        assert await page.evaluate("document.activeElement.id") == "filter-words"
        assert await barriers(page) == []
        await page.click("#filter-none")
        await page.wait_for_selector(".row-link >> nth=2")
        await page.focus("text=Fordel flere samlet")
        await page.keyboard.press("Enter")
        await page.focus("[name=number] >> nth=0")
        await page.keyboard.press("Space")
        await page.focus("#to")
        await page.keyboard.type("Meg")
        assert await barriers(page) == []
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        await page.focus("button:has-text('Fordel')")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=1 sak er gitt til Kari Nes.")
