"""What is in the repository belongs there, and works on any machine."""

import re
from pathlib import Path

import pytest

from tests.house.source import ROOT, place, tracked

OWN = Path(__file__)
TEXT = {".py", ".toml", ".md", ".json", ".lock", ".html", ".js", ".css", ".mako", ".cfg", ".sh", ""}
REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|npmjs\.com/package|proxy\.golang\.org"
)
# A folder of one person's machine. Folders every Debian has (/usr, /etc, /var, /tmp, /opt/contactbot) may be named.
MACHINES = re.compile(r"(?<![\w.])/(root|home/(?!contactbot)\w+|Users|work|farm|mnt)/(?!\.\.\.)\w")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|@pytest\.mark\.(skip|xfail)\b")
LARGEST = 1_000_000  # bytes


def _texts() -> list[tuple[Path, str]]:
    return [
        (file, file.read_text("utf-8", errors="replace")) for file in tracked() if file.suffix in TEXT and file != OWN
    ]


@pytest.mark.parametrize("what", [REGISTRIES, MACHINES, UNFINISHED], ids=["registries", "machines", "unfinished"])
def test_nothing_names(what: re.Pattern[str]) -> None:
    found = [
        f"{place(file, text.count(chr(10), 0, hit.start()) + 1)}: {hit.group()}"
        for file, text in _texts()
        for hit in what.finditer(text)
    ]
    assert found == []


def test_nothing_built_or_large_is_kept() -> None:
    kept = [place(file) for file in tracked() if file.stat().st_size > LARGEST or "node_modules" in file.parts]
    assert kept == []
    assert not [place(file) for file in tracked() if "vendor" in file.relative_to(ROOT).parts]


def test_every_file_of_python_says_what_it_is_for() -> None:
    empty = [
        place(file) for file in tracked() if file.suffix == ".py" and not file.read_text("utf-8").startswith('"""')
    ]
    assert empty == []


def test_the_commands_that_the_readme_names_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [file for file in tracked() if file.suffix == ".md"]
    named = {
        (place(page), target)
        for page in pages
        for target in re.findall(r"(?:^|`|\$ )make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {target for _, target in named} >= {"demo", "test"}
    assert {(page, target) for page, target in named if target not in targets} == set()


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{place(page)}: {target}"
        for page in tracked()
        if page.suffix == ".md"
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
