"""A process that writes and says what has been kept, until it is killed: ``python -m tests.storage.writer URL``."""

import asyncio
import sys

from contactbot.clock import now
from contactbot.storage.database import Database, open_database
from contactbot.storage.transaction import Transaction
from tests.storage.town import add_team, counted, increment

AT_ONCE = 8


def both(tx: Transaction) -> int:
    """Write two things that belong together; return the number they got."""
    number = increment(tx)
    add_team(tx, f"Lag {number}")
    return number


async def write(database: Database) -> None:
    """Write for ever, and say each number only once it is kept."""
    while True:
        number = await database.write(both)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


async def main(url: str) -> None:
    """Write with several tasks, so that groups form."""
    async with open_database(url, now) as database, asyncio.TaskGroup() as group:
        sys.stdout.write(f"{await database.read(counted)}\n")
        for _ in range(AT_ONCE):
            group.create_task(write(database))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
