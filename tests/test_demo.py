"""The demo: it starts whole, its phone and mailbox go through the real channels, and it goes on where it stopped."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from contactbot.clock import now
from contactbot.demo import run, town
from contactbot.handoff import store as tickets
from contactbot.staff.member import Role
from contactbot.storage.transaction import Transaction
from tests.patience import PATIENCE
from tests.peers.chromium import barriers, chromium
from tests.peers.postfix import free_port
from tests.peers.prosody import running_prosody

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOK = 0.03  # seconds between looks
WIDTHS = (1440, 1024, 390, 320)  # CSS pixels


@dataclass(slots=True)
class Demo:
    """The running demo, as somebody at a terminal sees it."""

    url: str
    client: aiohttp.ClientSession
    process: asyncio.subprocess.Process
    printed: str = ""

    async def page(self, path: str = "/demo") -> str:
        """Return a page."""
        async with self.client.get(self.url + path) as answer:
            assert answer.status == 200, (path, answer.status)
            return unescape(await answer.text())

    async def shows(self, words: str, path: str = "/demo") -> str:
        """Wait until a page shows some words, and return it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while words not in (page := await self.page(path)):  # noqa: ASYNC110 - a page cannot tell that it changed
                    await asyncio.sleep(LOOK)
                return page
        except TimeoutError:
            raise AssertionError(f"{path} does not show {words!r}") from None

    async def send(self, path: str, **form: str) -> int:
        """Send a form, and return the status."""
        async with self.client.post(self.url + path, data=form, allow_redirects=False) as answer:
            return answer.status

    async def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            rest, _ = await self.process.communicate()
        self.printed += rest.decode()
        return self.process.returncode or 0


@asynccontextmanager
async def started(folder: Path, port: int) -> AsyncIterator[Demo]:
    """Run `contactbot demo` until the block ends."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("contactbot"), "demo", "--port", str(port), "--data", folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with aiohttp.ClientSession() as client:
            demo = Demo(f"http://127.0.0.1:{port}", client, process)
            async with asyncio.timeout(PATIENCE):
                while "Ctrl-C stops it" not in demo.printed:
                    line = await process.stdout.readline()
                    assert line, f"the demo ended: {demo.printed}"
                    demo.printed += line.decode()
            yield demo
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Demo]:
    async with started(tmp_path_factory.mktemp("demo"), free_port()) as running:
        yield running


async def test_it_prints_where_to_look_and_who_may_sign_in(demo: Demo) -> None:
    for words in (f"{demo.url}/demo", f"{demo.url}/desk", f"{demo.url}/kb", "kari@fjordvik.example", town.PASSWORD):
        assert words in demo.printed
    assert re.search(r"Email +SMTP on 127\.0\.0\.1:\d+", demo.printed)
    assert re.search(r"XMPP +kim@localhost with password \w+|apt-get install prosody", demo.printed)


async def test_there_is_somebody_to_sign_in_for_every_role() -> None:
    assert {person.role for person in town.PEOPLE} == set(Role)


async def test_a_text_from_the_phone_comes_back_answered(demo: Demo) -> None:
    assert await demo.send("/demo/texts", number="+4799999902", body="Når har biblioteket åpent?") == 303
    page = await demo.shows("Automatisk svar fra Fjordvik kommune.", "/demo?number=%2B4799999902")
    assert page.count('data-from="me"') == page.count('data-from="them"') == 1
    assert 'class="bubble"' not in await demo.page("/demo?number=%2B4799999903"), "another phone shows nothing of it"


async def test_a_mail_from_the_mailbox_comes_back_answered_and_can_be_answered(demo: Demo) -> None:
    assert await demo.send("/demo/mails", subject="Barnehage", text="Hvordan søker jeg barnehageplass?") == 303
    page = await demo.shows("Re: Barnehage")
    received = re.search(r'mail=(\d{6}-in\.eml)#mail"(?:(?!</a>).)*Re: Barnehage', page, re.DOTALL)
    assert received is not None
    opened = await demo.page(f"/demo?mail={received[1]}")
    assert "Du søker om barnehageplass i Foreldreportalen" in opened
    answer = {"answered": received[1], "to": "post@fjordvik.example", "subject": "Re: Barnehage", "text": "Menneske"}
    assert await demo.send("/demo/mails", **answer) == 303
    await demo.shows("Jeg har gitt deg videre til en person")
    assert "In-Reply-To:" in await demo.page(f"/demo/mails/{received[1]}")


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/demo/texts", {"number": "'; drop table", "body": "Hei"}, 422),
        ("/demo/texts", {"number": "+4799999902", "body": "   "}, 303),
        ("/demo/mails", {"text": ""}, 422),
        ("/demo/mails", {"text": "Hei", "answered": "../../demo.json"}, 404),
        ("/demo/mails", {"text": "Hei", "to": "ingen@ukjent.example"}, 422),
        ("/demo/mails", {"text": "Hei", "to": "post@fjordvik.example\r\nBcc: x@example.org"}, 422),
    ],
)
async def test_what_cannot_be_sent_is_refused_in_words(
    demo: Demo, path: str, form: dict[str, str], status: int
) -> None:
    assert await demo.send(path, **form) == status


async def test_only_its_own_mails_are_shown_as_they_came(demo: Demo) -> None:
    for name in ("..%2Fdemo.json", "demo.json", "%2Fetc%2Fpasswd"):
        async with demo.client.get(f"{demo.url}/demo/mails/{name}") as answer:
            assert answer.status == 404


async def test_the_page_runs_no_script_of_anybody_elses(demo: Demo) -> None:
    async with demo.client.get(f"{demo.url}/demo") as answer:
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert " style=" not in page


async def test_the_page_keeps_itself_up_to_date_without_barriers_at_any_width(demo: Demo) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        await page.goto(f"{demo.url}/demo?number=%2B4799999904&mail=ny")
        await _ask_by_phone_and_by_mail(page)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await barriers(page) == []
        assert problems == []


async def _ask_by_phone_and_by_mail(page: Page) -> None:
    await page.get_by_label("Tekstmelding", exact=True).fill("Når har biblioteket åpent?")
    await page.keyboard.press("Enter")
    await expect(page.locator('.bubble[data-from="them"]')).to_contain_text("Automatisk svar")
    await expect(page.get_by_label("Tekstmelding", exact=True)).to_have_value("")
    before = await page.locator(".mail-line strong, .mail-line .strong").count()
    await page.get_by_label("Emne").fill("Bibliotek")
    await page.get_by_label("Tekst", exact=True).fill("Når har biblioteket åpent?")
    await page.get_by_role("button", name="Send e-posten").click()
    await expect(page.locator(".mail-line .strong")).to_have_count(before + 1)
    await page.locator(".mail-line").first.click()
    await expect(page.locator(".mail-text")).to_contain_text("Biblioteket")


async def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    port = free_port()
    async with started(tmp_path / "data", port) as demo:
        await demo.send("/demo/texts", number="+4799999905", body="Når har biblioteket åpent?")
        await demo.shows('data-from="them"', "/demo?number=%2B4799999905")
        await demo.send("/demo/mails", subject="Hei", text="Når har biblioteket åpent?")
        await demo.shows("-in.eml")
        assert await demo.interrupt() == 0
        assert "Traceback" not in demo.printed
    async with started(tmp_path / "data", port) as demo:
        page = await demo.page("/demo?number=%2B4799999905")
        assert page.count('class="bubble"') == 2
        assert page.count('class="mail-line"') == 2
        assert await demo.interrupt() == 0


async def test_a_port_that_is_taken_is_said_in_one_line(demo: Demo, tmp_path: Path) -> None:
    port = demo.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("contactbot"), "demo", "--port", port, "--data", tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith(f"contactbot: listen: 127.0.0.1:{port} cannot be had"), said.decode()
    assert said.count(b"\n") == 1


async def test_its_month_has_cases_in_every_state_and_nothing_left_to_send(tmp_path: Path) -> None:
    async with run.running(tmp_path, free_port()) as demo:
        views, channels, waiting, latest = await demo.house.database.read(_look)
    assert all(views.values()), views
    assert channels >= {"webchat", "email", "sms", "phone", "letter", "counter"}
    assert waiting == 0, "history is never sent"
    assert latest <= now().isoformat()


async def test_without_prosody_it_runs_and_says_how_to_get_xmpp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "find", lambda: None)
    port = free_port()
    async with run.running(tmp_path, port) as demo, aiohttp.ClientSession() as client:
        assert set(demo.house.channels) == {"webchat", "sms", "email"}
        async with client.get(f"http://127.0.0.1:{port}/demo") as answer:
            assert "apt-get install prosody" in await answer.text()


def _look(tx: Transaction) -> tuple[dict[str, int], set[str], int, str]:
    kari = tx.value("SELECT id FROM staff WHERE email = 'kari@fjordvik.example'")
    return (
        tickets.counts(tx, town.KEY, kari, now()),
        {row[0] for row in tx.rows("SELECT DISTINCT channel FROM thread")},
        tx.value("SELECT count(*) FROM outbox WHERE state IN ('held', 'queued', 'sending')"),
        tx.value("SELECT max(created_at) FROM message"),
    )


async def test_the_xmpp_server_keeps_everything_in_the_folder_it_was_given(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "xmpp"
    folder.parent.mkdir(mode=0o700)
    with running_prosody(folder) as server:
        assert server.folder == folder
        assert {"data", "prosody.log"} <= {path.name for path in folder.iterdir()}
    assert "error" not in (folder / "prosody.log").read_text("utf-8")
