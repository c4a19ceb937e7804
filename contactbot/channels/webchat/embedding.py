"""Whether another web site's page lets the chat in: its policies and what else stands in the way. Pure.

What is not a browser's own view stays unseen: a policy that a proxy adds for some visitors only, a blocker's list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import SplitResult, urlsplit

from contactbot.channels.base import Finding
from contactbot.channels.webchat.origin import origin_of

Policy = Mapping[str, Sequence[str]]
# Where a browser looks for what a directive allows, first found counts (CSP 3 §6.8.3).
FALLBACK: Final = {
    "script-src": ("script-src-elem", "script-src", "default-src"),
    "frame-src": ("frame-src", "child-src", "default-src"),
}
_PORTS: Final = {"http": 80, "https": 443}
_TRUSTED: Final = re.compile(r"'(nonce-|sha(256|384|512)-)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ForeignPage:
    """A page as it was fetched: its address at last, the headers that matter, its HTML."""

    url: str
    policies: Sequence[str]
    html: str
    embedder_policy: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat that shall be embedded: where it lives, and the origins that may embed it, by site key."""

    public_url: str
    sites: Mapping[str, Sequence[str]]


def findings(page: ForeignPage, chat: Chat) -> list[Finding]:
    """Tell what keeps the chat out of a page, each with the words to add; and that a link works in any case."""
    found = [*_origins(page, chat), *_transport(page, chat), *_policies(page, chat), *_tag(page, chat)]
    if all(finding.level == "ok" for finding in found):
        found.append(Finding("ok", f"{page.url} may embed the chat"))
    links = " or ".join(f"{chat.public_url}/chat/{site}" for site in chat.sites)
    return [*found, Finding("ok", f"a plain link to {links} works on any page, whatever its policy")]


def _origins(page: ForeignPage, chat: Chat) -> Iterator[Finding]:
    origin = origin_of(page.url)
    listed = [site for site, origins in chat.sites.items() if origin in origins]
    if not listed and origin != origin_of(chat.public_url):
        yield Finding(
            "error",
            f'no chat may be embedded by {origin}: add "{origin}" to `sites` in [[channels.webchat.accounts]]',
        )


def _transport(page: ForeignPage, chat: Chat) -> Iterator[Finding]:
    ours = origin_of(chat.public_url)
    if page.url.startswith("https:") and ours.startswith("http:"):
        yield Finding(
            "error", f"the page is https and the chat is not: browsers refuse {ours} inside it; put TLS in front"
        )
    if page.embedder_policy.lower() in ("require-corp", "credentialless"):
        yield Finding(
            "error",
            f"the page sends Cross-Origin-Embedder-Policy: {page.embedder_policy}, which keeps out frames that do"
            " not send it too: leave it out on the pages with the chat",
        )


def _policies(page: ForeignPage, chat: Chat) -> Iterator[Finding]:
    ours = origin_of(chat.public_url)
    wanted = {"script-src": f"{chat.public_url}/chat/embed.js", "frame-src": f"{chat.public_url}/chat/"}
    for policy in map(parse, (*page.policies, *_meta(page.html))):
        for directive, url in wanted.items():
            yield from _directive(policy, directive, url, page.url, ours)
        if "sandbox" in policy and not {"allow-scripts", "allow-same-origin"} <= set(policy["sandbox"]):
            yield Finding("error", "the page's policy has `sandbox` without allow-scripts and allow-same-origin")


def _directive(policy: Policy, directive: str, url: str, page: str, ours: str) -> Iterator[Finding]:
    named = next((name for name in FALLBACK[directive] if name in policy), None)
    if named is None:
        return
    if directive == "script-src" and "'strict-dynamic'" in policy[named]:
        yield Finding(
            "warning", f"{named} has 'strict-dynamic', so no address counts: the script tag must bear its nonce"
        )
        return
    if any(_matches(source, url, page) for source in policy[named]):
        return
    if directive == "script-src" and any(_TRUSTED.match(source) for source in policy[named]):
        yield Finding(
            "warning",
            f"{named} does not name {ours}: the script tag must bear the page's nonce, or add {ours} to {named}",
        )
        return
    kept = " ".join(source for source in policy[named] if source != "'none'")
    target = named if named != "default-src" else directive
    yield Finding("error", f"the policy keeps out {url}: write `{target} {f'{kept} ' if kept else ''}{ours}`")


def _tag(page: ForeignPage, chat: Chat) -> Iterator[Finding]:
    reader = _Reader()
    reader.feed(page.html)
    if not reader.sites:
        yield Finding("ok", "the page has no script tag of the chat yet (one that a script adds is not seen from here)")
    for site in reader.sites:
        if site not in chat.sites:
            known = ", ".join(chat.sites)
            yield Finding("error", f'the script tag says data-site="{site}", and the chats are called {known}')


def _meta(html: str) -> Sequence[str]:
    reader = _Reader()
    reader.feed(html)
    return reader.policies


def parse(text: str) -> Policy:
    """Read one policy (CSP 3 §2.2.1): of a directive said twice the first counts; names in any case."""
    policy: dict[str, Sequence[str]] = {}
    for part in text.split(";"):
        name, *values = part.split() or [""]
        if name:
            policy.setdefault(name.lower(), values)
    return policy


def _matches(source: str, url: str, page: str) -> bool:
    """Say whether a source expression lets a URL in (CSP 3 §6.7.2.7, without paths that end in the middle)."""
    wanted, low = urlsplit(url), source.lower()
    if low == "'self'":
        return origin_of(url) == origin_of(page)
    if low == "*":
        return wanted.scheme in ("http", "https")
    if low.endswith(":") and "/" not in low:
        return _scheme(low[:-1], wanted.scheme)
    if low.startswith("'"):
        return False
    said = urlsplit(low if "://" in low else f"{urlsplit(page).scheme}://{low}")
    path = urlsplit(source if "://" in source else f"//{source}").path
    return _scheme(said.scheme, wanted.scheme) and _host(said, wanted) and _path(path, wanted.path)


def _scheme(said: str, wanted: str) -> bool:
    return said == wanted or (said == "http" and wanted == "https")


def _host(said: SplitResult, wanted: SplitResult) -> bool:
    host, _, port = said.netloc.partition(":")
    ours = (wanted.hostname or "").lower()
    fits = ours.endswith(host[1:]) if host.startswith("*.") else ours == host
    usual = _PORTS.get(wanted.scheme)
    return fits and (port == "*" or (int(port) if port.isdecimal() else usual) == (wanted.port or usual))


def _path(said: str, wanted: str) -> bool:
    return said in ("", "/") or (wanted.startswith(said) if said.endswith("/") else wanted == said)


class _Reader(HTMLParser):
    """Finds policies in meta elements, and the chat's script tags."""

    def __init__(self) -> None:
        super().__init__()
        self.policies: list[str] = []
        self.sites: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            self.policies.append(values.get("content", ""))
        if tag == "script" and values.get("src", "").partition("?")[0].endswith("/chat/embed.js"):
            self.sites.append(values.get("data-site", ""))
