"""What the house is built on is declared, pinned with hashes, and fetched from wherever the machine is told to."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from hatch_build import COPIED, MADE, NODE, NOTICE, VENDOR, is_current
from tests.house.source import PACKAGE, ROOT, modules, place, tree

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))
PINNED = re.compile(r"^([a-z0-9.-]+)==([^\s;]+)", re.MULTILINE)
# A dependency of these is imported by its own name, and comes with them for as long as they are.
BROUGHT = {
    "markupsafe": "jinja2",
    "multidict": "aiohttp",
    "pydantic": "pydantic-settings",
    "requests": "twilio",
    "yarl": "aiohttp",
}


def _pins(lock: Path) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PINNED.findall(lock.read_text("utf-8"))}


def _declared(lines: list[str]) -> list[Requirement]:
    return [Requirement(line) for line in lines]


RUNTIME = _declared(PROJECT["project"]["dependencies"])
POSTGRES = _declared(PROJECT["project"]["optional-dependencies"]["postgres"])
DEV = _declared([line for line in PROJECT["dependency-groups"]["dev"] if isinstance(line, str)])


@pytest.mark.parametrize(
    ("lock", "declared"),
    [
        ("requirements.lock", RUNTIME),
        ("requirements-dev.lock", RUNTIME + POSTGRES + DEV),
        ("requirements-build.lock", _declared(PROJECT["build-system"]["requires"])),
        ("requirements-node.lock", _declared([NODE, *PROJECT["dependency-groups"]["node"]])),
    ],
)
def test_a_lock_holds_what_is_declared(lock: str, declared: list[Requirement]) -> None:
    pins = _pins(ROOT / lock)
    wrong = [str(one) for one in declared if pins.get(canonicalize_name(one.name), "") not in one.specifier]
    assert wrong == [], "run 'make lock'"


def test_the_locks_agree() -> None:
    dev = _pins(ROOT / "requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert {name: dev.get(name) for name in _pins(ROOT / lock)} == _pins(ROOT / lock)


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_every_pin_has_its_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    for name, _ in PINNED.findall(text):
        assert re.search(rf"^{re.escape(name)}==.*\\\n    --hash=sha256:[0-9a-f]{{64}}", text, re.MULTILINE), name


def test_every_import_is_declared() -> None:
    """What is imported but not declared works only until somebody else stops needing it."""
    declared = {canonicalize_name(one.name) for one in RUNTIME + POSTGRES}
    owners = packages_distributions()
    undeclared = set()
    for file in modules(PACKAGE):
        for name in _imported(tree(file)) - set(sys.stdlib_module_names) - {"contactbot"}:
            owner = canonicalize_name(next(iter(owners.get(name, [name]))))
            if owner not in declared and canonicalize_name(BROUGHT.get(owner, "")) not in declared:
                undeclared.add(f"{place(file)}: {owner}")
    assert undeclared == set()


@pytest.mark.parametrize(("brought", "by"), BROUGHT.items())
def test_what_another_brings_is_still_brought(brought: str, by: str) -> None:
    assert brought in {canonicalize_name(Requirement(line).name) for line in requires(by) or []}


def test_every_declared_dependency_is_imported() -> None:
    owners = packages_distributions()
    imported = {
        canonicalize_name(owner)
        for file in modules(PACKAGE)
        for name in _imported(tree(file))
        for owner in owners.get(name, [])
    }
    by_data = {"tzdata"}  # zoneinfo reads it where the machine has no time zones
    idle = {canonicalize_name(one.name) for one in RUNTIME} - imported - by_data
    assert idle == set()


def test_the_npm_lock_has_hashes_and_no_address() -> None:
    text = (ROOT / "package-lock.json").read_text("utf-8")
    assert "://" not in text
    locked = json.loads(text)["packages"]
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    for path, entry in locked.items():
        if path:
            assert entry["integrity"].startswith("sha512-"), path
            assert entry["license"], path
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_the_pages_use_the_very_versions_of_the_lock() -> None:
    assert is_current(ROOT), "the front-end parts are missing or old: run 'make demo' or 'make test'"
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    made = json.loads((ROOT / VENDOR / MADE).read_text("utf-8"))
    assert made["packages"] == {
        path.removeprefix("node_modules/"): entry["version"] for path, entry in locked.items() if path
    }
    assert {file.name for file in (ROOT / VENDOR).iterdir()} == {*COPIED.values(), MADE, NOTICE}


def test_the_notice_names_every_front_end_part_and_its_licence() -> None:
    notice = (ROOT / VENDOR / NOTICE).read_text("utf-8")
    made = json.loads((ROOT / VENDOR / MADE).read_text("utf-8"))
    for name, version in made["packages"].items():
        assert f"{name} {version} (" in notice


def test_the_notice_names_every_python_library() -> None:
    notice = (ROOT / "THIRD-PARTY.md").read_text("utf-8")
    named = set(re.findall(r"^\| ([A-Za-z0-9._-]+) \|", notice, re.MULTILINE))
    assert {canonicalize_name(name) for name in named} >= {canonicalize_name(one.name) for one in RUNTIME + POSTGRES}


def _imported(module: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).partition(".")[0])
    return names
