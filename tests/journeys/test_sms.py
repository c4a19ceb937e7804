"""A resident with a phone: answered, handed over, answered by a person, silent after STOP, and back after START."""

import pytest

from contactbot.demo.town import NUMBER
from tests.journeys.installation import Installation, reference

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = "+4799999961"
SIGNED = "\n\n- Kari i Fjordvik kommune"


async def test_texts_are_answered_by_the_bot_and_then_by_a_person_until_the_resident_says_stop(
    town: Installation,
) -> None:
    assert (await town.gateway.text_in(PHONE, NUMBER, "Når har biblioteket åpent?")).status == 200
    [answer] = await town.texts(PHONE, 1)
    assert answer.startswith("Automatisk svar fra Fjordvik kommune.")
    assert "bibliotek" in answer.lower()

    await town.gateway.text_in(PHONE, NUMBER, "Jeg vil snakke med et menneske")
    number = reference((await town.texts(PHONE, 2))[1])
    async with town.signed_in() as kari:
        assert "Når har biblioteket åpent?" in await kari.case(number)
        assert await kari.claim(number) == 303
        await kari.reply(number, "Hei! Det er åpent til kl. 19 i dag.")
        assert (await town.texts(PHONE, 3))[2] == f"Hei! Det er åpent til kl. 19 i dag.{SIGNED}"
        await kari.until_shown(number, "Levert")

        await town.gateway.text_in(PHONE, NUMBER, "STOPP")
        assert "START" in (await town.texts(PHONE, 4))[3]
        await town.gateway.text_in(PHONE, NUMBER, "Når åpner rådhuset?")
        assert "STOPP" in await kari.case(number)
        form = {"key": "after-stop", "seen": "999999", "text": "Er du der?"}
        assert await kari.post(f"/desk/tickets/{number}/replies", form) == 409

        await town.gateway.text_in(PHONE, NUMBER, "START")
        assert "bibliotek" not in (await town.texts(PHONE, 5))[4].lower()
        await kari.reply(number, "Velkommen tilbake.")
        assert (await town.texts(PHONE, 6))[5:] == [f"Velkommen tilbake.{SIGNED}"], (
            "nothing that was asked or said in between was sent"
        )
