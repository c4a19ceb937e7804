"""The widget in a real browser: by keyboard alone, without barriers, without JavaScript, and without losing a word."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, FilePayload, Frame, Page, expect

from contactbot.channels.webchat import WebchatChannel
from contactbot.channels.webchat.settings import WebchatSettings
from contactbot.messages import Accepted, Author, Inbound, Standing
from tests.channels.house import Doorway, RecordingHouse, doorway, running, surroundings
from tests.patience import PATIENCE
from tests.peers.chromium import barriers, chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHOICES = ("Når hentes søppelet?", "Pris på ekstra dunk", "Åpningstider på gjenvinningsstasjonen i Fjordvik")
HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>'


class AnsweringHouse(RecordingHouse):
    """The fake house with a bot that knows four things."""

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        accepted = await super().receive(inbound, cursor)
        if not accepted.duplicate:
            self._answer(inbound)
        return accepted

    def _answer(self, inbound: Inbound) -> None:
        words, session = inbound.text.lower(), inbound.sender
        if "søppel" in words:
            self.say(
                session,
                "Søppel hentes **hver onsdag**. Se [kalenderen](https://kommune.example/avfall).",
                markup="markdown",
                rating="unrated",
            )
        elif "person" in words:
            self.say(session, "En medarbeider svarer deg her.")
            self.say(session, "Hei, hva kan jeg hjelpe med?", author=Author.STAFF)
            self.stand(session, Standing(with_people=True))
        elif "ferdig" in words:
            self.stand(session, Standing(ended=True))
        elif "lukk" in words:
            self.stand(session, Standing(ended=True))
            self.say(session, "Fikk du svar på det du lurte på?", choices=("Ja", "Delvis", "Nei"), asks_why=True)
        elif "ekko" in words:
            self.say(session, HOSTILE)
            self.say(session, HOSTILE, markup="markdown")
        elif "stille" not in words:
            self.say(session, "Hva gjelder spørsmålet ditt?", choices=CHOICES)


@dataclass
class Town:
    """A municipality's chat, and its web site on another origin with a strict policy of its own."""

    house: AnsweringHouse
    channel: WebchatChannel
    chat: str
    site: str
    stranger: str
    complaints: list[str] = field(default_factory=list)

    @property
    def page(self) -> str:
        return f"{self.chat}/chat/fjordvik"

    def said(self) -> list[str]:
        return [inbound.text for inbound in self.house.kept]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with doorway() as chat, doorway() as site, doorway() as stranger:
        account = {"site": "fjordvik", "municipality": "fjordvik", "sites": [site.url], "brand": "#0b5563"}
        channel = WebchatChannel(
            WebchatSettings.model_validate({"accounts": [account]}), surroundings(tmp_path, chat.url)
        )
        await chat.mount(channel.routes())
        for door in (site, stranger):
            await _municipal_site(door, chat.url)
        house = AnsweringHouse()
        async with running(channel, house):
            yield Town(house, channel, chat.url, site.url, stranger.url)


async def _municipal_site(door: Doorway, chat: str) -> None:
    policy = f"default-src 'none'; img-src data:; script-src {chat}; frame-src {chat}"
    page = (
        '<!doctype html><html lang="nb"><title>Fjordvik</title><meta name="viewport" content="width=device-width">'
        '<link rel="icon" href="data:,"><main><h1>Fjordvik kommune</h1><p>Velkommen.</p></main>'
        f'<script src="{chat}/chat/embed.js" data-site="fjordvik" async></script></html>'
    )

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": policy})

    async def search(request: web.Request) -> web.Response:
        results = "".join(f"<li><a href='/{number}'>Treff nummer {number} om søppel</a></li>" for number in range(40))
        place = ' data-place="header"' if "place" in request.query else ""
        found = page.replace("<main>", f"<header></header><main><ol>{results}</ol>").replace(" async", f"{place} async")
        return web.Response(text=found, content_type="text/html", headers={"Content-Security-Policy": policy})

    await door.mount([web.get("/", show), web.get("/search", search)])


@asynccontextmanager
async def visit(browser: Browser, town: Town, url: str, **options: object) -> AsyncIterator[Page]:
    """Open a page in a fresh browser profile and note every complaint of the browser's console."""
    context = await browser.new_context(**{"locale": "nb-NO", **options})  # type: ignore[arg-type] # playwright has fifty options
    page = await context.new_page()
    page.on("console", lambda message: town.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: town.complaints.append(str(error)))
    await page.goto(url)
    try:
        yield page
    finally:
        await context.close()


async def opened(page: Page) -> Frame:
    """Open the embedded chat and return its frame when it is ready."""
    await page.get_by_role("button", name="Chat med oss").click()
    return await _frame(page)


async def _frame(page: Page) -> Frame:
    handle = await page.wait_for_selector("iframe", state="visible")
    assert handle is not None
    frame = await handle.content_frame()
    assert frame is not None
    await frame.wait_for_selector("html.js")
    await expect(frame.locator("#text")).to_be_focused()
    return frame


async def say(where: Page | Frame, words: str) -> None:
    await where.fill("#text", words)
    await where.press("#text", "Enter")


async def bubbles(where: Page | Frame) -> list[str]:
    return await where.locator("#list .bubble").all_inner_texts()


# By keyboard alone, on a foreign site


async def test_a_resident_with_only_a_keyboard_opens_asks_chooses_and_closes(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.site) as page:
        launcher = page.get_by_role("button", name="Chat med oss")
        await expect(launcher).to_have_attribute("aria-expanded", "false")
        await page.keyboard.press("Tab")
        await expect(launcher).to_be_focused()
        await page.keyboard.press("Enter")
        frame = await _frame(page)
        await expect(launcher).to_have_attribute("aria-expanded", "true")
        await page.keyboard.type("Hva koster det?")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("For hytta")
        await page.keyboard.press("Enter")
        await expect(frame.get_by_role("button", name=CHOICES[0])).to_be_visible()
        await page.keyboard.press("Shift+Tab")
        await expect(frame.get_by_role("button", name=CHOICES[2])).to_be_focused()
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(frame.locator(".rich")).to_contain_text("hver onsdag")
        await expect(frame.locator("#text")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(launcher).to_be_focused()
        await expect(launcher).to_have_attribute("aria-expanded", "false")
        await expect(page.locator("iframe")).to_be_hidden()
    assert town.said() == ["Hva koster det?\nFor hytta", CHOICES[0]]
    assert town.complaints == []


async def test_a_resident_with_only_a_keyboard_says_that_an_answer_did_not_help_and_why(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        unhelpful = page.get_by_role("button", name="Ikke nyttig")
        await expect(unhelpful).to_have_attribute("aria-pressed", "false")
        await page.keyboard.press("Shift+Tab")
        await expect(unhelpful).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(unhelpful).to_have_attribute("aria-pressed", "true")
        await expect(page.get_by_role("status")).to_have_text("Takk for tilbakemeldingen.")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Gjelder det hytta?")
        await page.keyboard.press("Enter")
        await expect(page.locator("#text")).to_be_focused()
        async with asyncio.timeout(PATIENCE):
            while len(town.house.ratings) < 2:
                await page.evaluate("1")
        await page.reload()
        await expect(unhelpful).to_have_attribute("aria-pressed", "true")
    assert town.house.ratings == [(2, False, ""), (2, False, "Gjelder det hytta?")]
    assert town.said() == ["Søppel?"]
    assert town.complaints == []


@pytest.mark.parametrize("scripts", [True, False])
async def test_how_it_went_is_said_with_a_button_and_a_free_word_and_enter_in_the_field_says_nothing(
    browser: Browser,
    town: Town,
    scripts: bool,  # noqa: FBT001 - a case of the test
) -> None:
    async with visit(browser, town, town.page, java_script_enabled=scripts) as page:
        await page.fill("#text", "lukk stille")
        await page.locator("#send").click()
        why = page.get_by_label("Vil du si hvorfor?")
        await why.fill("det tok lang tid")
        await why.press("Enter")
        await page.get_by_role("button", name="Delvis").click()
        await expect(page.locator("#list .bubble", has_text="Delvis: det tok lang tid")).to_be_visible()
    assert town.said() == ["lukk stille", "Delvis: det tok lang tid"]


async def test_without_javascript_an_answer_can_be_rated(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page, java_script_enabled=False) as page:
        await page.fill("#text", "Søppel?")
        await page.locator("#send").click()
        await page.get_by_role("button", name="Nyttig", exact=True).click()
        await expect(page.get_by_role("status")).to_have_text("Takk for tilbakemeldingen.")
        await expect(page.get_by_role("button", name="Nyttig", exact=True)).to_have_attribute("aria-pressed", "true")
    assert town.house.ratings == [(2, True, "")]


async def test_escape_closes_the_menu_before_the_chat(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.site) as page:
        frame = await opened(page)
        await frame.locator("#menu summary").click()
        await page.keyboard.press("Escape")
        await expect(frame.locator("#menu")).not_to_have_attribute("open", "")
        await expect(frame.locator("#menu summary")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Chat med oss")).to_be_focused()


# Without barriers, in every state


async def _state_opened(_: Page, where: Page | Frame) -> None:
    await expect(where.locator("#opening")).not_to_be_empty()


async def _state_choices(_: Page, where: Page | Frame) -> None:
    await say(where, "Søppel?")
    await say(where, "Hva koster det?")
    await expect(where.locator(".choice")).to_have_count(3)


async def _state_person(_: Page, where: Page | Frame) -> None:
    await where.get_by_role("button", name="Snakk med en person").click()
    await expect(where.locator(".staff")).to_be_visible()
    await expect(where.get_by_label("Send en fil")).to_be_visible()


async def _state_menu(_: Page, where: Page | Frame) -> None:
    await where.locator("#menu summary").click()


async def _state_warning(_: Page, where: Page | Frame) -> None:
    await say(where, "Nummeret mitt er 010190 12345")
    await expect(where.get_by_role("button", name="Rett teksten")).to_be_focused()


async def _state_failed(_: Page, where: Page | Frame) -> None:
    for number in range(17):
        await say(where, f"stille {number}")
    await expect(where.get_by_role("button", name="Send på nytt").first).to_be_visible()


async def _state_offline(page: Page, where: Page | Frame) -> None:
    await say(where, "Hva koster det?")
    await expect(where.locator(".choice")).to_have_count(3)
    await page.context.set_offline(offline=True)
    await say(where, "Er dere der?")
    await expect(where.locator("#status")).to_contain_text("uten nett")


async def _state_rated(_: Page, where: Page | Frame) -> None:
    await say(where, "Søppel?")
    await where.get_by_role("button", name="Ikke nyttig").click()
    await expect(where.get_by_label("Hva manglet")).to_be_visible()


async def _state_refused_file(page: Page, where: Page | Frame) -> None:
    await _state_person(page, where)
    await where.get_by_label("Send en fil").set_input_files({"name": "a.pdf", "mimeType": "x/y", "buffer": b"MZ"})
    await where.get_by_role("button", name="Send filen").click()
    await expect(where.locator("#file-problem")).to_contain_text("kan ikke tas imot")


async def _state_survey(_: Page, where: Page | Frame) -> None:
    await say(where, "lukk")
    await expect(where.get_by_label("Vil du si hvorfor?")).to_be_visible()


async def _state_refused_mail(_: Page, where: Page | Frame) -> None:
    await say(where, "Søppel?")
    await where.locator("#menu summary").click()
    await where.get_by_label("E-postadresse", exact=True).fill("kari@b")
    await where.get_by_role("button", name="Send lenken").click()
    await expect(where.locator("#mail-problem")).to_contain_text("ligner ikke")


async def _state_ended(_: Page, where: Page | Frame) -> None:
    await say(where, "ferdig stille")
    await expect(where.locator("#ended")).to_be_visible()


State = Callable[[Page, Page | Frame], Awaitable[None]]
STATES: dict[str, State] = {
    "opened": _state_opened,
    "choices": _state_choices,
    "person": _state_person,
    "menu": _state_menu,
    "warning": _state_warning,
    "failed": _state_failed,
    "offline": _state_offline,
    "rated": _state_rated,
    "refused file": _state_refused_file,
    "refused mail": _state_refused_mail,
    "survey": _state_survey,
    "ended": _state_ended,
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_barrier(browser: Browser, town: Town, state: str, scheme: str) -> None:
    async with visit(browser, town, town.site, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await STATES[state](page, await opened(page))
        assert await barriers(page) == []


@pytest.mark.parametrize("state", STATES)
async def test_nothing_needs_sideways_scrolling_at_320_pixels(browser: Browser, town: Town, state: str) -> None:
    async with visit(
        browser,
        town,
        town.site,
        viewport={"width": 320, "height": 568},
        reduced_motion="reduce",
        forced_colors="active",
    ) as page:
        frame = await opened(page)
        await STATES[state](page, frame)
        for where in (page, frame):
            assert await where.evaluate("document.documentElement.scrollWidth") <= 320
        assert await frame.evaluate(
            "document.getElementById('scroll').scrollWidth <= document.getElementById('scroll').clientWidth"
        )
        assert await barriers(page) == []


async def test_the_page_of_its_own_has_no_barrier_and_reflows_at_four_times_the_size(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page, viewport={"width": 320, "height": 256}) as page:
        await _state_choices(page, page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        assert await barriers(page) == []


async def test_in_a_low_window_the_newest_message_and_the_field_are_seen_together(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page, viewport={"width": 640, "height": 400}, reduced_motion="reduce") as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_in_viewport()
        await expect(page.locator("#text")).to_be_in_viewport(ratio=1)
        await say(page, "Noe helt annet")
        await expect(page.locator(".bot").last).to_contain_text("Åpningstider")
        await expect(page.locator(".bot").last).to_be_in_viewport(ratio=1)
        await expect(page.locator("#text")).to_be_in_viewport(ratio=1)


async def test_with_reduced_motion_nothing_moves(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page, reduced_motion="reduce") as page:
        await _state_choices(page, page)
        assert await page.evaluate("document.getAnimations().length") == 0
        assert await page.eval_on_selector("#list li", "li => getComputedStyle(li).animationName") == "none"


async def test_messages_are_a_polite_log_with_sender_time_and_language_as_text(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await _state_person(page, page)
        log = page.get_by_role("log")
        await expect(log).to_have_attribute("aria-live", "polite")
        await expect(log.get_by_role("listitem")).to_have_count(3)
        assert await log.locator(".name").all_inner_texts() == ["Du", "Automatisk svar", "Ola, medarbeider"]
        assert all(re.fullmatch(r"\d\d\.\d\d", text) for text in await log.locator("time").all_inner_texts())
        assert await log.locator(".bubble[lang=nb]").count() == 3
        await expect(page.locator("#who")).to_have_text("Du skriver med Ola")


# Nothing lost, nothing twice


async def test_a_reload_brings_the_conversation_once_and_in_order_and_keeps_the_draft(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        await page.fill("#text", "Dette rakk jeg ikke å se")
        before = await bubbles(page)
        await page.reload()
        await expect(page.locator(".rich")).to_be_visible()
        assert await bubbles(page) == before
        assert await page.input_value("#text") == "Dette rakk jeg ikke å se"
    assert town.said() == ["Søppel?"]


async def test_what_is_written_without_a_net_is_sent_once_when_it_is_back(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille")
        await expect(page.locator("#list time")).to_have_count(1)
        await page.context.set_offline(offline=True)
        await say(page, "stille, andre gang")
        await expect(page.locator("#list .state")).to_have_text("Sendes når linjen er tilbake")
        await page.context.set_offline(offline=False)
        await expect(page.locator("#list time")).to_have_count(2)
    assert town.said() == ["stille", "stille, andre gang"]


async def test_after_a_restart_of_the_service_everything_comes_once_and_in_order(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        again = asyncio.create_task(town.channel.run(town.house))  # a new run takes the place of the old
        await asyncio.sleep(0)
        again.cancel()
        with pytest.raises(asyncio.CancelledError):
            await again
        await expect(page.locator("#status")).to_contain_text("Kobler til igjen")
        town.house.say(town.house.kept[0].sender, "Sagt mens linjen var nede")
        await say(page, "stille imens")
        async with running(town.channel, town.house):
            await expect(page.locator("#list time")).to_have_count(4)
            assert (await bubbles(page))[2:] == ["Sagt mens linjen var nede", "stille imens"]
    assert town.said() == ["Søppel?", "stille imens"]


async def test_an_answer_that_leaves_late_is_put_in_its_place(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille")
        await expect(page.locator("#list time")).to_have_count(1)
        session = town.house.kept[0].sender
        late = town.house.say(session, "Svar")
        town.house._spoken[session].remove(late)
        town.house._tell(session, replace(late, position=3, text="Etterpå"))
        await expect(page.locator("#list .bubble").last).to_have_text("Etterpå")
        town.house._spoken[session].insert(1, late)
        town.house._tell(session, replace(late, position=4, text="Sist"))
        await expect(page.locator("#list .bubble")).to_have_text(["stille", "Svar", "Etterpå", "Sist"])


async def test_when_the_house_begins_a_new_thread_after_a_rest_the_same_tab_goes_on(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        town.house._spoken[town.house.kept[0].sender].clear()  # positions begin again
        await say(page, "Hva koster det?")
        await expect(page.locator(".choice")).to_have_count(3)
        assert len(await bubbles(page)) == 4
        assert town.said() == ["Søppel?", "Hva koster det?"]


async def test_a_conversation_that_has_run_out_is_followed_by_a_new_one_and_no_word_is_lost(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page) as page:
        await page.evaluate(
            "sessionStorage.setItem('chat:fjordvik:token', 'AAAAAAAAAAAAAAAAAAAAAA.1.AAAAAAAAAAAAAAAAAAAAAA')"
        )
        await page.evaluate("""sessionStorage.setItem('chat:fjordvik:pending', '[{"id":"k1","text":"stille"}]')""")
        await page.reload()
        await expect(page.get_by_role("log")).to_contain_text("utløpt")
        await expect(page.locator("#list time")).to_have_count(1)
    assert town.said() == ["stille"]


@pytest.mark.parametrize("blocked", [("ws",), ("ws", "events")], ids=["event stream", "polling"])
async def test_when_a_network_lets_no_socket_through_other_lines_carry_the_chat(
    browser: Browser, town: Town, blocked: tuple[str, ...]
) -> None:
    async with visit(browser, town, town.page) as page:
        for name in blocked:
            await _block(page.context, name)
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        town.house.say(town.house.kept[0].sender, "Og noe mer")
        await expect(page.locator("#list .bubble").last).to_have_text("Og noe mer")
        assert len(await bubbles(page)) == 3
    assert town.said() == ["Søppel?"]


async def _block(context: BrowserContext, name: str) -> None:
    if name == "ws":
        await context.route_web_socket("**/ws", lambda socket: asyncio.ensure_future(socket.close()))
    else:
        await context.route(f"**/{name}*", lambda route: route.abort())


async def test_a_message_the_house_cannot_take_is_kept_and_can_be_sent_again(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille")
        await expect(page.locator("#list time")).to_have_count(1)
        town.house.failure = RuntimeError("the disk is full")
        await say(page, "stille nummer to")
        again = page.get_by_role("button", name="Send på nytt")
        await expect(again).to_be_visible()
        await expect(page.get_by_role("alert").first).to_contain_text("Teksten din er beholdt")
        town.house.failure = None
        await again.click()
        await expect(page.locator("#list time")).to_have_count(2)
        await expect(again).to_be_hidden()
    assert town.said() == ["stille", "stille nummer to"]


async def test_two_tabs_are_two_conversations_and_neither_leaves_a_cookie(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        other = await page.context.new_page()
        await other.goto(town.page)
        await say(page, "stille i den ene")
        await say(other, "stille i den andre")
        await town.house.seen(kept=2)
        await expect(page.locator("#list time")).to_have_count(1)
        await expect(other.locator("#list time")).to_have_count(1)
        assert await page.context.cookies() == []
        assert await page.evaluate("localStorage.length") == 0
    assert len({inbound.sender for inbound in town.house.kept}) == 2


async def test_a_conversation_that_is_popped_out_goes_on_in_a_window_of_its_own_and_its_address_tells_nothing(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.site) as page:
        frame = await opened(page)
        await say(frame, "stille i rammen")
        await expect(frame.locator("#list time")).to_have_count(1)
        await frame.locator("#menu summary").click()
        async with page.context.expect_page() as opening:
            await frame.get_by_role("link", name="Åpne i eget vindu").click()
        window = await opening.value
        await expect(window.locator("#list .bubble")).to_have_text(["stille i rammen"])
        assert "/s/" not in window.url
        assert await barriers(window) == []
        await say(window, "stille i vinduet")
        await expect(frame.locator("#list .bubble")).to_have_text(["stille i rammen", "stille i vinduet"])
    assert len({inbound.sender for inbound in town.house.kept}) == 1


async def test_whoever_ends_a_conversation_begins_a_new_one_and_people_are_told(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille nå")
        await expect(page.locator("#list time")).to_have_count(1)
        await page.locator("#menu summary").click()
        await page.get_by_role("link", name="Avslutt og start ny samtale").click()
        await expect(page.locator("#list .bubble")).to_have_count(0)
        await say(page, "stille igjen")
        await town.house.seen(kept=2)
    first, second = town.house.kept
    assert first.sender != second.sender
    assert town.house.ended == [first.sender]


async def test_a_page_that_slept_has_everything_once_when_it_wakes(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille før søvnen")
        await expect(page.locator("#list time")).to_have_count(1)
        machine = await page.context.new_cdp_session(page)
        await machine.send("Page.setWebLifecycleState", {"state": "frozen"})
        town.house.say(town.house.kept[0].sender, "Sagt mens siden sov")
        await machine.send("Page.setWebLifecycleState", {"state": "active"})
        await expect(page.locator("#list .bubble")).to_have_text(["stille før søvnen", "Sagt mens siden sov"])
        await say(page, "stille etterpå")
        await expect(page.locator("#list time")).to_have_count(3)
    assert town.complaints == []


async def test_a_conversation_that_has_run_out_is_told_without_a_barrier(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await page.evaluate("sessionStorage.setItem('chat:fjordvik:token', 'old')")
        await page.reload()
        await say(page, "stille")
        await expect(page.locator("#list .event")).to_contain_text("er utløpt")
        assert await barriers(page) == []


async def test_before_the_first_word_nothing_is_stored(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.site) as page:
        frame = await opened(page)
        assert await frame.evaluate("sessionStorage.length") == 0
        assert await page.context.cookies() == []


async def test_where_the_browser_denies_storage_the_chat_works_and_says_so(browser: Browser, town: Town) -> None:
    async with visit(browser, town, "about:blank") as page:
        await page.add_init_script(
            "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('denied') } })"
        )
        await page.goto(town.page)
        await say(page, "stille")
        await expect(page.locator("#list time")).to_have_count(1)
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
    assert town.complaints == []


async def test_where_only_the_frame_is_denied_storage_the_host_page_keeps_the_conversation(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, "about:blank") as page:
        await page.add_init_script(
            f"if (location.origin === '{town.chat}')"
            " Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('denied') } })"
        )
        await page.goto(town.site)
        frame = await opened(page)
        await say(frame, "Søppel?")
        await expect(frame.locator(".rich")).to_be_visible()
        await page.reload()
        frame = await opened(page)
        await expect(frame.locator(".rich")).to_be_visible()
        assert len(await bubbles(frame)) == 2
        assert await page.context.cookies() == []
    assert town.complaints == []


async def test_what_needs_a_conversation_is_offered_only_when_there_is_one(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await page.locator("#menu summary").click()
        for name in ("Slett samtalen", "Lagre"):
            await expect(page.get_by_role("button", name=name)).to_be_hidden()
        await page.keyboard.press("Escape")
        await say(page, "stille")
        await expect(page.locator("#list time")).to_have_count(1)
        await page.locator("#menu summary").click()
        for name in ("Slett samtalen", "Lagre"):
            await expect(page.get_by_role("button", name=name)).to_be_visible()


# Safe


async def test_an_address_in_a_plain_answer_is_a_link_and_nothing_else(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille https://evil.example")
        await expect(page.locator("#list time")).to_have_count(1)
        town.house.say(town.house.kept[0].sender, "Se (https://kommune.example/a?b=1), <b>der</b>.")
        await expect(page.locator("#list a")).to_have_attribute("href", "https://kommune.example/a?b=1")
        assert (await page.locator("#list .bubble").last.inner_text()).startswith("Se (https://kommune.example/a?b=1")
        assert await page.locator("#list b").count() == 0


async def test_hostile_words_are_shown_as_words(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, f"ekko {HOSTILE}")
        await expect(page.locator("#list .bubble")).to_have_count(3)
        assert await page.locator("#list img, #list script").count() == 0
        assert HOSTILE in (await bubbles(page))[0]
        assert await page.title() == "Chat med Fjordvik kommune"
    assert town.complaints == []


async def test_a_site_that_is_not_listed_cannot_frame_the_chat(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.stranger) as page:
        await page.get_by_role("button", name="Chat med oss").click()
        await expect(page.locator("iframe")).to_be_visible()
        async with asyncio.timeout(PATIENCE):
            while not any("frame-ancestors" in complaint for complaint in town.complaints):
                await page.evaluate("1")
        assert [await frame.locator("#composer").count() for frame in page.frames[1:]] == [0]


async def test_a_number_like_a_national_id_is_sent_only_when_the_resident_insists(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille 01019012345")
        await expect(page.get_by_role("alert").first).to_contain_text("fødselsnummer")
        await page.get_by_role("button", name="Rett teksten").click()
        await expect(page.locator("#text")).to_be_focused()
        assert town.said() == []
        await page.press("#text", "Enter")
        await page.get_by_role("button", name="Send likevel").click()
        await expect(page.locator("#list time")).to_have_count(1)
    assert town.said() == ["stille 01019012345"]


async def test_a_text_that_is_too_long_stays_in_the_field_and_the_resident_is_told(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "å" * 4001)
        await expect(page.get_by_role("alert").first).to_contain_text("4000")
        await expect(page.locator("#count")).to_have_text("1 tegn for mye")
        assert len(await page.input_value("#text")) == 4001
    assert town.said() == []


# What else a resident may want


async def test_new_messages_are_counted_in_the_title_while_the_chat_is_closed(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.site) as page:
        frame = await opened(page)
        await say(frame, "stille")
        await expect(frame.locator("#list time")).to_have_count(1)
        await page.keyboard.press("Escape")
        await expect(page.locator("iframe")).to_be_hidden()
        town.house.say(town.house.kept[0].sender, "Er du der?", author=Author.STAFF)
        await expect(page).to_have_title("(1) Fjordvik")
        await page.get_by_role("button", name="Chat med oss").click()
        await expect(page).to_have_title("Fjordvik")
        await town.house.seen(hints=1)


async def test_who_of_the_staff_writes_is_said_in_words_and_the_end_of_the_conversation_too(
    browser: Browser, town: Town
) -> None:
    async with visit(browser, town, town.page) as page:
        await _state_person(page, page)
        session = town.house.kept[0].sender
        town.house.stand(session, Standing(with_people=True, place=2))
        await expect(page.locator("#queue")).to_have_text("Du er nummer 2 i køen av samtaler.")
        town.house.stand(session, Standing(with_people=True, writing="Ola"))
        await expect(page.locator("#queue")).to_be_empty()
        await expect(page.get_by_role("status")).to_have_text("Ola skriver …")
        town.house.stand(session, Standing(with_people=True))
        await expect(page.get_by_role("status")).to_have_text("")
        town.house.stand(session, Standing(ended=True))
        await expect(page.get_by_role("status")).to_contain_text("avsluttet")
        await expect(page.get_by_label("Send en fil")).to_be_hidden()
        await expect(page.locator("#who")).to_have_text("Automatisk tjeneste")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
async def test_a_file_can_be_sent_to_a_person_and_to_nobody_else(browser: Browser, town: Town, scripts: bool) -> None:  # noqa: FBT001 - a case of the test
    async with visit(browser, town, town.page, java_script_enabled=scripts) as page:
        await expect(page.get_by_label("Send en fil")).to_be_hidden()
        await page.get_by_role("button", name="Snakk med en person").click()
        await expect(page.locator(".staff")).to_be_visible()
        file = FilePayload(name="søknad.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7")
        await page.get_by_label("Send en fil").set_input_files(file)
        await page.get_by_label("Send en fil").focus()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator(".bubble", has_text="Fil: søknad.pdf")).to_be_visible()
    assert [(one.name, one.content) for one in town.house.kept[-1].attachments] == [("søknad.pdf", b"%PDF-1.7")]
    assert town.complaints == []


async def test_what_was_shown_is_reported_as_read(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        async with asyncio.timeout(PATIENCE):
            while not any(hint.kind == "read" and hint.position == 2 for hint in town.house.hints):
                await town.house.seen(hints=len(town.house.hints) + 1)


async def test_the_language_can_be_chosen_and_the_conversation_goes_on(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "stille på bokmål")
        await expect(page.locator("#list time")).to_have_count(1)
        await page.locator("#menu summary").click()
        await page.get_by_role("link", name="English").click()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(page.locator("#list time")).to_have_count(1)
        await say(page, "stille in English")
        await expect(page.locator("#list time")).to_have_count(2)
    assert [inbound.language for inbound in town.house.kept] == ["", "en"]
    assert len({inbound.sender for inbound in town.house.kept}) == 1


async def test_the_browsers_own_language_is_offered_and_not_forced(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page, locale="en-GB") as page:
        await expect(page.locator("html")).to_have_attribute("lang", "nb")
        await expect(page.get_by_role("link", name="Continue in English")).to_be_visible()


async def test_the_conversation_can_be_downloaded_deleted_and_answered_elsewhere(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        await page.locator("#menu summary").click()
        async with page.expect_download() as downloading:
            await page.get_by_role("link", name="Last ned samtalen").click()
        text = await asyncio.to_thread((await (await downloading.value).path()).read_text, "utf-8")
        assert "Søppel hentes hver onsdag. Se kalenderen (https://kommune.example/avfall)." in text
        await page.locator("#menu summary").click()
        await page.get_by_label("E-postadresse eller mobilnummer").fill("kari@example.com")
        await page.get_by_role("button", name="Lagre").click()
        await expect(page.locator("#status")).to_contain_text("Vi svarer deg der")
        assert [str(address) for _, address in town.house.left] == ["email:kari@example.com"]
        await page.locator("#menu summary").click()
        await page.get_by_role("button", name="Slett samtalen").click()
        await town.house.seen(kept=2)
    assert town.said()[-1] == "SLETT"


async def test_the_conversation_can_be_had_by_mail(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await say(page, "Søppel?")
        await expect(page.locator(".rich")).to_be_visible()
        await page.locator("#menu summary").focus()
        await page.keyboard.press("Enter")
        await page.get_by_label("E-postadresse", exact=True).focus()
        await page.keyboard.type("kari@resident.example")
        await page.keyboard.press("Enter")
        await expect(page.locator("#status")).to_contain_text("får du straks en lenke")
        await expect(page.locator("#text")).to_be_focused()
        [(_, _, key, mail)] = town.house.asked
        assert "Søppel" not in mail.text
        await page.goto(f"{town.page}/mail/{key}")
        assert await barriers(page) == []
        await page.get_by_role("button", name="Send meg samtalen").click()
        await expect(page.get_by_role("heading", name="Samtalen er på vei")).to_be_visible()
    assert "Søppel hentes hver onsdag." in town.house.mailed[key].text


async def test_without_javascript_the_conversation_can_be_had_by_mail(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page, java_script_enabled=False) as page:
        await page.fill("#text", "Søppel?")
        await page.locator("#send").click()
        await page.locator("#menu summary").click()
        await page.get_by_label("E-postadresse", exact=True).fill("kari@b")
        await page.get_by_role("button", name="Send lenken").click()
        await expect(page.locator("#alert")).to_contain_text("ligner ikke en e-postadresse")
        await page.locator("#menu summary").click()
        await page.get_by_label("E-postadresse", exact=True).fill("kari@resident.example")
        await page.get_by_role("button", name="Send lenken").click()
        await expect(page.locator("#status")).to_contain_text("får du straks en lenke")
    assert [str(to) for _, to, _, _ in town.house.asked] == ["email:kari@resident.example"]


async def test_without_javascript_the_whole_conversation_works_with_forms(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page, java_script_enabled=False) as page:
        await page.fill("#text", "Hva koster det?\nFor hytta")
        await page.locator("#send").click()
        await expect(page.locator("#list .bubble")).to_have_count(2)
        await page.get_by_role("button", name=CHOICES[0]).click()
        await expect(page.locator(".rich")).to_contain_text("hver onsdag")
        await page.get_by_role("button", name="Snakk med en person").click()
        await expect(page.locator(".staff")).to_be_in_viewport()
        await page.get_by_role("link", name="Se etter nytt svar").click()
        await expect(page.locator(".staff")).to_be_visible()
        await page.fill("#text", "stille 01019012345")
        await page.locator("#send").click()
        await expect(page.locator("#alert")).to_contain_text("fødselsnummer")
        await page.get_by_label("Send likevel").check()
        await page.locator("#send").click()
        await expect(page.locator("#list .bubble").last).to_have_text("stille 01019012345")
        assert await page.context.cookies() == []
    assert town.said() == ["Hva koster det?\nFor hytta", CHOICES[0], "Snakk med en person", "stille 01019012345"]
    assert len({inbound.sender for inbound in town.house.kept}) == 1


async def test_the_page_without_javascript_has_no_barrier(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.page) as page:
        await page.route("**/widget.js*", lambda route: route.abort())
        await page.goto(town.page)
        await page.fill("#text", "Hva koster det?")
        await page.locator("#send").click()
        await expect(page.locator(".choice")).to_have_count(3)
        assert await barriers(page) == []


COVERED = """() => {
  const button = [...document.querySelectorAll("*")].find((one) => one.shadowRoot).shadowRoot.querySelector("button");
  const box = button.getBoundingClientRect();
  return [...document.querySelectorAll("main li")].filter((li) => {
    const other = li.getBoundingClientRect();
    return box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom;
  }).length;
}"""


@pytest.mark.parametrize("height", [400, 568, 1000])
async def test_at_320_pixels_the_launcher_covers_no_search_result(browser: Browser, town: Town, height: int) -> None:
    async with visit(browser, town, f"{town.site}/search", viewport={"width": 320, "height": height}) as page:
        launcher = page.get_by_role("button", name="Chat med oss")
        await expect(launcher).to_be_visible()
        for _ in range(8):
            assert await page.evaluate(COVERED) == 0
            await page.mouse.wheel(0, 150)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        await launcher.click()
        await expect((await _frame(page)).locator("#text")).to_be_focused()


async def test_a_site_can_put_the_launcher_where_it_wants_it(browser: Browser, town: Town) -> None:
    async with visit(browser, town, f"{town.site}/search?place") as page:
        await expect(page.locator("header").get_by_role("button", name="Chat med oss")).to_be_visible()
        assert await page.evaluate(COVERED) == 0


async def test_the_launcher_is_large_and_opens_at_once(browser: Browser, town: Town) -> None:
    async with visit(browser, town, town.site) as page:
        launcher = page.get_by_role("button", name="Chat med oss")
        box = await launcher.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        await launcher.hover()
        await expect(page.locator("iframe")).to_be_attached()
        elapsed = await page.evaluate(
            """() => {
              const home = [...document.body.children].find((element) => element.shadowRoot);
              const start = performance.now();
              home.shadowRoot.querySelector("button").click();
              return performance.now() - start;
            }"""
        )
        await expect(page.locator("iframe")).to_be_visible()
        assert elapsed < 100
