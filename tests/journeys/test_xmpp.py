"""A resident with XMPP: asks with one real client, listens with another, and hears the bot and then a person."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contactbot.demo.prosody import Prosody
from tests.journeys.installation import Installation, reference, until
from tests.parts import program
from tests.peers.prosody import Login, Resident, new_account

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def write(server: Prosody, login: Login, to: str, text: str) -> None:
    """Send a message with go-sendxmpp."""
    process = await asyncio.create_subprocess_exec(
        program("go-sendxmpp", "go-sendxmpp"), "--username", login.jid, "--password", login.password,
        "--jserver", f"localhost:{server.port}", "--no-tls-verify", to,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(text.encode())
    assert process.returncode == 0, said.decode("utf-8", "replace")


@asynccontextmanager
async def listening(server: Prosody, login: Login) -> AsyncIterator[Resident]:
    """Be there with a client that receives."""
    resident = Resident(server, login)
    await resident.connect()
    try:
        yield resident
    finally:
        await resident.close()


async def test_xmpp_messages_are_answered_by_the_bot_and_then_by_a_person(town: Installation, prosody: Prosody) -> None:
    assert town.bot is not None
    login = await asyncio.to_thread(new_account, prosody, "eva")
    async with listening(prosody, login) as eva:

        async def words(count: int) -> list[str]:
            await until(lambda: len(eva.words()) >= count, f"message {count}")
            return eva.words()

        await write(prosody, login, town.bot.jid, "Når har biblioteket åpent?")
        assert "bibliotek" in (await words(1))[0].lower()
        await write(prosody, login, town.bot.jid, "Jeg vil snakke med en person")
        number = reference((await words(2))[1])
        async with town.signed_in() as kari:
            assert await kari.claim(number) == 303
            await kari.reply(number, "Hei Eva, dette er Kari.")
            assert (await words(3))[2] == "Hei Eva, dette er Kari.\n\n– Kari i Fjordvik kommune"
            await write(prosody, login, town.bot.jid, "Takk, Kari!")
            await kari.until_shown(number, "Takk, Kari!")
        assert len(eva.words()) == 3
