"""Staff find what strangers wrote in a crowd, and make a case of what is one."""

import re

from contactbot.handoff.strangers import store as strangers
from contactbot.messages import Address, Author
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage
from tests.web.conftest import HERE, THERE, Client, Town, text_of


def set_aside(tx: Transaction, municipality: str, resident: str, text: str, town: Town) -> int:
    """Keep one stranger's words as the conversation does in a crowd; return the thread."""
    now = town.house.clock()
    account = tx.value("SELECT min(id) FROM account WHERE municipality = :here", here=municipality)
    address = threads.keep_address(tx, municipality, Address("xmpp", resident), "", now)
    thread = threads.open_thread(tx, municipality, account, address, "xmpp", "", "nb", now)
    threads.append(tx, municipality, thread.id, NewMessage(Author.RESIDENT, text, "nb", now))
    strangers.set_aside(tx, thread.id, now)
    return thread.id


async def test_what_is_set_aside_is_shown_escaped_and_can_be_made_a_case_once(either_town: Town) -> None:
    town, kari = either_town, await either_town.signed_in()
    write = town.house.database.write
    await write(set_aside, HERE, "ola@hostile.example", "<b>Taket lekker</b>", town)
    thread = await write(set_aside, HERE, "eva@hostile.example", "Hull i veien", town)
    page = await text_of(await kari.get("/desk/strangers"))
    assert "&lt;b&gt;Taket lekker&lt;/b&gt;" in page
    key = re.search(rf'strangers/{thread}"><input type="hidden" name="key" value="([^"]+)"', page)
    assert key is not None
    made = await kari.post(f"/desk/strangers/{thread}", data={"key": key[1]}, allow_redirects=False)
    assert made.status == 303
    assert "Hull i veien" in await text_of(await kari.get(made.headers["Location"]))
    page = await text_of(await kari.get("/desk/strangers"))
    assert "eva@hostile.example" not in page
    assert "ola@hostile.example" in page
    assert (await kari.post(f"/desk/strangers/{thread}", data={"key": "another"})).status == 404


async def test_nobody_sees_or_takes_up_what_another_municipality_set_aside(town: Town, kari: Client) -> None:
    thread = await town.house.database.write(set_aside, THERE, "ola@hostile.example", "Hemmelig", town)
    assert "Hemmelig" not in await text_of(await kari.get("/desk/strangers"))
    assert (await kari.post(f"/desk/strangers/{thread}", data={"key": "k"})).status == 404


async def test_only_those_who_are_signed_in_see_it(town: Town) -> None:
    answer = await town.client().get("/desk/strangers", allow_redirects=False)
    assert answer.status in (302, 303)


async def test_the_inbox_leads_to_what_is_set_aside_while_there_is_any(town: Town, kari: Client) -> None:
    assert 'href="/desk/strangers"' not in await text_of(await kari.get("/desk"))
    await town.house.database.write(set_aside, HERE, "ola@hostile.example", "Taket lekker", town)
    page = await text_of(await kari.get("/desk"))
    assert re.search(r'href="/desk/strangers"[^>]*><span>Satt til side</span> <span class="count">1<', page)
