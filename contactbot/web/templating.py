"""Pages from templates. Every page stands on ``base.html``, and texts that come from outside are always escaped."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from contactbot import markdown
from contactbot.marks import in_words
from contactbot.municipality import Municipality
from contactbot.staff.member import Member, Role
from contactbot.web import dates
from contactbot.web.keys import ASSETS, HOUSE, MEMBER

TEMPLATES: Final = Path(__file__).parent / "templates"
HTMX: Final = '{"includeIndicatorCSS":false,"history":false}'  # the indicator's style would be an inline one

STAFF_READ: Final = "nb"  # the language of the pages that residents do not see


@pass_context
def _shown(context: Context, value: object) -> object:
    """Say in the page's language what masking took out of whatever text a template shows."""
    if not isinstance(value, str) or "•••" not in value:
        return value
    speaking = context.get("speaking")
    shown = in_words(value, STAFF_READ if speaking is None else speaking.words.lang)
    return Markup(shown) if isinstance(value, Markup) else shown  # noqa: S704 - as safe as it was


environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True, finalize=_shown,
)  # fmt: skip


def page(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:  # noqa: ANN401 - a template's own values
    """Return a template as an HTML response.

    Templates are given ``member`` (None when nobody has signed in), ``municipality`` (the member's, else the first),
    ``known`` (False where neither member nor host says whose page it is, so that no name is shown),
    ``settings``, ``path``, ``now``, ``asset(name)``, ``form_key()`` for forms that must not count twice, and
    ``when``, ``due`` and ``day`` for times in the municipality's zone.
    """
    return web.Response(
        text=render(request, template, **values), status=status, content_type="text/html", charset="utf-8"
    )


def render(request: web.Request, template: str, **values: Any) -> str:  # noqa: ANN401 - a template's own values
    """Return a template as text, with the same values as ``page``."""
    house = request.app[HOUSE]
    member = request.get(MEMBER)
    municipality = municipality_of(request, member)
    now = house.clock()
    common = {
        "member": member,
        "municipality": municipality,
        "known": member is not None or municipality_at(request) is not None,
        "settings": house.settings,
        "path": request.path,
        "query": request.query,
        "now": now,
        "Role": Role,
        "htmx_settings": HTMX,
        "asset": request.app[ASSETS].address,
        "form_key": form_key,
        "when": lambda at: _when(at, now, municipality),
        "due": lambda at: dates.due(at, now, municipality.zone),
        "exact": lambda at: dates.exact(at, municipality.zone),
        "clock": lambda at: at.astimezone(municipality.zone).strftime("%H.%M"),
        "local_day": lambda at: at.astimezone(municipality.zone).date(),
        "day": lambda then: dates.day(then, now.astimezone(municipality.zone).date()),
    }
    return environment.get_template(template).render(common | values)


def form_key() -> str:
    """Return a key for one form: whatever is sent twice with it is done once."""
    return secrets.token_urlsafe(12)


def municipality_of(request: web.Request, member: Member | None) -> Municipality:
    """Return whose page it is: the member's municipality, or for everybody else the one whose host was asked.

    Where the host says nothing it is the first that is configured.
    """
    if member is not None:
        return request.app[HOUSE].municipalities[member.municipality]
    return municipality_at(request) or next(iter(request.app[HOUSE].municipalities.values()))


def municipality_at(request: web.Request) -> Municipality | None:
    """Return the municipality with the host that was asked, else the first that names no host; None without either."""
    house = request.app[HOUSE]
    host = request.host.partition(":")[0].lower()
    described = house.settings.municipalities
    hosts = {described[key].host.lower(): town for key, town in reversed(list(house.municipalities.items()))}
    return hosts.get(host) or hosts.get("")


def _when(at: datetime, now: datetime, municipality: Municipality) -> Markup:
    """Return a ``time`` element: relative to read, exact on hover and for machines."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), dates.exact(at, municipality.zone), dates.relative(at, now, municipality.zone)
    )


def _begun(text: str) -> str:
    """Begin a sentence with it: a name further on keeps its capital, which the library's own filter takes."""
    return text[:1].upper() + text[1:]


def _markdown(text: str) -> Markup:
    """Return the small Markdown of answers as HTML; its renderer lets no markup of the author's through."""
    return Markup(markdown.to_html(text))  # noqa: S704 - see the docstring


environment.filters["markdown"] = _markdown
environment.filters["begun"] = _begun
