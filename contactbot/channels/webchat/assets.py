"""Script, style and pictures of the chat, held in memory, named by their content so that browsers may keep them."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from contactbot.channels.base import Surroundings
from contactbot.channels.webchat.settings import Site, WebchatSettings
from contactbot.channels.webchat.theme import light_palette, stylesheet

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_KEEP = "public, max-age=31536000, immutable"  # a year: the address changes with the content
_ASK = "public, max-age=600"  # ten minutes: addresses that stand in other people's pages
PICTURES = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as browsers get it. ``version`` is a digest of its content."""

    media_type: str
    content: bytes
    packed: bytes
    version: str

    def answer(self, request: web.Request, policy: str = "default-src 'none'; sandbox") -> web.Response:
        """Give the file, packed where the browser takes that; not again when the browser has it."""
        headers = {
            "Content-Type": self.media_type,
            "Cache-Control": _KEEP if request.query.get("v") == self.version else _ASK,
            "Content-Security-Policy": policy,
            "Cross-Origin-Resource-Policy": "cross-origin",
            "ETag": f'"{self.version}"',
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if self.version in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self.packed, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=self.content, headers=headers)


def asset(content: bytes, suffix: str) -> Asset:
    """Prepare one file."""
    content = _lean(content) if suffix == ".js" else content
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(_TYPES[suffix], content, gzip.compress(content, mtime=0), digest)


def _lean(script: bytes) -> bytes:
    """Leave out indentation and the lines that are only comments: they are for us, not for residents' telephones."""
    lines = (line.strip() for line in script.splitlines())
    return b"\n".join(line for line in lines if line and not line.startswith(b"//"))


class Assets:
    """The files every chat shares, and each chat's own colours and crest."""

    def __init__(self, settings: WebchatSettings, surroundings: Surroundings) -> None:
        self._shared = {
            path.name: asset(path.read_bytes(), path.suffix)
            for path in sorted(_FOLDER.iterdir())
            if path.name != "embed.js"
        }
        self.embed = asset(_embed(settings.accounts, surroundings), ".js")
        self._themes = {site.site: asset(_theme(site), ".css") for site in settings.accounts}
        self._crests = {site.site: crest for site in settings.accounts if (crest := _crest(site)) is not None}

    def path(self, name: str) -> str:
        """Return the address of a shared file below /chat."""
        return f"static/{name}?v={self._shared[name].version}"

    def theme_path(self, site: str) -> str:
        """Return the address of a chat's colours below /chat."""
        return f"{site}/theme.css?v={self._themes[site].version}"

    def crest_path(self, site: str) -> str | None:
        """Return the address of a chat's crest below /chat, None when it has none."""
        crest = self._crests.get(site)
        return None if crest is None else f"{site}/crest?v={crest.version}"

    async def shared(self, request: web.Request) -> web.Response:
        """Give a shared file."""
        return _give(self._shared, request.match_info["name"], request)

    async def theme(self, request: web.Request) -> web.Response:
        """Give a chat's colours."""
        return _give(self._themes, request.match_info["site"], request)

    async def crest(self, request: web.Request) -> web.Response:
        """Give a chat's crest."""
        return _give(self._crests, request.match_info["site"], request)

    async def script(self, request: web.Request) -> web.Response:
        """Give the script that other web sites embed."""
        return self.embed.answer(request)


def _give(assets: Mapping[str, Asset], name: str, request: web.Request) -> web.Response:
    found = assets.get(name)
    if found is None:
        raise web.HTTPNotFound
    return found.answer(request)


def _embed(sites: Iterable[Site], surroundings: Surroundings) -> bytes:
    """Write each chat's name and colours into the script, so that the launcher needs no second request."""
    table = {site.site: [display_name(site, surroundings), *_launcher(site)] for site in sites}
    text = (_FOLDER / "embed.js").read_text("utf-8")
    return text.replace("/*SITES*/ {}", json.dumps(table, separators=(",", ":"))).encode()


def _launcher(site: Site) -> tuple[str, str]:
    palette = light_palette(site.brand, site.accent or site.brand)
    return palette["accent"], palette["on-accent"]


def _theme(site: Site) -> bytes:
    return stylesheet(site.brand, site.accent or site.brand).encode()


def _crest(site: Site) -> Asset | None:
    if site.crest is None or site.crest.suffix not in PICTURES or not site.crest.is_file():
        return None
    return asset(site.crest.read_bytes(), site.crest.suffix)


def display_name(site: Site, surroundings: Surroundings) -> str:
    """Return the name in the header."""
    return site.title or surroundings.municipality_names.get(site.municipality, site.site)
