"""The measures of `kb evaluate` are what they are called, and the matcher does not get worse unseen."""

from itertools import count
from pathlib import Path

import pytest

from contactbot.kb.entry import Entry, EntryText, entries_from_jsonl
from contactbot.kb.evaluation import Query, QueryError, auroc, auto, evaluate, queries_from_jsonl
from tests.parts import reference

HOME = Path(__file__).resolve().parents[2]
FLOORS = {"dialects": 0.75, "banking_k5": 0.58, "assistant_k5": 0.63, "home_k5": 0.55}
"""Some points under the whole set, since a sample of 150 questions moves."""


def test_auroc_counts_pairs_and_halves_ties() -> None:
    assert auroc([0.9, 0.8, 0.1], [True, True, False]) == 1.0
    assert auroc([0.5, 0.5], [True, False]) == 0.5
    assert auroc([0.5], [True]) is None


def test_auto_is_the_share_answered_rightly_at_the_wanted_precision() -> None:
    assert auto([0.9, 0.8, 0.7], [True, True, False], 4) == 0.5
    assert auto([0.9, 0.9], [True, False], 2) == 0.0
    assert auto([0.9], [False], 0) is None


def test_a_report_holds_every_measure_and_null_for_what_the_set_lacks() -> None:
    entries = [
        Entry("a", 1, (EntryText("nb", "Når er biblioteket åpent?"),)),
        Entry("b", 1, (EntryText("nb", "Feier"),)),
    ]
    clock = count()

    report = evaluate(entries, [Query("biblioteket åpent", "a")], clock=lambda: float(next(clock)))

    assert (report.top1, report.recall3, report.mrr10) == (1.0, 1.0, 1.0)
    assert (report.auroc, report.share_oos_answered, report.rss_mb) == (None, None, None)
    assert (report.p50_ms, report.build_s) == (1000.0, 1.0)
    assert '"auroc": null' in report.to_json()


@pytest.mark.parametrize("line", ["{", "[]", "7", '{"expect": "a"}', '{"text": 1}', '{"text": "a", "expect": 7}'])
def test_a_question_that_cannot_be_read_names_its_line(line: str) -> None:
    with pytest.raises(QueryError, match="line 2"):
        queries_from_jsonl(f"\n{line}\n")


def test_the_municipal_questions_are_found_and_not_answered_wrongly() -> None:
    top1, precision = measured(HOME / "bench" / "data" / "municipal", 120)

    assert top1 >= 0.82
    assert precision is None or precision >= 0.95


@pytest.mark.parametrize("name", FLOORS)
def test_the_development_sets_stay_above_their_floor(name: str) -> None:
    top1, precision = measured(reference(f"matching/dev/{name}"), 150)

    assert top1 >= FLOORS[name]
    assert precision is None or precision >= 0.85


def measured(folder: Path, most: int) -> tuple[float, float | None]:
    queries = queries_from_jsonl((folder / "queries.jsonl").read_text("utf-8"))
    step = max(1, len(queries) // most)
    entries = entries_from_jsonl((folder / "entries.jsonl").read_text("utf-8"))
    report = evaluate(entries, queries[::step], clock=lambda: 0.0)
    assert report.top1 is not None
    return report.top1, report.precision_answered
