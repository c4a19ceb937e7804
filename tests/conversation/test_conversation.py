"""What residents get: answers, choices, people, and never a promise without a case."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contactbot.conversation import steps
from contactbot.conversation.facts import Facts
from contactbot.conversation.knowledge import Bases
from contactbot.conversation.outcome import Outcome
from contactbot.conversation.store import TICKETS
from contactbot.conversation.understand import Knowledge
from contactbot.errors import ConflictError, UnknownAccountError
from contactbot.handoff import desk
from contactbot.handoff import store as tickets
from contactbot.handoff.ticket import NewTicket, Reason, TicketState
from contactbot.kb.matching import Choices
from contactbot.markdown import to_html
from contactbot.messages import Accepted, Address, Author, Inbound
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import TurnOwner
from tests.conversation.town import HERE, MONDAY, Town, running

PERSON = "jeg vil snakke med et menneske"


async def test_the_first_reply_says_that_a_bot_writes_and_later_ones_do_not(town: Town) -> None:
    assert "automatiske tjenesten til Fjordvik kommune" in await town.ask("når åpner biblioteket")
    assert "automatiske" not in await town.ask("når åpner biblioteket")


async def test_a_sure_question_is_answered_in_the_editors_words(town_on_both: Town) -> None:
    outcome = await town_on_both.say("når åpner biblioteket")
    assert outcome["outcome"] == "answer"
    assert outcome["answered"] == ["bibliotek"]
    assert "Biblioteket er åpent 10-19." in (await town_on_both.hear()).text


async def test_an_english_question_gets_the_english_answer(town: Town) -> None:
    assert "10-19. EN" in await town.ask("when does the library open today please")


async def test_a_doubtful_question_gets_choices_that_a_number_or_words_answer(town: Town) -> None:
    outcome = await town.say("søppeldunken")
    offered = await town.hear()
    assert outcome["outcome"] == "choices"
    assert offered.choices[-1] == "Noe annet – gi meg en person"
    wanted = offered.choices.index("Når hentes søppelet?")
    assert "tirsdager" in await town.ask(str(wanted + 1))
    await town.say("søppeldunken", "other")
    await town.hear("other")
    assert "tirsdager" in await town.ask("når hentes søppelet", "other")


async def test_none_of_the_choices_leads_to_a_person(town: Town) -> None:
    await town.say("søppeldunken")
    offered = await town.hear()
    assert (await town.say(str(len(offered.choices))))["outcome"] == "handoff"
    assert "1001" in (await town.hear()).text


async def test_what_the_bot_does_not_know_becomes_a_case_with_number_and_time(town_on_both: Town) -> None:
    outcome = await town_on_both.say("kan dere hjelpe meg med en arv fra utlandet")
    reply = (await town_on_both.hear()).text
    ticket = await town_on_both.ticket()
    assert outcome["outcome"] == "handoff"
    assert "1001" in reply
    assert "onsdag 25. november kl. 15.30" in reply
    assert ticket.state == TicketState.OPEN
    assert ticket.due_at > MONDAY


async def test_status_is_told_to_the_tickets_own_address_only(town: Town) -> None:
    await town.ask(PERSON)
    assert "1001" in await town.ask("STATUS 1001")
    assert "finner ingen sak" in await town.ask("STATUS 1001", "stranger")


async def test_status_finds_a_case_however_many_came_after_it(town_on_both: Town) -> None:
    town = town_on_both
    await town.ask(PERSON)
    await town.do(lambda tx: desk.close(tx, 1001, town.actor(), survey=False))
    newest = await town.do(_many_more, town.watch())
    assert "Sak 1001 er lukket" in await town.ask("STATUS 1001")
    assert f"Sak {newest} er hos" in await town.ask(f"hva er status på sak {newest}?")
    assert "finner ingen sak" in await town.ask("STATUS 1001", "stranger")


def _many_more(tx: Transaction, at: datetime) -> int:
    """Give the one resident more cases than are read with each message; return the newest."""
    thread = tx.value("SELECT id FROM thread")
    for number in range(TICKETS + 5):
        new = NewTicket(f"Sak {number}", Reason.ASKED, "loopback", at, at + timedelta(days=2))
        ticket = tickets.open_ticket(tx, HERE, new)
        tickets.link(tx, HERE, ticket.id, thread, at)
    return ticket.number


async def test_why_names_the_entry_the_phrasing_and_the_words(town: Town) -> None:
    await town.ask("når åpner biblioteket")
    why = await town.ask("HVORFOR")
    assert "bibliotek" in why
    assert "når åpner biblioteket" in why
    assert re.search(r"\d+\u00a0% sikker", why), "in one piece"


async def test_why_tells_the_residents_own_words_the_second_best_the_owner_and_the_day(town: Town) -> None:
    await town.ask("Hvilken dag hentes SØPPELET hos meg?")
    why = await town.ask("HVORFOR")
    assert "«SØPPELET»" in why
    assert "soppel" not in why
    assert "Nærmest etter det kom «Søppelet ble ikke hentet»." in why
    assert "Teknisk drift har ansvaret for svaret. Det ble sist endret 23. november 2026. Språk: bokmål." in why


@pytest.mark.parametrize(
    ("asked", "met", "doubt"),
    [
        ("søppel?", "Mente du", "Jeg var ikke sikker på hva du mente"),
        ("Kan dere flytte månen litt til venstre?", "til en saksbehandler", "Jeg ga spørsmålet til en person"),
    ],
)
async def test_why_tells_first_why_the_last_question_got_no_answer(
    town: Town, asked: str, met: str, doubt: str
) -> None:
    assert met in await town.ask(asked)
    assert (await town.ask("HVORFOR")).startswith(f"Jeg har ikke gitt deg et svar fra kunnskapsbasen ennå. {doubt}")
    await town.ask("når åpner biblioteket")
    assert doubt not in await town.ask("HVORFOR"), "the answer is what is spoken of"

    await town.ask("når åpner biblioteket", "another")
    assert met in await town.ask(asked, "another")
    both = await town.ask("HVORFOR", "another")
    assert both.startswith(doubt)
    assert "Jeg svarte med «Når er biblioteket åpent?»" in both


async def test_each_question_of_a_message_is_answered_under_its_own_words(town_on_both: Town) -> None:
    town = town_on_both
    outcome = await town.say("Hei, jeg bor på Nes. Når åpner biblioteket? Når hentes søppelet?")
    reply = (await town.hear()).text
    assert (outcome["outcome"], outcome["answered"]) == ("answer", ["bibliotek", "renovasjon-dager"])
    first, second = reply.index("**Når åpner biblioteket?**"), reply.index("**Når hentes søppelet?**")
    assert first < reply.index("10-19.") < second < reply.index("tirsdager")
    assert await town.tickets() == 0


async def test_what_is_left_of_several_questions_is_one_case_that_says_so(town: Town) -> None:
    outcome = await town.say("Når åpner biblioteket? Kan dere hjelpe med arv fra utlandet? Hvem eier månen?")
    reply = (await town.hear()).text
    ticket = await town.ticket()
    assert outcome["answered"] == ["bibliotek"]
    assert "10-19." in reply
    assert "1001" in reply
    assert (await town.tickets(), ticket.reason) == (1, Reason.PARTLY)
    assert ticket.title == "Kan dere hjelpe med arv fra utlandet? / Hvem eier månen?"


async def test_a_reply_that_promises_the_rest_is_not_withdrawn_when_a_person_takes_the_case(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with running(sqlite_url, tmp_path, deliver=False) as town:
        await town.say("Når åpner biblioteket? Kan dere hjelpe med arv fra utlandet?")
        await town.do(desk.claim, 1001, town.actor())
        states = await town.house.database.read(lambda tx: tx.rows("SELECT state FROM outbox"))
    assert [state for (state,) in states] == ["queued"]


async def test_a_residents_words_are_quoted_as_words_not_as_markup(town: Town) -> None:
    await town.say("Når åpner *biblioteket*? Når hentes [søppelet](http://evil.example)?")
    shown = to_html((await town.hear()).text)
    assert "*biblioteket*" in shown
    assert 'href="http://evil.example' not in shown


async def test_a_question_that_hangs_on_the_last_answer_is_answered_with_it(town: Town) -> None:
    await town.ask("når åpner biblioteket")
    outcome = await town.say("og hvor lenge er det åpent?")
    await town.hear()
    assert (outcome["answered"], outcome["rule"]) == (["bibliotek"], "follow-up")
    assert (await town.say("hvorfor er ikke veien brøytet"))["answered"] == ["brøyting"]


@pytest.mark.parametrize("text", ["???", "a", "7", "ja", "nei", "delvis", ".", "hm", "hva?", "ok"])
async def test_what_asks_nothing_is_met_decently_and_is_no_case(town: Town, text: str) -> None:
    assert (await town.say(text))["outcome"] == "smalltalk"
    assert "lurer" in (await town.hear()).text
    assert await town.tickets() == 0


async def test_an_answer_in_the_other_form_says_which_form_it_is_in(town: Town) -> None:
    assert "berre på bokmål" in await town.ask("Kva dag blir søppelet henta?")


async def test_a_language_the_bot_does_not_speak_is_named_to_the_resident_and_to_staff(town: Town) -> None:
    reply = await town.ask("Dzień dobry, czy mogę prosić o pomoc w sprawie przedszkola dla mojego dziecka?")
    ticket = await town.ticket()
    assert "på språket ditt (polsk)" in reply
    assert "in your language (Polish)" in reply
    assert (ticket.topic, ticket.title[:6]) == ("polsk", "Polsk:")


async def test_what_was_taken_out_is_shown_in_words(town: Town) -> None:
    await town.say("Mitt nummer er 01010750160, når hentes søppelet?")
    await town.hear()
    history = await town.house.receptions["loopback"].history(Address("loopback", "resident"), 0)
    assert "[fødselsnummer fjernet]" in history[0].text


async def test_the_language_a_resident_chooses_stays(town: Town) -> None:
    assert "nynorsk" in await town.ask("SPRÅK nn")
    assert "Hei! Kva lurer du på?" in await town.ask("hei")


async def test_small_talk_opens_no_case(town: Town) -> None:
    for text in ("hei", "tusen takk!", "👍"):
        assert (await town.say(text))["outcome"] == "smalltalk"
        await town.hear()
    assert await town.tickets() == 0


async def test_danger_comes_before_everything_and_opens_an_urgent_case(town: Town) -> None:
    await town.ask(PERSON)
    await town.do(desk.claim, 1001, town.actor())
    outcome = await town.say("jeg orker ikke leve lenger, jeg vil ta livet mitt")
    reply = await town.hear()
    assert outcome["outcome"] == "acute"
    assert "113" in reply.text
    assert "1001" in reply.text
    assert (await town.ticket()).priority == "urgent"


async def test_after_stop_nothing_leaves_and_start_opens_again(town: Town) -> None:
    assert "ingen flere meldinger" in await town.ask("STOPP")
    await town.say("når åpner biblioteket")
    assert await town.silent()
    with pytest.raises(ConflictError, match="no messages"):
        await town.do(desk.reply, 1001, "Hei", town.actor())
    assert "igjen" in await town.ask("START")


async def test_danger_after_stop_opens_an_urgent_case_and_sends_nothing(town: Town) -> None:
    await town.ask("STOPP")
    assert (await town.say("jeg vil ta livet mitt"))["outcome"] == "acute"
    assert await town.silent()
    assert (await town.ticket()).priority == "urgent"


async def test_the_same_text_again_and_again_silences_the_bot_and_raises_one_incident(town: Town) -> None:
    outcomes = [(await town.say("hei"))["outcome"] for _ in range(20)]
    incidents = await town.house.database.read(
        lambda tx: tx.value("SELECT count(*) FROM event WHERE kind = 'incident.flood'")
    )
    assert outcomes[0] == "smalltalk"
    assert outcomes[-1] == "silent"
    assert incidents == 1


async def test_repeats_are_counted_as_they_are_kept_with_what_was_masked_taken_out(town: Town) -> None:
    outcomes = [(await town.say("jeg heter Kari, 01010750160"))["outcome"] for _ in range(12)]
    assert outcomes[-1] == "silent"


async def test_two_processes_that_begin_a_conversation_with_one_resident_begin_one(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        running(sqlite_url, tmp_path, deliver=False) as first,
        running(sqlite_url, tmp_path, deliver=False) as second,
    ):
        await first.say("hei")
        for each in (first, second):
            each.watch.at += timedelta(hours=25)
        current = Bases.current
        met: list[Accepted] = []

        async def meanwhile(bases: Bases, municipality: str, revision: int) -> Knowledge:
            """Let the second process take its message in while the first has read and not yet written."""
            if bases is first.house.bases and not met:
                met.append(await second.channel.say("når åpner biblioteket"))
            return await current(bases, municipality, revision)

        monkeypatch.setattr(Bases, "current", meanwhile)
        accepted = await first.channel.say("veien er ikke brøytet")
        assert [accepted.thread] == [one.thread for one in met]
        assert await first.house.database.read(lambda tx: tx.value("SELECT count(*) FROM thread")) == 2


async def test_a_message_delivered_twice_is_kept_once_and_answered_once(town_on_both: Town) -> None:
    first = await town_on_both.channel.say("når åpner biblioteket", external_id="m-1")
    again = await town_on_both.channel.say("når åpner biblioteket", external_id="m-1")
    await town_on_both.hear()
    assert (again.message, again.duplicate) == (first.message, True)
    assert await town_on_both.silent()


async def test_twenty_first_messages_at_once_are_one_thread_in_order(town: Town) -> None:
    accepted = await asyncio.gather(*(town.channel.say(f"arv fra utlandet {n}", "family") for n in range(20)))
    assert len({one.thread for one in accepted}) == 1
    assert len({one.position for one in accepted}) == 20
    assert await town.tickets() == 1


async def test_an_account_nobody_configured_is_refused(town: Town) -> None:
    stray = Inbound("loopback", "elsewhere", Address("loopback", "x"), "1", "hei", MONDAY)
    with pytest.raises(UnknownAccountError, match="elsewhere"):
        await town.house.receptions["loopback"].receive(stray)


async def test_while_a_person_has_the_turn_the_bot_is_silent(town: Town) -> None:
    await town.ask(PERSON)
    await town.do(desk.claim, 1001, town.actor())
    assert (await town.say("når åpner biblioteket"))["outcome"] == "silent"
    assert await town.silent()
    case = await town.case()
    assert case.threads[0].turn_owner == TurnOwner.STAFF
    assert case.messages[-1].text == "når åpner biblioteket"


async def test_commands_to_the_machine_are_answered_even_then(town: Town) -> None:
    await town.ask(PERSON)
    await town.do(desk.claim, 1001, town.actor())
    assert "1001" in await town.ask("STATUS 1001")


async def test_while_nobody_has_taken_the_case_additions_reach_it_and_sure_questions_are_answered(town: Town) -> None:
    await town.ask(PERSON)
    assert "lagt meldingen i sak 1001" in await town.ask("det gjelder naboen min sitt gjerde")
    assert "lagt meldingen i sak 1001" in await town.ask("og hekken hans også")
    assert "Biblioteket er åpent" in await town.ask("når åpner biblioteket")
    assert await town.tickets() == 1


async def test_a_takeover_withdraws_what_the_bot_has_queued_but_never_a_receipt(town: Town) -> None:
    await town.ask(PERSON)
    await town.house.database.write(
        lambda tx: tx.execute(
            "INSERT INTO outbox (municipality, thread, message, position, channel, purpose, author, turn_epoch, state,"
            " not_before, created_at, changed_at) SELECT municipality, thread, id, position, 'loopback', 'answer',"
            " 'bot', 1, 'queued', '2099-01-01', created_at, created_at FROM message WHERE author = 'bot' LIMIT 1"
        )
    )
    await town.do(desk.claim, 1001, town.actor())
    states = await town.house.database.read(lambda tx: tx.rows("SELECT purpose, state FROM outbox ORDER BY id"))
    assert states == [("receipt", "delivered"), ("answer", "cancelled")]


async def test_staff_answer_on_the_residents_channel_under_their_first_name(town_on_both: Town) -> None:
    await town_on_both.ask(PERSON)
    await town_on_both.do(desk.reply, 1001, "Hei, jeg hjelper deg.", town_on_both.actor())
    answer = await town_on_both.hear()
    assert (answer.text, answer.author, answer.author_name) == (
        "Hei, jeg hjelper deg.",
        Author.STAFF,
        "Kari i Fjordvik kommune",
    )
    assert (await town_on_both.ticket()).state == TicketState.WAITING


async def test_a_note_never_reaches_the_resident(town: Town) -> None:
    await town.ask(PERSON)
    await town.do(desk.note, 1001, "Hun er sint", town.actor())
    assert await town.silent()


async def test_only_one_of_two_who_claim_at_once_gets_the_case(town_on_both: Town) -> None:
    await town_on_both.ask(PERSON)
    results = await asyncio.gather(
        *(town_on_both.do(desk.claim, 1001, town_on_both.actor(who)) for who in (town_on_both.kari, town_on_both.ola)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["ConflictError", "NoneType"]


async def test_closing_asks_how_it_went_and_a_no_opens_the_case_again(town: Town) -> None:
    await town.ask(PERSON)
    await town.do(desk.reply, 1001, "Slik er det.", town.actor())
    await town.hear()
    await town.house.database.write(lambda tx: desk.close(tx, 1001, town.actor(), survey=True))
    assert "Fikk du svar" in (await town.hear()).text
    assert "åpnet sak 1001 igjen" in await town.ask("3")
    assert (await town.ticket()).state == TicketState.OPEN
    assert await town.tickets() == 1


@pytest.mark.parametrize(
    ("said", "rated"),
    [
        ("1", "yes"), ("Delvis", "partly"), ("Delvis: det tok lang tid", "partly"), ("2, det tok lang tid", "partly"),
        ("nei fordi ingen ringte", "no"), ("Ja, når åpner biblioteket?", ""), ("Når åpner biblioteket?", ""),
    ],
)  # fmt: skip
async def test_a_survey_is_answered_by_button_number_or_word_with_or_without_why_and_a_question_is_a_question(
    town: Town, said: str, rated: str
) -> None:
    await town.ask(PERSON)
    await town.house.database.write(lambda tx: desk.close(tx, 1001, town.actor(), survey=True))
    assert (await town.hear()).choices == ("Ja", "Delvis", "Nei")
    await town.say(said)
    found = await town.house.database.read(lambda tx: tx.rows("SELECT data FROM event WHERE kind = 'ticket.rated'"))
    assert [json.loads(data)["answer"] for (data,) in found] == ([rated] if rated else [])
    assert said in [message.text for message in (await town.case()).messages]


async def test_nobody_is_asked_twice_within_thirty_days(town: Town) -> None:
    for number, asked in ((1001, True), (1002, False)):
        await town.ask(PERSON)
        await town.house.database.write(lambda tx, number=number: desk.close(tx, number, town.actor(), survey=True))
        if asked:
            await town.hear()
        assert await town.silent()
        town.watch.at += timedelta(days=2)


async def test_a_question_days_after_a_closed_case_starts_afresh(town: Town) -> None:
    first = await town.channel.say(PERSON)
    await town.hear()
    await town.house.database.write(lambda tx: desk.close(tx, 1001, town.actor(), survey=False))
    town.watch.at += timedelta(days=3)
    second = await town.channel.say("når åpner biblioteket")
    assert "Biblioteket er åpent" in (await town.hear()).text
    assert second.thread != first.thread
    assert (await town.case()).messages[0].text == PERSON


async def test_slett_asks_for_a_code_and_then_no_word_is_left(town: Town) -> None:
    await town.ask("når åpner biblioteket")
    code = re.search(r"SLETT (\d{6})", await town.ask("SLETT"))
    assert code is not None
    assert "slettet" in await town.ask(f"SLETT {code.group(1)}")
    left = await town.house.database.read(
        lambda tx: (
            tx.value("SELECT count(*) FROM message WHERE text LIKE '%bibliotek%'")
            + tx.value("SELECT count(*) FROM raw")
            + len(tx.dialect.find_messages(tx, HERE, "biblioteket", 10))
        )
    )
    assert left == 0


async def test_a_wrong_or_old_code_deletes_nothing(town: Town) -> None:
    await town.ask("når åpner biblioteket")
    code = re.search(r"SLETT (\d{6})", await town.ask("SLETT"))
    assert code is not None
    town.watch.at += timedelta(minutes=16)
    assert "for gammel" in await town.ask(code.group(1))


async def test_a_case_is_not_deleted_but_the_wish_becomes_work(town: Town) -> None:
    await town.ask(PERSON)
    code = re.search(r"SLETT (\d{6})", await town.ask("SLETT"))
    assert code is not None
    assert "1001" in await town.ask(f"slett {code.group(1)}")
    assert (await town.case()).messages[0].text == PERSON


async def test_a_national_id_is_masked_in_everything_but_the_raw_copy(town: Town) -> None:
    reply = await town.ask("hei jeg heter Kim og har fødselsnummer 01010750160, hva skjer med saken min om arv")
    rows = await town.house.database.read(lambda tx: tx.rows("SELECT text, outcome FROM message"))
    titles = await town.house.database.read(lambda tx: tx.rows("SELECT title FROM ticket"))
    assert "fjernet et fødselsnummer" in reply
    assert not any("01010750160" in str(row) for row in [*rows, *titles])


async def test_a_message_of_a_megabyte_is_taken_in_and_bounded(town: Town) -> None:
    outcome = await town.say("å" * 1_000_000)
    assert outcome["outcome"] in ("choices", "handoff")
    assert len((await town.hear()).text) < 1000


async def test_nul_and_lone_surrogates_are_dropped_from_text_and_kept_in_the_raw_copy(town_on_both: Town) -> None:
    accepted = await town_on_both.channel.say("arv\x00 fra \ud800utlandet")
    kept = await town_on_both.house.database.read(
        lambda tx: tx.value("SELECT text FROM message WHERE id = :id", id=accepted.message)
    )
    assert kept == "arv fra utlandet"


async def test_a_wish_for_a_person_is_titled_with_the_matter_asked_about_before(town_on_both: Town) -> None:
    await town_on_both.ask("når åpner biblioteket")
    await town_on_both.ask(PERSON)
    assert (await town_on_both.ticket()).title == "når åpner biblioteket"


async def test_a_survey_may_be_answered_days_later(town: Town) -> None:
    await town.ask(PERSON)
    await town.house.database.write(lambda tx: desk.close(tx, 1001, town.actor(), survey=True))
    await town.hear()
    town.watch.at += timedelta(days=3)
    assert "tilbakemeldingen" in await town.ask("1")
    assert await town.tickets() == 1


async def test_a_choice_may_be_signed_as_in_a_letter_and_a_number_off_the_list_is_told_so(town: Town) -> None:
    await town.ask("søppeldunken")
    assert "ikke på lista" in await town.ask("7")
    assert "tirsdager" in await town.ask("1\n\nMed vennlig hilsen\nLiv Berg")


async def test_each_turn_of_a_question_on_the_command_line_has_its_own_reply_only(town: Town) -> None:
    from contactbot.cli.ask import turn  # noqa: PLC0415 - the command's own way to ask

    first = await turn(town.house, "når åpner biblioteket", "terminal")
    second = await turn(town.house, "HVORFOR", "terminal")
    assert [len(first.replies), len(second.replies)] == [1, 1]


async def test_what_hangs_on_what_a_person_said_is_not_answered_with_what_the_bot_said_before(town: Town) -> None:
    await town.ask("når åpner biblioteket")
    await town.ask("kan dere ordne opp i en arv fra utlandet")
    await town.do(desk.reply, 1001, "Ja, kom innom.", town.actor())
    await town.hear()
    await town.house.database.write(lambda tx: desk.close(tx, 1001, town.actor(), survey=False))
    assert (await town.say("og hvor lenge er det åpent?"))["rule"] != "follow-up"
    await town.hear()
    assert "Når er biblioteket åpent?" in await town.ask("HVORFOR")


async def test_a_question_that_hangs_on_one_the_bot_was_in_doubt_about_is_not_answered_with_the_one_before(
    town: Town,
) -> None:
    await town.ask("når åpner biblioteket")
    await town.ask("søppeldunken")
    assert (await town.say("og hvor lenge er det åpent?"))["rule"] != "follow-up"


async def test_yes_takes_the_one_thing_that_was_offered(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = steps.choices

    def first_only(facts: Facts) -> Outcome | None:
        found = facts.decision
        return offered(replace(facts, decision=Choices(found.candidates[:1])) if isinstance(found, Choices) else facts)

    monkeypatch.setattr(steps, "STEPS", tuple(first_only if step is offered else step for step in steps.STEPS))
    await town.say("søppeldunken")
    assert len((await town.hear()).choices) == 2
    assert (await town.say("ja takk"))["rule"] == "chosen"


async def test_who_only_says_that_they_will_ask_is_asked_what_and_who_was_not_helped_is_told_the_way_on(
    town: Town,
) -> None:
    for text in ("Jeg har et spørsmål", "Kan dere hjelpe meg?", "I have a question", "Hei, jeg lurer på en ting"):
        assert (await town.say(text, text))["outcome"] == "smalltalk"
    await town.ask("når åpner biblioteket")
    assert "MENNESKE" in await town.ask("det var ikke det jeg lurte på")
    assert await town.tickets() == 0


async def test_a_number_said_to_a_person_never_picks_what_the_bot_had_offered_before(town: Town) -> None:
    await town.ask(PERSON)
    await town.say("søppeldunken")
    await town.hear()
    await town.house.database.write(
        lambda tx: threads.set_pending(tx, 1, {"kind": "choices", "labels": ["a", "b"], "options": []})
    )
    await town.do(desk.reply, 1001, "Hvor mange dunker har du?", town.actor())
    await town.hear()
    assert (await town.say("2"))["rule"] == "a person has the turn"


async def test_a_question_days_after_the_survey_starts_afresh(town: Town) -> None:
    first = await town.channel.say(PERSON)
    await town.hear()
    await town.house.database.write(lambda tx: desk.close(tx, 1001, town.actor(), survey=True))
    await town.hear()
    town.watch.at += timedelta(days=3)
    second = await town.channel.say("når åpner biblioteket")
    assert second.thread != first.thread


@pytest.mark.parametrize("closing", ["Med vennlig hilsen\nKari Nes", "Mvh Kari", "Kind regards,\nKari"])
async def test_a_command_may_be_signed_as_in_a_letter(town: Town, closing: str) -> None:
    await town.ask(PERSON)
    assert "Sak 1001" in await town.ask(f"STATUS 1001\n\n{closing}")
    code = re.search(r"SLETT (\d{6})", await town.ask(f"SLETT\n\n{closing}"))
    assert code is not None
    assert "Saksnummer 1001" in await town.ask(f"SLETT {code.group(1)}\n\n{closing}")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("når åpner biblioteket", "handoff"), ("søppeldunken", "handoff"), ("STOPP", "command"), ("takk", "smalltalk"),
     ("jeg vil ta livet mitt", "acute")],
)  # fmt: skip
async def test_a_conversation_that_keeps_changing_gets_a_person_for_a_question_and_the_rest_as_ever(
    town: Town, monkeypatch: pytest.MonkeyPatch, text: str, outcome: str
) -> None:
    await town.ask("hei")
    current = Bases.current

    async def meanwhile(bases: Bases, municipality: str, revision: int) -> Knowledge:
        """Let something else change the thread each time the message has been read."""
        await town.house.database.write(lambda tx: threads.set_turn(tx, 1, "bot"))
        return await current(bases, municipality, revision)

    monkeypatch.setattr(Bases, "current", meanwhile)
    said = await town.say(text)
    assert said["outcome"] == outcome
    assert (said["rule"] == "kept changing") == (outcome == "handoff")
    await town.hear()
