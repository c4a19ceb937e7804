"""What the configuration says exists, written into the database at each start."""

from collections.abc import Sequence
from dataclasses import dataclass

from contactbot.messages import Account
from contactbot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Member:
    """A municipality of this installation, as its row needs it."""

    id: str
    name: str
    country: str
    main_language: str
    time_zone: str
    teams: tuple[str, ...]


def write(tx: Transaction, members: Sequence[Member], accounts: Sequence[Account]) -> None:
    """Make or update the rows; what the configuration no longer names stays, for its history."""
    for member in members:
        tx.execute(
            "INSERT INTO municipality (id, name, country, main_language, time_zone)"
            " VALUES (:id, :name, :country, :main_language, :time_zone)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, country = excluded.country,"
            " main_language = excluded.main_language, time_zone = excluded.time_zone",
            id=member.id,
            name=member.name,
            country=member.country,
            main_language=member.main_language,
            time_zone=member.time_zone,
        )
        for team in member.teams:
            tx.add("team", municipality=member.id, name=team)
    for account in accounts:
        tx.execute(
            "INSERT INTO account (municipality, channel, address, kind)"
            " VALUES (:municipality, :channel, :address, :kind)"
            " ON CONFLICT (channel, address) DO UPDATE SET municipality = excluded.municipality, kind = excluded.kind",
            municipality=account.municipality,
            channel=account.channel,
            address=account.address,
            kind=account.kind,
        )
