"""Editors find, write, try, publish and take back answers; pages work without JavaScript and lose nobody's words."""

import html
import re
from datetime import date
from io import BytesIO

import pytest
from aiohttp import FormData

from contactbot.clock import now
from contactbot.kb import editing, packs, store
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.matching import ANSWER_AT
from contactbot.messages import Address, Author
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage
from contactbot.web.editor import PART
from tests.peers.chromium import barriers, chromium
from tests.web.conftest import HERE, PASSWORD, THERE, Client, Town, text_of

WASTE = Entry(
    "avfall-dager", 1,
    (
        EntryText("nb", "Når hentes søppelet?", ("søppeltømming", "når kommer bossbilen"), "Tirsdag.", "Tirsdag"),
        EntryText("en", "When is the waste collected?", full="On **Tuesday**"),
    ),
    topic="avfall", owner="Teknisk drift", review_by=date(2020, 3, 1),
)  # fmt: skip
LIBRARY = Entry(
    "bibliotek", 1, (EntryText("nb", "Når åpner biblioteket?", ("åpningstid bibliotek",), full="Klokka ti."),)
)
SECRET = Entry("hemmelig", 1, (EntryText("nb", "Bare naboens svar?", full="Ja."),))
PAGE = f"/kb/entries/{WASTE.id}"
FORM = {
    "seen": "1",
    "topic": "avfall",
    "owner": "Teknisk drift",
    "kind": "answer",
    "nb.question": "Når hentes søppelet?",
    "nb.phrasings": "søppeltømming\r\n\r\n  boss henting  \r\nsøppeltømming",
    "nb.full": "Onsdag\r\nog fredag",
}


@pytest.fixture
async def ola(town: Town) -> Client:
    """Return the browser of Ola, who edits, in a town that knows two things, beside one with a secret."""
    await town.house.database.write(filled)
    return await town.signed_in("ola@fjordvik.example")


def filled(tx: Transaction) -> None:
    editing.take_in(tx, HERE, (WASTE, LIBRARY), "operator", now())
    editing.take_in(tx, THERE, (SECRET,), "operator", now())


async def entry(town: Town, name: str = WASTE.id) -> Entry:
    found: Entry = await town.house.database.read(store.entry, HERE, name)
    return found


async def published(town: Town) -> dict[str, Entry]:
    base: store.Base = await town.house.database.read(store.base, HERE)
    return {one.id: one for one in base.entries}


def words(page: str) -> str:
    """Return a page's text as people read it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_only_editors_get_in(town: Town, ola: Client) -> None:
    kari = await town.signed_in()
    for path in ("/kb", "/kb/new", PAGE, f"{PAGE}/versions", "/kb/import", "/kb/export/kunnskapsbase.csv"):
        assert (await kari.get(path, allow_redirects=False)).status == 403
        assert (await town.client().get(path, allow_redirects=False)).status == 303
        assert (await ola.get(path)).status == 200
    assert (await kari.post(PAGE, data=FORM)).status == 403


async def test_nothing_of_another_municipality_is_shown_found_or_given_out(ola: Client) -> None:
    pages = [
        await text_of(await ola.get("/kb?q=naboens")),
        await text_of(await ola.get("/kb/entries/hemmelig"), 404),
        await text_of(await ola.get("/kb/entries/hemmelig/versions"), 404),
        await text_of(await ola.post("/kb/trial", data={"try": "Bare naboens svar?"}, headers={PART: "1"})),
        (await (await ola.get("/kb/export/kunnskapsbase.jsonl?all=1")).read()).decode(),
    ]
    assert not [page for page in pages if "hemmelig" in page]
    assert (await ola.post("/kb/entries/hemmelig/archive")).status == 404


# --- the list ---


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {WASTE.id, LIBRARY.id}),
        ("?q=BOSSBILEN", {WASTE.id}),
        ("?q=nothing+like+it", set()),
        ("?view=overdue", {WASTE.id}),
        ("?view=no-nn", {WASTE.id, LIBRARY.id}),
        ("?view=no-en", {LIBRARY.id}),
        ("?view=draft", set()),
        ("?view=nonsense", {WASTE.id, LIBRARY.id}),
        ("?owner=Teknisk+drift", {WASTE.id}),
    ],
)
async def test_the_list_is_searched_and_filtered(ola: Client, query: str, found: set[str]) -> None:
    page = await text_of(await ola.get(f"/kb{query}"))
    assert set(re.findall(r"row-link\" href=\"/kb/entries/([a-z-]+)", page)) == found


async def test_what_should_have_been_looked_over_is_said(ola: Client) -> None:
    assert "Revisjon forfalt" in await text_of(await ola.get("/kb"))
    assert "Svaret skulle vært sjekket" in await text_of(await ola.get(PAGE))


# --- saving and publishing ---


async def test_a_draft_is_kept_and_residents_have_what_they_had(town: Town, ola: Client) -> None:
    page = await text_of(await ola.post(PAGE, data=FORM | {"then": "save", "note": "Ny bil"}))
    assert "Utkastet er lagret" in page
    assert "Endret, ikke publisert" in page
    text = (await entry(town)).texts[0]
    assert text.phrasings == ("søppeltømming", "boss henting")
    assert text.full == "Onsdag\nog fredag"
    assert (await published(town))[WASTE.id] == WASTE


async def test_what_is_published_answers_the_next_question(town: Town, ola: Client) -> None:
    await text_of(await ola.post(PAGE, data=FORM | {"then": "publish"}))
    revision = await town.house.database.read(store.revision, HERE)
    knowledge = await town.house.bases.current(HERE, revision)
    assert knowledge.entries[WASTE.id].texts[0].full == "Onsdag\nog fredag"
    assert "Onsdag" in await text_of(await town.client().get(f"/svar/{WASTE.id}"))


async def test_a_new_entry_gets_its_name_once(town: Town, ola: Client) -> None:
    new = {"id": "ny-bro", "nb.question": "Når åpner brua?", "nb.chat": "I mai.", "then": "publish"}
    answer = await ola.post("/kb/entries", data=new, allow_redirects=False)
    assert answer.headers["Location"] == "/kb/entries/ny-bro?said=publish"
    again = await text_of(await ola.post("/kb/entries", data=new | {"nb.chat": "I juni."}), 409)
    assert "Navnet er i bruk" in again
    assert "I juni." in again
    assert (await published(town))["ny-bro"].texts[0].chat == "I mai."


async def test_sending_a_form_twice_saves_once(town: Town, ola: Client) -> None:
    for _ in range(2):
        await text_of(await ola.post(PAGE, data=FORM | {"key": "k1", "then": "save"}))
    assert (await entry(town)).version == 2


async def test_going_back_in_the_browser_and_writing_on_loses_nothing(town: Town, ola: Client) -> None:
    """The form of before has its old key; other words under it are a conflict, never silence."""
    await text_of(await ola.post(PAGE, data=FORM | {"key": "k1"}))
    page = await text_of(await ola.post(PAGE, data=FORM | {"key": "k1", "nb.full": "Helt andre ord"}), 409)
    assert "Helt andre ord" in page
    assert (await entry(town)).texts[0].full == "Onsdag\nog fredag"


async def test_what_residents_think_of_an_answer_stands_where_it_is_edited(town: Town, ola: Client) -> None:
    assert "Ingen har vurdert svaret" in words(await text_of(await ola.get(PAGE)))
    await town.house.database.write(rated)
    said = words(await text_of(await ola.get(PAGE)))
    assert "0 fant svaret nyttig, 1 gjorde det ikke" in said
    assert "Gjelder det <b>hytta</b>? Ikke nyttig" in said


def rated(tx: Transaction) -> None:
    """Let a resident have got the answer and written what it lacked."""
    account, _ = threads.account_of(tx, "sms", f"sms:{HERE}")
    address = threads.keep_address(tx, HERE, Address("tel", "+4799999901"), "", now())
    thread = threads.open_thread(tx, HERE, account, address, "sms", "", "nb", now())
    said = threads.append(tx, HERE, thread.id, NewMessage(Author.BOT, "Tirsdag.", "nb", now()))
    tx.insert(
        "answer_given", municipality=HERE, message=said.id, entry=WASTE.id, entry_version=1, language="nb",
        confidence="0.9", rule="sure", helpful=False, comment="Gjelder det <b>hytta</b>?",
    )  # fmt: skip


async def test_of_two_editors_the_second_sees_both_texts_and_decides(town: Town, ola: Client) -> None:
    ada = await town.signed_in("ada@fjordvik.example")
    await text_of(await ada.post(PAGE, data=FORM | {"nb.full": "Adas svar"}))
    page = await text_of(await ola.post(PAGE, data=FORM | {"nb.full": "Olas svar", "note": "min grunn"}), 409)
    assert "Noen lagret versjon 2 mens du skrev" in words(page)
    assert "<del>Adas</del><ins>Olas</ins> svar" in page
    assert "min grunn" in page
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    await text_of(await ola.post(PAGE, data=FORM | {"nb.full": "Olas svar", "seen": seen[1]}))
    assert (await entry(town)).texts[0].full == "Olas svar"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nb.question": ""}, "Spørsmål (bokmål): Skriv spørsmålet på dette språket også."),
        ({"nb.full": ""}, "Nettprat (bokmål): Skriv svaret i minst én lengde."),
        ({"valid_to": "i morgen"}, "Gyldig til: Skriv datoen som ÅÅÅÅ-MM-DD."),
        ({"valid_from": "2026-02-01", "valid_to": "2026-01-01"}, "Gyldig til: Siste dag er før første dag."),
        ({"kind": "riddle"}, "Type: Velg svar eller henvisning."),
        ({"nb.sms": "x" * 20_001}, "SMS (bokmål): Høyst 20000 tegn."),
        ({"nn.question": "Kva?"}, "Nettprat (nynorsk): Skriv svaret i minst én lengde."),
    ],
)
async def test_what_is_wrong_is_said_by_field_and_the_words_stay(
    town: Town, ola: Client, wrong: dict[str, str], said: str
) -> None:
    page = await text_of(await ola.post(PAGE, data=FORM | {"nb.chat": ""} | wrong | {"topic": "mitt tema"}), 422)
    assert said in words(page).replace(" :", ":")
    assert "mitt tema" in page
    assert (await entry(town)).version == 1


@pytest.mark.parametrize("name", ["Med Store", "skrå/strek", "å-l", "", "x" * 81, "-"])
async def test_a_name_that_reads_badly_in_an_address_is_refused(town: Town, ola: Client, name: str) -> None:
    new = {"id": name, "nb.question": "Når?", "nb.chat": "Nå."}
    assert (await ola.post("/kb/entries", data=new)).status == 422
    assert set(await published(town)) == {WASTE.id, LIBRARY.id}


async def test_an_archived_answer_is_out_of_use_and_comes_back_as_a_draft(town: Town, ola: Client) -> None:
    assert "Arkivert. Svaret er ikke lenger i bruk" in await text_of(await ola.post(f"{PAGE}/archive"))
    assert WASTE.id not in await published(town)
    assert (await town.client().get(f"/svar/{WASTE.id}")).status == 404
    assert "Utkast" in await text_of(await ola.post(f"{PAGE}/archive", data={"_method": "DELETE"}))
    assert WASTE.id not in await published(town)


async def test_an_answer_written_while_the_session_ended_is_shown_not_lost(town: Town) -> None:
    page = await text_of(
        await town.client().post(PAGE, data=FORM | {"key": "hidden", "nb.full": "En time <arbeid>"}), 401
    )
    assert "nb.full: En time &lt;arbeid&gt;" in page
    assert "hidden" not in page


# --- versions ---


async def test_versions_say_who_when_why_and_what(ola: Client) -> None:
    await text_of(await ola.post(PAGE, data=FORM | {"nb.full": "Onsdag", "note": "Ny rute"}))
    page = await text_of(await ola.get(f"{PAGE}/versions"))
    assert "Ola Vik: Ny rute" in words(page)
    assert "<ins>Onsdag</ins>" in page
    assert "<del>når kommer bossbilen</del>" in page
    assert (await ola.get(f"{PAGE}/versions?from=1&to=99")).status == 404


async def test_an_earlier_text_comes_back_as_a_draft(town: Town, ola: Client) -> None:
    await text_of(await ola.post(PAGE, data=FORM | {"then": "publish"}))
    page = await text_of(await ola.post(f"{PAGE}/versions/1", data={"key": "r1"}))
    assert "hentet fram som et nytt utkast" in page
    assert (await entry(town)).texts == WASTE.texts
    assert (await published(town))[WASTE.id].texts[0].full == "Onsdag\nog fredag"


# --- trial and previews ---


async def test_a_trial_tells_why_and_what_each_channel_gets(ola: Client) -> None:
    page = words(await text_of(await ola.post("/kb/trial", data={"try": "Når hentes søppelet?"}, headers={PART: "1"})))
    expected = (
        "Svarer",
        "Språk: bokmål",
        "Ligner på «Når hentes søppelet?»",
        "Ord:",
        f"fra {ANSWER_AT:.0%} svarer".replace("%", " %"),
        "Tirsdag.",
    )
    for said in expected:
        assert said in page


async def test_a_trial_compares_what_stands_in_the_form_with_today(town: Town, ola: Client) -> None:
    form = FORM | {"id": WASTE.id, "nb.phrasings": "hvor bor julenissen", "try": "hvor bor julenissen"}
    page = words(await text_of(await ola.post("/kb/trial", data=form, headers={PART: "1"})))
    assert "Med endringen din: svarer med «Når hentes søppelet?»" in page
    assert "I dag: gir videre til en person" in page
    knowledge = await town.house.bases.current(HERE, 0)
    assert knowledge.entries[WASTE.id] == WASTE, "a trial leaves what residents have"
    assert all(one.probability < 0.5 for one in knowledge.index.search("hvor bor julenissen"))


async def test_a_trial_says_that_residents_get_other_words_where_only_the_answer_changed(ola: Client) -> None:
    form = FORM | {"id": WASTE.id, "try": "Når hentes søppelet?"}
    page = words(await text_of(await ola.post("/kb/trial", data=form, headers={PART: "1"})))
    assert "får innbyggeren andre ord enn i dag" in page
    assert "de samme ordene" not in page


async def test_without_javascript_a_trial_brings_the_form_back(ola: Client) -> None:
    form = FORM | {"id": WASTE.id, "nb.full": "Ulagret tekst", "try": "Når hentes søppelet?", "note": "grunn"}
    page = await text_of(await ola.post("/kb/trial", data=form))
    for kept in ("Ulagret tekst", "grunn", "Ligner på"):
        assert kept in page


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Når hentes søppelet?", "Boten er sikker nok på ett svar."),
        ("jeg vil snakke med et menneske", "Innbyggeren ber om en person."),
        ("hvor bor julenissen", "Ingen svar er sikre nok."),
        ("jeg vil ta livet mitt", "Ordene kan bety fare, og det går foran alt annet."),
        ("tusen takk", "Teksten er småprat, og spør ikke om noe."),
        ("HJELP", "Teksten er en beskjed til boten selv."),
    ],
)
async def test_a_trial_says_in_norwegian_why_the_bot_does_what_it_does(ola: Client, text: str, why: str) -> None:
    assert why in words(await text_of(await ola.post("/kb/trial", data={"try": text}, headers={PART: "1"})))


async def test_danger_is_seen_in_a_trial_as_for_residents(ola: Client) -> None:
    page = await text_of(await ola.post("/kb/trial", data={"try": "jeg vil ta livet mitt"}, headers={PART: "1"}))
    assert "Varsler om fare" in page


async def test_the_preview_counts_parts_and_names_the_dear_sign(ola: Client) -> None:
    form = FORM | {"nb.sms": "Hentes tirsdag – se «kart» 😀 " * 6}
    page = words(await text_of(await ola.post("/kb/previews?language=nb", data=form)))
    assert "3 meldinger" in page
    assert "Tegnet «😀» gjør meldingen dyrere" in page
    plain = words(
        await text_of(await ola.post("/kb/previews?language=nb", data=FORM | {"nb.sms": "Hentes – «nå» " * 9}))
    )
    assert "1 melding" in plain
    assert "dyrere" not in plain


async def test_markup_of_an_editor_runs_nowhere(ola: Client) -> None:
    evil = '<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror="alert(1)">'
    fields = {f"nb.{name}": evil for name in ("question", "phrasings", "sms", "chat", "full")}
    form = FORM | fields | {"topic": evil, "owner": evil, "note": evil, "source": "javascript:alert(1)"}
    await text_of(await ola.post(PAGE, data=form | {"then": "publish"}))
    for page in (PAGE, "/kb", f"{PAGE}/versions", f"/svar/{WASTE.id}", "/svar/", "/"):
        text = await text_of(await ola.get(page))
        assert "<script>alert" not in text
        assert "<img" not in text
        assert 'href="javascript' not in text


# --- files ---


def upload(name: str, content: bytes | BytesIO, **fields: str) -> FormData:
    form = FormData(fields)
    form.add_field("file", content, filename=name)
    return form


async def test_a_file_is_told_before_it_is_taken_in(town: Town, ola: Client) -> None:
    sheet = "id;språk;spørsmål;fullt svar\nny;nb;Hva er nytt på øya?;Mye\n".encode("cp1252")
    page = await text_of(await ola.post("/kb/import", data=upload("fra excel.csv", sheet, publish="1")))
    assert "1 nytt, 0 endrede, 0 uendrede. Alle blir publisert med en gang. Ingenting er endret ennå." in words(page)
    assert "ny" not in await published(town)
    kept = re.search(r'<textarea name="kept" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert kept is not None
    form = FormData({"kept": html.unescape(kept[1]), "publish": "1", "then": "import", "source": "fra excel.csv"})
    form._is_multipart = True
    done = await text_of(await ola.post("/kb/import", data=form))
    assert "Innbyggerne har dem nå" in done
    assert (await published(town))["ny"].texts[0].question == "Hva er nytt på øya?"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "x.csv",
            b"id;spr\xe5k;sp\xf8rsm\xe5l\na;nb;\n",
            "Linje 2, spørsmål: mangler eller er tom. Ingenting er tatt inn.",
        ),
        ("x.csv", b"farge\n", "Linje 1, farge: ukjent kolonne. Ingenting er tatt inn."),
        ("x.json", b"{", "Linje 1: er ikke gyldig JSON. Ingenting er tatt inn."),
        ("x.db", b"SQLite format 3\0", "Er ikke en pakke som kan leses. Ingenting er tatt inn."),
        ("x.exe", b"MZ", "Ingenting er tatt inn."),
        ("x.csv", b"", "Velg en fil først."),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_in_words(
    town: Town, ola: Client, name: str, content: bytes, said: str
) -> None:
    page = await text_of(await ola.post("/kb/import", data=upload(name, content)), 422)
    assert said in words(page)
    assert set(await published(town)) == {WASTE.id, LIBRARY.id}


async def test_a_file_that_is_too_large_is_refused_while_it_comes(ola: Client) -> None:
    assert (await ola.post("/kb/import", data=upload("x.csv", BytesIO(b"x" * (21 << 20))))).status == 413


@pytest.mark.parametrize("ending", list(packs.FORMS))
async def test_everything_can_be_taken_out_and_read_again(ola: Client, ending: str) -> None:
    answer = await ola.get(f"/kb/export/kunnskapsbase{ending}")
    assert f"kunnskapsbase-{HERE}{ending}" in answer.headers["Content-Disposition"]
    assert set(packs.read(f"x{ending}", await answer.read())) == {WASTE, LIBRARY}


# --- in a browser ---


@pytest.mark.usefixtures("ola")
async def test_an_editor_writes_tries_and_publishes_by_keyboard(town: Town) -> None:
    """One journey in Chromium, with axe on each page and nothing said against the page's policy."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{town.url}/sign-in?next={PAGE}")
        await page.fill("#email", "ola@fjordvik.example")
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#entry-form")
        assert await barriers(page) == []
        await page.focus("#nb-sms")
        await page.keyboard.press("ControlOrMeta+A")
        await page.keyboard.type("Onsdag 😀")
        await page.wait_for_selector(".kb-preview[data-preview=sms] >> text=gjør meldingen dyrere")
        assert await page.is_visible("#unsaved")
        await page.focus("[role=tab][aria-selected=true] >> text=SMS")
        await page.keyboard.press("ArrowRight")
        assert await page.is_visible("#nb-chat")
        assert not await page.is_visible("#nb-sms")
        await page.focus("#try")
        await page.keyboard.type("søppeltømming")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".kb-candidates")
        assert await barriers(page) == []
        await page.focus("button[value=publish]")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**said=publish")
        for path in ("/kb", "/kb/new", "/kb/import", f"{PAGE}/versions"):
            await page.goto(f"{town.url}{path}")
            assert await barriers(page) == []
        assert said == []
    assert (await published(town))[WASTE.id].texts[0].sms == "Onsdag 😀"
