"""Staff at the desk: two want one case, a letter becomes a case, and what an editor publishes is said at once."""

import asyncio
import re

import pytest

from contactbot.demo.town import NUMBER
from tests.journeys.installation import Installation, reference

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_of_two_who_claim_at_once_one_gets_the_case_and_the_other_is_told_who(town: Installation) -> None:
    phone = "+4799999971"
    await town.gateway.text_in(phone, NUMBER, "Jeg vil snakke med et menneske")
    number = reference((await town.texts(phone))[0])
    async with town.signed_in("kari@fjordvik.example") as kari, town.signed_in("ola@fjordvik.example") as ola:
        outcomes = await asyncio.gather(kari.claim(number), ola.claim(number))
        assert sorted(outcomes) == [303, 409]
        won, lost = (kari, ola) if outcomes[0] == 303 else (ola, kari)
        owner = "Kari Nes" if won is kari else "Ola Vik"
        assert f"{owner} tok saken før deg." in lost.page
        assert f"{owner} har saken" in await lost.case(number)


async def test_a_letter_is_registered_and_worked_like_any_other_case(town: Installation) -> None:
    async with town.signed_in() as kari:
        page = await kari.get("/desk/contacts")
        key = re.search(r'name="key" value="([^"]+)"', page)
        assert key is not None
        form = {
            "key": key[1],
            "channel": "letter",
            "who": "Strandveien 8, 8899 Fjordvik",
            "name": "Solveig Dahl",
            "title": "Søknad om dagsenter",
            "text": "Søker om plass på dagsenteret for mannen min.",
        }
        assert await kari.post("/desk/contacts", form) == 303
        assert await kari.post("/desk/contacts", form) == 303, "the same form twice is one case"
        listed = set(re.findall(r'id="row-(\d+)"', await kari.get("/desk?q=dagsenteret")))
        assert len(listed) == 1
        number = int(listed.pop())
        page = await kari.case(number)
        assert "Solveig Dahl" in page
        assert "Brev" in page
        await kari.reply(number, "Svarte i brev i dag: søknaden er sendt til Helse og mestring.")
        await kari.close(number)
        page = await kari.case(number)
        assert "Svarte i brev i dag" in page
        assert "Åpne igjen" in page


async def test_what_an_editor_publishes_is_the_answer_to_the_next_question(town: Installation) -> None:
    phones = ("+4799999974", "+4799999975", "+4799999976")
    question = "Kan jeg leie lavvo til barnebursdag?"
    await town.gateway.text_in(phones[0], NUMBER, question)
    assert "Friluftssenteret" not in (await town.texts(phones[0]))[0]
    async with town.signed_in("ola@fjordvik.example") as ola:
        page = await ola.get("/kb/new")
        key = re.search(r'name="key" value="([^"]+)"', page)
        assert key is not None
        form = {
            "key": key[1],
            "seen": "0",
            "id": "leie-lavvo",
            "kind": "answer",
            "nb.question": "Kan jeg leie lavvo?",
            "nb.phrasings": "Låner kommunen ut lavvo?\nleie lavvo til bursdag",
            "nb.sms": "Ja. Friluftssenteret leier ut lavvo gratis i tre dager.",
            "note": "Mange spør",
        }
        assert await ola.post("/kb/entries", {**form, "then": "save"}) == 303
        await town.gateway.text_in(phones[1], NUMBER, question)
        assert "Friluftssenteret" not in (await town.texts(phones[1]))[0], "a draft is not said"

        form |= {"seen": "1", "key": f"{key[1]}-2"}
        assert await ola.post("/kb/entries/leie-lavvo", {**form, "then": "publish"}) == 303, ola.page[:2000]
        await town.gateway.text_in(phones[2], NUMBER, question)
        assert "Friluftssenteret leier ut lavvo gratis" in (await town.texts(phones[2]))[0]


async def test_a_local_name_that_an_editor_adds_finds_the_answer_to_the_next_question(town: Installation) -> None:
    phones = ("+4799999977", "+4799999978", "+4799999979")
    question = "Når er snyltegulvet åpent?"
    await town.gateway.text_in(phones[0], NUMBER, question)
    assert "bibliotek" not in (await town.texts(phones[0]))[0]
    async with town.signed_in("ola@fjordvik.example") as ola:
        page = await ola.get("/kb/synonyms")
        key = re.search(r'name="key" value="([^"]+)"', page)
        assert key is not None
        names = {"names": "snyltegulvet, biblioteket", "key": key[1]}
        assert await ola.post("/kb/synonyms", names) == 303
        await town.gateway.text_in(phones[1], NUMBER, question)
        assert "bibliotek" in (await town.texts(phones[1]))[0]

        page = await ola.get("/kb/synonyms")
        group = re.search(r'action="/kb/synonyms/(\d+)"', page)
        assert group is not None
        assert await ola.post(f"/kb/synonyms/{group[1]}", {"_method": "DELETE"}) == 303
        assert "Tatt ut av Ola Vik" in await ola.get("/kb/synonyms")
        await town.gateway.text_in(phones[2], NUMBER, question)
        assert "bibliotek" not in (await town.texts(phones[2]))[0]
