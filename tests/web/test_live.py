"""The live feed: every event once and in order, however long a browser was away, and nothing of what was said."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from contactbot.clock import now
from contactbot.storage import events, feed
from contactbot.storage.backup import EPOCH
from contactbot.storage.database import Database, open_database
from contactbot.storage.transaction import Transaction
from contactbot.threads import writing
from contactbot.web.live import SIGNED_OUT
from tests.patience import PATIENCE
from tests.web.conftest import HERE, THERE, Client, Letter, Town, text_of

if TYPE_CHECKING:
    from contactbot.storage.feed import Changes


async def cursor_of(client: Client) -> str:
    found = re.search(r'data-cursor="([^"]+)"', await text_of(await client.get("/desk")))
    assert found is not None
    return found[1]


async def connected(town: Town, client: Client, after: str) -> ClientWebSocketResponse:
    return await client.ws_connect(f"/desk/live?after={after}", origin=town.url)


async def heard(socket: ClientWebSocketResponse) -> dict[str, Any]:
    message: dict[str, Any] = await socket.receive_json(timeout=PATIENCE)
    return message


async def polled(client: Client, after: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await text_of(await client.get("/desk/live", params={"after": after})))
    return answer


def told(messages: Iterable[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(change["kind"], change["ticket"]) for message in messages for change in message["changes"]]


async def test_a_change_is_told_at_once_by_kind_and_number_alone(town: Town, kari: Client) -> None:
    socket = await connected(town, kari, await cursor_of(kari))
    number = await town.written("Det er et hull i veien")
    message = await heard(socket)
    assert message.keys() == {"cursor", "reset", "changes"}
    assert message["changes"] == [{"kind": "ticket.opened", "ticket": number}]
    assert "hull" not in json.dumps(message)
    await socket.close()


async def test_staff_see_that_a_resident_writes_in_a_case_of_theirs_and_not_what(town: Town, kari: Client) -> None:
    socket = await connected(town, kari, await cursor_of(kari))
    await town.house.database.jot(writing.tell_of_resident, THERE, 1001)
    await town.house.database.jot(writing.tell_of_resident, HERE, 1002)
    assert await heard(socket) == {"writing": [1002]}
    await socket.close()


async def test_what_happens_between_the_page_and_the_socket_is_not_lost(town: Town, kari: Client) -> None:
    cursor = await cursor_of(kari)
    number = await town.written("Det er et hull i veien")
    socket = await connected(town, kari, cursor)
    assert told([await heard(socket)]) == [("ticket.opened", number)]
    await socket.close()


async def test_a_browser_away_for_ten_minutes_hears_everything_once_and_in_order(town: Town, kari: Client) -> None:
    socket = await connected(town, kari, await cursor_of(kari))
    first = await town.written(Letter("Sak 0", address="+4799999900"))
    last_heard = await heard(socket)
    await socket.close()
    expected = []
    for n in range(1, 450):  # more than two batches
        if n % 30 == 0:
            town.watch.ahead += timedelta(seconds=40)
        await town.house.database.write(_event, HERE, f"ticket.test{n}", first, town.house.clock())
        expected.append((f"ticket.test{n}", first))
    socket = await connected(town, kari, last_heard["cursor"])
    messages: list[dict[str, Any]] = []
    while len(told(messages)) < len(expected):
        messages.append(await heard(socket))
    assert told(messages) == expected
    await town.house.database.write(_event, HERE, "ticket.last", first, town.house.clock())
    assert told([await heard(socket)]) == [("ticket.last", first)]
    await socket.close()


async def test_the_same_is_heard_by_long_polling(town: Town, kari: Client) -> None:
    cursor = await cursor_of(kari)
    numbers = [await town.written(Letter(f"Sak {n}", address=f"+479999990{n}")) for n in range(3)]
    answer = await polled(kari, cursor)
    assert told([answer]) == [("ticket.opened", number) for number in numbers]
    waiting = asyncio.create_task(polled(kari, answer["cursor"]))
    fourth = await town.written(Letter("Sak 4", address="+4799999904"))
    async with asyncio.timeout(PATIENCE):
        assert told([await waiting]) == [("ticket.opened", fourth)]


async def test_delivery_reports_name_the_case_of_their_thread(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    cursor, thread = await cursor_of(kari), (await town.case(number)).threads[0].id
    await town.house.database.write(_delivered, thread, town.house.clock())
    assert told([await polled(kari, cursor)]) == [("delivery.delivered", number)]


@pytest.mark.parametrize(
    "cursor", ["", "nonsense", "0-0", "1-0-0", "0--1-5", "0-0-99999999999999999999", "0-x-1", "٠-0-1"]
)
async def test_a_cursor_that_leads_nowhere_asks_for_a_fresh_page(town: Town, kari: Client, cursor: str) -> None:
    await town.written("Det er et hull i veien")
    answer = await polled(kari, cursor)
    assert answer["reset"]
    assert answer["changes"] == []
    assert answer["cursor"] == await cursor_of(kari)


async def test_after_a_restored_backup_every_page_is_fetched_afresh(town: Town, kari: Client) -> None:
    cursor = await cursor_of(kari)
    await town.house.database.write(_restored)
    answer = await polled(kari, cursor)
    assert answer["reset"]
    assert answer["cursor"].startswith("fresh-")


async def test_nothing_of_another_municipality_is_heard(town: Town, kari: Client) -> None:
    socket = await connected(town, kari, await cursor_of(kari))
    await town.written(Letter("Fra naboen", municipality=THERE, address="+4799999977"))
    ours = await town.written("Fra oss")
    assert told([await heard(socket)]) == [("ticket.opened", ours)]
    await socket.close()


async def test_another_sites_page_cannot_listen(kari: Client) -> None:
    for origin in ("https://evil.example", "null"):
        with pytest.raises(WSServerHandshakeError) as refused:
            await kari.ws_connect("/desk/live?after=0-0-0", origin=origin)
        assert refused.value.status == 403


async def test_nobody_listens_without_signing_in(town: Town) -> None:
    client = town.client()
    with pytest.raises(WSServerHandshakeError):
        await client.ws_connect("/desk/live?after=0-0-0", origin=town.url)
    assert (await client.get("/desk/live?after=0-0-0", headers={"Contactbot-Live": "1"})).status == 401


async def test_the_line_ends_with_the_session(town: Town, kari: Client) -> None:
    socket = await connected(town, kari, await cursor_of(kari))
    town.watch.ahead = timedelta(hours=13)
    await town.written("Noe nytt")
    message = await socket.receive(timeout=PATIENCE)
    assert (message.type, message.data) == (WSMsgType.CLOSE, SIGNED_OUT)


async def test_a_talkative_browser_is_not_listened_to(town: Town, kari: Client) -> None:
    socket = await connected(town, kari, await cursor_of(kari))
    await socket.send_str("x" * 2000)
    assert (await socket.receive(timeout=PATIENCE)).type is WSMsgType.CLOSE


async def test_the_server_stops_quickly_with_browsers_listening(town: Town, kari: Client) -> None:
    sockets = [await connected(town, kari, await cursor_of(kari)) for _ in range(5)]
    async with asyncio.timeout(PATIENCE):
        await town.server.close()
    assert {(await socket.receive(timeout=PATIENCE)).type for socket in sockets} <= {
        WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING,
    }  # fmt: skip


# --- the statements, on both engines ---------------------------------------------------------------------------------


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, now) as opened:
        await opened.write(_founded)
        yield opened


async def everything(database: Database, cursor: str, limit: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    while True:
        changes: Changes = await database.read(feed.after, HERE, cursor, limit)
        found += [(change.kind, change.ticket) for change in changes.changes]
        if not changes.more:
            return found
        cursor = changes.cursor


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_each_event_is_read_once_and_in_order(database: Database, limit: int) -> None:
    cursor = await database.read(feed.end)
    for n in range(20):
        await database.write(_event, HERE, f"n{n}", 1, datetime.now(UTC))
    assert await everything(database, cursor, limit) == [(f"n{n}", 1) for n in range(20)]


async def test_events_of_no_case_move_the_cursor_and_say_nothing(database: Database) -> None:
    cursor = await database.read(feed.end)
    for _ in range(5):
        await database.write(events.record, HERE, datetime.now(UTC), "bot", "entry.saved")
    changes: Changes = await database.read(feed.after, HERE, cursor, 100)
    assert changes.changes == ()
    assert changes.cursor != cursor


async def test_events_written_at_once_are_all_read_exactly_once(database: Database) -> None:
    cursor = await database.read(feed.end)
    writing = [database.write(_event, HERE, f"n{n}", 1, datetime.now(UTC), mode="queue") for n in range(60)]
    together = asyncio.gather(*writing)
    found: list[tuple[str, int]] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < 60:
            changes: Changes = await database.read(feed.after, HERE, cursor, 9)
            found += [(change.kind, change.ticket) for change in changes.changes]
            cursor = changes.cursor
    await together
    assert sorted(found) == sorted((f"n{n}", 1) for n in range(60))
    rest: Changes = await database.read(feed.after, HERE, cursor, 9)
    assert rest.changes == ()


def _founded(tx: Transaction) -> None:
    at = datetime.now(UTC)
    for key in (HERE, THERE):
        tx.execute(
            "INSERT INTO municipality (id, name, country, main_language, time_zone)"
            " VALUES (:id, :id, 'NO', 'nb', 'Europe/Oslo')",
            id=key,
        )
    tx.insert(
        "ticket",
        municipality=HERE,
        number=1,
        title="",
        reason="asked",
        source="sms",
        opened_at=at,
        due_at=at,
        last_at=at,
    )


def _event(tx: Transaction, municipality: str, kind: str, number: int, at: datetime) -> None:
    ticket = tx.value(
        "SELECT id FROM ticket WHERE municipality = :municipality AND number = :number",
        municipality=municipality,
        number=number,
    )
    events.record(tx, municipality, at, "bot", kind, ticket=ticket)


def _delivered(tx: Transaction, thread: int, at: datetime) -> None:
    events.record(tx, HERE, at, "delivery", "delivery.delivered", thread=thread)


def _restored(tx: Transaction) -> None:
    tx.execute("INSERT INTO house_state (name, value) VALUES (:name, 'fresh')", name=EPOCH)
