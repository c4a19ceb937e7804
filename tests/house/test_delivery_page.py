"""What docs/delivery.md promises is proven: each line names a test that exists, and the table of faults is whole."""

import ast
import re

from tests.faults.faults import ORDER
from tests.faults.table import rows
from tests.house.source import ROOT, tree

PAGE = (ROOT / "docs" / "delivery.md").read_text("utf-8")
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_the_tests_that_prove_the_page_exist() -> None:
    proofs = set(PROOF.findall(PAGE))
    assert proofs
    for file, test in proofs:
        assert (ROOT / file).is_file(), f"there is no {file}"
        found = {
            node.name
            for node in ast.walk(tree(ROOT / file))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert test in found, f"{file} has no {test}"


def test_every_line_about_states_and_crashes_names_its_proof() -> None:
    told = PAGE.partition("## What happens under faults")[0]
    lines = [line for line in told.splitlines() if line.startswith("| ") and "proven by" not in line]
    assert lines
    for line in lines:
        assert PROOF.search(line), f"nothing proves: {line}"


def test_the_table_has_every_fault_in_order_and_no_other() -> None:
    assert tuple(rows()) == ORDER
