"""Small pages that say one thing: why something was not done, or what a link is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contactbot.channels.base import Surroundings
from contactbot.channels.webchat.assets import Assets
from contactbot.channels.webchat.exchange import STATUS, Exchange
from contactbot.channels.webchat.frames import RefusedError
from contactbot.channels.webchat.gate import Gate
from contactbot.channels.webchat.origin import page_headers
from contactbot.channels.webchat.wording import words
from contactbot.wording.words import Words


@dataclass(frozen=True, slots=True)
class Notice:
    """What a small page says; ``button`` is of a form that the page sends to its own address, ``again`` a link."""

    title: str
    text: str = ""
    button: str = ""
    again: str = ""


class NoticePages:
    """Shows small pages."""

    def __init__(self, surroundings: Surroundings, exchange: Exchange, gate: Gate, assets: Assets) -> None:
        self._public_url = surroundings.public_url
        self._base = f"{urlsplit(surroundings.public_url).path}/chat"
        self._exchange = exchange
        self._gate = gate
        self._assets = assets
        self._template = environment().get_template("notice.html")

    def show(self, said: Words, notice: Notice, ancestors: Sequence[str] = (), status: int = 200) -> web.Response:
        """Show a page that only ``ancestors`` may frame."""
        text = self._template.render(
            words=said,
            notice=notice,
            style=f"{self._base}/{self._assets.path('widget.css')}",
            icon=f"{self._base}/{self._assets.path('icon.svg')}",
        )
        headers = page_headers(self._public_url, ancestors)
        return web.Response(text=text, content_type="text/html", status=status, headers=headers)

    def refused(self, request: web.Request, error: RefusedError) -> web.Response:
        """Say why something was not done."""
        said = words(self._gate.language(request))
        again = "" if error.code == "unknown_site" else f"{self._base}/{request.match_info['site']}"
        notice = Notice(self._exchange.sentence(error, said), again=again)
        answer = self.show(said, notice, self._ancestors(request, error), STATUS[error.code])
        if error.retry_after:
            answer.headers["Retry-After"] = str(round(error.retry_after))
        return answer

    def _ancestors(self, request: web.Request, error: RefusedError) -> Sequence[str]:
        if error.code == "unknown_site" or request.query.get("frame") != "1":
            return []
        return ["'self'", *self._gate.caller(request).site.sites]


def environment() -> Environment:
    """Return the templates of the chat's pages."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
