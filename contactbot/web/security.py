"""What every request must pass and every response carries: origin, host, headers, and errors in words.

The rule against forged requests is the one of Go's ``CrossOriginProtection``: browsers say in ``Sec-Fetch-Site`` (Fetch
Metadata, W3C) or ``Origin`` (RFC 6454) whose page sends a request, and need no token for it.
"""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from contactbot.errors import (
    ConflictError,
    ContactbotError,
    NotAllowedError,
    NotFoundError,
    StoreBusyError,
    StoreError,
)
from contactbot.settings import Settings
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.residents import LANGUAGES, Speaking, words
from contactbot.web.templating import municipality_of, page

log = structlog.get_logger()

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# Webhooks are signed, and the web chat checks by its own list of sites: both answer for themselves, errors included.
ON_THEIR_OWN: Final = ("/channels/", "/chat/")
STAFF_ONLY: Final = ("/desk", "/kb", "/privacy", "/raw", "/sign-in", "/sign-out")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'"
    "; img-src 'self' data:"  # Designsystemet draws its marks as data: images
    "; frame-src 'self'"  # the web chat's frame on the public page
    "; frame-ancestors 'none'; base-uri 'none'"
)
SANDBOX: Final = "default-src 'none'; sandbox"  # for what residents sent: it is kept, and never run
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # Not ``no-referrer``: browsers would send ``Origin: null`` from our own forms (Fetch, "append a request Origin").
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS: Final = "max-age=31536000"  # seconds, a year (RFC 6797)

WORDED: Final = (403, 404, 405, 409, 413, 500, 503)  # statuses that the pages' languages have words for
FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
RETRY_AFTER: Final = "5"  # seconds, with 503


def install(app: web.Application) -> None:
    """Put the headers on every response of the application."""
    app.on_response_prepare.append(_complete)


async def _complete(request: web.Request, response: web.StreamResponse) -> None:
    """Add what a handler has not said itself."""
    headers = response.headers
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = POLICY
        headers["X-Frame-Options"] = "DENY"
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if not request.path.startswith(ON_THEIR_OWN):  # other sites may show the web chat
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if is_staff_only(request.path):
        headers.setdefault("Cache-Control", "no-store")
    if is_secure(request.app[HOUSE].settings):
        headers["Strict-Transport-Security"] = HSTS


@web.middleware
async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors with a page that says what happened and what to do."""
    if request.path.startswith(ON_THEIR_OWN):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 - the first of the error statuses
            raise
        return error_page(request, error.status, allow=error.headers.get("Allow", ""))
    except ContactbotError as error:
        return error_page(request, _status(error), text=await _written(request))
    except Exception:
        log.exception("a page failed", method=request.method, route=_route(request))
        return error_page(request, 500)


@web.middleware
async def own_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep the pages of staff to the address they have, when it is another than the residents'."""
    settings = request.app[HOUSE].settings
    if is_staff_only(request.path) and _lives_elsewhere(settings, request.host):
        raise web.HTTPNotFound
    return await handler(request)


@web.middleware
async def own_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site's page makes a browser send."""
    if request.method in SAFE_METHODS or request.path.startswith(ON_THEIR_OWN):
        return await handler(request)
    if not is_own(request):
        log.warning("a request from another site was refused", method=request.method, route=_route(request))
        raise web.HTTPForbidden
    return await handler(request)


def is_own(request: web.Request) -> bool:
    """Say whether one of our pages, or no page at all, sends the request.

    A request with neither header comes from no browser (all send ``Origin`` with a POST since 2020), so has no cookies.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is None or is_own_origin(request, origin)


def is_own_origin(request: web.Request, origin: str) -> bool:
    """Say whether an Origin is this very host, or one that the configuration names as ours."""
    settings = request.app[HOUSE].settings
    ours = {urlsplit(url).netloc for url in (settings.public_url, settings.desk_url) if url}
    return urlsplit(origin).netloc.lower() in {request.host.lower(), *(host.lower() for host in ours)}


def client_address(request: web.Request) -> str:
    """Return the network address that asks: behind trusted proxies the last hop they name that is none of them."""
    proxies = [ip_network(one, strict=False) for one in request.app[HOUSE].settings.trusted_proxies]
    hops = [hop.strip() for hop in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if hop.strip()]
    address = request.remote or ""
    while hops and _is_within(address, proxies):
        address = hops.pop()
    return address[:64]


def is_staff_only(path: str) -> bool:
    """Say whether a path belongs to the pages of staff."""
    return any(path == root or path.startswith(f"{root}/") for root in STAFF_ONLY)


def is_secure(settings: Settings) -> bool:
    """Say whether staff reach their pages over TLS."""
    return (settings.desk_url or settings.public_url).startswith("https://")


def error_page(request: web.Request, status: int, *, allow: str = "", text: str = "") -> web.Response:
    """Return the page for an error status; statuses without words of their own get those of their class.

    Residents read them in the language that the address asks for, else in the municipality's; staff read bokmål.

    ``text`` is what somebody had written in a form that could not be taken: it is given back.
    """
    worded = status if status in WORDED else 500 if status >= 500 else 404  # noqa: PLR2004 - the class of server errors
    speaking = Speaking(request, municipality_of(request, None))
    for_staff = request.get(MEMBER) is not None or is_staff_only(request.path)
    said = words(LANGUAGES[0]) if for_staff else speaking.words
    response = page(
        request, "error.html", status=status, t=said, speaking=speaking, kept=text,
        heading=said[f"error_{worded}"], why=said[f"error_{worded}_why"],
    )  # fmt: skip
    if status == 503:  # noqa: PLR2004 - RFC 9110 §15.6.4
        response.headers["Retry-After"] = RETRY_AFTER
    if allow:
        response.headers["Allow"] = allow
    return response


async def _written(request: web.Request) -> str:
    """Return the text of the form that was sent, "" when there is none."""
    if request.content_type not in FORMS:
        return ""
    form = await request.post()
    return str(form.get("text", ""))


def _status(error: ContactbotError) -> int:
    kinds: tuple[tuple[type[ContactbotError], int], ...] = (
        (NotFoundError, 404), (NotAllowedError, 403), (ConflictError, 409), (StoreBusyError, 503), (StoreError, 500),
    )  # fmt: skip
    status = next((status for kind, status in kinds if isinstance(error, kind)), 500)
    if status >= 500:  # noqa: PLR2004 - the class of server errors
        log.error("a page could not be given", error=str(error), kind=type(error).__name__)
    return status


def _lives_elsewhere(settings: Settings, host: str) -> bool:
    if not settings.desk_url:
        return False
    desk, public = urlsplit(settings.desk_url).netloc.lower(), urlsplit(settings.public_url).netloc.lower()
    return desk != public and host.lower() != desk


def _is_within(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in networks)


def _route(request: web.Request) -> str:
    """Return the route's pattern: unlike the path it holds nothing of a resident."""
    resource = request.match_info.route.resource
    return "" if resource is None else resource.canonical
