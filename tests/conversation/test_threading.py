"""Which conversation a message belongs to, and who may lead it there: what the core decides for every channel."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from contactbot.conversation.knowledge import Bases
from contactbot.conversation.understand import Knowledge
from contactbot.handoff import desk
from contactbot.messages import Accepted, Address, Author, Folded, Inbound
from contactbot.privacy.erasures import forgetting
from contactbot.privacy.erasures.erasure import Order
from contactbot.web.timeline import Said, timeline
from tests.conversation.town import HERE, Town, running

MAIL: dict[str, Any] = {
    "loopback": {"municipality": HERE},
    "email": {
        "accounts": [
            {"address": "post@fjordvik.example", "municipality": HERE},
            {"address": "teknisk@fjordvik.example", "municipality": HERE},
            {"address": "post@nabo.example", "municipality": "nabo"},
        ],
        "listen": {"port": 0},
    },
}
BOTH = {HERE: {"name": "Fjordvik kommune"}, "nabo": {"name": "Nabo kommune"}}
QUESTION = "kan dere hjelpe meg med en arv fra utlandet"


@pytest.fixture
async def town(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Run a house with two mailboxes and a neighbour's, that sends nothing."""
    async with running(sqlite_url, tmp_path, deliver=False, channels=MAIL, municipalities=BOTH) as started:
        yield started


async def mail(
    town: Town,
    number: str,
    sender: str = "kari@example.org",
    to: str = "post@fjordvik.example",
    **more: Any,  # noqa: ANN401 - any field
) -> Accepted:
    """Receive a mail of a proven sender."""
    values: dict[str, Any] = {"text": QUESTION, "fingerprint": f"hash-{number}", "authenticated": True} | more
    inbound = Inbound(
        channel="email", account=to, sender=Address("email", sender), external_id=f"<{number}@example.org>",
        received_at=town.watch(), raw=number.encode(), **values,
    )  # fmt: skip
    return await town.house.receptions["email"].receive(inbound)


async def count(town: Town, table: str) -> int:
    """Return how many rows a table has."""
    statements = {"ticket": "SELECT count(*) FROM ticket", "outbox": "SELECT count(*) FROM outbox"}
    found: int = await town.house.database.read(lambda tx: tx.value(statements[table]))
    return found


async def test_any_known_reference_joins_also_behind_unknown_ones(town: Town) -> None:
    first = await mail(town, "1")
    second = await mail(town, "2", refs=("<1@example.org>", "<unknown@example.org>"))
    assert second.thread == first.thread
    assert await count(town, "ticket") == 1


async def test_a_new_mail_without_reference_is_a_new_conversation(town: Town) -> None:
    assert (await mail(town, "1")).thread != (await mail(town, "2")).thread


async def test_a_token_we_signed_finds_the_thread_when_every_identifier_was_rewritten(town: Town) -> None:
    first = await mail(town, "1")
    assert (await mail(town, "2", thread=first.thread)).thread == first.thread


async def test_somebody_else_who_writes_in_a_conversation_is_named_to_staff(town: Town) -> None:
    first = await mail(town, "1")
    await mail(town, "2", "ola@example.org", thread=first.thread)
    case: desk.Case = await town.house.database.read(desk.case, HERE, 1001)
    assert [one.sender for one in case.messages if one.author is Author.RESIDENT] == ["", "email:ola@example.org"]
    said = [one for one in timeline(case, frozenset(), UTC) if isinstance(one, Said)]
    assert [one.name for one in said if one.message.sender] == ["ola@example.org (annen avsender)"]


async def test_two_who_answer_one_circular_are_two_conversations(town: Town) -> None:
    circular = "<circular@fjordvik.example>"
    kari = await mail(town, "1", refs=(circular,))
    ola = await mail(town, "2", "ola@example.org", refs=(circular,))
    assert kari.thread != ola.thread
    assert (await mail(town, "3", refs=(circular,))).thread == kari.thread


async def test_a_forged_reference_never_leads_into_another_residents_thread(town: Town) -> None:
    kari = await mail(town, "1")
    thief = await mail(town, "2", "thief@example.org", refs=("<1@example.org>",), subject="Sak 1001")
    assert thief.thread != kari.thread
    assert await count(town, "ticket") == 2


async def test_mails_that_share_a_reference_we_never_saw_and_a_sender_are_one_case(town: Town) -> None:
    first = await mail(town, "1", refs=("<lost@example.org>",))
    assert (await mail(town, "2", refs=("<lost@example.org>",))).thread == first.thread
    assert await count(town, "ticket") == 1


@pytest.mark.parametrize("parallel", [False, True])
async def test_one_mail_to_two_of_our_addresses_is_one_case_and_one_reply(town: Town, *, parallel: bool) -> None:
    both = [mail(town, "1", to=to) for to in ("post@fjordvik.example", "teknisk@fjordvik.example")]
    accepted = list(await asyncio.gather(*both)) if parallel else [await one for one in both]
    assert sorted(one.duplicate for one in accepted) == [False, True]
    assert (await count(town, "ticket"), await count(town, "outbox")) == (1, 1)


async def test_one_mail_to_two_municipalities_is_a_case_in_each(town: Town) -> None:
    here = await mail(town, "1")
    there = await mail(town, "1", to="post@nabo.example")
    assert (here.duplicate, there.duplicate) == (False, False)
    assert here.thread != there.thread


async def test_a_token_of_one_municipality_opens_nothing_in_another(town: Town) -> None:
    here = await mail(town, "1")
    there = await mail(town, "2", to="post@nabo.example", thread=here.thread, refs=("<1@example.org>",))
    assert there.thread != here.thread


async def test_an_identifier_without_fingerprint_is_one_message_of_its_own_account_only(town: Town) -> None:
    first = await mail(town, "1", fingerprint="")
    again = await mail(town, "1", fingerprint="")
    other = await mail(town, "1", fingerprint="", to="teknisk@fjordvik.example")
    assert (again.message, again.duplicate, other.duplicate) == (first.message, True, False)


async def test_the_same_identifier_with_other_words_is_another_message(town: Town) -> None:
    await mail(town, "1")
    assert not (await mail(town, "1", fingerprint="another")).duplicate


async def test_somebody_else_with_the_token_reaches_the_case_and_gets_nothing_and_commands_nothing(town: Town) -> None:
    kari = await mail(town, "1")
    before = await count(town, "outbox")
    for number, text in enumerate(("STOPP", "SLETT", "når åpner biblioteket", "STATUS"), start=2):
        accepted = await mail(town, str(number), "ola@example.org", thread=kari.thread, text=text)
        assert accepted.thread == kari.thread
    assert await count(town, "outbox") == before
    assert await count(town, "ticket") == 1
    await town.do(desk.reply, 1001, "Hei Kari", town.actor())
    case = await town.case()
    assert [str(address) for address in case.addresses] == ["email:kari@example.org"]


async def test_a_sender_who_is_not_proven_gets_no_answer_and_is_not_obeyed(town: Town) -> None:
    await mail(town, "1", authenticated=False, text="STOPP")
    await mail(town, "2", authenticated=False, text="når åpner biblioteket")
    assert await count(town, "outbox") == 0
    assert await count(town, "ticket") == 2


async def test_a_machines_mail_joins_its_thread_and_moves_nothing(town: Town) -> None:
    first = await mail(town, "1")
    before = await town.ticket()
    assert (await mail(town, "2", refs=("<1@example.org>",), automatic="auto-submitted")).thread == first.thread
    after = await town.ticket()
    assert (after.state, after.due_at, after.last_at, after.version) == (
        before.state, before.due_at, before.last_at, before.version,
    )  # fmt: skip
    assert await count(town, "outbox") == 1


async def test_staff_answer_as_a_reply_to_the_residents_last_mail(town: Town) -> None:
    await mail(town, "1", subject="Arv")
    await mail(town, "2", refs=("<1@example.org>",), subject="Arv")
    await town.do(desk.reply, 1001, "Hei", town.actor())
    row = await town.house.database.read(
        lambda tx: tx.row("SELECT in_reply_to, subject FROM outbox ORDER BY id DESC LIMIT 1")
    )
    assert row == ("<2@example.org>", "Arv")


async def test_an_address_typed_in_a_chat_merges_and_shows_nothing(town: Town) -> None:
    await mail(town, "1")
    await town.channel.say("jeg heter kari@example.org, hva med saken min 1001")
    rows = await town.house.database.read(lambda tx: tx.rows("SELECT ticket, thread FROM ticket_thread"))
    assert len({thread for _, thread in rows}) == len(rows)
    [said] = await town.house.database.read(
        lambda tx: tx.rows("SELECT text FROM message WHERE author = 'bot' AND thread = 2")
    )
    assert "arv" not in said[0].lower()


async def test_what_is_folded_away_is_masked_too(town: Town) -> None:
    await mail(town, "1", folded=(Folded("Fødselsnummer 01010750160", "signature"),))
    folded = await town.house.database.read(lambda tx: tx.value("SELECT folded FROM message WHERE position = 1"))
    assert "01010750160" not in folded


async def test_a_language_the_bot_does_not_speak_becomes_a_case(town: Town) -> None:
    await mail(town, "1", text="Dzień dobry, czy mogę prosić o pomoc w sprawie przedszkola dla mojego dziecka?")
    assert (await town.ticket()).topic == "polsk"


@pytest.mark.parametrize("by", [{"automatic": "auto-submitted"}, {"authenticated": False}, {"spam": "x-spam-flag"}])
async def test_only_the_residents_own_words_settle_the_language_of_a_conversation(
    town: Town, by: dict[str, Any]
) -> None:
    first = await mail(town, "1")
    english = "I am out of the office until Monday and will read your message when I am back."
    await mail(town, "2", refs=("<1@example.org>",), text=english, **by)
    assert await _language(town, first.thread) == "nb"
    await mail(town, "3", refs=("<1@example.org>",), text=english)
    assert await _language(town, first.thread) == "en"


async def test_danger_told_from_another_address_is_an_urgent_case_and_no_help_lines_for_who_did_not_write(
    town: Town,
) -> None:
    kari = await mail(town, "1")
    before = await count(town, "outbox")
    await mail(town, "2", "ola@example.org", thread=kari.thread, text="jeg vil ta livet mitt")
    assert (await town.ticket()).priority == "urgent"
    assert await count(town, "outbox") == before


async def test_a_mail_that_meets_the_forgetting_of_its_sender_is_kept_in_a_conversation_of_its_own(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await mail(town, "1")
    await mail(town, "2")  # another conversation, so that the first one rests
    current, now = Bases.current, town.watch()

    async def meanwhile(bases: Bases, municipality: str, revision: int) -> Knowledge:
        """Begin to forget the sender while the mail has been read and not yet written."""
        monkeypatch.undo()
        await town.do(lambda tx: tx.execute("UPDATE ticket SET state = 'closed', archive = 'leave_out'"))
        await town.do(forgetting.begin, Order(HERE, (1,), "operator", now, now, b"k" * 32))
        return await current(bases, municipality, revision)

    monkeypatch.setattr(Bases, "current", meanwhile)
    accepted = await mail(town, "3", refs=("<1@example.org>",))
    assert accepted.thread != first.thread
    whose = await town.house.database.read(
        lambda tx: tx.value(
            "SELECT a.scheme FROM thread t JOIN address a ON a.id = t.address WHERE t.id = :id", id=accepted.thread
        )
    )
    assert whose == "email"


@pytest.mark.parametrize("by", [{"authenticated": False}, {"spam": "x-spam-flag"}])
async def test_nobody_who_may_be_somebody_else_is_asked_how_it_went(town: Town, by: dict[str, Any]) -> None:
    await mail(town, "1", **by)
    actor = town.actor()
    await town.do(lambda tx: desk.close(tx, 1001, actor, survey=True))
    assert await count(town, "outbox") == 0


async def _language(town: Town, thread: int) -> str:
    found: str = await town.house.database.read(
        lambda tx: tx.value("SELECT language FROM thread WHERE id = :id", id=thread)
    )
    return found
