"""``contactbot kb``: the knowledge base in, out, and on trial."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contactbot.cli.files import entries_of, entries_to_try, text_of
from contactbot.cli.options import DEFAULT, Config, Json, MunicipalityOption, is_there, load, the_municipality
from contactbot.errors import ContactbotError

if TYPE_CHECKING:
    from contactbot.conversation.trial import Trial
    from contactbot.conversation.understand import Knowledge
    from contactbot.kb.editing import Imported
    from contactbot.kb.entry import Entry
    from contactbot.kb.synonyms import Group
    from contactbot.municipality import Municipality
    from contactbot.storage.database import Database

app = typer.Typer(no_args_is_help=True)

Taken = Annotated[Path, typer.Argument(help="A file ending in .csv, .json, .jsonl or .db.")]
Given = Annotated[Path, typer.Argument(help="The file to write; its ending says the form.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be done.")]
Publish = Annotated[
    bool, typer.Option("--publish/--draft", help="Let residents have the entries, or keep them as drafts.")
]
Everything = Annotated[
    bool, typer.Option("--all", help="Also drafts and archived entries, each in its newest version.")
]
Entries = Annotated[Path, typer.Option("--entries", help="Entries, one JSON object a line, or another pack.")]
Queries = Annotated[Path, typer.Option("--queries", help='Questions, one {"text", "expect", "kind"} a line.')]
GroupsFile = Annotated[Path | None, typer.Argument(help="Groups of names, one a line, separated by commas.")]
EncoderFolder = Annotated[
    Path | None, typer.Option("--encoder", help="Folder of a sentence encoder, to count as well.")
]


@app.callback()
def group() -> None:
    """Look after the knowledge base."""


@app.command("import")
def take_in(
    file: Taken,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    dry_run: DryRun = False,  # noqa: FBT002 - typer's way to say a flag
    publish: Publish = True,  # noqa: FBT002 - same
    as_json: Json = False,  # noqa: FBT002 - same
) -> None:
    """Take entries in: all of them, or none when one is wrong."""
    entries = entries_of(file)
    why = f"import of {file.name}"
    done = asyncio.run(_take_in(entries, why, config, municipality, dry_run=dry_run, publish=publish))
    if as_json:
        for one in done:
            print(json.dumps({"id": one.id, "change": one.change, "published": one.published}, ensure_ascii=False))
        return
    counts = {change: sum(one.change == change for one in done) for change in ("new", "changed", "unchanged")}
    said = ", ".join(f"{count} {change}" for change, count in counts.items())
    print(f"{'Nothing is changed yet. Would take in' if dry_run else 'Took in'} {len(done)} entries: {said}.")


@app.command("export")
def give_out(
    file: Given,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    everything: Everything = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Write the published entries to a file that import reads back."""
    from contactbot.kb import packs

    entries = asyncio.run(_published(config, municipality, everything=everything))
    content = packs.write(file.name, entries)
    file.write_bytes(content)
    print(f"Wrote {len(entries)} entries to {file} ({len(content):,} bytes).")


@app.command("try")
def try_(
    text: Annotated[str, typer.Argument(help="What a resident might write.")],
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
    as_json: Json = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Show what the bot would make of a text, and why: entries, probabilities, words, thresholds, words to be said."""
    if not text.strip():
        raise typer.BadParameter("the text is empty; write what a resident might ask", param_hint="TEXT")
    from contactbot.clock import now
    from contactbot.conversation.trial import try_out

    knowledge, town = asyncio.run(_knowledge(config, municipality))
    trial = try_out(text, knowledge, town, now())
    if as_json:
        print(json.dumps(_trial_as_json(trial), ensure_ascii=False))
    else:
        print(_trial_in_words(trial))


@app.command()
def synonyms(
    file: GroupsFile = None,
    config: Config = DEFAULT,
    municipality: MunicipalityOption = "",
) -> None:
    """Show the municipality's own synonyms, or put those of a file in their place: a group a line, with commas."""
    from contactbot.kb import synonyms

    if file is None:
        print(synonyms.groups_to_lines(asyncio.run(_synonyms(config, municipality))), end="")
        return
    groups = synonyms.groups_from_lines(text_of(file))
    asyncio.run(_set_synonyms(groups, config, municipality))
    print(f"{len(groups)} groups of synonyms hold from the next question on.")


@app.command()
def evaluate(
    entries: Entries,
    queries: Queries,
    encoder: EncoderFolder = None,
    as_json: Json = False,  # noqa: FBT002 - typer's way to say a flag
) -> None:
    """Measure the matcher on questions whose entries are known."""
    from contactbot.kb import evaluation
    from contactbot.kb.encoder import Encoder

    try:
        asked = evaluation.queries_from_jsonl(text_of(queries).split("\n"))
    except evaluation.QueryError as error:
        raise ContactbotError(f"{queries}: {error}") from error
    tried = entries_to_try(entries)
    for file, read, kind in ((entries, tried, "entries"), (queries, asked, "questions")):
        if not read:
            raise ContactbotError(f"{file}: there are no {kind} in it, so there is nothing to measure")
    reader = None if encoder is None else Encoder.of(encoder)
    report = evaluation.evaluate(tried, asked, clock=time.perf_counter, memory=_held, encoder=reader)
    if as_json:
        print(report.to_json())
        return
    for name, value in json.loads(report.to_json()).items():
        print(f"{name:<20} {'-' if value is None else value}")


async def _take_in(
    entries: tuple["Entry", ...], why: str, config: Path, municipality: str, *, dry_run: bool, publish: bool
) -> tuple["Imported", ...]:
    from contactbot.clock import now
    from contactbot.kb import editing

    async with _opened(config, municipality) as (database, key):
        if dry_run:
            planned: tuple[Imported, ...] = await database.read(editing.plan, key, entries, publish)
            return planned
        edit = editing.Edit(key, "operator", now(), why)
        done: tuple[Imported, ...] = await database.write(editing.take_in_reported, edit, entries, publish)
        return done


async def _published(config: Path, municipality: str, *, everything: bool) -> tuple["Entry", ...]:
    from contactbot.kb import store

    async with _opened(config, municipality) as (database, key):
        if everything:
            return tuple(shelf.entry for shelf in await database.read(store.shelf, key))
        base: store.Base = await database.read(store.base, key)
        return base.entries


async def _synonyms(config: Path, municipality: str) -> tuple["Group", ...]:
    from contactbot.kb import store

    async with _opened(config, municipality) as (database, key):
        base: store.Base = await database.read(store.base, key)
        return base.synonyms


async def _set_synonyms(groups: Sequence["Group"], config: Path, municipality: str) -> None:
    from contactbot.clock import now
    from contactbot.kb import store

    async with _opened(config, municipality) as (database, key):
        await database.write(store.set_synonyms, key, groups, "operator", now())


async def _knowledge(config: Path, municipality: str) -> tuple["Knowledge", "Municipality"]:
    from contactbot.clock import now
    from contactbot.conversation.knowledge import build, encoder_in
    from contactbot.kb import store
    from contactbot.municipalities import municipalities

    if is_there(config):
        settings = load(config)
        async with _opened(config, municipality) as (database, key):
            base: store.Base = await database.read(store.base, key)
    else:  # as ask does: the sample answers
        from contactbot import demo

        settings = demo.settings(Path(tempfile.gettempdir()))
        key, base = the_municipality(settings, municipality), store.Base(0, demo.base(), ())
    town = municipalities(settings.municipalities, settings.public_url)[key]
    return build(base, now().astimezone(town.zone).date(), encoder_in(settings.kb.encoder)), town


@asynccontextmanager
async def _opened(config: Path, municipality: str) -> AsyncIterator[tuple["Database", str]]:
    """Open the configured database and give the municipality's key."""
    from contactbot.opening import opened

    settings = load(config)
    key = the_municipality(settings, municipality)
    async with opened(settings, key) as database:
        yield database, key


def _held() -> int | None:
    """Return the bytes that this process holds in memory, None where the system does not tell."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * resource.getpagesize()


def _trial_as_json(trial: "Trial") -> dict[str, Any]:
    from contactbot.kb.matching import THRESHOLDS

    return {
        "text": trial.text,
        "language": trial.language,
        "language_is_sure": trial.language_is_sure,
        "outcome": trial.label,
        "rule": trial.rule,
        "answered": list(trial.answered),
        "left": list(trial.left),
        "thresholds": {
            length.value: {"answer": limits.answer, "choices": limits.choices} for length, limits in THRESHOLDS.items()
        },
        "candidates": [
            {
                "entry": one.entry_id,
                "version": one.version,
                "probability": round(one.probability, 4),
                "question": trial.question(one),
                "owner": trial.owner(one),
                "phrasing": one.phrasing,
                "words": [list(pair) for pair in one.words],
                "features": one.features,
            }
            for one in trial.candidates
        ],
        "replies": {
            one.length.value: {"outcome": one.label, "text": one.text, "choices": list(one.choices)}
            for one in trial.results
        },
    }


def _trial_in_words(trial: "Trial") -> str:
    from contactbot.kb.matching import THRESHOLDS
    from contactbot.wording import language_name

    sure = "" if trial.language_is_sure else ", not sure"
    lines = [
        f"Outcome     {trial.label} ({trial.rule})",
        f"Language    {language_name(trial.language, 'en')}{sure}",
        *(f"{length.value:<11} answer from {limits.answer:.0%}, choices from {limits.choices:.0%}, below that a person"
          for length, limits in THRESHOLDS.items()),
        *(f"Left        {question}" for question in trial.left),
        "",
    ]  # fmt: skip
    for one in trial.candidates:
        words = ", ".join(asked if asked == found else f"{asked} ~ {found}" for asked, found in one.words)
        lines += [f"{one.probability:>6.1%}  {one.entry_id} (version {one.version}): {trial.question(one)}"]
        lines += [f"        {trial.owner(one)}"] if trial.owner(one) else []
        lines += [f"        like «{one.phrasing}»"] + ([f"        {words}"] if words else [])
        lines += ["        " + ", ".join(f"{name} {value:.2f}" for name, value in one.features.items())]
    for result in trial.results:
        lines += ["", f"--- {result.length.value}: {result.label}", result.text]
        lines += [f"{number}. {label}" for number, label in enumerate(result.choices, start=1)]
    return "\n".join(lines)
