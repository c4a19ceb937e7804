"""``contactbot privacy retention`` tells the table that runs, and what was deleted."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contactbot import settings
from contactbot.cli.main import app
from contactbot.clock import now
from contactbot.municipalities import municipalities
from contactbot.privacy.retention import job
from contactbot.privacy.retention.classes import CLASSES
from contactbot.storage.database import open_database
from contactbot.storage.transaction import Transaction

RUN = CliRunner()


@pytest.fixture
def config(sqlite_url: str, tmp_path: Path) -> Path:
    """Write a configuration with a time of its own."""
    file = tmp_path / "contactbot.toml"
    file.write_text(
        f'public_url = "https://chat.fjordvik.example"\nsecret = "{"x" * 40}"\ndata = "{tmp_path}"\n'
        f'database = "{sqlite_url}"\n[municipalities.fjordvik]\nname = "Fjordvik kommune"\n'
        "[municipalities.fjordvik.retention]\nbot_conversations = 14\n",
        "utf-8",
    )
    return file


def told(config: Path, *more: str) -> str:
    result = RUN.invoke(app, ["privacy", "retention", "--config", str(config), *more])
    assert result.exit_code == 0, result.output
    return result.stdout


async def _delete(config: Path) -> None:
    loaded = settings.load(config)
    town = municipalities(loaded.municipalities, loaded.public_url)["fjordvik"]
    at = datetime(2026, 11, 23, tzinfo=UTC)

    def fill(tx: Transaction) -> None:
        tx.execute(
            "INSERT INTO municipality (id, name, country, main_language, time_zone)"
            " VALUES ('fjordvik', 'Fjordvik kommune', 'NO', 'nb', 'Europe/Oslo')"
        )
        tx.insert("sign_in_attempt", email="kari@fjordvik.example", at=at, succeeded=False)

    async with open_database(loaded.database_url, now) as database:
        await database.write(fill)
        await job.run(database, town, at + timedelta(days=2))


def test_it_prints_every_class_with_the_time_that_is_set(config: Path) -> None:
    text = told(config)
    assert all(data.name in text for data in CLASSES)
    assert "bot_conversations    14 dager" in text
    assert "cases_undecided      ingen frist" in text
    assert "Sist kjørt: aldri" in text
    assert "Ingenting er slettet ennå." in text


def test_it_prints_what_was_deleted_and_names_nobody(config: Path) -> None:
    asyncio.run(_delete(config))
    text = told(config)
    assert "sign_in_attempts: sign_in_attempt 1" in text
    assert "kari" not in text


def test_a_program_reads_the_same(config: Path) -> None:
    asyncio.run(_delete(config))
    lines = [json.loads(line) for line in told(config, "--json").splitlines()]
    table = {line["class"]: line for line in lines if "class" in line}
    assert set(table) == {data.name for data in CLASSES}
    assert (table["bot_conversations"]["days"], table["opt_outs"]["days"]) == (14, None)
    assert table["sign_in_attempts"]["last_run"] == "2026-11-25T00:00:00+00:00"
    assert [line["deleted"] for line in lines if "ran" in line] == [{"sign_in_attempt": 1}]


def test_a_time_that_cannot_be_is_refused(config: Path) -> None:
    config.write_text(config.read_text("utf-8").replace("bot_conversations = 14", "cases_left_out = 3"), "utf-8")
    result = RUN.invoke(app, ["privacy", "retention", "--config", str(config)])
    assert "cases_left_out: at least 21 days" in str(result.exception)
