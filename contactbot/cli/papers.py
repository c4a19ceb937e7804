"""``contactbot privacy dpia``: the privacy papers, written from the configuration."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from contactbot.cli.options import DEFAULT, Config, MunicipalityOption, load, the_municipality
from contactbot.errors import ContactbotError

FACTS = "fakta.json"


def dpia(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; otherwise papers/MUNICIPALITY in the data folder.")
    ] = None,
    since: Annotated[
        Path | None, typer.Option(help="Facts of an earlier edition (fakta.json); otherwise those in the folder.")
    ] = None,
    municipality: MunicipalityOption = "",
    config: Config = DEFAULT,
) -> None:
    """Write drafts of the privacy assessment, the risk analysis and the record of processing (GDPR art. 35, 32, 30)."""
    from contactbot import app
    from contactbot.clock import now
    from contactbot.municipalities import municipalities
    from contactbot.privacy.facts import facts
    from contactbot.privacy.papers import papers
    from contactbot.storage import folder

    settings = load(config)
    town = municipalities(settings.municipalities, settings.public_url)[the_municipality(settings, municipality)]
    stands = facts(settings, town, app.channels(settings, now))
    place = out or settings.data / "papers" / town.id
    earlier = _earlier(since or place / FACTS, needed=since is not None)
    folder.make(settings.data)
    place.mkdir(parents=True, exist_ok=True)
    content = papers(stands, town.place.papers, now().astimezone(town.zone), earlier)
    files = {f"{name}.md": text for name, text in content.items()}
    files[FACTS] = json.dumps(stands.as_json(), ensure_ascii=False, indent=2) + "\n"
    for name, text in files.items():
        file = place / name
        folder.make_file(file)
        file.write_text(text, "utf-8")
        print(f"Wrote {file}")


def _earlier(file: Path, *, needed: bool) -> dict[str, Any] | None:
    """Return the facts of an earlier edition; None for the first, which has nothing to be compared with."""
    if not needed and not file.exists():
        return None
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ContactbotError(f"{file} holds no facts of an earlier edition ({error})") from None
    if not isinstance(content, dict):
        raise ContactbotError(f"{file} holds no facts of an earlier edition")
    return content
