"""The statements about raw copies and attachments; their bytes lie in `storage.blobs`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from contactbot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes that came with a message: name, declared type, size in bytes and hash, and the thread they belong to."""

    thread: int
    name: str
    media_type: str
    size: int
    sha256: str


def keep_raw(tx: Transaction, municipality: str, message: int, media_type: str, sha256: str, size: int) -> None:
    """Note where the raw copy of a message lies."""
    tx.insert(
        "raw", municipality=municipality, message=message, media_type=media_type, sha256=sha256, size=size
    )  # fmt: skip


def keep_attachment(  # noqa: PLR0913 - the columns of one row
    tx: Transaction, municipality: str, message: int, name: str, media_type: str, size: int, sha256: str
) -> None:
    """Note an attachment of a message."""
    tx.insert(
        "attachment", municipality=municipality, message=message, name=name, media_type=media_type, size=size,
        sha256=sha256,
    )  # fmt: skip


def raw_of(tx: Transaction, municipality: str, message: int) -> Kept | None:
    """Return where the raw copy of a message lies, while it is kept. Whoever asks notes it first."""
    return tx.one(
        Kept,
        "SELECT m.thread, '' AS name, r.media_type, r.size, r.sha256 FROM raw r"
        " JOIN message m ON m.id = r.message AND m.municipality = r.municipality"
        " WHERE r.municipality = :municipality AND r.message = :message",
        municipality=municipality,
        message=message,
    )


def attachment_of(tx: Transaction, municipality: str, message: int, sha256: str) -> Kept | None:
    """Return where an attachment of a message lies."""
    return tx.one(
        Kept,
        "SELECT m.thread, a.name, a.media_type, a.size, a.sha256 FROM attachment a"
        " JOIN message m ON m.id = a.message AND m.municipality = a.municipality"
        " WHERE a.municipality = :municipality AND a.message = :message AND a.sha256 = :sha256 ORDER BY a.id LIMIT 1",
        municipality=municipality,
        message=message,
        sha256=sha256,
    )


def with_raw(tx: Transaction, threads: Sequence[int]) -> frozenset[int]:
    """Return which messages of these threads still have their raw copy."""
    listed = ", ".join(str(number) for number in threads) or "0"
    rows = tx.rows(f"SELECT r.message FROM raw r JOIN message m ON m.id = r.message WHERE m.thread IN ({listed})")
    return frozenset(int(row[0]) for row in rows)


def files_of(tx: Transaction, threads: Sequence[int]) -> tuple[tuple[int, str, str, int, str], ...]:
    """Return message, name, media type, size in bytes and hash of each attachment of these threads."""
    listed = ", ".join(str(number) for number in threads) or "0"
    return tuple(
        (row[0], row[1], row[2], row[3], row[4])
        for row in tx.rows(
            "SELECT a.message, a.name, a.media_type, a.size, a.sha256 FROM attachment a"
            f" JOIN message m ON m.id = a.message WHERE m.thread IN ({listed}) ORDER BY a.id"
        )
    )


def folded_of(tx: Transaction, threads: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Return, by message, the parts of these threads' messages that were quoted or signed and so folded away."""
    listed = ", ".join(str(number) for number in threads) or "0"
    rows = tx.rows(f"SELECT id, folded FROM message WHERE thread IN ({listed}) AND folded <> '[]'")
    return {int(number): tuple(str(part["text"]) for part in json.loads(parts)) for number, parts in rows}
