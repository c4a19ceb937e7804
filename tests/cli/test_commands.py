"""What the commands print, write and refuse."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from contactbot import settings
from contactbot.cli import running
from contactbot.cli.main import app, main
from contactbot.first_start import problems
from contactbot.storage import folder
from tests.patience import PATIENCE

RUN = CliRunner()
PROGRAM = Path(sys.executable).parent / "contactbot"
BASE = [
    {
        "id": "bibliotek",
        "lang": "nb",
        "phrasings": ["når åpner biblioteket", "åpningstider bibliotek"],
        "answer": "10-19.",
    },
    {"id": "avfall", "lang": "nb", "phrasings": ["når hentes søppelet", "hentedag avfall"], "answer": "Tirsdager."},
]
TEN_ANSWERS = (
    'Fjord "og" vik kommune', "fjordvik", "nn", "https://chat.fjordvik.example", "https://www.fjordvik.example",
    "post@fjordvik.example", "mail.fjordvik.example:587", "+4759440000", "admin@fjordvik.example",
    "et langt og godt passord",
)  # fmt: skip


def configured(folder: Path, **more: object) -> Path:
    """Write a configuration and return its file."""
    values = {
        "public_url": "https://chat.fjordvik.example", "secret": "x" * 40, "data": str(folder / "data"),
        "listen": "127.0.0.1:0",
    } | more  # fmt: skip
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    lines += ["[municipalities.fjordvik]", 'name = "Fjordvik kommune"', "[channels.loopback]"]
    file = folder / "contactbot.toml"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


def based(folder: Path) -> Path:
    """Write two entries as JSON lines and return the file."""
    file = folder / "base.jsonl"
    file.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in BASE), "utf-8")
    return file


def run(*arguments: object, given: str | None = None) -> Result:
    """Run a command within this process."""
    return RUN.invoke(app, [str(argument) for argument in arguments], input=given)


def failed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command as a terminal does, expect it to fail, and return what it says."""
    monkeypatch.setattr(sys, "argv", ["contactbot", *(str(argument) for argument in arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    return capsys.readouterr().err


# ask


def test_ask_prints_one_object(tmp_path: Path) -> None:
    result = run("ask", "når åpner biblioteket", "--kb", based(tmp_path), "--config", configured(tmp_path), "--json")
    found = json.loads(result.stdout)
    assert set(found) == {"outcome", "answered", "entries", "confidence", "language", "reply"}
    assert (found["outcome"], found["answered"], found["language"]) == ("answer", ["bibliotek"], "nb")
    assert "10-19." in found["reply"]
    assert 0 <= found["confidence"] <= 1


def test_ask_takes_lines_and_threads_of_several_turns_and_keeps_their_order(tmp_path: Path) -> None:
    lines = ["når hentes søppelet", json.dumps(["hei", "når åpner biblioteket"]), "", "[ikke json", '["takk"]']
    result = run(
        "ask", "-", "--kb", based(tmp_path), "--config", configured(tmp_path), "--json", given="\n".join(lines) + "\n"
    )
    rubbish, turns, odd, thanks = [json.loads(line) for line in result.stdout.splitlines()]
    assert rubbish["answered"] == ["avfall"]
    assert [turn["outcome"] for turn in turns] == ["smalltalk", "answer"]
    assert isinstance(odd, dict)
    assert [turn["outcome"] for turn in thanks] == ["smalltalk"]


def test_ask_without_a_question_says_so_and_tells_a_program_that_nothing_was_said(tmp_path: Path) -> None:
    asked = ("ask", " ", "--kb", based(tmp_path), "--config", configured(tmp_path))
    person, program = run(*asked), run(*asked, "--json")
    assert (person.exit_code, program.exit_code) == (2, 0)
    assert "no question" in person.stderr
    assert json.loads(program.stdout)["outcome"] == "silent"


def test_ask_names_every_entry_that_answers_a_part_of_the_question(tmp_path: Path) -> None:
    question = "Når åpner biblioteket? Når hentes søppelet?"
    result = run("ask", question, "--kb", based(tmp_path), "--config", configured(tmp_path), "--json")
    assert json.loads(result.stdout)["answered"] == ["bibliotek", "avfall"]


def test_ask_keeps_nothing_in_the_services_own_database(tmp_path: Path) -> None:
    run("ask", "hei", "--kb", based(tmp_path), "--config", configured(tmp_path), "--json")
    assert not (tmp_path / "data").exists()


def test_talk_answers_until_an_empty_line(tmp_path: Path) -> None:
    result = run(
        "talk", "--kb", based(tmp_path), "--config", configured(tmp_path), given="når åpner biblioteket\n\nnever\n"
    )
    assert result.exit_code == 0
    assert "10-19." in result.stdout


def test_mail_explain_tells_what_the_resident_wrote(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_bytes(
        b"From: Kari <kari@example.org>\r\nTo: post@fjordvik.example\r\nSubject: Arv\r\nMessage-ID: <1@example.org>\r\n"
        b"References: <0@example.org>\r\n\r\nHei, kan dere hjelpe?\r\n\r\n> gammelt\r\n"
    )
    found = json.loads(run("mail", "explain", file).stdout)
    assert "kan dere hjelpe" in found["text"]
    assert (found["message_id"], found["automatic"]) == ("<1@example.org>", False)
    assert found["references"] == ["<0@example.org>"]


# the database and the staff


def test_the_database_is_made_backed_up_and_restored(tmp_path: Path) -> None:
    config, copy = configured(tmp_path), tmp_path / "copy.db"
    assert run("db", "upgrade", "--config", config).exit_code == 0
    assert run("db", "backup", copy, "--config", config).exit_code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    result = run("db", "restore", copy, "--config", config)
    assert "The database that was there is now" in result.stdout.replace("\n", " ")
    assert len(list((tmp_path / "data").glob("contactbot.db.before-*"))) == 1


@pytest.mark.parametrize(
    ("content", "words"), [(None, "no file"), (b"not a database", "no backup"), (b"", "no backup")]
)
def test_what_is_no_backup_is_not_restored(
    tmp_path: Path,
    content: bytes | None,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, file = configured(tmp_path), tmp_path / "file"
    run("db", "upgrade", "--config", config)
    if content is not None:
        file.write_bytes(content)
    assert words in failed(monkeypatch, capsys, "db", "restore", file, "--config", config)
    assert (tmp_path / "data" / "contactbot.db").exists()


def test_a_backup_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = configured(tmp_path), tmp_path / "precious"
    run("db", "upgrade", "--config", config)
    file.write_text("precious", "utf-8")
    assert "there already" in failed(monkeypatch, capsys, "db", "backup", file, "--config", config)
    assert file.read_text("utf-8") == "precious"


def test_somebody_may_be_added_once_and_with_a_good_password_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    add = ("staff", "add", "kari@fjordvik.example", "--name", "Kari Nes", "--password-stdin", "--config", config)
    assert run(*add, given="kort\n").exit_code != 0
    assert run(*add, "--team", "Nowhere", given="et langt og godt passord\n").exit_code == 1
    assert run("staff", "add", "kari", *add[3:], given="et langt og godt passord\n").exit_code == 2
    assert "may sign in as staff" in run(*add, given="et langt og godt passord\n").stdout
    assert run(*add, given="et langt og godt passord\n").exit_code != 0
    assert "passord" not in failed(monkeypatch, capsys, "db", "restore", tmp_path / "none", "--config", config)


# check


def checked(config: Path) -> dict[str, str]:
    """Return what the check finds, text and level."""
    result = run("check", "--config", config, "--json")
    return {found["text"]: found["level"] for found in map(json.loads, result.stdout.splitlines())}


def test_a_misspelt_key_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = failed(monkeypatch, capsys, "check", "--config", configured(tmp_path, publik_url="x"))
    assert "publik_url" in said
    assert "misspelt" in said


@pytest.mark.parametrize(
    ("url", "level", "words"),
    [
        ("http://chat.fjordvik.example", "warning", "http"),
        ("chat.fjordvik.example", "error", "whole address"),
        ("https://[fjordvik", "error", "whole address"),
        ("https://fjordvik.example:99999", "error", "whole address"),
        ("https://fjordvik.example/chat", "error", "path"),
    ],
)
def test_a_bad_public_address_is_found(tmp_path: Path, url: str, level: str, words: str) -> None:
    found = checked(configured(tmp_path, public_url=url))
    assert any(words in text and given == level for text, given in found.items())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('time_zone = "Europe/Olso"', "Europe/Olso"),
        ('country = "XX"', "XX"),
        ('main_language = "norsk"', "main_language"),
        ("hours = {mon=[],tue=[],wed=[],thu=[],fri=[]}", "opening hours"),
    ],
)
def test_a_municipality_that_cannot_be_is_found_before_the_start(tmp_path: Path, line: str, words: str) -> None:
    file = configured(tmp_path)
    file.write_text(file.read_text("utf-8").replace("[channels.loopback]", f"{line}\n[channels.loopback]"), "utf-8")
    found = checked(file)
    assert any(words in text and level == "error" for text, level in found.items()), found


def test_a_relay_out_of_reach_is_found(tmp_path: Path) -> None:
    file = configured(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with file.open("a", encoding="utf-8") as more:
        more.write(
            '[[channels.email.accounts]]\naddress = "post@fjordvik.example"\n[channels.email.listen]\nport = 0\n'
            f'[channels.email.relay]\nport = {port}\ntls = "none"\n'
        )
    assert any("relay" in text and level == "error" for text, level in checked(file).items())


# init and serve


def test_ten_answers_make_files_that_load_and_an_administrator(tmp_path: Path) -> None:
    result = run("init", tmp_path, given="\n".join(TEN_ANSWERS) + "\n")
    assert result.exit_code == 0, result.output
    file = tmp_path / "contactbot.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    loaded = settings.load(file)
    assert loaded.municipalities["fjordvik"].name == TEN_ANSWERS[0]
    assert set(loaded.channels) == {"email", "sms", "webchat"}
    assert TEN_ANSWERS[-1] not in file.read_text("utf-8")
    assert {"contactbot.service", "nginx-example.conf"} <= {path.name for path in tmp_path.iterdir()}
    assert not [text for text, level in checked(file).items() if level == "error" and "reach" not in text.lower()
                and "sms" not in text and "email" not in text]  # fmt: skip
    assert run("init", tmp_path, given="\n".join(TEN_ANSWERS) + "\n").exit_code != 0


def test_an_address_left_empty_is_asked_for_again_in_words(tmp_path: Path) -> None:
    answers = [*TEN_ANSWERS[:8], "", "kari", *TEN_ANSWERS[8:]]
    result = run("init", tmp_path, given="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert result.output.count("Write an email address") == 2


def test_a_short_password_is_asked_for_again_where_somebody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["kort", "et langt nok passord"])
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: next(answers))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert running._password() == "et langt nok passord"


@pytest.mark.parametrize(
    ("number", "wrong", "words"),
    [
        (1, "min kommune", "Use only the letters"),
        (2, "norsk", "Write one of nb"),
        (3, "chat.fjordvik", "Write a whole address"),
        (3, "https://fjordvik.example/chat", "without a path"),
        (4, "https://[www", "Write a whole address"),
        (5, "post", "Write an email address"),
        (6, "relay:abc", "Write a host and a port"),
        (6, "relay:99999", "Write a host and a port"),
        (7, "594 40 000", "Write the number with +"),
    ],
)
def test_a_wrong_answer_is_asked_for_again_in_words(tmp_path: Path, number: int, wrong: str, words: str) -> None:
    answers = [*TEN_ANSWERS[:number], wrong, *TEN_ANSWERS[number:]]
    result = run("init", tmp_path, given="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert words in result.output


@given(st.text(), st.sampled_from([problems.origin, problems.relay, problems.key, problems.sms_number]))
def test_no_answer_breaks_a_question(text: str, problem: Callable[[str], str]) -> None:
    assert isinstance(problem(text), str)


@pytest.mark.parametrize(("number", "answer"), [(1, "min kommune"), (9, "kort")])
def test_an_answer_that_cannot_be_used_leaves_no_files(tmp_path: Path, number: int, answer: str) -> None:
    answers = list(TEN_ANSWERS)
    answers[number] = answer
    assert run("init", tmp_path, given="\n".join(answers) + "\n").exit_code != 0
    assert not (tmp_path / "contactbot.toml").exists()


async def test_the_service_is_ready_and_stops_cleanly_when_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = configured(tmp_path, listen=f"127.0.0.1:{port}")
    command = (str(PROGRAM), "serve", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    try:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as client:
            while await _health(client, port) != 200:
                assert process.returncode is None
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert b"Traceback" not in errors


def serve_fails(config: Path) -> str:
    """Run the service where it cannot run, and return what it says."""
    process = subprocess.run([PROGRAM, "serve", "--config", config], capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    return process.stderr


def test_a_second_service_on_one_file_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    with folder.served(tmp_path / "data"):
        assert "another service runs on" in serve_fails(config)
    with folder.served(tmp_path / "data"):
        pass  # the first one let go of it


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:1x", ":8080", "127.0.0.1:99999"])
def test_an_address_that_cannot_be_listened_on_is_named(
    tmp_path: Path, listen: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = failed(monkeypatch, capsys, "serve", "--config", configured(tmp_path, listen=listen))
    assert "listen: write an address and a port" in said


def test_a_data_folder_that_cannot_be_is_named_by_check_and_start(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for data in (tmp_path / "taken", tmp_path / "taken" / "data"):
        config = configured(tmp_path, data=str(data))
        assert any(text.startswith("data: ") and level == "error" for text, level in checked(config).items())
        assert f"{data} cannot be used" in serve_fails(config) or str(tmp_path / "taken") in serve_fails(config)


def test_a_data_folder_where_nothing_can_be_made_is_named_even_to_root(tmp_path: Path) -> None:
    """What is mounted refuses whatever its modes let root do; /proc stands for it on any Linux."""
    for data in ("/proc", "/proc/contactbot/data"):
        found = [text for text, level in checked(configured(tmp_path, data=data)).items() if level == "error"]
        assert any(text.startswith(f"data: {data} ") for text in found), found


def test_a_database_of_a_newer_version_is_neither_opened_nor_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, database = configured(tmp_path), tmp_path / "data" / "contactbot.db"
    run("db", "upgrade", "--config", config)
    run("db", "backup", tmp_path / "older", "--config", config)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    run("db", "backup", tmp_path / "newer", "--config", config)
    assert any("newer version" in text and level == "error" for text, level in checked(config).items())
    assert "newer version" in failed(monkeypatch, capsys, "db", "upgrade", "--config", config)
    assert "newer version" in serve_fails(config)
    assert run("db", "restore", tmp_path / "older", "--config", config).exit_code == 0
    assert "newer version" in failed(monkeypatch, capsys, "db", "restore", tmp_path / "newer", "--config", config)
    assert not any("newer version" in text for text in checked(config)), "the database that was there still is"


def test_what_is_no_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "contactbot.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    assert "cannot be opened: file is not a database" in serve_fails(configured(tmp_path))


# files that commands are given


@pytest.mark.parametrize(
    "arguments",
    [
        ("kb", "import", "{file}.csv"), ("kb", "synonyms", "{file}"),
        ("kb", "evaluate", "--entries", "{file}", "--queries", "{file}"), ("kb", "export", "{file}/away.csv"),
        ("mail", "explain", "{file}"), ("ask", "hei", "--kb", "{file}"), ("db", "restore", "{file}"),
        ("db", "backup", "{file}/away"), ("privacy", "dpia", "--since", "{file}"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_file_that_is_missing_is_named_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONTACTBOT_CONFIG", str(configured(tmp_path)))
    run("db", "upgrade")
    missing = tmp_path / "missing"
    said = failed(monkeypatch, capsys, *(part.format(file=missing) for part in arguments))
    assert str(missing) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("kb", "import", "{file}"), ("kb", "synonyms", "{file}"),
        ("kb", "evaluate", "--entries", "{file}", "--queries", "{file}"), ("ask", "hei", "--kb", "{file}"),
        ("db", "restore", "{file}"), ("privacy", "dpia", "--since", "{file}"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("content", [b"\xbb\xff\x00", b'{"a": 1}'])
def test_a_file_with_something_else_in_it_is_named_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], content: bytes, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("CONTACTBOT_CONFIG", str(configured(tmp_path)))
    file = tmp_path / "file.jsonl"
    file.write_bytes(content)
    if "dpia" in arguments:
        file.write_bytes(b"[]" if content.startswith(b"{") else content)
    said = failed(monkeypatch, capsys, *(part.format(file=file) for part in arguments))
    assert "file.jsonl" in said or "line 1" in said


def test_a_configuration_that_is_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.toml"
    for command in (("ask", "hei"), ("kb", "try", "hei"), ("serve",)):
        assert f"no file {missing}" in failed(monkeypatch, capsys, *command, "--config", missing)


async def _health(client: aiohttp.ClientSession, port: int) -> int:
    try:
        async with client.get(f"http://127.0.0.1:{port}/healthz") as response:
            return response.status
    except aiohttp.ClientConnectionError:
        await asyncio.sleep(0)
        return 0


def test_every_command_explains_itself() -> None:
    said = run("--help").stdout
    for name in ("ask", "talk", "init", "serve", "check", "demo", "db", "kb", "mail", "staff"):
        assert re.search(rf"\b{name}\b", said)
        assert run(name, "--help").exit_code == 0


def test_the_configuration_that_init_writes_holds_no_secret_twice(tmp_path: Path) -> None:
    secrets = []
    for place in (tmp_path / "a", tmp_path / "b"):
        run("init", place, given="\n".join(TEN_ANSWERS) + "\n")
        secrets.append(tomllib.loads((place / "contactbot.toml").read_text("utf-8"))["secret"])
    assert len(set(secrets)) == 2


# what lies on the disk


def test_the_check_names_every_file_that_others_may_open_and_how_to_close_it(tmp_path: Path) -> None:
    config = configured(tmp_path)
    run("db", "upgrade", "--config", config)
    config.chmod(0o600)
    assert not [text for text in checked(config) if "others may" in text], "what we make ourselves is closed"
    database = tmp_path / "data" / "contactbot.db"
    for path in (config, database, database.parent):
        path.chmod(0o755)
    found = checked(config)
    assert found[f"others may open {database}: chmod 600 it"] == "warning"
    assert found[f"others may open {database.parent}: chmod 700 it"] == "warning"
    assert found[f"others may read the secrets in {config}: chmod 600 it"] == "warning"


def test_the_check_says_when_backups_are_not_sealed(tmp_path: Path) -> None:
    assert any("backup_key" in text for text in checked(configured(tmp_path)))
    assert not any("backup_key" in text for text in checked(configured(tmp_path, backup_key="n" * 30)))


def test_a_backup_is_sealed_with_the_key_of_the_settings_and_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path, backup_key="en nøkkel som er lang nok")
    run("db", "upgrade", "--config", config)
    assert "sealed" in run("db", "backup", tmp_path / "copy", "--config", config).stdout
    other = configured(tmp_path, backup_key="en annen nøkkel som er lang nok")
    assert "not the one" in failed(monkeypatch, capsys, "db", "restore", tmp_path / "copy", "--config", other)
    short = configured(tmp_path, backup_key="kort")
    assert "backup_key must have" in failed(monkeypatch, capsys, "check", "--config", short)


def test_a_data_folder_that_others_may_open_is_pointed_out_at_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that the service ends by itself
        said = serve_fails(configured(tmp_path, listen=f"127.0.0.1:{taken.getsockname()[1]}"))
    assert "others may open this" in said
    assert "address already in use" in said
    assert stat.S_IMODE((data / "contactbot.db").stat().st_mode) == 0o600
