"""The repository as the house's own tests read it."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "contactbot"


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file that is in the repository, or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git of the search path
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return tuple(file for name in listed.split("\0") if name and (file := ROOT / name).is_file())


def modules(folder: Path = PACKAGE) -> tuple[Path, ...]:
    """Return the Python files below a folder of the repository."""
    return tuple(file for file in tracked() if file.suffix == ".py" and file.is_relative_to(folder))


@cache
def tree(file: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(file.read_text("utf-8"), str(file))


def place(file: Path, line: int = 0) -> str:
    """Return where something is, as an editor opens it."""
    return f"{file.relative_to(ROOT)}:{line}" if line else str(file.relative_to(ROOT))


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of every string constant that is no docstring; the pieces of an f-string are joined."""
    docstrings = {id(node.value) for node in ast.walk(tree(file)) if isinstance(node, ast.Expr)}
    inside = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.JoinedStr):
            pieces = [part for part in node.values if isinstance(part, ast.Constant)]
            inside |= {id(part) for part in pieces}
            yield node.lineno, "".join(str(part.value) for part in pieces)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings | inside:
            yield node.lineno, node.value
