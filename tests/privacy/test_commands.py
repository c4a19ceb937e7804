"""``contactbot privacy show`` and ``forget``, and what ``contactbot db restore`` forgets again."""

import asyncio
import json
import stat
from pathlib import Path

from contactbot import settings as settings_
from contactbot.cli.main import app
from contactbot.clock import now
from contactbot.storage import schema
from contactbot.storage.database import open_database
from contactbot.storage.unit import Unit
from tests.cli.test_commands import RUN, configured, run
from tests.privacy.residents import LIV, LIVS_PHONE, PER, SECRET, founded, handed_off, mentions, wrote

PERS = "Pers spørsmål om båtplass"


def town(folder: Path) -> Path:
    """Write a configuration and let Liv and Per write; return the configuration's file."""
    config = configured(folder)
    (folder / "data").mkdir(mode=0o700)
    schema.upgrade(settings_.load(config).database_url)
    do(config, founded)
    for who in (LIV, LIVS_PHONE):
        do(config, wrote, who)
    do(config, wrote, PER, PERS)
    return config


def do(config: Path, unit: Unit, *arguments: object) -> object:
    async def done() -> object:
        async with open_database(settings_.load(config).database_url, now) as database:
            result: object = await database.write(unit, *arguments)
            return result

    return asyncio.run(done())


def test_show_gives_a_page_that_holds_what_the_person_wrote_and_nobody_elses_words(tmp_path: Path) -> None:
    config, page = town(tmp_path), tmp_path / "liv.html"
    result = run("privacy", "show", LIV.value, "9999 99 01", "--config", config, "--out", page)
    assert result.exit_code == 0, result.output
    text = page.read_text("utf-8")
    assert text.count(f'<p class="text">{SECRET}</p>') == 2
    assert text.startswith("<!doctype html>")
    assert "<p>Fjordvik kommune</p>" in text
    assert "2 adresser" in text
    assert "% sikker." in text
    assert text.rstrip().endswith("</html>")
    assert "2 samtaler" in text
    assert PERS not in text
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_show_as_json_is_one_object_a_line_the_total_last(tmp_path: Path) -> None:
    config, file = town(tmp_path), tmp_path / "liv.jsonl"
    assert run("privacy", "show", LIV.value, "--json", "--config", config, "--out", file).exit_code == 0
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [one["record"] for one in records] == ["person", "address", "thread", "message", "message", "total"]
    assert records[-1]["records"]["message"] == 2
    assert (records[3]["text"], records[3]["files"][0]["content"]) == (SECRET, None)


def test_show_finds_a_person_by_the_number_of_their_case(tmp_path: Path) -> None:
    config, file = town(tmp_path), tmp_path / "case.jsonl"
    number = do(config, lambda tx: handed_off(tx, 1))
    assert run("privacy", "show", f"#{number}", "--json", "--config", config, "--out", file).exit_code == 0
    assert LIV.value in file.read_text("utf-8")


def test_an_address_that_is_only_similar_finds_nobody(tmp_path: Path) -> None:
    config = town(tmp_path)
    result = RUN.invoke(app, ["privacy", "show", "liv.ber@resident.example", "--config", str(config)])
    assert "must be written in full" in str(result.exception)


def test_forget_asks_first_and_then_prints_the_receipt(tmp_path: Path) -> None:
    config = town(tmp_path)
    refused = run("privacy", "forget", LIV.value, "--config", config, given="n\n")
    assert refused.exit_code == 1
    assert do(config, mentions, LIV.value)
    done = run("privacy", "forget", LIV.value, LIVS_PHONE.value, "--yes", "--json", "--config", config)
    receipt = json.loads(done.stdout)
    assert (receipt["erased"]["message"], receipt["kept"]) == (4, [])
    assert do(config, mentions, SECRET, LIV.value, LIVS_PHONE.value) == []
    assert do(config, mentions, PERS)


def test_forget_in_words_says_what_is_kept_and_why(tmp_path: Path) -> None:
    config = town(tmp_path)
    number = do(config, lambda tx: handed_off(tx, 1))
    done = run("privacy", "forget", LIV.value, "--yes", "--config", config)
    assert f"case {number}: people are working on it" in done.stdout


def test_who_was_shown_and_why_is_kept_without_their_address(tmp_path: Path) -> None:
    config = town(tmp_path)
    run("privacy", "show", LIV.value, "--json", "--config", config, "--out", tmp_path / "a", "--reason", "Innsyn 12/26")
    rows = do(config, lambda tx: tx.rows("SELECT actor, data, subject FROM event WHERE kind = 'person.shown'"))
    assert isinstance(rows, list)
    assert [(row[0], json.loads(row[1])) for row in rows] == [
        ("operator", {"reason": "Innsyn 12/26", "notes": True, "contents": False})
    ]
    assert LIV.value not in str(rows)


def test_a_restored_backup_forgets_again_whom_it_had_brought_back(tmp_path: Path) -> None:
    config, backup = town(tmp_path), tmp_path / "backup.db"
    assert run("db", "backup", backup, "--config", config).exit_code == 0
    assert run("privacy", "forget", LIV.value, "--yes", "--config", config).exit_code == 0
    restored = run("db", "restore", backup, "--config", config)
    assert "Forgot 1 addresses again" in restored.stdout
    assert do(config, mentions, LIV.value) == []
    assert do(config, mentions, LIVS_PHONE.value)


def test_a_backup_restored_where_nothing_stood_says_what_it_cannot_know(tmp_path: Path) -> None:
    config, backup = town(tmp_path), tmp_path / "backup.db"
    run("privacy", "forget", LIV.value, "--yes", "--config", config)
    run("db", "backup", backup, "--config", config)
    (tmp_path / "data" / "contactbot.db").rename(tmp_path / "lost.db")
    restored = run("db", "restore", backup, "--config", config)
    assert "No database here can tell" in restored.stdout
    assert do(config, mentions, LIV.value) == []
