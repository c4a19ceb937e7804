"""An edited message is understood anew, and nothing is said to it twice."""

from contactbot.messages import Address, Inbound
from tests.conversation.town import Town

QUESTION = "Når åpner biblotekt?"
PERSON = "jeg vil snakke med et menneske"


async def edit(town: Town, text: str) -> None:
    """Replace the words of the last message, as a chat client does."""
    inbound = Inbound(
        channel="loopback", account=town.channel.accounts[0].address, sender=Address("loopback", "resident"),
        external_id=f"edit of {text}", text=text, received_at=town.watch(), refs=("first",), corrects="first",
    )  # fmt: skip
    await town.house.receptions["loopback"].receive(inbound)


async def test_a_corrected_slip_of_the_pen_is_not_answered_twice(town: Town) -> None:
    assert "10-19" in await town.ask(QUESTION)
    await edit(town, "Når åpner biblioteket?")
    assert await town.silent()


async def test_a_question_edited_into_another_is_answered_anew(town: Town) -> None:
    await town.ask(QUESTION)
    await edit(town, "Når hentes søppelet?")
    assert "tirsdager" in (await town.hear()).text


async def test_what_is_edited_in_a_case_reaches_people_without_a_word_from_the_bot(town: Town) -> None:
    await town.ask(PERSON)
    await edit(town, "det gjelder arven etter tante i Bergen og ikke noe annet")
    assert await town.silent()
    assert "det gjelder arven etter tante i Bergen og ikke noe annet" in [m.text for m in (await town.case()).messages]
