"""Real parts that tests start and references they compare with; what is not there is reported loudly, last."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

MISSING: dict[str, str] = {}
REFERENCES = Path(__file__).parents[2] / "shared"


def program(name: str, package: str) -> str:
    """Return the path of an installed program, or end the test as ``missing`` does."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return path or missing(name, f"apt-get install {package} (make test does it, as root on Debian)")


def missing(part: str, remedy: str) -> NoReturn:
    """Fail in CI; elsewhere leave the test out and name the part at the end of the run."""
    if os.environ.get("CI"):
        MISSING[part] = remedy
        pytest.fail(f"{part} is missing, and in CI every real part must be there: {remedy}")
    _leave_out(part, remedy)


def reference(path: str) -> Path:
    """Return material that lies beside the project, such as other programs' mails; without it, leave the test out.

    It is not ours to publish and nothing installs it, so its absence is said loudly but fails nowhere.
    """
    found = REFERENCES / path
    if not found.exists():
        _leave_out(f"../shared/{path}", "lay it there to compare with it too")
    return found


def _leave_out(part: str, remedy: str) -> NoReturn:
    MISSING[part] = remedy
    pytest.skip(f"{part} is missing: {remedy}")
