"""What the privacy papers claim can be looked up: every measure has tests that exist, and nothing is left out."""

import ast
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from contactbot.places import place
from contactbot.privacy.facts import ChannelInUse, Facts, Kept, Recipient
from contactbot.privacy.retention.classes import CLASSES
from tests.house.source import ROOT, tree

FOLDER = place("no").papers


def read(name: str) -> dict[str, dict[str, object]]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


MEASURES = read("measures")
RISKS = tomllib.loads((FOLDER / "risks.toml").read_text("utf-8"))["risk"]
ACTIVITIES = tomllib.loads((FOLDER / "activities.toml").read_text("utf-8"))["activity"]


def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("name", MEASURES)
def test_the_tests_that_prove_a_measure_exist(name: str) -> None:
    proofs = MEASURES[name]["tests"]
    assert isinstance(proofs, list)
    assert proofs
    for proof in proofs:
        file, _, test = proof.partition("::")
        assert (ROOT / file).is_file(), f"{name}: there is no {file}"
        assert test in functions_of(ROOT / file), f"{name}: {file} has no {test}"


def test_every_measure_is_against_a_risk_and_every_risk_has_measures() -> None:
    used = [name for risk in RISKS for name in risk["measures"]]
    assert set(used) == set(MEASURES)
    assert all(risk["measures"] for risk in RISKS)


def test_points_are_on_the_scale() -> None:
    for risk in RISKS:
        assert 1 <= risk["likelihood"] <= 4
        assert 1 <= risk["consequence"] <= 4
        assert set(risk["lowered"]) <= {"likelihood", "consequence"}


def test_every_condition_is_a_fact() -> None:
    for one in (*MEASURES.values(), *RISKS, *ACTIVITIES):
        assert hasattr(Facts, str(one.get("when", "survey"))), one


def test_every_class_of_data_belongs_to_a_processing_activity() -> None:
    told = {name for activity in ACTIVITIES for name in activity["classes"]}
    assert told == {one.name for one in CLASSES}


def test_every_fact_has_words_where_changes_are_told() -> None:
    names = {one.name for kind in (Facts, ChannelInUse, Recipient, Kept) for one in fields(kind)}
    assert set(read("fields")) == names
