"""The static files: read once, named by their content so that browsers may keep them, packed where one takes that."""

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
ROOT = "/static"
KEEP = "public, max-age=31536000, immutable"  # for an address that names the content
ASK = "no-cache"
SERVED = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to be given; ``version`` changes with its content."""

    media_type: str
    content: bytes
    packed: bytes
    version: str


class Assets:
    """All static files below one folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = _read(folder)

    def address(self, name: str) -> str:
        """Return the address of a file, such as ``house.css`` or ``vendor/htmx.js``. Raises KeyError."""
        return f"{ROOT}/{name}?v={self._files[name].version}"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the one route."""
        return [web.get(f"{ROOT}/{{name:.+}}", self.give)]

    async def give(self, request: web.Request) -> web.Response:
        """Give a file; not again when the browser has it."""
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        headers = {
            "Cache-Control": KEEP if request.query.get("v") == found.version else ASK,
            "Content-Type": f"{found.media_type}; charset=utf-8",
            "ETag": f'"{found.version}"',
            "Vary": "Accept-Encoding",
        }
        if found.version in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=found.packed, headers=headers | {"Content-Encoding": "gzip"})
        return web.Response(body=found.content, headers=headers)


def _read(folder: Path) -> Mapping[str, Asset]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in SERVED)
    return {path.relative_to(folder).as_posix(): _asset(path) for path in files}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:16]
    return Asset(SERVED[path.suffix], content, gzip.compress(content, mtime=0), version)
