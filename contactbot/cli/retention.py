"""``contactbot privacy retention``: how long what is kept, and what was deleted last."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from contactbot.cli.options import DEFAULT, Config, Json, MunicipalityOption, load, the_municipality

DELETED = 20  # runs that are listed


def retention(config: Config = DEFAULT, municipality: MunicipalityOption = "", as_json: Json = False) -> None:  # noqa: FBT002 - typer's way to say a flag
    """Show the retention table with the last run over each class, and the newest runs that deleted something."""
    rows, proofs = asyncio.run(_read(config, municipality))
    if as_json:
        for row in (*rows, *proofs):
            print(json.dumps(row, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['class']:<20} {_days(row)}")
        print(f"    {row['title']}. Klokken starter: {row['starts']}. Igjen: {row['remains']}.")
        print(f"    {row['basis']}." + (f" Minst {row['least_days']} dager." if row["least_days"] else ""))
        print(f"    Sist kjørt: {row['last_run'] or 'aldri'}")
    print("\nSlettet:" if proofs else "\nIngenting er slettet ennå.")
    for proof in proofs:
        counts = ", ".join(f"{table} {count}" for table, count in proof["deleted"].items())
        print(f"    {proof['at']} {proof['ran']}: {counts}")


async def _read(config: Config, municipality: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    from contactbot.municipalities import municipalities
    from contactbot.opening import opened
    from contactbot.privacy.retention import store
    from contactbot.privacy.retention.classes import table

    settings = load(config)
    town = municipalities(settings.municipalities, settings.public_url)[the_municipality(settings, municipality)]
    async with opened(settings, town.id) as database:
        runs = await database.read(store.runs, town.id)
        proofs = await database.read(store.proofs, town.id, DELETED)
    rows = [
        {
            "class": row.data.name, "title": row.data.title, "days": row.keep.days, "least_days": row.keep.least,
            "basis": row.keep.basis, "starts": row.data.starts, "remains": row.data.remains,
            "tables": list(row.data.tables),
            "last_run": run.finished_at.isoformat() if (run := runs.get(row.data.name)) and run.finished_at else None,
        }
        for row in table(town)
    ]  # fmt: skip
    return rows, [{"ran": name, "at": at.isoformat(), "deleted": counts} for at, name, counts in proofs]


def _days(row: Mapping[str, Any]) -> str:
    return "ingen frist" if row["days"] is None else f"{row['days']} dager"
