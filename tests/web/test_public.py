"""Residents find answers and ways in without signing in, without cookies and without JavaScript."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from contactbot.clock import now
from contactbot.kb import editing
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.matching import THRESHOLDS
from contactbot.messages import Length
from contactbot.privacy.retention.classes import CLASSES
from contactbot.storage.transaction import Transaction
from contactbot.web.about_bot import OF_STAFF
from contactbot.web.residents import words
from contactbot.wording import COMPLETE
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, THERE, Client, Town, configuration, running, text_of

PRICE = Entry(
    "barnehage-pris", 1,
    (
        EntryText("nb", "Hva koster en barnehageplass?", ("pris barnehage",), "", "**1200** kroner", "Full *pris*"),
        EntryText("nn", "Kva kostar ein barnehageplass?", ("barnehagepris",), full="Full pris på nynorsk"),
    ),
    topic="barnehage", owner="Oppvekst", source="https://www.fjordvik.example/pris",
)  # fmt: skip
BRIDGE = Entry("bru", 1, (EntryText("nb", "Når åpner brua?", full="I mai."),), topic="vei")
POLICE = Entry("politi", 1, (EntryText("nb", "Hvordan ringer jeg politiet?", full="02800."),), topic="andre etater")
PAST = replace(BRIDGE, id="fjoraret", valid_to=date(2020, 1, 1), topic="i fjor")
SECRET = Entry("hemmelig", 1, (EntryText("nb", "Bare naboens svar?", full="Ja."),), topic="nabo")
PAGES = ("/", "/svar/", "/svar/?q=pris+barnehage", "/svar/barnehage-pris", "/personvern", "/slik-virker-boten")
CHANNELS: dict[str, Any] = {"webchat": {"accounts": [{"site": HERE, "municipality": HERE}]}}


def filled(tx: Transaction) -> None:
    editing.take_in(tx, HERE, (PRICE, BRIDGE, POLICE, PAST), "operator", now())
    editing.take_in(tx, THERE, (SECRET,), "operator", now())


@pytest.fixture
async def open_town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a town with answers and a web chat."""
    async with running(configuration(tmp_path, database=sqlite_url, channels=CHANNELS)) as started:
        await started.house.database.write(filled)
        yield started


@pytest.fixture
async def resident(open_town: Town) -> Client:
    """Return the browser of somebody nobody knows."""
    return open_town.client()


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_open_to_all_and_sets_no_cookie(resident: Client, path: str) -> None:
    answer = await resident.get(path)
    page = await text_of(answer)
    assert not answer.cookies
    assert "Fjordvik kommune" in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_is_fetched_from_other_hosts(resident: Client, path: str) -> None:
    page = await text_of(await resident.get(path))
    for attribute in ('src="http', 'href="http://', "@import", 'rel="stylesheet" href="http'):
        assert attribute not in page.replace('href="http://127.0.0.1', "")


async def test_the_front_page_has_search_questions_ways_in_and_the_chat(resident: Client) -> None:
    page = await text_of(await resident.get("/"))
    assert 'action="/svar/"' in page
    assert "Hva koster en barnehageplass?" in page
    assert 'href="/chat/fjordvik"' in page
    assert '<script src="/chat/embed.js" data-site="fjordvik"' in page
    assert "Mandag–fredag" in page
    assert "Monday–Friday" in await text_of(await resident.get("/?lang=en"))


async def test_a_town_without_answers_or_channels_still_has_a_page(town: Town) -> None:
    for path in ("/", "/svar/", "/svar/?q=hei", "/personvern", "/slik-virker-boten"):
        page = await text_of(await town.client().get(path))
        assert "embed.js" not in page


async def test_a_search_that_is_sure_gives_the_answer_itself(resident: Client) -> None:
    page = await text_of(await resident.get("/svar/?q=hva+koster+en+barnehageplass"))
    assert "<strong>1200</strong> kroner" in page


async def test_a_search_answers_in_the_resident_s_own_form(resident: Client) -> None:
    assert "Full pris på nynorsk" in await text_of(await resident.get("/svar/?q=kva+kostar+ein+barnehageplass"))


async def test_a_search_for_nothing_we_know_says_so_and_offers_people(resident: Client) -> None:
    page = await text_of(await resident.get("/svar/?q=xyzzy+qwerty"))
    assert "Spør oss" in page
    assert "1200" not in page


async def test_somebody_in_danger_gets_help_lines_first_on_the_search_page_too(resident: Client) -> None:
    page = await text_of(await resident.get("/svar/?q=jeg+vil+ta+livet+mitt"))
    assert 'role="alert"' in page
    assert "113" in page
    assert "varslet en person" not in page, "nobody was alerted: a search opens no case"


async def test_a_national_id_in_a_search_is_not_shown_again(resident: Client) -> None:
    page = await text_of(await resident.get("/svar/?q=mitt+nummer+er+01010750160"))
    assert "01010750160" not in page


async def test_what_is_typed_cannot_become_markup(resident: Client) -> None:
    page = await text_of(await resident.get('/svar/?q="><script>alert(1)</script>'))
    assert "<script>alert" not in page


async def test_an_answer_has_an_address_of_its_own_in_each_language(resident: Client) -> None:
    page = await text_of(await resident.get("/svar/barnehage-pris"))
    assert "Full <em>pris</em>" in page
    assert 'href="https://www.fjordvik.example/pris"' in page
    assert "Full pris på nynorsk" in await text_of(await resident.get("/svar/barnehage-pris?lang=nn"))
    assert "Full <em>pris</em>" in await text_of(await resident.get("/svar/barnehage-pris?lang=xx"))


async def test_drafts_expired_answers_and_those_of_others_are_not_there(open_town: Town, resident: Client) -> None:
    draft = replace(BRIDGE, id="utkast", topic="under arbeid")
    await open_town.house.database.write(editing.save, editing.Edit(HERE, "staff:1", now()), draft, 0)
    every = await text_of(await resident.get("/svar/"))
    for name in ("utkast", "fjoraret", "hemmelig"):
        assert (await resident.get(f"/svar/{name}")).status == 404
        assert f"/svar/{name}" not in every


async def test_an_answer_is_gone_when_its_last_day_has_passed(open_town: Town, resident: Client) -> None:
    today = now().date()
    await open_town.house.database.write(
        editing.take_in, HERE, (replace(BRIDGE, valid_to=today + timedelta(days=3)),), "operator", now()
    )
    assert (await resident.get("/svar/bru")).status == 200
    open_town.watch.ahead = timedelta(days=5)
    assert (await resident.get("/svar/bru")).status == 404


async def test_how_the_bot_works_is_told_from_what_runs(resident: Client) -> None:
    page = await text_of(await resident.get("/slik-virker-boten"))
    told = json.loads(await (await resident.get("/slik-virker-boten.json")).text())
    limits = THRESHOLDS[Length.CHAT]
    sure = {"answers_from_percent": round(limits.answer * 100), "choices_from_percent": round(limits.choices * 100)}
    assert told["channels"] == [{"name": "Nettprat", "most_choices": limits.most_choices, **sure}]
    assert f"Nettprat: svarer fra {sure['answers_from_percent']} prosent" in page
    assert (told["answers"], told["answers_by_language"]) == (3, {"nb": 3, "nn": 1})
    assert told["language_model"] is False


async def test_the_privacy_page_tells_the_retention_that_is_set(sqlite_url: str, tmp_path: Path) -> None:
    towns = {key: {"name": key, "retention": {"originals": 17}} for key in (HERE, THERE)}
    settings = configuration(tmp_path, database=sqlite_url, municipalities=towns)
    async with running(settings) as town:
        page = await text_of(await town.client().get("/personvern"))
        assert "<dt>Meldingene slik de kom inn (originaler)</dt><dd>Etter 17 dager," in page


async def test_each_municipality_has_its_own_privacy_page_where_its_bot_says_it_is(open_town: Town) -> None:
    resident = open_town.client()
    for town in open_town.house.municipalities.values():
        page = await text_of(await resident.get(town.privacy_url.removeprefix("http://127.0.0.1")))
        assert f"{town.name} har ansvaret" in page
        assert f'href="/slik-virker-boten/{town.id}"' in page
        assert town.name in await text_of(await resident.get(f"/slik-virker-boten/{town.id}"))
    assert (await resident.get("/personvern/ingen")).status == 404


async def test_a_safe_form_and_the_suppliers_are_told(sqlite_url: str, tmp_path: Path) -> None:
    sms = {
        "twilio": {"account_sid": f"AC{'0' * 32}", "auth_token": "0" * 32},
        "numbers": [{"number": "+4759440000", "municipality": HERE}],
    }
    towns = {
        HERE: {"name": "Fjordvik kommune", "safe_form": "https://skjema.fjordvik.example/trygt"},
        THERE: {"name": "Nabovik kommune"},
    }
    async with running(
        configuration(tmp_path, database=sqlite_url, channels={"sms": sms}, municipalities=towns)
    ) as town:
        page = await text_of(await town.client().get("/personvern"))
        assert 'href="https://skjema.fjordvik.example/trygt"' in page
        assert "SMS: Twilio, som har hjemland utenfor EØS" in page
        assert "Twilio" not in await text_of(await town.client().get(f"/personvern/{THERE}"))


async def test_the_pages_have_no_barriers_and_fit_a_small_phone(open_town: Town) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 320, "height": 640})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        for path in PAGES:
            await page.goto(f"{open_town.url}{path}")
            assert await barriers(page) == [], path
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        await page.goto(open_town.url)
        await page.click("text=Chat med oss")
        await page.frame_locator("iframe").locator("textarea").wait_for()
        assert said == []


@pytest.mark.parametrize("path", PAGES[:4])
@pytest.mark.parametrize(("language", "said"), [("nb", "Alle svar"), ("nn", "For tilsette"), ("en", "For staff")])
async def test_a_page_speaks_the_language_asked_for(resident: Client, path: str, language: str, said: str) -> None:
    page = await text_of(await resident.get(f"{path}{'&' if '?' in path else '?'}lang={language}"))
    assert f'<html lang="{language}"' in page
    assert said in page


async def test_links_keep_the_language_that_was_asked_for(resident: Client) -> None:
    page = await text_of(await resident.get("/?lang=nn"))
    assert 'href="/svar/?lang=nn"' in page
    assert 'href="/svar/barnehage-pris?lang=nn"' in page
    assert '<input type="hidden" name="lang" value="nn">' in page
    assert "?lang=" not in (await text_of(await resident.get("/?lang=nb"))).partition('aria-label="Språk"')[0]


async def test_an_unknown_language_is_the_towns_own(resident: Client) -> None:
    assert '<html lang="nb"' in await text_of(await resident.get("/?lang=%22%3E%3Cscript%3E"))


async def test_a_town_of_another_language_speaks_it_by_itself(tmp_path: Path, sqlite_url: str) -> None:
    settings = configuration(tmp_path, database=sqlite_url, channels=CHANNELS)
    nynorsk = settings.municipalities[HERE].model_copy(update={"main_language": "nn"})
    settings = settings.model_copy(update={"municipalities": {**settings.municipalities, HERE: nynorsk}})
    async with running(settings) as town:
        page = await text_of(await town.client().get("/"))
    assert '<html lang="nn"' in page
    assert "Kva lurer du på?" in page
    assert "Måndag–fredag" in page


async def test_an_answer_that_a_language_lacks_says_so_and_is_marked(resident: Client) -> None:
    page = await text_of(await resident.get("/svar/bru?lang=en"))
    assert "not available in English yet" in page
    assert '<h1 class="ds-heading" data-size="lg" lang="nb">' in page


async def test_each_host_shows_its_own_municipality_and_any_other_host_the_one_without(
    sqlite_url: str, tmp_path: Path
) -> None:
    towns = {HERE: {"name": "Fjordvik kommune"}, THERE: {"name": "Nabovik kommune", "host": "chat.nabovik.example"}}
    async with running(configuration(tmp_path, database=sqlite_url, municipalities=towns)) as started:
        await started.house.database.write(filled)
        browser = started.client()
        neighbours = await text_of(await browser.get("/", headers={"Host": "Chat.nabovik.example:8080"}))
        assert "Nabovik kommune" in neighbours
        assert "Fjordvik" not in neighbours
        assert (await browser.get("/svar/hemmelig", headers={"Host": "chat.nabovik.example"})).status == 200
        assert (await browser.get("/svar/hemmelig")).status == 404
        assert "Fjordvik kommune" in await text_of(await browser.get("/"))


async def test_where_every_municipality_has_a_host_any_other_host_speaks_for_none(
    sqlite_url: str, tmp_path: Path
) -> None:
    towns = {
        HERE: {"name": "Fjordvik kommune", "host": "chat.fjordvik.example"},
        THERE: {"name": "Nabovik kommune", "host": "chat.nabovik.example"},
    }
    async with running(configuration(tmp_path, database=sqlite_url, municipalities=towns)) as started:
        browser = started.client()
        listed = await text_of(await browser.get("/"))
        assert "Hvilken kommune" in listed
        assert "Spør Fjordvik" not in listed
        for path, status in (("/finnes-ikke", 404), ("/sign-in", 200)):
            assert "Fjordvik" not in await text_of(await browser.get(path), status), path
        assert 'href="http://chat.fjordvik.example/"' in listed
        assert 'href="http://chat.nabovik.example/"' in listed
        named = await text_of(await browser.get("/", headers={"Host": "chat.fjordvik.example"}))
        assert "Spør Fjordvik kommune" in named


async def test_a_topic_of_several_words_can_be_led_to(resident: Client) -> None:
    assert 'href="/svar/#andre-etater"' in await text_of(await resident.get("/"))
    listed = await text_of(await resident.get("/svar/"))
    assert 'id="andre-etater"' in listed
    assert 'aria-labelledby="andre-etater"' in listed
    assert 'href="/svar/#andre-etater"' in await text_of(await resident.get("/svar/politi"))


@pytest.mark.parametrize(
    ("language", "privacy", "how"),
    [
        ("nn", "Kvifor vi tek vare på det", "Boten finn ikkje på noko"),
        ("en", "Why we keep it", "The bot makes nothing up"),
    ],
)
async def test_privacy_and_how_the_bot_works_are_told_in_the_other_languages(
    resident: Client, language: str, privacy: str, how: str
) -> None:
    told = await text_of(await resident.get(f"/personvern?lang={language}"))
    assert privacy in told
    assert f'href="/slik-virker-boten?lang={language}"' in told
    told = await text_of(await resident.get(f"/slik-virker-boten?lang={language}"))
    assert how in told
    assert f'href="/personvern?lang={language}"' in told


@pytest.mark.parametrize(
    ("language", "said"),
    [("nb", "Fant ikke siden"), ("nn", "Sida finst ikkje, eller ho er flytta."), ("en", "To the front page")],
)
async def test_an_error_speaks_the_language_of_the_page(resident: Client, language: str, said: str) -> None:
    page = await text_of(await resident.get(f"/finnes-ikke?lang={language}"), 404)
    assert f'<html lang="{language}"' in page
    assert said in page
    assert f'href="/{"" if language == "nb" else f"?lang={language}"}"' in page


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", "Etter 21 dager, regnet fra siste melding i samtalen."),
        ("nn", "Etter 21 dagar, rekna frå siste melding i samtalen."),
        ("en", "After 21 days, counted from the last message of the conversation."),
    ],
)
async def test_how_long_what_is_kept_is_told_in_the_language_of_the_page(
    resident: Client, language: str, said: str
) -> None:
    page = await text_of(await resident.get(f"/personvern?lang={language}"))
    assert said in page
    assert 'lang="nb">' not in page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize("language", COMPLETE)
def test_every_class_of_residents_data_is_described_in_each_language(language: str) -> None:
    classes = {one.name for one in CLASSES} - set(OF_STAFF)
    assert {key.removeprefix("kept_") for key in words(language).sentences if key.startswith("kept_")} == classes
    assert {key.removeprefix("from_") for key in words(language).sentences if key.startswith("from_")} == classes
