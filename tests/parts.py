"""Real parts that tests start: a missing one fails the run in CI and is reported loudly anywhere else."""

import os
import shutil
from typing import NoReturn

import pytest

MISSING: dict[str, str] = {}


def program(name: str, package: str) -> str:
    """Return the path of an installed program, or end the test as ``missing`` does."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return path or missing(name, f"apt-get install {package} (make test does it, as root on Debian)")


def missing(part: str, remedy: str) -> NoReturn:
    """Fail in CI; elsewhere leave the test out and name the part at the end of the run."""
    MISSING[part] = remedy
    if os.environ.get("CI"):
        pytest.fail(f"{part} is missing, and in CI every real part must be there: {remedy}")
    pytest.skip(f"{part} is missing: {remedy}")
