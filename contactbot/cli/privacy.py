"""``contactbot privacy``: what is held about a person and its erasure; retention and the papers are files beside it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from contactbot.cli.options import DEFAULT, Config, Json, MunicipalityOption, load, the_municipality
from contactbot.errors import ContactbotError

if TYPE_CHECKING:
    from contactbot.municipality import Municipality
    from contactbot.privacy.erasures.erasure import Erasure
    from contactbot.privacy.people.person import Found
    from contactbot.storage.database import Database

app = typer.Typer(no_args_is_help=True)

Addresses = Annotated[
    list[str],
    typer.Argument(help="A mailbox, a number however written, a JID, a chat session, or a case such as #1042."),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", dir_okay=False, help="Write to this file, mode 600.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with who and when. Name nobody in it.")]
Notes = Annotated[bool, typer.Option("--notes/--no-notes", help="With the municipality's internal notes.")]
Contents = Annotated[bool, typer.Option("--contents", help="With the bytes of files and raw copies, as base64.")]


@app.callback()
def group() -> None:
    """Look after residents' privacy."""


@app.command()
def show(
    addresses: Addresses,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    as_json: Json = False,  # noqa: FBT002 - typer's way to say a flag
    out: Out = None,
    reason: Reason = "",
    notes: Notes = True,  # noqa: FBT002 - same
    contents: Contents = False,  # noqa: FBT002 - same
) -> None:
    """Give everything held about a person: a page to read in Norwegian, or with --json one object per line."""
    asyncio.run(_show(config, municipality, addresses, out, reason, as_json=as_json, notes=notes, contents=contents))


@app.command()
def forget(
    addresses: Addresses,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - typer's way to say a flag
    as_json: Json = False,  # noqa: FBT002 - same
    reason: Reason = "",
) -> None:
    """Erase a person, but for what a duty keeps, and print the receipt; it can be interrupted and started again."""
    receipt = asyncio.run(_forget(config, municipality, addresses, reason, ask=not yes))
    print(json.dumps(receipt.receipt(), ensure_ascii=False) if as_json else in_words(receipt))


def in_words(receipt: "Erasure") -> str:
    """Return the receipt for people to read."""
    lines = [f"Receipt {receipt.id}, finished {receipt.finished_at:%Y-%m-%d %H:%M} UTC"]
    lines += [f"  erased {number:>8,} {table}" for table, number in receipt.erased.items()]
    lines += [f"  kept   case {one.what}: {WHY[one.why]}" for one in receipt.stays if one.why in WHY]
    lines += ["  kept   that the address asked for no messages (STOP), until it asks for them" for one in receipt.stays
              if one.why == "stop"]  # fmt: skip
    return "\n".join(lines)


WHY = {
    "open": "people are working on it; erase again when it is closed",
    "undecided": "nobody has decided whether it must be archived; retention erases it after the decision",
    "unarchived": "it must be archived and has not been received there yet; retention erases it afterwards",
}


async def _show(
    config: Path, named: str, addresses: list[str], out: Path | None, reason: str, *,
    as_json: bool, notes: bool, contents: bool,
) -> None:  # fmt: skip
    from contactbot.clock import now
    from contactbot.privacy.people import export, person

    async with _opened(config, named) as (database, town, key):
        found = await _found(database, town, addresses, key)
        extent = person.Extent(notes, contents)
        await database.write(person.note_shown, town.id, found, extent, "operator", _masked(reason, town), now())
        records = person.records(database, town.id, found, extent, key, now())
        lines = export.as_json(records, person.kind_of) if as_json else export.as_html(records, town)
        with _file(out) if out is not None else _standard() as target:
            async for line in lines:
                target.write(line)


async def _forget(config: Path, named: str, addresses: list[str], reason: str, *, ask: bool) -> "Erasure":
    from contactbot.clock import now
    from contactbot.privacy.erasures import forgetting
    from contactbot.privacy.erasures.erasure import Order
    from contactbot.privacy.people import person, store

    async with _opened(config, named) as (database, town, key):
        found = await _found(database, town, addresses, key)
        counts = await database.read(store.counts, found.numbers)
        if ask:
            typer.confirm(
                f"Erase {counts.messages:,} messages in {counts.threads:,} conversations of {len(found.numbers)}"
                " addresses? This cannot be undone", abort=True, err=True,
            )  # fmt: skip
        why = _masked(reason, town)
        await database.write(person.note_forgotten, town.id, found.reference, "operator", why, now())
        at = now()
        return await forgetting.forget(database, Order(town.id, found.numbers, "operator", at, at, key), now)


def _masked(reason: str, town: "Municipality") -> str:
    from contactbot.masking import EVERYTHING, mask

    return mask(reason, town.place, EVERYTHING).text


async def _found(database: "Database", town: "Municipality", addresses: list[str], key: bytes) -> "Found":
    from contactbot.privacy.people import person

    found: Found = await database.read(person.look_up, town.id, addresses, town.place.normalise_phone, key)
    return found


@asynccontextmanager
async def _opened(config: Path, named: str) -> AsyncIterator[tuple["Database", "Municipality", bytes]]:
    """Open the configured database, which the service may use at the same time."""
    from contactbot.municipalities import municipalities
    from contactbot.opening import opened

    settings = load(config)
    key = the_municipality(settings, named)
    town = municipalities(settings.municipalities, settings.public_url)[key]
    async with opened(settings, key) as database:
        yield database, town, settings.secret.get_secret_value().encode()


def _file(path: Path) -> TextIO:
    try:
        return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8")
    except FileExistsError:
        raise ContactbotError(f"{path} is there already; name another file") from None


def _standard() -> TextIO:
    """Return the standard output, which the caller may close."""
    return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
