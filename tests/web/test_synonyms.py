"""Editors say what things are called here: each group is tried, published, changed, taken out and brought back."""

import pytest

from contactbot.clock import now
from contactbot.kb import editing, store
from contactbot.kb.editing import Edit
from contactbot.kb.entry import Entry, EntryText
from contactbot.storage.transaction import Transaction
from contactbot.web.editor import PART
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, PASSWORD, THERE, Client, Town, text_of
from tests.web.test_editor import words

LIBRARY = Entry("bibliotek", 1, (EntryText("nb", "Når åpner biblioteket?", full="Klokka ti."),))
NAMES = "kråkereiret, biblioteket"
ASKED = "når åpner kråkereiret?"


@pytest.fixture
async def ola(town: Town) -> Client:
    """Return the browser of Ola, who edits, in a town that knows when its library opens."""
    await town.house.database.write(filled)
    return await town.signed_in("ola@fjordvik.example")


def filled(tx: Transaction) -> None:
    editing.take_in(tx, HERE, (LIBRARY,), "operator", now())


async def held(town: Town, municipality: str = HERE) -> tuple[store.OwnSynonyms, ...]:
    groups: tuple[store.OwnSynonyms, ...] = await town.house.database.read(store.own_synonyms, municipality, 0)
    return groups


async def chance(town: Town) -> float:
    """Return how sure the bot is of the library when somebody asks with the local name."""
    knowledge = await town.house.bases.current(HERE, await town.house.database.read(store.revision, HERE))
    return max((one.probability for one in knowledge.index.search(ASKED)), default=0.0)


async def test_only_editors_get_to_the_synonyms(town: Town, ola: Client) -> None:
    kari = await town.signed_in()
    assert (await kari.get("/kb/synonyms", allow_redirects=False)).status == 403
    assert (await kari.post("/kb/synonyms", data={"names": NAMES})).status == 403
    assert (await town.client().get("/kb/synonyms", allow_redirects=False)).status == 303
    assert 'href="/kb/synonyms"' in await text_of(await ola.get("/kb"))


async def test_a_published_group_counts_from_the_next_question_on(town: Town, ola: Client) -> None:
    before = await chance(town)
    page = words(await text_of(await ola.post("/kb/synonyms", data={"names": f" {NAMES} ,kråkereiret", "key": "a"})))
    assert "Publisert. Ordene betyr det samme fra nå." in page
    assert "1 gruppe" in page
    assert "Ola Vik ·" in page
    assert [one.words for one in await held(town)] == [("kråkereiret", "biblioteket")]
    assert await chance(town) > max(0.5, before)


async def test_a_form_sent_twice_adds_one_group(town: Town, ola: Client) -> None:
    for _ in range(2):
        await text_of(await ola.post("/kb/synonyms", data={"names": NAMES, "key": "twice"}))
    assert len(await held(town)) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("", "Skriv minst to ord eller navn, med komma mellom."),
        ("kråkereiret,, ", "Skriv minst to ord eller navn, med komma mellom."),
        ("biblioteket, på en", "«på en» kan ikke kjennes igjen."),
        ("a, " + "b" * 500, "Høyst 500 tegn i en gruppe."),
    ],
)
async def test_what_is_no_group_is_refused_in_words_and_stays_in_the_form(
    town: Town, ola: Client, names: str, said: str
) -> None:
    page = await text_of(await ola.post("/kb/synonyms", data={"names": names}), 422)
    assert said in words(page)
    assert 'aria-invalid="true"' in page
    assert await held(town) == ()


async def test_a_group_is_changed_and_whoever_comes_second_keeps_their_words(town: Town, ola: Client) -> None:
    await text_of(await ola.post("/kb/synonyms", data={"names": NAMES}))
    (group,) = await held(town)
    assert f">\n{NAMES}</textarea>" in await text_of(await ola.get(f"/kb/synonyms?change={group.id}"))
    await text_of(await ola.post(f"/kb/synonyms/{group.id}", data={"names": f"{NAMES}, boktårnet", "key": "c"}))
    assert [one.words for one in await held(town)] == [("kråkereiret", "biblioteket", "boktårnet")]
    page = await text_of(await ola.post(f"/kb/synonyms/{group.id}", data={"names": f"{NAMES}, reiret"}), 409)
    assert "noen endret gruppen" in page
    assert f"{NAMES}, reiret</textarea>" in page
    assert "Ny gruppe" in page


async def test_a_group_taken_out_is_told_with_who_and_brought_back(town: Town, ola: Client) -> None:
    before = await chance(town)
    await text_of(await ola.post("/kb/synonyms", data={"names": NAMES}))
    (group,) = await held(town)
    page = words(await text_of(await ola.post(f"/kb/synonyms/{group.id}", data={"_method": "DELETE", "key": "r"})))
    assert "Tatt ut av Ola Vik" in page
    assert await held(town) == ()
    assert await chance(town) == pytest.approx(before)
    assert (await ola.post(f"/kb/synonyms/{group.id}", data={"_method": "DELETE"})).status == 409
    page = words(await text_of(await ola.post("/kb/synonyms", data={"names": NAMES, "key": "back"})))
    assert "Tatt ut av" not in page, "what holds again in the same words is not among what was taken out"
    assert len(await held(town)) == 1


async def test_a_trial_shows_what_the_group_would_do_and_changes_nothing(town: Town, ola: Client) -> None:
    form = {"names": NAMES, "group": "0", "try": ASKED}
    page = words(await text_of(await ola.post("/kb/synonyms/trial", data=form, headers={PART: "1"})))
    assert "Med endringen din: svarer med «Når åpner biblioteket?»" in page
    assert "I dag: gir valg" in page
    assert await held(town) == ()
    whole = await text_of(await ola.post("/kb/synonyms/trial", data=form))
    assert f"{NAMES}</textarea>" in whole, "without JavaScript the form comes back as it was"
    assert "Med endringen din:" in whole
    for nothing in ({**form, "names": "kråkereiret"}, {**form, "group": "9" * 30, "try": ""}):
        page = await text_of(await ola.post("/kb/synonyms/trial", data=nothing, headers={PART: "1"}))
        assert "Med endringen din:" not in page


async def test_a_changed_group_is_tried_without_the_one_it_replaces(town: Town, ola: Client) -> None:
    await text_of(await ola.post("/kb/synonyms", data={"names": NAMES}))
    (group,) = await held(town)
    form = {"names": "kråkereiret, rådhuset", "group": str(group.id), "try": ASKED}
    page = words(await text_of(await ola.post("/kb/synonyms/trial", data=form, headers={PART: "1"})))
    assert "I dag: svarer med «Når åpner biblioteket?»" in page


async def test_nobody_sees_or_touches_the_synonyms_of_another_municipality(town: Town, ola: Client) -> None:
    theirs = Edit(THERE, "operator", now())
    await town.house.database.write(editing.add_synonyms, theirs, ("hemmelighuset", "kommunehuset"))
    (group,) = await held(town, THERE)
    assert "hemmelighuset" not in await text_of(await ola.get(f"/kb/synonyms?change={group.id}"))
    for form in ({"_method": "DELETE"}, {"names": NAMES}):
        assert (await ola.post(f"/kb/synonyms/{group.id}", data=form)).status == 409
    assert await held(town, THERE) == (group,)


@pytest.mark.usefixtures("ola")
@pytest.mark.parametrize("width", [1440, 360])
async def test_an_editor_adds_tries_and_takes_out_a_group_by_keyboard(town: Town, width: int) -> None:
    """In Chromium, with axe in each state, no sideways scroll, and nothing said against the page's policy."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": 800})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{town.url}/sign-in?next=/kb/synonyms")
        await page.fill("#email", "ola@fjordvik.example")
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#synonym-form")
        assert await barriers(page) == []
        await page.focus("#names")
        await page.keyboard.type(NAMES)
        await page.focus("#try")
        await page.keyboard.type(ASKED)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#trial >> text=Med endringen din")
        assert await barriers(page) == []
        await page.focus("#synonym-form button[type=submit]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Publisert.")
        assert await barriers(page) == []
        await page.focus(".kb-group button")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=Tatt ut av Ola Vik")
        assert await barriers(page) == []
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert said == []
