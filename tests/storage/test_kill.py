"""Kept means kept: a process that is killed in the middle of writing loses nothing it had said was kept."""

import asyncio
import sys
from asyncio.subprocess import PIPE

import pytest

from contactbot.clock import now
from contactbot.storage.database import open_database
from tests.storage.town import counted, founded, teams


async def killed_after(url: str, lines: int) -> list[int]:
    """Run a writer until it has said so many numbers, kill it, and return all it said."""
    writer = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.storage.writer", url, stdout=PIPE)
    assert writer.stdout is not None
    said = [int(await writer.stdout.readline()) for _ in range(lines)]
    writer.kill()
    rest, _ = await writer.communicate()
    whole = rest[: rest.rfind(b"\n") + 1]  # the last line may have been cut off
    return said + [int(line) for line in whole.split()]


@pytest.mark.parametrize("lines", [2, 25, 120])
async def test_what_was_said_to_be_kept_is_there_after_a_kill(database_url: str, lines: int) -> None:
    async with open_database(database_url, now) as database:
        await database.write(founded)
    said = await killed_after(database_url, lines)
    async with open_database(database_url, now) as database:
        names = await database.read(teams)
        number = await database.read(counted)
    assert {f"Lag {kept}" for kept in said[1:]} <= set(names)
    assert number == len(names) - 1, "both of what a unit wrote, or neither"
    assert number >= max(said)


async def test_a_killed_writer_leaves_a_database_that_the_next_one_goes_on_with(database_url: str) -> None:
    async with open_database(database_url, now) as database:
        await database.write(founded)
    reached = 0
    for _ in range(3):
        said = await killed_after(database_url, 12)
        assert said[0] >= reached
        reached = max(said)
    async with open_database(database_url, now) as database:
        assert await database.read(counted) >= reached
