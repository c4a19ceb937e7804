"""What staff can do at the desk, without any JavaScript, and what nobody of another municipality sees."""

import asyncio
import re
from datetime import datetime, timedelta

import pytest
from aiohttp import ClientResponse

from contactbot.conversation.trial import try_out
from contactbot.errors import StoreBusyError
from contactbot.handoff.desk import Case
from contactbot.handoff.ticket import TicketState
from contactbot.kb import editing
from contactbot.kb.entry import Entry, EntryText
from contactbot.messages import Address, Author, DeliveryState
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.storage import blobs
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.originals import store as originals
from contactbot.threads.thread import NewMessage
from tests.web.conftest import HERE, THERE, Client, Letter, Town, text_of

SECRET = "hemmelighet om naboen"


def field(page: str, name: str) -> str:
    """Return the value of the first hidden field of that name."""
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', page)
    assert found is not None, f"no field {name}"
    return found[1]


async def opened(client: Client, number: int) -> str:
    return await text_of(await client.get(f"/desk/tickets/{number}"))


async def replied(client: Client, number: int, text: str, **more: str) -> ClientResponse:
    page = await opened(client, number)
    form = {"text": text, "key": field(page, "key"), "seen": field(page, "seen"), **more}
    return await client.post(f"/desk/tickets/{number}/replies", data=form)


def said(case: Case, author: Author = Author.STAFF) -> list[str]:
    return [message.text for message in case.messages if message.author == author]


# --- lists -----------------------------------------------------------------------------------------------------------


async def test_the_list_says_who_how_when_what_and_how_long(town: Town, kari: Client) -> None:
    await town.written(Letter("Det er et hull i veien", name="Kim Hansen", team="Teknisk drift"))
    page = await text_of(await kari.get("/desk"))
    for part in (
        "Ulest. ",
        "Kim Hansen",
        "SMS",
        "Det er et hull i veien",
        "Frist ",
        "Teknisk drift",
        "<time datetime=",
    ):
        assert part in page


async def test_a_chats_session_is_never_shown_as_a_name(town: Town, kari: Client) -> None:
    session = Letter("Hva koster det?", name="", channel="webchat", scheme="webchat", address="s-83jf9s8dfj")
    number = await town.written(session)
    for path in ("/desk", f"/desk/tickets/{number}"):
        page = await text_of(await kari.get(path))
        assert "Besøkende i nettprat" in page
        assert "s-83jf9s8dfj" not in page


async def test_whoever_waits_in_a_chat_is_told_who_writes_and_nobody_else_is(town: Town, kari: Client) -> None:
    chat = await town.written(Letter("Hei", name="", channel="webchat", scheme="webchat", address="abc"))
    text = await town.written("Hei på SMS")
    for number in (chat, text):
        assert (await kari.post(f"/desk/tickets/{number}/writing")).status == 204
    assert town.house.writing.to(Address("webchat", "abc")) == "Kari"
    assert town.house.writing.to(Address("tel", "+4799999901")) is None


async def test_each_view_has_its_count_and_its_cases(town: Town, kari: Client) -> None:
    mine, late, answered, closed = [await town.written(Letter(f"Sak {n}", address=f"+479999990{n}")) for n in range(4)]
    await kari.post(f"/desk/tickets/{mine}/claim")
    await replied(kari, answered, "Svar")
    await kari.post(f"/desk/tickets/{closed}/closure")
    town.watch.ahead = timedelta(hours=1)
    await town.written(Letter("Over frist", due_in=timedelta(minutes=-5), address="+4799999909"))
    expected = {
        "mine": {mine, answered}, "unassigned": {late, late + 3}, "open": {mine, late, late + 3}, "waiting": {answered},
        "late": {late + 3}, "closed": {closed}, "undecided": {closed},
    }  # fmt: skip
    for view, numbers in expected.items():
        page = await text_of(await kari.get(f"/desk?view={view}"))
        listed = {int(number) for number in re.findall(r'id="row-(\d+)"', page)}
        assert listed == numbers, view
        link = re.search(rf'id="view-{view}".*?</a>', page, re.DOTALL)
        assert link is not None
        count = re.search(r'class="count"[^>]*>(\d+)', link[0])
        if view == "closed":  # all there ever were: nobody works through them, and to count them is slow
            assert count is None
        else:
            assert count is not None
            assert int(count[1]) == len(numbers), view


async def test_an_unknown_view_is_not_found(kari: Client) -> None:
    assert (await kari.get("/desk?view=everything")).status == 404


async def test_an_empty_view_says_what_to_do(kari: Client) -> None:
    assert "Ta en fra" in await text_of(await kari.get("/desk?view=mine"))


@pytest.mark.parametrize("wanted", ["hull", "hul", "#NUMBER", "NUMBER", "Kim Hansen", "+4799999901"])
async def test_a_case_is_found_by_number_name_address_and_words(town: Town, kari: Client, wanted: str) -> None:
    number = await town.written("Det er et hull i veien")
    other = await town.written(Letter("Noe annet", name="Jo Lie", address="+4799999902"))
    page = await text_of(await kari.get("/desk", params={"q": wanted.replace("NUMBER", str(number))}))
    assert f'id="row-{number}"' in page
    assert f'id="row-{other}"' not in page


async def test_an_opened_case_is_read(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    assert "data-unread" in await text_of(await kari.get("/desk"))
    assert "data-unread" not in await opened(kari, number)
    assert not (await town.case(number)).ticket.unread


async def test_what_residents_write_is_never_markup(town: Town, kari: Client) -> None:
    number = await town.written(Letter("<script>alert(1)</script>", name="<img src=x onerror=alert(2)>"))
    for page in (await opened(kari, number), await text_of(await kari.get("/desk", params={"q": "<b>"}))):
        assert "<script>alert" not in page
        assert "<img src=x" not in page


# --- claim, release, move, close, reopen -----------------------------------------------------------------------------


async def test_a_claim_is_a_resource(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/claim")
    assert (await town.case(number)).ticket.assignee_name == "Kari Nes"
    await kari.delete(f"/desk/tickets/{number}/claim")
    assert (await town.case(number)).ticket.assignee is None


async def test_forms_release_with_a_field(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/claim")
    await kari.post(f"/desk/tickets/{number}/claim", data={"_method": "DELETE"})
    assert (await town.case(number)).ticket.assignee is None


async def test_two_who_claim_at_once_get_one_case_and_one_clear_refusal(town: Town, kari: Client) -> None:
    ola = await town.signed_in("ola@fjordvik.example")
    number = await town.written("Det er et hull i veien")
    answers = await asyncio.gather(*(one.post(f"/desk/tickets/{number}/claim") for one in (kari, ola)))
    assert sorted(answer.status for answer in answers) == [200, 409]
    owner = (await town.case(number)).ticket.assignee_name
    refused = next(answer for answer in answers if answer.status == 409)
    assert f"{owner} tok saken før deg." in await refused.text()


async def test_a_closed_case_is_nobodys_to_take_until_it_is_opened_again(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/closure")
    refused = await kari.post(f"/desk/tickets/{number}/claim")
    assert refused.status == 409
    assert "Saken er lukket" in await refused.text()
    assert (await town.case(number)).ticket.state == TicketState.CLOSED


async def test_a_case_moves_to_another_team_and_is_free_again(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/claim")
    await kari.post(f"/desk/tickets/{number}/assignment", data={"to": "team:Teknisk drift"})
    ticket = (await town.case(number)).ticket
    assert (ticket.team_name, ticket.assignee) == ("Teknisk drift", None)


async def test_a_team_of_another_municipality_is_not_found(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    assert (await kari.post(f"/desk/tickets/{number}/assignment", data={"to": "team:Servicetorget"})).status == 404


async def test_closing_asks_how_it_went_as_the_house_has_set_and_reopening_opens(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/closure")
    case = await town.case(number)
    assert case.ticket.state == TicketState.CLOSED
    assert any("Fikk du svar" in text for text in said(case, Author.BOT))
    await kari.delete(f"/desk/tickets/{number}/closure")
    assert (await town.case(number)).ticket.state == TicketState.OPEN


# --- reply and note --------------------------------------------------------------------------------------------------


async def test_a_reply_leaves_on_the_residents_channel(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    page = await text_of(await replied(kari, number, "Vi fyller hullet i dag."))
    case = await town.case(number)
    assert said(case) == ["Vi fyller hullet i dag."]
    assert [state for _, state, _ in case.sending] == [DeliveryState.QUEUED]
    assert (case.ticket.state, case.ticket.assignee_name) == (TicketState.WAITING, "Kari Nes")
    assert "Vi fyller hullet i dag." in page
    assert "I kø for sending" in page


async def test_a_reply_and_a_closure_can_be_one(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await replied(kari, number, "Det er fylt.", then="close")
    case = await town.case(number)
    assert (said(case), case.ticket.state) == (["Det er fylt."], TicketState.CLOSED)


async def test_a_form_sent_twice_is_one_reply(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    page = await opened(kari, number)
    form = {"text": "Vi kommer.", "key": field(page, "key"), "seen": field(page, "seen")}
    answers = await asyncio.gather(*(kari.post(f"/desk/tickets/{number}/replies", data=form) for _ in range(5)))
    assert {answer.status for answer in answers} == {200}
    town.watch.ahead = timedelta(seconds=12)
    await kari.post(f"/desk/tickets/{number}/replies", data=form)
    assert said(await town.case(number)) == ["Vi kommer."]


async def test_a_key_is_its_owners_alone(town: Town, kari: Client) -> None:
    ola = await town.signed_in("ola@fjordvik.example")
    number = await town.written("Det er et hull i veien")
    page = await opened(kari, number)
    form = {"key": field(page, "key"), "seen": field(page, "seen")}
    await kari.post(f"/desk/tickets/{number}/replies", data=form | {"text": "Fra Kari"})
    await ola.post(f"/desk/tickets/{number}/replies", data=form | {"text": "Fra Ola"})
    assert said(await town.case(number)) == ["Fra Kari", "Fra Ola"]


async def test_a_newer_message_stops_the_reply_once_and_keeps_the_draft(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    page = await opened(kari, number)
    await town.written("Glem det, noen har fylt det!")
    form = {"text": "Vi kommer i dag.", "key": field(page, "key"), "seen": field(page, "seen")}
    warned = await text_of(await kari.post(f"/desk/tickets/{number}/replies", data=form), 409)
    assert "Innbyggeren skrev mens du svarte" in warned
    assert "Glem det, noen har fylt det!" in warned
    assert "Vi kommer i dag.</textarea>" in warned
    assert said(await town.case(number)) == []
    again = {"text": "Så fint!", "key": field(warned, "key"), "seen": field(warned, "seen")}
    await kari.post(f"/desk/tickets/{number}/replies", data=again)
    assert said(await town.case(number)) == ["Så fint!"]


async def test_a_reply_to_somebody_who_said_stop_is_refused_in_words_and_kept(town: Town, kari: Client) -> None:
    number = await town.written("Hei")
    thread = (await town.case(number)).threads[0]
    await town.house.database.write(threads.set_stopped, thread.address, town.house.clock())
    page = await text_of(await replied(kari, number, "Vi kommer."), 409)
    assert "Ikke sendt: innbyggeren har bedt om ingen meldinger her" in page
    assert "Vi kommer.</textarea>" in page
    assert said(await town.case(number)) == []


async def test_a_reply_that_the_store_cannot_take_is_given_back(
    town: Town, kari: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await town.written("Hei")
    form = {"text": "Vi kommer.", "key": "k", "seen": "99"}

    async def busy(*_: object, **_more: object) -> None:
        raise StoreBusyError("locked")

    monkeypatch.setattr(type(town.house.database), "write", busy)
    page = await text_of(await kari.post(f"/desk/tickets/{number}/replies", data=form), 503)
    assert "Ingenting er tapt" in page
    assert "Vi kommer.</textarea>" in page


@pytest.mark.parametrize("text", ["", "   \n", "x" * 20_001])
async def test_an_unusable_reply_is_refused_in_words_and_kept(town: Town, kari: Client, text: str) -> None:
    number = await town.written("Det er et hull i veien")
    page = await text_of(await replied(kari, number, text), 422)
    assert "Skriv noe først" in page or "Teksten er for lang" in page
    assert text.strip() in page
    assert said(await town.case(number)) == []


async def test_a_national_id_never_leaves_in_a_reply(town: Town, kari: Client) -> None:
    number = await town.written("Hva er nummeret mitt?")
    page = await text_of(await replied(kari, number, "Ditt nummer er 15076500565."), 422)
    assert "fødselsnummer" in page
    assert said(await town.case(number)) == []


async def test_an_account_number_may_be_just_what_was_asked_for(town: Town, kari: Client) -> None:
    number = await town.written("Hvor betaler jeg?")
    await replied(kari, number, "Betal til 1503.28.40302.")
    assert said(await town.case(number)) == ["Betal til 1503.28.40302."]


async def test_a_note_stays_in_the_house(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    page = await opened(kari, number)
    form = {"text": "Ring driften. Fnr 15076500565.", "key": field(page, "key")}
    page = await text_of(await kari.post(f"/desk/tickets/{number}/notes", data=form))
    case = await town.case(number)
    assert [(one.kind, "15076500565" in one.text) for one in case.messages if one.author == Author.STAFF] == [
        ("note", False)
    ]
    assert case.sending == ()
    assert 'data-kind="note"' in page
    assert "Internt notat" in page


async def test_the_composer_says_who_gets_it_and_how(town: Town, kari: Client) -> None:
    sms = await opened(kari, await town.written(Letter("Hei", name="Kim Hansen")))
    assert re.search(r"Til <strong>Kim Hansen</strong> på.*SMS.*\+4799999901", sms, re.DOTALL)
    assert 'id="segments"' in sms
    mail = Letter("Hei", name="Aisha Ali", channel="email", scheme="email", address="aisha@resident.example")
    page = await opened(kari, await town.written(mail))
    assert re.search(r"Til <strong>Aisha Ali</strong> på.*E-post.*aisha@resident.example", page, re.DOTALL)
    assert 'id="segments"' not in page


async def test_a_resident_who_said_stop_is_marked_where_one_writes(town: Town, kari: Client) -> None:
    number = await town.written("Hei")
    thread = (await town.case(number)).threads[0]
    await town.house.database.write(threads.set_stopped, thread.address, town.house.clock())
    assert "bedt om ingen meldinger her (STOPP)" in await opened(kari, number)


@pytest.mark.parametrize(("states", "is_marked"), [(["failed"], True), (["failed", "sent"], False), (["sent"], False)])
async def test_an_address_that_the_last_thing_sent_to_came_back_from_is_marked_until_something_leaves_for_it_again(
    town: Town,
    kari: Client,
    states: list[str],
    is_marked: bool,  # noqa: FBT001 - a case of the test
) -> None:
    mail = Letter("Hei", name="Aisha Ali", channel="email", scheme="email", address="aisha@resident.example")
    number = await town.written(mail)
    for state in states:
        await town.house.database.write(_bot_says, number, town.house.clock())
        await town.house.database.write(
            lambda tx, became=state: tx.execute("UPDATE outbox SET state = :now WHERE state = 'queued'", now=became)
        )
    page = await opened(kari, number)
    assert ("Det siste vi sendte hit, kom ikke fram" in page) == is_marked
    assert ("Kommer ikke fram" in page) == is_marked


async def test_somebody_elses_case_says_so_where_one_writes(town: Town, kari: Client) -> None:
    ola = await town.signed_in("ola@fjordvik.example")
    number = await town.written("Hei")
    await ola.post(f"/desk/tickets/{number}/claim")
    assert "Ola Vik har saken. Avtal med Ola Vik før du svarer." in await opened(kari, number)


# --- the conversation ------------------------------------------------------------------------------------------------


async def test_bot_staff_and_resident_are_told_apart_in_words(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await town.house.database.write(_bot_says, number, town.house.clock())
    await replied(kari, number, "Vi kommer.")
    page = await opened(kari, number)
    heads = re.findall(
        r'<div class="bubble" id="message-\d+" data-author="(\w+)".*?</svg>(.*?)</strong>', page, re.DOTALL
    )
    assert heads == [("resident", "Kim Hansen"), ("bot", "Boten"), ("staff", "Kari Nes")]
    for word in ("innbygger", "automatisk svar", "ansatt"):
        assert f">{word}<" in page


async def test_answers_of_the_bot_are_shown_as_residents_see_them(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await town.house.database.write(_bot_says, number, town.house.clock())
    assert "<strong>Meld fra</strong>" in await opened(kari, number)


async def test_a_reply_to_a_case_that_a_colleague_took_meanwhile_is_kept_and_not_sent(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    page = await opened(kari, number)
    form = {"text": "Vi kommer i dag.", **{name: field(page, name) for name in ("key", "seen", "holder")}}
    ola = await town.signed_in("ola@fjordvik.example")
    await ola.post(f"/desk/tickets/{number}/claim")
    page = await text_of(await kari.post(f"/desk/tickets/{number}/replies", data=form), 409)
    assert "Ikke sendt: Ola Vik tok saken før deg. Avtal hvem som svarer." in page
    assert "Vi kommer i dag.</textarea>" in page
    assert said(await town.case(number)) == []
    form |= {name: field(page, name) for name in ("key", "seen", "holder")}
    await text_of(await kari.post(f"/desk/tickets/{number}/replies", data=form))
    assert said(await town.case(number)) == ["Vi kommer i dag."], "who has seen whose case it is may send"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("sending", "Sendes nå"), ("sent", "Sendt"), ("delivered", "Levert"),
        ("failed", "nummeret finnes ikke"), ("unknown", "Usikkert om den kom fram"),
        ("cancelled", "Trukket tilbake, ikke sendt"), ("expired", "For gammel"),
    ],
)  # fmt: skip
async def test_what_became_of_each_message_is_said(town: Town, kari: Client, state: str, words: str) -> None:
    number = await town.written("Det er et hull i veien")
    await replied(kari, number, "Vi kommer.")
    await town.house.database.write(_set_state, state, "nummeret finnes ikke")
    page = await opened(kari, number)
    assert words in page
    assert ("En melding er på vei ut akkurat nå" in page) == (state == "sending")


async def test_all_channels_of_a_case_are_one_conversation(town: Town, kari: Client) -> None:
    first = await town.written("Jeg skrev på SMS")
    mail = Letter("Og på e-post", channel="email", scheme="email", address="kim@resident.example")
    second = await town.written(mail)
    await town.house.database.write(_join, first, second, town.house.clock())
    page = await opened(kari, first)
    assert page.index("Jeg skrev på SMS") < page.index("Og på e-post</div>")


async def test_what_was_folded_away_is_a_click_away_and_masked(town: Town, kari: Client) -> None:
    number = await town.written("Ja takk")
    await town.house.database.write(_fold, number, "Den 3. november skrev kommunen: Fnr 15076500565, vil du ha time?")
    page = await opened(kari, number)
    assert "Vis sitert tekst og signatur" in page
    assert "skrev kommunen" in page
    assert "15076500565" not in page


async def test_the_history_tells_who_did_what(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{number}/claim")
    page = await opened(kari, number)
    assert "Kari Nes tok saken" in page
    assert "Saken ble opprettet: boten var ikke sikker på svaret" in page


async def test_earlier_cases_of_the_resident_are_a_click_away(town: Town, kari: Client) -> None:
    first = await town.written("Det er et hull i veien")
    await kari.post(f"/desk/tickets/{first}/closure")
    await town.house.database.write(_new_thread, first, town.house.clock())
    second = await town.written("Gatelyset er mørkt")
    assert second != first
    assert f"#{first} Det er et hull" in await opened(kari, second)


# --- answers from the knowledge base ---------------------------------------------------------------------------------


@pytest.fixture
async def answers(town: Town) -> None:
    text = EntryText(
        "nb", "Hvordan melder jeg fra om hull i veien?", ("Det er et hull i veien",), "Meld fra på 75 99 00 00.",
        "Meld fra på **75 99 00 00**.", "Meld fra om hull i veien på **75 99 00 00**.",
    )  # fmt: skip
    await town.house.database.write(
        editing.take_in, HERE, [Entry("vei-hull", 1, (text,))], "operator", town.house.clock()
    )


@pytest.mark.usefixtures("answers")
async def test_the_bots_best_matches_are_offered(town: Town, kari: Client) -> None:
    page = await opened(kari, await town.written("Det er et hull i veien"))
    assert "Hvordan melder jeg fra om hull i veien?" in page


@pytest.mark.usefixtures("answers")
async def test_an_answer_is_inserted_without_losing_the_draft(town: Town, kari: Client) -> None:
    number = await town.written("Noe helt annet")
    found = await text_of(await kari.get(f"/desk/tickets/{number}/answers", params={"kb": "hull i veien"}))
    assert 'value="vei-hull"' in found
    form = {"text": "Hei Kim!", "insert": "vei-hull"}
    page = await text_of(await kari.post(f"/desk/tickets/{number}/draft", data=form))
    assert "Hei Kim!\n\nMeld fra om hull i veien på 75 99 00 00.</textarea>" in page
    assert said(await town.case(number)) == []


@pytest.mark.usefixtures("answers")
@pytest.mark.parametrize("wish", ["jeg vil snakke med et menneske", "hjelp", "takk"])
async def test_answers_are_offered_for_the_question_and_not_for_the_wish_for_a_person(
    town: Town, kari: Client, wish: str
) -> None:
    number = await town.written("Det er et hull i veien")
    knowledge = await town.house.bases.current(HERE, 0)
    tried = try_out(wish, knowledge, town.house.municipalities[HERE], town.house.clock())
    outcome = {"outcome": tried.label, "rule": tried.rule}
    await town.house.database.write(_resident_says, number, wish, outcome, town.house.clock())
    assert "Hvordan melder jeg fra om hull i veien?" in await opened(kari, number)


async def test_why_a_message_did_not_arrive_is_said_in_norwegian_beside_the_other_sides_words(
    town: Town, kari: Client
) -> None:
    number = await town.written("Det er et hull i veien")
    await replied(kari, number, "Vi kommer.")
    await town.house.database.write(_set_state, "failed", "550 5.1.1 User unknown")
    page = await opened(kari, number)
    assert "Kom ikke fram: e-postadressen finnes ikke" in page
    assert 'lang="en">550 5.1.1 User unknown</span>' in page


# --- contacts that staff register ------------------------------------------------------------------------------------


async def test_a_phone_call_becomes_a_case_like_any_other(kari: Client) -> None:
    page = await text_of(await kari.get("/desk/contacts"))
    form = {
        "key": field(page, "key"), "channel": "phone", "name": "Olav Nordmann", "who": "75 99 12 34", "title": "Septik",
        "text": "Olav (15076500565) lurer på når septiktanken tømmes.",
    }  # fmt: skip
    page = await text_of(await kari.post("/desk/contacts", data=form))
    assert "Septik" in page
    assert "Olav Nordmann" in page
    assert "15076500565" not in page
    assert "Ingenting sendes herfra" in page
    await kari.post("/desk/contacts", data=form)
    assert len(re.findall(r'id="row-\d+"', await text_of(await kari.get("/desk")))) == 1


async def test_a_contact_without_words_is_refused_and_kept(kari: Client) -> None:
    form = {"channel": "letter", "name": "Olav Nordmann", "text": " "}
    page = await text_of(await kari.post("/desk/contacts", data=form), 422)
    assert "Skriv hva innbyggeren lurer på." in page
    assert 'value="Olav Nordmann"' in page


@pytest.mark.usefixtures("answers")
async def test_answers_come_while_staff_type(kari: Client) -> None:
    part = await text_of(await kari.post("/desk/suggestions", data={"text": "det er hull i veien her"}))
    assert "Hvordan melder jeg fra om hull i veien?" in part
    assert "<html" not in part


async def test_words_of_danger_are_pointed_out(kari: Client) -> None:
    part = await text_of(await kari.post("/desk/suggestions", data={"text": "Hun sier at hun vil ta livet sitt"}))
    assert "akutt fare" in part


# --- originals and files ---------------------------------------------------------------------------------------------


async def test_an_original_needs_a_reason_and_leaves_a_trace(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    message = (await town.case(number)).messages[0].id
    await town.house.database.write(_keep, number, b"From: kim\r\n\r\n<script>alert(1)</script>", town.house.clock())
    address = f"/raw/tickets/{number}/messages/{message}/original"
    refused = await text_of(await kari.post(address, data={"reason": " "}), 422)
    assert "Skriv hvorfor du trenger å se originalen" in refused
    answer = await kari.post(address, data={"reason": "vedlegget var uleselig"})
    assert await answer.read() == b"From: kim\r\n\r\n<script>alert(1)</script>"
    assert "Kari Nes så originalen: vedlegget var uleselig" in await opened(kari, number)


async def test_nothing_residents_sent_runs_in_our_pages(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    message = (await town.case(number)).messages[0].id
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    await town.house.database.write(_keep, number, svg, town.house.clock())
    page = await opened(kari, number)
    address = re.search(r'href="(/raw/[^"]+)"', page)
    assert address is not None
    for answer in (
        await kari.get(address[1]),
        await kari.post(f"/raw/tickets/{number}/messages/{message}/original", data={"reason": "test"}),
    ):
        assert await answer.read() == svg
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_an_original_that_is_no_longer_kept_is_not_given(town: Town, kari: Client) -> None:
    number = await town.written("Det er et hull i veien")
    message = (await town.case(number)).messages[0].id
    await town.house.database.write(_keep, number, b"raw", town.house.clock())
    await town.house.database.write(lambda tx: tx.execute("DELETE FROM raw"))
    assert (
        await kari.post(f"/raw/tickets/{number}/messages/{message}/original", data={"reason": "test"})
    ).status == 404
    assert "Vis original" not in await opened(kari, number)


# --- both engines ----------------------------------------------------------------------------------------------------


async def test_a_case_is_worked_on_either_engine(either_town: Town) -> None:
    town, kari = either_town, await either_town.signed_in()
    number = await town.written("Det er et hull i veien")
    await town.house.database.write(_keep, number, b"raw", town.house.clock())
    message = (await town.case(number)).messages[0].id
    for path in (
        "/desk",
        "/desk?view=unassigned",
        "/desk?view=late",
        "/desk?q=hul",
        "/desk?q=Kim Hansen",
        f"/desk?q={number}",
    ):
        assert (f'id="row-{number}"' in await text_of(await kari.get(path))) == (path != "/desk?view=late"), path
    await kari.post(f"/desk/tickets/{number}/claim")
    await replied(kari, number, "Vi fyller hullet i dag.")
    note = {"text": "Per drar i ettermiddag.", "key": field(await opened(kari, number), "key")}
    await kari.post(f"/desk/tickets/{number}/notes", data=note)
    await kari.post(f"/desk/tickets/{number}/assignment", data={"to": "team:Teknisk drift"})
    raw = await kari.post(f"/raw/tickets/{number}/messages/{message}/original", data={"reason": "sjekk"})
    assert await raw.read() == b"raw"
    await kari.post(f"/desk/tickets/{number}/closure")
    page = await opened(kari, number)
    for words in (
        "Vi fyller hullet i dag.",
        "Per drar i ettermiddag.",
        "Kari Nes flyttet saken til Teknisk drift",
        "Kari Nes lukket saken",
    ):
        assert words in page
    form = {"key": "one", "channel": "counter", "text": "Spør om byggesøknad"}
    for _ in range(2):
        registered = await text_of(await kari.post("/desk/contacts", data=form))
        assert "Spør om byggesøknad" in registered
    assert len(re.findall(r'id="row-\d+"', await text_of(await kari.get("/desk")))) == 1


# --- nothing of another municipality ---------------------------------------------------------------------------------


async def test_nothing_of_another_municipality_is_seen_anywhere(town: Town) -> None:
    number = await town.written(Letter(SECRET, name="Siri Skjult", address="+4799999977", municipality=THERE))
    message = (await town.case(number, THERE)).messages[0].id
    await town.house.database.write(_keep, number, SECRET.encode(), town.house.clock(), THERE)
    kari = await town.signed_in()
    case = f"/desk/tickets/{number}"
    file = f"/raw/tickets/{number}/messages/{message}/files/{blobs.sha256(SECRET.encode())}"
    original = f"/raw/tickets/{number}/messages/{message}/original"
    surfaces = [
        await kari.get("/desk"),
        await kari.get("/desk?view=unassigned"),
        await kari.get(case),
        await kari.get(f"{case}/answers?kb=naboen"),
        await kari.get("/desk", params={"q": "naboen"}),
        await kari.get("/desk", params={"q": str(number)}),
        await kari.get("/desk", params={"q": "Siri Skjult"}),
        await kari.get("/desk", params={"q": "+4799999977"}),
        await kari.get(file),
        await kari.post(original, data={"reason": "nysgjerrig"}),
        *[await kari.post(f"{case}/{deed}", data={"text": "x", "to": "team:Innbyggerservice"}) for deed in DEEDS],
        await kari.delete(f"{case}/claim"),
    ]
    for answer in surfaces:
        text = await answer.text()
        assert SECRET not in text, answer.url
        # A search says what was searched for, and nothing else may name the resident.
        assert "Siri" not in re.sub(r'value="Siri Skjult"|Søk: Siri Skjult|«Siri Skjult»', "", text), answer.url
    assert {answer.status for answer in surfaces if f"/{number}" in answer.url.path} == {404}
    after = await town.case(number, THERE)
    assert (after.ticket.assignee, after.ticket.state, len(after.messages)) == (None, TicketState.OPEN, 1)
    owner = await town.signed_in("nils@nabovik.example")
    assert SECRET in await text_of(await owner.get(case))


DEEDS = ("claim", "assignment", "closure", "replies", "notes", "draft")


# --- what tests write by hand ----------------------------------------------------------------------------------------


def _thread_of(tx: Transaction, number: int, municipality: str = HERE) -> tuple[int, int]:
    found = tx.row(
        "SELECT x.thread, x.ticket FROM ticket_thread x JOIN ticket k ON k.id = x.ticket"
        " WHERE k.number = :number AND k.municipality = :municipality",
        number=number,
        municipality=municipality,
    )
    assert found is not None
    return int(found[0]), int(found[1])


def _bot_says(tx: Transaction, number: int, at: datetime) -> None:
    thread, _ = _thread_of(tx, number)
    new = NewMessage(Author.BOT, "**Meld fra** på 75 99 00 00.", "nb", at, markup="markdown")
    outbox.post(tx, HERE, thread, "sms", threads.append(tx, HERE, thread, new), Post("answer", Author.BOT, 9, at))


def _resident_says(tx: Transaction, number: int, text: str, outcome: dict[str, str], at: datetime) -> None:
    thread, _ = _thread_of(tx, number)
    threads.append(tx, HERE, thread, NewMessage(Author.RESIDENT, text, "nb", at, outcome=outcome))


def _fold(tx: Transaction, number: int, text: str) -> None:
    thread, _ = _thread_of(tx, number)
    folded = [{"text": text, "rule": "quotation"}]
    tx.execute("UPDATE message SET folded = :folded WHERE thread = :thread", folded=folded, thread=thread)


def _set_state(tx: Transaction, state: str, detail: str) -> None:
    tx.execute("UPDATE outbox SET state = :state, detail = :detail", state=state, detail=detail)


def _join(tx: Transaction, first: int, second: int, at: datetime) -> None:
    thread, _ = _thread_of(tx, second)
    _, ticket = _thread_of(tx, first)
    tx.add("ticket_thread", municipality=HERE, ticket=ticket, thread=thread, linked_at=at)


def _new_thread(tx: Transaction, number: int, at: datetime) -> None:
    thread, _ = _thread_of(tx, number)
    tx.execute("UPDATE thread SET state = 'closed' WHERE id = :thread AND last_at <= :at", thread=thread, at=at)


def _keep(tx: Transaction, number: int, content: bytes, at: datetime, municipality: str = HERE) -> None:
    thread, _ = _thread_of(tx, number, municipality)
    message = threads.messages_of(tx, municipality, thread)[0].id
    name = blobs.keep_rest(tx, municipality, content, at)
    originals.keep_raw(tx, municipality, message, "message/rfc822", name, len(content))
    originals.keep_attachment(tx, municipality, message, 'b"il/de.svg', "image/svg+xml", len(content), name)
