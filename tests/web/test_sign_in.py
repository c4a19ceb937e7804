"""Staff, and nobody else, get in; sessions end; guessing is slowed down."""

import hashlib
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from contactbot.privacy.retention import job
from contactbot.staff.member import ATTEMPT_WINDOW, ATTEMPTS, SESSION_LIFE, SESSION_REST
from contactbot.storage.transaction import Transaction
from tests.web.conftest import HERE, PASSWORD, Client, Town, configuration, running, text_of

KARI = {"email": "kari@fjordvik.example", "password": PASSWORD}


def sessions(tx: Transaction) -> list[str]:
    return [row[0] for row in tx.rows("SELECT token_hash FROM session ORDER BY created_at")]


def attempts(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM sign_in_attempt"))


async def sign_in(client: Client, **fields: str) -> int:
    return (await client.post("/sign-in", data=KARI | fields, allow_redirects=False)).status


async def test_the_right_password_leads_to_the_inbox(town: Town) -> None:
    answer = await town.client().post("/sign-in", data=KARI, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk")


async def test_the_name_may_be_written_in_capitals(town: Town) -> None:
    assert await sign_in(town.client(), email=" Kari@Fjordvik.EXAMPLE ") == 303


async def test_a_wrong_password_and_a_wrong_name_get_the_same_words(town: Town) -> None:
    client = town.client()
    wrong = await text_of(await client.post("/sign-in", data=KARI | {"password": "not this one"}), 422)
    unknown = await text_of(await client.post("/sign-in", data={"email": "nobody@x.example", "password": "x"}), 422)
    assert "E-postadressen eller passordet er feil" in wrong
    assert unknown.replace("nobody@x.example", "") == wrong.replace("kari@fjordvik.example", "")


async def test_only_the_hash_of_the_token_is_kept(town: Town) -> None:
    client = town.client()
    answer = await client.post("/sign-in", data=KARI, allow_redirects=False)
    token = answer.cookies["contactbot"].value
    assert await town.house.database.read(sessions) == [hashlib.sha256(token.encode()).hexdigest()]
    assert len(token) * 6 >= 256


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(town: Town) -> None:
    answer = await town.client().post("/sign-in", data=KARI, allow_redirects=False)
    cookie = answer.cookies["contactbot"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")


async def test_over_tls_the_cookie_is_secure_and_pinned_to_the_host(sqlite_url: str, tmp_path: Path) -> None:
    settings = configuration(tmp_path, database=sqlite_url, public_url="https://kontakt.fjordvik.example")
    async with running(settings) as town:
        answer = await town.client().post("/sign-in", data=KARI, allow_redirects=False)
        cookie = answer.cookies["__Host-contactbot"]
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


async def test_each_sign_in_has_a_fresh_token_and_ends_the_one_before(town: Town) -> None:
    client = town.client()
    await sign_in(client)
    first = await town.house.database.read(sessions)
    await sign_in(client)
    second = await town.house.database.read(sessions)
    assert len(second) == 1
    assert first != second


async def test_a_token_that_came_from_elsewhere_is_never_made_a_session(town: Town) -> None:
    client = town.client(Cookie="contactbot=planted")
    answer = await client.post("/sign-in", data=KARI, allow_redirects=False)
    assert answer.cookies["contactbot"].value != "planted"


async def test_signing_out_ends_the_session_in_the_store(town: Town, kari: Client) -> None:
    cookie = next(iter(kari.session.cookie_jar))
    page = await text_of(await kari.post("/sign-out"))
    assert "Du er logget ut" in page
    assert await town.house.database.read(sessions) == []
    stolen = town.client(Cookie=f"{cookie.key}={cookie.value}")
    assert (await stolen.get("/desk", allow_redirects=False)).status == 303


async def test_a_session_ends_after_a_working_day(town: Town, kari: Client) -> None:
    for _ in range(int(SESSION_LIFE / timedelta(hours=1)) - 1):
        town.watch.ahead += timedelta(hours=1)
        assert (await kari.get("/desk", allow_redirects=False)).status == 200
    town.watch.ahead += timedelta(hours=1)
    assert (await kari.get("/desk", allow_redirects=False)).status == 303


async def test_a_session_ends_when_nobody_uses_it(town: Town, kari: Client) -> None:
    town.watch.ahead = SESSION_REST + timedelta(seconds=1)
    assert (await kari.get("/desk", allow_redirects=False)).status == 303


async def test_nothing_is_kept_of_sessions_and_attempts_that_are_over(town: Town) -> None:
    await sign_in(town.client(), password="a guess of mine")
    await sign_in(town.client())
    town.watch.ahead = timedelta(days=1)
    await sign_in(town.client())
    await job.run(town.house.database, town.house.municipalities[HERE], town.house.clock())
    assert len(await town.house.database.read(sessions)) == 1
    assert await town.house.database.read(attempts) == 2  # the last one, counted before and noted after


async def test_what_a_page_fetches_by_itself_keeps_no_session_alive(town: Town, kari: Client) -> None:
    town.watch.ahead = SESSION_REST - timedelta(minutes=5)
    assert (await kari.get("/desk", headers={"Contactbot-Live": "1"})).status == 200
    town.watch.ahead = SESSION_REST + timedelta(seconds=1)
    assert (await kari.get("/desk", allow_redirects=False)).status == 303


async def test_guessing_one_name_is_stopped_and_said(town: Town) -> None:
    client = town.client()
    for _ in range(ATTEMPTS):
        assert await sign_in(client, password="a guess of mine") == 422
    page = await text_of(await client.post("/sign-in", data=KARI), 429)
    assert "for mange feil passord. Vent 15 minutter" in page


async def test_the_stop_is_lifted_after_a_while(town: Town) -> None:
    client = town.client()
    for _ in range(ATTEMPTS):
        await sign_in(client, password="a guess of mine")
    town.watch.ahead = ATTEMPT_WINDOW + timedelta(seconds=1)
    assert await sign_in(client) == 303


async def test_right_passwords_are_never_counted(town: Town) -> None:
    for _ in range(ATTEMPTS + 2):
        assert await sign_in(town.client()) == 303


async def test_guessing_many_names_from_one_address_is_stopped(town: Town) -> None:
    client = town.client()
    answers = [await sign_in(client, email=f"somebody{n}@fjordvik.example") for n in range(55)]
    assert answers[:50] == [422] * 50
    assert answers[50:] == [429] * 5


async def test_a_proxy_names_the_address_only_where_it_is_trusted(town: Town) -> None:
    for n in range(50):
        await sign_in(town.client(**{"X-Forwarded-For": "203.0.113.9"}), email=f"s{n}@fjordvik.example")
    assert await sign_in(town.client(**{"X-Forwarded-For": "203.0.113.9"})) == 429
    assert await sign_in(town.client(**{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"})) == 303


async def test_one_comes_back_to_where_one_wanted_to_go(town: Town) -> None:
    client = town.client()
    sent = await client.get("/desk?view=late", allow_redirects=False)
    assert parse_qs(urlsplit(sent.headers["Location"]).query) == {"next": ["/desk?view=late"]}
    page = await text_of(await client.get(sent.headers["Location"]))
    assert 'name="next" value="/desk?view=late"' in page
    answer = await client.post("/sign-in", data=KARI | {"next": "/desk?view=late"}, allow_redirects=False)
    assert answer.headers["Location"] == "/desk?view=late"


async def test_nobody_is_led_to_another_site_after_signing_in(town: Town) -> None:
    for trap in ("https://evil.example/desk", "//evil.example/desk", "/\\evil.example", "javascript:alert(1)", "/", ""):
        answer = await town.client().post("/sign-in", data=KARI | {"next": trap}, allow_redirects=False)
        assert answer.headers["Location"] == "/desk"


async def test_a_reply_written_while_the_session_ended_is_shown_not_lost(town: Town) -> None:
    page = await text_of(
        await town.client().post("/desk/tickets/1001/replies", data={"text": "Vi kommer <snart>"}), 401
    )
    assert "Vi kommer &lt;snart&gt;" in page


async def test_no_door_is_left_open(town: Town) -> None:
    """Every route of staff asks who it is and what for, whoever adds it."""
    open_doors = []
    for route in town.server.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        is_staff = path.startswith(("/desk", "/kb", "/raw"))
        if is_staff and not hasattr(route.handler, "role"):
            open_doors.append(f"{route.method} {path}")
    assert open_doors == []
