"""Bytes in the database, under their hash, in parts of a megabyte: one file is the whole backup."""

import asyncio
import hashlib
from datetime import datetime

from contactbot.storage.database import Database
from contactbot.storage.transaction import Transaction

PART = 1 << 20  # bytes; a larger row would hold the writer for tens of milliseconds


def sha256(content: bytes) -> str:
    """Return the name a content is kept under."""
    return hashlib.sha256(content).hexdigest()


async def keep_large(database: Database, municipality: str, content: bytes, at: datetime) -> None:
    """Write all parts but the last, one unit each, before the unit that refers to them; small contents have none."""
    if len(content) <= PART:
        return
    name = await asyncio.to_thread(sha256, content)  # of 20 MB it takes up to a tenth of a second
    for part in range(len(content) // PART):
        await database.write(_keep_part, municipality, name, part, content[part * PART : (part + 1) * PART], at)


def keep_rest(tx: Transaction, municipality: str, content: bytes, at: datetime) -> str:
    """Write the last (for most: the only) part within the unit that refers to it; return the content's name."""
    name = sha256(content)
    last = len(content) // PART
    _keep_part(tx, municipality, name, last, content[last * PART :], at)
    return name


def read(tx: Transaction, municipality: str, name: str) -> bytes:
    """Return a content; empty bytes when it is not there."""
    rows = tx.rows(
        "SELECT bytes FROM blob WHERE municipality = :municipality AND sha256 = :name ORDER BY part",
        municipality=municipality,
        name=name,
    )
    return b"".join(bytes(row[0]) for row in rows)


def sweep_small(tx: Transaction, limit: int) -> int:
    """Delete up to ``limit`` last parts of contents nothing refers to, at once; return how many went.

    A last part is written in the very transaction that refers to its content, so it waits for no message. The earlier
    parts of a large content do, and the sweep takes them.
    """
    return tx.execute(
        "DELETE FROM blob WHERE (municipality, sha256, part) IN"
        " (SELECT municipality, sha256, part FROM blob WHERE length(bytes) < :whole AND (municipality, sha256) NOT IN"
        "  (SELECT municipality, sha256 FROM raw UNION SELECT municipality, sha256 FROM attachment) LIMIT :limit)",
        whole=PART,
        limit=limit,
    )


def sweep(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` parts of contents nothing refers to, older than ``before``; return how many went."""
    return tx.execute(
        "DELETE FROM blob WHERE (municipality, sha256, part) IN"
        " (SELECT municipality, sha256, part FROM blob WHERE created_at < :before AND (municipality, sha256) NOT IN"
        "  (SELECT municipality, sha256 FROM raw UNION SELECT municipality, sha256 FROM attachment) LIMIT :limit)",
        before=before,
        limit=limit,
    )


def _keep_part(tx: Transaction, municipality: str, name: str, part: int, content: bytes, at: datetime) -> None:
    if not tx.add("blob", municipality=municipality, sha256=name, part=part, bytes=content, created_at=at):
        tx.execute(  # as fresh as a new one, so that the sweep leaves it for the message that will refer to it
            "UPDATE blob SET created_at = :at WHERE municipality = :municipality AND sha256 = :name AND part = :part",
            at=at,
            municipality=municipality,
            name=name,
            part=part,
        )
