"""What our own relay found out about the sender: Authentication-Results (RFC 8601). Pure.

Only fields that carry our relay's own name are believed; the relay removes such fields from what comes from outside
(RFC 8601, section 5), which ``contactbot check`` cannot see and the documentation asks for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contactbot.channels.email.parse import Mail

_RESULT = re.compile(r"\s*([a-z-]{2,20})\s*=\s*([a-z]{2,20})")
# Where each method names the domain that it proved (RFC 8601, section 2.7, and RFC 7489, section 11.1).
_PROVEN: Final = {
    "dmarc": re.compile(r"\sheader\.from\s*=\s*(\S{1,600})"),
    "dkim": re.compile(r"\sheader\.[di]\s*=\s*(\S{1,600})"),
    "spf": re.compile(r"\ssmtp\.mailfrom\s*=\s*(\S{1,600})"),
}
_LONGEST = 10_000  # characters of a field
_HARMLESS_IN_QUOTES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_@+")


@dataclass(frozen=True, slots=True)
class _Result:
    """One result: ``domain`` is what the method proved, or "" where the field does not say."""

    method: str
    outcome: str
    domain: str


def authenticated(mail: Mail, authserv_ids: Sequence[str]) -> bool | None:
    """Say whether the From address is proven: DMARC passed, or else DKIM or SPF passed for its domain.

    None where no field of our own relay is there, so that nothing can be told. A mail that names no sender, or several,
    proves nobody.
    """
    if not mail.senders:
        return False
    results = [
        result for field in mail.fields.all("authentication-results") for result in _results(field, authserv_ids)
    ]
    if not results:
        return None
    if mail.senders != 1:
        return False
    domain = mail.sender.address.rpartition("@")[2]
    dmarc = next((result for result in results if result.method == "dmarc"), None)
    if dmarc is not None and dmarc.outcome in ("pass", "fail"):
        # Relays read a crooked From in ways of their own: what they proved must be whom we read there.
        return dmarc.outcome == "pass" and (not dmarc.domain or _is_aligned(dmarc.domain, domain))
    # No policy, or none that can be read (none, temperror, Exchange's bestguesspass): what lies under it counts.
    return any(
        result.method in ("dkim", "spf") and result.outcome == "pass" and _is_aligned(result.domain, domain)
        for result in results
    )


def _results(field: str, authserv_ids: Sequence[str]) -> list[_Result]:
    """Return the results in a field of ours; nothing of anybody else's."""
    server, *statements = _statements(field[:_LONGEST].lower())
    if "=" in server:  # Exchange Online leaves its name out
        server, statements = "", [server, *statements]
    if (server.split() or [""])[0] not in {name.lower() for name in authserv_ids}:
        return []
    found = [_result(said[1], said[2], text) for text in statements if (said := _RESULT.match(text))]
    return found or [_Result("none", "none", "")]


def _statements(field: str) -> list[str]:
    """Split at semicolons, leaving out comments and what has a meaning within quotes: senders choose those words."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for char in field:
        if escaped or char == "\\":
            escaped = not escaped
        elif char == '"' and not depth:
            quoted = not quoted
        elif quoted:
            kept.append(char if char in _HARMLESS_IN_QUOTES else "")
        elif char in "()":
            depth = max(depth + (1 if char == "(" else -1), 0)
            kept.append(" ")
        elif not depth:
            kept.append(char)
    return "".join(kept).split(";")


def _result(method: str, outcome: str, statement: str) -> _Result:
    named = _PROVEN[method].search(statement) if method in _PROVEN else None
    return _Result(method, outcome, named[1].rpartition("@")[2].rstrip(".") if named else "")


def _is_aligned(proven: str, domain: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1): the same domain, or one within the other."""
    proven, domain = _in_ascii(proven), _in_ascii(domain)
    return bool(proven and domain) and (
        proven == domain or (proven.endswith("." + domain)) or (domain.endswith("." + proven) and "." in proven)
    )


def _in_ascii(domain: str) -> str:
    """Return a domain as DNS has it (RFC 5890): relays write blå.example in either form."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain
