"""What every request must pass and every response carries."""

from io import BytesIO
from pathlib import Path

import pytest

from contactbot.errors import ConflictError, NotAllowedError, NotFoundError, StoreBusyError
from contactbot.web import security
from contactbot.web.server import LONGEST_FORM
from tests.web.conftest import Client, Town, configuration, running, text_of

PAGES = ("/sign-in", "/desk", "/desk/contacts", "/static/house.css", "/healthz", "/nowhere")


@pytest.mark.parametrize("path", PAGES)
async def test_every_response_carries_the_headers(kari: Client, path: str) -> None:
    headers = (await kari.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_runs_what_is_not_ours(kari: Client, path: str) -> None:
    policy = (await kari.get(path)).headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ["/sign-in", "/desk", "/desk/tickets/1001", "/desk/contacts"])
async def test_no_page_needs_inline_style_or_script(town: Town, kari: Client, path: str) -> None:
    await town.written("Hva koster det?")
    text = await text_of(await kari.get(path))
    assert " style=" not in text
    assert "<style" not in text
    assert "<script>" not in text
    assert " onclick=" not in text


async def test_pages_of_staff_are_kept_by_no_cache(kari: Client) -> None:
    for path in ("/desk", "/sign-in", "/desk/contacts"):
        assert (await kari.get(path)).headers["Cache-Control"] == "no-store"


async def test_over_tls_browsers_are_told_to_stay_there(sqlite_url: str, tmp_path: Path) -> None:
    settings = configuration(tmp_path, database=sqlite_url, public_url="https://kontakt.fjordvik.example")
    async with running(settings) as town:
        headers = (await town.client().get("/sign-in")).headers
        assert headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"}, 403),
        ({"Origin": "HERE"}, 303),
        ({"Origin": "http://127.0.0.1"}, 303),  # the public address
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({}, 303),  # no browser
    ],
)
async def test_another_sites_page_can_change_nothing(
    town: Town, kari: Client, headers: dict[str, str], status: int
) -> None:
    number = await town.written("Hva koster det?")
    sent = {name: town.url if value == "HERE" else value for name, value in headers.items()}
    answer = await kari.post(f"/desk/tickets/{number}/claim", headers=sent, allow_redirects=False)
    assert answer.status == status
    assert ((await town.case(number)).ticket.assignee is not None) == (status == 303)


async def test_another_sites_page_may_not_even_sign_somebody_in(town: Town) -> None:
    form = {"email": "kari@fjordvik.example", "password": "x"}
    answer = await town.client().post("/sign-in", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403


async def test_signed_webhooks_and_the_chat_check_for_themselves(town: Town) -> None:
    for path in ("/channels/sms/inbound", "/chat/fjordvik"):
        answer = await town.client().post(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status == 404  # no such channel in this house; the rule let it through
        assert "text/plain" in answer.headers["Content-Type"]


@pytest.mark.parametrize(
    "path", ["/desk", "/kb", "/desk/live", "/desk/tickets/1001", "/sign-in", "/raw/tickets/1/messages/1/original"]
)
async def test_the_desk_lives_only_at_its_own_address(sqlite_url: str, tmp_path: Path, path: str) -> None:
    settings = configuration(tmp_path, database=sqlite_url, desk_url="http://desk.fjordvik.example")
    async with running(settings) as town:
        client = town.client()
        assert (await client.get(path, allow_redirects=False)).status == 404
        at_desk = await client.get(path, headers={"Host": "desk.fjordvik.example"}, allow_redirects=False)
        assert at_desk.status in (200, 303, 404, 405)
        if path in ("/desk", "/sign-in"):
            assert at_desk.status != 404


def test_paths_that_only_look_like_the_desk_are_not_its() -> None:
    assert security.is_staff_only("/desk")
    assert security.is_staff_only("/desk/tickets/7")
    assert not security.is_staff_only("/deskundig")
    assert not security.is_staff_only("/svar/desk")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotFoundError("x"), 404, "Fant ikke siden"),
        (NotAllowedError("x"), 403, "Ikke tilgang"),
        (ConflictError("x"), 409, "Noen kom deg i forkjøpet"),
        (StoreBusyError("x"), 503, "Ingenting er tapt. Prøv igjen"),
        (RuntimeError("secret detail"), 500, "Noe gikk galt hos oss"),
    ],
)
async def test_errors_are_told_in_words_and_without_details(
    town: Town, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    monkeypatch.setattr("contactbot.web.sign_in.page", lambda *_args, **_more: (_ for _ in ()).throw(error))
    answer = await town.client().get("/sign-in")
    text = await text_of(answer, status)
    assert words in text
    assert "secret detail" not in text
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)


async def test_a_form_that_is_too_large_is_refused_in_words(kari: Client, town: Town) -> None:
    number = await town.written("Hva koster det?")
    body = BytesIO(b"text=" + b"a" * LONGEST_FORM)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await kari.post(f"/desk/tickets/{number}/notes", data=body, headers=form)
    assert "For stort" in await text_of(answer, 413)


async def test_a_wrong_method_names_the_right_ones(kari: Client) -> None:
    answer = await kari.delete("/sign-in")
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(",")) >= {"GET", "POST"}


async def test_static_files_are_named_by_their_content_and_kept(kari: Client) -> None:
    text = await text_of(await kari.get("/sign-in"))
    address = next(part for part in text.split('"') if part.startswith("/static/house.css?v="))
    answer = await kari.get(address)
    assert "immutable" in answer.headers["Cache-Control"]
    again = await kari.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/", "/static/vendor/versions.json"]
)
async def test_nothing_but_the_static_files_is_given(kari: Client, path: str) -> None:
    assert (await kari.get(path)).status == 404


async def test_staff_without_the_role_are_refused(town: Town) -> None:
    """A member of staff is no editor; the page says so, and the sign-in is not asked for again."""
    routes = [route for route in town.server.app.router.routes() if getattr(route.handler, "role", None) == "editor"]
    kari = await town.signed_in()
    for route in routes:
        path = route.resource.canonical if route.resource else ""
        if route.method == "GET" and "{" not in path:
            assert "Ikke tilgang" in await text_of(await kari.get(path), 403)
