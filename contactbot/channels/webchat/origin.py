"""Who may talk to the chat, and what our pages may do. Browsers tell the truth about Origin; nobody gains by lying."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

Networks = Sequence[IPv4Network | IPv6Network]


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL, as browsers write them (RFC 6454 §6.2)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def allowed(origin: str | None, host: str, known: Sequence[str]) -> bool:
    """Say whether an Origin is ours: one of ``known``, or the very host that was asked (this server's second name)."""
    if not origin:
        return False
    return origin.lower() in known or urlsplit(origin).netloc.lower() == host.lower()


def may_post(headers: Mapping[str, str], host: str, known: Sequence[str]) -> bool:
    """Say whether a request comes from a page of ours. Text browsers send neither header, and no page misleads them."""
    origin = headers.get("Origin")
    if origin is not None:
        return allowed(origin, host, known)
    return headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


def caller(remote: str | None, forwarded: str, proxies: Networks) -> str:
    """Return the network address to count by: the last hop that is no trusted proxy; of IPv6 the /64, one household."""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    address = remote or ""
    while hops and _within(address, proxies):
        address = hops.pop()
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    return str(parsed) if isinstance(parsed, IPv4Address) else str(IPv6Network((parsed, 64), strict=False))


def _within(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in networks)


def page_headers(public_url: str, ancestors: Sequence[str]) -> dict[str, str]:
    """Return the headers of a chat page: nothing foreign, nothing inline, framed only by ``ancestors``.

    ``Referrer-Policy: same-origin`` and not ``no-referrer``: with the latter browsers send ``Origin: null`` from
    our own forms (Fetch standard, "append a request Origin header").
    """
    socket = origin_of(public_url).replace("http", "ws", 1)
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"'self' {socket}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(ancestors) or "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
