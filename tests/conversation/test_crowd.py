"""Many strangers at once neither fill the inbox nor keep the bot from those it knows; nothing they write is lost."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.base import Abilities
from contactbot.channels.loopback import LoopbackChannel
from contactbot.conversation.crowd import Crowd
from contactbot.handoff.strangers import store as strangers
from contactbot.messages import Address, Inbound, Length
from tests.conversation.town import HERE, MONDAY, Town, running

CAREFUL = Abilities(Length.CHAT, "loopback", strangers_per_hour=5, strangers_per_server=3)
QUESTION = "når åpner biblioteket"
NOBODY_KNOWS = "Kan dere flytte grensesteinen ved låven min?"  # becomes work for people


@pytest.fixture
def careful(town_on_both: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Return the town, whose channel takes up three strangers of one server and five of all in an hour."""
    monkeypatch.setattr(LoopbackChannel, "abilities", property(lambda _: CAREFUL))
    return town_on_both


async def crowd(town: Town, text: str = NOBODY_KNOWS, size: int = 30, server: str = "hostile.example") -> list[object]:
    """Have strangers of one server write once each; return what became of it."""
    return [(await town.say(text, f"s{number}@{server}"))["rule"] for number in range(size)]


async def test_one_servers_many_addresses_become_a_few_cases_and_one_that_tells_of_the_rest(careful: Town) -> None:
    rules = await crowd(careful)
    assert rules == ["unsure"] * 3 + ["crowd"] * 27
    assert await careful.tickets() == 3 + 1
    notice = await careful.ticket(1004)
    assert (notice.reason, "satt til side" in notice.title) == ("strangers", True)


async def test_what_is_set_aside_is_kept_countable_and_not_answered(careful: Town) -> None:
    await crowd(careful)
    kept = await careful.house.database.read(lambda tx: tx.value("SELECT count(*) FROM message WHERE text LIKE 'Kan%'"))
    listed = await careful.house.database.read(strangers.listed, HERE, 100)
    assert kept == 30
    assert await careful.house.database.read(strangers.count, HERE, 1000) == len(listed) == 26
    assert (listed[0].resident, listed[0].text) == ("s29@hostile.example", NOBODY_KNOWS)
    assert await careful.silent("s29@hostile.example")


async def test_a_resident_somebody_answered_before_is_answered_whoever_else_writes(careful: Town) -> None:
    await careful.ask(QUESTION, "kari@home.example")
    await crowd(careful, size=20)
    await crowd(careful, size=20, server="another.example")
    assert "10-19" in await careful.ask(QUESTION, "kari@home.example")


async def test_a_hostile_server_uses_up_its_own_share_and_not_the_others(careful: Town) -> None:
    await crowd(careful, size=20)
    assert "10-19" in await careful.ask(QUESTION, "ola@home.example")


async def test_who_was_set_aside_is_answered_when_the_crowd_has_gone_and_waits_no_longer(careful: Town) -> None:
    await crowd(careful, size=8)
    careful.watch.at = MONDAY.replace(hour=11)
    assert "10-19" in await careful.ask(QUESTION, "s7@hostile.example")
    listed = await careful.house.database.read(strangers.listed, HERE, 100)
    assert "s7@hostile.example" not in {one.resident for one in listed}


async def test_danger_is_heard_in_any_crowd(careful: Town) -> None:
    await crowd(careful, size=10)
    assert (await careful.say("jeg vil ta livet mitt", "new@hostile.example"))["outcome"] == "acute"


async def test_once_staff_have_closed_the_case_that_told_of_a_crowd_the_next_one_tells_anew(careful: Town) -> None:
    await crowd(careful, size=8)
    assert await careful.tickets() == 4
    await careful.house.database.write(lambda tx: tx.execute("UPDATE ticket SET state = 'closed' WHERE number = 1004"))
    await careful.say(NOBODY_KNOWS, "late@hostile.example")
    assert await careful.tickets() == 5


async def test_a_restart_begins_no_new_hour(careful: Town, database_url: str, tmp_path: Path) -> None:
    await crowd(careful, size=8)
    async with running(database_url, tmp_path) as later:
        assert (await later.say(NOBODY_KNOWS, "new@hostile.example"))["rule"] == "crowd"
        assert await crowd(later, size=4, server="another.example") == ["unsure"] * 2 + ["crowd"] * 2
        later.watch.at = MONDAY.replace(hour=11)
        assert await crowd(later, size=4, server="third.example") == ["unsure"] * 3 + ["crowd"]


async def test_who_was_taken_up_an_hour_ago_is_not_counted_after_a_restart(
    careful: Town, database_url: str, tmp_path: Path
) -> None:
    await crowd(careful, size=8)
    async with running(database_url, tmp_path) as later:
        later.watch.at = MONDAY.replace(hour=11)
        assert await crowd(later, size=4, server="another.example") == ["unsure"] * 3 + ["crowd"]


def test_machines_take_no_room_and_spam_takes_none_of_the_residents() -> None:
    room = Crowd(lambda: 0.0)
    message = Inbound("email", "post@ours", Address("email", "x@a"), "", "", MONDAY)
    assert all(room.has_room(replace(message, automatic="a bounce"), CAREFUL) for _ in range(20))
    assert [room.has_room(replace(message, spam="yes"), CAREFUL) for _ in range(5)].count(True) == 3
    assert [room.has_room(message, CAREFUL) for _ in range(5)].count(True) == 3


async def test_a_channel_that_counts_no_strangers_takes_up_all_of_them(town: Town) -> None:
    assert await crowd(town, QUESTION, size=10) == ["sure"] * 10


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "ours"]), st.integers(0, 3600)), max_size=60))
def test_no_hour_takes_up_more_strangers_than_twice_the_bound(arrivals: list[tuple[str, int]]) -> None:
    now = 0.0
    room = Crowd(lambda: now)
    taken: list[tuple[float, str]] = []
    for server, pause in arrivals:
        now += pause / 20
        inbound = Inbound("xmpp", "hei@ours", Address("xmpp", f"x@{server}"), "", "", MONDAY)
        if room.has_room(inbound, CAREFUL):
            taken.append((now, server))
    for end, _ in taken:
        hour = [server for at, server in taken if end - 3600 < at <= end]
        assert len(hour) <= 2 * 5
        assert all(hour.count(server) <= 2 * 3 for server in ("a", "b"))
