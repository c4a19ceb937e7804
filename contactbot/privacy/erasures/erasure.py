"""The forgetting of a person: what is asked for, how far it has come, and the receipt. Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contactbot.messages import Address
from contactbot.privacy.erasures.duty import Duty

SCHEME = "nobody"  # of addresses that were somebody's
PURPOSE = "erased"  # of the reply that says so, at which an open chat drops what it shows


def tombstone(key: bytes, municipality: str, address: Address) -> str:
    """Return the name under which an address is remembered as forgotten: HMAC-SHA256 (RFC 2104), 64 hex digits.

    Without the key nobody can try addresses against it.
    """
    return hmac.digest(key, f"tombstone\n{municipality}\n{address}".encode("utf-8", "surrogatepass"), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Order:
    """Who is to be forgotten: the rows of their addresses, and all that was begun there until a moment.

    ``key`` signs the tombstones.
    """

    municipality: str
    addresses: tuple[int, ...]
    actor: str
    at: datetime
    until: datetime
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kept:
    """Something that stays: a case by its number, or a wish for no messages, and why."""

    what: str
    why: str

    @classmethod
    def case(cls, number: int, duty: Duty) -> "Kept":
        """Return that a case stays."""
        return cls(str(number), duty.value)


NO_MESSAGES = Kept("stop", "stop")  # an address that has said STOP is remembered, or it would be written to


@dataclass(frozen=True, slots=True)
class Erasure:
    """One forgetting, and once finished its receipt: ``erased`` counts rows by table, nothing tells who it was."""

    id: int
    municipality: str
    actor: str
    addresses: tuple[int, ...]
    thread: int
    position: int
    erased: dict[str, int]
    kept: tuple[list[str], ...]
    started_at: datetime
    finished_at: datetime | None

    @property
    def stays(self) -> tuple[Kept, ...]:
        """What was kept, and why."""
        return tuple(Kept(what, why) for what, why in self.kept)

    def receipt(self) -> Mapping[str, object]:
        """Return what may be shown to anybody."""
        return {
            "receipt": self.id,
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "finished_at": self.finished_at.isoformat(timespec="seconds") if self.finished_at else None,
            "erased": self.erased,
            "kept": [{"what": one.what, "why": one.why} for one in self.stays],
        }
