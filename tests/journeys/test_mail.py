"""A resident with a mail program, a real Postfix between: answered, handed over, and answered by a person."""

import asyncio

import pytest

from contactbot.demo.town import MAILBOX
from tests.journeys.installation import Installation, reference
from tests.parts import program

pytestmark = pytest.mark.asyncio(loop_scope="session")

KIM = "kim.mail@resident.example"


async def write(town: Installation, to: str, subject: str, text: str, **headers: str) -> None:
    """Hand a mail to the relay with swaks."""
    fields = {"Subject": subject, "MIME-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", **headers}
    options = [option for name, value in fields.items() for option in ("--header", f"{name}: {value}")]
    process = await asyncio.create_subprocess_exec(
        program("swaks", "swaks"), "--server", f"127.0.0.1:{town.relay_port}", "--from", KIM, "--to", to,
        "--h-From", f"Kim Nilsen <{KIM}>", "--body", text, *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode("utf-8", "replace")


async def test_a_mail_is_answered_handed_over_and_answered_by_a_person_in_one_thread(town: Installation) -> None:
    question = "<question@resident.example>"
    await write(town, MAILBOX, "Barnehage", "Hvordan søker jeg barnehageplass?", **{"Message-Id": question})
    answer = (await town.mails(KIM, 1))[0]
    assert "Foreldreportalen" in answer.text
    assert answer.message["Subject"] == "Re: Barnehage"
    assert answer.message["In-Reply-To"] == question
    assert answer.message["References"].split() == [question]
    assert answer.message["Auto-Submitted"] == "auto-replied"
    assert MAILBOX in answer.message["From"]

    wish = "<wish@resident.example>"
    references = f"{question} {answer.message['Message-ID']}"
    await write(
        town, MAILBOX, "Re: Barnehage", "Jeg vil snakke med et menneske.",
        **{"Message-Id": wish, "In-Reply-To": answer.message["Message-ID"], "References": references},
    )  # fmt: skip
    receipt = (await town.mails(KIM, 2))[1]
    number = reference(receipt.text)

    async with town.signed_in() as kari:
        page = await kari.case(number)
        assert "Hvordan søker jeg barnehageplass?" in page
        assert await kari.claim(number) == 303
        await kari.reply(number, "Hei Kim! Ring meg på 75 99 02 00, så hjelper jeg deg med søknaden.")
        reply = (await town.mails(KIM, 3))[2]
        assert "75 99 02 00" in reply.text
        assert str(reply.message["From"]) == f"Kari i Fjordvik kommune <{MAILBOX}>"
        assert reply.message["In-Reply-To"] == wish
        assert reply.message["References"].split()[-1] == wish
        assert question in reply.message["References"]
        assert reply.message["Auto-Submitted"] is None
        assert len({mail.message["Message-ID"] for mail in await town.mails(KIM, 3)}) == 3

        # A program that loses all references still has the address to reply to.
        await write(town, reply.message["Reply-To"], "Takk", "Supert, jeg ringer i morgen.")
        await kari.until_shown(number, "Supert, jeg ringer i morgen.")
