"""``contactbot kb`` takes in, gives out, tries and measures, for people and for programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from contactbot.cli.kb import app
from contactbot.errors import ContactbotError
from contactbot.kb import packs
from tests.kb.samples import TAX, WASTE


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write the configuration of a municipality that has never been started."""
    file = tmp_path / "contactbot.toml"
    file.write_text(
        f'public_url = "http://127.0.0.1"\ndata = "{tmp_path / "data"}"\nsecret = "{"s" * 40}"\n'
        '[municipalities.fjordvik]\nname = "Fjordvik kommune"\n'
    )
    return file


def run(*words: object, config: Path | None = None) -> Result:
    return CliRunner().invoke(app, [*map(str, words), *(("--config", str(config)) if config else ())])


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def file_of(folder: Path, ending: str) -> Path:
    file = folder / f"base{ending}"
    file.write_bytes(packs.write(file.name, (WASTE, TAX)))
    return file


@pytest.mark.parametrize("ending", list(packs.FORMS))
def test_what_was_taken_in_is_given_out_the_same(config: Path, tmp_path: Path, ending: str) -> None:
    done = lines(run("import", file_of(tmp_path, ending), "--json", config=config))
    assert [(one["id"], one["change"], one["published"]) for one in done] == [
        (WASTE.id, "new", True),
        (TAX.id, "new", True),
    ]
    out = tmp_path / f"out{ending}"
    assert run("export", out, config=config).exit_code == 0
    assert set(packs.read(out.name, out.read_bytes())) == {WASTE, TAX}


def test_synonyms_are_set_from_a_file_and_shown(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("# våre egne\nkråkereiret, biblioteket\n\nstore plasken, svømmehallen\n", "utf-8")
    assert "2 groups" in run("synonyms", file, config=config).stdout
    assert run("synonyms", config=config).stdout == "kråkereiret, biblioteket\nstore plasken, svømmehallen\n"


@pytest.mark.parametrize("line", ["kråkereiret", "kråkereiret, ,", "på en, biblioteket"])
def test_a_line_that_is_no_group_of_synonyms_is_named_and_nothing_is_set(
    config: Path, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text(f"bil, kjerre\n{line}\n", "utf-8")
    done = run("synonyms", file, config=config)
    assert isinstance(done.exception, ContactbotError)
    assert "line 2" in str(done.exception)
    assert run("synonyms", config=config).stdout == ""


def test_a_dry_run_changes_nothing(config: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path, ".csv")
    for _ in range(2):
        assert "2 new" in run("import", file, "--dry-run", config=config).stdout


def test_drafts_are_given_out_only_with_everything(config: Path, tmp_path: Path) -> None:
    run("import", file_of(tmp_path, ".json"), "--draft", config=config)
    for more, count in ((), 0), (("--all",), 2):
        out = tmp_path / f"out{count}.jsonl"
        assert run("export", out, *more, config=config).exit_code == 0
        assert len(out.read_text("utf-8").splitlines()) == count


def test_a_trial_tells_everything_as_json(config: Path, tmp_path: Path) -> None:
    run("import", file_of(tmp_path, ".db"), config=config)
    (found,) = lines(run("try", "når hentes søppelet?", "--json", config=config))
    assert (found["outcome"], found["answered"], found["language"]) == ("answer", [WASTE.id], "nb")
    assert set(found) >= {"candidates", "thresholds", "replies", "rule"}
    assert "«Når hentes søppelet?»" in run("try", "når hentes søppelet?", config=config).stdout


def test_a_wrong_file_is_refused_with_its_line_and_nothing_is_taken_in(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("id;språk;spørsmål\na;nb;Hva?\nb;nb;\n", "utf-8")
    result = run("import", file, config=config)
    assert isinstance(result.exception, ContactbotError)
    assert "line 3, spørsmål" in str(result.exception)
    assert "2 new" in run("import", file_of(tmp_path, ".db"), "--dry-run", config=config).stdout


def test_the_matcher_is_measured_on_questions_with_known_entries(tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    asked = [{"text": "når hentes søppelet", "expect": WASTE.id}, {"text": "månen er av ost", "expect": None}]
    queries.write_text("".join(json.dumps(one) + "\n" for one in asked))
    (report,) = lines(run("evaluate", "--entries", file_of(tmp_path, ".jsonl"), "--queries", queries, "--json"))
    assert (report["top1"], report["recall3"], report["share_oos_answered"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("empty", ["entries", "questions"])
def test_there_is_nothing_to_measure_in_an_empty_file(tmp_path: Path, empty: str) -> None:
    nothing, queries = tmp_path / "nothing.jsonl", tmp_path / "queries.jsonl"
    nothing.write_text("\n")
    queries.write_text('{"text": "når hentes søppelet", "expect": null}\n')
    files = (nothing, queries) if empty == "entries" else (file_of(tmp_path, ".jsonl"), nothing)
    result = run("evaluate", "--entries", files[0], "--queries", files[1])
    assert (result.exit_code, str(result.exception)) == (
        1, f"{nothing}: there are no {empty} in it, so there is nothing to measure"
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_not_tried(config: Path, text: str) -> None:
    result = run("try", text, config=config)
    assert (result.exit_code, "the text is empty" in result.stderr) == (2, True)


def test_a_wrong_question_is_refused_with_its_line(tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"text": "a"}\nnot json\n')
    result = run("evaluate", "--entries", file_of(tmp_path, ".jsonl"), "--queries", queries)
    assert (result.exit_code, f"{queries}: line 2" in str(result.exception)) == (1, True)
