"""Every change leaves a row: who, what, when, with particulars. History, audit and the live feed all read it."""

from datetime import datetime

from contactbot.storage.transaction import Transaction


def record(  # noqa: PLR0913 - the columns of one row
    tx: Transaction,
    municipality: str,
    at: datetime,
    actor: str,
    kind: str,
    *,
    ticket: int | None = None,
    thread: int | None = None,
    subject: str = "",
    data: dict[str, object] | None = None,
) -> None:
    """Note what happened, never with message text; ``actor`` is ``resident``, ``bot``, ``staff:ID`` or ``operator``."""
    tx.execute(
        "INSERT INTO event (municipality, at, actor, kind, ticket, thread, subject, data)"
        " VALUES (:municipality, :at, :actor, :kind, :ticket, :thread, :subject, :data)",
        municipality=municipality,
        at=at,
        actor=actor,
        kind=kind,
        ticket=ticket,
        thread=thread,
        subject=subject,
        data=data or {},
    )
    tx.wake(topic(municipality))


def topic(municipality: str) -> str:
    """Return the notice topic of a municipality's events."""
    return f"events:{municipality}"
