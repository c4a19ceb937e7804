"""The privacy papers tell what really runs: who handles messages, how long what is kept, and which measures are off."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contactbot import app as house
from contactbot import settings
from contactbot.cli.main import app
from contactbot.clock import now
from contactbot.municipalities import municipalities
from contactbot.privacy.facts import Facts, facts
from contactbot.privacy.papers import NAMES, papers

TWILIO = {
    "twilio": {"account_sid": f"AC{'0' * 32}", "auth_token": "0" * 32},
    "numbers": [{"number": "+4759440000", "municipality": "fjordvik"}],
}
GATEWAY = {
    "plain_http": {"url": "https://sms.nabo.example/v1", "token": "t" * 20, "secret": "s" * 30},
    "numbers": [{"number": "+4759440000", "municipality": "fjordvik"}],
}
MAIL = {"accounts": [{"address": "post@fjordvik.no", "municipality": "fjordvik"}], "relay": {"host": "post.example"}}


def values(folder: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
    return {
        "public_url": "https://kontakt.fjordvik.example", "secret": "s" * 40, "data": str(folder),
        "municipalities": {"fjordvik": {"name": "Fjordvik kommune", "email": "post@fjordvik.no"}},
        "channels": {"webchat": {"accounts": [{"site": "fjordvik", "municipality": "fjordvik"}]}},
    } | more  # fmt: skip


def stands(folder: Path, **more: Any) -> Facts:  # noqa: ANN401 - any setting
    configured = settings.from_values(values(folder, **more), "the test's configuration")
    town = municipalities(configured.municipalities, configured.public_url)["fjordvik"]
    return facts(configured, town, house.channels(configured, now))


def written(folder: Path, earlier: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:  # noqa: ANN401 - any setting
    told = stands(folder, **more)
    configured = settings.from_values(values(folder, **more), "the test's configuration")
    town = municipalities(configured.municipalities, configured.public_url)["fjordvik"]
    return papers(told, town.place.papers, now(), earlier)


def test_each_paper_names_every_channel_and_everybody_who_handles_its_messages(tmp_path: Path) -> None:
    content = written(tmp_path, channels={"sms": TWILIO, "email": MAIL})
    assert list(content) == list(NAMES)
    for name in ("dpia", "protokoll"):
        assert "Twilio" in content[name]
        assert "post.example" in content[name]
        assert "utenfor EØS" in content[name]
        assert "kapittel V" in content[name], "a transfer raises the question of its ground"


def test_a_supplier_nobody_knows_is_a_question_and_no_claim(tmp_path: Path) -> None:
    content = written(tmp_path, channels={"sms": GATEWAY})
    assert "sms.nabo.example" in content["protokoll"]
    assert "☐ fyll ut land" in content["protokoll"]
    assert "kapittel V" not in content["dpia"]
    assert "En leverandør utenfor EØS" not in content["ros"]


@pytest.mark.parametrize("name", NAMES)
def test_every_class_of_data_and_its_time_is_told(tmp_path: Path, name: str) -> None:
    content = written(tmp_path)[name]
    if name != "ros":
        for one in stands(tmp_path).retention:
            assert one.label in content
    own = {"fjordvik": {"name": "Fjordvik kommune", "retention": {"bot_conversations": 13}}}
    assert ("13 dager" in written(tmp_path, municipalities=own)[name]) is (name != "ros")


def test_a_measure_that_is_off_is_said_and_leaves_the_risk_where_it_was(tmp_path: Path) -> None:
    sealed, open_ = (written(tmp_path, backup_key=key)["ros"] for key in ("k" * 30, ""))
    assert "ikke på plass:** Sikkerhetskopier er kryptert" in open_
    assert "ikke på plass:** Sikkerhetskopier" not in sealed
    line = re.compile(r"\| \d+ \| Databasen eller en sikkerhetskopi kommer på avveie \| (.*) \| (.*) \|")
    (before, worse), (_, better) = (found.groups() for text in (open_, sealed) if (found := line.search(text)))
    assert worse == before
    assert better != before


def test_what_has_changed_since_the_last_edition_is_told_in_words(tmp_path: Path) -> None:
    first = json.loads(json.dumps(stands(tmp_path, channels={"sms": GATEWAY}).as_json()))
    own = {"fjordvik": {"name": "Fjordvik kommune", "retention": {"originals": 7}}}
    content = written(tmp_path, first, channels={"sms": TWILIO}, municipalities=own, backup_key="k" * 30)["dpia"]
    assert re.search(r"\| Lagringstid: Meldingene slik de kom inn \(originaler\): dager \| 31 \| 7 \|", content)
    assert "| Sikkerhetskopier kryptert | nei | ja |" in content
    assert re.search(r"\| Kanal: SMS: leverandør: sms.nabo.example: nås på \| sms.nabo.example \| – \|", content)
    assert "svarer fra" not in content


def test_nothing_changed_is_said_too(tmp_path: Path) -> None:
    same = json.loads(json.dumps(stands(tmp_path).as_json()))
    assert all("er endret siden forrige utgave" in paper for paper in written(tmp_path, same).values())


def test_a_municipality_alone_needs_no_paper_on_sharing(tmp_path: Path) -> None:
    assert "delt med andre" not in written(tmp_path)["dpia"]
    two = {key: {"name": f"{key} kommune"} for key in ("fjordvik", "nabovik")}
    content = written(tmp_path, municipalities=two)
    assert "nabovik kommune" in content["dpia"]
    assert "En kommune ser opplysninger" in content["ros"]


def test_the_command_writes_drafts_that_only_the_operator_can_read_and_compares_with_the_last(tmp_path: Path) -> None:
    config = tmp_path / "contactbot.toml"
    config.write_text(
        f'public_url = "https://kontakt.fjordvik.example"\nsecret = "{"s" * 40}"\ndata = "{tmp_path}/data"\n'
        '[municipalities.fjordvik]\nname = "Fjordvik kommune"\n[channels.loopback]\n',
        "utf-8",
    )
    run = CliRunner()
    first = run.invoke(app, ["privacy", "dpia", "--config", str(config)])
    assert first.exit_code == 0, first.output
    folder = tmp_path / "data" / "papers" / "fjordvik"
    assert "første utgaven" in (folder / "dpia.md").read_text("utf-8")
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    out = tmp_path / "ny"
    again = ["privacy", "dpia", "--config", str(config), "--out", str(out), "--since", str(folder / "fakta.json")]
    assert run.invoke(app, again).exit_code == 0
    assert "er endret siden forrige utgave" in (out / "dpia.md").read_text("utf-8")
    missing = run.invoke(app, ["privacy", "dpia", "--config", str(config), "--since", str(tmp_path / "ingen.json")])
    assert missing.exit_code != 0
